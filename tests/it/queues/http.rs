//! JSON behind a URL: a small real server, and one that misbehaves in every way.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::{get, post};
use farmscale::model::{MachineRef, Refusal, Span, WorkerState};
use farmscale::queue::{Can, Queue};

use super::contract::{Bench, contract};
use super::studio::{Server, free_address};
use super::{NOW, fault, machine, queue, states};
use crate::support::wait::NEVER;

contract!(Server);

impl Bench for Server {
    fn start() -> Self {
        Self::start()
    }

    fn section(&self) -> String {
        let address = self.address;
        format!(
            "kind = \"http\"\nurl = \"http://{address}/queue\"\ntoken = \"right-word\"\n\
             drain_url = \"http://{address}/drain\"\nundrain_url = \"http://{address}/undrain\"\n\
             timeout = \"1h\"\n"
        )
    }

    fn submit(&mut self, tasks: u32) {
        self.studio.tell(&["submit", &tasks.to_string()]);
    }

    fn work(&mut self, busy: bool) {
        self.studio.tell(&["work", &busy.to_string()]);
    }

    fn obey(&mut self) {
        self.studio.tell(&["obey"]);
    }

    fn stop(&mut self) {
        self.stop();
    }

    fn restart(&mut self) {
        self.restart();
    }

    fn freeze(&mut self, frozen: bool) -> bool {
        Self::freeze(self, frozen);
        true
    }

    fn wrong_password(&self) -> Option<String> {
        Some(self.section().replace("right-word", "wrong-word"))
    }

    fn flood(&mut self) -> bool {
        self.studio.tell(&["flood"]);
        true
    }
}

/// What the HTTP server was told: path, body, authorization.
type Told = Arc<Mutex<Vec<(String, String, String)>>>;

async fn http_server() -> (SocketAddr, Told) {
    let told = Told::default();
    let log = Arc::clone(&told);
    let hook = move |uri: Uri, headers: HeaderMap, body: String| async move {
        let token = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap());
        let entry = (uri.to_string(), body, token.unwrap_or_default().to_owned());
        log.lock().unwrap().push(entry);
    };
    let depth = r#"{"queued": 4, "running": 1, "oldest_wait_s": 90,
        "workers": [{"name": "w1", "instance": "ins-1", "state": "drained"}]}"#;
    let denied = |uri: Uri| async move { (StatusCode::UNAUTHORIZED, format!("no, {uri}")) };
    let slow = || async { tokio::time::sleep(NEVER).await };
    let router = Router::new()
        .route("/depth", get(move || async move { depth }))
        .route("/login", get(|| async { Html("<!DOCTYPE html><title>Sign in</title>") }))
        .route("/moved", get(|| async { Redirect::temporary("/depth") }))
        .route("/denied", get(denied))
        .route("/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR.into_response() }))
        .route("/large", get(|| async { " ".repeat(2 * 1024 * 1024) }))
        .route("/slow", get(slow))
        .route("/hook/{*rest}", post(hook));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, told)
}

fn section(address: SocketAddr, path: &str) -> String {
    let url = format!("http://joe:pass-word@{address}{path}?key=query-word");
    format!("kind = \"http\"\nurl = \"{url}\"\ntimeout = \"1h\"\nanswer_max = 1\n")
}

fn http_queue(address: SocketAddr, path: &str) -> Queue {
    queue(&section(address, path))
}

#[tokio::test]
async fn http_tells_depth_workers_and_wait() {
    let (address, _) = http_server().await;
    let queue = http_queue(address, "/depth");
    let reading = queue.read(NOW).await.unwrap();
    assert_eq!((reading.queued(), reading.running(), reading.asked_at), (4, 1, NOW));
    assert_eq!(reading.oldest_wait, Some(Span::seconds(90)));
    assert_eq!(states(&reading), [("w1", "ins-1", WorkerState::Drained)]);
    assert!(queue.capabilities().has(Can::Busy) && !queue.drains());
    let failure = queue.drain(&machine()).await.unwrap_err();
    assert!(failure.detail.contains("drain_url"), "{}", failure.detail);
}

