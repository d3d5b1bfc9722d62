//! From the core's snapshot to what the API gives: texts from outside are made safe to show and cut,
//! so that no answer grows with what a queue or the cloud says.

use std::collections::BTreeMap;

use super::{
    Constraint, Happening, Machine, Offered, Order, Pool, Reason, Report, Requests, Size, Spend,
    Status, Words,
};
use crate::model::snapshot::{
    Blocked, Counts, Hold, MachineView, OfferView, Pause, PoolView, Snapshot,
};
use crate::model::text::{name, sentence};
use crate::model::{Billing, Event, OfferKey, Span, Stock, Text, Time, WorkerState, snapshot};
use crate::telemetry::words::{self, Told};

/// Steps of the last plan that are told; a plan of more is told in part.
const PLANNED_MAX: usize = 500;
/// Sources that fail, told one by one.
const FAULTS_MAX: usize = 200;

impl Status {
    /// The farm as it is published, `age` ago.
    pub fn new(farm: &Snapshot, age: Span, stale: bool) -> Self {
        Self {
            at: farm.at,
            age,
            stale,
            farm: farm.farm.to_string(),
            turn: farm.turn,
            next_turn_by: farm.next_turn_by,
            adopted_at: farm.adopted_at,
            paused: farm.paused.as_ref().map(Order::from),
            retiring: farm.retiring.as_ref().map(shown),
            pools: farm.pools.iter().map(Pool::from).collect(),
            machines: farm.machines.iter().map(|one| Machine::new(one, farm.at)).collect(),
            offers: farm.offers.iter().map(Offered::from).collect(),
            spend: Spend::from(farm.spend),
            counts: Requests::from(farm.counts),
            planned: planned(farm),
            recent: farm.recent.iter().map(Happening::from).collect(),
            faults: faults(farm),
        }
    }
}

/// What the last plan asked for.
pub(in crate::page) fn planned(farm: &Snapshot) -> Vec<Happening> {
    farm.planned.iter().take(PLANNED_MAX).map(Happening::from).collect()
}

fn faults(farm: &Snapshot) -> BTreeMap<String, String> {
    let told = farm.faults.iter().take(FAULTS_MAX);
    told.map(|(source, detail)| (source.to_string(), sentence(detail).to_string())).collect()
}

fn shown(text: &Text) -> String {
    name(text).to_string()
}

impl From<Told> for Words {
    fn from(told: Told) -> Self {
        Self { zh: told.zh, en: told.en, parts: told.values }
    }
}

impl From<&Blocked> for Constraint {
    fn from(blocked: &Blocked) -> Self {
        let told = words::constraint(blocked);
        let (blocked, level) = (told.key.to_owned(), told.level.word().to_owned());
        Self { blocked, level, words: told.into() }
    }
}

impl From<Told> for Reason {
    fn from(told: Told) -> Self {
        Self { because: told.key.to_owned(), words: told.into() }
    }
}

impl From<&Event> for Happening {
    fn from(event: &Event) -> Self {
        let told = words::event(&event.kind);
        let (kind, level) = (told.key.to_owned(), told.level.word().to_owned());
        Self { at: event.at, kind, level, words: told.into() }
    }
}

impl From<&Pause> for Order {
    fn from(pause: &Pause) -> Self {
        let Pause { owner, reason, until, since } = pause;
        let (owner, reason) = (shown(owner), sentence(reason).to_string());
        Self { owner, reason, until: *until, since: Some(*since) }
    }
}

impl From<&Hold> for Order {
    fn from(hold: &Hold) -> Self {
        let Hold { owner, reason, until } = hold;
        let (owner, reason) = (shown(owner), sentence(reason).to_string());
        Self { owner, reason, until: *until, since: None }
    }
}

impl From<&PoolView> for Pool {
    fn from(pool: &PoolView) -> Self {
        let phases = pool.phases.iter();
        let phases = phases.map(|(phase, count)| (words::phase(*phase).to_owned(), *count));
        Self {
            name: pool.name.to_string(),
            queued: pool.queued,
            running: pool.running,
            oldest_wait: pool.oldest_wait,
            queue_age: pool.queue_age,
            phases: phases.collect(),
            size: pool.size,
            report: Report {
                demand_slots: pool.report.demand_slots,
                capacity_slots: pool.report.capacity_slots,
                constraints: pool.report.constraints.iter().map(Constraint::from).collect(),
            },
        }
    }
}

impl Machine {
    fn new(machine: &MachineView, at: Time) -> Self {
        Self {
            name: machine.name.to_string(),
            instance: machine.instance.as_ref().map(shown),
            pool: machine.pool.to_string(),
            offer: Size::from(&machine.offer),
            phase: words::phase(machine.phase).to_owned(),
            since: machine.since,
            worker: machine.worker.map(|state| worker(state).to_owned()),
            worker_since: machine.worker_since,
            hourly: machine.hourly,
            cost: machine.cost,
            reason: words::reason(&machine.reason).into(),
            now: words::told_now(&words::now(machine, at)).into(),
            held: machine.held.as_ref().map(Order::from),
            unexpected_status: machine.unexpected_status.as_ref().map(shown),
        }
    }
}

const fn worker(state: WorkerState) -> &'static str {
    match state {
        WorkerState::Idle => "idle",
        WorkerState::Busy => "busy",
        WorkerState::Drained => "drained",
    }
}

impl From<&OfferKey> for Size {
    fn from(offer: &OfferKey) -> Self {
        let OfferKey { zone, family, cpu, ram_gib, gpus, billing } = offer;
        let billing = match billing {
            Billing::OnDemand => "on-demand",
            Billing::Monthly => "monthly",
            Billing::Spot => "spot",
        };
        Self {
            zone: zone.to_string(),
            family: family.to_string(),
            cpu: *cpu,
            ram_gib: *ram_gib,
            gpus: *gpus,
            billing: billing.to_owned(),
        }
    }
}

impl From<&OfferView> for Offered {
    fn from(offer: &OfferView) -> Self {
        let stock = offer.stock.map(|stock| match stock {
            Stock::Sells => "sells",
            Stock::SoldOut => "sold-out",
        });
        Self {
            pool: offer.pool.to_string(),
            offer: Size::from(&offer.offer),
            hourly: offer.hourly,
            work_hourly: offer.work_hourly,
            stock: stock.map(str::to_owned),
            blocked: offer.blocked.as_ref().map(Constraint::from),
        }
    }
}

impl From<snapshot::Spend> for Spend {
    fn from(spend: snapshot::Spend) -> Self {
        let snapshot::Spend { total, hourly, hourly_reserved, estimated } = spend;
        Self { total, hourly, hourly_reserved, estimated }
    }
}

impl From<Counts> for Requests {
    fn from(counts: Counts) -> Self {
        let Counts { creates, starts, stops, deletes, refusals, unknowns } = counts;
        Self { creates, starts, stops, deletes, refusals, unknowns }
    }
}
