//! What a queue says of the workers of our machines.

use super::super::learning::add_served;
use super::super::progress;
use super::super::readings::Readings;
use super::super::workers::{self, Workers};
use crate::memory::{Machine, Memory};
use crate::model::event::{EventKind, SeenEvent};
use crate::model::{MachineName, Text, Time, WorkerState};
use crate::policy::{Policy, Timing};

/// A queue's word on the workers of our machines.
pub fn queue_read(
    policy: &Policy,
    memory: &Memory,
    readings: &Readings,
    queue: &str,
) -> Vec<EventKind> {
    let Some(reading) = readings.queues.get(queue).and_then(|source| source.reading.as_ref())
    else {
        return Vec::new();
    };
    let machines = memory.machines.iter();
    let ours = machines.filter(|(_, machine)| **workers::queue_of(policy, machine) == *queue);
    let asked_at = reading.asked_at;
    let queue: Text = queue.into();
    let mut ended_at = readings.ends.get(&queue).and_then(|ends| ends.at);
    let Some(workers) = Workers::by_machine(reading) else {
        let booted = ours.filter(|(_, machine)| has_booted(&policy.timing, machine, asked_at));
        let booted = booted.map(|(name, _)| SeenEvent::AssumedReady.to(name));
        return booted.chain(task_ended(memory, &queue, ended_at)).collect();
    };
    let mut events = Vec::new();
    for (name, machine) in ours {
        let (state, names) = workers.on(name, machine.instance.as_ref());
        let state = workers::since_boot(machine, state, asked_at, &policy.timing);
        let rests = matches!(state, Some(WorkerState::Idle | WorkerState::Drained));
        if rests && machine.heard.state == Some(WorkerState::Busy) && reading.tasks.is_none() {
            ended_at = Some(asked_at);
        }
        let joined = matches!(state, Some(WorkerState::Idle | WorkerState::Busy));
        // It may have been heard before a listing or an event showed that its machine boots.
        let has_booted = joined && machine.boot().is_some();
        let is_new =
            state != machine.heard.state || (!names.is_empty() && names != machine.heard.names);
        if has_booted {
            // Before its worker is seen: what is known of the boot ends with that.
            events.extend(booted(name, machine, asked_at));
        }
        if is_new || has_booted {
            events.push(SeenEvent::WorkerSeen { state, workers: names, asked_at }.to(name));
        }
        if is_new && joined {
            add_served(memory, machine, &mut events);
        }
    }
    events.extend(task_ended(memory, &queue, ended_at));
    events
}

fn task_ended(memory: &Memory, queue: &Text, at: Option<Time>) -> Option<EventKind> {
    progress::ended(memory.progress.get(queue), queue, at?)
}

/// The first word of a booting machine's worker, now or while the machine was not yet known to exist.
fn booted(name: &MachineName, machine: &Machine, now: Time) -> Option<EventKind> {
    let again = machine.boots_again()?;
    let heard_at = if machine.heard.has_joined() { machine.heard.since } else { now };
    let took = heard_at.since(machine.boot_asked_at()?);
    Some(SeenEvent::Booted { line: machine.boot_line(again), took }.to(name))
}

/// Whether a machine nobody can vouch for has had the time a boot takes.
fn has_booted(timing: &Timing, machine: &Machine, now: Time) -> bool {
    machine.boots_again().is_some_and(|again| {
        let takes = if again { timing.restart_mean } else { timing.boot_mean };
        machine.pending.is_none() && machine.since + takes <= now
    })
}
