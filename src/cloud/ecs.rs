//! The actions as functions: requests and answers as types, quirks handled here and nowhere else.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::actions as action;
use super::client::{Client, Params};
use super::envelope::Answer;
use super::error::CallError;
use super::fields::{Fields, list, parse_utc};
use super::{Purchase, rows};
use crate::model::{
    Billing, EventReading, InstanceRow, Money, OfferKey, Price, Quote, Refusal, Span, Status,
    Stock, StockReading, Text, Time,
};

/// Rows asked for in one page.
const PAGE: u32 = 100;
/// Pages read at most: 20,000 machines.
const PAGES_MAX: u32 = 200;

/// A zone, as `DescribeRegions` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// `AzId`, used in listings.
    pub id: Text,
    /// `AvailableZoneCode`, used everywhere else.
    pub code: Text,
    /// For people.
    pub name: Text,
}

/// A size that a zone offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Exactly as spelt by the API.
    pub family: Text,
    /// Cores.
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

/// An image, as `DescribeImages` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Id.
    pub id: Text,
    /// Name.
    pub name: Text,
    /// Its zone.
    pub zone: Option<Text>,
    /// `Geforce` or `Datacenter`.
    pub driver: Option<Text>,
    /// GiB the system disk must have at least.
    pub os_gib: u32,
}

/// What a change that was taken on answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOn {
    /// To follow with `DescribeEvent`.
    pub event: Option<Text>,
    /// Ids of new machines.
    pub instances: Vec<Text>,
}

/// `OpType` of `OperateInstance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `start_up_ecs`.
    Start,
    /// `free_shutdown_ecs`: off, and only its disks are charged.
    FreeStop,
}

