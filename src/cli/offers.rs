//! `farmscale offers`: what can be bought now, the cheapest work first.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::{Value, json};

use super::exit::Exit;
use super::out;
use super::reach::{Progress, ReachArgs};
use crate::cloud::Client;
use crate::cloud::catalog::DiskSpec;
use crate::cloud::survey::{Offered, Scope, ZoneSurvey};
use crate::config::gpus::{self, Gpu};
use crate::defaults::size;
use crate::memory::Memory;
use crate::model::{
    Billing, Look, LookFailure, Money, Namer, OfferKey, Price, Quote, Reading, Refusal, Size,
    Stock, StockReading, Text, Time,
};
use crate::plan::rank;
use crate::plan::readings::Readings;
use crate::plan::situation::Situation;
use crate::policy::{Limits, OfferPolicy, Policy, Pool, Spending, Timing};
use crate::telemetry::words::{self, Language};
use crate::world::vendor;

/// What can be bought now, the cheapest hour of work first, and why the rest cannot.
///
/// Every zone and every GPU family the account sees, on demand, in the order in which the farm buys. An
/// hour of work is what one RTX A5000 does in an hour, with what its boot adds; how fast other GPUs are
/// is known from Blender Open Data's medians, or from the config where it says so.
#[derive(Debug, clap::Args)]
pub struct OffersArgs {
    #[command(flatten)]
    reach: ReachArgs,
    #[command(flatten)]
    survey: SurveyArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is looked at.
#[derive(Debug, clap::Args)]
pub struct SurveyArgs {
    /// Only these zones, comma between; unless said all.
    #[arg(long, value_delimiter = ',')]
    zones: Vec<String>,
    /// Only these families, comma between; unless said all that have GPUs.
    #[arg(long, value_delimiter = ',')]
    families: Vec<String>,
    /// GiB of the system disk that is priced and bought with a machine.
    #[arg(long, default_value_t = 40)]
    pub disk_size: u32,
}

impl SurveyArgs {
    /// Asks the cloud, with progress on a terminal.
    pub fn ask(&self, client: &Client) -> anyhow::Result<Vec<ZoneSurvey>> {
        let texts = |list: &[String]| list.iter().map(|one| Text::from(one.as_str())).collect();
        let scope = Scope {
            zones: texts(&self.zones),
            families: texts(&self.families),
            disk: DiskSpec { feature: "ssd".to_owned(), gib: self.disk_size },
        };
        let progress = Progress::on_terminal();
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        let zones = runtime.block_on(client.survey(&scope, |what| progress.say(what)))?;
        let is_there = |code: &Text| zones.iter().any(|one| one.zone.code == *code);
        match scope.zones.iter().find(|code| !is_there(code)) {
            Some(unknown) => {
                let hint = "`farmscale api DescribeRegions` lists them";
                Err(Exit::NotThere.because(format!("there is no zone {unknown}; {hint}")))
            }
            None => Ok(zones),
        }
    }
}

/// An offer, where it is, and what speaks against it.
#[derive(Debug)]
pub struct Listed<'a> {
    /// Where.
    pub zone: &'a ZoneSurvey,
    /// What.
    pub offered: &'a Offered,
    /// An hour of the machine.
    hourly: Option<Money>,
    /// An hour of one of its GPUs.
    gpu_hourly: Option<Money>,
    /// The GPU, where its speed is known.
    gpu: Option<Gpu>,
    /// What it is ranked by: the expected price of an hour of work; a GPU of unknown speed counts as
    /// the reference.
    work_hourly: Option<Money>,
    /// Why it cannot be bought now; empty if it can.
    reasons: Vec<String>,
}

