//! The machine was made from settings that are not today's: it is replaced when its turn comes.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::Reason;

/// Drains what is not as configured, a tenth of the pool at a time, and deletes what is off.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let reason = candidate.outdated.filter(|reason| *reason == Reason::Drifted)?;
    if candidate.is_off() {
        return Some(Verdict::delete(reason));
    }
    let its_turn = context.replacing.is_of(candidate.name);
    its_turn.then(|| Verdict::drain_below_min(reason))
}
