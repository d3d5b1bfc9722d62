//! How many slots the work asks for, by what its tasks need; which pool serves it where several can;
//! what shared limits leave of it.

use std::collections::BTreeMap;

use super::machine::counts;
use super::situation::Situation;
use super::workers::Workers;
use super::{budget, rank};
use crate::memory::Life;
use crate::model::snapshot::Blocked;
use crate::model::{Money, QueueReading, Shape, Text, WorkerState};
use crate::policy::{Pool, Shared, SharedCount};

/// Work of one shape, in slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Slots for tasks that run; `None` where the source cannot tell.
    pub running: Option<u32>,
    /// Slots for tasks that wait.
    pub waiting: u32,
}

/// What a pool is asked for, strictest shape first, and what nothing in the farm can run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Demand {
    /// Wanted slots by shape.
    pub wanted: BTreeMap<Shape, Wanted>,
    /// Shapes no offer of any pool on this queue fits.
    pub misfits: Vec<Shape>,
    /// The shared limit that leaves tasks waiting.
    pub limited_by: Option<Blocked>,
}

/// What people are told of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The shared limit that leaves tasks waiting.
    pub limited_by: Option<Blocked>,
    /// Tasks that nothing in the farm can run.
    pub misfits: Vec<Blocked>,
}

impl Demand {
    /// For people.
    pub fn report(&self) -> Report {
        let misfit = |shape: &Shape| {
            let (gpus, gpu_memory_gib) = (shape.gpus.max(1), shape.gpu_memory_gib);
            Blocked::NothingFits { gpus, gpu_memory_gib }
        };
        Report {
            limited_by: self.limited_by.clone(),
            misfits: self.misfits.iter().map(misfit).collect(),
        }
    }
}

/// What each pool is asked for, in the order of the config; nothing where the queue's word is not
/// fresh.
pub fn of_pools(situation: Situation<'_>, fresh: &[Option<&QueueReading>]) -> Vec<Demand> {
    let pools = &situation.policy.pools;
    let of_fresh = |(pool, fresh): (&Pool, Option<&QueueReading>)| {
        fresh.map(|reading| of_pool(situation, pool, reading)).unwrap_or_default()
    };
    let mut demands: Vec<Demand> = pools.iter().zip(fresh.iter().copied()).map(of_fresh).collect();
    for shared in &situation.policy.shared {
        share(situation, shared, &mut demands);
    }
    demands
}

/// The pool's share of its queue's work. Several pools on one queue: each task is counted once.
fn of_pool(situation: Situation<'_>, pool: &Pool, reading: &QueueReading) -> Demand {
    let mut demand = Demand::default();
    let rivals: Vec<&Pool> =
        situation.policy.pools.iter().filter(|one| one.queue == pool.queue).collect();
    let mut busy = busy_slots(situation, pool, reading).filter(|_| 1 < rivals.len());
    for work in &reading.work {
        let shape = work.shape.unwrap_or(pool.shape);
        let able: Vec<&Pool> = rivals
            .iter()
            .filter(|rival| fits(rival, work.shape.unwrap_or(rival.shape)))
            .copied()
            .collect();
        if able.is_empty() && work.queued != 0 {
            demand.misfits.push(shape);
        }
        if !able.iter().any(|one| one.name == pool.name) {
            continue;
        }
        let slots = |tasks: u32| tasks.div_ceil(pool.tasks_per_slot.max(1));
        let wanted = demand.wanted.entry(shape).or_default();
        match (&mut busy, work.running) {
            (Some(busy), Some(running)) => {
                let ours = running.min(*busy);
                *busy -= ours;
                wanted.running = Some(wanted.running.unwrap_or(0) + ours);
                wanted.waiting += slots(assigned(situation, &able, pool, shape, work.queued));
            }
            // Nobody can tell where tasks run: all of them count for the first pool.
            _ if able.first().is_some_and(|first| first.name == pool.name) => {
                wanted.waiting += slots(work.queued);
                wanted.running = work.running.map(|running| wanted.running.unwrap_or(0) + running);
            }
            _ => {}
        }
    }
    demand
}

/// Whether any offer of the pool can run a task of this shape.
fn fits(pool: &Pool, shape: Shape) -> bool {
    pool.offers.iter().any(|offer| pool.slots_of(offer, shape) != 0)
}

