//! What time alone has brought, and a restart: answers that never came, pauses that end.

use super::boots::Deadlines;
use super::money;
use super::readings::Readings;
use crate::memory::{Create, Life, Machine, Memory, PendingState};
use crate::model::event::What;
use crate::model::{Change, MachineName, Span, Text, Time};
use crate::policy::{Policy, Timing};

/// What time alone has brought: answers that never came, pauses that end, names watched enough.
pub fn events(policy: &Policy, memory: &Memory, readings: &Readings, now: Time) -> Vec<What> {
    let timing = &policy.timing;
    // What had no answer while no daemon ran is asked after first.
    let heard_since = readings.started_at;
    let deadlines = Deadlines::new(policy, memory, now);
    let mut events: Vec<What> = money::day_turned(policy, memory, now).into_iter().collect();
    let over = |until: Option<Time>| until.is_some_and(|until| until <= now);
    for (name, machine) in &memory.machines {
        events.extend(overdue_machine(timing, name, machine, heard_since, now));
        if heard_since + timing.stale_after <= now {
            events.extend(overdue_boot(&deadlines, name, machine, now));
        }
        if machine.held.as_ref().is_some_and(|hold| over(hold.until)) {
            events.push(What::Released { name: name.clone(), owner: "expiry".into() });
        }
    }
    if memory.meta.paused.as_ref().is_some_and(|pause| over(pause.until)) {
        events.push(What::Resumed { owner: "expiry".into() });
    }
    let watched_enough = |since: Time| since + timing.tombstone < now;
    for (name, tombstone) in &memory.tombstones {
        if watched_enough(tombstone.since) {
            events.push(What::TombstoneDropped { name: name.clone() });
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
) -> Option<What> {
    let name = name.clone();
    let detail: Text = "no answer in time".into();
    if machine.life == Life::Launching(Create::Sent) && machine.made_at + timing.late_max < now {
        return Some(What::CreateUnknown { name, detail });
    }
    let pending = machine.pending.as_ref()?;
    let change = pending.change;
    match &pending.state {
        PendingState::Sent if pending.sent_at + timing.late_max < now => {
            Some(What::ChangeUnknown { name, change, detail })
        }
        // By now a listing would have shown the change, were it carried out.
        PendingState::Unknown | PendingState::Accepted { .. }
            if pending.sent_at.max(heard_since) + change_patience(timing, &pending.state) < now =>
        {
            let detail = "given up: neither event nor listing shows it".into();
            Some(What::ChangeFailed { name, change, detail })
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
) -> Option<What> {
    let Life::Booting { again } = machine.life else { return None };
    let waits = machine.pending.is_none() && machine.drain_asked_at.is_none();
    let asked_at = machine.boot_asked_at.filter(|_| waits && !machine.boot_failed)?;
    let (line, waited) = (machine.boot_line(again), now.since(asked_at));
    (deadlines.of(machine) <= waited).then(|| What::BootFailed { name: name.clone(), line, waited })
}

fn change_patience(timing: &Timing, state: &PendingState) -> Span {
    let seen_by = timing.listing_lag_max + timing.late_max + timing.fleet_poll.times(3);
    match state {
        PendingState::Accepted { .. } => seen_by + timing.boot_max,
        PendingState::Sent | PendingState::Unknown => seen_by,
    }
}

/// After a restart nobody waits for the answers any more.
pub fn after_restart(memory: &Memory) -> Vec<What> {
    let detail: Text = "the daemon was restarted".into();
    let unanswered = memory.machines.iter().filter_map(|(name, machine)| {
        let (name, detail) = (name.clone(), Text::clone(&detail));
        if machine.life == Life::Launching(Create::Sent) {
            return Some(What::CreateUnknown { name, detail });
        }
        let pending = machine.pending.as_ref()?;
        if pending.state != PendingState::Sent {
            return None;
        }
        Some(match pending.change {
            change @ (Change::Drain | Change::Undrain) => {
                What::ChangeFailed { name, change, detail }
            }
            change @ (Change::Start | Change::Stop | Change::Delete) => {
                What::ChangeUnknown { name, change, detail }
            }
        })
    });
    unanswered.collect()
}
