//! What changes the simulated cloud: time, requests, and the provider's own moods.

use super::event::{EventKept, EventKind, TaskKept};
use super::{
    Accepted, Charge, CreateRequest, Due, EVENT_KEPT, Fault, Instance, Operation, Provider,
    SizeKey, State, TRANSITIONS_MAX, Transition,
};
use crate::model::{Span, Text, Time};
use crate::sim::provider::bill::Charges;
use crate::sim::rng::Rng;

impl Provider {
    /// Lets everything happen that is due until `now`. Doing it twice changes nothing.
    pub fn advance(&mut self, now: Time) {
        while let Some(entry) = self.due.first_entry() {
            let (at, _) = *entry.key();
            if now < at {
                break;
            }
            let due = entry.remove();
            self.happen(at, due);
        }
        self.now = self.now.max(now);
        self.settle_account(now);
    }

    /// `CreateInstance`: all of the machines asked for or none.
    pub fn create(&mut self, now: Time, request: &CreateRequest) -> Result<Accepted, Fault> {
        self.advance(now);
        self.catalog.check(request, now)?;
        let present = u32::try_from(self.truth().count()).unwrap_or(u32::MAX);
        if self.catalog.quota < present.saturating_add(request.number) {
            return Err(Fault::quota(self.catalog.quota));
        }
        self.check_terms(now, request)?;
        self.check_room(request)?;
        self.check_balance(now)?;
        let in_stock = match self.take_stock(&(&request.offer).into(), request.number) {
            Err(fault) if !self.dials.sold_out_by_event => return Err(fault),
            taken => taken.is_ok(),
        };
        let mut tasks = Vec::new();
        for serial in 0..request.number {
            let asked = request.addresses.get(usize::try_from(serial).unwrap_or(usize::MAX));
            let address = self.address(&request.offer.zone, asked);
            let name = match request.start_number {
                Some(start) => format!("{}-{}", request.name, start.saturating_add(serial)).into(),
                None => Text::clone(&request.name),
            };
            tasks.push(self.build(now, name, address, request, in_stock));
        }
        self.furnish(now, request, &tasks);
        Ok(self.accept(now, EventKind::Create, tasks))
    }

    /// Disks, addresses and free public addresses for all of them.
    fn check_room(&self, request: &CreateRequest) -> Result<(), Fault> {
        let zone = &request.offer.zone;
        let in_zone = self.truth().filter(|one| one.offer.zone == *zone).count();
        let used = u32::try_from(in_zone).unwrap_or(u32::MAX);
        if self.catalog.subnet_ips < used.saturating_add(request.number) {
            return Err(Fault::no_address());
        }
        for (gib, _) in &request.data_disks {
            super::disk::check_size(*gib)?;
        }
        let data: u32 = request.data_disks.iter().map(|(gib, _)| *gib).sum();
        let system = if &*request.disk_feature == "ssd" { request.disk_gib } else { 0 };
        let gib = system.saturating_add(data).saturating_mul(request.number);
        self.check_disk_quota(zone, gib)?;
        self.check_addresses(zone, &request.addresses, request.number)?;
        self.check_groups(&request.groups)?;
        request.pubnets.iter().try_for_each(|pubnet| self.check_pubnet(pubnet, request.number))
    }

    /// Gives new machines their data disks and public addresses.
    fn furnish(&mut self, now: Time, request: &CreateRequest, tasks: &[TaskKept]) {
        for task in tasks {
            for (gib, release) in &request.data_disks {
                let disk = super::DiskRequest {
                    zone: Text::clone(&request.offer.zone),
                    name: None,
                    gib: *gib,
                    number: 1,
                    instance: Some(Text::clone(&task.instance)),
                    release: *release,
                };
                self.make_disk(now, &disk);
            }
        }
        for pubnet in &request.pubnets {
            let ids: Vec<Text> = tasks.iter().map(|task| Text::clone(&task.instance)).collect();
            self.bind_eips(now, pubnet, &ids);
        }
    }

