//! Addresses, and what is answered there (docs/http-api.md).

use std::future::{Ready, ready};
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router, middleware};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::{TcpListener, UnixListener};

use super::api::{self, Happening, Ledger, Offered, Pool, Status};
use super::entry::{self, Door};
use super::served::{FIRST_TURN, Options, Served, Shared, refuse};
use super::sessions::Sessions;
use super::{Board, orders, server};
use crate::model::Snapshot;
use crate::telemetry::words::labels;

/// An order's body is a few lines of text.
const BODY_MAX: usize = 16 << 10;

/// Serves page and API at the address, and over the socket if there is one, until the process ends.
pub async fn serve(
    listener: TcpListener,
    socket: Option<UnixListener>,
    board: Arc<Board>,
    options: Options,
) {
    let served = Arc::new(Served { board, options, sessions: Sessions::new() });
    let over_socket = async {
        if let Some(socket) = socket {
            server::serve(socket, router(&served, Door::Socket)).await;
        }
    };
    tokio::join!(server::serve(listener, router(&served, Door::Network)), over_socket);
}

fn router(served: &Arc<Served>, door: Door) -> Router {
    let shared = || Arc::clone(served);
    let read = Router::new()
        .route("/api/v1/status", get(status))
        .route("/api/v1/why", get(why))
        .route("/api/v1/plan", get(plan))
        .route("/api/v1/spend", get(spend))
        .route("/api/v1/journal", get(journal))
        .route("/api/v1/history", get(history))
        .route("/metrics", get(metrics))
        .layer(middleware::from_fn_with_state(shared(), entry::may_read));
    let order = Router::new()
        .route("/api/v1/pause", post(orders::pause))
        .route("/api/v1/resume", post(orders::resume))
        .route("/api/v1/retire", post(orders::retire))
        .route("/api/v1/stay", post(orders::stay))
        .route("/api/v1/release-twins", post(orders::release_twins))
        .route("/api/v1/hold", post(orders::hold))
        .route("/api/v1/release", post(orders::release))
        .layer(middleware::from_fn_with_state(shared(), entry::may_order));
    Router::new()
        .route("/", get(|| asset("text/html; charset=utf-8", include_str!("assets/index.html"))))
        .route("/app.js", get(|| asset("text/javascript", include_str!("assets/app.js"))))
        .route("/words.js", get(|| asset("text/javascript", labels::script())))
        .route("/style.css", get(|| asset("text/css", include_str!("assets/style.css"))))
        .route("/livez", get(livez))
        .route("/healthz", get(livez))
        .route("/readyz", get(readyz))
        .route("/lease", get(lease))
        .route("/session", post(entry::sign_in).delete(entry::sign_out))
        .merge(read)
        .merge(order)
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "there is nothing at this address") })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(shared(), entry::is_called_by_name))
        .layer(Extension(door))
        .with_state(shared())
}

fn asset(kind: &'static str, text: &'static str) -> Ready<Response> {
    ready(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// Answers from the last snapshot, if there is one.
fn with_latest<T: Serialize>(served: &Served, answer: impl FnOnce(&Snapshot) -> T) -> Response {
    match served.board.latest() {
        Some(snapshot) => Json(answer(&snapshot)).into_response(),
        None => refuse(StatusCode::SERVICE_UNAVAILABLE, FIRST_TURN),
    }
}

async fn status(State(served): Shared) -> Response {
    with_latest(&served, |farm| {
        let (age, stale) = served.board.age(farm);
        Status::new(farm, age, stale)
    })
}

#[derive(Debug, Deserialize)]
struct OfPool {
    pool: Option<String>,
}

async fn why(State(served): Shared, Query(of): Query<OfPool>) -> Response {
    with_latest(&served, |farm| {
        let wanted = |name: &str| of.pool.as_deref().is_none_or(|pool| pool == name);
        let pools = farm.pools.iter().filter(|pool| wanted(&pool.name)).map(Pool::from);
        let pools = pools.map(|pool| {
            let report = pool.report;
            json!({
                "pool": pool.name, "demand_slots": report.demand_slots,
                "capacity_slots": report.capacity_slots, "constraints": report.constraints,
            })
        });
        json!({ "at": farm.at, "pools": pools.collect::<Vec<_>>() })
    })
}

async fn plan(State(served): Shared) -> Response {
    with_latest(&served, |farm| {
        let planned = api::planned(farm);
        let offers: Vec<Offered> = farm.offers.iter().map(Offered::from).collect();
        json!({ "at": farm.at, "planned": planned, "offers": offers })
    })
}

async fn spend(State(served): Shared) -> Response {
    with_latest(&served, |farm| Ledger::from(&farm.ledger))
}

#[derive(Debug, Deserialize)]
struct Limit {
    limit: Option<usize>,
}

async fn journal(State(served): Shared, Query(Limit { limit }): Query<Limit>) -> Response {
    with_latest(&served, |farm| {
        let skipped = farm.recent.len().saturating_sub(limit.unwrap_or(100));
        let events: Vec<Happening> =
            farm.recent.iter().skip(skipped).map(Happening::from).collect();
        json!({ "at": farm.at, "events": events })
    })
}

async fn history(State(served): Shared) -> Response {
    Json(json!({ "points": served.board.points() })).into_response()
}

async fn metrics(State(served): Shared) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], (served.options.metrics)()).into_response()
}

/// Whether the daemon should be restarted: it has not turned for longer than it should.
async fn livez(State(served): Shared) -> Response {
    let turns = match served.board.latest() {
        Some(farm) => !served.board.age(&farm).1,
        None => served.board.is_new(),
    };
    let status = if turns { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let why = if turns { json!({}) } else { json!({ "error": "the daemon does not turn" }) };
    (status, Json(why)).into_response()
}

/// Whether the daemon does its work: it turns, and knows the farm at the provider.
async fn readyz(State(served): Shared) -> Response {
    let why = match served.board.latest() {
        None => Some(FIRST_TURN),
        Some(farm) if served.board.age(&farm).1 => Some("the daemon does not turn"),
        Some(farm) if farm.adopted_at.is_none() => {
            Some("the farm at the provider is not fully known yet")
        }
        Some(_) => None,
    };
    why.map_or_else(
        || Json(json!({})).into_response(),
        |why| refuse(StatusCode::SERVICE_UNAVAILABLE, why),
    )
}

/// For watchdogs on workers, which hold no token: the daemon turns, or does not.
async fn lease(State(served): Shared) -> Response {
    let Some(farm) = served.board.latest() else {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, FIRST_TURN);
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
