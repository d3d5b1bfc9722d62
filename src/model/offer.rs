//! What the cloud sells: a zone, a size and terms, with its price and stock.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Text;
use super::money::{Money, Price};
use super::time::{Span, Time};

/// How a machine is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Billing {
    /// By use.
    OnDemand,
    /// By month.
    Monthly,
    /// Spot, may be taken back.
    Spot,
}

/// A size: processors, memory, GPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Virtual processors.
    pub cpu: u32,
    /// Memory in GiB.
    pub ram_gib: u32,
    /// GPUs.
    pub gpus: u32,
}

impl Size {
    /// A size.
    pub const fn new(cpu: u32, ram_gib: u32, gpus: u32) -> Self {
        Self { cpu, ram_gib, gpus }
    }
}

impl OfferKey {
    /// Its size.
    pub const fn size(&self) -> Size {
        Size::new(self.cpu, self.ram_gib, self.gpus)
    }
}

/// What identifies an offer: zone, family, size and terms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OfferKey {
    /// `AvailableZoneCode`.
    pub zone: Text,
    /// `EcsFamilyName`, exactly as `DescribeEcsFamilyInfo` returned it.
    pub family: Text,
    /// Virtual processors.
    pub cpu: u32,
    /// Memory in GiB.
    pub ram_gib: u32,
    /// GPUs.
    pub gpus: u32,
    /// Terms.
    pub billing: Billing,
}

impl fmt::Display for OfferKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { zone, family, cpu, ram_gib, gpus, billing } = self;
        write!(f, "{zone}/{family} {cpu}c{ram_gib}g{gpus}gpu")?;
        match billing {
            Billing::OnDemand => Ok(()),
            Billing::Monthly => write!(f, " monthly"),
            Billing::Spot => write!(f, " spot"),
        }
    }
}

/// Whether an offer is on sale (`SELL` / `SELLOUT`): advisory, a create may still be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stock {
    /// On sale.
    Sells,
    /// Sold out.
    SoldOut,
}

/// What an offer costs, as quoted by `DescribePrice`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// While it runs, booting included.
    pub running: Price,
    /// While it is stopped without charge: its disks.
    pub stopped: Price,
    /// Spot: the lowest and the highest bid for one `running.per`, disks not counted
    /// (`SpotStdAmount`, `DemandStdAmount`).
    #[serde(default)]
    pub bids: Option<(Money, Money)>,
    /// Running time is charged in whole units of this, by the operator's word.
    #[serde(default = "second")]
    pub unit: Span,
    /// When the question left.
    pub asked_at: Time,
}

const fn second() -> Span {
    Span::seconds(1)
}
