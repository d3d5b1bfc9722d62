//! RQ, by its keys in Redis. A drained worker ends after its job; its unit starts it again when the
//! request is taken back (docs/queues/rq.md).

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::json;

use super::marks::{self, Mark};
use super::redis_link::Link;
use super::shaped::{self, Shaped, Words};
use super::source::{Can, Capabilities, Claim, Source};
use super::tasks::{count_in_job, number};
use crate::model::{
    Held, LookFailure, MachineRef, QueueReading, SetAside, Shape, Span, Stage, TaskSeen, Time,
    WorkerSeen, WorkerState,
};
use crate::reader::Reader;

/// The script; what it answers is [`Answer`].
const READING: &str = include_str!("reading.lua");
/// What the settings call the queues.
const QUEUES: Words = Words { many: "queues", shaped: "shaped_queues", one: "queue" };
/// Tasks that are told one by one; beyond, only their number is.
const TASKS_MAX: u32 = 20_000;
/// Machines that were asked to take no more.
const DRAINED: Mark = Mark("farmscale:rq:drained");
/// The longest that a task is believed to have run.
const TOOK_MAX: Span = Span::days(366);

/// Queues, workers, names in the drained set, whether all is suspended.
type Answer = (Vec<QueueAnswer>, Vec<WorkerAnswer>, Vec<String>, u64);
/// Waiting, running, deferred, scheduled; whether its jobs are told, and they.
type QueueAnswer = (u64, u64, u64, u64, u64, Vec<JobAnswer>);
/// Id, stage; when it was enqueued, started and ended; function.
type JobAnswer = (String, String, String, String, String, String);
/// Name, host name, state, current job, queues.
type WorkerAnswer = (String, String, String, String, String);

/// The source.
struct Rq {
    link: Link,
    queues: Vec<Shaped>,
}

pub(super) fn open(name: &str, settings: &mut Reader<'_>) -> Option<Box<dyn Source>> {
    let link = Link::read(settings);
    let queues = shaped::read(settings, QUEUES, name);
    Some(Box::new(Rq { link: link?, queues }))
}

#[async_trait]
impl Source for Rq {
    fn place(&self) -> &str {
        self.link.place()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::of([Can::Jobs, Can::Durations, Can::Busy, Can::Drain, Can::Forget])
            .with(Can::Gpus, shaped::tell(&self.queues))
    }

    fn claims(&self) -> Vec<Claim> {
        let key = |(name, _): &Shaped| {
            Claim::one(&self.link.server, &format!("rq:queue:{name}"), "queues")
        };
        self.queues.iter().map(key).collect()
    }

    async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        let mut script = redis::cmd("EVAL");
        script.arg(READING).arg(0).arg(TASKS_MAX).arg(DRAINED.0);
        for (queue, _) in &self.queues {
            script.arg(queue);
        }
        let answer: Answer = self.link.ask(&script).await?;
        Ok(self.reading(answer, asked_at))
    }

    /// First the mark, by which a worker that starts now waits; then those that run are told.
    async fn drain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.link.ask::<u64>(&DRAINED.set(machine)).await?;
        for worker in &machine.workers {
            let mut tell = redis::cmd("PUBLISH");
            tell.arg(format!("rq:pubsub:{worker}"));
            tell.arg(json!({ "command": "shutdown" }).to_string());
            self.link.ask::<u64>(&tell).await?;
        }
        Ok(())
    }

    async fn undrain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.link.ask::<u64>(&DRAINED.unset(machine)).await.map(drop)
    }

    async fn forget(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.undrain(machine).await
    }
}

