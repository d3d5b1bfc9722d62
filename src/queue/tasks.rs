//! The tasks of a JSON document, one by one: what waits, what runs, what has ended lately. With them
//! durations are learned and the pool's promise is kept (docs/architecture.md).

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::cut;
use crate::model::{Held, JobSeen, SetAside, Shape, Span, Stage, TaskSeen, Text, Time, Work};

/// The latest time that is taken for one: the year 3000.
const SECONDS_MAX: f64 = 32_503_680_000.0;
/// The longest a task runs, in seconds: a year.
const TOOK_MAX: Span = Span::days(366);
/// GPUs and GiB of one task at most.
const NEED_MAX: u32 = 65_536;
/// Longest quotation of a task's name, in characters.
const QUOTE_MAX: usize = 60;
/// Reasons for held work that are told.
const HELD_MAX: usize = 32;
/// Wrong tasks that are told one by one.
const TOLD_MAX: usize = 8;

/// One task, as a source writes it. Times are seconds since 1970, fractions allowed.
#[derive(Debug, Deserialize)]
struct Written {
    id: Value,
    job: Option<Value>,
    #[serde(default)]
    labels: BTreeMap<String, Value>,
    submitted_at: f64,
    started_at: Option<f64>,
    ended_at: Option<f64>,
    gpus: Option<u32>,
    gpu_memory: Option<u32>,
    held: Option<String>,
}

/// All tasks of a document.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// Those that were understood, and are not held back.
    pub(super) seen: Vec<TaskSeen>,
    jobs: BTreeMap<u64, JobSeen>,
    held: BTreeMap<Text, u32>,
    wrong: Vec<SetAside>,
    count: usize,
    wrong_count: usize,
}

impl Tasks {
    /// Reads the list that stands at `pointer`; nothing for `null`.
    pub(super) fn parse<'de, D: Deserializer<'de>>(
        parser: D,
        pointer: &str,
    ) -> Result<Option<Self>, D::Error> {
        parser.deserialize_any(List { pointer })
    }

    /// Whether the answer can be used at all: more than half of it is understood.
    pub(super) fn check(&self) -> Result<(), String> {
        match self.wrong.first() {
            Some(first) if self.count <= self.wrong_count.saturating_mul(2) => Err(format!(
                "{} of {} tasks are wrong; {}: {}",
                self.wrong_count, self.count, first.name, first.why
            )),
            _ => Ok(()),
        }
    }

    /// Work that is no demand, by reason.
    pub(super) fn held(&self) -> Vec<Held> {
        let held =
            self.held.iter().map(|(why, tasks)| Held { tasks: *tasks, why: Text::clone(why) });
        held.take(HELD_MAX).collect()
    }

    /// The jobs that tasks name, if any does.
    pub(super) fn jobs(&self) -> Option<Vec<JobSeen>> {
        (!self.jobs.is_empty()).then(|| self.jobs.values().cloned().collect())
    }

    /// What was not understood; it may be about any machine.
    pub(super) fn set_aside(&self) -> Vec<SetAside> {
        let mut told = self.wrong.clone();
        let more = self.wrong_count - told.len();
        if more != 0 {
            let why = "are wrong too".into();
            told.push(SetAside { name: format!("{more} more tasks").into(), why, instance: None });
        }
        told
    }

    fn take(&mut self, value: &Value, pointer: &str) {
        let place = format!("{pointer}/{}", self.count);
        self.count += 1;
        let read = Written::deserialize(value).map_err(|error| error.to_string());
        let seen = read.and_then(|written| Ok((seen(&written)?, written)));
        match seen {
            Ok((task, written)) => {
                self.note_job(&task, &written);
                match written.held.filter(|_| task.stage == Stage::Waiting) {
                    Some(why) => *self.held.entry(cut(&why, QUOTE_MAX).into()).or_default() += 1,
                    None => self.seen.push(task),
                }
            }
            Err(why) => {
                self.wrong_count += 1;
                if self.wrong.len() < TOLD_MAX {
                    let name = format!("`{place}`").into();
                    self.wrong.push(SetAside { name, why: why.into(), instance: None });
                }
            }
        }
    }

    fn note_job(&mut self, task: &TaskSeen, written: &Written) {
        let (Some(id), Some(name)) = (task.job, &written.job) else { return };
        let queued_or_held = task.stage == Stage::Waiting;
        if matches!(task.stage, Stage::Ended { .. }) {
            return;
        }
        let job = self.jobs.entry(id).or_insert_with(|| JobSeen {
            id,
            name: words(name),
            labels: written.labels.iter().map(|(key, value)| label(key, value)).collect(),
            queued: 0,
            running: Some(0),
            held: None,
        });
        match (&written.held, queued_or_held) {
            (Some(why), true) => {
                let why = || cut(why, QUOTE_MAX).into();
                let held = job.held.get_or_insert_with(|| Held { tasks: 0, why: why() });
                held.tasks += 1;
            }
            (None, true) => job.queued += 1,
            (_, false) => job.running = job.running.map(|running| running + 1),
        }
    }
}

fn label(key: &str, value: &Value) -> (Text, Text) {
    (cut(key, QUOTE_MAX).into(), words(value))
}

fn words(value: &Value) -> Text {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    cut(&text, QUOTE_MAX).into()
}

