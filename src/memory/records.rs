//! The records of the store: what memory is written as, one JSON object each. They have types of their
//! own, so that what is stored and what is worked with may change apart: a field that is new here has a
//! default, so that the records of every version before are read.

use serde::{Deserialize, Serialize};

use super::machine::MachineRecord;
use super::{Key, Memory, Meta, OpenDay, Recent, Tombstone, read_machine};
use crate::model::snapshot::{Counts, Pause};
use crate::model::{MachineName, Money, OfferKey, Quote, Salt, Text, Time};

#[derive(Serialize, Deserialize)]
struct MetaRecord {
    epoch: i64,
    serial: u64,
    /// Of the store, and since when its names carry it.
    #[serde(default)]
    salt: Option<(u64, Time)>,
    adopted_at: Option<Time>,
    paused: Option<Pause>,
    #[serde(default)]
    retiring: Option<Text>,
    #[serde(default)]
    second_daemon: Option<(MachineName, Time)>,
    #[serde(default)]
    twins_released_at: Option<Time>,
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
struct TombstoneRecord {
    pool: Text,
    offer: OfferKey,
    quote: Option<Quote>,
    since: Time,
    seen_gone: bool,
    #[serde(default)]
    charged_until: Option<Time>,
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
            salt,
            adopted_at,
            paused,
            retiring,
            second_daemon,
            twins_released_at,
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
            salt: salt.map(|(salt, since)| (salt.bits(), since)),
            adopted_at,
            paused,
            retiring,
            second_daemon,
            twins_released_at,
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
            salt: record.salt.and_then(|(salt, at)| Some((Salt::from_stored(salt)?, at))),
            adopted_at: record.adopted_at,
            paused: record.paused,
            retiring: record.retiring,
            second_daemon: record.second_daemon,
            twins_released_at: record.twins_released_at,
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
