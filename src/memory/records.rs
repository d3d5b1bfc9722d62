//! The records of the store: what memory is written as, one JSON object each. They have types of their
//! own, so that what is stored and what is worked with may change apart: a field that is new here has a
//! default, so that the records of every version before are read.

use serde::{Deserialize, Serialize};

use super::{
    Create, Key, Life, Machine, Memory, Meta, Meter, OpenDay, Pending, PendingState, Recent,
    Tombstone, UnexpectedStatus, Usage,
};
use crate::model::snapshot::{Counts, Hold, Pause};
use crate::model::{
    Change, MachineName, Money, OfferKey, Quote, Reason, Status, Text, Time, WorkerState,
};

#[derive(Serialize, Deserialize)]
struct MetaRecord {
    epoch: i64,
    serial: u64,
    adopted_at: Option<Time>,
    paused: Option<Pause>,
    #[serde(default)]
    retiring: Option<Text>,
    #[serde(default)]
    day: Option<OpenDay>,
    closed_cost: Money,
    closed_estimated: Money,
    counts: Counts,
    #[serde(default)]
    stop_charged_at: Option<Time>,
    #[serde(default)]
    recycled: Vec<(Time, Text)>,
    recent: Recent,
}

#[derive(Serialize, Deserialize)]
struct MachineRecord {
    pool: Text,
    offer: OfferKey,
    quote: Option<Quote>,
    made_at: Time,
    instance: Option<Text>,
    life: LifeRecord,
    since: Time,
    #[serde(default)]
    boot_asked_at: Option<Time>,
    #[serde(default)]
    boot_failed: bool,
    pending: Option<PendingRecord>,
    worker: Option<WorkerState>,
    worker_since: Time,
    #[serde(default)]
    vanished_busy_at: Option<Time>,
    #[serde(default)]
    workers_most: u32,
    workers: Vec<Text>,
    drain_asked_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    turned_at: Option<Time>,
    unknown_at: Option<Time>,
    failed_at: Option<Time>,
    failures: u32,
    missed: Option<(u32, Time)>,
    #[serde(default)]
    charged_off: bool,
    #[serde(default)]
    stopped_by_us: bool,
    #[serde(default)]
    reclaimed_at: Option<Time>,
    #[serde(default)]
    held: Option<Hold>,
    /// Since when it is in a status that no part of its life explains.
    #[serde(default)]
    odd: Option<StatusRecord>,
    #[serde(default)]
    queue: Text,
    #[serde(default)]
    build: Option<u32>,
    #[serde(default)]
    create_event: Option<Text>,
    meter: Meter,
    #[serde(default)]
    usage: Usage,
    reason: Reason,
}

#[derive(Serialize, Deserialize)]
struct StatusRecord {
    status: Text,
    since: Time,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "life", rename_all = "snake_case")]
enum LifeRecord {
    Launching(CreateRecord),
    Booting { again: bool },
    Ready,
    Stopped,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "create", rename_all = "snake_case")]
enum CreateRecord {
    Sent,
    Accepted { event: Option<Text> },
    Unknown,
}