#[tokio::test]
async fn http_that_does_not_tell_gives_no_reading_and_no_secret() {
    let (address, _) = http_server().await;
    let cases = [
        ("/login", Refusal::Config, "login page"),
        ("/moved", Refusal::Config, "login page"),
        ("/denied", Refusal::Auth, "token"),
        ("/broken", Refusal::Other, "500"),
        ("/nowhere", Refusal::Config, "404"),
        ("/large", Refusal::Config, "1 MiB"),
        ("/slow", Refusal::Other, "timeout"),
    ];
    for (path, class, words) in cases {
        let mut section = format!("{}token = \"token-word\"\n", section(address, path));
        if path == "/slow" {
            section = section.replace("\"1h\"", "\"700ms\"");
        }
        let queue = queue(&section);
        let (found, detail) = fault(&queue).await;
        assert!(found == class && detail.contains(words), "{path}: {found:?} {detail}");
        for secret in ["pass-word", "token-word", "query-word"] {
            assert!(!detail.contains(secret) && !format!("{queue:?}").contains(secret), "{detail}");
        }
    }
    let (class, detail) = fault(&http_queue(free_address(), "/depth")).await;
    assert!(class == Refusal::NotSent && detail.contains("is the server running"), "{detail}");
}

#[tokio::test]
async fn http_hooks_are_told_the_machine() {
    let (address, told) = http_server().await;
    let machine = MachineRef { workers: vec!["w 1".into(), "w/2".into()], ..machine() };
    let hooks = |drain: &str, undrain: &str| {
        let at = format!("http://{address}");
        let section = section(address, "/depth");
        queue(&format!(
            "{section}token = \"token-word\"\ndrain_url = \"{at}{drain}\"\n\
             undrain_url = \"{at}{undrain}\"\n"
        ))
    };
    let queue = hooks("/hook/off/{worker}?on={instance}", "/hook/on/{name}");
    assert!(queue.drains());
    queue.drain(&machine).await.unwrap();
    queue.undrain(&machine).await.unwrap();
    let told = told.lock().unwrap().clone();
    let paths: Vec<_> = told.iter().map(|(path, _, _)| path.as_str()).collect();
    let expected = ["/hook/off/w%201?on=ins-1", "/hook/off/w%2F2?on=ins-1", "/hook/on/farm-gpu-1"];
    assert_eq!(paths, expected);
    for (_, body, token) in &told {
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let expected = serde_json::json!({
            "machine": "farm-gpu-1", "instance": "ins-1", "workers": ["w 1", "w/2"]
        });
        assert_eq!((body, token.as_str()), (expected, "Bearer token-word"));
    }
    let lost = hooks("/nowhere/{name}", "/nowhere/{name}");
    assert!(lost.drain(&machine).await.is_err(), "a hook that is not there is told");
}

/// 100,000 tasks are 8.9 MB; a number that cannot be stops nobody but itself.
#[tokio::test]
async fn a_hundred_thousand_tasks_are_read() {
    let task = |number: u32| {
        format!(
            "{{\"id\": \"shot{shot:03}-{number:06}\", \"job\": \"shot{shot:03}\", \
             \"submitted_at\": 1767225600, \"gpus\": 1}}",
            shot = number % 500
        )
    };
    let tasks: Vec<String> = (0..100_000).map(task).collect();
    let body = format!("{{\"tasks\": [{}]}}", tasks.join(", "));
    assert!(8_000_000 < body.len(), "{}", body.len());
    let address = serve(body).await;
    let queue = queue(&format!("kind = \"http\"\nurl = \"http://{address}/\"\n"));
    let reading = queue.read(NOW).await.unwrap();
    assert_eq!((reading.queued(), reading.tasks.unwrap().len()), (100_000, 100_000));
    assert_eq!(reading.jobs.unwrap().len(), 500);
}

#[tokio::test]
async fn numbers_that_cannot_be_are_no_reading_and_are_named() {
    for (body, said) in [
        (r#"{"queued": 1, "running": 4294967295}"#, "4294967295"),
        (r#"{"queued": 40000000, "running": 1}"#, "40000000"),
        (r#"{"queued": 1, "oldest_wait_s": 1e18}"#, "is it in seconds?"),
        (r#"{"queued": 1e300}"#, "`/queued`"),
    ] {
        let address = serve(body.to_owned()).await;
        let queue = queue(&format!("kind = \"http\"\nurl = \"http://{address}/\"\n"));
        let (class, detail) = fault(&queue).await;
        assert!(class == Refusal::Config && detail.contains(said), "{body}: {detail}");
    }
}

/// A server that gives this one answer.
async fn serve(body: String) -> SocketAddr {
    let router = Router::new().route("/", get(move || async move { body }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}
