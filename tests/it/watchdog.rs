//! The dead man's switch: real guards, real silence, and a program that stands in for `shutdown`.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use farmscale::clock::Clock;
use farmscale::sim::http::Mischief;
use farmscale::sim::provider::Dials;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::support::cloud::{Cloud, KEY, SECRET};
use crate::support::daemon::{Daemon, PROGRAM, config, farmscale, free_port};
use crate::support::wait::until;

/// Two minutes of silence, the least there is, pass in a second.
const SPEED: u32 = 120;
/// Where a real daemon renews its lease: no pause of this machine is six seconds long.
const CALM: u32 = 20;
/// Five times as long as an idle machine needs to go.
const LONG: Duration = Duration::from_secs(5);
const NO_WORK: &str = "kind = \"command\"\ncommand = [\"echo\", '{\"queued\": 0, \"running\": 0, \
                       \"workers\": []}']\ndrain = [\"true\"]\nundrain = [\"true\"]";

/// Answers `/lease` until it is dropped.
struct Host {
    _runtime: Runtime,
    address: SocketAddr,
    asked: Arc<AtomicU32>,
}

impl Host {
    fn start(status: StatusCode, farm: &'static str) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let lease = get(async move || {
            let at = count.fetch_add(1, Ordering::Relaxed);
            (status, format!(r#"{{"farm":"{farm}","at":{at},"age_s":1,"valid_s":61}}"#))
        });
        let served = axum::serve(listener, Router::new().route("/lease", lease));
        runtime.spawn(async { served.await });
        Self { _runtime: runtime, address, asked }
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}

/// A worker with a guard on it; `shutdown` leaves a line in a file.
struct Worker {
    folder: tempfile::TempDir,
    guard: Option<Child>,
}

impl Worker {
    fn new() -> Self {
        let worker = Self { folder: tempfile::tempdir().unwrap(), guard: None };
        let gone = worker.path("gone");
        worker.program("shutdown", &format!("echo \"$@\" >>{}", gone.display()));
        worker
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program of that name, in a folder that is searched first.
    fn program(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn search(&self) -> String {
        format!("{}:{}", self.folder.path().display(), env!("PATH"))
    }

    fn guard(&mut self, host: SocketAddr, more: &[&str]) {
        self.guard_at(host, SPEED, more);
    }

    fn guard_at(&mut self, host: SocketAddr, speed: u32, more: &[&str]) {
        let child = Command::new(PROGRAM)
            .args(["watchdog", "--lease", &format!("http://{host}/lease"), "--silent-for", "2m"])
            .args(["--clock-speed", &speed.to_string()])
            .args(more)
            .env("PATH", self.search())
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(self.path("log")).unwrap())
            .spawn()
            .unwrap();
        self.guard = Some(child);
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// What `shutdown` was run with, one line a run.
    fn gone(&self) -> String {
        fs::read_to_string(self.path("gone")).unwrap_or_default()
    }

    /// Waits until the guard ends by itself.
    fn ended(&mut self) -> ExitStatus {
        let log = self.path("log");
        let guard = self.guard.as_mut().unwrap();
        until(|| guard.try_wait().unwrap(), || fs::read_to_string(log).unwrap())
    }

    fn says(&self, word: &str) {
        until(|| self.log().contains(word).then_some(()), || format!("`{word}`: {}", self.log()));
    }

    /// Nothing must happen: a slow machine can only make this too easy, never fail it.
    fn stays(&mut self) {
        sleep(LONG);
        let ended = self.guard.as_mut().unwrap().try_wait().unwrap();
        assert!(ended.is_none() && self.gone().is_empty(), "{}", self.log());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            guard.kill().ok();
            guard.wait().unwrap();
        }
    }
}

#[test]
fn a_worker_stays_while_the_lease_is_fresh_and_goes_once_after_the_host_has_died() {
    let host = Host::start(StatusCode::OK, "studio");
    let mut worker = Worker::new();
    worker.guard(host.address, &["--farm", "studio", "--busy", "false", "--json"]);
    worker.stays();
    until(|| (5 < host.asked()).then_some(()), || "it asks again and again".to_owned());
    drop(host);
    assert!(worker.gone().is_empty(), "not at once");
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.log());
    assert_eq!(worker.gone(), "-h now\n");
    for line in worker.log().lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
}

#[test]
fn a_busy_worker_is_kept_until_its_task_is_over() {
    for by_gpu in [false, true] {
        let mut worker = Worker::new();
        let task = worker.path("task");
        fs::write(&task, "0\n97\n").unwrap();
        worker.program("nvidia-smi", &format!("cat {}", task.display()));
        let is_there = format!("test -e {}", task.display());
        let flags = if by_gpu { vec!["--gpu"] } else { vec!["--busy", &is_there] };
        worker.guard(free_port(), &flags);
        worker.says("the machine is kept");
        worker.stays();
        fs::remove_file(task).unwrap();
        assert_eq!(worker.ended().code(), Some(0), "{}", worker.log());
        assert_eq!(worker.gone(), "-h now\n");
    }
}

#[test]
fn a_program_that_cannot_tell_whether_a_task_runs_keeps_the_worker() {
    let mut worker = Worker::new();
    worker.guard(free_port(), &["--busy", "no-such-program"]);
    worker.says("`no-such-program` cannot tell");
    worker.stays();
}

#[test]
fn a_host_that_answers_but_does_not_turn_or_runs_another_farm_is_silent() {
    for (status, farm, word) in
        [(StatusCode::SERVICE_UNAVAILABLE, "studio", "503"), (StatusCode::OK, "atelier", "atelier")]
    {
        let host = Host::start(status, farm);
        let mut worker = Worker::new();
        worker.guard(host.address, &["--farm", "studio", "--busy", "false"]);
        assert_eq!(worker.ended().code(), Some(0), "{}", worker.log());
        assert_eq!(worker.gone(), "-h now\n");
        assert!(worker.log().contains(word), "{}", worker.log());
    }
}

#[test]
fn a_dry_run_only_says_so_and_a_shutdown_that_fails_is_told() {
    let mut worker = Worker::new();
    worker.guard(free_port(), &["--dry-run", "--gpu"]);
    assert_eq!(worker.ended().code(), Some(0));
    assert!(worker.log().contains("`shutdown -h now` would be run"), "{}", worker.log());
    assert_eq!(worker.gone(), "");
    worker.guard(free_port(), &["--gpu", "--then", "false"]);
    assert_eq!(worker.ended().code(), Some(1));
    assert!(worker.log().contains("the machine stays on"), "{}", worker.log());
}

#[test]
fn settings_that_would_shut_down_too_soon_are_refused() {
    let lease = ["watchdog", "--lease", "http://127.0.0.1:1/lease"];
    for (flags, word) in [
        (["--silent-for", "1m"], "at least 2m00s"),
        (["--every", "1s"], "from 5s to half"),
        (["--silent-for", "x"], "a time such as"),
        (["--busy", "\"x"], "not closed"),
    ] {
        let ended = farmscale(&[&lease[..], &flags].concat(), &[]);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success() && said.contains(word), "{said}");
    }
}

