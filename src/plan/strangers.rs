//! Workers at work on machines that nobody knows: they may sit on any machine that is not heard.

use std::collections::BTreeSet;

use super::situation::Situation;
use crate::model::name::{host_key, netbios_key};
use crate::model::snapshot::Blocked;
use crate::model::{QueueReading, Text, Time, WorkerState};
use crate::policy::Pool;

/// A worker that holds a task, on a machine that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// Its name in the queue.
    pub worker: Text,
    /// What it calls its machine.
    pub machine: Text,
    /// Since when a machine of that name is heard.
    pub since: Time,
}

/// Workers that hold a task on machines that fit none of ours: nobody can tell where they sit.
pub fn strangers(situation: Situation<'_>, pool: &Pool, reading: &QueueReading) -> Vec<Stranger> {
    let mut ours = BTreeSet::new();
    for (name, machine) in &situation.memory.machines {
        ours.insert(host_key(name.given()));
        ours.extend(netbios_key(name.given()));
        ours.extend(machine.instance.as_deref().map(host_key));
    }
    let heard = situation.readings.identities.get(&pool.queue);
    let workers = reading.workers.iter().flatten();
    let busy = workers.filter(|worker| worker.state == WorkerState::Busy);
    let strange = busy.filter(|worker| !ours.contains(&host_key(&worker.instance)));
    let stranger = strange.map(|worker| Stranger {
        worker: Text::clone(&worker.worker),
        machine: Text::clone(&worker.instance),
        since: heard.and_then(|heard| heard.since(&worker.instance)).unwrap_or_default(),
    });
    stranger.collect()
}

/// Tells of a worker that may sit on a machine of the pool that is not heard.
pub(super) fn unknown_worker(situation: Situation<'_>, pool: &Pool) -> Option<Blocked> {
    let strangers = strangers(situation, pool, situation.fresh_queue(pool)?);
    let silent = |since: Time| {
        let mut machines = situation.machines_of(&pool.name).map(|(_, machine)| machine);
        machines.any(|one| one.heard.state.is_none() && !one.is_off() && one.made_at <= since)
    };
    let found = strangers.into_iter().find(|stranger| silent(stranger.since))?;
    Some(Blocked::UnknownWorker { worker: found.worker, machine: found.machine })
}
