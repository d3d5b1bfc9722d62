//! Less capacity: drain what is idle, then stop, then delete, each when keeping it costs more than
//! getting it back. Only on fresh data, only behind a closed gate.

use std::collections::{BTreeMap, BTreeSet};

use super::ahead::{is_being_made, never_joined};
use super::capacity::Capacity;
use super::promise::gaps::{self, LetGo, Rates};
use super::workers::{GATE_MARGIN, Gate, Workers, gate_closed, is_surely_off};
use super::{Draft, Situation, boots, capacity, hung, looks, may_change, quantum, replace, silent};
use crate::memory::{Life, Machine};
use crate::model::snapshot::{Blocked, Hold, Phase, Report};
use crate::model::{
    Change, Listing, Look, MachineName, Price, QueueReading, Reason, Span, Text, Time, WorkerState,
};
use crate::policy::{IdleRule, Pool};

/// A GPU busier than this, in percent, vetoes a stop.
const GPU_IDLE_PERCENT: u32 = 5;
/// What was measured sooner than this after a machine became idle may still be of its last task.
const GPU_SETTLES: Span = Span::minutes(1);
/// A stop waits no longer than this for the GPU's use to be told.
const GPU_LOOK_MAX: Span = Span::seconds(15);
/// A GPU in use is looked at again after this.
const GPU_AGAIN: Span = Span::minutes(1);
/// A drain that lasts longer than this is told of.
const DRAIN_LASTS: Span = Span::hours(1);
/// A stop that was charged is not tried again for so long.
const CHARGED_REMEMBERED: Span = Span::days(1);
/// A stopped machine is never kept longer than this.
const STOPPED_MAX: Span = Span::days(7);

/// Lets go what is not needed.
pub(super) fn steps(
    situation: Situation<'_>,
    pool: &Pool,
    (capacity, cancel): (&Capacity, Option<&BTreeSet<MachineName>>),
    fresh: Option<&QueueReading>,
    draft: &mut Draft,
    report: &mut Report,
) {
    let machines = situation.memory.machines.iter();
    let ours: Vec<_> = machines.filter(|(_, machine)| machine.pool == pool.name).collect();
    for (name, machine) in &ours {
        keep_flags_true(situation, pool, (name, machine), draft);
    }
    if let Some(since) = stops_charged(situation).filter(|_| pool.tier.keep_stopped) {
        report.binds.push(Blocked::StopsCharged { since });
    }
    let Some(reading) = fresh else { return };
    if let Some(reason) = not_now(situation, reading) {
        if capacity.needed.len() < ours.len() {
            report.binds.push(reason);
        }
        return;
    }
    let workers = Workers::of(reading);
    if (workers.is_none() || !pool.drains) && pool.idle == IdleRule::Word {
        if !ours.is_empty() {
            report.binds.push(Blocked::CannotTellIdle);
        }
        return;
    }
    replace::steps(situation, pool, &ours, capacity, (&mut *draft, &mut *report));
    let levels = levels(situation, pool, &ours);
    let over_cap = ours.iter().any(|(name, _)| draft.caps.drains(name));
    let silent = workers.as_ref().and_then(|_| silent::together(&ours));
    if let Some(machines) = silent {
        report.binds.push(Blocked::AllSilent { machines });
    }
    let silent_for = silent::believed_after(situation, pool, silent.is_some());
    let deadlines = boots::Deadlines::new(situation.policy, situation.memory, situation.now);
    let mut shrink = Shrink {
        situation,
        pool,
        reading,
        workers,
        deadlines,
        twice: situation.readings.fleet.reading.as_ref().map(twice),
        silent_for,
        cancel,
        levels,
        draft,
        report,
    };
    let retiring = situation.memory.meta.retiring.is_some();
    let min = if retiring || over_cap { 0 } else { pool.size_at(situation.now).0 };
    let mut to_spare = capacity.machines.saturating_sub(min);
    for (name, machine) in by_idleness(&ours) {
        shrink.machine(name, machine, capacity, &mut to_spare, min);
    }
}

/// Since when stops are known not to be free of charge; tried again after a while.
fn stops_charged(situation: Situation<'_>) -> Option<Time> {
    let seen_at = situation.memory.meta.stop_charged_at?;
    (situation.now < seen_at + CHARGED_REMEMBERED).then_some(seen_at)
}

