//! `farmscale run`: the daemon.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::daemon::{Daemon, Manner};
use super::reach::ClockArgs;
use super::{hints, out};
use crate::clock::Clock;
use crate::memory::{Life, Memory};
use crate::model::{Money, Price};
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
        log::init(settings.log_json);
        for warning in &settings.warnings {
            tracing::warn!("{warning}");
        }
        let clock = self.clock.clock(&settings.cloud.endpoints)?;
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        let memory = runtime.block_on(self.work(settings, clock.clone()))?;
        // Looks still under way are of no use to anybody.
        runtime.shutdown_background();
        for line in left_billing(&memory) {
            out::line(&line)?;
        }
        Ok(())
    }

    async fn work(
        &self,
        settings: crate::config::Settings,
        clock: Clock,
    ) -> anyhow::Result<Memory> {
        let mut terminate = signal(SignalKind::terminate())?;
        let windows = settings.policy.pools.iter().any(|pool| !pool.windows.is_empty());
        let manner = Manner { clock, dry_run: self.dry_run, quiet: false };
        let mut daemon = Daemon::start(settings, manner).await?;
        let page = format!("http://{}/", daemon.page);
        tracing::info!(page, dry_run = self.dry_run, "started");
        let _hints =
            hints::start(daemon.sender(), std::sync::Arc::clone(&daemon.board), windows).await?;
        tokio::select! {
            _ = terminate.recv() => {}
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            () = daemon.ended() => {}
        }
        if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Stopping]) {
            tracing::warn!(%error, "systemd cannot be told that the daemon stops");
        }
        tracing::info!("stopping: nothing more is started, last answers are waited for");
        daemon.stop().await
    }
}

/// What goes on costing money while no daemon runs.
fn left_billing(memory: &Memory) -> Vec<String> {
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
    lines.push(if by_state.is_empty() {
        "no machine is left billing".to_owned()
    } else {
        format!("the farm goes on costing {total} an hour until farmscale runs again")
    });
    lines
}
