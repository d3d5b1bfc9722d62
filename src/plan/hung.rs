//! Busy by the queue's word on a GPU that does nothing, for longer than tasks take: told, or replaced
//! where the operator says so. Missing monitoring proves nothing, and monitoring that shows no use of
//! any machine is itself at fault.

use super::{Draft, Situation, looks, may_change};
use crate::memory::{Machine, Memory};
use crate::model::event::EventKind;
use crate::model::snapshot::{Blocked, Phase, Report};
use crate::model::{Change, MachineName, QueueReading, Reason, Span, Time, WorkerState};
use crate::policy::{OnHung, Pool};

/// GPU use of a machine that may hang is asked for this often.
const AGAIN: Span = Span::minutes(5);
/// A reading this old says nothing of the present.
const RECENT: Span = Span::minutes(12);
/// So many times the longest task…
const TIMES_LONGEST: i64 = 2;
/// …but no less than this; and this where nothing is known of tasks.
const LEAST: Span = Span::minutes(15);
const UNKNOWN: Span = Span::minutes(30);
/// From the drain of a hung machine to its delete.
const LAST_CHANCE: Span = Span::minutes(1);
/// Fewer busy machines than this do not tell a fault of monitoring from their own: they are told of, and
/// not replaced.
const FAULT_AT: usize = 3;
/// One in so many of a pool's machines may be replaced in an hour, or one.
const SHARE: usize = 10;

/// How long a machine of the pool may be busy on an unused GPU.
pub fn hung_after(situation: Situation<'_>, pool: &Pool) -> Span {
    let workload = situation.readings.workloads.get(&pool.queue);
    let longest = workload.and_then(super::promise::workload::Workload::longest);
    let learned = longest.map(|longest| longest.times(TIMES_LONGEST).max(LEAST));
    pool.care.hung_after.or(learned).unwrap_or(UNKNOWN)
}

/// Looks at machines that are busy for long, tells of those that hang, replaces them if that is
/// wanted.
pub(super) fn steps(
    situation: Situation<'_>,
    pool: &Pool,
    queue: &QueueReading,
    draft: &mut Draft,
    report: &mut Report,
) {
    if queue.workers.is_none() {
        return;
    }
    let after = hung_after(situation, pool);
    let busy: Vec<_> = situation
        .memory
        .machines
        .iter()
        .filter(|(_, machine)| machine.pool == pool.name && is_busy(machine))
        .collect();
    for (_, machine) in &busy {
        let due_at = machine.worker_since + after;
        if situation.now < due_at {
            draft.wake_by(due_at);
        } else if let Some(instance) = &machine.instance {
            looks::usage(situation, instance, AGAIN, draft);
        }
    }
    let long = |machine| unused_for(situation, machine).filter(|span| after <= *span);
    let hung: Vec<_> =
        busy.iter().filter_map(|(name, machine)| Some((name, machine, long(machine)?))).collect();
    if hung.is_empty() {
        return;
    }
    // Whether monitoring works is told by the others, of all pools.
    let at_work = || situation.memory.machines.values().filter(|machine| is_busy(machine));
    for instance in at_work().filter_map(|machine| machine.instance.as_ref()) {
        looks::usage(situation, instance, AGAIN, draft);
    }
    let seen: Vec<u32> = at_work().filter_map(|one| percent(situation, one)).collect();
    let any_use = seen.iter().any(|percent| *percent != 0);
    let count = at_work().count();
    if FAULT_AT <= count && seen.len() == count && !any_use {
        let machines = u32::try_from(count).unwrap_or(u32::MAX);
        report.binds.push(Blocked::MonitoringDead { machines });
        return;
    }
    for (name, machine, unused_for) in hung {
        report.binds.push(Blocked::Hung { machine: (*name).clone(), unused_for });
        if pool.care.on_hung == OnHung::Recycle && any_use {
            recycle(situation, pool, (name, machine), unused_for, draft, report);
        }
    }
}

fn is_busy(machine: &Machine) -> bool {
    machine.phase() == Phase::Ready
        && machine.worker == Some(WorkerState::Busy)
        && !machine.is_set_aside()
}

/// Since its workers are busy the GPU has shown no use for so long.
fn unused_for(situation: Situation<'_>, machine: &Machine) -> Option<Span> {
    let (first, last) = situation.readings.unused.get(machine.instance.as_ref()?)?;
    let (from, now) = ((*first).max(machine.worker_since), situation.now);
    (now < *last + RECENT).then(|| last.since(from))
}

/// GPU use as of lately.
fn percent(situation: Situation<'_>, machine: &Machine) -> Option<u32> {
    let usage = situation.readings.usage.get(machine.instance.as_ref()?)?;
    usage.gpu_percent.filter(|_| situation.now < usage.asked_at + RECENT)
}

fn recycle(
    situation: Situation<'_>,
    pool: &Pool,
    (name, machine): (&MachineName, &Machine),
    unused_for: Span,
    draft: &mut Draft,
    report: &mut Report,
) {
    let free = machine.held.is_none() && may_change(situation, machine) && !draft.is_touched(name);
    if !free {
        return;
    }
    let memory = situation.memory;
    let owned = memory.machines.values().filter(|one| one.pool == pool.name).count();
    let limit = (owned / SHARE).max(1);
    let within = |at: Time| situation.now < at + Span::hours(1);
    let recycled = memory.meta.recycled.iter().filter(|(at, of)| *of == pool.name && within(*at));
    let planned = draft.plan.steps.iter().filter(|step| is_recycling(memory, pool, &step.intent));
    if limit <= recycled.count() + planned.count() {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        report.binds.push(Blocked::HungEnough { limit });
        return;
    }
    draft.change(situation, name, Change::Drain, Reason::Hung { unused_for });
}

fn is_recycling(memory: &Memory, pool: &Pool, intent: &EventKind) -> bool {
    let Some((name, Change::Drain, Reason::Hung { .. })) = intent.change_intended() else {
        return false;
    };
    memory.machines.get(name).is_some_and(|one| one.pool == pool.name)
}

/// What is done with a hung machine that was asked to take no more: `None` = it is waited for.
pub(super) fn end(situation: Situation<'_>, machine: &Machine) -> Option<Change> {
    let flagged = machine.drain_asked_at?;
    let usage = situation.readings.usage.get(machine.instance.as_ref()?);
    // Only what is known since then counts: no data proves nothing.
    let percent = usage.filter(|usage| flagged < usage.asked_at)?.gpu_percent?;
    if percent != 0 {
        return Some(Change::Undrain);
    }
    (flagged + LAST_CHANCE <= situation.now).then_some(Change::Delete)
}

/// When that is next looked at.
pub(super) fn end_at(machine: &Machine) -> Time {
    machine.drain_asked_at.map_or(Time::MAX, |flagged| flagged + LAST_CHANCE)
}
