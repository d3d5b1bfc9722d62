//! The simulated cloud over HTTP: the vendor's paths, signatures, envelopes and quirks.
//!
//! The same face stands before a lone [`Provider`] (`farmscale cloudsim`) and before anything that
//! holds one ([`Behind`]), such as the demo's world with its queue and workers.

use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};
use secrecy::SecretString;
use tokio::net::TcpListener;

mod actions;
mod answer;
mod answers;
mod disks;
mod groups;
mod machine;
mod machines;
mod mischief;
mod monitor;
mod network;
mod params;
mod signature;
mod snapshots;
mod table;
mod truth;
mod upkeep;
mod wire;

pub use answers::{Answers, Deleted, Envelope, Form, MonitorZone, Refused, Shape};
pub use mischief::Mischief;

use crate::clock::Clock;
use crate::model::{Span, Text, Time};
use crate::sim::provider::Provider;
use crate::sim::rng::Rng;
use answer::{Failure, Style, json_response};
use mischief::{Bucket, Fate};
use params::Params;
use signature::{Doorkeeper, Here, SKEW};
use wire::{Cuttable, Switch};

/// What a fast clock adds to it for every real second a request may take on its way.
const REAL_SECONDS_ON_THE_WAY: i64 = 30;

/// What stands behind the HTTP face.
pub trait Behind: Send + 'static {
    /// The cloud, advanced to `now`.
    fn provider(&mut self, now: Time) -> &mut Provider;

    /// How busy an instance's GPUs are, in percent; `None` = no data.
    fn gpu_percent(&self, instance: &str) -> Option<u32>;

    /// How it answers where the documents do not say.
    fn answers(&self) -> &Answers {
        static DOCUMENTED: Answers = Answers::DOCUMENTED;
        &DOCUMENTED
    }

    /// Sets that from outside; says whether it can be set.
    fn set_gpu_percent(&mut self, _instance: &str, _percent: u32) -> bool {
        false
    }
}

/// A cloud with nothing else: GPU use is 0 unless it is told.
#[derive(Debug)]
pub struct Alone {
    provider: Provider,
    usage: BTreeMap<Text, u32>,
    answers: Answers,
}

/// How the face behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The one key that is let in.
    pub access_key_id: String,
    /// Its secret.
    pub access_key_secret: SecretString,
    /// What goes wrong on the way.
    pub mischief: Mischief,
    /// The same seed gives the same mischief for the same requests.
    pub seed: u64,
}

/// The face: one per server.
struct Served<B> {
    behind: Arc<Mutex<B>>,
    clock: Clock,
    mischief: Mischief,
    envelope: Envelope,
    gate: Mutex<Gate>,
}

/// What the face remembers of its callers.
#[derive(Debug)]
struct Gate {
    doorkeeper: Doorkeeper,
    bucket: Bucket,
    rng: Rng,
    /// Calls by path and action: carried out, and refused by their code.
    calls: BTreeMap<String, BTreeMap<String, u32>>,
    refusals: Vec<Refused>,
}

/// A path of the vendor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    /// `/ecs/v1`.
    Ecs,
    /// `/ecs/v1.1`.
    Images,
    /// `/ebs/v1`.
    Ebs,
    /// `/sg/v1`.
    SecurityGroups,
    /// `/vpc`, on a host of its own at the vendor's.
    Vpc,
}

/// A request as it came.
#[derive(Debug)]
struct Asked<'a> {
    service: Service,
    method: &'a str,
    query: &'a str,
    body: &'a [u8],
}

impl Alone {
    /// A lone cloud.
    pub fn new(provider: Provider) -> Self {
        Self::answering(provider, Answers::default())
    }

    /// A lone cloud that answers in its own way.
    pub fn answering(provider: Provider, answers: Answers) -> Self {
        Self { provider, usage: BTreeMap::new(), answers }
    }
}

impl Behind for Alone {
    fn provider(&mut self, now: Time) -> &mut Provider {
        self.provider.advance(now);
        &mut self.provider
    }

