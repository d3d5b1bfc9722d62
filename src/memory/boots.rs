//! How long boots of one kind take, and whether they still end in a worker.

use crate::model::{Span, Time};

/// Boots remembered of each kind.
const KEPT: usize = 64;

/// The last boots of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boots {
    /// Seconds from the request to the worker, oldest first. One that was given up counts with the
    /// time it was given: it would have taken longer.
    pub took: Vec<u32>,
    /// Boots that ended in a worker.
    pub good: u64,
    /// Boots given up since the last that did.
    pub failed: u32,
    /// When the last one was given up.
    pub failed_at: Option<Time>,
    /// How often boots end in a worker, in millionths; each boot moves it by an eighth.
    pub success_ppm: i64,
}

pub(super) const fn certain() -> i64 {
    1_000_000
}

impl Default for Boots {
    fn default() -> Self {
        let (took, good, failed, failed_at) = (Vec::new(), 0, 0, None);
        Self { took, good, failed, failed_at, success_ppm: certain() }
    }
}

impl Boots {
    /// A boot has ended in a worker, and `took` so long; `None` = it was given up before, and has counted
    /// with the time it was given.
    pub(super) fn joined(&mut self, took: Option<Span>) {
        if let Some(took) = took {
            self.push(took);
        }
        self.good += 1;
        self.success_ppm += (certain() - self.success_ppm) / 8;
        (self.failed, self.failed_at) = (0, None);
    }

    pub(super) fn given_up(&mut self, waited: Span, at: Time) {
        self.push(waited);
        self.failed = self.failed.saturating_add(1);
        self.success_ppm -= self.success_ppm / 8;
        self.failed_at = Some(at);
    }

    fn push(&mut self, took: Span) {
        self.took.push(u32::try_from(took.as_seconds()).unwrap_or(u32::MAX));
        self.took.drain(..self.took.len().saturating_sub(KEPT));
    }

    /// The mean; `otherwise` until one has been seen.
    pub fn mean(&self, otherwise: Span) -> Span {
        let count = i64::try_from(self.took.len()).unwrap_or(0);
        let sum: i64 = self.took.iter().map(|seconds| i64::from(*seconds)).sum();
        if count == 0 { otherwise } else { Span::seconds(sum / count) }
    }

    /// The longest; `None` while too few have been seen to tell.
    pub fn longest(&self) -> Option<Span> {
        let longest = self.took.iter().max().filter(|_| 8 <= self.took.len())?;
        Some(Span::seconds(i64::from(*longest)))
    }
}
