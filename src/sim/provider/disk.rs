//! Data disks: a state machine of their own, billed until they are deleted.

use super::bill::{BillLine, Charge, Charges};
use super::event::{EventKind, TaskKept};
use super::snapshot::FOREVER;
use super::{Accepted, Fault, Provider, State};
use crate::model::{Money, Span, Text, Time};

/// Data disks come in steps of this many GiB…
const STEP_GIB: u32 = 8;
/// …from this many…
const MIN_GIB: u32 = 24;
/// …up to this many.
const MAX_GIB: u32 = 32_000;
/// Data disks of one machine, at most.
const PER_INSTANCE_MAX: usize = 16;
/// How long a change of a disk takes.
const TAKES: Span = Span::seconds(8);

/// `Status` of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskState {
    /// Being made.
    Building,
    /// Attached.
    Running,
    /// Being attached.
    Mounting,
    /// Being detached.
    Unmounting,
    /// Attached to nothing.
    Waiting,
    /// Being made larger.
    Updating,
    /// On its way out.
    Deleting,
    /// Gone.
    Deleted,
}

/// A data disk, in truth.
#[derive(Debug, Clone)]
pub struct Disk {
    /// `DiskId`.
    pub id: Text,
    /// `DiskName`.
    pub name: Text,
    /// Its zone's code.
    pub zone: Text,
    /// GiB.
    pub gib: u32,
    /// What it is now.
    pub state: DiskState,
    /// The machine it is attached to.
    pub instance: Option<Text>,
    /// Whether it is deleted with its machine.
    pub release: bool,
    /// What a day costs.
    pub day: Money,
    charges: Charges,
    /// What it becomes, and when; one change at a time.
    next: Option<(Time, EventKind, Box<Self>)>,
}

/// A request for disks.
#[derive(Debug, Clone)]
pub struct DiskRequest {
    /// Where.
    pub zone: Text,
    /// `DiskName`.
    pub name: Option<Text>,
    /// GiB each.
    pub gib: u32,
    /// How many.
    pub number: u32,
    /// Attached to this machine.
    pub instance: Option<Text>,
    /// Deleted with it.
    pub release: bool,
}

impl DiskState {
    /// The vendor's code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Running => "running",
            Self::Mounting => "mounting",
            Self::Unmounting => "unmounting",
            Self::Waiting => "waiting",
            Self::Updating => "updating",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }

    /// The vendor's word for people.
    pub const fn display(self) -> &'static str {
        match self {
            Self::Building => "创建中",
            Self::Running => "使用中",
            Self::Mounting => "挂载中",
            Self::Unmounting => "卸载中",
            Self::Waiting => "待挂载",
            Self::Updating => "更新中",
            Self::Deleting => "删除中",
            Self::Deleted => "已删除",
        }
    }
}

impl Disk {
    /// Its line of the bill at `now`.
    pub(super) fn bill_line(&self, now: Time) -> BillLine {
        let (running_seconds, _) = self.charges.until(now);
        BillLine {
            instance: Text::clone(&self.id),
            name: Text::clone(&self.name),
            running_seconds,
            stopped_seconds: 0,
            running_day: self.day,
            stopped_day: Money::ZERO,
            open: self.charges.charge() != Charge::Nothing,
        }
    }
}

impl Provider {
    /// Every data disk that is not gone.
    pub fn disks(&self) -> impl Iterator<Item = &Disk> {
        self.account.disks.values().filter(|disk| disk.state != DiskState::Deleted)
    }

    /// (all, used) GiB of cloud disk in a zone, system disks included.
    pub fn disk_quota(&self, zone: &str) -> (u32, u32) {
        let is_cloud =
            |one: &&super::Instance| &*one.offer.zone == zone && &*one.disk_feature == "ssd";
        let system = self.truth().filter(is_cloud).map(|one| one.disk_gib);
        let data = self.disks().filter(|disk| &*disk.zone == zone).map(|disk| disk.gib);
        (self.catalog.disk_quota_gib, system.chain(data).fold(0, u32::saturating_add))
    }

    pub(super) fn check_disk_quota(&self, zone: &str, gib: u32) -> Result<(), Fault> {
        let (all, used) = self.disk_quota(zone);
        if all < used.saturating_add(gib) { Err(Fault::disk_quota(all)) } else { Ok(()) }
    }

    /// `CreateDisk`.
    pub fn create_disks(&mut self, now: Time, request: &DiskRequest) -> Result<Accepted, Fault> {
        self.advance(now);
        check_size(request.gib)?;
        self.catalog.zone(&request.zone).ok_or_else(Fault::no_zone)?;
        if !(1..=100).contains(&request.number) {
            return Err(Fault::parameter("Number"));
        }
        if let Some(instance) = &request.instance {
            self.check_attachable(instance, &request.zone, request.number)?;
        }
        self.check_disk_quota(&request.zone, request.gib.saturating_mul(request.number))?;
        let ids = (0..request.number).map(|_| self.make_disk(now, request)).collect();
        Ok(self.accept_disks(now, EventKind::CreateDisk, ids))
    }

