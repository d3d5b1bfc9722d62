//! A drain flag stands on machines that are off: one that somebody starts by hand comes up drained.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::{Fate, Verdict};
use crate::model::Reason;

/// Sets the flag of a machine that is off.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let is_unflagged = candidate.is_off() && candidate.machine.drain.asked_at.is_none();
    let flag = Verdict { fate: Fate::Flag(Reason::StaysOff), ..Verdict::keep() };
    (is_unflagged && context.pool.drains).then_some(flag)
}
