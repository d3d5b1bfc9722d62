//! What a machine's running time went into, besides work.

use crate::model::{Span, Time};

/// Running time that was no work, and since when the present kind of time runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub(super) booting: Span,
    pub(super) idle: Span,
    pub(super) now: Option<(Use, Time)>,
}

/// What running time is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
