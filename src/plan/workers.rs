//! Queue workers, and the machines they run on.

use std::collections::BTreeMap;

use crate::memory::{Boot, BootOf, Life, Machine};
use crate::model::name::{host_key, netbios_key};
use crate::model::{MachineName, QueueReading, Text, Time, WorkerSeen, WorkerState};
use crate::policy::{Policy, Timing};

/// The workers of one reading, by the machine they report.
#[derive(Debug)]
pub struct Workers<'a> {
    by_host: BTreeMap<String, Vec<&'a WorkerSeen>>,
    /// When the queue was asked.
    pub asked_at: Time,
    /// Somebody was not understood, and may be on any machine.
    pub is_doubtful: bool,
}

impl<'a> Workers<'a> {
    /// `None` if the source cannot tell who is busy.
    pub fn by_machine(reading: &'a QueueReading) -> Option<Self> {
        let mut by_host: BTreeMap<String, Vec<&WorkerSeen>> = BTreeMap::new();
        for worker in reading.workers.as_ref()? {
            by_host.entry(host_key(&worker.instance)).or_default().push(worker);
        }
        let is_doubtful = reading.is_doubtful();
        Some(Self { by_host, asked_at: reading.asked_at, is_doubtful })
    }

    /// Those that name a machine: by its name, as Windows cuts it, or by its id. Names of hosts are
    /// compared as such; what is cut may fit several machines, and counts for each.
    fn of_machine(
        &self,
        name: &MachineName,
        instance: Option<&Text>,
    ) -> impl Iterator<Item = &&'a WorkerSeen> {
        let by_name = (!name.is_twin()).then(|| host_key(name.as_str()));
        let cut = by_name.as_deref().and_then(netbios_key);
        let keys = by_name.into_iter().chain(cut).chain(instance.map(|id| host_key(id)));
        keys.filter_map(|key| self.by_host.get(&key)).flatten()
    }

    /// How many workers of a machine hold a task.
    pub fn busy_on(&self, name: &MachineName, instance: Option<&Text>) -> u32 {
        let workers = self.of_machine(name, instance);
        let busy = workers.filter(|worker| worker.state == WorkerState::Busy);
        u32::try_from(busy.count()).unwrap_or(u32::MAX)
    }

    /// The workers of a machine taken together, with their names: busy if any is busy, drained only
    /// if all are.
    pub fn on(
        &self,
        name: &MachineName,
        instance: Option<&Text>,
    ) -> (Option<WorkerState>, Vec<Text>) {
        let (mut state, mut names) = (None, Vec::new());
        for worker in self.of_machine(name, instance) {
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
    match &machine.life {
        Life::Stopped(_) => None,
        Life::Booting(Boot { of: BootOf::Stopped, .. }) if asked_at < machine.since => None,
        Life::Booting(Boot { of: BootOf::Stopped, .. })
            if state == Some(WorkerState::Drained)
                && asked_at < machine.since + timing.heartbeat + timing.heartbeat =>
        {
            None
        }
        Life::Launching(_) | Life::Booting(_) | Life::Ready => state,
    }
}
