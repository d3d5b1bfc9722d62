//! Crashes of the thread that decides, kept beside the store. Several within minutes are a crash loop:
//! the daemon then looks and tells, and changes nothing. A kill from outside is no fault of its own and
//! counts for nothing: every intent is on disk, so a farm outlives any number of them.

use std::path::{Path, PathBuf};

use crate::model::{Span, Time};

/// So many crashes…
const LOOP_CRASHES: usize = 5;
/// …within this are a loop.
const LOOP_WITHIN: Span = Span::minutes(10);

/// The crashes of the last minutes, by the wall clock.
#[derive(Debug)]
pub(super) struct Crashes {
    path: Option<PathBuf>,
    at: Vec<Time>,
}

impl Crashes {
    /// What is written in the store's folder.
    pub(super) fn read(store: &Path) -> Self {
        let path = store.join("crashes");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let seconds = text.lines().filter_map(|line| line.parse().ok());
        Self { at: seconds.map(Time::from_seconds).collect(), path: Some(path) }
    }

    /// Crashes that are forgotten with this process: a dry run has no store.
    pub(super) fn in_memory() -> Self {
        Self { path: None, at: Vec::new() }
    }

    /// Notes a crash.
    pub(super) fn note(&mut self, now: Time) {
        self.at.push(now);
        self.write();
    }

    /// Whether those of the last minutes make a loop.
    pub(super) fn is_loop(&mut self, now: Time) -> bool {
        self.at.retain(|at| now.since(*at).0.abs() < LOOP_WITHIN.0);
        LOOP_CRASHES <= self.at.len()
    }

    /// Crashes of the last minutes.
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
    fn five_crashes_within_ten_minutes_are_a_loop_also_over_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let start = Time::from_seconds(1_800_000_000);
        let at = |minutes| {
            let now = start + Span::minutes(minutes);
            Crashes::read(folder.path()).note(now);
            Crashes::read(folder.path()).is_loop(now)
        };
        assert_eq!([0, 1, 2, 3, 4].map(at), [false, false, false, false, true]);
        assert!(!at(30), "the others were long ago");
        assert_eq!([31, 32, 33].map(at), [false; 3]);
        Crashes::read(folder.path()).forget();
        assert!(!at(34));
    }

    #[test]
    fn a_kill_from_outside_is_no_crash() {
        let folder = tempfile::tempdir().unwrap();
        let now = Time::from_seconds(1_800_000_000);
        for _ in 0..20 {
            assert!(!Crashes::read(folder.path()).is_loop(now));
        }
    }
}
