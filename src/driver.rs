//! The one loop: wakes in, events settled, a plan made, intents made durable, requests started.
//! The same loop runs production, dry run, the demo at any speed, and chaos.

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::{Batch, Journal, Verdict};
use crate::memory::{Key, Memory};
use crate::model::event::{EventKind, FarmEvent};
use crate::model::snapshot::Report;
use crate::model::{Change, Event, MachineName, Salt, Snapshot, Span, Text, Time, Wake};
use crate::plan::readings::Observed;
use crate::plan::report::{self, Turn};
use crate::plan::{Readings, Situation, Step, learning, overdue, plan, settle};
use crate::policy::Policy;
use crate::world::{Request, World};

/// Wakes taken in before a plan is made, at most.
const WAKES_MAX: usize = 1000;
/// Events kept for people.
const RECENT_MAX: usize = 200;
/// After a stop is asked for, answers are waited for this long.
const LAST_ANSWERS: Span = Span::seconds(60);

/// What was spent is written down outside the store this often, and whenever more is bought.
const SPENT_EVERY: Span = Span::minutes(1);

/// Runs a farm in a world.
#[derive(Debug)]
pub struct Driver<W, J, O> {
    world: W,
    journal: J,
    observer: O,
    policy: Policy,
    memory: Memory,
    readings: Readings,
    in_flight: BTreeMap<u64, (MachineName, Option<Change>)>,
    number: u64,
    turn: u64,
    reports: BTreeMap<Text, Report>,
    planned: Vec<Event>,
    recent: Vec<Event>,
    /// Settled, not yet given to the journal.
    unwritten: Vec<Event>,
    /// When what was spent was last written down outside the store.
    spent_at: Time,
}

/// Who wants to know what happens: page, metrics, logs; nothing in tests.
pub trait Observer {
    /// Facts, in order, once they are settled.
    fn events(&mut self, events: &[Event]);
    /// The end of a turn; the snapshot is made only if asked for.
    fn turn(&mut self, snapshot: &mut dyn FnMut() -> Snapshot);
}

/// An observer that looks away.
#[derive(Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn events(&mut self, _events: &[Event]) {}
    fn turn(&mut self, _snapshot: &mut dyn FnMut() -> Snapshot) {}
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// As asked. The farm is left as it is.
    Stopped,
    /// The journal failed: nothing may be done that is not on disk first.
    JournalFailed(String),
}

/// What the journal knew at the start.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The memory restored from its records.
    pub memory: Memory,
    /// The store was lost or set aside: the farm must be found at the provider first.
    pub store_lost: bool,
    /// The highest epoch seen outside the store (`intents.log`); 0 if none.
    pub epoch_seen: i64,
    /// Random bits: the salt of a store that has none yet.
    pub random: u64,
}

impl<W: World, J: Journal, O: Observer> Driver<W, J, O> {
    /// A driver that goes on where the journal left off.
    pub fn new(world: W, journal: J, observer: O, policy: Policy, recovered: Recovered) -> Self {
        let Recovered { memory, store_lost, epoch_seen, random } = recovered;
        let now = world.now();
        let mut driver = Self {
            world,
            journal,
            observer,
            policy,
            memory,
            readings: Readings::new(store_lost, now),
            in_flight: BTreeMap::new(),
            number: 0,
            turn: 0,
            reports: BTreeMap::new(),
            planned: Vec::new(),
            recent: Vec::new(),
            unwritten: Vec::new(),
            spent_at: Time::default(),
        };
        let minute = now.seconds() / 60;
        let epoch = minute.max(driver.memory.meta.epoch.max(epoch_seen) + 1);
        let mut settled = overdue::after_restart(&driver.memory);
        let salt = driver.memory.meta.salt.map_or(Salt::of_random(random), |(salt, _)| salt);
        settled.push(FarmEvent::DaemonStarted { epoch, salt: salt.bits() }.into());
        driver.settle(settled, now);
        driver
    }

