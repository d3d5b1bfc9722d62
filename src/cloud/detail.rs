//! One machine in full, as `DescribeInstance` tells it.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! let machine = client.instance("ins-0123456789abcdef").await?;
//! println!("{} has {} GPUs and {:?}", machine.name, machine.gpus, machine.private_ip);
//! # Ok(())
//! # }
//! ```

use serde_json::Value;

use super::error::CallError;
use super::fields::Fields;
use super::{offer, rows};
use crate::model::{Billing, Status, Text, Time};

/// The vendor's `EndBillTime` for what has no end.
const NEVER: &str = "2099-01-01";

/// A machine in full. What the API leaves empty is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceDetail {
    /// `EcsId`.
    pub id: Text,
    /// `EcsName`.
    pub name: Text,
    /// `Status`.
    pub status: Status,
    /// `AzId`; its code stands in `DescribeRegions`.
    pub zone_id: Option<Text>,
    /// `CreateTime`.
    pub created_at: Option<Time>,
    /// `EndBillTime`, but for the sentinel of on-demand machines.
    pub paid_until: Option<Time>,
    /// `EcsRule.Name`.
    pub family: Option<Text>,
    /// Virtual processors.
    pub cpu: Option<u32>,
    /// GiB.
    pub ram_gib: Option<u32>,
    /// GPUs.
    pub gpus: u32,
    /// Image id.
    pub image: Option<Text>,
    /// The system disk.
    pub system_disk: Option<AttachedDisk>,
    /// The data disks.
    pub data_disks: Vec<AttachedDisk>,
    /// `VpcId`.
    pub vpc: Option<Text>,
    /// `SubnetId`.
    pub subnet: Option<Text>,
    /// `PrivateNet`.
    pub private_ip: Option<Text>,
    /// Every public address bound to it.
    pub public_ips: Vec<Text>,
    /// `BillingMethod`; `None` for one that is not known.
    pub billing: Option<Billing>,
    /// `BillingStatus`, in the vendor's words, such as 正常.
    pub billing_status: Option<Text>,
    /// `NoChargeForShutdown`; `None` = the answer does not say.
    pub free_when_stopped: Option<bool>,
    /// `StockRelease`, only in the vendor's program: probably a spot machine being taken back.
    pub stock_release: Option<bool>,
}

/// A disk of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedDisk {
    /// `DiskId`, or `Id`.
    pub id: Option<Text>,
    /// `DiskFeature`: `ssd`, `local`, or something newer.
    pub feature: Option<Text>,
    /// GiB.
    pub gib: Option<u32>,
    /// Whether it is deleted with the machine.
    pub release_with_instance: Option<bool>,
}

impl InstanceDetail {
    /// `Data` of `DescribeInstance`.
    pub fn of(data: &Value) -> Result<Self, CallError> {
        Fields::of(data).and_then(read).ok_or_else(|| {
            CallError::NotUnderstood("DescribeInstance: no EcsId or Status".to_owned())
        })
    }
}

fn read(data: Fields<'_>) -> Option<InstanceDetail> {
    let rule = data.object("EcsRule");
    let (disk, pipe) = (data.object("Disk"), data.object("Pipe"));
    let bill = data.object("BillingInfo");
    let pipe_text = |name: &str| pipe.and_then(|pipe| pipe.text(name));
    let has_end = data.text("EndBillTime").is_some_and(|end| !end.starts_with(NEVER));
    Some(InstanceDetail {
        id: data.id("EcsId")?,
        name: data.text("EcsName").unwrap_or_else(|| "".into()),
        status: rows::status(&data.text("Status")?),
        zone_id: data.text("AzId"),
        created_at: data.time("CreateTime"),
        paid_until: data.time("EndBillTime").filter(|_| has_end),
        family: rule.and_then(|rule| rule.text("Name")),
        cpu: rule.and_then(|rule| rule.number("CpuNum")),
        ram_gib: rule.and_then(|rule| rule.number("Ram")),
        gpus: rule.and_then(|rule| rule.number("Gpu")).unwrap_or(0),
        image: data.object("OsInfo").and_then(|os| os.text("ImageId")),
        system_disk: disk.and_then(|disk| disk.object("SystemDiskConf")).map(attached),
        data_disks: disk
            .map(|disk| disk.list("DataDiskConf"))
            .unwrap_or_default()
            .into_iter()
            .map(attached)
            .collect(),
        vpc: pipe_text("VpcId"),
        subnet: pipe_text("SubnetId"),
        private_ip: pipe_text("PrivateNet"),
        public_ips: pipe.map(rows::public_ips).unwrap_or_default(),
        billing: bill.and_then(|bill| offer::billing(&bill.text("BillingMethod")?)),
        billing_status: bill.and_then(|bill| bill.text("BillingStatus")),
        free_when_stopped: data.flag("NoChargeForShutdown"),
        stock_release: data.flag("StockRelease"),
    })
}

fn attached(disk: Fields<'_>) -> AttachedDisk {
    AttachedDisk {
        id: disk.text("DiskId").or_else(|| disk.text("Id")),
        feature: disk.text("DiskFeature").map(|feature| feature.to_lowercase().into()),
        gib: disk.number("Size"),
        release_with_instance: disk.flag("ReleaseWithInstance"),
    }
}