/// The lease of the real daemon, without its token; its guard notices its death.
#[test]
fn the_daemon_gives_a_lease_as_long_as_it_turns() {
    let cloud = Cloud::start(Clock::scaled(CALM), Dials::kind(), Mischief::none());
    let mut daemon = Daemon::new(&config(cloud.address, NO_WORK, 4), CALM);
    let token = "a-token-of-more-than-thirty-two-letters";
    daemon.start_with(&[("FARMSCALE_PAGE_TOKEN", token)]);
    let lease = lease_of(|| daemon.get("/lease"));
    assert_eq!(lease["farm"], "test");
    assert!(lease["age_s"].as_i64() <= lease["valid_s"].as_i64(), "{lease}");
    assert_eq!(lease.as_object().unwrap().len(), 4, "and nothing more: {lease}");
    let (head, _) = daemon.http("GET /api/v1/status", "127.0.0.1", "");
    assert!(head.starts_with("HTTP/1.1 401"), "all else asks for the token: {head}");
    let (head, _) = daemon.http("GET /lease", "evil.example", "");
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    let later = lease_of(|| daemon.get("/lease").filter(|later| later["at"] != lease["at"]));
    assert!(lease["at"].as_i64() < later["at"].as_i64(), "{lease} {later}");

    let mut worker = Worker::new();
    let address = daemon.url().trim_start_matches("http://").parse().unwrap();
    worker.guard_at(address, CALM, &["--farm", "test", "--busy", "false"]);
    worker.stays();
    daemon.kill();
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.log());
}

