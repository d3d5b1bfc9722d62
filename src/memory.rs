//! What must outlive a restart: a fold over events.
//!
//! Facts are kept with the moment they were first seen; phases are computed from them. Not kept:
//! prices, stock and queue depth, which are asked for again after a start.

#![deny(clippy::float_arithmetic)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::snapshot::{Counts, Hold, Pause, Phase, Sum};
use crate::model::{
    BootLine, Change, MachineName, Money, OfferKey, Price, Quote, Reason, Refusal, Status, Text,
    Time, WorkerState,
};

mod apply;
mod boots;
mod keys;
mod ledger;
mod market;
mod meter;
mod records;
mod spent;
mod usage;

pub use boots::Boots;
pub use keys::Key;
pub use ledger::{Account, OpenDay};
pub use market::{Ceiling, SpotMemory};
pub use meter::Meter;
pub use records::read_machine;
pub use spent::{Spent, SpentOn};
pub use usage::Usage;

/// Everything that must outlive a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// Single facts.
    pub meta: Meta,
    /// Every machine that may exist.
    pub machines: BTreeMap<MachineName, Machine>,
    /// Names that are used up and still watched.
    pub tombstones: BTreeMap<MachineName, Tombstone>,
    /// Offers that were refused.
    pub refusals: BTreeMap<OfferKey, RefusalMemory>,
    /// What is known of boots.
    pub boots: BTreeMap<BootLine, Boots>,
    /// What is known of spot machines.
    pub spot: BTreeMap<OfferKey, SpotMemory>,
    /// Zones whose quota is used up.
    pub ceilings: BTreeMap<Text, Ceiling>,
    /// Money by pool and offer.
    pub accounts: BTreeMap<(Text, OfferKey), Account>,
    /// Money of days that are over, by day and pool.
    pub days: BTreeMap<(Text, Text), Vec<(OfferKey, Sum)>>,
}

/// Facts there is one of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meta {
    /// The epoch names are made in; 0 before the first start.
    pub epoch: i64,
    /// The last serial used in it.
    pub serial: u64,
    /// Since when the farm at the provider is known; `None` after the store was lost.
    pub adopted_at: Option<Time>,
    /// The pause in force.
    pub paused: Option<Pause>,
    /// Who ordered the farm to be left for good.
    pub retiring: Option<Text>,
    /// The day that is booked on.
    pub day: Option<OpenDay>,
    /// Cost of machines that are gone.
    pub closed_cost: Money,
    /// The part of it that rests on listings instead of the provider's own times.
    pub closed_estimated: Money,
    /// Counts.
    pub counts: Counts,
    /// When a stop was last seen to be charged though it was asked to be free.
    pub stop_charged_at: Option<Time>,
    /// Hung machines replaced within the last hour, with their pools.
    pub recycled: Vec<(Time, Text)>,
    /// When creates, stops (drains begun) and deletes of stopped machines were sent lately.
    pub recent: Recent,
}

/// What was sent within the guard's window, oldest first, in beats of 15 seconds: (end of the beat,
/// how many). Counting by beats keeps the record small, and an end that lies ahead counts longer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// Creates.
    pub creates: Vec<(Time, u32)>,
    /// Stops and deletes of machines that were running.
    pub stops: Vec<(Time, u32)>,
    /// Deletes of machines that were stopped, or given up before they joined.
    pub deletes: Vec<(Time, u32)>,
}

/// A machine of ours, or one that may become it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its pool.
    pub pool: Text,
    /// What was bought.
    pub offer: OfferKey,
    /// The price it was bought at; `None` for an adopted machine until quoted.
    pub quote: Option<Quote>,
    /// When it was asked for, or adopted.
    pub made_at: Time,
    /// The provider's id, once known.
    pub instance: Option<Text>,
    /// Where it is in its life.
    pub life: Life,
    /// Since when.
    pub since: Time,
    /// When its last boot was asked for.
    pub boot_asked_at: Option<Time>,
    /// That boot has been given up.
    pub boot_failed: bool,
    /// The one change under way.
    pub pending: Option<Pending>,
    /// What its workers do.
    pub worker: Option<WorkerState>,
    /// Since when they do that (or, with `None`, are unseen).
    pub worker_since: Time,
    /// When they vanished at work; `None` if they did not.
    pub vanished_busy_at: Option<Time>,
    /// The most of them that were seen at once since it booted.
    pub workers_most: u32,
    /// Their names in the queue.
    pub workers: Vec<Text>,
    /// When the drain request was written to the queue; `None` = none stands.
    pub drain_asked_at: Option<Time>,
    /// When its workers were last asked to take no more, or to go on.
    pub turned_at: Option<Time>,
    /// The last change whose outcome stayed unknown: it may still be carried out a while later.
    pub unknown_at: Option<Time>,
    /// The last change that failed: the next try waits.
    pub failed_at: Option<Time>,
    /// Tries of the same change that failed in a row.
    pub failures: u32,
    /// Complete listings in a row it was not in, and the first of them.
    pub missed: Option<(u32, Time)>,
    /// Off, and charged as if it ran.
    pub charged_off: bool,
    /// Off because we asked for it.
    pub stopped_by_us: bool,
    /// The provider is taking it back, or somebody else ends it, since then.
    pub reclaimed_at: Option<Time>,
    /// Kept by an operator.
    pub held: Option<Hold>,
    /// A status that is none of a life's, while the provider shows it.
    pub unexpected_status: Option<UnexpectedStatus>,
    /// The queue its workers serve; empty for one that was found.
    pub queue: Text,
    /// Checksum of what it was made from; `None` for one that was found.
    pub build: Option<u32>,
    /// The event of its create, until its worker joins.
    pub create_event: Option<Text>,
    /// What it has cost.
    pub meter: Meter,
    /// What its running time went into.
    pub usage: Usage,
    /// Why it was last touched.
    pub reason: Reason,
}

