//! What happened: the only way memory changes, and the history people read.

use serde::{Deserialize, Serialize};

use super::Text;
use super::action::{Change, Refusal};
use super::boot::BootLine;
use super::name::MachineName;
use super::offer::{OfferKey, Quote};
use super::reading::{InstanceRow, Status, WorkerState};
use super::reason::Reason;
use super::snapshot::DayEntry;
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
    pub what: What,
}

/// What happened. Names are those of people who read the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// The daemon came up; names are made in this epoch from now on.
    DaemonStarted {
        /// Higher than any epoch seen before.
        epoch: i64,
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
    /// A create is about to be sent. Durable before the request leaves.
    CreateIntended {
        /// The new name.
        name: MachineName,
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
    /// The provider took the create on.
    CreateAccepted {
        /// Which.
        name: MachineName,
        /// The id it promises.
        instance: Option<Text>,
        /// The event to follow.
        event: Option<Text>,
    },
    /// The provider refused the create: nothing was made.
    CreateRefused {
        /// Which.
        name: MachineName,
        /// Class.
        class: Refusal,
        /// As received.
        detail: Text,
    },
    /// The create may or may not have been carried out.
    CreateUnknown {
        /// Which.
        name: MachineName,
        /// What went wrong.
        detail: Text,
    },
    /// The create was taken on but failed: the event or the status says so.
    CreateFailed {
        /// Which.
        name: MachineName,
        /// What says so.
        detail: Text,
    },
    /// An unknown create was never seen within its grace; its name is watched from now on.
    CreateExpired {
        /// Which.
        name: MachineName,
    },
    /// A change of one machine is about to be asked for. Durable before the request leaves.
    ChangeIntended {
        /// Which.
        name: MachineName,
        /// What.
        change: Change,
        /// Why, in one line.
        reason: Reason,
    },
    /// The change was taken on.
    ChangeAccepted {
        /// Which.
        name: MachineName,
        /// What.
        change: Change,
        /// The event to follow.
        event: Option<Text>,
    },
    /// The change was refused.
    ChangeRefused {
        /// Which.
        name: MachineName,
        /// What.
        change: Change,
        /// Class.
        class: Refusal,
        /// As received.
        detail: Text,
    },
    /// The change may or may not have been carried out.
    ChangeUnknown {
        /// Which.
        name: MachineName,
        /// What.
        change: Change,
        /// What went wrong.
        detail: Text,
    },
    /// The change is done.
    ChangeDone {
        /// Which.
        name: MachineName,
        /// What.
        change: Change,
        /// When it took effect for billing by the provider's word (a start: when it was taken on;
        /// a stop or delete: when it ended); `None` if only a listing showed it.
        effective_at: Option<Time>,
    },
    /// A listing shows the change done; its event, which has the exact time, does not say so yet.
    ChangeSeen {
        /// Which.
        name: MachineName,
    },
    /// The change failed or was given up; the planner may ask again.
    ChangeFailed {
        /// Which.
        name: MachineName,
        /// What.
        change: Change,
        /// What says so.
        detail: Text,
    },
    /// A machine was seen at the provider for the first time.
    Found {
        /// Which.
        name: MachineName,
        /// The id.
        instance: Text,
        /// Where billing starts.
        created_at: Option<Time>,
        /// As listed.
        status: Status,
    },
    /// A machine of ours that memory did not know.
    Adopted {
        /// Which.
        name: MachineName,
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
    /// The farm is to be left for good.
    Retiring {
        /// Who asked.
        owner: Text,
    },
    /// The farm is to stay after all.
    Staying {
        /// Who asked.
        owner: Text,
    },
    /// An operator keeps a machine.
    Held {
        /// Which.
        name: MachineName,
        /// Who.
        owner: Text,
        /// Why.
        reason: Text,
        /// When it ends by itself.
        until: Option<Time>,
    },
    /// A hold has ended.
    Released {
        /// Which.
        name: MachineName,
        /// Who ended it; `expiry` = time.
        owner: Text,
    },
    /// The provider shows a machine in a state we did not ask for, and goes on showing it.
    StatusSeen {
        /// Which.
        name: MachineName,
        /// As listed.
        status: Status,
    },
    /// A listing shows a machine in a status that is none of a life's (`error`, `recycling` …).
    StatusOdd {
        /// Which.
        name: MachineName,
        /// As listed.
        status: Text,
    },
    /// A listing shows it in a common status again.
    StatusWell {
        /// Which.
        name: MachineName,
    },
    /// A listing shows a machine off, and charged as if it ran (`NoChargeForShutdown` = 0).
    StopCharged {
        /// Which.
        name: MachineName,
    },
    /// A complete listing did not hold a machine that should be there.
    Missed {
        /// Which.
        name: MachineName,
    },
    /// A missed machine was listed again.
    Unmissed {
        /// Which.
        name: MachineName,
    },
    /// A machine is gone though we did not delete it.
    Vanished {
        /// Which.
        name: MachineName,
    },
    /// What a machine's workers do has changed; `None` = no worker of it is seen any more.
    WorkerSeen {
        /// Which.
        name: MachineName,
        /// Taken together: busy if any is busy, drained only if all are.
        state: Option<WorkerState>,
        /// Their names in the queue.
        workers: Vec<Text>,
        /// When the queue was asked.
        asked_at: Time,
    },
    /// A boot has ended in a worker.
    Booted {
        /// Which.
        name: MachineName,
        /// Of which kind.
        line: BootLine,
        /// From the request to the first word of its worker.
        took: Span,
    },
    /// A boot has brought no worker in its time.
    BootFailed {
        /// Which.
        name: MachineName,
        /// Of which kind.
        line: BootLine,
        /// From the request until now.
        waited: Span,
    },
    /// The provider is taking a machine back, or somebody else is ending it: it does no more work.
    Reclaimed {
        /// Which.
        name: MachineName,
        /// What a listing showed.
        status: Status,
    },
    /// A machine has come to its end.
    Ended {
        /// Its pool.
        pool: Text,
        /// What was bought.
        offer: OfferKey,
        /// How long it was there.
        ran: Span,
        /// It was taken back or vanished; else we let it go.
        lost: bool,
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
    /// The queue cannot tell who works, and the machine has had the time a boot takes.
    AssumedReady {
        /// Which.
        name: MachineName,
    },
    /// An offer was refused for lack of stock or quota, and is left alone for a while.
    OfferRefused {
        /// Which.
        offer: OfferKey,
        /// Class.
        class: Refusal,
        /// Left alone until then.
        until: Time,
    },
    /// An offer was served: its refusals are forgotten.
    OfferServed {
        /// Which.
        offer: OfferKey,
    },
    /// The price of an adopted machine is known.
    Quoted {
        /// Which.
        name: MachineName,
        /// At which price it is taken to have been bought.
        quote: Quote,
    },
    /// A watched name needs no watching any more.
    TombstoneDropped {
        /// Which.
        name: MachineName,
    },
}

impl Event {
    /// The machine it is about, if it is about one.
    pub fn machine(&self) -> Option<&MachineName> {
        match &self.what {
            What::CreateIntended { name, .. }
            | What::CreateAccepted { name, .. }
            | What::CreateRefused { name, .. }
            | What::CreateUnknown { name, .. }
            | What::CreateFailed { name, .. }
            | What::CreateExpired { name }
            | What::ChangeIntended { name, .. }
            | What::ChangeAccepted { name, .. }
            | What::ChangeRefused { name, .. }
            | What::ChangeUnknown { name, .. }
            | What::ChangeDone { name, .. }
            | What::ChangeFailed { name, .. }
            | What::ChangeSeen { name }
            | What::Found { name, .. }
            | What::Adopted { name, .. }
            | What::StatusSeen { name, .. }
            | What::Held { name, .. }
            | What::Released { name, .. }
            | What::StatusOdd { name, .. }
            | What::StatusWell { name }
            | What::StopCharged { name }
            | What::Missed { name }
            | What::Unmissed { name }
            | What::Vanished { name }
            | What::WorkerSeen { name, .. }
            | What::Booted { name, .. }
            | What::BootFailed { name, .. }
            | What::Reclaimed { name, .. }
            | What::AssumedReady { name }
            | What::Quoted { name, .. }
            | What::TombstoneDropped { name } => Some(name),
            What::DaemonStarted { .. }
            | What::FarmAdopted
            | What::Paused { .. }
            | What::Resumed { .. }
            | What::Retiring { .. }
            | What::Staying { .. }
            | What::OfferRefused { .. }
            | What::Ended { .. }
            | What::DayTurned { .. }
            | What::OfferServed { .. } => None,
        }
    }

    /// Whether a request may leave only once this is durable.
    pub fn is_intent(&self) -> bool {
        matches!(self.what, What::CreateIntended { .. } | What::ChangeIntended { .. })
    }
}