impl OffersArgs {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let (client, policy) = (self.reach.client()?, self.reach.policy()?);
        let zones = self.survey.ask(&client)?;
        let listed = list(&zones, policy.as_ref(), client.clock().now());
        if self.json {
            return out::json(&listed.iter().map(json_of).collect::<Vec<_>>());
        }
        out::line(&table(&listed))?;
        for zone in &zones {
            for fault in &zone.faults {
                out::line(&format!("warning: {}: {fault}", zone.zone.code))?;
            }
        }
        Ok(())
    }
}

/// Everything on offer, in the order in which a farm without machines buys it: the planner's own
/// ranking, by the speeds of `policy` where it knows the offer. What cannot be bought stands last.
pub fn list<'a>(zones: &'a [ZoneSurvey], policy: Option<&Policy>, now: Time) -> Vec<Listed<'a>> {
    let all = || zones.iter().flat_map(|zone| zone.offers.iter().map(move |one| (zone, one)));
    let offers = all().map(|(zone, one)| allowed(zone, one, policy)).collect();
    let pool = Pool::usual("all", "none", offers, 1);
    let (memory, readings) = (Memory::default(), readings(zones, now));
    let alone = Policy {
        namer: Namer::new("offers"),
        pools: Vec::new(),
        limits: Limits::default(),
        spending: Spending::default(),
        shared: Vec::new(),
        timing: policy.map_or_else(Timing::default, |policy| policy.timing),
    };
    let situation = Situation { policy: &alone, memory: &memory, readings: &readings, now };
    let ranked = rank::ranking(situation, &pool).into_iter().filter_map(|ranked| {
        let is_it = |(zone, one): &(&ZoneSurvey, &Offered)| {
            key_of(one, &zone.zone.code) == ranked.offer.key
        };
        let (zone, offered) = all().find(is_it)?;
        let blocked = ranked.terms.err().map(|blocked| words::constraint(&blocked));
        let blocked = blocked.map(|told| told.words(Language::En).to_owned());
        let hourly = ranked.quote.map(|quote| quote.running.per_hour());
        let gpus = i64::from(offered.spec.gpus.max(1));
        Some(Listed {
            zone,
            offered,
            hourly,
            gpu_hourly: hourly.map(|hourly| Money(hourly.0 / gpus)),
            gpu: offered.spec.gpu_name.as_deref().and_then(gpus::find),
            work_hourly: ranked.merit.map(|merit| merit.work_hourly),
            reasons: blocked.into_iter().chain(lacks(zone, offered)).collect(),
        })
    });
    let mut listed: Vec<Listed<'a>> = ranked.collect();
    listed.sort_by_key(|one| !one.reasons.is_empty());
    listed
}

/// The farm's key of it, on demand.
fn key_of(one: &Offered, zone: &Text) -> OfferKey {
    vendor::key(&one.offer(zone), Billing::OnDemand)
}

/// As the operator allows it, or as it would be allowed.
fn allowed(zone: &ZoneSurvey, one: &Offered, policy: Option<&Policy>) -> OfferPolicy {
    let key = key_of(one, &zone.zone.code);
    let known = policy.and_then(|policy| policy.pools.iter().find_map(|pool| pool.offer(&key)));
    let gpu = one.spec.gpu_name.as_deref().and_then(gpus::find);
    known.cloned().unwrap_or(OfferPolicy {
        key,
        gpu_memory_gib: size::GPU_MEMORY,
        speed_ppm: gpu.map_or(size::SPEED_PPM, |gpu| gpu.speed_ppm),
        billing_unit: size::BILLING_UNIT,
        stoppable: true,
        build: 0,
    })
}

