//! The fold: how each event changes memory. The only place that does.

use super::{Create, Life, Machine, Memory, Meter, Pending, PendingState, Tombstone};
use super::{UnexpectedStatus, Usage};
use crate::model::event::{
    ChangeEvent, CreateEvent, EventKind, FarmEvent, MachineEvent, OfferEvent, SeenEvent,
};
use crate::model::snapshot::{Hold, Pause};
use crate::model::{
    Change, Event, MachineName, Money, OfferKey, Quote, Reason, Span, Status, Text, Time,
    WorkerState,
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
            FarmEvent::DaemonStarted { epoch } => {
                (self.meta.epoch, self.meta.serial) = (*epoch, 0);
            }
            FarmEvent::FarmAdopted => self.meta.adopted_at = Some(at),
            FarmEvent::Paused { owner, reason, until } => {
                let (owner, reason) = (Text::clone(owner), Text::clone(reason));
                self.meta.paused = Some(Pause { owner, reason, until: *until, since: at });
            }
            FarmEvent::Resumed { .. } => self.meta.paused = None,
            FarmEvent::Retiring { owner } => self.meta.retiring = Some(Text::clone(owner)),
            FarmEvent::RetireCancelled { .. } => self.meta.retiring = None,
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
            OfferEvent::Ended { ran, lost, .. } => self.spot_ended(offer, *ran, *lost),
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
                    machine.unknown_at = Some(at);
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
                self.boots.entry(line.clone()).or_default().joined(*took);
            }
            SeenEvent::BootFailed { line, waited } => {
                self.boots.entry(line.clone()).or_default().given_up(*waited, at);
                self.touch(name, at, |machine| machine.boot_failed = true);
            }
            SeenEvent::StopCharged => self.stop_charged(name, at),
            SeenEvent::Found { .. }
            | SeenEvent::Held { .. }
            | SeenEvent::Released { .. }
            | SeenEvent::StatusSeen { .. }
            | SeenEvent::UnexpectedStatus { .. }
            | SeenEvent::StatusNormal
            | SeenEvent::Missed
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
        if self.machines.get(name).is_some_and(|machine| machine.stopped_by_us) {
            self.meta.stop_charged_at = Some(at);
        }
        self.touch(name, at, |machine| {
            machine.charged_off = true;
            machine.meter.never_stopped();
        });
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
            let missed_at = machine.missed.map(|(_, first)| first);
            let end = effective_at.or(machine.seen_at()).or(missed_at).unwrap_or(at);
            machine.meter.estimated |= effective_at.is_none();
            machine.meter.end(end);
        }
        self.bury(name, at, true);
    }

    /// Somebody else's doing has no event: charged until a listing first missed it.
    fn bury_vanished(&mut self, name: &MachineName, at: Time) {
        if let Some(machine) = self.machines.get_mut(name)
            && let Some((_, first)) = machine.missed
        {
            machine.meter.end(first);
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
        let mut machine = Machine::launched_unquoted(pool, &offer, at);
        (machine.quote, machine.queue) = (quote, Text::clone(queue));
        machine.meter = Meter::by(*unit);
        machine.found(&row.instance, charged_from.or(row.created_at), &row.status, at);
        machine.made_at = row.created_at.unwrap_or(at);
        // When it was asked to boot is not known: it teaches nothing of boots.
        machine.boot_asked_at = None;
        machine.usage.switch(machine.used_for(), at);
        self.machines.insert(name.clone(), machine);
    }
}

impl Machine {
    fn launched(pool: &Text, offer: &OfferKey, quote: Quote, at: Time, reason: Reason) -> Self {
        let mut machine = Self::launched_unquoted(pool, offer, at);
        machine.quote = Some(quote);
        machine.meter = Meter::by(quote.unit);
        machine.reason = reason;
        machine
    }