    /// `OperateInstance` for one instance.
    pub fn operate(
        &mut self,
        now: Time,
        instance: &str,
        operation: Operation,
        delete_eip: bool,
    ) -> Result<Accepted, Fault> {
        self.operate_all(now, &[instance], operation, delete_eip)
    }

    /// `OperateInstance`: all of the instances, which lie in one zone, or none.
    pub fn operate_all(
        &mut self,
        now: Time,
        instances: &[&str],
        operation: Operation,
        delete_eip: bool,
    ) -> Result<Accepted, Fault> {
        self.advance(now);
        let allowed: &[State] = match operation {
            Operation::Start => &[State::Shutdown],
            Operation::Stop | Operation::HardStop | Operation::Restart | Operation::FreeStop => {
                &[State::Running]
            }
        };
        let ids = self.check_states(instances, allowed)?;
        if operation == Operation::Start {
            self.check_balance(now)?;
            self.take_stock_for_start(&ids)?;
        }
        let (kind, range, state) = match operation {
            Operation::Start => (EventKind::Start, self.dials.start, State::StartingUp),
            Operation::Stop | Operation::HardStop | Operation::FreeStop => {
                (EventKind::Stop, self.dials.stop, State::ShuttingDown)
            }
            Operation::Restart => (EventKind::Restart, self.dials.restart, State::Restarting),
        };
        let mut tasks = Vec::new();
        for id in ids {
            let takes = range.draw(&mut self.draws.times);
            let free = operation == Operation::FreeStop && self.may_stop_free(&id);
            let task = self.begin(now, &id, kind, takes);
            if let Some(instance) = self.instances.get_mut(&id) {
                instance.is_free = free;
                instance.released_eip |= free && delete_eip;
                if operation == Operation::Start {
                    instance.before = Some(instance.charges.clone());
                    instance.charges.switch(Charge::Running, task.created_at);
                }
            }
            self.enter(&id, state, now);
            tasks.push(task);
        }
        Ok(self.accept(now, kind, tasks))
    }

    /// `DeleteInstance` for one instance.
    pub fn delete(
        &mut self,
        now: Time,
        instance: &str,
        delete_eip: bool,
    ) -> Result<Accepted, Fault> {
        self.delete_all(now, &[instance], delete_eip)
    }

    /// `DeleteInstance`: all of the instances, which lie in one zone, or none.
    pub fn delete_all(
        &mut self,
        now: Time,
        instances: &[&str],
        delete_eip: bool,
    ) -> Result<Accepted, Fault> {
        self.advance(now);
        let allowed = [State::Running, State::Shutdown, State::Failed];
        let ids = self.check_states(instances, &allowed)?;
        let mut tasks = Vec::new();
        for id in ids {
            let takes = self.dials.delete.draw(&mut self.draws.times);
            tasks.push(self.begin(now, &id, EventKind::Delete, takes));
            if let Some(instance) = self.instances.get_mut(&id) {
                instance.released_eip |= delete_eip;
            }
            self.enter(&id, State::Deleting, now);
        }
        Ok(self.accept(now, EventKind::Delete, tasks))
    }

    /// The provider takes a running instance back, without a word. Says whether it did.
    pub fn reclaim(&mut self, now: Time, instance: &str) -> bool {
        self.advance(now);
        let Some((id, kept)) = self.instances.get_key_value(instance) else { return false };
        if kept.state != State::Running {
            return false;
        }
        let id = Text::clone(id);
        let ends_at = now + self.dials.delete.draw(&mut self.draws.times);
        let ends = Due::Ends { instance: Text::clone(&id), kind: EventKind::Delete, fails: None };
        self.later(ends_at, ends);
        self.enter(&id, State::Deleting, now);
        true
    }