    /// Makes one disk; it is `building` until its change is settled.
    pub(super) fn make_disk(&mut self, now: Time, request: &DiskRequest) -> Text {
        let id = self.account.id("disk-");
        let day = self.catalog.disk_day(&request.zone, request.gib).unwrap_or_default();
        let name = request.name.clone().unwrap_or_else(|| "ssd".into());
        let mut disk = Disk {
            id: Text::clone(&id),
            name,
            zone: Text::clone(&request.zone),
            gib: request.gib,
            state: DiskState::Building,
            instance: request.instance.clone(),
            release: request.release,
            day,
            charges: Charges::default(),
            next: None,
        };
        disk.charges.switch(Charge::Running, now);
        let attached = request.instance.is_some();
        let state = if attached { DiskState::Running } else { DiskState::Waiting };
        disk.next =
            Some((now + TAKES, EventKind::CreateDisk, Box::new(Disk { state, ..disk.clone() })));
        self.account.disks.insert(Text::clone(&id), disk);
        id
    }

    /// `AttachDisk`.
    pub fn attach_disks(
        &mut self,
        now: Time,
        ids: &[&str],
        instance: &str,
        release: bool,
    ) -> Result<Accepted, Fault> {
        self.advance(now);
        let disks = self.check_disks(ids, &[DiskState::Waiting])?;
        let count = u32::try_from(disks.len()).unwrap_or(u32::MAX);
        for disk in &disks {
            let zone = self.account.disks.get(disk).map(|disk| Text::clone(&disk.zone));
            self.check_attachable(instance, &zone.unwrap_or_default(), count)?;
        }
        let to = Some(Text::from(instance));
        Ok(self.change_disks(now, EventKind::MountDisk, disks, DiskState::Mounting, |disk| {
            (disk.state, disk.instance, disk.release) = (DiskState::Running, to.clone(), release);
        }))
    }

    /// `DetachDisk`.
    pub fn detach_disks(&mut self, now: Time, ids: &[&str]) -> Result<Accepted, Fault> {
        self.advance(now);
        let disks = self.check_disks(ids, &[DiskState::Running])?;
        Ok(self.change_disks(now, EventKind::UnmountDisk, disks, DiskState::Unmounting, |disk| {
            (disk.state, disk.instance) = (DiskState::Waiting, None);
        }))
    }

    /// `DeleteDisk`: only what is attached to nothing; with its snapshots, but for those kept for ever.
    pub fn delete_disks(
        &mut self,
        now: Time,
        ids: &[&str],
        with_snapshots: bool,
    ) -> Result<Accepted, Fault> {
        self.advance(now);
        let disks = self.check_disks(ids, &[DiskState::Waiting])?;
        if with_snapshots {
            self.account
                .snapshots
                .retain(|_, one| !disks.contains(&one.disk.id) || &*one.reserved == FOREVER);
        }
        Ok(self.change_disks(now, EventKind::DeleteDisk, disks, DiskState::Deleting, |disk| {
            disk.state = DiskState::Deleted;
        }))
    }

    /// `ExtendDisk`.
    pub fn extend_disk(&mut self, now: Time, id: &str, gib: u32) -> Result<Accepted, Fault> {
        self.advance(now);
        check_size(gib)?;
        let of_it = |one: &&super::Instance| one.system_disk() == id && &*one.disk_feature == "ssd";
        let machine = self.truth().find(of_it).map(|one| Text::clone(&one.id));
        if let Some(machine) = machine {
            return self.extend_system(now, &machine, gib);
        }
        let disks = self.check_disks(&[id], &[DiskState::Waiting, DiskState::Running])?;
        let Some(disk) = self.account.disks.get(id) else { return Err(Fault::no_disk()) };
        let (before, zone) = (disk.gib, Text::clone(&disk.zone));
        if gib <= before {
            return Err(Fault::parameter("ExtendedSize"));
        }
        self.check_disk_quota(&zone, gib - before)?;
        let day = self.catalog.disk_day(&zone, gib).unwrap_or_default();
        let back = disk.state;
        Ok(self.change_disks(now, EventKind::ExtendDisk, disks, DiskState::Updating, |disk| {
            (disk.state, disk.gib, disk.day) = (back, gib, day);
        }))
    }

    /// `ExtendDisk` of a machine's system disk, which goes on at its new price.
    fn extend_system(&mut self, now: Time, machine: &Text, gib: u32) -> Result<Accepted, Fault> {
        let Some(one) = self.instances.get(machine) else { return Err(Fault::no_disk()) };
        if !matches!(one.state, State::Running | State::Shutdown) {
            return Err(Fault::wrong_state(one.state.code()));
        }
        let (before, zone) = (one.disk_gib, Text::clone(&one.offer.zone));
        if gib <= before {
            return Err(Fault::parameter("ExtendedSize"));
        }
        self.check_disk_quota(&zone, gib - before)?;
        let more = self.catalog.disk_day(&zone, gib - before).unwrap_or_default();
        if let Some(one) = self.instances.get_mut(machine) {
            let (line, charge) = (one.bill_line(now), one.charge());
            let mut charges = Charges::default();
            charges.unit = one.charges.unit;
            charges.switch(charge, now);
            one.charges = charges;
            one.disk_gib = gib;
            if one.paid_until.is_none() {
                one.running_day += more;
                one.stopped_day += more;
            }
            let id = one.system_disk().into();
            self.closed.push(BillLine { open: false, ..line });
            return Ok(self.accept_disks(now, EventKind::ExtendDisk, vec![id]));
        }
        Err(Fault::no_disk())
    }