    fn launched_unquoted(pool: &Text, offer: &OfferKey, at: Time) -> Self {
        Self {
            pool: Text::clone(pool),
            offer: offer.clone(),
            quote: None,
            made_at: at,
            instance: None,
            life: Life::Launching(Create::Sent),
            since: at,
            boot_asked_at: Some(at),
            boot_failed: false,
            pending: None,
            worker: None,
            worker_since: at,
            vanished_busy_at: None,
            workers_most: 0,
            workers: Vec::new(),
            drain_asked_at: None,
            turned_at: None,
            unknown_at: None,
            failed_at: None,
            failures: 0,
            missed: None,
            charged_off: false,
            stopped_by_us: false,
            reclaimed_at: None,
            held: None,
            unexpected_status: None,
            queue: "".into(),
            build: None,
            create_event: None,
            meter: Meter::default(),
            usage: Usage::default(),
            reason: Reason::Found,
        }
    }

    fn seen(&mut self, event: &SeenEvent, at: Time) {
        match event {
            SeenEvent::Found { instance, created_at, status } => {
                self.found(instance, *created_at, status, at);
            }
            SeenEvent::StatusSeen { status } => self.contradicted(status, at),
            SeenEvent::Held { owner, reason, until } => self.hold(owner, reason, *until),
            SeenEvent::Released { .. } => self.held = None,
            SeenEvent::UnexpectedStatus { status } => {
                self.unexpected_status = Some(UnexpectedStatus::new(status, at));
            }
            SeenEvent::StatusNormal => self.unexpected_status = None,
            SeenEvent::Missed => self.miss(at),
            SeenEvent::Reappeared => self.missed = None,
            SeenEvent::Quoted { quote } => self.quote = Some(*quote),
            SeenEvent::WorkerSeen { state, workers, .. } => self.worker_seen(*state, workers, at),
            SeenEvent::ChangeSeen => self.change_seen(at),
            SeenEvent::Reclaimed { .. } => self.reclaimed_at = Some(at),
            SeenEvent::AssumedReady => {
                self.worker_since = at;
                self.enter(Life::Ready, at);
            }
            // Told to the farm's memory as a whole.
            SeenEvent::Adopted { .. }
            | SeenEvent::Vanished
            | SeenEvent::StopCharged
            | SeenEvent::Booted { .. }
            | SeenEvent::BootFailed { .. }
            | SeenEvent::TombstoneDropped => {}
        }
    }

    fn create_unknown(&mut self) {
        if matches!(self.life, Life::Launching(_)) {
            self.life = Life::Launching(Create::Unknown);
        }
    }

    fn change_failed(&mut self, at: Time) {
        self.pending = None;
        self.failed_at = Some(at);
        self.failures = self.failures.saturating_add(1);
    }

    fn hold(&mut self, owner: &Text, reason: &Text, until: Option<Time>) {
        let (owner, reason) = (Text::clone(owner), Text::clone(reason));
        self.held = Some(Hold { owner, reason, until });
    }

    fn miss(&mut self, at: Time) {
        let (count, first) = self.missed.unwrap_or((0, at));
        self.missed = Some((count.saturating_add(1), first));
    }

    fn create_accepted(&mut self, instance: Option<&Text>, event: Option<&Text>) {
        if matches!(self.life, Life::Launching(_)) {
            self.life = Life::Launching(Create::Accepted { event: event.cloned() });
        }
        // Its worker may have joined before this answer came.
        if matches!(self.life, Life::Launching(_) | Life::Booting { again: false }) {
            self.create_event = event.cloned();
        }
        self.instance = self.instance.take().or_else(|| instance.cloned());
    }

    fn intend(&mut self, change: Change, reason: Reason, at: Time) {
        let state = PendingState::Sent;
        self.pending = Some(Pending { change, sent_at: at, seen_at: None, state });
        self.reason = reason;
        if change == Change::Start {
            (self.boot_asked_at, self.boot_failed) = (Some(at), false);
        }
        if matches!(change, Change::Drain | Change::Undrain) {
            self.turned_at = Some(at);
        }
        // From here on workers may take tasks, whatever becomes of the answer.
        self.drain_asked_at.take_if(|_| change == Change::Undrain);
    }

    fn set_pending(&mut self, state: PendingState) {
        if let Some(pending) = &mut self.pending {
            pending.state = state;
        }
    }

