//! `farmscale watchdog`: on a worker, the dead man's switch. When the control host has been silent for
//! long and nothing runs here, the machine is shut down.

mod decision;
mod look;

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::Url;
use tokio::time::timeout;

use self::decision::{Rule, Verdict, Watchdog};
use self::look::{Line, Looker};
use super::exit::Exit;
use super::reach::ClockArgs;
use crate::clock::Clock;
use crate::model::Span;
use crate::telemetry::log;

/// The shortest silence that may end in a shutdown: a daemon that is updated is back before.
const SILENT_FOR_MIN: Span = Span::minutes(2);
/// The shortest time between two looks.
const EVERY_MIN: Span = Span::seconds(5);
/// How long the program that shuts down may take, in real time.
const THEN_TIMEOUT: Duration = Duration::from_mins(1);
/// What shuts this kind of system down.
const SHUT_DOWN: &str = if cfg!(windows) { "shutdown /s /t 60" } else { "shutdown -h now" };

const EXIT_CODES: &str = "\
Exit codes:
  0  the machine was told to shut down (or would have been: --dry-run); once per boot, so a
     supervisor must not start it again
  1   the program of --then failed (start it again)
  64  the command line cannot be read, or a setting is out of its range

A shutdown from inside stops the work but not, as far as is known, the bill: see
docs/worker-image.md.";

/// On a worker: shuts the machine down when the control host is silent and nothing runs here.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct WatchdogArgs {
    /// The daemon's lease, such as `http://10.15.0.2:8420/lease`.
    #[arg(long, value_name = "URL", env = "FARMSCALE_WATCHDOG_LEASE")]
    lease: Url,
    /// Only the lease of this farm counts.
    #[arg(long, env = "FARMSCALE_WATCHDOG_FARM")]
    farm: Option<String>,
    /// Silence, from the start or the last fresh lease, after which an idle machine goes;
    /// at least 2m.
    #[arg(long, default_value = "30m", value_parser = super::span)]
    #[arg(value_name = "TIME", env = "FARMSCALE_WATCHDOG_SILENT_FOR")]
    silent_for: Span,
    /// A program, run without a shell, that ends with 0 while a task runs, such as `pgrep -x
    /// blender`: a busy machine is never shut down. One that cannot be run counts as busy.
    #[arg(long, value_name = "COMMAND", env = "FARMSCALE_WATCHDOG_BUSY")]
    busy: Option<Line>,
    /// Also ask `nvidia-smi`: a GPU in use is a task. Where it is missing, that proves nothing.
    #[arg(long, env = "FARMSCALE_WATCHDOG_GPU")]
    gpu: bool,
    /// The program that shuts the machine down, run without a shell.
    #[arg(long, value_name = "COMMAND", env = "FARMSCALE_WATCHDOG_THEN")]
    #[arg(default_value = SHUT_DOWN)]
    then: Line,
    /// From one look to the next, from 5s to half of --silent-for.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = super::span)]
    every: Span,
    /// Say what would be run, and end.
    #[arg(long)]
    dry_run: bool,
    /// Write the log as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: ClockArgs,
}

impl WatchdogArgs {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let _last_lines = log::init(self.json, tracing::Level::INFO)?;
        let clock = self.clock.clock_beside(self.lease.as_str())?;
        self.check()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        runtime.block_on(self.watch(&clock))
    }

    fn check(&self) -> anyhow::Result<()> {
        let Self { lease, silent_for, every, .. } = self;
        if !matches!(lease.scheme(), "http" | "https") {
            let what = format!("--lease is {lease}: it must begin with http:// or https://");
            return Err(Exit::Usage.because(what));
        }
        if *silent_for < SILENT_FOR_MIN {
            let what =
                format!("--silent-for is {silent_for}: it must be at least {SILENT_FOR_MIN}");
            return Err(Exit::Usage.because(what));
        }
        if *every < EVERY_MIN || *silent_for < every.times(2) {
            let what =
                format!("--every is {every}: it must be from {EVERY_MIN} to half of --silent-for");
            return Err(Exit::Usage.because(what));
        }
        Ok(())
    }

    /// Looks until the machine is to go.
    async fn watch(&self, clock: &Clock) -> anyhow::Result<()> {
        let Self { lease, farm, silent_for, every, .. } = self;
        let looker = Looker::new(lease.clone(), self.busy.clone(), self.gpu)?;
        let (silent_for, every) = (*silent_for, *every);
        let mut watchdog =
            Watchdog::new(Rule { silent_for, every, farm: farm.clone() }, clock.now());
        tracing::info!(%lease, %silent_for, then = %self.then, dry_run = self.dry_run, "started");
        if self.busy.is_none() && !self.gpu {
            tracing::warn!("neither --busy nor --gpu: every machine counts as idle");
        }
        let mut told = None;
        loop {
            let looked_at = clock.now();
            let (seen, busy) = tokio::join!(looker.lease(), looker.busy());
            let verdict = watchdog.step(seen, busy, looked_at);
            if let Verdict::ShutDown { why, silence } = &verdict {
                tracing::warn!(%silence, why, "the control host is silent and nothing runs here");
                return self.shut_down().await;
            }
            tell(&verdict, &mut told);
            clock.sleep_until(looked_at + every).await;
        }
    }

    async fn shut_down(&self) -> anyhow::Result<()> {
        let then = &self.then;
        if self.dry_run {
            tracing::warn!("dry run: `{then}` would be run now");
            return Ok(());
        }
        tracing::warn!("running `{then}`");
        let ended = timeout(THEN_TIMEOUT, then.command().status());
        let ended = ended.await.with_context(|| format!("`{then}` did not end within a minute"))?;
        let status = ended.with_context(|| format!("`{then}` cannot be run"))?;
        if !status.success() {
            bail!("`{then}` ended with {status}: the machine stays on");
        }
        Ok(())
    }
}

/// Logs a verdict when it is another one than before.
fn tell(verdict: &Verdict, told: &mut Option<String>) {
    let topic = match verdict {
        Verdict::Fresh => "fresh".to_owned(),
        Verdict::Silent { why, .. } => why.clone(),
        Verdict::Kept { .. } | Verdict::ShutDown { .. } => "kept".to_owned(),
    };
    if told.as_ref() == Some(&topic) {
        return;
    }
    match verdict {
        Verdict::Fresh => tracing::info!("the control host is there"),
        Verdict::Silent { why, left } => {
            tracing::warn!(why, %left, "the control host is silent");
        }
        Verdict::Kept { why } | Verdict::ShutDown { why, .. } => {
            tracing::warn!(why, "the control host is silent, but the machine is kept");
        }
    }
    *told = Some(topic);
}
