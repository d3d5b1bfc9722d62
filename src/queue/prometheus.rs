//! Prometheus: the answers of instant queries. An empty answer is unknown, never zero: it is what a
//! series gives when its exporter is down.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;

use super::fault::cut;
use super::shaped;
use super::source::{Capabilities, Claim, Source};
use super::web::{self, Web};
use crate::defaults::queue::{AGE_MAX, PROMETHEUS_URL};
use crate::model::{LookFailure, QueueReading, Refusal, Span, Time};
use crate::reader::Reader;

/// Longest quotation of a query, in characters.
const QUOTE_MAX: usize = 60;

/// The source.
struct Prometheus {
    web: Web,
    queued: String,
    running: Option<String>,
    oldest_wait_s: Option<String>,
    /// The query for the age of what the others count, and how old it may be.
    age: Option<(String, Span)>,
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Value,
}

pub(super) fn open(_name: &str, settings: &mut Reader<'_>) -> Option<Box<dyn Source>> {
    let web = Web::read(settings, PROMETHEUS_URL);
    let remedy = "the query that counts waiting tasks, as in sum(render_tasks_waiting)";
    let queued = settings.required_text("queued", remedy);
    let running = settings.text_or_none("running");
    let oldest_wait_s = settings.text_or_none("oldest_wait_s");
    let age = settings.text_or_none("age_s");
    let age_max = settings.span("age_max", AGE_MAX, Span::seconds(1));
    let age = age.map(|query| (query, age_max));
    Some(Box::new(Prometheus { web: web?, queued, running, oldest_wait_s, age }))
}

#[async_trait]
impl Source for Prometheus {
    fn place(&self) -> &str {
        self.web.place()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn claims(&self) -> Vec<Claim> {
        vec![Claim::one(&self.web.server(), &self.queued, "queued")]
    }

    async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        if let Some((query, most)) = &self.age {
            self.check_age(query, *most).await?;
        }
        let queued = self.count(&self.queued).await?;
        let running = match &self.running {
            Some(query) => Some(self.count(query).await?),
            None => None,
        };
        let oldest_wait = match &self.oldest_wait_s {
            Some(query) => Some(self.seconds(query).await?),
            None => None,
        };
        let work = vec![shaped::work(None, queued, running)];
        Ok(QueueReading { asked_at, work, oldest_wait, ..QueueReading::default() })
    }
}

impl Prometheus {
    async fn check_age(&self, query: &str, most: Span) -> Result<(), LookFailure> {
        let age = self.seconds(query).await?;
        if age <= most {
            return Ok(());
        }
        let problem = format!(
            "what it counts is {} s old, more than `age_max`: is the exporter running?",
            age.as_seconds()
        );
        Err(self.web.failure(Refusal::Other, &problem))
    }

    /// A number of tasks; a part of one is one.
    async fn count(&self, query: &str) -> Result<u64, LookFailure> {
        let value = self.value(query).await?;
        let text = format!("{:.0}", value.ceil());
        text.parse()
            .ok()
            .ok_or_else(|| self.wrong(query, &format!("is {value}, not a number of tasks")))
    }

    async fn seconds(&self, query: &str) -> Result<Span, LookFailure> {
        let value = self.value(query).await?;
        let span = std::time::Duration::try_from_secs_f64(value.max(0.0));
        let span = span.ok().map(Span::from_std);
        span.ok_or_else(|| self.wrong(query, &format!("is {value}, not seconds")))
    }

    /// The one number that a query gives.
    async fn value(&self, query: &str) -> Result<f64, LookFailure> {
        let mut url = self.web.at("api/v1/query");
        url.query_pairs_mut().append_pair("query", query);
        let body = self.web.get(url).await?;
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|error| self.wrong(query, &web::no_json(&body, &error)))?;
        number(&answer.data).map_err(|problem| self.wrong(query, &problem))
    }

    fn wrong(&self, query: &str, problem: &str) -> LookFailure {
        self.web.failure(Refusal::Config, &format!("`{}` {problem}", cut(query, QUOTE_MAX)))
    }
}

/// A scalar, or the only element of a vector.
fn number(data: &Data) -> Result<f64, String> {
    let pair = match (data.result_type.as_str(), &data.result) {
        ("scalar", pair) => pair,
        ("vector", Value::Array(elements)) => match elements.as_slice() {
            [] => {
                return Err("gives nothing, which is unknown and not zero: is the exporter down? \
                            Where no series means none write `… or vector(0)`"
                    .to_owned());
            }
            [one] => one.get("value").unwrap_or(&Value::Null),
            many => return Err(format!("gives {} series: write `sum(…)`", many.len())),
        },
        (kind, _) => return Err(format!("gives a {}: one number is wanted", cut(kind, 20))),
    };
    let text = pair.get(1).and_then(Value::as_str);
    let number = text.and_then(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite());
    number.ok_or_else(|| format!("is {}, not a number", text.unwrap_or("missing")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(kind: &str, result: Value) -> Result<f64, String> {
        number(&Data { result_type: kind.to_owned(), result })
    }

    #[test]
    fn only_one_finite_number_is_a_number() {
        assert_eq!(read("scalar", json!([1.5, "3"])), Ok(3.0));
        assert_eq!(read("vector", json!([{ "metric": {}, "value": [1.5, "42"] }])), Ok(42.0));
        for (kind, result, said) in [
            ("vector", json!([]), "unknown and not zero"),
            ("vector", json!([{ "value": [1, "1"] }, { "value": [1, "2"] }]), "sum("),
            ("scalar", json!([1.5, "NaN"]), "NaN"),
            ("scalar", json!([1.5, "+Inf"]), "Inf"),
            ("string", json!([1.5, "x"]), "a string"),
            ("scalar", json!([1.5, 3]), "missing"),
        ] {
            let told = read(kind, result).unwrap_err();
            assert!(told.contains(said), "{told}");
        }
    }
}