#[derive(Serialize, Deserialize)]
struct PendingRecord {
    change: Change,
    sent_at: Time,
    seen_at: Option<Time>,
    state: StateRecord,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum StateRecord {
    Sent,
    Accepted { event: Option<Text> },
    Unknown,
}

#[derive(Serialize, Deserialize)]
struct TombstoneRecord {
    pool: Text,
    offer: OfferKey,
    quote: Option<Quote>,
    since: Time,
    seen_gone: bool,
    #[serde(default)]
    charged_until: Option<Time>,
}

/// The machine that a record of the store holds.
///
/// # Errors
/// It is none.
pub fn read_machine(value: &[u8]) -> Result<Machine, serde_json::Error> {
    serde_json::from_slice::<MachineRecord>(value).map(Machine::from)
}

impl Memory {
    /// The record a key stands for, or `None` if there is nothing (any more) under it.
    pub fn record(&self, key: &Key) -> Option<Vec<u8>> {
        match key {
            Key::Meta => serde_json::to_vec(&MetaRecord::from(&self.meta)).ok(),
            Key::Machine(name) => {
                serde_json::to_vec(&MachineRecord::from(self.machines.get(name)?)).ok()
            }
            Key::Tombstone(name) => {
                serde_json::to_vec(&TombstoneRecord::from(self.tombstones.get(name)?)).ok()
            }
            Key::Refusal(offer) => {
                let refusal = self.refusals.get(offer)?;
                serde_json::to_vec(&(offer, refusal)).ok()
            }
            Key::Boots(line) => serde_json::to_vec(&(line, self.boots.get(line)?)).ok(),
            Key::Spot(offer) => serde_json::to_vec(&(offer, self.spot.get(offer)?)).ok(),
            Key::Ceiling(zone) => serde_json::to_vec(self.ceilings.get(zone)?).ok(),
            Key::Account(pool, offer) => {
                let key = (Text::clone(pool), offer.clone());
                serde_json::to_vec(&(&key, self.accounts.get(&key)?)).ok()
            }
            Key::Day(day, pool) => {
                let key = (Text::clone(day), Text::clone(pool));
                serde_json::to_vec(&(&key, self.days.get(&key)?)).ok()
            }
        }
    }

