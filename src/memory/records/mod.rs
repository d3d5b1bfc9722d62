//! The records of the store: what memory is written as, one JSON object each. They have types of their
//! own, so that what is stored and what is worked with may change apart: a field that is new here has a
//! default, so that the records of every version before are read. Words that stand for themselves (names,
//! moments, money, offers, reasons) are written as they are everywhere.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::keys::Key;
use super::machine::Machine;
use super::spent::Spent;
use super::state::Memory;
use crate::model::{BootLine, MachineName, OfferKey, Text};

mod machine;
mod meta;
mod small;

use machine::MachineRecord;
use meta::MetaRecord;
use small::{
    AccountRecord, BootsRecord, CeilingRecord, ProgressRecord, RefusalRecord, SpentRecord,
    SpotRecord, SumRecord, TombstoneRecord,
};

/// The machine that a record of the store holds.
///
/// # Errors
/// It is none.
pub fn read_machine(value: &[u8]) -> Result<Machine, serde_json::Error> {
    serde_json::from_slice::<MachineRecord>(value).map(Machine::from)
}

/// What was spent, as it is kept beside the store.
///
/// # Errors
/// It does not read.
pub fn read_spent(text: &[u8]) -> Result<Spent, serde_json::Error> {
    serde_json::from_slice::<SpentRecord>(text).map(Spent::from)
}

/// What was spent, as it is kept beside the store.
///
/// # Errors
/// It cannot be written as JSON.
pub fn write_spent(spent: &Spent) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&SpentRecord::from(spent.clone()))
}

impl Memory {
    /// The record a key stands for, or `None` if there is nothing (any more) under it.
    pub fn record(&self, key: &Key) -> Option<Vec<u8>> {
        match key {
            Key::Meta => written(&MetaRecord::from(&self.meta)),
            Key::Machine(name) => written(&MachineRecord::from(self.machines.get(name)?)),
            Key::Tombstone(name) => {
                written(&TombstoneRecord::from(self.tombstones.get(name)?.clone()))
            }
            Key::Refusal(offer) => {
                written(&(offer, RefusalRecord::from(*self.refusals.get(offer)?)))
            }
            Key::Boots(line) => written(&(line, BootsRecord::from(self.boots.get(line)?.clone()))),
            Key::Spot(offer) => written(&(offer, SpotRecord::from(self.spot.get(offer)?.clone()))),
            Key::Progress(queue) => {
                written(&ProgressRecord::from(self.progress.get(queue)?.clone()))
            }
            Key::Ceiling(zone) => written(&CeilingRecord::from(*self.ceilings.get(zone)?)),
            Key::Account(pool, offer) => {
                let key = (Text::clone(pool), offer.clone());
                written(&(&key, AccountRecord::from(*self.accounts.get(&key)?)))
            }
            Key::Day(day, pool) => {
                let key = (Text::clone(day), Text::clone(pool));
                let entries = self.days.get(&key)?.iter();
                let entries = entries.map(|(offer, sum)| (offer, SumRecord::from(*sum)));
                written(&(&key, entries.collect::<Vec<_>>()))
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
                let meta: MetaRecord = read(value).map_err(fault)?;
                self.meta = meta.into();
            }
            Some(("machine", name)) => {
                let machine = read_machine(value).map_err(fault)?;
                self.machines.insert(MachineName::from_stored(name), machine);
            }
            Some(("tombstone", name)) => {
                let tombstone: TombstoneRecord = read(value).map_err(fault)?;
                self.tombstones.insert(MachineName::from_stored(name), tombstone.into());
            }
            Some(("refusal", _)) => {
                let (offer, refusal): (OfferKey, RefusalRecord) = read(value).map_err(fault)?;
                self.refusals.insert(offer, refusal.into());
            }
            Some(("boots", _)) => {
                let (line, boots): (BootLine, BootsRecord) = read(value).map_err(fault)?;
                self.boots.insert(line, boots.into());
            }
            Some(("spot", _)) => {
                let (offer, spot): (OfferKey, SpotRecord) = read(value).map_err(fault)?;
                self.spot.insert(offer, spot.into());
            }
            Some(("progress", queue)) => {
                let progress: ProgressRecord = read(value).map_err(fault)?;
                self.progress.insert(queue.into(), progress.into());
            }
            Some(("ceiling", zone)) => {
                let ceiling: CeilingRecord = read(value).map_err(fault)?;
                self.ceilings.insert(zone.into(), ceiling.into());
            }
            Some(("account", _)) => {
                let (key, account): (_, AccountRecord) = read(value).map_err(fault)?;
                self.accounts.insert(key, account.into());
            }
            Some(("day", _)) => {
                let (key, entries): (_, Vec<(OfferKey, SumRecord)>) = read(value).map_err(fault)?;
                let entries = entries.into_iter().map(|(offer, sum)| (offer, sum.into()));
                self.days.insert(key, entries.collect());
            }
            _ => return Err(format!("record {key}: no such kind of record")),
        }
        Ok(())
    }
}

fn written(record: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(record).ok()
}

