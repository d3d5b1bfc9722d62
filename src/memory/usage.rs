//! What a machine's running time went into, besides work.

use serde::{Deserialize, Serialize};

use super::{Life, Machine};
use crate::model::{Span, Time, WorkerState};

/// Running time that was no work, and since when the present kind of time runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    booting: Span,
    idle: Span,
    now: Option<(Use, Time)>,
}

/// What running time is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Use {
    Booting,
    Idle,
    Working,
}

impl Usage {
    /// Time is used for something else from `at`.
    pub(super) fn switch(&mut self, to: Option<Use>, at: Time) {
        if self.now.map(|(used, _)| used) != to {
            (self.booting, self.idle) = self.spans(at);
            self.now = to.map(|used| (used, at));
        }
    }

    /// Until `now`: booting, and idle.
    pub fn spans(&self, now: Time) -> (Span, Span) {
        let lasted = self.now.map_or(Span::ZERO, |(_, since)| Span(now.since(since).0.max(0)));
        match self.now.map(|(used, _)| used) {
            Some(Use::Booting) => (self.booting + lasted, self.idle),
            Some(Use::Idle) => (self.booting, self.idle + lasted),
            Some(Use::Working) | None => (self.booting, self.idle),
        }
    }
}

impl Machine {
    /// What its running time is used for now; `None` while it is not charged as running.
    pub(super) fn used_for(&self) -> Option<Use> {
        self.meter.running_since()?;
        Some(match (&self.life, self.heard.state) {
            (Life::Launching(_) | Life::Booting(_), _) => Use::Booting,
            (_, Some(WorkerState::Busy)) => Use::Working,
            _ => Use::Idle,
        })
    }
}
