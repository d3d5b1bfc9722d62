//! Queue sources against real ones: a Redis server, an HTTP server, programs, and the example
//! worker.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]
#![expect(clippy::expect_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "tests wait for real servers")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::{get, post};
use farmscale::model::{
    LookFailure, MachineName, MachineRef, QueueReading, Refusal, Shape, Span, Time, Work,
    WorkerState,
};
use farmscale::queue::{
    Abilities, CommandSettings, HttpSettings, Pointers, Queue, RedisSettings, SourceSettings,
};

use crate::support::redis::{Redis, signal};
use crate::support::wait::{NEVER, STEP};

const NOW: Time = Time::from_seconds(1_767_323_045);
/// Where time is not what is tested, no verdict hangs on how fast this machine is.
const LONG: Span = Span::hours(1);
const TWO_GPUS: Shape = Shape { gpus: 2, gpu_memory_gib: 24 };

fn machine() -> MachineRef {
    MachineRef {
        name: MachineName::from_stored("farm-gpu-1"),
        instance: Some("ins-1".into()),
        workers: vec!["w1".into()],
    }
}

fn redis_settings(url: &str) -> RedisSettings {
    RedisSettings {
        url: url.into(),
        lists: vec![("frames".to_owned(), None), ("large".to_owned(), Some(TWO_GPUS))],
        busy_prefix: "busy:".to_owned(),
        worker_prefix: "worker:".to_owned(),
        drain_prefix: "drain:".to_owned(),
        timeout: LONG,
    }
}

fn redis_queue(settings: RedisSettings) -> Queue {
    Queue::open(&SourceSettings::Redis(settings)).unwrap()
}

fn pointers() -> Pointers {
    Pointers {
        queued: "/queued".to_owned(),
        running: "/running".to_owned(),
        oldest_wait_s: "/oldest_wait_s".to_owned(),
        workers: "/workers".to_owned(),
        worker_name: "/name".to_owned(),
        worker_instance: "/instance".to_owned(),
        worker_state: "/state".to_owned(),
        tasks: "/tasks".to_owned(),
        state_words: BTreeMap::new(),
    }
}

fn states(reading: &QueueReading) -> Vec<(&str, &str, WorkerState)> {
    let workers = reading.workers.as_ref().unwrap();
    workers.iter().map(|seen| (&*seen.worker, &*seen.instance, seen.state)).collect()
}

/// The failure's class and words, for a look that must fail.
async fn fault(queue: &Queue) -> (Refusal, String) {
    let LookFailure { class, detail } = queue.read(NOW).await.unwrap_err();
    (class, detail.to_string())
}

