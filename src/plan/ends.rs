//! What a queue's words taken together tell of the ends of its tasks: when the last one ended, and which
//! tasks have lost their worker again and again. Forgotten at a restart.

use std::collections::BTreeMap;

use crate::model::{QueueReading, Stage, Time};

/// Tasks that lost their worker before are remembered, so many at most.
const RESTARTED_MAX: usize = 256;

/// The ends of one queue's tasks.
#[derive(Debug, Clone, Default)]
pub struct Ends {
    /// When a task last ended, or that was seen.
    pub at: Option<Time>,
    /// Tasks there were, at the last word.
    there: Option<u32>,
    /// Running tasks, and since when.
    running: BTreeMap<u64, Time>,
    /// How often tasks that are not done have lost their worker.
    restarted: BTreeMap<u64, Restarted>,
}

/// A task that lost its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restarted {
    /// The source's number for it.
    pub task: u64,
    /// The job it belongs to.
    pub job: Option<u64>,
    /// How often.
    pub times: u32,
}

impl Ends {
    /// Takes the queue's word in. A source that does not tell its tasks apart tells by their number: one
    /// that falls has lost tasks that ended.
    pub fn take(&mut self, reading: &QueueReading) {
        let there = reading.queued().saturating_add(reading.running());
        let fell = self.there.replace(there).is_some_and(|before| there < before);
        let Some(tasks) = &reading.tasks else {
            if fell {
                self.at = Some(reading.asked_at);
            }
            return;
        };
        let mut running = BTreeMap::new();
        for task in tasks {
            let before = self.running.get(&task.id).copied();
            let lost_it = match task.stage {
                Stage::Ended { at, .. } => {
                    self.at = self.at.max(Some(at));
                    self.restarted.remove(&task.id);
                    false
                }
                Stage::Waiting => before.is_some(),
                Stage::Running { since } => {
                    running.insert(task.id, since);
                    before.is_some_and(|before| before < since)
                }
            };
            if lost_it {
                let first = Restarted { task: task.id, job: task.job, times: 0 };
                self.restarted.entry(task.id).or_insert(first).times += 1;
            }
        }
        self.running = running;
        if RESTARTED_MAX < self.restarted.len() {
            let is_there = |id: &u64| tasks.iter().any(|task| task.id == *id);
            self.restarted.retain(|id, _| is_there(id));
            while RESTARTED_MAX < self.restarted.len() {
                self.restarted.pop_first();
            }
        }
    }

    /// The task that has lost its worker most often.
    pub fn most_restarted(&self) -> Option<Restarted> {
        self.restarted.values().max_by_key(|one| one.times).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Span, TaskSeen, Work};

    fn reading(minute: i64, stage: Option<Stage>) -> QueueReading {
        let task = |stage| TaskSeen {
            id: 7,
            job: None,
            shape: None,
            submitted_at: Time::default(),
            stage,
        };
        let tasks = Some(stage.into_iter().map(task).collect());
        QueueReading { asked_at: at(minute), tasks, ..QueueReading::default() }
    }

    fn at(minute: i64) -> Time {
        Time::from_seconds(minute * 60)
    }

    #[test]
    fn a_task_that_loses_its_worker_is_counted_until_it_ends() {
        let mut ends = Ends::default();
        for round in 0..3 {
            let since = at(round * 10 + 1);
            ends.take(&reading(round * 10, Some(Stage::Waiting)));
            ends.take(&reading(round * 10 + 1, Some(Stage::Running { since })));
            ends.take(&reading(round * 10 + 2, Some(Stage::Running { since })));
        }
        assert_eq!(ends.most_restarted().map(|one| (one.task, one.times)), Some((7, 2)));
        let again = Stage::Running { since: at(30) };
        ends.take(&reading(31, Some(again)));
        assert_eq!(ends.most_restarted().map(|one| one.times), Some(3), "nobody saw it wait");
        ends.take(&reading(40, Some(Stage::Ended { at: at(39), took: Span::minutes(9) })));
        assert_eq!((ends.most_restarted(), ends.at), (None, Some(at(39))));
    }

    #[test]
    fn a_source_of_numbers_tells_of_an_end_when_there_are_fewer() {
        let mut ends = Ends::default();
        for (minute, queued, running, ended_at) in
            [(0, 5, 0, None), (1, 3, 2, None), (2, 3, 1, Some(at(2))), (3, 9, 1, Some(at(2)))]
        {
            let work = vec![Work { shape: None, queued, running: Some(running) }];
            ends.take(&QueueReading { asked_at: at(minute), work, ..QueueReading::default() });
            assert_eq!(ends.at, ended_at, "{minute}");
        }
    }
}
