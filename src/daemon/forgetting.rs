//! Removes what queues keep of machines that are gone: names and records pile up in them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;

use super::observers::Observer;
use crate::model::event::{ChangeEvent, EventKind, MachineEvent, SeenEvent};
use crate::model::{Change, Event, MachineName, MachineRef, Snapshot, Text};
use crate::policy::Policy;
use crate::queue::Queue;

/// The queue of every pool, as the settings in force have it.
#[derive(Debug, Clone, Default)]
pub(super) struct QueueByPool(Arc<Mutex<BTreeMap<Text, Queue>>>);

/// Told of every machine; asks its queue to forget it once its delete is done.
#[derive(Debug)]
pub(super) struct ForgettingObserver {
    queues: QueueByPool,
    runtime: Handle,
    known: BTreeMap<MachineName, (Text, MachineRef)>,
}

impl QueueByPool {
    /// From now on these settings are in force.
    pub(super) fn set(&self, policy: &Policy, queues: &BTreeMap<Text, Queue>) {
        let pools = policy.pools.iter();
        let queues = pools
            .filter_map(|pool| Some((Text::clone(&pool.name), queues.get(&pool.queue)?.clone())));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = queues.collect();
    }

    fn of_pool(&self, pool: &str) -> Option<Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(pool).cloned()
    }
}

impl ForgettingObserver {
    /// Must be made within the runtime.
    pub(super) fn new(queues: QueueByPool) -> Self {
        Self { queues, runtime: Handle::current(), known: BTreeMap::new() }
    }

    fn forget(&mut self, name: &MachineName) {
        let Some((pool, machine)) = self.known.remove(name) else { return };
        let Some(queue) = self.queues.of_pool(&pool) else { return };
        if let Err(failure) = self.runtime.block_on(queue.forget(&machine)) {
            let why = &*failure.detail;
            tracing::warn!(machine = %name, why, "the queue keeps its record of a gone machine");
        }
    }
}

impl Observer for ForgettingObserver {
    fn name(&self) -> &'static str {
        "forgetting"
    }

    fn events(&mut self, events: &[Event]) {
        for event in events {
            let EventKind::Machine { name, event } = &event.kind else { continue };
            match event {
                MachineEvent::Seen(SeenEvent::WorkerSeen { workers, .. }) => {
                    if let Some((_, machine)) = self.known.get_mut(name) {
                        machine.workers.extend(workers.iter().cloned());
                        machine.workers.sort();
                        machine.workers.dedup();
                    }
                }
                // one that merely vanished may come back
                MachineEvent::Change {
                    change: Change::Delete,
                    event: ChangeEvent::Done { .. },
                } => {
                    self.forget(name);
                }
                MachineEvent::Create(_) | MachineEvent::Change { .. } | MachineEvent::Seen(_) => {}
            }
        }
    }

    fn snapshot(&mut self, snapshot: &Arc<Snapshot>) {
        for view in &snapshot.machines {
            let place = self.known.entry(view.name.clone()).or_insert_with(|| {
                let (name, instance) = (view.name.clone(), None);
                (Text::clone(&view.pool), MachineRef { name, instance, workers: Vec::new() })
            });
            place.1.instance.clone_from(&view.instance);
        }
        // those of which no delete was told are not asked after
        let is_there = |name: &MachineName| snapshot.machines.iter().any(|one| one.name == *name);
        self.known.retain(|name, _| is_there(name));
    }
}