/// The pool's workers that hold a task; `None` if the source cannot tell who is busy.
fn busy_slots(situation: Situation<'_>, pool: &Pool, reading: &QueueReading) -> Option<u32> {
    let workers = Workers::by_machine(reading)?;
    let ours = situation.memory.machines.iter().filter(|(_, one)| one.pool == pool.name);
    Some(ours.map(|(name, one)| workers.busy_on(name, one.instance.as_ref())).sum())
}

/// Which part of `waiting` tasks falls to `pool`: first what any pool's free machines will take, then
/// what the pools may buy, the cheapest first; what is left waits for the cheapest.
fn assigned(
    situation: Situation<'_>,
    able: &[&Pool],
    pool: &Pool,
    shape: Shape,
    waiting: u32,
) -> u32 {
    let mut by_price: Vec<(Money, &Pool, u32)> = able
        .iter()
        .map(|one| {
            let (offers, _) = rank::offers(situation, one, shape, 1, &[]);
            let best = offers.first();
            let price = best.map_or(Money(i64::MAX), |best| best.merit.work_hourly);
            let (_, max) = one.size_at(situation.now);
            let room = max.saturating_sub(budget::owned(one, situation.memory));
            (price, *one, best.map_or(0, |best| room.saturating_mul(best.slots)))
        })
        .collect();
    by_price.sort_by_key(|(price, ..)| *price);
    let mut left = waiting;
    let mut ours = 0;
    let mut give = |to: &Pool, slots: u32| {
        let given = left.min(slots);
        left -= given;
        ours += if to.name == pool.name { given } else { 0 };
    };
    for (_, one, _) in &by_price {
        give(one, free_slots(situation, one, shape));
    }
    for (_, one, room) in &by_price {
        give(one, *room);
    }
    if let Some((_, cheapest, _)) = by_price.first() {
        give(cheapest, u32::MAX);
    }
    ours
}

/// Slots of a pool that are free or on their way.
fn free_slots(situation: Situation<'_>, pool: &Pool, shape: Shape) -> u32 {
    let Situation { policy, memory, now, .. } = situation;
    let free = memory.machines.values().filter(|machine| {
        let busy = machine.life == Life::Ready && machine.heard.state == Some(WorkerState::Busy);
        machine.pool == pool.name && !busy && counts(machine, policy.timing.unknown_counts, now)
    });
    free.filter_map(|machine| Some(pool.slots_of(pool.offer(&machine.offer)?, shape))).sum()
}

/// Leaves of the pools' waiting work what a shared limit allows: tasks that run hold theirs, and
/// pools are served in the order of the config.
fn share(situation: Situation<'_>, shared: &Shared, demands: &mut [Demand]) {
    let count = count_of(situation, shared);
    let takes = |pool: &Pool| pool.takes.contains(&shared.name);
    let pools = &situation.policy.pools;
    let running = |demand: &Demand| -> u32 {
        demand.wanted.values().filter_map(|wanted| wanted.running).sum()
    };
    let takers = || pools.iter().zip(demands.iter()).filter(|(pool, _)| takes(pool));
    let at_work: u32 = takers().map(|(_, demand)| running(demand)).sum();
    let mut left = count.unwrap_or(0).saturating_sub(at_work);
    for (_, demand) in pools.iter().zip(demands.iter_mut()).filter(|(pool, _)| takes(pool)) {
        for wanted in demand.wanted.values_mut().rev() {
            if left < wanted.waiting {
                wanted.waiting = left;
                let name = Text::clone(&shared.name);
                demand.limited_by = Some(Blocked::Shared { name, count });
            }
            left -= wanted.waiting;
        }
    }
}

fn count_of(situation: Situation<'_>, shared: &Shared) -> Option<u32> {
    let Situation { policy, readings, now, .. } = situation;
    match &shared.count {
        SharedCount::Fixed(count) => Some(*count),
        SharedCount::From(queue) => {
            let reading = readings.queues.get(queue)?.reading.as_ref();
            let fresh = |one: &&QueueReading| now <= one.asked_at + policy.timing.stale_after;
            reading.filter(fresh).map(QueueReading::queued)
        }
    }
}
