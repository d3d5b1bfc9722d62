//! At `max`, a stopped machine that cannot serve (it was refused to start, or is too small for the task)
//! only holds a place: one is deleted a turn.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::Reason;

/// Deletes the machine that is in the way of one that the work wants.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let in_the_way = context.in_the_way.as_ref() == Some(candidate.name);
    in_the_way.then(|| Verdict::delete(Reason::HoldsPlace))
}
