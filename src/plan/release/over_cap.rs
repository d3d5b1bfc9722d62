//! A cap on money is reached where the operator wants machines drained there: the dearest for their work
//! take no more tasks, and what is off and can never be paid to run again goes.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::Reason;

/// Drains what the cap cannot pay any longer, and deletes what it can never pay again.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    if candidate.is_off() {
        let never_again = context.never_again.contains(candidate.name);
        return never_again.then(|| Verdict::delete(Reason::OverCap));
    }
    let drains = candidate.takes_tasks() && context.over_cap.contains(candidate.name);
    drains.then(|| Verdict::drain(Reason::OverCap))
}
