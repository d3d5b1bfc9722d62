//! What the daemon tells the outside of itself, once a turn: page, metrics, log, systemd.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::driver::Observer;
use crate::model::{Event, Snapshot, Span, Time};
use crate::page::Board;
use crate::telemetry::{Changes, Metrics, log};

/// A snapshot is put together this often at most (real time); turns of a fast clock come faster.
const PUBLISH_EVERY: Span = Span::millis(100);

/// The driver's observer in a running daemon.
#[derive(Debug)]
pub struct Watch {
    board: Arc<Board>,
    metrics: Metrics,
    changes: Changes,
    real: Clock,
    published_at: Option<Time>,
    fed_at: Option<Time>,
    /// Half of systemd's limit, if it watches.
    feed_every: Option<Duration>,
    quiet: bool,
}

impl Watch {
    /// An observer that publishes on `board`; `quiet` = no log lines.
    pub fn new(board: Arc<Board>, metrics: Metrics, quiet: bool) -> Self {
        Self {
            board,
            metrics,
            changes: Changes::default(),
            real: Clock::real(),
            published_at: None,
            fed_at: None,
            feed_every: sd_notify::watchdog_enabled().map(|limit| limit / 2),
            quiet,
        }
    }

    /// systemd restarts a loop that has stopped turning.
    fn feed_watchdog(&mut self) {
        let Some(every) = self.feed_every else { return };
        let now = self.real.now();
        if self.fed_at.is_none_or(|at| at + Span::from_std(every) <= now) {
            self.fed_at = Some(now);
            if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]) {
                tracing::warn!(%error, "systemd's watchdog cannot be fed");
            }
        }
    }
}

impl Observer for Watch {
    fn events(&mut self, events: &[Event]) {
        if !self.quiet {
            events.iter().for_each(log::event);
        }
    }

    fn turn(&mut self, snapshot: &mut dyn FnMut() -> Snapshot) {
        self.feed_watchdog();
        let now = self.real.now();
        if self.published_at.is_some_and(|at| now < at + PUBLISH_EVERY) {
            return;
        }
        if self.published_at.is_none()
            && let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Ready])
        {
            tracing::warn!(%error, "systemd cannot be told that the daemon is ready");
        }
        self.published_at = Some(now);
        let snapshot = snapshot();
        self.metrics.update(&snapshot);
        if !self.quiet {
            for line in self.changes.lines(&snapshot) {
                log::change(snapshot.at, &line);
            }
        }
        self.board.publish(snapshot);
    }
}
