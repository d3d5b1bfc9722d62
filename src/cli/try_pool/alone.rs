//! The world as a trial's driver sees it: one machine, no work, and an end when the stage has reached
//! what it is for. All else is the live world's, so that a trial buys, looks and lets go as `run` does.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::driver::Observer;
use crate::journal::{Batch, Journal, Verdict};
use crate::model::{
    Act, Event, InstanceRow, Listing, MachineName, Outcome, QueueReading, Reading, Snapshot, Span,
    Status, Text, Time, Wake, WorkerSeen,
};
use crate::world::{Request, World};

/// Between two looks at whether the stage is over.
const BEAT: Span = Span::seconds(5);

/// What a stage is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// The plan says what it would buy.
    Proposal,
    /// The machine runs, and its worker has joined the queue.
    Worker,
    /// The machine is off.
    Off,
    /// No machine is left.
    Gone,
}

/// What was seen; `None` = not yet.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) name: Option<MachineName>,
    pub(super) instance: Option<Text>,
    pub(super) running_at: Option<Time>,
    pub(super) worker_at: Option<Time>,
    pub(super) workers: Vec<Text>,
    /// Whether the queue can say who its workers are.
    tells_workers: Option<bool>,
    pub(super) off_at: Option<Time>,
    pub(super) stops_free: Option<bool>,
    /// The create was refused, and why.
    pub(super) refused: Option<Text>,
}

/// The live world, with all but the trial's machine taken away.
#[derive(Debug)]
pub(super) struct Alone<W> {
    world: W,
    goal: Goal,
    ends_at: Time,
    started_at: Time,
    is_quiet: bool,
    shown: Shown,
    /// Acts under way: our number, the driver's, and whether it is the create. A driver of a later stage
    /// counts anew, and must not take an old answer for its own.
    under_way: BTreeMap<u64, (u64, bool)>,
    number: u64,
    pub(super) seen: Seen,
}

/// The last snapshot of the trial's driver.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown(Arc<Mutex<Option<Snapshot>>>);

impl Shown {
    pub(super) fn get(&self) -> MutexGuard<'_, Option<Snapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Shown {
    fn events(&mut self, _events: &[Event]) {}

    fn turn(&mut self, snapshot: &mut dyn FnMut() -> Snapshot) {
        *self.get() = Some(snapshot());
    }
}

impl<W: World> Alone<W> {
    pub(super) fn new(world: W, shown: Shown, is_quiet: bool) -> Self {
        let started_at = world.now();
        let (goal, seen) = (Goal::Proposal, Seen::default());
        Self {
            world,
            goal,
            ends_at: started_at,
            started_at,
            is_quiet,
            shown,
            under_way: BTreeMap::new(),
            number: 0,
            seen,
        }
    }

    /// Begins a stage that is to be over within this time.
    pub(super) fn aim(&mut self, goal: Goal, within: Span) {
        self.goal = goal;
        self.ends_at = self.world.now() + within;
        self.under_way.clear();
        *self.shown.get() = None;
    }

    /// Whether the queue has answered.
    pub(super) fn has_read_queue(&self) -> bool {
        self.seen.tells_workers.is_some()
    }

    /// Whether the stage has reached what it is for.
    pub(super) fn has_reached(&self) -> bool {
        let Seen { running_at, worker_at, tells_workers, off_at, .. } = &self.seen;
        let shown = self.shown.get();
        match self.goal {
            Goal::Proposal => {
                let plans = |farm: &Snapshot| !farm.planned.is_empty();
                tells_workers.is_some() && shown.as_ref().is_some_and(plans)
            }
            Goal::Worker => {
                running_at.is_some() && (worker_at.is_some() || *tells_workers == Some(false))
            }
            Goal::Off => off_at.is_some(),
            Goal::Gone => {
                let is_empty =
                    |farm: &Snapshot| farm.retiring.is_some() && farm.machines.is_empty();
                shown.as_ref().is_some_and(is_empty)
            }
        }
    }

    /// Since the trial began.
    pub(super) fn passed(&self, at: Time) -> Span {
        at.since(self.started_at)
    }

    /// Tells how far it is.
    pub(super) fn say(&self, what: &str) {
        if !self.is_quiet {
            let passed = self.passed(self.world.now()).to_string();
            // Progress is a courtesy: nobody is left to tell if it cannot be shown.
            writeln!(std::io::stderr().lock(), "{passed:>8}  {what}").ok();
        }
    }

    fn is_ours(&self, row: &InstanceRow) -> bool {
        self.seen.name.as_ref().is_some_and(|name| *row.name == *name.as_str())
    }

