//! What happened: the only way memory changes, and the history people read.
//!
//! In the history and in the API an event is one flat JSON object, `{"at": …, "kind": "found",
//! "name": …, …}`: `at` is in milliseconds since 1970, `kind` the name of the innermost variant. Kinds
//! that were called otherwise in earlier versions are still read.

use serde::{Deserialize, Serialize};

use super::Text;
use super::action::{Change, Refusal};
use super::boot::BootLine;
use super::ledger::DayEntry;
use super::name::MachineName;
use super::offer::{OfferKey, Quote};
use super::reading::{InstanceRow, Status, WorkerState};
use super::reason::Reason;
use super::time::{Span, Time};

const fn second() -> Span {
    Span::seconds(1)
}

/// One fact, with the moment it was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it was settled.
    pub at: Time,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened, by what it happened to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EventKind {
    /// To the farm as a whole.
    Farm(FarmEvent),
    /// To what is on offer.
    Offer {
        /// Which offer.
        offer: OfferKey,
        /// What.
        #[serde(flatten)]
        event: OfferEvent,
    },
    /// To one machine.
    Machine {
        /// Which machine.
        name: MachineName,
        /// What.
        #[serde(flatten)]
        event: MachineEvent,
    },
}

/// What happened to the farm as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FarmEvent {
    /// The daemon came up; names are made in this epoch from now on.
    DaemonStarted {
        /// Higher than any epoch seen before.
        epoch: i64,
        /// The salt of the store, which its names carry.
        #[serde(default)]
        salt: u64,
    },
    /// The farm at the provider is known: growing and shrinking may begin.
    FarmAdopted,
    /// An operator paused the farm.
    Paused {
        /// Who.
        owner: Text,
        /// Why.
        reason: Text,
        /// Until when, if not until resumed.
        until: Option<Time>,
    },
    /// The pause ended.
    Resumed {
        /// Who, or `expiry`.
        owner: Text,
    },
    /// The farm is to be decommissioned: start nothing, let running tasks end, delete everything.
    Retiring {
        /// Who asked.
        owner: Text,
    },
    /// The farm is to stay after all.
    #[serde(alias = "staying")]
    RetireCancelled {
        /// Who asked.
        owner: Text,
    },
    /// Another daemon of the same farm makes machines: nothing is bought until an operator has spoken.
    SecondDaemon {
        /// One of its machines.
        machine: MachineName,
    },
    /// An operator lets machines be treated as ours that a second daemon made or that share a name.
    TwinsReleased {
        /// Who.
        owner: Text,
    },
    /// A task has ended; written down where machines were lost at work before, and now and then.
    TaskEnded {
        /// The queue it was of.
        queue: Text,
        /// When, or when that was seen.
        ended_at: Time,
    },
    /// A day has ended at the operator's place, and another begins.
    DayTurned {
        /// What the day that ended has cost; nothing before the first.
        ended: Vec<DayEntry>,
        /// Which day that was.
        ended_day: Option<Text>,
        /// The new day, as `2026-01-31`.
        day: Text,
        /// When the old one ended and this one began.
        from: Time,
        /// When it ends.
        until: Time,
        /// Days and pools whose entries have been kept for long enough.
        #[serde(default)]
        dropped: Vec<(Text, Text)>,
    },
}

/// What happened to what is on offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OfferEvent {
    /// It was refused for lack of stock or quota, and is left alone for a while.
    OfferRefused {
        /// Class.
        class: Refusal,
        /// Left alone until then.
        until: Time,
    },
    /// It was served: its refusals are forgotten.
    OfferServed,
    /// A machine of it has come to its end.
    Ended {
        /// The machine's pool.
        pool: Text,
        /// How long it was there.
        ran: Span,
        /// It was taken back or vanished; else we let it go.
        lost: bool,
        /// The queue its workers served.
        #[serde(default)]
        queue: Text,
        /// It held a task to the end, which is lost with it.
        #[serde(default)]
        at_work: bool,
    },
}

/// What happened to one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MachineEvent {
    /// In its making.
    Create(CreateEvent),
    /// In a change asked of it.
    Change {
        /// Which change.
        change: Change,
        /// What.
        #[serde(flatten)]
        event: ChangeEvent,
    },
    /// What somebody has seen of it, or decided about it.
    Seen(SeenEvent),
}

