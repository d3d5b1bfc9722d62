//! Redis lists: a real server and the example worker.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use farmscale::model::Work;
use farmscale::model::{QueueReading, Refusal, Shape, WorkerState};
use farmscale::queue::{Can, Queue};

use super::contract::{Bench, contract};
use super::{NOW, fault, faults, machine, queue, states};
use crate::support::redis::{Redis, signal};
use crate::support::wait::{NEVER, STEP};

contract!(Lists);

/// The server, and a worker as docs/workers.md says, command by command.
struct Lists {
    redis: Redis,
}

impl Lists {
    fn with_password(&self, password: &str) -> String {
        let port = self.redis.port();
        format!(
            "kind = \"redis\"\nurl = \"redis://127.0.0.1:{port}/0\"\npassword = \"{password}\"\n\
             lists = [\"frames\"]\ntimeout = \"1h\"\n"
        )
    }

    fn is_drained(&self) -> bool {
        self.redis.ask(&["EXISTS", "drain:w1", "drain:ins-1"]) != "0"
    }
}

impl Bench for Lists {
    fn start() -> Self {
        Self { redis: Redis::start_with(&["--requirepass", "right-word"]) }
    }

    fn section(&self) -> String {
        self.with_password("right-word")
    }

    fn submit(&mut self, tasks: u32) {
        let push = "for i = 1, ARGV[1] do redis.call('LPUSH', 'frames', i) end";
        self.redis.ask(&["EVAL", push, "0", &tasks.to_string()]);
    }

    fn work(&mut self, busy: bool) {
        beat(&self.redis, "w1", "ins-1", "idle");
        if busy {
            self.redis.ask(&["LMOVE", "frames", "busy:w1", "RIGHT", "LEFT"]);
        }
    }

    fn obey(&mut self) {
        self.redis.ask(&["DEL", "busy:w1"]);
        beat(&self.redis, "w1", "ins-1", if self.is_drained() { "drained" } else { "idle" });
    }

