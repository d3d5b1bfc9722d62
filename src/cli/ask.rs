//! `farmscale status`, `why`, `plan`, `journal`: questions to a running daemon, over its HTTP API.

use anyhow::Context;
use clap::builder::{StringValueParser, TypedValueParser};
use serde_json::Value;

use super::door::DoorArgs;
use super::exit::Exit;
use super::out;
use crate::model::{Money, Time};
use crate::page::api::{Happening, Status};
use crate::telemetry::words::{Language, label};

/// Where the daemon is.
#[derive(Debug, clap::Args)]
pub struct Daemon {
    #[command(flatten)]
    pub(super) door: DoorArgs,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Chinese (`zh`) or English (`en`); unless given as the environment says.
    #[arg(long, env = "LANG", hide_env = true, value_parser = language(), default_value = "en")]
    pub(super) lang: Language,
}

/// Any locale: `zh`, `zh_CN.UTF-8`, `en`, `C`.
fn language() -> impl TypedValueParser<Value = Language> {
    StringValueParser::new().map(|text| Language::of_locale(&text))
}

/// The farm now: machines, queue, money.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    daemon: Daemon,
}

/// Why each pool is as large as it is, strongest reason first.
#[derive(Debug, clap::Args)]
pub struct WhyArgs {
    /// Only this pool.
    pool: Option<String>,
    #[command(flatten)]
    daemon: Daemon,
}

/// What the last plan asked for, and what could be bought.
#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    #[command(flatten)]
    daemon: Daemon,
}

/// The last decisions and what became of them.
#[derive(Debug, clap::Args)]
pub struct JournalArgs {
    /// So many of the newest.
    #[arg(long, default_value_t = 40)]
    limit: usize,
    /// In Chinese.
    #[arg(long)]
    zh: bool,
    #[command(flatten)]
    daemon: Daemon,
}

impl Daemon {
    pub(super) fn call(&self, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        self.door.call(path, body)
    }

    pub(super) fn status(&self) -> anyhow::Result<(Value, Status)> {
        let value = self.call("/api/v1/status", None)?;
        let status = serde_json::from_value(value.clone())
            .context("the daemon is of another version than this command")?;
        Ok((value, status))
    }
}

impl StatusArgs {
    /// Runs the command.
    pub fn run(&self) -> anyhow::Result<()> {
        let (value, farm) = self.daemon.status()?;
        if self.daemon.json {
            return out::json(&value);
        }
        let language = self.daemon.lang;
        for line in head(&farm) {
            out::line(&line)?;
        }
        out::line(&format!("\n{}", pools(&farm, language)))?;
        if !farm.machines.is_empty() {
            out::line(&format!("\n{}", machines(&farm, language)))?;
        }
        for (name, hold) in
            farm.machines.iter().filter_map(|one| Some((&one.name, one.held.as_ref()?)))
        {
            let (by, why, until) = (&hold.owner, &hold.reason, until(hold.until, "released"));
            out::line(&format!("! {name} is held by {by} until {until}: {why}"))?;
        }
        for (source, detail) in &farm.faults {
            out::line(&format!("! {source}: {detail}"))?;
        }
        Ok(())
    }
}

/// The farm as a whole, and what an operator has ordered.
fn head(farm: &Status) -> Vec<String> {
    let stale = if farm.stale { "  STALE: the daemon has not turned lately" } else { "" };
    let mut lines = vec![format!("{} at {}{stale}", farm.farm, farm.at)];
    if farm.adopted_at.is_none() {
        lines.push("NOT KNOWN YET: the farm at the provider has not been listed".to_owned());
    }
    if let Some(owner) = &farm.retiring {
        lines.push(format!(
            "LEAVING for good, by {owner}: nothing is started, all is deleted (`farmscale retire \
             --undo` stays)"
        ));
    }
    if let Some(pause) = &farm.paused {
        let until = until(pause.until, "resumed");
        lines.push(format!("PAUSED by {} until {until}: {}", pause.owner, pause.reason));
    }
    lines.push(format!("{} an hour, {} spent", farm.spend.hourly, farm.spend.total));
    lines
}

/// When an order ends, or what ends it.
fn until(end: Option<Time>, otherwise: &str) -> String {
    end.map_or_else(|| otherwise.to_owned(), |end| end.to_string())
}

