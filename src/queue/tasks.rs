//! The tasks of a JSON document, one by one: what waits, what runs, what has ended lately. With them
//! durations are learned and the pool's promise is kept (docs/architecture.md).

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;
use serde_json::Value;

use crate::model::{Shape, Span, Stage, TaskSeen, Time, Work};

/// One task, as a source writes it. Times are seconds since 1970, fractions allowed.
#[derive(Debug, Deserialize)]
struct Written {
    id: Value,
    job: Option<Value>,
    submitted_at: f64,
    started_at: Option<f64>,
    ended_at: Option<f64>,
    gpus: Option<u32>,
    gpu_memory: Option<u32>,
}

/// Reads the list; `pointer` is where it stands.
pub(super) fn read(value: &Value, pointer: &str) -> Result<Vec<TaskSeen>, String> {
    let list = value.as_array().ok_or_else(|| format!("`{pointer}` must lead to a list"))?;
    let task = |(number, value): (usize, &Value)| {
        let written = Written::deserialize(value)
            .map_err(|error| format!("`{pointer}/{number}`: {error}"))?;
        seen(&written).ok_or_else(|| {
            format!("`{pointer}/{number}`: times must be seconds since 1970, one after the other")
        })
    };
    list.iter().enumerate().map(task).collect()
}

/// Waiting and running work by what it needs.
pub(super) fn work(tasks: &[TaskSeen]) -> Vec<Work> {
    let mut work: BTreeMap<Option<Shape>, (u32, u32)> = BTreeMap::new();
    for task in tasks {
        let (queued, running) = work.entry(task.shape).or_default();
        match task.stage {
            Stage::Waiting => *queued += 1,
            Stage::Running { .. } => *running += 1,
            Stage::Ended { .. } => {}
        }
    }
    let one = |(shape, (queued, running))| Work { shape, queued, running: Some(running) };
    work.into_iter().map(one).collect()
}

fn seen(written: &Written) -> Option<TaskSeen> {
    let submitted_at = time(written.submitted_at)?;
    let started_at = written.started_at.map(time);
    let stage = match (started_at, written.ended_at.map(time)) {
        (None, None) => Stage::Waiting,
        (Some(since), None) => Stage::Running { since: since? },
        (Some(since), Some(at)) => {
            let (since, at) = (since?, at?);
            let took = at.since(since);
            Stage::Ended { at, took: (Span::ZERO <= took).then_some(took)? }
        }
        (None, Some(_)) => return None,
    };
    let shape = (written.gpus.is_some() || written.gpu_memory.is_some()).then(|| Shape {
        gpus: written.gpus.unwrap_or(1),
        gpu_memory_gib: written.gpu_memory.unwrap_or(0),
    });
    let job = written.job.as_ref().filter(|job| !job.is_null()).map(number);
    Some(TaskSeen { id: number(&written.id), job, shape, submitted_at, stage })
}

fn time(seconds: f64) -> Option<Time> {
    let span = std::time::Duration::try_from_secs_f64(seconds).ok().map(Span::from_std)?;
    Some(Time(span.0))
}

/// The same number for the same name, in every run.
fn number(name: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.to_string().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tasks_tell_how_far_they_are() {
        let list = json!([
            {"id": "a-1", "job": "a", "submitted_at": 100},
            {"id": "a-2", "job": "a", "submitted_at": 100, "started_at": 110.5, "gpus": 2},
            {"id": 7, "submitted_at": 90, "started_at": 95, "ended_at": 125},
        ]);
        let tasks = read(&list, "/tasks").unwrap();
        assert_eq!(tasks[0].stage, Stage::Waiting);
        assert_eq!(tasks[0].job, tasks[1].job);
        assert_eq!(tasks[1].stage, Stage::Running { since: Time(110_500) });
        let took = Span::seconds(30);
        assert_eq!(tasks[2].stage, Stage::Ended { at: Time(125_000), took });
        let counts: Vec<_> = work(&tasks).iter().map(|one| (one.queued, one.running)).collect();
        assert_eq!(counts, [(1, Some(0)), (0, Some(1))]);
    }

    #[test]
    fn a_task_that_cannot_be_is_no_reading_and_is_named() {
        for wrong in [
            json!([{"id": 1, "submitted_at": 5}, {"id": 2}]),
            json!([{"id": 1, "submitted_at": 5}, {"id": 2, "submitted_at": -5}]),
            json!([{"id": 1, "submitted_at": 5}, {"id": 2, "submitted_at": 5, "ended_at": 9}]),
            json!([{"id": 1, "submitted_at": 5},
                   {"id": 2, "submitted_at": 5, "started_at": 9, "ended_at": 8}]),
        ] {
            let fault = read(&wrong, "/tasks").unwrap_err();
            assert!(fault.starts_with("`/tasks/1`"), "{fault}");
        }
    }
}
