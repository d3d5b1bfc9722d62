//! One simulated instance: its life, what listings remember of it, what it is charged.

use std::collections::VecDeque;

use super::bill::{BillLine, Charge, Charges};
use super::dials::Dials;
use super::request::{Details, Groups};
use crate::model::{Billing, InstanceRow, Money, OfferKey, Span, Status, Text, Time};

/// Longest a listing may be behind; older states are forgotten.
const HISTORY_SPAN: Span = Span::hours(2);

/// `Status`, the part of the vendor's list that this cloud uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Being made.
    Building,
    /// Up.
    Running,
    /// Down for a moment.
    Restarting,
    /// On its way down.
    ShuttingDown,
    /// Off.
    Shutdown,
    /// On its way up.
    StartingUp,
    /// On its way out.
    Deleting,
    /// Gone; the row stays for a while.
    Deleted,
    /// Could not be made.
    Failed,
}

/// What can be done to an instance (`OpType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// `start_up_ecs`.
    Start,
    /// `shutdown_ecs`: stays charged.
    Stop,
    /// `hard_shutdown_ecs`: stays charged.
    HardStop,
    /// `restart_ecs`.
    Restart,
    /// `free_shutdown_ecs`: gives the GPU back; only the disk is charged.
    FreeStop,
}

/// An instance, in truth.
#[derive(Debug, Clone)]
pub struct Instance {
    /// `EcsId`.
    pub id: Text,
    /// `EcsName`.
    pub name: Text,
    /// What was bought.
    pub offer: OfferKey,
    /// What it is now.
    pub state: State,
    /// Since when.
    pub since: Time,
    /// When the create was accepted, to the millisecond.
    pub made_at: Time,
    /// Since when it has been running; `None` unless it runs.
    pub running_since: Option<Time>,
    /// Whether it is, or is being, shut down without charge.
    pub is_free: bool,
    /// Whether it holds a unit of stock.
    pub holds_stock: bool,
    /// Whether a stop or delete was told to release its public address (`DeleteEip` = 1).
    pub released_eip: bool,
    /// Image id or name, as asked for.
    pub image: Text,
    /// Its address in the subnet.
    pub address: Text,
    /// Its security groups by priority.
    pub groups: Groups,
    /// What it was ordered with and only shows.
    pub details: Details,
    /// `ssd` or `local`.
    pub disk_feature: Text,
    /// GiB.
    pub disk_gib: u32,
    /// The running price of a day when it was made.
    pub running_day: Money,
    /// The stopped price of a day when it was made.
    pub stopped_day: Money,
    /// `EndBillTime` of a machine paid by the month.
    pub paid_until: Option<Time>,
    /// Listings show this status until then, whatever the truth is.
    pub shown: Option<(Text, Time)>,
    pub(super) charges: Charges,
    /// What the charges were before the start under way, in case it fails.
    pub(super) before: Option<Charges>,
    pub(super) history: VecDeque<(Time, State, bool)>,
}

/// A row of a listing: an instance as it was a while ago.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    /// The instance; what never changes may be read from it.
    pub instance: &'a Instance,
    /// What it was.
    pub state: State,
    /// `NoChargeForShutdown`, as it was.
    pub is_free: bool,
    /// A status shown in place of the true one.
    pub shown: Option<&'a Text>,
}

impl State {
    /// The vendor's code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::ShuttingDown => "shutting_down",
            Self::Shutdown => "shutdown",
            Self::StartingUp => "starting_up",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
            Self::Failed => "failed",
        }
    }

    /// The vendor's word for people.
    pub const fn display(self) -> &'static str {
        match self {
            Self::Building => "创建中",
            Self::Running => "运行中",
            Self::Restarting => "重启中",
            Self::ShuttingDown => "关机中",
            Self::Shutdown => "已关机",
            Self::StartingUp => "开机中",
            Self::Deleting => "删除中",
            Self::Deleted => "已删除",
            Self::Failed => "创建失败",
        }
    }

    /// Whether it is there at all.
    pub const fn exists(self) -> bool {
        match self {
            Self::Deleted | Self::Failed => false,
            Self::Building
            | Self::Running
            | Self::Restarting
            | Self::ShuttingDown
            | Self::Shutdown
            | Self::StartingUp
            | Self::Deleting => true,
        }
    }
}

