//! Closes intents by what is seen, and turns every wake into events. Pure; cannot fail.

use std::collections::BTreeMap;

use super::lessons::{add_served, offer_refused};
use super::quantum;
use super::readings::Readings;
use super::workers::{self, Workers};
use crate::memory::{Life, Machine, Memory, PendingState};
use crate::model::event::What;
use crate::model::{
    Billing, Change, EventReading, EventStatus, InstanceRow, Listing, MachineName, OfferKey, Order,
    Outcome, Quote, Refusal, Span, Status, Text, Time, WorkerState,
};
use crate::policy::{Policy, Timing};

/// A machine must be missing from this many believed listings, a lag apart, to be taken for gone.
const MISSED_TWICE: u32 = 2;
/// Complete listings an unknown create must be missing from before it is given up.
const MISSED_BY_EXPIRY: u32 = 3;
/// Complete listings before a farm whose store was lost is taken for known.
const LISTINGS_TO_ADOPT: u32 = 3;

/// The answer to an act.
pub fn answered(
    policy: &Policy,
    memory: &Memory,
    name: &MachineName,
    change: Option<Change>,
    outcome: Outcome,
    now: Time,
) -> Vec<What> {
    let Some(machine) = memory.machines.get(name) else { return Vec::new() };
    match change {
        None => create_answered(policy, memory, name, machine, outcome, now),
        Some(change) => change_answered(policy, memory, (name, machine, change), outcome, now),
    }
}

fn create_answered(
    policy: &Policy,
    memory: &Memory,
    name: &MachineName,
    machine: &Machine,
    outcome: Outcome,
    now: Time,
) -> Vec<What> {
    let name = name.clone();
    match outcome {
        Outcome::Accepted { event, instance } => {
            vec![What::CreateAccepted { name, instance, event }]
        }
        Outcome::Unknown { detail } => vec![What::CreateUnknown { name, detail }],
        Outcome::Refused { class, detail } => {
            let refused = offer_refused(policy, memory, machine, class, now);
            vec![What::CreateRefused { name, class, detail }, refused]
        }
    }
}

fn change_answered(
    policy: &Policy,
    memory: &Memory,
    (name, machine, change): (&MachineName, &Machine, Change),
    outcome: Outcome,
    now: Time,
) -> Vec<What> {
    let matches = machine.pending.as_ref().is_some_and(|pending| pending.change == change);
    if !matches {
        return Vec::new();
    }
    let at_once = matches!(change, Change::Drain | Change::Undrain);
    let name = name.clone();
    match outcome {
        Outcome::Accepted { .. } if at_once => {
            vec![What::ChangeDone { name, change, effective_at: None }]
        }
        Outcome::Unknown { detail } if at_once => vec![What::ChangeFailed { name, change, detail }],
        Outcome::Accepted { event, .. } => vec![What::ChangeAccepted { name, change, event }],
        Outcome::Unknown { detail } => vec![What::ChangeUnknown { name, change, detail }],
        Outcome::Refused { class, detail } => {
            let mut events = vec![What::ChangeRefused { name, change, class, detail }];
            if change == Change::Start && matches!(class, Refusal::SoldOut | Refusal::Quota) {
                events.push(offer_refused(policy, memory, machine, class, now));
            }
            events
        }
    }
}

/// A complete listing of the farm. `believed` = absences in it count.
pub fn listed(
    policy: &Policy,
    memory: &Memory,
    readings: &Readings,
    listing: &Listing,
    believed: bool,
) -> Vec<What> {
    let rows = rows_by_name(policy, listing);
    let mut events = Vec::new();
    for (name, machine) in &memory.machines {
        match rows.get(name).map(Vec::as_slice) {
            Some([row]) => {
                seen(policy, memory, (name, machine), row, listing.asked_at, &mut events);
            }
            Some(_) => {} // two instances of one name: reported by the planner, touched by nobody
            None if believed => unseen(policy, (name, machine), listing.asked_at, &mut events),
            None => {}
        }
    }
    for (name, found) in &rows {
        if let ([row], false) = (found.as_slice(), memory.machines.contains_key(name)) {
            events.extend(adoption(policy, memory, name, row, listing.asked_at));
        }
    }
    if memory.meta.adopted_at.is_none() && may_adopt(policy, readings, &rows, listing.asked_at) {
        events.push(What::FarmAdopted);
    }
    events
}

