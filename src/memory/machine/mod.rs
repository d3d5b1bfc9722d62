//! A machine of ours: where it is in its life, what is being done to it, and what was last seen of it.
//! What holds only in one part of its life is kept in that part.

use crate::model::snapshot::{Hold, Phase};
use crate::model::{
    BootLine, Change, Money, OfferKey, Price, Quote, Reason, Status, Text, Time, WorkerState,
};

use super::meter::Meter;
use super::usage::{Usage, Use};

mod events;

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
    /// The queue its workers serve; empty for one that was found.
    pub queue: Text,
    /// Checksum of what it was made from; `None` for one that was found.
    pub build: Option<u32>,
    /// Where it is in its life.
    pub life: Life,
    /// Since when.
    pub since: Time,
    /// The one change under way.
    pub pending: Option<Pending>,
    /// What is heard of its workers.
    pub heard: Heard,
    /// Whether its workers are asked to take no more.
    pub drain: Drain,
    /// What came of the last changes asked of it.
    pub backoff: Backoff,
    /// What the provider shows of it that its life does not explain.
    pub sighting: Sighting,
    /// Kept by an operator.
    pub held: Option<Hold>,
    /// What it has cost.
    pub meter: Meter,
    /// What its running time went into.
    pub usage: Usage,
    /// Why it was last touched.
    pub reason: Reason,
}

/// Launching → Booting → Ready → Stopped → Booting … → Leaving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Life {
    /// A create was sent; nothing has been seen of it.
    Launching(Create),
    /// Exists and should run; no worker yet.
    Booting(Boot),
    /// A worker has joined since it booted.
    Ready,
    /// Off.
    Stopped(Off),
}

/// What is known of a create that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Create {
    /// Sent, no answer.
    Sent,
    /// Accepted by the provider.
    Accepted {
        /// The event to follow.
        event: Option<Text>,
    },
    /// Nobody knows.
    Unknown,
}

/// A boot that has not ended in a worker yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// Of what.
    pub of: BootOf,
    /// When it was asked for; `None` where somebody else did.
    pub asked_at: Option<Time>,
    /// It has had its time, and is counted as failed.
    pub given_up: bool,
}

/// What boots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BootOf {
    /// A new machine.
    New {
        /// The event of its create: only that tells of a failure.
        create_event: Option<Text>,
    },
    /// One that was stopped before.
    Stopped,
}

/// A machine that is off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Off {
    /// We asked for it.
    pub by_us: bool,
    /// It is charged as if it ran.
    pub charged: bool,
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
    /// Accepted by the provider.
    Accepted {
        /// The event to follow.
        event: Option<Text>,
    },
    /// Nobody knows.
    Unknown,
}

/// What is heard of a machine's workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// What they do, taken together; `None` = no worker is heard.
    pub state: Option<WorkerState>,
    /// Since when.
    pub since: Time,
    /// Their names in the queue, as last heard.
    pub names: Vec<Text>,
    /// The most of them that were heard at once since it booted.
    pub most: u32,
    /// When they vanished at work; `None` if they did not.
    pub vanished_at_work: Option<Time>,
}

impl Heard {
    /// Nothing, as of `at`.
    pub const fn nothing(at: Time) -> Self {
        Self { state: None, since: at, names: Vec::new(), most: 0, vanished_at_work: None }
    }

    /// Whether a worker is there that takes tasks.
    pub const fn has_joined(&self) -> bool {
        matches!(self.state, Some(WorkerState::Idle | WorkerState::Busy))
    }
}

/// Whether a machine's workers are asked to take no more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drain {
    /// When the request was written to the queue; `None` = none stands.
    pub asked_at: Option<Time>,
    /// When they were last asked to take no more, or to go on.
    pub turned_at: Option<Time>,
}

/// What came of the last changes asked of a machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backoff {
    /// The last change whose outcome stayed unknown: it may still be carried out a while later.
    pub unknown_at: Option<Time>,
    /// The last change that failed: the next try waits.
    pub failed_at: Option<Time>,
    /// Tries of the same change that failed in a row.
    pub failures: u32,
}

/// What the provider shows of a machine that its life does not explain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sighting {
    /// Listings do not show it.
    pub missed: Option<Missed>,
    /// The provider is taking it back, or somebody else ends it, since then.
    pub reclaimed_at: Option<Time>,
    /// A status that is none of a life's, while the provider shows it.
    pub unexpected_status: Option<UnexpectedStatus>,
}

/// Complete listings do not show a machine that should be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// How many, in a row.
    pub listings: u32,
    /// When the first of them was asked for.
    pub first: Time,
    /// The provider, asked for its id, knows none either.
    pub denied: bool,
}

