//! How each event changes one machine.

use crate::model::event::SeenEvent;
use crate::model::snapshot::Hold;
use crate::model::{Change, OfferKey, Quote, Reason, Status, Text, Time, WorkerState};

use super::{
    Backoff, Boot, BootOf, Create, Drain, Heard, Life, Machine, Meter, Missed, Off, Pending,
    PendingState, Sighting, UnexpectedStatus, Usage,
};

impl Machine {
    pub(in crate::memory) fn launched(
        pool: &Text,
        offer: &OfferKey,
        quote: Quote,
        at: Time,
        reason: Reason,
    ) -> Self {
        let mut machine = Self::launched_unquoted(pool, offer, at);
        machine.quote = Some(quote);
        machine.meter = Meter::by(quote.unit);
        machine.reason = reason;
        machine
    }

    pub(in crate::memory) fn launched_unquoted(pool: &Text, offer: &OfferKey, at: Time) -> Self {
        Self {
            pool: Text::clone(pool),
            offer: offer.clone(),
            quote: None,
            made_at: at,
            instance: None,
            queue: "".into(),
            build: None,
            life: Life::Launching(Create::Sent),
            since: at,
            pending: None,
            heard: Heard::nothing(at),
            drain: Drain::default(),
            backoff: Backoff::default(),
            sighting: Sighting::default(),
            held: None,
            meter: Meter::default(),
            usage: Usage::default(),
            reason: Reason::Found,
        }
    }

