//! Reads only the truth of the simulated world (and, for write-ahead, what is on its disk) and says
//! which invariant was broken. Knows nothing of plans.

use std::collections::{BTreeMap, BTreeSet};

use super::farm::SimFarm;
use super::provider::State;
use super::store::Disk;
use crate::memory::{self, Create, Life, Machine};
use crate::model::{Act, Change, Money, Outcome, Span, Text, Time};

mod invariant;
mod steadiness;

pub use invariant::Invariant;
use steadiness::Steadiness;

/// Violations kept at most: the first are the ones to read.
const KEPT_MAX: usize = 20;
/// Over which the blast radius is counted.
const WINDOW: Span = Span::minutes(10);

/// What must never be exceeded.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Machines of ours, seen or not.
    pub max: usize,
    /// What they may cost an hour, all running.
    pub hourly: Option<Money>,
    /// What a day may cost.
    pub daily: Option<Money>,
    /// Creates without a certain answer.
    pub open_creates: usize,
    /// Creates sent within ten minutes.
    pub creates: usize,
    /// Stops and deletes of running machines sent within ten minutes.
    pub stops: usize,
    /// After the loss of the store nothing is done for so long.
    pub grace: Span,
    /// The operator accepts that a frame may be lost (`drain_max`, `on_hung`).
    pub may_lose_frames: bool,
}

/// One broken invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub at: Time,
    /// Which.
    pub invariant: Invariant,
    /// What happened.
    pub what: String,
}

/// The judge of one run.
#[derive(Debug)]
pub struct Judge {
    bounds: Bounds,
    violations: Vec<Violation>,
    /// Names sent to the provider, and how often.
    created: BTreeMap<Text, u32>,
    /// Instances that carry them.
    ours: BTreeSet<Text>,
    creates: Vec<Time>,
    stops: Vec<Time>,
    listed_since_start: bool,
    lost_at: Option<Time>,
    last_act_at: Option<Time>,
    spent_unknown: bool,
    /// The bill at the last midnight.
    billed: Money,
    steadiness: Steadiness,
}

impl Bounds {
    /// No bounds.
    pub fn none() -> Self {
        let (max, grace) = (usize::MAX, Span::ZERO);
        Self {
            max,
            hourly: None,
            daily: None,
            open_creates: max,
            creates: max,
            stops: max,
            grace,
            may_lose_frames: false,
        }
    }
}

