//! What time alone has brought, and a restart: answers that never came, pauses that end.

use super::boots::Deadlines;
use super::money;
use super::readings::Readings;
use crate::memory::{Create, Life, Machine, Memory, PendingState};
use crate::model::event::{ChangeEvent, CreateEvent, EventKind, FarmEvent, SeenEvent};
use crate::model::{Change, MachineName, Span, Text, Time};
use crate::policy::{Policy, Timing};

/// What time alone has brought: answers that never came, pauses that end, names watched enough.
pub fn events(policy: &Policy, memory: &Memory, readings: &Readings, now: Time) -> Vec<EventKind> {
    let timing = &policy.timing;
    // What had no answer while no daemon ran is asked after first.
    let heard_since = readings.started_at;
    let deadlines = Deadlines::new(policy, memory, now);
    let mut events: Vec<EventKind> = money::day_turned(policy, memory, now).into_iter().collect();
    let over = |until: Option<Time>| until.is_some_and(|until| until <= now);
    for (name, machine) in &memory.machines {
        events.extend(overdue_machine(timing, name, machine, heard_since, now));
        if heard_since + timing.stale_after <= now {
            events.extend(overdue_boot(&deadlines, name, machine, now));
        }
        if machine.held.as_ref().is_some_and(|hold| over(hold.until)) {
            events.push(SeenEvent::Released { owner: "expiry".into() }.to(name));
        }
    }
    if memory.meta.paused.as_ref().is_some_and(|pause| over(pause.until)) {
        events.push(FarmEvent::Resumed { owner: "expiry".into() }.into());
    }
    let watched_enough = |since: Time| since + timing.tombstone < now;
    for (name, tombstone) in &memory.tombstones {
        if watched_enough(tombstone.since) {
            events.push(SeenEvent::TombstoneDropped.to(name));
        }
    }
    events
}

fn overdue_machine(
    timing: &Timing,
    name: &MachineName,
    machine: &Machine,
    heard_since: Time,
    now: Time,
) -> Option<EventKind> {
    let detail: Text = "no answer in time".into();
    if machine.life == Life::Launching(Create::Sent) && machine.made_at + timing.late_max < now {
        return Some(CreateEvent::Unknown { detail }.to(name));
    }
    let pending = machine.pending.as_ref()?;
    let change = pending.change;
    match &pending.state {
        PendingState::Sent if pending.sent_at + timing.late_max < now => {
            Some(ChangeEvent::Unknown { detail }.to(name, change))
        }
        // By now a listing would have shown the change, were it carried out.
        PendingState::Unknown | PendingState::Accepted { .. }
            if pending.sent_at.max(heard_since) + change_patience(timing, &pending.state) < now =>
        {
            let detail = "given up: neither event nor listing shows it".into();
            Some(ChangeEvent::Failed { detail }.to(name, change))
        }
        PendingState::Sent | PendingState::Unknown | PendingState::Accepted { .. } => None,
    }
}

/// A boot that has had its time, while nothing else is being done to the machine.
fn overdue_boot(
    deadlines: &Deadlines<'_>,
    name: &MachineName,
    machine: &Machine,
    now: Time,
) -> Option<EventKind> {
    let again = machine.boots_again()?;
    let waits = machine.pending.is_none() && machine.drain.asked_at.is_none();
    let asked_at = machine.boot_asked_at().filter(|_| waits && !machine.boot_given_up())?;
    let (line, waited) = (machine.boot_line(again), now.since(asked_at));
    (deadlines.for_boot(machine) <= waited).then(|| SeenEvent::BootFailed { line, waited }.to(name))
}

fn change_patience(timing: &Timing, state: &PendingState) -> Span {
    let seen_by = timing.listing_lag_max + timing.late_max + timing.fleet_poll.times(3);
    match state {
        PendingState::Accepted { .. } => seen_by + timing.boot_max,
        PendingState::Sent | PendingState::Unknown => seen_by,
    }
}

/// After a restart nobody waits for the answers any more.
pub fn after_restart(memory: &Memory) -> Vec<EventKind> {
    let detail: Text = "the daemon was restarted".into();
    let unanswered = memory.machines.iter().filter_map(|(name, machine)| {
        let detail = Text::clone(&detail);
        if machine.life == Life::Launching(Create::Sent) {
            return Some(CreateEvent::Unknown { detail }.to(name));
        }
        let pending = machine.pending.as_ref()?;
        if pending.state != PendingState::Sent {
            return None;
        }
        let event = match pending.change {
            Change::Drain | Change::Undrain => ChangeEvent::Failed { detail },
            Change::Start | Change::Stop | Change::Delete => ChangeEvent::Unknown { detail },
        };
        Some(event.to(name, pending.change))
    });
    unanswered.collect()
}
