//! A machine as the store has it: one flat JSON object, whose fields have not changed since the first
//! version. A field that is new has a default.

use serde::{Deserialize, Serialize};

use super::small::{HoldRecord, MeterRecord, UsageRecord};
use crate::memory::machine::{
    Backoff, Boot, BootOf, Create, Drain, Heard, Life, Machine, Missed, Off, Pending, PendingState,
    Sighting, UnexpectedStatus,
};
use crate::model::{Change, OfferKey, Quote, Reason, Status, Text, Time, WorkerState};

#[expect(clippy::struct_excessive_bools, reason = "the flat form that is stored")]
#[derive(Serialize, Deserialize)]
pub(super) struct MachineRecord {
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
    /// When its workers were last asked to take no more, or to go on.
    #[serde(default)]
    turned_at: Option<Time>,
    unknown_at: Option<Time>,
    failed_at: Option<Time>,
    failures: u32,
    missed: Option<(u32, Time)>,
    /// The provider, asked for its id, knows none either.
    #[serde(default)]
    denied: bool,
    #[serde(default)]
    charged_off: bool,
    #[serde(default)]
    stopped_by_us: bool,
    #[serde(default)]
    reclaimed_at: Option<Time>,
    #[serde(default)]
    held: Option<HoldRecord>,
    /// Since when it is in a status that no part of its life explains.
    #[serde(default)]
    odd: Option<StatusRecord>,
    #[serde(default)]
    queue: Text,
    #[serde(default)]
    build: Option<u32>,
    #[serde(default)]
    create_event: Option<Text>,
    meter: MeterRecord,
    #[serde(default)]
    usage: UsageRecord,
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

impl From<&Machine> for MachineRecord {
    fn from(machine: &Machine) -> Self {
        let one = machine.clone();
        let (boot_asked_at, boot_failed) = (one.boot_asked_at(), one.boot_given_up());
        let create_event = one.create_event().cloned();
        let off = match one.life {
            Life::Stopped(off) => off,
            Life::Launching(_) | Life::Booting(_) | Life::Ready => Off::default(),
        };
        let Sighting { missed, reclaimed_at, unexpected_status } = one.sighting;
        Self {
            pool: one.pool,
            offer: one.offer,
            quote: one.quote,
            made_at: one.made_at,
            instance: one.instance,
            life: one.life.into(),
            since: one.since,
            boot_asked_at,
            boot_failed,
            pending: one.pending.map(PendingRecord::from),
            worker: one.heard.state,
            worker_since: one.heard.since,
            vanished_busy_at: one.heard.vanished_at_work,
            workers_most: one.heard.most,
            workers: one.heard.names,
            drain_asked_at: one.drain.asked_at,
            turned_at: one.drain.turned_at,
            unknown_at: one.backoff.unknown_at,
            failed_at: one.backoff.failed_at,
            failures: one.backoff.failures,
            missed: missed.map(|missed| (missed.listings, missed.first)),
            denied: missed.is_some_and(|missed| missed.denied),
            charged_off: off.charged,
            stopped_by_us: off.by_us,
            reclaimed_at,
            held: one.held.map(Into::into),
            odd: unexpected_status.map(|one| StatusRecord {
                status: one.status.to_string().into(),
                since: one.since,
            }),
            queue: one.queue,
            build: one.build,
            create_event,
            meter: one.meter.into(),
            usage: one.usage.into(),
            reason: one.reason,
        }
    }
}

/// What is written of one part of its life and is not of the one it is in, is dropped.
impl From<MachineRecord> for Machine {
    fn from(record: MachineRecord) -> Self {
        let missed = record.missed;
        Self {
            life: record.life(),
            pool: record.pool,
            offer: record.offer,
            quote: record.quote,
            made_at: record.made_at,
            instance: record.instance,
            queue: record.queue,
            build: record.build,
            since: record.since,
            pending: record.pending.map(Pending::from),
            heard: Heard {
                state: record.worker,
                since: record.worker_since,
                names: record.workers,
                most: record.workers_most,
                vanished_at_work: record.vanished_busy_at,
            },
            drain: Drain { asked_at: record.drain_asked_at, turned_at: record.turned_at },
            backoff: Backoff {
                unknown_at: record.unknown_at,
                failed_at: record.failed_at,
                failures: record.failures,
            },
            sighting: Sighting {
                missed: missed.map(|(listings, first)| Missed {
                    listings,
                    first,
                    denied: record.denied,
                }),
                reclaimed_at: record.reclaimed_at,
                unexpected_status: record.odd.map(|one| UnexpectedStatus {
                    status: Status::from(&*one.status),
                    since: one.since,
                }),
            },
            held: record.held.map(Into::into),
            meter: record.meter.into(),
            usage: record.usage.into(),
            reason: record.reason,
        }
    }
}

impl MachineRecord {
    fn life(&self) -> Life {
        match &self.life {
            LifeRecord::Launching(CreateRecord::Sent) => Life::Launching(Create::Sent),
            LifeRecord::Launching(CreateRecord::Accepted { event }) => {
                Life::Launching(Create::Accepted { event: event.clone() })
            }
            LifeRecord::Launching(CreateRecord::Unknown) => Life::Launching(Create::Unknown),
            LifeRecord::Booting { again } => Life::Booting(Boot {
                of: if *again {
                    BootOf::Stopped
                } else {
                    BootOf::New { create_event: self.create_event.clone() }
                },
                asked_at: self.boot_asked_at,
                given_up: self.boot_failed,
            }),
            LifeRecord::Ready => Life::Ready,
            LifeRecord::Stopped => {
                Life::Stopped(Off { by_us: self.stopped_by_us, charged: self.charged_off })
            }
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
            Life::Booting(boot) => Self::Booting { again: boot.of == BootOf::Stopped },
            Life::Ready => Self::Ready,
            Life::Stopped(_) => Self::Stopped,
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::memory::{Key, Memory};
    use crate::model::MachineName;

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
            "workers": ["w1", "w2"], "drain_asked_at": 6, "turned_at": null, "unknown_at": 7, "failed_at": 8,
            "failures": 3, "missed": [2, 9], "denied": false, "charged_off": true, "stopped_by_us": true,
            "reclaimed_at": 10, "held": { "owner": "li", "reason": "driver", "until": null },
            "odd": { "status": "error", "since": 11 }, "queue": "render", "build": 12,
            "create_event": "event-1", "meter": meter,
            "usage": { "booting": 1, "idle": 2, "now": ["idle", 3] },
            "reason": { "because": "found" },
        })
    }

    /// Without what is not of the part of its life that it is in.
    fn in_its_part_of_life(mut record: Value) -> Value {
        let life = record["life"].clone();
        let (is_new, boots) = (life["again"] == false, life["life"] == "booting");
        if life["life"] != "stopped" {
            (record["charged_off"], record["stopped_by_us"]) = (false.into(), false.into());
        }
        if !boots {
            record["boot_failed"] = false.into();
        }
        if !boots && life["life"] != "launching" {
            record["boot_asked_at"] = Value::Null;
        }
        if !is_new && life["create"] != "accepted" {
            record["create_event"] = Value::Null;
        }
        record
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
            assert_eq!(again, in_its_part_of_life(record));
        }
    }
}
