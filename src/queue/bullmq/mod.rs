//! `BullMQ`, by its keys in Redis. A drained worker ends after its job; its unit starts it again when the
//! request is taken back (docs/queues/bullmq.md).

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::marks::{self, Mark};
use super::redis_link::Link;
use super::shaped::{self, Shaped, Words};
use super::source::{Can, Capabilities, Claim, Source};
use super::tasks::{count_in_job, number};
use crate::defaults::queue::BULLMQ_PREFIX;
use crate::model::{
    Held, LookFailure, MachineRef, QueueReading, SetAside, Shape, Span, Stage, TaskSeen, Text,
    Time, WorkerSeen, WorkerState,
};
use crate::reader::Reader;

/// The script; what it answers is [`Answer`].
const READING: &str = include_str!("reading.lua");
/// What the settings call the queues.
const QUEUES: Words = Words { many: "queues", shaped: "shaped_queues", one: "queue" };
/// Tasks that are told one by one; beyond, only their number is.
const TASKS_MAX: u32 = 20_000;
/// Machines that were asked to take no more.
const DRAINED: Mark = Mark("farmscale:bullmq:drained");
/// The longest that a task is believed to have run.
const TOOK_MAX: Span = Span::days(366);

/// Queues, names in the drained set.
type Answer = (Vec<QueueAnswer>, Vec<String>);
/// Waiting, stalled, running, delayed, waiting for children; whether it is paused, whether its jobs are
/// told, and they.
type QueueAnswer = (u64, u64, u64, u64, u64, u64, u64, Vec<JobAnswer>);
/// Id, stage; when it was added, started and ended, in milliseconds; name, worker.
type JobAnswer = (String, String, String, String, String, String, String);

/// The source.
struct BullMq {
    link: Link,
    prefix: String,
    queues: Vec<Shaped>,
}

pub(super) fn open(name: &str, settings: &mut Reader<'_>) -> Option<Box<dyn Source>> {
    let link = Link::read(settings);
    let prefix = settings.text("prefix", BULLMQ_PREFIX);
    let queues = shaped::read(settings, QUEUES, name);
    Some(Box::new(BullMq { link: link?, prefix, queues }))
}

#[async_trait]
impl Source for BullMq {
    fn place(&self) -> &str {
        self.link.place()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::of([Can::Jobs, Can::Durations, Can::Busy, Can::Drain, Can::Forget])
            .with(Can::Gpus, shaped::tell(&self.queues))
    }

    fn claims(&self) -> Vec<Claim> {
        let key = |(name, _): &Shaped| {
            Claim::one(&self.link.server, &format!("{}:{name}", self.prefix), QUEUES.many)
        };
        self.queues.iter().map(key).collect()
    }

    /// First who is connected, then the keys: who comes in between is seen next time.
    async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        let clients: String = self.link.ask(redis::cmd("CLIENT").arg("LIST")).await?;
        let mut script = redis::cmd("EVAL");
        script.arg(READING).arg(0).arg(&self.prefix).arg(TASKS_MAX).arg(DRAINED.0);
        for (queue, _) in &self.queues {
            script.arg(queue);
        }
        let answer: Answer = self.link.ask(&script).await?;
        Ok(self.reading(&clients, answer, asked_at))
    }

    async fn drain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.link.ask::<u64>(&DRAINED.set(machine)).await.map(drop)
    }

    async fn undrain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.link.ask::<u64>(&DRAINED.unset(machine)).await.map(drop)
    }

    async fn forget(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.undrain(machine).await
    }
}

impl BullMq {
    fn reading(&self, clients: &str, (queues, drained): Answer, asked_at: Time) -> QueueReading {
        let mut reading = QueueReading { asked_at, ..QueueReading::default() };
        let whole = queues.iter().all(|queue| queue.6 == 1);
        let (mut tasks, mut jobs, mut busy) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        for ((name, shape), queue) in self.queues.iter().zip(queues) {
            let (waiting, stalled, running, delayed, parents, paused, _, told) = queue;
            let is_paused = paused == 1;
            let queued = if is_paused { 0 } else { waiting };
            reading.work.push(shaped::work(*shape, queued + stalled, Some(running)));
            let held = [
                (waiting - queued, "the queue is paused"),
                (delayed, "has a time to start"),
                (parents, "waits for its children"),
            ];
            for (tasks, why) in held.into_iter().filter(|(tasks, _)| *tasks != 0) {
                let tasks = u32::try_from(tasks).unwrap_or(u32::MAX);
                reading.held.push(Held { tasks, why: format!("{name}: {why}").into() });
            }
            for job in told {
                let seen = task(&job, *shape);
                count_in_job(&mut jobs, &job.5, seen.as_ref().map(|seen| seen.stage));
                if job.1 == "running" {
                    busy.insert(job.6);
                }
                tasks.extend(seen.filter(|seen| !is_paused || seen.stage != Stage::Waiting));
            }
        }
        let waiting = tasks.iter().filter(|task: &&TaskSeen| task.stage == Stage::Waiting);
        let oldest = waiting.map(|task| task.submitted_at).min();
        reading.oldest_wait =
            oldest.map(|at| asked_at.since(at)).filter(|wait| Span::ZERO <= *wait);
        if whole {
            reading.jobs = Some(jobs.into_values().collect());
            reading.tasks = Some(tasks);
        }
        let (workers, set_aside) = self.workers(&self.connected(clients), &busy, &drained);
        (reading.workers, reading.set_aside) = (Some(workers), set_aside);
        reading
    }

