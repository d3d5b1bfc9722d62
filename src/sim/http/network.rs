//! The actions on networks: one VPC and subnet for each zone; addresses.

use serde_json::{Value, json};

use super::Behind;
use super::answer::{Answer, Failure, vendor_time};
use super::answers::Form;
use super::params::Params;
use crate::model::{Text, Time};
use crate::sim::provider::{Eip, EipRequest, Fault, Provider, SUBNET, ZoneSpec};

/// Addresses named one by one in an answer, at most.
const NAMED_MAX: usize = 20;

/// The zones of the region that is asked about.
fn zones<'a>(provider: &'a Provider, params: &Params) -> Result<Vec<&'a ZoneSpec>, Failure> {
    let region = params.required("RegionCode")?;
    let zones: Vec<_> =
        provider.catalog().zones.iter().filter(|zone| *zone.region == *region).collect();
    if zones.is_empty() {
        return Err(Fault::no_region().into());
    }
    Ok(zones)
}

/// Whether a row is what `Keyword` looks for.
fn is_meant(params: &Params, words: [&str; 2]) -> bool {
    params.text("Keyword").is_none_or(|keyword| words.iter().any(|word| word.contains(&*keyword)))
}

pub(super) fn vpcs(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let provider = behind.provider(now);
    let all = || Ok(provider.catalog().zones.iter().collect());
    let zones: Result<Vec<_>, _> =
        if params.text("RegionCode").is_some() { zones(provider, params) } else { all() };
    let rows: Vec<Value> = zones?
        .into_iter()
        .filter(|zone| is_meant(params, [&zone.vpc, &zone.name]))
        .map(|zone| {
            json!({
                "VPCId": *zone.vpc, "VPCNmae": format!("{}-VPC", zone.name),
                "VPCSegment": "10.15.0.0/16", "Status": "ok", "RegionCode": *zone.region,
                "BandwidthType": "Bandwidth_China_Telecom", "CreateTime": "2022-04-14 14:21:52",
            })
        })
        .collect();
    let page = params.network_page(rows.len())?;
    Ok(Answer::new("Success", json!({ "Total": page.total, "VPCList": page.rows_of(&rows) })))
}

pub(super) fn subnets(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let provider = behind.provider(now);
    let (vpc, code) = (params.text("VPCId"), params.text("AvailableZoneCode"));
    let all = || Ok(provider.catalog().zones.iter().collect());
    let zones: Result<Vec<_>, _> =
        if params.text("RegionCode").is_some() { zones(provider, params) } else { all() };
    let rows: Vec<Value> = zones?
        .into_iter()
        .filter(|zone| vpc.as_deref().is_none_or(|vpc| vpc == &*zone.vpc))
        .filter(|zone| code.as_deref().is_none_or(|code| code == &*zone.code))
        .filter(|zone| is_meant(params, [&zone.subnet, "render"]))
        .map(|zone| {
            json!({
                "SubnetId": *zone.subnet, "SubnetName": "render", "SubnetSegment": SUBNET,
                "Status": "ok", "UsedIPNum": used(provider, zone), "VPCId": *zone.vpc,
                "VPCName": format!("{}-VPC", zone.name), "AvailableZoneCode": *zone.code,
            })
        })
        .collect();
    let page = params.network_page(rows.len())?;
    Ok(Answer::new("Success", json!({ "Total": page.total, "SubnetList": page.rows_of(&rows) })))
}

fn used(provider: &Provider, zone: &ZoneSpec) -> u32 {
    let here = provider.truth().filter(|one| one.offer.zone == zone.code).count();
    u32::try_from(here).unwrap_or(u32::MAX)
}

pub(super) fn subnet_ips(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let net = params.required("NetId")?;
    let provider = behind.provider(now);
    let zone = provider.catalog().zones.iter().find(|zone| *zone.subnet == *net);
    let zone = zone.ok_or_else(|| Fault::no_instance(&net))?;
    let used = used(provider, zone);
    let unused = provider.catalog().subnet_ips.saturating_sub(used);
    let free = provider.free_addresses(&zone.code, NAMED_MAX);
    let free: Vec<&str> = free.iter().map(|address| &**address).collect();
    let taken = provider.taken_addresses(&zone.code).into_iter().take(NAMED_MAX);
    let taken: Vec<_> = taken.map(|address| json!({ "IP": *address, "Usage": "ECS" })).collect();
    let data = json!({
        "UnusedNum": unused, "UnusedList": free, "UsedNum": used, "UsedList": taken,
    });
    Ok(Answer::new("Success", data))
}

