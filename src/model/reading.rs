//! What was seen: one source's last word each. Facts only, no rules.

use std::collections::BTreeMap;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Text;
use super::leftover::Leftover;
use super::offer::{OfferKey, Quote, Size, Stock};
use super::time::{Span, Time};

/// What one task needs of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Shape {
    /// GPUs it computes on at once; 0 counts as 1.
    pub gpus: u32,
    /// Memory it needs on each of them, in GiB; 0 = any.
    pub gpu_memory_gib: u32,
}

/// How much work of one shape waits and runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// What each of these tasks needs; `None` = what the pool says a task needs.
    pub shape: Option<Shape>,
    /// Tasks that wait.
    pub queued: u32,
    /// Tasks that run, where the source knows.
    pub running: Option<u32>,
}

/// What a queue worker says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerState {
    /// Waits for a task.
    Idle,
    /// Works on a task.
    Busy,
    /// Has seen the drain request, holds no task and takes none.
    Drained,
}

/// A worker as the queue sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSeen {
    /// The worker's own name in the queue.
    pub worker: Text,
    /// The machine it runs on: the provider's instance id or our machine name.
    pub instance: Text,
    /// What it does.
    pub state: WorkerState,
}

/// The queue's last word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueueReading {
    /// When the question left: the reading is at least this fresh.
    pub asked_at: Time,
    /// Waiting and running work by shape.
    pub work: Vec<Work>,
    /// How long the oldest waiting task has waited, where the source knows.
    pub oldest_wait: Option<Span>,
    /// Every worker the queue knows; `None` = the source cannot tell who is busy.
    pub workers: Option<Vec<WorkerSeen>>,
    /// Every task that waits or runs, and those that ended lately; `None` = the source cannot tell
    /// one task from another.
    pub tasks: Option<Vec<TaskSeen>>,
    /// Every job with work left; `None` = the source knows of none.
    pub jobs: Option<Vec<JobSeen>>,
    /// Work that is no demand, by what it waits for; of the jobs, or where the source names none.
    pub held: Vec<Held>,
    /// Parts of the answer that could not be understood; the rest was read without them.
    pub set_aside: Vec<SetAside>,
}

/// A job: tasks that were submitted together, under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSeen {
    /// The source's number for it, or a checksum of its name: [`TaskSeen::job`].
    pub id: u64,
    /// What people call it.
    pub name: Text,
    /// `show`, `user`, `class`, `priority` and the like, as far as the source knows.
    pub labels: BTreeMap<Text, Text>,
    /// Its waiting tasks that more machines would start.
    pub queued: u32,
    /// Its running tasks, where the source knows.
    pub running: Option<u32>,
    /// Its tasks that wait for something else than a machine, and for what.
    pub held: Option<Held>,
}

/// Work that is no demand: paused, blocked by other work, over a limit of the manager's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// How many tasks.
    pub tasks: u32,
    /// What they wait for.
    pub why: Text,
}

/// A part of an answer that could not be understood. While it is there, no machine that it may be
/// about is let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// What it is, as the source calls it: a worker, a task.
    pub name: Text,
    /// What is wrong with it, and how to mend it.
    pub why: Text,
    /// The machine it is about: the reading's workers say whether it is busy. `None` = it may be
    /// about any machine.
    pub instance: Option<Text>,
}

/// One task, where the source tells tasks apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskSeen {
    /// The source's number for it, or a checksum of its name.
    pub id: u64,
    /// The job it belongs to, likewise: tasks of one job resemble each other.
    pub job: Option<u64>,
    /// What it needs; `None` = what the pool says a task needs.
    pub shape: Option<Shape>,
    /// When it was submitted.
    pub submitted_at: Time,
    /// How far it is.
    pub stage: Stage,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It waits for a worker.
    Waiting,
    /// A worker has it.
    Running {
        /// Since when.
        since: Time,
    },
    /// It has been done; told for ten minutes at least.
    Ended {
        /// When.
        at: Time,
        /// How long it ran.
        took: Span,
    },
}

impl QueueReading {
    /// Waiting tasks of all shapes.
    pub fn queued(&self) -> u32 {
        self.work.iter().map(|work| work.queued).fold(0, u32::saturating_add)
    }

    /// Whether a part of it that was set aside may be about any machine.
    pub fn is_doubtful(&self) -> bool {
        self.set_aside.iter().any(|part| part.instance.is_none())
    }

    /// Running tasks of all shapes, where known.
    pub fn running(&self) -> u32 {
        self.work.iter().filter_map(|work| work.running).fold(0, u32::saturating_add)
    }
}

/// What an instance is, by the provider's word; what nobody knows is kept as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "StatusWord")]
pub enum Status {
    /// Being made.
    Building,
    /// Runs, and costs its running price.
    Running,
    /// On its way to running.
    StartingUp,
    /// On its way to shut down.
    ShuttingDown,
    /// Off; whether it is charged stands in `NoChargeForShutdown`.
    Shutdown,
    /// Gone for our accounts.
    Gone,
    /// Creation failed.
    Failed,
    /// Broken: it may come back, and serves nobody until then.
    Broken,
    /// The provider takes it back because the account is in arrears.
    Arrears,
    /// On its way out.
    Deleting,
    /// Anything else, with its text: never a reason to destroy.
    Other(Text),
}

