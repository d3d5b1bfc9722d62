//! `farmscale backtest`: what a policy would have cost on a recorded load, beside others.

use std::path::PathBuf;

use serde::Serialize;

use super::out;
use crate::backtest::{Conditions, Contender, Score, run};
use crate::config;
use crate::model::{Money, Span};
use crate::sim::provider::Between;
use crate::sim::trace::loads::LOADS;
use crate::sim::trace::{self, Job};

/// Replay a load against farmscale's presets and the rules of other autoscalers.
#[derive(Debug, clap::Args)]
pub struct BacktestArgs {
    /// A CSV with the columns `submit_s,duration_s,gpus[,job]`, gzipped or not; a bundled day if not
    /// given.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Every bundled load, one after the other: weeks of studios, shots, batches. Or only those
    /// whose name contains one of these.
    #[arg(
        long,
        conflicts_with = "trace",
        num_args = 0..,
        value_delimiter = ',',
        value_name = "TEXT,…"
    )]
    suite: Option<Vec<String>>,
    /// Do not tell which job a task belongs to, though the load knows.
    #[arg(long)]
    no_labels: bool,
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

/// A load to replay.
struct Replay {
    name: String,
    jobs: Vec<Job>,
}

#[derive(Debug, Serialize)]
struct Row {
    trace: String,
    policy: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(flatten)]
    score: Score,
}

impl BacktestArgs {
    /// Runs the command.
    pub fn run(&self) -> anyhow::Result<()> {
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
        for replay in self.replays()? {
            for contender in &contenders {
                let new = self.rows(&replay, *contender);
                if self.json {
                    new.iter().try_for_each(out::json)?;
                }
                rows.extend(new);
            }
        }
        if self.json { Ok(()) } else { table(&rows) }
    }

    /// What is to be replayed.
    fn replays(&self) -> anyhow::Result<Vec<Replay>> {
        let mut replays = match (&self.trace, &self.suite) {
            (Some(path), _) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let jobs = trace::load(path).map_err(anyhow::Error::msg)?;
                vec![Replay { name, jobs }]
            }
            (None, Some(parts)) => of_suite(parts)?,
            (None, None) => {
                vec![Replay { name: "surf_render_24h".to_owned(), jobs: trace::bundled() }]
            }
        };
        let is_empty = replays.iter().any(|replay| replay.jobs.is_empty());
        anyhow::ensure!(!is_empty, "the trace holds no task: nothing to replay");
        if self.no_labels {
            for job in replays.iter_mut().flat_map(|replay| &mut replay.jobs) {
                job.label = None;
            }
        }
        Ok(replays)
    }

    fn rows(&self, replay: &Replay, contender: Contender) -> Vec<Row> {
        let policy = contender.name();
        let trace = || replay.name.clone();
        let scores: Vec<Score> = self
            .seeds
            .iter()
            .map(|seed| {
                let Self { boot, restart, stopped_price: stopped_ppm, billing, .. } = *self;
                let billing_unit = billing.span();
                let conditions =
                    Conditions { boot, restart, stopped_ppm, billing_unit, seed: *seed };
                run(&replay.jobs, contender, conditions)
            })
            .collect();
        if self.each {
            let each = self.seeds.iter().zip(scores);
            return each
                .map(|(seed, score)| Row { trace: trace(), policy, seed: Some(*seed), score })
                .collect();
        }
        let mean = Score::mean(&scores);
        mean.map(|score| Row { trace: trace(), policy, seed: None, score }).into_iter().collect()
    }
}

/// The bundled loads whose name contains one of `parts`; all of them if there are none.
fn of_suite(parts: &[String]) -> anyhow::Result<Vec<Replay>> {
    let is_wanted =
        |name: &str| parts.is_empty() || parts.iter().any(|part| name.contains(part.as_str()));
    let loads = LOADS.iter().filter(|load| is_wanted(load.name));
    let replays = loads.map(|load| Replay { name: load.name.to_owned(), jobs: load.jobs() });
    let replays: Vec<Replay> = replays.collect();
    anyhow::ensure!(
        !replays.is_empty(),
        "no load has that in its name; there are: {}",
        LOADS.iter().map(|load| load.name).collect::<Vec<_>>().join(", ")
    );
    Ok(replays)
}

fn table(rows: &[Row]) -> anyhow::Result<()> {
    let heads = [
        "trace",
        "policy",
        "seed",
        "cost/work",
        "wait mean",
        "p95",
        "p99",
        "max",
        "late",
        "creates",
        "starts",
        "stops",
        "idle",
    ];
    let cells = rows.iter().map(|row| {
        let score = &row.score;
        [
            row.trace.clone(),
            row.policy.to_owned(),
            row.seed.map_or_else(|| "mean".to_owned(), |seed| seed.to_string()),
            format!("{:.4}", score.cost_per_work),
            format!("{:.0} s", score.wait_mean_s),
            format!("{:.0} s", score.wait_p95_s),
            format!("{:.0} s", score.wait_p99_s),
            format!("{:.0} s", score.wait_max_s),
            format!("{:.1} %", score.late_share * 100.0),
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
