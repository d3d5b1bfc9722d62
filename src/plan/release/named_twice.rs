//! Two instances carry the name: nobody can tell which is meant, so nothing is done to either.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::snapshot::Blocked;

/// Leaves the machine alone and tells of it.
pub(super) fn says(candidate: &Candidate<'_>, _context: &Context<'_>) -> Option<Verdict> {
    let told = Blocked::NameTwice { machine: candidate.name.clone() };
    candidate.is_named_twice.then(|| Verdict::keep().telling(Some(told)))
}
