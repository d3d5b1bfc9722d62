//! Addresses, and who may call them: a Host that is this machine, a token where one is set, and for
//! orders a header that no foreign page can send.

use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Board;
use crate::model::snapshot::{MachineView, Report};
use crate::model::{Order, Snapshot, Span, Time};
use crate::telemetry::words::{self, Language};

/// An order's body is a line of text.
const BODY_MAX: usize = 16 << 10;
/// Scripts, styles and data from here alone.
const CONTENT_POLICY: &str = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; \
                              base-uri 'none'; form-action 'none'";

/// Passes an order on, or says why the daemon does not take it.
pub type Orders = Box<dyn Fn(Order) -> Result<(), &'static str> + Send + Sync>;

/// How the page is served.
pub struct Options {
    /// Asked of every call to the API and the metrics, where set.
    pub token: Option<SecretString>,
    /// Names the page may be called by, besides this machine's own.
    pub allowed_hosts: Vec<String>,
    /// Takes orders.
    pub orders: Orders,
    /// The metrics' text.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("allowed_hosts", &self.allowed_hosts)
            .finish_non_exhaustive()
    }
}

struct Served {
    board: Arc<Board>,
    options: Options,
}

type Shared = State<Arc<Served>>;

/// Serves page and API until the listener fails.
pub async fn serve(listener: TcpListener, board: Arc<Board>, options: Options) -> io::Result<()> {
    let served = Arc::new(Served { board, options });
    let guarded = Router::new()
        .route("/api/v1/status", get(status))
        .route("/api/v1/why", get(why))
        .route("/api/v1/plan", get(plan))
        .route("/api/v1/spend", get(spend))
        .route("/api/v1/journal", get(journal))
        .route("/api/v1/history", get(history))
        .route("/api/v1/pause", post(pause))
        .route("/api/v1/resume", post(resume))
        .route("/api/v1/retire", post(retire))
        .route("/api/v1/stay", post(stay))
        .route("/api/v1/hold", post(hold))
        .route("/api/v1/release", post(release))
        .route("/metrics", get(metrics))
        .layer(middleware::from_fn_with_state(Arc::clone(&served), knows_token));
    let router = Router::new()
        .route("/", get(|| asset("text/html; charset=utf-8", include_str!("assets/index.html"))))
        .route("/app.js", get(|| asset("text/javascript", include_str!("assets/app.js"))))
        .route("/words.js", get(|| asset("text/javascript", include_str!("assets/words.js"))))
        .route("/style.css", get(|| asset("text/css", include_str!("assets/style.css"))))
        .route("/healthz", get(health))
        .route("/lease", get(lease))
        .merge(guarded)
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "there is nothing at this address") })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&served), is_called_by_name))
        .with_state(served);
    axum::serve(listener, router).await
}

/// Refuses names that lead here from elsewhere (DNS rebinding), and adds what browsers are to heed.
async fn is_called_by_name(State(served): Shared, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let name = host.map(|host| match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    });
    let ours = |name: &str| {
        matches!(name, "localhost" | "127.0.0.1" | "[::1]")
            || served.options.allowed_hosts.iter().any(|allowed| allowed == name)
    };
    let mut response = if name.is_some_and(ours) {
        next.run(request).await
    } else {
        refuse(StatusCode::FORBIDDEN, "called by a name that is not in page.hosts")
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn knows_token(State(served): Shared, request: Request, next: Next) -> Response {
    let Some(token) = &served.options.token else { return next.run(request).await };
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or("");
    if same(given.as_bytes(), token.expose_secret().as_bytes()) {
        next.run(request).await
    } else {
        refuse(StatusCode::UNAUTHORIZED, "the token is missing or wrong (Authorization: Bearer …)")
    }
}

/// Compares without telling by its time where the difference is.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

fn asset(kind: &'static str, text: &'static str) -> Ready<Response> {
    ready(([(header::CONTENT_TYPE, kind)], text).into_response())
}

fn refuse(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}

/// Answers from the last snapshot, if there is one.
fn with_latest(served: &Served, answer: impl FnOnce(&Snapshot) -> Value) -> Response {
    match served.board.latest() {
        Some(snapshot) => Json(answer(&snapshot)).into_response(),
        None => refuse(StatusCode::SERVICE_UNAVAILABLE, "the first turn is not over yet"),
    }
}

async fn status(State(served): Shared) -> Response {
    with_latest(&served, |farm| {
        let (age, stale) = served.board.age(farm);
        let mut value = serde_json::to_value(farm).unwrap_or_default();
        if let Some(fields) = value.as_object_mut() {
            fields.insert("age".to_owned(), json!(age));
            fields.insert("stale".to_owned(), json!(stale));
        }
        value
    })
}

#[derive(Debug, Deserialize)]
struct OfPool {
    pool: Option<String>,
}

async fn why(State(served): Shared, Query(of): Query<OfPool>) -> Response {
    with_latest(&served, |farm| {
        let wanted = |name: &str| of.pool.as_deref().is_none_or(|pool| pool == name);
        let pools = farm.pools.iter().filter(|pool| wanted(&pool.name)).map(|pool| {
            let Report { demand_slots, capacity_slots, constraints } = &pool.report;
            let constraints: Vec<Value> = constraints
                .iter()
                .map(|reason| json!({ "reason": reason, "words": reason.to_string() }))
                .collect();
            json!({
                "pool": pool.name, "demand_slots": demand_slots,
                "capacity_slots": capacity_slots, "constraints": constraints,
            })
        });
        json!({ "at": farm.at, "pools": pools.collect::<Vec<_>>() })
    })
}

async fn plan(State(served): Shared) -> Response {
    with_latest(
        &served,
        |farm| json!({ "at": farm.at, "planned": farm.planned, "offers": farm.offers }),
    )
}

async fn spend(State(served): Shared) -> Response {
    with_latest(&served, |farm| serde_json::to_value(&farm.ledger).unwrap_or_default())
}

#[derive(Debug, Deserialize)]
struct Limit {
    limit: Option<usize>,
}

async fn journal(State(served): Shared, Query(Limit { limit }): Query<Limit>) -> Response {
    with_latest(&served, |farm| {
        let skipped = farm.recent.len().saturating_sub(limit.unwrap_or(100));
        let events = farm.recent.iter().skip(skipped).map(|event| {
            let (zh, en) = (words::say(event, Language::Zh), words::say(event, Language::En));
            json!({ "event": event, "zh": zh, "en": en })
        });
        json!({ "at": farm.at, "events": events.collect::<Vec<_>>() })
    })
}

async fn history(State(served): Shared) -> Response {
    Json(json!({ "points": served.board.points() })).into_response()
}

async fn metrics(State(served): Shared) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], (served.options.metrics)()).into_response()
}

