//! Cloud disks (EBS).
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! use farmscale::cloud::disks::DiskStatus;
//!
//! let all = client.disks(Some("CN_Suqian_B")).await?;
//! let unused = all.iter().filter(|disk| disk.status == DiskStatus::Waiting).count();
//! println!("{unused} of {} disks are attached to nothing", all.len());
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;

use serde_json::Value;

use super::actions::Action;
use super::actions::ebs as action;
use super::client::Client;
use super::error::CallError;
use super::fields::{Fields, list};
use super::given::Given;
use super::instances::{Accepted, accepted, made};
use crate::model::{Refusal, Text};

/// Rows asked for in one page.
const PAGE: u32 = 100;
/// Pages read at most.
const PAGES_MAX: u32 = 200;

/// A cloud disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// `DiskId`.
    pub id: Text,
    /// `DiskName`.
    pub name: Text,
    /// GiB.
    pub gib: u32,
    /// `Status`.
    pub status: DiskStatus,
    /// The machine it is attached to.
    pub instance: Option<Text>,
    /// Whether a machine has it, by `EcsId`; `None` if the answer has no such field, or none that can be
    /// read.
    pub is_attached: Option<bool>,
    /// That machine's name.
    pub instance_name: Option<Text>,
    /// Its zone.
    pub zone: Option<Text>,
    /// `DiskFeature` in small letters: `ssd`, or something newer.
    pub feature: Option<Text>,
    /// Whether it is a system disk; what does not say that it is none counts as one.
    pub is_system: bool,
    /// Whether it is deleted with its machine; `None` = the row does not say.
    pub release_with_instance: Option<bool>,
}

/// What a list of disks is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiskFilter<'a> {
    /// `AvailableZoneCode`.
    pub zone: Option<&'a str>,
    /// `RegionCode`.
    pub region: Option<&'a str>,
    /// `DiskIds`: exactly these.
    pub ids: &'a [&'a str],
}

/// `Status` of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskStatus {
    /// `running`: attached.
    InUse,
    /// `waiting`: attached to nothing, and billed.
    Waiting,
    /// `building`, `mounting`, `unmounting`, `updating`, `recovering`, `creating_snapshot`,
    /// `rollback`: on its way.
    Changing,
    /// `build_fail`.
    Failed,
    /// Anything else, with its text.
    Other(Text),
}

/// How many GiB a zone allows (`DescribeDiskQuota`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskQuota {
    /// `DiskFeature` in small letters.
    pub feature: Text,
    /// GiB in all.
    pub total_gib: u32,
    /// GiB left.
    pub free_gib: u32,
}

/// What `CreateDisk` is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDisks<'a> {
    /// Where.
    pub zone: &'a str,
    /// GiB each: from 24 in steps of 8.
    pub gib: u32,
    /// How many.
    pub number: u32,
    /// Their name; the API makes one up if there is none.
    pub name: Option<&'a str>,
    /// Attached to this machine, and deleted with it or not.
    pub instance: Option<(&'a str, bool)>,
    /// Made from this snapshot of a data disk.
    pub snapshot: Option<&'a str>,
}

impl DiskStatus {
    /// Reads a status.
    pub fn of(text: &str) -> Self {
        match text {
            "running" => Self::InUse,
            "waiting" => Self::Waiting,
            "building" | "mounting" | "unmounting" | "updating" | "recovering"
            | "creating_snapshot" | "rollback" => Self::Changing,
            "build_fail" => Self::Failed,
            other => Self::Other(other.into()),
        }
    }
}

impl Client {
    /// `DescribeDiskQuota` of a zone.
    pub async fn disk_quota(&self, zone: &str) -> Result<Vec<DiskQuota>, CallError> {
        let given = Given::default().with("AvailableZoneCode", zone);
        Ok(quotas(&self.send(&action::QUOTA, given).await?.data))
    }

    /// `DescribeDiskList`: every disk, of one zone or of all.
    pub async fn disks(&self, zone: Option<&str>) -> Result<Vec<Disk>, CallError> {
        self.disks_of(&DiskFilter { zone, ..DiskFilter::default() }).await
    }

    /// `DescribeDiskList`, page by page: all that is said must hold. An incomplete listing is an error.
    pub async fn disks_of(&self, filter: &DiskFilter<'_>) -> Result<Vec<Disk>, CallError> {
        let incomplete =
            |why: String| CallError::NotUnderstood(format!("DescribeDiskList: incomplete: {why}"));
        let mut found: BTreeMap<Text, Disk> = BTreeMap::new();
        for page in 1..=PAGES_MAX {
            let given = Given::default()
                .maybe("AvailableZoneCode", filter.zone)
                .maybe("RegionCode", filter.region)
                .list("DiskIds", filter.ids.to_vec())
                .with("PageNumber", page)
                .with("PageSize", PAGE);
            let answer = self.send(&action::LIST, given).await?;
            let rows = disks(&answer.data)?;
            let count = rows.len();
            found.extend(rows.into_iter().map(|disk| (Text::clone(&disk.id), disk)));
            let total = answer.total.and_then(|total| usize::try_from(total).ok());
            let total = total.ok_or_else(|| incomplete("there is no TotalCount".to_owned()))?;
            if total == found.len() {
                return Ok(found.into_values().collect());
            }
            if total < found.len() || count == 0 {
                return Err(incomplete(format!("{} of {total} rows came", found.len())));
            }
        }
        Err(incomplete("it does not end".to_owned()))
    }

