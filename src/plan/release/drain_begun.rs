//! A drain that was begun is carried on to its end: once no task is lost, the machine is stopped if it is
//! worth being kept, or deleted.

use super::candidate::Candidate;
use super::context::Context;
use super::keeping::{keeps_stopped, let_go_times};
use super::verdict::Verdict;
use crate::model::snapshot::{Blocked, Phase};
use crate::model::{Span, Time};
use crate::plan::safety::End;

/// A drain that lasts longer than this is told of.
const LASTS: Span = Span::hours(1);

/// Ends a machine whose workers take no more, for the reason it was drained for.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    if candidate.phase != Phase::Draining {
        return None;
    }
    let machine = candidate.machine;
    let verdict = Verdict::end(end(candidate, context), machine.reason, None);
    if !candidate.safety.waits_for_workers() {
        return Some(verdict);
    }
    let limit_at = context.pool.care.drain_max.zip(machine.drain.asked_at);
    let limit_at = limit_at.map_or(Time::MAX, |(within, flagged)| flagged + within);
    Some(verdict.telling(lasts(candidate, context)).looked_at_again(limit_at))
}

/// Stopped if it is known to boot and worth being kept, deleted if not.
pub(super) fn end(candidate: &Candidate<'_>, context: &Context<'_>) -> End {
    let keeps = keeps_stopped(candidate, context) && let_go_times(candidate, context).keeps();
    candidate.end_of_drain(keeps, context.evidence.tells_workers())
}

/// What is told of a drain that lasts.
pub(super) fn lasts(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Blocked> {
    let lasted = context.situation.now.since(candidate.machine.drain.asked_at?);
    let machine = candidate.name.clone();
    (LASTS <= lasted).then_some(Blocked::DrainLasts { machine, lasted })
}
