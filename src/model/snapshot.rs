//! What the daemon shows of itself: published once a turn, read by page, API, metrics and CLI.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Text;
pub use super::blocked::Blocked;
use super::event::Event;
pub use super::ledger::{CapSpan, CapView, DayEntry, DayRow, Ledger, Sum};
use super::money::Money;
use super::name::MachineName;
use super::offer::{OfferKey, Stock};
use super::reading::WorkerState;
use super::reason::Reason;
use super::source::SourceId;
use super::time::{Span, Time};

/// The farm after one turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// When the turn ended.
    pub at: Time,
    /// The farm's name.
    pub farm: Text,
    /// Turns since start.
    pub turn: u64,
    /// When the next turn is due at the latest; older than two turns is stale.
    pub next_turn_by: Time,
    /// `None` until the farm at the provider is known.
    pub adopted_at: Option<Time>,
    /// The pause in force, if any.
    pub paused: Option<Pause>,
    /// Who ordered the farm to be decommissioned.
    pub retiring: Option<Text>,
    /// One per pool, in the order of the config.
    pub pools: Vec<PoolView>,
    /// Every machine of ours.
    pub machines: Vec<MachineView>,
    /// What can be bought, best first per pool.
    pub offers: Vec<OfferView>,
    /// Money so far.
    pub spend: Spend,
    /// Money by day: of `/api/v1/spend`, not of the status.
    pub ledger: Ledger,
    /// Counts since the store was made.
    pub counts: Counts,
    /// What the last plan asked for; nothing of it is sent in a dry run.
    pub planned: Vec<Event>,
    /// Last decisions and what became of them, newest last, at most 200.
    pub recent: Vec<Event>,
    /// Sources that fail: name and what they last said.
    pub faults: BTreeMap<SourceId, Text>,
}

/// An operator's pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Who asked.
    pub owner: Text,
    /// Why.
    pub reason: Text,
    /// When it ends by itself.
    pub until: Option<Time>,
    /// Since when.
    pub since: Time,
}

/// One pool, with the reasons for its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolView {
    /// Its name.
    pub name: Text,
    /// Waiting tasks.
    pub queued: u32,
    /// Running tasks.
    pub running: u32,
    /// How long the oldest has waited, where known.
    pub oldest_wait: Option<Span>,
    /// Age of the queue's word; `None` = none yet.
    pub queue_age: Option<Span>,
    /// Machines by phase.
    pub phases: BTreeMap<Phase, u32>,
    /// `min` and `max` now, calendar windows applied.
    pub size: (u32, u32),
    /// Why the pool is as large as it is.
    pub report: Report,
}

/// What a plan says of one pool: the same struct for `why`, page, log and webhook.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Slots the work asks for.
    pub demand_slots: u32,
    /// Slots there are or that are on their way.
    pub capacity_slots: u32,
    /// What keeps the pool from being larger or smaller, strongest first (`Blocked::strength`).
    pub constraints: Vec<Blocked>,
}

/// A machine's phase, computed from what has been seen of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Asked for, not yet known to exist.
    Launching,
    /// Exists, no worker yet.
    Booting,
    /// A worker has joined.
    Ready,
    /// Its workers are asked to take no more.
    Draining,
    /// A stop is under way.
    Stopping,
    /// Off, kept for later.
    Stopped,
    /// A start is under way, or it boots again.
    Starting,
    /// A delete is under way.
    Leaving,
}

/// One machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineView {
    /// Our name.
    pub name: MachineName,
    /// The provider's id.
    pub instance: Option<Text>,
    /// Its pool.
    pub pool: Text,
    /// What was bought.
    pub offer: OfferKey,
    /// Phase.
    pub phase: Phase,
    /// Since when.
    pub since: Time,
    /// What its workers do.
    pub worker: Option<WorkerState>,
    /// Since when they do that.
    pub worker_since: Option<Time>,
    /// What it costs an hour now.
    pub hourly: Money,
    /// What it has cost.
    pub cost: Money,
    /// Why it was last touched.
    pub reason: Reason,
    /// Who keeps it, and why.
    pub held: Option<Hold>,
    /// A status that is none of a life's, as listed.
    pub unexpected_status: Option<Text>,
}

/// A machine is kept by an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Who.
    pub owner: Text,
    /// Why.
    pub reason: Text,
    /// When it ends by itself.
    pub until: Option<Time>,
}

/// One offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferView {
    /// For which pool.
    pub pool: Text,
    /// Which.
    pub offer: OfferKey,
    /// Price of an hour, if known.
    pub hourly: Option<Money>,
    /// Expected price of an hour of work of one slot at the reference speed, with what boots and
    /// losses add, if known: what offers are ranked by.
    pub work_hourly: Option<Money>,
    /// Stock, if known.
    pub stock: Option<Stock>,
    /// Why it cannot be bought now.
    pub blocked: Option<Blocked>,
}

/// Money, by the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spend {
    /// Since the store was made.
    pub total: Money,
    /// What the farm costs an hour now.
    pub hourly: Money,
    /// What the farm would cost an hour were everything we own running.
    pub hourly_reserved: Money,
    /// The part of `total` that rests on a listing instead of the provider's own times.
    pub estimated: Money,
}

/// Counts since the store was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
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
