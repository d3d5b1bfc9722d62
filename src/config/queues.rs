//! `[queues.NAME]`: sources of work.

use std::collections::BTreeMap;

use super::reader::Reader;
use crate::model::{Shape, Span, Text, WorkerState};
use crate::queue::{CommandSettings, HttpSettings, Pointers, RedisSettings, SourceSettings};

/// Which source a queue is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Redis,
    Http,
    Command,
}

/// Reads all queues.
pub(super) fn read(root: &mut Reader<'_>) -> BTreeMap<Text, SourceSettings> {
    let mut queues = BTreeMap::new();
    let tables = root.tables("queues");
    if tables.is_empty() {
        root.fault("queues", "is missing: say where the work waits, e.g. [queues.render]");
    }
    for (name, mut queue) in tables {
        let kinds = [("redis", Kind::Redis), ("http", Kind::Http), ("command", Kind::Command)];
        let settings = match queue.choice("kind", &kinds, 0) {
            Some(Kind::Redis) => Some(redis(&name, &mut queue)),
            Some(Kind::Http) => Some(http(&mut queue)),
            Some(Kind::Command) => Some(command(&mut queue)),
            None => None,
        };
        if let Some(settings) = settings {
            queue.end();
            queues.insert(name, settings);
        }
    }
    queues
}

fn redis(name: &str, queue: &mut Reader<'_>) -> SourceSettings {
    let url = queue.text("url", "redis://127.0.0.1:6379");
    if !url.starts_with("redis://") {
        queue.fault("url", "must start with redis:// (over TLS: a tunnel, such as stunnel)");
    }
    let mut lists: Vec<(String, Option<Shape>)> =
        queue.texts("lists").into_iter().map(|list| (list, None)).collect();
    for mut shaped in queue.list("shaped_lists") {
        let list = shaped.required_text("list", "name the list");
        let shape = Shape {
            gpus: shaped.number("gpus", 1, 1, 64),
            gpu_memory_gib: shaped.number("gpu_memory", 0, 0, 1024),
        };
        shaped.end();
        lists.push((list, Some(shape)));
    }
    if lists.is_empty() {
        lists.push((name.to_owned(), None));
    }
    SourceSettings::Redis(RedisSettings {
        url: url.into(),
        lists,
        busy_prefix: queue.text("busy_prefix", "busy:"),
        worker_prefix: queue.text("worker_prefix", "worker:"),
        drain_prefix: queue.text("drain_prefix", "drain:"),
        timeout: timeout(queue),
    })
}

fn http(queue: &mut Reader<'_>) -> SourceSettings {
    let url = queue.required_text("url", "the address to GET");
    for (name, url) in [
        ("url", Some(url.clone())),
        ("drain_url", queue.text_or_none("drain_url")),
        ("undrain_url", queue.text_or_none("undrain_url")),
    ] {
        let wrong = url.filter(|url| !url.is_empty() && reqwest::Url::parse(url).is_err());
        if let Some(url) = wrong {
            queue.fault(name, format!("is \"{url}\": must be an address such as http://host/path"));
        }
    }
    SourceSettings::Http(HttpSettings {
        url,
        token: queue.text_or_none("token").map(Into::into),
        pointers: pointers(queue),
        drain_url: queue.text_or_none("drain_url"),
        undrain_url: queue.text_or_none("undrain_url"),
        timeout: timeout(queue),
    })
}

fn command(queue: &mut Reader<'_>) -> SourceSettings {
    let command = queue.texts("command");
    if command.is_empty() {
        queue.fault("command", "is missing: the program and its arguments, as a list");
    }
    let hook = |words: Vec<String>| (!words.is_empty()).then_some(words);
    SourceSettings::Command(CommandSettings {
        command,
        pointers: pointers(queue),
        drain: hook(queue.texts("drain")),
        undrain: hook(queue.texts("undrain")),
        timeout: timeout(queue),
    })
}

fn timeout(queue: &mut Reader<'_>) -> Span {
    queue.span("timeout", Span::seconds(10), Span::millis(100))
}

fn pointers(queue: &mut Reader<'_>) -> Pointers {
    let mut reader = queue.table("json");
    let mut pointer = |name: &str, default: &str| {
        let text = reader.text(name, default);
        if !text.is_empty() && !text.starts_with('/') {
            reader.fault(name, format!("is \"{text}\": a JSON pointer starts with /"));
        }
        text
    };
    let mut pointers = Pointers {
        queued: pointer("queued", "/queued"),
        running: pointer("running", "/running"),
        oldest_wait_s: pointer("oldest_wait_s", "/oldest_wait_s"),
        workers: pointer("workers", "/workers"),
        worker_name: pointer("worker_name", "/name"),
        worker_instance: pointer("worker_instance", "/instance"),
        worker_state: pointer("worker_state", "/state"),
        tasks: pointer("tasks", "/tasks"),
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
