//! `farmscale run`: the daemon.

use std::path::PathBuf;

use anyhow::Context;

use super::reach::ClockArgs;
use super::{env, out};
use crate::daemon::{Service, Source};
use crate::telemetry::log;

/// Runs the daemon until it is told to stop (SIGTERM, Ctrl-C).
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The config.
    #[arg(long, default_value = super::CONFIG)]
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
        let source = Source { path: self.config, environment: env::variables() };
        let settings = source.load()?;
        let _last_lines =
            log::init(settings.log.json, settings.log.level).context("cannot set the log up")?;
        for warning in &settings.warnings {
            tracing::warn!("{warning}");
        }
        let clock = self.clock.clock(&settings.cloud.endpoints)?;
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        let service = Service { source, settings, clock, dry_run: self.dry_run };
        let over = runtime.block_on(service.run())?;
        // Looks still under way are of no use to anybody.
        runtime.shutdown_background();
        for line in over.left_billing() {
            out::line(&line)?;
        }
        Ok(())
    }
}
