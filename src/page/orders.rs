//! Orders: what operators want of the farm, passed on to the driver. Texts are cut where they enter.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::served::{FIRST_TURN, Served, Shared, refuse};
use crate::model::snapshot::MachineView;
use crate::model::text::{NAME_MAX, SENTENCE_MAX, printable};
use crate::model::{Order, Span, Text, Time};

/// The longest pause or hold that ends by itself.
const LASTING_MAX: Span = Span::days(366);

#[derive(Debug, Deserialize)]
pub(super) struct PauseBody {
    owner: String,
    reason: String,
    for_s: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OwnerBody {
    owner: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct HoldBody {
    machine: String,
    owner: String,
    reason: String,
    for_s: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReleaseBody {
    machine: String,
    owner: String,
}

pub(super) async fn pause(State(served): Shared, Json(body): Json<PauseBody>) -> Response {
    answer(|| {
        let (owner, reason) = (owner(&body.owner)?, reason(&body.reason)?);
        let until = end_of(&served, body.for_s)?;
        give(&served, Order::Pause { owner, reason, until }, until)
    })
}

pub(super) async fn resume(State(served): Shared, Json(body): Json<OwnerBody>) -> Response {
    answer(|| give(&served, Order::Resume { owner: owner(&body.owner)? }, None))
}

pub(super) async fn retire(State(served): Shared, Json(body): Json<OwnerBody>) -> Response {
    answer(|| give(&served, Order::Retire { owner: owner(&body.owner)? }, None))
}

pub(super) async fn stay(State(served): Shared, Json(body): Json<OwnerBody>) -> Response {
    answer(|| give(&served, Order::Stay { owner: owner(&body.owner)? }, None))
}

pub(super) async fn release_twins(State(served): Shared, Json(body): Json<OwnerBody>) -> Response {
    answer(|| give(&served, Order::ReleaseTwins { owner: owner(&body.owner)? }, None))
}

pub(super) async fn hold(State(served): Shared, Json(body): Json<HoldBody>) -> Response {
    answer(|| {
        let machine = machine(&served, &body.machine)?;
        let (owner, reason) = (owner(&body.owner)?, reason(&body.reason)?);
        let until = end_of(&served, body.for_s)?;
        give(&served, Order::Hold { machine, owner, reason, until }, until)
    })
}

pub(super) async fn release(State(served): Shared, Json(body): Json<ReleaseBody>) -> Response {
    answer(|| {
        let machine = machine(&served, &body.machine)?;
        give(&served, Order::Release { machine, owner: owner(&body.owner)? }, None)
    })
}

/// Why an order is not taken.
struct Refused(StatusCode, String);

/// An answer, or a refusal that is one as well.
fn answer(take: impl FnOnce() -> Result<Response, Refused>) -> Response {
    take().unwrap_or_else(|Refused(status, why)| refuse(status, &why))
}

fn owner(text: &str) -> Result<Text, Refused> {
    bounded("owner", text, NAME_MAX)
}

fn reason(text: &str) -> Result<Text, Refused> {
    bounded("reason", text, SENTENCE_MAX)
}

/// Refused rather than cut: who gives an order can give a shorter one.
fn bounded(key: &str, text: &str, max: usize) -> Result<Text, Refused> {
    let text = printable(text.trim());
    if text.is_empty() {
        return Err(Refused(StatusCode::BAD_REQUEST, format!("{key} is empty")));
    }
    if max < text.len() {
        let why = format!("{key} has {} bytes: at most {max} are kept", text.len());
        return Err(Refused(StatusCode::BAD_REQUEST, why));
    }
    Ok(text.as_ref().into())
}

/// When what lasts so many seconds ends, by the farm's clock.
fn end_of(served: &Served, for_s: Option<i64>) -> Result<Option<Time>, Refused> {
    let Some(seconds) = for_s else { return Ok(None) };
    let lasting = Span::seconds(seconds);
    if lasting <= Span::ZERO || LASTING_MAX < lasting {
        let why = format!("for_s is {seconds}: it must be from 1 to {}", LASTING_MAX.as_seconds());
        return Err(Refused(StatusCode::BAD_REQUEST, why));
    }
    let farm = served.board.latest();
    let first = || Refused(StatusCode::SERVICE_UNAVAILABLE, FIRST_TURN.to_owned());
    Ok(Some(farm.ok_or_else(first)?.at + lasting))
}

/// A machine of ours by name or id.
fn machine(served: &Served, machine: &str) -> Result<Text, Refused> {
    let is_it = |one: &MachineView| {
        one.name.as_str() == machine || one.instance.as_deref() == Some(machine)
    };
    let known = served.board.latest().is_some_and(|farm| farm.machines.iter().any(is_it));
    if known {
        return Ok(machine.into());
    }
    Err(Refused(StatusCode::NOT_FOUND, "there is no machine of that name or id".to_owned()))
}

fn give(served: &Served, order: Order, until: Option<Time>) -> Result<Response, Refused> {
    match (served.options.orders)(order) {
        Ok(()) => Ok(Json(json!({ "taken": true, "until": until })).into_response()),
        Err(why) => Err(Refused(StatusCode::SERVICE_UNAVAILABLE, why.to_owned())),
    }
}
