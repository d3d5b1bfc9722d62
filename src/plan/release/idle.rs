//! The machine has no work, and keeping it costs more than getting it back: it is drained. Where running
//! time is charged in long units, just before the next unit begins.

use super::candidate::Candidate;
use super::context::Context;
use super::keeping::let_go_times;
use super::verdict::Verdict;
use crate::model::{Reason, Span, WorkerState};
use crate::plan::billing_unit;

/// A machine whose drain was taken back stays for so long, unless its workers say something new.
const TAKEN_BACK: Span = Span::minutes(30);

/// Drains a machine that has been idle for long enough.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let queue = context.evidence.queue()?;
    let machine = candidate.machine;
    let tells = context.evidence.tells_workers();
    // Depth only, and the operator accepts the risk: an empty queue counts as idle.
    let is_idle =
        if tells { machine.heard.state == Some(WorkerState::Idle) } else { queue.queued() == 0 };
    if !candidate.takes_tasks() || !is_idle || (tells && candidate.is_needed) {
        return None;
    }
    // Two looks must agree before idleness counts; the answer to a drain is one.
    let answers = tells && context.pool.drains;
    if !answers && queue.asked_at <= machine.heard.since {
        return None;
    }
    let after = let_go_times(candidate, context).stop_after;
    let edge = billing_unit::last_moment(machine, &context.situation.policy.timing);
    let due_at = edge.unwrap_or(machine.heard.since + after);
    // Work wanted it back, and its workers have said nothing new since: it is not let go again at once.
    let taken_back_at = machine.drain.turned_at.filter(|at| machine.heard.since < *at);
    let due_at = taken_back_at.map_or(due_at, |at| due_at.max(at + TAKEN_BACK));
    let lasted = context.situation.now.since(machine.heard.since);
    Some(if context.situation.now < due_at {
        Verdict::keep_until(due_at)
    } else {
        Verdict::drain(Reason::Idle { lasted })
    })
}
