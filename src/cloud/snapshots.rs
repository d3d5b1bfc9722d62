//! Snapshots of disks: of the vendor's later pages, not of the public document.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! use farmscale::cloud::snapshots::{Kept, NewSnapshot};
//!
//! let new = NewSnapshot { name: Some("before"), kept: Kept::Days(3), optimized: false };
//! let made = client.create_snapshot("disk-0123456789abcdef", &new).await?;
//! println!("{:?}, to follow: {:?}", made.made, made.event);
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;

use serde_json::Value;

use super::actions::snapshots as action;
use super::client::Client;
use super::error::CallError;
use super::fields::Fields;
use super::given::Given;
use super::instances::{Accepted, accepted, made};
use crate::model::{Text, Time};

/// Rows asked for in one page.
const PAGE: u32 = 100;
/// Pages read at most.
const PAGES_MAX: u32 = 200;

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// `SnapshotId`.
    pub id: Text,
    /// `SnapshotName`.
    pub name: Text,
    /// `DiskId`.
    pub disk: Text,
    /// GiB.
    pub gib: Option<u32>,
    /// `SnapshotStatus`: `running` when it can be used.
    pub status: Option<Text>,
    /// `ReservedTime`: `Forever`, or days.
    pub reserved: Option<Text>,
    /// `AvailableZoneCode`.
    pub zone: Option<Text>,
    /// `DiskProperty`: whether it is of a system disk; `None` = the row does not say.
    pub is_of_system: Option<bool>,
    /// `CreateTime`.
    pub created_at: Option<Time>,
}

/// The snapshots of one disk, which are charged together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// `SnapshotChainId`.
    pub id: Text,
    /// `DiskId`.
    pub disk: Text,
    /// `DiskName`.
    pub disk_name: Option<Text>,
    /// `InstanceId`: the machine whose disk it is.
    pub machine: Option<Text>,
    /// `InstanceName`.
    pub machine_name: Option<Text>,
    /// How many snapshots there are.
    pub snapshots: Option<u32>,
    /// `SnapshotSize` as it is written: GiB, with or without the unit.
    pub size: Option<Text>,
}

/// How many snapshots a disk may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotQuota {
    /// Of all.
    pub total: u32,
    /// How many more.
    pub free: u32,
}

/// How long a snapshot is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// So many days. Without a word the API keeps it one.
    Days(u32),
    /// Until it is deleted.
    Forever,
}

/// A snapshot to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewSnapshot<'a> {
    /// 2–128 letters, digits, Chinese characters and `-`, not from `auto`; its id unless said.
    pub name: Option<&'a str>,
    /// How long it is kept.
    pub kept: Kept,
    /// `IsOptimized`: accelerated.
    pub optimized: bool,
}

/// What a list of snapshots is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct SnapshotFilter<'a> {
    /// `AvailableZoneCode`.
    pub zone: Option<&'a str>,
    /// `RegionCode`.
    pub region: Option<&'a str>,
    /// `DiskId`.
    pub disk: Option<&'a str>,
    /// `SnapshotIds`: exactly these.
    pub ids: &'a [&'a str],
}

/// What a list of chains is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChainFilter<'a> {
    /// `AvailableZoneCode`.
    pub zone: Option<&'a str>,
    /// `RegionCode`.
    pub region: Option<&'a str>,
    /// `DiskId`.
    pub disk: Option<&'a str>,
    /// `InstanceId`.
    pub machine: Option<&'a str>,
}

impl Kept {
    fn said(self) -> String {
        match self {
            Self::Days(days) => days.to_string(),
            Self::Forever => "Forever".to_owned(),
        }
    }
}

