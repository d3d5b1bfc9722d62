//! The actions on snapshots.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Behind;
use super::answer::{Answer, Failure, vendor_time};
use super::params::{Params, missing, refs};
use crate::model::{Text, Time};
use crate::sim::provider::{Fault, NewImage, PER_DISK_MAX, Provider, Snapshot, SnapshotRequest};

pub(super) fn list(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let ids = params.texts("SnapshotIds")?;
    let (zone, region) = (params.text("AvailableZoneCode"), params.text("RegionCode"));
    let disk = params.text("DiskId");
    let provider = behind.provider(now);
    params.check_place(provider)?;
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
    let data = json!({ "SnapshotList": page.rows_of(&rows) });
    Ok(Answer { message: "获取快照列表成功！", data, page: Some(page), task: None })
}

pub(super) fn snapshot(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
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
    let before = (!before.given().is_empty()).then(|| SnapshotRequest {
        name: before.text("SnapshotName").map(Text::from),
        reserved: before.text("ReservedTime").map(Text::from),
        is_optimized: false,
    });
    let accepted = behind.provider(now).roll_back(now, &disk, &id, starts, before)?;
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

pub(super) fn create_image(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let (id, name) = (params.required("SnapshotId")?, params.required("ImageName")?);
    let new = NewImage { name: &name, is_optimized: params.flag("IsOptimized", false)? };
    let (accepted, image) = behind.provider(now).create_image_of_snapshot(now, &id, new)?;
    let data = json!({ "EventId": *accepted.event, "ImageId": *image });
    Ok(Answer::new("系统盘快照创建镜像成功！", data))
}

pub(super) fn copy(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let (id, zone) = (params.required("SnapshotId")?, params.required("AvailableZoneCode")?);
    let (accepted, copy) = behind.provider(now).copy_snapshot(now, &id, &zone)?;
    let data = json!({ "EventId": *accepted.event, "SnapshotId": *copy });
    Ok(Answer::new("快照复制成功！", data))
}

/// Snapshots of one disk in one zone.
struct Chain<'a> {
    id: String,
    snapshots: Vec<&'a Snapshot>,
}

/// Every chain, by disk.
fn chains(provider: &Provider) -> Vec<Chain<'_>> {
    let mut by_disk: BTreeMap<(&str, &str), Vec<&Snapshot>> = BTreeMap::new();
    for one in provider.snapshots() {
        by_disk.entry((&one.disk.id, &one.disk.zone)).or_default().push(one);
    }
    let id = |disk: &str, zone: &str| format!("sl-{disk}-{}", zone.to_lowercase().replace('_', ""));
    by_disk
        .into_iter()
        .map(|((disk, zone), snapshots)| Chain { id: id(disk, zone), snapshots })
        .collect()
}

impl Chain<'_> {
    /// What the list and the detail share; a chain has one snapshot at least.
    fn json(&self, provider: &Provider) -> Option<Value> {
        let first = self.snapshots.first()?;
        let host = first.disk.instance.as_deref().and_then(|id| provider.instance(id));
        Some(json!({
            "SnapshotChainId": self.id, "DiskId": *first.disk.id, "DiskName": *first.disk.name,
            "DiskSize": first.disk.gib, "DiskProperty": property(first), "BillingMethod": "0",
            "InstanceId": host.map_or("", |one| &*one.id),
            "InstanceName": host.map_or("", |one| &*one.name),
        }))
    }

    fn gib(&self) -> u32 {
        self.snapshots.iter().map(|one| one.disk.gib).sum()
    }
}

fn with(first: Value, more: Value) -> Value {
    match (first, more) {
        (Value::Object(first), Value::Object(more)) => first.into_iter().chain(more).collect(),
        (first, _) => first,
    }
}

pub(super) fn chain_list(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let provider = behind.provider(now);
    params.check_place(provider)?;
    let is = |name: &str, word: &str| params.text(name).is_none_or(|only| only == word);
    let row = |chain: Chain<'_>| {
        let first = chain.snapshots.first()?;
        let wanted = is("AvailableZoneCode", &first.disk.zone)
            && is("RegionCode", region_of(provider, first))
            && is("DiskId", &first.disk.id)
            && is("InstanceId", first.disk.instance.as_deref().unwrap_or_default());
        let more = json!({
            "SnapshotNumber": chain.snapshots.len(), "SnapshotSize": f64::from(chain.gib()),
            "RegionCode": region_of(provider, first), "AvailableZoneCode": *first.disk.zone,
        });
        Some(with(chain.json(provider)?, more)).filter(|_| wanted)
    };
    let rows: Vec<Value> = chains(provider).into_iter().filter_map(row).collect();
    let page = params.page(rows.len())?;
    let data = json!({ "SnapshotChainList": page.rows_of(&rows) });
    Ok(Answer { message: "获取快照链列表成功！", data, page: Some(page), task: None })
}

pub(super) fn chain(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let (disk, id) = (params.text("DiskId"), params.text("SnapshotChainId"));
    if disk.is_none() && id.is_none() {
        return Err(missing("SnapshotChainId"));
    }
    let provider = behind.provider(now);
    let is_it = |chain: &Chain<'_>| {
        let of_disk = |disk: &str| chain.snapshots.iter().any(|one| *one.disk.id == *disk);
        disk.as_deref().is_none_or(of_disk) && id.as_deref().is_none_or(|id| chain.id == id)
    };
    let chain = chains(provider).into_iter().find(is_it).ok_or_else(Fault::no_snapshot)?;
    let rows: Vec<Value> = chain.snapshots.iter().map(|one| row(provider, one, now)).collect();
    let page = params.page(rows.len())?;
    let more = json!({
        "SnapshotNum": rows.len(), "SnapshotSize": format!("{}GB", chain.gib()),
        "SnapshotList": page.rows_of(&rows),
    });
    let data = with(chain.json(provider).unwrap_or_default(), more);
    Ok(Answer { message: "获取快照链详情成功！", data, page: Some(page), task: None })
}

fn property(one: &Snapshot) -> &'static str {
    if one.disk.is_system { "system" } else { "data" }
}

fn region_of<'a>(provider: &'a Provider, one: &Snapshot) -> &'a str {
    provider.catalog().zone(&one.disk.zone).map_or("", |zone| &*zone.region)
}

fn row(provider: &Provider, one: &Snapshot, now: Time) -> Value {
    let status = if one.ready_at <= now { "running" } else { "creating" };
    json!({
        "SnapshotId": *one.id, "SnapshotName": *one.name, "DiskId": *one.disk.id,
        "DiskName": *one.disk.name, "DiskSize": one.disk.gib, "ReservedTime": *one.reserved,
        "SnapshotStatus": status, "CreateTime": vendor_time(one.created_at),
        "RegionCode": region_of(provider, one), "AvailableZoneCode": *one.disk.zone,
        "DiskProperty": property(one), "IsOptimized": u8::from(one.is_optimized),
    })
}
