//! One signed call: throttled, bounded in time and size, and never repeated by itself.

use std::time::Duration;

use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::actions::{Action, Service};
use super::envelope::{self, Answer};
use super::error::CallError;
use super::sign::{Signed, Stamp};
use super::throttle::Throttle;
use super::turns::{Turn, Turns};
use super::{Credentials, Endpoints};
use crate::clock::Clock;
use crate::model::{Refusal, Span};

/// An answer larger than this is not read.
const ANSWER_MAX: usize = 16 << 20;
/// How often a read is sent that is refused for its rate.
const READ_TRIES: u32 = 3;

/// Signs and sends.
#[derive(Debug)]
pub struct Client {
    credentials: Credentials,
    endpoints: Endpoints,
    reads: reqwest::Client,
    changes: reqwest::Client,
    throttle: Throttle,
    turns: Turns,
    clock: Clock,
}

/// A call's parameters: in the address (GET) or as a JSON body (POST).
#[derive(Debug, Clone, PartialEq)]
pub enum Params {
    /// `key=value` pairs; empty values are left out.
    Query(Vec<(String, String)>),
    /// A JSON object.
    Body(Value),
}

impl Params {
    /// Pairs for the address.
    pub fn query(pairs: &[(&str, &str)]) -> Self {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::Query(pairs.collect())
    }
}

impl Client {
    /// Prepares two connections' pools: one for reads, and one for changes that never reuses a
    /// connection nor repeats a request, so that one call is at most one request on the wire.
    pub fn new(
        credentials: Credentials,
        endpoints: Endpoints,
        clock: Clock,
    ) -> Result<Self, CallError> {
        // Fails only if a provider is installed already, which serves as well.
        rustls::crypto::ring::default_provider().install_default().ok();
        let build = |timeout: Span, idle: usize| {
            let mut builder = reqwest::Client::builder()
                .connect_timeout(endpoints.connect_timeout.to_std())
                .timeout(timeout.to_std())
                .pool_max_idle_per_host(idle)
                .pool_idle_timeout(Duration::from_secs(20))
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .user_agent(concat!("farmscale/", env!("CARGO_PKG_VERSION")));
            if is_loopback(&endpoints.ecs) {
                builder = builder.no_proxy();
            }
            builder.build().map_err(|error| CallError::NotSent(error.to_string()))
        };
        let reads = build(endpoints.read_timeout, 8)?;
        let changes = build(endpoints.change_timeout, 0)?;
        let throttle = Throttle::new(endpoints.calls_per_second, clock.clone());
        let turns = Turns::default();
        Ok(Self { credentials, endpoints, reads, changes, throttle, turns, clock })
    }

    /// Where the services are.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// What time it is for the signature and for deadlines.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How many calls the server has refused for their rate.
    pub fn refused_for_rate(&self) -> u32 {
        self.throttle.refusals()
    }

    /// Waits until no other change of these machines or disks is being sent: the server refuses a
    /// second one, or worse.
    pub(super) async fn turns(&self, ids: &[&str]) -> Turn<'_> {
        self.turns.take(ids).await
    }

    /// Sends one call and opens its answer. A read that was refused for its rate is asked again,
    /// with a new signature; a change never is.
    pub async fn call(&self, action: &Action, params: Params) -> Result<Answer, CallError> {
        let mut tries_left = if action.changes { 1 } else { READ_TRIES };
        loop {
            self.throttle.pass(action.changes).await;
            tries_left -= 1;
            match self.once(action, &params).await {
                Err(error) if error.class() == Refusal::Throttled => {
                    self.throttle.refused();
                    if tries_left == 0 {
                        return Err(error);
                    }
                }
                ended => return ended,
            }
        }
    }

    async fn once(&self, action: &Action, params: &Params) -> Result<Answer, CallError> {
        let stamp = Stamp::fresh(self.clock.now());
        let (query, body): (&[(String, String)], _) = match params {
            Params::Query(pairs) => (pairs, None),
            Params::Body(body) => (&[], Some(body)),
        };
        let signed = Signed::new(&self.credentials, action.method, action.name, query, &stamp);
        let url = self.url(action.service, &signed);
        let client = if action.changes { &self.changes } else { &self.reads };
        let method = if action.method == "GET" { Method::GET } else { Method::POST };
        let mut request = client.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let password = body.and_then(password_in);
        let open =
            if action.name == "DescribeEvent" { envelope::open_event } else { envelope::open };
        let result = send(request, open).await;
        let error = match result {
            Err(CallError::NotSent(text)) => {
                let place = action.service.base(&self.endpoints);
                CallError::NotSent(format!("{place} cannot be reached: {text}"))
            }
            Err(error) => error,
            Ok(answer) => return Ok(answer),
        };
        Err(error.map_text(|text| self.blot(text, password.as_deref())))
    }

    /// The address of a signed call.
    pub fn url(&self, service: Service, signed: &Signed) -> String {
        format!("{}?{}", service.base(&self.endpoints), signed.query())
    }

    /// Blots out the key, its secret and a password, should the server echo them.
    fn blot(&self, text: String, password: Option<&str>) -> String {
        let Credentials { access_key_id, access_key_secret } = &self.credentials;
        let secrets =
            [Some(access_key_id.expose_secret()), Some(access_key_secret.expose_secret())];
        let secrets = secrets.into_iter().chain([password]).flatten();
        secrets.filter(|secret| 4 <= secret.len()).fold(text, |text, one| text.replace(one, "***"))
    }
}

/// Whether an address stays on this machine.
pub fn is_loopback(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]"))
}

fn password_in(body: &Value) -> Option<String> {
    Some(body.get("Password")?.as_str()?.to_owned())
}

/// How an answer is opened: HTTP status and body.
type Open = fn(u16, &[u8]) -> Result<Answer, CallError>;

async fn send(request: reqwest::RequestBuilder, open: Open) -> Result<Answer, CallError> {
    let mut response = request.send().await.map_err(not_answered)?;
    let http = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(not_answered)? {
        body.extend_from_slice(&chunk);
        if ANSWER_MAX < body.len() {
            let limit = ANSWER_MAX >> 20;
            return Err(CallError::Unknown(format!("an answer of more than {limit} MiB")));
        }
    }
    open(http, &body)
}

/// The address, with its signature, is taken out of the error's text.
fn not_answered(error: reqwest::Error) -> CallError {
    let (connect, timeout) = (error.is_connect() || error.is_builder(), error.is_timeout());
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    match (connect, timeout) {
        (true, _) => CallError::NotSent(text),
        (false, true) => CallError::Unknown("no answer in time".to_owned()),
        (false, false) => CallError::Unknown(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        assert!(is_loopback("http://127.0.0.1:9400/ecs/v1"));
        assert!(is_loopback("http://localhost:1/"));
        assert!(!is_loopback("https://api.capitalonline.net/ecs/v1"));
        assert!(!is_loopback("http://127.0.0.1.example.com/"));
    }
}