impl Client {
    /// `DescribeSnapshotList`, page by page: all that is said must hold. An incomplete list is an error.
    pub async fn snapshots(&self, filter: &SnapshotFilter<'_>) -> Result<Vec<Snapshot>, CallError> {
        let mut found: BTreeMap<Text, Snapshot> = BTreeMap::new();
        for page in 1..=PAGES_MAX {
            let given = Given::default()
                .maybe("AvailableZoneCode", filter.zone)
                .maybe("RegionCode", filter.region)
                .maybe("DiskId", filter.disk)
                .list("SnapshotIds", filter.ids.to_vec())
                .with("PageNumber", page)
                .with("PageSize", PAGE);
            let answer = self.send(&action::LIST, given).await?;
            let rows = snapshots(&answer.data);
            let count = rows.len();
            found.extend(rows.into_iter().map(|one| (Text::clone(&one.id), one)));
            let total = answer.total.and_then(|total| usize::try_from(total).ok());
            if total.is_some_and(|total| total <= found.len()) {
                return Ok(found.into_values().collect());
            }
            if count == 0 {
                break;
            }
        }
        let text = format!("DescribeSnapshotList: incomplete: {} rows came", found.len());
        Err(CallError::NotUnderstood(text))
    }

    /// `DescribeSnapshot`.
    pub async fn snapshot(&self, id: &str) -> Result<Snapshot, CallError> {
        let answer = self.send(&action::ONE, Given::default().with("SnapshotId", id)).await?;
        let info = Fields::of(&answer.data).and_then(|data| data.object("SnapshotInfo"));
        info.and_then(read)
            .ok_or_else(|| CallError::NotUnderstood("DescribeSnapshot: no SnapshotId".to_owned()))
    }

    /// `DescribeSnapshotChainList`, at once: all that is said must hold.
    pub async fn snapshot_chains(&self, filter: &ChainFilter<'_>) -> Result<Vec<Chain>, CallError> {
        let given = Given::default()
            .maybe("AvailableZoneCode", filter.zone)
            .maybe("RegionCode", filter.region)
            .maybe("DiskId", filter.disk)
            .maybe("InstanceId", filter.machine);
        Ok(chains(&self.send(&action::CHAINS, given).await?.data))
    }

    /// `DescribeSnapshotChain` of a disk, or of this id: the chain and its snapshots.
    pub async fn snapshot_chain(
        &self,
        disk: Option<&str>,
        id: Option<&str>,
    ) -> Result<(Chain, Vec<Snapshot>), CallError> {
        let given = Given::default().maybe("DiskId", disk).maybe("SnapshotChainId", id);
        let answer = self.send(&action::CHAIN, given).await?;
        let chain = Fields::of(&answer.data).and_then(chain);
        let chain = chain.ok_or_else(|| {
            CallError::NotUnderstood("DescribeSnapshotChain: no SnapshotChainId".to_owned())
        })?;
        Ok((chain, snapshots(&answer.data)))
    }

    /// `CreateSnapshot`; the one made is the snapshot.
    pub async fn create_snapshot(
        &self,
        disk: &str,
        new: &NewSnapshot<'_>,
    ) -> Result<Accepted, CallError> {
        let _turns = self.turns(&[disk]).await;
        let given = Given::default()
            .with("DiskId", disk)
            .maybe("SnapshotName", new.name)
            .with("ReservedTime", new.kept.said())
            .with("IsOptimized", u8::from(new.optimized));
        Ok(made(&self.send(&action::CREATE, given).await?, "SnapshotId"))
    }

    /// `RollbackDiskBySnapshot`; what was there before may be kept in a new snapshot. Whether the
    /// machine is started afterwards is always said: the API starts it unless told otherwise.
    pub async fn roll_back(
        &self,
        disk: &str,
        snapshot: &str,
        starts: bool,
        before: Option<&NewSnapshot<'_>>,
    ) -> Result<Accepted, CallError> {
        let _turns = self.turns(&[disk]).await;
        let before = before.map(|new| {
            Given::default().maybe("SnapshotName", new.name).with("ReservedTime", new.kept.said())
        });
        let given = Given::default()
            .with("DiskId", disk)
            .with("SnapshotId", snapshot)
            .with("AutoTurnOnInstance", u8::from(starts))
            .maybe("NewSnapshot", before);
        Ok(accepted(&self.send(&action::ROLLBACK, given).await?))
    }

