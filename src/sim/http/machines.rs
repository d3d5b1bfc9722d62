//! The actions on instances.

use serde_json::{Map, Value, json};

use super::Behind;
use super::answer::{Answer, Failure, vendor_time};
use super::answers::{Answers, Deleted};
use super::machine::{Showing, status};
use super::params::{Params, invalid, refs};
use crate::model::{Money, Text, Time};
use crate::sim::provider::{
    CreateRequest, Details, EipRequest, Fault, Instance, Listed, Operation, Provider, Pubnet, State,
};

pub(super) fn list(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Answer, Failure> {
    let zone = params.text("AvailableZoneCode");
    let (vpc, search) = (params.text("VpcId"), params.text("SearchInfo"));
    let ids = params.words("EcsIds")?;
    let Answers { no_charge_is_ability, rows_max, form, .. } = *behind.answers();
    let provider = behind.provider(now);
    params.check_place(provider)?;
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
                || instance.address.contains(search)
        });
        let named = ids.as_ref().is_none_or(|ids| ids.iter().any(|id| **id == *instance.id));
        in_zone && in_vpc && found && named
    };
    let provider: &Provider = provider;
    let rows: Vec<_> = provider.list(now).into_iter().filter(wanted).collect();
    let mut page = params.page(rows.len())?;
    page.size = page.size.min(rows_max);
    let showing = Showing { provider, form };
    let shown = page.rows_of(&rows).iter().map(|row| showing.row(row, no_charge_is_ability));
    let data = json!({ "EcsList": shown.collect::<Vec<_>>() });
    Ok(Answer { message: "获取云服务器列表成功！", data, page: Some(page), task: None })
}

pub(super) fn machine(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let id = params.required("EcsId")?;
    let form = behind.answers().form;
    let provider = behind.provider(now);
    let instance = provider.instance(&id).ok_or_else(|| Fault::no_instance(&id))?;
    Ok(Answer::new("获取云服务器详情成功！", Showing { provider, form }.detail(instance)))
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

pub(super) fn create(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
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
        data_disks: data_disks(behind.provider(now), &disk_feature, params)?,
        disk_feature: disk_feature.into(),
        disk_gib: disk.required_number("Size")?,
        pubnets: pubnets(params)?,
        addresses: addresses(params)?,
        groups: groups(params)?,
        details: details(params)?,
        months: params.number("Duration")?,
        bid: bid(params)?,
    };
    super::upkeep::check_subject(params)?;
    let accepted = behind.provider(now).create(now, &request)?;
    let is_hidden = behind.answers().hides_new_ids;
    let ids: Vec<_> = accepted.instances.iter().filter(|_| !is_hidden).map(|id| &**id).collect();
    let data = json!({ "EventId": *accepted.event, "EcsIdSet": ids });
    Ok(Answer::new("创建云服务器任务下发成功", data))
}

/// Cloud disks only, and none beside a local system disk; of a snapshot that is there.
fn data_disks(
    provider: &Provider,
    system: &str,
    params: &Params,
) -> Result<Vec<(u32, bool)>, Failure> {
    let mut disks = Vec::new();
    for disk in params.inner_list("DataDisk") {
        if !disk.required("DiskFeature")?.eq_ignore_ascii_case(system) || system == "local" {
            return Err(Fault::mixed_disks().into());
        }
        let gib = disk.required_number("Size")?;
        super::disks::check_snapshot(provider, &disk, gib)?;
        disks.push((gib, disk.flag("ReleaseWithInstance", true)?));
    }
    Ok(disks)
}

/// Existing addresses, or a new one for each machine: on the machines' subnet, or on a virtual gateway, of
/// which nothing is known here.
fn pubnets(params: &Params) -> Result<Vec<Pubnet>, Failure> {
    let subnet = params.inner("SubnetInfo").required("SubnetId")?;
    let zone = params.required("AvailableZoneCode")?;
    let read = |one: Params| {
        let is_virtual = one.text("IpType").as_deref() == Some("virtual");
        if !is_virtual && one.required("SubnetId")? != subnet {
            return Err(invalid("PubnetInfo.SubnetId"));
        }
        let ids = one.texts("EipIds")?.unwrap_or_default();
        let usual = EipRequest::usual(&zone, "");
        let scheme = match one.text("BandwidthType").as_deref() {
            Some("BandwidthMonth") => "BandwIdthMonth",
            Some("Traffic") => "Traffic",
            Some(_) | None => "BandwIdth",
        };
        let qos = one.number("Qos")?.unwrap_or(usual.qos);
        let request = EipRequest { qos, scheme: scheme.into(), ..usual };
        Ok(Pubnet { existing: ids.into_iter().map(Text::from).collect(), request })
    };
    params.inner_list("PubnetInfo").into_iter().map(read).collect()
}

fn addresses(params: &Params) -> Result<Vec<Text>, Failure> {
    let asked = params.inner("SubnetInfo").texts("IpAddress")?;
    Ok(asked.into_iter().flatten().map(Text::from).collect())
}

fn groups(params: &Params) -> Result<Vec<Text>, Failure> {
    let groups = params.inner_list("SecurityGroups");
    groups.iter().map(|group| Ok(group.required("SecurityGroupId")?.into())).collect()
}

fn details(params: &Params) -> Result<Details, Failure> {
    Ok(Details {
        renews: params.flag("IsAutoRenewal", true)?,
        to_month_end: params.flag("IsToMonth", true)?,
        utc: params.flag("UtcTime", false)?,
    })
}

fn bid(params: &Params) -> Result<Option<Money>, Failure> {
    if params.text("SpotType").as_deref() != Some("bid") {
        return Ok(None);
    }
    let said = params.required("SpotAmount")?;
    Money::parse(&said).map(Some).ok_or_else(|| invalid("SpotAmount"))
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
    Ok(Answer::accepted("批量操作云服务器任务下发成功！", &accepted))
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
    Ok(Answer::accepted("删除云服务器任务下发成功！", &accepted))
}