impl Missed {
    /// By none yet.
    pub const fn now(at: Time) -> Self {
        Self { listings: 0, first: at, denied: false }
    }
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

impl Machine {
    /// The phase people see.
    pub fn phase(&self) -> Phase {
        let off = self.is_off();
        if self.sighting.reclaimed_at.is_some() {
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
        match &self.life {
            Life::Launching(_) => Phase::Launching,
            Life::Stopped(_) => Phase::Stopped,
            Life::Booting(_) | Life::Ready if self.drain.asked_at.is_some() => Phase::Draining,
            Life::Booting(Boot { of: BootOf::Stopped, .. }) => Phase::Starting,
            Life::Booting(Boot { of: BootOf::New { .. }, .. }) => Phase::Booting,
            Life::Ready => Phase::Ready,
        }
    }

    /// Whether it is off.
    pub const fn is_off(&self) -> bool {
        matches!(self.life, Life::Stopped(_))
    }

    /// Whether it is off, and charged as if it ran.
    pub const fn is_charged_off(&self) -> bool {
        matches!(self.life, Life::Stopped(Off { charged: true, .. }))
    }

    /// Its boot, while it lasts.
    pub const fn boot(&self) -> Option<&Boot> {
        match &self.life {
            Life::Booting(boot) => Some(boot),
            Life::Launching(_) | Life::Ready | Life::Stopped(_) => None,
        }
    }

    /// Whether it boots for the first time.
    pub fn is_new_boot(&self) -> bool {
        self.boot().is_some_and(|boot| matches!(boot.of, BootOf::New { .. }))
    }

    /// Whether it boots after a stop; `None` = it does not boot.
    pub fn boots_again(&self) -> Option<bool> {
        self.boot().map(|boot| boot.of == BootOf::Stopped)
    }

    /// When the boot was asked for that it is in, or that its create will begin.
    pub fn boot_asked_at(&self) -> Option<Time> {
        match &self.life {
            Life::Launching(_) => Some(self.made_at),
            Life::Booting(boot) => boot.asked_at,
            Life::Ready | Life::Stopped(_) => None,
        }
    }

    /// Whether its boot has had its time.
    pub fn boot_given_up(&self) -> bool {
        self.boot().is_some_and(|boot| boot.given_up)
    }

    /// The event of its create, while that tells anything.
    pub fn create_event(&self) -> Option<&Text> {
        match &self.life {
            Life::Launching(Create::Accepted { event })
            | Life::Booting(Boot { of: BootOf::New { create_event: event }, .. }) => event.as_ref(),
            Life::Launching(_) | Life::Booting(_) | Life::Ready | Life::Stopped(_) => None,
        }
    }

    /// The kind of its present or next boot.
    pub fn boot_line(&self, again: bool) -> BootLine {
        let (zone, family) = (Text::clone(&self.offer.zone), Text::clone(&self.offer.family));
        BootLine { pool: Text::clone(&self.pool), zone, family, again }
    }

    /// Whether its workers have answered that they hold nothing and take no more.
    pub fn is_drained(&self) -> bool {
        self.drain.asked_at.is_some() && self.heard.state == Some(WorkerState::Drained)
    }

    /// Whether letting it go takes no work away: it is off, or given up before it ever joined.
    pub fn is_workless(&self) -> bool {
        self.is_off() || self.reason == Reason::NotWorthWaiting
    }

    /// Whether the provider shows it as broken: it may come back, and serves nobody until then.
    pub fn in_quarantine(&self) -> bool {
        self.sighting.unexpected_status.as_ref().is_some_and(|seen| seen.status == Status::Broken)
    }

    /// Whether the provider is taking it back because the account is in arrears.
    pub fn in_arrears(&self) -> bool {
        self.sighting.unexpected_status.as_ref().is_some_and(|seen| seen.status == Status::Arrears)
    }

    /// Whether it serves nobody whatever its workers say.
    pub fn is_unavailable(&self) -> bool {
        self.in_quarantine() || self.in_arrears()
    }

    /// Whether it is on its way out whatever the work asks for.
    pub fn is_being_replaced(&self) -> bool {
        let goes = self.drain.asked_at.is_some() || self.pending.is_some();
        goes && self.reason.replaces()
    }

    /// What it costs now.
    pub fn price(&self) -> Option<Price> {
        let quote = self.quote.as_ref()?;
        let is_off = self.is_off() && !self.is_charged_off();
        Some(if is_off { quote.stopped } else { quote.running })
    }

    /// What it has cost until `now`.
    pub fn cost(&self, now: Time) -> Money {
        self.quote.as_ref().map_or(Money::ZERO, |quote| self.meter.cost(quote, now))
    }

    /// What its running time is used for now; `None` while it is not charged as running.
    pub(in crate::memory) fn used_for(&self) -> Option<Use> {
        self.meter.running_since()?;
        Some(match (&self.life, self.heard.state) {
            (Life::Launching(_) | Life::Booting(_), _) => Use::Booting,
            (_, Some(WorkerState::Busy)) => Use::Working,
            _ => Use::Idle,
        })
    }
}
