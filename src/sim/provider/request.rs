//! What machines and public addresses are ordered with.

use std::collections::BTreeMap;

use crate::model::{Money, OfferKey, Text};

/// Mbit/s of an address for which none are asked.
const QOS: u32 = 5;

/// A machine's security groups by priority, the first from 1; each group once.
pub type Groups = BTreeMap<u32, Text>;

/// A request to make machines.
#[derive(Debug, Clone)]
pub struct CreateRequest {
    /// `Name`.
    pub name: Text,
    /// What.
    pub offer: OfferKey,
    /// `Number`, 1 to 100.
    pub number: u32,
    /// `StartNumber`: appends a serial to the name.
    pub start_number: Option<u32>,
    /// Image id or name.
    pub image: Text,
    /// `VpcId`.
    pub vpc: Text,
    /// `SubnetId`.
    pub subnet: Text,
    /// `ssd` or `local`.
    pub disk_feature: Text,
    /// GiB.
    pub disk_gib: u32,
    /// Data disks: GiB, and whether they are deleted with the machine.
    pub data_disks: Vec<(u32, bool)>,
    /// Public addresses.
    pub pubnets: Vec<Pubnet>,
    /// `IpAddress`: private addresses, one a machine; none = any.
    pub addresses: Vec<Text>,
    /// Security groups in the order of their priority.
    pub groups: Vec<Text>,
    /// What is only shown.
    pub details: Details,
    /// `Duration` of a machine paid by the month.
    pub months: Option<u32>,
    /// `SpotAmount`: the most a day of a spot machine without its disk may cost.
    pub bid: Option<Money>,
}

/// Public addresses of new machines: these, or, if none is named, new ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pubnet {
    /// `EipIds`.
    pub existing: Vec<Text>,
    /// What new ones are ordered with.
    pub request: EipRequest,
}

/// What a machine was ordered with and only shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// `IsAutoRenewal`.
    pub renews: bool,
    /// `IsToMonth`.
    pub to_month_end: bool,
    /// `UtcTime`: the guest's clock.
    pub utc: bool,
}

impl Default for Details {
    fn default() -> Self {
        Self { renews: true, to_month_end: true, utc: false }
    }
}

/// What a public address is ordered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EipRequest {
    /// The zone.
    pub zone: Text,
    /// `Description`.
    pub description: Text,
    /// `BandwidthType`: the line.
    pub line: Text,
    /// `BillScheme`.
    pub scheme: Text,
    /// Mbit/s.
    pub qos: u32,
}

impl EipRequest {
    /// One as most are.
    pub fn usual(zone: &str, description: &str) -> Self {
        Self {
            zone: zone.into(),
            description: description.into(),
            line: "Bandwidth_China_Telecom".into(),
            scheme: "BandwIdth".into(),
            qos: QOS,
        }
    }
}