    fn gpu_percent(&self, instance: &str) -> Option<u32> {
        Some(self.usage.get(instance).copied().unwrap_or(0))
    }

    fn answers(&self) -> &Answers {
        &self.answers
    }

    fn set_gpu_percent(&mut self, instance: &str, percent: u32) -> bool {
        if self.provider.instance(instance).is_some() {
            self.usage.insert(instance.into(), percent);
        }
        self.usage.retain(|id, _| self.provider.instance(id).is_some());
        true
    }
}

/// Serves the cloud on `listener` until the future is dropped.
pub async fn serve<B: Behind>(
    behind: Arc<Mutex<B>>,
    clock: Clock,
    options: Options,
    listener: TcpListener,
) -> io::Result<()> {
    let served = Arc::new(Served::new(behind, clock, options));
    let router = Router::new()
        .route("/ecs/v1", service(Service::Ecs))
        .route("/ecs/v1/", service(Service::Ecs))
        .route("/ecs/v1.1", service(Service::Images))
        .route("/ecs/v1.1/", service(Service::Images))
        .route("/ebs/v1", service(Service::Ebs))
        .route("/ebs/v1/", service(Service::Ebs))
        .route("/sg/v1", service(Service::SecurityGroups))
        .route("/sg/v1/", service(Service::SecurityGroups))
        .route("/vpc", service(Service::Vpc))
        .route("/vpc/", service(Service::Vpc))
        .route("/sim/{what}", any(back_door))
        .fallback(nowhere)
        .with_state(served);
    axum::serve(Cuttable(listener), router.into_make_service_with_connect_info::<Switch>()).await
}

type Face<B> = State<Arc<Served<B>>>;

/// A vendor's path, with or without a slash at its end.
fn service<B: Behind>(service: Service) -> MethodRouter<Arc<Served<B>>> {
    any(
        move |State(face): Face<B>,
              switch: ConnectInfo<Switch>,
              method: Method,
              uri: Uri,
              body: Bytes| async move {
            let query = uri.query().unwrap_or("");
            let asked = Asked { service, method: method.as_str(), query, body: &body };
            face.reply(&switch.0, &asked).await
        },
    )
}

async fn back_door<B: Behind>(
    State(face): Face<B>,
    Path(what): Path<String>,
    method: Method,
    body: Bytes,
) -> Response {
    if (method.as_str(), what.as_str()) == ("GET", "calls") {
        return json_response(200, &serde_json::json!({ "calls": locked(&face.gate).calls }));
    }
    let answer = Params::new(&BTreeMap::new(), &body).and_then(|params| {
        let request = truth::Request { method: method.as_str(), what: &what, params: &params };
        truth::answer(&mut *locked(&face.behind), face.clock.now(), &request)
    });
    match answer {
        Ok(body) => json_response(200, &body),
        Err(failure) => Style::BARE.failure(&failure, ""),
    }
}

async fn nowhere() -> Response {
    Style::BARE.failure(&Failure::told("InvalidEvent.InvalidUrl.NotFound", ""), "")
}

impl<B: Behind> Served<B> {
    fn new(behind: Arc<Mutex<B>>, clock: Clock, options: Options) -> Self {
        let Options { access_key_id, access_key_secret, mischief, seed } = options;
        let on_the_way = Span::seconds(REAL_SECONDS_ON_THE_WAY);
        let fast = if clock.speed() == 1 { 0 } else { i64::from(clock.speed()) };
        let skew = SKEW + on_the_way.times(fast);
        let Answers { envelope, refusals, .. } = locked(&behind).answers().clone();
        let gate = Gate {
            doorkeeper: Doorkeeper::new(&access_key_id, &access_key_secret, skew),
            bucket: Bucket::new(clock.now()),
            rng: Rng::new(seed).fork("mischief"),
            calls: BTreeMap::new(),
            refusals,
        };
        Self { envelope, behind, clock, mischief, gate: Mutex::new(gate) }
    }

