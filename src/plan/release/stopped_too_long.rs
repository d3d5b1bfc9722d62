//! The machine has been off for so long that its disks have cost what making it anew would.

use super::candidate::Candidate;
use super::context::Context;
use super::keeping::let_go_times;
use super::verdict::Verdict;
use crate::model::Reason;
use crate::model::snapshot::Phase;

/// Deletes a machine that was kept for long enough; one that is in the way is no matter of time.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let in_the_way = context.in_the_way.as_ref() == Some(candidate.name);
    if candidate.phase != Phase::Stopped {
        return None;
    }
    let now = context.situation.now;
    let since = candidate.machine.since;
    let due_at = since + let_go_times(candidate, context).delete_after;
    if due_at <= now {
        return Some(Verdict::delete(Reason::Stopped { lasted: now.since(since) }));
    }
    (!in_the_way).then(|| Verdict::keep_until(due_at))
}
