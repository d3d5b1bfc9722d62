//! An operator keeps the machine: a drain under way is taken back, nothing else is done.

use super::candidate::Candidate;
use super::context::Context;
use super::verdict::Verdict;
use crate::model::snapshot::{Blocked, Phase};
use crate::model::{Reason, Text, Time};

/// Keeps the machine until the hold ends.
pub(super) fn says(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    let hold = candidate.machine.held.as_ref()?;
    let verdict = if candidate.phase == Phase::Draining {
        Verdict::take_back(Reason::TakesTasks)
    } else {
        let would_go = !candidate.is_needed || context.situation.is_retiring();
        let (owner, reason) = (Text::clone(&hold.owner), Text::clone(&hold.reason));
        let told = Blocked::Held { machine: candidate.name.clone(), owner, reason };
        Verdict::keep().telling(would_go.then_some(told))
    };
    Some(verdict.looked_at_again(hold.until.unwrap_or(Time::MAX)))
}
