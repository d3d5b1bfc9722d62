//! Flamenco: a stand-in with the documented states, and answers recorded from a manager of 3.9-beta1.

use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use farmscale::model::WorkerState;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::contract::{Bench, contract};
use super::studio::{free_address, wait_for};
use super::{NOW, machine, queue, states};
use crate::support::wait::{NEVER, until};

contract!(Manager);

/// The manager's state: one job, and at most one worker, called `ins-1` like its machine.
#[derive(Default)]
struct Farm {
    waiting: u32,
    active: bool,
    /// (status, what it will be once its task is done).
    worker: Option<(String, Option<String>)>,
    activity: String,
    is_frozen: bool,
}

type Shared = Arc<Mutex<Farm>>;

/// A stand-in for the manager.
struct Manager {
    farm: Shared,
    address: SocketAddr,
    /// Of its own: it ends at once, whatever it is doing.
    server: Option<Runtime>,
}

async fn gate(
    State(farm): State<Shared>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    if farm.lock().unwrap().is_frozen {
        tokio::time::sleep(NEVER).await;
    }
    let said = headers.get("authorization").and_then(|value| value.to_str().ok());
    if said != Some("Bearer right-word") {
        return (StatusCode::UNAUTHORIZED, "who are you?").into_response();
    }
    next.run(request).await
}

async fn jobs(State(farm): State<Shared>) -> Json<Value> {
    let activity = &farm.lock().unwrap().activity;
    Json(json!({ "jobs": [
        { "id": "j1", "name": "shot", "status": "active", "priority": 50, "activity": activity,
          "metadata": { "project": "moon", "user.name": "li" }, "created": "2026-01-02T03:00:00Z" },
        { "id": "j2", "name": "old", "status": "completed", "priority": 50 },
    ] }))
}

async fn tasks(State(farm): State<Shared>, Path(job): Path<String>) -> Json<Value> {
    assert_eq!(job, "j1", "only live jobs are looked into");
    let farm = farm.lock().unwrap();
    let task = |status: &str, worker: &str| {
        json!({ "id": "t", "status": status, "task_type": "blender",
                "worker": { "id": worker, "name": worker, "address": "" } })
    };
    let waiting = (0..farm.waiting).map(|_| task("queued", ""));
    let active = farm.active.then(|| task("active", "w-uuid"));
    // blocked by the others: it needs no machine
    let preview = json!({ "id": "p", "status": "queued", "task_type": "ffmpeg" });
    Json(json!({ "tasks": waiting.chain(active).chain([preview]).collect::<Vec<_>>() }))
}

async fn workers(State(farm): State<Shared>) -> Json<Value> {
    let farm = farm.lock().unwrap();
    let worker = |(status, next): &(String, Option<String>)| {
        let mut worker =
            json!({ "id": "w-uuid", "name": "ins-1", "status": status, "can_restart": false });
        if let Some(next) = next {
            worker["status_change"] = json!({ "status": next, "is_lazy": true });
        }
        worker
    };
    let gone = json!({ "id": "w-old", "name": "ins-0", "status": "offline", "can_restart": false });
    Json(json!({ "workers": farm.worker.iter().map(worker).chain([gone]).collect::<Vec<_>>() }))
}

async fn set_status(
    State(farm): State<Shared>,
    Path(id): Path<String>,
    Json(wish): Json<Value>,
) -> StatusCode {
    assert_eq!(id, "w-uuid");
    let mut farm = farm.lock().unwrap();
    let (status, is_lazy) = (wish["status"].as_str().unwrap(), wish["is_lazy"].as_bool().unwrap());
    let waits = is_lazy && farm.active;
    if let Some(worker) = &mut farm.worker {
        if waits {
            worker.1 = Some(status.to_owned());
        } else {
            *worker = (status.to_owned(), None);
        }
    }
    StatusCode::NO_CONTENT
}

async fn remove(State(farm): State<Shared>, Path(id): Path<String>) -> StatusCode {
    assert_eq!(id, "w-uuid");
    farm.lock().unwrap().worker = None;
    StatusCode::NO_CONTENT
}

