//! A queue reading out of a JSON document, by JSON pointers (RFC 6901).
//!
//! What the settings point at must be there and must be what it should: a wrong guess of zero
//! would end machines that work. Only what a source may honestly not know may be missing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::fault::cut;
use super::json::{Found, Wanted};
use super::source::{Can, Capabilities};
use super::tasks::{self, Tasks};
use crate::defaults::queue::json as default;
use crate::model::{QueueReading, SetAside, Span, Text, Time, Work, WorkerSeen, WorkerState};
use crate::reader::Reader;

/// Longest quotation from a document in a message, in characters.
const QUOTE_MAX: usize = 40;

/// Where in a JSON document the values of a queue reading stand.
#[derive(Debug, Clone)]
pub(super) struct Pointers {
    /// Waiting tasks; a number.
    pub(super) queued: String,
    /// Running tasks; may be missing in the document.
    pub(super) running: String,
    /// Seconds the oldest task has waited; may be missing.
    pub(super) oldest_wait_s: String,
    /// The list of workers; missing = the source cannot tell who is busy.
    pub(super) workers: String,
    /// Within a worker: its name, the machine it runs on, what it does.
    pub(super) worker_name: String,
    pub(super) worker_instance: String,
    pub(super) worker_state: String,
    /// The list of tasks; missing = the source cannot tell one task from another.
    pub(super) tasks: String,
    /// The source's words for the states; unknown words count as busy.
    pub(super) state_words: BTreeMap<String, WorkerState>,
}

impl Pointers {
    /// Reads `[queues.NAME.json]`.
    pub(super) fn read(queue: &mut Reader<'_>) -> Self {
        let mut reader = queue.table("json");
        let mut pointer = |name: &str, default: &str, needed: bool| {
            let text = reader.text(name, default);
            if text.is_empty() && needed {
                reader.fault(name, format!("is empty: it must be given, as in \"{default}\""));
            } else if !text.is_empty() && !text.starts_with('/') {
                reader.fault(name, format!("is \"{text}\": a JSON pointer starts with /"));
            }
            text
        };
        let workers = pointer("workers", default::WORKERS, false);
        let tasks = pointer("tasks", default::TASKS, false);
        let mut pointers = Self {
            queued: pointer("queued", default::QUEUED, tasks.is_empty()),
            running: pointer("running", default::RUNNING, false),
            oldest_wait_s: pointer("oldest_wait_s", default::OLDEST_WAIT_S, false),
            worker_name: pointer("worker_name", default::WORKER_NAME, !workers.is_empty()),
            worker_instance: pointer(
                "worker_instance",
                default::WORKER_INSTANCE,
                !workers.is_empty(),
            ),
            worker_state: pointer("worker_state", default::WORKER_STATE, !workers.is_empty()),
            workers,
            tasks,
            state_words: BTreeMap::new(),
        };
        let states = [
            ("idle", WorkerState::Idle),
            ("busy", WorkerState::Busy),
            ("drained", WorkerState::Drained),
        ];
        for (name, state) in states {
            let key = format!("{name}_words");
            let mut words = reader.texts(&key);
            if words.is_empty() {
                words.push(name.to_owned());
            }
            pointers.state_words.extend(words.into_iter().map(|word| (word, state)));
        }
        reader.end();
        pointers
    }

    /// The names of docs/workers.md within a worker, and its words for the states.
    pub(super) fn plain() -> Self {
        let empty = String::new;
        Self {
            queued: empty(),
            running: empty(),
            oldest_wait_s: empty(),
            workers: "workers".to_owned(),
            worker_name: default::WORKER_NAME.to_owned(),
            worker_instance: default::WORKER_INSTANCE.to_owned(),
            worker_state: default::WORKER_STATE.to_owned(),
            tasks: empty(),
            state_words: BTreeMap::new(),
        }
    }

    /// What a document can tell, if it holds what is pointed at.
    pub(super) fn capabilities(&self) -> Capabilities {
        let (workers, tasks) = (!self.workers.is_empty(), !self.tasks.is_empty());
        let of_tasks = [Can::Jobs, Can::Durations, Can::Gpus];
        Capabilities::of(of_tasks.into_iter().filter(|_| tasks)).with(Can::Busy, workers)
    }
}

/// Reads a document; an error says what is wrong with it.
pub(super) fn reading(
    text: &[u8],
    pointers: &Pointers,
    asked_at: Time,
) -> Result<QueueReading, Unread> {
    let values = [&pointers.queued, &pointers.running, &pointers.oldest_wait_s, &pointers.workers];
    let values = values.map(String::as_str);
    let document = Found::parse(text, Wanted { values: &values, tasks: &pointers.tasks }).map_err(
        |error| {
            if error.is_data() { Unread::Wrong(error.to_string()) } else { Unread::NoJson(error) }
        },
    )?;
    told(document, pointers, asked_at).map_err(Unread::Wrong)
}

/// Why a document is no reading.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is not JSON.
    NoJson(serde_json::Error),
    /// A value is missing or wrong; names the pointer and what was found there.
    Wrong(String),
}