    /// The names of connected workers of our queues; one without a name has an empty one.
    fn connected(&self, clients: &str) -> BTreeSet<String> {
        let names: Vec<String> =
            self.queues.iter().map(|(queue, _)| STANDARD.encode(queue)).collect();
        let of_line = |line: &str| {
            let name = line.split(' ').find_map(|word| word.strip_prefix("name="))?;
            let rest = name.strip_prefix(&self.prefix)?.strip_prefix(':')?;
            let rest = names.iter().find_map(|queue| rest.strip_prefix(queue.as_str()))?;
            match rest {
                "" => Some(String::new()),
                _ => rest.strip_prefix(":w:").map(str::to_owned),
            }
        };
        clients.lines().filter_map(of_line).collect()
    }

    /// A worker runs on the machine that its name begins with, up to a `/`.
    fn workers(
        &self,
        connected: &BTreeSet<String>,
        busy: &BTreeSet<String>,
        drained: &[String],
    ) -> (Vec<WorkerSeen>, Vec<SetAside>) {
        let (mut seen, mut set_aside) = (Vec::new(), Vec::new());
        for name in connected.union(busy) {
            let machine = name.split('/').next().unwrap_or_default();
            if machine.is_empty() {
                let why = "has no name: give its Worker `name: os.hostname()`".into();
                let name = format!("a worker at {}", self.prefix).into();
                set_aside.push(SetAside { name, why, instance: None });
                continue;
            }
            let state = if busy.contains(name) { WorkerState::Busy } else { WorkerState::Idle };
            let (worker, instance) = (Text::from(name.as_str()), Text::from(machine));
            seen.push(WorkerSeen { worker, instance, state });
        }
        seen.extend(marks::ended(drained, &seen));
        (seen, set_aside)
    }
}

/// A job as a task; `None` if its record is gone or tells no times.
fn task(
    (id, stage, added, started, ended, name, _): &JobAnswer,
    shape: Option<Shape>,
) -> Option<TaskSeen> {
    let time = |text: &str| text.parse().ok().map(Time);
    let submitted_at = time(added)?;
    let stage = match stage.as_str() {
        "waiting" => Stage::Waiting,
        "running" => Stage::Running { since: time(started).unwrap_or(submitted_at) },
        _ => {
            let (since, at) = (time(started)?, time(ended)?);
            let took = at.since(since);
            Stage::Ended { at, took: (Span::ZERO <= took && took <= TOOK_MAX).then_some(took)? }
        }
    };
    let job = (!name.is_empty()).then(|| number(name));
    Some(TaskSeen { id: number(id), job, shape, submitted_at, stage })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::try_read;

    fn source() -> BullMq {
        let (source, faults) = try_read("queues = [\"frames\"]", |settings| {
            let link = Link::read(settings)?;
            let prefix = settings.text("prefix", BULLMQ_PREFIX);
            Some(BullMq { link, prefix, queues: shaped::read(settings, QUEUES, "render") })
        });
        assert_eq!(faults, Vec::new());
        source.unwrap()
    }

    const CLIENTS: &str = "id=3 addr=127.0.0.1:1 name= age=1\n\
                           id=5 addr=127.0.0.1:2 name=bull:ZnJhbWVz:w:ins-1/2 age=1\n\
                           id=6 addr=127.0.0.1:3 name=bull:b3RoZXI=:w:ins-9 age=1\n\
                           id=7 addr=127.0.0.1:4 name=bull:ZnJhbWVz:qe age=1\n";

    #[test]
    fn who_is_connected_or_holds_a_job_is_a_worker() {
        let source = source();
        let connected = source.connected(CLIENTS);
        assert_eq!(connected.iter().collect::<Vec<_>>(), ["ins-1/2"]);
        let busy = BTreeSet::from(["ins-2".to_owned()]);
        let (seen, aside) = source.workers(&connected, &busy, &["ins-3".to_owned()]);
        let told: Vec<_> = seen.iter().map(|one| (&*one.instance, one.state)).collect();
        let (idle, at_work) = (("ins-1", WorkerState::Idle), ("ins-2", WorkerState::Busy));
        assert_eq!(told, [idle, at_work, ("ins-3", WorkerState::Drained)]);
        assert_eq!(aside, Vec::new());
    }

    #[test]
    fn a_worker_without_a_name_may_be_on_any_machine() {
        let source = source();
        let clients = "id=5 addr=127.0.0.1:2 name=bull:ZnJhbWVz age=1\n";
        let (seen, aside) = source.workers(&source.connected(clients), &BTreeSet::new(), &[]);
        assert_eq!((seen.len(), aside.len()), (0, 1));
        assert!(aside[0].instance.is_none() && aside[0].why.contains("os.hostname()"));
    }

    #[test]
    fn paused_work_is_no_demand_and_stalled_work_is() {
        let queue = (3, 1, 2, 4, 5, 1, 0, Vec::new());
        let reading = source().reading("", (vec![queue], Vec::new()), Time::default());
        assert_eq!((reading.queued(), reading.running()), (1, 2));
        assert_eq!(reading.held.iter().map(|held| held.tasks).collect::<Vec<_>>(), [3, 4, 5]);
        assert_eq!(reading.tasks, None, "not told one by one");
    }
}
