//! The farm as people and programs see it, put together from memory, readings and the last plan.

use std::collections::BTreeMap;

use super::situation::Situation;
use super::{money, rank};
use crate::memory::Machine;
use crate::model::snapshot::{MachineView, OfferView, PoolView, Report, Snapshot};
use crate::model::{Event, MachineName, Money, Price, Text, Time};
use crate::policy::{Policy, Pool};

/// What the driver knows besides the situation.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    /// Turns since start.
    pub number: u64,
    /// When the next is due at the latest.
    pub next_by: Time,
    /// The last plan's reports.
    pub reports: &'a BTreeMap<Text, Report>,
    /// What it asked for.
    pub planned: &'a [Event],
    /// Last events, oldest first.
    pub recent: &'a [Event],
}

/// The snapshot of this turn.
pub fn snapshot(situation: Situation<'_>, turn: Turn<'_>) -> Snapshot {
    let Situation { policy, memory, readings, now } = situation;
    Snapshot {
        at: now,
        farm: policy.namer.prefix().trim_end_matches('-').into(),
        turn: turn.number,
        next_turn_by: turn.next_by,
        adopted_at: memory.meta.adopted_at,
        paused: memory.meta.paused.clone(),
        retiring: memory.meta.retiring.clone(),
        pools: policy.pools.iter().map(|pool| pool_view(situation, pool, turn)).collect(),
        machines: memory
            .machines
            .iter()
            .map(|(name, machine)| machine_view(name, machine, now))
            .collect(),
        offers: policy.pools.iter().flat_map(|pool| offer_views(situation, pool)).collect(),
        spend: money::spend(memory, now),
        ledger: money::ledger(situation),
        counts: memory.meta.counts,
        planned: turn.planned.to_vec(),
        recent: turn.recent.to_vec(),
        faults: readings.faults(),
    }
}

fn pool_view(situation: Situation<'_>, pool: &Pool, turn: Turn<'_>) -> PoolView {
    let Situation { memory, readings, now, .. } = situation;
    let reading = readings.queues.get(&pool.queue).and_then(|source| source.reading.as_ref());
    let mut phases = BTreeMap::new();
    for machine in memory.machines.values().filter(|machine| machine.pool == pool.name) {
        *phases.entry(machine.phase()).or_insert(0) += 1;
    }
    PoolView {
        name: Text::clone(&pool.name),
        queued: reading.map_or(0, crate::model::QueueReading::queued),
        running: reading.map_or(0, crate::model::QueueReading::running),
        oldest_wait: reading.and_then(|reading| reading.oldest_wait),
        queue_age: reading.map(|reading| now.since(reading.asked_at)),
        phases,
        size: pool.size_at(now),
        report: turn.reports.get(&pool.name).cloned().unwrap_or_default(),
    }
}

fn machine_view(name: &MachineName, machine: &Machine, now: Time) -> MachineView {
    let sighting = &machine.sighting;
    MachineView {
        name: name.clone(),
        instance: machine.instance.clone(),
        pool: Text::clone(&machine.pool),
        offer: machine.offer.clone(),
        phase: machine.phase(),
        since: machine.pending.as_ref().map_or(machine.since, |pending| pending.sent_at),
        worker: machine.heard.state,
        worker_since: machine.heard.state.map(|_| machine.heard.since),
        hourly: machine.price().map_or(Money::ZERO, Price::per_hour),
        cost: machine.cost(now),
        reason: machine.reason,
        held: machine.held.clone(),
        unexpected_status: sighting
            .unexpected_status
            .as_ref()
            .map(|one| one.status.to_string().into()),
    }
}

fn offer_views(situation: Situation<'_>, pool: &Pool) -> Vec<OfferView> {
    let views = rank::ranking(situation, pool).into_iter().map(|one| OfferView {
        pool: Text::clone(&pool.name),
        offer: one.offer.key.clone(),
        hourly: one.quote.map(|quote| quote.running.per_hour()),
        work_hourly: one.merit.map(|merit| merit.work_hourly),
        stock: situation.readings.stock_of(&one.offer.key),
        blocked: one.terms.err(),
    });
    views.collect()
}

/// Counts the rows of a listing that carry a name of this farm.
pub fn ours(policy: &Policy, listing: &crate::model::Listing) -> usize {
    listing.rows.iter().filter(|row| policy.namer.parse(&row.name).is_some()).count()
}
