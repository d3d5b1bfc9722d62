//! Machines: looked at, made, operated, deleted.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! use farmscale::cloud::instances::Operation;
//!
//! let accepted = client.operate(&["ins-0123456789abcdef"], Operation::FreeStop).await?;
//! println!("to follow: {:?}", accepted.event);
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::actions::ecs as action;
use super::catalog::DiskSpec;
use super::client::{Client, Params};
use super::detail::InstanceDetail;
use super::envelope::Answer;
use super::error::CallError;
use super::fields::{Fields, parse_utc};
use super::rows;
use crate::model::{Billing, Money, OfferKey, Span, Status, Text, Time};

/// Machines named in one call, at most; the vendor gives a number only for creates.
pub const BATCH_MAX: usize = 100;

/// What a change that was taken on answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// To follow with `DescribeEvent`.
    pub event: Option<Text>,
    /// Ids of new machines (`EcsIdSet`), disks (`DiskIdSet`), or of the new image or snapshot.
    pub made: Vec<Text>,
}

/// `OpType` of `OperateInstance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `start_up_ecs`.
    Start,
    /// `shutdown_ecs`: off, and charged as if it ran.
    Stop,
    /// `hard_shutdown_ecs`: as pulling the plug; charged as if it ran.
    HardStop,
    /// `restart_ecs`.
    Restart,
    /// `free_shutdown_ecs`: off, and only its disks are charged.
    FreeStop,
}

/// How a machine is paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Terms {
    /// By the second while it exists.
    OnDemand,
    /// For so many months; renewed by itself or not.
    Monthly {
        /// 1–11, 12, 24 or 36.
        months: u32,
        /// `IsAutoRenewal`.
        renews: bool,
        /// `IsToMonth`: whether the first month ends with the calendar's.
        to_month_end: bool,
    },
    /// Spot, never taken back for its price (`SpotType` auto), or with a highest bid (`bid`).
    Spot {
        /// Within `SpotStdAmount..DemandStdAmount`; `None` follows the market.
        bid: Option<Money>,
    },
}

/// A data disk made with a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDisk {
    /// What.
    pub disk: DiskSpec,
    /// Whether it is deleted with the machine.
    pub release_with_instance: bool,
    /// Made from this snapshot of a data disk.
    pub snapshot: Option<Text>,
}

impl DataDisk {
    /// An empty one that is deleted with its machine.
    pub const fn of(disk: DiskSpec) -> Self {
        Self { disk, release_with_instance: true, snapshot: None }
    }
}

/// What `CreateInstance` is asked: one machine, or several alike.
#[derive(Debug, Clone)]
pub struct NewInstances<'a> {
    /// What and where. Its billing method gives way to `terms`.
    pub offer: &'a OfferKey,
    /// How it is paid for.
    pub terms: Terms,
    /// Image id or name.
    pub image: &'a str,
    /// The system disk.
    pub system_disk: DiskSpec,
    /// Data disks: cloud disks only.
    pub data_disks: Vec<DataDisk>,
    /// `VpcId`.
    pub vpc: &'a str,
    /// `SubnetId`.
    pub subnet: &'a str,
    /// In order of priority.
    pub security_groups: &'a [String],
    /// The machine's name.
    pub name: &'a str,
    /// How many (1–100).
    pub number: u32,
    /// Of the administrator.
    pub password: &'a str,
    /// Whether other people's spot machines are left alone; if not, a create may wait an hour.
    pub skip_spot_release: bool,
    /// What most machines do without.
    pub more: More<'a>,
}