fn lease_of<T>(look: impl FnMut() -> Option<T>) -> T {
    until(look, || "the lease is never so".to_owned())
}

/// The script that docs/worker-image.md gives to those who want no binary, run as cron would.
#[test]
fn the_documented_script_does_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_to_string(root.join("docs/worker-image.md")).unwrap();
    let script = docs.split("```sh\n").find(|block| block.starts_with("#!/bin/sh")).unwrap();
    let script = script.split("```").next().unwrap();
    let worker = Worker::new();
    worker.program("pgrep", &format!("test -e {}", worker.path("task").display()));
    let host = Host::start(StatusCode::OK, "studio");
    let run = |host: SocketAddr, times: u32| {
        let silence = worker.path("silence").display().to_string();
        let path = format!("PATH={}:", worker.folder.path().display());
        let text = script
            .replace("10.15.0.2:8420", &host.to_string())
            .replace("/run/farmscale-silence", &silence)
            .replace("PATH=", &path);
        for _ in 0..times {
            Command::new("sh").args(["-c", &text]).stderr(Stdio::null()).status().unwrap();
        }
        worker.gone()
    };
    let dead = free_port();
    assert_eq!(run(dead, 29), "");
    assert_eq!(run(host.address, 3), "");
    assert_eq!(run(dead, 29), "");
    fs::write(worker.path("task"), "").unwrap();
    assert_eq!(run(dead, 10), "", "a task runs");
    fs::remove_file(worker.path("task")).unwrap();
    assert_eq!(run(dead, 1), "", "one look is not enough");
    assert_eq!(run(dead, 5), "-h now\n", "once");
    let sick = Host::start(StatusCode::SERVICE_UNAVAILABLE, "studio");
    run(host.address, 1);
    assert_eq!(run(sick.address, 30), "-h now\n-h now\n", "503 is silence");
}

/// What a guard's shutdown leads to once a daemon is there again.
#[test]
fn a_machine_that_has_shut_itself_down_is_deleted_by_the_daemon() {
    const FAST: u32 = 240;
    let clock = Clock::scaled(FAST);
    let cloud = Cloud::start(clock, Dials::kind(), Mischief::none());
    let folder = tempfile::tempdir().unwrap();
    let answer = folder.path().join("queue.json");
    fs::write(&answer, r#"{"queued": 1, "running": 0, "workers": []}"#).unwrap();
    let queue = NO_WORK.replace("[\"echo\", '", &format!("[\"cat\", {answer:?}] # '"));
    let mut daemon = Daemon::new(&config(cloud.address, &queue, 1), FAST);
    daemon.start();
    let status = daemon.wait_for("a machine", |status| status["machines"][0]["phase"] == "booting");
    let id = status["machines"][0]["instance"].as_str().unwrap().to_owned();
    let worker = format!(r#"[{{"name": "w", "instance": "{id}", "state": "busy"}}]"#);
    fs::write(&answer, format!(r#"{{"queued": 0, "running": 1, "workers": {worker}}}"#)).unwrap();
    daemon.wait_for("its worker", |status| status["machines"][0]["phase"] == "ready");
    daemon.kill();
    fs::write(&answer, r#"{"queued": 0, "running": 0, "workers": []}"#).unwrap();
    let ended = Command::new(PROGRAM)
        .args(["api", "OperateInstance", &format!("EcsIds={id}"), "OpType=shutdown_ecs", "--yes"])
        .args(["--wait", "--server", &format!("http://{}", cloud.address)])
        .args(["--clock-speed", &FAST.to_string()])
        .env("FARMSCALE_ACCESS_KEY_ID", KEY)
        .env("FARMSCALE_ACCESS_KEY_SECRET", SECRET)
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
    daemon.start();
    daemon.wait_for("its end", |status| status["counts"]["deletes"] == 1);
    assert!(daemon.log().contains("Shutdown"), "{}", daemon.log());
    until(|| cloud.truth().is_empty().then_some(()), || daemon.log());
}
