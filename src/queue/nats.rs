//! NATS `JetStream`, by the server's monitoring page: what each consumer has not delivered, and what it
//! has delivered and nobody has acknowledged. It knows no workers.

use async_trait::async_trait;
use serde::Deserialize;

use super::shaped::{self, Shaped, Words};
use super::source::{Can, Capabilities, Claim, Source};
use super::web::{self, Web};
use crate::defaults::queue::NATS_ACCOUNT;
use crate::model::{Held, LookFailure, QueueReading, Refusal, Time};
use crate::reader::Reader;

/// What the settings call the consumers.
const CONSUMERS: Words = Words { many: "consumers", shaped: "shaped_consumers", one: "consumer" };

/// The source.
struct Nats {
    web: Web,
    account: String,
    /// Each `stream/consumer`.
    consumers: Vec<Shaped>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    account_details: Vec<Account>,
}

#[derive(Deserialize)]
struct Account {
    name: String,
    #[serde(default)]
    stream_detail: Vec<Stream>,
}

#[derive(Deserialize)]
struct Stream {
    name: String,
    cluster: Option<Cluster>,
    #[serde(default)]
    consumer_detail: Vec<Consumer>,
}

#[derive(Deserialize)]
struct Cluster {
    #[serde(default)]
    replicas: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Consumer {
    name: String,
    /// Messages that it has not delivered yet.
    num_pending: u64,
    /// Delivered, and not acknowledged.
    num_ack_pending: u64,
    #[serde(default)]
    paused: bool,
}

pub(super) fn open(name: &str, settings: &mut Reader<'_>) -> Option<Box<dyn Source>> {
    let web = Web::read(settings, "http://127.0.0.1:8222");
    let account = settings.text("account", NATS_ACCOUNT);
    let consumers = shaped::read(settings, CONSUMERS, &format!("{name}/workers"));
    for (consumer, _) in &consumers {
        let parts: Vec<&str> = consumer.split('/').collect();
        if parts.len() != 2 || parts.iter().any(|part| part.is_empty()) {
            settings.fault(CONSUMERS.many, format!("has \"{consumer}\": write stream/consumer"));
        }
    }
    Some(Box::new(Nats { web: web?, account, consumers }))
}

#[async_trait]
impl Source for Nats {
    fn place(&self) -> &str {
        self.web.place()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with(Can::Gpus, shaped::tell(&self.consumers))
    }

    fn claims(&self) -> Vec<Claim> {
        let claim = |(name, _): &Shaped| {
            Claim::one(&self.web.server(), &format!("{} {name}", self.account), CONSUMERS.many)
        };
        self.consumers.iter().map(claim).collect()
    }

    async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        let mut url = self.web.at("jsz");
        let asked = [("acc", self.account.as_str()), ("streams", "true"), ("consumers", "true")];
        url.query_pairs_mut().extend_pairs(asked);
        let body = self.web.get(url).await?;
        let page: Page = serde_json::from_slice(&body)
            .map_err(|error| self.web.failure(Refusal::Config, &web::no_json(&body, &error)))?;
        let mut reading = QueueReading { asked_at, ..QueueReading::default() };
        for (name, shape) in &self.consumers {
            let consumer = consumer(&page, &self.account, name)
                .map_err(|problem| self.web.failure(Refusal::Config, &problem))?;
            let waiting = consumer.num_pending;
            let queued = if consumer.paused { 0 } else { waiting };
            reading.work.push(shaped::work(*shape, queued, Some(consumer.num_ack_pending)));
            if queued != waiting {
                let tasks = u32::try_from(waiting).unwrap_or(u32::MAX);
                reading.held.push(Held { tasks, why: format!("{name}: is paused").into() });
            }
        }
        Ok(reading)
    }
}

/// What the page says of `stream/consumer`; an answer about another account is no answer.
fn consumer<'a>(page: &'a Page, account: &str, name: &str) -> Result<&'a Consumer, String> {
    let accounts = page.account_details.iter().filter(|one| one.name == account);
    let streams: Vec<&Stream> = accounts.flat_map(|one| &one.stream_detail).collect();
    let (stream, durable) = name.split_once('/').unwrap_or((name, ""));
    let Some(stream) = streams.iter().find(|one| one.name == stream) else {
        return Err(format!(
            "account {account} has no stream {stream}: create it, or mend the name"
        ));
    };
    if stream.cluster.as_ref().is_some_and(|cluster| !cluster.replicas.is_empty()) {
        return Err(format!(
            "stream {} is replicated, and only its leader knows what waits: use kind = \
             \"command\" with `nats consumer info --json`",
            stream.name
        ));
    }
    let found = stream.consumer_detail.iter().find(|one| one.name == durable);
    found.ok_or_else(|| format!("stream {} has no consumer {durable}", stream.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::try_read;
    use serde_json::json;

    #[test]
    fn a_consumer_is_named_with_its_stream() {
        for text in ["consumers = [\"frames\"]", "consumers = [\"a/\"]", "consumers = [\"a/b/c\"]"]
        {
            let (_, faults) = try_read(text, |settings| open("render", settings));
            assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            assert_eq!(faults[0].key, "t.consumers");
        }
    }

    #[test]
    fn a_number_that_only_the_leader_knows_is_not_taken() {
        let page = |replicas: usize| -> Page {
            let counts = json!({"name": "w", "num_pending": 4, "num_ack_pending": 1});
            let replicas = vec![json!({"name": "n2"}); replicas];
            let stream = json!({"name": "f", "cluster": {"leader": "n1", "replicas": replicas},
                                "consumer_detail": [counts]});
            let account = json!({"name": "$G", "stream_detail": [stream]});
            serde_json::from_value(json!({"account_details": [account]})).unwrap()
        };
        assert_eq!(consumer(&page(0), "$G", "f/w").map(|one| one.num_pending), Ok(4));
        let told = |page: &Page, account: &str, name: &str| {
            consumer(page, account, name).map(|one| one.num_pending).unwrap_err()
        };
        assert!(told(&page(2), "$G", "f/w").contains("only its leader"));
        assert!(told(&page(0), "$G", "f/x").contains("no consumer x"));
        assert!(told(&page(0), "other", "f/w").contains("no stream f"));
    }
}