/// What most new machines do without.
#[derive(Debug, Clone, Default)]
pub struct More<'a> {
    /// `StartNumber`: appended to the first one's name.
    pub start_number: Option<u32>,
    /// `IpAddress`: private addresses, one a machine.
    pub addresses: &'a [String],
    /// `PubnetInfo`: a public address for each.
    pub public: Option<PublicAddress<'a>>,
    /// `DnsList`: the first and the second DNS server.
    pub dns: Option<[&'a str; 2]>,
    /// `UtcTime`: the guest's clock shows UTC rather than Shanghai's time.
    pub utc: bool,
    /// `TestAccount`: paid with test money.
    pub test_account: Option<&'a str>,
    /// `ProjectId`.
    pub project: Option<&'a str>,
}

/// Public addresses of new machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicAddress<'a> {
    /// New ones.
    New {
        /// `BandwidthType`.
        bandwidth: Bandwidth,
        /// `BandwidthConfName`: the line, which newer networks want.
        line: Option<&'a str>,
    },
    /// These, one a machine (`EipIds`).
    Existing(&'a [String]),
}

/// How a public address's bandwidth is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bandwidth {
    /// `Bandwidth`: so many Mbit/s, fixed.
    Fixed(u32),
    /// `BandwidthMonth`: the same by the month; what monthly machines need.
    FixedByMonth(u32),
    /// `Traffic`: by traffic.
    Traffic,
}

impl Operation {
    /// The vendor's `OpType`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Start => "start_up_ecs",
            Self::Stop => "shutdown_ecs",
            Self::HardStop => "hard_shutdown_ecs",
            Self::Restart => "restart_ecs",
            Self::FreeStop => "free_shutdown_ecs",
        }
    }
}

impl Client {
    /// `DescribeInstanceStatus`, a hundred at a time. An id that is not answered is unknown, not
    /// gone.
    pub async fn statuses(&self, ids: &[&str]) -> Result<BTreeMap<Text, Status>, CallError> {
        let mut statuses = BTreeMap::new();
        for ids in ids.chunks(BATCH_MAX) {
            let params = Params::Body(json!({ "EcsIds": ids }));
            let answer = self.call(&action::INSTANCE_STATUS, params).await?;
            statuses.extend(rows::statuses(&answer.data));
        }
        Ok(statuses)
    }

    /// `DescribeInstance`: everything about one machine.
    pub async fn instance(&self, id: &str) -> Result<InstanceDetail, CallError> {
        let answer = self.call(&action::INSTANCE, Params::query(&[("EcsId", id)])).await?;
        InstanceDetail::of(&answer.data)
    }

    /// `DescribeInstanceMonitor`: the highest GPU use among the newest points of all GPUs, in
    /// percent, not older than `fresh`, and when it was measured; `None` = no data, which is not the
    /// same as no use.
    pub async fn gpu_percent(
        &self,
        id: &str,
        now: Time,
        fresh: Span,
    ) -> Result<Option<(u32, Time)>, CallError> {
        let body = json!({ "EcsId": id, "TimeInterval": "1", "Indicators": ["GpuUsage"] });
        let answer = self.call(&action::MONITOR, Params::Body(body)).await?;
        Ok(gpu_percent(&answer.data, now, fresh))
    }

    /// `DescribeInstanceVncUrl`: where the machine's console is.
    pub async fn vnc_url(&self, id: &str) -> Result<Text, CallError> {
        let answer = self.call(&action::VNC, Params::query(&[("EcsId", id)])).await?;
        let url = Fields::of(&answer.data).and_then(|data| data.url("InstanceVncUrl"));
        url.ok_or_else(|| {
            CallError::NotUnderstood("DescribeInstanceVncUrl: no InstanceVncUrl".to_owned())
        })
    }

    /// `CreateInstance`: one request, never repeated.
    pub async fn create(&self, new: &NewInstances<'_>) -> Result<Accepted, CallError> {
        let answer = self.call(&action::CREATE, Params::Body(create_body(new))).await?;
        Ok(accepted(&answer))
    }

    /// `OperateInstance`. `DeleteEip` is always said, for its default differs from action to
    /// action: an address is never released by a stop.
    pub async fn operate(&self, ids: &[&str], operation: Operation) -> Result<Accepted, CallError> {
        self.operate_with(ids, operation, false).await
    }