impl Rq {
    fn reading(
        &self,
        (queues, workers, drained, suspended): Answer,
        asked_at: Time,
    ) -> QueueReading {
        let mut reading = QueueReading { asked_at, ..QueueReading::default() };
        let whole = queues.iter().all(|queue| queue.4 == 1);
        let (mut tasks, mut jobs) = (Vec::new(), BTreeMap::new());
        for ((name, shape), queue) in self.queues.iter().zip(queues) {
            let (waiting, running, deferred, scheduled, _, told) = queue;
            let is_suspended = suspended == 1;
            let queued = if is_suspended { 0 } else { waiting };
            reading.work.push(shaped::work(*shape, queued, Some(running)));
            let held = [
                (waiting - queued, "RQ is suspended (rq resume)"),
                (deferred, "waits for other jobs"),
                (scheduled, "has a time to start"),
            ];
            for (tasks, why) in held.into_iter().filter(|(tasks, _)| *tasks != 0) {
                let tasks = u32::try_from(tasks).unwrap_or(u32::MAX);
                reading.held.push(Held { tasks, why: format!("{name}: {why}").into() });
            }
            for job in told {
                let seen = task(&job, *shape);
                count_in_job(&mut jobs, &job.5, seen.as_ref().map(|seen| seen.stage));
                tasks.extend(seen.filter(|seen| !is_suspended || seen.stage != Stage::Waiting));
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
        (reading.workers, reading.set_aside) = self.workers(&workers, &drained);
        reading
    }

    /// Who serves our queues, and machines that were asked to take no more and have nobody left.
    fn workers(
        &self,
        workers: &[WorkerAnswer],
        drained: &[String],
    ) -> (Option<Vec<WorkerSeen>>, Vec<SetAside>) {
        let (mut seen, mut set_aside) = (Vec::new(), Vec::new());
        for (name, host, state, job, queues) in workers {
            let serves = |queue: &str| self.queues.iter().any(|(ours, _)| ours == queue.trim());
            if !queues.split(',').any(serves) {
                continue;
            }
            if host.is_empty() {
                let why = "its record has no `hostname`: is its RQ older than 1.0?".into();
                set_aside.push(SetAside { name: name.as_str().into(), why, instance: None });
                continue;
            }
            let is_idle = job.is_empty() && state != "busy";
            let state = if is_idle { WorkerState::Idle } else { WorkerState::Busy };
            let (worker, instance) = (name.as_str().into(), host.as_str().into());
            seen.push(WorkerSeen { worker, instance, state });
        }
        seen.extend(marks::ended(drained, &seen));
        (Some(seen), set_aside)
    }
}

/// A job as a task; `None` if its record is gone or tells no times.
fn task(
    (id, stage, enqueued, started, ended, function): &JobAnswer,
    shape: Option<Shape>,
) -> Option<TaskSeen> {
    let submitted_at = time(enqueued)?;
    let stage = match stage.as_str() {
        "waiting" => Stage::Waiting,
        "running" => Stage::Running { since: time(started).unwrap_or(submitted_at) },
        _ => {
            let (since, at) = (time(started)?, time(ended)?);
            let took = at.since(since);
            Stage::Ended { at, took: (Span::ZERO <= took && took <= TOOK_MAX).then_some(took)? }
        }
    };
    let job = (!function.is_empty()).then(|| number(function));
    Some(TaskSeen { id: number(id), job, shape, submitted_at, stage })
}

/// RQ writes UTC as `2026-11-23T00:50:01.150620Z`.
fn time(text: &str) -> Option<Time> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Time(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::try_read;

    fn source() -> Rq {
        let text = "queues = [\"frames\"]";
        let (source, faults) = try_read(text, |settings| {
            let link = Link::read(settings)?;
            Some(Rq { link, queues: shaped::read(settings, QUEUES, "render") })
        });
        assert_eq!(faults, Vec::new());
        source.unwrap()
    }

    fn words(words: [&str; 5]) -> WorkerAnswer {
        let [worker, instance, state, job, queues] = words.map(str::to_owned);
        (worker, instance, state, job, queues)
    }

    #[test]
    fn a_drained_machine_is_drained_when_its_last_worker_has_ended() {
        let source = source();
        let busy = words(["w1", "ins-1", "busy", "j1", "frames"]);
        let other = words(["w2", "ins-2", "busy", "j2", "mail"]);
        let states = |workers: &[WorkerAnswer]| {
            let (seen, aside) = source.workers(workers, &["ins-1".to_owned()]);
            assert_eq!(aside, Vec::new());
            seen.unwrap().into_iter().map(|seen| seen.state).collect::<Vec<_>>()
        };
        assert_eq!(states(&[busy, other.clone()]), [WorkerState::Busy]);
        assert_eq!(states(&[other]), [WorkerState::Drained]);
    }

    #[test]
    fn suspended_work_is_no_demand() {
        let queue = (3, 1, 2, 0, 0, Vec::new());
        let reading = source().reading((vec![queue], vec![], vec![], 1), Time::default());
        assert_eq!((reading.queued(), reading.running()), (0, 1));
        assert_eq!(reading.held.iter().map(|held| held.tasks).collect::<Vec<_>>(), [3, 2]);
        assert_eq!(reading.tasks, None, "not told one by one");
    }
}
