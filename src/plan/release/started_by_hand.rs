//! Somebody has started a stopped machine by hand: it is given the time a boot takes, and then the time
//! an idle machine is kept.

use super::candidate::Candidate;
use super::context::Context;
use super::keeping::let_go_times;
use super::verdict::Verdict;
use crate::model::snapshot::Phase;
use crate::model::{Reason, WorkerState};

/// Keeps the machine for a while.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let machine = candidate.machine;
    let by_hand = candidate.phase == Phase::Draining && machine.reason == Reason::ByHand;
    if !by_hand || context.situation.is_retiring() {
        return None;
    }
    let until = if machine.heard.state == Some(WorkerState::Drained) {
        machine.heard.since + let_go_times(candidate, context).stop_after
    } else {
        machine.since + context.deadlines.for_boot(machine)
    };
    (context.situation.now < until).then(|| Verdict::keep_until(until))
}