/// A drain flag stands on machines that are being let go or are off, and on no other: a machine
/// that somebody starts by hand comes up drained.
fn keep_flags_true(
    situation: Situation<'_>,
    pool: &Pool,
    (name, machine): (&MachineName, &Machine),
    draft: &mut Draft,
) {
    if machine.drain_asked_at.is_some() || !may_change(situation, machine) {
        return;
    }
    if machine.life == Life::Stopped {
        if pool.drains {
            draft.change(situation, name, Change::Drain, Reason::StaysOff);
        }
        return;
    }
    let drained_for_long = machine.worker == Some(WorkerState::Drained)
        && machine.worker_since + situation.policy.timing.heartbeat.times(2) < situation.now;
    if drained_for_long {
        draft.change(situation, name, Change::Undrain, Reason::TakesTasks);
    }
}

/// Why nothing may be let go at all, now.
fn not_now(situation: Situation<'_>, queue: &QueueReading) -> Option<Blocked> {
    let Situation { policy, readings, now, .. } = situation;
    let timing = &policy.timing;
    if let Some(until) = readings.frozen_until.filter(|until| now < *until) {
        return Some(Blocked::ClockJumped { until });
    }
    let fleet = readings.fleet.reading.as_ref()?.asked_at;
    if fleet + timing.stale_after + timing.fleet_poll < now {
        return Some(Blocked::FleetStale { detail: readings.fleet.word() });
    }
    let apart = Span(queue.asked_at.since(fleet).0.abs());
    (timing.queue_poll + timing.fleet_poll < apart).then_some(Blocked::ReadingsApart)
}

/// Longest idle first; the order of names breaks ties.
fn by_idleness<'a>(ours: &[(&'a MachineName, &'a Machine)]) -> Vec<(&'a MachineName, &'a Machine)> {
    let mut sorted = ours.to_vec();
    sorted.sort_by_key(|(name, machine)| (machine.worker_since, *name));
    sorted
}

struct Shrink<'a, 'b> {
    situation: Situation<'a>,
    pool: &'a Pool,
    reading: &'a QueueReading,
    workers: Option<Workers<'a>>,
    deadlines: boots::Deadlines<'a>,
    /// Names that two instances carry; `None` before the first listing.
    twice: Option<BTreeSet<&'a str>>,
    /// Workers that are unseen for this long are taken to be dead.
    silent_for: Span,
    /// Boots to give up.
    cancel: Option<&'a BTreeSet<MachineName>>,
    /// Which unit of the load each idle or stopped machine would serve.
    levels: BTreeMap<MachineName, u32>,
    draft: &'b mut Draft,
    report: &'b mut Report,
}

impl Shrink<'_, '_> {
    fn machine(
        &mut self,
        name: &MachineName,
        machine: &Machine,
        capacity: &Capacity,
        to_spare: &mut u32,
        min: u32,
    ) {
        if self.draft.is_touched(name) || !may_change(self.situation, machine) {
            return;
        }
        if self.named_twice(name) || !machine.meter.is_on() {
            return;
        }
        if let Some(hold) = &machine.held {
            self.held(name, machine, hold, capacity);
            return;
        }
        if machine.in_quarantine() {
            self.quarantined(name, machine);
            return;
        }
        match machine.phase() {
            Phase::Ready | Phase::Booting | Phase::Starting => {
                let Some((due_at, why)) = self.to_let_go_at(machine, capacity, name) else {
                    return;
                };
                if self.situation.now < due_at {
                    self.draft.wake_by(due_at);
                    return;
                }
                // One that serves nobody keeps no place under `min`.
                let dead = matches!(why, Reason::NoWorker { .. } | Reason::Silent { .. });
                let Situation { policy, now, .. } = self.situation;
                if capacity::is_counted(policy, self.pool, machine, now) && !dead {
                    if *to_spare == 0 {
                        self.bind(Blocked::PoolMin { min });
                        return;
                    }
                    *to_spare -= 1;
                }
                self.draft.change(self.situation, name, Change::Drain, why);
            }
            Phase::Draining => self.drained(name, machine),
            Phase::Stopped => self.stopped(name, machine),
            Phase::Launching | Phase::Stopping | Phase::Leaving => {}
        }
    }

