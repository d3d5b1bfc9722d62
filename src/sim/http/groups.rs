//! The actions on security groups.

use serde_json::{Value, json};

use super::Behind;
use super::answer::{Answer, Failure, Page, vendor_time};
use super::params::{Params, invalid, refs};
use crate::model::{Text, Time};
use crate::sim::provider::{Fault, Group, Policy};

/// What is shown of groups that were there before everything else.
const LONG_AGO: &str = "2022-04-14 14:21:52";

/// `TotalCount` stands in two places; the one beside the data counts something else in the sample.
#[expect(clippy::unnecessary_wraps, reason = "the signature all actions share")]
pub(super) fn list(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let (region, only) = (params.text("RegionCode"), params.text("SecurityGroupId"));
    let name = params.text("SecurityGroupName");
    let provider = behind.provider(now);
    let is = |only: &Option<String>, word: &str| only.as_deref().is_none_or(|only| only == word);
    let wanted = |group: &&Group| {
        is(&region, &group.region) && is(&only, &group.id) && is(&name, &group.name)
    };
    let rows: Vec<Value> = provider
        .groups()
        .filter(wanted)
        .map(|group| {
            let zones = &provider.catalog().zones;
            let region = zones.iter().find(|zone| zone.region == group.region);
            let members = provider.truth().filter(|one| one.groups.contains(&group.id)).count();
            let created = group.created_at.map_or_else(|| LONG_AGO.to_owned(), vendor_time);
            json!({
                "SecurityGroupId": *group.id, "SecurityGroupName": *group.name,
                "SecurityGroupRegion": region.map_or("", |zone| &*zone.region_name),
                "InstanceCount": members, "IpCount": 2000usize.saturating_sub(members),
                "GroupInterconnected": group.interconnected,
                "SecurityGroupDesc": *group.description, "CreatedTime": created,
                "UpdateTime": created,
            })
        })
        .collect();
    let page = Some(Page { number: 1, size: 1, total: 1 });
    let count = rows.len();
    let set = if rows.is_empty() { Value::Null } else { Value::from(rows) };
    let data = json!({ "TotalCount": count, "SecurityGroupSet": set });
    Ok(Answer { message: "Success", data, page, task: None })
}

pub(super) fn rules(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let id = params.required("SecurityGroupId")?;
    let group = behind.provider(now).group(&id)?;
    let rows = |ingress: bool| -> Vec<Value> {
        let rules = group.policies.iter().filter(|one| one.is_ingress == ingress);
        rules
            .map(|one| {
                json!({
                    "SecurityGroupId": id, "PolicyID": *one.id, "Protocol": *one.protocol,
                    "PolicyDescription": *one.description, "Port": *one.port,
                    "CidrBlock": *one.peer, "Priority": one.priority, "Status": one.allows,
                })
            })
            .collect()
    };
    let set = json!({ "Ingress": rows(true), "Egress": rows(false) });
    let data = json!({ "SecurityGroupId": id, "SecurityGroupPolicySet": set });
    Ok(Answer::new("Success", data))
}

pub(super) fn create(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let new = Group {
        id: "".into(),
        name: params.required("SecurityGroupName")?.into(),
        region: params.required("RegionCode")?.into(),
        description: params.text("SecurityGroupDescription").unwrap_or_default().into(),
        interconnected: params.truth("GroupInterconnected"),
        created_at: None,
        policies: Vec::new(),
    };
    let id = behind.provider(now).create_group(now, &new)?;
    Ok(Answer::new("成功", json!({ "SecurityGroupId": *id })))
}

pub(super) fn delete(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    behind.provider(now).delete_group(now, &params.required("SecurityGroupId")?)?;
    Ok(Answer::new("成功", Value::Null))
}

pub(super) fn add_rules(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let id = params.required("SecurityGroupId")?;
    let set = params.inner("SecurityGroupPolicySet");
    let mut new = Vec::new();
    for (direction, is_ingress) in [("Ingress", true), ("Egress", false)] {
        for policy in set.inner_list(direction) {
            new.push(Policy {
                id: "".into(),
                is_ingress,
                protocol: policy.required("Protocol")?.to_lowercase().into(),
                port: policy.required("Port")?.into(),
                peer: policy.required("CidrBlock")?.into(),
                priority: policy.required_number("Priority")?,
                allows: policy.truth("Status"),
                description: policy.text("PolicyDescription").unwrap_or_default().into(),
            });
        }
    }
    behind.provider(now).add_policies(now, &id, new)?;
    Ok(Answer::new("成功", Value::Null))
}

pub(super) fn delete_rules(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let id = params.required("SecurityGroupId")?;
    let gone = params.texts("PolicyIds")?.unwrap_or_default();
    behind.provider(now).delete_policies(now, &id, &refs(&gone))?;
    Ok(Answer::new("成功", Value::Null))
}

pub(super) fn join(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let id = params.required("SecurityGroupId")?;
    let region = params.required("RegionCode")?;
    if *behind.provider(now).group(&id)?.region != *region {
        return Err(Fault::parameter("RegionCode").into());
    }
    let mut members: Vec<(Text, usize)> = Vec::new();
    for one in params.inner_list("InstanceSet") {
        let priority = one.required_number("SecurityGroupPriority")?;
        let priority = usize::try_from(priority).ok();
        let priority = priority.ok_or_else(|| invalid("SecurityGroupPriority"))?;
        members.push((one.required("InstanceId")?.into(), priority));
    }
    let members: Vec<(&str, usize)> =
        members.iter().map(|(id, priority)| (&**id, *priority)).collect();
    behind.provider(now).join_group(now, &id, &members)?;
    Ok(Answer::new("成功", Value::Null))
}

pub(super) fn leave(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let id = params.required("SecurityGroupId")?;
    let members = params.required_texts("InstanceIds")?;
    behind.provider(now).leave_group(now, &id, &refs(&members))?;
    Ok(Answer::new("成功", Value::Null))
}