    /// `RenameSnapshot`: done when it answers.
    pub async fn rename_snapshot(&self, id: &str, name: &str) -> Result<(), CallError> {
        let given = Given::default().with("SnapshotId", id).with("SnapshotName", name);
        self.send(&action::RENAME, given).await.map(drop)
    }

    /// `DeleteSnapshot`; images made of them stay, unless told otherwise.
    pub async fn delete_snapshots(
        &self,
        ids: &[&str],
        with_images: bool,
    ) -> Result<Accepted, CallError> {
        let given = Given::default().with("SnapshotIds", ids).with("DeleteBindImages", with_images);
        Ok(accepted(&self.send(&action::DELETE, given).await?))
    }

    /// `DescribeSnapshotQuota` of a disk.
    pub async fn snapshot_quota(&self, disk: &str) -> Result<SnapshotQuota, CallError> {
        let answer = self.send(&action::QUOTA, Given::default().with("DiskId", disk)).await?;
        let quota = Fields::of(&answer.data)
            .and_then(|data| Some((data.number("TotalQuota")?, data.number("FreeQuota")?)));
        let (total, free) = quota.ok_or_else(|| {
            CallError::NotUnderstood("DescribeSnapshotQuota: no TotalQuota".to_owned())
        })?;
        Ok(SnapshotQuota { total, free })
    }

    /// `CreateImageBySnapshot` of a system disk's; the one made is the image.
    pub async fn create_image_of_snapshot(
        &self,
        snapshot: &str,
        name: &str,
        optimized: bool,
    ) -> Result<Accepted, CallError> {
        let given = Given::default()
            .with("SnapshotId", snapshot)
            .with("ImageName", name)
            .with("IsOptimized", u8::from(optimized));
        Ok(made(&self.send(&action::CREATE_IMAGE, given).await?, "ImageId"))
    }

    /// `CopySnapshotCrossAZ`; the one made is the copy.
    pub async fn copy_snapshot(&self, id: &str, zone: &str) -> Result<Accepted, CallError> {
        let given = Given::default().with("SnapshotId", id).with("AvailableZoneCode", zone);
        Ok(made(&self.send(&action::COPY, given).await?, "SnapshotId"))
    }
}

/// `Data` of `DescribeSnapshotList`, or the snapshots of a chain.
pub fn snapshots(data: &Value) -> Vec<Snapshot> {
    let rows = Fields::of(data).map(|data| data.list("SnapshotList")).unwrap_or_default();
    rows.into_iter().filter_map(read).collect()
}

/// `Data` of `DescribeSnapshotChainList`.
pub fn chains(data: &Value) -> Vec<Chain> {
    let rows = Fields::of(data).map(|data| data.list("SnapshotChainList")).unwrap_or_default();
    rows.into_iter().filter_map(chain).collect()
}

fn chain(row: Fields<'_>) -> Option<Chain> {
    Some(Chain {
        id: row.id("SnapshotChainId")?,
        disk: row.id("DiskId")?,
        disk_name: row.text("DiskName"),
        machine: row.id("InstanceId"),
        machine_name: row.text("InstanceName"),
        snapshots: row.number("SnapshotNum").or_else(|| row.number("SnapshotNumber")),
        size: row.text("SnapshotSize"),
    })
}

fn read(row: Fields<'_>) -> Option<Snapshot> {
    let property = row.text("DiskProperty");
    Some(Snapshot {
        id: row.id("SnapshotId")?,
        name: row.text("SnapshotName").unwrap_or_else(|| "".into()),
        disk: row.id("DiskId")?,
        gib: row.number("DiskSize"),
        status: row.text("SnapshotStatus"),
        reserved: row.text("ReservedTime"),
        zone: row.text("AvailableZoneCode"),
        is_of_system: property.and_then(|word| match &*word {
            "system" => Some(true),
            "data" => Some(false),
            _ => None,
        }),
        created_at: row.time("CreateTime"),
    })
}
