//! How long a pool's tasks take: what is believed of them while more, or nothing, is known.

use crate::model::{Span, Stage, TaskSeen};
use crate::policy::Pool;

use super::promise::workload::Workload;
use super::situation::Situation;

/// No task is taken to need longer than so many times the longest that was seen…
const TIMES_LONGEST: i64 = 2;
/// …but no less than this; and this where nothing is known of tasks.
const LEAST: Span = Span::minutes(15);
const UNKNOWN: Span = Span::minutes(30);
/// What is left of the longest task while nothing is known of the queue's tasks.
const LEFT_UNKNOWN: Span = Span::minutes(10);

/// The time by which any task of a pool has ended, unless it hangs.
pub fn ended_within(situation: Situation<'_>, pool: &Pool) -> Span {
    let workload = situation.readings.workloads.get(&pool.queue);
    let longest = workload.and_then(Workload::longest);
    let learned = longest.map(|longest| longest.times(TIMES_LONGEST).max(LEAST));
    pool.care.hung_after.or(learned).unwrap_or(UNKNOWN)
}

/// How long a task of a pool takes, the mean of those that wait or run; what runs has come so far already.
pub fn typical(situation: Situation<'_>, pool: &Pool) -> Span {
    let reading = situation.fresh_queue(pool).and_then(|queue| queue.tasks.as_ref());
    let age = |task: &TaskSeen| match task.stage {
        Stage::Running { since } => Some(situation.now.since(since)),
        Stage::Waiting | Stage::Ended { .. } => None,
    };
    let oldest = reading.into_iter().flatten().filter_map(age).max().unwrap_or(Span::ZERO);
    let workload = situation.readings.workloads.get(&pool.queue);
    let Some(forecast) = workload.and_then(Workload::forecast) else {
        return LEFT_UNKNOWN.max(oldest);
    };
    let (mut sum, mut count) = (0i64, 0i64);
    for estimate in forecast.estimates.iter().flatten() {
        (sum, count) = (sum.saturating_add(*estimate), count + 1);
    }
    if count == 0 { LEFT_UNKNOWN.max(oldest) } else { Span(sum / count) }
}

/// How long the longest of a pool's tasks is likely to take from now on; `None` = of no known pool.
pub fn longest_left(situation: Situation<'_>, pool: Option<&Pool>) -> Span {
    let workload = pool.and_then(|pool| situation.readings.workloads.get(&pool.queue));
    let Some(forecast) = workload.and_then(Workload::forecast) else { return LEFT_UNKNOWN };
    let running = forecast.running.iter().map(|(_, left)| left);
    let longest = running.chain(&forecast.estimates).flatten().max();
    Span(longest.copied().unwrap_or(0))
}
