//! What is known of one machine: the questions every step of planning asks of it, answered in one place.

use crate::memory::{Create, Life, Machine, Memory};
use crate::model::snapshot::Phase;
use crate::model::{Billing, MachineName, Reason, Span, Status, Time, WorkerState};
use crate::policy::{Policy, Pool};

use super::situation::Situation;

/// The pause after the first failure of a change; doubles with each in a row…
const FAILURE_PAUSE: Span = Span::seconds(30);
/// …so many times.
const FAILURES_DOUBLED: u32 = 5;

/// Silence of a spot machine's workers that is waited out.
const SPOT_SILENT: Span = Span::minutes(1);

/// Whether a machine may be asked for another change now: none is under way, the last failure has
/// had its pause, and a request whose outcome stayed unknown can no longer be carried out late.
pub fn may_change(situation: Situation<'_>, machine: &Machine) -> bool {
    let timing = &situation.policy.timing;
    let now = situation.now;
    let pause = FAILURE_PAUSE.times(1i64 << machine.backoff.failures.min(FAILURES_DOUBLED));
    let rested = machine.backoff.failed_at.is_none_or(|at| at + pause <= now);
    let quiet = timing.late_max + timing.listing_lag_max;
    let certain = machine.backoff.unknown_at.is_none_or(|at| at + quiet <= now);
    machine.pending.is_none() && rested && certain && !is_left_alone(situation, machine)
}

/// Whether nothing may be done to a machine because of the status the provider shows.
fn is_left_alone(situation: Situation<'_>, machine: &Machine) -> bool {
    let status = machine.sighting.unexpected_status.as_ref();
    let left_until = status.map(|status| status.since + situation.policy.timing.quarantine);
    let waits = left_until.is_some_and(|until| situation.now < until);
    machine.in_arrears() || (machine.in_quarantine() && waits)
}

/// A machine that is taken back because the account is in arrears.
pub fn in_arrears(memory: &Memory) -> Option<&MachineName> {
    memory.machines.iter().find(|(_, machine)| machine.in_arrears()).map(|(name, _)| name)
}

/// Whether no listing has shown yet that it is made: the provider deletes nothing it still makes.
pub fn is_being_made(situation: Situation<'_>, name: &MachineName, machine: &Machine) -> bool {
    let mut shown = listed_as(situation, name, machine);
    machine.is_new_boot() && !shown.any(|status| *status != Status::Building)
}

/// What the last listing shows of a machine: by its id, or by its name while no id is known.
fn listed_as<'a>(
    situation: Situation<'a>,
    name: &'a MachineName,
    machine: &'a Machine,
) -> impl Iterator<Item = &'a Status> {
    let listing = situation.readings.fleet.reading.as_ref();
    let rows = listing.into_iter().flat_map(|listing| &listing.rows);
    let its = rows.filter(move |row| match &machine.instance {
        Some(id) => row.instance == *id,
        None => *row.name == *name.given(),
    });
    its.map(|row| &row.status)
}

/// Whether the provider is still making it though a boot would long be over: it may stay so for ever, and
/// to try to delete it does no harm.
pub fn stays_building(situation: Situation<'_>, name: &MachineName, machine: &Machine) -> bool {
    let asked_at = machine.boot_asked_at().unwrap_or(machine.since);
    let is_overdue = asked_at + situation.policy.timing.boot_max <= situation.now;
    let mut shown = listed_as(situation, name, machine);
    let is_unheard = machine.is_new_boot() && machine.heard.state.is_none();
    is_overdue && is_unheard && shown.any(|status| *status == Status::Building)
}

/// Until when a machine cannot be let go, whatever it costs; `None` = it can.
pub fn kept_until(situation: Situation<'_>, name: &MachineName, machine: &Machine) -> Option<Time> {
    let Situation { policy, memory, .. } = situation;
    let untouched = machine.in_arrears()
        || name.is_twin()
        || memory.meta.is_of_second_daemon(&policy.namer, name)
        || stays_building(situation, name, machine);
    if untouched {
        return Some(Time::MAX);
    }
    let status = machine.sighting.unexpected_status.as_ref().filter(|_| machine.in_quarantine());
    let quarantine = status.map(|status| status.since + policy.timing.quarantine);
    let hold = machine.held.as_ref().map(|hold| hold.until.unwrap_or(Time::MAX));
    hold.max(quarantine)
}

/// Whether a machine on its way has never been heard of by the queue, so that a drain flag written
/// now is read before its first task.
pub fn never_joined(machine: &Machine, asked_at: Time, margin: Span) -> bool {
    let before_any_word = machine.heard.state.is_none_or(|state| state == WorkerState::Drained);
    let flagged = machine.drain.asked_at.is_some_and(|flagged| flagged + margin < asked_at);
    before_any_word && flagged && machine.is_new_boot()
}

/// Whether a machine counts towards its pool's capacity, now or soon.
pub fn counts(machine: &Machine, unknown_counts: Span, now: Time) -> bool {
    if machine.is_unavailable() {
        return false;
    }
    match (machine.phase(), &machine.life) {
        // An unknown create holds its place under the caps, but demand trusts it only for a while.
        (Phase::Launching, Life::Launching(Create::Unknown)) => {
            now < machine.made_at + unknown_counts
        }
        // A spot machine that falls silent is most likely being taken back.
        (Phase::Ready, _)
            if machine.offer.billing == Billing::Spot && machine.heard.state.is_none() =>
        {
            now < machine.heard.since + SPOT_SILENT
        }
        (Phase::Launching | Phase::Booting | Phase::Starting | Phase::Ready, _) => true,
        (Phase::Draining | Phase::Stopping | Phase::Stopped | Phase::Leaving, _) => false,
    }
}

/// Whether a machine is among those a pool's `min` counts.
pub fn is_counted(policy: &Policy, pool: &Pool, machine: &Machine, now: Time) -> bool {
    counts(machine, policy.timing.unknown_counts, now) && pool.offer(&machine.offer).is_some()
}

/// Why a machine is to be replaced, if it is: too old, or made from other settings than today's.
pub fn outdated(situation: Situation<'_>, pool: &Pool, machine: &Machine) -> Option<Reason> {
    let age = situation.now.since(machine.made_at);
    if pool.care.max_lifetime.is_some_and(|max| max <= age) {
        return Some(Reason::TooOld { age });
    }
    let drifted = pool
        .offer(&machine.offer)
        .is_none_or(|offer| machine.build.is_some_and(|build| build != offer.build));
    drifted.then_some(Reason::Drifted)
}

/// Whether a machine may be brought back to work.
pub fn may_serve_again(situation: Situation<'_>, pool: &Pool, machine: &Machine) -> bool {
    !machine.is_being_replaced() && outdated(situation, pool, machine).is_none()
}

/// Since when nothing stops being charged: a stop that should have been free was not, a while ago.
pub fn stops_charged_since(situation: Situation<'_>) -> Option<Time> {
    /// A stop that was charged is not tried again for so long.
    const REMEMBERED: Span = Span::days(1);
    let seen_at = situation.memory.meta.stop_charged_at?;
    (situation.now < seen_at + REMEMBERED).then_some(seen_at)
}
