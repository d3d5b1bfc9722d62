//! What the judge holds a run to, each by its name (docs/decisions/0002-chaos.md has the table).

use std::fmt;

/// An invariant of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// Never more machines than `max`, unseen ones included.
    MachinesWithinMax,
    /// Never more money an hour than the cap.
    HourWithinCap,
    /// Never more money in a day than the cap, by the bill.
    DayWithinCap,
    /// No name is made twice.
    NameMadeOnce,
    /// Never more creates without a certain answer than allowed.
    OpenCreatesWithinLimit,
    /// No request leaves before it is on disk.
    IntentOnDiskFirst,
    /// No machine is changed that is not ours.
    OnlyOursChanged,
    /// No machine is stopped or deleted at work.
    BusyNeverStopped,
    /// Never more creates or stops within ten minutes than allowed.
    ChangesWithinBudget,
    /// No change before the first listing after a start.
    ListedBeforeChange,
    /// No change of the farm while the loss of the store is not made good.
    LossMadeGoodFirst,
    /// No machine changes its direction again and again without new facts.
    NoSwaying,
    /// In the end all work is done.
    WorkGetsDone,
    /// In the end no machine is left.
    NoMachineLeft,
    /// In the end nothing is changed any more.
    ComesToRest,
}

impl Invariant {
    /// As it is shown and documented.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MachinesWithinMax => "machines_within_max",
            Self::HourWithinCap => "hour_within_cap",
            Self::DayWithinCap => "day_within_cap",
            Self::NameMadeOnce => "name_made_once",
            Self::OpenCreatesWithinLimit => "open_creates_within_limit",
            Self::IntentOnDiskFirst => "intent_on_disk_first",
            Self::OnlyOursChanged => "only_ours_changed",
            Self::BusyNeverStopped => "busy_never_stopped",
            Self::ChangesWithinBudget => "changes_within_budget",
            Self::ListedBeforeChange => "listed_before_change",
            Self::LossMadeGoodFirst => "loss_made_good_first",
            Self::NoSwaying => "no_swaying",
            Self::WorkGetsDone => "work_gets_done",
            Self::NoMachineLeft => "no_machine_left",
            Self::ComesToRest => "comes_to_rest",
        }
    }

    /// All of them, in the order of the table.
    pub const ALL: [Self; 15] = [
        Self::MachinesWithinMax,
        Self::HourWithinCap,
        Self::DayWithinCap,
        Self::NameMadeOnce,
        Self::OpenCreatesWithinLimit,
        Self::IntentOnDiskFirst,
        Self::OnlyOursChanged,
        Self::BusyNeverStopped,
        Self::ChangesWithinBudget,
        Self::ListedBeforeChange,
        Self::LossMadeGoodFirst,
        Self::NoSwaying,
        Self::WorkGetsDone,
        Self::NoMachineLeft,
        Self::ComesToRest,
    ];
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