/// How far the making of a machine is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum CreateEvent {
    /// A create is about to be sent. Durable before the request leaves.
    #[serde(rename = "create_intended")]
    Intended {
        /// Its serial number, used up by this.
        serial: u64,
        /// For which pool.
        pool: Text,
        /// What is bought.
        offer: OfferKey,
        /// At which price.
        quote: Quote,
        /// Why, in one line.
        reason: Reason,
        /// The queue its workers are to serve.
        #[serde(default)]
        queue: Text,
        /// Checksum of what it is made from; `None` = not written down.
        #[serde(default)]
        build: Option<u32>,
    },
    /// The provider accepted it.
    #[serde(rename = "create_accepted")]
    Accepted {
        /// The id it promises.
        instance: Option<Text>,
        /// The event to follow.
        event: Option<Text>,
    },
    /// The provider refused it: nothing was made.
    #[serde(rename = "create_refused")]
    Refused {
        /// Class.
        class: Refusal,
        /// As received.
        detail: Text,
    },
    /// It may or may not have been carried out.
    #[serde(rename = "create_unknown")]
    Unknown {
        /// What went wrong.
        detail: Text,
    },
    /// It was accepted but failed: the event or the status says so.
    #[serde(rename = "create_failed")]
    Failed {
        /// What says so.
        detail: Text,
    },
    /// It was unknown and never seen within its grace; its name is watched from now on.
    #[serde(rename = "create_expired")]
    Expired,
}

/// How far a change of a machine is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum ChangeEvent {
    /// It is about to be asked for. Durable before the request leaves.
    #[serde(rename = "change_intended")]
    Intended {
        /// Why, in one line.
        reason: Reason,
    },
    /// It was accepted.
    #[serde(rename = "change_accepted")]
    Accepted {
        /// The event to follow.
        event: Option<Text>,
    },
    /// It was refused.
    #[serde(rename = "change_refused")]
    Refused {
        /// Class.
        class: Refusal,
        /// As received.
        detail: Text,
    },
    /// It may or may not have been carried out.
    #[serde(rename = "change_unknown")]
    Unknown {
        /// What went wrong.
        detail: Text,
    },
    /// It is done.
    #[serde(rename = "change_done")]
    Done {
        /// When it took effect for billing by the provider's word (a start: when it was accepted; a
        /// stop or delete: when it ended); `None` if only a listing showed it.
        effective_at: Option<Time>,
    },
    /// It failed or was given up; the planner may ask again.
    #[serde(rename = "change_failed")]
    Failed {
        /// What says so.
        detail: Text,
    },
}