fn beat(redis: &Redis, worker: &str, instance: &str, state: &str) {
    let word = format!(r#"{{"state":"{state}","instance":"{instance}"}}"#);
    redis.ask(&["SET", &format!("worker:{worker}"), &word, "EX", "30"]);
}

#[tokio::test]
async fn redis_tells_depth_and_who_is_busy() {
    let redis = Redis::start();
    let queue = redis_queue(redis_settings(&redis.url()));
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
    let queue = redis_queue(redis_settings(&redis.url()));
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
    let queue = redis_queue(redis_settings(&redis.url()));
    let exist =
        |redis: &Redis| redis.ask(&["EXISTS", "drain:farm-gpu-1", "drain:ins-1", "drain:w1"]);
    queue.drain(&machine()).await.unwrap();
    queue.drain(&machine()).await.unwrap();
    assert_eq!(exist(&redis), "3");
    assert_eq!(redis.ask(&["TTL", "drain:ins-1"]), "-1", "a promise does not lapse");
    queue.undrain(&machine()).await.unwrap();
    queue.undrain(&machine()).await.unwrap();
    assert_eq!(exist(&redis), "0");
    assert_eq!(queue.abilities(), Abilities { busy: true, drain: true });
}

#[tokio::test]
async fn redis_reads_many_workers_whole() {
    let redis = Redis::start();
    let queue = redis_queue(redis_settings(&redis.url()));
    let fill = "local word = '{\"state\":\"idle\",\"instance\":\"ins\"}' \
                for i = 1, 3000 do redis.call('SET', 'worker:w' .. i, word) \
                redis.call('LPUSH', 'busy:w' .. i, i) redis.call('SET', 'other:' .. i, i) end";
    redis.ask(&["EVAL", fill, "0"]);
    let reading = queue.read(NOW).await.unwrap();
    assert_eq!((reading.workers.unwrap().len(), reading.work[2].running), (3000, Some(3000)));
}

#[tokio::test]
async fn redis_that_says_too_much_gives_no_reading() {
    let redis = Redis::start();
    let queue = redis_queue(redis_settings(&redis.url()));
    let fill = "for i = 1, 5 do redis.call('SET', 'worker:w' .. i, string.rep('x', 1000000)) end";
    redis.ask(&["EVAL", fill, "0"]);
    let (class, detail) = fault(&queue).await;
    assert!(class == Refusal::Config && detail.contains("4 MiB"), "{detail}");
}

#[tokio::test]
async fn redis_that_is_used_by_another_program_gives_no_reading() {
    let redis = Redis::start();
    let queue = redis_queue(redis_settings(&redis.url()));
    redis.ask(&["HSET", "frames", "a", "1"]);
    let (class, detail) = fault(&queue).await;
    assert!(class == Refusal::Config && detail.contains("frames"), "{detail}");
    redis.ask(&["DEL", "frames"]);
    for word in ["up", r#"{"state":"idle"}"#] {
        redis.ask(&["SET", "worker:w1", word]);
        let (class, detail) = fault(&queue).await;
        assert!(class == Refusal::Config && detail.contains("`worker:w1`"), "{detail}");
    }
    redis.ask(&["DEL", "worker:w1"]);
    assert!(queue.read(NOW).await.is_ok(), "it heals by itself");
}

#[tokio::test]
async fn redis_that_wants_a_password_says_so_and_keeps_ours() {
    let redis = Redis::start_with(&["--requirepass", "right-word"]);
    let url = |user: &str| format!("redis://{user}127.0.0.1:{}/0", redis.port());
    for user in ["", ":wrong-word@", "joe:wrong-word@"] {
        let queue = redis_queue(redis_settings(&url(user)));
        let (class, detail) = fault(&queue).await;
        assert!(class == Refusal::Auth && detail.contains("password"), "{detail}");
        assert!(!detail.contains("wrong-word"), "{detail}");
        assert!(!format!("{queue:?}").contains("wrong-word"));
        let failure = queue.drain(&machine()).await.unwrap_err();
        assert_eq!(failure.class, Refusal::Auth);
    }
    let queue = redis_queue(redis_settings(&url(":right-word@")));
    assert_eq!(queue.read(NOW).await.unwrap().queued(), 0);
}

#[tokio::test]
async fn redis_that_is_gone_or_hangs_gives_no_reading_and_comes_back() {
    let mut redis = Redis::start();
    let timeout = Span::millis(300);
    let hasty = redis_queue(RedisSettings { timeout, ..redis_settings(&redis.url()) });
    let queue = redis_queue(redis_settings(&redis.url()));
    assert!(queue.read(NOW).await.is_ok());
    redis.freeze();
    let (class, detail) = fault(&hasty).await;
    assert!(class == Refusal::Other && detail.contains("300 ms"), "{detail}");
    redis.thaw();
    assert!(queue.read(NOW).await.is_ok());
    redis.stop();
    let (class, detail) = fault(&queue).await;
    assert!(class == Refusal::NotSent && detail.contains("is Redis running"), "{detail}");
    assert!(queue.drain(&machine()).await.is_err());
}

#[tokio::test]
async fn redis_that_only_copies_another_takes_no_drain() {
    let redis =
        Redis::start_with(&["--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "no"]);
    let queue = redis_queue(redis_settings(&redis.url()));
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
    let settings = redis_settings(&redis.url());
    let queue = redis_queue(RedisSettings { lists: vec![("frames".to_owned(), None)], ..settings });
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
    let settings = redis_settings(&redis.url());
    let queue = redis_queue(RedisSettings { lists: vec![("frames".to_owned(), None)], ..settings });
    redis.ask(&["LPUSH", "frames", "1", "2"]);
    let _worker = Worker::start(&redis, "other-name", "ins-1", &["sh", "-c", "sleep 1"]);
    reading_with(&queue, "busy", |seen| seen.running() == 1).await;
    queue.drain(&machine()).await.unwrap();
    let drained = |seen: &QueueReading| is(seen, "other-name", WorkerState::Drained);
    let reading = reading_with(&queue, "drained", drained).await;
    assert_eq!((reading.queued(), reading.running()), (1, 0));
    assert_eq!(redis.length("failed:frames"), 0);
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
        .route("/large", get(|| async { " ".repeat(5 * 1024 * 1024) }))
        .route("/slow", get(slow))
        .route("/hook/{*rest}", post(hook));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, told)
}

fn http_settings(address: SocketAddr, path: &str) -> HttpSettings {
    HttpSettings {
        url: format!("http://joe:pass-word@{address}{path}?key=query-word"),
        token: None,
        pointers: pointers(),
        drain_url: None,
        undrain_url: None,
        timeout: LONG,
    }
}

fn http_queue(settings: HttpSettings) -> Queue {
    Queue::open(&SourceSettings::Http(settings)).unwrap()
}

#[tokio::test]
async fn http_tells_depth_workers_and_wait() {
    let (address, _) = http_server().await;
    let queue = http_queue(http_settings(address, "/depth"));
    let reading = queue.read(NOW).await.unwrap();
    assert_eq!((reading.queued(), reading.running(), reading.asked_at), (4, 1, NOW));
    assert_eq!(reading.oldest_wait, Some(Span::seconds(90)));
    assert_eq!(states(&reading), [("w1", "ins-1", WorkerState::Drained)]);
    assert_eq!(queue.abilities(), Abilities { busy: true, drain: false });
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
        ("/large", Refusal::Config, "4 MiB"),
        ("/slow", Refusal::Other, "timeout"),
    ];
    for (path, class, words) in cases {
        let token = Some("token-word".into());
        let timeout = if path == "/slow" { Span::millis(700) } else { LONG };
        let queue = http_queue(HttpSettings { token, timeout, ..http_settings(address, path) });
        let (found, detail) = fault(&queue).await;
        assert!(found == class && detail.contains(words), "{path}: {found:?} {detail}");
        for secret in ["pass-word", "token-word", "query-word"] {
            assert!(!detail.contains(secret) && !format!("{queue:?}").contains(secret), "{detail}");
        }
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (class, detail) = fault(&http_queue(http_settings(free, "/depth"))).await;
    assert!(class == Refusal::NotSent && detail.contains("is the server running"), "{detail}");
}

#[tokio::test]
async fn http_hooks_are_told_the_machine() {
    let (address, told) = http_server().await;
    let machine = MachineRef { workers: vec!["w 1".into(), "w/2".into()], ..machine() };
    let queue = http_queue(HttpSettings {
        token: Some("token-word".into()),
        drain_url: Some(format!("http://{address}/hook/off/{{worker}}?on={{instance}}")),
        undrain_url: Some(format!("http://{address}/hook/on/{{name}}")),
        ..http_settings(address, "/depth")
    });
    assert!(queue.abilities().drain);
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
    let url = format!("http://{address}/nowhere/{{name}}");
    let (drain_url, undrain_url) = (Some(url.clone()), Some(url));
    let lost = HttpSettings { drain_url, undrain_url, ..http_settings(address, "/depth") };
    assert!(http_queue(lost).drain(&machine).await.is_err(), "a hook that is not there is told");
}

fn shell(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(str::to_owned).into()
}

fn command_settings(script: &str) -> CommandSettings {
    CommandSettings {
        command: shell(script),
        pointers: pointers(),
        drain: None,
        undrain: None,
        timeout: LONG,
    }
}

fn command_queue(settings: CommandSettings) -> Queue {
    Queue::open(&SourceSettings::Command(settings)).unwrap()
}

#[tokio::test]
async fn a_command_tells_depth() {
    let queue = command_queue(command_settings(r#"cat; echo '{"queued": 2}'; echo noise >&2"#));
    let reading = queue.read(NOW).await.unwrap();
    assert_eq!(reading.work, [Work { shape: None, queued: 2, running: None }]);
    assert_eq!((reading.workers, reading.oldest_wait), (None, None));
}

#[tokio::test]
async fn a_command_that_fails_gives_no_reading_and_its_last_words() {
    let cases = [
        ("echo '{\"queued\": 2}'; echo first >&2; echo no licence >&2; exit 3", "no licence"),
        ("exit 0", "printed nothing"),
        ("echo lots", "no JSON"),
        ("echo '{\"queued\": -2}'", "`/queued`"),
        ("kill -9 $$", "signal: 9"),
        ("echo at http://joe:pass-word@host/ >&2; exit 1", "http://***@host/"),
        ("while :; do printf %1000s; done", "4 MiB"),
    ];
    for (script, words) in cases {
        let (_, detail) = fault(&command_queue(command_settings(script))).await;
        assert!(detail.contains(words) && detail.starts_with("sh: "), "{script}: {detail}");
    }
    let missing = CommandSettings { command: vec!["/no/such".to_owned()], ..command_settings("") };
    let (class, detail) = fault(&command_queue(missing)).await;
    assert!(class == Refusal::NotSent && detail.contains("/no/such"), "{detail}");
    let empty = CommandSettings { command: Vec::new(), ..command_settings("") };
    assert!(Queue::open(&SourceSettings::Command(empty)).is_err());
}

#[tokio::test]
async fn a_command_that_hangs_is_killed_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("late");
    // the child survives its parent's death unless the whole group is killed
    let go = folder.path().join("go");
    let child = format!("until test -e {}; do sleep 0.05; done", go.display());
    let script = format!("({child}; touch {}) & sleep 3600", file.display());
    let timeout = Span::millis(400);
    let queue = command_queue(CommandSettings { timeout, ..command_settings(&script) });
    let (_, detail) = fault(&queue).await;
    assert!(detail.contains("took longer than 0.4s"), "{detail}");
    std::fs::write(go, "").unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!file.exists(), "what it started is gone too");
}

#[tokio::test]
async fn command_hooks_are_told_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("told");
    let mut hook = shell("cat > \"$1\"; echo \" $2\" >> \"$1\"");
    hook.extend(["hook".to_owned(), file.display().to_string(), "{instance}/{name}".to_owned()]);
    let undrain = shell("exit 7");
    let settings = command_settings("true");
    let queue =
        command_queue(CommandSettings { drain: Some(hook), undrain: Some(undrain), ..settings });
    assert!(queue.abilities().drain);
    queue.drain(&machine()).await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let expected =
        r#"{"instance":"ins-1","machine":"farm-gpu-1","workers":["w1"]} ins-1/farm-gpu-1"#;
    assert_eq!(text.trim(), expected);
    let failure = queue.undrain(&machine()).await.unwrap_err();
    assert!(failure.detail.contains("exit status: 7"), "{}", failure.detail);
}
