//! The actions on security groups.

use serde_json::{Value, json};

use super::Behind;
use super::answer::{Answer, Failure, Page, vendor_time};
use super::params::{Params, invalid, refs};
use crate::model::{Text, Time};
use crate::sim::provider::{Group, Instance, Policy, PolicyChange, Provider};

/// What is shown of groups that were there before everything else.
const LONG_AGO: &str = "2022-04-14 14:21:52";

/// `TotalCount` stands in two places.
pub(super) fn list(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let (region, only) = (params.text("RegionCode"), params.text("SecurityGroupId"));
    let name = params.text("SecurityGroupName");
    let provider = behind.provider(now);
    params.check_place(provider)?;
    let is = |only: &Option<String>, word: &str| only.as_deref().is_none_or(|only| only == word);
    let wanted = |group: &&Group| {
        is(&region, &group.region) && is(&only, &group.id) && is(&name, &group.name)
    };
    let rows: Vec<Value> =
        provider.groups().filter(wanted).map(|group| row(provider, group)).collect();
    let page = match params.number("PageNumber")? {
        None | Some(0) => Page { number: 1, size: rows.len(), total: rows.len() },
        Some(_) => params.page(rows.len())?,
    };
    let shown = page.rows_of(&rows);
    let set = if shown.is_empty() { Value::Null } else { Value::from(shown) };
    let data = json!({ "TotalCount": page.total, "SecurityGroupSet": set });
    Ok(Answer { message: "Success", data, page: Some(page), task: None })
}

fn row(provider: &Provider, group: &Group) -> Value {
    let zones = &provider.catalog().zones;
    let region = zones.iter().find(|zone| zone.region == group.region);
    let members = provider.members(&group.id).count();
    let created = group.created_at.map_or_else(|| LONG_AGO.to_owned(), vendor_time);
    json!({
        "SecurityGroupId": *group.id, "SecurityGroupName": *group.name,
        "SecurityGroupRegion": region.map_or("", |zone| &*zone.region_name),
        "InstanceCount": members, "IpCount": 2000usize.saturating_sub(members),
        "GroupInterconnected": group.interconnected, "SecurityGroupDesc": *group.description,
        "CreatedTime": created, "UpdateTime": created,
    })
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

pub(super) fn change(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let id = params.required("SecurityGroupId")?;
    let (name, description) =
        (params.text("SecurityGroupName"), params.text("SecurityGroupDescription"));
    let interconnected = params.truth_if_said("GroupInterconnected");
    behind.provider(now).change_group(now, &id, |group| {
        if let Some(name) = &name {
            group.name = name.as_str().into();
        }
        if let Some(description) = &description {
            group.description = description.as_str().into();
        }
        group.interconnected = interconnected.unwrap_or(group.interconnected);
    })?;
    Ok(Answer::new("成功", Value::Null))
}

pub(super) fn add_rules(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let id = params.required("SecurityGroupId")?;
    behind.provider(now).add_policies(now, &id, policies(params)?)?;
    Ok(Answer::new("成功", Value::Null))
}

/// Each rule with whether it is of what comes in.
fn rules_given(params: &Params) -> Vec<(bool, Params)> {
    let set = params.inner("SecurityGroupPolicySet");
    let of = |name: &str, is_ingress: bool| {
        set.inner_list(name).into_iter().map(move |one| (is_ingress, one))
    };
    of("Ingress", true).chain(of("Egress", false)).collect()
}

/// New rules, whole.
fn policies(params: &Params) -> Result<Vec<Policy>, Failure> {
    let whole = |(is_ingress, policy): (bool, Params)| {
        Ok(Policy {
            id: "".into(),
            is_ingress,
            protocol: policy.required("Protocol")?.to_lowercase().into(),
            port: policy.required("Port")?.into(),
            peer: policy.required("CidrBlock")?.into(),
            priority: policy.required_number("Priority")?,
            allows: policy.truth("Status"),
            description: policy.text("PolicyDescription").unwrap_or_default().into(),
        })
    };
    rules_given(params).into_iter().map(whole).collect()
}

pub(super) fn change_rules(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let id = params.required("SecurityGroupId")?;
    if params.truth("Reset") {
        behind.provider(now).reset_policies(now, &id, policies(params)?)?;
        return Ok(Answer::new("成功", Value::Null));
    }
    let mut changes = Vec::new();
    for (_, policy) in rules_given(params) {
        let text = |name: &str| policy.text(name).map(Text::from);
        changes.push(PolicyChange {
            id: policy.required("PolicyId")?.into(),
            protocol: policy.text("Protocol").map(|word| word.to_lowercase().into()),
            port: text("Port"),
            peer: text("CidrBlock"),
            priority: policy.number("Priority")?,
            allows: policy.truth_if_said("Status"),
            description: text("PolicyDescription"),
        });
    }
    behind.provider(now).change_policies(now, &id, &changes)?;
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
        return Err(invalid("RegionCode"));
    }
    let mut members: Vec<(Text, u32)> = Vec::new();
    for one in params.inner_list("InstanceSet") {
        let priority = one.required_number("SecurityGroupPriority")?;
        members.push((one.required("InstanceId")?.into(), priority));
    }
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

pub(super) fn set(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let id = params.required("InstanceId")?;
    let provider = behind.provider(now);
    params.check_place(provider)?;
    let mut groups = Vec::new();
    for one in params.inner_list("SecurityGroupSet") {
        groups.push((one.required_number("Priority")?, one.required("SecurityGroupId")?.into()));
    }
    provider.set_groups(now, &id, &groups)?;
    Ok(Answer::new("成功", Value::Null))
}

pub(super) fn members(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let id = params.required("SecurityGroupId")?;
    let provider = behind.provider(now);
    provider.group(&id)?;
    let row = |one: &Instance| {
        let zone = provider.catalog().zone(&one.offer.zone);
        json!({
            "InstanceName": *one.name, "InstanceId": *one.id,
            "Region": zone.map_or("", |zone| &*zone.region_name),
            "Az": zone.map_or("", |zone| &*zone.name),
            "Vpc": zone.map_or_else(String::new, |zone| format!("{}-VPC", zone.name)),
            "Ip": *one.address,
        })
    };
    let rows: Vec<Value> = provider.members(&id).map(row).collect();
    let data = json!({ "InstanceCount": rows.len(), "InstanceStatistics": rows });
    Ok(Answer::new("成功", data))
}
