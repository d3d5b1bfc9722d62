//! The one question of safety: may this machine be stopped or deleted now, and if not, why not?
//!
//! Everything that forbids it is here, computed once a turn for each machine. The answer is a
//! [`Cleared`], which nothing else can make and without which no step that stops or deletes can be
//! written (`draft`).

use std::collections::BTreeSet;

use crate::memory::{Life, Machine};
use crate::model::snapshot::Blocked;
use crate::model::{
    Listing, Look, MachineName, QueueReading, Reason, Span, Text, Time, UsageReading, WorkerState,
};
use crate::policy::{IdleRule, Pool};

use super::machine::{in_arrears, is_being_made, may_change, never_joined, stays_building};
use super::situation::Situation;
use super::strangers::{self, Stranger};
use super::tasks;
use super::workers::Workers;

/// A worker may have read its drain flag just before it was written: its word counts from a second
/// after that.
const MARGIN: Span = Span::seconds(1);
/// A GPU busier than this, in percent, is at work.
const GPU_IDLE_PERCENT: u32 = 5;
/// What was measured sooner than this after a machine became idle may still be of its last task.
const GPU_SETTLES: Span = Span::minutes(1);
/// A stop waits no longer than this for the GPU's use to be told.
const GPU_LOOK_MAX: Span = Span::seconds(15);
/// A GPU in use is looked at again after this.
const GPU_AGAIN: Span = Span::minutes(1);
/// A reading of the GPU is of the present for so long.
const GPU_RECENT: Span = Span::minutes(2);
/// Workers that answer their drain within this were idle before it.
const AT_ONCE: Span = Span::seconds(30);
/// Tries to set the drain flag of a machine that is off.
const DRAINS_TRIED: u32 = 4;

/// Leave to end one machine: it was made certain that no task is lost, or the operator accepts that.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Cleared {
    name: MachineName,
    end: End,
}

impl Cleared {
    /// Which machine, and how it may be ended.
    pub(super) fn into_parts(self) -> (MachineName, End) {
        (self.name, self.end)
    }
}

/// How a machine is let go for good or for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Off, kept for later.
    Stop,
    /// Gone.
    Delete,
}

/// What shows that no task is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Every worker has said itself that it holds no task and takes no more.
    Answered,
    /// No worker is there to say so, or not all are, and the GPU or the time passed agree.
    Unseen,
    /// The machine was given up before any worker of it was heard of.
    NeverJoined,
    /// It is off, and would come up drained.
    Off,
    /// The provider shows it as broken, and none of its workers is busy.
    Broken,
    /// The provider has been making it for longer than any boot takes: nothing runs on it.
    NotMade,
}

/// What forbids to stop or delete a machine now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// What was seen of queue or fleet is too old, or does not agree, or cannot tell who works.
    Doubt,
    /// Another change is under way or may still be carried out late, or it is to be left alone.
    UnderChange,
    /// Nothing at the provider is known to be it.
    NotFound,
    /// Two instances carry its name.
    NameTwice,
    /// An operator keeps it.
    Held,
    /// The account is in arrears: what is deleted now may be lost with all that is on it.
    Arrears,
    /// The provider deletes nothing that it is still making.
    BeingMade,
    /// It may take tasks: nobody has asked its workers to take no more.
    TakesTasks,
    /// Its workers have not answered their drain: they are at work, or may be.
    AtWork,
    /// Its workers hold no task, and the GPU works on.
    GpuBusy {
        /// Percent.
        percent: u32,
    },
    /// The GPU's use is waited for.
    GpuNotTold,
    /// No worker is seen and the GPU's use cannot be had: a task may be under way until it would have
    /// ended.
    MayBeAtWork,
}