/// What the cloud has said, as a plan reads it.
fn readings(zones: &[ZoneSurvey], now: Time) -> Readings {
    let mut readings = Readings::new(false, now);
    let mut take = |look: &Look, result| readings.take(look, now, result, |_| 0);
    let no_word = || LookFailure { class: Refusal::Other, detail: "the cloud did not say".into() };
    for zone in zones {
        let code = &zone.zone.code;
        let mut stock: BTreeMap<&Text, Vec<(Size, Stock)>> = BTreeMap::new();
        for one in &zone.offers {
            let sizes = stock.entry(&one.spec.family).or_default();
            sizes.extend(one.stock.map(|stock| (one.spec.size(), stock)));
            let key = key_of(one, code);
            let quote = one.price.map(|running| {
                let stopped = Price { amount: Money::ZERO, ..running };
                let unit = size::BILLING_UNIT;
                Reading::Quote(
                    key.clone(),
                    Quote { running, stopped, bids: None, unit, asked_at: now },
                )
            });
            drop(take(&Look::Quote(key.clone()), quote.ok_or_else(no_word)));
        }
        for (family, sizes) in stock {
            let (zone, family) = (Text::clone(code), Text::clone(family));
            let look = Look::Stock { zone: Text::clone(&zone), family: Text::clone(&family) };
            let is_told = !sizes.is_empty();
            let reading = Reading::Stock(StockReading { asked_at: now, zone, family, sizes });
            drop(take(&look, is_told.then_some(reading).ok_or_else(no_word)));
        }
    }
    readings
}

/// What a farm would need to buy it, besides stock and a price.
fn lacks(zone: &ZoneSurvey, offered: &Offered) -> Vec<String> {
    let mut lacks = Vec::new();
    if zone.images_for(&offered.spec).is_empty() {
        let driver = offered.spec.driver.as_deref().unwrap_or("none");
        lacks.push(format!("no image with driver {driver} here"));
    }
    if zone.subnets.is_empty() {
        lacks.push("no subnet in this zone".to_owned());
    } else if zone.subnets.iter().all(|(_, free)| *free == Some(0)) {
        lacks.push("no free address in any subnet".to_owned());
    }
    lacks
}

/// The table of [`list`], and what it does not know.
pub fn table(listed: &[Listed<'_>]) -> String {
    let money = |money: Option<Money>| money.map_or_else(|| "?".to_owned(), |one| one.to_string());
    let rows = listed.iter().enumerate().map(|(number, one)| {
        let spec = &one.offered.spec;
        [
            (number + 1).to_string(),
            one.zone.zone.code.to_string(),
            spec.family.to_string(),
            format!("{}c {}G {}gpu", spec.cpu, spec.ram_gib, spec.gpus),
            spec.gpu_name.as_deref().unwrap_or("").to_owned(),
            one.gpu.map_or_else(|| "?".to_owned(), |gpu| gpu.speed()),
            money(one.work_hourly),
            money(one.gpu_hourly),
            money(one.hourly),
            one.reasons.join("; "),
        ]
    });
    let header = [
        "#",
        "zone",
        "family",
        "size",
        "GPU",
        "speed",
        "per hour of work",
        "per GPU-hour",
        "per hour",
        "cannot be bought",
    ];
    let table = out::table(header, rows.collect());
    if listed.iter().all(|one| one.gpu.is_some()) {
        return table;
    }
    let note = "speed ?: not in the list of GPUs; ranked as if it were an";
    format!("{table}\n{note} {}", gpus::REFERENCE)
}

fn json_of(one: &Listed<'_>) -> Value {
    let spec = &one.offered.spec;
    json!({
        "zone": *one.zone.zone.code, "family": *spec.family, "cpu": spec.cpu,
        "ram_gib": spec.ram_gib, "gpus": spec.gpus, "gpu": spec.gpu_name.as_deref(),
        "driver": spec.driver.as_deref(),
        "in_stock": one.offered.stock.map(|stock| stock == Stock::Sells),
        "hourly_yuan": one.hourly.map(Money::plain),
        "speed": one.gpu.map(|gpu| Money(gpu.speed_ppm).plain()),
        "work_hourly_yuan": one.work_hourly.map(Money::plain),
        "gpu_hourly_yuan": one.gpu_hourly.map(Money::plain), "reasons": one.reasons,
    })
}
