//! The look-ups of networks: one VPC, subnet and security group for each region; addresses.

use serde_json::{Value, json};

use super::Behind;
use super::answer::{Answer, Failure, Page, vendor_time};
use super::params::Params;
use crate::model::Time;
use crate::sim::provider::{Fault, Provider, ZoneSpec};

/// Addresses named one by one in an answer, at most.
const NAMED_MAX: u32 = 20;

/// The zones of the region that is asked about.
fn zones<'a>(provider: &'a Provider, params: &Params) -> Result<Vec<&'a ZoneSpec>, Failure> {
    let region = params.required("RegionCode")?;
    let zones: Vec<_> =
        provider.catalog().zones.iter().filter(|zone| *zone.region == *region).collect();
    if zones.is_empty() {
        let message = "The specified region does not exist.";
        return Err(Failure::new(404, "InvalidRegion.NotFound", message));
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
                "BandwidthType": "", "CreateTime": "2022-04-14 14:21:52",
            })
        })
        .collect();
    Ok(Answer::new("Success", json!({ "Total": rows.len(), "VPCList": rows })))
}

pub(super) fn subnets(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let provider = behind.provider(now);
    let (vpc, code) = (params.text("VPCId"), params.text("AvailableZoneCode"));
    let rows: Vec<Value> = zones(provider, params)?
        .into_iter()
        .filter(|zone| vpc.as_deref().is_none_or(|vpc| vpc == &*zone.vpc))
        .filter(|zone| code.as_deref().is_none_or(|code| code == &*zone.code))
        .filter(|zone| is_meant(params, [&zone.subnet, "render"]))
        .map(|zone| {
            json!({
                "SubnetId": *zone.subnet, "SubnetName": "render", "SubnetSegment": "10.15.100.0/22",
                "Status": "ok", "UsedIPNum": used(provider, zone), "VPCId": *zone.vpc,
                "VPCName": format!("{}-VPC", zone.name), "AvailableZoneCode": *zone.code,
            })
        })
        .collect();
    Ok(Answer::new("Success", json!({ "Total": rows.len(), "SubnetList": rows })))
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
    let address = |number: u32| format!("10.15.{}.{}", 100 + number / 250, number % 250 + 2);
    let named: Vec<_> = (used..used.saturating_add(unused.min(NAMED_MAX))).map(address).collect();
    let taken: Vec<_> = (0..used.min(NAMED_MAX))
        .map(|number| json!({ "IP": address(number), "Usage": "ECS" }))
        .collect();
    let data = json!({
        "UnusedNum": unused, "UnusedList": named, "UsedNum": used, "UsedList": taken,
    });
    Ok(Answer::new("Success", data))
}

pub(super) fn eips(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let provider = behind.provider(now);
    zones(provider, params)?;
    let (region, zone) = (params.required("RegionCode")?, params.text("AvailableZoneCode"));
    let rows: Vec<Value> = provider
        .eips()
        .filter(|eip| *eip.region == *region && is_meant(params, [&eip.id, &eip.ip]))
        .filter(|eip| zone.as_deref().is_none_or(|zone| zone == &*eip.zone))
        .map(|eip| {
            let bound = eip.instance.as_ref().map(|id| json!({ "ResourceId": **id }));
            json!({
                "Id": *eip.id, "IP": *eip.ip, "RegionCode": *eip.region,
                "AvailableZoneCode": *eip.zone, "Description": *eip.description,
                "CreateTime": vendor_time(eip.created_at), "IsBind": u8::from(bound.is_some()), "Status": "ok",
                "BandwidthInfo": { "Qos": 5, "BillScheme": "BandwIdth", "BandwidthType": "BGP" },
                "BindResourceInfo": bound,
            })
        })
        .collect();
    Ok(Answer::new("Success", json!({ "Total": rows.len(), "EIPList": rows })))
}

pub(super) fn delete_eip(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    behind.provider(now).delete_eip(now, &params.required("EIPId")?)?;
    Ok(Answer::new("删除成功", Value::Null))
}

#[expect(clippy::unnecessary_wraps, reason = "every action has the same signature")]
/// `TotalCount` stands in two places; the one beside the data counts this page only.
pub(super) fn groups(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let (region, only) = (params.text("RegionCode"), params.text("SecurityGroupId"));
    let provider = behind.provider(now);
    let mut rows: Vec<Value> = Vec::new();
    for zone in &provider.catalog().zones {
        let id = group_id(zone);
        let in_region = region.as_deref().is_none_or(|region| region == &*zone.region);
        let is_new = !rows.iter().any(|row| row.get("SecurityGroupId") == Some(&json!(id)));
        if in_region && is_new && only.as_deref().is_none_or(|only| only == id) {
            rows.push(json!({
                "SecurityGroupId": id, "SecurityGroupName": "render-workers",
                "SecurityGroupRegion": *zone.region_name, "InstanceCount": used(provider, zone),
                "IpCount": 0, "GroupInterconnected": true, "SecurityGroupDesc": "",
                "CreatedTime": "2022-04-14 14:21:52", "UpdateTime": "2022-04-14 14:21:52",
            }));
        }
    }
    let page = Some(Page { number: 1, size: 1, total: 1 });
    let count = rows.len();
    let set = if rows.is_empty() { Value::Null } else { Value::from(rows) };
    let data = json!({ "TotalCount": count, "SecurityGroupSet": set });
    Ok(Answer { message: "Success", data, page })
}

pub(super) fn rules(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let id = params.required("SecurityGroupId")?;
    let zones = &behind.provider(now).catalog().zones;
    if !zones.iter().any(|zone| group_id(zone) == id) {
        return Err(Fault::no_instance(&id).into());
    }
    let rule = |number: u32, port: &str, peer: &str| {
        json!({
            "PolicyID": format!("policy-{number}"), "Protocol": "tcp", "Port": port,
            "CidrBlock": peer, "Priority": number, "Status": true,
        })
    };
    let data = json!({ "SecurityGroupPolicySet": {
        "Ingress": [rule(1, "22/22", "10.0.0.0/8")],
        "Egress": [rule(2, "1/65535", "0.0.0.0/0")],
    } });
    Ok(Answer::new("Success", data))
}

/// One group for each region.
pub(super) fn group_id(zone: &ZoneSpec) -> String {
    format!("sg-{}", zone.region.to_lowercase().replace('_', ""))
}
