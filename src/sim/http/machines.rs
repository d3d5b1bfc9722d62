//! The actions on instances.

use serde_json::{Map, Value, json};

use super::Behind;
use super::answer::{Answer, Failure, Page, utc_time, vendor_time};
use super::params::{Params, invalid};
use crate::model::{Span, Time};
use crate::sim::provider::{Catalog, CreateRequest, Fault, Instance, Listed, Operation};

/// `EndBillTime` of what is not paid by the month.
const NEVER: &str = "2099-01-01 00:00:00";
/// One measurement a minute.
const SAMPLE: Span = Span::minutes(1);
/// Measurements in one answer, at most.
const SAMPLES_MAX: i64 = 120;

pub(super) fn list(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let zone = params.text("AvailableZoneCode");
    let (vpc, search) = (params.text("VpcId"), params.text("SearchInfo"));
    let (number, size) = (params.number("PageNumber")?, params.number("PageSize")?);
    let provider = behind.provider(now);
    let catalog = provider.catalog();
    let wanted = |row: &Listed<'_>| {
        let instance = row.instance;
        let in_zone = zone.as_deref().is_none_or(|zone| zone == &*instance.offer.zone);
        let in_vpc = vpc.as_deref().is_none_or(|vpc| {
            catalog.zone(&instance.offer.zone).is_some_and(|zone| &*zone.vpc == vpc)
        });
        let found = search.as_deref().is_none_or(|search| {
            instance.id.contains(search)
                || instance.name.contains(search)
                || private_address(&instance.id).contains(search)
        });
        in_zone && in_vpc && found
    };
    let rows: Vec<_> = provider.list(now).into_iter().filter(wanted).collect();
    let total = rows.len();
    let (number, size) = match (number, size) {
        (None, None) => (1, total),
        (number, size) => (count(number.unwrap_or(1)), count(size.unwrap_or(20))),
    };
    if number == 0 {
        return Err(invalid("PageNumber"));
    }
    let page: Vec<_> = rows
        .iter()
        .skip((number - 1).saturating_mul(size))
        .take(size)
        .map(|row| row_json(catalog, row))
        .collect();
    let data = json!({ "EcsList": page });
    let page = Some(Page { number, size, total });
    Ok(Answer { message: "获取云服务器列表成功！", data, page })
}

pub(super) fn one(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let id = params.required("EcsId")?;
    let provider = behind.provider(now);
    let instance = provider.instance(&id).ok_or_else(|| Fault::no_instance(&id))?;
    Ok(Answer::new("获取云服务器详情成功！", instance_json(provider.catalog(), instance)))
}

/// What is not known is left out.
pub(super) fn statuses(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let ids = params.required_texts("EcsIds")?;
    let provider = behind.provider(now);
    let known = ids.iter().filter_map(|id| provider.instance(id));
    let statuses: Map<String, Value> = known
        .map(|instance| {
            let (code, display) = (instance.state.code(), instance.state.display());
            (instance.id.to_string(), json!({ "Status": code, "StatusDisplay": display }))
        })
        .collect();
    Ok(Answer::new("获取云服务器状态成功！", json!({ "EcsStatus": statuses })))
}

/// Only the GPU, CPU and memory are measured; one that does not run has no measurements.
pub(super) fn monitor(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let id = params.required("EcsId")?;
    let hours = i64::from(params.number("TimeInterval")?.unwrap_or(1));
    let asked = params.texts("Indicators")?;
    let instance = behind.provider(now).instance(&id).ok_or_else(|| Fault::no_instance(&id))?;
    let (gpus, since) = (instance.offer.gpus, instance.running_since);
    let percent = behind.gpu_percent(&id);
    let from = now - Span::hours(hours);
    let times = since.map_or_else(Vec::new, |since| sample_times(since.max(from), now));
    let series = |value: u32, device: Value| {
        let words: Vec<_> = times.iter().map(|at| utc_time(*at)).collect();
        let values = vec![f64::from(value); times.len()];
        json!({ "Unit": "%", "Device": device, "Time": words, "Value": values })
    };
    let mut data = Map::new();
    for indicator in ["CpuUsage", "MemoryUsage", "GpuUsage"] {
        if !asked.as_ref().is_none_or(|asked| asked.iter().any(|one| one == indicator)) {
            continue;
        }
        let value = match (indicator, percent) {
            (_, None) => continue,
            ("GpuUsage", Some(percent)) if 1 < gpus => {
                (0..gpus).map(|gpu| series(percent, json!(gpu.to_string()))).collect()
            }
            ("GpuUsage", Some(percent)) => series(percent, Value::Null),
            (_, Some(percent)) => series(percent / 2, Value::Null),
        };
        data.insert(indicator.to_owned(), value);
    }
    Ok(Answer::new("获取云服务器监控信息成功！", Value::Object(data)))
}

