//! The simulated queue over HTTP, as a studio's own job server would answer: depth, workers, drain.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::farm::SimFarm;
use crate::clock::Clock;
use crate::model::{MachineName, MachineRef, Span, Stage, TaskSeen, Text, Time};

/// What a drain request names.
#[derive(Debug, Deserialize)]
struct Drain {
    machine: String,
    instance: Option<String>,
}

#[derive(Debug, Clone)]
struct Served {
    farm: Arc<Mutex<SimFarm>>,
    clock: Clock,
}

/// Serves `GET /queue`, `POST /drain` and `POST /undrain` for the queue of `farm`.
pub async fn serve(
    farm: Arc<Mutex<SimFarm>>,
    clock: Clock,
    listener: TcpListener,
) -> io::Result<()> {
    let router = Router::new()
        .route("/queue", get(depth))
        .route("/drain", post(drain))
        .route("/undrain", post(undrain))
        .with_state(Served { farm, clock });
    axum::serve(listener, router).await
}

impl Served {
    /// The farm, with everything done that is due by now.
    fn farm(&self) -> MutexGuard<'_, SimFarm> {
        let mut farm = self.farm.lock().unwrap_or_else(PoisonError::into_inner);
        farm.advance(self.clock.now());
        farm
    }
}

async fn depth(State(served): State<Served>) -> Json<Value> {
    let now = served.clock.now();
    let reading = served.farm().queue.reading(now);
    let workers: Vec<Value> = reading
        .workers
        .iter()
        .flatten()
        .map(|one| json!({ "name": *one.worker, "instance": *one.instance, "state": one.state }))
        .collect();
    let tasks: Vec<Value> = reading.tasks.iter().flatten().map(task).collect();
    Json(json!({
        "tasks": tasks,
        "queued": reading.queued(),
        "running": reading.running(),
        "oldest_wait_s": reading.oldest_wait.map(Span::as_seconds),
        "workers": workers,
    }))
}

fn task(task: &TaskSeen) -> Value {
    let (started_at, ended_at) = match task.stage {
        Stage::Waiting => (None, None),
        Stage::Running { since } => (Some(since), None),
        Stage::Ended { at, took } => (Some(at - took), Some(at)),
    };
    let seconds =
        |at: Time| json!(std::time::Duration::from_millis(at.0.unsigned_abs()).as_secs_f64());
    json!({
        "id": task.id, "submitted_at": seconds(task.submitted_at),
        "started_at": started_at.map(seconds), "ended_at": ended_at.map(seconds),
        "gpus": task.shape.map(|shape| shape.gpus),
    })
}

async fn drain(State(served): State<Served>, Json(drain): Json<Drain>) -> Json<Value> {
    let now = served.clock.now();
    served.farm().queue.drain(now, &drain.reference());
    Json(json!({}))
}

async fn undrain(State(served): State<Served>, Json(drain): Json<Drain>) -> Json<Value> {
    let now = served.clock.now();
    served.farm().queue.undrain(now, &drain.reference());
    Json(json!({}))
}

impl Drain {
    fn reference(&self) -> MachineRef {
        MachineRef {
            name: MachineName::from_stored(&self.machine),
            instance: self.instance.as_deref().map(Text::from),
            workers: Vec::new(),
        }
    }
}
