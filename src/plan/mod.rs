//! All choices, and nothing else: pure steps, one file each. What is missing is data, what holds
//! back is data; planning cannot fail. Same inputs, same plan, byte for byte.

#![deny(clippy::float_arithmetic)]

use std::collections::BTreeMap;

use crate::memory::Memory;
use crate::model::event::{ChangeEvent, CreateEvent, EventKind};
use crate::model::snapshot::{Blocked, Report};
use crate::model::{
    Act, Change, Look, MachineName, MachineRef, OfferKey, QueueReading, Reason, Span, Text, Time,
};
use crate::policy::{Policy, Pool};

pub mod ahead;
pub mod aside;
pub mod boots;
pub mod capacity;
pub mod caps;
pub mod demand;
pub mod grow;
pub mod guard;
pub mod hung;
pub mod learning;
mod leaving;
pub mod looks;
pub mod money;
pub mod overdue;
pub mod promise;
pub mod quantum;
pub mod quota;
pub mod rank;
pub mod readings;
pub mod replace;
pub mod report;
pub mod settle;
pub mod shrink;
mod silent;
pub mod workers;

pub use readings::Readings;

/// What is to be done now, why the farm is as large as it is, and when to think again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "a plan does nothing by itself"]
pub struct Plan {
    /// Questions to ask.
    pub looks: Vec<Look>,
    /// Changes to make, each with the intent that must be durable first.
    pub steps: Vec<Step>,
    /// Why each pool is as large as it is.
    pub reports: BTreeMap<Text, Report>,
    /// Think again then, if nothing happens before.
    pub wake_at: Time,
}

/// One change and its intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Made durable before the act starts.
    pub intent: EventKind,
    /// What is started.
    pub act: Act,
}

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

/// A plan in the making.
#[derive(Debug)]
pub struct Draft {
    plan: Plan,
    budget: guard::Budget,
    caps: caps::Caps,
    serial: u64,
    /// The account is in arrears: nothing is bought, started or deleted.
    frozen: bool,
    touched: std::collections::BTreeSet<MachineName>,
}

/// Decides.
pub fn plan(situation: Situation<'_>) -> Plan {
    let Situation { policy, memory, readings, now } = situation;
    let mut draft = Draft::new(situation);
    let mut wants_offers = Vec::new();
    let fresh: Vec<_> = policy.pools.iter().map(|pool| fresh_queue(situation, pool)).collect();
    let demands = demand::all(situation, &fresh);
    for ((pool, fresh), demand) in policy.pools.iter().zip(fresh).zip(demands) {
        let mut report = Report::default();
        report.binds.extend(held(situation));
        aside::tell(situation, pool, &mut draft, &mut report);
        if fresh.is_none() {
            report.binds.push(queue_stale(situation, pool));
        }
        report.binds.extend(demand.limited_by.clone());
        let capacity = capacity::of(policy, pool, memory, &demand, now);
        report.demand_slots = capacity.wanted_slots.saturating_add(capacity.going);
        report.capacity_slots = capacity.slots.saturating_add(capacity.going);
        for shape in &demand.misfits {
            let (gpus, gpu_memory_gib) = (shape.gpus.max(1), shape.gpu_memory_gib);
            report.binds.push(Blocked::NothingFits { gpus, gpu_memory_gib });
        }
        if grow::wants(pool, &capacity, now) {
            wants_offers.push(&pool.name);
        }
        if let Some(owner) = memory.meta.retiring.clone() {
            report.binds.push(Blocked::Retiring { owner });
        }
        if held(situation).is_none() {
            let ahead = fresh.and_then(|_| ahead::of(situation, pool, &demand, &capacity));
            if let Some(reading) = fresh {
                hung::steps(situation, pool, reading, &mut draft, &mut report);
            }
            let slots = ahead.as_ref().map_or(&capacity.short, |ahead| &ahead.short);
            if memory.meta.retiring.is_none() {
                grow::steps(situation, pool, (&capacity, slots), &mut draft, &mut report);
            }
            let cancel = ahead.as_ref().map(|ahead| &ahead.cancel);
            shrink::steps(situation, pool, (&capacity, cancel), fresh, &mut draft, &mut report);
            if let Some(ahead) = ahead.filter(|ahead| ahead.left_waiting != 0) {
                let (waiting, wait) = (ahead.left_waiting, ahead.wait);
                report.binds.push(Blocked::WithinPromise { waiting, wait });
            }
        }
        tell_once(&mut report);
        draft.plan.reports.insert(Text::clone(&pool.name), report);
    }
    if held(situation).is_none() {
        replace::orphans(situation, &mut draft);
    }
    looks::due(situation, &wants_offers, &mut draft);
    for window in policy.pools.iter().flat_map(|pool| &pool.windows) {
        draft.wake_by(window.next_edge(now).unwrap_or(Time::MAX));
    }
    if let Some(until) = memory.meta.paused.as_ref().and_then(|pause| pause.until) {
        draft.wake_by(until);
    }
    draft.wake_by(memory.meta.day.as_ref().map_or(now, |day| day.until));
    draft.wake_by(readings.frozen_until.unwrap_or(Time::MAX));
    draft.finish(policy, now)
}

/// One refusal may hold several offers back: it is told once.
fn tell_once(report: &mut Report) {
    let mut told = Vec::new();
    for bind in std::mem::take(&mut report.binds) {
        if !told.contains(&bind) {
            told.push(bind);
        }
    }
    report.binds = told;
}

