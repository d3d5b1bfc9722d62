//! What a listing of the farm shows, and what it does not.

use std::collections::{BTreeMap, BTreeSet};

use super::super::billing_unit;
use super::super::learning::{add_served, offer_refused};
use super::super::readings::Readings;
use super::Known;
use crate::memory::{Life, Memory, Missed};
use crate::model::event::{ChangeEvent, CreateEvent, EventKind, FarmEvent, SeenEvent};
use crate::model::{
    Billing, Change, InstanceRow, Listing, MachineName, Refusal, Span, Status, Text, Time,
};
use crate::policy::Policy;

/// A machine must be missing from this many believed listings, a lag apart, to be taken for gone.
const MISSED_TWICE: u32 = 2;
/// Complete listings an unknown create must be missing from before it is given up.
const MISSED_BY_EXPIRY: u32 = 3;
/// Complete listings before a farm whose store was lost is taken for known.
const LISTINGS_TO_ADOPT: u32 = 3;

/// Rows that carry a name of this farm and still count, by name, oldest first.
type Rows<'a> = BTreeMap<MachineName, Vec<&'a InstanceRow>>;

/// A complete listing of the farm. `believed` = absences in it count.
pub fn listed(
    policy: &Policy,
    memory: &Memory,
    readings: &Readings,
    listing: &Listing,
    believed: bool,
) -> Vec<EventKind> {
    let asked_at = listing.asked_at;
    let rows = rows_by_name(policy, listing);
    let (mut events, mut claimed) = (Vec::new(), BTreeSet::new());
    for (name, machine) in &memory.machines {
        let known = Known { policy, memory, name, machine };
        match known.row_in(&rows) {
            Some(row) => {
                claimed.insert(&row.instance);
                known.seen(row, asked_at, &mut events);
            }
            None if believed => events.extend(known.unseen(asked_at)),
            None => {}
        }
    }
    for (name, found) in &rows {
        let unknown = found.iter().filter(|row| !claimed.contains(&row.instance));
        let is_there = memory.machines.contains_key(name);
        for (number, row) in unknown.enumerate() {
            // Another instance of a name: counted and metered like any other, and left alone.
            let is_twin = is_there || number != 0;
            let name = if is_twin { name.twin(&row.instance) } else { name.clone() };
            let adopted = adoption(policy, memory, &name, row, asked_at);
            let is_rivals = adopted.is_some() && is_of_second_daemon(policy, memory, row);
            events.extend(adopted);
            if is_rivals && memory.meta.second_daemon.is_none() {
                events.push(FarmEvent::SecondDaemon { machine: name }.into());
            }
        }
    }
    if memory.meta.adopted_at.is_none() && may_adopt(policy, readings, &rows, asked_at) {
        events.push(FarmEvent::FarmAdopted.into());
    }
    events
}

/// Rows that carry a name of this farm and still count, by name, oldest first.
pub fn rows_by_name<'a>(policy: &Policy, listing: &'a Listing) -> Rows<'a> {
    let mut rows = Rows::new();
    for row in listing.rows.iter().filter(|row| row.status != Status::Gone) {
        if policy.namer.parse(&row.name).is_some() {
            rows.entry(MachineName::from_stored(&row.name)).or_default().push(row);
        }
    }
    for found in rows.values_mut() {
        found.sort_by_key(|row| (row.created_at, &row.instance));
    }
    rows
}

/// Instances found under one exact name: only presence counts.
pub fn found_by_name(policy: &Policy, memory: &Memory, listing: &Listing) -> Vec<EventKind> {
    let mut events = Vec::new();
    let rows = rows_by_name(policy, listing);
    for (name, machine) in &memory.machines {
        let known = Known { policy, memory, name, machine };
        if let Some(row) = known.row_in(&rows) {
            known.seen(row, listing.asked_at, &mut events);
        }
    }
    events
}

