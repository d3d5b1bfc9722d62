//! What is on sale: regions, sizes, stock, prices, and the account's test money.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! for zone in client.zones().await? {
//!     for spec in client.specs(&zone.code, farmscale::model::Billing::OnDemand).await? {
//!         println!("{}: {} with {} GPUs", zone.code, spec.family, spec.gpus);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use serde_json::Value;

use super::actions::ecs as action;
use super::client::Client;
use super::error::CallError;
use super::fields::{Fields, list};
use super::given::Given;
use super::offer::{Offer, billing_code};
use crate::model::{Billing, Money, Price, Size, Span, Stock, Text};

/// A zone, as `DescribeRegions` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// `AzId`, used in listings.
    pub id: Text,
    /// `AvailableZoneCode`, used everywhere else.
    pub code: Text,
    /// For people.
    pub name: Text,
    /// `RegionCode`: what the network services ask for; cannot be derived from the zone's code.
    pub region: Text,
}

/// A size that a zone offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Exactly as spelt by the API.
    pub family: Text,
    /// Virtual processors.
    pub cpu: u32,
    /// GiB.
    pub ram_gib: u32,
    /// GPUs.
    pub gpus: u32,
    /// The GPU's name.
    pub gpu_name: Option<Text>,
    /// `Geforce` or `Datacenter`: an image must have the same.
    pub driver: Option<Text>,
}

impl Spec {
    /// Its size.
    pub const fn size(&self) -> Size {
        Size::new(self.cpu, self.ram_gib, self.gpus)
    }
}

/// What stock is asked about besides a zone and a family; `None` = any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SizeFilter {
    /// Virtual processors.
    pub cpu: Option<u32>,
    /// GiB.
    pub ram_gib: Option<u32>,
    /// GPUs.
    pub gpus: Option<u32>,
}

/// A disk, as priced and bought with a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskSpec {
    /// `ssd` (cloud disk) or `local`.
    pub feature: String,
    /// GiB.
    pub gib: u32,
}

impl DiskSpec {
    /// What it is said as.
    pub(super) fn given(&self) -> Given {
        Given::default().with("DiskFeature", &*self.feature).with("Size", self.gib)
    }
}

/// What `DescribePrice` is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceRequest {
    /// The machine.
    pub offer: Offer,
    /// How it is paid for.
    pub billing: Billing,
    /// Its system disk.
    pub system_disk: DiskSpec,
    /// Its data disks.
    pub data_disks: Vec<DiskSpec>,
    /// How many; 1 gives a price for one.
    pub number: u32,
    /// Months, for monthly billing.
    pub months: Option<u32>,
    /// `IsToMonth`: whether the first of them ends with the calendar's; the API's default is yes.
    pub to_month_end: Option<bool>,
}

impl PriceRequest {
    /// One machine with its system disk.
    pub fn one(offer: Offer, billing: Billing, system_disk: DiskSpec) -> Self {
        let (data_disks, months, to_month_end) = (Vec::new(), None, None);
        Self { offer, billing, system_disk, data_disks, number: 1, months, to_month_end }
    }
}

/// What `DescribePrice` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceAnswer {
    /// `TotalPrice`: of all machines and disks asked about.
    pub total: Money,
    /// `PriceUnit`, the time it is for.
    pub unit: PriceUnit,
    /// `PriceSymbol`, such as `￥`.
    pub symbol: Text,
    /// Spot: the lowest and the highest bid (`SpotStdAmount`, `DemandStdAmount`).
    pub bids: Option<(Money, Money)>,
}

/// `PriceUnit`. One that is not known is refused, not guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceUnit {
    /// Of fixed length.
    Fixed(Span),
    /// 月: a calendar month.
    Month,
    /// 年: a calendar year.
    Year,
}

/// A test-money account (`DescribeAccountSubject`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What `TestAccount` takes.
    pub name: Text,
    /// Yuan left; only in the sample of the document.
    pub balance: Option<Money>,
    /// Yuan granted.
    pub income: Option<Money>,
}

impl Client {
    /// `DescribeRegions`: all zones.
    pub async fn zones(&self) -> Result<Vec<Zone>, CallError> {
        let answer = self.send(&action::REGIONS, Given::default()).await?;
        Ok(zones(&answer.data))
    }

    /// `DescribeEcsFamilyInfo`: what a zone offers.
    pub async fn specs(&self, zone: &str, billing: Billing) -> Result<Vec<Spec>, CallError> {
        let given = Given::default().with("AvailableZoneCode", zone);
        let given = given.with("BillingMethod", billing_code(billing));
        let answer = self.send(&action::FAMILIES, given).await?;
        Ok(specs(&answer.data))
    }

    /// `DescribeZoneInstanceType`: which sizes of a family are in stock.
    pub async fn stock(&self, zone: &str, family: &str) -> Result<Vec<(Size, Stock)>, CallError> {
        self.stock_of(zone, family, SizeFilter::default()).await
    }

    /// The same, of certain sizes alone.
    pub async fn stock_of(
        &self,
        zone: &str,
        family: &str,
        only: SizeFilter,
    ) -> Result<Vec<(Size, Stock)>, CallError> {
        let given = Given::default()
            .with("AvailableZoneCode", zone)
            .with("EcsFamilyName", family)
            .maybe("Cpu", only.cpu)
            .maybe("Ram", only.ram_gib)
            .maybe("Gpu", only.gpus);
        stock(&self.send(&action::ZONE_TYPES, given).await?.data)
    }

