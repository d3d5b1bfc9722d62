//! Less capacity: drain what is idle, then stop, then delete, each when keeping it costs more than
//! getting it back. Only on fresh data, only behind a closed gate.

use super::capacity::Capacity;
use super::workers::{Gate, Workers, gate_closed, is_surely_off};
use super::{Draft, Situation, may_change};
use crate::memory::{Life, Machine};
use crate::model::snapshot::{Blocked, Hold, Phase, Report};
use crate::model::{
    Change, Look, MachineName, Price, QueueReading, Reason, Span, Text, Time, WorkerState,
};
use crate::policy::{IdleRule, Pool};

/// A GPU busier than this, in percent, vetoes a stop.
const GPU_IDLE_PERCENT: u32 = 5;
/// A stop that was charged is not tried again for so long.
const CHARGED_REMEMBERED: Span = Span::days(1);
/// A stopped machine is never kept longer than this.
const STOPPED_MAX: Span = Span::days(7);

/// Lets go what is not needed.
pub(super) fn steps(
    situation: Situation<'_>,
    pool: &Pool,
    capacity: &Capacity,
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
    let mut shrink = Shrink { situation, pool, reading, workers, draft, report };
    let retiring = situation.memory.meta.retiring.is_some();
    let min = if retiring { 0 } else { pool.size_at(situation.now).0 };
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
            draft.change(situation, pool, name, Change::Drain, Reason::StaysOff);
        }
        return;
    }
    let drained_for_long = machine.worker == Some(WorkerState::Drained)
        && machine.worker_since + situation.policy.timing.heartbeat.times(2) < situation.now;
    if drained_for_long {
        draft.change(situation, pool, name, Change::Undrain, Reason::TakesTasks);
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
        match machine.phase() {
            Phase::Ready | Phase::Booting | Phase::Starting => {
                let Some((due_at, why)) = self.to_let_go_at(machine, capacity, name) else {
                    return;
                };
                if self.situation.now < due_at {
                    self.draft.wake_by(due_at);
                } else if *to_spare == 0 {
                    self.bind(Blocked::PoolMin { min });
                } else {
                    *to_spare -= 1;
                    self.draft.change(self.situation, self.pool, name, Change::Drain, why);
                }
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
            self.draft.change(self.situation, self.pool, name, Change::Undrain, Reason::TakesTasks);
        } else if !capacity.needed.contains(name) {
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
        let timing = &self.situation.policy.timing;
        if self.is_retiring() {
            return Some((machine.since, Reason::Retiring)); // a task it holds ends first
        }
        if matches!(machine.life, Life::Booting { .. }) {
            return Some((
                machine.since + timing.boot_max,
                Reason::NoWorker { within: timing.boot_max },
            ));
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
                // Two looks must agree before idleness counts.
                let agreed = machine.worker_since < self.reading.asked_at;
                let idle = self.situation.now.since(machine.worker_since);
                agreed.then(|| {
                    (machine.worker_since + self.stop_after(machine), Reason::Idle { lasted: idle })
                })
            }
            None if self.workers.is_some() => Some((
                machine.worker_since + timing.absent_max,
                Reason::Silent { lasted: timing.absent_max },
            )),
            None => None,
        }
    }

    /// A machine whose workers were asked to take no more.
    fn drained(&mut self, name: &MachineName, machine: &Machine) {
        let gate = match &self.workers {
            Some(workers) if self.pool.drains => {
                gate_closed(name, machine, workers, &self.situation.policy.timing)
            }
            // Nobody can acknowledge: the operator accepts the risk, GPU use must still agree.
            Some(_) if machine.worker == Some(WorkerState::Busy) => Gate::Open,
            Some(_) | None => Gate::Silent,
        };
        let joined = machine.life == Life::Ready && gate == Gate::Drained;
        match gate {
            Gate::Open => return,
            Gate::Drained => {}
            Gate::Silent => {
                if !self.gpu_is_idle(name, machine) {
                    return;
                }
            }
        }
        if let Err(reason) = self.draft.budget.stop() {
            self.bind(reason);
            return;
        }
        let assumed = self.workers.is_none();
        let change = if (joined || assumed) && self.keeps_stopped(machine) {
            Change::Stop
        } else {
            Change::Delete
        };
        let why = machine.reason;
        self.draft.change(self.situation, self.pool, name, change, why);
    }

    /// A stopped machine: deleted once its disks have cost what making it anew would.
    fn stopped(&mut self, name: &MachineName, machine: &Machine) {
        let due_at = machine.since + self.delete_after(machine);
        if self.situation.now < due_at && !machine.charged_off && !self.is_retiring() {
            self.draft.wake_by(due_at);
            return;
        }
        // Off by the provider's word; were it alive by the queue's, the next listings would show it.
        if !is_surely_off(self.situation, self.pool, name, machine, self.workers.as_ref()) {
            return;
        }
        if let Err(reason) = self.draft.budget.delete_stopped() {
            self.bind(reason);
            return;
        }
        let lasted = self.situation.now.since(machine.since);
        let why = match (machine.charged_off, self.is_retiring()) {
            (true, _) => Reason::StopCharged,
            (false, true) => Reason::Retiring,
            (false, false) => Reason::Stopped { lasted },
        };
        self.draft.change(self.situation, self.pool, name, Change::Delete, why);
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
            self.draft.look(Look::Usage(Text::clone(instance)));
            return false;
        };
        match usage.gpu_percent {
            Some(percent) if GPU_IDLE_PERCENT < percent => {
                self.bind(Blocked::GpuBusy { machine: name.clone(), percent });
                false
            }
            Some(_) => true,
            None => asked_for + self.situation.policy.timing.boot_max < self.situation.now,
        }
    }

    fn is_retiring(&self) -> bool {
        self.situation.memory.meta.retiring.is_some()
    }

    fn keeps_stopped(&self, machine: &Machine) -> bool {
        !self.is_retiring()
            && stops_charged(self.situation).is_none()
            && self.pool.tier.keep_stopped
            && self.pool.offer(&machine.offer).is_some_and(|offer| offer.stoppable)
    }

    /// Break-even of stopping: `S/(r−d)`, or of deleting at once, `B/r`, where nothing is kept.
    fn stop_after(&self, machine: &Machine) -> Span {
        if let Some(fixed) = self.pool.tier.stop_after {
            return fixed;
        }
        let timing = &self.situation.policy.timing;
        let Some(quote) = machine.quote.filter(|_| self.keeps_stopped(machine)) else {
            return timing.boot_mean;
        };
        let (running, stopped) = (quote.running.per_hour().0, quote.stopped.per_hour().0);
        scaled(timing.restart_mean, running, running - stopped).min(timing.boot_mean)
    }

    /// Break-even of deleting: `(B−S)/d` after idling began, so that much less the idle time.
    fn delete_after(&self, machine: &Machine) -> Span {
        if let Some(fixed) = self.pool.tier.delete_after {
            return fixed;
        }
        let timing = &self.situation.policy.timing;
        let Some(quote) = machine.quote else { return STOPPED_MAX };
        let rate = |price: Price| price.per_hour().0;
        let gained = timing.boot_mean - timing.restart_mean;
        let kept = scaled(gained, rate(quote.running), rate(quote.stopped)).min(STOPPED_MAX);
        (kept - self.stop_after(machine)).max(Span::ZERO)
    }

    fn named_twice(&mut self, name: &MachineName) -> bool {
        let Some(listing) = &self.situation.readings.fleet.reading else { return true };
        let twice = listing.rows.iter().filter(|row| *row.name == *name.as_str()).count() > 1;
        if twice {
            self.bind(Blocked::NameTwice { machine: name.clone() });
        }
        twice
    }

    fn bind(&mut self, reason: Blocked) {
        if !self.report.binds.contains(&reason) {
            self.report.binds.push(reason);
        }
    }
}

/// `span × above / below`, at most the longest span there is; without a cost below, for ever.
fn scaled(span: Span, above: i64, below: i64) -> Span {
    if below <= 0 {
        return STOPPED_MAX;
    }
    let scaled = i128::from(span.0) * i128::from(above) / i128::from(below);
    Span(i64::try_from(scaled).unwrap_or(STOPPED_MAX.0)).min(STOPPED_MAX)
}
