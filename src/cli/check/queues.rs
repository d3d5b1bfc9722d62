//! What each queue's source can and cannot tell, and what follows; with `--online` what it says now.

use serde_json::{Value, json};

use super::super::out;
use crate::config::Settings;
use crate::model::{
    Held, LookFailure, QueueReading, SetAside, Text, Time, WorkerSeen, WorkerState,
};
use crate::policy::{IdleRule, Pool};
use crate::queue::{Can, Capabilities, Queue};

/// What the sources can do, and below it what follows where one cannot.
pub(super) fn tables(settings: &Settings) -> String {
    let header = ["queue", "at", "jobs", "durations", "busy", "drain", "forget", "GPUs"];
    let rows = settings.queues.iter().map(|(name, queue)| {
        let can = queue.capabilities();
        let [jobs, durations, busy, drain, forget, gpus] = Can::ALL.map(|one| mark(&can, one));
        let place = queue.place().to_owned();
        [name.to_string(), place, jobs, durations, busy, drain, forget, gpus]
    });
    let mut text = out::table(header, rows.collect());
    for (name, queue) in &settings.queues {
        let can = queue.capabilities();
        for (one, lack) in Can::ALL.into_iter().filter(|one| !can.has(*one)).filter_map(lack) {
            let lacking = format!("\n{name} cannot tell or do `{}`: {lack}", one.word());
            text += &lacking;
        }
    }
    text
}

fn mark(can: &Capabilities, one: Can) -> String {
    if can.has(one) { "yes" } else { "–" }.to_owned()
}

fn lack(one: Can) -> Option<(Can, &'static str)> {
    one.lack().map(|lack| (one, lack))
}

/// A warning for every pool whose queue cannot vouch for its idle machines.
pub(super) fn notes(settings: &Settings) -> Vec<String> {
    let note = |pool: &Pool| idle_note(pool, settings.queues.get(&pool.queue)?);
    settings.policy.pools.iter().filter_map(note).collect()
}

fn idle_note(pool: &Pool, queue: &Queue) -> Option<String> {
    let can = queue.capabilities();
    let lacks = match (can.has(Can::Busy), can.has(Can::Drain)) {
        (true, true) => return None,
        (false, false) => "cannot say which workers are busy and cannot drain them",
        (false, true) => "cannot say which workers are busy",
        (true, false) => "cannot drain workers",
    };
    let then = match pool.idle {
        IdleRule::Word => "its ready machines are never stopped",
        IdleRule::Assume => "an empty queue and an idle GPU are taken for idle",
    };
    Some(format!("pool {}: queue {} {lacks}, so {then} (docs/workers.md)", pool.name, pool.queue))
}

/// What a queue says now, or why it cannot be read.
#[derive(Debug)]
pub(super) struct Now {
    name: Text,
    said: Result<QueueReading, LookFailure>,
}

/// Asks every queue once.
pub(super) async fn ask(settings: &Settings, now: Time) -> Vec<Now> {
    let mut all = Vec::new();
    for (name, queue) in &settings.queues {
        all.push(Now { name: Text::clone(name), said: queue.read(now).await });
    }
    all
}

/// What waits, runs and works now, and below it what is no demand and what was not understood.
pub(super) fn now_table(all: &[Now]) -> String {
    let header = ["queue", "waiting", "running", "oldest", "idle", "busy", "drained"];
    let mut text = out::table(header, all.iter().map(Now::row).collect());
    for one in all {
        let Ok(reading) = &one.said else { continue };
        for held in &reading.held {
            let held = format!("\n{}: {} not counted: {}", one.name, held.tasks, held.why);
            text += &held;
        }
        for part in &reading.set_aside {
            let aside = format!("\n{}: {} set aside: {}", one.name, part.name, part.why);
            text += &aside;
        }
    }
    text
}

/// A note for every queue that cannot be read.
pub(super) fn unread(all: &[Now]) -> Vec<String> {
    let note = |one: &Now| {
        let failure = one.said.as_ref().err()?;
        Some(format!("queue {} cannot be read now: {}", one.name, failure.detail))
    };
    all.iter().filter_map(note).collect()
}

/// For programs.
pub(super) fn now_json(all: &[Now]) -> Vec<Value> {
    let held = |one: &Held| json!({ "tasks": one.tasks, "why": *one.why });
    let aside = |one: &SetAside| {
        let SetAside { name, why, instance } = one;
        json!({ "name": **name, "why": **why, "instance": instance.as_deref() })
    };
    let one = |one: &Now| match &one.said {
        Ok(reading) => json!({
            "queue": one.name, "waiting": reading.queued(), "running": reading.running(),
            "workers": reading.workers.as_ref().map(Vec::len),
            "held": reading.held.iter().map(held).collect::<Vec<_>>(),
            "set_aside": reading.set_aside.iter().map(aside).collect::<Vec<_>>(),
        }),
        Err(failure) => json!({ "queue": one.name, "failure": failure.detail }),
    };
    all.iter().map(one).collect()
}

impl Now {
    fn row(&self) -> [String; 7] {
        let unknown = || "?".to_owned();
        let name = self.name.to_string();
        let Ok(reading) = &self.said else {
            return [name, unknown(), unknown(), unknown(), unknown(), unknown(), unknown()];
        };
        let is_known = reading.work.iter().any(|work| work.running.is_some());
        let running = if is_known { reading.running().to_string() } else { unknown() };
        let oldest = reading.oldest_wait.map_or_else(unknown, |wait| wait.to_string());
        let workers = [WorkerState::Idle, WorkerState::Busy, WorkerState::Drained].map(|state| {
            let count =
                |all: &Vec<_>| all.iter().filter(|one: &&WorkerSeen| one.state == state).count();
            reading.workers.as_ref().map_or_else(unknown, |all| count(all).to_string())
        });
        let [idle, busy, drained] = workers;
        [name, reading.queued().to_string(), running, oldest, idle, busy, drained]
    }
}
