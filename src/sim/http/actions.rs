//! The actions: which path and verb each answers to, and what the questions about the catalogue
//! are answered. Instances are in `machines`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::{Answer, Failure, Style, vendor_time};
use super::params::{Params, missing};
use super::{Behind, Service, disks, groups, machines, monitor, network, snapshots, upkeep};
use crate::model::{Billing, Money, OfferKey, Stock, Text, Time};
use crate::sim::provider::{EventView, Fault, Provider, Size, SizeKey, TaskState, ZoneSpec};

/// What an action does.
type Run = fn(&mut dyn Behind, Time, &Params) -> Result<Answer, Failure>;

/// An action.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) name: &'static str,
    service: Service,
    methods: &'static [&'static str],
    pub(super) style: Style,
    pub(super) run: Run,
}

const fn on(
    service: Service,
    name: &'static str,
    methods: &'static [&'static str],
    style: Style,
    run: Run,
) -> Action {
    Action { name, service, methods, style, run }
}

const fn ecs(
    name: &'static str,
    methods: &'static [&'static str],
    style: Style,
    run: Run,
) -> Action {
    on(Service::Ecs, name, methods, style, run)
}

const GET: &[&str] = &["GET"];
const POST: &[&str] = &["POST"];
/// An action that its page spells in two ways.
const OTHER_SPELLING: (&str, &str) = ("RollbackDiskBySnapShot", "RollbackDiskBySnapshot");
const EITHER: &[&str] = &["GET", "POST"];

