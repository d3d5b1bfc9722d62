//! What goes wrong on the way between the daemon and its world, drawn per seed: each seed has a
//! random half of the faults, with weights of its own (swarm testing).

use super::oddities::Oddity;
use super::provider::{Between, Dials};
use super::rng::Rng;
use crate::model::{Span, Time};

/// The dials of one seed. Shares are of a million.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// A request is carried out, its answer is lost.
    pub answer_lost_ppm: u32,
    /// A request is lost before it is carried out, and so is its answer.
    pub request_lost_ppm: u32,
    /// A create is refused as sold out although stock was listed.
    pub sold_out_ppm: u32,
    /// An answer comes after the daemon may have given up.
    pub answer_late_ppm: u32,
    /// An answer comes twice.
    pub answer_twice_ppm: u32,
    /// A request without an answer is carried out up to two minutes later.
    pub carried_late_ppm: u32,
    /// A look fails.
    pub look_fails_ppm: u32,
    /// Periods of ten minutes in which the cloud answers nothing.
    pub cloud_outage_ppm: u32,
    /// Periods of ten minutes in which the queue answers nothing.
    pub queue_outage_ppm: u32,
    /// Periods of ten minutes in which the queue shows no worker and no work.
    pub queue_empty_ppm: u32,
    /// Somebody stops, starts or deletes a machine by hand, per ten minutes.
    pub by_hand_ppm: u32,
    /// The wall clock jumps, per ten minutes.
    pub clock_jump_ppm: u32,
    /// The daemon crashes at a commit or a start.
    pub crash_ppm: u32,
    /// A crash loses the store altogether.
    pub store_lost_ppm: u32,
    /// What the day is like besides.
    pub oddities: Vec<Oddity>,
    /// After this nothing more goes wrong, so that liveness can be judged.
    pub until: Time,
}

/// How long an outage lasts.
pub const OUTAGE: Span = Span::minutes(10);

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self {
            answer_lost_ppm: 0,
            request_lost_ppm: 0,
            sold_out_ppm: 0,
            answer_late_ppm: 0,
            answer_twice_ppm: 0,
            carried_late_ppm: 0,
            look_fails_ppm: 0,
            cloud_outage_ppm: 0,
            queue_outage_ppm: 0,
            queue_empty_ppm: 0,
            by_hand_ppm: 0,
            clock_jump_ppm: 0,
            crash_ppm: 0,
            store_lost_ppm: 0,
            oddities: Vec::new(),
            until: Time::MAX,
        }
    }

    /// The faults of a seed: each is in force in half of the seeds.
    pub fn swarm(seed: u64, until: Time) -> Self {
        let mut rng = Rng::new(seed).fork("faults");
        let mut share = |ppm: u32| if rng.chance(500_000) { ppm } else { 0 };
        Self {
            answer_lost_ppm: share(70_000),
            request_lost_ppm: share(70_000),
            sold_out_ppm: share(100_000),
            answer_late_ppm: share(50_000),
            answer_twice_ppm: share(100_000),
            carried_late_ppm: share(30_000),
            look_fails_ppm: share(50_000),
            cloud_outage_ppm: share(20_000),
            queue_outage_ppm: share(20_000),
            queue_empty_ppm: share(10_000),
            by_hand_ppm: share(20_000),
            clock_jump_ppm: share(10_000),
            crash_ppm: share(10_000),
            store_lost_ppm: share(200_000),
            oddities: Vec::new(),
            until,
        }
    }

    /// With those of these oddities that the seed draws.
    #[must_use]
    pub fn with(mut self, seed: u64, oddities: &[Oddity]) -> Self {
        self.oddities = oddities.iter().copied().filter(|oddity| oddity.is_in(seed)).collect();
        self
    }

    /// Whether the day has this oddity.
    pub fn has(&self, oddity: Oddity) -> bool {
        self.oddities.contains(&oddity)
    }

    /// Whether a period of trouble of this kind holds at `now`.
    pub fn outage(&self, rng: &Rng, label: &str, ppm: u32, now: Time) -> bool {
        let period = u64::try_from(now.0.div_euclid(OUTAGE.0)).unwrap_or(0);
        now < self.until && rng.fork(label).fork_at(period).chance(ppm)
    }
}

/// The cloud of a seed: nasty, with its own half of the nastiness switched off.
pub fn dials(seed: u64, faults: &Faults) -> Dials {
    let mut rng = Rng::new(seed).fork("dials");
    let (nasty, kind) = (Dials::nasty(), Dials::kind());
    let mut dials = nasty.clone();
    // In truth up to a day; here the end must be seen.
    dials.hang = Between::seconds(1200, 10_800);
    if rng.chance(300_000) {
        dials.lag = kind.lag;
    }
    if rng.chance(500_000) {
        dials.event_lost_ppm = kind.event_lost_ppm;
    }
    if rng.chance(500_000) {
        dials.create_fails_ppm = 50_000;
    }
    if rng.chance(500_000) {
        dials.reclaim_ppm = kind.reclaim_ppm;
    }
    if rng.chance(300_000) {
        dials.row_missing_ppm = 5_000;
    }
    if rng.chance(300_000) {
        dials.lag = Between::seconds(60, 120);
    }
    if faults.has(Oddity::EarlyWorkers) {
        dials.lag = Between::seconds(90, 120);
        dials.create = Between::seconds(15, 30);
    }
    dials
}