    /// `DescribeDisk`; `None` if it is gone.
    pub async fn disk(&self, id: &str) -> Result<Option<Disk>, CallError> {
        match self.send(&action::ONE, Given::default().with("DiskId", id)).await {
            Ok(answer) => {
                let info = Fields::of(&answer.data).and_then(|data| data.object("DiskInfo"));
                let disk = info.and_then(disk).ok_or_else(not_a_disk)?;
                Ok(Some(disk))
            }
            Err(error) if error.class() == Refusal::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `DescribeEcsAttachDisks`: the disks of a machine.
    pub async fn attached_disks(&self, instance: &str) -> Result<Vec<Disk>, CallError> {
        let given = Given::default().with("InstanceId", instance).into_map();
        disks(&self.call_as(&action::ATTACHED, &given).await?.data)
    }

    /// `CreateDisk`.
    pub async fn create_disks(&self, new: &NewDisks<'_>) -> Result<Accepted, CallError> {
        let given = Given::default()
            .with("AvailableZoneCode", new.zone)
            .with("DiskFeature", "SSD")
            .with("Size", new.gib)
            .with("Number", new.number)
            .with("BillingMethod", "0")
            .maybe("DiskName", new.name)
            .maybe("SnapshotId", new.snapshot)
            .maybe("InstanceId", new.instance.map(|(instance, _)| instance))
            .maybe("ReleaseWithInstance", new.instance.map(|(_, release)| u8::from(release)));
        Ok(made(&self.send(&action::CREATE, given).await?, "DiskIdSet"))
    }

    /// `DeleteDisk`; its snapshots stay.
    pub async fn delete_disks(&self, ids: &[&str]) -> Result<Accepted, CallError> {
        self.delete_disks_with(ids, false).await
    }

    /// The same; snapshots that are not kept for ever may go too.
    pub async fn delete_disks_with(
        &self,
        ids: &[&str],
        snapshots: bool,
    ) -> Result<Accepted, CallError> {
        let given = Given::default().with("DiskIds", ids);
        let given = given.with("DeleteSnapshot", u8::from(snapshots));
        self.change_disks(&action::DELETE, ids, given).await
    }

    /// `DetachDisk`.
    pub async fn detach_disks(&self, ids: &[&str]) -> Result<Accepted, CallError> {
        self.change_disks(&action::DETACH, ids, Given::default().with("DiskIds", ids)).await
    }

    /// `AttachDisk`. The one change that may be sent twice: the second time only after a refusal
    /// of the first for the name of a parameter.
    pub async fn attach_disks(
        &self,
        ids: &[&str],
        instance: &str,
        release: bool,
    ) -> Result<Accepted, CallError> {
        let given = Given::default()
            .with("DiskIds", ids)
            .with("InstanceId", instance)
            .with("ReleaseWithInstance", u8::from(release));
        self.change_disks(&action::ATTACH, ids, given).await
    }

    /// `ExtendDisk` to `gib`, more than now, a multiple of 8.
    pub async fn extend_disk(&self, id: &str, gib: u32) -> Result<Accepted, CallError> {
        let given = Given::default().with("DiskId", id).with("ExtendedSize", gib);
        self.change_disks(&action::EXTEND, &[id], given).await
    }

    async fn change_disks(
        &self,
        action: &Action,
        ids: &[&str],
        given: Given,
    ) -> Result<Accepted, CallError> {
        let _turns = self.turns(ids).await;
        Ok(accepted(&self.call_as(action, &given.into_map()).await?))
    }
}

fn not_a_disk() -> CallError {
    CallError::NotUnderstood("a disk without DiskId or Size".to_owned())
}

/// `Data` of `DescribeDiskList` and `DescribeEcsAttachDisks`.
pub fn disks(data: &Value) -> Result<Vec<Disk>, CallError> {
    let rows = Fields::of(data).and_then(|data| data.value("DiskList")).map_or_else(Vec::new, list);
    rows.into_iter().map(|row| disk(row).ok_or_else(not_a_disk)).collect()
}

/// `DiskInfo` of `DescribeDisk`, or one row of a list.
pub fn disk(fields: Fields<'_>) -> Option<Disk> {
    Some(Disk {
        id: fields.id("DiskId")?,
        name: fields.text("DiskName").unwrap_or_else(|| "".into()),
        gib: fields.number("Size")?,
        status: DiskStatus::of(&fields.text("Status").unwrap_or_else(|| "".into())),
        instance: fields.text("EcsId"),
        is_attached: fields.value("EcsId").and_then(|id| match id {
            Value::Null => Some(false),
            Value::String(id) => Some(!id.trim().is_empty()),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        }),
        instance_name: fields.text("EcsName"),
        zone: fields.text("AvailableZoneCode"),
        feature: fields.text("DiskFeature").map(|feature| feature.to_lowercase().into()),
        // One that does not say what it is may be a system disk, which is never deleted by itself.
        is_system: fields.text("Property").as_deref() != Some("data"),
        release_with_instance: fields.flag("ReleaseWithInstance"),
    })
}

/// `Data` of `DescribeDiskQuota`.
pub fn quotas(data: &Value) -> Vec<DiskQuota> {
    let rows = Fields::of(data).map(|data| data.list("QuotaList")).unwrap_or_default();
    let quota = |row: Fields<'_>| {
        Some(DiskQuota {
            feature: row.text("DiskFeature")?.to_lowercase().into(),
            total_gib: row.number("TotalQuota")?,
            free_gib: row.number("FreeQuota")?,
        })
    };
    rows.into_iter().filter_map(quota).collect()
}
