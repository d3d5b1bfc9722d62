//! The machine's workers are not seen any more: dead with their machine, or alive and only unseen?

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::Reason;
use crate::model::snapshot::Phase;

/// Drains a machine whose workers have been unseen for long. It serves nobody, and keeps no place under
/// `min`.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let machine = candidate.machine;
    let is_silent = candidate.phase == Phase::Ready && machine.heard.state.is_none();
    if !is_silent || !context.evidence.tells_workers() {
        return None;
    }
    let lasted = context.silence.believed_after;
    let due_at = machine.heard.since + lasted;
    Some(if context.situation.now < due_at {
        Verdict::keep_until(due_at)
    } else {
        Verdict::drain_below_min(Reason::Silent { lasted })
    })
}
