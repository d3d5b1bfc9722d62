//! The workers have not answered the drain within `drain_max`: the operator accepts that a frame is lost.

use super::candidate::Candidate;
use super::context::Context;
use super::drain_begun;
use super::verdict::Verdict;
use crate::model::Reason;
use crate::model::snapshot::Phase;
use crate::plan::safety::Licence;

/// Ends the machine though its workers are at work.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let within = context.pool.care.drain_max?;
    let flagged = candidate.machine.drain.asked_at?;
    let lasted = context.situation.now.since(flagged);
    let waits = candidate.phase == Phase::Draining && candidate.safety.waits_for_workers();
    (waits && within <= lasted).then(|| {
        let end = drain_begun::end(candidate, context);
        let cut = Verdict::end(end, Reason::DrainCut { within }, Some(Licence::DrainLimit));
        cut.telling(drain_begun::lasts(candidate, context))
    })
}