/// One a minute, the newest now, oldest first.
fn sample_times(from: Time, now: Time) -> Vec<Time> {
    let count = (now.since(from).0 / SAMPLE.0).clamp(0, SAMPLES_MAX - 1);
    (0..=count).rev().map(|back| now - SAMPLE.times(back)).collect()
}

pub(super) fn create(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    check_password(&params.required("Password")?)?;
    let disk = params.inner("SystemDisk");
    let disk_feature = disk.required("DiskFeature")?;
    let mut disk_gib = disk.required_number("Size")?;
    for data_disk in params.inner_list("DataDisk") {
        if disk_feature == "local" {
            let message = "Local disks and cloud disks cannot be mixed.";
            return Err(Failure::new(400, "UnSupportedMixingLocalAndEbs", message));
        }
        disk_gib = disk_gib.saturating_add(data_disk.required_number("Size")?);
    }
    let name = params.text("Name");
    let request = CreateRequest {
        name: name.unwrap_or_else(|| format!("ecs-{}", vendor_time(now))).into(),
        offer: params.offer()?,
        number: params.number("Number")?.unwrap_or(1),
        start_number: params.number("StartNumber")?.filter(|number| *number != 0),
        image: params.required("ImageId")?.into(),
        vpc: params.inner("VpcInfo").required("VpcId")?.into(),
        subnet: params.inner("SubnetInfo").required("SubnetId")?.into(),
        disk_feature: disk_feature.into(),
        disk_gib,
    };
    let accepted = behind.provider(now).create(now, &request)?;
    let ids: Vec<_> = accepted.instances.iter().map(|id| &**id).collect();
    let data = json!({ "EventId": *accepted.event, "EcsIdSet": ids });
    Ok(Answer::new("创建云服务器任务下发成功", data))
}

/// 8 to 30 characters of at least three kinds.
fn check_password(password: &str) -> Result<(), Failure> {
    let kinds: [fn(char) -> bool; 4] = [
        |letter| letter.is_ascii_uppercase(),
        |letter| letter.is_ascii_lowercase(),
        |letter| letter.is_ascii_digit(),
        |letter| letter.is_ascii_punctuation(),
    ];
    let has = kinds.into_iter().filter(|kind| password.chars().any(kind)).count();
    if (8..=30).contains(&password.chars().count()) && 3 <= has {
        Ok(())
    } else {
        Err(Failure::new(400, "InvalidPassword.Malformed", "The password is too weak."))
    }
}

/// `DeleteEip` counts for `free_shutdown_ecs` only, and is 1 unless given.
pub(super) fn operate(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let ids = params.required_texts("EcsIds")?;
    let operation = Operation::from_code(&params.required("OpType")?);
    let operation = operation.ok_or_else(|| invalid("OpType"))?;
    let delete_eip = params.flag("DeleteEip", true)?;
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let accepted = behind.provider(now).operate_all(now, &ids, operation, delete_eip)?;
    let data = json!({ "EventId": *accepted.event });
    Ok(Answer::new("批量操作云服务器任务下发成功！", data))
}

/// `DeleteEip` is 0 unless given: the opposite of `operate`.
pub(super) fn delete(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let ids = params.required_texts("EcsIds")?;
    let delete_eip = params.flag("DeleteEip", false)?;
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let accepted = behind.provider(now).delete_all(now, &ids, delete_eip)?;
    let data = json!({ "EventId": *accepted.event });
    Ok(Answer::new("删除云服务器任务下发成功！", data))
}