    /// Takes a stored record back in.
    ///
    /// # Errors
    /// Says which key does not read, so that the store can be set aside.
    pub fn restore(&mut self, key: &str, value: &[u8]) -> Result<(), String> {
        let fault = |error: serde_json::Error| format!("record {key}: {error}");
        match key.split_once('/') {
            None if key == "meta" => {
                let meta: MetaRecord = serde_json::from_slice(value).map_err(fault)?;
                self.meta = meta.into();
            }
            Some(("machine", name)) => {
                let machine = read_machine(value).map_err(fault)?;
                self.machines.insert(MachineName::from_stored(name), machine);
            }
            Some(("tombstone", name)) => {
                let tombstone: TombstoneRecord = serde_json::from_slice(value).map_err(fault)?;
                self.tombstones.insert(MachineName::from_stored(name), tombstone.into());
            }
            Some(("refusal", _)) => {
                let (offer, refusal) = serde_json::from_slice(value).map_err(fault)?;
                self.refusals.insert(offer, refusal);
            }
            Some(("boots", _)) => {
                let (line, boots) = serde_json::from_slice(value).map_err(fault)?;
                self.boots.insert(line, boots);
            }
            Some(("spot", _)) => {
                let (offer, spot) = serde_json::from_slice(value).map_err(fault)?;
                self.spot.insert(offer, spot);
            }
            Some(("account", _)) => {
                let (key, account) = serde_json::from_slice(value).map_err(fault)?;
                self.accounts.insert(key, account);
            }
            Some(("day", _)) => {
                let (key, entries) = serde_json::from_slice(value).map_err(fault)?;
                self.days.insert(key, entries);
            }
            Some(("ceiling", zone)) => {
                let ceiling = serde_json::from_slice(value).map_err(fault)?;
                self.ceilings.insert(zone.into(), ceiling);
            }
            _ => return Err(format!("record {key}: no such kind of record")),
        }
        Ok(())
    }
}

impl From<&Meta> for MetaRecord {
    fn from(meta: &Meta) -> Self {
        let Meta {
            epoch,
            serial,
            adopted_at,
            paused,
            retiring,
            day,
            closed_cost,
            closed_estimated,
            counts,
            stop_charged_at,
            recycled,
            recent,
        } = meta.clone();
        Self {
            epoch,
            serial,
            adopted_at,
            paused,
            retiring,
            day,
            closed_cost,
            closed_estimated,
            counts,
            stop_charged_at,
            recycled,
            recent,
        }
    }
}

impl From<MetaRecord> for Meta {
    fn from(record: MetaRecord) -> Self {
        Self {
            epoch: record.epoch,
            serial: record.serial,
            adopted_at: record.adopted_at,
            paused: record.paused,
            retiring: record.retiring,
            day: record.day,
            closed_cost: record.closed_cost,
            closed_estimated: record.closed_estimated,
            counts: record.counts,
            stop_charged_at: record.stop_charged_at,
            recycled: record.recycled,
            recent: record.recent,
        }
    }
}

impl From<&Machine> for MachineRecord {
    fn from(machine: &Machine) -> Self {
        let one = machine.clone();
        Self {
            pool: one.pool,
            offer: one.offer,
            quote: one.quote,
            made_at: one.made_at,
            instance: one.instance,
            life: one.life.into(),
            since: one.since,
            boot_asked_at: one.boot_asked_at,
            boot_failed: one.boot_failed,
            pending: one.pending.map(PendingRecord::from),
            worker: one.worker,
            worker_since: one.worker_since,
            vanished_busy_at: one.vanished_busy_at,
            workers_most: one.workers_most,
            workers: one.workers,
            drain_asked_at: one.drain_asked_at,
            turned_at: one.turned_at,
            unknown_at: one.unknown_at,
            failed_at: one.failed_at,
            failures: one.failures,
            missed: one.missed,
            charged_off: one.charged_off,
            stopped_by_us: one.stopped_by_us,
            reclaimed_at: one.reclaimed_at,
            held: one.held,
            odd: one.unexpected_status.map(|one| StatusRecord {
                status: one.status.to_string().into(),
                since: one.since,
            }),
            queue: one.queue,
            build: one.build,
            create_event: one.create_event,
            meter: one.meter,
            usage: one.usage,
            reason: one.reason,
        }
    }
}

impl From<MachineRecord> for Machine {
    fn from(record: MachineRecord) -> Self {
        Self {
            pool: record.pool,
            offer: record.offer,
            quote: record.quote,
            made_at: record.made_at,
            instance: record.instance,
            life: record.life.into(),
            since: record.since,
            boot_asked_at: record.boot_asked_at,
            boot_failed: record.boot_failed,
            pending: record.pending.map(Pending::from),
            worker: record.worker,
            worker_since: record.worker_since,
            vanished_busy_at: record.vanished_busy_at,
            workers_most: record.workers_most,
            workers: record.workers,
            drain_asked_at: record.drain_asked_at,
            turned_at: record.turned_at,
            unknown_at: record.unknown_at,
            failed_at: record.failed_at,
            failures: record.failures,
            missed: record.missed,
            charged_off: record.charged_off,
            stopped_by_us: record.stopped_by_us,
            reclaimed_at: record.reclaimed_at,
            held: record.held,
            unexpected_status: record.odd.map(|one| UnexpectedStatus {
                status: Status::from(&*one.status),
                since: one.since,
            }),
            queue: record.queue,
            build: record.build,
            create_event: record.create_event,
            meter: record.meter,
            usage: record.usage,
            reason: record.reason,
        }
    }
}

impl From<Life> for LifeRecord {
    fn from(life: Life) -> Self {
        match life {
            Life::Launching(Create::Sent) => Self::Launching(CreateRecord::Sent),
            Life::Launching(Create::Accepted { event }) => {
                Self::Launching(CreateRecord::Accepted { event })
            }
            Life::Launching(Create::Unknown) => Self::Launching(CreateRecord::Unknown),
            Life::Booting { again } => Self::Booting { again },
            Life::Ready => Self::Ready,
            Life::Stopped => Self::Stopped,
        }
    }
}

impl From<LifeRecord> for Life {
    fn from(record: LifeRecord) -> Self {
        match record {
            LifeRecord::Launching(CreateRecord::Sent) => Self::Launching(Create::Sent),
            LifeRecord::Launching(CreateRecord::Accepted { event }) => {
                Self::Launching(Create::Accepted { event })
            }
            LifeRecord::Launching(CreateRecord::Unknown) => Self::Launching(Create::Unknown),
            LifeRecord::Booting { again } => Self::Booting { again },
            LifeRecord::Ready => Self::Ready,
            LifeRecord::Stopped => Self::Stopped,
        }
    }
}

impl From<Pending> for PendingRecord {
    fn from(pending: Pending) -> Self {
        let state = match pending.state {
            PendingState::Sent => StateRecord::Sent,
            PendingState::Accepted { event } => StateRecord::Accepted { event },
            PendingState::Unknown => StateRecord::Unknown,
        };
        let Pending { change, sent_at, seen_at, .. } = pending;
        Self { change, sent_at, seen_at, state }
    }
}

impl From<PendingRecord> for Pending {
    fn from(record: PendingRecord) -> Self {
        let state = match record.state {
            StateRecord::Sent => PendingState::Sent,
            StateRecord::Accepted { event } => PendingState::Accepted { event },
            StateRecord::Unknown => PendingState::Unknown,
        };
        let PendingRecord { change, sent_at, seen_at, .. } = record;
        Self { change, sent_at, seen_at, state }
    }
}

impl From<&Tombstone> for TombstoneRecord {
    fn from(tombstone: &Tombstone) -> Self {
        let Tombstone { pool, offer, quote, since, seen_gone, charged_until } = tombstone.clone();
        Self { pool, offer, quote, since, seen_gone, charged_until }
    }
}

impl From<TombstoneRecord> for Tombstone {
    fn from(record: TombstoneRecord) -> Self {
        let TombstoneRecord { pool, offer, quote, since, seen_gone, charged_until } = record;
        Self { pool, offer, quote, since, seen_gone, charged_until }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A machine as version 0.1 wrote it.
    fn written(life: &Value, pending: &Value) -> Value {
        let offer = json!({
            "zone": "CN_Suqian_B", "family": "rp3", "cpu": 16, "ram_gib": 32, "gpus": 1,
            "billing": "on-demand",
        });
        let price = |yuan: i64| json!({ "amount": yuan * 1_000_000, "per": 3_600_000 });
        let quote = json!({
            "running": price(7), "stopped": price(0), "bids": null, "unit": 1000, "asked_at": 5,
        });
        let meter = json!({
            "running": 4000, "stopped": 0, "now": ["running", 9000], "unit": 1000,
            "ended_at": null, "estimated": true,
        });
        json!({
            "pool": "render", "offer": offer, "quote": quote, "made_at": 1, "instance": "ins-1",
            "life": life, "since": 2, "boot_asked_at": 1, "boot_failed": true, "pending": pending,
            "worker": "busy", "worker_since": 3, "vanished_busy_at": 4, "workers_most": 2,
            "workers": ["w1", "w2"], "drain_asked_at": 6, "unknown_at": 7, "failed_at": 8,
            "failures": 3, "missed": [2, 9], "charged_off": false, "stopped_by_us": false,
            "reclaimed_at": 10, "held": { "owner": "li", "reason": "driver", "until": null },
            "odd": { "status": "error", "since": 11 }, "queue": "render", "build": 12,
            "create_event": "event-1", "meter": meter,
            "usage": { "booting": 1, "idle": 2, "now": ["idle", 3] },
            "reason": { "because": "found" },
        })
    }

    #[test]
    fn a_machine_is_read_and_written_as_the_version_before_wrote_it() {
        let create = |create: Value| {
            let mut create = create;
            create["life"] = "launching".into();
            create
        };
        let lives = [
            create(json!({ "create": "sent" })),
            create(json!({ "create": "accepted", "event": "event-1" })),
            create(json!({ "create": "unknown" })),
            json!({ "life": "booting", "again": false }),
            json!({ "life": "booting", "again": true }),
            json!({ "life": "ready" }),
            json!({ "life": "stopped" }),
        ];
        let state =
            |state: Value| json!({ "change": "stop", "sent_at": 1, "seen_at": 2, "state": state });
        let pendings = [
            Value::Null,
            state(json!({ "state": "sent" })),
            state(json!({ "state": "accepted", "event": null })),
            state(json!({ "state": "unknown" })),
        ];
        for (life, pending) in
            lives.iter().flat_map(|life| pendings.iter().map(move |one| (life, one)))
        {
            let record = written(life, pending);
            let mut memory = Memory::default();
            memory.restore("machine/farm-1", record.to_string().as_bytes()).unwrap();
            let key = Key::Machine(MachineName::from_stored("farm-1"));
            let again: Value = serde_json::from_slice(&memory.record(&key).unwrap()).unwrap();
            assert_eq!(again, record);
        }
    }
}