impl Known<'_> {
    /// Its row: that of its id, or, while no id is known, the oldest that no other machine has.
    fn row_in<'a>(self, rows: &Rows<'a>) -> Option<&'a InstanceRow> {
        let Self { memory, name, machine, .. } = self;
        let found = rows.get(&MachineName::from_stored(name.given()))?;
        if let Some(id) = &machine.instance {
            return found.iter().find(|row| row.instance == *id).copied();
        }
        let is_twin = |row: &InstanceRow| memory.machines.contains_key(&name.twin(&row.instance));
        found.iter().find(|row| !is_twin(row)).copied()
    }

    /// It is in a listing.
    fn seen(self, row: &InstanceRow, asked_at: Time, events: &mut Vec<EventKind>) {
        let Self { memory, name, machine, .. } = self;
        if machine.sighting.missed.is_some() {
            events.push(SeenEvent::Reappeared.to(name));
        }
        if row.status == Status::Failed {
            events.extend(self.failed(asked_at));
            return;
        }
        if row.status == Status::Running {
            add_served(memory, machine, events);
        }
        if !machine.meter.is_on() {
            let (instance, status) = (Text::clone(&row.instance), row.status.clone());
            let created_at = row.created_at;
            events.push(SeenEvent::Found { instance, created_at, status }.to(name));
            return;
        }
        events.extend(self.unexpected_status(row));
        if self.is_reclaimed(row, asked_at) {
            events.push(SeenEvent::Reclaimed { status: row.status.clone() }.to(name));
        }
        if machine.pending.is_some() {
            events.extend(self.seen_changing(row, asked_at));
        } else {
            self.seen_at_rest(row, asked_at, events);
        }
    }

    /// While a change is under way. Its event has the exact times; a listing closes it only when it is
    /// overdue.
    fn seen_changing(self, row: &InstanceRow, asked_at: Time) -> Option<EventKind> {
        let timing = &self.policy.timing;
        let pending = self.machine.pending.as_ref()?;
        let overdue = pending.sent_at + timing.listing_lag_max + timing.late_max;
        if !reached(pending.change, &row.status) {
            return None;
        }
        // A lagging list may still show the state before the last change.
        let is_new = self.machine.since + timing.listing_lag_max < asked_at;
        if overdue < asked_at {
            let done = ChangeEvent::Done { effective_at: None };
            Some(done.to(self.name, pending.change))
        } else {
            let is_told = is_new && pending.seen_at.is_none();
            is_told.then(|| SeenEvent::ChangeSeen.to(self.name))
        }
    }

    /// While nothing is being done to it.
    fn seen_at_rest(self, row: &InstanceRow, asked_at: Time, events: &mut Vec<EventKind>) {
        let Self { policy, name, machine, .. } = self;
        let settled_at = machine.since.max(machine.backoff.unknown_at.unwrap_or_default());
        let settled_at = settled_at.max(machine.sighting.reclaimed_at.unwrap_or_default());
        let lag_over = settled_at + policy.timing.listing_lag_max < asked_at;
        let contradicts = match (&machine.life, &row.status) {
            (Life::Stopped(_), Status::Running) => true,
            (_, Status::Running | Status::Shutdown) if machine.sighting.reclaimed_at.is_some() => {
                true
            }
            (Life::Booting(_) | Life::Ready, Status::Shutdown) => true,
            (Life::Launching(_) | Life::Stopped(_) | Life::Booting(_) | Life::Ready, _) => false,
        };
        let charged_off = machine.is_off()
            && row.status == Status::Shutdown
            && row.free_when_stopped == Some(false)
            && !machine.is_charged_off()
            && machine.since < asked_at;
        if charged_off {
            events.push(SeenEvent::StopCharged.to(name));
        }
        if lag_over && contradicts {
            events.push(SeenEvent::StatusSeen { status: row.status.clone() }.to(name));
        }
    }

    /// Whether a listing shows it on its way down though nobody here ordered it. What was on demand may
    /// have been stopped by us a moment ago, and the list may lag.
    fn is_reclaimed(self, row: &InstanceRow, asked_at: Time) -> bool {
        let machine = self.machine;
        let settled_at = machine.since.max(machine.backoff.unknown_at.unwrap_or_default());
        let lag_over = settled_at + self.policy.timing.listing_lag_max < asked_at;
        let sure = machine.offer.billing == Billing::Spot || lag_over;
        let leaving = match &row.status {
            Status::ShuttingDown => machine.offer.billing == Billing::Spot,
            Status::Deleting => true,
            Status::Building
            | Status::Running
            | Status::StartingUp
            | Status::Shutdown
            | Status::Gone
            | Status::Failed
            | Status::Broken
            | Status::Arrears
            | Status::Other(_) => false,
        };
        sure && leaving && machine.pending.is_none() && machine.sighting.reclaimed_at.is_none()
    }

    /// It is listed as one that could not be made.
    fn failed(self, asked_at: Time) -> Vec<EventKind> {
        let Self { policy, memory, name, machine } = self;
        if machine.pending.is_some() {
            return Vec::new(); // while a delete is under way it still holds its place
        }
        let mut events = vec![CreateEvent::Failed { detail: "status `failed`".into() }.to(name)];
        if matches!(machine.life, Life::Launching(_)) || machine.is_new_boot() {
            events.push(offer_refused(policy, memory, machine, Refusal::Other, asked_at));
        }
        events
    }

    /// A status that is none of a life's comes or goes.
    fn unexpected_status(self, row: &InstanceRow) -> Option<EventKind> {
        let event = match (&self.machine.sighting.unexpected_status, &row.status) {
            (Some(seen), status) if seen.status == *status => return None,
            // On its way out: told as such.
            (None, Status::Deleting) => return None,
            (_, status) if status.is_unexpected() => {
                SeenEvent::UnexpectedStatus { status: status.clone() }
            }
            (Some(_), _) => SeenEvent::StatusNormal,
            (None, _) => return None,
        };
        Some(event.to(self.name))
    }

    /// It is not in a listing whose absences count.
    fn unseen(self, asked_at: Time) -> Option<EventKind> {
        let Self { policy, name, machine, .. } = self;
        let timing = &policy.timing;
        let Missed { listings: missed, first, .. } =
            machine.sighting.missed.unwrap_or(Missed::now(asked_at));
        if !machine.meter.is_on() {
            // A worker of it says that it exists, whatever listings show.
            if machine.heard.state.is_some() {
                return None;
            }
            let overdue = machine.made_at + timing.create_grace < asked_at;
            if overdue && MISSED_BY_EXPIRY <= missed {
                return Some(CreateEvent::Expired.to(name));
            }
            let counts = machine.made_at < asked_at && missed < MISSED_BY_EXPIRY;
            return counts.then(|| SeenEvent::Missed.to(name));
        }
        if MISSED_TWICE <= missed && first + timing.listing_lag_max < asked_at {
            let deleting = machine.pending.as_ref().is_some_and(|one| one.change == Change::Delete);
            if deleting {
                return Some(ChangeEvent::Done { effective_at: None }.to(name, Change::Delete));
            }
            return self.has_second_witness(asked_at).then(|| SeenEvent::Vanished.to(name));
        }
        (missed < MISSED_TWICE).then(|| SeenEvent::Missed.to(name))
    }
}

