//! The provider has been making the machine for longer than any boot takes, and may do so for ever: a delete
//! is tried again and again, though the provider may refuse it.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::Reason;
use crate::plan::machine;

/// Drains the machine, so that it takes no task should it come up after all, and deletes it.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let Candidate { name, machine, .. } = candidate;
    if !machine::stays_building(context.situation, name, machine) {
        return None;
    }
    let lasted = context.situation.now.since(machine.made_at);
    let reason = Reason::StaysBuilding { lasted };
    let is_asked = machine.drain.asked_at.is_some() || !context.pool.drains;
    Some(if is_asked { Verdict::delete(reason) } else { Verdict::drain_below_min(reason) })
}
