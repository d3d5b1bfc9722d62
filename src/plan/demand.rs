//! How many slots the work asks for, by what its tasks need.

use std::collections::BTreeMap;

use crate::model::{QueueReading, Shape};
use crate::policy::{Policy, Pool};

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
}

/// The pool's share of its queue's work. Several pools on one queue: each task is counted once, for
/// the first pool in the config that can run it.
pub fn of(policy: &Policy, pool: &Pool, reading: &QueueReading) -> Demand {
    let mut demand = Demand::default();
    let rivals: Vec<&Pool> = policy.pools.iter().filter(|one| one.queue == pool.queue).collect();
    for work in &reading.work {
        let taker = rivals.iter().find(|rival| fits(rival, work.shape.unwrap_or(rival.shape)));
        let shape = work.shape.unwrap_or(pool.shape);
        match taker {
            Some(taker) if taker.name == pool.name => {
                let wanted = demand.wanted.entry(shape).or_default();
                wanted.waiting += work.queued.div_ceil(pool.tasks_per_slot.max(1));
                wanted.running = work.running.map(|running| wanted.running.unwrap_or(0) + running);
            }
            Some(_) => {}
            None if work.queued == 0 => {}
            None => demand.misfits.push(shape),
        }
    }
    demand
}

/// Whether any offer of the pool can run a task of this shape.
fn fits(pool: &Pool, shape: Shape) -> bool {
    pool.offers.iter().any(|offer| pool.slots_of(offer, shape) != 0)
}