/// A status the provider gives a machine that no part of its life explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnexpectedStatus {
    /// As listed.
    pub status: Status,
    /// Since when.
    pub since: Time,
}

impl UnexpectedStatus {
    /// Seen first at `since`.
    pub fn new(status: &Status, since: Time) -> Self {
        Self { status: status.clone(), since }
    }
}

/// Launching → Booting → Ready → Stopped → Booting … → Leaving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Life {
    /// A create was sent; nothing has been seen of it.
    Launching(Create),
    /// Exists and should run; no worker yet. `again` = it was stopped before.
    Booting {
        /// Started again rather than made.
        again: bool,
    },
    /// A worker has joined since it booted.
    Ready,
    /// Off.
    Stopped,
}

/// What is known of a create that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Create {
    /// Sent, no answer.
    Sent,
    /// Taken on.
    Accepted {
        /// The event to follow.
        event: Option<Text>,
    },
    /// Nobody knows.
    Unknown,
}

/// A change under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// What.
    pub change: Change,
    /// When it was sent.
    pub sent_at: Time,
    /// When a listing first showed it done, while its event does not say so.
    pub seen_at: Option<Time>,
    /// How far it is.
    pub state: PendingState,
}

/// How far a change is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PendingState {
    /// Sent, no answer.
    Sent,
    /// Taken on.
    Accepted {
        /// The event to follow.
        event: Option<Text>,
    },
    /// Nobody knows.
    Unknown,
}

/// A name that is used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// Its pool.
    pub pool: Text,
    /// What was bought, and at which price.
    pub offer: OfferKey,
    /// The price.
    pub quote: Option<Quote>,
    /// Since when.
    pub since: Time,
    /// Whether the machine was seen to go; a name that expired unseen may yet come to life.
    pub seen_gone: bool,
    /// Until when its cost is booked.
    pub charged_until: Option<Time>,
}

/// An offer that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalMemory {
    /// Class of the last refusal.
    pub class: Refusal,
    /// How often in a row.
    pub count: u32,
    /// The last time.
    pub at: Time,
    /// Left alone until then.
    pub until: Time,
}

impl Machine {
    /// The phase people see.
    pub fn phase(&self) -> Phase {
        let off = self.life == Life::Stopped;
        if self.reclaimed_at.is_some() {
            return Phase::Leaving;
        }
        match self.pending.as_ref().map(|pending| pending.change) {
            Some(Change::Delete) => return Phase::Leaving,
            Some(Change::Stop) => return Phase::Stopping,
            Some(Change::Start) => return Phase::Starting,
            // Its flag is taken back only to start it.
            Some(Change::Undrain) if off => return Phase::Starting,
            Some(Change::Drain) if !off => return Phase::Draining,
            Some(Change::Drain | Change::Undrain) | None => {}
        }
        match self.life {
            Life::Launching(_) => Phase::Launching,
            Life::Stopped => Phase::Stopped,
            Life::Booting { .. } | Life::Ready if self.drain_asked_at.is_some() => Phase::Draining,
            Life::Booting { again: true } => Phase::Starting,
            Life::Booting { again: false } => Phase::Booting,
            Life::Ready => Phase::Ready,
        }
    }

    /// The kind of its present or next boot.
    pub fn boot_line(&self, again: bool) -> BootLine {
        let (zone, family) = (Text::clone(&self.offer.zone), Text::clone(&self.offer.family));
        BootLine { pool: Text::clone(&self.pool), zone, family, again }
    }

    /// Whether its workers have answered that they hold nothing and take no more.
    pub fn is_drained(&self) -> bool {
        self.drain_asked_at.is_some() && self.worker == Some(WorkerState::Drained)
    }

    /// Whether letting it go takes no work away: it is off, or given up before it ever joined.
    pub fn is_workless(&self) -> bool {
        self.life == Life::Stopped || self.reason == Reason::NotWorthWaiting
    }

    /// Whether the provider shows it as broken: it may come back, and serves nobody until then.
    pub fn in_quarantine(&self) -> bool {
        self.unexpected_status.as_ref().is_some_and(|seen| seen.status == Status::Broken)
    }

    /// Whether the provider is taking it back because the account is in arrears.
    pub fn in_arrears(&self) -> bool {
        self.unexpected_status.as_ref().is_some_and(|seen| seen.status == Status::Arrears)
    }

    /// Whether it serves nobody whatever its workers say.
    pub fn is_set_aside(&self) -> bool {
        self.in_quarantine() || self.in_arrears()
    }

    /// Whether it is on its way out whatever the work asks for.
    pub fn is_being_replaced(&self) -> bool {
        let goes = self.drain_asked_at.is_some() || self.pending.is_some();
        goes && self.reason.replaces()
    }

    /// What it costs now.
    pub fn price(&self) -> Option<Price> {
        let quote = self.quote.as_ref()?;
        let is_off = self.life == Life::Stopped && !self.charged_off;
        Some(if is_off { quote.stopped } else { quote.running })
    }

    /// What it has cost until `now`.
    pub fn cost(&self, now: Time) -> Money {
        self.quote.as_ref().map_or(Money::ZERO, |quote| self.meter.cost(quote, now))
    }
}

impl Memory {
    /// Everything spent until `now`.
    pub fn spent(&self, now: Time) -> Money {
        self.meta.closed_cost + self.machines.values().map(|machine| machine.cost(now)).sum()
    }
}
