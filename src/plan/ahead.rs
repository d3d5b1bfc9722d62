//! A pool's machines and tasks as the promise sees them, and what it says of them.

use std::collections::BTreeSet;

use super::capacity::{self, Capacity};
use super::demand::{Demand, Wanted};
use super::machine::{counts, is_being_made, may_change, may_serve_again};
use super::promise::workload::Forecast;
use super::promise::{self, Addable, Coming, Outlook};
use super::situation::Situation;
use super::{billing_unit, boots, rank};
use crate::memory::Machine;
use crate::model::snapshot::{Blocked, Phase};
use crate::model::{MachineName, Shape, Span, WorkerState};
use crate::policy::Pool;

/// Boots of a kind that must have ended well before one of them is given up half-way: only then is
/// it known that its worker would have been recognised.
const BOOTS_TRUSTED: u64 = 3;

/// What the promise says of a pool.
#[derive(Debug, Clone, Default)]
pub struct Ahead {
    /// Slots to add, by shape.
    pub short: Vec<(Shape, u32)>,
    /// Machines on their way that are not worth their boot any more.
    pub cancel: BTreeSet<MachineName>,
    /// Tasks that wait and are left to the machines there are.
    pub left_waiting: u32,
    /// To be started within this.
    pub wait: Span,
}

impl Ahead {
    /// Tasks that wait on purpose.
    pub fn report(&self) -> Option<Blocked> {
        let Self { left_waiting: waiting, wait, .. } = *self;
        (waiting != 0).then_some(Blocked::WithinPromise { waiting, wait })
    }
}

/// Holds the queue's forecast against the pool; `None` where nothing is promised, or while too little
/// is known of the tasks.
pub fn promised(
    situation: Situation<'_>,
    pool: &Pool,
    demand: &Demand,
    capacity: &Capacity,
) -> Option<Ahead> {
    let promise = pool.promise.as_ref()?;
    let forecast = situation.readings.workloads.get(&pool.queue)?.forecast()?;
    let mut ahead = Ahead { wait: promise.wait, ..Ahead::default() };
    let mut taken = BTreeSet::new();
    for (shape, wanted) in demand.wanted.iter().rev() {
        let fleet = PoolFleet::of_shape(situation, pool, *shape, &taken);
        let mut outlook = fleet.outlook(situation, pool, forecast, *shape, *wanted);
        let (add, boot) = fleet.addable(situation, pool, *shape, outlook.submitted.len());
        outlook.boot = boot.0;
        let machines = promise::grow(&outlook, promise, &add);
        let slots = u32::try_from(machines * add.slots).unwrap_or(u32::MAX);
        let drained = u32::try_from(fleet.draining_slots).unwrap_or(u32::MAX);
        let short = slots.saturating_add(drained.min(wanted.waiting));
        if short != 0 {
            ahead.short.push((*shape, short));
        }
        ahead.left_waiting += wanted.waiting.saturating_sub(short);
        if machines == 0 {
            let count = promise::cancel(&outlook, promise).min(fleet.spare(pool, capacity));
            ahead.cancel.extend(fleet.coming.iter().rev().take(count).map(|one| one.0.clone()));
        }
        taken.extend(fleet.taken_by(wanted.waiting.saturating_add(wanted.running.unwrap_or(0))));
    }
    for (shape, slots) in &capacity.short {
        // Headroom and what is not a task are wanted whatever the promise says.
        if !demand.wanted.contains_key(shape) {
            ahead.short.push((*shape, *slots));
        }
    }
    Some(ahead)
}

/// The pool's machines that can run tasks of one shape.
struct PoolFleet<'a> {
    ready: Vec<(&'a MachineName, usize)>,
    /// Being drained, but their workers are there.
    draining_slots: usize,
    /// At work on machines in quarantine.
    unavailable: usize,
    stopped: usize,
    /// Those that may be given up last, and the newest of them last.
    coming: Vec<(MachineName, Coming)>,
}

impl<'a> PoolFleet<'a> {
    fn of_shape(
        situation: Situation<'a>,
        pool: &Pool,
        shape: Shape,
        taken: &BTreeSet<MachineName>,
    ) -> Self {
        let Situation { policy, memory, now, .. } = situation;
        let mut fleet = Self {
            ready: Vec::new(),
            draining_slots: 0,
            unavailable: 0,
            stopped: 0,
            coming: Vec::new(),
        };
        let ours = memory.machines.iter().filter(|(_, machine)| machine.pool == pool.name);
        for (name, machine) in ours.filter(|(name, _)| !taken.contains(*name)) {
            let slots = pool.offer(&machine.offer).map_or(0, |one| pool.slots_of(one, shape));
            let slots = usize::try_from(slots).unwrap_or(0);
            if machine.is_unavailable() && machine.heard.state == Some(WorkerState::Busy) {
                fleet.unavailable += slots;
            }
            if slots == 0 || machine.is_unavailable() {
                continue;
            }
            let stays = may_serve_again(situation, pool, machine);
            match machine.phase() {
                Phase::Ready => fleet.ready.push((name, slots)),
                Phase::Draining
                    if stays && machine.heard.state.is_some() && may_change(situation, machine) =>
                {
                    fleet.draining_slots += slots;
                }
                Phase::Stopped if stays && may_change(situation, machine) => fleet.stopped += 1,
                Phase::Launching | Phase::Booting | Phase::Starting
                    if counts(machine, policy.timing.unknown_counts, now) =>
                {
                    let coming = coming(situation, name, machine, slots);
                    fleet.coming.push((name.clone(), coming));
                }
                Phase::Launching
                | Phase::Booting
                | Phase::Starting
                | Phase::Draining
                | Phase::Stopping
                | Phase::Stopped
                | Phase::Leaving => {}
            }
        }
        let asked_at = |name: &MachineName| memory.machines.get(name).map(Machine::boot_asked_at);
        fleet.coming.sort_by_key(|(name, one)| (one.may_cancel, asked_at(name), name.clone()));
        fleet
    }

