//! A machine the provider has shown as broken for long: let go unless a worker of it is busy.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::Reason;

/// Drains the machine, then deletes it. While it may yet come back it is not asked about at all.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let machine = candidate.machine;
    let status = machine.sighting.unexpected_status.as_ref().filter(|_| machine.in_quarantine())?;
    let reason = Reason::Quarantine { lasted: context.situation.now.since(status.since) };
    let is_asked = machine.drain.asked_at.is_some() || !context.pool.drains;
    Some(if is_asked { Verdict::delete(reason) } else { Verdict::drain_below_min(reason) })
}