/// Rows that carry a name of this farm and still count, by name.
pub fn rows_by_name<'a>(
    policy: &Policy,
    listing: &'a Listing,
) -> BTreeMap<MachineName, Vec<&'a InstanceRow>> {
    let mut rows: BTreeMap<MachineName, Vec<&InstanceRow>> = BTreeMap::new();
    for row in listing.rows.iter().filter(|row| row.status != Status::Gone) {
        if policy.namer.parse(&row.name).is_some() {
            rows.entry(MachineName::from_stored(&row.name)).or_default().push(row);
        }
    }
    rows
}

/// Instances found under one exact name: only presence counts.
pub fn found_by_name(policy: &Policy, memory: &Memory, listing: &Listing) -> Vec<What> {
    let mut events = Vec::new();
    for (name, rows) in rows_by_name(policy, listing) {
        if let (Some(machine), [row]) = (memory.machines.get(&name), rows.as_slice()) {
            seen(policy, memory, (&name, machine), row, listing.asked_at, &mut events);
        }
    }
    events
}

/// A machine is in a listing.
fn seen(
    policy: &Policy,
    memory: &Memory,
    (name, machine): (&MachineName, &Machine),
    row: &InstanceRow,
    asked_at: Time,
    events: &mut Vec<What>,
) {
    if machine.missed.is_some() {
        events.push(What::Unmissed { name: name.clone() });
    }
    if row.status == Status::Failed {
        events.extend(failed(policy, memory, (name, machine), asked_at));
        return;
    }
    if row.status == Status::Running {
        add_served(memory, machine, events);
    }
    if !machine.meter.is_on() {
        events.push(What::Found {
            name: name.clone(),
            instance: Text::clone(&row.instance),
            created_at: row.created_at,
            status: row.status.clone(),
        });
        return;
    }
    events.extend(odd_status((name, machine), row));
    let timing = &policy.timing;
    if is_reclaimed(timing, machine, row, asked_at) {
        events.push(What::Reclaimed { name: name.clone(), status: row.status.clone() });
    }
    if let Some(pending) = &machine.pending {
        // The event has the exact times; a listing closes the change only when it is overdue.
        let overdue = pending.sent_at + timing.listing_lag_max + timing.late_max;
        let reached = reached(pending.change, &row.status);
        // A lagging list may still show the state before the last change.
        let is_new = machine.since + timing.listing_lag_max < asked_at;
        if overdue < asked_at && reached {
            events.push(What::ChangeDone {
                name: name.clone(),
                change: pending.change,
                effective_at: None,
            });
        } else if reached && is_new && pending.seen_at.is_none() {
            events.push(What::ChangeSeen { name: name.clone() });
        }
    } else {
        seen_at_rest(timing, (name, machine), row, asked_at, events);
    }
}

/// A machine nothing is being done to is in a listing.
fn seen_at_rest(
    timing: &Timing,
    (name, machine): (&MachineName, &Machine),
    row: &InstanceRow,
    asked_at: Time,
    events: &mut Vec<What>,
) {
    let settled_at = machine.since.max(machine.unknown_at.unwrap_or_default());
    let settled_at = settled_at.max(machine.reclaimed_at.unwrap_or_default());
    let lag_over = settled_at + timing.listing_lag_max < asked_at;
    let contradicts = match (&machine.life, &row.status) {
        (Life::Stopped, Status::Running) => true,
        (_, Status::Running | Status::Shutdown) if machine.reclaimed_at.is_some() => true,
        (Life::Booting { .. } | Life::Ready, Status::Shutdown) => true,
        (Life::Launching(_) | Life::Stopped | Life::Booting { .. } | Life::Ready, _) => false,
    };
    let charged_off = machine.life == Life::Stopped
        && row.status == Status::Shutdown
        && !row.free_when_stopped
        && !machine.charged_off
        && machine.since < asked_at;
    if charged_off {
        events.push(What::StopCharged { name: name.clone() });
    }
    if lag_over && contradicts {
        let status = row.status.clone();
        events.push(What::StatusSeen { name: name.clone(), status });
    }
}

