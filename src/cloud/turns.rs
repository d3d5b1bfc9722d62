//! One change at a time for each machine and disk.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::model::Text;

/// Who is being changed.
#[derive(Debug, Default)]
pub(super) struct Turns {
    taken: Mutex<BTreeSet<Text>>,
    freed: Notify,
}

/// The right to change some machines or disks; given back when dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    ids: Vec<Text>,
}

impl Turns {
    /// Waits until none of them is being changed.
    pub(super) async fn take(&self, ids: &[&str]) -> Turn<'_> {
        loop {
            let freed = self.freed.notified();
            if let Some(turn) = self.try_take(ids) {
                return turn;
            }
            freed.await;
        }
    }

    fn try_take(&self, ids: &[&str]) -> Option<Turn<'_>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if ids.iter().any(|id| taken.contains(*id)) {
            return None;
        }
        let ids: Vec<Text> = ids.iter().map(|id| Text::from(*id)).collect();
        taken.extend(ids.iter().cloned());
        Some(Turn { turns: self, ids })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut taken = self.turns.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for id in &self.ids {
            taken.remove(id);
        }
        drop(taken);
        self.turns.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_change_of_a_machine_waits_for_the_first() {
        let turns = Turns::default();
        let first = turns.take(&["a", "b"]).await;
        assert!(turns.try_take(&["b", "c"]).is_none());
        assert!(turns.try_take(&["c"]).is_some());
        let (_second, ()) = tokio::join!(turns.take(&["b", "c"]), async { drop(first) });
        assert!(turns.try_take(&["b"]).is_none());
    }
}
