//! Machines that are too old, or made from other settings than today's, are replaced: a few at a time,
//! idle ones first, none while its task runs.

use super::capacity::Capacity;
use super::{Draft, Situation, fresh_queue, may_change, rank, shrink};
use crate::memory::Machine;
use crate::model::snapshot::{Blocked, Phase, Report};
use crate::model::{Change, MachineName, Reason, Text, Time, WorkerState};
use crate::policy::{Care, Pool, Tier};

/// One in so many of a pool's machines is replaced at a time, or one.
const SHARE: usize = 10;

/// Why a machine is to be replaced, if it is.
pub fn due(situation: Situation<'_>, pool: &Pool, machine: &Machine) -> Option<Reason> {
    let age = situation.now.since(machine.made_at);
    if pool.care.max_lifetime.is_some_and(|max| max <= age) {
        return Some(Reason::TooOld { age });
    }
    let drifted = pool
        .offer(&machine.offer)
        .is_none_or(|offer| machine.build.is_some_and(|build| build != offer.build));
    drifted.then_some(Reason::Drifted)
}

/// Whether a machine may be brought back to work.
pub fn stays(situation: Situation<'_>, pool: &Pool, machine: &Machine) -> bool {
    !machine.is_being_replaced() && due(situation, pool, machine).is_none()
}

/// Asks the next few to take no more. One that is needed goes only while another can be bought.
pub(super) fn steps(
    situation: Situation<'_>,
    pool: &Pool,
    ours: &[(&MachineName, &Machine)],
    capacity: &Capacity,
    (draft, report): (&mut Draft, &mut Report),
) {
    let now = situation.now;
    let (mut going, mut coming, mut left, mut next) = (0, 0, 0, Vec::new());
    for (name, machine) in ours {
        coming += usize::from(matches!(machine.phase(), Phase::Launching | Phase::Booting));
        let Some(why) = due(situation, pool, machine).filter(|_| machine.meter.is_on()) else {
            let due_at = pool.care.max_lifetime.map(|max| machine.made_at + max);
            draft.wake_by(due_at.filter(|at| now < *at).unwrap_or(Time::MAX));
            continue;
        };
        left += 1;
        let is_free = machine.held.is_none() && may_change(situation, machine);
        match machine.phase() {
            Phase::Ready if is_free => next.push((*name, *machine, why)),
            Phase::Draining | Phase::Leaving => going += 1,
            Phase::Launching
            | Phase::Booting
            | Phase::Ready
            | Phase::Stopping
            | Phase::Stopped
            | Phase::Starting => {}
        }
    }
    if left == 0 {
        return;
    }
    report.binds.push(Blocked::Replacing { left });
    let at_once = (ours.len() / SHARE).max(1);
    let is_busy = |machine: &Machine| machine.worker == Some(WorkerState::Busy);
    next.sort_by_key(|(name, machine, _)| (is_busy(machine), machine.made_at, *name));
    let (offers, _) = rank::offers(situation, pool, (pool.shape, 1), &[]);
    for (name, machine, why) in next {
        // What is needed goes one after the other: only when the last has its successor, and only
        // while another can be had.
        let unoffered = pool.offer(&machine.offer).is_none() && !capacity.short.is_empty();
        let needed = capacity.needed.contains(name) || unoffered;
        let waits = if needed { going + coming } else { going };
        if waits < at_once && !(needed && offers.is_empty()) && !draft.is_touched(name) {
            draft.change(situation, name, Change::Drain, why);
            going += 1;
        }
    }
}

/// Machines of pools that are gone from the config: let go where their queue is still read, else only
/// told of.
pub(super) fn orphans(situation: Situation<'_>, draft: &mut Draft) {
    let Situation { policy, memory, .. } = situation;
    let machines = memory.machines.values();
    let gone = machines.filter(|machine| policy.pool(&machine.pool).is_none());
    let mut pools: Vec<(&Text, &Text)> =
        gone.map(|machine| (&machine.pool, &machine.queue)).collect();
    pools.sort();
    pools.dedup();
    for (name, queue) in pools {
        let ours = || memory.machines.values().filter(|one| one.pool == *name);
        let machines = u32::try_from(ours().count()).unwrap_or(u32::MAX);
        let known = ours().all(|one| one.queue == *queue);
        let reads = policy.pools.iter().find(|pool| known && pool.queue == *queue);
        let Some(host) = reads.or_else(|| policy.pools.first()) else { return };
        let mut report = draft.plan.reports.remove(&host.name).unwrap_or_default();
        report.binds.push(Blocked::PoolGone { pool: Text::clone(name), machines });
        if reads.is_some() {
            let ghost = ghost(name, host);
            let capacity = Capacity { machines, ..Capacity::default() };
            let fresh = fresh_queue(situation, &ghost);
            shrink::steps(situation, &ghost, (&capacity, None), fresh, draft, &mut report);
        }
        super::tell_once(&mut report);
        draft.plan.reports.insert(Text::clone(&host.name), report);
    }
}

/// A pool that buys nothing and keeps nothing, on the queue of another.
fn ghost(name: &Text, host: &Pool) -> Pool {
    Pool {
        name: Text::clone(name),
        offers: Vec::new(),
        min: 0,
        windows: Vec::new(),
        headroom: 0,
        tier: Tier { keep_stopped: false, ..host.tier },
        promise: None,
        care: Care::default(),
        ..host.clone()
    }
}