    /// The same; a stop without charge may release the machines' public addresses.
    pub async fn operate_with(
        &self,
        ids: &[&str],
        operation: Operation,
        release_eip: bool,
    ) -> Result<Accepted, CallError> {
        let _turns = self.turns(ids).await;
        let release_eip = u8::from(release_eip && operation == Operation::FreeStop);
        let body = json!({ "EcsIds": ids, "OpType": operation.code(), "DeleteEip": release_eip });
        Ok(accepted(&self.call(&action::OPERATE, Params::Body(body)).await?))
    }

    /// `DeleteInstance`. With `with_eip` public addresses bound to the machines go too; without,
    /// they stay and bill.
    pub async fn delete(&self, ids: &[&str], with_eip: bool) -> Result<Accepted, CallError> {
        let _turns = self.turns(ids).await;
        let body = json!({ "EcsIds": ids, "DeleteEip": u8::from(with_eip) });
        Ok(accepted(&self.call(&action::DELETE, Params::Body(body)).await?))
    }

    /// `ModifyInstancePassword`.
    pub async fn set_password(&self, ids: &[&str], password: &str) -> Result<Accepted, CallError> {
        let _turns = self.turns(ids).await;
        let body = json!({ "EcsIds": ids, "Password": password });
        Ok(accepted(&self.call(&action::PASSWORD, Params::Body(body)).await?))
    }

    /// `ModifyInstanceName`: done when it answers.
    pub async fn rename(&self, id: &str, name: &str) -> Result<(), CallError> {
        let _turns = self.turns(&[id]).await;
        let body = json!({ "EcsId": id, "Name": name });
        self.call(&action::NAME, Params::Body(body)).await.map(|_| ())
    }

    /// `ChangeInstanceConfigure`: machines that are shut down get the size of `offer`.
    pub async fn resize(&self, ids: &[&str], offer: &OfferKey) -> Result<Accepted, CallError> {
        let _turns = self.turns(ids).await;
        let body = json!({
            "EcsIds": ids, "AvailableZoneCode": *offer.zone, "EcsFamilyName": *offer.family,
            "Cpu": offer.cpu, "Ram": offer.ram_gib, "Gpu": offer.gpus,
        });
        Ok(accepted(&self.call(&action::RESIZE, Params::Body(body)).await?))
    }
}

/// Machines that one call may name together: of one zone and one VPC, at most [`BATCH_MAX`].
/// Rows are (id, zone, VPC).
pub fn batches<'a>(rows: &[(&'a str, &'a str, &'a str)]) -> Vec<Vec<&'a str>> {
    let mut groups: BTreeMap<(&str, &str), Vec<&'a str>> = BTreeMap::new();
    for (id, zone, vpc) in rows {
        groups.entry((zone, vpc)).or_default().push(id);
    }
    groups.values().flat_map(|ids| ids.chunks(BATCH_MAX).map(<[_]>::to_vec)).collect()
}

fn create_body(new: &NewInstances<'_>) -> Value {
    let offer = new.offer;
    let billing = match new.terms {
        Terms::OnDemand => Billing::OnDemand,
        Terms::Monthly { .. } => Billing::Monthly,
        Terms::Spot { .. } => Billing::Spot,
    };
    let mut subnet = json!({ "SubnetId": new.subnet });
    if !new.more.addresses.is_empty() {
        put(&mut subnet, "IpAddress", json!(new.more.addresses));
    }
    let mut body = json!({
        "AvailableZoneCode": *offer.zone, "EcsFamilyName": *offer.family,
        "Cpu": offer.cpu, "Ram": offer.ram_gib, "Gpu": offer.gpus,
        "BillingMethod": rows::billing_code(billing), "Number": new.number, "Name": new.name,
        "ImageId": new.image, "Password": new.password,
        "SystemDisk": { "DiskFeature": new.system_disk.feature, "Size": new.system_disk.gib },
        "VpcInfo": { "VpcId": new.vpc }, "SubnetInfo": subnet,
        // Said for every create: left out, our own growth may take our own spot machines.
        "SkipSpotRelease": new.skip_spot_release,
    });
    if !new.security_groups.is_empty() {
        let group = |id: &String| json!({ "SecurityGroupId": id });
        put(&mut body, "SecurityGroups", new.security_groups.iter().map(group).collect());
    }
    if !new.data_disks.is_empty() {
        put(&mut body, "DataDisk", new.data_disks.iter().map(data_disk).collect());
    }
    put_terms(&new.terms, &mut body);
    put_more(&new.more, new.subnet, &mut body);
    body
}