async fn health(State(served): Shared) -> Response {
    match served.board.latest() {
        Some(snapshot) if !served.board.age(&snapshot).1 => Json(json!({})).into_response(),
        Some(_) => refuse(StatusCode::SERVICE_UNAVAILABLE, "stale"),
        None => refuse(StatusCode::SERVICE_UNAVAILABLE, "the first turn is not over yet"),
    }
}

/// For guards on workers, which hold no token: the daemon turns, or does not.
async fn lease(State(served): Shared) -> Response {
    let Some(farm) = served.board.latest() else {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "the first turn is not over yet");
    };
    let (age, stale) = served.board.age(&farm);
    let valid = served.board.valid_for(&farm);
    let lease = json!({
        "farm": farm.farm, "at": farm.at,
        "age_s": age.as_seconds(), "valid_s": valid.as_seconds(),
    });
    let status = if stale { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, Json(lease)).into_response()
}

#[derive(Debug, Deserialize)]
struct PauseBody {
    owner: String,
    reason: String,
    for_s: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct OwnerBody {
    owner: String,
}

async fn pause(State(served): Shared, headers: HeaderMap, Json(body): Json<PauseBody>) -> Response {
    let until = end_of(&served, body.for_s);
    let (owner, reason) = (body.owner.into(), body.reason.into());
    order(&served, &headers, Order::Pause { owner, reason, until })
}

async fn resume(
    State(served): Shared,
    headers: HeaderMap,
    Json(body): Json<OwnerBody>,
) -> Response {
    order(&served, &headers, Order::Resume { owner: body.owner.into() })
}

async fn retire(
    State(served): Shared,
    headers: HeaderMap,
    Json(body): Json<OwnerBody>,
) -> Response {
    order(&served, &headers, Order::Retire { owner: body.owner.into() })
}

async fn stay(State(served): Shared, headers: HeaderMap, Json(body): Json<OwnerBody>) -> Response {
    order(&served, &headers, Order::Stay { owner: body.owner.into() })
}

#[derive(Debug, Deserialize)]
struct HoldBody {
    machine: String,
    owner: String,
    reason: String,
    for_s: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct ReleaseBody {
    machine: String,
    owner: String,
}

async fn hold(State(served): Shared, headers: HeaderMap, Json(body): Json<HoldBody>) -> Response {
    let HoldBody { machine, owner, reason, for_s } = body;
    if !is_there(&served, &machine) {
        return refuse(StatusCode::NOT_FOUND, "there is no machine of that name or id");
    }
    let until = end_of(&served, for_s);
    let (machine, owner, reason) = (machine.into(), owner.into(), reason.into());
    order(&served, &headers, Order::Hold { machine, owner, reason, until })
}

async fn release(
    State(served): Shared,
    headers: HeaderMap,
    Json(body): Json<ReleaseBody>,
) -> Response {
    if !is_there(&served, &body.machine) {
        return refuse(StatusCode::NOT_FOUND, "there is no machine of that name or id");
    }
    let (machine, owner) = (body.machine.into(), body.owner.into());
    order(&served, &headers, Order::Release { machine, owner })
}

/// When what lasts so many seconds ends, by the farm's clock.
fn end_of(served: &Served, for_s: Option<i64>) -> Option<Time> {
    let (seconds, farm) = for_s.zip(served.board.latest())?;
    Some(farm.at + Span::seconds(seconds))
}

fn is_there(served: &Served, machine: &str) -> bool {
    let latest = served.board.latest();
    latest.is_some_and(|farm| {
        let is_it = |one: &MachineView| {
            one.name.as_str() == machine || one.instance.as_deref() == Some(machine)
        };
        farm.machines.iter().any(is_it)
    })
}

/// A page from elsewhere can make a browser post here, but not with a header of ours.
fn order(served: &Served, headers: &HeaderMap, order: Order) -> Response {
    if !headers.contains_key(HeaderName::from_static("x-farmscale")) {
        return refuse(StatusCode::FORBIDDEN, "orders need the header X-Farmscale: 1");
    }
    let until = match &order {
        Order::Pause { until, .. } | Order::Hold { until, .. } => *until,
        Order::Resume { .. }
        | Order::Release { .. }
        | Order::Retire { .. }
        | Order::Stay { .. } => None,
    };
    match (served.options.orders)(order) {
        Ok(()) => Json(json!({ "taken": true, "until": until })).into_response(),
        Err(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}
