//! The workers say that they take no tasks, and nobody has asked them to: the request is taken back once
//! more.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::{Reason, WorkerState};

/// Takes a drain back that stands in the queue alone.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let machine = candidate.machine;
    let drained =
        machine.heard.state == Some(WorkerState::Drained) && machine.drain.asked_at.is_none();
    // Workers are given the time to hear of what they were asked last, and to say so.
    let asked_at = machine.drain.turned_at.unwrap_or_default().max(machine.heard.since);
    let settled = asked_at + context.situation.policy.timing.heartbeat.times(2);
    let for_long = drained && !candidate.is_off() && settled < context.situation.now;
    for_long.then(|| Verdict::take_back(Reason::TakesTasks))
}