/// What keeps the whole farm from being changed at all.
fn held(situation: Situation<'_>) -> Option<Blocked> {
    let Situation { policy, memory, readings, now } = situation;
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
    let silent = listed_at + policy.timing.stale_after.times(5) < now;
    silent.then(|| Blocked::FleetStale { detail: readings.fleet.word() })
}

/// The queue's word, if it is fresh enough to act on.
fn fresh_queue<'a>(situation: Situation<'a>, pool: &Pool) -> Option<&'a QueueReading> {
    let Situation { policy, readings, now, .. } = situation;
    let reading = readings.queues.get(&pool.queue).and_then(|source| source.reading.as_ref());
    reading.filter(|reading| now <= reading.asked_at + policy.timing.stale_after)
}

fn queue_stale(situation: Situation<'_>, pool: &Pool) -> Blocked {
    let source = situation.readings.queues.get(&pool.queue);
    let detail = source.map_or_else(|| "not asked yet".into(), readings::Source::word);
    Blocked::QueueStale { detail }
}

impl Draft {
    fn new(situation: Situation<'_>) -> Self {
        let Situation { policy, memory, now, .. } = situation;
        Self {
            plan: Plan { wake_at: now + policy.timing.turn_ceiling, ..Plan::default() },
            budget: guard::Budget::new(policy, memory, now),
            caps: caps::Caps::new(situation),
            serial: memory.meta.serial,
            frozen: aside::arrears(memory).is_some(),
            touched: std::collections::BTreeSet::new(),
        }
    }

    /// Thinks again no later than `at`.
    fn wake_by(&mut self, at: Time) {
        self.plan.wake_at = self.plan.wake_at.min(at);
    }

    fn look(&mut self, look: Look) {
        self.plan.looks.push(look);
    }

    fn create(
        &mut self,
        situation: Situation<'_>,
        pool: &Pool,
        best: &rank::Buyable<'_>,
        reason: Reason,
    ) {
        if self.frozen {
            return;
        }
        let (offer, quote, bid) = (&best.offer.key, best.quote, best.bid);
        self.serial += 1;
        let epoch = situation.memory.meta.epoch;
        let name = situation.policy.namer.name(&pool.tag, epoch, self.serial);
        let intent = CreateEvent::Intended {
            serial: self.serial,
            pool: Text::clone(&pool.name),
            offer: offer.clone(),
            quote,
            reason,
            queue: Text::clone(&pool.queue),
            build: pool.offer(offer).map(|offer| offer.build),
        };
        let intent = intent.to(&name);
        let act = Act::Create { name, pool: Text::clone(&pool.name), offer: offer.clone(), bid };
        self.plan.steps.push(Step { intent, act });
    }

    /// Asks for a change of one machine; a machine is changed once a turn at most.
    fn change(
        &mut self,
        situation: Situation<'_>,
        name: &MachineName,
        change: Change,
        reason: Reason,
    ) {
        let Some(machine) = situation.memory.machines.get(name) else { return };
        if self.frozen && matches!(change, Change::Start | Change::Delete) {
            return;
        }
        let Some(act) = act_for(situation.policy, name, machine, change) else { return };
        if self.touched.insert(name.clone()) {
            let intent = ChangeEvent::Intended { reason }.to(name, change);
            self.plan.steps.push(Step { intent, act });
        }
    }

    /// What this turn buys already.
    fn planned_offers(&self) -> Vec<OfferKey> {
        let bought = self.plan.steps.iter().filter_map(|step| step.intent.create_intended());
        bought.map(|(_, offer)| offer.clone()).collect()
    }

    fn is_touched(&self, name: &MachineName) -> bool {
        self.touched.contains(name)
    }

    fn finish(mut self, policy: &Policy, now: Time) -> Plan {
        self.plan.wake_at = self.plan.wake_at.max(now + policy.timing.turn_floor);
        self.plan
    }
}

fn act_for(
    policy: &Policy,
    name: &MachineName,
    machine: &crate::memory::Machine,
    change: Change,
) -> Option<Act> {
    let reference = || MachineRef {
        name: name.clone(),
        instance: machine.instance.clone(),
        workers: machine.workers.clone(),
    };
    let queue = || Text::clone(workers::queue_of(policy, machine));
    let instance = machine.instance.clone();
    Some(match change {
        Change::Drain => Act::Drain { queue: queue(), machine: reference() },
        Change::Undrain => Act::Undrain { queue: queue(), machine: reference() },
        Change::Start => Act::Start { instance: instance? },
        Change::Stop => Act::Stop { instance: instance? },
        Change::Delete => Act::Delete { instance: instance? },
    })
}

/// Whether a machine may be asked for another change now: none is under way, the last failure has
/// had its pause, and a request whose outcome stayed unknown can no longer be carried out late.
fn may_change(situation: Situation<'_>, machine: &crate::memory::Machine) -> bool {
    let timing = &situation.policy.timing;
    let now = situation.now;
    let pause = Span::seconds(30).times(1i64 << machine.failures.min(5));
    let rested = machine.failed_at.is_none_or(|at| at + pause <= now);
    let quiet = timing.late_max + timing.listing_lag_max;
    let certain = machine.unknown_at.is_none_or(|at| at + quiet <= now);
    machine.pending.is_none() && rested && certain && !aside::is_left_alone(situation, machine)
}
