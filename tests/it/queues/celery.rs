//! Celery: its own producer and worker from `PyPI`, on a real Redis.

use std::process::{Child, Command, Stdio};

use farmscale::model::WorkerState;

use super::contract::{Bench, contract, settled};
use super::studio::script;
use super::{queue, states};
use crate::support::redis::{Redis, signal};

contract!(Celery);

/// The server, and at most one worker.
struct Celery {
    redis: Redis,
    folder: tempfile::TempDir,
    worker: Option<Child>,
}

impl Celery {
    fn with_password(&self, password: &str) -> String {
        let port = self.redis.port();
        format!(
            "kind = \"celery\"\nurl = \"redis://127.0.0.1:{port}/0\"\npassword = \"{password}\"\n\
             queues = [\"frames\"]\ntimeout = \"1h\"\nanswer_wait = \"20m\"\n"
        )
    }

    fn python(&self, module: &str) -> Command {
        let mut command = script(module);
        let broker = format!("redis://:right-word@127.0.0.1:{}/0", self.redis.port());
        command.env("BROKER", broker).current_dir(self.folder.path());
        command
    }

    fn go(&self) {
        std::fs::write(self.folder.path().join("go"), "").unwrap();
    }
}

impl Bench for Celery {
    fn start() -> Self {
        let redis = Redis::start_with(&["--requirepass", "right-word"]);
        Self { redis, folder: tempfile::tempdir().unwrap(), worker: None }
    }

    fn section(&self) -> String {
        self.with_password("right-word")
    }

    fn submit(&mut self, tasks: u32) {
        let words = ["submit", &tasks.to_string()];
        let status = self.python("celery_studio").args(words).status().unwrap();
        assert!(status.success(), "pip install celery redis (test.sh does)");
    }

    fn work(&mut self, _busy: bool) {
        let worker = self
            .python("celery")
            .args(["-A", "celery_studio", "worker", "-Q", "frames"])
            .args(["-n", "w1@ins-1", "-c", "1", "-P", "threads", "--loglevel", "ERROR"])
            .stdout(Stdio::null())
            .spawn();
        self.worker = Some(worker.unwrap());
    }

    fn obey(&mut self) {
        self.go();
    }

    fn stop(&mut self) {
        self.redis.stop();
    }

    fn restart(&mut self) {
        self.redis.restart();
    }

    fn freeze(&mut self, frozen: bool) -> bool {
        if frozen {
            self.redis.freeze();
        } else {
            self.redis.thaw();
        }
        true
    }

    fn wrong_password(&self) -> Option<String> {
        Some(self.with_password("wrong-word"))
    }

    /// Only numbers are read of what waits.
    fn flood(&mut self) -> bool {
        false
    }
}

impl Drop for Celery {
    fn drop(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            worker.kill().unwrap();
            worker.wait().unwrap();
        }
    }
}

#[tokio::test]
async fn celery_counts_by_priority_and_a_worker_that_does_not_answer_is_a_doubt() {
    let mut celery = Celery::start();
    let section = celery.section().replace("answer_wait = \"20m\"", "answer_wait = \"100ms\"");
    let (hasty, patient) = (queue(&section), queue(&celery.section()));
    celery.redis.ask(&["LPUSH", "frames\u{6}\u{16}6", "an urgent one"]);
    celery.redis.ask(&["LPUSH", "frames", "one"]);
    assert_eq!(hasty.read(super::NOW).await.unwrap().queued(), 2);
    celery.redis.ask(&["DEL", "frames", "frames\u{6}\u{16}6"]);
    celery.work(false);
    let there = settled(&patient, |seen| !states(seen).is_empty()).await;
    assert_eq!(states(&there), [("w1@ins-1", "ins-1", WorkerState::Idle)]);
    let worker = celery.worker.as_ref().unwrap().id();
    signal(worker, "STOP");
    let reading = hasty.read(super::NOW).await.unwrap();
    signal(worker, "CONT");
    assert!(states(&reading).is_empty() && reading.is_doubtful(), "{reading:?}");
    let left = celery.redis.ask(&["KEYS", "*.reply.celery.pidbox"]);
    assert_eq!(left, "0", "no question of ours is left behind");
}