impl Known<'_> {
    /// Whether something besides listings says that it is gone: the provider knows no such id, or its
    /// workers have fallen silent. A listing alone may be empty by mistake, and go on being so.
    fn has_second_witness(self, asked_at: Time) -> bool {
        let machine = self.machine;
        let Some(missed) = machine.sighting.missed else { return false };
        if machine.heard.state.is_some() {
            // Heard: a source that remembers its workers for ever does not outweigh both for ever.
            return missed.denied && missed.first + self.policy.timing.create_grace < asked_at;
        }
        let fell_silent = machine.life == Life::Ready && machine.heard.most != 0;
        missed.denied || fell_silent
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

/// A row of ours that memory does not hold.
fn adoption(
    policy: &Policy,
    memory: &Memory,
    name: &MachineName,
    row: &InstanceRow,
    asked_at: Time,
) -> Option<EventKind> {
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
    let parts = policy.namer.parse(name.given())?;
    let pool = policy.pools.iter().find(|pool| *pool.tag == parts.pool);
    let offer = tombstone.map(|one| &one.offer).or(row.offer.as_ref());
    let unit = pool.and_then(|pool| pool.offer(offer?)).map(|offer| offer.billing_unit);
    let was = tombstone.and_then(|tombstone| tombstone.quote).map(|quote| quote.unit);
    let unit = unit.or(was).unwrap_or(Span::seconds(1));
    let charged_from = match tombstone {
        Some(tombstone) => tombstone.charged_until,
        None => row.created_at.map(|at| charged_today(policy, at, unit, asked_at)),
    };
    let adopted = SeenEvent::Adopted {
        pool: pool.map_or_else(|| parts.pool.as_str().into(), |pool| Text::clone(&pool.name)),
        row: row.clone(),
        queue: pool.map_or_else(|| "".into(), |pool| Text::clone(&pool.queue)),
        charged_from,
        unit,
    };
    Some(adopted.to(name))
}

/// Whether a machine was made by another daemon of the same farm while this one's store was in use: its
/// name carries another salt. One made before that, or still on its way then, is of a store that was lost.
fn is_of_second_daemon(policy: &Policy, memory: &Memory, row: &InstanceRow) -> bool {
    let Some((ours, since)) = memory.meta.salt else { return false };
    let salt = policy.namer.parse(&row.name).and_then(|parts| parts.salt());
    let timing = &policy.timing;
    let on_its_way_until = since + timing.late_max + timing.listing_lag_max;
    let is_new = row.created_at.is_some_and(|at| on_its_way_until < at);
    is_new && salt.is_some_and(|salt| salt != ours)
}

/// From when on what a machine costs is of today: its making, or the first of its units to begin after
/// midnight.
fn charged_today(policy: &Policy, created_at: Time, unit: Span, now: Time) -> Time {
    let before = policy.spending.day_begins_at(now).since(created_at);
    if before <= Span::ZERO {
        created_at
    } else {
        created_at + billing_unit::whole_units(before, unit)
    }
}

/// A new farm is known after one listing without any machine of ours; a farm whose store was lost
/// once three listings agree and every create under way then has had its time to show.
fn may_adopt(policy: &Policy, readings: &Readings, rows: &Rows<'_>, asked_at: Time) -> bool {
    if rows.is_empty() && !readings.store_lost {
        return true;
    }
    let since = readings.first_listing_at.unwrap_or(asked_at);
    LISTINGS_TO_ADOPT <= readings.listings && since + policy.timing.create_grace <= asked_at
}