pub(super) fn eips(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let form = behind.answers().form;
    let provider = behind.provider(now);
    if params.text("RegionCode").is_some() {
        zones(provider, params)?;
    }
    let (region, zone) = (params.text("RegionCode"), params.text("AvailableZoneCode"));
    let is = |only: &Option<String>, word: &str| only.as_deref().is_none_or(|only| only == word);
    let rows: Vec<Value> = provider
        .eips()
        .filter(|eip| is(&region, &eip.region) && is(&zone, &eip.zone))
        .filter(|eip| is_meant(params, [&eip.id, &eip.ip]))
        .map(|eip| eip_json(provider, eip, form))
        .collect();
    Ok(Answer::new("Success", json!({ "Total": rows.len(), "EIPList": rows })))
}

fn eip_json(provider: &Provider, eip: &Eip, form: Form) -> Value {
    let bound = provider.bound_to(eip);
    let subnet = provider.catalog().zone(&eip.zone).map_or("", |zone| &*zone.subnet);
    let created = vendor_time(eip.created_at);
    let resource = bound.map(|one| json!({ "SubnetIP": *one.address, "SubnetId": subnet }));
    json!({
        "Id": *eip.id, "IP": *eip.ip, "RegionCode": *eip.region, "AvailableZoneCode": *eip.zone,
        "Description": *eip.description, "CreateTime": created, "Status": "ok",
        "IsBind": match form {
            Form::Client => json!(bound.is_some()),
            Form::Document => json!(u8::from(bound.is_some())),
        },
        "BandwidthInfo": {
            "AvailableZoneCode": *eip.zone, "BandwidthType": *eip.line, "Id": *eip.bandwidth,
            "BillScheme": *eip.scheme, "CreateTime": created, "Name": "", "Qos": eip.qos,
            "Status": "ok",
        },
        "BindResourceInfo": resource,
    })
}

/// Edge zones want their zone named, others none: a region's first zone is taken without.
pub(super) fn create_eips(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let provider = behind.provider(now);
    let here = zones(provider, params)?;
    let zone = params.text("AvailableZoneCode");
    let zone = here.iter().find(|one| zone.as_deref().is_none_or(|zone| zone == &*one.code));
    let zone = Text::clone(&zone.ok_or_else(Fault::no_zone)?.code);
    let request = EipRequest {
        zone,
        description: params.text("Description").unwrap_or_default().into(),
        line: params.required("BandwidthType")?.into(),
        scheme: params.required("BillScheme")?.into(),
        qos: params.required_number("Qos")?,
    };
    let made = provider.create_eips(now, &request, params.required_number("Size")?)?;
    let ip = |id: &Text| provider.eips().find(|eip| eip.id == *id).map_or("", |eip| &*eip.ip);
    let rows: Vec<Value> = made.iter().map(|id| json!({ "EIPId": **id, "IP": ip(id) })).collect();
    Ok(Answer::new("任务下发成功", Value::from(rows)))
}

pub(super) fn update_eip(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let (id, description) = (params.required("EIPId")?, params.text("Description"));
    let qos = params.number("Qos")?;
    let task = behind.provider(now).update_eip(now, &id, description.as_deref(), qos)?;
    Ok(Answer { task: Some(task), ..Answer::new("修改成功", json!({})) })
}

pub(super) fn bind_eip(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let (id, net, ip) = bound(params)?;
    let task = behind.provider(now).bind_eip(now, &id, &net, &ip)?;
    Ok(Answer { task: Some(task), ..Answer::new("任务下发成功", json!({})) })
}

pub(super) fn unbind_eip(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let (id, net, ip) = bound(params)?;
    let task = behind.provider(now).unbind_eip(now, &id, &net, &ip)?;
    Ok(Answer { task: Some(task), ..Answer::new("任务下发成功", json!({})) })
}

/// An address, the subnet, and the private address there.
fn bound(params: &Params) -> Result<(String, String, String), Failure> {
    Ok((params.required("EIPId")?, params.required("NetId")?, params.required("IP")?))
}

/// The network's changes are done at once.
pub(super) fn task(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let id = params.required("TaskId")?;
    let provider = behind.provider(now);
    let (resource, task) = (provider.task(&id).ok_or_else(Fault::no_event)?, Text::from(&*id));
    let data = json!({ "TaskStatus": "finish", "ResourceId": **resource });
    Ok(Answer { task: Some(task), ..Answer::new("success", data) })
}

pub(super) fn delete_eip(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    behind.provider(now).delete_eip(now, &params.required("EIPId")?)?;
    Ok(Answer::new("删除成功", Value::Null))
}
