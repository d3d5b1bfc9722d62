//! The one seam: what every source of work is asked for, and what it says it can do.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::model::{LookFailure, MachineRef, QueueReading, Refusal, Time};

/// A render manager or queue, opened. Opening reads the settings and reaches nothing.
#[async_trait]
pub trait Source: Send + Sync {
    /// Where it is, without passwords and tokens.
    fn place(&self) -> &str;

    /// What it can do, as far as its settings tell.
    fn capabilities(&self) -> Capabilities;

    /// What it reads and writes there. Two queues of one farm must not share any of it: every task
    /// would be counted twice.
    fn claims(&self) -> Vec<Claim>;

    /// How much work waits and who works. `asked_at` is now. What was not read is `None` or a
    /// failure, never zero.
    async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure>;

    /// Asks for no more tasks for the workers of a machine; asking twice is harmless.
    async fn drain(&self, _machine: &MachineRef) -> Result<(), LookFailure> {
        Err(cannot_drain(self.place()))
    }

    /// Takes the request back; likewise harmless.
    async fn undrain(&self, _machine: &MachineRef) -> Result<(), LookFailure> {
        Err(cannot_drain(self.place()))
    }

    /// Removes what the source keeps of a machine that is gone for good; many keep nothing.
    async fn forget(&self, _machine: &MachineRef) -> Result<(), LookFailure> {
        Ok(())
    }
}

fn cannot_drain(place: &str) -> LookFailure {
    let detail = format!("{place}: this source has no way to ask its workers to take no more");
    LookFailure { class: Refusal::Config, detail: detail.into() }
}

/// Something a source may be able to tell or to do, besides how much work waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Can {
    /// It names the jobs that tasks belong to, with their labels.
    Jobs,
    /// It tells tasks one by one, with the times they began and ended.
    Durations,
    /// It tells which workers are busy.
    Busy,
    /// It can ask the workers of a machine to take no more tasks.
    Drain,
    /// It keeps records of machines that are gone, and can remove them.
    Forget,
    /// It tells what each task needs: GPUs, GPU memory.
    Gpus,
}

impl Can {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 6] =
        [Self::Jobs, Self::Durations, Self::Busy, Self::Drain, Self::Forget, Self::Gpus];

    /// Its word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Durations => "durations",
            Self::Busy => "busy",
            Self::Drain => "drain",
            Self::Forget => "forget",
            Self::Gpus => "GPUs",
        }
    }

    /// What follows where a source lacks it.
    pub fn lack(self) -> Option<&'static str> {
        match self {
            Self::Jobs => None,
            Self::Durations => Some(
                "durations of tasks are not learned: machines are bought for each waiting task, \
                 not by the promise of `preset`",
            ),
            Self::Busy => Some(
                "nobody can say which machines are busy: with `idle = \"word\"` none is ever \
                 stopped, with `idle = \"assume\"` an empty queue and an unused GPU count as idle",
            ),
            Self::Drain => Some(
                "workers cannot be asked to take no more: with `idle = \"word\"` no machine that \
                 has worked is stopped, with `idle = \"assume\"` one may take a task just before \
                 its stop, and the frame is lost",
            ),
            Self::Forget => None,
            Self::Gpus => Some("every task is taken to need what `task_gpus` says"),
        }
    }
}

/// What a source can do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities(BTreeSet<Can>);

impl Capabilities {
    /// These and no others.
    pub fn of(these: impl IntoIterator<Item = Can>) -> Self {
        Self(these.into_iter().collect())
    }

    /// This one too, if `given`.
    #[must_use]
    pub fn with(mut self, can: Can, given: bool) -> Self {
        if given {
            self.0.insert(can);
        }
        self
    }

    /// Whether it can.
    pub fn has(&self, can: Can) -> bool {
        self.0.contains(&can)
    }
}

/// Something at a place that a source takes for its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The server, in one spelling.
    pub server: String,
    /// The key, list, queue or address there.
    pub name: String,
    /// It takes everything that begins with `name`.
    pub is_prefix: bool,
    /// The setting it comes from.
    pub setting: &'static str,
}

impl Claim {
    /// One name at a server.
    pub fn one(server: &str, name: &str, setting: &'static str) -> Self {
        Self { server: server.to_owned(), name: name.to_owned(), is_prefix: false, setting }
    }

    /// Everything that begins with `name` at a server.
    pub fn prefix(server: &str, name: &str, setting: &'static str) -> Self {
        Self { is_prefix: true, ..Self::one(server, name, setting) }
    }

    /// Whether both take the same for their own.
    pub fn meets(&self, other: &Self) -> bool {
        let covers = |one: &Self, two: &Self| one.is_prefix && two.name.starts_with(&one.name);
        self.server == other.server
            && (self.name == other.name || covers(self, other) || covers(other, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_meet_by_name_and_by_prefix_at_one_server() {
        let list = Claim::one("a", "busy:x", "lists");
        let busy = Claim::prefix("a", "busy:", "busy_prefix");
        assert!(list.meets(&busy) && busy.meets(&list));
        assert!(busy.meets(&Claim::prefix("a", "busy:w:", "worker_prefix")));
        assert!(!busy.meets(&Claim::prefix("b", "busy:", "busy_prefix")));
        assert!(!list.meets(&Claim::one("a", "busy:y", "lists")));
    }

    #[test]
    fn a_source_has_what_it_was_given() {
        let can = Capabilities::of([Can::Busy]).with(Can::Drain, true).with(Can::Gpus, false);
        assert!(can.has(Can::Busy) && can.has(Can::Drain) && !can.has(Can::Gpus));
    }
}
