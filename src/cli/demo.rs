//! `farmscale demo`: a whole studio in one process, at any speed.

use std::cell::RefCell;
use std::rc::Rc;

use serde::Serialize;

use super::out;
use crate::driver::{Driver, Recovered, Unobserved};
use crate::memory::Memory;
use crate::model::{Span, Time};
use crate::sim::chaos::START;
use crate::sim::demo;
use crate::sim::farm::SimFarm;
use crate::sim::faults::Faults;
use crate::sim::judge::{Bounds, Judge};
use crate::sim::store::SimStore;
use crate::sim::world::{Shared, SimWorld};

/// Watch a farm breathe: simulated cloud, replayed work, the real daemon, a page.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Work arrives until then; the run goes on until it is done and no machine is left.
    #[arg(long, default_value = "24h")]
    until: String,
    /// How much faster than reality (480: a day in three minutes), or `max`: as fast as the
    /// machine goes, without HTTP.
    #[arg(long, default_value = "480")]
    speed: String,
    /// Draws boot times, stock and mishaps.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the closing summary, as JSON.
    #[arg(long)]
    json: bool,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    tasks_total: u64,
    tasks_done: u64,
    wait_mean_s: f64,
    wait_p95_s: f64,
    wait_p99_s: f64,
    cost_micro_yuan: i64,
    bill_micro_yuan: i64,
    cost_per_work: f64,
    price_premium: f64,
    creates: u64,
    starts: u64,
    stops: u64,
    deletes: u64,
    refusals: u64,
    instances_peak: usize,
    instances_max: u32,
    instances_left: usize,
    rss_mib: f64,
    transport: &'static str,
}

impl DemoArgs {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let until = Span::hours(24);
        let farm = demo::studio(START, until, self.seed);
        let policy = demo::policy();
        let max = policy.limits.max;
        let bounds = Bounds {
            max: 1000,
            hourly: None,
            open_creates: 1000,
            creates: 1000,
            stops: 1000,
            grace: Span::ZERO,
        };
        let mut shared = Shared::new(
            farm,
            Judge::new(bounds),
            Faults::none(),
            START,
            &policy.namer.prefix(),
            self.seed,
        );
        shared.stop_when_done();
        let disk = Rc::clone(&shared.disk);
        let shared = Rc::new(RefCell::new(shared));
        let world = SimWorld::new(Rc::clone(&shared));
        let mut driver =
            Driver::new(world, SimStore::new(disk), Unobserved, policy, Recovered::default());
        driver.run();
        let now = shared.borrow().now();
        let summary =
            summary(&shared.borrow().farm, driver.memory(), max, now, "in memory");
        for violation in shared.borrow().judge.violations() {
            eprintln!("{violation:?}");
        }
        out::json(&summary)
    }
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "figures for people")]
fn summary(
    farm: &SimFarm,
    memory: &Memory,
    max: u32,
    now: Time,
    transport: &'static str,
) -> Summary {
    let done = farm.queue.done();
    let mut waits = done.waits.clone();
    waits.sort_unstable();
    let quantile = |percent: usize| {
        let place = (waits.len() * percent).div_ceil(100).saturating_sub(1);
        waits.get(place).copied().unwrap_or(0) as f64 / 1000.0
    };
    let mean = waits.iter().sum::<i64>() as f64 / 1000.0 / waits.len().max(1) as f64;
    let (work, cheapest) = farm.work_price();
    let cost = memory.spent(now).0;
    let counts = memory.meta.counts;
    Summary {
        tasks_total: u64::try_from(farm.jobs_total()).unwrap_or(0),
        tasks_done: done.tasks,
        wait_mean_s: mean,
        wait_p95_s: quantile(95),
        wait_p99_s: quantile(99),
        cost_micro_yuan: cost,
        bill_micro_yuan: farm.provider.bill(now).total().0,
        cost_per_work: cost as f64 / work.max(1) as f64,
        price_premium: work as f64 / cheapest.max(1) as f64,
        creates: counts.creates,
        starts: counts.starts,
        stops: counts.stops,
        deletes: counts.deletes,
        refusals: counts.refusals,
        instances_peak: farm.peak(),
        instances_max: max,
        instances_left: farm.provider.truth().count(),
        rss_mib: 0.0,
        transport,
    }
}
