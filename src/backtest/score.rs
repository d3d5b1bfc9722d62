//! How a run went, in the figures people compare.

use serde::Serialize;

use crate::model::snapshot::Counts;
use crate::model::{Span, Time};
use crate::sim::farm::SimFarm;

/// One policy over one trace, or the mean of several seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Score {
    /// What was paid, over what the tasks' own seconds cost at the running price.
    pub cost_per_work: f64,
    /// From submission to start: the mean,
    pub wait_mean_s: f64,
    /// the 95th percentile over all tasks,
    pub wait_p95_s: f64,
    /// the 99th,
    pub wait_p99_s: f64,
    /// and the longest.
    pub wait_max_s: f64,
    /// The share of tasks that waited longer than was promised.
    pub late_share: f64,
    /// Machines made.
    pub creates: u64,
    /// Stopped machines started again.
    pub starts: u64,
    /// Machines stopped.
    pub stops: u64,
    /// The share of running time in which a worker was there and had nothing to do.
    pub idle_share: f64,
}

impl Score {
    /// Reads the truth of a farm whose work is done. `promised` = from submission to start;
    /// `counts` = what was sent to its cloud.
    pub fn read(farm: &SimFarm, now: Time, promised: Span, counts: Counts) -> Self {
        let done = farm.queue.done();
        let mut waits = done.waits.clone();
        waits.sort_unstable();
        let quantile = |percent: usize| {
            let place = (waits.len() * percent).div_ceil(100).saturating_sub(1);
            seconds(waits.get(place).copied().unwrap_or(0))
        };
        let (work, _) = farm.work_price();
        let bill = farm.provider.bill(now);
        let running: i64 = bill.lines.iter().map(|line| line.running_seconds).sum();
        let worked: i64 = done.seconds_by_offer.values().sum();
        let idle = done.present.as_seconds() - worked;
        let whole_of = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let in_time = waits.partition_point(|wait| *wait <= promised.0);
        let (count, late) = (whole_of(waits.len()).max(1), whole_of(waits.len() - in_time));
        Self {
            cost_per_work: ratio(bill.total().0, work),
            wait_mean_s: ratio(waits.iter().sum::<i64>(), count * 1000),
            wait_p95_s: quantile(95),
            wait_p99_s: quantile(99),
            wait_max_s: quantile(100),
            late_share: ratio(late, count),
            creates: counts.creates,
            starts: counts.starts,
            stops: counts.stops,
            idle_share: ratio(idle.max(0), running),
        }
    }

    /// The mean of several runs.
    pub fn mean(runs: &[Self]) -> Option<Self> {
        let count = i64::try_from(runs.len()).ok().filter(|count| *count != 0)?;
        let mean = |of: fn(&Self) -> f64| runs.iter().map(of).sum::<f64>() / whole(count);
        let counted = |of: fn(&Self) -> u64| {
            runs.iter().map(of).sum::<u64>() / u64::try_from(count).unwrap_or(1)
        };
        Some(Self {
            cost_per_work: mean(|one| one.cost_per_work),
            wait_mean_s: mean(|one| one.wait_mean_s),
            wait_p95_s: mean(|one| one.wait_p95_s),
            wait_p99_s: mean(|one| one.wait_p99_s),
            wait_max_s: mean(|one| one.wait_max_s),
            late_share: mean(|one| one.late_share),
            creates: counted(|one| one.creates),
            starts: counted(|one| one.starts),
            stops: counted(|one| one.stops),
            idle_share: mean(|one| one.idle_share),
        })
    }
}

fn seconds(millis: i64) -> f64 {
    whole(millis) / 1000.0
}

fn ratio(above: i64, below: i64) -> f64 {
    whole(above) / whole(below.max(1))
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "figures for people")]
fn whole(number: i64) -> f64 {
    number as f64
}
