//! Which unit of the load each machine without work would serve, were it needed again.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::memory::{Life, Machine};
use crate::model::{MachineName, WorkerState};
use crate::plan::release::candidate::Candidate;
use crate::plan::situation::Situation;
use crate::policy::Pool;

/// The load's units that idle and stopped machines would serve, were they needed again: those used
/// last serve the lowest.
pub fn served(
    situation: Situation<'_>,
    pool: &Pool,
    candidates: &[Candidate<'_>],
) -> BTreeMap<MachineName, u32> {
    let load = situation.readings.workloads.get(&pool.queue).map_or(0, |one| one.gaps.load());
    let is_idle = |machine: &Machine| {
        machine.life == Life::Ready && machine.heard.state != Some(WorkerState::Busy)
    };
    let rank = |machine: &Machine| match machine.life {
        Life::Stopped(_) => Some((1, machine.since)),
        Life::Ready | Life::Booting(_) | Life::Launching(_) => {
            is_idle(machine).then_some((0, machine.heard.since))
        }
    };
    let ranked = candidates.iter().filter_map(|one| Some((rank(one.machine)?, one)));
    let mut spare: Vec<_> = ranked.collect();
    spare.sort_by_key(|((tier, since), one)| (*tier, Reverse(*since), one.name));
    let mut level = load;
    let mut levels = BTreeMap::new();
    for (_, one) in spare {
        let slots =
            pool.offer(&one.machine.offer).map_or(1, |offer| pool.slots_of(offer, pool.shape));
        level = level.saturating_add(slots.max(1));
        levels.insert(one.name.clone(), level);
    }
    levels
}
