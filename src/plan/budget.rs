//! The caps: what may still be started this turn. Every cap is a reservation, taken before a
//! request leaves and held until it is certain that nothing came of it.

use crate::memory::{Create, Life, Memory};
use crate::model::snapshot::{Blocked, Phase};
use crate::model::{Money, Price, Quote, Time};
use crate::policy::{Policy, Pool};

/// What is left of the farm's caps in this turn.
#[derive(Debug, Clone)]
pub struct Budget {
    farm: u32,
    farm_max: u32,
    open_creates: u32,
    open_creates_max: u32,
    creates: u32,
    creates_max: u32,
    stops: u32,
    stops_max: u32,
    deletes: u32,
    deletes_max: u32,
}

impl Budget {
    /// Counts what is owned, under way and done within the window.
    pub fn new(policy: &Policy, memory: &Memory, now: Time) -> Self {
        let limits = &policy.limits;
        let farm = count(memory.machines.len());
        let within = |beats: &[(Time, u32)]| -> u32 {
            let within = beats.iter().filter(|(end, _)| now < *end + policy.timing.window);
            within.map(|(_, count)| *count).fold(0, u32::saturating_add)
        };
        let recent = &memory.meta.recent;
        let stops = within(&recent.stops);
        // The share is of what ran when the window began.
        let on = memory.machines.values().filter(|machine| !machine.is_off());
        let on = count(on.count()).saturating_add(stops).min(limits.max);
        let open = memory.machines.values().filter(|machine| {
            matches!(machine.life, Life::Launching(Create::Sent | Create::Unknown))
        });
        Self {
            farm,
            farm_max: limits.max,
            open_creates: count(open.count()),
            open_creates_max: limits.open_creates,
            creates: within(&recent.creates),
            creates_max: policy.pools.iter().map(|pool| pool.surge).fold(0, u32::saturating_add),
            stops,
            stops_max: limits.stops_floor.max(on.saturating_mul(limits.stops_percent) / 100),
            deletes: within(&recent.deletes),
            deletes_max: limits.deletes_floor.max(farm),
        }
    }

    /// Takes a create, or says what forbids it.
    pub fn create(&mut self) -> Result<(), Blocked> {
        if self.farm_max <= self.farm {
            return Err(Blocked::FarmMax { max: self.farm_max });
        }
        if self.open_creates_max <= self.open_creates {
            return Err(Blocked::OpenCreates { limit: self.open_creates_max });
        }
        if self.creates_max <= self.creates {
            return Err(Blocked::Surge { limit: self.creates_max });
        }
        self.farm += 1;
        self.open_creates += 1;
        self.creates += 1;
        Ok(())
    }

    /// Takes a stop, or a delete of a machine that runs.
    pub fn stop(&mut self) -> Result<(), Blocked> {
        take(&mut self.stops, self.stops_max)
    }

    /// Takes a delete of a machine that is off, or that never joined.
    pub fn delete_workless(&mut self) -> Result<(), Blocked> {
        take(&mut self.deletes, self.deletes_max)
    }
}

fn take(used: &mut u32, limit: u32) -> Result<(), Blocked> {
    if limit <= *used {
        return Err(Blocked::ShrinkWindow { limit });
    }
    *used += 1;
    Ok(())
}

/// What the farm would cost an hour were everything we own running: money is reserved for a
/// stopped machine too, since it may be started, and for one of unknown price as for the dearest.
pub fn hourly_reserved(memory: &Memory) -> Money {
    let dearest = dearest(memory);
    let quotes = memory.machines.values().filter_map(|machine| machine.quote.or(dearest));
    quotes.map(|quote| quote.running.per_hour()).sum()
}

/// The dearest price of any machine of ours.
pub fn dearest(memory: &Memory) -> Option<Quote> {
    let quotes = memory.machines.values().filter_map(|machine| machine.quote);
    quotes.max_by_key(|quote| quote.running.per_hour())
}

/// What the farm costs an hour now.
pub fn hourly_now(memory: &Memory) -> Money {
    let paid = memory.machines.values().filter(|machine| machine.phase() != Phase::Launching);
    paid.filter_map(super::super::memory::Machine::price).map(Price::per_hour).sum()
}

/// Machines of the pool that count against its `max`: all of them.
pub fn owned(pool: &Pool, memory: &Memory) -> u32 {
    count(memory.machines.values().filter(|machine| machine.pool == pool.name).count())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
