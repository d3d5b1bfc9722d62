//! Machines: looked at, made, operated, deleted.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::actions::ecs as action;
use super::catalog::DiskSpec;
use super::client::{Client, Params};
use super::detail::InstanceDetail;
use super::envelope::Answer;
use super::error::CallError;
use super::fields::{Fields, parse_utc};
use super::{Purchase, rows};
use crate::model::{Billing, Money, OfferKey, Span, Status, Text, Time};

/// Machines named in one call, at most; the vendor gives a number only for creates.
pub const BATCH_MAX: usize = 100;

/// What a change that was taken on answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TakenOn {
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
    /// `VpcId` and `SubnetId`.
    pub network: (&'a str, &'a str),
    /// In order of priority.
    pub security_groups: &'a [String],
    /// The machine's name.
    pub name: &'a str,
    /// How many (1–100), and the number appended to the first one's name.
    pub number: (u32, Option<u32>),
    /// Of the administrator.
    pub password: &'a str,
    /// Whether other people's spot machines are left alone; if not, a create may wait an hour.
    pub skip_spot_release: bool,
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
    pub async fn create(&self, new: &NewInstances<'_>) -> Result<TakenOn, CallError> {
        let answer = self.call(&action::CREATE, Params::Body(create_body(new))).await?;
        Ok(taken_on(&answer))
    }

    /// `OperateInstance`. `DeleteEip` is always said, for its default differs from action to
    /// action: an address is never released by a stop.
    pub async fn operate(&self, ids: &[&str], operation: Operation) -> Result<TakenOn, CallError> {
        let _turns = self.turns(ids).await;
        let body = json!({ "EcsIds": ids, "OpType": operation.code(), "DeleteEip": 0 });
        Ok(taken_on(&self.call(&action::OPERATE, Params::Body(body)).await?))
    }

    /// `DeleteInstance`. With `with_eip` public addresses bound to the machines go too; without,
    /// they stay and bill.
    pub async fn delete(&self, ids: &[&str], with_eip: bool) -> Result<TakenOn, CallError> {
        let _turns = self.turns(ids).await;
        let body = json!({ "EcsIds": ids, "DeleteEip": u8::from(with_eip) });
        Ok(taken_on(&self.call(&action::DELETE, Params::Body(body)).await?))
    }

    /// `ModifyInstancePassword`.
    pub async fn set_password(&self, ids: &[&str], password: &str) -> Result<TakenOn, CallError> {
        let _turns = self.turns(ids).await;
        let body = json!({ "EcsIds": ids, "Password": password });
        Ok(taken_on(&self.call(&action::PASSWORD, Params::Body(body)).await?))
    }

    /// `ModifyInstanceName`: done when it answers.
    pub async fn rename(&self, id: &str, name: &str) -> Result<(), CallError> {
        let _turns = self.turns(&[id]).await;
        let body = json!({ "EcsId": id, "Name": name });
        self.call(&action::NAME, Params::Body(body)).await.map(|_| ())
    }

    /// `ChangeInstanceConfigure`: machines that are shut down get the size of `offer`.
    pub async fn resize(&self, ids: &[&str], offer: &OfferKey) -> Result<TakenOn, CallError> {
        let _turns = self.turns(ids).await;
        let body = json!({
            "EcsIds": ids, "AvailableZoneCode": *offer.zone, "EcsFamilyName": *offer.family,
            "Cpu": offer.cpu, "Ram": offer.ram_gib, "Gpu": offer.gpus,
        });
        Ok(taken_on(&self.call(&action::RESIZE, Params::Body(body)).await?))
    }
}

impl<'a> NewInstances<'a> {
    /// One machine as a pool buys it; a bid is for spot machines.
    pub fn one(
        name: &'a str,
        (offer, bid): (&'a OfferKey, Option<Money>),
        purchase: &'a Purchase,
        password: &'a str,
    ) -> Self {
        let (feature, gib) = (purchase.system_disk_feature.clone(), purchase.system_disk_gib);
        Self {
            offer,
            terms: match offer.billing {
                Billing::OnDemand | Billing::Monthly => Terms::OnDemand,
                Billing::Spot => Terms::Spot { bid },
            },
            image: &purchase.image,
            system_disk: DiskSpec { feature, gib },
            data_disks: Vec::new(),
            network: (&purchase.vpc, &purchase.subnet),
            security_groups: &purchase.security_groups,
            name,
            number: (1, None),
            password,
            skip_spot_release: purchase.skip_spot_release,
        }
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
    let (vpc, subnet) = new.network;
    let (number, start) = new.number;
    let billing = match new.terms {
        Terms::OnDemand => Billing::OnDemand,
        Terms::Monthly { .. } => Billing::Monthly,
        Terms::Spot { .. } => Billing::Spot,
    };
    let mut body = json!({
        "AvailableZoneCode": *offer.zone, "EcsFamilyName": *offer.family,
        "Cpu": offer.cpu, "Ram": offer.ram_gib, "Gpu": offer.gpus,
        "BillingMethod": rows::billing_code(billing), "Number": number, "Name": new.name,
        "ImageId": new.image, "Password": new.password,
        "SystemDisk": { "DiskFeature": new.system_disk.feature, "Size": new.system_disk.gib },
        "VpcInfo": { "VpcId": vpc }, "SubnetInfo": { "SubnetId": subnet },
    });
    let mut more = Map::new();
    let groups = new.security_groups.iter().map(|id| json!({ "SecurityGroupId": id })).collect();
    if !new.security_groups.is_empty() {
        more.insert("SecurityGroups".to_owned(), Value::Array(groups));
    }
    if !new.data_disks.is_empty() {
        let disk = |one: &DataDisk| {
            json!({
                "DiskFeature": one.disk.feature, "Size": one.disk.gib,
                "ReleaseWithInstance": u8::from(one.release_with_instance),
            })
        };
        more.insert("DataDisk".to_owned(), new.data_disks.iter().map(disk).collect());
    }
    more.extend(start.map(|start| ("StartNumber".to_owned(), json!(start))));
    match &new.terms {
        Terms::OnDemand => {}
        Terms::Monthly { months, renews } => {
            more.insert("Duration".to_owned(), json!(months));
            more.insert("IsAutoRenewal".to_owned(), json!(u8::from(*renews)));
        }
        Terms::Spot { bid } => {
            let kind = if bid.is_some() { "bid" } else { "auto" };
            more.insert("SpotType".to_owned(), json!(kind));
            more.extend(bid.map(|bid| ("SpotAmount".to_owned(), json!(bid.plain()))));
        }
    }
    // Said for every create: left out, our own growth may take our own spot machines.
    more.insert("SkipSpotRelease".to_owned(), json!(new.skip_spot_release));
    if let Some(body) = body.as_object_mut() {
        body.extend(more);
    }
    body
}

/// What a change answers.
pub(super) fn taken_on(answer: &Answer) -> TakenOn {
    let Some(data) = Fields::of(&answer.data) else { return TakenOn::default() };
    let mut made = data.ids("EcsIdSet");
    made.extend(data.ids("DiskIdSet"));
    made.extend(data.id("ImageId"));
    made.extend(data.id("SnapshotId"));
    TakenOn { event: data.id("EventId"), made }
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
