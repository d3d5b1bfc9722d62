//! There are more machines than `max`, which was lowered: they take no more tasks, end those they have, and
//! are deleted, also while work waits. With `on_max = "finish_queue"` they work until none does.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::Reason;

/// Drains what is above `max`, and deletes what is off.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let max = *context.above_max.get(candidate.name)?;
    let reason = Reason::AboveMax { max };
    if candidate.is_off() {
        return Some(Verdict::delete(reason));
    }
    candidate.takes_tasks().then(|| Verdict::drain_below_min(reason))
}
