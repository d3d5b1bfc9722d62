//! What a plan is made from, and how much of it may be believed now.

use crate::memory::{Machine, Memory};
use crate::model::snapshot::Blocked;
use crate::model::{MachineName, QueueReading, Span, Text, Time};
use crate::policy::{Policy, Pool};

use super::readings::{Readings, Source};

/// A listing older than so many times `timing.stale_after` halts the farm.
const SILENT_TIMES: i64 = 5;

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// What the operator wants.
    pub policy: &'a Policy,
    /// What is remembered.
    pub memory: &'a Memory,
    /// What was last seen.
    pub readings: &'a Readings,
    /// When.
    pub now: Time,
}

impl<'a> Situation<'a> {
    /// What keeps the whole farm from being changed at all.
    pub fn halted(self) -> Option<Blocked> {
        let Situation { policy, memory, readings, now } = self;
        if let Some(pause) = &memory.meta.paused {
            let (owner, reason) = (Text::clone(&pause.owner), Text::clone(&pause.reason));
            return Some(Blocked::Paused { owner, reason });
        }
        if memory.meta.adopted_at.is_none() || readings.listings == 0 {
            return Some(if readings.fleet.failure.is_some() {
                Blocked::FleetStale { detail: readings.fleet.word() }
            } else {
                Blocked::NotAdopted
            });
        }
        let listed_at = readings.fleet.reading.as_ref().map_or(Time::default(), |one| one.asked_at);
        let silent = listed_at + policy.timing.stale_after.times(SILENT_TIMES) < now;
        silent.then(|| Blocked::FleetStale { detail: readings.fleet.word() })
    }

    /// The queue's word, if it is fresh enough to act on.
    pub fn fresh_queue(self, pool: &Pool) -> Option<&'a QueueReading> {
        let Situation { policy, readings, now, .. } = self;
        let reading = readings.queues.get(&pool.queue).and_then(|source| source.reading.as_ref());
        reading.filter(|reading| now <= reading.asked_at + policy.timing.stale_after)
    }

    /// The queue's word is missing or too old: what it last said.
    pub fn queue_stale(self, pool: &Pool) -> Blocked {
        let source = self.readings.queues.get(&pool.queue);
        let detail = source.map_or_else(|| "not asked yet".into(), Source::word);
        Blocked::QueueStale { detail }
    }

    /// Why nothing may be let go though the queue's word is fresh.
    pub fn doubt(self, queue: &QueueReading) -> Option<Blocked> {
        let Situation { policy, readings, now, .. } = self;
        let timing = &policy.timing;
        if let Some(until) = readings.frozen_until.filter(|until| now < *until) {
            return Some(Blocked::ClockJumped { until });
        }
        let fleet = readings.fleet.reading.as_ref()?.asked_at;
        if fleet + timing.stale_after + timing.fleet_poll < now {
            return Some(Blocked::FleetStale { detail: readings.fleet.word() });
        }
        let apart = Span(queue.asked_at.since(fleet).0.abs());
        (timing.queue_poll + timing.fleet_poll < apart).then_some(Blocked::ReadingsApart)
    }

    /// The farm is being decommissioned, by whom.
    pub fn retiring(self) -> Option<Blocked> {
        let owner = self.memory.meta.retiring.clone()?;
        Some(Blocked::Retiring { owner })
    }

    /// Whether the farm is being decommissioned.
    pub fn is_retiring(self) -> bool {
        self.memory.meta.retiring.is_some()
    }

    /// The machines of one pool, in the order of their names.
    pub fn machines_of(
        self,
        pool: &Text,
    ) -> impl Iterator<Item = (&'a MachineName, &'a Machine)> + use<'a, '_> {
        self.memory.machines.iter().filter(move |(_, machine)| machine.pool == *pool)
    }
}
