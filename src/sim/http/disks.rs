//! The actions on disks.

use serde_json::{Value, json};

use super::Behind;
use super::answer::{Answer, Failure};
use super::params::{Params, invalid, missing, refs};
use crate::model::{Text, Time};
use crate::sim::provider::{Disk, DiskRequest, Fault, Instance, Provider, Snapshot};

pub(super) fn create(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    if !params.required("DiskFeature")?.eq_ignore_ascii_case("ssd") {
        return Err(invalid("DiskFeature"));
    }
    if params.text("BillingMethod").is_some_and(|method| method != "0") {
        return Err(invalid("BillingMethod"));
    }
    let gib = params.required_number("Size")?;
    check_snapshot(behind.provider(now), params, gib)?;
    let request = DiskRequest {
        zone: params.required("AvailableZoneCode")?.into(),
        name: params.text("DiskName").map(Text::from),
        gib,
        number: params.number("Number")?.unwrap_or(1),
        instance: instance(params).map(Text::from),
        release: params.flag("ReleaseWithInstance", true)?,
    };
    let accepted = behind.provider(now).create_disks(now, &request)?;
    let ids: Vec<_> = accepted.instances.iter().map(|id| &**id).collect();
    let data = json!({ "EventId": *accepted.event, "DiskIdSet": ids });
    Ok(Answer::new("云盘创建任务下发成功！", data))
}

pub(super) fn delete(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let ids = params.required_texts("DiskIds")?;
    let with_snapshots = params.flag("DeleteSnapshot", false)?;
    let accepted = behind.provider(now).delete_disks(now, &refs(&ids), with_snapshots)?;
    Ok(Answer::accepted("云盘删除任务下发成功！", &accepted))
}

pub(super) fn detach(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let ids = params.required_texts("DiskIds")?;
    let accepted = behind.provider(now).detach_disks(now, &refs(&ids))?;
    Ok(Answer::accepted("云盘卸载任务下发成功！", &accepted))
}

pub(super) fn attach(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let ids = params.required_texts("DiskIds")?;
    let to = instance(params).ok_or_else(|| missing("InstanceId"))?;
    let release = params.flag("ReleaseWithInstance", true)?;
    let accepted = behind.provider(now).attach_disks(now, &refs(&ids), &to, release)?;
    Ok(Answer::accepted("云盘挂载任务下发成功！", &accepted))
}

pub(super) fn extend(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let (id, gib) = (params.required("DiskId")?, params.required_number("ExtendedSize")?);
    let accepted = behind.provider(now).extend_disk(now, &id, gib)?;
    Ok(Answer::accepted("云盘扩容任务下发成功！", &accepted))
}

pub(super) fn quota(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let zone = params.required("AvailableZoneCode")?;
    let provider = behind.provider(now);
    provider.catalog().zone(&zone).ok_or_else(Fault::no_zone)?;
    let (all, used) = provider.disk_quota(&zone);
    let data = json!({ "QuotaList": [{
        "TotalQuota": all, "UsedQuota": used, "FreeQuota": all.saturating_sub(used),
        "DiskFeature": "SSD",
    }] });
    Ok(Answer::new("获取云盘配额成功！", data))
}

pub(super) fn list(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let (zone, region) = (params.text("AvailableZoneCode"), params.text("RegionCode"));
    let ids = params.texts("DiskIds")?;
    let provider = behind.provider(now);
    params.check_place(provider)?;
    let wanted = |row: &&Value| {
        let is = |name: &str, only: &Option<String>| {
            only.as_deref().is_none_or(|only| row.get(name).and_then(Value::as_str) == Some(only))
        };
        let id = row.get("DiskId").and_then(Value::as_str).unwrap_or("");
        is("AvailableZoneCode", &zone)
            && is("RegionCode", &region)
            && ids.as_ref().is_none_or(|ids| ids.iter().any(|one| one == id))
    };
    let rows = rows(provider);
    let rows: Vec<&Value> = rows.iter().filter(wanted).collect();
    let page = params.page(rows.len())?;
    let data = json!({ "DiskList": page.rows_of(&rows) });
    Ok(Answer { message: "获取云盘列表成功！", data, page: Some(page), task: None })
}

pub(super) fn disk(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let id = params.required("DiskId")?;
    let rows = rows(behind.provider(now));
    let found =
        rows.into_iter().find(|row| row.get("DiskId").and_then(Value::as_str) == Some(&*id));
    let disk = found.ok_or_else(Fault::no_disk)?;
    Ok(Answer::new("获取云盘详情成功！", json!({ "DiskInfo": disk })))
}

pub(super) fn attached(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let id = instance(params).ok_or_else(|| missing("InstanceId"))?;
    let provider = behind.provider(now);
    let there = provider.instance(&id).filter(|one| one.state.exists());
    there.ok_or_else(|| Fault::no_instance(&id))?;
    let is_its = |row: &Value| row.get("EcsId").and_then(Value::as_str) == Some(&*id);
    let rows: Vec<Value> = rows(provider).into_iter().filter(is_its).collect();
    Ok(Answer::new("获取实例挂载的云盘信息成功！", json!({ "DiskList": rows })))
}

/// A snapshot that a disk of so many GiB is to be made of must be there, and no larger.
pub(super) fn check_snapshot(
    provider: &Provider,
    params: &Params,
    gib: u32,
) -> Result<(), Failure> {
    let Some(id) = params.text("SnapshotId") else { return Ok(()) };
    let is_data = |one: &&Snapshot| *one.id == *id && !one.disk.is_system;
    let found = provider.snapshots().find(is_data).ok_or_else(Fault::no_snapshot)?;
    if gib < found.disk.gib { Err(Fault::disk_too_small().into()) } else { Ok(()) }
}

/// `InstanceId` in the tables, `EcsId` in the samples.
fn instance(params: &Params) -> Option<String> {
    params.text("InstanceId").or_else(|| params.text("EcsId"))
}

/// System disks of machines, and data disks.
fn rows(provider: &Provider) -> Vec<Value> {
    let system = provider.truth().filter(|one| &*one.disk_feature == "ssd");
    let system = system.map(|one| system_row(provider, one));
    system.chain(provider.disks().map(|disk| data_row(provider, disk))).collect()
}

fn system_row(provider: &Provider, one: &Instance) -> Value {
    let zone = provider.catalog().zone(&one.offer.zone);
    json!({
        "DiskId": one.system_disk(), "DiskName": "system", "Size": one.disk_gib,
        "EcsId": *one.id, "EcsName": *one.name, "BillingMethod": super::params::billing_code(one.offer.billing),
        "ReleaseWithInstance": 1, "RegionCode": zone.map_or("", |zone| &*zone.region),
        "AvailableZoneCode": *one.offer.zone, "Status": "running", "StatusDisplay": "使用中",
        "DiskFeature": "SSD", "Property": "system",
    })
}

fn data_row(provider: &Provider, disk: &Disk) -> Value {
    let zone = provider.catalog().zone(&disk.zone);
    let host = disk.instance.as_deref().and_then(|id| provider.instance(id));
    json!({
        "DiskId": *disk.id, "DiskName": *disk.name, "Size": disk.gib,
        "EcsId": host.map_or("", |one| &*one.id), "EcsName": host.map_or("", |one| &*one.name),
        "BillingMethod": "0", "ReleaseWithInstance": u8::from(disk.release),
        "RegionCode": zone.map_or("", |zone| &*zone.region), "AvailableZoneCode": *disk.zone,
        "Status": disk.state.code(), "StatusDisplay": disk.state.display(),
        "DiskFeature": "SSD", "Property": "data",
    })
}
