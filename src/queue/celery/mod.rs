//! Celery on a Redis broker: what waits stands in its lists, what runs is asked of the workers
//! themselves, as `celery inspect` does. A drained worker lives on without a queue to consume.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::redis_link::Link;
use super::shaped::{self, Shaped, Words};
use super::source::{Can, Capabilities, Claim, Source};
use crate::defaults::queue::ANSWER_WAIT;
use crate::model::{
    Held, LookFailure, MachineRef, QueueReading, SetAside, Span, Time, WorkerSeen, WorkerState,
};
use crate::reader::Reader;

/// The script; what it answers are [`Counts`].
const COUNTS: &str = include_str!("counts.lua");
/// Between a queue's name and a priority, in kombu's keys.
const SEPARATOR: &str = "\u{6}\u{16}";
/// What the settings call the queues.
const QUEUES: Words = Words { many: "queues", shaped: "shaped_queues", one: "queue" };
/// What every worker is asked.
const QUESTIONS: [&str; 4] = ["active", "reserved", "scheduled", "active_queues"];
/// Between two looks at the answers.
const STEP: Duration = Duration::from_millis(50);

/// What waits in each queue; messages that workers hold.
type Counts = (Vec<u64>, u64);

/// The source.
struct Celery {
    link: Link,
    queues: Vec<Shaped>,
    /// How long workers may take to answer.
    answer_wait: Span,
}

/// What one worker has said of itself.
#[derive(Debug, Default)]
struct Node {
    active: Option<Vec<Request>>,
    reserved: Option<Vec<Request>>,
    scheduled: Option<Vec<Scheduled>>,
    queues: Option<Vec<Named>>,
}

#[derive(Debug, Deserialize)]
struct Request {
    #[serde(default)]
    acknowledged: bool,
    delivery_info: Option<Delivery>,
}

#[derive(Debug, Deserialize)]
struct Delivery {
    routing_key: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Scheduled {
    request: Request,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

pub(super) fn open(name: &str, settings: &mut Reader<'_>) -> Option<Box<dyn Source>> {
    let link = Link::read(settings);
    let queues = shaped::read(settings, QUEUES, name);
    let answer_wait = settings.span("answer_wait", ANSWER_WAIT, Span::millis(100));
    Some(Box::new(Celery { link: link?, queues, answer_wait }))
}

#[async_trait]
impl Source for Celery {
    fn place(&self) -> &str {
        self.link.place()
    }

    fn capabilities(&self) -> Capabilities {
        let gpus = shaped::tell(&self.queues);
        Capabilities::of([Can::Busy, Can::Drain]).with(Can::Gpus, gpus)
    }

    fn claims(&self) -> Vec<Claim> {
        let list = |(name, _): &Shaped| Claim::one(&self.link.server, name, "queues");
        self.queues.iter().map(list).collect()
    }

    async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        // before the workers are asked: a task that is taken meanwhile is counted twice, never missed
        let mut script = redis::cmd("EVAL");
        script.arg(COUNTS).arg(0).arg(SEPARATOR);
        for (queue, _) in &self.queues {
            script.arg(queue);
        }
        let counts: Counts = self.link.ask(&script).await?;
        let (nodes, silent) = self.inspect().await?;
        Ok(self.reading(&nodes, silent, counts, asked_at))
    }

    async fn drain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.control("cancel_consumer", machine).await
    }

    async fn undrain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.control("add_consumer", machine).await
    }
}

impl Celery {
    /// Asks all workers; returns what they say, and how many have not said all in time.
    async fn inspect(&self) -> Result<(BTreeMap<String, Node>, u64), LookFailure> {
        let me = Uuid::new_v4().to_string();
        let replies = format!("{me}.reply.celery.pidbox");
        let binding = format!("{me}{SEPARATOR}{SEPARATOR}{replies}");
        let table = "_kombu.binding.reply.celery.pidbox";
        self.link.ask::<u64>(redis::cmd("SADD").arg(table).arg(&binding)).await?;
        let asked = self.questions(&me, &replies).await;
        // whatever came of it: nothing of ours stays
        self.link.ask::<u64>(redis::cmd("SREM").arg(table).arg(&binding)).await?;
        self.link.ask::<u64>(redis::cmd("DEL").arg(&replies)).await?;
        let (workers, answers) = asked?;
        let nodes = understood(&answers);
        let whole = nodes.values().filter(|node| node.is_whole()).count();
        Ok((nodes, workers.saturating_sub(u64::try_from(whole).unwrap_or(0))))
    }

