//! A daemon that lives by signals: SIGTERM and SIGINT end it in order, SIGHUP reads its settings anew,
//! SIGUSR1 has the log say more, SIGUSR2 less.

use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::Level;

use super::reload::{Reloaded, Source, reload};
use super::{Daemon, DaemonOptions, farewell, hints, systemd};
use crate::clock::Clock;
use crate::config::{Difference, Settings, Values};
use crate::memory::Memory;
use crate::page::Board;
use crate::telemetry::log;

/// A daemon under systemd or in a terminal.
#[derive(Debug)]
pub struct Service {
    /// Where settings are read anew from.
    pub source: Source,
    /// What it begins with.
    pub settings: Settings,
    /// The time it lives in.
    pub clock: Clock,
    /// Look and plan, but change nothing.
    pub dry_run: bool,
}

/// How it ended in order.
#[derive(Debug)]
pub struct Over {
    memory: Memory,
    board: Arc<Board>,
}

/// The signals it lives by.
#[derive(Debug)]
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    more: Signal,
    less: Signal,
}

/// What a reload or a signal may change of the running service.
#[derive(Debug)]
struct InForce {
    values: Values,
    level: Level,
}

impl Service {
    /// Runs until it is told to stop.
    pub async fn run(self) -> anyhow::Result<Over> {
        let mut signals = Signals::listen()?;
        let Self { source, settings, clock, dry_run } = self;
        let mut now = InForce { values: settings.values.clone(), level: settings.log.level };
        let options = DaemonOptions {
            clock,
            dry_run,
            quiet: false,
            listen_setting: "page.listen",
            anyone_may_order: false,
        };
        let mut daemon = Daemon::start(settings, options).await?;
        let page = format!("http://{}/", daemon.page);
        tracing::info!(page, dry_run, "started");
        let board = Arc::clone(&daemon.board);
        let _hints = hints::start(daemon.control(), Arc::clone(&board)).await?;
        loop {
            tokio::select! {
                _ = signals.terminate.recv() => break,
                _ = signals.interrupt.recv() => break,
                _ = signals.hangup.recv() => now.reload(&source, &daemon),
                _ = signals.more.recv() => now.step(true),
                _ = signals.less.recv() => now.step(false),
                () = daemon.ended() => break,
            }
        }
        systemd::notify(&[NotifyState::Stopping]);
        tracing::info!("stopping: nothing more is started, last answers are waited for");
        Ok(Over { memory: daemon.stop().await?, board })
    }
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            more: signal(SignalKind::user_defined1())?,
            less: signal(SignalKind::user_defined2())?,
        })
    }
}

impl InForce {
    fn reload(&mut self, source: &Source, daemon: &Daemon) {
        systemd::reloading();
        match reload(source, &mut self.values, &daemon.control()) {
            Reloaded::Changed(differences, log) => {
                self.set_level(log.level);
                tell(&differences);
            }
            Reloaded::Refused(why) => {
                tracing::error!("not reloaded, nothing was changed: {why}");
            }
            Reloaded::Behind => {
                tracing::error!("not reloaded: the daemon is too far behind; reload again");
            }
        }
        systemd::notify(&[NotifyState::Ready]);
    }

    fn step(&mut self, more: bool) {
        let level = log::step(self.level, more);
        self.set_level(level);
        let what = format!("the log is written from {level} on (SIGUSR1: more, SIGUSR2: less)");
        // At the gravest level nothing else would be seen.
        if level == Level::ERROR {
            tracing::error!("{what}");
        } else {
            tracing::warn!("{what}");
        }
    }

    fn set_level(&mut self, level: Level) {
        if level != self.level && log::set_level(level) {
            self.level = level;
        }
    }
}

fn tell(differences: &[Difference]) {
    if differences.is_empty() {
        tracing::info!("reloaded: no setting is different; files with keys were read anew");
    }
    for one in differences {
        tracing::info!("reloaded: {} {}", one.key, one.change);
    }
}

impl Over {
    /// What goes on costing money now that no daemon runs.
    pub fn left_billing(&self) -> Vec<String> {
        farewell::left_billing(self.board.latest().as_deref(), &self.memory)
    }
}
