//! What the HTTP API gives: types of its own, made from the snapshot and read by the commands. Their
//! shape is docs/http-api.md; the core can change without it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{Money, Span, Time};
use crate::telemetry::words::Language;

mod from_core;
mod ledger;

pub(super) use from_core::planned;
pub use ledger::{CapUse, Ledger, LedgerRow, Sum};

/// `GET /api/v1/status`: the farm now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// When this was so.
    pub at: Time,
    /// How long ago that was when it was asked for.
    pub age: Span,
    /// The daemon has missed two turns since.
    pub stale: bool,
    /// The farm's name.
    pub farm: String,
    /// Turns since the daemon started.
    pub turn: u64,
    /// When the next turn is due at the latest.
    pub next_turn_by: Time,
    /// Since when the farm at the provider is known; null = not yet.
    pub adopted_at: Option<Time>,
    /// The pause in force.
    pub paused: Option<Order>,
    /// Who decommissions the farm.
    pub retiring: Option<String>,
    /// In the order of the config.
    pub pools: Vec<Pool>,
    /// Every machine of the farm.
    pub machines: Vec<Machine>,
    /// What can be bought, best first per pool.
    pub offers: Vec<Offered>,
    /// Money by the ledger.
    pub spend: Spend,
    /// Requests since the store was made.
    pub counts: Requests,
    /// What the last plan asked for.
    pub planned: Vec<Happening>,
    /// The last events, newest last.
    pub recent: Vec<Happening>,
    /// Sources that fail, and what they last said.
    pub faults: BTreeMap<String, String>,
}

/// A pause or a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Who.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// When it ends by itself.
    pub until: Option<Time>,
    /// Since when, where that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
}

/// One pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Waiting tasks.
    pub queued: u32,
    /// Running tasks.
    pub running: u32,
    /// How long the oldest has waited.
    pub oldest_wait: Option<Span>,
    /// Age of the queue's word.
    pub queue_age: Option<Span>,
    /// Machines by phase.
    pub phases: BTreeMap<String, u32>,
    /// `min` and `max` now.
    pub size: (u32, u32),
    /// Why it is as large as it is.
    pub report: Report,
}

/// Why a pool is as large as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Slots the work asks for.
    pub demand_slots: u32,
    /// Slots there are or that are on their way.
    pub capacity_slots: u32,
    /// What keeps it from being larger or smaller, strongest first.
    pub constraints: Vec<Constraint>,
}

/// What keeps a pool from being larger or smaller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    /// Its key.
    pub blocked: String,
    /// `warn`: somebody should look; `info`: the farm does what it was told to.
    pub level: String,
    /// In words.
    #[serde(flatten)]
    pub words: Words,
}

/// A fact in words, with its parts by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Words {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
    /// Its parts; which they are depends on its key.
    #[serde(flatten)]
    pub parts: Map<String, Value>,
}

/// Why a machine was made or changed, or what it does now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Its key.
    pub because: String,
    /// In words.
    #[serde(flatten)]
    pub words: Words,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Happening {
    /// When it was settled.
    pub at: Time,
    /// Its key.
    pub kind: String,
    /// `warn`, `info` or `debug`.
    pub level: String,
    /// In words.
    #[serde(flatten)]
    pub words: Words,
}

/// One machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// The provider's id.
    pub instance: Option<String>,
    /// Its pool.
    pub pool: String,
    /// What was bought.
    pub offer: Size,
    /// Its phase.
    pub phase: String,
    /// Since when.
    pub since: Time,
    /// What its workers do: `idle`, `busy` or `drained`.
    pub worker: Option<String>,
    /// Since when they do that.
    pub worker_since: Option<Time>,
    /// What it costs an hour now.
    pub hourly: Money,
    /// What it has cost.
    pub cost: Money,
    /// Why it was last touched.
    pub reason: Reason,
    /// Why it is as it is now.
    pub now: Reason,
    /// Who keeps it.
    pub held: Option<Order>,
    /// A status that is none of a life's, as listed.
    pub unexpected_status: Option<String>,
}

/// What can be bought: zone, family, size and terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// `AvailableZoneCode`.
    pub zone: String,
    /// `EcsFamilyName`.
    pub family: String,
    /// Virtual processors.
    pub cpu: u32,
    /// Memory in GiB.
    pub ram_gib: u32,
    /// GPUs.
    pub gpus: u32,
    /// `on-demand`, `monthly` or `spot`.
    pub billing: String,
}

/// One offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offered {
    /// For which pool.
    pub pool: String,
    /// Which.
    pub offer: Size,
    /// Price of an hour.
    pub hourly: Option<Money>,
    /// Price of an hour of work at the reference speed.
    pub work_hourly: Option<Money>,
    /// `sells` or `sold-out`; null = not known.
    pub stock: Option<String>,
    /// Why it cannot be bought now.
    pub blocked: Option<Constraint>,
}

/// Money by the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// Since the store was made.
    pub total: Money,
    /// What the farm costs an hour now.
    pub hourly: Money,
    /// What it would cost an hour were everything running.
    pub hourly_reserved: Money,
    /// The part of `total` that rests on a listing.
    pub estimated: Money,
}

/// Requests since the store was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// Creates sent.
    pub creates: u64,
    /// Starts sent.
    pub starts: u64,
    /// Stops sent.
    pub stops: u64,
    /// Deletes sent.
    pub deletes: u64,
    /// Requests refused.
    pub refusals: u64,
    /// Requests whose outcome was unknown.
    pub unknowns: u64,
}

impl Words {
    /// In that language.
    pub fn words(&self, language: Language) -> &str {
        match language {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }
}

impl Constraint {
    /// With its key, as `why` and the log say it.
    pub fn keyed(&self, language: Language) -> String {
        format!("{}: {}", self.blocked, self.words.words(language))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { zone, family, cpu, ram_gib, gpus, billing } = self;
        write!(f, "{zone}/{family} {cpu}c{ram_gib}g{gpus}gpu")?;
        if billing == "on-demand" { Ok(()) } else { write!(f, " {billing}") }
    }
}
