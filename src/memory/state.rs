//! All that is remembered, as data: how it changes stands in `apply`, what it comes to in `ledger`,
//! `spent` and `market`.

use std::collections::BTreeMap;

use super::boots::Boots;
use super::machine::Machine;
use crate::model::snapshot::{Counts, Pause, Sum};
use crate::model::{
    BootLine, MachineName, Money, Namer, OfferKey, Quote, Refusal, Salt, Span, Text, Time,
};

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
    /// What comes of the work, by queue.
    pub progress: BTreeMap<Text, Progress>,
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
    /// What the names of this store have in common, and since when; `None` before the first start.
    pub salt: Option<(Salt, Time)>,
    /// Since when the farm at the provider is known; `None` after the store was lost.
    pub adopted_at: Option<Time>,
    /// The pause in force.
    pub paused: Option<Pause>,
    /// Who ordered the farm to be decommissioned.
    pub retiring: Option<Text>,
    /// A machine that another daemon of this farm has made, and when it was seen.
    pub second_daemon: Option<(MachineName, Time)>,
    /// When an operator last let machines that share a name be treated as any other.
    pub twins_released_at: Option<Time>,
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

impl Meta {
    /// Whether another daemon of this farm has made a machine, and no operator has said that it is ours.
    pub fn is_of_second_daemon(&self, namer: &Namer, name: &MachineName) -> bool {
        let (Some(_), Some((ours, _))) = (&self.second_daemon, self.salt) else { return false };
        let salt = namer.parse(name.given()).and_then(|parts| parts.salt());
        salt.is_some_and(|salt| salt != ours)
    }

    /// The name of the machine of this count, in the present epoch.
    pub fn name(&self, namer: &Namer, pool: &str, count: u64) -> MachineName {
        let serial = self.salt.map_or(count, |(salt, _)| salt.serial(count));
        namer.name(pool, self.epoch, serial)
    }
}

/// What was sent within the budget's window, oldest first, in beats of 15 seconds: (end of the beat,
/// how many). Counting by beats keeps the record small, and an end that lies ahead counts longer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recent {
    /// Creates.
    pub creates: Vec<(Time, u32)>,
    /// Stops and deletes of machines that were running.
    pub stops: Vec<(Time, u32)>,
    /// Deletes of machines that were stopped, or given up before they joined.
    pub deletes: Vec<(Time, u32)>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// A quota refused a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ceiling {
    /// Machines of ours that the zone had.
    pub machines: u32,
    /// No further one is asked for until then; after that one probes.
    pub until: Time,
}

/// Spot machines of one offer, so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpotMemory {
    /// How long they ran.
    pub ran: Span,
    /// How many were taken back.
    pub losses: i64,
    /// The last that came to their end, oldest first.
    pub lately: Vec<SpotEnd>,
}

/// The end of a spot machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpotEnd {
    /// When.
    pub at: Time,
    /// How long it ran.
    pub ran: Span,
    /// It was taken back.
    pub lost: bool,
}

/// What comes of the work of one queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// When a task last ended, as far as that was written down.
    pub ended_at: Option<Time>,
    /// Machines that were lost at work since then.
    pub lost: u32,
    /// The last of them, oldest first.
    pub lately: Vec<LostAtWork>,
}

/// A machine that was lost at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostAtWork {
    /// When.
    pub at: Time,
    /// `AvailableZoneCode`.
    pub zone: Text,
    /// Whether it was a spot machine.
    pub spot: bool,
}

/// Machines of one pool and offer that are gone, and all of them at the start of the day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Of machines that are gone.
    pub closed: Sum,
    /// Of all, when the day began.
    pub opened: Sum,
}

/// The day that is booked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDay {
    /// `2026-01-31`.
    pub day: Text,
    /// It ends then.
    pub until: Time,
}

impl Memory {
    /// Everything spent until `now`.
    pub fn spent(&self, now: Time) -> Money {
        self.meta.closed_cost + self.machines.values().map(|machine| machine.cost(now)).sum()
    }
}
