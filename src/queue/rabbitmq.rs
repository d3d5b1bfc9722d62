//! `RabbitMQ`, by its management API: what waits and is held in each queue, and by whose connections.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::shaped::{self, Shaped, Words};
use super::source::{Can, Capabilities, Claim, Source};
use super::web::{self, Web, escaped};
use crate::defaults::queue::{RABBITMQ_URL, VHOST};
use crate::model::{
    LookFailure, QueueReading, Refusal, SetAside, Span, Text, Time, WorkerSeen, WorkerState,
};
use crate::reader::Reader;

/// What the settings call the queues.
const QUEUES: Words = Words { many: "queues", shaped: "shaped_queues", one: "queue" };

/// The source.
struct RabbitMq {
    web: Web,
    vhost: String,
    queues: Vec<Shaped>,
}

#[derive(Deserialize)]
struct Queue {
    /// Missing until the broker has first counted.
    messages_ready: Option<u64>,
    messages_unacknowledged: Option<u64>,
    /// Seconds since 1970, where publishers write `timestamp`.
    head_message_timestamp: Option<i64>,
}

#[derive(Deserialize)]
struct Consumer {
    queue: Named,
    channel_details: ChannelOf,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct ChannelOf {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Channel {
    name: String,
    messages_unacknowledged: Option<u64>,
    connection_details: Option<ConnectionOf>,
}

#[derive(Deserialize)]
struct ConnectionOf {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Connection {
    name: String,
    /// What the worker calls its connection.
    user_provided_name: Option<String>,
}

pub(super) fn open(name: &str, settings: &mut Reader<'_>) -> Option<Box<dyn Source>> {
    let web = Web::read(settings, RABBITMQ_URL);
    let vhost = settings.text("vhost", VHOST);
    let queues = shaped::read(settings, QUEUES, name);
    Some(Box::new(RabbitMq { web: web?, vhost, queues }))
}

#[async_trait]
impl Source for RabbitMq {
    fn place(&self) -> &str {
        self.web.place()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::of([Can::Busy]).with(Can::Gpus, shaped::tell(&self.queues))
    }

    fn claims(&self) -> Vec<Claim> {
        let queue = |(name, _): &Shaped| {
            Claim::one(&self.web.server(), &format!("{} {name}", self.vhost), "queues")
        };
        self.queues.iter().map(queue).collect()
    }

    async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        let mut reading = QueueReading { asked_at, ..QueueReading::default() };
        for (name, shape) in &self.queues {
            let queue: Queue = self.get(&["queues", &self.vhost, name], "").await?;
            let (Some(ready), Some(held)) = (queue.messages_ready, queue.messages_unacknowledged)
            else {
                let problem = format!("queue {name}: the broker has not counted it yet");
                return Err(self.web.failure(Refusal::Other, &problem));
            };
            reading.work.push(shaped::work(*shape, ready, Some(held)));
            let head = queue.head_message_timestamp.filter(|_| ready != 0).map(Time::from_seconds);
            let wait = head.map(|at| asked_at.since(at)).filter(|wait| Span::ZERO <= *wait);
            reading.oldest_wait = reading.oldest_wait.max(wait);
        }
        let consumers: Vec<Consumer> = self.get(&["consumers", &self.vhost], "").await?;
        let channels: Vec<Channel> = self
            .get(&["channels"], "columns=name,messages_unacknowledged,connection_details.name")
            .await?;
        let connections: Vec<Connection> =
            self.get(&["connections"], "columns=name,user_provided_name").await?;
        let (workers, set_aside) = self.workers(&consumers, &channels, &connections);
        reading.workers = Some(workers);
        reading.set_aside = set_aside;
        Ok(reading)
    }
}

impl RabbitMq {
    async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &str) -> Result<T, LookFailure> {
        let path: Vec<String> = path.iter().map(|part| escaped(part)).collect();
        let mut url = self.web.at(&format!("api/{}", path.join("/")));
        url.set_query((!query.is_empty()).then_some(query));
        let body = self.web.get(url).await?;
        serde_json::from_slice(&body).map_err(|error| {
            let problem = format!("{}: {}", path.join("/"), web::no_json(&body, &error));
            self.web.failure(Refusal::Config, &problem)
        })
    }

    /// A worker is a channel that consumes one of our queues; it runs where its connection is called
    /// after. It is busy while it has messages that it has not acknowledged.
    fn workers(
        &self,
        consumers: &[Consumer],
        channels: &[Channel],
        connections: &[Connection],
    ) -> (Vec<WorkerSeen>, Vec<SetAside>) {
        let names: BTreeMap<&str, &str> = connections
            .iter()
            .filter_map(|one| Some((one.name.as_str(), one.user_provided_name.as_deref()?)))
            .collect();
        let channels: BTreeMap<&str, &Channel> =
            channels.iter().map(|channel| (channel.name.as_str(), channel)).collect();
        let (mut seen, mut set_aside) = (BTreeMap::new(), Vec::new());
        for consumer in consumers {
            if !self.queues.iter().any(|(ours, _)| *ours == consumer.queue.name) {
                continue;
            }
            let name = consumer.channel_details.name.as_deref().unwrap_or_default();
            let channel = channels.get(name);
            let connection = channel.and_then(|channel| channel.connection_details.as_ref());
            let connection = connection.and_then(|connection| connection.name.as_deref());
            let machine = connection.and_then(|connection| names.get(connection));
            let held = channel.and_then(|channel| channel.messages_unacknowledged);
            let worker: Text = name.into();
            let Some(machine) = machine else {
                set_aside.push(SetAside {
                    name: worker,
                    why: "consumes a queue of ours, but its connection has no name: name it after \
                          the machine (docs/queues/rabbitmq.md)"
                        .into(),
                    instance: None,
                });
                continue;
            };
            // what was not counted yet may be a task
            let is_idle = held == Some(0);
            let state = if is_idle { WorkerState::Idle } else { WorkerState::Busy };
            let instance = Text::from(*machine);
            seen.insert(Text::clone(&worker), WorkerSeen { worker, instance, state });
        }
        (seen.into_values().collect(), set_aside)
    }
}