/// Private addresses are made up from the id.
fn private_address(id: &str) -> String {
    let sum = id.bytes().fold(7u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    format!("10.15.{}.{}", (sum >> 8) % 250, sum % 250 + 2)
}

fn row_json(catalog: &Catalog, row: &Listed<'_>) -> Value {
    let instance = row.instance;
    let Some(zone) = catalog.zone(&instance.offer.zone) else { return Value::Null };
    let image = image_name(catalog, instance);
    let family = catalog.family(&instance.offer.family);
    let address = private_address(&instance.id);
    let disk_type = if &*instance.disk_feature == "ssd" { "SSD云盘" } else { "本地盘" };
    let mut json = json!({
        "EcsId": *instance.id, "EcsName": *instance.name, "VpcId": *zone.vpc,
        "VpcName": format!("{}-VPC", zone.name), "Status": row.state.code(),
        "StatusDisplay": row.state.display(), "AzId": *zone.id, "AzName": *zone.name,
        "RegionId": *zone.region_id, "RegionName": *zone.region_name,
        "PrivateNet": address, "PubNet": "", "VirtualNet": [],
        "EipInfo": { address: { "ConfName": "", "EipIp": "" } },
        "CreateTime": vendor_time(instance.created_at()), "EndBillTime": NEVER,
        "IsAutoRenewal": "1", "IsGpu": 0 < instance.offer.gpus,
    });
    let more = json!({
        "CardName": family.map_or("", |family| &*family.gpu_name),
        "CpuSize": instance.offer.cpu, "RamSize": instance.offer.ram_gib,
        "GpuSize": instance.offer.gpus, "BillingMethodName": "按需计费",
        "BillingMethod": instance.offer.billing.code(), "OsType": "Ubuntu",
        "OsVersion": "20.04", "OsBit": 64, "ImageName": image, "CustomerId": "E000001",
        "SystemDiskType": disk_type, "SystemDiskFeature": *instance.disk_feature,
        "SystemDiskSize": instance.disk_gib,
        "SupportGpuDriver": family.map_or("", |family| &*family.driver),
        "SpecFamilyId": "bd1a7a0a-f29f-11ec-a66c-7a4c8683bd6c",
        "EcsFamilyName": *instance.offer.family,
        "NoChargeForShutdown": u8::from(row.is_free),
    });
    if let (Value::Object(json), Value::Object(more)) = (&mut json, more) {
        json.extend(more);
    }
    json
}

fn image_name<'a>(catalog: &'a Catalog, instance: &'a Instance) -> &'a str {
    let image = catalog.images.iter().find(|image| image.id == instance.image);
    image.map_or(&*instance.image, |image| &*image.name)
}

fn instance_json(catalog: &Catalog, instance: &Instance) -> Value {
    let Some(zone) = catalog.zone(&instance.offer.zone) else { return Value::Null };
    let offer = &instance.offer;
    let address = private_address(&instance.id);
    json!({
        "EcsId": *instance.id, "EcsName": *instance.name, "RegionId": *zone.region_id,
        "RegionName": *zone.region_name, "AzId": *zone.id, "AzName": *zone.name,
        "Status": instance.state.code(), "StatusDisplay": instance.state.display(),
        "CreateTime": vendor_time(instance.created_at()), "Duration": 1, "EndBillTime": NEVER,
        "IsAutoRenewal": "1", "TimeZone": "UTC", "IsRam": 0 < offer.gpus,
        "NoChargeForShutdown": u8::from(instance.is_free),
        "EcsRule": {
            "Name": *offer.family, "CpuNum": offer.cpu, "CpuUnit": "核", "Ram": offer.ram_gib,
            "Gpu": offer.gpus, "RamUnit": "个", "GpuUnit": "GiB",
        },
        "OsInfo": {
            "ImageId": *instance.image, "ImageName": image_name(catalog, instance),
            "OsType": "Ubuntu", "Bit": 64, "Version": "20.04",
        },
        "Disk": {
            "SystemDiskConf": {
                "ReleaseWithInstance": 1, "DiskType": "system", "Name": "system",
                "Size": instance.disk_gib, "DiskIops": 2520, "BandMbps": 96, "Unit": "GB",
                "DiskId": instance.id.replace("ins-", "disk-"),
                "DiskFeature": *instance.disk_feature,
            },
            "DataDiskConf": [],
        },
        "Pipe": {
            "VpcName": format!("{}-VPC", zone.name), "VpcId": *zone.vpc, "SubnetId": *zone.subnet,
            "SubnetName": "render", "PrivateNet": address, "PubNet": "", "VirtualNet": [],
            "EipInfo": { address: { "ConfName": "", "EipIp": "", "CurrentUseQos": "" } },
        },
        "BillingInfo": {
            "BillingMethod": offer.billing.code(), "BillingMethodName": "按需计费",
            "BillingStatus": "正常", "BillCycleId": "month",
        },
    })
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
