//! What systemd is told: ready, reloading, alive, stopping.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};

use anyhow::Context;
use sd_notify::NotifyState;

/// Tells systemd, where it listens.
pub(super) fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told how the daemon is");
    }
}

/// Feeds systemd's watchdog while turns are made, from a thread of its own; ends when it is dropped.
#[derive(Debug)]
pub(super) struct Heartbeat {
    _ends_when_dropped: Option<Sender<()>>,
}

impl Heartbeat {
    /// Starts it if systemd watches; `turns` counts up as long as the daemon is well.
    pub(super) fn start(turns: Arc<AtomicU64>) -> anyhow::Result<Self> {
        let Some(limit) = sd_notify::watchdog_enabled() else {
            return Ok(Self { _ends_when_dropped: None });
        };
        let (sender, over) = channel::<()>();
        let mut fed_at = 0;
        let beat = move || {
            while over.recv_timeout(limit / 4) == Err(RecvTimeoutError::Timeout) {
                let now = turns.load(Ordering::Relaxed);
                if now != fed_at {
                    fed_at = now;
                    notify(&[NotifyState::Watchdog]);
                }
            }
        };
        let thread = std::thread::Builder::new().name("heartbeat".to_owned());
        thread.spawn(beat).context("cannot start the heartbeat's thread")?;
        Ok(Self { _ends_when_dropped: Some(sender) })
    }
}

/// Says that settings are read anew; `Ready` ends it.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "systemd cannot be told of the reload"),
    }
}