fn put(body: &mut Value, name: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(name.to_owned(), value);
    }
}

fn data_disk(one: &DataDisk) -> Value {
    let mut disk = json!({
        "DiskFeature": one.disk.feature, "Size": one.disk.gib,
        "ReleaseWithInstance": u8::from(one.release_with_instance),
    });
    if let Some(snapshot) = &one.snapshot {
        put(&mut disk, "SnapshotId", json!(**snapshot));
    }
    disk
}

fn put_terms(terms: &Terms, body: &mut Value) {
    match terms {
        Terms::OnDemand => {}
        Terms::Monthly { months, renews, to_month_end } => {
            put(body, "Duration", json!(months));
            put(body, "IsAutoRenewal", json!(u8::from(*renews)));
            put(body, "IsToMonth", json!(u8::from(*to_month_end)));
        }
        Terms::Spot { bid } => {
            let kind = if bid.is_some() { "bid" } else { "auto" };
            put(body, "SpotType", json!(kind));
            if let Some(bid) = bid {
                put(body, "SpotAmount", json!(bid.plain()));
            }
        }
    }
}

fn put_more(more: &More<'_>, subnet: &str, body: &mut Value) {
    let More { start_number, public, dns, utc, test_account, project, .. } = more;
    if let Some(start) = start_number {
        put(body, "StartNumber", json!(start));
    }
    if let Some(public) = public {
        put(body, "PubnetInfo", json!([pubnet(*public, subnet)]));
    }
    if let Some(dns) = dns {
        put(body, "DnsList", json!(dns));
    }
    if *utc {
        put(body, "UtcTime", json!(1));
    }
    if let Some(account) = test_account {
        put(body, "TestAccount", json!(account));
    }
    if let Some(project) = project {
        put(body, "ProjectId", json!(project));
    }
}

fn pubnet(public: PublicAddress<'_>, subnet: &str) -> Value {
    let mut one = json!({ "SubnetId": subnet });
    match public {
        PublicAddress::Existing(ids) => put(&mut one, "EipIds", json!(ids)),
        PublicAddress::New { bandwidth, line } => {
            let (kind, mbit) = match bandwidth {
                Bandwidth::Fixed(mbit) => ("Bandwidth", Some(mbit)),
                Bandwidth::FixedByMonth(mbit) => ("BandwidthMonth", Some(mbit)),
                Bandwidth::Traffic => ("Traffic", None),
            };
            put(&mut one, "BandwidthType", json!(kind));
            if let Some(mbit) = mbit {
                put(&mut one, "Qos", json!(mbit));
            }
            if let Some(line) = line {
                put(&mut one, "BandwidthConfName", json!(line));
            }
        }
    }
    one
}

/// What a change answers.
pub(super) fn accepted(answer: &Answer) -> Accepted {
    let Some(data) = Fields::of(&answer.data) else { return Accepted::default() };
    let mut made = data.ids("EcsIdSet");
    made.extend(data.ids("DiskIdSet"));
    made.extend(data.id("ImageId"));
    made.extend(data.id("SnapshotId"));
    Accepted { event: data.id("EventId"), made }
}