/// Whether a listing shows a machine on its way down though nobody here ordered it. What was on
/// demand may have been stopped by us a moment ago, and the list may lag.
fn is_reclaimed(timing: &Timing, machine: &Machine, row: &InstanceRow, asked_at: Time) -> bool {
    let settled_at = machine.since.max(machine.unknown_at.unwrap_or_default());
    let lag_over = settled_at + timing.listing_lag_max < asked_at;
    let sure = machine.offer.billing == Billing::Spot || lag_over;
    let leaving = match &row.status {
        Status::ShuttingDown => machine.offer.billing == Billing::Spot,
        Status::Other(word) => &**word == "deleting",
        Status::Building
        | Status::Running
        | Status::StartingUp
        | Status::Shutdown
        | Status::Gone
        | Status::Failed => false,
    };
    sure && leaving && machine.pending.is_none() && machine.reclaimed_at.is_none()
}

/// A machine is listed as one that could not be made.
fn failed(
    policy: &Policy,
    memory: &Memory,
    (name, machine): (&MachineName, &Machine),
    asked_at: Time,
) -> Vec<What> {
    if machine.pending.is_some() {
        return Vec::new(); // while a delete is under way it still holds its place
    }
    let detail = "status `failed`".into();
    let mut events = vec![What::CreateFailed { name: name.clone(), detail }];
    if matches!(machine.life, Life::Launching(_) | Life::Booting { again: false }) {
        events.push(offer_refused(policy, memory, machine, Refusal::Other, asked_at));
    }
    events
}

/// A status that is none of a life's comes or goes.
fn odd_status((name, machine): (&MachineName, &Machine), row: &InstanceRow) -> Option<What> {
    let name = name.clone();
    match (&machine.odd, &row.status) {
        (Some(odd), Status::Other(status)) if odd.status == *status => None,
        // On its way out: told as such.
        (None, Status::Other(status)) if &**status == "deleting" => None,
        (_, Status::Other(status)) => Some(What::StatusOdd { name, status: Text::clone(status) }),
        (Some(_), _) => Some(What::StatusWell { name }),
        (None, _) => None,
    }
}

/// Whether a listed status is what a change was to lead to.
fn reached(change: Change, status: &Status) -> bool {
    match change {
        Change::Start => *status == Status::Running,
        Change::Stop => *status == Status::Shutdown,
        Change::Delete => *status == Status::Gone,
        Change::Drain | Change::Undrain => false,
    }
}

/// A machine is not in a listing whose absences count.
fn unseen(
    policy: &Policy,
    (name, machine): (&MachineName, &Machine),
    asked_at: Time,
    events: &mut Vec<What>,
) {
    let timing = &policy.timing;
    let (missed, first) = machine.missed.unwrap_or((0, asked_at));
    let name = name.clone();
    if !machine.meter.is_on() {
        let overdue = machine.made_at + timing.create_grace < asked_at;
        if overdue && MISSED_BY_EXPIRY <= missed {
            events.push(What::CreateExpired { name });
        } else if machine.made_at < asked_at && missed < MISSED_BY_EXPIRY {
            events.push(What::Missed { name });
        }
        return;
    }
    if MISSED_TWICE <= missed && first + timing.listing_lag_max < asked_at {
        let deleting = machine.pending.as_ref().is_some_and(|one| one.change == Change::Delete);
        events.push(if deleting {
            What::ChangeDone { name, change: Change::Delete, effective_at: None }
        } else {
            What::Vanished { name }
        });
    } else if missed < MISSED_TWICE {
        events.push(What::Missed { name });
    }
}

