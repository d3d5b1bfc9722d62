//! One simulated day of a small farm, with whatever goes wrong drawn from a seed. Two phases: while
//! things go wrong nothing bad may happen; when they have stopped the work must get done and the
//! farm must come to rest.

use std::cell::RefCell;
use std::rc::Rc;

use super::farm::{Boots, SimFarm};
use super::faults::{self, Faults};
use super::judge::{Bounds, Judge, Violation};
use super::provider::{Catalog, Provider};
use super::rng::Rng;
use super::store::{Disk, SimStore, Strike};
use super::trace::Job;
use super::world::{Shared, SimWorld};
use crate::driver::{Driver, Ended, Recovered, Unobserved};
use crate::model::{Billing, Money, Namer, OfferKey, Shape, Span, Time};
use crate::policy::{
    Care, IdleRule, Limits, MoneyCaps, OfferPolicy, Policy, Pool, Promise, Slots, Spending, Tier,
    Timing,
};

/// Where simulated time starts: a Thursday in 2026, 00:00 UTC.
pub const START: Time = Time::from_seconds(1_767_225_600);
/// Faults end after this, and new work a little earlier.
const TROUBLE: Span = Span::hours(18);
/// The run ends after this.
const DAY: Span = Span::hours(24);
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

/// Runs one seed.
pub fn run(seed: u64, sabotage: Sabotage) -> Run {
    day(seed, sabotage, Faults::swarm(seed, START + TROUBLE), None)
}

/// Runs one seed with a single fault: a crash at the synced commit of this number.
pub fn run_with_crash(seed: u64, commit: u64, strike: Strike) -> Run {
    day(seed, Sabotage::None, Faults::none(), Some((commit, strike)))
}

fn day(seed: u64, sabotage: Sabotage, faults: Faults, crash: Option<(u64, Strike)>) -> Run {
    let mut rng = Rng::new(seed).fork("chaos");
    let policy = policy(&mut rng, sabotage);
    let jobs = jobs(&mut rng);
    let provider = Provider::new(catalog(&mut rng), faults::dials(seed), seed);
    let boots =
        Boots { never_ppm: if rng.chance(300_000) { 30_000 } else { 0 }, ..Boots::default() };
    let farm = SimFarm::new(provider, boots, jobs, START, seed);
    let judge = Judge::new(bounds(&policy));
    let mut shared = Shared::new(farm, judge, faults, START, &policy.namer.prefix(), seed);
    shared.lying_drain = sabotage == Sabotage::NoDrainAcknowledgement;
    shared.disk.borrow_mut().forgets_intents = sabotage == Sabotage::NoIntentWrite;
    shared.disk.borrow_mut().strike_at = crash;
    shared.stop_at(START + DAY);
    let shared = Rc::new(RefCell::new(shared));
    let lives = live(&shared, &policy);
    let mut shared = shared.borrow_mut();
    let now = shared.now();
    let Shared { farm, judge, .. } = &mut *shared;
    let violations = judge.verdict(now, farm, now - Span::minutes(20));
    let (tasks, peak) = (farm.queue.done().tasks, farm.peak());
    let commits = shared.disk.borrow().commits;
    Run { seed, violations, trace: shared.trace(), tasks, lives, peak, commits }
}

/// Starts the daemon again and again, until the day is over.
fn live(shared: &Rc<RefCell<Shared>>, policy: &Policy) -> u32 {
    for life in 1..LIVES_MAX {
        let disk = Rc::clone(&shared.borrow().disk);
        let recovered = recovered(&disk.borrow(), &policy.namer, life == 1);
        let world = SimWorld::new(Rc::clone(shared));
        let store = SimStore::new(Rc::clone(&disk));
        let mut driver = Driver::new(world, store, Unobserved, policy.clone(), recovered);
        let ended = driver.run();
        let crashed = disk.borrow().crashed;
        if ended == Ended::Stopped && !crashed {
            return life;
        }
        let mut shared = shared.borrow_mut();
        shared.reborn();
        shared.pass(RESTART);
    }
    LIVES_MAX
}

/// What a daemon that starts now finds on its disk.
pub fn recovered(disk: &Disk, namer: &Namer, first: bool) -> Recovered {
    let memory = disk.recover().unwrap_or_default();
    let store_lost = !first && disk.durable().is_empty();
    Recovered { memory, store_lost, epoch_seen: epoch_seen(disk, namer) }
}

/// The highest epoch among the names of the intents' own log.
fn epoch_seen(disk: &Disk, namer: &Namer) -> i64 {
    let epochs = disk.intents().iter().filter_map(|name| namer.parse(name.as_str()));
    epochs.map(|parts| parts.epoch).max().unwrap_or(0)
}

fn policy(rng: &mut Rng, sabotage: Sabotage) -> Policy {
    let max = u32::try_from(rng.range(2, 20)).unwrap_or(20);
    let keep_stopped = rng.chance(700_000);
    let mut timing = Timing::default();
    if sabotage == Sabotage::ShortGrace {
        timing.create_grace = Span::seconds(30);
        timing.fleet_poll = Span::seconds(10);
    }
    let offer = |zone: &str, family: &str, cpu| OfferPolicy {
        key: OfferKey {
            zone: zone.into(),
            family: family.into(),
            cpu,
            ram_gib: if cpu == 16 { 32 } else { 24 },
            gpus: 1,
            billing: Billing::OnDemand,
        },
        gpu_memory_gib: 24,
        speed_ppm: 1_000_000,
        billing_unit: Span::seconds(1),
        stoppable: true,
        build: 0,
    };
    let pool = Pool {
        name: "render".into(),
        tag: "r".into(),
        queue: "queue".into(),
        offers: vec![
            offer("CN_Suqian_B", "专业渲染型rp3", 16),
            offer("CN_Hohhot_B", "专业渲染型rp3", 16),
            offer("CN_Qingyang_A", "专业渲染型rp3", 16),
            offer("CN_Hohhot_B", "极速渲染型re3", 12),
        ],
        min: 0,
        max,
        windows: Vec::new(),
        slots: Slots::PerGpu(1),
        shape: Shape::default(),
        tasks_per_slot: 1,
        headroom: 0,
        // The break-even of deleting may lie beyond the day, and L2 wants to see it end.
        tier: Tier { keep_stopped, delete_after: Some(Span::hours(2)), ..Tier::default() },
        caps: MoneyCaps::default(),
        spot: None,
        takes: Vec::new(),
        promise: Some(Promise::default()),
        idle: IdleRule::Word,
        drains: true,
        surge: max,
        care: Care::default(),
    };
    let money_per_hour = rng.chance(300_000).then(|| Money::yuan(rng.range(20, 120)));
    let limits = Limits { max, money_per_hour, ..Limits::default() };
    Policy {
        namer: Namer::new("chaos"),
        pools: vec![pool],
        limits,
        spending: Spending::default(),
        shared: Vec::new(),
        timing,
    }
}

/// What a run under this policy is held to.
pub fn bounds(policy: &Policy) -> Bounds {
    let limits = &policy.limits;
    let stops = limits.stops_floor.max(limits.max * limits.stops_percent / 100);
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Bounds {
        max: size(limits.max),
        hourly: limits.money_per_hour,
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
            jobs.push(Job { submit, duration, gpus: 1, pool: None });
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