    /// A machine an operator keeps: a drain under way is taken back, nothing else is done.
    fn held(&mut self, name: &MachineName, machine: &Machine, hold: &Hold, capacity: &Capacity) {
        self.draft.wake_by(hold.until.unwrap_or(Time::MAX));
        if machine.phase() == Phase::Draining {
            self.draft.change(self.situation, name, Change::Undrain, Reason::TakesTasks);
        } else if !capacity.needed.contains(name) || self.is_retiring() {
            let (owner, reason) = (Text::clone(&hold.owner), Text::clone(&hold.reason));
            self.bind(Blocked::Held { machine: name.clone(), owner, reason });
        }
    }

    /// When, and why, a machine should be asked to take no more; `None` while there is no reason.
    fn to_let_go_at(
        &self,
        machine: &Machine,
        capacity: &Capacity,
        name: &MachineName,
    ) -> Option<(Time, Reason)> {
        if self.is_retiring() {
            return Some((machine.since, Reason::Retiring)); // a task it holds ends first
        }
        if self.draft.caps.drains(name) {
            return Some((machine.since, Reason::OverCap)); // likewise
        }
        if matches!(machine.life, Life::Booting { .. }) {
            if self.cancel.is_some_and(|cancel| cancel.contains(name)) {
                return Some((machine.since, Reason::NotWorthWaiting));
            }
            let asked_at = machine.boot_asked_at.unwrap_or(machine.since);
            let (now, within) = (self.situation.now, self.deadlines.of(machine));
            let (due_at, within) = if machine.boot_failed {
                (now, now.since(asked_at))
            } else {
                (asked_at + within, within)
            };
            return Some((due_at, Reason::NoWorker { within }));
        }
        let worker = if self.workers.is_none() {
            // Depth only, and the operator accepts the risk: an empty queue counts as idle.
            (self.reading.queued() == 0).then_some(WorkerState::Idle)
        } else {
            machine.worker
        };
        match worker {
            Some(WorkerState::Busy | WorkerState::Drained) => None,
            Some(WorkerState::Idle) if capacity.needed.contains(name) => None,
            Some(WorkerState::Idle) => {
                // Two looks must agree before idleness counts; the answer to a drain is one.
                let answers = self.workers.is_some() && self.pool.drains;
                let agreed = answers || machine.worker_since < self.reading.asked_at;
                let idle = self.situation.now.since(machine.worker_since);
                agreed.then(|| {
                    let after = self.let_go(name, machine).stop_after;
                    let due_at = quantum::edge(machine, &self.situation.policy.timing)
                        .unwrap_or(machine.worker_since + after);
                    (due_at, Reason::Idle { lasted: idle })
                })
            }
            None if self.workers.is_some() => {
                let lasted = self.silent_for;
                Some((machine.worker_since + lasted, Reason::Silent { lasted }))
            }
            None => None,
        }
    }

    /// A machine whose workers were asked to take no more.
    fn drained(&mut self, name: &MachineName, machine: &Machine) {
        let gate = match &self.workers {
            Some(workers)
                if self.pool.drains
                    && machine.reason == Reason::NotWorthWaiting
                    && never_joined(machine, workers.asked_at, GATE_MARGIN) =>
            {
                Gate::Drained
            }
            // At work by the word of another queue, whatever is not seen in this one.
            Some(_) if machine.worker == Some(WorkerState::Busy) => Gate::Open,
            Some(workers) if self.pool.drains => {
                gate_closed(name, machine, workers, &self.situation.policy.timing)
            }
            // Nobody can acknowledge: the operator accepts the risk, GPU use must still agree.
            Some(_) | None => Gate::Silent,
        };
        if is_being_made(self.situation, name, machine) {
            return; // the provider deletes nothing that it is still making
        }
        self.foresee_stop(name, machine);
        let waits = match gate {
            Gate::Drained => self.gpu_works(name, machine),
            Gate::Silent => self.stays_by_hand(name, machine) || !self.gpu_is_idle(name, machine),
            Gate::Open => false,
        };
        let why = match gate {
            Gate::Open => self.cut(name, machine),
            Gate::Drained | Gate::Silent => (!waits).then_some(machine.reason),
        };
        let Some(why) = why else { return };
        let kept = self.keeps_stopped(machine) && self.let_go(name, machine).keeps();
        // A worker that has answered shows that the machine boots, whoever started it.
        let joined = (machine.life == Life::Ready && gate != Gate::Silent)
            || (machine.reason == Reason::ByHand && gate == Gate::Drained);
        let budget = &mut self.draft.budget;
        let allowed = if machine.is_workless() {
            budget.delete_workless()
        } else if machine.reason == Reason::OverCap {
            Ok(()) // money does not wait for the window to move
        } else {
            budget.stop()
        };
        if let Err(reason) = allowed {
            self.bind(reason);
            return;
        }
        let assumed = self.workers.is_none();
        let change = if (joined || assumed) && kept { Change::Stop } else { Change::Delete };
        self.draft.change(self.situation, name, change, why);
    }

