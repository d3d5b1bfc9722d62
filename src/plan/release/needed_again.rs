//! The work wants more machines, and this one is only being drained: it goes back to work. That is sooner
//! and cheaper than a new one.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::snapshot::Phase;

/// Takes the drain back of a machine that growing has chosen.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let reason = context.wanted_back.get(candidate.name)?;
    may_return(candidate, context).then(|| Verdict::take_back(*reason))
}

/// Whether the machine is being drained and could go on: its workers are there, it is not being replaced,
/// and not above `max`.
pub(super) fn may_return(candidate: &Candidate<'_>, context: &Context<'_>) -> bool {
    let machine = candidate.machine;
    candidate.phase == Phase::Draining
        && machine.heard.state.is_some()
        && candidate.outdated.is_none()
        && !machine.is_being_replaced()
        && !context.above_max.contains_key(candidate.name)
}