/// What has been seen of a machine, or decided about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SeenEvent {
    /// It was seen at the provider for the first time.
    Found {
        /// The id.
        instance: Text,
        /// Where billing starts.
        created_at: Option<Time>,
        /// As listed.
        status: Status,
    },
    /// It is one of ours that memory did not know.
    Adopted {
        /// Its pool.
        pool: Text,
        /// As listed.
        row: InstanceRow,
        /// The queue its workers serve.
        #[serde(default)]
        queue: Text,
        /// Its cost is booked from then on: what came before was booked already, or is of a day gone by.
        #[serde(default)]
        charged_from: Option<Time>,
        /// Running time is charged in whole units of this.
        #[serde(default = "second")]
        unit: Span,
    },
    /// An operator keeps it.
    Held {
        /// Who.
        owner: Text,
        /// Why.
        reason: Text,
        /// When it ends by itself.
        until: Option<Time>,
    },
    /// A hold has ended.
    Released {
        /// Who ended it; `expiry` = time.
        owner: Text,
    },
    /// The provider shows it in a state we did not ask for, and goes on showing it.
    StatusSeen {
        /// As listed.
        status: Status,
    },
    /// A listing shows it in a status that is none of a life's (`error`, `recycling` …).
    #[serde(alias = "status_odd")]
    UnexpectedStatus {
        /// As listed.
        status: Status,
    },
    /// A listing shows it in a common status again.
    #[serde(alias = "status_well")]
    StatusNormal,
    /// A listing shows it off, and charged as if it ran (`NoChargeForShutdown` = 0).
    StopCharged,
    /// A complete listing did not hold it, and it should be there.
    Missed,
    /// It is missed, and the provider, asked for it by its id, knows none either.
    UnknownById,
    /// It is missed by listings, and there when it is asked for by its id.
    KnownById,
    /// It was missed, and is listed again.
    #[serde(alias = "unmissed")]
    Reappeared,
    /// It is gone though we did not delete it.
    Vanished,
    /// A listing shows the change under way done; its event, which has the exact time, does not yet.
    ChangeSeen,
    /// What its workers do has changed; `None` = no worker of it is seen any more.
    WorkerSeen {
        /// Taken together: busy if any is busy, drained only if all are.
        state: Option<WorkerState>,
        /// Their names in the queue.
        workers: Vec<Text>,
        /// When the queue was asked.
        asked_at: Time,
    },
    /// A boot has ended in a worker.
    Booted {
        /// Of which kind.
        line: BootLine,
        /// From the request to the first word of its worker.
        took: Span,
    },
    /// A boot has brought no worker in its time.
    BootFailed {
        /// Of which kind.
        line: BootLine,
        /// From the request until now.
        waited: Span,
    },
    /// The queue cannot tell who works, and it has had the time a boot takes.
    AssumedReady,
    /// The provider is taking it back, or somebody else is ending it: it does no more work.
    Reclaimed {
        /// What a listing showed.
        status: Status,
    },
    /// It was adopted, and its price is known now.
    Quoted {
        /// At which price it is taken to have been bought.
        quote: Quote,
    },
    /// Its name was watched, and needs no watching any more.
    TombstoneDropped,
}

impl From<FarmEvent> for EventKind {
    fn from(event: FarmEvent) -> Self {
        Self::Farm(event)
    }
}

impl OfferEvent {
    /// It happened to this offer.
    pub fn to(self, offer: &OfferKey) -> EventKind {
        EventKind::Offer { offer: offer.clone(), event: self }
    }
}

impl MachineEvent {
    /// It happened to this machine.
    pub fn to(self, name: &MachineName) -> EventKind {
        EventKind::Machine { name: name.clone(), event: self }
    }
}

impl CreateEvent {
    /// It happened to this machine.
    pub fn to(self, name: &MachineName) -> EventKind {
        MachineEvent::Create(self).to(name)
    }
}

impl ChangeEvent {
    /// It happened to this change of this machine.
    pub fn to(self, name: &MachineName, change: Change) -> EventKind {
        MachineEvent::Change { change, event: self }.to(name)
    }
}

impl SeenEvent {
    /// It happened to this machine.
    pub fn to(self, name: &MachineName) -> EventKind {
        MachineEvent::Seen(self).to(name)
    }
}

impl EventKind {
    /// The machine it is about, if it is about one.
    pub fn machine(&self) -> Option<&MachineName> {
        match self {
            Self::Machine { name, .. } => Some(name),
            Self::Farm(_) | Self::Offer { .. } => None,
        }
    }

    /// The create that is about to be sent, if it is one: the machine and what is bought.
    pub fn create_intended(&self) -> Option<(&MachineName, &OfferKey)> {
        match self {
            Self::Machine {
                name,
                event: MachineEvent::Create(CreateEvent::Intended { offer, .. }),
            } => Some((name, offer)),
            Self::Machine { .. } | Self::Farm(_) | Self::Offer { .. } => None,
        }
    }

    /// The change that is about to be asked for, if it is one: of which machine, and why.
    pub fn change_intended(&self) -> Option<(&MachineName, Change, Reason)> {
        match self {
            Self::Machine {
                name,
                event: MachineEvent::Change { change, event: ChangeEvent::Intended { reason } },
            } => Some((name, *change, *reason)),
            Self::Machine { .. } | Self::Farm(_) | Self::Offer { .. } => None,
        }
    }
}

impl Event {
    /// The machine it is about, if it is about one.
    pub fn machine(&self) -> Option<&MachineName> {
        self.kind.machine()
    }
}
