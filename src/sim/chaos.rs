//! One simulated day of a small farm, with whatever goes wrong drawn from a seed. Two phases: while
//! things go wrong nothing bad may happen; when they have stopped the work must get done and the
//! farm must come to rest.

use std::cell::RefCell;
use std::rc::Rc;

use super::farm::{Boots, SimFarm};
use super::faults::{self, Faults};
use super::judge::{Bounds, Judge, Violation};
use super::oddities::Oddity;
use super::provider::{Between, Catalog, Provider};
use super::rng::Rng;
use super::store::{Disk, SimStore, Strike};
use super::trace::Job;
use super::world::{Shared, SimWorld};
use crate::driver::{Driver, Ended, Recovered, Unobserved};
use crate::model::{Namer, Span, Time};
use crate::policy::{Policy, Timing};

mod wishes;

/// Where simulated time starts: a Thursday in 2026, 00:00 UTC.
pub const START: Time = Time::from_seconds(1_767_225_600);
/// Faults end after this, and new work a little earlier.
const TROUBLE: Span = Span::hours(18);
/// The run ends after this…
const DAY: Span = Span::hours(26);
/// …but where a day's money is capped, once the farm is at rest, or after so many days.
const CAPPED_DAYS_MAX: i64 = 8;
const CAPPED_DAYS_MIN: Time = Time(START.0 + TROUBLE.0);
/// At the end nothing is changed for so long.
const QUIET: Span = Span::minutes(20);
/// A daemon that has crashed is started again after this.
const RESTART: Span = Span::seconds(1);
/// Lives of the daemon in a run, at most.
const LIVES_MAX: u32 = 400;

/// What is broken on purpose, to show that the judge sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// Nothing.
    None,
    /// Intents are not written to disk.
    NoIntentWrite,
    /// Unknown creates are given up before the listing can show them.
    ShortGrace,
    /// Machines are stopped although their workers have not acknowledged the drain.
    NoDrainAcknowledgement,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// What was broken.
    pub violations: Vec<Violation>,
    /// Equal for equal runs.
    pub trace: u32,
    /// Tasks done.
    pub tasks: u64,
    /// Times the daemon was started.
    pub lives: u32,
    /// Most machines at once.
    pub peak: usize,
    /// Synced commits.
    pub commits: u64,
}

/// Runs one seed with those of these oddities that it draws.
pub fn run(seed: u64, sabotage: Sabotage, oddities: &[Oddity]) -> Run {
    let faults = Faults::swarm(seed, START + TROUBLE).with(seed, oddities);
    day(seed, sabotage, faults, None)
}

/// Runs one seed with a single fault: a crash at the synced commit of this number.
pub fn run_with_crash(seed: u64, commit: u64, strike: Strike) -> Run {
    day(seed, Sabotage::None, Faults::none(), Some((commit, strike)))
}

fn day(seed: u64, sabotage: Sabotage, faults: Faults, crash: Option<(u64, Strike)>) -> Run {
    let mut rng = Rng::new(seed).fork("chaos");
    let policy = wishes::policy(&mut rng, seed, sabotage);
    let jobs = jobs(&mut rng);
    let provider = Provider::new(catalog(&mut rng), faults::dials(seed, &faults), seed);
    let mut boots =
        Boots { never_ppm: if rng.chance(300_000) { 30_000 } else { 0 }, ..Boots::default() };
    if faults.has(Oddity::EarlyWorkers) {
        boots.create = Between::seconds(20, 60);
    }
    let farm = SimFarm::new(provider, boots, jobs, START, seed);
    let judge = Judge::new(bounds(&policy));
    let mut shared = Shared::new(farm, judge, faults, START, &policy.namer.prefix(), seed);
    shared.lying_drain = sabotage == Sabotage::NoDrainAcknowledgement;
    shared.disk.borrow_mut().forgets_intents = sabotage == Sabotage::NoIntentWrite;
    shared.disk.borrow_mut().strike_at = crash;
    let shared = Rc::new(RefCell::new(shared));
    let lives = live(&shared, &policy);
    let mut shared = shared.borrow_mut();
    let now = shared.now();
    let Shared { farm, judge, .. } = &mut *shared;
    let violations = judge.verdict(now, farm, now - QUIET);
    let (tasks, peak) = (farm.queue.done().tasks, farm.peak());
    let commits = shared.disk.borrow().commits;
    Run { seed, violations, trace: shared.trace(), tasks, lives, peak, commits }
}

