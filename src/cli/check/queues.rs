//! What each queue's source can and cannot tell, and what follows.

use super::super::out;
use crate::config::Settings;
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
            text.push_str(&format!("\n{name} cannot tell or do `{}`: {lack}", one.word()));
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
