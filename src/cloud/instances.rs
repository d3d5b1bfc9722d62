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

use serde_json::json;

use super::actions::ecs as action;
use super::catalog::DiskSpec;
use super::client::Client;
use super::detail::InstanceDetail;
use super::envelope::Answer;
use super::error::CallError;
use super::fields::Fields;
use super::given::Given;
use super::offer::{Offer, billing_code};
use super::rows;
use crate::model::{Billing, Money, Status, Text};

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
    /// What and where.
    pub offer: &'a Offer,
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
    /// `PubnetInfo`: public addresses, one of each of these for each machine.
    pub public: &'a [PublicAddress<'a>],
    /// `DnsList`: the first and the second DNS server.
    pub dns: Option<[&'a str; 2]>,
    /// `UtcTime`: the guest's clock shows UTC rather than Shanghai's time.
    pub utc: bool,
    /// `TestAccount`: paid with test money.
    pub test_account: Option<&'a str>,
    /// `ProjectId`.
    pub project: Option<&'a str>,
}

/// A public address of each new machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicAddress<'a> {
    /// By which way out of the network.
    pub gateway: Gateway<'a>,
    /// A new one, or one there is.
    pub which: WhichAddress<'a>,
}

/// By which way a public address goes out of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gateway<'a> {
    /// That of the machine's subnet.
    #[default]
    OfSubnet,
    /// `IpType` virtual: a virtual gateway's id.
    Virtual(&'a str),
}

