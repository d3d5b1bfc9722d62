//! Render managers and queues: how much work waits, who is busy, and how to ask a worker to stop.

use std::collections::BTreeMap;

use secrecy::SecretString;

use crate::model::{Shape, Span, WorkerState};

/// Where a queue is and how to read it. Made by `config`.
#[derive(Debug, Clone)]
pub enum SourceSettings {
    /// A plain Redis list with the worker contract of docs/workers.md.
    Redis(RedisSettings),
    /// A JSON document behind a URL.
    Http(HttpSettings),
    /// A program that prints JSON.
    Command(CommandSettings),
}

/// A Redis list.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// `redis://host:port/db`; the password may stand in it or apart.
    pub url: SecretString,
    /// Lists (name, what one of its tasks needs; `None` = the pool's shape).
    pub lists: Vec<(String, Option<Shape>)>,
    /// Prefix of the lists workers move taken tasks to; default `busy:`.
    pub busy_prefix: String,
    /// Prefix of heartbeat keys; default `worker:`.
    pub worker_prefix: String,
    /// Prefix of drain keys; default `drain:`.
    pub drain_prefix: String,
    /// For one read or write.
    pub timeout: Span,
}

/// A JSON document behind a URL; values are found by JSON pointers (RFC 6901).
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The document.
    pub url: String,
    /// Sent as `Authorization: Bearer …`.
    pub token: Option<SecretString>,
    /// Where the values stand.
    pub pointers: Pointers,
    /// POSTed to ask a machine's workers to take no more; `{name}`, `{instance}` and `{worker}` are
    /// replaced; with `{worker}` once per worker.
    pub drain_url: Option<String>,
    /// POSTed to take the request back.
    pub undrain_url: Option<String>,
    /// For one request.
    pub timeout: Span,
}

/// A program that prints one JSON document.
#[derive(Debug, Clone)]
pub struct CommandSettings {
    /// Program and arguments, run without a shell.
    pub command: Vec<String>,
    /// Where the values stand.
    pub pointers: Pointers,
    /// Run to drain, with the same replacements as [`HttpSettings::drain_url`]; exit 0 = asked.
    pub drain: Option<Vec<String>>,
    /// Run to take the request back.
    pub undrain: Option<Vec<String>>,
    /// Killed after this.
    pub timeout: Span,
}

/// Where in a JSON document the values of a queue reading stand.
#[derive(Debug, Clone)]
pub struct Pointers {
    /// Waiting tasks; a number (default `/queued`).
    pub queued: String,
    /// Running tasks (default `/running`); may be missing in the document.
    pub running: String,
    /// Seconds the oldest task has waited (default `/oldest_wait_s`); may be missing.
    pub oldest_wait_s: String,
    /// The list of workers (default `/workers`); missing = the source cannot tell who is busy.
    pub workers: String,
    /// Within a worker: its name, its machine, its state (defaults `/name`, `/instance`, `/state`).
    pub worker_name: String,
    /// Within a worker: the machine it runs on.
    pub worker_instance: String,
    /// Within a worker: what it does.
    pub worker_state: String,
    /// The source's words for the states; unknown words count as busy.
    pub state_words: BTreeMap<String, WorkerState>,
}
