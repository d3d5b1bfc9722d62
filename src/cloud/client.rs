//! One signed call: throttled, bounded in time and size, and never repeated by itself.
//!
//! ```no_run
//! # async fn doc() -> Result<(), farmscale::cloud::CallError> {
//! use farmscale::clock::Clock;
//! use farmscale::cloud::actions::ecs::REGIONS;
//! use farmscale::cloud::client::Params;
//! use farmscale::cloud::{Client, Credentials, Endpoints};
//!
//! let credentials = Credentials { access_key_id: "…".into(), access_key_secret: "…".into() };
//! let client = Client::new(credentials, Endpoints::default(), Clock::real())?;
//! let answer = client.call(&REGIONS, Params::query(&[])).await?;
//! println!("{}", answer.data);
//! # Ok(())
//! # }
//! ```

use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use super::actions::{Action, Kind, Service};
use super::envelope::{self, Answer};
use super::error::CallError;
use super::sign::{Signed, Stamp};
use super::throttle::{Pressure, Throttle};
use super::turns::{Turn, Turns};
use super::{Credentials, Endpoints};
use crate::clock::Clock;
use crate::model::{Refusal, Span, Time};
use crate::net::redact::Secrets;
use crate::net::{self, NetError, Options, Proxy};

/// An answer larger than this is not read.
const ANSWER_MAX: usize = 16 << 20;
/// Longest text of an error, in characters.
const TEXT_MAX: usize = 400;
/// How often a read is sent that is refused for its rate.
const READ_TRIES: u32 = 3;
/// A clock further than this from the server's is told of, and no longer signed with. The server says
/// nowhere how far it may be.
const SKEW_MAX: Span = Span::minutes(1);

/// Signs and sends.
#[derive(Debug)]
pub struct Client {
    credentials: Credentials,
    secrets: Secrets,
    endpoints: Endpoints,
    reads: reqwest::Client,
    changes: reqwest::Client,
    throttle: Throttle,
    turns: Turns,
    clock: Clock,
    /// How far the server's clock is ahead of ours, in milliseconds; 0 while ours serves.
    ahead: AtomicI64,
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

    /// As the action sends them: in the address, where lists are text, or as a body.
    pub fn of(action: &Action, given: &Map<String, Value>) -> Self {
        if action.method != "GET" {
            return Self::Body(Value::Object(given.clone()));
        }
        let text = |(name, value): (&String, &Value)| {
            let words = value
                .as_array()
                .filter(|_| action.param(name).is_some_and(|param| param.kind == Kind::Words));
            let text = match (words, value) {
                (Some(words), _) => {
                    words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
                }
                (None, Value::String(text)) => text.clone(),
                (None, other) => other.to_string(),
            };
            (name.clone(), text)
        };
        Self::Query(given.iter().map(text).collect())
    }
}

impl Client {
    /// Prepares two pools of connections: one for reads, and one for changes that never reuses a
    /// connection nor repeats a request, so that one call is at most one request on the wire.
    pub fn new(
        credentials: Credentials,
        endpoints: Endpoints,
        clock: Clock,
    ) -> Result<Self, CallError> {
        let build = |timeout: Span, keep_alive: bool| {
            let options = Options {
                connect_timeout: endpoints.connect_timeout,
                keep_alive,
                proxy: Proxy::towards(&endpoints.ecs),
                ..Options::within(timeout)
            };
            net::client(options).map_err(|error| CallError::NotSent(error.to_string()))
        };
        let reads = build(endpoints.read_timeout, true)?;
        let changes = build(endpoints.change_timeout, false)?;
        let throttle = Throttle::new(endpoints.calls_per_second, clock.clone());
        let mut secrets = Secrets::default();
        secrets.add(credentials.access_key_id.expose_secret());
        secrets.add(credentials.access_key_secret.expose_secret());
        let (turns, ahead) = (Turns::default(), AtomicI64::new(0));
        Ok(Self { credentials, secrets, endpoints, reads, changes, throttle, turns, clock, ahead })
    }

