//! `farmscale spend`: what the farm costs, and where that is going.

use std::collections::BTreeMap;

use clap::ValueEnum;

use super::ask::Daemon;
use super::out;
use crate::model::snapshot::{CapView, DayRow, Ledger, Sum};
use crate::model::{Money, Span};

/// What the farm has cost, by pool, day or offer, with a forecast and what the caps leave.
#[derive(Debug, clap::Args)]
pub struct SpendArgs {
    /// How the lines are added up.
    #[arg(long, value_enum, default_value = "day")]
    by: By,
    /// Only this month, such as `2026-01`; unless given all days that are kept for people (62).
    #[arg(long, value_name = "YYYY-MM")]
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

impl SpendArgs {
    /// Runs the command.
    pub fn run(&self) -> anyhow::Result<()> {
        let value = self.daemon.call("/api/v1/spend", None)?;
        if self.daemon.json {
            return out::json(&value);
        }
        let ledger: Ledger = serde_json::from_value(value)?;
        summary(&ledger)?;
        let wanted = |row: &&DayRow| {
            self.month.as_ref().is_none_or(|month| row.day.starts_with(month.as_str()))
        };
        let rows: Vec<&DayRow> = ledger.days.iter().filter(wanted).collect();
        let (head, lines) = self.lines(&rows);
        if lines.is_empty() {
            return out::line("\nnothing was spent in that time");
        }
        let header = [head, "cost", "share", "machine-hours", "booting", "idle", "stopped-hours"];
        out::line(&format!("\n{}", out::table(header, lines)))?;
        caps(&ledger.caps)
    }

    fn lines(&self, rows: &[&DayRow]) -> (&'static str, Vec<[String; 7]>) {
        let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
        for row in rows {
            let name = match self.by {
                By::Day => row.day.to_string(),
                By::Pool => row.pool.to_string(),
                By::Offer => row.offer.to_string(),
            };
            let sum = sums.entry(name).or_default();
            *sum = sum.plus(row.sum);
        }
        let head = match self.by {
            By::Day => "day",
            By::Pool => "pool",
            By::Offer => "offer",
        };
        let total: Sum = rows.iter().fold(Sum::default(), |total, row| total.plus(row.sum));
        let all = if sums.len() < 2 { None } else { Some(("together".to_owned(), total)) };
        let line = |(name, sum): (String, Sum)| {
            let of =
                |part: i64, whole: i64| format!("{} %", part.saturating_mul(100) / whole.max(1));
            let share = of(sum.cost.0, total.cost.0);
            let (booting, idle) = (of(sum.booting.0, sum.running.0), of(sum.idle.0, sum.running.0));
            let (running, stopped) = (hours(sum.running), hours(sum.stopped));
            [name, sum.cost.to_string(), share, running, booting, idle, stopped]
        };
        (head, sums.into_iter().chain(all).map(line).collect())
    }
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

fn caps(caps: &[CapView]) -> anyhow::Result<()> {
    let lines = caps.iter().map(|cap| {
        let most = cap.next_day.map_or(cap.committed, |day| day.max(cap.committed));
        let left = Money((cap.cap - most).0.max(0));
        [
            cap.pool.as_ref().map_or_else(|| "farm".to_owned(), ToString::to_string),
            cap.span.word().to_owned(),
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
