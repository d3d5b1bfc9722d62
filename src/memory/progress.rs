//! Whether anything comes of the work: when a task last ended, and which machines were lost at work since.

use super::state::{LostAtWork, Memory, Progress};
use crate::model::{Text, Time};

/// Losses that are kept one by one.
const LATELY: usize = 16;

impl Memory {
    /// A machine that worked for a queue was lost.
    pub(super) fn lost_at_work(&mut self, queue: &Text, lost: LostAtWork) {
        let progress = self.progress.entry(Text::clone(queue)).or_default();
        progress.lost = progress.lost.saturating_add(1);
        progress.lately.push(lost);
        progress.lately.drain(..progress.lately.len().saturating_sub(LATELY));
    }

    /// A task of a queue has ended.
    pub(super) fn task_ended(&mut self, queue: &Text, at: Time) {
        let ended = Progress { ended_at: Some(at), ..Progress::default() };
        self.progress.insert(Text::clone(queue), ended);
    }
}
