//! Queue workers and the machines they run on, and the gate that must be closed before a stop.

use std::collections::BTreeMap;

use super::Situation;
use crate::memory::{Life, Machine};
use crate::model::{MachineName, QueueReading, Span, Text, Time, WorkerSeen, WorkerState};
use crate::policy::{Policy, Pool, Timing};

/// A worker may have read its drain flag just before it was written: its word counts from a second
/// after that.
pub const GATE_MARGIN: Span = Span::seconds(1);

/// Tries to set the drain flag of a machine that is off.
const DRAINS_TRIED: u32 = 4;

/// The workers of one reading, by the machine they report.
#[derive(Debug)]
pub struct Workers<'a> {
    by_instance: BTreeMap<&'a str, Vec<&'a WorkerSeen>>,
    /// When the queue was asked.
    pub asked_at: Time,
    /// Somebody was not understood, and may be on any machine.
    pub is_doubtful: bool,
}

impl<'a> Workers<'a> {
    /// `None` if the source cannot tell who is busy.
    pub fn of(reading: &'a QueueReading) -> Option<Self> {
        let mut by_instance: BTreeMap<&str, Vec<&WorkerSeen>> = BTreeMap::new();
        for worker in reading.workers.as_ref()? {
            by_instance.entry(&worker.instance).or_default().push(worker);
        }
        let is_doubtful = reading.is_doubtful();
        Some(Self { by_instance, asked_at: reading.asked_at, is_doubtful })
    }

    /// How many workers of a machine hold a task.
    pub fn busy_on(&self, name: &MachineName, instance: Option<&Text>) -> u32 {
        let by_name = self.by_instance.get(name.as_str()).into_iter().flatten();
        let by_id = instance.and_then(|id| self.by_instance.get(&**id)).into_iter().flatten();
        let busy = by_name.chain(by_id).filter(|worker| worker.state == WorkerState::Busy);
        u32::try_from(busy.count()).unwrap_or(u32::MAX)
    }

    /// The workers of a machine taken together, with their names: busy if any is busy, drained only
    /// if all are.
    pub fn on(
        &self,
        name: &MachineName,
        instance: Option<&Text>,
    ) -> (Option<WorkerState>, Vec<Text>) {
        let by_name = self.by_instance.get(name.as_str()).into_iter().flatten();
        let by_id = instance.and_then(|id| self.by_instance.get(&**id)).into_iter().flatten();
        let (mut state, mut names) = (None, Vec::new());
        for worker in by_name.chain(by_id) {
            names.push(Text::clone(&worker.worker));
            state = Some(match (state, worker.state) {
                (None, state) => state,
                (Some(WorkerState::Busy), _) | (_, WorkerState::Busy) => WorkerState::Busy,
                (Some(WorkerState::Idle), _) | (_, WorkerState::Idle) => WorkerState::Idle,
                (Some(WorkerState::Drained), WorkerState::Drained) => WorkerState::Drained,
            });
        }
        (state, names)
    }
}

/// The queue a machine is heard in: the one it was made for, as long as a pool reads that, even if its
/// pool has moved to another or is gone from the config.
pub fn queue_of<'a>(policy: &'a Policy, machine: &'a Machine) -> &'a Text {
    let read = policy.pools.iter().any(|pool| pool.queue == machine.queue);
    let pool = policy.pool(&machine.pool).filter(|_| !read);
    pool.map_or(&machine.queue, |pool| &pool.queue)
}

/// A machine that was stopped keeps its last heartbeat in the queue for a while; that is not a
/// worker of its new life.
pub fn since_boot(
    machine: &Machine,
    state: Option<WorkerState>,
    asked_at: Time,
    timing: &Timing,
) -> Option<WorkerState> {
    match machine.life {
        Life::Stopped => None,
        Life::Booting { again: true } if asked_at < machine.since => None,
        Life::Booting { again: true }
            if state == Some(WorkerState::Drained)
                && asked_at < machine.since + timing.heartbeat + timing.heartbeat =>
        {
            None
        }
        Life::Launching(_) | Life::Booting { .. } | Life::Ready => state,
    }
}

/// Whether a machine's workers hold no task and can take none: they have acknowledged the drain,
/// or they have been silent for longer than a heartbeat lives since it was asked.
pub fn gate_closed(
    name: &MachineName,
    machine: &Machine,
    workers: &Workers<'_>,
    timing: &Timing,
) -> Gate {
    let Some(asked_at) = machine.drain_asked_at else { return Gate::Open };
    if workers.is_doubtful || workers.asked_at <= asked_at + GATE_MARGIN {
        return Gate::Open;
    }
    match workers.on(name, machine.instance.as_ref()) {
        // One that is missing may be at work, unseen.
        (Some(WorkerState::Drained), names) => {
            let all = machine.workers_most <= u32::try_from(names.len()).unwrap_or(u32::MAX);
            if all { Gate::Drained } else { Gate::Silent }
        }
        (Some(_), _) => Gate::Open,
        (None, _) => {
            let silent_since = asked_at.max(machine.worker_since) + timing.heartbeat + GATE_MARGIN;
            if silent_since < workers.asked_at { Gate::Silent } else { Gate::Open }
        }
    }
}

/// Whether a stopped machine has no task and can get none, even if somebody has just started it by
/// hand: its flag stands and no worker on it says otherwise. A queue that keeps failing to set the
/// flag of a machine that is off does not keep it for ever.
pub fn is_surely_off(
    situation: Situation<'_>,
    pool: &Pool,
    name: &MachineName,
    machine: &Machine,
    workers: Option<&Workers<'_>>,
) -> bool {
    match workers {
        Some(workers) if pool.drains && machine.failures < DRAINS_TRIED => {
            gate_closed(name, machine, workers, &situation.policy.timing) != Gate::Open
        }
        Some(workers) => {
            let (state, _) = workers.on(name, machine.instance.as_ref());
            state.is_none_or(|state| state == WorkerState::Drained)
        }
        None => true,
    }
}

/// How sure it is that no task is lost by a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// A task may be running, or may be taken.
    Open,
    /// Every worker has said so itself.
    Drained,
    /// No worker is there to say so, or not all are; a second witness is needed.
    Silent,
}