/// A row of ours that memory does not hold.
fn adoption(
    policy: &Policy,
    memory: &Memory,
    name: &MachineName,
    row: &InstanceRow,
    asked_at: Time,
) -> Option<What> {
    if row.status == Status::Failed {
        return None;
    }
    let tombstone = memory.tombstones.get(name);
    if let Some(tombstone) = tombstone {
        // A lagging listing goes on showing what is gone.
        let settled = tombstone.since + policy.timing.listing_lag_max.times(2);
        if tombstone.seen_gone && asked_at < settled {
            return None;
        }
    } else {
        row.offer.as_ref()?;
    }
    let parts = policy.namer.parse(name.as_str())?;
    let pool = policy.pools.iter().find(|pool| *pool.tag == parts.pool);
    let offer = tombstone.map(|one| &one.offer).or(row.offer.as_ref());
    let unit = pool.and_then(|pool| pool.offer(offer?)).map(|offer| offer.billing_unit);
    let was = tombstone.and_then(|tombstone| tombstone.quote).map(|quote| quote.unit);
    let unit = unit.or(was).unwrap_or(Span::seconds(1));
    let charged_from = match tombstone {
        Some(tombstone) => tombstone.charged_until,
        None => row.created_at.map(|at| charged_today(policy, at, unit, asked_at)),
    };
    Some(What::Adopted {
        name: name.clone(),
        pool: pool.map_or_else(|| parts.pool.as_str().into(), |pool| Text::clone(&pool.name)),
        row: row.clone(),
        queue: pool.map_or_else(|| "".into(), |pool| Text::clone(&pool.queue)),
        charged_from,
        unit,
    })
}

/// From when on what a machine costs is of today: its making, or the first of its units to begin after
/// midnight.
fn charged_today(policy: &Policy, created_at: Time, unit: Span, now: Time) -> Time {
    let before = policy.spending.day_begins_at(now).since(created_at);
    if before <= Span::ZERO { created_at } else { created_at + quantum::whole(before, unit) }
}

/// A new farm is known after one listing without any machine of ours; a farm whose store was lost
/// once three listings agree and every create under way then has had its time to show.
fn may_adopt(
    policy: &Policy,
    readings: &Readings,
    rows: &BTreeMap<MachineName, Vec<&InstanceRow>>,
    asked_at: Time,
) -> bool {
    if rows.is_empty() && !readings.store_lost {
        return true;
    }
    let since = readings.first_listing_at.unwrap_or(asked_at);
    LISTINGS_TO_ADOPT <= readings.listings && since + policy.timing.create_grace <= asked_at
}

/// What an event says of the request that waits for it.
pub fn event_read(
    memory: &Memory,
    policy: &Policy,
    reading: &EventReading,
    now: Time,
) -> Vec<What> {
    let waits = |event: &Option<Text>| event.as_ref() == Some(&reading.event);
    for (name, machine) in &memory.machines {
        if matches!(machine.life, Life::Launching(_) | Life::Booting { again: false })
            && waits(&machine.create_event)
            && reading.status == EventStatus::Failed
        {
            let refused = offer_refused(policy, memory, machine, Refusal::Other, now);
            let detail = "its event failed".into();
            return vec![What::CreateFailed { name: name.clone(), detail }, refused];
        }
        let Some(pending) = &machine.pending else { continue };
        if let PendingState::Accepted { event } = &pending.state
            && waits(event)
        {
            return change_ended(name, pending.change, reading).into_iter().collect();
        }
    }
    Vec::new()
}

fn change_ended(name: &MachineName, change: Change, reading: &EventReading) -> Option<What> {
    let name = name.clone();
    match &reading.status {
        EventStatus::Running | EventStatus::Other(_) => None,
        EventStatus::Failed => {
            Some(What::ChangeFailed { name, change, detail: "its event failed".into() })
        }
        EventStatus::Done => {
            let start = change == Change::Start;
            let effective_at = if start { reading.created_at } else { reading.ended_at };
            Some(What::ChangeDone { name, change, effective_at })
        }
    }
}

