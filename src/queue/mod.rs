//! Render managers and queues: how much work waits, who is busy, and how to ask a worker to stop.
//!
//! A reading is whole or a failure, never a part: a number that is too small would end machines
//! that work. What sources and workers promise each other stands in docs/workers.md.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;

use crate::model::{LookFailure, MachineRef, QueueReading, Shape, Span, Time, WorkerState};

mod command;
mod fault;
mod hooks;
mod http;
mod pointers;
mod redis;
mod tasks;

pub use fault::QueueError;

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

impl SourceSettings {
    /// Whether workers can be asked to take no more.
    pub fn drains(&self) -> bool {
        match self {
            Self::Redis(_) => true,
            Self::Http(http) => http.drain_url.is_some(),
            Self::Command(program) => program.drain.is_some(),
        }
    }
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
    /// Gets a POST that asks a machine's workers to take no more; `{name}`, `{instance}` and
    /// `{worker}` are replaced; with `{worker}` once per worker.
    pub drain_url: Option<String>,
    /// Gets a POST that takes the request back.
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
    /// The list of tasks (default `/tasks`), each with `id`, `submitted_at` and, as far as it is,
    /// `started_at` and `ended_at`; missing = the source cannot tell one task from another.
    pub tasks: String,
    /// The source's words for the states; unknown words count as busy.
    pub state_words: BTreeMap<String, WorkerState>,
}

/// A source of work, ready to be asked.
pub struct Queue {
    source: Source,
}

enum Source {
    Redis(redis::Redis),
    Http(http::Http),
    Command(command::Program),
}

/// What a source can do besides telling how much work waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// It can tell which workers are busy, if its answers hold what the settings point at.
    pub busy: bool,
    /// It can ask the workers of a machine to take no more tasks.
    pub drain: bool,
}

impl Queue {
    /// Checks the settings; reaches nothing over the network.
    pub fn open(settings: &SourceSettings) -> Result<Self, QueueError> {
        let source = match settings {
            SourceSettings::Redis(settings) => Source::Redis(redis::Redis::open(settings)?),
            SourceSettings::Http(settings) => Source::Http(http::Http::open(settings)?),
            SourceSettings::Command(settings) => Source::Command(command::Program::open(settings)?),
        };
        Ok(Self { source })
    }

    /// Asks how much work waits and who works. `asked_at` is now, as the caller's clock has it.
    pub async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        match &self.source {
            Source::Redis(redis) => redis.read(asked_at).await,
            Source::Http(http) => http.read(asked_at).await,
            Source::Command(program) => program.read(asked_at).await,
        }
    }

    /// Asks for no more tasks for the workers of a machine. That they obey is told by the next
    /// readings: [`WorkerState::Drained`]. Asking twice is harmless.
    pub async fn drain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        match &self.source {
            Source::Redis(redis) => redis.drain(machine).await,
            Source::Http(http) => http.drain(machine).await,
            Source::Command(program) => program.drain(machine).await,
        }
    }

    /// Takes the request back.
    pub async fn undrain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        match &self.source {
            Source::Redis(redis) => redis.undrain(machine).await,
            Source::Http(http) => http.undrain(machine).await,
            Source::Command(program) => program.undrain(machine).await,
        }
    }

    /// What the source can do, as far as its settings tell.
    pub fn abilities(&self) -> Abilities {
        match &self.source {
            Source::Redis(_) => Abilities { busy: true, drain: true },
            Source::Http(http) => http.abilities(),
            Source::Command(program) => program.abilities(),
        }
    }

    /// Where the source is, without passwords and tokens.
    pub fn place(&self) -> &str {
        match &self.source {
            Source::Redis(redis) => redis.place(),
            Source::Http(http) => http.place(),
            Source::Command(program) => program.place(),
        }
    }
}

/// Only the place: settings hold passwords.
impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("place", &self.place()).finish_non_exhaustive()
    }
}