    /// Where the services are.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// What time it is for the signature and for deadlines.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Which calls wait for their turn, and how long; and how many a second are allowed.
    pub fn pressure(&self) -> (Vec<Pressure>, u32) {
        (self.throttle.pressure(), self.throttle.per_second())
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

    /// How far the server's clock is ahead of this machine's, if that is too far to sign with: then
    /// calls are signed with the server's time.
    pub fn skew(&self) -> Option<Span> {
        Some(Span(self.ahead.load(Ordering::Acquire))).filter(|ahead| *ahead != Span::ZERO)
    }

    /// Sends one call and opens its answer. A read that was refused for its rate is asked again,
    /// with a new signature; a change never is. A call refused for the time it was signed with is
    /// signed once more, with the server's.
    pub async fn call(&self, action: &Action, params: Params) -> Result<Answer, CallError> {
        let mut tries_left = if action.changes { 1 } else { READ_TRIES };
        let mut may_learn = true;
        loop {
            let passed = self.throttle.pass(action.need()).await;
            passed.map_err(|crowded| CallError::NotSent(crowded.to_string()))?;
            let (result, date) = self.once(action, &params).await;
            let class = result.as_ref().err().map(CallError::class);
            let is_skewed = class == Some(Refusal::Clock);
            let learned = date.is_some_and(|date| self.learn(date, is_skewed));
            if is_skewed && learned && std::mem::take(&mut may_learn) {
                continue;
            }
            tries_left -= 1;
            if class != Some(Refusal::Throttled) {
                return result;
            }
            self.throttle.refused();
            if tries_left == 0 {
                return result;
            }
        }
    }

    /// Sends a call whose parameters are JSON. Where the vendor's pages and programs differ in a
    /// parameter's name, the call is sent once more with the other name, after a refusal of the
    /// first for the name of a parameter: nothing was taken on then.
    pub async fn call_as(
        &self,
        action: &Action,
        given: &Map<String, Value>,
    ) -> Result<Answer, CallError> {
        match self.call(action, Params::of(action, given)).await {
            Err(error) if error.is_about_a_parameter() => match action.other_names(given) {
                Some(other) => self.call(action, Params::of(action, &other)).await,
                None => Err(error),
            },
            ended => ended,
        }
    }

    /// Takes the server's time in: after a refusal for it, or while it is signed with. Says whether
    /// that changes what is signed.
    fn learn(&self, date: Time, refused: bool) -> bool {
        let before = self.ahead.load(Ordering::Acquire);
        if !refused && before == 0 {
            return false;
        }
        let found = date.since(self.clock.wall());
        let ahead = if found.0.abs() <= SKEW_MAX.0 { 0 } else { found.0 };
        if (ahead - before).abs() <= SKEW_MAX.0 && (ahead == 0) == (before == 0) {
            return false;
        }
        self.ahead.store(ahead, Ordering::Release);
        if ahead == 0 {
            tracing::info!("this machine's clock agrees with the cloud's again");
        } else {
            tracing::warn!(
                "this machine's clock is {} by the cloud's: calls are signed with the cloud's time; \
                 set the clock (timedatectl set-ntp true)",
                off_by(found)
            );
        }
        true
    }

    /// One request, its answer, and the server's time.
    async fn once(
        &self,
        action: &Action,
        params: &Params,
    ) -> (Result<Answer, CallError>, Option<Time>) {
        let ahead = Span(self.ahead.load(Ordering::Acquire));
        let stamp = Stamp::fresh(self.clock.wall() + ahead);
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
        let open =
            if action.name == "DescribeEvent" { envelope::open_event } else { envelope::open };
        let (result, date) = match net::send(request, ANSWER_MAX).await {
            Ok(answer) => (open(answer.status.as_u16(), &answer.body), answer.date),
            Err(NetError::NotConnected(text)) => {
                let place = action.service.base(&self.endpoints);
                (Err(CallError::NotSent(format!("{place} cannot be reached: {text}"))), None)
            }
            Err(error) => (Err(CallError::Unknown(error.to_string())), None),
        };
        let password = body.and_then(|body| body.get("Password")?.as_str());
        let clean = |error: CallError| {
            let secrets = self.secrets.with(password);
            error.map_text(|text| secrets.clean(&text, TEXT_MAX))
        };
        (result.map_err(clean), date)
    }

    /// The address of a signed call.
    pub fn url(&self, service: Service, signed: &Signed) -> String {
        format!("{}?{}", service.base(&self.endpoints), signed.query())
    }
}

/// `20 min slow`, `1 h fast`: how a clock is that the server's is so far ahead of.
pub fn off_by(ahead: Span) -> String {
    if ahead.0 < 0 { format!("{} fast", Span(-ahead.0)) } else { format!("{ahead} slow") }
}