/// A queue's word on the workers of our machines.
pub fn queue_read(policy: &Policy, memory: &Memory, readings: &Readings, queue: &str) -> Vec<What> {
    let Some(reading) = readings.queues.get(queue).and_then(|source| source.reading.as_ref())
    else {
        return Vec::new();
    };
    let ours = memory
        .machines
        .iter()
        .filter(|(_, machine)| **workers::queue_of(policy, machine) == *queue);
    let Some(workers) = Workers::of(reading) else {
        let booted =
            ours.filter(|(_, machine)| has_booted(&policy.timing, machine, reading.asked_at));
        return booted.map(|(name, _)| What::AssumedReady { name: name.clone() }).collect();
    };
    let mut events = Vec::new();
    for (name, machine) in ours {
        let (state, names) = workers.on(name, machine.instance.as_ref());
        let state = workers::since_boot(machine, state, reading.asked_at, &policy.timing);
        if state != machine.worker || (!names.is_empty() && names != machine.workers) {
            events.push(What::WorkerSeen {
                name: name.clone(),
                state,
                workers: names,
                asked_at: reading.asked_at,
            });
            if matches!(state, Some(WorkerState::Idle | WorkerState::Busy)) {
                add_served(memory, machine, &mut events);
            }
            events.extend(booted(name, machine, state, reading.asked_at));
        }
    }
    events
}

/// The first word of a booting machine's worker.
fn booted(
    name: &MachineName,
    machine: &Machine,
    state: Option<WorkerState>,
    now: Time,
) -> Option<What> {
    let Life::Booting { again } = machine.life else { return None };
    let joined = matches!(state, Some(WorkerState::Idle | WorkerState::Busy));
    let took = now.since(machine.boot_asked_at?);
    joined.then(|| What::Booted { name: name.clone(), line: machine.boot_line(again), took })
}

/// Whether a machine nobody can vouch for has had the time a boot takes.
fn has_booted(timing: &Timing, machine: &Machine, now: Time) -> bool {
    let takes = match machine.life {
        Life::Booting { again: true } => timing.restart_mean,
        Life::Booting { again: false } => timing.boot_mean,
        Life::Launching(_) | Life::Ready | Life::Stopped => return false,
    };
    machine.pending.is_none() && machine.since + takes <= now
}

/// A price was asked for: machines of unknown price are taken to have been bought at it.
pub fn quoted(policy: &Policy, memory: &Memory, offer: &OfferKey, quote: Quote) -> Vec<What> {
    let unquoted = memory
        .machines
        .iter()
        .filter(|(_, machine)| machine.quote.is_none() && machine.offer == *offer);
    let of = |machine: &Machine| {
        let known = policy.pool(&machine.pool).and_then(|pool| pool.offer(offer));
        Quote { unit: known.map_or(quote.unit, |offer| offer.billing_unit), ..quote }
    };
    unquoted
        .map(|(name, machine)| What::Quoted { name: name.clone(), quote: of(machine) })
        .collect()
}

/// An operator's order. One about a machine that is not there brings nothing.
pub fn ordered(memory: &Memory, order: Order) -> Option<What> {
    let named = |machine: &str| {
        let is_it = |name: &MachineName, one: &Machine| {
            name.as_str() == machine || one.instance.as_deref() == Some(machine)
        };
        memory.machines.iter().find(|(name, one)| is_it(name, one)).map(|(name, _)| name.clone())
    };
    Some(match order {
        Order::Pause { owner, reason, until } => What::Paused { owner, reason, until },
        Order::Resume { owner } => What::Resumed { owner },
        Order::Retire { owner } => What::Retiring { owner },
        Order::Stay { owner } => What::Staying { owner },
        Order::Hold { machine, owner, reason, until } => {
            What::Held { name: named(&machine)?, owner, reason, until }
        }
        Order::Release { machine, owner } => What::Released { name: named(&machine)?, owner },
    })
}