impl Client {
    /// `DescribeRegions`: all zones.
    pub async fn zones(&self) -> Result<Vec<Zone>, CallError> {
        let answer = self.call(&action::REGIONS, Params::query(&[])).await?;
        let groups = list(&answer.data);
        let regions = groups.iter().flat_map(|group| group.list("RegionList"));
        let zones = regions.flat_map(|region| region.list("AzList"));
        let zone = |zone: Fields<'_>| {
            let code = zone.text("AvailableZoneCode")?;
            let name = zone.text("AzName").unwrap_or_else(|| Text::clone(&code));
            Some(Zone { id: zone.text("AzId")?, code, name })
        };
        Ok(zones.filter_map(zone).collect())
    }

    /// `DescribeEcsFamilyInfo`: what a zone offers.
    pub async fn specs(&self, zone: &str, billing: Billing) -> Result<Vec<Spec>, CallError> {
        let params = [("AvailableZoneCode", zone), ("BillingMethod", billing.code())];
        let answer = self.call(&action::FAMILIES, Params::query(&params)).await?;
        let families = Fields::of(&answer.data).map(|data| data.list("EcsFamilyInfo"));
        let mut specs = Vec::new();
        for family in families.unwrap_or_default() {
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
        Ok(specs)
    }

    /// `DescribeZoneInstanceType`: which sizes of a family are in stock.
    pub async fn stock(
        &self,
        zone: &str,
        family: &str,
        asked_at: Time,
    ) -> Result<StockReading, CallError> {
        let params = [("AvailableZoneCode", zone), ("EcsFamilyName", family)];
        let answer = self.call(&action::ZONE_TYPES, Params::query(&params)).await?;
        let mut sizes = Vec::new();
        for spec in list(&answer.data).iter().flat_map(|family| family.list("SpecList")) {
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
                sizes.push((cpu, ram, spec.number("Gpu").unwrap_or(0), stock));
            }
        }
        Ok(StockReading { asked_at, zone: zone.into(), family: family.into(), sizes })
    }

    /// `DescribePrice` of one machine with a system disk of `disk_gib`.
    pub async fn price(
        &self,
        offer: &OfferKey,
        disk_feature: &str,
        disk_gib: u32,
    ) -> Result<Price, CallError> {
        let body = json!({
            "AvailableZoneCode": *offer.zone, "EcsFamilyName": *offer.family,
            "Cpu": offer.cpu, "Ram": offer.ram_gib, "Gpu": offer.gpus,
            "BillingMethod": offer.billing.code(), "Number": 1,
            "SystemDiskInfo": { "DiskFeature": disk_feature, "Size": disk_gib },
        });
        let answer = self.call(&action::PRICE, Params::Body(body)).await?;
        price_of(&answer)
    }

    /// What a machine costs running and stopped. The API quotes no disk alone, so the machine is
    /// priced with its disk once and twice as large: the difference is the disk, and a stopped
    /// machine costs its disk. A local disk cannot be stopped free of charge.
    pub async fn quote(
        &self,
        offer: &OfferKey,
        purchase: &Purchase,
        asked_at: Time,
    ) -> Result<Quote, CallError> {
        let (feature, gib) = (purchase.system_disk_feature.as_str(), purchase.system_disk_gib);
        let running = self.price(offer, feature, gib).await?;
        if feature == "local" {
            return Ok(Quote { running, stopped: running, asked_at });
        }
        let larger = self.price(offer, feature, gib.saturating_mul(2)).await?;
        if larger.per != running.per || larger.amount < running.amount {
            let text = "DescribePrice: a larger disk costs less, or in another unit";
            return Err(CallError::NotUnderstood(text.to_owned()));
        }
        let stopped = Price { amount: larger.amount - running.amount, per: running.per };
        Ok(Quote { running, stopped, asked_at })
    }

    /// `DescribeImages` of a zone.
    pub async fn images(&self, zone: &str) -> Result<Vec<Image>, CallError> {
        let params = Params::query(&[("AvailableZoneCode", zone)]);
        let answer = self.call(&action::IMAGES, params).await?;
        let images = Fields::of(&answer.data).map(|data| data.list("ImageList"));
        let image = |image: Fields<'_>| {
            Some(Image {
                id: image.text("ImageId")?,
                name: image.text("ImageName").unwrap_or_else(|| "".into()),
                zone: image.text("AvailableZoneCode"),
                driver: image.text("SupportGpuDriver"),
                os_gib: image.number("OsSize").unwrap_or(0),
            })
        };
        Ok(images.unwrap_or_default().into_iter().filter_map(image).collect())
    }

    /// `DescribeInstanceList`: every machine whose id, name or address holds `search`, page by
    /// page. An incomplete listing is discarded: absence in what is returned means absence.
    pub async fn instances(
        &self,
        search: &str,
        zones: &BTreeMap<Text, Text>,
    ) -> Result<Vec<InstanceRow>, CallError> {
        let mut found: BTreeMap<Text, InstanceRow> = BTreeMap::new();
        let mut total = None;
        for page in 1..=PAGES_MAX {
            let (number, size) = (page.to_string(), PAGE.to_string());
            let params = [("SearchInfo", search), ("PageNumber", &*number), ("PageSize", &*size)];
            let answer = self.call(&action::INSTANCE_LIST, Params::query(&params)).await?;
            let rows = rows::of(&answer.data, zones)?;
            let count = rows.len();
            found.extend(rows.into_iter().map(|row| (Text::clone(&row.instance), row)));
            let said = answer.total.map(|total| usize::try_from(total).unwrap_or(usize::MAX));
            if page != 1 && said != total {
                return Err(incomplete("the list changed while it was read"));
            }
            total = said;
            if total.is_some_and(|total| total <= found.len()) || count == 0 {
                break;
            }
        }
        match total {
            Some(total) if total != found.len() => {
                let text = format!("{} of {total} rows came", found.len());
                Err(incomplete(&text))
            }
            Some(_) => Ok(found.into_values().collect()),
            None => Err(incomplete("there is no TotalCount")),
        }
    }

    /// `DescribeInstanceStatus`.
    pub async fn statuses(&self, ids: &[&str]) -> Result<BTreeMap<Text, Status>, CallError> {
        let params = Params::Body(json!({ "EcsIds": ids }));
        let answer = self.call(&action::INSTANCE_STATUS, params).await?;
        let data = Fields::of(&answer.data).and_then(|data| data.object("EcsStatus"));
        let entries = data.into_iter().flat_map(Fields::entries);
        let status = |(id, fields): (&str, Fields<'_>)| {
            Some((Text::from(id), rows::status(&fields.text("Status")?)))
        };
        Ok(entries.filter_map(status).collect())
    }

    /// `DescribeInstance`: everything about one machine, as it is.
    pub async fn instance(&self, id: &str) -> Result<Value, CallError> {
        let params = Params::query(&[("EcsId", id)]);
        Ok(self.call(&action::INSTANCE, params).await?.data)
    }

    /// `DescribeInstanceMonitor`: the highest GPU use among the newest points of all GPUs, in
    /// percent, not older than `fresh`; `None` = no data, which is not the same as no use.
    pub async fn gpu_percent(
        &self,
        id: &str,
        now: Time,
        fresh: Span,
    ) -> Result<Option<u32>, CallError> {
        let body = json!({ "EcsId": id, "TimeInterval": "1", "Indicators": ["GpuUsage"] });
        let answer = self.call(&action::MONITOR, Params::Body(body)).await?;
        let series = Fields::of(&answer.data).map(|data| data.list("GpuUsage"));
        let newest =
            series.unwrap_or_default().into_iter().filter_map(|one| newest(one, now, fresh));
        Ok(newest.max())
    }

    /// `DescribeEvent`. A failed event may come with another status than 200.
    pub async fn event(&self, id: &str, instance: Option<&str>) -> Result<EventReading, CallError> {
        let answer = self.call(&action::EVENT, Params::query(&[("EventId", id)])).await?;
        rows::event(id, instance, &answer.data)
    }

    /// `CreateInstance`: one machine, one request, never repeated.
    pub async fn create(
        &self,
        name: &str,
        offer: &OfferKey,
        purchase: &Purchase,
        password: &str,
    ) -> Result<TakenOn, CallError> {
        let groups: Vec<Value> =
            purchase.security_groups.iter().map(|id| json!({ "SecurityGroupId": id })).collect();
        let mut body = json!({
            "AvailableZoneCode": *offer.zone, "EcsFamilyName": *offer.family,
            "Cpu": offer.cpu, "Ram": offer.ram_gib, "Gpu": offer.gpus,
            "BillingMethod": offer.billing.code(), "Number": 1, "Name": name,
            "ImageId": purchase.image, "Password": password,
            "SystemDisk": {
                "DiskFeature": purchase.system_disk_feature, "Size": purchase.system_disk_gib,
            },
            "VpcInfo": { "VpcId": purchase.vpc }, "SubnetInfo": { "SubnetId": purchase.subnet },
        });
        if let (false, Some(body)) = (groups.is_empty(), body.as_object_mut()) {
            body.insert("SecurityGroups".to_owned(), Value::Array(groups));
        }
        let answer = self.call(&action::CREATE, Params::Body(body)).await?;
        Ok(taken_on(&answer))
    }

    /// `OperateInstance`. `DeleteEip` is always said, for its default differs from action to
    /// action: an address is never released by a stop.
    pub async fn operate(&self, id: &str, operation: Operation) -> Result<TakenOn, CallError> {
        let code = match operation {
            Operation::Start => "start_up_ecs",
            Operation::FreeStop => "free_shutdown_ecs",
        };
        let body = json!({ "EcsIds": [id], "OpType": code, "DeleteEip": 0 });
        Ok(taken_on(&self.call(&action::OPERATE, Params::Body(body)).await?))
    }

    /// `DeleteInstance`, together with an address that was made for the machine.
    pub async fn delete(&self, id: &str) -> Result<TakenOn, CallError> {
        let body = json!({ "EcsIds": [id], "DeleteEip": 1 });
        Ok(taken_on(&self.call(&action::DELETE, Params::Body(body)).await?))
    }
}