    async fn reply(&self, switch: &Switch, asked: &Asked<'_>) -> Response {
        let (fate, request_id) = {
            let mut gate = locked(&self.gate);
            let request_id = format!("{:016x}{:016x}", gate.rng.bits(), gate.rng.bits());
            (self.mischief.fate(&mut gate.rng), request_id)
        };
        match fate {
            Fate::Fine => self.answer(asked, &request_id),
            Fate::RequestLost => {
                switch.cut();
                ().into_response()
            }
            Fate::AnswerLost => {
                let answer = self.answer(asked, &request_id);
                switch.cut();
                answer
            }
            Fate::ErrorAfter => {
                self.answer(asked, &request_id);
                Style::PLAIN.failure(&Failure::internal(), &request_id)
            }
            Fate::Garbage => {
                self.answer(asked, &request_id);
                "<html><body>gateway</body></html>".into_response()
            }
            Fate::Doubled => {
                self.answer(asked, &request_id);
                self.answer(asked, &request_id)
            }
            Fate::Throttled => Style::PLAIN.failure(&throttled(), &request_id),
            Fate::Late(span) => {
                let answer = self.answer(asked, &request_id);
                self.wait(span).await;
                answer
            }
        }
    }

    /// Waits through the clock.
    async fn wait(&self, span: Span) {
        let real = self.clock.real_wait(self.clock.now() + span);
        let never = tokio::time::timeout(real, pending::<()>()).await;
        debug_assert!(never.is_err(), "nothing else ends the wait");
    }

    /// Lets the request in, carries it out, and puts the answer in its envelope.
    fn answer(&self, asked: &Asked<'_>, request_id: &str) -> Response {
        let now = self.clock.now();
        let query = signature::parse(asked.query);
        let action =
            actions::find(asked.service, asked.method, query.get("Action").map(String::as_str));
        let style = match (&action, self.envelope) {
            (Ok(action), Envelope::Documented | Envelope::Always200) => action.style,
            (Ok(_), Envelope::Uniform) | (Err(_), _) => Style::PLAIN,
        };
        let answer = self.admit(now, asked.method, &query).and_then(|()| {
            let action = action?;
            let params = Params::new(&query, asked.body)?;
            self.refuse(action.name)?;
            table::admit(asked.service, action.name, &params)?;
            (action.run)(&mut *locked(&self.behind), now, &params)
        });
        let code = answer
            .as_ref()
            .map_or_else(|failure| failure.code.to_string(), |_| "Success".to_owned());
        self.count(asked.service, query.get("Action").map_or("", String::as_str), &code);
        match answer {
            Ok(answer) => style.success(answer, request_id),
            Err(failure) if self.envelope == Envelope::Always200 => {
                style.failure(&Failure { http: 200, ..failure }, request_id)
            }
            Err(failure) => style.failure(&failure, request_id),
        }
    }

    /// The refusals that were asked for.
    fn refuse(&self, action: &str) -> Result<(), Failure> {
        let mut gate = locked(&self.gate);
        let meant = |one: &&mut Refused| one.action == action && one.times != 0;
        let Some(refused) = gate.refusals.iter_mut().find(meant) else { return Ok(()) };
        refused.times -= 1;
        let code = refused.code.clone().into();
        Err(Failure { http: refused.http, code, message: refused.message.clone(), data: None })
    }

    fn count(&self, service: Service, action: &str, code: &str) {
        let mut gate = locked(&self.gate);
        let calls = gate.calls.entry(format!("{service:?}.{action}")).or_default();
        *calls.entry(code.to_owned()).or_default() += 1;
    }

    fn admit(&self, now: Time, method: &str, query: &signature::Query) -> Result<(), Failure> {
        let mut gate = locked(&self.gate);
        if !gate.bucket.take(now, self.mischief.calls_per_second) {
            return Err(throttled());
        }
        let here = Here { now, wall: self.clock.wall() };
        gate.doorkeeper.admit(here, method, query)
    }
}

/// No code is documented for it either.
fn throttled() -> Failure {
    Failure::new(429, "RequestLimitExceeded", "Too many requests.")
}

/// A poisoned lock is no reason to stop simulating.
fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