impl Bench for Manager {
    fn start() -> Self {
        let mut manager = Self { farm: Shared::default(), address: free_address(), server: None };
        manager.restart();
        manager
    }

    fn section(&self) -> String {
        let address = self.address;
        format!(
            "kind = \"flamenco\"\nurl = \"http://{address}\"\ntoken = \"right-word\"\n\
             timeout = \"1h\"\n"
        )
    }

    fn submit(&mut self, tasks: u32) {
        self.farm.lock().unwrap().waiting += tasks;
    }

    fn work(&mut self, busy: bool) {
        let mut farm = self.farm.lock().unwrap();
        farm.worker = Some(("awake".to_owned(), None));
        farm.active = busy;
        farm.waiting -= u32::from(busy);
    }

    fn obey(&mut self) {
        let mut farm = self.farm.lock().unwrap();
        farm.active = false;
        if let Some((status, next)) = &mut farm.worker {
            *status = next.take().unwrap_or_else(|| status.clone());
        }
    }

    fn kept(&mut self) -> usize {
        usize::from(self.farm.lock().unwrap().worker.is_some())
    }

    fn stop(&mut self) {
        self.server.take().unwrap().shutdown_background();
        let address = self.address;
        let is_gone = || TcpStream::connect(address).is_err().then_some(());
        until(is_gone, || format!("{address} is free"));
    }

    fn restart(&mut self) {
        let router = Router::new()
            .route("/api/v3/jobs", get(jobs))
            .route("/api/v3/jobs/{id}/tasks", get(tasks))
            .route("/api/v3/worker-mgt/workers", get(workers))
            .route("/api/v3/worker-mgt/workers/{id}", axum::routing::delete(remove))
            .route("/api/v3/worker-mgt/workers/{id}/setstatus", post(set_status))
            .layer(from_fn_with_state(Arc::clone(&self.farm), gate))
            .with_state(Arc::clone(&self.farm));
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(1).enable_all().build().unwrap();
        let address = self.address;
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::bind(address).await.unwrap();
            axum::serve(listener, router).await.unwrap();
        });
        self.server = Some(runtime);
        wait_for(address);
    }

    fn freeze(&mut self, frozen: bool) -> bool {
        self.farm.lock().unwrap().is_frozen = frozen;
        true
    }

    fn wrong_password(&self) -> Option<String> {
        Some(self.section().replace("right-word", "wrong-word"))
    }

    fn flood(&mut self) -> bool {
        self.farm.lock().unwrap().activity = "x".repeat(2_000_000);
        true
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.shutdown_background();
        }
    }
}

fn recorded(name: &str) -> &'static str {
    match name {
        "jobs" => include_str!("../../data/flamenco/jobs.json"),
        "tasks" => include_str!("../../data/flamenco/tasks.json"),
        _ => include_str!("../../data/flamenco/workers.json"),
    }
}

/// Recorded just after the fifth of six frames was rendered.
#[tokio::test]
async fn what_a_real_manager_answered_is_read() {
    let router = Router::new()
        .route("/api/v3/jobs", get(|| async { recorded("jobs") }))
        .route("/api/v3/jobs/{id}/tasks", get(|| async { recorded("tasks") }))
        .route("/api/v3/worker-mgt/workers", get(|| async { recorded("workers") }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let queue = queue(&format!("kind = \"flamenco\"\nurl = \"http://{address}/\"\n"));
    let reading = queue.read(NOW).await.unwrap();
    assert_eq!((reading.queued(), reading.running()), (1, 0), "the preview needs no machine");
    let job = &reading.jobs.as_ref().unwrap()[0];
    assert_eq!((&*job.name, &*job.labels["show"], job.queued), ("shot010", "demo", 1));
    assert_eq!(states(&reading), [("gpu-node-1", "gpu-node-1", WorkerState::Idle)]);
    assert!(!reading.is_doubtful());
    let section = format!("kind = \"flamenco\"\nurl = \"http://{address}/\"\ntag = \"gpu\"\n");
    assert_eq!(super::queue(&section).read(NOW).await.unwrap().queued(), 0, "no job has the tag");
    assert!(queue.drain(&machine()).await.is_ok(), "nobody of that name is there");
}
