//! `farmscale spend`: what the farm costs, and where that is going.

use std::collections::BTreeMap;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::ask::Daemon;
use super::out;
use crate::model::{Money, Span};
use crate::page::api::{CapUse, Ledger, LedgerRow, Sum};

const JSON: &str = "\
JSON (--json): money in millionths of a yuan, times in milliseconds.
  by, month                  as asked for; month is null unless given
  rows                       [{name, sum}]: name is a day, pool or offer, as --by says
  total                      the sum of all rows
  sum, total                 {cost, running, stopped, booting, idle}
  days                       the days of --month (or all that are kept), by pool and offer
  day, spent_today, spent_month, hourly, forecast_today, forecast_month, forecast_from,
  estimated                  the farm as a whole, whatever --month says
  caps                       [{pool, span, cap, spent, committed, next_day}]; pool null: the farm";

/// What the farm has cost, by pool, day or offer, with a forecast and what the caps leave.
#[derive(Debug, clap::Args)]
#[command(after_help = JSON)]
pub struct SpendArgs {
    /// How the lines are added up.
    #[arg(long, value_enum, default_value = "day")]
    by: By,
    /// Only this month, such as `2026-01`; unless given all days that are kept for people (62).
    #[arg(long, value_name = "YYYY-MM", value_parser = month)]
    month: Option<String>,
    #[command(flatten)]
    daemon: Daemon,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Day,
    Pool,
    Offer,
}

/// `2026-01`: anything else would name no day, and look as if nothing had been spent.
fn month(text: &str) -> Result<String, String> {
    let well = jiff::civil::Date::strptime("%Y-%m-%d", format!("{text}-01"));
    match well {
        Ok(first) if first.to_string().get(..7) == Some(text) => Ok(text.to_owned()),
        Ok(_) | Err(_) => Err("a month as YYYY-MM, such as 2026-01".to_owned()),
    }
}

impl SpendArgs {
    /// Runs the command.
    pub fn run(&self) -> anyhow::Result<()> {
        let value = self.daemon.call("/api/v1/spend", None)?;
        let mut ledger: Ledger = serde_json::from_value(value)?;
        if let Some(month) = &self.month {
            ledger.days.retain(|row| row.day.starts_with(month.as_str()));
        }
        let sums = self.sums(&ledger.days);
        if self.daemon.json {
            return out::json(&self.json(&ledger, sums)?);
        }
        summary(&ledger)?;
        if sums.is_empty() {
            out::line("\nnothing was spent in that time")?;
        } else {
            out::line(&format!("\n{}", self.table(sums)))?;
        }
        caps(&ledger.caps)
    }

    fn sums(&self, rows: &[LedgerRow]) -> BTreeMap<String, Sum> {
        let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
        for row in rows {
            let name = match self.by {
                By::Day => row.day.clone(),
                By::Pool => row.pool.clone(),
                By::Offer => row.offer.to_string(),
            };
            let sum = sums.entry(name).or_default();
            *sum = sum.plus(row.sum);
        }
        sums
    }

    /// The ledger, with what was asked for beside it.
    fn json(&self, ledger: &Ledger, sums: BTreeMap<String, Sum>) -> anyhow::Result<Value> {
        let mut value = serde_json::to_value(ledger)?;
        let total = total(&sums);
        let rows: Vec<Value> =
            sums.into_iter().map(|(name, sum)| json!({ "name": name, "sum": sum })).collect();
        if let Some(fields) = value.as_object_mut() {
            fields.insert("by".to_owned(), json!(self.by.word()));
            fields.insert("month".to_owned(), json!(self.month));
            fields.insert("rows".to_owned(), json!(rows));
            fields.insert("total".to_owned(), json!(total));
        }
        Ok(value)
    }

    fn table(&self, sums: BTreeMap<String, Sum>) -> String {
        let total = total(&sums);
        let all = if sums.len() < 2 { None } else { Some(("together".to_owned(), total)) };
        let line = |(name, sum): (String, Sum)| {
            let of =
                |part: i64, whole: i64| format!("{} %", part.saturating_mul(100) / whole.max(1));
            let share = of(sum.cost.0, total.cost.0);
            let (booting, idle) = (of(sum.booting.0, sum.running.0), of(sum.idle.0, sum.running.0));
            let (running, stopped) = (hours(sum.running), hours(sum.stopped));
            [name, sum.cost.to_string(), share, running, booting, idle, stopped]
        };
        let head = self.by.word();
        let header = [head, "cost", "share", "machine-hours", "booting", "idle", "stopped-hours"];
        out::table(header, sums.into_iter().chain(all).map(line).collect())
    }
}

impl By {
    const fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Pool => "pool",
            Self::Offer => "offer",
        }
    }
}

fn total(sums: &BTreeMap<String, Sum>) -> Sum {
    sums.values().fold(Sum::default(), |total, sum| total.plus(*sum))
}

fn summary(ledger: &Ledger) -> anyhow::Result<()> {
    let Ledger { day, spent_today, spent_month, hourly, forecast_today, .. } = ledger;
    out::line(&format!("{day}: {spent_today} so far, {hourly} an hour now"))?;
    out::line(&format!("  by midnight     {forecast_today}, if all goes on as it is"))?;
    let from = match ledger.forecast_from {
        0 => "if days go on as today".to_owned(),
        1 => "if days go on as yesterday".to_owned(),
        days => format!("if days go on as the last {days} did"),
    };
    out::line(&format!("  this month      {spent_month} so far"))?;
    out::line(&format!("  by its end      {}, {from}", ledger.forecast_month))?;
    if ledger.estimated != Money::ZERO {
        let estimated = ledger.estimated;
        let why = "by listings instead of the provider's own times";
        out::line(&format!("  estimated       {estimated} of all that was ever spent, {why}"))?;
    }
    Ok(())
}

fn caps(caps: &[CapUse]) -> anyhow::Result<()> {
    let lines = caps.iter().map(|cap| {
        let most = cap.next_day.map_or(cap.committed, |day| day.max(cap.committed));
        let left = Money((cap.cap - most).0.max(0));
        [
            cap.pool.as_ref().map_or_else(|| "farm".to_owned(), ToString::to_string),
            cap.span.clone(),
            cap.cap.to_string(),
            cap.spent.to_string(),
            (cap.committed - cap.spent).to_string(),
            left.to_string(),
        ]
    });
    let header = ["cap of", "a", "at most", "spent", "reserved", "left"];
    if caps.is_empty() {
        return out::line(
            "\nno cap is set: limits.money_per_day and the like (config/farmscale.toml)",
        );
    }
    out::line(&format!("\n{}", out::table(header, lines.collect())))
}

fn hours(span: Span) -> String {
    let tenths = span.0 / (Span::hours(1).0 / 10);
    format!("{}.{}", tenths / 10, tenths % 10)
}