/// Every action that is answered.
static ACTIONS: &[Action] = &[
    ecs("DescribeRegions", GET, Style::PLAIN, regions),
    ecs("DescribeEcsFamilyInfo", GET, Style::PLAIN, families),
    ecs("DescribeZoneInstanceType", GET, Style::PLAIN, zone_types),
    ecs("DescribePrice", POST, Style::MIXED, price),
    ecs("DescribeInstanceList", GET, Style::LOWER_WITH_ID, machines::list),
    ecs("DescribeInstance", GET, Style::LOWER, machines::machine),
    ecs("DescribeInstanceStatus", POST, Style::LONG, machines::statuses),
    ecs("DescribeInstanceMonitor", POST, Style::PLAIN, monitor::answer),
    ecs("DescribeEvent", GET, Style::PLAIN, event),
    ecs("DescribeAccountSubject", GET, Style::PLAIN, upkeep::subjects),
    ecs("DescribeInstanceVncUrl", GET, Style::BARE, upkeep::vnc_url),
    ecs("CreateInstance", POST, Style::BARE, machines::create),
    ecs("OperateInstance", POST, Style::LOWER, machines::operate),
    ecs("DeleteInstance", POST, Style::MIXED, machines::delete),
    ecs("ModifyInstancePassword", POST, Style::MIXED, upkeep::set_password),
    ecs("ModifyInstanceName", POST, Style::PLAIN, upkeep::rename),
    ecs("ChangeInstanceConfigure", POST, Style::BARE, upkeep::resize),
    ecs("CreateImage", POST, Style::BARE, upkeep::create_image),
    ecs("DeleteImage", POST, Style::BARE, upkeep::delete_image),
    ecs("SyncImage", POST, Style::BARE, upkeep::sync_image),
    on(Service::Images, "DescribeImages", EITHER, Style::PLAIN, upkeep::images),
    on(Service::Ebs, "CreateDisk", POST, Style::BARE, disks::create),
    on(Service::Ebs, "DeleteDisk", POST, Style::BARE, disks::delete),
    on(Service::Ebs, "DetachDisk", POST, Style::BARE, disks::detach),
    on(Service::Ebs, "AttachDisk", POST, Style::BARE, disks::attach),
    on(Service::Ebs, "ExtendDisk", POST, Style::BARE, disks::extend),
    on(Service::Ebs, "DescribeDiskQuota", GET, Style::PLAIN, disks::quota),
    on(Service::Ebs, "DescribeDiskList", EITHER, Style::BARE, disks::list),
    on(Service::Ebs, "DescribeDisk", GET, Style::BARE, disks::disk),
    on(Service::Ebs, "DescribeEcsAttachDisks", GET, Style::BARE, disks::attached),
    on(Service::Ebs, "DescribeEvent", GET, Style::BARE, event),
    on(Service::Vpc, "DescribeVPC", POST, Style::LONG, network::vpcs),
    on(Service::Vpc, "DescribeSubnet", POST, Style::LONG, network::subnets),
    on(Service::Vpc, "DescribeSubnetIp", POST, Style::LONG, network::subnet_ips),
    on(Service::Vpc, "DescribeEIP", POST, Style::LONG, network::eips),
    on(Service::Vpc, "DeleteEIP", POST, Style::LONG, network::delete_eip),
    on(Service::SecurityGroups, "DescribeSecurityGroups", GET, Style::PLAIN, groups::list),
    on(Service::SecurityGroups, "DescribeSecurityGroupPolicies", GET, Style::PLAIN, groups::rules),
    on(Service::SecurityGroups, "CreateSecurityGroup", POST, Style::LONG, groups::create),
    on(Service::SecurityGroups, "DeleteSecurityGroup", POST, Style::LONG, groups::delete),
    on(
        Service::SecurityGroups,
        "CreateSecurityGroupPolicies",
        POST,
        Style::LONG,
        groups::add_rules,
    ),
    on(
        Service::SecurityGroups,
        "DeleteSecurityGroupPolicies",
        POST,
        Style::LONG,
        groups::delete_rules,
    ),
    on(
        Service::SecurityGroups,
        "ModifySecurityGroupPolicies",
        POST,
        Style::LONG,
        groups::change_rules,
    ),
    on(Service::SecurityGroups, "ModifySecurityGroupAttribute", POST, Style::LONG, groups::change),
    on(Service::SecurityGroups, "ModifySecurityGroupsPriority", POST, Style::LONG, groups::set),
    on(
        Service::SecurityGroups,
        "DescribeSecurityGroupAssociationStatistics",
        GET,
        Style::LONG,
        groups::members,
    ),
    on(Service::SecurityGroups, "AssociateSecurityGroups", POST, Style::LONG, groups::join),
    on(Service::SecurityGroups, "DisassociateSecurityGroups", POST, Style::LONG, groups::leave),
    on(Service::Vpc, "CreateEIP", POST, Style::LONG, network::create_eips),
    on(Service::Vpc, "UpdateEIP", POST, Style::LONG, network::update_eip),
    on(Service::Vpc, "BindEIP", POST, Style::LONG, network::bind_eip),
    on(Service::Vpc, "UnbindEIP", POST, Style::LONG, network::unbind_eip),
    on(Service::Vpc, "DescribeTask", GET, Style::LONG, network::task),
    on(Service::Ebs, "DescribeSnapshotList", GET, Style::BARE, snapshots::list),
    on(Service::Ebs, "DescribeSnapshot", GET, Style::BARE, snapshots::snapshot),
    on(Service::Ebs, "CreateSnapshot", POST, Style::BARE, snapshots::create),
    on(Service::Ebs, "RollbackDiskBySnapshot", POST, Style::BARE, snapshots::roll_back),
    on(Service::Ebs, "RenameSnapshot", POST, Style::BARE, snapshots::rename),
    on(Service::Ebs, "DeleteSnapshot", POST, Style::BARE, snapshots::delete),
    on(Service::Ebs, "DescribeSnapshotQuota", GET, Style::BARE, snapshots::quota),
    on(Service::Ebs, "DescribeSnapshotChainList", GET, Style::BARE, snapshots::chain_list),
    on(Service::Ebs, "DescribeSnapshotChain", GET, Style::BARE, snapshots::chain),
    on(Service::Ebs, "CreateImageBySnapshot", POST, Style::BARE, snapshots::create_image),
    on(Service::Ebs, "CopySnapshotCrossAZ", POST, Style::BARE, snapshots::copy),
];