    /// A stopped machine: deleted once its disks have cost what making it anew would.
    fn stopped(&mut self, name: &MachineName, machine: &Machine) {
        let due_at = machine.since + self.let_go(name, machine).delete_after;
        let replaced = replace::due(self.situation, self.pool, machine);
        let over_cap =
            machine.quote.is_some_and(|quote| self.draft.caps.spent_out(&self.pool.name, &quote));
        let goes = machine.charged_off || self.is_retiring() || replaced.is_some() || over_cap;
        if self.situation.now < due_at && !goes {
            self.draft.wake_by(due_at);
            return;
        }
        // Off by the provider's word; were it alive by the queue's, the next listings would show it.
        if !is_surely_off(self.situation, self.pool, name, machine, self.workers.as_ref()) {
            return;
        }
        if let Err(reason) = self.draft.budget.delete_workless() {
            self.bind(reason);
            return;
        }
        let lasted = self.situation.now.since(machine.since);
        let why = match (machine.charged_off, self.is_retiring()) {
            (true, _) => Reason::StopCharged,
            (false, true) => Reason::Retiring,
            (false, false) if over_cap => Reason::OverCap,
            (false, false) => replaced.unwrap_or(Reason::Stopped { lasted }),
        };
        self.draft.change(self.situation, name, Change::Delete, why);
    }

    /// The second witness where no worker can speak: asked for when missing, believed when recent.
    /// No data proves nothing, so it is only waited for.
    fn gpu_is_idle(&mut self, name: &MachineName, machine: &Machine) -> bool {
        let Some(instance) = &machine.instance else { return false };
        let asked_for = machine.drain_asked_at.unwrap_or(self.situation.now);
        let usage = self.situation.readings.usage.get(instance);
        let recent = usage.filter(|usage| {
            asked_for < usage.asked_at && self.situation.now < usage.asked_at + Span::minutes(2)
        });
        let Some(usage) = recent else {
            let poll = self.situation.policy.timing.event_poll;
            looks::usage(self.situation, instance, poll, self.draft);
            return false;
        };
        match usage.gpu_percent {
            Some(percent) if GPU_IDLE_PERCENT < percent => {
                self.bind(Blocked::GpuBusy { machine: name.clone(), percent });
                false
            }
            Some(_) => true,
            // No data proves nothing: a task that may be under way is given the time to end.
            None => {
                let over = asked_for + self.situation.policy.timing.boot_max < self.situation.now;
                let depth_only = self.workers.is_none();
                let may_work = depth_only && self.reading.queued() != 0;
                over && !may_work && silent::has_ended(self.situation, self.pool, machine)
            }
        }
    }