impl Status {
    /// Those that have a name of their own.
    const NAMED: [Self; 10] = [
        Self::Building,
        Self::Running,
        Self::StartingUp,
        Self::ShuttingDown,
        Self::Shutdown,
        Self::Gone,
        Self::Failed,
        Self::Broken,
        Self::Arrears,
        Self::Deleting,
    ];

    /// Whether no part of a machine's life explains it.
    pub const fn is_unexpected(&self) -> bool {
        matches!(self, Self::Broken | Self::Arrears | Self::Deleting | Self::Other(_))
    }
}

/// As people see it in the provider's console, and as records keep it.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Building => "building",
            Self::Running => "running",
            Self::StartingUp => "starting_up",
            Self::ShuttingDown => "shutting_down",
            Self::Shutdown => "shutdown",
            Self::Gone => "gone",
            Self::Failed => "failed",
            Self::Broken => "error",
            Self::Arrears => "recycling",
            Self::Deleting => "deleting",
            Self::Other(text) => text,
        })
    }
}

impl From<Status> for String {
    fn from(status: Status) -> Self {
        status.to_string()
    }
}

impl From<&str> for Status {
    fn from(word: &str) -> Self {
        let named = Self::NAMED.into_iter().find(|status| status.to_string() == word);
        named.unwrap_or_else(|| Self::Other(word.into()))
    }
}

/// How records have it: a word, or, in older ones, an object for what nobody knows.
#[derive(Deserialize)]
#[serde(untagged)]
enum StatusWord {
    Word(Text),
    Older { other: Text },
}

impl From<StatusWord> for Status {
    fn from(word: StatusWord) -> Self {
        match word {
            StatusWord::Word(word) | StatusWord::Older { other: word } => Self::from(&*word),
        }
    }
}

/// One row of `DescribeInstanceList`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceRow {
    /// `EcsId`.
    pub instance: Text,
    /// `EcsName`.
    pub name: Text,
    /// `Status`.
    pub status: Status,
    /// `CreateTime`, whole seconds; billing starts here.
    pub created_at: Option<Time>,
    /// What it is, as far as the row says; the zone by its code.
    pub offer: Option<OfferKey>,
    /// `NoChargeForShutdown` = 1; `None` = the row does not say, which is no reason to take a machine that
    /// is off for one that is charged.
    pub free_when_stopped: Option<bool>,
}

/// A complete listing; incomplete ones are discarded before they get here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// When the first page was asked for.
    pub asked_at: Time,
    /// All rows found.
    pub rows: Vec<InstanceRow>,
}

/// How far an event has come, in both languages the vendor uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventStatus {
    /// `init`, `doing`.
    Running,
    /// `success`, `finish`, 成功.
    Done,
    /// `failed`, `error`, 失败; `part_fail` for a request of one machine.
    Failed,
    /// Unknown text: keep asking until our own deadline.
    Other(Text),
}

/// `DescribeEvent`, read for the one machine the request was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventReading {
    /// The event's id.
    pub event: Text,
    /// How far it is.
    pub status: EventStatus,
    /// `CreateTime` of the machine's task, whole seconds.
    pub created_at: Option<Time>,
    /// `EndTime` of the machine's task, whole seconds; `None` until done.
    pub ended_at: Option<Time>,
}

/// Stock of every size of one family in one zone (`DescribeZoneInstanceType`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockReading {
    /// When the question left.
    pub asked_at: Time,
    /// `AvailableZoneCode`.
    pub zone: Text,
    /// `EcsFamilyName`.
    pub family: Text,
    /// Each size, and whether it is on sale.
    pub sizes: Vec<(Size, Stock)>,
}

/// GPU use of one machine (`DescribeInstanceMonitor`): the second witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReading {
    /// When the question left.
    pub asked_at: Time,
    /// Whose.
    pub instance: Text,
    /// Highest use of any GPU over the last minutes, in percent; `None` = no data, which proves
    /// nothing.
    pub gpu_percent: Option<u32>,
    /// When that was measured: the newest point there is.
    pub measured_at: Option<Time>,
}

/// The answer to a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// A queue's word.
    Queue(QueueReading),
    /// Every instance whose name starts with our prefix.
    Fleet(Listing),
    /// Instances found under one exact name.
    Name(Listing),
    /// The status of an instance asked for by its id; `None` = the provider knows none.
    Status {
        /// Which.
        instance: Text,
        /// What it is.
        status: Option<Status>,
    },
    /// How far a request has come.
    Event(EventReading),
    /// What is on sale.
    Stock(StockReading),
    /// What an offer costs.
    Quote(OfferKey, Quote),
    /// GPU use.
    Usage(UsageReading),
    /// What nothing uses and still incurs charges.
    Leftovers(Vec<Leftover>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_in_a_record_reads_as_it_was_written_now_and_formerly() {
        for status in Status::NAMED.into_iter().chain([Status::Other("frozen".into())]) {
            let text = serde_json::to_string(&status).unwrap();
            assert_eq!(serde_json::from_str::<Status>(&text).unwrap(), status, "{text}");
        }
        for (older, status) in [
            (r#"{"other":"frozen"}"#, Status::Other("frozen".into())),
            (r#"{"other":"error"}"#, Status::Broken),
            (r#""starting_up""#, Status::StartingUp),
        ] {
            assert_eq!(serde_json::from_str::<Status>(older).unwrap(), status);
        }
    }
}
