//! Images per zone, made of machines, copied and deleted; and what else is done to a machine that
//! is shut down.

use std::collections::BTreeMap;

use super::account::Busy;
use super::bill::Charges;
use super::event::{EventKind, TaskKept};
use super::{Accepted, Fault, ImageSpec, Provider, Size, SizeKey, State};
use crate::model::{Billing, OfferKey, Span, Text, Time};

/// How long an image takes to make, and to copy.
const TAKES: Span = Span::minutes(3);
/// How long a resize takes, and a new password.
const SHORT: Span = Span::seconds(20);

/// What a new image is called, and whether it is accelerated.
#[derive(Debug, Clone, Copy)]
pub struct NewImage<'a> {
    /// `Name`.
    pub name: &'a str,
    /// `IsOptimized`.
    pub is_optimized: bool,
}

impl ImageSpec {
    /// Whether it can be used in a zone at `now`.
    pub fn is_in(&self, zone: &str, now: Time) -> bool {
        self.zones.as_ref().is_none_or(|zones| zones.get(zone).is_some_and(|ready| *ready <= now))
    }

    /// Whether it is, or will be, in a zone.
    pub fn is_listed_in(&self, zone: &str) -> bool {
        self.zones.as_ref().is_none_or(|zones| zones.contains_key(zone))
    }
}

impl Provider {
    /// `CreateImage` of a machine that is shut down.
    pub fn create_image(
        &mut self,
        now: Time,
        instance: &str,
        new: NewImage<'_>,
    ) -> Result<(Accepted, Text), Fault> {
        self.advance(now);
        let ids = self.check_states(&[instance], &[State::Shutdown])?;
        let id = ids.into_iter().next().ok_or_else(|| Fault::no_instance(instance))?;
        let Some(machine) = self.instances.get(&id) else { return Err(Fault::no_instance(&id)) };
        let (gib, offer) = (machine.disk_gib, machine.offer.clone());
        let image = self.make_image(now, new, gib, &offer);
        let (code, display) = ("creating_image", "定制镜像中");
        let busy = Busy { until: now + TAKES, code, display, becomes: None };
        self.account.busy.insert(id, busy);
        let task = done_after(&image, now, TAKES);
        Ok((self.accept(now, EventKind::CreateImage, vec![task]), image))
    }

    /// `CreateImageBySnapshot` of a machine's system disk.
    pub fn create_image_of_snapshot(
        &mut self,
        now: Time,
        snapshot: &str,
        new: NewImage<'_>,
    ) -> Result<(Accepted, Text), Fault> {
        self.advance(now);
        let found = self.account.snapshots.get(snapshot).ok_or_else(Fault::no_snapshot)?;
        let machine = found.disk.instance.as_deref().and_then(|id| self.instances.get(id));
        let Some(machine) = machine.filter(|_| found.disk.is_system) else {
            return Err(Fault::parameter("SnapshotId"));
        };
        let (gib, offer) = (found.disk.gib, machine.offer.clone());
        let image = self.make_image(now, new, gib, &offer);
        let task = done_after(&image, now, TAKES);
        Ok((self.accept(now, EventKind::CreateImage, vec![task]), image))
    }

    fn make_image(&mut self, now: Time, new: NewImage<'_>, gib: u32, of: &OfferKey) -> Text {
        let family = self.catalog.family(&of.family);
        let spec = ImageSpec {
            id: self.account.id("img-"),
            name: new.name.into(),
            driver: family.map_or_else(|| "".into(), |family| Text::clone(&family.driver)),
            os_gib: gib,
            template: "private".into(),
            zones: Some(BTreeMap::from([(Text::clone(&of.zone), now + TAKES)])),
            is_optimized: new.is_optimized,
            created_at: Some(now),
        };
        let image = Text::clone(&spec.id);
        self.catalog.images.push(spec);
        image
    }

    /// `SyncImage`.
    pub fn sync_image(
        &mut self,
        now: Time,
        image: &str,
        zones: &[&str],
    ) -> Result<Accepted, Fault> {
        self.advance(now);
        if zones.iter().any(|zone| self.catalog.zone(zone).is_none()) {
            return Err(Fault::no_zone());
        }
        let image = self.image_mut(image)?;
        if &*image.template != "private" {
            return Err(Fault::parameter("ImageId"));
        }
        let id = Text::clone(&image.id);
        if let Some(present) = &mut image.zones {
            for zone in zones {
                present.entry((*zone).into()).or_insert(now + TAKES);
            }
        }
        Ok(self.accept(now, EventKind::SyncImage, vec![done_after(&id, now, TAKES)]))
    }