    /// What ends a drain that its workers do not answer: the operator's limit, or a hung task.
    fn cut(&mut self, name: &MachineName, machine: &Machine) -> Option<Reason> {
        let flagged = machine.drain_asked_at?;
        let now = self.situation.now;
        if matches!(machine.reason, Reason::Hung { .. }) {
            let poll = self.situation.policy.timing.event_poll;
            if let Some(instance) = &machine.instance {
                looks::usage(self.situation, instance, poll, self.draft);
            }
            let change = hung::end(self.situation, machine);
            if change == Some(Change::Undrain) {
                self.draft.change(self.situation, name, Change::Undrain, Reason::TakesTasks);
            }
            let end_at = hung::end_at(machine);
            if change.is_some() || now < end_at {
                self.draft.wake_by(end_at.max(now));
                return change.filter(|change| *change == Change::Delete).map(|_| machine.reason);
            }
        }
        let lasted = now.since(flagged);
        if DRAIN_LASTS <= lasted {
            self.bind(Blocked::DrainLasts { machine: name.clone(), lasted });
        }
        let within = self.pool.care.drain_max?;
        self.draft.wake_by(flagged + within);
        (within <= lasted).then_some(Reason::DrainCut { within })
    }

    /// A machine the provider has shown as broken for long: let go unless a worker of it is busy.
    fn quarantined(&mut self, name: &MachineName, machine: &Machine) {
        let timing = &self.situation.policy.timing;
        let Some(odd) = &machine.unexpected_status else { return };
        let why = Reason::Quarantine { lasted: self.situation.now.since(odd.since) };
        if machine.drain_asked_at.is_none() && self.pool.drains {
            self.draft.change(self.situation, name, Change::Drain, why);
            return;
        }
        // A worker that lives has had the time to answer.
        let answers_by = machine.drain_asked_at.unwrap_or(odd.since) + timing.heartbeat;
        let state = match &self.workers {
            Some(workers) if workers.asked_at <= answers_by + GATE_MARGIN => return,
            Some(workers) => workers.on(name, machine.instance.as_ref()).0,
            None => machine.worker,
        };
        if state == Some(WorkerState::Busy) {
            return;
        }
        match self.draft.budget.stop() {
            Ok(()) => self.draft.change(self.situation, name, Change::Delete, why),
            Err(reason) => self.bind(reason),
        }
    }

    /// A machine that somebody has started by hand is given the time a boot takes.
    fn stays_by_hand(&mut self, name: &MachineName, machine: &Machine) -> bool {
        let now = self.situation.now;
        let idles = self.let_go(name, machine).stop_after;
        let boots = self.deadlines.of(machine);
        let drained = machine.worker == Some(WorkerState::Drained);
        let until = if drained { machine.worker_since + idles } else { machine.since + boots };
        let stays = machine.reason == Reason::ByHand && !self.is_retiring() && now < until;
        if stays {
            self.draft.wake_by(until);
        }
        stays
    }

    /// The GPU's use is asked for while the workers answer, so that no stop waits for it.
    fn foresee_stop(&mut self, name: &MachineName, machine: &Machine) {
        if machine.worker == Some(WorkerState::Idle) && self.workers.is_some() {
            self.gpu_works(name, machine);
        }
    }

    /// Idle by the queue's word, and the GPU works on: whoever that is, the machine is not touched.
    /// It is asked once; no answer, and what was measured before the idleness, prove nothing.
    fn gpu_works(&mut self, name: &MachineName, machine: &Machine) -> bool {
        if self.stays_by_hand(name, machine) {
            return true;
        }
        let Situation { readings, now, .. } = self.situation;
        let (Some(instance), Some(flagged)) = (&machine.instance, machine.drain_asked_at) else {
            return false;
        };
        let counts_from = idle_since(machine, flagged) + GPU_SETTLES;
        if now < counts_from || machine.life != Life::Ready {
            return false;
        }
        let usage = readings.usage.get(instance).filter(|usage| flagged <= usage.asked_at);
        let Some(usage) = usage else {
            let look = Look::Usage(Text::clone(instance));
            let failed = readings.paced.get(&look).is_some_and(|at| flagged <= *at);
            let from = flagged.max(machine.worker_since);
            looks::usage(self.situation, instance, GPU_AGAIN, self.draft);
            self.draft.wake_by(from + GPU_LOOK_MAX);
            return !failed && now < from + GPU_LOOK_MAX;
        };
        let percent = usage.gpu_percent.filter(|percent| GPU_IDLE_PERCENT < *percent);
        let counts = usage.measured_at.is_some_and(|at| counts_from <= at);
        let Some(percent) = percent.filter(|_| counts) else { return false };
        looks::usage(self.situation, instance, GPU_AGAIN, self.draft);
        self.bind(Blocked::GpuBusy { machine: name.clone(), percent });
        true
    }

