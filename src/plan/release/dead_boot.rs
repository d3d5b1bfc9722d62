//! No worker has joined since the machine booted, for longer than its kind of boot takes. A worker that
//! is heard of is no dead boot, unless all it ever says is that it takes no tasks.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::snapshot::Phase;
use crate::model::{Reason, WorkerState};

/// Drains a machine whose boot is overdue. What is said rests on the boot alone and not on whether a
/// drain is under way, so that no drain for it is taken back and begun again.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let machine = candidate.machine;
    let now = context.situation.now;
    if !candidate.boots() {
        return None;
    }
    let joins_by = machine.heard.since + context.situation.policy.timing.absent_max;
    match machine.heard.state {
        Some(WorkerState::Busy | WorkerState::Idle) => return None,
        Some(WorkerState::Drained) if now < joins_by => return None,
        Some(WorkerState::Drained) | None => {}
    }
    let asked_at = machine.boot_asked_at().unwrap_or(machine.since);
    let within = context.deadlines.for_boot(machine);
    let due_at = if machine.boot_given_up() { now } else { asked_at + within };
    let within = if machine.boot_given_up() { now.since(asked_at) } else { within };
    let is_due = due_at <= now;
    match candidate.phase {
        Phase::Booting | Phase::Starting if is_due => {
            Some(Verdict::drain_below_min(Reason::NoWorker { within }))
        }
        Phase::Booting | Phase::Starting => Some(Verdict::keep_until(due_at)),
        Phase::Draining if is_due && machine.heard.state.is_some() => {
            Some(Verdict::delete(machine.reason))
        }
        Phase::Draining
        | Phase::Launching
        | Phase::Ready
        | Phase::Stopping
        | Phase::Stopped
        | Phase::Leaving => None,
    }
}
