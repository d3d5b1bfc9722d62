//! The farm is being decommissioned: every machine takes no more tasks, ends those it has, and goes.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::Reason;

/// Drains what works and deletes what is off.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    if !context.situation.is_retiring() {
        return None;
    }
    if candidate.is_off() {
        return Some(Verdict::delete(Reason::Retiring));
    }
    candidate.takes_tasks().then(|| Verdict::drain(Reason::Retiring))
}
