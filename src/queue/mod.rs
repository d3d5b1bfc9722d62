//! Render managers and queues: how much work waits, who is busy, and how to ask a worker to stop.
//!
//! What was not read is unknown, never zero: a number that is too small would end machines that
//! work. What sources and workers promise each other stands in docs/workers.md, what each source can
//! do in docs/queues/.
//!
//! A source is one file or folder here: it owns its settings and implements [`Source`]. Adding one:
//! its `mod` line below, its line in `registry`, a page in docs/queues/, its tests.

use std::fmt;
use std::sync::Arc;

use crate::model::{LookFailure, MachineRef, QueueReading, Time};

mod beanstalkd;
mod bounds;
mod bullmq;
mod celery;
mod command;
mod fault;
mod flamenco;
mod hooks;
mod http;
mod json;
mod marks;
mod nats;
mod pointers;
mod postgres;
mod program;
mod prometheus;
mod rabbitmq;
mod redis;
mod redis_link;
mod registry;
mod rq;
mod shaped;
mod slurm;
mod source;
mod tasks;
mod web;

pub use registry::kinds;
pub(crate) use registry::open_all;
pub use source::{Can, Capabilities, Claim, Source};

/// A source of work, ready to be asked.
#[derive(Clone)]
pub struct Queue(Arc<dyn Source>);

impl Queue {
    /// A queue that asks `source`.
    pub fn new(source: Box<dyn Source>) -> Self {
        Self(Arc::from(source))
    }

    /// Asks how much work waits and who works. `asked_at` is now, as the caller's clock has it.
    pub async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        bounds::keep(self.0.read(asked_at).await?, self.place())
    }

    /// Asks for no more tasks for the workers of a machine. That they obey is told by the next
    /// readings: [`crate::model::WorkerState::Drained`]. Asking twice is harmless.
    pub async fn drain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.0.drain(machine).await
    }

    /// Takes the request back.
    pub async fn undrain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.0.undrain(machine).await
    }

    /// Removes what the source keeps of a machine that is gone for good.
    pub async fn forget(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.0.forget(machine).await
    }

    /// What the source can do, as far as its settings tell.
    pub fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    /// Whether workers can be asked to take no more.
    pub fn drains(&self) -> bool {
        self.capabilities().has(Can::Drain)
    }

    /// What the source reads and writes, to tell whether two sources do the same.
    pub fn claims(&self) -> Vec<Claim> {
        self.0.claims()
    }

    /// Where the source is, without passwords and tokens.
    pub fn place(&self) -> &str {
        self.0.place()
    }
}

/// Only the place: settings hold passwords.
impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("place", &self.place()).finish_non_exhaustive()
    }
}