/// Public addresses of new machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichAddress<'a> {
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
            let given = Given::default().with("EcsIds", ids);
            let answer = self.send(&action::INSTANCE_STATUS, given).await?;
            statuses.extend(rows::statuses(&answer.data));
        }
        Ok(statuses)
    }

    /// `DescribeInstance`: everything about one machine.
    pub async fn instance(&self, id: &str) -> Result<InstanceDetail, CallError> {
        let given = Given::default().with("EcsId", id);
        InstanceDetail::of(&self.send(&action::INSTANCE, given).await?.data)
    }

    /// `DescribeInstanceVncUrl`: where the machine's console is.
    pub async fn vnc_url(&self, id: &str) -> Result<Text, CallError> {
        let answer = self.send(&action::VNC, Given::default().with("EcsId", id)).await?;
        let url = Fields::of(&answer.data).and_then(|data| data.url("InstanceVncUrl"));
        url.ok_or_else(|| {
            CallError::NotUnderstood("DescribeInstanceVncUrl: no InstanceVncUrl".to_owned())
        })
    }

    /// `CreateInstance`: one request, never repeated.
    pub async fn create(&self, new: &NewInstances<'_>) -> Result<Accepted, CallError> {
        Ok(made(&self.send(&action::CREATE, create_given(new)).await?, "EcsIdSet"))
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
        let given = Given::default()
            .with("EcsIds", ids)
            .with("OpType", operation.code())
            .with("DeleteEip", release_eip);
        Ok(accepted(&self.send(&action::OPERATE, given).await?))
    }

    /// `DeleteInstance`. With `with_eip` public addresses bound to the machines go too; without,
    /// they stay and bill.
    pub async fn delete(&self, ids: &[&str], with_eip: bool) -> Result<Accepted, CallError> {
        let _turns = self.turns(ids).await;
        let given = Given::default().with("EcsIds", ids).with("DeleteEip", u8::from(with_eip));
        Ok(accepted(&self.send(&action::DELETE, given).await?))
    }

    /// `ModifyInstancePassword`.
    pub async fn set_password(&self, ids: &[&str], password: &str) -> Result<Accepted, CallError> {
        let _turns = self.turns(ids).await;
        let given = Given::default().with("EcsIds", ids).with("Password", password);
        Ok(accepted(&self.send(&action::PASSWORD, given).await?))
    }

    /// `ModifyInstanceName`: done when it answers.
    pub async fn rename(&self, id: &str, name: &str) -> Result<(), CallError> {
        let _turns = self.turns(&[id]).await;
        let given = Given::default().with("EcsId", id).with("Name", name);
        self.send(&action::NAME, given).await.map(drop)
    }

    /// `ChangeInstanceConfigure`: machines of the offer's zone that are shut down become of its family
    /// and size.
    pub async fn resize(&self, ids: &[&str], offer: &Offer) -> Result<Accepted, CallError> {
        let _turns = self.turns(ids).await;
        let given = offer.given().with("EcsIds", ids);
        Ok(accepted(&self.send(&action::RESIZE, given).await?))
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

fn create_given(new: &NewInstances<'_>) -> Given {
    let billing = match new.terms {
        Terms::OnDemand => Billing::OnDemand,
        Terms::Monthly { .. } => Billing::Monthly,
        Terms::Spot { .. } => Billing::Spot,
    };
    let group = |id: &String| Given::default().with("SecurityGroupId", &**id);
    let subnet = Given::default()
        .with("SubnetId", new.subnet)
        .list("IpAddress", new.more.addresses.to_vec());
    let given = new
        .offer
        .given()
        .with("BillingMethod", billing_code(billing))
        .with("Number", new.number)
        .with("Name", new.name)
        .with("ImageId", new.image)
        .with("Password", new.password)
        .with("SystemDisk", new.system_disk.given())
        .list("DataDisk", new.data_disks.iter().map(data_disk).collect())
        .with("VpcInfo", json!({ "VpcId": new.vpc }))
        .with("SubnetInfo", subnet)
        .list("SecurityGroups", new.security_groups.iter().map(group).collect())
        // Said for every create: left out, our own growth may take our own spot machines.
        .with("SkipSpotRelease", new.skip_spot_release);
    with_more(with_terms(given, &new.terms), &new.more, new.subnet)
}

fn data_disk(one: &DataDisk) -> Given {
    one.disk
        .given()
        .with("ReleaseWithInstance", u8::from(one.release_with_instance))
        .maybe("SnapshotId", one.snapshot.as_deref())
}

fn with_terms(given: Given, terms: &Terms) -> Given {
    match terms {
        Terms::OnDemand => given,
        Terms::Monthly { months, renews, to_month_end } => given
            .with("Duration", *months)
            .with("IsAutoRenewal", u8::from(*renews))
            .with("IsToMonth", u8::from(*to_month_end)),
        Terms::Spot { bid } => given
            .with("SpotType", if bid.is_some() { "bid" } else { "auto" })
            .maybe("SpotAmount", bid.map(Money::plain)),
    }
}

fn with_more(given: Given, more: &More<'_>, subnet: &str) -> Given {
    let public = more.public.iter().map(|one| pubnet(*one, subnet)).collect();
    given
        .maybe("StartNumber", more.start_number)
        .list("PubnetInfo", public)
        .maybe("DnsList", more.dns.map(Vec::from))
        .maybe("UtcTime", more.utc.then_some(1))
        .maybe("TestAccount", more.test_account)
        .maybe("ProjectId", more.project)
}

fn pubnet(public: PublicAddress<'_>, subnet: &str) -> Given {
    let given = match public.gateway {
        Gateway::OfSubnet => Given::default().with("SubnetId", subnet),
        Gateway::Virtual(id) => Given::default().with("SubnetId", id).with("IpType", "virtual"),
    };
    let (bandwidth, line) = match public.which {
        WhichAddress::Existing(ids) => return given.list("EipIds", ids.to_vec()),
        WhichAddress::New { bandwidth, line } => (bandwidth, line),
    };
    let (kind, mbit) = match bandwidth {
        Bandwidth::Fixed(mbit) => ("Bandwidth", Some(mbit)),
        Bandwidth::FixedByMonth(mbit) => ("BandwidthMonth", Some(mbit)),
        Bandwidth::Traffic => ("Traffic", None),
    };
    given.with("BandwidthType", kind).maybe("Qos", mbit).maybe("BandwidthConfName", line)
}

/// What a change answers.
pub(super) fn accepted(answer: &Answer) -> Accepted {
    let event = Fields::of(&answer.data).and_then(|data| data.id("EventId"));
    Accepted { event, made: Vec::new() }
}

/// The same of a change that makes something: one id or several under this name.
pub(super) fn made(answer: &Answer, name: &str) -> Accepted {
    let data = Fields::of(&answer.data);
    let made = data.map(|data| data.ids(name)).unwrap_or_default();
    Accepted { made, ..accepted(answer) }
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
