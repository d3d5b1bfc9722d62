//! RQ: its own producer and worker from `PyPI`, on a real Redis.

use std::process::{Child, Command};

use farmscale::model::{Span, Stage};
use farmscale::queue::Can;

use super::contract::{Bench, contract, settled};
use super::studio::script;
use super::{queue, states};
use crate::support::redis::Redis;

contract!(Rq);

/// The server, and at most one worker.
struct Rq {
    redis: Redis,
    folder: tempfile::TempDir,
    worker: Option<Child>,
}

impl Rq {
    fn with_password(&self, password: &str) -> String {
        let port = self.redis.port();
        format!(
            "kind = \"rq\"\nurl = \"redis://127.0.0.1:{port}/0\"\npassword = \"{password}\"\n\
             queues = [\"frames\"]\ntimeout = \"1h\"\n"
        )
    }

    fn python(&self, words: &[&str]) -> Command {
        let url = format!("redis://:right-word@127.0.0.1:{}/0", self.redis.port());
        let mut command = script("rq_studio");
        command.arg(url).args(words).current_dir(self.folder.path());
        command
    }

    /// As the unit of docs/queues/rq.md does: only while the machine is wanted.
    fn start_worker(&mut self) {
        if self.kept() == 0 && self.worker.is_none() {
            self.worker = Some(self.python(&["work", "w1", "ins-1"]).spawn().unwrap());
        }
    }
}

impl Bench for Rq {
    fn start() -> Self {
        let redis = Redis::start_with(&["--requirepass", "right-word"]);
        Self { redis, folder: tempfile::tempdir().unwrap(), worker: None }
    }

    fn section(&self) -> String {
        self.with_password("right-word")
    }

    fn submit(&mut self, tasks: u32) {
        let status = self.python(&["submit", &tasks.to_string()]).status().unwrap();
        assert!(status.success(), "pip install rq (test.sh does)");
    }

    fn work(&mut self, _busy: bool) {
        self.start_worker();
    }

    /// The job ends; a worker that was told to has ended too, and starts again if it may.
    fn obey(&mut self) {
        std::fs::write(self.folder.path().join("go"), "").unwrap();
        if self.kept() != 0
            && let Some(mut worker) = self.worker.take()
        {
            assert!(worker.wait().unwrap().success(), "it ended by itself");
        }
        self.start_worker();
    }

    fn kept(&mut self) -> usize {
        self.redis.ask(&["SCARD", "farmscale:rq:drained"]).parse().unwrap()
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

impl Drop for Rq {
    fn drop(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            worker.kill().unwrap();
            worker.wait().unwrap();
        }
    }
}

#[tokio::test]
async fn rq_tells_jobs_and_how_long_they_ran() {
    let mut rq = Rq::start();
    std::fs::write(rq.folder.path().join("go"), "").unwrap();
    rq.submit(5);
    let queue = queue(&rq.section());
    let waiting = settled(&queue, |seen| seen.queued() == 5).await;
    let job = &waiting.jobs.as_ref().unwrap()[0];
    assert_eq!((&*job.name, job.queued), ("rq_studio.frame", 5));
    assert!(waiting.tasks.unwrap().iter().all(|task| task.job == Some(job.id)));
    rq.work(true);
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
    assert_eq!(states(&reading).len(), 1);
    assert!(queue.capabilities().has(Can::Durations));
}