    fn happen(&mut self, at: Time, due: Due) {
        match due {
            Due::Ends { instance, kind, fails: Some(back) } => {
                self.fail(at, &instance, kind, back);
            }
            Due::Ends { instance, kind, fails: None } => self.end(at, &instance, kind),
            Due::Reclaim { instance } => {
                self.reclaim(at, &instance);
            }
            Due::Forget { instance } => {
                if let Some(gone) = self.instances.remove(&instance) {
                    self.closed.push(gone.bill_line(at));
                }
            }
            Due::ForgetEvent { event } => {
                self.events.remove(&event);
            }
            Due::Stock { what, units } => self.restock(at, &what, units),
        }
    }

    /// A change is done.
    fn end(&mut self, at: Time, id: &Text, kind: EventKind) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        let state = match kind {
            EventKind::Create | EventKind::Restart => State::Running,
            EventKind::Start => {
                instance.before = None;
                State::Running
            }
            EventKind::Stop => {
                if instance.is_free {
                    instance.charges.switch(Charge::Stopped, at);
                    if instance.released_eip {
                        self.leave_eips(id, at, true);
                    }
                    self.give_stock_back(id);
                }
                State::Shutdown
            }
            EventKind::CreateDisk
            | EventKind::DeleteDisk
            | EventKind::MountDisk
            | EventKind::UnmountDisk
            | EventKind::ExtendDisk
            | EventKind::CreateSnapshot
            | EventKind::DeleteSnapshot
            | EventKind::RollBack
            | EventKind::CreateImage
            | EventKind::DeleteImage
            | EventKind::SyncImage
            | EventKind::Password
            | EventKind::Resize => return, // settled with the account
            EventKind::Delete => {
                instance.charges.switch(Charge::Nothing, at);
                let released = instance.released_eip;
                self.leave_disks(id, at);
                self.leave_eips(id, at, released);
                self.give_stock_back(id);
                let kept = self.dials.deleted_kept;
                self.forget_later(at + kept, id);
                State::Deleted
            }
        };
        self.enter(id, state, at);
    }

    /// A change has failed: all is as it was before, and nothing is charged for it.
    fn fail(&mut self, at: Time, id: &Text, kind: EventKind, back: State) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        match kind {
            EventKind::Create => {
                instance.charges = Charges::default();
                self.give_stock_back(id);
                let kept = self.dials.failed_kept;
                self.forget_later(at + kept, id);
            }
            EventKind::Start => {
                if let Some(before) = instance.before.take() {
                    instance.charges = before;
                }
                instance.is_free = instance.charge() == Charge::Stopped;
                if instance.is_free {
                    self.give_stock_back(id);
                }
            }
            EventKind::Stop => instance.is_free = false,
            EventKind::Restart
            | EventKind::Delete
            | EventKind::CreateDisk
            | EventKind::DeleteDisk
            | EventKind::MountDisk
            | EventKind::UnmountDisk
            | EventKind::ExtendDisk
            | EventKind::CreateSnapshot
            | EventKind::DeleteSnapshot
            | EventKind::RollBack
            | EventKind::CreateImage
            | EventKind::DeleteImage
            | EventKind::SyncImage
            | EventKind::Password
            | EventKind::Resize => {}
        }
        self.enter(id, back, at);
    }

    /// Rows stay until no listing is old enough to show them.
    fn forget_later(&mut self, at: Time, id: &Text) {
        let at = at + self.dials.lag.max + Span::seconds(1);
        self.later(at, Due::Forget { instance: Text::clone(id) });
    }

    fn build(
        &mut self,
        now: Time,
        name: Text,
        address: Text,
        request: &CreateRequest,
        in_stock: bool,
    ) -> TaskKept {
        let id = instance_id(&mut self.draws.ids);
        let offer = &request.offer;
        let stopped_day = self.catalog.disk_day(&offer.zone, request.disk_gib);
        let mut instance = Instance {
            id: Text::clone(&id),
            name: Text::clone(&name),
            offer: offer.clone(),
            state: State::Building,
            since: now,
            made_at: now,
            running_since: None,
            is_free: false,
            holds_stock: in_stock,
            released_eip: false,
            image: Text::clone(&request.image),
            address,
            groups: super::membership::ordered(&request.groups),
            details: request.details.clone(),
            disk_feature: Text::clone(&request.disk_feature),
            disk_gib: request.disk_gib,
            running_day: self.catalog.running_day(offer, request.disk_gib).unwrap_or_default(),
            stopped_day: stopped_day.unwrap_or_default(),
            paid_until: None,
            shown: None,
            charges: Charges::default(),
            before: None,
            history: std::collections::VecDeque::new(),
        };
        instance.charges.unit = self.catalog.billing_unit.as_seconds();
        instance.charges.switch(Charge::Running, now);
        self.price_new(now, &mut instance, request);
        self.instances.insert(Text::clone(&id), instance);
        *self.names.entry(name).or_default() += 1;
        let (takes, hangs) = self.making_takes();
        let ordered = self.failing != 0;
        self.failing = self.failing.saturating_sub(1);
        let chance = self.draws.failures.chance(self.dials.create_fails_ppm);
        let fails = chance || hangs || !in_stock || ordered;
        if self.draws.reclaims.chance(self.dials.reclaim_ppm) {
            let at = now + self.dials.reclaim_after.draw(&mut self.draws.reclaims);
            self.later(at, Due::Reclaim { instance: Text::clone(&id) });
        }
        let task =
            self.schedule(now, &id, EventKind::Create, takes, fails.then_some(State::Failed));
        self.enter(&id, State::Building, now);
        task
    }

    /// How long a machine is in the making, and whether it hangs there and fails.
    fn making_takes(&mut self) -> (Span, bool) {
        let takes = self.dials.create.draw(&mut self.draws.times);
        let hangs = self.draws.failures.chance(self.dials.create_hangs_ppm);
        if hangs {
            return (self.dials.hang.draw(&mut self.draws.failures), true);
        }
        let ordered = self.hanging.0 != 0;
        self.hanging.0 = self.hanging.0.saturating_sub(1);
        (if ordered { self.hanging.1 } else { takes }, false)
    }

    /// A change of an existing instance gets under way.
    fn begin(&mut self, now: Time, id: &Text, kind: EventKind, takes: Span) -> TaskKept {
        let fails = self.draws.failures.chance(self.dials.change_fails_ppm);
        let back = self.instances.get(id).map_or(State::Running, |instance| instance.state);
        self.schedule(now, id, kind, takes, fails.then_some(back))
    }

    fn schedule(
        &mut self,
        now: Time,
        id: &Text,
        kind: EventKind,
        takes: Span,
        fails: Option<State>,
    ) -> TaskKept {
        let created_at = now + self.dials.task_delay.draw(&mut self.draws.events);
        let ends_at = created_at + takes;
        let delay = self.dials.event_delay.draw(&mut self.draws.events);
        let lost = self.draws.events.chance(self.dials.event_lost_ppm);
        self.later(ends_at, Due::Ends { instance: Text::clone(id), kind, fails });
        TaskKept {
            instance: Text::clone(id),
            created_at,
            ends_at,
            told_at: if lost { Time::MAX } else { ends_at + delay },
            fails: fails.is_some(),
        }
    }

    pub(super) fn accept(&mut self, now: Time, kind: EventKind, tasks: Vec<TaskKept>) -> Accepted {
        let event = event_id(&mut self.draws.ids);
        let instances = tasks.iter().map(|task| Text::clone(&task.instance)).collect();
        let kept = EventKept { kind, created_at: now, tasks };
        self.events.insert(Text::clone(&event), kept);
        self.later(now + EVENT_KEPT, Due::ForgetEvent { event: Text::clone(&event) });
        Accepted { event, instances }
    }

    fn enter(&mut self, id: &Text, state: State, at: Time) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        instance.enter(state, at);
        if self.transitions.len() == TRANSITIONS_MAX {
            self.transitions.pop_front();
        }
        self.transitions.push_back(Transition { at, instance: Text::clone(id), state });
    }

    fn check_balance(&self, now: Time) -> Result<(), Fault> {
        match self.catalog.balance {
            Some(balance) if balance <= self.owed(now) => Err(Fault::no_money()),
            Some(_) | None => Ok(()),
        }
    }

    /// All are there, in one of these states, in one zone, and each is named once.
    pub(super) fn check_states(
        &self,
        instances: &[&str],
        allowed: &[State],
    ) -> Result<Vec<Text>, Fault> {
        let mut found: Vec<&Instance> = Vec::new();
        for id in instances {
            let there = self.instances.get(*id).filter(|one| one.state != State::Deleted);
            found.push(there.ok_or_else(|| Fault::no_instance(id))?);
        }
        let Some(first) = found.first() else { return Err(Fault::missing("EcsIds")) };
        if found.iter().any(|one| one.offer.zone != first.offer.zone) {
            return Err(Fault::zone_mismatch());
        }
        if let Some(wrong) = found.iter().find(|one| !allowed.contains(&one.state)) {
            return Err(Fault::wrong_state(wrong.state.code()));
        }
        if let Some(busy) = instances.iter().find_map(|id| self.busy(id)) {
            return Err(Fault::wrong_state(busy.code));
        }
        let mut ids: Vec<_> = found.iter().map(|one| Text::clone(&one.id)).collect();
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    fn may_stop_free(&self, id: &str) -> bool {
        self.catalog.free_stop && self.instances.get(id).is_some_and(Instance::can_stop_free)
    }

    fn take_stock(&mut self, what: &SizeKey, number: u32) -> Result<(), Fault> {
        match self.stock.get_mut(what) {
            None => Err(Fault::no_size()),
            Some(None) => Ok(()),
            Some(Some(left)) => {
                *left = left.checked_sub(number).ok_or_else(Fault::sold_out)?;
                Ok(())
            }
        }
    }

    /// A machine stopped without charge has given its GPU back and must get one again.
    fn take_stock_for_start(&mut self, ids: &[Text]) -> Result<(), Fault> {
        let mut needs = std::collections::BTreeMap::<SizeKey, u32>::new();
        for instance in ids.iter().filter_map(|id| self.instances.get(id)) {
            if !instance.holds_stock {
                *needs.entry((&instance.offer).into()).or_default() += 1;
            }
        }
        let lacks = |(what, number): (&SizeKey, &u32)| {
            self.stock.get(what).copied().flatten().is_some_and(|left| left < *number)
        };
        if needs.iter().any(lacks) {
            return Err(Fault::sold_out());
        }
        for (what, number) in needs {
            self.take_stock(&what, number)?;
        }
        for id in ids {
            if let Some(instance) = self.instances.get_mut(id) {
                instance.holds_stock = true;
            }
        }
        Ok(())
    }

    fn give_stock_back(&mut self, id: &Text) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        if !std::mem::take(&mut instance.holds_stock) {
            return;
        }
        let what = SizeKey::from(&instance.offer);
        if self.draws.others.chance(self.dials.taken_by_others_ppm) {
            return;
        }
        if let Some(Some(left)) = self.stock.get_mut(&what) {
            *left = left.saturating_add(1);
        }
    }
}

/// `ins-` and 16 letters or digits.
fn instance_id(ids: &mut Rng) -> Text {
    let digit = |_| u32::try_from(ids.below(36)).ok().and_then(|digit| char::from_digit(digit, 36));
    format!("ins-{}", (0..16).filter_map(digit).collect::<String>()).into()
}

/// In the form of a UUID.
fn event_id(ids: &mut Rng) -> Text {
    let (high, low) = (ids.bits(), ids.bits());
    let (node, clock) = (low & 0xffff_ffff_ffff, low >> 48);
    format!(
        "{:08x}-{:04x}-4{:03x}-{clock:04x}-{node:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff
    )
    .into()
}
