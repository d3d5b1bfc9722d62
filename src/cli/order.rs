//! `farmscale pause`, `resume`, `hold`, `release`: orders to a running daemon.

use anyhow::bail;
use serde_json::{Value, json};

use super::ask::Daemon;
use super::out;
use crate::model::{Span, Time};

/// Who asks, why, and for how long.
#[derive(Debug, clap::Args)]
struct Because {
    /// Why, for everybody who looks.
    #[arg(long)]
    reason: String,
    /// Who asks.
    #[arg(long, env = "USER", default_value = "operator")]
    owner: String,
    /// Ends by itself after so long, such as `2h`.
    #[arg(long = "for", value_parser = super::span)]
    lasting: Option<Span>,
}

/// Changes nothing more until `resume`; what runs goes on running and costing.
#[derive(Debug, clap::Args)]
pub struct PauseArgs {
    #[command(flatten)]
    because: Because,
    #[command(flatten)]
    daemon: Daemon,
}

/// Ends a pause.
#[derive(Debug, clap::Args)]
pub struct ResumeArgs {
    /// Who asks.
    #[arg(long, env = "USER", default_value = "operator")]
    owner: String,
    #[command(flatten)]
    daemon: Daemon,
}

/// Keeps one machine: it is not drained, stopped or deleted until `release`; it goes on costing.
#[derive(Debug, clap::Args)]
pub struct HoldArgs {
    /// Its name or instance id, as `status` shows it.
    machine: String,
    #[command(flatten)]
    because: Because,
    #[command(flatten)]
    daemon: Daemon,
}

/// Ends a hold.
#[derive(Debug, clap::Args)]
pub struct ReleaseArgs {
    /// Its name or instance id.
    machine: String,
    /// Who asks.
    #[arg(long, env = "USER", default_value = "operator")]
    owner: String,
    #[command(flatten)]
    daemon: Daemon,
}

impl Because {
    /// As the daemon takes it.
    fn body(&self) -> Value {
        let seconds = self.lasting.map(Span::as_seconds);
        json!({ "owner": self.owner, "reason": self.reason, "for_s": seconds })
    }
}

/// Gives an order and says what came of it: in words, made from the end that `--for` sets, or as the
/// daemon's answer.
pub(super) fn give(
    daemon: &Daemon,
    path: &str,
    body: Value,
    words: impl FnOnce(Option<Time>) -> String,
) -> anyhow::Result<()> {
    let answer = daemon.call(path, Some(body))?;
    if daemon.json {
        return out::json(&answer);
    }
    let until = answer.get("until").and_then(Value::as_i64).map(Time);
    out::line(&words(until))
}

/// What ends an order: its time, sooner if told to, or a command alone.
fn end(until: Option<Time>, command: &str) -> String {
    match until {
        Some(until) => format!("until {until} (`farmscale {command}` ends it sooner)"),
        None => format!("until `farmscale {command}`"),
    }
}

impl PauseArgs {
    /// Runs the command.
    pub fn run(&self) -> anyhow::Result<()> {
        give(&self.daemon, "/api/v1/pause", self.because.body(), |until| {
            let end = end(until, "resume");
            format!("paused: nothing is started, stopped or deleted {end}")
        })
    }
}

impl ResumeArgs {
    /// Runs the command.
    pub fn run(&self) -> anyhow::Result<()> {
        let body = json!({ "owner": self.owner });
        give(&self.daemon, "/api/v1/resume", body, |_| "resumed".to_owned())
    }
}

impl HoldArgs {
    /// Runs the command.
    pub fn run(&self) -> anyhow::Result<()> {
        let Self { machine, because, daemon } = self;
        let mut body = because.body();
        if let Some(body) = body.as_object_mut() {
            body.insert("machine".to_owned(), json!(machine));
        }
        give(daemon, "/api/v1/hold", body, |until| {
            format!("held: {machine} is kept, and costs, {}", end(until, "release"))
        })
    }
}

impl ReleaseArgs {
    /// Runs the command.
    pub fn run(&self) -> anyhow::Result<()> {
        let Self { machine, owner, daemon } = self;
        let (_, farm) = daemon.status()?;
        let one = farm
            .machines
            .iter()
            .find(|one| one.name == *machine || one.instance.as_deref() == Some(machine.as_str()));
        if one.is_some_and(|one| one.held.is_none()) {
            bail!("{machine} is not held");
        }
        let body = json!({ "machine": machine, "owner": owner });
        give(daemon, "/api/v1/release", body, |_| format!("released: {machine}"))
    }
}