    async fn questions(&self, me: &str, replies: &str) -> Result<(u64, Vec<String>), LookFailure> {
        // one that comes or goes meanwhile hears some of them
        let (mut workers, mut wanted) = (0, 0_u64);
        for question in QUESTIONS {
            let reply_to = json!({ "exchange": "reply.celery.pidbox", "routing_key": me });
            let message = json!({
                "method": question, "arguments": {}, "destination": null, "pattern": null,
                "matcher": null, "ticket": question, "reply_to": reply_to,
            });
            let heard = self.broadcast(&message).await?;
            workers = heard.max(workers);
            wanted = wanted.saturating_add(heard);
        }
        let mut waited = Duration::ZERO;
        let late = self.answer_wait.to_std();
        let mut length = redis::cmd("LLEN");
        length.arg(replies);
        while waited < late && self.link.ask::<u64>(&length).await? < wanted {
            #[expect(
                clippy::disallowed_methods,
                reason = "a pause of real time between two questions"
            )]
            tokio::time::sleep(STEP).await;
            waited += STEP;
        }
        let answers = self.link.ask(redis::cmd("LRANGE").arg(replies).arg(0).arg(-1)).await?;
        Ok((workers, answers))
    }

    /// Tells all workers; returns how many hear it.
    async fn broadcast(&self, message: &Value) -> Result<u64, LookFailure> {
        let envelope = json!({
            "body": BASE64.encode(message.to_string()),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": { "clock": 1 },
            "properties": {
                "delivery_mode": 2, "priority": 0, "body_encoding": "base64",
                "delivery_info": { "exchange": "celery.pidbox", "routing_key": "" },
                "delivery_tag": Uuid::new_v4().to_string(),
            },
        });
        let channel = format!("/{}.celery.pidbox", self.link.database);
        self.link.ask(redis::cmd("PUBLISH").arg(channel).arg(envelope.to_string())).await
    }

    async fn control(&self, method: &str, machine: &MachineRef) -> Result<(), LookFailure> {
        let workers: Vec<&str> = machine.workers.iter().map(|worker| &**worker).collect();
        if workers.is_empty() {
            return Ok(());
        }
        for (queue, _) in &self.queues {
            let message = json!({
                "method": method, "arguments": { "queue": queue }, "destination": workers,
                "pattern": null, "matcher": null,
            });
            self.broadcast(&message).await?;
        }
        Ok(())
    }

    fn reading(
        &self,
        nodes: &BTreeMap<String, Node>,
        silent: u64,
        (waiting, unacked): Counts,
        asked_at: Time,
    ) -> QueueReading {
        let mut reading = QueueReading { asked_at, ..QueueReading::default() };
        let held = |what: &dyn Fn(&Node) -> usize| nodes.values().map(what).sum::<usize>();
        for ((queue, shape), waiting) in self.queues.iter().zip(waiting) {
            let count = |requests: &Option<Vec<Request>>| {
                requests.iter().flatten().filter(|request| request.is_of(queue)).count()
            };
            let taken = held(&|node| count(&node.reserved));
            let running = held(&|node| count(&node.active));
            let [taken, running] = [taken, running].map(|one| u64::try_from(one).unwrap_or(0));
            reading.work.push(shaped::work(*shape, waiting.saturating_add(taken), Some(running)));
        }
        let timed = held(&|node| node.scheduled.iter().flatten().count());
        let known = held(&Node::unacknowledged);
        let lost = unacked.saturating_sub(u64::try_from(known).unwrap_or(u64::MAX));
        let why = "was taken by workers that are gone: comes back after `visibility_timeout`";
        for (tasks, why) in
            [(timed, "has a time to start"), (usize::try_from(lost).unwrap_or(0), why)]
        {
            // while workers are silent it may well be they who hold it
            if tasks != 0 && (silent == 0 || tasks == timed) {
                let tasks = u32::try_from(tasks).unwrap_or(u32::MAX);
                reading.held.push(Held { tasks, why: why.into() });
            }
        }
        reading.workers =
            Some(nodes.iter().filter_map(|(name, node)| self.worker(name, node)).collect());
        if silent != 0 {
            let why = format!(
                "did not answer within {} s; a worker with `--pool solo` cannot while it works: \
                 use prefork or threads, or raise `answer_wait`",
                self.answer_wait.as_seconds()
            );
            let name = format!("{silent} worker(s)").into();
            reading.set_aside.push(SetAside { name, why: why.into(), instance: None });
        }
        reading
    }

    /// A worker of our queues, or one that holds our tasks, or one without any queue: it was drained.
    fn worker(&self, name: &str, node: &Node) -> Option<WorkerSeen> {
        if !node.is_whole() {
            return None;
        }
        let serves = |queue: &Named| self.queues.iter().any(|(ours, _)| *ours == queue.name);
        let holds = node.held().any(|one| self.queues.iter().any(|(ours, _)| one.is_of(ours)));
        let queues = node.queues.as_deref().unwrap_or_default();
        if !(queues.is_empty() || queues.iter().any(serves) || holds) {
            return None;
        }
        let state = match (node.held().next().is_some(), queues.is_empty()) {
            (true, _) => WorkerState::Busy,
            (false, true) => WorkerState::Drained,
            (false, false) => WorkerState::Idle,
        };
        let machine = name.rsplit_once('@').map_or(name, |(_, host)| host);
        Some(WorkerSeen { worker: name.into(), instance: machine.into(), state })
    }
}

