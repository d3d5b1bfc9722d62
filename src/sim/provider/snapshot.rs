//! Snapshots of disks.

use super::event::{EventKind, TaskKept};
use super::{Accepted, Fault, Provider, State};
use crate::model::{Span, Text, Time};

/// How long a snapshot takes, to make and to go back to.
const TAKES: Span = Span::seconds(20);
/// `ReservedTime` of one that does not go with time.
pub(super) const FOREVER: &str = "Forever";
/// Snapshots of one disk, at most.
pub const PER_DISK_MAX: u32 = 10;

/// A snapshot, in truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// `SnapshotId`.
    pub id: Text,
    /// `SnapshotName`.
    pub name: Text,
    /// Of this disk.
    pub disk: Source,
    /// `ReservedTime`.
    pub reserved: Text,
    /// `IsOptimized`.
    pub is_optimized: bool,
    /// When it was asked for.
    pub created_at: Time,
    /// From when on it can be used.
    pub ready_at: Time,
}

/// A disk that a snapshot can be made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// `DiskId`.
    pub id: Text,
    /// `DiskName`.
    pub name: Text,
    /// GiB.
    pub gib: u32,
    /// Its zone.
    pub zone: Text,
    /// The machine it belongs to.
    pub instance: Option<Text>,
    /// Whether it is a machine's system disk.
    pub is_system: bool,
}

/// What `CreateSnapshot` is asked.
#[derive(Debug, Clone, Default)]
pub struct SnapshotRequest {
    /// `SnapshotName`; its id unless given.
    pub name: Option<Text>,
    /// `ReservedTime`; a day unless given.
    pub reserved: Option<Text>,
    /// `IsOptimized`.
    pub is_optimized: bool,
}

impl Provider {
    /// Every snapshot.
    pub fn snapshots(&self) -> impl Iterator<Item = &Snapshot> {
        self.account.snapshots.values()
    }

    /// A disk of either kind, by its id.
    pub fn any_disk(&self, id: &str) -> Option<Source> {
        let data = self.disks().find(|disk| &*disk.id == id).map(|disk| Source {
            id: Text::clone(&disk.id),
            name: Text::clone(&disk.name),
            gib: disk.gib,
            zone: Text::clone(&disk.zone),
            instance: disk.instance.clone(),
            is_system: false,
        });
        let of_it = |one: &&super::Instance| one.system_disk() == id;
        data.or_else(|| {
            let one = self.truth().find(of_it)?;
            Some(Source {
                id: id.into(),
                name: "system".into(),
                gib: one.disk_gib,
                zone: Text::clone(&one.offer.zone),
                instance: Some(Text::clone(&one.id)),
                is_system: true,
            })
        })
    }

    /// `CreateSnapshot`.
    pub fn create_snapshot(
        &mut self,
        now: Time,
        disk: &str,
        request: SnapshotRequest,
    ) -> Result<(Accepted, Text), Fault> {
        self.advance(now);
        let disk = self.any_disk(disk).ok_or_else(Fault::no_disk)?;
        self.check_snapshot_quota(&disk.id)?;
        let id: Text = self.account.id(&format!("s-{}-", disk.id));
        let new = Snapshot {
            id: Text::clone(&id),
            name: request.name.unwrap_or_else(|| Text::clone(&id)),
            disk,
            reserved: request.reserved.unwrap_or_else(|| "1".into()),
            is_optimized: request.is_optimized,
            created_at: now,
            ready_at: now + TAKES,
        };
        Ok(self.keep_snapshot(now, new))
    }

    fn keep_snapshot(&mut self, now: Time, new: Snapshot) -> (Accepted, Text) {
        let id = Text::clone(&new.id);
        self.account.snapshots.insert(Text::clone(&id), new);
        (self.accept_snapshots(now, EventKind::CreateSnapshot, vec![Text::clone(&id)]), id)
    }

