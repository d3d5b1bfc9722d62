//! The actions on instances.

use serde_json::{Map, Value, json};

use super::Behind;
use super::answer::{Answer, Failure, utc_time, vendor_time};
use super::answers::{Answers, Deleted, MonitorZone, Shape};
use super::params::{Params, invalid, refs};
use crate::model::{Billing, Money, Span, Text, Time};
use crate::sim::provider::{
    Catalog, CreateRequest, Disk, Fault, Instance, Listed, Operation, Provider, State,
};

/// `EndBillTime` of what is not paid by the month.
const NEVER: &str = "2099-01-01 00:00:00";
/// One measurement a minute.
const SAMPLE: Span = Span::minutes(1);
/// Measurements in one answer, at most.
const SAMPLES_MAX: i64 = 120;

pub(super) fn list(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let zone = params.text("AvailableZoneCode");
    let (vpc, search) = (params.text("VpcId"), params.text("SearchInfo"));
    let ids = params.words("EcsIds")?;
    let Answers { no_charge_is_ability, rows_max, .. } = *behind.answers();
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
        let named = ids.as_ref().is_none_or(|ids| ids.iter().any(|id| **id == *instance.id));
        in_zone && in_vpc && found && named
    };
    let provider: &Provider = provider;
    let rows: Vec<_> = provider.list(now).into_iter().filter(wanted).collect();
    let mut page = params.page(rows.len())?;
    page.size = page.size.min(rows_max);
    let shown = page.of(&rows).iter().map(|row| row_json(provider, row, no_charge_is_ability));
    let data = json!({ "EcsList": shown.collect::<Vec<_>>() });
    Ok(Answer { message: "获取云服务器列表成功！", data, page: Some(page) })
}

pub(super) fn one(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let id = params.required("EcsId")?;
    let provider = behind.provider(now);
    let instance = provider.instance(&id).ok_or_else(|| Fault::no_instance(&id))?;
    Ok(Answer::new("获取云服务器详情成功！", instance_json(provider, instance)))
}

