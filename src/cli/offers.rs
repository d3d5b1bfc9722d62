//! `farmscale offers`: what can be bought now, the cheapest work first.

use anyhow::Context;
use serde_json::{Value, json};

use super::exit::Exit;
use super::out;
use super::reach::{Progress, ReachArgs};
use crate::cloud::Client;
use crate::cloud::catalog::DiskSpec;
use crate::cloud::survey::{Offered, Scope, ZoneSurvey};
use crate::config::gpus::{self, Gpu};
use crate::model::{Money, Stock, Text};

/// What can be bought now, the cheapest hour of work first, and why the rest cannot.
///
/// Every zone and every GPU family the account sees, on demand. An hour of work is what one RTX A5000
/// does in an hour; how fast other GPUs are is known from Blender Open Data's medians. Where a GPU is
/// not among them, its GPU-hour counts instead.
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

/// An offer with what speaks against it.
#[derive(Debug)]
pub struct Ranked<'a> {
    /// Where.
    pub zone: &'a ZoneSurvey,
    /// What.
    pub offered: &'a Offered,
    /// An hour of the machine.
    pub hourly: Option<Money>,
    /// An hour of one of its GPUs.
    pub gpu_hourly: Option<Money>,
    /// The GPU, where its speed is known.
    pub gpu: Option<Gpu>,
    /// An hour of work at the reference speed, where the GPU's is known.
    pub work_hourly: Option<Money>,
    /// Why it cannot be bought now; empty if it can.
    pub reasons: Vec<String>,
}

impl OffersArgs {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let zones = self.survey.ask(&self.reach.client()?)?;
        let ranked = rank(&zones);
        if self.json {
            return out::json(&ranked.iter().map(json_of).collect::<Vec<_>>());
        }
        out::line(&table(&ranked))?;
        for zone in &zones {
            for fault in &zone.faults {
                out::line(&format!("warning: {}: {fault}", zone.zone.code))?;
            }
        }
        Ok(())
    }
}

impl Ranked<'_> {
    /// What it is ranked by; a GPU of unknown speed counts as the reference.
    fn price(&self) -> Option<Money> {
        self.work_hourly.or(self.gpu_hourly)
    }
}

/// Everything on offer: what can be bought first, the cheapest hour of work first.
pub fn rank(zones: &[ZoneSurvey]) -> Vec<Ranked<'_>> {
    let mut ranked: Vec<Ranked<'_>> = Vec::new();
    for zone in zones {
        for offered in &zone.offers {
            let hourly = offered.price.map(crate::model::Price::per_hour);
            let gpu_hourly = hourly.map(|hourly| Money(hourly.0 / gpus_of(offered)));
            let gpu = offered.spec.gpu_name.as_deref().and_then(gpus::find);
            let work_hourly = gpu.zip(hourly).map(|(gpu, hourly)| {
                let speed = i128::from(gpu.speed_ppm.max(1)) * i128::from(gpus_of(offered));
                let work = i128::from(hourly.0) * 1_000_000 / speed;
                Money(i64::try_from(work).unwrap_or(i64::MAX))
            });
            let reasons = reasons(zone, offered);
            ranked.push(Ranked { zone, offered, hourly, gpu_hourly, gpu, work_hourly, reasons });
        }
    }
    ranked.sort_by(|one, other| {
        let key = |ranked: &Ranked<'_>| {
            (!ranked.reasons.is_empty(), ranked.price().unwrap_or(Money(i64::MAX)))
        };
        key(one).cmp(&key(other)).then_with(|| one.zone.zone.code.cmp(&other.zone.zone.code))
    });
    ranked
}

fn gpus_of(offered: &Offered) -> i64 {
    i64::from(offered.spec.gpus.max(1))
}

fn reasons(zone: &ZoneSurvey, offered: &Offered) -> Vec<String> {
    let mut reasons = Vec::new();
    match offered.stock {
        Some(Stock::Sells) => {}
        Some(Stock::SoldOut) => reasons.push("sold out 售罄".to_owned()),
        None => reasons.push("stock not told".to_owned()),
    }
    if offered.price.is_none() {
        reasons.push("no price".to_owned());
    }
    if zone.images_for(&offered.spec).is_empty() {
        let driver = offered.spec.driver.as_deref().unwrap_or("none");
        reasons.push(format!("no image with driver {driver} here"));
    }
    if zone.subnets.is_empty() {
        reasons.push("no subnet in this zone".to_owned());
    } else if zone.subnets.iter().all(|(_, free)| *free == Some(0)) {
        reasons.push("no free address in any subnet".to_owned());
    }
    reasons
}

/// The table of [`rank`], and what it does not know.
pub fn table(ranked: &[Ranked<'_>]) -> String {
    let money = |money: Option<Money>| money.map_or_else(|| "?".to_owned(), |one| one.to_string());
    let rows = ranked.iter().enumerate().map(|(number, one)| {
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
    if ranked.iter().all(|one| one.gpu.is_some()) {
        return table;
    }
    let note = "speed ?: not in the list of GPUs; its GPU-hour is compared with hours of work of \
                the others, as if it were an";
    format!("{table}\n{note} {}", gpus::REFERENCE)
}

fn json_of(one: &Ranked<'_>) -> Value {
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