    fn outlook(
        &self,
        situation: Situation<'_>,
        pool: &Pool,
        forecast: &Forecast,
        shape: Shape,
        wanted: Wanted,
    ) -> Outlook {
        let now = situation.now;
        let passed = now.since(forecast.read_at).0;
        let is_it = |task: Option<Shape>| task.unwrap_or(pool.shape) == shape;
        // What other pools take, and what a shared limit leaves waiting, is not ours to serve.
        let count = |tasks: u32| usize::try_from(tasks).unwrap_or(usize::MAX);
        let waiting = forecast.waiting.iter().filter(|task| is_it(task.shape));
        let waiting = waiting.take(count(wanted.waiting.saturating_mul(pool.tasks_per_slot)));
        let running = forecast.running.iter().filter(|(task, _)| is_it(*task));
        let running = running.take(count(wanted.running.unwrap_or(u32::MAX)));
        let mut running: Vec<_> =
            running.map(|(_, ends)| ends.map(|end| (end - passed).max(0))).collect();
        // What runs on machines that take no more frees no slot.
        let lost = capacity::going(situation.policy, pool, situation.memory, shape);
        let lost = usize::try_from(lost).unwrap_or(0) + self.unavailable;
        running.truncate(running.len().saturating_sub(lost));
        let ready: usize = self.ready.iter().map(|(_, slots)| *slots).sum();
        Outlook {
            submitted: waiting.clone().map(|task| task.submitted_at.since(now).0).collect(),
            estimate: waiting.map(|task| task.estimate).collect(),
            estimates: forecast.estimates.clone(),
            idle: (ready + self.draining_slots).saturating_sub(running.len()),
            running,
            coming: self.coming.iter().map(|(_, coming)| *coming).collect(),
            boot: 0,
        }
    }

    fn addable(
        &self,
        situation: Situation<'_>,
        pool: &Pool,
        shape: Shape,
        waiting: usize,
    ) -> (Addable, Span) {
        let Situation { policy, memory, .. } = situation;
        let (offers, _) = rank::offers(situation, pool, shape, 1, &[]);
        let best = offers.first().map(|best| best.offer).or_else(|| pool.offers.first());
        let mean = |again| {
            best.map_or(policy.timing.boot_mean, |best| {
                boots::mean(policy, memory, &boots::line(pool, &best.key, again))
            })
        };
        let slots = offers.first().map_or(1, |best| usize::try_from(best.slots).unwrap_or(1));
        let slots = slots.max(1);
        let max = waiting.div_ceil(slots).min(usize::try_from(pool.max).unwrap_or(0));
        let restart = mean(true).0.max(1);
        (Addable { stopped: self.stopped, restart, slots, max }, mean(false))
    }

    /// Machines on their way above what `min` and headroom ask for.
    fn spare(&self, pool: &Pool, capacity: &Capacity) -> usize {
        let kept = pool.min.saturating_add(pool.headroom);
        let spare = capacity.machines.saturating_sub(kept);
        self.coming
            .iter()
            .filter(|(_, one)| one.may_cancel)
            .count()
            .min(usize::try_from(spare).unwrap_or(usize::MAX))
    }

    /// Machines that so many tasks keep from those of another shape.
    fn taken_by(&self, tasks: u32) -> Vec<MachineName> {
        let mut left = usize::try_from(tasks).unwrap_or(usize::MAX);
        let ready = self.ready.iter().map(|(name, slots)| ((*name).clone(), *slots));
        let coming = self.coming.iter().map(|(name, one)| (name.clone(), one.slots));
        let mut taken = Vec::new();
        for (name, slots) in ready.chain(coming) {
            if left == 0 {
                break;
            }
            left = left.saturating_sub(slots);
            taken.push(name);
        }
        taken
    }
}

fn coming(situation: Situation<'_>, name: &MachineName, machine: &Machine, slots: usize) -> Coming {
    let Situation { policy, memory, now, .. } = situation;
    let again = machine.phase() == Phase::Starting;
    let line = machine.boot_line(again);
    let boots = memory.boots.get(&line);
    let mean = boots::mean(policy, memory, &line);
    let samples = boots.map_or(&[][..], |boots| boots.took.as_slice());
    let started = machine.pending.as_ref().filter(|_| machine.is_off());
    let asked_at = started.map(|pending| pending.sent_at).or(machine.boot_asked_at());
    let asked_at = asked_at.unwrap_or(machine.since);
    let ready_in = promise::expected(samples, mean, asked_at, now);
    let may_cancel = machine.is_new_boot()
        && boots.is_some_and(|boots| BOOTS_TRUSTED <= boots.good)
        && machine.heard.state.is_none()
        && machine.held.is_none()
        && !billing_unit::is_long(machine)
        && may_change(situation, machine)
        && !is_being_made(situation, name, machine)
        && promise::CANCEL_MIN < ready_in;
    Coming { in_ms: ready_in.0, slots, may_cancel }
}
