//! What a world may be like that nobody built against: each is in force in a part of the seeds of chaos,
//! drawn on its own, so that one more leaves the days of the others as they were.

use super::rng::Rng;

/// Seeds in which an oddity is in force, of a million.
const SEEDS_PPM: u32 = 250_000;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oddity {
    /// Workers are heard before any listing shows their machines.
    EarlyWorkers,
    /// Workers write their machine in capitals, as a full domain name, with a dot at its end.
    RenamedWorkers,
    /// For a while several machines call themselves alike.
    SharedWorkerNames,
    /// For a while all spot machines are taken back again and again.
    SpotStorms,
    /// For an hour the provider answers that there is no machine, with success.
    BelievedEmptiness,
    /// For a while prices are told a hundredth of what they are.
    PriceSlips,
    /// Texts of nine kilobytes from the queue and the cloud.
    OversizedTexts,
    /// Numbers of tasks that no farm has.
    OversizedNumbers,
    /// A crash is followed by an older copy of all that is on disk.
    OlderStores,
    /// Somebody else makes machines under names of this farm.
    OtherDaemons,
    /// The provider takes one call in two seconds.
    SlowApi,
}

impl Oddity {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::EarlyWorkers,
        Self::RenamedWorkers,
        Self::SharedWorkerNames,
        Self::SpotStorms,
        Self::BelievedEmptiness,
        Self::PriceSlips,
        Self::OversizedTexts,
        Self::OversizedNumbers,
        Self::OlderStores,
        Self::OtherDaemons,
        Self::SlowApi,
    ];

    /// As it is shown and asked for.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EarlyWorkers => "early_workers",
            Self::RenamedWorkers => "renamed_workers",
            Self::SharedWorkerNames => "shared_worker_names",
            Self::SpotStorms => "spot_storms",
            Self::BelievedEmptiness => "believed_emptiness",
            Self::PriceSlips => "price_slips",
            Self::OversizedTexts => "oversized_texts",
            Self::OversizedNumbers => "oversized_numbers",
            Self::OlderStores => "older_stores",
            Self::OtherDaemons => "other_daemons",
            Self::SlowApi => "slow_api",
        }
    }

    /// Whether it is in force in the day of a seed.
    pub(super) fn is_in(self, seed: u64) -> bool {
        Rng::new(seed).fork(self.name()).chance(SEEDS_PPM)
    }
}