/// Finds the action; the same names are refused on other paths and with other verbs.
pub(super) fn find(
    service: Service,
    method: &str,
    name: Option<&str>,
) -> Result<&'static Action, Failure> {
    let name = name.ok_or_else(|| missing("Action"))?;
    let name = if name == OTHER_SPELLING.0 { OTHER_SPELLING.1 } else { name };
    let action = ACTIONS
        .iter()
        .find(|action| action.name == name && action.service == service)
        .ok_or_else(|| Failure::told("UnsupportedAction", ""))?;
    if action.methods.contains(&method) {
        Ok(action)
    } else {
        Err(Failure::told("UnsupportedHTTPMethod", ""))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every action has the same signature")]
fn regions(behind: &mut dyn Behind, now: Time, _: &Params) -> Result<Answer, Failure> {
    let mut regions: BTreeMap<&str, Vec<&ZoneSpec>> = BTreeMap::new();
    for zone in &behind.provider(now).catalog().zones {
        regions.entry(&zone.region).or_default().push(zone);
    }
    let zone_json = |zone: &&ZoneSpec| {
        json!({
            "AzId": *zone.id, "AzName": *zone.name, "AvailableZoneCode": *zone.code,
        })
    };
    let list: Vec<_> = regions
        .into_iter()
        .map(|(code, zones)| {
            let first = zones.first();
            json!({
                "RegionId": first.map(|zone| &*zone.region_id),
                "RegionName": first.map(|zone| &*zone.region_name),
                "AzList": zones.iter().map(zone_json).collect::<Vec<_>>(),
                "RegionCode": code,
            })
        })
        .collect();
    let data = json!([{
        "RegionGroupId": "408fd19e-fa78-11e6-bd9a-30b49e091019",
        "RegionGroupName": "中国",
        "RegionList": list,
    }]);
    Ok(Answer::new("获取地域可用区信息成功！", data))
}

fn families(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let code = params.required("AvailableZoneCode")?;
    params.billing()?; // every size is sold on all terms
    let catalog = behind.provider(now).catalog();
    let zone = catalog.zone(&code).ok_or_else(Fault::no_zone)?;
    let mut list = Vec::new();
    for family in &catalog.families {
        let here = |key: &&SizeKey| key.zone == zone.code && key.family == family.name;
        let specs: Vec<_> = catalog
            .sizes
            .keys()
            .filter(here)
            .map(|key| {
                json!({
                    "GpuShowType": *family.gpu_name, "GpuTypeId": *family.gpu_type_id,
                    "Cpu": key.size.cpu, "Ram": key.size.ram_gib, "Gpu": key.size.gpus,
                    "SupportGpuDriver": *family.driver,
                })
            })
            .collect();
        if !specs.is_empty() {
            list.push(json!({ "EcsFamilyName": *family.name, "SpecList": specs }));
        }
    }
    Ok(Answer::new("获取云服务器类型成功！", json!({ "EcsFamilyInfo": list })))
}

fn zone_types(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let (code, family) = (params.required("AvailableZoneCode")?, params.required("EcsFamilyName")?);
    let only = [params.number("Cpu")?, params.number("Ram")?, params.number("Gpu")?];
    let provider = behind.provider(now);
    let reading = provider.stock_reading(now, &code, &family)?;
    let catalog = provider.catalog();
    let (zone, kind) = (catalog.zone(&code), catalog.family(&family));
    let driver = kind.map_or("", |kind| &*kind.driver);
    let class = if driver == "Datacenter" { "专业显卡" } else { "消费级显卡" };
    let asked = |size: Size| {
        only.iter()
            .zip([size.cpu, size.ram_gib, size.gpus])
            .all(|(only, size)| only.is_none_or(|only| only == size))
    };
    let specs: Vec<_> = reading
        .sizes
        .iter()
        .filter(|(size, _)| asked(*size))
        .map(|(size, stock)| {
            let status = match stock {
                Stock::Sells => "SELL",
                Stock::SoldOut => "SELLOUT",
            };
            json!({
                "Cpu": size.cpu, "Ram": size.ram_gib, "Gpu": size.gpus, "GpuType": class,
                "SupportGpuDriver": driver, "Status": status,
                "CpuName": kind.map_or("", |kind| &*kind.cpu_name),
            })
        })
        .collect();
    let data = if specs.is_empty() {
        json!([])
    } else {
        json!([{
            "EcsFamilyName": *reading.family,
            "AvailableZone": zone.map_or("", |zone| &*zone.name),
            "SpecList": specs,
        }])
    };
    Ok(Answer::new("获取计算类型族及其售卖状态！", data))
}

fn price(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let offer = priced(behind.provider(now), params)?;
    let system = params.inner("SystemDiskInfo");
    system.required("DiskFeature")?;
    let mut disk_gib = system.number("Size")?.unwrap_or(40);
    for disk in params.inner_list("DataDiskInfo") {
        disk_gib = disk_gib.saturating_add(disk.required_number("Size")?);
    }
    let number = i64::from(params.number("Number")?.unwrap_or(1));
    let months = i64::from(params.number("Duration")?.unwrap_or(1));
    let provider = behind.provider(now);
    let demand = provider.price(&offer, disk_gib)?.amount;
    let times = |money: Money, factor: i64| yuan(Money(money.0.saturating_mul(factor)));
    let mut data = json!({ "PriceUnit": "天", "PriceSymbol": "￥" });
    let more = match offer.billing {
        Billing::OnDemand => json!({ "TotalPrice": times(demand, number) }),
        Billing::Monthly => {
            let month = provider.month(&offer, disk_gib).unwrap_or_default();
            json!({ "PriceUnit": "月", "TotalPrice": times(month, number.saturating_mul(months)) })
        }
        Billing::Spot => {
            let what = SizeKey::from(&offer);
            let spot = provider.spot_day(&what, now).unwrap_or_default();
            let disk = provider.catalog().disk_day(&offer.zone, disk_gib).unwrap_or_default();
            json!({
                "TotalPrice": times(spot + disk, number), "SpotStdAmount": yuan(spot),
                "DemandStdAmount": yuan(demand - disk),
            })
        }
    };
    if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
        data.extend(more);
    }
    Ok(Answer::new("获取计费信息成功！", data))
}