    fn is_retiring(&self) -> bool {
        self.situation.memory.meta.retiring.is_some()
    }

    fn keeps_stopped(&self, machine: &Machine) -> bool {
        !self.is_retiring()
            && machine.reason != Reason::OverCap
            && !quantum::is_long(machine)
            && replace::stays(self.situation, self.pool, machine)
            && stops_charged(self.situation).is_none()
            && self.pool.tier.keep_stopped
            && self.pool.offer(&machine.offer).is_some_and(|offer| offer.stoppable)
    }

    /// When to stop and when to delete: as set, as learned, or at break-even.
    fn let_go(&self, name: &MachineName, machine: &Machine) -> LetGo {
        let Situation { policy, memory, readings, .. } = self.situation;
        let mean = |again| boots::mean(policy, memory, &machine.boot_line(again));
        let quote = machine.quote.filter(|_| self.keeps_stopped(machine));
        let rate = |price: Price| price.per_hour().0;
        let learned = quote.map_or_else(
            || LetGo { stop_after: mean(false), delete_after: Span::ZERO },
            |quote| {
                let (running, stopped) = (rate(quote.running), rate(quote.stopped));
                let rates = Rates { running, stopped, boot: mean(false), restart: mean(true) };
                let level = self.levels.get(name).copied().unwrap_or(1);
                let workload = readings.workloads.get(&self.pool.queue);
                workload.map_or_else(
                    || gaps::break_even(&rates),
                    |workload| workload.gaps.let_go(level, &rates, self.pool.tier.patience),
                )
            },
        );
        LetGo {
            stop_after: self.pool.tier.stop_after.unwrap_or(learned.stop_after),
            delete_after: self
                .pool
                .tier
                .delete_after
                .unwrap_or(Span(learned.delete_after.0.min(STOPPED_MAX.0))),
        }
    }

    fn named_twice(&mut self, name: &MachineName) -> bool {
        let Some(twice) = &self.twice else { return true };
        let is_twice = twice.contains(name.as_str());
        if is_twice {
            self.bind(Blocked::NameTwice { machine: name.clone() });
        }
        is_twice
    }

    fn bind(&mut self, reason: Blocked) {
        if !self.report.binds.contains(&reason) {
            self.report.binds.push(reason);
        }
    }
}

/// Names that more than one row carries.
fn twice(listing: &Listing) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    listing.rows.iter().map(|row| &*row.name).filter(|name| !names.insert(*name)).collect()
}

/// Since when a drained machine holds no task: a while before it was flagged, if it answered at once.
fn idle_since(machine: &Machine, flagged: Time) -> Time {
    let at_once = machine.worker_since < flagged + Span::seconds(30);
    if let (Reason::Idle { lasted }, true) = (machine.reason, at_once) {
        return flagged - lasted;
    }
    machine.worker_since
}

/// The load's units that idle and stopped machines would serve, were they needed again: those used
/// last serve the lowest.
fn levels(
    situation: Situation<'_>,
    pool: &Pool,
    ours: &[(&MachineName, &Machine)],
) -> BTreeMap<MachineName, u32> {
    let load = situation.readings.workloads.get(&pool.queue).map_or(0, |one| one.gaps.load());
    let is_idle = |machine: &Machine| {
        machine.life == Life::Ready && machine.worker != Some(WorkerState::Busy)
    };
    let rank = |machine: &Machine| match machine.life {
        Life::Stopped => Some((1, machine.since)),
        Life::Ready | Life::Booting { .. } | Life::Launching(_) => {
            is_idle(machine).then_some((0, machine.worker_since))
        }
    };
    let mut spare: Vec<_> =
        ours.iter().filter_map(|(name, machine)| Some((rank(machine)?, *name, *machine))).collect();
    spare.sort_by_key(|((tier, since), name, _)| (*tier, std::cmp::Reverse(*since), *name));
    let mut level = load;
    let mut levels = BTreeMap::new();
    for (_, name, machine) in spare {
        let slots = pool.offer(&machine.offer).map_or(1, |one| pool.slots_of(one, pool.shape));
        level = level.saturating_add(slots.max(1));
        levels.insert(name.clone(), level);
    }
    levels
}
