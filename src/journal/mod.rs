//! What must outlive a restart, durable before anything acts on it.

mod database;
mod envelope;
mod files;
pub mod history;
mod identity;
mod intents;
mod ownership;
mod spending;
mod store;

pub use database::{Preflight, Unusable, preflight};
pub use store::{Opened, Store, StoreError};

use crate::memory::Spent;
use crate::model::{Event, MachineName};

/// Proof that the intents of a commit are on disk; only a journal makes one.
#[derive(Debug, Clone, Copy)]
pub struct Permit(());

/// How a commit went.
#[derive(Debug)]
pub enum Verdict {
    /// Durable: what was intended may start.
    Permit(Permit),
    /// This process may not act: dry run, or another daemon holds the farm.
    Fenced,
    /// Not durable. Nothing may start, and the daemon must end: never retry an fsync and go on.
    Failed(String),
}

/// One change of the store: all of it or nothing.
#[derive(Debug, Default)]
pub struct Batch<'a> {
    /// Records to write, by key: `machine/<name>`, `tombstone/<name>`, `refusal/<offer>`, `meta`.
    pub puts: Vec<(String, Vec<u8>)>,
    /// Records to remove.
    pub deletes: Vec<String>,
    /// Names about to be created: they go to `intents.log`, which survives the store.
    pub creates: Vec<MachineName>,
    /// What was spent so far, once in a while: it outlives the store too.
    pub spent: Option<Spent>,
    /// What happened, for the history; never read at start.
    pub history: &'a [Event],
}

/// Where memory is kept.
pub trait Journal {
    /// Writes a batch. With `synced` it is on disk when this returns `Permit`; without, it may be
    /// lost in a crash, but never a part of it and never out of order.
    fn commit(&mut self, batch: &Batch<'_>, synced: bool) -> Verdict;

    /// Whether this process may act at all; if not, plans are made and shown only.
    fn permits(&self) -> bool {
        true
    }
}

impl Permit {
    /// For journals only: the intents are durable.
    pub(crate) fn granted() -> Self {
        Self(())
    }
}

/// A journal for dry runs: remembers nothing and lets nothing start.
#[derive(Debug, Default)]
pub struct Fenced;

impl Journal for Fenced {
    fn commit(&mut self, _batch: &Batch<'_>, _synced: bool) -> Verdict {
        Verdict::Fenced
    }

    fn permits(&self) -> bool {
        false
    }
}
