//! The machine is off and charged as if it ran: it is worth nothing so.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::Reason;

/// Deletes a machine whose stop is not free of charge.
pub(super) fn says(candidate: &Candidate<'_>, _context: &Context<'_>) -> Option<Verdict> {
    let charged = candidate.is_off() && candidate.machine.is_charged_off();
    charged.then(|| Verdict::delete(Reason::StopCharged))
}