    /// All disks exist, in one of these states, and nothing else happens to them or their machine.
    fn check_disks(&self, ids: &[&str], allowed: &[DiskState]) -> Result<Vec<Text>, Fault> {
        let mut found = Vec::new();
        for id in ids {
            if self.truth().any(|one| one.system_disk() == *id) {
                return Err(Fault::system_disk());
            }
            let disk = self.disks().find(|disk| &*disk.id == *id).ok_or_else(Fault::no_disk)?;
            if disk.next.is_some() {
                return Err(Fault::busy_disk());
            }
            if !allowed.contains(&disk.state) {
                return Err(Fault::wrong_state(disk.state.code()));
            }
            let beside = |other: &&Disk| other.instance == disk.instance && other.next.is_some();
            if disk.instance.is_some() && self.disks().any(|other| beside(&other)) {
                return Err(Fault::busy_disk());
            }
            found.push(Text::clone(&disk.id));
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn check_attachable(&self, instance: &str, zone: &str, count: u32) -> Result<(), Fault> {
        let machine = self.instance(instance).filter(|one| one.state.exists());
        let machine = machine.ok_or_else(|| Fault::no_instance(instance))?;
        if &*machine.offer.zone != zone {
            return Err(Fault::zone_mismatch());
        }
        if machine.state != State::Running {
            return Err(Fault::wrong_state(machine.state.code()));
        }
        let of_it = |disk: &&Disk| disk.instance.as_deref() == Some(instance);
        if self.disks().filter(of_it).any(|disk| disk.next.is_some()) {
            return Err(Fault::busy_disk());
        }
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if PER_INSTANCE_MAX < self.disks().filter(of_it).count().saturating_add(count) {
            return Err(Fault::too_many_disks());
        }
        Ok(())
    }

    fn change_disks(
        &mut self,
        now: Time,
        kind: EventKind,
        ids: Vec<Text>,
        meanwhile: DiskState,
        becomes: impl Fn(&mut Disk),
    ) -> Accepted {
        for id in &ids {
            let Some(disk) = self.account.disks.get_mut(id) else { continue };
            let mut after = disk.clone();
            becomes(&mut after);
            disk.state = meanwhile;
            disk.next = Some((now + TAKES, kind, Box::new(after)));
        }
        self.accept_disks(now, kind, ids)
    }

    fn accept_disks(&mut self, now: Time, kind: EventKind, ids: Vec<Text>) -> Accepted {
        let task = |id: Text| TaskKept {
            instance: id,
            created_at: now,
            ends_at: now + TAKES,
            told_at: now + TAKES,
            fails: false,
        };
        self.accept(now, kind, ids.into_iter().map(task).collect())
    }

    /// Ends the changes of disks that are due. Cheap while there are none.
    pub(super) fn settle_disks(&mut self, now: Time) {
        let mut closed = Vec::new();
        for disk in self.account.disks.values_mut() {
            let Some((at, kind, after)) = disk.next.take_if(|(at, ..)| *at <= now) else {
                continue;
            };
            let before = disk.bill_line(at);
            let mut after = *after;
            (after.charges, after.next) = (disk.charges.clone(), None);
            if kind == EventKind::ExtendDisk {
                closed.push(BillLine { open: false, ..before });
                after.charges = Charges::default();
                after.charges.switch(Charge::Running, at);
            }
            if kind == EventKind::DeleteDisk {
                after.charges.switch(Charge::Nothing, at);
            }
            *disk = after;
        }
        self.closed.extend(closed);
    }

    /// A machine is gone: its disks go with it, or are left behind and billed on.
    pub(super) fn leave_disks(&mut self, instance: &Text, at: Time) {
        for disk in self.account.disks.values_mut() {
            if disk.instance.as_ref() != Some(instance) {
                continue;
            }
            (disk.next, disk.instance) = (None, None);
            disk.state = if disk.release { DiskState::Deleted } else { DiskState::Waiting };
            if disk.release {
                disk.charges.switch(Charge::Nothing, at);
            }
        }
    }
}

/// 24, 32, 40 … GiB.
pub(super) fn check_size(gib: u32) -> Result<(), Fault> {
    if gib < MIN_GIB {
        Err(Fault::disk_too_small())
    } else if MAX_GIB < gib {
        Err(Fault::disk_too_large())
    } else if !gib.is_multiple_of(STEP_GIB) {
        Err(Fault::disk_size())
    } else {
        Ok(())
    }
}
