//! The single facts as the store has them.

use serde::{Deserialize, Serialize};

use super::small::{CountsRecord, OpenDayRecord, PauseRecord, RecentRecord};
use crate::memory::state::Meta;
use crate::model::{MachineName, Money, Salt, Text, Time};

#[derive(Serialize, Deserialize)]
pub(super) struct MetaRecord {
    epoch: i64,
    serial: u64,
    /// Of the store, and since when its names carry it.
    #[serde(default)]
    salt: Option<(u64, Time)>,
    adopted_at: Option<Time>,
    paused: Option<PauseRecord>,
    #[serde(default)]
    retiring: Option<Text>,
    #[serde(default)]
    second_daemon: Option<(MachineName, Time)>,
    #[serde(default)]
    twins_released_at: Option<Time>,
    #[serde(default)]
    day: Option<OpenDayRecord>,
    closed_cost: Money,
    closed_estimated: Money,
    counts: CountsRecord,
    #[serde(default)]
    stop_charged_at: Option<Time>,
    #[serde(default)]
    recycled: Vec<(Time, Text)>,
    recent: RecentRecord,
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
            paused: paused.map(Into::into),
            retiring,
            second_daemon,
            twins_released_at,
            day: day.map(Into::into),
            closed_cost,
            closed_estimated,
            counts: counts.into(),
            stop_charged_at,
            recycled,
            recent: recent.into(),
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
            paused: record.paused.map(Into::into),
            retiring: record.retiring,
            second_daemon: record.second_daemon,
            twins_released_at: record.twins_released_at,
            day: record.day.map(Into::into),
            closed_cost: record.closed_cost,
            closed_estimated: record.closed_estimated,
            counts: record.counts.into(),
            stop_charged_at: record.stop_charged_at,
            recycled: record.recycled,
            recent: record.recent.into(),
        }
    }
}
