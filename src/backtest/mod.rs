//! A policy against a trace: what it would have cost, and how long tasks would have waited. Our own
//! presets run as they run in production, through the driver; the rules of other autoscalers run
//! beside them on the same cloud.

use std::cell::RefCell;
use std::rc::Rc;

use crate::driver::{Driver, Recovered, Unobserved};
use crate::model::{Billing, Money, Namer, OfferKey, Shape, Span};
use crate::policy::{Limits, OfferPolicy, Policy, Pool, Preset, Spending, Tier, Timing};
use crate::sim::chaos::START;
use crate::sim::farm::{Boots, SimFarm};
use crate::sim::faults::Faults;
use crate::sim::judge::{Bounds, Judge};
use crate::sim::provider::{Between, Catalog, Dials, Provider};
use crate::sim::store::SimStore;
use crate::sim::trace::Job;
use crate::sim::world::{Shared, SimWorld};

pub mod peers;
pub mod score;

pub use score::Score;

/// The system disk of every machine, in GiB.
const DISK_GIB: u32 = 40;
/// What a machine costs a day while it runs: the other price follows from their ratio.
const RUNNING_DAY: Money = Money::yuan(864);
/// More machines than any trace needs.
const MACHINES_MAX: u32 = 2000;
/// What is late unless something else is promised.
const PROMISED: Span = Span::minutes(6);
/// Simulated time a run is given to let the last machines go.
const LAST_WORDS: Span = Span::minutes(10);

/// The cloud a trace is replayed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conditions {
    /// From a create to its worker, billed.
    pub boot: Between,
    /// From a start to its worker, billed.
    pub restart: Between,
    /// What a stopped machine costs, in millionths of a running one.
    pub stopped_ppm: i64,
    /// Running time is charged in whole units of this.
    pub billing_unit: Span,
    /// Draws boots, and who gets which task.
    pub seed: u64,
}

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    /// farmscale, with this preset.
    Ours(&'static str, Preset),
    /// A rule modelled on another autoscaler.
    Peer(peers::Rule),
}

impl Contender {
    /// The presets, then the peers.
    pub fn all() -> Vec<Self> {
        let ours = [
            Self::Ours("farmscale balanced", Preset::balanced()),
            Self::Ours("farmscale fast", Preset::fast()),
            Self::Ours("farmscale thrifty", Preset::thrifty()),
        ];
        ours.into_iter().chain(peers::Rule::ALL.map(Self::Peer)).collect()
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours(name, _) => name,
            Self::Peer(rule) => rule.name(),
        }
    }
}

/// Replays `jobs` once. A job of several GPUs is split into tasks of one each.
pub fn run(jobs: &[Job], contender: Contender, conditions: Conditions) -> Score {
    let farm = farm(jobs, conditions);
    match contender {
        Contender::Ours(_, preset) => ours(farm, preset, conditions),
        Contender::Peer(rule) => peers::run(farm, rule, START, PROMISED),
    }
}

fn ours(farm: SimFarm, preset: Preset, conditions: Conditions) -> Score {
    let policy = policy(preset, &offer(), conditions);
    let judge = Judge::new(Bounds::none());
    let prefix = policy.namer.prefix();
    let mut shared = Shared::new(farm, judge, Faults::none(), START, &prefix, conditions.seed);
    shared.stop_when_done(LAST_WORDS);
    let store = SimStore::new(Rc::clone(&shared.disk));
    let shared = Rc::new(RefCell::new(shared));
    let world = SimWorld::new(Rc::clone(&shared));
    let mut driver = Driver::new(world, store, Unobserved, policy, Recovered::default());
    driver.run();
    let shared = shared.borrow();
    Score::read(&shared.farm, shared.now(), PROMISED, driver.memory().meta.counts)
}

/// One offer without end.
fn farm(jobs: &[Job], conditions: Conditions) -> SimFarm {
    let mut catalog = Catalog::standard();
    let offer = offer();
    let stopped_day = RUNNING_DAY.0 / 1_000_000 * conditions.stopped_ppm;
    catalog.sizes.retain(|size, _| size.offer(Billing::OnDemand) == offer);
    for size in catalog.sizes.values_mut() {
        (size.machine_day, size.stock) = (Money(RUNNING_DAY.0 - stopped_day), None);
    }
    for zone in &mut catalog.zones {
        zone.disk_gib_day = Money(stopped_day / i64::from(DISK_GIB));
    }
    (catalog.quota, catalog.subnet_ips) = (u32::MAX, u32::MAX);
    catalog.disk_quota_gib = u32::MAX;
    catalog.billing_unit = conditions.billing_unit;
    let dials = Dials {
        create: Between::exactly(20),
        start: Between::exactly(10),
        stop: Between::exactly(1),
        delete: Between::exactly(1),
        ..Dials::kind()
    };
    let boots = Boots { create: conditions.boot, start: conditions.restart, ..Boots::default() };
    let single = |job: &Job| {
        let one = Job { gpus: 1, pool: None, ..job.clone() };
        std::iter::repeat_n(one, usize::try_from(job.gpus).unwrap_or(1))
    };
    let jobs = jobs.iter().flat_map(single).collect();
    SimFarm::new(
        Provider::new(catalog, dials, conditions.seed),
        boots,
        jobs,
        START,
        conditions.seed,
    )
}

fn offer() -> OfferKey {
    OfferKey {
        zone: "CN_Suqian_B".into(),
        family: "专业渲染型rp3".into(),
        cpu: 16,
        ram_gib: 32,
        gpus: 1,
        billing: Billing::OnDemand,
    }
}

/// The defaults, but for room enough and the conditions' mean boot, which is learned anyway.
fn policy(preset: Preset, offer: &OfferKey, conditions: Conditions) -> Policy {
    let mean = |range: Between| Span(i64::midpoint(range.min.0, range.max.0));
    let offers = vec![OfferPolicy {
        key: offer.clone(),
        gpu_memory_gib: 24,
        speed_ppm: 1_000_000,
        billing_unit: conditions.billing_unit,
        stoppable: true,
        build: 0,
    }];
    let pool = Pool {
        tag: "r".into(),
        shape: Shape::default(),
        tier: Tier { patience: preset.patience, ..Tier::default() },
        promise: preset.promise,
        ..Pool::usual("render", "queue", offers, MACHINES_MAX)
    };
    Policy {
        namer: Namer::new("replay"),
        pools: vec![pool],
        limits: Limits { max: MACHINES_MAX, ..Limits::default() },
        spending: Spending::default(),
        shared: Vec::new(),
        timing: Timing {
            boot_mean: mean(conditions.boot),
            restart_mean: mean(conditions.restart),
            ..Timing::default()
        },
    }
}
