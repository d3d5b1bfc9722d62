//! Whose turn it is to be replaced: a few at a time, idle ones first, and one that is needed only when
//! the last has its successor and another can be bought.

use std::collections::BTreeSet;

use crate::model::snapshot::{Blocked, Phase};
use crate::model::{MachineName, Time};
use crate::plan::capacity::Capacity;
use crate::plan::rank;
use crate::plan::release::candidate::Candidate;
use crate::plan::situation::Situation;
use crate::policy::Pool;

/// One in so many of a pool's machines is replaced at a time, or one.
const SHARE: usize = 10;

/// Whose turn it is.
#[derive(Debug)]
pub struct Turn {
    next: BTreeSet<MachineName>,
    /// What people are told: how many are left.
    pub told: Option<Blocked>,
    /// When the next machine is too old.
    pub again_at: Time,
}

impl Turn {
    /// Counts the outdated machines of a pool and picks the next.
    pub fn of_pool(
        situation: Situation<'_>,
        pool: &Pool,
        capacity: &Capacity,
        candidates: &[Candidate<'_>],
    ) -> Self {
        let known = || candidates.iter().filter(|one| one.machine.meter.is_on());
        let ages = known().filter(|one| one.outdated.is_none()).filter_map(|one| {
            let too_old_at = one.machine.made_at + pool.care.max_lifetime?;
            (situation.now < too_old_at).then_some(too_old_at)
        });
        let again_at = ages.min().unwrap_or(Time::MAX);
        let outdated: Vec<_> = known().filter(|one| one.outdated.is_some()).collect();
        let left = u32::try_from(outdated.len()).unwrap_or(u32::MAX);
        if left == 0 {
            return Self { next: BTreeSet::new(), told: None, again_at };
        }
        let is_coming =
            |one: &&Candidate<'_>| matches!(one.phase, Phase::Launching | Phase::Booting);
        let is_going =
            |one: &&&Candidate<'_>| matches!(one.phase, Phase::Draining | Phase::Leaving);
        let coming = candidates.iter().filter(is_coming).count();
        let mut going = outdated.iter().filter(is_going).count();
        let may_go = |one: &&Candidate<'_>| {
            one.phase == Phase::Ready && one.machine.held.is_none() && one.may_be_asked
        };
        let mut waiting: Vec<_> = outdated.iter().copied().filter(may_go).collect();
        waiting.sort_by_key(|one| (one.is_busy(), one.machine.made_at, one.name));
        let at_once = (candidates.len() / SHARE).max(1);
        let can_buy = !rank::offers(situation, pool, pool.shape, 1, &[]).0.is_empty();
        let mut next = BTreeSet::new();
        for one in waiting {
            let unoffered = pool.offer(&one.machine.offer).is_none() && !capacity.short.is_empty();
            let is_needed = one.is_needed || unoffered;
            let ahead = if is_needed { going + coming } else { going };
            if ahead < at_once && (can_buy || !is_needed) {
                next.insert(one.name.clone());
                going += 1;
            }
        }
        Self { next, told: Some(Blocked::Replacing { left }), again_at }
    }

    /// Whether it is a machine's turn.
    pub fn is_of(&self, name: &MachineName) -> bool {
        self.next.contains(name)
    }
}