    /// Runs until the world says stop, or the journal fails.
    pub fn run(&mut self) -> Ended {
        let mut wake_at = self.world.now();
        let mut last_turn_at = Time::default();
        loop {
            let floor = self.policy.timing.turn_floor;
            let earliest = last_turn_at + floor;
            let wakes = self.wakes(wake_at, earliest.min(self.world.now() + floor));
            last_turn_at = self.world.now();
            if wakes.contains(&Wake::Stop) {
                return self.stop(wakes);
            }
            match self.turn(wakes) {
                Ok(next) => wake_at = next,
                Err(ended) => return ended,
            }
        }
    }

    /// The world, for tests and simulations that look at the truth between runs.
    pub fn world(&self) -> &W {
        &self.world
    }

    /// The memory, likewise.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Takes the driver apart: what a crash leaves.
    pub fn into_parts(self) -> (W, J) {
        (self.world, self.journal)
    }

    /// Waits for the first wake, then takes all that come before a turn may begin.
    fn wakes(&mut self, wake_at: Time, earliest: Time) -> Vec<Wake> {
        let mut wakes: Vec<Wake> = self.world.next(wake_at).into_iter().collect();
        // By a clock that was set back, `earliest` may be far away.
        let is_last = |wake: &Wake| matches!(wake, Wake::Stop | Wake::ClockJumped(_));
        while wakes.len() < WAKES_MAX && !wakes.last().is_some_and(is_last) {
            let Some(wake) = self.world.next(earliest) else { break };
            wakes.push(wake);
        }
        wakes
    }

    /// One turn; says when to think again.
    fn turn(&mut self, wakes: Vec<Wake>) -> Result<Time, Ended> {
        self.take_in(wakes);
        let now = self.world.now();
        let overdue = overdue::events(&self.policy, &self.memory, &self.readings, now);
        self.settle(overdue, now);
        let plan = plan(self.situation(now));
        for look in plan.looks {
            self.readings.asked.insert(look.clone(), now);
            self.world.start(Request::Look(look));
        }
        let asked_for = plan.steps.iter().map(|step| Event { at: now, kind: step.intent.clone() });
        self.planned = asked_for.collect();
        let steps = if self.journal.permits() { plan.steps } else { Vec::new() };
        self.commit_and_start(steps, now)?;
        self.turn += 1;
        self.reports = plan.reports;
        self.publish(now, plan.wake_at);
        Ok(plan.wake_at)
    }

