//! Snapshots of disks: of the vendor's later pages, not of the public document.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! let made = client.create_snapshot("disk-0123456789abcdef", Some("before"), Some(3)).await?;
//! println!("{:?}, to follow: {:?}", made.made, made.event);
//! # Ok(())
//! # }
//! ```

use serde_json::{Map, Value, json};

use super::actions::newer as action;
use super::client::{Client, Params};
use super::error::CallError;
use super::fields::{Fields, list};
use super::instances::{Accepted, accepted};
use crate::model::{Text, Time};

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
    /// `CreateTime`.
    pub created_at: Option<Time>,
}

/// How many snapshots a disk may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotQuota {
    /// Of all.
    pub total: u32,
    /// How many more.
    pub free: u32,
}

impl Client {
    /// `DescribeSnapshotList`: of one disk, or all.
    pub async fn snapshots(&self, disk: Option<&str>) -> Result<Vec<Snapshot>, CallError> {
        let asked: Vec<(&str, &str)> = disk.map(|disk| ("DiskId", disk)).into_iter().collect();
        let answer = self.call(&action::SNAPSHOTS, Params::query(&asked)).await?;
        Ok(snapshots(&answer.data))
    }

    /// `DescribeSnapshot`.
    pub async fn snapshot(&self, id: &str) -> Result<Snapshot, CallError> {
        let asked = Params::query(&[("SnapshotId", id)]);
        let answer = self.call(&action::ONE_SNAPSHOT, asked).await?;
        let info = Fields::of(&answer.data).and_then(|data| data.object("SnapshotInfo"));
        info.and_then(read)
            .ok_or_else(|| CallError::NotUnderstood("DescribeSnapshot: no SnapshotId".to_owned()))
    }

    /// `CreateSnapshot`, kept for so many days, or for ever; the one made is the snapshot.
    pub async fn create_snapshot(
        &self,
        disk: &str,
        name: Option<&str>,
        days: Option<u32>,
    ) -> Result<Accepted, CallError> {
        let _turns = self.turns(&[disk]).await;
        let reserved = days.map_or_else(|| "Forever".to_owned(), |days| days.to_string());
        let mut body = Map::from_iter([
            ("DiskId".to_owned(), json!(disk)),
            ("ReservedTime".to_owned(), json!(reserved)),
        ]);
        body.extend(name.map(|name| ("SnapshotName".to_owned(), json!(name))));
        let answer = self.call(&action::CREATE_SNAPSHOT, Params::Body(Value::Object(body))).await?;
        Ok(accepted(&answer))
    }

    /// `RollbackDiskBySnapshot`. Whether the machine is started afterwards is always said: the API
    /// starts it unless told otherwise.
    pub async fn roll_back(
        &self,
        disk: &str,
        snapshot: &str,
        starts: bool,
    ) -> Result<Accepted, CallError> {
        let _turns = self.turns(&[disk]).await;
        let body = json!({
            "DiskId": disk, "SnapshotId": snapshot, "AutoTurnOnInstance": u8::from(starts),
        });
        Ok(accepted(&self.call(&action::ROLLBACK, Params::Body(body)).await?))
    }

    /// `RenameSnapshot`: done when it answers.
    pub async fn rename_snapshot(&self, id: &str, name: &str) -> Result<(), CallError> {
        let body = json!({ "SnapshotId": id, "SnapshotName": name });
        self.call(&action::RENAME_SNAPSHOT, Params::Body(body)).await.map(drop)
    }

    /// `DeleteSnapshot`. Images made of them stay.
    pub async fn delete_snapshots(&self, ids: &[&str]) -> Result<Accepted, CallError> {
        let body = json!({ "SnapshotIds": ids, "DeleteBindImages": false });
        Ok(accepted(&self.call(&action::DELETE_SNAPSHOTS, Params::Body(body)).await?))
    }

    /// `DescribeSnapshotQuota` of a disk.
    pub async fn snapshot_quota(&self, disk: &str) -> Result<SnapshotQuota, CallError> {
        let asked = Params::query(&[("DiskId", disk)]);
        let answer = self.call(&action::SNAPSHOT_QUOTA, asked).await?;
        let quota = Fields::of(&answer.data)
            .and_then(|data| Some((data.number("TotalQuota")?, data.number("FreeQuota")?)));
        let (total, free) = quota.ok_or_else(|| {
            CallError::NotUnderstood("DescribeSnapshotQuota: no TotalQuota".to_owned())
        })?;
        Ok(SnapshotQuota { total, free })
    }
}

/// `Data` of `DescribeSnapshotList`.
pub fn snapshots(data: &Value) -> Vec<Snapshot> {
    let rows = Fields::of(data).and_then(|data| data.value("SnapshotList"));
    rows.map_or_else(Vec::new, list).into_iter().filter_map(read).collect()
}

fn read(row: Fields<'_>) -> Option<Snapshot> {
    Some(Snapshot {
        id: row.id("SnapshotId")?,
        name: row.text("SnapshotName").unwrap_or_else(|| "".into()),
        disk: row.id("DiskId")?,
        gib: row.number("DiskSize"),
        status: row.text("SnapshotStatus"),
        reserved: row.text("ReservedTime"),
        created_at: row.time("CreateTime"),
    })
}
