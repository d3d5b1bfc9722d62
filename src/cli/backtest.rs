//! `farmscale backtest`: what a policy would have cost on a recorded load, beside others.

use std::path::PathBuf;

use serde::Serialize;

use super::out;
use crate::backtest::{Conditions, Contender, Score, run};
use crate::config;
use crate::model::{Money, Span};
use crate::sim::provider::Between;
use crate::sim::trace::{self, Job};

/// Replay a load against farmscale's presets and the rules of other autoscalers.
#[derive(Debug, clap::Args)]
pub struct BacktestArgs {
    /// A CSV with the columns `submit_s,duration_s,gpus`, gzipped or not; a bundled day if not given.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Draw boots and dispatch; one run each.
    #[arg(long, value_delimiter = ',', default_value = "1", value_name = "N,…")]
    seeds: Vec<u64>,
    /// From a create to its worker, in seconds.
    #[arg(long, default_value = "180..300", value_parser = between, value_name = "MIN..MAX")]
    boot: Between,
    /// From the start of a stopped machine to its worker, in seconds.
    #[arg(long, default_value = "45..75", value_parser = between, value_name = "MIN..MAX")]
    restart: Between,
    /// What a stopped machine costs against a running one.
    #[arg(long, default_value = "0.08", value_parser = share, value_name = "SHARE")]
    stopped_price: i64,
    /// Running time is charged in whole units of this.
    #[arg(long, value_enum, default_value = "second")]
    billing: BillingUnit,
    /// Only policies whose name contains this.
    #[arg(long, value_name = "TEXT")]
    policy: Option<String>,
    /// One row for each seed instead of their means.
    #[arg(long)]
    each: bool,
    /// One JSON object for each row.
    #[arg(long)]
    json: bool,
}

/// How a cloud bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum BillingUnit {
    Second,
    Minute,
    Hour,
    Day,
}

impl BillingUnit {
    fn span(self) -> Span {
        match self {
            Self::Second => Span::seconds(1),
            Self::Minute => Span::minutes(1),
            Self::Hour => Span::hours(1),
            Self::Day => Span::days(1),
        }
    }
}

#[derive(Debug, Serialize)]
struct Row {
    policy: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(flatten)]
    score: Score,
}

impl BacktestArgs {
    /// Runs the command.
    pub fn run(&self) -> anyhow::Result<()> {
        let jobs = match &self.trace {
            Some(path) => trace::load(path).map_err(anyhow::Error::msg)?,
            None => trace::bundled(),
        };
        anyhow::ensure!(!jobs.is_empty(), "the trace holds no task: nothing to replay");
        let chosen = |one: &Contender| {
            self.policy.as_ref().is_none_or(|part| one.name().contains(part.as_str()))
        };
        let contenders: Vec<Contender> = Contender::all().into_iter().filter(chosen).collect();
        anyhow::ensure!(
            !contenders.is_empty(),
            "no policy has that in its name; there are: {}",
            Contender::all().iter().map(|one| one.name()).collect::<Vec<_>>().join(", ")
        );
        let mut rows = Vec::new();
        for contender in contenders {
            let new = self.rows(&jobs, contender);
            if self.json {
                for row in &new {
                    out::json(row)?;
                }
            }
            rows.extend(new);
        }
        if self.json { Ok(()) } else { table(&rows) }
    }

    fn rows(&self, jobs: &[Job], contender: Contender) -> Vec<Row> {
        let policy = contender.name();
        let scores: Vec<Score> = self
            .seeds
            .iter()
            .map(|seed| {
                let Self { boot, restart, stopped_price: stopped_ppm, billing, .. } = *self;
                let billing_unit = billing.span();
                let conditions =
                    Conditions { boot, restart, stopped_ppm, billing_unit, seed: *seed };
                run(jobs, contender, conditions)
            })
            .collect();
        if self.each {
            let each = self.seeds.iter().zip(scores);
            return each.map(|(seed, score)| Row { policy, seed: Some(*seed), score }).collect();
        }
        Score::mean(&scores).map(|score| Row { policy, seed: None, score }).into_iter().collect()
    }
}

fn table(rows: &[Row]) -> anyhow::Result<()> {
    let heads = [
        "policy",
        "seed",
        "cost/work",
        "wait mean",
        "p95",
        "p99",
        "max",
        "creates",
        "starts",
        "stops",
        "idle",
    ];
    let cells = rows.iter().map(|row| {
        let score = &row.score;
        [
            row.policy.to_owned(),
            row.seed.map_or_else(|| "mean".to_owned(), |seed| seed.to_string()),
            format!("{:.4}", score.cost_per_work),
            format!("{:.0} s", score.wait_mean_s),
            format!("{:.0} s", score.wait_p95_s),
            format!("{:.0} s", score.wait_p99_s),
            format!("{:.0} s", score.wait_max_s),
            score.creates.to_string(),
            score.starts.to_string(),
            score.stops.to_string(),
            format!("{:.1} %", score.idle_share * 100.0),
        ]
    });
    out::line(&out::table(heads, cells.collect()))
}

fn between(text: &str) -> Result<Between, String> {
    let wrong = || "two numbers of seconds such as 180..300".to_owned();
    let (min, max) = text.split_once("..").ok_or_else(wrong)?;
    let number = |text: &str| config::parse_span(&format!("{}s", text.trim())).ok_or_else(wrong);
    let (min, max): (Span, Span) = (number(min)?, number(max)?);
    if max < min { Err(wrong()) } else { Ok(Between { min, max }) }
}

fn share(text: &str) -> Result<i64, String> {
    let share = Money::parse(text).filter(|share| *share <= Money::yuan(1));
    share.map(|share| share.0).ok_or_else(|| "a number from 0 to 1 such as 0.08".to_owned())
}