/// Rows whose count and number disagree prove nothing about what is missing.
fn incomplete(why: &str) -> CallError {
    CallError::NotUnderstood(format!("DescribeInstanceList: incomplete: {why}"))
}

fn taken_on(answer: &Answer) -> TakenOn {
    let data = Fields::of(&answer.data);
    TakenOn {
        event: data.and_then(|data| data.text("EventId")),
        instances: data.map(|data| data.texts("EcsIdSet")).unwrap_or_default(),
    }
}

/// `TotalPrice` per `PriceUnit`. An unknown unit is refused, not guessed.
fn price_of(answer: &Answer) -> Result<Price, CallError> {
    let fault = |what: String| CallError::NotUnderstood(format!("DescribePrice: {what}"));
    let data = Fields::of(&answer.data).ok_or_else(|| fault("no Data".to_owned()))?;
    let unit = data.text("PriceUnit").unwrap_or_else(|| "".into());
    let per = match &*unit.to_lowercase() {
        "秒" | "second" => Span::seconds(1),
        "分钟" | "minute" => Span::minutes(1),
        "小时" | "时" | "hour" => Span::hours(1),
        "天" | "日" | "day" => Span::days(1),
        other => return Err(fault(format!("PriceUnit `{other}` is not known"))),
    };
    let total = data.text("TotalPrice").unwrap_or_else(|| "".into());
    match Money::parse(&total) {
        Some(amount) if Money::ZERO < amount => Ok(Price { amount, per }),
        _ => Err(fault(format!("TotalPrice `{total}` is not a price"))),
    }
}

/// The newest point of one series, if it is fresh. Times are UTC in some answers and Beijing time
/// in others: whichever lies nearer to now is meant.
fn newest(series: Fields<'_>, now: Time, fresh: Span) -> Option<u32> {
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
    Some((whole + u32::from(more)).min(100))
}

/// Whether a refusal says that the thing asked for does not exist.
pub fn is_not_found(error: &CallError) -> bool {
    error.class() == Refusal::NotFound
}
