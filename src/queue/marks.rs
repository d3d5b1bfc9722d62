//! Machines that were asked to take no more, as a set in Redis: for queues whose workers end when their
//! machine is in it, and start again when it is not.

use std::collections::BTreeSet;

use redis::Cmd;

use crate::model::{MachineRef, Text, WorkerSeen, WorkerState};

/// The key of the set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(pub(super) &'static str);

impl Mark {
    /// Puts a machine in, by its name and its instance id.
    pub(super) fn set(self, machine: &MachineRef) -> Cmd {
        self.command("SADD", machine)
    }

    /// Takes it out.
    pub(super) fn unset(self, machine: &MachineRef) -> Cmd {
        self.command("SREM", machine)
    }

    fn command(self, word: &str, machine: &MachineRef) -> Cmd {
        let mut command = redis::cmd(word);
        command.arg(self.0).arg(&*machine.name.text());
        if let Some(instance) = &machine.instance {
            command.arg(&**instance);
        }
        command
    }
}

/// Marked machines whose last worker has ended: they are drained.
pub(super) fn ended(marked: &[String], alive: &[WorkerSeen]) -> Vec<WorkerSeen> {
    let alive: BTreeSet<&str> = alive.iter().map(|seen| &*seen.instance).collect();
    let ended = marked.iter().filter(|machine| !alive.contains(machine.as_str()));
    let drained = |machine: &String| {
        let worker = format!("{machine} (ended)").into();
        let instance: Text = machine.as_str().into();
        WorkerSeen { worker, instance, state: WorkerState::Drained }
    };
    ended.map(drained).collect()
}