    /// `DeleteImage`: in one zone, or, without one, in all.
    pub fn delete_images(
        &mut self,
        now: Time,
        images: &[&str],
        zone: Option<&str>,
    ) -> Result<Accepted, Fault> {
        self.advance(now);
        if zone.is_some_and(|zone| self.catalog.zone(zone).is_none()) {
            return Err(Fault::no_zone());
        }
        let all: BTreeMap<Text, Time> = self
            .catalog
            .zones
            .iter()
            .map(|one| (Text::clone(&one.code), Time::default()))
            .collect();
        for image in images {
            if &*self.image_mut(image)?.template != "private" {
                return Err(Fault::parameter("ImageIds"));
            }
        }
        let mut tasks = Vec::new();
        for image in images {
            let image = self.image_mut(image)?;
            let present = image.zones.get_or_insert_with(|| all.clone());
            match zone {
                Some(zone) => drop(present.remove(zone)),
                None => present.clear(),
            }
            tasks.push(done_after(&Text::clone(&image.id), now, SHORT));
        }
        Ok(self.accept(now, EventKind::DeleteImage, tasks))
    }

    /// `ModifyInstancePassword`.
    pub fn set_password(&mut self, now: Time, instances: &[&str]) -> Result<Accepted, Fault> {
        self.advance(now);
        let ids = self.check_states(instances, &[State::Running, State::Shutdown])?;
        self.check_charged(&ids)?;
        let tasks = ids.iter().map(|id| done_after(id, now, SHORT)).collect();
        Ok(self.accept(now, EventKind::Password, tasks))
    }

    /// `ModifyInstanceName`.
    pub fn rename(&mut self, now: Time, instance: &str, name: &str) -> Result<(), Fault> {
        self.advance(now);
        let there = self.instances.get_mut(instance).filter(|one| one.state.exists());
        let machine = there.ok_or_else(|| Fault::no_instance(instance))?;
        if machine.charge() == super::Charge::Stopped {
            return Err(Fault::off_without_charge());
        }
        machine.name = name.into();
        Ok(())
    }

    /// `ChangeInstanceConfigure`: machines that are shut down, never spot, never between GPU and
    /// no GPU, drivers or (with a local disk) families.
    pub fn resize(
        &mut self,
        now: Time,
        instances: &[&str],
        family: &str,
        size: Size,
    ) -> Result<Accepted, Fault> {
        self.advance(now);
        let mut changes = Vec::new();
        for instance in instances {
            let id = self.check_shut_down(instance)?;
            let Some(machine) = self.instances.get(&id) else { continue };
            let offer = OfferKey {
                family: family.into(),
                cpu: size.cpu,
                ram_gib: size.ram_gib,
                gpus: size.gpus,
                ..machine.offer.clone()
            };
            let driver = |name: &str| self.catalog.family(name).map(|one| Text::clone(&one.driver));
            if machine.offer.billing == Billing::Spot {
                return Err(Fault::invalid_operation("竞价实例不支持变更规格"));
            }
            if (machine.offer.gpus == 0) != (size.gpus == 0)
                || driver(&machine.offer.family) != driver(family)
                || (&*machine.disk_feature == "local" && *machine.offer.family != *family)
            {
                return Err(Fault::invalid_operation("不支持变更到该规格"));
            }
            if !self.catalog.sizes.contains_key(&SizeKey::from(&offer)) {
                return Err(Fault::no_size());
            }
            changes.push((id, offer));
        }
        let mut tasks = Vec::new();
        for (id, offer) in changes {
            tasks.push(done_after(&id, now, SHORT));
            let (code, display) = ("updating", "更新中");
            let busy = Busy { until: now + SHORT, code, display, becomes: Some(offer) };
            self.account.busy.insert(id, busy);
        }
        Ok(self.accept(now, EventKind::Resize, tasks))
    }

    /// A resize has ended: from here on the new price holds.
    pub(super) fn resized(&mut self, id: &Text, at: Time, offer: OfferKey) {
        let Some(machine) = self.instances.get_mut(id) else { return };
        self.closed.push(super::BillLine { open: false, ..machine.bill_line(at) });
        let charge = machine.charge();
        machine.charges = Charges::default();
        machine.charges.switch(charge, at);
        machine.running_day =
            self.catalog.running_day(&offer, machine.disk_gib).unwrap_or_default();
        machine.offer = offer;
    }

    fn check_shut_down(&self, instance: &str) -> Result<Text, Fault> {
        let mut ids = self.check_states(&[instance], &[State::Shutdown])?;
        self.check_charged(&ids)?;
        ids.pop().ok_or_else(|| Fault::no_instance(instance))
    }

    /// While a machine is off without charge, it can be started, deleted, and an image made of it.
    fn check_charged(&self, ids: &[Text]) -> Result<(), Fault> {
        let charge = |id: &Text| self.instances.get(id).map(super::Instance::charge);
        let is_free = ids.iter().any(|id| charge(id) == Some(super::Charge::Stopped));
        if is_free { Err(Fault::off_without_charge()) } else { Ok(()) }
    }

    fn image_mut(&mut self, id: &str) -> Result<&mut ImageSpec, Fault> {
        let is_it = |image: &&mut ImageSpec| &*image.id == id;
        self.catalog.images.iter_mut().find(is_it).ok_or_else(Fault::no_image)
    }
}

/// A task that ends well.
fn done_after(resource: &Text, now: Time, takes: Span) -> TaskKept {
    let ends_at = now + takes;
    let instance = Text::clone(resource);
    TaskKept { instance, created_at: now, ends_at, told_at: ends_at, fails: false }
}