/// Reads the list item by item.
struct List<'a> {
    pointer: &'a str,
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Option<Tasks>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list at `{}`", self.pointer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Option<Tasks>, A::Error> {
        let mut tasks = Tasks::default();
        while let Some(value) = items.next_element::<Value>()? {
            tasks.take(&value, self.pointer);
        }
        Ok(Some(tasks))
    }

    fn visit_unit<E>(self) -> Result<Option<Tasks>, E> {
        Ok(None)
    }
}

/// Counts a task in the job of its name, where tasks of one name resemble each other.
pub(super) fn count_in_job(jobs: &mut BTreeMap<String, JobSeen>, name: &str, stage: Option<Stage>) {
    let (queued, running) = match stage {
        Some(Stage::Waiting) => (1, 0),
        Some(Stage::Running { .. }) => (0, 1),
        Some(Stage::Ended { .. }) | None => return,
    };
    let job = jobs.entry(name.to_owned()).or_insert_with(|| JobSeen {
        id: number(name),
        name: name.into(),
        labels: BTreeMap::new(),
        queued: 0,
        running: Some(0),
        held: None,
    });
    job.queued += queued;
    job.running = job.running.map(|known| known + running);
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

fn seen(written: &Written) -> Result<TaskSeen, String> {
    let wrong = || "times must be seconds since 1970, one after the other".to_owned();
    let submitted_at = time(written.submitted_at).ok_or_else(wrong)?;
    let given = |seconds: Option<f64>| seconds.map(|one| time(one).ok_or_else(wrong)).transpose();
    let stage = match (given(written.started_at)?, given(written.ended_at)?) {
        (None, None) => Stage::Waiting,
        (Some(since), None) => Stage::Running { since },
        (Some(since), Some(at)) => {
            let took = at.since(since);
            if took < Span::ZERO || TOOK_MAX < took {
                return Err(wrong());
            }
            Stage::Ended { at, took }
        }
        (None, Some(_)) => return Err(wrong()),
    };
    let needs = [written.gpus, written.gpu_memory];
    if needs.iter().flatten().any(|need| NEED_MAX < *need) {
        return Err(format!("needs more than {NEED_MAX} GPUs or GiB, which no machine has"));
    }
    let shape = needs.iter().any(Option::is_some).then(|| Shape {
        gpus: written.gpus.unwrap_or(1),
        gpu_memory_gib: written.gpu_memory.unwrap_or(0),
    });
    let job = written.job.as_ref().filter(|job| !job.is_null()).map(number);
    Ok(TaskSeen { id: number(&written.id), job, shape, submitted_at, stage })
}

/// Seconds since 1970 as a time.
pub(super) fn time(seconds: f64) -> Option<Time> {
    let seconds = Some(seconds).filter(|seconds| *seconds < SECONDS_MAX)?;
    let span = std::time::Duration::try_from_secs_f64(seconds).ok().map(Span::from_std)?;
    Some(Time(span.0))
}

/// The same number for the same name, in every run.
pub(super) fn number(name: &(impl Serialize + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(name).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(list: &Value) -> Tasks {
        Tasks::parse(list, "/tasks").unwrap().unwrap()
    }

    #[test]
    fn tasks_tell_how_far_they_are() {
        let tasks = read(&json!([
            {"id": "a-1", "job": "a", "submitted_at": 100,
             "labels": {"show": "moon", "priority": 5}},
            {"id": "a-2", "job": "a", "submitted_at": 100, "started_at": 110.5, "gpus": 2},
            {"id": "a-3", "job": "a", "submitted_at": 100, "held": "waits for a-2"},
            {"id": 7, "submitted_at": 90, "started_at": 95, "ended_at": 125},
        ]));
        let seen = &tasks.seen;
        assert_eq!(seen.len(), 3, "held work is no demand");
        assert_eq!((seen[0].stage, seen[0].job), (Stage::Waiting, seen[1].job));
        assert_eq!(seen[1].stage, Stage::Running { since: Time(110_500) });
        let took = Span::seconds(30);
        assert_eq!(seen[2].stage, Stage::Ended { at: Time(125_000), took });
        let counts: Vec<_> = work(seen).iter().map(|one| (one.queued, one.running)).collect();
        assert_eq!(counts, [(1, Some(0)), (0, Some(1))]);
        let jobs = tasks.jobs().unwrap();
        let job = &jobs[0];
        assert_eq!((&*job.name, job.queued, job.running), ("a", 1, Some(1)));
        assert_eq!(&*job.labels["show"], "moon");
        assert_eq!(&*job.held.as_ref().unwrap().why, "waits for a-2");
    }

    #[test]
    fn a_task_that_cannot_be_is_set_aside_and_named() {
        for wrong in [
            json!({"id": 2}),
            json!({"id": 2, "submitted_at": -5}),
            json!({"id": 2, "submitted_at": 1e18}),
            json!({"id": 2, "submitted_at": 5, "ended_at": 9}),
            json!({"id": 2, "submitted_at": 5, "started_at": 9, "ended_at": 8}),
            json!({"id": 2, "submitted_at": 5, "gpus": 4_000_000_000_u32}),
        ] {
            let good = json!({"id": 1, "submitted_at": 5});
            let tasks = read(&json!([good.clone(), wrong.clone(), good]));
            assert_eq!(tasks.seen.len(), 2);
            let aside = tasks.set_aside();
            assert_eq!(&*aside[0].name, "`/tasks/1`", "{aside:?}");
            assert!(tasks.check().is_ok());
            let told = read(&json!([wrong])).check().unwrap_err();
            assert!(told.starts_with("1 of 1 tasks are wrong; `/tasks/0`"), "{told}");
        }
    }
}