    pub(in crate::memory) fn seen(&mut self, event: &SeenEvent, at: Time) {
        match event {
            SeenEvent::Found { instance, created_at, status } => {
                self.found(instance, *created_at, status, at);
            }
            SeenEvent::StatusSeen { status } => self.contradicted(status, at),
            SeenEvent::Held { owner, reason, until } => self.hold(owner, reason, *until),
            SeenEvent::Released { .. } => self.held = None,
            SeenEvent::UnexpectedStatus { status } => {
                self.sighting.unexpected_status = Some(UnexpectedStatus::new(status, at));
            }
            SeenEvent::StatusNormal => self.sighting.unexpected_status = None,
            SeenEvent::Missed => self.miss(at),
            SeenEvent::Reappeared | SeenEvent::KnownById => self.sighting.missed = None,
            SeenEvent::UnknownById => {
                let missed = &mut self.sighting.missed;
                *missed = missed.map(|missed| Missed { denied: true, ..missed });
            }
            SeenEvent::Quoted { quote } => self.quote = Some(*quote),
            SeenEvent::WorkerSeen { state, workers, .. } => self.worker_seen(*state, workers, at),
            SeenEvent::ChangeSeen => self.change_seen(at),
            SeenEvent::Reclaimed { .. } => self.sighting.reclaimed_at = Some(at),
            SeenEvent::AssumedReady => {
                self.heard.since = at;
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

    pub(in crate::memory) fn create_unknown(&mut self) {
        if matches!(self.life, Life::Launching(_)) {
            self.life = Life::Launching(Create::Unknown);
        }
    }

    pub(in crate::memory) fn change_failed(&mut self, at: Time) {
        self.pending = None;
        self.backoff.failed_at = Some(at);
        self.backoff.failures = self.backoff.failures.saturating_add(1);
    }

    fn hold(&mut self, owner: &Text, reason: &Text, until: Option<Time>) {
        let (owner, reason) = (Text::clone(owner), Text::clone(reason));
        self.held = Some(Hold { owner, reason, until });
    }

    fn miss(&mut self, at: Time) {
        let missed = self.sighting.missed.unwrap_or(Missed::now(at));
        self.sighting.missed =
            Some(Missed { listings: missed.listings.saturating_add(1), ..missed });
    }

    pub(in crate::memory) fn create_accepted(
        &mut self,
        instance: Option<&Text>,
        event: Option<&Text>,
    ) {
        match &mut self.life {
            Life::Launching(create) => *create = Create::Accepted { event: event.cloned() },
            Life::Booting(Boot { of: BootOf::New { create_event }, .. }) => {
                *create_event = event.cloned();
            }
            // It was seen, and its worker has joined, before this answer came.
            Life::Booting(_) | Life::Ready | Life::Stopped(_) => {}
        }
        self.instance = self.instance.take().or_else(|| instance.cloned());
    }

    pub(in crate::memory) fn intend(&mut self, change: Change, reason: Reason, at: Time) {
        let state = PendingState::Sent;
        self.pending = Some(Pending { change, sent_at: at, seen_at: None, state });
        self.reason = reason;
        if matches!(change, Change::Drain | Change::Undrain) {
            self.drain.turned_at = Some(at);
        }
        // From here on workers may take tasks, whatever becomes of the answer.
        self.drain.asked_at.take_if(|_| change == Change::Undrain);
    }

    pub(in crate::memory) fn set_pending(&mut self, state: PendingState) {
        if let Some(pending) = &mut self.pending {
            pending.state = state;
        }
    }

    fn enter(&mut self, life: Life, at: Time) {
        if life != Life::Ready {
            self.heard.most = 0;
        }
        self.life = life;
        self.since = at;
    }

    pub(in crate::memory) fn found(
        &mut self,
        instance: &Text,
        created_at: Option<Time>,
        status: &Status,
        at: Time,
    ) {
        self.instance = Some(Text::clone(instance));
        self.sighting.missed = None;
        let Life::Launching(create) = &self.life else { return };
        let create_event = match create {
            Create::Accepted { event } if !self.heard.has_joined() => event.clone(),
            Create::Accepted { .. } | Create::Sent | Create::Unknown => None,
        };
        self.meter.run(created_at.unwrap_or(at));
        self.meter.estimated |= created_at.is_none();
        if *status == Status::Shutdown {
            self.meter.estimated = true;
            self.meter.stop(at);
            self.enter(Life::Stopped(Off::default()), at);
        } else {
            let (of, asked_at) = (BootOf::New { create_event }, Some(self.made_at));
            let boot = Boot { of, asked_at, given_up: false };
            self.enter(Life::Booting(boot), self.made_at.max(self.since));
        }
    }

    fn change_seen(&mut self, at: Time) {
        if let Some(pending) = &mut self.pending {
            pending.seen_at = Some(at);
        }
    }

    /// When a listing first showed the change under way done.
    pub(in crate::memory) fn seen_at(&self) -> Option<Time> {
        self.pending.as_ref().and_then(|pending| pending.seen_at)
    }

    pub(in crate::memory) fn done(&mut self, change: Change, effective_at: Option<Time>, at: Time) {
        let asked_at = self.pending.as_ref().map(|pending| pending.sent_at);
        let seen_at = match change {
            Change::Start => asked_at,
            Change::Drain | Change::Undrain | Change::Stop | Change::Delete => self.seen_at(),
        };
        let since = effective_at.or(seen_at).unwrap_or(at);
        self.pending = None;
        self.backoff = Backoff { unknown_at: self.backoff.unknown_at, ..Backoff::default() };
        match change {
            Change::Drain => self.drain.asked_at = Some(at),
            Change::Undrain => self.drain.asked_at = None,
            Change::Start => {
                self.meter.estimated |= effective_at.is_none();
                self.meter.run(since);
                let boot = Boot { of: BootOf::Stopped, asked_at, given_up: false };
                self.enter(Life::Booting(boot), at);
            }
            Change::Stop => {
                self.meter.estimated |= effective_at.is_none();
                self.meter.stop(since);
                self.enter(Life::Stopped(Off { by_us: true, charged: false }), at);
            }
            Change::Delete => {}
        }
    }

    /// The provider goes on showing what we did not ask for: somebody else's hand, or a late one of
    /// ours.
    fn contradicted(&mut self, status: &Status, at: Time) {
        let reclaimed_at = &mut self.sighting.reclaimed_at;
        reclaimed_at.take_if(|_| matches!(status, Status::Running | Status::Shutdown));
        match status {
            Status::Shutdown if !self.is_off() => {
                self.meter.estimated = true;
                self.meter.stop(at);
                self.enter(Life::Stopped(Off::default()), at);
            }
            Status::Running if self.is_off() => {
                self.meter.estimated = true;
                self.meter.run(at);
                // Its idleness begins now; how long it has booted is not known.
                let boot = Boot { of: BootOf::Stopped, asked_at: None, given_up: false };
                self.enter(Life::Booting(boot), at);
                (self.heard.since, self.reason) = (at, Reason::ByHand);
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
        let heard = &mut self.heard;
        if !workers.is_empty() {
            heard.names = workers.to_vec();
        }
        heard.most = heard.most.max(u32::try_from(workers.len()).unwrap_or(0));
        if heard.state != state {
            let at_work = state.is_none() && heard.state == Some(WorkerState::Busy);
            heard.vanished_at_work = at_work.then_some(at);
            (heard.state, heard.since) = (state, at);
        }
        if heard.has_joined() && matches!(self.life, Life::Booting(_)) {
            self.enter(Life::Ready, at);
        }
    }

    /// Its boot has had its time.
    pub(in crate::memory) fn give_boot_up(&mut self) {
        if let Life::Booting(boot) = &mut self.life {
            boot.given_up = true;
        }
    }

    /// It is off, and charged as if it ran.
    pub(in crate::memory) fn charge_stop(&mut self) {
        if let Life::Stopped(off) = &mut self.life {
            off.charged = true;
            self.meter.never_stopped();
        }
    }

    /// When it was asked to boot is not known: it teaches nothing of boots.
    pub(in crate::memory) fn forget_boot(&mut self) {
        if let Life::Booting(boot) = &mut self.life {
            boot.asked_at = None;
        }
    }
}
