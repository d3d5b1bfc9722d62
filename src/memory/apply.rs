//! The fold: how each event changes memory. The only place that does.

use super::state::{LostAtWork, SpotEnd};
use super::{Life, Machine, Memory, Meter, Off, PendingState, Tombstone};
use crate::model::event::{
    ChangeEvent, CreateEvent, EventKind, FarmEvent, MachineEvent, OfferEvent, SeenEvent,
};
use crate::model::snapshot::Pause;
use crate::model::{
    Billing, Change, Event, MachineName, Money, OfferKey, Reason, Salt, Span, Text, Time,
};

/// Requests are counted in beats of this length…
const BEAT: Span = Span::seconds(15);
/// …and so many beats are kept: 30 minutes, more than any window (`timing.window`).
const BEATS_MAX: usize = 120;

impl Memory {
    /// Takes an event in.
    pub fn apply(&mut self, event: &Event) {
        let at = event.at;
        match &event.kind {
            EventKind::Farm(event) => self.apply_to_farm(event, at),
            EventKind::Offer { offer, event } => self.apply_to_offer(offer, event, at),
            EventKind::Machine { name, event } => match event {
                MachineEvent::Create(event) => self.created(name, event, at),
                MachineEvent::Change { change, event } => self.changed(name, *change, event, at),
                MachineEvent::Seen(event) => self.seen(name, event, at),
            },
        }
    }

    fn apply_to_farm(&mut self, event: &FarmEvent, at: Time) {
        match event {
            FarmEvent::DaemonStarted { epoch, salt } => {
                (self.meta.epoch, self.meta.serial) = (*epoch, 0);
                self.meta.salt = self.meta.salt.or(Salt::from_stored(*salt).map(|one| (one, at)));
            }
            FarmEvent::FarmAdopted => self.meta.adopted_at = Some(at),
            FarmEvent::Paused { owner, reason, until } => {
                let (owner, reason) = (Text::clone(owner), Text::clone(reason));
                self.meta.paused = Some(Pause { owner, reason, until: *until, since: at });
            }
            FarmEvent::Resumed { .. } => self.meta.paused = None,
            FarmEvent::Retiring { owner } => self.meta.retiring = Some(Text::clone(owner)),
            FarmEvent::RetireCancelled { .. } => self.meta.retiring = None,
            FarmEvent::SecondDaemon { machine } => {
                self.meta.second_daemon = Some((machine.clone(), at));
            }
            FarmEvent::TwinsReleased { .. } => {
                (self.meta.second_daemon, self.meta.twins_released_at) = (None, Some(at));
            }
            FarmEvent::TaskEnded { queue, ended_at } => self.task_ended(queue, *ended_at),
            FarmEvent::DayTurned { ended, day, from, until, dropped, .. } => {
                self.days.retain(|key, _| !dropped.contains(key));
                self.turn_day(ended, day, *until, *from);
            }
        }
    }

    fn apply_to_offer(&mut self, offer: &OfferKey, event: &OfferEvent, at: Time) {
        match event {
            OfferEvent::OfferRefused { class, until } => {
                self.offer_refused(offer, *class, *until, at);
            }
            OfferEvent::OfferServed => self.offer_served(offer),
            OfferEvent::Ended { ran, lost, queue, at_work, .. } => {
                self.spot_ended(offer, SpotEnd { at, ran: *ran, lost: *lost });
                if *at_work {
                    let (zone, spot) = (Text::clone(&offer.zone), offer.billing == Billing::Spot);
                    self.lost_at_work(queue, LostAtWork { at, zone, spot });
                }
            }
        }
    }

    /// The making of a machine has come further.
    fn created(&mut self, name: &MachineName, event: &CreateEvent, at: Time) {
        match event {
            CreateEvent::Intended { serial, pool, offer, quote, reason, queue, build } => {
                self.meta.serial = *serial;
                self.meta.counts.creates += 1;
                push_recent(&mut self.meta.recent.creates, at);
                let mut machine = Machine::launched(pool, offer, *quote, at, *reason);
                (machine.queue, machine.build) = (Text::clone(queue), *build);
                self.machines.insert(name.clone(), machine);
            }
            CreateEvent::Accepted { instance, event } => self.touch(name, at, |machine| {
                machine.create_accepted(instance.as_ref(), event.as_ref());
            }),
            CreateEvent::Refused { .. } => {
                self.meta.counts.refusals += 1;
                self.bury(name, at, false);
            }
            CreateEvent::Unknown { .. } => {
                self.meta.counts.unknowns += 1;
                self.touch(name, at, Machine::create_unknown);
            }
            CreateEvent::Failed { .. } | CreateEvent::Expired => self.bury_unborn(name, at),
        }
    }