    /// `DescribePrice`.
    pub async fn price(&self, request: &PriceRequest) -> Result<PriceAnswer, CallError> {
        let PriceRequest { offer, billing, system_disk, data_disks, number, .. } = request;
        let disks = data_disks.iter().map(DiskSpec::given).collect();
        let given = offer
            .given()
            .with("BillingMethod", billing_code(*billing))
            .with("Number", *number)
            .with("SystemDiskInfo", system_disk.given())
            .list("DataDiskInfo", disks)
            .maybe("Duration", request.months)
            .maybe("IsToMonth", request.to_month_end.map(u8::from));
        price(&self.send(&action::PRICE, given).await?.data)
    }

    /// `DescribeAccountSubject`.
    pub async fn subjects(&self) -> Result<Vec<Subject>, CallError> {
        let answer = self.send(&action::SUBJECTS, Given::default()).await?;
        Ok(subjects(&answer.data))
    }
}

impl PriceAnswer {
    /// As a price per time of fixed length; a month has none.
    pub fn per_time(&self) -> Result<Price, CallError> {
        match self.unit {
            PriceUnit::Fixed(per) => Ok(Price { amount: self.total, per }),
            PriceUnit::Month | PriceUnit::Year => Err(CallError::NotUnderstood(
                "DescribePrice: a price per month or year is no price per hour".to_owned(),
            )),
        }
    }
}

/// `Data` of `DescribeRegions`.
pub fn zones(data: &Value) -> Vec<Zone> {
    let groups = list(data);
    let regions = groups.iter().flat_map(|group| group.list("RegionList"));
    let zones = regions.flat_map(|region| {
        let code = region.text("RegionCode").unwrap_or_else(|| "".into());
        region.list("AzList").into_iter().map(move |zone| (Text::clone(&code), zone))
    });
    let zone = |(region, zone): (Text, Fields<'_>)| {
        let code = zone.text("AvailableZoneCode")?;
        let name = zone.text("AzName").unwrap_or_else(|| Text::clone(&code));
        Some(Zone { id: zone.text("AzId")?, code, name, region })
    };
    zones.filter_map(zone).collect()
}

/// `Data` of `DescribeEcsFamilyInfo`.
pub fn specs(data: &Value) -> Vec<Spec> {
    let families = Fields::of(data).map(|data| data.list("EcsFamilyInfo")).unwrap_or_default();
    let mut specs = Vec::new();
    for family in families {
        let Some(name) = family.text("EcsFamilyName") else { continue };
        specs.extend(family.list("SpecList").into_iter().filter_map(|spec| {
            Some(Spec {
                family: Text::clone(&name),
                cpu: spec.number("Cpu")?,
                ram_gib: spec.number("Ram")?,
                gpus: spec.number("Gpu").unwrap_or(0),
                gpu_name: spec.text("GpuShowType"),
                driver: spec.text("SupportGpuDriver"),
            })
        }));
    }
    specs
}

/// `Data` of `DescribeZoneInstanceType`: sizes and their stock. A status that is neither
/// `SELL` nor `SELLOUT` is refused with its text.
pub fn stock(data: &Value) -> Result<Vec<(Size, Stock)>, CallError> {
    let mut sizes = Vec::new();
    for spec in list(data).iter().flat_map(|family| family.list("SpecList")) {
        let status = spec.text("Status").unwrap_or_else(|| "".into());
        let stock = match &*status.to_uppercase() {
            "SELL" => Stock::Sells,
            "SELLOUT" => Stock::SoldOut,
            other => {
                let text = format!("DescribeZoneInstanceType: Status `{other}`");
                return Err(CallError::NotUnderstood(text));
            }
        };
        if let (Some(cpu), Some(ram)) = (spec.number("Cpu"), spec.number("Ram")) {
            sizes.push((Size::new(cpu, ram, spec.number("Gpu").unwrap_or(0)), stock));
        }
    }
    Ok(sizes)
}

/// `Data` of `DescribePrice`.
pub fn price(data: &Value) -> Result<PriceAnswer, CallError> {
    let fault = |what: String| CallError::NotUnderstood(format!("DescribePrice: {what}"));
    let data = Fields::of(data).ok_or_else(|| fault("no Data".to_owned()))?;
    let word = data.text("PriceUnit").unwrap_or_else(|| "".into());
    let unit = match &*word.to_lowercase() {
        "秒" | "second" => PriceUnit::Fixed(Span::seconds(1)),
        "分钟" | "minute" => PriceUnit::Fixed(Span::minutes(1)),
        "小时" | "时" | "hour" => PriceUnit::Fixed(Span::hours(1)),
        "天" | "日" | "day" => PriceUnit::Fixed(Span::days(1)),
        "月" | "个月" | "month" => PriceUnit::Month,
        "年" | "year" => PriceUnit::Year,
        other => return Err(fault(format!("PriceUnit `{other}` is not known"))),
    };
    let said = data.text("TotalPrice").unwrap_or_else(|| "".into());
    let total = Money::parse(&said).filter(|total| Money::ZERO < *total);
    let total = total.ok_or_else(|| fault(format!("TotalPrice `{said}` is not a price")))?;
    let symbol = data.text("PriceSymbol").unwrap_or_else(|| "￥".into());
    let bids = data.money("SpotStdAmount").zip(data.money("DemandStdAmount"));
    Ok(PriceAnswer { total, unit, symbol, bids })
}

/// `Data` of `DescribeAccountSubject`.
pub fn subjects(data: &Value) -> Vec<Subject> {
    let subject = |fields: Fields<'_>| {
        let name = fields.text("Name")?;
        Some(Subject { name, balance: fields.money("Balance"), income: fields.money("Income") })
    };
    list(data).into_iter().filter_map(subject).collect()
}