impl Judge {
    /// A judge that holds a run to these bounds.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            violations: Vec::new(),
            created: BTreeMap::new(),
            ours: BTreeSet::new(),
            creates: Vec::new(),
            stops: Vec::new(),
            listed_since_start: false,
            lost_at: None,
            last_act_at: None,
            spent_unknown: false,
            billed: Money::ZERO,
            steadiness: Steadiness::default(),
        }
    }

    /// What was broken so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// When the last change was sent.
    pub fn last_act_at(&self) -> Option<Time> {
        self.last_act_at
    }

    /// The daemon was started again.
    pub fn restarted(&mut self, _now: Time) {
        self.listed_since_start = false;
        self.steadiness.restarted();
    }

    /// The daemon's store is gone.
    pub fn store_lost(&mut self, now: Time) {
        self.lost_at = Some(now);
    }

    /// The daemon goes on with an older copy of all that was on disk: what was spent since then is
    /// not known to anybody.
    pub fn store_is_older(&mut self) {
        self.spent_unknown = true;
    }

    /// The daemon was given a complete listing.
    pub fn listed(&mut self, _now: Time) {
        self.listed_since_start = true;
    }

    /// The daemon sends a change.
    pub fn sent(&mut self, now: Time, act: &Act, farm: &SimFarm, disk: &Disk) {
        self.last_act_at = Some(now);
        let name = match act {
            Act::Create { name, .. } => Some(name.text()),
            Act::Start { instance } | Act::Stop { instance } | Act::Delete { instance } => {
                farm.provider.instance(instance).map(|one| Text::clone(&one.name))
            }
            Act::Drain { .. } | Act::Undrain { .. } => None,
        };
        if let Some(name) = name.filter(|name| machine(disk, name).is_none()) {
            self.broken(
                now,
                Invariant::IntentOnDiskFirst,
                format!("nothing of {name} is on disk: {act:?}"),
            );
        }
        if !self.listed_since_start {
            self.broken(
                now,
                Invariant::ListedBeforeChange,
                format!("before the first listing after a start: {act:?}"),
            );
        }
        let at_queue = matches!(act, Act::Drain { .. } | Act::Undrain { .. });
        if !at_queue && self.lost_at.is_some_and(|lost| now < lost + self.bounds.grace) {
            self.broken(
                now,
                Invariant::LossMadeGoodFirst,
                format!("while the store's loss is not made good: {act:?}"),
            );
        }
        if let Some(what) = self.steadiness.sent(now, act, farm) {
            self.broken(now, Invariant::NoSwaying, what);
        }
        match act {
            Act::Create { .. } => {
                let count = in_window(&mut self.creates, now);
                if self.bounds.creates < count {
                    let what = format!("{count} creates within ten minutes");
                    self.broken(now, Invariant::ChangesWithinBudget, what);
                }
            }
            Act::Stop { .. } => {
                let count = in_window(&mut self.stops, now);
                if self.bounds.stops < count {
                    let what = format!("{count} stops within ten minutes");
                    self.broken(now, Invariant::ChangesWithinBudget, what);
                }
            }
            Act::Delete { .. } | Act::Start { .. } | Act::Drain { .. } | Act::Undrain { .. } => {}
        }
    }

    /// A change arrives; nothing has been done yet.
    pub fn arrives(&mut self, now: Time, act: &Act, farm: &SimFarm, disk: &Disk) {
        match act {
            Act::Create { name, .. } => {
                let times = self.created.entry(name.text()).or_default();
                *times += 1;
                if *times != 1 {
                    self.broken(now, Invariant::NameMadeOnce, format!("{name} is created again"));
                }
                let open = open_creates(disk);
                if self.bounds.open_creates < open {
                    self.broken(
                        now,
                        Invariant::OpenCreatesWithinLimit,
                        format!("{open} creates are open"),
                    );
                }
            }
            Act::Start { instance } => self.change(now, Change::Start, instance, farm),
            Act::Stop { instance } => self.change(now, Change::Stop, instance, farm),
            Act::Delete { instance } => self.change(now, Change::Delete, instance, farm),
            Act::Drain { .. } | Act::Undrain { .. } => {}
        }
    }

    fn change(&mut self, now: Time, change: Change, id: &Text, farm: &SimFarm) {
        let Some(instance) = farm.provider.instance(id) else { return };
        if !self.ours.contains(id) {
            self.broken(
                now,
                Invariant::OnlyOursChanged,
                format!("{change:?} of {id}, which is not ours"),
            );
        }
        let kills = matches!(change, Change::Stop | Change::Delete) && !self.bounds.may_lose_frames;
        if kills && instance.state == State::Running && farm.queue.is_busy(id) {
            self.broken(
                now,
                Invariant::BusyNeverStopped,
                format!("{change:?} of {} while it works", instance.name),
            );
        }
    }

    /// A change has been carried out.
    pub fn carried(&mut self, now: Time, act: &Act, outcome: &Outcome, farm: &SimFarm) {
        let (Act::Create { .. }, Outcome::Accepted { instance: Some(id), .. }) = (act, outcome)
        else {
            return;
        };
        self.ours.insert(Text::clone(id));
        let ours = || farm.provider.truth().filter(|one| self.ours.contains(&one.id));
        let (count, max) = (ours().count(), self.bounds.max);
        let hourly = Money(ours().map(|one| one.running_day.0 / 24).sum());
        if max < count {
            self.broken(
                now,
                Invariant::MachinesWithinMax,
                format!("{count} machines, {max} allowed"),
            );
        }
        if self.bounds.hourly.is_some_and(|cap| cap < hourly) {
            self.broken(now, Invariant::HourWithinCap, format!("{hourly} an hour"));
        }
    }

    /// A day of the operator's ends. What a lost store had spent is not known any more.
    pub fn day_ended(&mut self, now: Time, farm: &SimFarm) {
        let bill = farm.provider.bill(now).total();
        let spent = bill - self.billed;
        self.billed = bill;
        let known = self.bounds.daily.filter(|_| self.lost_at.is_none() && !self.spent_unknown);
        if let Some(cap) = known.filter(|cap| *cap < spent) {
            self.broken(now, Invariant::DayWithinCap, format!("{spent} in a day, {cap} allowed"));
        }
    }

    /// After the last fault and the last task: is everything done, gone and quiet?
    pub fn verdict(&mut self, now: Time, farm: &SimFarm, quiet_since: Time) -> Vec<Violation> {
        let (waiting, running) = (farm.queue.waiting(), farm.queue.running());
        if waiting != 0 && self.bounds.daily.is_some() {
            return self.violations.clone(); // the rest waits for the next day's money
        }
        if waiting + running != 0 {
            self.broken(
                now,
                Invariant::WorkGetsDone,
                format!("{waiting} tasks wait, {running} run"),
            );
        }
        let left: Vec<String> = farm
            .provider
            .truth()
            .filter(|one| self.ours.contains(&one.id))
            .map(|one| format!("{} {:?} since {}", one.name, one.state, one.since))
            .collect();
        if !left.is_empty() {
            self.broken(now, Invariant::NoMachineLeft, format!("left behind: {}", left.join(", ")));
        }
        if let Some(at) = self.last_act_at.filter(|at| quiet_since < *at) {
            self.broken(now, Invariant::ComesToRest, format!("still changing things at {at}"));
        }
        self.violations.clone()
    }

    fn broken(&mut self, at: Time, invariant: Invariant, what: String) {
        if self.violations.len() < KEPT_MAX {
            self.violations.push(Violation { at, invariant, what });
        }
    }
}

/// Notes one more, and counts those of the last ten minutes.
fn in_window(sent: &mut Vec<Time>, now: Time) -> usize {
    sent.retain(|at| now < *at + WINDOW);
    sent.push(now);
    sent.len()
}

/// The record of a machine on disk.
fn machine(disk: &Disk, name: &str) -> Option<Machine> {
    memory::read_machine(disk.durable().get(&format!("machine/{name}"))?).ok()
}

/// Creates on disk that have no certain answer.
fn open_creates(disk: &Disk) -> usize {
    let machines = disk.durable().range("machine/".to_owned().."machine0".to_owned());
    machines
        .filter_map(|(_, value)| memory::read_machine(value).ok())
        .filter(|one| matches!(one.life, Life::Launching(Create::Sent | Create::Unknown)))
        .count()
}