    /// Makes what happened and what is intended durable, then starts what is permitted.
    fn commit_and_start(&mut self, steps: Vec<Step>, now: Time) -> Result<(), Ended> {
        self.settle(steps.iter().map(|step| step.intent.clone()).collect(), now);
        let events = std::mem::take(&mut self.unwritten);
        if events.is_empty() {
            return Ok(());
        }
        let synced = !steps.is_empty();
        let mut batch = batch(&self.memory, &events);
        if !batch.creates.is_empty() || self.spent_at + SPENT_EVERY <= now {
            batch.spent = self.memory.spent_this_month(now);
            self.spent_at = now;
        }
        let verdict = self.journal.commit(&batch, synced);
        let permit = match verdict {
            Verdict::Permit(permit) => Some(permit),
            Verdict::Fenced => None,
            Verdict::Failed(why) => return Err(Ended::JournalFailed(why)),
        };
        // Nobody is told what is not written down, or what a crash here would have undone.
        self.observer.events(&events);
        self.remember(events);
        match permit {
            Some(permit) => {
                for step in steps {
                    self.number += 1;
                    let (number, act) = (self.number, step.act);
                    if let Some(expected) = expected(&step.intent) {
                        self.in_flight.insert(number, expected);
                    }
                    self.world.start(Request::Act { permit, number, act });
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn take_in(&mut self, wakes: Vec<Wake>) {
        for wake in wakes {
            let now = self.world.now();
            let mut settled = self.settled(wake, now);
            settled.splice(
                0..0,
                learning::from_terminations(&self.policy, &self.memory, &settled, now),
            );
            self.settle(settled, now);
        }
    }

    fn settled(&mut self, wake: Wake, now: Time) -> Vec<EventKind> {
        match wake {
            Wake::Looked { look, asked_at, result } => {
                let policy = &self.policy;
                let ours = |listing: &_| report::ours(policy, listing);
                let observed = self.readings.take(&look, asked_at, result, ours);
                self.observed(observed, now)
            }
            Wake::Answered { number, outcome } => match self.in_flight.remove(&number) {
                Some((name, change)) => {
                    settle::answered(&self.policy, &self.memory, &name, change, outcome, now)
                }
                None => Vec::new(), // answered twice, or asked before a restart
            },
            Wake::Ordered(order) => settle::ordered(&self.memory, order).into_iter().collect(),
            Wake::ClockJumped(jump) => {
                if jump < Span::ZERO {
                    // What was heard seems to come from the future: it is asked for anew.
                    self.readings.forget(now);
                }
                self.readings.frozen_until = Some(now + self.policy.timing.jump_freeze);
                Vec::new()
            }
            Wake::Noticed { source, fault } => {
                self.readings.notice(source, fault);
                Vec::new()
            }
            Wake::Hint | Wake::Stop => Vec::new(),
        }
    }

    /// What a look has observed.
    fn observed(&self, observed: Observed, now: Time) -> Vec<EventKind> {
        let Self { policy, memory, readings, .. } = self;
        match observed {
            Observed::Queue(queue) => settle::queue_read(policy, memory, readings, &queue),
            Observed::Fleet { believed } => match &readings.fleet.reading {
                Some(listing) => settle::listed(policy, memory, readings, listing, believed),
                None => Vec::new(),
            },
            Observed::Name(listing) => settle::found_by_name(policy, memory, &listing),
            Observed::Status(instance, status) => settle::status_read(memory, &instance, status),
            Observed::Event(reading) => settle::event_read(policy, memory, &reading, now),
            Observed::Quote(offer, quote) => settle::quoted(policy, memory, &offer, quote),
            Observed::Nothing => Vec::new(),
        }
    }

    /// Folds facts into memory.
    fn settle(&mut self, settled: Vec<EventKind>, at: Time) {
        for kind in settled {
            let event = Event { at, kind };
            self.memory.apply(&event);
            self.unwritten.push(event);
        }
    }

    /// Starts nothing more, waits for the answers that are due, writes them down.
    fn stop(&mut self, wakes: Vec<Wake>) -> Ended {
        self.take_in(wakes);
        let until = self.world.now() + LAST_ANSWERS;
        while !self.in_flight.is_empty() {
            match self.world.next(until) {
                Some(Wake::Stop) | None => break,
                Some(wake) => self.take_in(vec![wake]),
            }
        }
        let now = self.world.now();
        match self.commit_and_start(Vec::new(), now) {
            Ok(()) => {
                self.publish(now, now);
                Ended::Stopped
            }
            Err(ended) => ended,
        }
    }

    fn situation(&self, now: Time) -> Situation<'_> {
        Situation { policy: &self.policy, memory: &self.memory, readings: &self.readings, now }
    }

    fn publish(&mut self, now: Time, next_by: Time) {
        let Self { policy, memory, readings, reports, planned, recent, turn, observer, .. } = self;
        let situation = Situation { policy, memory, readings, now };
        let turn = Turn { number: *turn, next_by, reports, planned, recent };
        observer.turn(&mut || report::snapshot(situation, turn));
    }

    fn remember(&mut self, events: Vec<Event>) {
        self.recent.extend(events);
        let over = self.recent.len().saturating_sub(RECENT_MAX);
        self.recent.drain(..over);
    }
}

/// What an intent waits for an answer to.
fn expected(intent: &EventKind) -> Option<(MachineName, Option<Change>)> {
    let create = intent.create_intended().map(|(name, _)| (name.clone(), None));
    let change = intent.change_intended();
    create.or(change.map(|(name, change, _)| (name.clone(), Some(change))))
}

/// The records that events have changed.
fn batch<'a>(memory: &Memory, events: &'a [Event]) -> Batch<'a> {
    let mut batch = Batch { history: events, ..Batch::default() };
    let keys: BTreeSet<Key> = events.iter().flat_map(Key::touched_by).collect();
    for key in keys {
        match memory.record(&key) {
            Some(value) => batch.puts.push((key.text(), value)),
            None => batch.deletes.push(key.text()),
        }
    }
    let creates = events.iter().filter_map(|event| event.kind.create_intended());
    batch.creates.extend(creates.map(|(name, _)| name.clone()));
    batch
}
