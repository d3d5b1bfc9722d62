//! Workers that are not seen any more: where all of a pool vanished at once, the queue is doubted first.

use crate::model::Span;
use crate::model::snapshot::{Blocked, Phase};
use crate::plan::release::candidate::Candidate;
use crate::plan::safety::Evidence;
use crate::plan::situation::Situation;
use crate::plan::tasks;
use crate::policy::Pool;

/// Machines that fell silent within this of each other fell silent together.
const TOGETHER: Span = Span::minutes(1);

/// How long silence lasts before it is believed.
#[derive(Debug)]
pub struct Silence {
    /// For so long.
    pub believed_after: Span,
    /// What people are told where all machines fell silent together.
    pub told: Option<Blocked>,
}

impl Silence {
    /// Where all of a pool's machines vanished together, until what they had at hand would be done.
    pub fn of_pool(
        situation: Situation<'_>,
        pool: &Pool,
        evidence: &Evidence<'_>,
        candidates: &[Candidate<'_>],
    ) -> Self {
        let absent_max = situation.policy.timing.absent_max;
        let together = all_together(candidates).filter(|_| evidence.tells_workers());
        let believed_after = match together {
            Some(_) => tasks::ended_within(situation, pool).max(absent_max),
            None => absent_max,
        };
        Self { believed_after, told: together.map(|machines| Blocked::AllSilent { machines }) }
    }
}

/// How many machines there are, if all that are ready, more than one, fell silent together: the queue has
/// more likely lost its word of them than that all died at once.
fn all_together(candidates: &[Candidate<'_>]) -> Option<u32> {
    let ready = || candidates.iter().filter(|one| one.phase == Phase::Ready);
    let since = || ready().map(|one| one.machine.heard.since);
    let (first, last) = (since().min()?, since().max()?);
    let all = ready().all(|one| one.machine.heard.state.is_none()) && last <= first + TOGETHER;
    let machines = u32::try_from(ready().count()).unwrap_or(u32::MAX);
    (all && 1 < machines).then_some(machines)
}
