//! The work will be done before the machine is ready: its boot is given up.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::Reason;

/// Drains a machine on its way that the promise does without.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let on_its_way = candidate.boots() && candidate.takes_tasks();
    let unneeded = on_its_way && context.unneeded_boots.contains(candidate.name);
    unneeded.then(|| Verdict::drain(Reason::NotWorthWaiting))
}