fn told(mut document: Found, pointers: &Pointers, asked_at: Time) -> Result<QueueReading, String> {
    let mut reading = match document.tasks.take() {
        None => {
            let work = vec![counted(&document, pointers)?];
            QueueReading { asked_at, work, ..QueueReading::default() }
        }
        Some(tasks) => of_tasks(tasks, asked_at)?,
    };
    if let Some(found) = document.get(&pointers.oldest_wait_s) {
        reading.oldest_wait = Some(wait(found, &pointers.oldest_wait_s)?);
    }
    if let Some(found) = document.get(&pointers.workers) {
        reading.workers = Some(workers(found, pointers, &mut reading.set_aside)?);
    }
    Ok(reading)
}

/// What tasks that are told one by one say, unless most of them are wrong.
pub(super) fn of_tasks(tasks: Tasks, asked_at: Time) -> Result<QueueReading, String> {
    tasks.check()?;
    Ok(QueueReading {
        asked_at,
        work: tasks::work(&tasks.seen),
        jobs: tasks.jobs(),
        held: tasks.held(),
        set_aside: tasks.set_aside(),
        tasks: Some(tasks.seen),
        ..QueueReading::default()
    })
}

/// Work of which only the numbers are told.
fn counted(document: &Found, pointers: &Pointers) -> Result<Work, String> {
    let queued = count(document.get(&pointers.queued), &pointers.queued)?;
    let running = match document.get(&pointers.running) {
        None => None,
        found @ Some(_) => Some(count(found, &pointers.running)?),
    };
    Ok(Work { shape: None, queued, running })
}

fn count(value: Option<&Value>, pointer: &str) -> Result<u32, String> {
    let number = value.and_then(Value::as_number).map(ToString::to_string);
    // some programs write whole numbers as 5.0
    let whole = number.as_deref().map(|text| text.strip_suffix(".0").unwrap_or(text));
    whole.and_then(|text| text.parse().ok()).ok_or_else(|| {
        format!("`{pointer}` must lead to a whole number, not negative, but has {}", found(value))
    })
}

fn wait(value: &Value, pointer: &str) -> Result<Span, String> {
    value
        .as_f64()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .map(Span::from_std)
        .ok_or_else(|| {
            format!(
                "`{pointer}` must lead to seconds, not negative, but has {}",
                found(Some(value))
            )
        })
}

/// The workers of a list; one that is wrong is set aside.
pub(super) fn workers(
    value: &Value,
    pointers: &Pointers,
    set_aside: &mut Vec<SetAside>,
) -> Result<Vec<WorkerSeen>, String> {
    let Some(list) = value.as_array() else {
        let found = found(Some(value));
        return Err(format!("`{}` must lead to a list, but has {found}", pointers.workers));
    };
    let mut seen = Vec::new();
    let mut first = None;
    for (number, worker) in list.iter().enumerate() {
        match one_worker(worker, &format!("{}/{number}", pointers.workers), pointers) {
            Ok(worker) => seen.push(worker),
            Err((name, why)) => {
                first.get_or_insert_with(|| why.clone());
                set_aside.push(SetAside { name, why: why.into(), instance: None });
            }
        }
    }
    // a list in which nobody is understood is another kind of list
    match first {
        Some(why) if seen.is_empty() => Err(why),
        _ => Ok(seen),
    }
}

