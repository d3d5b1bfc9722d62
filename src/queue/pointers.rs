//! A queue reading out of a JSON document, by JSON pointers (RFC 6901).
//!
//! What the settings point at must be there and must be what it should: a wrong guess of zero
//! would end machines that work. Only what a source may honestly not know may be missing.

use std::time::Duration;

use serde_json::Value;

use super::{Pointers, QueueError, fault::cut, tasks};
use crate::model::{QueueReading, Span, Text, Time, Work, WorkerSeen, WorkerState};

/// Longest quotation from a document in a message, in characters.
const QUOTE_MAX: usize = 40;

/// Whether the pointers can be followed at all.
pub(super) fn check(pointers: &Pointers) -> Result<(), QueueError> {
    let Pointers {
        queued,
        running,
        oldest_wait_s,
        workers,
        worker_name,
        worker_instance,
        worker_state,
        tasks,
        ..
    } = pointers;
    let all = [
        ("pointers.queued", queued),
        ("pointers.running", running),
        ("pointers.oldest_wait_s", oldest_wait_s),
        ("pointers.workers", workers),
        ("pointers.worker_name", worker_name),
        ("pointers.worker_instance", worker_instance),
        ("pointers.worker_state", worker_state),
        ("pointers.tasks", tasks),
    ];
    for (setting, pointer) in all {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            let problem = format!("`{pointer}` must start with a slash, as in `/{pointer}`");
            return Err(QueueError::new(setting, problem));
        }
    }
    let needed = [true, false, false, false];
    let with_workers = [!workers.is_empty(); 3];
    for ((setting, pointer), needed) in all.into_iter().zip(needed.into_iter().chain(with_workers))
    {
        if needed && pointer.is_empty() {
            return Err(QueueError::new(setting, "must be given, for example `/queued`"));
        }
    }
    Ok(())
}

/// Reads a document; an error names the pointer and what was found there.
pub(super) fn reading(
    document: &Value,
    pointers: &Pointers,
    asked_at: Time,
) -> Result<QueueReading, String> {
    let tasks = match given(document, &pointers.tasks) {
        None => None,
        Some(found) => Some(tasks::read(found, &pointers.tasks)?),
    };
    let work = match &tasks {
        None => vec![counted(document, pointers)?],
        Some(tasks) => tasks::work(tasks),
    };
    let oldest_wait = match given(document, &pointers.oldest_wait_s) {
        None => None,
        Some(found) => Some(wait(found, &pointers.oldest_wait_s)?),
    };
    let workers = match given(document, &pointers.workers) {
        None => None,
        Some(found) => Some(workers(found, pointers)?),
    };
    Ok(QueueReading { asked_at, work, oldest_wait, workers, tasks })
}

/// Work of which only the numbers are told.
fn counted(document: &Value, pointers: &Pointers) -> Result<Work, String> {
    let queued = count(given(document, &pointers.queued), &pointers.queued)?;
    let running = match given(document, &pointers.running) {
        None => None,
        found @ Some(_) => Some(count(found, &pointers.running)?),
    };
    Ok(Work { shape: None, queued, running })
}

/// What a pointer leads to; nothing for an empty pointer, a missing value, and `null`.
fn given<'a>(document: &'a Value, pointer: &str) -> Option<&'a Value> {
    if pointer.is_empty() {
        return None;
    }
    document.pointer(pointer).filter(|value| !value.is_null())
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

fn workers(value: &Value, pointers: &Pointers) -> Result<Vec<WorkerSeen>, String> {
    let Some(list) = value.as_array() else {
        let found = found(Some(value));
        return Err(format!("`{}` must lead to a list, but has {found}", pointers.workers));
    };
    let mut seen = Vec::new();
    for (number, worker) in list.iter().enumerate() {
        let word = |pointer: &str| -> Result<Text, String> {
            let value = given(worker, pointer);
            let text = match value {
                Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
                Some(Value::Number(number)) => Some(number.to_string()),
                _ => None,
            };
            text.map(Text::from).ok_or_else(|| {
                let place = format!("{}/{number}{pointer}", pointers.workers);
                format!("`{place}` must lead to a text, but has {}", found(value))
            })
        };
        seen.push(WorkerSeen {
            worker: word(&pointers.worker_name)?,
            instance: word(&pointers.worker_instance)?,
            state: state(&word(&pointers.worker_state)?, pointers),
        });
    }
    Ok(seen)
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
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use WorkerState::{Busy, Drained, Idle};

    const NOW: Time = Time::from_seconds(1_000);

    fn pointers() -> Pointers {
        Pointers {
            queued: "/queued".to_owned(),
            running: "/running".to_owned(),
            oldest_wait_s: "/oldest_wait_s".to_owned(),
            workers: "/workers".to_owned(),
            worker_name: "/name".to_owned(),
            worker_instance: "/instance".to_owned(),
            worker_state: "/state".to_owned(),
            tasks: "/tasks".to_owned(),
            state_words: BTreeMap::from([("paused".to_owned(), Drained)]),
        }
    }

    fn read(document: &Value) -> Result<QueueReading, String> {
        reading(document, &pointers(), NOW)
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
    fn pointers_follow_rfc_6901() {
        let pointers = Pointers { queued: "/a~1b/1/m~0n".to_owned(), ..pointers() };
        let document = json!({"a/b": [0, {"m~n": 3}]});
        assert_eq!(reading(&document, &pointers, NOW).unwrap().queued(), 3);
    }

    #[test]
    fn an_empty_pointer_is_not_followed() {
        let pointers = Pointers { workers: String::new(), ..pointers() };
        let document = json!({"queued": 1, "workers": "nonsense"});
        assert_eq!(reading(&document, &pointers, NOW).unwrap().workers, None);
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
    fn a_pointer_without_a_slash_is_refused_at_the_start() {
        let wrong = Pointers { running: "running".to_owned(), ..pointers() };
        assert_eq!(check(&wrong).unwrap_err().setting, "pointers.running");
        let wrong = Pointers { queued: String::new(), ..pointers() };
        assert_eq!(check(&wrong).unwrap_err().setting, "pointers.queued");
        let wrong = Pointers { worker_state: String::new(), ..pointers() };
        assert_eq!(check(&wrong).unwrap_err().setting, "pointers.worker_state");
        check(&Pointers { worker_state: String::new(), workers: String::new(), ..pointers() })
            .unwrap();
    }
}