/// What is priced: without a family, the first that has the size.
fn priced(provider: &Provider, params: &Params) -> Result<OfferKey, Failure> {
    let offer = params.offer_of(&params.text("EcsFamilyName").unwrap_or_default())?;
    if !offer.family.is_empty() {
        return Ok(offer);
    }
    let catalog = provider.catalog();
    catalog.zone(&offer.zone).ok_or_else(Fault::no_zone)?;
    let is_it = |key: &&SizeKey| key.zone == offer.zone && key.size == offer.size();
    let found = catalog.sizes.keys().find(is_it).ok_or_else(Fault::no_size)?;
    Ok(OfferKey { family: Text::clone(&found.family), ..offer })
}

/// A JSON number of yuan, exact to the micro-yuan.
fn yuan(money: Money) -> Value {
    let text = format!("{}.{:06}", money.0 / 1_000_000, money.0 % 1_000_000);
    text.parse::<f64>().map_or(Value::Null, Value::from)
}

fn event(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let id = params.required("EventId")?;
    let event = behind.provider(now).event(now, &id).ok_or_else(Fault::no_event)?;
    let data = event_json(&event, now);
    if event.state() == TaskState::Failed && behind.answers().failed_event_is_500 {
        return Err(Failure { data: Some(data), ..Failure::internal() });
    }
    Ok(Answer::new("获取事件信息成功！", data))
}

/// An event's own status is a code; its tasks' statuses are words, as the table of the document
/// has them, where the event failed, and codes, as its sample has them, where it did not.
fn event_json(event: &EventView, now: Time) -> Value {
    let (resource, resource_display) = event.kind.resource();
    let tasks: Vec<_> = event
        .tasks
        .iter()
        .map(|task| {
            let (code, display) = state_words(task.state);
            let status = if task.state == TaskState::Failed { display } else { code };
            let ended = task.ended_at.map_or_else(String::new, vendor_time);
            json!({
                "TaskId": *task.id, "Status": status, "StatusDisplay": display,
                "ResourceId": *task.instance, "CreateTime": vendor_time(task.created_at),
                "UpdateTime": vendor_time(task.ended_at.unwrap_or(now)), "EndTime": ended,
                "ResourceType": resource, "ResourceDisplay": resource_display,
                "TaskType": event.kind.code(), "TaskTypeDisplay": event.kind.display(),
            })
        })
        .collect();
    let (mut code, display) = state_words(event.state());
    let is_mixed = event.tasks.iter().any(|task| task.state == TaskState::Success);
    if event.state() == TaskState::Failed && is_mixed {
        code = "part_fail";
    }
    json!({
        "EventId": *event.id, "EventStatus": code, "EventStatusDisplay": display,
        "EventType": event.kind.code(), "EventTypeDisplay": event.kind.display(),
        "CreateTime": vendor_time(event.created_at), "TaskList": tasks,
    })
}

fn state_words(state: TaskState) -> (&'static str, &'static str) {
    match state {
        TaskState::Doing => ("doing", "执行中"),
        TaskState::Success => ("success", "成功"),
        TaskState::Failed => ("failed", "失败"),
    }
}