/// One worker, or its name and what is wrong with it.
fn one_worker(
    worker: &Value,
    place: &str,
    pointers: &Pointers,
) -> Result<WorkerSeen, (Text, String)> {
    let word = |pointer: &str| -> Result<Text, String> {
        let value = worker.pointer(pointer);
        let text = match value {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        text.map(Text::from).ok_or_else(|| {
            format!("`{place}{pointer}` must lead to a text, but has {}", found(value))
        })
    };
    let name = word(&pointers.worker_name);
    let known: Text = name.clone().unwrap_or_else(|_| place.into());
    let told = |why| (Text::clone(&known), why);
    Ok(WorkerSeen {
        worker: name.map_err(told)?,
        instance: word(&pointers.worker_instance).map_err(told)?,
        state: state(&word(&pointers.worker_state).map_err(told)?, pointers),
    })
}

/// The operator's words, then our own; a word nobody knows may mean that a task runs.
fn state(word: &str, pointers: &Pointers) -> WorkerState {
    if let Some(state) = pointers.state_words.get(word) {
        return *state;
    }
    match word {
        "idle" => WorkerState::Idle,
        "drained" => WorkerState::Drained,
        _ => WorkerState::Busy,
    }
}

/// What stands in the document, for people.
fn found(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::Null) => "null".to_owned(),
        Some(Value::Bool(truth)) => truth.to_string(),
        Some(Value::Number(number)) => format!("the number {number}"),
        Some(Value::String(text)) => format!("the text \"{}\"", cut(text, QUOTE_MAX)),
        Some(Value::Array(list)) => format!("a list of {}", list.len()),
        Some(Value::Object(_)) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reader::try_read;
    use WorkerState::{Busy, Drained, Idle};

    const NOW: Time = Time::from_seconds(1_000);

    fn pointers() -> Pointers {
        let text = "[json]\ndrained_words = [\"drained\", \"paused\"]\n";
        let (pointers, faults) = try_read(text, Pointers::read);
        assert_eq!(faults, Vec::new());
        pointers
    }

    fn read_with(document: &Value, pointers: &Pointers) -> Result<QueueReading, String> {
        reading(document.to_string().as_bytes(), pointers, NOW).map_err(|unread| match unread {
            Unread::Wrong(problem) => problem,
            Unread::NoJson(error) => error.to_string(),
        })
    }

    fn read(document: &Value) -> Result<QueueReading, String> {
        read_with(document, &pointers())
    }

    #[test]
    fn a_full_document_is_read() {
        let worker = |name: &str, state: &str| json!({"name": name, "instance": 7, "state": state});
        let workers = [("a", "idle"), ("b", "paused"), ("c", "asleep"), ("d", "drained")];
        let workers: Vec<_> = workers.map(|(name, state)| worker(name, state)).into();
        let document =
            json!({"queued": 5.0, "running": 2, "oldest_wait_s": 1.5, "workers": workers});
        let reading = read(&document).unwrap();
        assert_eq!((reading.queued(), reading.running(), reading.asked_at), (5, 2, NOW));
        assert_eq!(reading.oldest_wait, Some(Span::millis(1500)));
        let seen = reading.workers.unwrap();
        let states: Vec<_> = seen.iter().map(|worker| worker.state).collect();
        assert_eq!(states, [Idle, Drained, Busy, Drained], "an unknown word counts as busy");
        assert_eq!(&*seen[0].instance, "7");
    }

    #[test]
    fn what_a_source_may_not_know_may_be_missing() {
        let reading = read(&json!({"queued": 0, "running": null})).unwrap();
        assert_eq!(reading.work, [Work { shape: None, queued: 0, running: None }]);
        assert_eq!((reading.oldest_wait, reading.workers), (None, None));
    }

    #[test]
    fn an_empty_pointer_is_not_followed() {
        let pointers = Pointers { workers: String::new(), ..pointers() };
        let document = json!({"queued": 1, "workers": "nonsense"});
        assert_eq!(read_with(&document, &pointers).unwrap().workers, None);
    }

    #[test]
    fn a_wrong_value_fails_and_is_named() {
        let cases = [
            (json!({}), "`/queued`", "nothing"),
            (json!([1]), "`/queued`", "nothing"),
            (json!({"queued": null}), "`/queued`", "nothing"),
            (json!({"queued": -1}), "`/queued`", "the number -1"),
            (json!({"queued": 1.5}), "`/queued`", "the number 1.5"),
            (json!({"queued": 5_000_000_000_u64}), "`/queued`", "the number 5000000000"),
            (json!({"queued": 1, "tasks": 5}), "`/tasks`", "a list"),
            (json!({"queued": "many"}), "`/queued`", "the text \"many\""),
            (json!({"queued": [1]}), "`/queued`", "a list of 1"),
            (json!({"queued": 1, "running": true}), "`/running`", "true"),
            (json!({"queued": 1, "oldest_wait_s": -2}), "`/oldest_wait_s`", "the number -2"),
            (json!({"queued": 1, "workers": {}}), "`/workers`", "an object"),
            (json!({"queued": 1, "workers": [{"name": "a"}]}), "`/workers/0/instance`", "nothing"),
        ];
        for (document, pointer, value) in cases {
            let message = read(&document).unwrap_err();
            assert!(message.contains(pointer) && message.contains(value), "{document}: {message}");
        }
    }

    #[test]
    fn one_worker_that_is_wrong_is_set_aside_and_the_rest_is_read() {
        let good = json!({"name": "a", "instance": "ins-1", "state": "idle"});
        let reading = read(&json!({"queued": 1, "workers": [good, {"name": "b"}]})).unwrap();
        assert_eq!(reading.workers.as_ref().unwrap().len(), 1);
        assert_eq!(&*reading.set_aside[0].name, "b");
        assert!(reading.set_aside[0].why.contains("`/workers/1/instance`"));
        assert!(reading.is_doubtful(), "it may be on any machine");
    }

    #[test]
    fn a_pointer_that_cannot_be_followed_is_refused_at_the_start() {
        let faults = |text: &str| {
            let (_, faults) = try_read(text, Pointers::read);
            faults.into_iter().map(|fault| fault.key).collect::<Vec<_>>()
        };
        assert_eq!(faults("[json]\nrunning = \"running\""), ["t.json.running"]);
        assert_eq!(faults("[json]\nqueued = \"\"\ntasks = \"\""), ["t.json.queued"]);
        assert_eq!(faults("[json]\nworker_state = \"\""), ["t.json.worker_state"]);
        assert!(faults("[json]\nworker_state = \"\"\nworkers = \"\"").is_empty());
    }
}
