//! Two instances carry the name, or another daemon has made the machine: nobody can tell whose it is, so
//! nothing is done to it.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::snapshot::Blocked;
use crate::plan::situation::Situation;

/// Leaves the machine alone and tells of it.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let Situation { policy, memory, .. } = context.situation;
    let machine = candidate.name.clone();
    let told = if memory.meta.is_of_second_daemon(&policy.namer, candidate.name) {
        Blocked::SecondDaemon { machine }
    } else {
        Blocked::NameTwice { machine }
    };
    candidate.is_named_twice.then(|| Verdict::keep().telling(Some(told)))
}