fn pools(farm: &Status, language: Language) -> String {
    let pools = farm.pools.iter().map(|pool| {
        let phases = pool.phases.iter();
        let phases = phases.map(|(phase, count)| format!("{count} {}", word(phase, language)));
        let wait = pool.oldest_wait.map_or_else(String::new, |wait| wait.to_string());
        let (min, max) = pool.size;
        [
            pool.name.clone(),
            pool.queued.to_string(),
            pool.running.to_string(),
            wait,
            phases.collect::<Vec<_>>().join(", "),
            format!("{min}–{max}"),
        ]
    });
    let header = ["pool", "f_waiting", "f_running", "f_oldest", "machines", "size"];
    out::table(header.map(|key| label(key, language)), pools.collect())
}

fn machines(farm: &Status, language: Language) -> String {
    let machines = farm.machines.iter().map(|machine| {
        [
            machine.name.clone(),
            machine.offer.to_string(),
            word(&machine.phase, language),
            farm.at.since(machine.since).to_string(),
            machine.hourly.to_string(),
            machine.cost.to_string(),
            machine.now.words.words(language).to_owned(),
        ]
    });
    let header = ["machine", "offer", "phase", "since", "f_hourly", "cost", "now"];
    out::table(header.map(|key| label(key, language)), machines.collect())
}

/// The word for a phase, or the phase as a newer daemon calls it.
fn word(phase: &str, language: Language) -> String {
    label(phase, language).to_owned()
}

impl WhyArgs {
    /// Runs the command.
    pub fn run(&self) -> anyhow::Result<()> {
        let (_, farm) = self.daemon.status()?;
        let wanted = |name: &str| self.pool.as_deref().is_none_or(|pool| pool == name);
        let pools: Vec<_> = farm.pools.iter().filter(|pool| wanted(&pool.name)).collect();
        if pools.is_empty() {
            let pool = self.pool.as_deref().unwrap_or("");
            return Err(Exit::NotThere.because(format!("there is no pool {pool}")));
        }
        if self.daemon.json {
            return out::json(&self.daemon.call(&format!("/api/v1/why{}", self.query()), None)?);
        }
        for pool in pools {
            let (report, language) = (&pool.report, self.daemon.lang);
            let slots = if report.demand_slots == 1 { "slot" } else { "slots" };
            out::line(&format!(
                "{}: the work asks for {} {slots}; {} are there or on their way",
                pool.name, report.demand_slots, report.capacity_slots
            ))?;
            for constraint in &report.constraints {
                out::line(&format!("  {}", constraint.keyed(language)))?;
            }
            if report.constraints.is_empty() {
                out::line(&format!("  {}", label("nothing", language)))?;
            }
        }
        Ok(())
    }

    fn query(&self) -> String {
        let encode = |pool: &String| {
            let pool =
                percent_encoding::utf8_percent_encode(pool, percent_encoding::NON_ALPHANUMERIC);
            format!("?pool={pool}")
        };
        self.pool.as_ref().map_or_else(String::new, encode)
    }
}

impl PlanArgs {
    /// Runs the command.
    pub fn run(&self) -> anyhow::Result<()> {
        if self.daemon.json {
            return out::json(&self.daemon.call("/api/v1/plan", None)?);
        }
        let (_, farm) = self.daemon.status()?;
        if farm.planned.is_empty() {
            out::line("nothing to change now\n")?;
        }
        for event in &farm.planned {
            out::line(&sentence(event, self.daemon.lang))?;
        }
        let language = self.daemon.lang;
        let offers = farm.offers.iter().map(|offer| {
            let money =
                |money: Option<Money>| money.map_or_else(String::new, |one| one.to_string());
            [
                offer.pool.clone(),
                offer.offer.to_string(),
                money(offer.hourly),
                money(offer.work_hourly),
                offer.blocked.as_ref().map_or_else(
                    || label("yes", language).to_owned(),
                    |blocked| blocked.words.words(language).to_owned(),
                ),
            ]
        });
        let header = ["pool", "offer", "f_hourly", "work", "buy"];
        out::line(&out::table(header.map(|key| label(key, language)), offers.collect()))
    }
}

impl JournalArgs {
    /// Runs the command.
    pub fn run(&self) -> anyhow::Result<()> {
        let value = self.daemon.call(&format!("/api/v1/journal?limit={}", self.limit), None)?;
        if self.daemon.json {
            return out::json(&value);
        }
        let (_, farm) = self.daemon.status()?;
        let language = if self.zh { Language::Zh } else { self.daemon.lang };
        let shown = farm.recent.len().saturating_sub(self.limit);
        for event in farm.recent.iter().skip(shown) {
            out::line(&sentence(event, language))?;
        }
        Ok(())
    }
}

fn sentence(event: &Happening, language: Language) -> String {
    format!("{}  {}", event.at, event.words.words(language))
}
