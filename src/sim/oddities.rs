//! What a world may be like that nobody built against: each is in force in a part of the seeds of chaos,
//! drawn on its own, so that one more leaves the days of the others as they were.

use super::faults::Faults;
use super::rng::Rng;
use crate::model::{Money, QueueReading, Quote, Span, Text, Time, Work, WorkerSeen};

/// Seeds in which an oddity is in force, of a million.
const SEEDS_PPM: u32 = 250_000;
/// Periods of ten minutes in which one that comes and goes is there, of a million.
const PERIODS_PPM: u32 = 60_000;
/// A text from outside that is far too long.
const LONG: usize = 9 << 10;

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

    /// Whether it holds at `now`, for one that comes and goes.
    fn holds(self, faults: &Faults, rng: &Rng, now: Time) -> bool {
        faults.has(self) && faults.outage(rng, self.name(), PERIODS_PPM, now)
    }
}

/// Whether spot machines are being taken back.
pub(super) fn storms(faults: &Faults, rng: &Rng, now: Time) -> bool {
    Oddity::SpotStorms.holds(faults, rng, now)
}

/// Whether the provider answers that there is nothing, for an hour at a time.
pub(super) fn shows_nothing(faults: &Faults, rng: &Rng, now: Time) -> bool {
    let hour = Span::hours(1).0;
    let began = Time(now.0.div_euclid(hour) * hour);
    now < faults.until && Oddity::BelievedEmptiness.holds(faults, rng, began)
}

/// Whether somebody else makes a machine under a name of ours.
pub(super) fn has_twin(faults: &Faults, rng: &Rng, now: Time) -> bool {
    Oddity::OtherDaemons.holds(faults, rng, now)
}

/// Makes a reading of the queue as odd as its seed wants it.
pub(super) fn distort(reading: &mut QueueReading, faults: &Faults, rng: &Rng, now: Time) {
    let workers = reading.workers.get_or_insert_default();
    if faults.has(Oddity::RenamedWorkers) && now < faults.until {
        for worker in workers.iter_mut() {
            worker.instance = renamed(worker);
        }
    }
    if Oddity::SharedWorkerNames.holds(faults, rng, now) {
        for worker in workers.iter_mut().take(3) {
            worker.instance = "node1".into();
        }
    }
    if Oddity::OversizedTexts.holds(faults, rng, now) {
        for (number, worker) in workers.iter_mut().enumerate().filter(|(number, _)| number % 2 == 0)
        {
            worker.worker = format!("{}{number}", "w".repeat(LONG)).into();
        }
    }
    if Oddity::OversizedNumbers.holds(faults, rng, now) {
        let (queued, running) = (u32::MAX, Some(u32::MAX));
        reading.work.push(Work { shape: None, queued, running });
        reading.oldest_wait = Some(Span(i64::MAX));
    }
}

/// The same machine in the other ways its host may write it.
fn renamed(worker: &WorkerSeen) -> Text {
    let id = &worker.instance;
    match id.len() % 3 + worker.worker.bytes().map(usize::from).sum::<usize>() % 3 {
        0 => Text::clone(id),
        1 => id.to_uppercase().into(),
        2 => format!("{id}.studio.example").into(),
        _ => format!("{}.", id.to_uppercase()).into(),
    }
}

/// A price as it is told.
pub(super) fn slipped(quote: Quote, faults: &Faults, rng: &Rng, now: Time) -> Quote {
    if !Oddity::PriceSlips.holds(faults, rng, now) {
        return quote;
    }
    let mut slipped = quote;
    slipped.running.amount = Money(quote.running.amount.0 / 100);
    slipped
}

/// What the provider says of a fault, at the length its seed wants.
pub(super) fn told(detail: &str, faults: &Faults, rng: &Rng, now: Time) -> Text {
    if Oddity::OversizedTexts.holds(faults, rng, now) {
        return detail.repeat(LONG / detail.len().max(1)).into();
    }
    detail.into()
}
