//! Which machines the work needs, which are to spare, and what is short.

use std::collections::BTreeSet;

use super::demand::Demand;
use super::machine::counts;
use super::situation::Situation;
use crate::memory::{Life, Machine, Memory};
use crate::model::{Change, MachineName, Shape, Time, WorkerState};
use crate::policy::{OfferPolicy, Policy, Pool};

/// The pool's machines held against its demand.
#[derive(Debug, Clone, Default)]
pub struct Capacity {
    /// Slots asked for, headroom included.
    pub wanted_slots: u32,
    /// Slots there are or that are on their way.
    pub slots: u32,
    /// Machines running or on their way.
    pub machines: u32,
    /// Machines the work needs.
    pub needed: BTreeSet<MachineName>,
    /// Slots at work on machines that are on their way out: those tasks end there.
    pub going: u32,
    /// Slots short, by shape.
    pub short: Vec<(Shape, u32)>,
    /// The pool's `min` now.
    pub min: u32,
}

/// What people are told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Slots the work asks for.
    pub demand_slots: u32,
    /// Slots there are or that are on their way.
    pub capacity_slots: u32,
    /// Whether anything is short: offers are then worth asking about.
    pub is_short: bool,
}

impl Capacity {
    /// For people.
    pub fn report(&self) -> Report {
        Report {
            demand_slots: self.wanted_slots.saturating_add(self.going),
            capacity_slots: self.slots.saturating_add(self.going),
            is_short: !self.short.is_empty() || self.machines < self.min,
        }
    }
}

/// Holds the pool's machines against its demand.
pub fn held_against(situation: Situation<'_>, pool: &Pool, demand: &Demand) -> Capacity {
    let Situation { policy, memory, now, .. } = situation;
    let mut spare = spare_machines(policy, pool, memory, now);
    let mut capacity = Capacity {
        machines: u32::try_from(spare.len()).unwrap_or(u32::MAX),
        slots: spare.iter().map(|one| pool.slots_of(one.offer, pool.shape)).sum(),
        min: pool.size_at(now).0,
        ..Capacity::default()
    };
    let headroom = [(pool.shape, pool.headroom)].into_iter().filter(|(_, slots)| *slots != 0);
    let mut going_slots = 0;
    let work = demand.wanted.iter().rev().map(|(shape, wanted)| {
        let going = going(policy, pool, memory, *shape).min(wanted.running.unwrap_or(0));
        going_slots += going;
        let running = wanted.running.map(|running| running - going);
        let running =
            running.unwrap_or_else(|| assumed_running(pool, &spare, *shape, wanted.waiting));
        (*shape, running.saturating_add(wanted.waiting))
    });
    let work: Vec<(Shape, u32)> = work.chain(headroom).collect();
    capacity.going = going_slots;
    for (shape, wanted) in work {
        capacity.wanted_slots = capacity.wanted_slots.saturating_add(wanted);
        let mut left = wanted;
        spare.retain(|one| {
            let slots = pool.slots_of(one.offer, shape);
            if left == 0 || slots == 0 {
                return true;
            }
            left = left.saturating_sub(slots);
            capacity.needed.insert(one.name.clone());
            false
        });
        if left != 0 {
            capacity.short.push((shape, left));
        }
    }
    capacity
}

/// Slots at work on machines that take no more and are on their way out: those tasks end there.
pub fn going(policy: &Policy, pool: &Pool, memory: &Memory, shape: Shape) -> u32 {
    let going = memory.machines.values().filter(|machine| {
        let orphan = policy.pool(&machine.pool).is_none() && machine.queue == pool.queue;
        let goes = machine.is_being_replaced() || pool.offer(&machine.offer).is_none();
        (orphan || (machine.pool == pool.name && goes))
            && machine.heard.state == Some(WorkerState::Busy)
            && !machine.is_unavailable()
    });
    // A size that is no longer bought is taken to run one task on each GPU.
    let slots = |machine: &Machine| {
        let offer = pool.offer(&machine.offer);
        offer.map_or(machine.offer.gpus.max(1), |offer| pool.slots_of(offer, shape))
    };
    going.map(slots).fold(0, u32::saturating_add)
}

/// A machine that may serve, in the order in which work is laid on machines.
struct Spare<'a> {
    name: &'a MachineName,
    machine: &'a Machine,
    offer: &'a OfferPolicy,
}

/// Busy machines first, then idle, then those on their way; within each the least capable first,
/// so that the capable stay free for tasks that need them.
fn spare_machines<'a>(
    policy: &'a Policy,
    pool: &'a Pool,
    memory: &'a Memory,
    now: Time,
) -> Vec<Spare<'a>> {
    let mut spare: Vec<Spare<'a>> = memory
        .machines
        .iter()
        .filter(|(_, machine)| machine.pool == pool.name)
        .filter(|(_, machine)| counts(machine, policy.timing.unknown_counts, now))
        .filter_map(|(name, machine)| {
            Some(Spare { name, machine, offer: pool.offer(&machine.offer)? })
        })
        .collect();
    spare.sort_by_key(|one| {
        let rank = match (&one.machine.life, one.machine.heard.state) {
            (Life::Ready, Some(WorkerState::Busy)) => 0,
            (Life::Ready, _) => 1,
            _ => 2,
        };
        (rank, one.offer.key.gpus, one.offer.gpu_memory_gib, one.machine.heard.since)
    });
    spare
}

/// A source that gives depth only: while work waits, every ready machine is taken to be busy.
fn assumed_running(pool: &Pool, spare: &[Spare<'_>], shape: Shape, waiting: u32) -> u32 {
    if waiting == 0 {
        return 0;
    }
    let ready = spare.iter().filter(|one| one.machine.life == Life::Ready);
    ready.map(|one| pool.slots_of(one.offer, shape)).sum()
}

/// Machines of the pool on their way: asked for, booting or starting.
pub fn coming(pool: &Pool, memory: &Memory) -> u32 {
    let coming = memory.machines.values().filter(|machine| machine.pool == pool.name);
    let coming = coming.filter(|machine| {
        let starting = machine.pending.as_ref().is_some_and(|one| one.change == Change::Start);
        starting || matches!(machine.life, Life::Launching(_) | Life::Booting(_))
    });
    u32::try_from(coming.count()).unwrap_or(u32::MAX)
}