    fn kept(&mut self) -> usize {
        usize::from(self.is_drained())
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

    fn flood(&mut self) -> bool {
        let fill =
            "for i = 1, 5 do redis.call('SET', 'worker:w' .. i, string.rep('x', 1000000)) end";
        self.redis.ask(&["EVAL", fill, "0"]);
        true
    }
}

const TWO_GPUS: Shape = Shape { gpus: 2, gpu_memory_gib: 24 };

/// The settings of two lists, one with larger tasks.
fn section(url: &str) -> String {
    format!(
        "url = \"{url}\"\nlists = [\"frames\"]\ntimeout = \"1h\"\n\
         shaped_lists = [{{ list = \"large\", gpus = 2, gpu_memory = 24 }}]\n"
    )
}

fn redis_queue(redis: &Redis) -> Queue {
    queue(&section(&redis.url()))
}

/// Of the one list that the example worker serves.
fn frames_queue(redis: &Redis) -> Queue {
    queue(&format!("url = \"{}\"\nlists = [\"frames\"]\ntimeout = \"1h\"\n", redis.url()))
}

fn beat(redis: &Redis, worker: &str, instance: &str, state: &str) {
    let word = format!(r#"{{"state":"{state}","instance":"{instance}"}}"#);
    redis.ask(&["SET", &format!("worker:{worker}"), &word, "EX", "30"]);
}

#[tokio::test]
async fn redis_tells_depth_and_who_is_busy() {
    let redis = Redis::start();
    let queue = redis_queue(&redis);
    let empty = queue.read(NOW).await.unwrap();
    assert_eq!((empty.queued(), empty.running(), empty.asked_at), (0, 0, NOW));
    assert_eq!(empty.workers, Some(Vec::new()), "nobody is there, and that is known");

    redis.ask(&["LPUSH", "frames", "1", "2", "3"]);
    redis.ask(&["LPUSH", "large", "4"]);
    beat(&redis, "w1@frames", "ins-1", "idle");
    beat(&redis, "w2@large", "farm-gpu-2", "idle");
    beat(&redis, "w3@large", "ins-3", "drained");
    beat(&redis, "w4@large", "ins-4", "thinking");
    redis.ask(&["LMOVE", "large", "busy:w2@large", "RIGHT", "LEFT"]);
    let reading = queue.read(NOW).await.unwrap();
    let work = |shape, queued, running| Work { shape, queued, running: Some(running) };
    assert_eq!(reading.work, [work(None, 3, 0), work(Some(TWO_GPUS), 0, 1)]);
    let expected = [
        ("w1@frames", "ins-1", WorkerState::Idle),
        ("w2@large", "farm-gpu-2", WorkerState::Busy),
        ("w3@large", "ins-3", WorkerState::Drained),
        ("w4@large", "ins-4", WorkerState::Busy),
    ];
    assert_eq!(states(&reading), expected, "who holds a task is busy, whatever it says");
}

#[tokio::test]
async fn redis_counts_the_tasks_of_a_dead_worker_as_waiting() {
    let redis = Redis::start();
    let queue = redis_queue(&redis);
    redis.ask(&["LPUSH", "busy:gone@large", "4"]);
    let reading = queue.read(NOW).await.unwrap();
    assert_eq!((reading.queued(), reading.running()), (1, 0));
    assert_eq!(reading.work[1].shape, Some(TWO_GPUS));
    assert_eq!(reading.workers, Some(Vec::new()));
    redis.ask(&["LPUSH", "busy:nameless", "5"]);
    assert_eq!(queue.read(NOW).await.unwrap().queued(), 2, "no task is forgotten");
}

#[tokio::test]
async fn redis_holds_the_drain_request_until_it_is_taken_back() {
    let redis = Redis::start();
    let queue = redis_queue(&redis);
    let exist =
        |redis: &Redis| redis.ask(&["EXISTS", "drain:farm-gpu-1", "drain:ins-1", "drain:w1"]);
    queue.drain(&machine()).await.unwrap();
    queue.drain(&machine()).await.unwrap();
    assert_eq!(exist(&redis), "3");
    assert_eq!(redis.ask(&["TTL", "drain:ins-1"]), "-1", "a promise does not lapse");
    queue.undrain(&machine()).await.unwrap();
    queue.undrain(&machine()).await.unwrap();
    assert_eq!(exist(&redis), "0");
    let can = queue.capabilities();
    assert!([Can::Busy, Can::Drain, Can::Forget, Can::Gpus].into_iter().all(|one| can.has(one)));
}

#[tokio::test]
async fn redis_reads_many_workers_whole() {
    let redis = Redis::start();
    let queue = redis_queue(&redis);
    let fill = "for i = 1, 3000 do \
                local word = '{\"state\":\"idle\",\"instance\":\"ins-' .. i .. '\"}' \
                redis.call('SET', 'worker:w' .. i, word) \
                redis.call('LPUSH', 'busy:w' .. i, i) redis.call('SET', 'other:' .. i, i) end";
    redis.ask(&["EVAL", fill, "0"]);
    let reading = queue.read(NOW).await.unwrap();
    assert_eq!((reading.workers.unwrap().len(), reading.work[2].running), (3000, Some(3000)));
}

#[tokio::test]
async fn redis_that_is_used_by_another_program_gives_no_reading() {
    let redis = Redis::start();
    let queue = redis_queue(&redis);
    redis.ask(&["HSET", "frames", "a", "1"]);
    let (class, detail) = fault(&queue).await;
    assert!(class == Refusal::Config && detail.contains("frames"), "{detail}");
    redis.ask(&["DEL", "frames"]);
    for word in ["up", r#"{"state":"idle"}"#] {
        redis.ask(&["SET", "worker:w1", word]);
        let (class, detail) = fault(&queue).await;
        assert!(class == Refusal::Config && detail.contains("`worker:w1`"), "{detail}");
    }
    beat(&redis, "w2", "ins-2", "idle");
    let reading = queue.read(NOW).await.unwrap();
    assert_eq!(states(&reading), [("w2", "ins-2", WorkerState::Idle)], "one of two is read");
    assert!(reading.is_doubtful() && &*reading.set_aside[0].name == "w1");
    redis.ask(&["DEL", "worker:w1", "worker:w2"]);
    assert!(queue.read(NOW).await.is_ok(), "it heals by itself");
}

#[tokio::test]
async fn redis_that_wants_a_password_says_so_and_keeps_ours() {
    let redis = Redis::start_with(&["--requirepass", "right-word"]);
    let url = |user: &str| section(&format!("redis://{user}127.0.0.1:{}/0", redis.port()));
    for user in ["", ":wrong-word@", "joe:wrong-word@"] {
        let queue = queue(&url(user));
        let (class, detail) = fault(&queue).await;
        assert!(class == Refusal::Auth && detail.contains("password"), "{detail}");
        assert!(!detail.contains("wrong-word"), "{detail}");
        assert!(!format!("{queue:?}").contains("wrong-word"));
        let failure = queue.drain(&machine()).await.unwrap_err();
        assert_eq!(failure.class, Refusal::Auth);
    }
    let queue = queue(&url(":right-word@"));
    assert_eq!(queue.read(NOW).await.unwrap().queued(), 0);
}

#[tokio::test]
async fn redis_takes_a_user_with_few_rights() {
    let redis = Redis::start();
    let rights = ["+eval", "+scan", "+dbsize", "+llen", "+get", "+mset", "+del", "+select"];
    let mut user = vec!["ACL", "SETUSER", "farm", "on", ">right-word", "~*"];
    user.extend(rights);
    redis.ask(&user);
    let login = "username = \"farm\"\npassword = \"right-word\"\n";
    let queue = queue(&format!("{}{login}", section(&redis.url())));
    assert_eq!(queue.read(NOW).await.unwrap().queued(), 0);
    queue.drain(&machine()).await.unwrap();
    queue.undrain(&machine()).await.unwrap();
}

#[tokio::test]
async fn redis_is_reached_by_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("redis.sock");
    let redis = Redis::start_with(&["--unixsocket", socket.to_str().unwrap()]);
    redis.ask(&["LPUSH", "frames", "1"]);
    let queue = queue(&section(&format!("unix://{}?db=0", socket.display())));
    assert_eq!(queue.read(NOW).await.unwrap().queued(), 1);
}

#[tokio::test]
async fn redis_is_reached_by_tls() {
    let folder = tempfile::tempdir().unwrap();
    super::studio::certificate(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let port = super::studio::free_address().port();
    let tls = ["--tls-cert-file", &file("cert.pem"), "--tls-key-file", &file("key.pem")];
    let more = ["--tls-auth-clients", "no", "--tls-port", &port.to_string()];
    let redis = Redis::start_with(&[tls, more].concat());
    redis.ask(&["LPUSH", "frames", "1"]);
    let url = section(&format!("rediss://127.0.0.1:{port}/0"));
    let known = queue(&format!("{url}ca_file = \"{}\"\n", file("cert.pem")));
    assert_eq!(known.read(NOW).await.unwrap().queued(), 1);
    let (class, detail) = fault(&queue(&url)).await;
    assert!(class == Refusal::Config && detail.contains("ca_file"), "{class:?} {detail}");
}

#[test]
fn a_password_that_every_user_may_read_is_warned_of() {
    let told = |section: &str, mode: u32| {
        let warnings = super::warnings(section, mode);
        warnings.iter().filter(|one| one.contains("every user may read")).count()
    };
    for section in ["password = \"right-word\"", "url = \"redis://:right-word@127.0.0.1/0\""] {
        assert_eq!((told(section, 0o644), told(section, 0o640)), (1, 0), "{section}");
    }
    assert_eq!(told("url = \"redis://127.0.0.1/0\"", 0o644), 0);
}

#[test]
fn what_run_would_refuse_is_refused_with_the_config() {
    let told = faults("worker_prefix = \"busy:w:\"");
    assert!(told.contains("queues.render.busy_prefix is \"busy:\""), "{told}");
    assert!(told.contains("farm.toml:6:"), "the table's line: {told}");
}

#[tokio::test]
async fn redis_that_only_copies_another_takes_no_drain() {
    let redis =
        Redis::start_with(&["--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "no"]);
    let queue = redis_queue(&redis);
    let (_, detail) = fault(&queue).await;
    assert!(detail.contains("replica"), "{detail}");
    let failure = queue.drain(&machine()).await.unwrap_err();
    assert!(failure.detail.contains("replica"), "{}", failure.detail);
}

/// The example worker; ends with this value.
struct Worker(Child);

impl Worker {
    fn start(redis: &Redis, worker: &str, instance: &str, command: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/worker.py");
        let child = Command::new("python3")
            .arg(script)
            .args(command)
            .env("REDIS_PORT", redis.port().to_string())
            .env("QUEUE", "frames")
            .env("WORKER", worker)
            .env("INSTANCE", instance)
            .stdin(Stdio::null())
            .spawn();
        Self(child.expect("install python3"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }
}

/// The first reading that is as wanted.
async fn reading_with(
    queue: &Queue,
    what: &str,
    wanted: impl Fn(&QueueReading) -> bool,
) -> QueueReading {
    let (mut last, mut waited) = (None, Duration::ZERO);
    while waited < NEVER {
        let reading = queue.read(NOW).await.unwrap();
        if wanted(&reading) {
            return reading;
        }
        last = Some(reading);
        tokio::time::sleep(STEP).await;
        waited += STEP;
    }
    panic!("never {what}; last: {last:?}");
}

fn is(reading: &QueueReading, worker: &str, state: WorkerState) -> bool {
    states(reading).iter().any(|(name, _, is)| *name == worker && *is == state)
}

#[tokio::test]
async fn the_example_worker_does_every_task_and_stops_when_drained() {
    let redis = Redis::start();
    let queue = frames_queue(&redis);
    let folder = tempfile::tempdir().unwrap();
    let done = folder.path().join("done");
    let task = format!("sleep 0.3; test \"$0\" != bad && echo \"$0\" >> {}", done.display());
    for number in ["1", "2", "bad", "3", "4"] {
        redis.ask(&["LPUSH", "frames", number]);
    }
    redis.ask(&["LPUSH", "busy:dead", "5"]); // its worker has no heartbeat
    assert_eq!(queue.read(NOW).await.unwrap().queued(), 6);

    let mut worker = Worker::start(&redis, "w1", "ins-1", &["sh", "-c", &task]);
    let busy = reading_with(&queue, "busy", |seen| is(seen, "w1", WorkerState::Busy)).await;
    assert_eq!(busy.queued() + busy.running(), 6, "no task is in neither place");
    assert_eq!(states(&busy), [("w1", "ins-1", WorkerState::Busy)]);
    let all = |seen: &QueueReading| {
        seen.queued() + seen.running() == 0 && is(seen, "w1", WorkerState::Idle)
    };
    reading_with(&queue, "done", all).await;
    let text = std::fs::read_to_string(&done).unwrap();
    assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["5", "1", "2", "3", "4"]);
    assert_eq!(redis.length("failed:frames"), 1, "a task that fails is kept");

    queue.drain(&machine()).await.unwrap();
    reading_with(&queue, "drained", |seen| is(seen, "w1", WorkerState::Drained)).await;
    redis.ask(&["LPUSH", "frames", "6"]);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let reading = queue.read(NOW).await.unwrap();
    assert_eq!((reading.queued(), reading.running()), (1, 0), "drained takes nothing");
    queue.undrain(&machine()).await.unwrap();
    reading_with(&queue, "done again", all).await;

    signal(worker.0.id(), "TERM");
    reading_with(&queue, "signed off", |seen| states(seen).is_empty()).await;
    assert!(worker.0.wait().unwrap().success());
}

#[tokio::test]
async fn a_worker_that_is_drained_while_it_works_ends_its_task_first() {
    let redis = Redis::start();
    let queue = frames_queue(&redis);
    redis.ask(&["LPUSH", "frames", "1", "2"]);
    let _worker = Worker::start(&redis, "other-name", "ins-1", &["sh", "-c", "sleep 1"]);
    reading_with(&queue, "busy", |seen| seen.running() == 1).await;
    queue.drain(&machine()).await.unwrap();
    let drained = |seen: &QueueReading| is(seen, "other-name", WorkerState::Drained);
    let reading = reading_with(&queue, "drained", drained).await;
    assert_eq!((reading.queued(), reading.running()), (1, 0));
    assert_eq!(redis.length("failed:frames"), 0);
}
