//! The actions on snapshots.

use serde_json::{Value, json};

use super::Behind;
use super::answer::{Answer, Failure, vendor_time};
use super::params::{Params, refs};
use crate::model::{Text, Time};
use crate::sim::provider::{Fault, PER_DISK_MAX, Provider, Snapshot, SnapshotRequest};

pub(super) fn list(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let ids = params.texts("SnapshotIds")?;
    let (zone, region) = (params.text("AvailableZoneCode"), params.text("RegionCode"));
    let disk = params.text("DiskId");
    let provider = behind.provider(now);
    let wanted = |one: &&Snapshot| {
        let is =
            |only: &Option<String>, word: &str| only.as_deref().is_none_or(|only| only == word);
        is(&zone, &one.disk.zone)
            && is(&region, region_of(provider, one))
            && is(&disk, &one.disk.id)
            && ids.as_ref().is_none_or(|ids| ids.iter().any(|id| **id == *one.id))
    };
    let rows: Vec<Value> =
        provider.snapshots().filter(wanted).map(|one| row(provider, one, now)).collect();
    let page = params.page(rows.len())?;
    let data = json!({ "SnapshotList": page.of(&rows) });
    Ok(Answer { message: "获取快照列表成功！", data, page: Some(page), task: None })
}

pub(super) fn one(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let id = params.required("SnapshotId")?;
    let provider = behind.provider(now);
    let found = provider.snapshots().find(|one| *one.id == *id).ok_or_else(Fault::no_snapshot)?;
    let data = json!({ "SnapshotInfo": row(provider, found, now) });
    Ok(Answer::new("获取快照详情成功！", data))
}

pub(super) fn create(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let request = SnapshotRequest {
        name: params.text("SnapshotName").map(Text::from),
        reserved: params.text("ReservedTime").map(Text::from),
        is_optimized: params.flag("IsOptimized", false)?,
    };
    let disk = params.required("DiskId")?;
    let (accepted, id) = behind.provider(now).create_snapshot(now, &disk, request)?;
    let data = json!({ "EventId": *accepted.event, "SnapshotId": *id });
    Ok(Answer::new("创建快照任务下发成功！", data))
}

/// The machine is started afterwards unless told otherwise.
pub(super) fn roll_back(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let (disk, id) = (params.required("DiskId")?, params.required("SnapshotId")?);
    let starts = params.flag("AutoTurnOnInstance", true)?;
    let before = params.inner("NewSnapshot");
    if let Some(name) = before.text("SnapshotName") {
        let reserved = before.text("ReservedTime").map(Text::from);
        let request = SnapshotRequest { name: Some(name.into()), reserved, is_optimized: false };
        behind.provider(now).create_snapshot(now, &disk, request)?;
    }
    let accepted = behind.provider(now).roll_back(now, &disk, &id, starts)?;
    Ok(Answer::accepted("通过快照回滚云盘任务下发成功", &accepted))
}

pub(super) fn rename(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let (id, name) = (params.required("SnapshotId")?, params.required("SnapshotName")?);
    behind.provider(now).rename_snapshot(now, &id, &name)?;
    Ok(Answer::new("快照名称更改成功！", json!({})))
}

pub(super) fn delete(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let ids = params.required_texts("SnapshotIds")?;
    let accepted = behind.provider(now).delete_snapshots(now, &refs(&ids))?;
    Ok(Answer::accepted("快照删除下发任务成功！", &accepted))
}

pub(super) fn quota(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let disk = params.required("DiskId")?;
    let provider = behind.provider(now);
    provider.any_disk(&disk).ok_or_else(Fault::no_disk)?;
    let used = provider.snapshots_of(&disk);
    let data = json!({
        "DiskId": disk, "TotalQuota": PER_DISK_MAX, "UsedQuota": used,
        "FreeQuota": PER_DISK_MAX.saturating_sub(used),
    });
    Ok(Answer::new("查询快照配额成功！", data))
}

fn region_of<'a>(provider: &'a Provider, one: &Snapshot) -> &'a str {
    provider.catalog().zone(&one.disk.zone).map_or("", |zone| &*zone.region)
}

fn row(provider: &Provider, one: &Snapshot, now: Time) -> Value {
    let status = if one.ready_at <= now { "running" } else { "building" };
    json!({
        "SnapshotId": *one.id, "SnapshotName": *one.name, "DiskId": *one.disk.id,
        "DiskName": *one.disk.name, "DiskSize": one.disk.gib, "ReservedTime": *one.reserved,
        "SnapshotStatus": status, "CreateTime": vendor_time(one.created_at),
        "RegionCode": region_of(provider, one), "AvailableZoneCode": *one.disk.zone,
        "DiskProperty": if one.disk.is_system { "system" } else { "data" },
        "IsOptimized": u8::from(one.is_optimized),
    })
}
