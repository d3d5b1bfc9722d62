//! When to think again because time alone changes something.

use super::draft::Draft;
use super::situation::Situation;
use crate::model::Time;

/// Windows that open or close, pauses and days that end, a clock that is believed again.
pub(super) fn when_time_changes_something(situation: Situation<'_>, draft: &mut Draft) {
    let Situation { policy, memory, readings, now } = situation;
    for window in policy.pools.iter().flat_map(|pool| &pool.windows) {
        draft.wake_by(window.next_edge(now).unwrap_or(Time::MAX));
    }
    if let Some(until) = memory.meta.paused.as_ref().and_then(|pause| pause.until) {
        draft.wake_by(until);
    }
    draft.wake_by(memory.meta.day.as_ref().map_or(now, |day| day.until));
    draft.wake_by(readings.frozen_until.unwrap_or(Time::MAX));
}