impl From<State> for Status {
    fn from(state: State) -> Self {
        match state {
            State::Building => Self::Building,
            State::Running => Self::Running,
            State::Restarting | State::StartingUp => Self::StartingUp,
            State::ShuttingDown => Self::ShuttingDown,
            State::Shutdown => Self::Shutdown,
            State::Deleting => Self::Deleting,
            State::Deleted => Self::Gone,
            State::Failed => Self::Failed,
        }
    }
}

impl Operation {
    /// The vendor's `OpType`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Start => "start_up_ecs",
            Self::Stop => "shutdown_ecs",
            Self::HardStop => "hard_shutdown_ecs",
            Self::Restart => "restart_ecs",
            Self::FreeStop => "free_shutdown_ecs",
        }
    }

    /// Reads an `OpType`.
    pub fn from_code(code: &str) -> Option<Self> {
        let all = [Self::Start, Self::Stop, Self::HardStop, Self::Restart, Self::FreeStop];
        all.into_iter().find(|operation| operation.code() == code)
    }
}

impl Instance {
    /// `CreateTime` as the API shows it: whole seconds. Charging starts here.
    pub fn created_at(&self) -> Time {
        Time::from_seconds(self.made_at.seconds())
    }

    /// When the start that brought it up, or is bringing it up, was accepted.
    pub fn starting_since(&self) -> Option<Time> {
        let starts = self.history.iter().rev().find(|(_, state, _)| *state == State::StartingUp);
        starts.map(|(at, _, _)| *at)
    }

    /// What it is charged now.
    pub fn charge(&self) -> Charge {
        self.charges.charge()
    }

    /// Whether anything is charged now.
    pub fn is_billed(&self) -> bool {
        self.charge() != Charge::Nothing
    }

    /// Its line of the bill at `now`.
    pub fn bill_line(&self, now: Time) -> BillLine {
        let (running_seconds, stopped_seconds) = self.charges.until(now);
        BillLine {
            instance: Text::clone(&self.id),
            name: Text::clone(&self.name),
            running_seconds,
            stopped_seconds,
            running_day: self.running_day,
            stopped_day: self.stopped_day,
            open: self.is_billed(),
        }
    }

    /// The id of its system disk is made up from its own.
    pub fn system_disk(&self) -> String {
        self.id.replace("ins-", "disk-")
    }

    /// Whether `free_shutdown_ecs` would stop the charges, the account permitting: by use, on a
    /// cloud disk. For others it shuts down and goes on charging, without a word.
    pub fn can_stop_free(&self) -> bool {
        self.offer.billing == Billing::OnDemand && &*self.disk_feature == "ssd"
    }

    pub(super) fn enter(&mut self, state: State, at: Time) {
        self.state = state;
        self.since = at;
        self.running_since = match state {
            State::Running => Some(at),
            State::Building
            | State::Restarting
            | State::ShuttingDown
            | State::Shutdown
            | State::StartingUp
            | State::Deleting
            | State::Deleted
            | State::Failed => None,
        };
        self.history.push_back((at, state, self.is_free));
        let horizon = at - HISTORY_SPAN;
        while self.history.get(1).is_some_and(|(later, _, _)| *later < horizon) {
            self.history.pop_front();
        }
    }

    /// As a listing shows it that is as old as `seen_at`; rows of what is gone stay for
    /// as long as the dials say.
    pub(super) fn seen_at(&self, seen_at: Time, dials: &Dials) -> Option<Listed<'_>> {
        let (since, state, is_free) =
            self.history.iter().rev().find(|(at, _, _)| *at <= seen_at).copied()?;
        let kept = match state {
            State::Deleted => dials.deleted_kept,
            State::Failed => dials.failed_kept,
            State::Building
            | State::Running
            | State::Restarting
            | State::ShuttingDown
            | State::Shutdown
            | State::StartingUp
            | State::Deleting => Span(i64::MAX),
        };
        let shown = self.shown.as_ref().filter(|(_, until)| seen_at < *until);
        let shown = shown.map(|(status, _)| status);
        (seen_at.since(since) < kept).then_some(Listed { instance: self, state, is_free, shown })
    }
}

impl Listed<'_> {
    /// As the daemon reads it.
    pub fn row(&self) -> InstanceRow {
        InstanceRow {
            instance: Text::clone(&self.instance.id),
            name: Text::clone(&self.instance.name),
            status: self.shown.map_or_else(|| self.state.into(), |status| Status::from(&**status)),
            created_at: Some(self.instance.created_at()),
            offer: Some(self.instance.offer.clone()),
            free_when_stopped: Some(self.is_free),
        }
    }
}