impl Request {
    fn is_of(&self, queue: &str) -> bool {
        let key = self.delivery_info.as_ref().and_then(|info| info.routing_key.as_deref());
        key == Some(queue)
    }
}

impl Node {
    fn is_whole(&self) -> bool {
        let Self { active, reserved, scheduled, queues } = self;
        active.is_some() && reserved.is_some() && scheduled.is_some() && queues.is_some()
    }

    /// Everything that would be lost, or late, with this worker.
    fn held(&self) -> impl Iterator<Item = &Request> {
        let scheduled = self.scheduled.iter().flatten().map(|one| &one.request);
        self.active.iter().chain(&self.reserved).flatten().chain(scheduled)
    }

    fn unacknowledged(&self) -> usize {
        self.held().filter(|request| !request.acknowledged).count()
    }
}

/// Answers by worker. What is not an answer is left out: its worker counts as silent.
fn understood(answers: &[String]) -> BTreeMap<String, Node> {
    let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
    for answer in answers {
        let Some((question, replies)) = reply(answer) else { continue };
        for (name, said) in replies {
            let node = nodes.entry(name).or_default();
            match question.as_str() {
                "active" => node.active = serde_json::from_value(said).ok(),
                "reserved" => node.reserved = serde_json::from_value(said).ok(),
                "scheduled" => node.scheduled = serde_json::from_value(said).ok(),
                // a worker without a queue may say null
                "active_queues" => {
                    let said = if said.is_null() { json!([]) } else { said };
                    node.queues = serde_json::from_value(said).ok();
                }
                _ => {}
            }
        }
    }
    nodes
}

/// Which question a message answers, and what each worker in it says.
fn reply(message: &str) -> Option<(String, serde_json::Map<String, Value>)> {
    let envelope: Value = serde_json::from_str(message).ok()?;
    let question = envelope.pointer("/headers/ticket")?.as_str()?.to_owned();
    let body = BASE64.decode(envelope.get("body")?.as_str()?).ok()?;
    let replies: serde_json::Map<String, Value> = serde_json::from_slice(&body).ok()?;
    Some((question, replies))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(question: &str, said: &Value) -> String {
        let body = BASE64.encode(json!({ "w1@ins-1": said }).to_string());
        json!({ "headers": { "ticket": question }, "body": body }).to_string()
    }

    #[test]
    fn a_worker_that_has_not_said_all_is_silent() {
        let task = json!([{ "acknowledged": true, "delivery_info": { "routing_key": "frames" } }]);
        let mut answers = vec![
            message("active", &task),
            message("reserved", &json!([])),
            message("scheduled", &json!([])),
            "noise".to_owned(),
        ];
        assert!(!understood(&answers)["w1@ins-1"].is_whole());
        answers.push(message("active_queues", &Value::Null));
        let nodes = understood(&answers);
        let node = &nodes["w1@ins-1"];
        assert!(node.is_whole());
        assert_eq!((node.held().count(), node.unacknowledged()), (1, 0));
        assert!(node.held().all(|request| request.is_of("frames")));
    }
}