    /// A change of a machine has come further.
    fn changed(&mut self, name: &MachineName, change: Change, event: &ChangeEvent, at: Time) {
        match event {
            ChangeEvent::Intended { reason } => {
                if let (Change::Drain, Reason::Hung { .. }) = (change, reason) {
                    self.count_recycled(name, at);
                }
                self.count_change(name, change, at);
                self.touch(name, at, |machine| machine.intend(change, *reason, at));
            }
            ChangeEvent::Accepted { event } => self.touch(name, at, |machine| {
                machine.set_pending(PendingState::Accepted { event: event.clone() });
            }),
            ChangeEvent::Refused { .. } => {
                self.meta.counts.refusals += 1;
                self.touch(name, at, |machine| machine.change_failed(at));
            }
            ChangeEvent::Unknown { .. } => {
                self.meta.counts.unknowns += 1;
                self.touch(name, at, |machine| {
                    machine.set_pending(PendingState::Unknown);
                    machine.backoff.unknown_at = Some(at);
                });
            }
            ChangeEvent::Done { effective_at } if change == Change::Delete => {
                self.bury_deleted(name, *effective_at, at);
            }
            ChangeEvent::Done { effective_at } => {
                self.touch(name, at, |machine| machine.done(change, *effective_at, at));
            }
            ChangeEvent::Failed { .. } => {
                self.touch(name, at, |machine| machine.change_failed(at));
            }
        }
    }

    /// Something has been seen of a machine, or decided about it.
    fn seen(&mut self, name: &MachineName, event: &SeenEvent, at: Time) {
        match event {
            SeenEvent::Adopted { .. } => self.adopt(name, event, at),
            SeenEvent::Vanished => self.bury_vanished(name, at),
            SeenEvent::TombstoneDropped => {
                self.tombstones.remove(name);
            }
            SeenEvent::Booted { line, took } => {
                let was_given_up = self.machines.get(name).is_some_and(Machine::boot_given_up);
                let boots = self.boots.entry(line.clone()).or_default();
                boots.joined(Some(*took).filter(|_| !was_given_up));
            }
            SeenEvent::BootFailed { line, waited } => {
                self.boots.entry(line.clone()).or_default().given_up(*waited, at);
                self.touch(name, at, Machine::give_boot_up);
            }
            SeenEvent::StopCharged => self.stop_charged(name, at),
            SeenEvent::Found { .. }
            | SeenEvent::Held { .. }
            | SeenEvent::Released { .. }
            | SeenEvent::StatusSeen { .. }
            | SeenEvent::UnexpectedStatus { .. }
            | SeenEvent::StatusNormal
            | SeenEvent::Missed
            | SeenEvent::UnknownById
            | SeenEvent::KnownById
            | SeenEvent::Reappeared
            | SeenEvent::ChangeSeen
            | SeenEvent::WorkerSeen { .. }
            | SeenEvent::AssumedReady
            | SeenEvent::Reclaimed { .. }
            | SeenEvent::Quoted { .. } => self.touch(name, at, |machine| machine.seen(event, at)),
        }
    }

    fn stop_charged(&mut self, name: &MachineName, at: Time) {
        // Only a stop that should have been free tells of those to come.
        let life = self.machines.get(name).map(|machine| &machine.life);
        if let Some(Life::Stopped(Off { by_us: true, .. })) = life {
            self.meta.stop_charged_at = Some(at);
        }
        self.touch(name, at, Machine::charge_stop);
    }

    /// Changes a machine, if it is there, and what its running time goes into from then on.
    fn touch(&mut self, name: &MachineName, at: Time, change: impl FnOnce(&mut Machine)) {
        if let Some(machine) = self.machines.get_mut(name) {
            change(machine);
            machine.usage.switch(machine.used_for(), at);
        }
    }

    fn count_change(&mut self, name: &MachineName, change: Change, at: Time) {
        let counts = &mut self.meta.counts;
        // Machines that do no work and could do none soon have a budget of their own.
        let workless = self.machines.get(name).is_some_and(Machine::is_workless);
        match change {
            Change::Start => counts.starts += 1,
            Change::Stop => {
                counts.stops += 1;
                push_recent(&mut self.meta.recent.stops, at);
            }
            Change::Delete => {
                counts.deletes += 1;
                let recent = &mut self.meta.recent;
                push_recent(if workless { &mut recent.deletes } else { &mut recent.stops }, at);
            }
            Change::Drain | Change::Undrain => {}
        }
    }

