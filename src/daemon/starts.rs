//! Starts that did not end in order, kept beside the store. Several within minutes are a crash loop:
//! the daemon then looks and tells, and changes nothing.

use std::path::{Path, PathBuf};

use crate::model::{Span, Time};

/// So many starts…
const LOOP_STARTS: usize = 5;
/// …within this are a loop.
const LOOP_WITHIN: Span = Span::minutes(10);

/// The starts since the last end in order, by the wall clock.
#[derive(Debug)]
pub(super) struct Starts {
    path: Option<PathBuf>,
    at: Vec<Time>,
}

impl Starts {
    /// What is written in the store's folder.
    pub(super) fn read(store: &Path) -> Self {
        let path = store.join("starts");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let seconds = text.lines().filter_map(|line| line.parse().ok());
        Self { at: seconds.map(Time::from_seconds).collect(), path: Some(path) }
    }

    /// Starts that are forgotten with this process: a dry run has no store.
    pub(super) fn in_memory() -> Self {
        Self { path: None, at: Vec::new() }
    }

    /// Notes a start, or a start anew after a panic; whether that makes a loop.
    pub(super) fn note(&mut self, now: Time) -> bool {
        self.at.retain(|at| now.since(*at).0.abs() < LOOP_WITHIN.0);
        self.at.push(now);
        self.write();
        LOOP_STARTS <= self.at.len()
    }

    /// Starts of the last minutes.
    pub(super) fn count(&self) -> usize {
        self.at.len()
    }

    /// The end was in order, or the loop is over.
    pub(super) fn forget(&mut self) {
        self.at.clear();
        self.write();
    }

    fn write(&self) {
        let Some(path) = &self.path else { return };
        let text: String = self.at.iter().map(|at| format!("{}\n", at.seconds())).collect();
        if let Err(error) = std::fs::write(path, text) {
            let path = path.display();
            tracing::warn!(%error, "{path} cannot be written: a crash loop would not be noticed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_starts_within_ten_minutes_are_a_loop_unless_one_ended_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let start = Time::from_seconds(1_800_000_000);
        let at = |minutes| Starts::read(folder.path()).note(start + Span::minutes(minutes));
        assert_eq!([0, 1, 2, 3, 4].map(at), [false, false, false, false, true]);
        assert!(!at(30), "the others were long ago");
        assert_eq!([31, 32, 33].map(at), [false; 3]);
        Starts::read(folder.path()).forget();
        assert!(!at(34));
    }
}