impl Obstacle {
    /// What people are told of it, where it is not plain from the machine's phase.
    pub fn told(self, machine: &MachineName) -> Option<Blocked> {
        let machine = machine.clone();
        match self {
            Self::NameTwice => Some(Blocked::NameTwice { machine }),
            Self::GpuBusy { percent } => Some(Blocked::GpuBusy { machine, percent }),
            Self::Doubt
            | Self::UnderChange
            | Self::NotFound
            | Self::Held
            | Self::Arrears
            | Self::BeingMade
            | Self::TakesTasks
            | Self::AtWork
            | Self::GpuNotTold
            | Self::MayBeAtWork => None,
        }
    }
}

/// Leave of the operator to end a machine whose workers have not answered: a frame may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Licence {
    /// `drain_max` has passed.
    DrainLimit,
    /// `on_hung = "recycle"`, and its GPU does nothing.
    HungTask,
}

/// The answer for one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Safety {
    name: MachineName,
    proof: Result<Proof, Obstacle>,
    arrears: bool,
    /// GPU use that the answer waits for, asked for no more often than this.
    pub ask_gpu: Option<Span>,
    /// When the answer may be another, if nothing is seen before.
    pub again_at: Time,
}

impl Safety {
    /// What shows that no task is lost, or what forbids to end the machine.
    pub fn proof(&self) -> Result<Proof, Obstacle> {
        self.proof
    }

    /// Whether all that keeps the machine is that its workers have not answered.
    pub fn waits_for_workers(&self) -> bool {
        self.proof == Err(Obstacle::AtWork)
    }

    /// Leave to end the machine so, or what forbids it.
    ///
    /// # Errors
    /// What forbids it.
    pub fn clear(&self, end: End, licence: Option<Licence>) -> Result<Cleared, Obstacle> {
        if let Err(obstacle) = self.proof
            && (licence.is_none() || !self.waits_for_workers())
        {
            return Err(obstacle);
        }
        if self.arrears && end == End::Delete {
            return Err(Obstacle::Arrears);
        }
        Ok(Cleared { name: self.name.clone(), end })
    }
}

/// What is known of a pool's queue and of the fleet: what every answer of this turn rests on.
#[derive(Debug)]
pub struct Evidence<'a> {
    situation: Situation<'a>,
    pool: &'a Pool,
    queue: Option<&'a QueueReading>,
    workers: Option<Workers<'a>>,
    /// Names that two instances carry; `None` before the first listing.
    twice: Option<BTreeSet<&'a str>>,
    /// Workers at work on machines that nobody knows.
    strangers: Vec<Stranger>,
    /// Why nothing may be let go; also where the queue's word is not fresh.
    pub doubt: Option<Blocked>,
    arrears: bool,
}

/// What the queue says of the workers of a machine that was asked to take no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    AtWork,
    Answered,
    NeverJoined,
    Silent,
}

impl<'a> Evidence<'a> {
    /// Of a pool.
    pub fn of_pool(situation: Situation<'a>, pool: &'a Pool) -> Self {
        let queue = situation.fresh_queue(pool);
        let workers = queue.and_then(Workers::by_machine);
        let cannot_tell = (workers.is_none() || !pool.drains) && pool.idle == IdleRule::Word;
        let doubt = match queue {
            None => Some(situation.queue_stale(pool)),
            Some(queue) => {
                situation.doubt(queue).or_else(|| cannot_tell.then_some(Blocked::CannotTellIdle))
            }
        };
        Self {
            situation,
            pool,
            queue,
            workers,
            twice: situation.readings.fleet.reading.as_ref().map(names_twice),
            doubt,
            strangers: queue
                .map_or_else(Vec::new, |queue| strangers::strangers(situation, pool, queue)),
            arrears: in_arrears(situation.memory).is_some(),
        }
    }

