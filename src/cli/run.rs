//! `farmscale run`: the daemon.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::daemon::{Daemon, Manner};
use super::reach::ClockArgs;
use super::{hints, out};
use crate::clock::Clock;
use crate::memory::{Life, Memory};
use crate::model::snapshot::Blocked;
use crate::model::{Money, Price, Snapshot, SourceId};
use crate::page::Board;
use crate::telemetry::log;

/// Runs the daemon until it is told to stop (SIGTERM, Ctrl-C).
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The config.
    #[arg(long, default_value = "/etc/farmscale/farmscale.toml")]
    config: PathBuf,
    /// Look and plan, but change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    clock: ClockArgs,
}

impl RunArgs {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let settings = super::load(&self.config)?;
        let _last_lines = log::init(settings.log_json).context("cannot set the log up")?;
        for warning in &settings.warnings {
            tracing::warn!("{warning}");
        }
        let clock = self.clock.clock(&settings.cloud.endpoints)?;
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        let (memory, board) = runtime.block_on(self.work(settings, clock.clone()))?;
        // Looks still under way are of no use to anybody.
        runtime.shutdown_background();
        let sight = Sight::of(board.latest().as_deref(), &memory);
        for line in left_billing(&memory, &sight) {
            out::line(&line)?;
        }
        Ok(())
    }

    async fn work(
        &self,
        settings: crate::config::Settings,
        clock: Clock,
    ) -> anyhow::Result<(Memory, Arc<Board>)> {
        let mut terminate = signal(SignalKind::terminate())?;
        let windows = settings.policy.pools.iter().any(|pool| !pool.windows.is_empty());
        let listen_by = "page.listen";
        let manner = Manner { clock, dry_run: self.dry_run, quiet: false, listen_by };
        let mut daemon = Daemon::start(settings, manner).await?;
        let page = format!("http://{}/", daemon.page);
        tracing::info!(page, dry_run = self.dry_run, "started");
        let board = Arc::clone(&daemon.board);
        let _hints = hints::start(daemon.sender(), Arc::clone(&board), windows).await?;
        tokio::select! {
            _ = terminate.recv() => {}
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            () = daemon.ended() => {}
        }
        if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Stopping]) {
            tracing::warn!(%error, "systemd cannot be told that the daemon stops");
        }
        tracing::info!("stopping: nothing more is started, last answers are waited for");
        Ok((daemon.stop().await?, board))
    }
}

/// How well the farm at the provider was known at the end.
#[derive(Debug, PartialEq, Eq)]
enum Sight {
    /// By a listing of the last minutes.
    Fresh,
    /// Once, but not lately: why not.
    Old(String),
    /// Never: why not.
    Never(String),
}

impl Sight {
    fn of(last: Option<&Snapshot>, memory: &Memory) -> Self {
        let Some(farm) = last else {
            return Self::Never("there was no time to look".to_owned());
        };
        let failing = farm.faults.get(&SourceId::Fleet).map(ToString::to_string);
        let why = failing.clone().unwrap_or_else(|| "the cloud has not answered yet".to_owned());
        if memory.meta.adopted_at.is_none() {
            return Self::Never(why);
        }
        let is_blind =
            |bind: &Blocked| matches!(bind, Blocked::NotAdopted | Blocked::FleetStale { .. });
        let blind = farm.pools.iter().flat_map(|pool| &pool.report.binds).any(is_blind);
        // A pause is the only reason then, and hides the one that is looked for.
        if blind || (farm.paused.is_some() && failing.is_some()) {
            return Self::Old(why);
        }
        Self::Fresh
    }
}

/// What goes on costing money while no daemon runs, as far as that is known.
fn left_billing(memory: &Memory, sight: &Sight) -> Vec<String> {
    let unknown = match sight {
        Sight::Fresh => None,
        Sight::Old(why) => Some(format!("the farm was not seen lately ({why})")),
        Sight::Never(why) => Some(format!("the farm was never seen ({why})")),
    };
    let unknown = unknown
        .map(|what| format!("{what}: what bills now is not known; look in the provider's console"));
    let mut by_state: BTreeMap<&str, (u32, Money)> = BTreeMap::new();
    for machine in memory.machines.values().filter(|machine| machine.meter.is_on()) {
        let state = if machine.life == Life::Stopped { "stopped" } else { "running" };
        let (count, hourly) = by_state.entry(state).or_default();
        *count += 1;
        *hourly += machine.price().map_or(Money::ZERO, Price::per_hour);
    }
    let total: Money = by_state.values().map(|(_, hourly)| *hourly).sum();
    let mut lines: Vec<String> = by_state
        .iter()
        .map(|(state, (count, hourly))| format!("left {state}: {count} machines, {hourly} an hour"))
        .collect();
    if !by_state.is_empty() {
        lines.push(match unknown {
            Some(_) => format!("that is {total} an hour, by what was last known"),
            None => format!("the farm goes on costing {total} an hour until farmscale runs again"),
        });
    } else if unknown.is_none() {
        lines.push("no machine is left billing".to_owned());
    }
    unknown.into_iter().chain(lines).collect()
}