    /// Charged until the delete's end, or until a listing first showed it gone.
    fn bury_deleted(&mut self, name: &MachineName, effective_at: Option<Time>, at: Time) {
        if let Some(machine) = self.machines.get_mut(name) {
            let missed_at = machine.sighting.missed.map(|missed| missed.first);
            let end = effective_at.or(machine.seen_at()).or(missed_at).unwrap_or(at);
            machine.meter.estimated |= effective_at.is_none();
            machine.meter.end(end);
        }
        self.bury(name, at, true);
    }

    /// Somebody else's doing has no event: charged until a listing first missed it.
    fn bury_vanished(&mut self, name: &MachineName, at: Time) {
        if let Some(machine) = self.machines.get_mut(name)
            && let Some(missed) = machine.sighting.missed
        {
            machine.meter.end(missed.first);
            machine.meter.estimated = true;
        }
        self.bury(name, at, true);
    }

    fn count_recycled(&mut self, name: &MachineName, at: Time) {
        let Some(machine) = self.machines.get(name) else { return };
        let recycled = &mut self.meta.recycled;
        recycled.retain(|(then, _)| at < *then + Span::hours(1));
        recycled.push((at, Text::clone(&machine.pool)));
    }

    /// What never ran is not charged.
    fn bury_unborn(&mut self, name: &MachineName, at: Time) {
        if let Some(machine) = self.machines.get_mut(name) {
            machine.meter = Meter::default();
        }
        self.bury(name, at, false);
    }

    /// Takes a machine out of the farm; its cost is kept, and its name watched: even a certain
    /// refusal is only the provider's word.
    fn bury(&mut self, name: &MachineName, at: Time, seen_gone: bool) {
        let Some(mut machine) = self.machines.remove(name) else { return };
        if machine.meter.is_on() {
            machine.meter.end(at);
            machine.meter.estimated = true;
        }
        let cost = machine.cost(at);
        self.close_account(&machine, at);
        self.meta.closed_cost += cost;
        self.meta.closed_estimated += if machine.meter.estimated { cost } else { Money::ZERO };
        let tombstone = Tombstone {
            pool: machine.pool,
            offer: machine.offer,
            quote: machine.quote,
            since: at,
            seen_gone,
            charged_until: machine.meter.ended_at(),
        };
        self.tombstones.insert(name.clone(), tombstone);
    }

    fn adopt(&mut self, name: &MachineName, event: &SeenEvent, at: Time) {
        let SeenEvent::Adopted { pool, row, queue, charged_from, unit } = event else { return };
        let old = self.tombstones.remove(name);
        let (offer, quote) = match (old, &row.offer) {
            (Some(old), _) => (Some(old.offer), old.quote),
            (None, offer) => (offer.clone(), None),
        };
        let Some(offer) = offer else { return };
        if name.is_twin() {
            self.meta.twins_released_at = None; // what an operator has said was of others
        }
        let mut machine = Machine::launched_unquoted(pool, &offer, at);
        (machine.quote, machine.queue) = (quote, Text::clone(queue));
        machine.meter = Meter::by(*unit);
        machine.found(&row.instance, charged_from.or(row.created_at), &row.status, at);
        machine.made_at = row.created_at.unwrap_or(at);
        machine.forget_boot();
        machine.usage.switch(machine.used_for(), at);
        self.machines.insert(name.clone(), machine);
    }
}

fn push_recent(recent: &mut Vec<(Time, u32)>, at: Time) {
    let beat = Time((at.0.div_euclid(BEAT.0) + 1) * BEAT.0);
    match recent.last_mut().filter(|(last, _)| *last == beat) {
        Some((_, count)) => *count += 1,
        None => recent.push((beat, 1)),
    }
    recent.drain(..recent.len().saturating_sub(BEATS_MAX));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Key;

    /// The store takes no record of more than 8 KiB.
    #[test]
    fn the_record_of_single_facts_stays_small_however_much_is_sent() {
        let mut memory = Memory::default();
        for second in 0..100_000 {
            let at = Time::from_seconds(1_800_000_000 + second);
            push_recent(&mut memory.meta.recent.creates, at);
            push_recent(&mut memory.meta.recent.stops, at);
            push_recent(&mut memory.meta.recent.deletes, at);
        }
        let size = memory.record(&Key::Meta).unwrap().len();
        assert!(size < 8 << 10, "{size} bytes");
        let counted: u32 = memory.meta.recent.creates.iter().map(|(_, count)| count).sum();
        assert!((1785..=1800).contains(&counted), "{counted} in half an hour");
    }
}