    /// The queue's word, if it is fresh.
    pub fn queue(&self) -> Option<&'a QueueReading> {
        self.queue
    }

    /// Whether the queue tells who is busy.
    pub fn tells_workers(&self) -> bool {
        self.workers.is_some()
    }

    /// Whether a machine's name is carried by two instances, or no listing has told yet; also whether
    /// another daemon has made it. An operator may have said that all of them are ours.
    pub fn is_named_twice(&self, name: &MachineName) -> bool {
        let Situation { policy, memory, .. } = self.situation;
        let is_released = memory.meta.twins_released_at.is_some();
        let twice = self.twice.as_ref();
        let is_twice = twice.is_none_or(|twice| !is_released && twice.contains(name.given()));
        is_twice || memory.meta.is_of_second_daemon(&policy.namer, name)
    }

    /// The answer for one machine.
    pub fn safety_of(&self, name: &MachineName, machine: &Machine) -> Safety {
        let mut safety = Safety {
            name: name.clone(),
            proof: Err(Obstacle::Doubt),
            arrears: self.arrears,
            ask_gpu: None,
            again_at: Time::MAX,
        };
        safety.proof = match self.obstacle(name, machine) {
            Some(obstacle) => Err(obstacle),
            None if machine.in_quarantine() => self.broken(name, machine),
            None if machine.is_off() => self.off(name, machine),
            // Should it come up after all, it comes up drained.
            None if stays_building(self.situation, name, machine)
                && (machine.drain.asked_at.is_some() || !self.pool.drains) =>
            {
                Ok(Proof::NotMade)
            }
            None => self.running(name, machine, &mut safety),
        };
        safety
    }

    /// What forbids to end a machine whatever its workers do.
    fn obstacle(&self, name: &MachineName, machine: &Machine) -> Option<Obstacle> {
        let unseen = !machine.meter.is_on() || matches!(machine.life, Life::Launching(_));
        let by_rank = [
            (self.doubt.is_some(), Obstacle::Doubt),
            (!may_change(self.situation, machine), Obstacle::UnderChange),
            (self.is_named_twice(name), Obstacle::NameTwice),
            (unseen, Obstacle::NotFound),
            (machine.held.is_some(), Obstacle::Held),
            (self.is_being_made(name, machine), Obstacle::BeingMade),
        ];
        by_rank.into_iter().find_map(|(holds, obstacle)| holds.then_some(obstacle))
    }

    /// Whether it would be in vain to end it, because the provider makes it and may soon have done so.
    fn is_being_made(&self, name: &MachineName, machine: &Machine) -> bool {
        is_being_made(self.situation, name, machine)
            && !stays_building(self.situation, name, machine)
    }

    /// Broken by the provider's word: a worker that lives has had the time to answer, and none is busy.
    fn broken(&self, name: &MachineName, machine: &Machine) -> Result<Proof, Obstacle> {
        if machine.drain.asked_at.is_none() && self.pool.drains {
            return Err(Obstacle::TakesTasks);
        }
        let shown_at = machine.sighting.unexpected_status.as_ref();
        let shown_at = shown_at.map_or(machine.since, |status| status.since);
        let heartbeat = self.situation.policy.timing.heartbeat;
        let answers_by = machine.drain.asked_at.unwrap_or(shown_at) + heartbeat + MARGIN;
        let state = match &self.workers {
            Some(workers) if workers.is_doubtful || workers.asked_at <= answers_by => {
                return Err(Obstacle::AtWork);
            }
            Some(workers) => workers.on(name, machine.instance.as_ref()).0,
            None => machine.heard.state,
        };
        if state == Some(WorkerState::Busy) { Err(Obstacle::AtWork) } else { Ok(Proof::Broken) }
    }

    /// Off by the provider's word: it has no task and can get none, even if somebody has just started it
    /// by hand: its flag stands and no worker on it says otherwise. A queue that keeps failing to set the
    /// flag of a machine that is off does not keep it for ever.
    fn off(&self, name: &MachineName, machine: &Machine) -> Result<Proof, Obstacle> {
        let is_off = match &self.workers {
            Some(workers) if self.pool.drains && machine.backoff.failures < DRAINS_TRIED => {
                self.answer(name, machine, workers) != Word::AtWork
            }
            Some(workers) => {
                let (state, _) = workers.on(name, machine.instance.as_ref());
                state.is_none_or(|state| state == WorkerState::Drained)
            }
            None => true,
        };
        if is_off { Ok(Proof::Off) } else { Err(Obstacle::AtWork) }
    }

    /// A machine that runs: its workers were asked to take no more, and have answered; or nobody can, and
    /// the GPU does nothing.
    fn running(
        &self,
        name: &MachineName,
        machine: &Machine,
        safety: &mut Safety,
    ) -> Result<Proof, Obstacle> {
        let Some(flagged) = machine.drain.asked_at else { return Err(Obstacle::TakesTasks) };
        let word = self.word(name, machine);
        let idles = machine.heard.state == Some(WorkerState::Idle) && self.workers.is_some();
        match word {
            Word::AtWork => {
                if idles {
                    // Asked for while the workers answer, so that no stop waits for it.
                    let _foreseen = self.gpu_agrees(machine, flagged, safety);
                } else if matches!(machine.reason, Reason::Hung { .. }) {
                    safety.ask_gpu = Some(self.situation.policy.timing.event_poll);
                }
                Err(Obstacle::AtWork)
            }
            Word::Answered => self.gpu_agrees(machine, flagged, safety).map(|()| Proof::Answered),
            // An unknown worker at work may sit on any machine that is not heard.
            Word::NeverJoined | Word::Silent if self.may_hide_a_stranger(machine) => {
                Err(Obstacle::MayBeAtWork)
            }
            Word::NeverJoined => {
                self.gpu_agrees(machine, flagged, safety).map(|()| Proof::NeverJoined)
            }
            Word::Silent => {
                let poll = self.situation.policy.timing.event_poll;
                let told = self.gpu_is_idle(machine, flagged);
                safety.ask_gpu = (told == Err(Obstacle::GpuNotTold)).then_some(poll);
                told.map(|()| Proof::Unseen)
            }
        }
    }

    fn may_hide_a_stranger(&self, machine: &Machine) -> bool {
        self.strangers.iter().any(|stranger| machine.made_at <= stranger.since)
    }

    fn word(&self, name: &MachineName, machine: &Machine) -> Word {
        let drains = self.pool.drains;
        match &self.workers {
            Some(workers)
                if drains
                    && matches!(
                        machine.reason,
                        Reason::NotWorthWaiting | Reason::AboveMax { .. }
                    )
                    && never_joined(machine, workers.asked_at, MARGIN) =>
            {
                Word::NeverJoined
            }
            // At work by the word of another queue, whatever is not seen in this one.
            Some(_) if machine.heard.state == Some(WorkerState::Busy) => Word::AtWork,
            Some(workers) if drains => self.answer(name, machine, workers),
            // Nobody can acknowledge: the operator accepts the risk, GPU use must still agree.
            Some(_) | None => Word::Silent,
        }
    }

    /// Whether a machine's workers hold no task and can take none: they have acknowledged the drain, or
    /// they have been silent for longer than a heartbeat lives since it was asked.
    fn answer(&self, name: &MachineName, machine: &Machine, workers: &Workers<'_>) -> Word {
        let Some(asked_at) = machine.drain.asked_at else { return Word::AtWork };
        if workers.is_doubtful || workers.asked_at <= asked_at + MARGIN {
            return Word::AtWork;
        }
        match workers.on(name, machine.instance.as_ref()) {
            // One that is missing may be at work, unseen.
            (Some(WorkerState::Drained), names) => {
                let all = machine.heard.most <= u32::try_from(names.len()).unwrap_or(u32::MAX);
                if all { Word::Answered } else { Word::Silent }
            }
            (Some(WorkerState::Busy | WorkerState::Idle), _) => Word::AtWork,
            (None, _) => {
                let heartbeat = self.situation.policy.timing.heartbeat;
                let silent_since = asked_at.max(machine.heard.since) + heartbeat + MARGIN;
                if silent_since < workers.asked_at { Word::Silent } else { Word::AtWork }
            }
        }
    }

    fn usage_since(&self, machine: &Machine, since: Time) -> Option<&'a UsageReading> {
        let usage = self.situation.readings.usage.get(machine.instance.as_ref()?);
        usage.filter(|usage| since <= usage.asked_at)
    }

    /// Idle by the queue's word: if the GPU works on, whoever that is, the machine is not touched. It is
    /// asked once; no answer, and what was measured before the idleness, prove nothing.
    fn gpu_agrees(
        &self,
        machine: &Machine,
        flagged: Time,
        safety: &mut Safety,
    ) -> Result<(), Obstacle> {
        let Situation { readings, now, .. } = self.situation;
        let Some(instance) = &machine.instance else { return Ok(()) };
        let counts_from = idle_since(machine, flagged) + GPU_SETTLES;
        if now < counts_from || machine.life != Life::Ready {
            return Ok(());
        }
        let Some(usage) = self.usage_since(machine, flagged) else {
            let look = Look::Usage(Text::clone(instance));
            let failed = readings.paced.get(&look).is_some_and(|at| flagged <= *at);
            let told_by = flagged.max(machine.heard.since) + GPU_LOOK_MAX;
            safety.ask_gpu = Some(GPU_AGAIN);
            if failed || told_by <= now {
                return Ok(());
            }
            safety.again_at = told_by;
            return Err(Obstacle::GpuNotTold);
        };
        let percent = usage.gpu_percent.filter(|percent| GPU_IDLE_PERCENT < *percent);
        let counts = usage.measured_at.is_some_and(|at| counts_from <= at);
        let Some(percent) = percent.filter(|_| counts) else { return Ok(()) };
        safety.ask_gpu = Some(GPU_AGAIN);
        Err(Obstacle::GpuBusy { percent })
    }

    /// The second witness where no worker can speak: asked for when missing, believed when recent.
    /// No data proves nothing: a task that may be under way is given the time to end.
    fn gpu_is_idle(&self, machine: &Machine, flagged: Time) -> Result<(), Obstacle> {
        let Situation { policy, now, .. } = self.situation;
        let usage = self.usage_since(machine, flagged);
        let recent =
            usage.filter(|usage| flagged < usage.asked_at && now < usage.asked_at + GPU_RECENT);
        let usage = recent.ok_or(Obstacle::GpuNotTold)?;
        match usage.gpu_percent {
            Some(percent) if GPU_IDLE_PERCENT < percent => Err(Obstacle::GpuBusy { percent }),
            Some(_) => Ok(()),
            None => {
                let over = flagged + policy.timing.boot_max < now;
                let waiting = self.queue.is_some_and(|queue| queue.queued() != 0);
                let may_work = self.workers.is_none() && waiting;
                let ended = over && !may_work && self.has_ended(machine);
                if ended { Ok(()) } else { Err(Obstacle::MayBeAtWork) }
            }
        }
    }

    /// Whether workers that vanished at work have had the time to end what they had at hand.
    fn has_ended(&self, machine: &Machine) -> bool {
        let task = tasks::ended_within(self.situation, self.pool);
        machine.heard.vanished_at_work.is_none_or(|at| at + task < self.situation.now)
    }
}

/// Names that more than one row carries.
fn names_twice(listing: &Listing) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    listing.rows.iter().map(|row| &*row.name).filter(|name| !names.insert(*name)).collect()
}

/// Since when a drained machine holds no task: a while before it was flagged, if it answered at once.
fn idle_since(machine: &Machine, flagged: Time) -> Time {
    let at_once = machine.heard.since < flagged + AT_ONCE;
    if let (Reason::Idle { lasted }, true) = (machine.reason, at_once) {
        return flagged - lasted;
    }
    machine.heard.since
}