    /// `CopySnapshotCrossAZ`: the same in another zone.
    pub fn copy_snapshot(
        &mut self,
        now: Time,
        id: &str,
        zone: &str,
    ) -> Result<(Accepted, Text), Fault> {
        self.advance(now);
        let zone = Text::clone(&self.catalog.zone(zone).ok_or_else(Fault::no_zone)?.code);
        let found = self.account.snapshots.get(id).ok_or_else(Fault::no_snapshot)?.clone();
        if found.disk.zone == zone {
            return Err(Fault::parameter("AvailableZoneCode"));
        }
        let id: Text = self.account.id(&format!("s-{}-", found.disk.id));
        let disk = Source { zone, ..found.disk };
        let name = Text::clone(&id);
        let (created_at, ready_at) = (now, now + TAKES);
        Ok(self.keep_snapshot(now, Snapshot { id, name, disk, created_at, ready_at, ..found }))
    }

    fn check_snapshot_quota(&self, disk: &str) -> Result<(), Fault> {
        let is_full = PER_DISK_MAX <= self.snapshots_of(disk);
        if is_full { Err(Fault::snapshot_quota(PER_DISK_MAX)) } else { Ok(()) }
    }

    /// How many snapshots a disk has.
    pub fn snapshots_of(&self, disk: &str) -> u32 {
        let count = self.snapshots().filter(|one| &*one.disk.id == disk).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// `RollbackDiskBySnapshot`: its machine must be shut down, and is started unless told otherwise. What
    /// was there before may be kept in a new snapshot.
    pub fn roll_back(
        &mut self,
        now: Time,
        disk: &str,
        snapshot: &str,
        starts: bool,
        before: Option<SnapshotRequest>,
    ) -> Result<Accepted, Fault> {
        self.advance(now);
        let found = self.account.snapshots.get(snapshot).ok_or_else(Fault::no_snapshot)?;
        if &*found.disk.id != disk {
            return Err(Fault::parameter("DiskId"));
        }
        let instance = self.any_disk(disk).ok_or_else(Fault::no_disk)?.instance;
        if before.is_some() {
            self.check_snapshot_quota(disk)?;
        }
        if let Some(instance) = &instance {
            let machine = self.instance(instance).ok_or_else(|| Fault::no_instance(instance))?;
            if machine.state != State::Shutdown {
                return Err(Fault::wrong_state(machine.state.code()));
            }
            if starts {
                self.operate(now, instance, super::Operation::Start, false)?;
            }
        }
        if let Some(before) = before {
            self.create_snapshot(now, disk, before)?;
        }
        Ok(self.accept_snapshots(now, EventKind::RollBack, vec![disk.into()]))
    }

    /// `RenameSnapshot`.
    pub fn rename_snapshot(&mut self, now: Time, id: &str, name: &str) -> Result<(), Fault> {
        self.advance(now);
        let found = self.account.snapshots.get_mut(id).ok_or_else(Fault::no_snapshot)?;
        found.name = name.into();
        Ok(())
    }

    /// `DeleteSnapshot`: all of them or none.
    pub fn delete_snapshots(&mut self, now: Time, ids: &[&str]) -> Result<Accepted, Fault> {
        self.advance(now);
        if ids.iter().any(|id| !self.account.snapshots.contains_key(*id)) {
            return Err(Fault::no_snapshot());
        }
        for id in ids {
            self.account.snapshots.remove(*id);
        }
        let ids = ids.iter().map(|id| Text::from(*id)).collect();
        Ok(self.accept_snapshots(now, EventKind::DeleteSnapshot, ids))
    }

    fn accept_snapshots(&mut self, now: Time, kind: EventKind, ids: Vec<Text>) -> Accepted {
        let ends_at = now + TAKES;
        let task = |id: Text| TaskKept {
            instance: id,
            created_at: now,
            ends_at,
            told_at: ends_at,
            fails: false,
        };
        self.accept(now, kind, ids.into_iter().map(task).collect())
    }
}