    fn fleet(&mut self, mut listing: Listing) -> Listing {
        listing.rows.retain(|row| self.is_ours(row));
        for row in &listing.rows {
            self.seen.instance = Some(Text::clone(&row.instance));
            let at = listing.asked_at;
            if row.status == Status::Running && self.seen.running_at.is_none() {
                self.seen.running_at = Some(at);
                self.say("running; waiting for its worker to join the queue");
            }
            if row.status == Status::Shutdown && self.seen.off_at.is_none() {
                self.seen.off_at = Some(at);
                self.seen.stops_free = row.free_when_stopped;
                self.say(match row.free_when_stopped {
                    Some(true) => "stopped without charge",
                    Some(false) => {
                        "stopped, but charged on: the account is not whitelisted, or the disk is \
                         local"
                    }
                    None => "stopped; the listing does not say whether it is charged on",
                });
            }
        }
        listing
    }

    /// No work but that of our own machine, and no worker but its own.
    fn queue(&mut self, mut reading: QueueReading) -> QueueReading {
        for work in &mut reading.work {
            work.queued = 0;
        }
        (reading.oldest_wait, reading.tasks) = (None, None);
        let name = self.seen.name.as_ref().map(MachineName::text);
        let instance = self.seen.instance.as_deref();
        let is_ours = |on: &str| name.as_deref() == Some(on) || instance == Some(on);
        if let Some(workers) = &mut reading.workers {
            workers.retain(|worker: &WorkerSeen| is_ours(&worker.instance));
        }
        self.seen.tells_workers = Some(reading.workers.is_some());
        let workers = reading.workers.iter().flatten().map(|one| Text::clone(&one.worker));
        let workers: Vec<Text> = workers.collect();
        if self.seen.worker_at.is_none() && !workers.is_empty() {
            self.seen.worker_at = Some(reading.asked_at);
            self.say(&format!("worker {} has joined", workers.join(", ")));
            self.seen.workers = workers;
        }
        reading
    }
}

impl<W: World> World for Alone<W> {
    fn now(&self) -> Time {
        self.world.now()
    }

    fn start(&mut self, request: Request) {
        let Request::Act { permit, number, act } = request else {
            return self.world.start(request);
        };
        match &act {
            Act::Create { name, offer, .. } => {
                self.say(&format!("creating {name} ({offer})"));
                self.seen.name = Some(name.clone());
            }
            Act::Stop { .. } => self.say("trying a stop without charge"),
            Act::Delete { .. } => self.say("deleting it"),
            Act::Start { .. } | Act::Drain { .. } | Act::Undrain { .. } => {}
        }
        self.number += 1;
        let is_create = matches!(act, Act::Create { .. });
        self.under_way.insert(self.number, (number, is_create));
        self.world.start(Request::Act { permit, number: self.number, act });
    }

    fn next(&mut self, deadline: Time) -> Option<Wake> {
        let now = self.world.now();
        if self.ends_at <= now || self.seen.refused.is_some() && self.goal == Goal::Worker {
            return Some(Wake::Stop);
        }
        if self.has_reached() {
            return Some(Wake::Stop);
        }
        Some(match self.world.next(deadline.min(now + BEAT))? {
            Wake::Looked { look, asked_at, result } => {
                let result = result.map(|reading| match reading {
                    Reading::Fleet(listing) => Reading::Fleet(self.fleet(listing)),
                    Reading::Queue(reading) => Reading::Queue(self.queue(reading)),
                    other @ (Reading::Name(_)
                    | Reading::Status { .. }
                    | Reading::Event(_)
                    | Reading::Stock(_)
                    | Reading::Quote(..)
                    | Reading::Usage(_)
                    | Reading::Leftovers(_)) => other,
                });
                Wake::Looked { look, asked_at, result }
            }
            Wake::Answered { number, outcome } => {
                let Some((number, is_create)) = self.under_way.remove(&number) else {
                    return Some(Wake::Hint);
                };
                if let (Outcome::Refused { detail, .. }, true) = (&outcome, is_create) {
                    self.seen.refused = Some(Text::clone(detail));
                }
                Wake::Answered { number, outcome }
            }
            // Nothing keeps a machine that was bought.
            Wake::Stop if self.goal == Goal::Gone => Wake::Hint,
            other @ (Wake::Ordered(_)
            | Wake::ClockJumped(_)
            | Wake::Noticed { .. }
            | Wake::Hint
            | Wake::Stop) => other,
        })
    }
}

/// A journal that lets one machine be made, and until the next stage nothing else be done.
#[derive(Debug)]
pub(super) struct Once<J> {
    pub(super) journal: J,
    pub(super) is_bound: bool,
    has_made: bool,
}

impl<J: Journal> Once<J> {
    pub(super) fn new(journal: J) -> Self {
        Self { journal, is_bound: true, has_made: false }
    }
}

impl<J: Journal> Journal for Once<J> {
    fn commit(&mut self, batch: &Batch<'_>, synced: bool) -> Verdict {
        self.has_made |= !batch.creates.is_empty();
        self.journal.commit(batch, synced)
    }

    fn permits(&self) -> bool {
        self.journal.permits() && !(self.is_bound && self.has_made)
    }
}
