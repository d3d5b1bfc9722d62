//! `BullMQ`: its own producer and worker from npm, on a real Redis.

use std::path::Path;
use std::process::{Child, Command};

use farmscale::model::{Span, Stage, WorkerState};

use super::contract::{Bench, contract, settled};
use super::{queue, states};
use crate::support::redis::Redis;
use crate::support::wait::until;

contract!(BullMq);

/// The server, and at most one worker.
struct BullMq {
    redis: Redis,
    folder: tempfile::TempDir,
    worker: Option<Child>,
}

impl BullMq {
    fn with_password(&self, password: &str) -> String {
        let port = self.redis.port();
        format!(
            "kind = \"bullmq\"\nurl = \"redis://127.0.0.1:{port}/0\"\npassword = \"{password}\"\n\
             queues = [\"frames\"]\ntimeout = \"1h\"\n"
        )
    }

    fn node(&self, words: &[&str]) -> Command {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new("node");
        command
            .env("NODE_PATH", root.join("target/tools/node_modules"))
            .arg(root.join("tests/it/queues/bullmq_studio.js"))
            .arg(format!("redis://:right-word@127.0.0.1:{}/0", self.redis.port()))
            .args(words)
            .current_dir(self.folder.path());
        command
    }

    /// As the unit of docs/queues/bullmq.md does: only while the machine is wanted.
    fn start_worker(&mut self) {
        if self.kept() == 0 && self.worker.is_none() {
            self.worker = Some(self.node(&["work"]).spawn().expect("install nodejs"));
        }
    }

    fn end_tasks(&self) {
        std::fs::write(self.folder.path().join("go"), "").unwrap();
    }
}

impl Bench for BullMq {
    fn start() -> Self {
        let redis = Redis::start_with(&["--requirepass", "right-word"]);
        Self { redis, folder: tempfile::tempdir().unwrap(), worker: None }
    }

    fn section(&self) -> String {
        self.with_password("right-word")
    }

    fn submit(&mut self, tasks: u32) {
        let status = self.node(&["submit", &tasks.to_string()]).status();
        assert!(status.expect("install nodejs").success(), "npm install bullmq (test.sh does)");
    }

    fn work(&mut self, _busy: bool) {
        self.start_worker();
    }

    /// The job ends; a worker that was told to has ended too, and starts again if it may.
    fn obey(&mut self) {
        let ending = if self.kept() == 0 { None } else { self.worker.take() };
        if let Some(mut worker) = ending {
            let closing = self.folder.path().join("closing");
            until(|| closing.exists().then_some(()), || "the worker sees the drain".to_owned());
            self.end_tasks();
            assert!(worker.wait().unwrap().success(), "it ended by itself");
        }
        self.end_tasks();
        self.start_worker();
    }

    fn kept(&mut self) -> usize {
        self.redis.ask(&["SCARD", "farmscale:bullmq:drained"]).parse().unwrap()
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

    /// Jobs beyond 20,000 are only counted.
    fn flood(&mut self) -> bool {
        false
    }
}

impl Drop for BullMq {
    fn drop(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            worker.kill().unwrap();
            worker.wait().unwrap();
        }
    }
}

#[tokio::test]
async fn bullmq_tells_jobs_and_how_long_they_ran() {
    let mut bull = BullMq::start();
    bull.end_tasks();
    bull.submit(5);
    let queue = queue(&bull.section());
    let waiting = settled(&queue, |seen| seen.queued() == 5).await;
    let job = &waiting.jobs.as_ref().unwrap()[0];
    assert_eq!((&*job.name, job.queued), ("shot7", 5));
    assert!(waiting.tasks.unwrap().iter().all(|task| task.job == Some(job.id)));
    bull.work(true);
    let ended = |task: &farmscale::model::TaskSeen| matches!(task.stage, Stage::Ended { .. });
    let all = settled(&queue, |seen| {
        seen.tasks.as_ref().unwrap().iter().filter(|one| ended(one)).count() == 5
    });
    let reading = all.await;
    for task in reading.tasks.as_ref().unwrap() {
        let Stage::Ended { took, .. } = task.stage else { panic!("{task:?}") };
        assert!(Span::ZERO <= took, "{task:?}");
    }
    assert_eq!((reading.queued(), reading.running()), (0, 0));
    assert_eq!(states(&reading), [("ins-1", "ins-1", WorkerState::Idle)]);
}

#[tokio::test]
async fn a_job_whose_worker_died_needs_a_machine() {
    let mut bull = BullMq::start();
    bull.submit(1);
    bull.work(true);
    let queue = queue(&bull.section());
    assert_eq!(settled(&queue, |seen| seen.running() == 1).await.running(), 1);
    let mut worker = bull.worker.take().unwrap();
    worker.kill().unwrap();
    worker.wait().unwrap();
    // its lock would end by itself within half a minute
    assert_eq!(bull.redis.ask(&["DEL", "bull:frames:1:lock"]), "1");
    let reading = settled(&queue, |seen| seen.queued() == 1).await;
    assert_eq!((reading.queued(), reading.running()), (1, 0));
}
