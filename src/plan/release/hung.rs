//! The machine is busy by the queue's word on a GPU that does nothing, for longer than tasks take: it is
//! replaced where the operator says so (`on_hung = "recycle"`), after a last chance.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::snapshot::Phase;
use crate::model::{Reason, Span};
use crate::plan::safety::{End, Licence};

/// From the drain of a hung machine to its delete.
const LAST_CHANCE: Span = Span::minutes(1);

/// Drains a hung machine where that is wanted; then deletes it after a last chance, or keeps it if its
/// GPU works again.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    if let Some(unused_for) = context.hung.replaced.get(candidate.name) {
        return Some(Verdict::drain_below_min(Reason::Hung { unused_for: *unused_for }));
    }
    let machine = candidate.machine;
    let is_drained_for_it =
        candidate.phase == Phase::Draining && matches!(machine.reason, Reason::Hung { .. });
    if !is_drained_for_it || !candidate.safety.waits_for_workers() {
        return None;
    }
    let flagged = machine.drain.asked_at?;
    let usage = context.situation.readings.usage.get(machine.instance.as_ref()?);
    // Only what is known since then counts: no data proves nothing.
    let percent = usage.filter(|usage| flagged < usage.asked_at).and_then(|one| one.gpu_percent);
    let end_at = flagged + LAST_CHANCE;
    match percent {
        Some(0) if end_at <= context.situation.now => {
            Some(Verdict::end(End::Delete, machine.reason, Some(Licence::HungTask)))
        }
        Some(0) | None if context.situation.now < end_at => {
            Some(Verdict::delete(machine.reason).looked_at_again(end_at))
        }
        Some(0) | None => None,
        Some(_) => Some(Verdict::take_back(Reason::TakesTasks)),
    }
}