/// What is not known is left out.
pub(super) fn statuses(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let ids = params.required_texts("EcsIds")?;
    let deleted = behind.answers().deleted;
    let provider = behind.provider(now);
    let found = ids.iter().filter_map(|id| provider.instance(id));
    let is_shown = |one: &&Instance| one.state != State::Deleted || deleted == Deleted::Shown;
    let known: Vec<&Instance> = found.filter(is_shown).collect();
    if deleted == Deleted::Refused
        && let Some(gone) = ids.iter().find(|id| !known.iter().any(|one| *one.id == **id))
    {
        return Err(Fault::no_instance(gone).into());
    }
    let statuses: Map<String, Value> = known
        .into_iter()
        .map(|instance| {
            let (code, display) = status(provider, &instance.id, instance.state);
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
    let (percent, answers) = (behind.gpu_percent(&id), behind.answers());
    let from = now - Span::hours(hours);
    let times = since.map_or_else(Vec::new, |since| sample_times(since.max(from), now));
    let series = |value: u32, device: Value| {
        let shown = if answers.monitor_zone == MonitorZone::Utc { utc_time } else { vendor_time };
        let words: Vec<_> = times.iter().map(|at| shown(*at)).collect();
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
            ("GpuUsage", Some(percent)) if 1 < gpus || answers.monitor == Shape::List => {
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
    let name = params.text("Name");
    let request = CreateRequest {
        name: name.unwrap_or_else(|| format!("ecs-{}", vendor_time(now))).into(),
        offer: params.offer()?,
        number: params.number("Number")?.unwrap_or(1),
        start_number: params.number("StartNumber")?.filter(|number| *number != 0),
        image: params.required("ImageId")?.into(),
        vpc: params.inner("VpcInfo").required("VpcId")?.into(),
        subnet: params.inner("SubnetInfo").required("SubnetId")?.into(),
        data_disks: data_disks(&disk_feature, params)?,
        disk_feature: disk_feature.into(),
        disk_gib: disk.required_number("Size")?,
        eips: eips(params)?,
        months: params.number("Duration")?,
        bid: bid(params)?,
    };
    check_groups(behind.provider(now).catalog(), params)?;
    let accepted = behind.provider(now).create(now, &request)?;
    let is_hidden = behind.answers().hides_new_ids;
    let ids: Vec<_> = accepted.instances.iter().filter(|_| !is_hidden).map(|id| &**id).collect();
    let data = json!({ "EventId": *accepted.event, "EcsIdSet": ids });
    Ok(Answer::new("创建云服务器任务下发成功", data))
}

/// Cloud disks only, and none beside a local system disk.
fn data_disks(system: &str, params: &Params) -> Result<Vec<(u32, bool)>, Failure> {
    let mut disks = Vec::new();
    for disk in params.inner_list("DataDisk") {
        if !disk.required("DiskFeature")?.eq_ignore_ascii_case(system) || system == "local" {
            return Err(Fault::mixed_disks().into());
        }
        disks.push((disk.required_number("Size")?, disk.flag("ReleaseWithInstance", true)?));
    }
    Ok(disks)
}

/// Existing addresses, or a new one, which needs its kind of bandwidth.
fn eips(params: &Params) -> Result<Option<Vec<Text>>, Failure> {
    let Some(first) = params.inner_list("PubnetInfo").into_iter().next() else { return Ok(None) };
    let ids = first.texts("EipIds")?.unwrap_or_default();
    if ids.is_empty() {
        first.required("BandwidthType")?;
    }
    Ok(Some(ids.into_iter().map(Text::from).collect()))
}

fn bid(params: &Params) -> Result<Option<Money>, Failure> {
    if params.text("SpotType").as_deref() != Some("bid") {
        return Ok(None);
    }
    let said = params.required("SpotAmount")?;
    Money::parse(&said).map(Some).ok_or_else(|| invalid("SpotAmount"))
}

fn check_groups(catalog: &Catalog, params: &Params) -> Result<(), Failure> {
    for group in params.inner_list("SecurityGroups") {
        let id = group.required("SecurityGroupId")?;
        if !catalog.zones.iter().any(|zone| super::network::group_id(zone) == id) {
            return Err(Fault::no_instance(&id).into());
        }
    }
    Ok(())
}

/// 8 to 30 characters of at least three kinds.
pub(super) fn check_password(password: &str) -> Result<(), Failure> {
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
    let accepted = behind.provider(now).operate_all(now, &refs(&ids), operation, delete_eip)?;
    Ok(Answer::taken_on("批量操作云服务器任务下发成功！", &accepted))
}

/// `DeleteEip` is 0 unless given: the opposite of `operate`.
pub(super) fn delete(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let ids = params.required_texts("EcsIds")?;
    let delete_eip = params.flag("DeleteEip", false)?;
    let accepted = behind.provider(now).delete_all(now, &refs(&ids), delete_eip)?;
    Ok(Answer::taken_on("删除云服务器任务下发成功！", &accepted))
}

/// Private addresses are made up from the id.
fn private_address(id: &str) -> String {
    let sum = id.bytes().fold(7u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    format!("10.15.{}.{}", (sum >> 8) % 250, sum % 250 + 2)
}

/// What a machine is shown as: something slow may be done to one that is shut down.
fn status(provider: &Provider, id: &str, state: State) -> (&'static str, &'static str) {
    let busy = provider.busy(id).filter(|_| state == State::Shutdown);
    busy.map_or_else(|| (state.code(), state.display()), |busy| (busy.code, busy.display))
}

fn billing_name(billing: Billing) -> &'static str {
    match billing {
        Billing::OnDemand => "按需计费",
        Billing::Monthly => "包年包月",
        Billing::Spot => "竞价计费",
    }
}

fn ends(instance: &Instance) -> String {
    instance.paid_until.map_or_else(|| NEVER.to_owned(), vendor_time)
}

/// Public addresses beside the private one, as the API nests them.
fn eip_info(provider: &Provider, instance: &Instance) -> Value {
    let of_it = provider.eips().find(|eip| eip.instance.as_ref() == Some(&instance.id));
    let ip = of_it.map_or("", |eip| &*eip.ip);
    let line = if of_it.is_some() { "电信" } else { "" };
    let entry = json!({ "ConfName": line, "EipIp": ip, "CurrentUseQos": "" });
    Value::Object(Map::from_iter([(private_address(&instance.id), entry)]))
}

fn row_json(provider: &Provider, row: &Listed<'_>, is_ability: bool) -> Value {
    let (catalog, instance) = (provider.catalog(), row.instance);
    let Some(zone) = catalog.zone(&instance.offer.zone) else { return Value::Null };
    let image = image_name(catalog, instance);
    let family = catalog.family(&instance.offer.family);
    let disk_type = if &*instance.disk_feature == "ssd" { "SSD云盘" } else { "本地盘" };
    let (status, display) = status(provider, &instance.id, row.state);
    let mut json = json!({
        "EcsId": *instance.id, "EcsName": *instance.name, "VpcId": *zone.vpc,
        "VpcName": format!("{}-VPC", zone.name), "Status": status,
        "StatusDisplay": display, "AzId": *zone.id, "AzName": *zone.name,
        "RegionId": *zone.region_id, "RegionName": *zone.region_name,
        "PrivateNet": private_address(&instance.id), "PubNet": "", "VirtualNet": [],
        "EipInfo": eip_info(provider, instance),
        "CreateTime": vendor_time(instance.created_at()), "EndBillTime": ends(instance),
        "IsAutoRenewal": "1", "IsGpu": 0 < instance.offer.gpus,
    });
    let more = json!({
        "CardName": family.map_or("", |family| &*family.gpu_name),
        "CpuSize": instance.offer.cpu, "RamSize": instance.offer.ram_gib,
        "GpuSize": instance.offer.gpus,
        "BillingMethodName": billing_name(instance.offer.billing),
        "BillingMethod": instance.offer.billing.code(), "OsType": "Ubuntu",
        "OsVersion": "20.04", "OsBit": 64, "ImageName": image, "CustomerId": "E000001",
        "SystemDiskType": disk_type, "SystemDiskFeature": *instance.disk_feature,
        "SystemDiskSize": instance.disk_gib,
        "SupportGpuDriver": family.map_or("", |family| &*family.driver),
        "SpecFamilyId": "bd1a7a0a-f29f-11ec-a66c-7a4c8683bd6c",
        "EcsFamilyName": *instance.offer.family,
        "NoChargeForShutdown": u8::from(row.is_free || (is_ability && instance.can_stop_free())),
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

fn instance_json(provider: &Provider, instance: &Instance) -> Value {
    let catalog = provider.catalog();
    let Some(zone) = catalog.zone(&instance.offer.zone) else { return Value::Null };
    let offer = &instance.offer;
    let (status, display) = status(provider, &instance.id, instance.state);
    let of_it = |disk: &&Disk| disk.instance.as_ref() == Some(&instance.id);
    let data: Vec<Value> = provider.disks().filter(of_it).map(data_disk_json).collect();
    json!({
        "EcsId": *instance.id, "EcsName": *instance.name, "RegionId": *zone.region_id,
        "RegionName": *zone.region_name, "AzId": *zone.id, "AzName": *zone.name,
        "Status": status, "StatusDisplay": display,
        "CreateTime": vendor_time(instance.created_at()), "Duration": 1,
        "EndBillTime": ends(instance),
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
                "DiskId": super::disks::system_disk_id(instance),
                "DiskFeature": *instance.disk_feature,
            },
            "DataDiskConf": data,
        },
        "Pipe": {
            "VpcName": format!("{}-VPC", zone.name), "VpcId": *zone.vpc, "SubnetId": *zone.subnet,
            "SubnetName": "render", "PrivateNet": private_address(&instance.id), "PubNet": "",
            "VirtualNet": [], "EipInfo": eip_info(provider, instance),
        },
        "BillingInfo": {
            "BillingMethod": offer.billing.code(),
            "BillingMethodName": billing_name(offer.billing),
            "BillingStatus": "正常", "BillCycleId": "month",
        },
    })
}

/// `Id` here, `DiskId` for the system disk: as the document has it.
fn data_disk_json(disk: &Disk) -> Value {
    json!({
        "ReleaseWithInstance": u8::from(disk.release), "DiskType": "data", "Name": *disk.name,
        "Size": disk.gib, "DiskIops": 2520, "BandMbps": 96, "Unit": "GB", "Id": *disk.id,
        "DiskFeature": "ssd",
    })
}
