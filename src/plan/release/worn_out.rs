//! The machine is older than the pool's `max_lifetime`: it is replaced when its turn comes.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::Reason;

/// Drains what is too old, a tenth of the pool at a time, and deletes what is off.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let reason = candidate.outdated.filter(|reason| matches!(reason, Reason::TooOld { .. }))?;
    if candidate.is_off() {
        return Some(Verdict::delete(reason));
    }
    let its_turn = context.replacing.is_of(candidate.name);
    its_turn.then(|| Verdict::drain_below_min(reason))
}