fn read<R: DeserializeOwned>(value: &[u8]) -> Result<R, serde_json::Error> {
    serde_json::from_slice(value)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::{Billing, BootLine, Text};

    fn sum(cost: i64) -> Value {
        json!({ "cost": cost, "running": 1, "stopped": 2, "booting": 3, "idle": 4 })
    }

    fn meta() -> Value {
        json!({
            "epoch": 29_000_000, "serial": 7, "salt": [400_000_000, 1], "adopted_at": 2,
            "paused": { "owner": "li", "reason": "driver", "until": 9, "since": 3 },
            "retiring": "wang", "second_daemon": ["farm-gpu-1", 4], "twins_released_at": 5,
            "day": { "day": "2026-01-31", "until": 6 }, "closed_cost": 70, "closed_estimated": 8,
            "counts": {
                "creates": 1, "starts": 2, "stops": 3, "deletes": 4, "refusals": 5, "unknowns": 6,
            },
            "stop_charged_at": 7, "recycled": [[8, "gpu"]],
            "recent": { "creates": [[15_000, 1]], "stops": [[30_000, 2]], "deletes": [] },
        })
    }

    /// Every kind of record but a machine's, as version 0.1 wrote it.
    fn written() -> Vec<(Key, Value)> {
        let key = OfferKey {
            zone: "CN_Suqian_B".into(),
            family: "rp3".into(),
            cpu: 16,
            ram_gib: 32,
            gpus: 1,
            billing: Billing::Spot,
        };
        let offer = json!({
            "zone": "CN_Suqian_B", "family": "rp3", "cpu": 16, "ram_gib": 32, "gpus": 1,
            "billing": "spot",
        });
        let price = |amount: i64| json!({ "amount": amount, "per": 3_600_000 });
        let tombstone = json!({
            "pool": "gpu", "offer": offer, "since": 6, "seen_gone": true, "charged_until": 7,
            "quote": {
                "running": price(7), "stopped": price(1), "bids": [2, 3], "unit": 1000,
                "asked_at": 5,
            },
        });
        let refusal = json!({ "class": "quota", "count": 3, "at": 1, "until": 2 });
        let (zone, family): (Text, Text) = ("CN_Suqian_B".into(), "rp3".into());
        let line = BootLine { pool: "gpu".into(), zone, family, again: true };
        let line_words =
            json!({ "pool": "gpu", "zone": "CN_Suqian_B", "family": "rp3", "again": true });
        let boots = json!({
            "took": [240, 250], "good": 2, "failed": 1, "failed_at": 9, "success_ppm": 875_000,
        });
        vec![
            (Key::Meta, meta()),
            (Key::Tombstone(MachineName::from_stored("farm-gpu-1")), tombstone),
            (Key::Refusal(key.clone()), json!([offer, refusal])),
            (Key::Boots(line), json!([line_words, boots])),
            (Key::Spot(key.clone()), json!([offer, { "ran": 5, "losses": 6 }])),
            (
                Key::Progress("render".into()),
                json!({
                    "ended_at": 5, "lost": 2,
                    "lately": [{ "at": 6, "zone": "CN_Suqian_B", "spot": true }],
                }),
            ),
            (Key::Ceiling("CN_Suqian_B".into()), json!({ "machines": 3, "until": 8 })),
            (
                Key::Account("gpu".into(), key),
                json!([["gpu", offer], { "closed": sum(5), "opened": sum(6) }]),
            ),
            (
                Key::Day("2026-01-31".into(), "gpu".into()),
                json!([["2026-01-31", "gpu"], [[offer, sum(7)]]]),
            ),
        ]
    }

    fn restored(key: &Key, record: &Value) -> Memory {
        let mut memory = Memory::default();
        memory.restore(&key.text(), record.to_string().as_bytes()).unwrap();
        memory
    }

    #[test]
    fn every_record_is_read_and_written_as_the_version_before_wrote_it() {
        for (key, record) in written() {
            let again = restored(&key, &record).record(&key).unwrap();
            assert_eq!(serde_json::from_slice::<Value>(&again).unwrap(), record, "{key:?}");
        }
        let spent = json!({
            "at": 1, "day": "2026-01-31", "until": 2, "hourly": [["gpu", 3]],
            "days": [{ "day": "2026-01-30", "pool": "gpu", "cost": 4 }],
        });
        let again = write_spent(&read_spent(spent.to_string().as_bytes()).unwrap()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&again).unwrap(), spent);
    }

    #[test]
    fn what_the_first_records_do_not_say_has_its_default() {
        let mut first = meta();
        for new in ["salt", "retiring", "second_daemon", "twins_released_at", "day"] {
            first.as_object_mut().unwrap().remove(new);
        }
        let memory = restored(&Key::Meta, &first);
        assert_eq!((memory.meta.salt, memory.meta.day.is_some()), (None, false));
        assert_eq!(memory.meta.counts.unknowns, 6);
        let (key, mut boots) =
            written().into_iter().find(|(key, _)| matches!(key, Key::Boots(_))).unwrap();
        boots[1].as_object_mut().unwrap().remove("success_ppm");
        let memory = restored(&key, &boots);
        assert_eq!(memory.boots.values().next().unwrap().success_ppm, 1_000_000);
    }

    #[test]
    fn a_record_that_does_not_read_is_named() {
        let mut memory = Memory::default();
        let said = memory.restore("ceiling/z", b"{\"machines\":-1}").unwrap_err();
        assert!(said.starts_with("record ceiling/z: "), "{said}");
        assert!(memory.restore("soup/1", b"{}").unwrap_err().contains("no such kind"));
    }
}