/// Starts the daemon again and again, until the day is over. Where a day's money is capped the bill is
/// looked at on every midnight, until the work is done.
fn live(shared: &Rc<RefCell<Shared>>, policy: &Policy) -> u32 {
    let mut stops = stops(policy).into_iter();
    let mut stop = move |shared: &mut Shared| {
        let rests = CAPPED_DAYS_MIN < shared.now() && shared.farm.is_at_rest();
        let next = if rests { None } else { stops.next() };
        shared.stop_at(next.unwrap_or(shared.now() + QUIET));
        next.is_some()
    };
    let mut goes_on = stop(&mut shared.borrow_mut());
    for life in 1..LIVES_MAX {
        let disk = Rc::clone(&shared.borrow().disk);
        let recovered = recovered(&disk.borrow(), &policy.namer, life == 1);
        let world = SimWorld::new(Rc::clone(shared));
        let store = SimStore::new(Rc::clone(&disk));
        let mut driver = Driver::new(world, store, Unobserved, policy.clone(), recovered);
        while driver.run() == Ended::Stopped && !disk.borrow().crashed {
            let mut shared = shared.borrow_mut();
            shared.day_ended();
            if !goes_on {
                return life;
            }
            goes_on = stop(&mut shared);
        }
        let mut shared = shared.borrow_mut();
        shared.reborn();
        shared.pass(RESTART);
    }
    LIVES_MAX
}

/// When the run is stopped to be looked at.
fn stops(policy: &Policy) -> Vec<Time> {
    if bounds(policy).daily.is_none() {
        return vec![START + DAY - QUIET];
    }
    let midnight = policy.spending.day_of(START).1;
    (0..CAPPED_DAYS_MAX).map(|day| midnight + Span::days(day)).collect()
}

/// What a daemon that starts now finds on its disk.
pub fn recovered(disk: &Disk, namer: &Namer, first: bool) -> Recovered {
    let memory = disk.recover().unwrap_or_default();
    let store_lost = !first && disk.durable().is_empty();
    let epoch_seen = epoch_seen(disk, namer);
    // A store that is lost and made anew has another salt.
    let random = u64::try_from(epoch_seen).unwrap_or(0);
    Recovered { memory, store_lost, epoch_seen, random }
}

/// The highest epoch among the names of the intents' own log.
fn epoch_seen(disk: &Disk, namer: &Namer) -> i64 {
    let epochs = disk.intents().iter().filter_map(|name| namer.parse(name.as_str()));
    epochs.map(|parts| parts.epoch).max().unwrap_or(0)
}

/// What a run under this policy is held to.
pub fn bounds(policy: &Policy) -> Bounds {
    let limits = &policy.limits;
    let stops = limits.stops_floor.max(limits.max * limits.stops_percent / 100);
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Bounds {
        max: size(limits.max),
        hourly: policy.spending.caps.hour,
        daily: policy.spending.caps.day,
        open_creates: size(limits.open_creates),
        creates: size(policy.pools.iter().map(|pool| pool.surge).sum()),
        stops: size(stops),
        grace: Timing::default().create_grace,
        may_lose_frames: policy.pools.iter().any(|pool| pool.care.may_lose_frames()),
    }
}

/// Bursts of tasks through the day, the last one early enough to be done in time.
fn jobs(rng: &mut Rng) -> Vec<Job> {
    let mut jobs = Vec::new();
    let bursts = rng.range(3, 10);
    for _ in 0..bursts {
        let at = Span::seconds(rng.range(0, TROUBLE.as_seconds() - 7200));
        let typical = rng.range(20, 900);
        for _ in 0..rng.range(1, 25) {
            let duration = Span::seconds(rng.range(typical / 2 + 1, typical * 3 / 2 + 1));
            let submit = at + Span::seconds(rng.range(0, 60));
            jobs.push(Job { submit, duration, gpus: 1, pool: None, label: None });
        }
    }
    jobs.sort_by_key(|job| job.submit);
    jobs
}

/// The standard catalogue with sizes that sell out and return.
fn catalog(rng: &mut Rng) -> Catalog {
    let mut catalog = Catalog::standard();
    let sizes: Vec<_> = catalog.sizes.keys().cloned().collect();
    for what in sizes {
        if rng.chance(400_000) {
            let from = START + Span::seconds(rng.range(0, 40_000));
            let to = from + Span::seconds(rng.range(600, 20_000));
            let change = |at, units| super::provider::StockChange { at, what: what.clone(), units };
            catalog.script.extend([change(from, Some(0)), change(to, Some(20))]);
        }
    }
    catalog.script.sort_by_key(|change| change.at);
    // One account in ten is not whitelisted.
    catalog.free_stop = !rng.fork("whitelist").chance(100_000);
    catalog
}