/// `Data` of `DescribeInstanceMonitor`; see [`Client::gpu_percent`].
pub fn gpu_percent(data: &Value, now: Time, fresh: Span) -> Option<(u32, Time)> {
    let series = Fields::of(data).map(|data| data.list("GpuUsage")).unwrap_or_default();
    series.into_iter().filter_map(|one| newest(one, now, fresh)).max()
}

/// The newest point of one series, if it is fresh. Times are UTC in some answers and Beijing time
/// in others: whichever lies nearer to now is meant.
fn newest(series: Fields<'_>, now: Time, fresh: Span) -> Option<(u32, Time)> {
    let last = |name: &str| series.value(name)?.as_array()?.last();
    let utc = parse_utc(last("Time")?.as_str()?)?;
    let apart = |at: Time| now.since(at).0.abs();
    let at = [utc, utc - Span::hours(8)].into_iter().min_by_key(|at| apart(*at))?;
    if fresh.0 < apart(at) {
        return None;
    }
    let percent = last("Value")?.to_string();
    let whole = percent.trim_matches('"').split('.').next()?.parse::<u32>().ok()?;
    // Rounded up, so that the least use is seen.
    let fraction = percent.trim_matches('"').split_once('.').map_or("", |(_, fraction)| fraction);
    let more = fraction.chars().any(|digit| digit != '0');
    Some((whole.saturating_add(u32::from(more)).min(100), at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::actions::check::check;

    /// Everything the API can be told, and nothing that its own table does not know.
    #[test]
    fn a_create_can_say_everything() {
        let offer = OfferKey {
            zone: "CN_A".into(),
            family: "rp3".into(),
            cpu: 16,
            ram_gib: 32,
            gpus: 1,
            billing: Billing::Monthly,
        };
        let disk = |gib: u32| DiskSpec { feature: "ssd".to_owned(), gib };
        let (groups, addresses) = (["sg-1".to_owned()], ["10.15.100.9".to_owned()]);
        let new = NewInstances {
            offer: &offer,
            terms: Terms::Monthly { months: 12, renews: false, to_month_end: false },
            image: "image",
            system_disk: disk(40),
            data_disks: vec![DataDisk { snapshot: Some("s-1".into()), ..DataDisk::of(disk(48)) }],
            vpc: "vpc",
            subnet: "subnet",
            security_groups: &groups,
            name: "everything",
            number: 1,
            password: "Render-0123456789",
            skip_spot_release: true,
            more: More {
                start_number: Some(7),
                addresses: &addresses,
                public: Some(PublicAddress::New {
                    bandwidth: Bandwidth::FixedByMonth(10),
                    line: Some("电信"),
                }),
                dns: Some(["10.0.0.2", "10.0.0.3"]),
                utc: true,
                test_account: Some("rendertest"),
                project: Some("p-1"),
            },
        };
        let body = create_body(&new);
        let given = body.as_object().unwrap();
        let found = check(&action::CREATE, given);
        assert!(found.iter().all(|one| one.param == "Name"), "{found:?}");
        let unsaid: Vec<&str> = action::CREATE
            .params
            .iter()
            .map(|param| param.name)
            .filter(|name| !given.contains_key(*name))
            .collect();
        assert_eq!(unsaid, ["SpotType", "SpotAmount"], "those are for spot machines");
    }

    #[test]
    fn a_batch_is_of_one_zone_and_one_network() {
        let ids: Vec<String> = (0..150).map(|number| format!("ins-{number:03}")).collect();
        let mut rows: Vec<_> = ids.iter().map(|id| (id.as_str(), "CN_A", "vpc-1")).collect();
        rows.push(("ins-x", "CN_A", "vpc-2"));
        rows.push(("ins-y", "CN_B", "vpc-1"));
        let sizes: Vec<usize> = batches(&rows).iter().map(Vec::len).collect();
        assert_eq!(sizes, [100, 50, 1, 1]);
    }
}