    fn enter(&mut self, life: Life, at: Time) {
        (self.charged_off, self.stopped_by_us) = (false, false);
        if life != Life::Ready {
            self.workers_most = 0;
        }
        self.life = life;
        self.since = at;
    }

    fn found(&mut self, instance: &Text, created_at: Option<Time>, status: &Status, at: Time) {
        self.instance = Some(Text::clone(instance));
        self.missed = None;
        if !matches!(self.life, Life::Launching(_)) {
            return;
        }
        self.meter.run(created_at.unwrap_or(at));
        self.meter.estimated |= created_at.is_none();
        if *status == Status::Shutdown {
            self.meter.estimated = true;
            self.meter.stop(at);
            self.enter(Life::Stopped, at);
        } else {
            self.enter(Life::Booting { again: false }, self.made_at.max(self.since));
        }
    }

    fn change_seen(&mut self, at: Time) {
        if let Some(pending) = &mut self.pending {
            pending.seen_at = Some(at);
        }
    }

    /// When a listing first showed the change under way done.
    fn seen_at(&self) -> Option<Time> {
        self.pending.as_ref().and_then(|pending| pending.seen_at)
    }

    fn done(&mut self, change: Change, effective_at: Option<Time>, at: Time) {
        let seen_at = match change {
            Change::Start => self.pending.as_ref().map(|pending| pending.sent_at),
            Change::Drain | Change::Undrain | Change::Stop | Change::Delete => self.seen_at(),
        };
        let since = effective_at.or(seen_at).unwrap_or(at);
        self.pending = None;
        self.failures = 0;
        self.failed_at = None;
        match change {
            Change::Drain => self.drain_asked_at = Some(at),
            Change::Undrain => self.drain_asked_at = None,
            Change::Start => {
                self.meter.estimated |= effective_at.is_none();
                self.meter.run(since);
                self.enter(Life::Booting { again: true }, at);
            }
            Change::Stop => {
                self.meter.estimated |= effective_at.is_none();
                self.meter.stop(since);
                self.enter(Life::Stopped, at);
                self.stopped_by_us = true;
            }
            Change::Delete => {}
        }
    }

    /// The provider goes on showing what we did not ask for: somebody else's hand, or a late one of
    /// ours.
    fn contradicted(&mut self, status: &Status, at: Time) {
        self.reclaimed_at.take_if(|_| matches!(status, Status::Running | Status::Shutdown));
        match status {
            Status::Shutdown if self.life != Life::Stopped => {
                self.meter.estimated = true;
                self.meter.stop(at);
                self.enter(Life::Stopped, at);
            }
            Status::Running if self.life == Life::Stopped => {
                self.meter.estimated = true;
                self.meter.run(at);
                self.enter(Life::Booting { again: true }, at);
                // Its idleness begins now; how long it has booted is not known.
                (self.worker_since, self.boot_asked_at) = (at, None);
                (self.boot_failed, self.reason) = (false, Reason::ByHand);
            }
            Status::Building
            | Status::Running
            | Status::StartingUp
            | Status::ShuttingDown
            | Status::Shutdown
            | Status::Gone
            | Status::Failed
            | Status::Broken
            | Status::Arrears
            | Status::Deleting
            | Status::Other(_) => {}
        }
    }

    fn worker_seen(&mut self, state: Option<WorkerState>, workers: &[Text], at: Time) {
        if !workers.is_empty() {
            self.workers = workers.to_vec();
        }
        self.workers_most = self.workers_most.max(u32::try_from(workers.len()).unwrap_or(0));
        if self.worker != state {
            let at_work = state.is_none() && self.worker == Some(WorkerState::Busy);
            self.vanished_busy_at = at_work.then_some(at);
            self.worker = state;
            self.worker_since = at;
        }
        let joined = matches!(state, Some(WorkerState::Idle | WorkerState::Busy));
        if joined {
            self.create_event = None;
        }
        if joined && matches!(self.life, Life::Booting { .. }) {
            self.enter(Life::Ready, at);
        }
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
