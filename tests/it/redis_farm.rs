//! The whole way on a real Redis: `farmscale run` as a process, the simulated cloud over HTTP, and
//! workers that live only while the cloud says that their machine runs.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use farmscale::clock::Clock;
use farmscale::model::Text;
use farmscale::sim::http::Mischief;
use farmscale::sim::provider::State;
use farmscale::sim::rng::Rng;
use redis::Commands;

use crate::support::cloud::{Cloud, dials};
use crate::support::daemon::{Daemon, config};
use crate::support::redis::Redis;
use crate::support::wait::until;

/// How much faster than reality.
const SPEED: u32 = 120;
const TASKS: u32 = 200;
const MAX: u32 = 8;
const KILLS: u32 = 20;
const STEP: Duration = Duration::from_millis(5);
/// A heartbeat lives until its worker ends: no pause of this machine is the end of a worker.
const BEAT_MS: u64 = 3_600_000;

/// Answers a drain and takes a task in one step, as docs/workers.md asks for.
const TAKE: &str = r#"
local drained = redis.call('EXISTS', KEYS[1], KEYS[2]) ~= 0
local state = drained and 'drained' or 'idle'
local beat = '{"instance":"' .. ARGV[1] .. '","state":"' .. state .. '"}'
redis.call('SET', KEYS[3], beat, 'PX', ARGV[2])
if drained then return false end
return redis.call('LMOVE', KEYS[4], KEYS[5], 'RIGHT', 'LEFT')
"#;

/// What all workers share.
#[derive(Default)]
struct Studio {
    done: Mutex<BTreeSet<String>>,
    /// Machines that were taken down while they held a task.
    killed: Mutex<Vec<String>>,
    over: AtomicBool,
}

/// A worker's machine is up.
type Alive = Arc<AtomicBool>;

fn work(url: &str, id: &str, alive: &AtomicBool, studio: &Studio) {
    let mut redis = redis::Client::open(url).unwrap().get_connection().unwrap();
    let take = redis::Script::new(TAKE);
    let (busy, beat) = (format!("busy:{id}"), format!("worker:{id}"));
    let is_up = || alive.load(Ordering::Acquire) && !studio.over.load(Ordering::Acquire);
    while is_up() {
        let mut call = take.prepare_invoke();
        call.key(format!("drain:{id}")).key("drain:-").key(&beat).key("render").key(&busy);
        let task: Option<String> = call.arg(id).arg(BEAT_MS).invoke(&mut redis).unwrap();
        let Some(task) = task else {
            sleep(STEP);
            continue;
        };
        let seconds: u64 = task.split(':').nth(1).unwrap().parse().unwrap();
        let steps = seconds * 1000 / u64::from(SPEED) / 5;
        for _ in 0..steps {
            let text = format!("{{\"instance\":\"{id}\",\"state\":\"busy\"}}");
            let _: () = redis.pset_ex(&beat, text, BEAT_MS).unwrap();
            sleep(STEP);
            if !is_up() {
                studio.killed.lock().unwrap().push(format!("{id} held {task}"));
                return; // the task stays in its busy list
            }
        }
        studio.done.lock().unwrap().insert(task.clone());
        let _: u32 = redis.lrem(&busy, 1, &task).unwrap();
    }
    let _: u32 = redis.del(&beat).unwrap();
}

/// Starts a worker on every machine that comes up and ends it with its machine.
fn follow(cloud: &Cloud, url: &str, studio: &Arc<Studio>, names: &mut BTreeSet<Text>) -> u32 {
    let mut workers: BTreeMap<Text, (Alive, JoinHandle<()>)> = BTreeMap::new();
    let mut quiet = 0;
    let mut peak = 0;
    while quiet < 100 && !studio.over.load(Ordering::Acquire) {
        let truth = cloud.truth();
        peak = peak.max(u32::try_from(truth.len()).unwrap());
        names.extend(truth.values().map(|(name, _)| Text::clone(name)));
        let runs = |id: &Text| matches!(truth.get(id), Some((_, State::Running)));
        for (id, (alive, _)) in workers.iter().filter(|(id, _)| !runs(id)) {
            alive.store(false, Ordering::Release);
            assert!(!id.is_empty());
        }
        workers.retain(|_, (alive, handle)| alive.load(Ordering::Acquire) || !handle.is_finished());
        for id in truth.keys().filter(|id| runs(id)) {
            if workers.contains_key(id) {
                continue;
            }
            let alive: Alive = Arc::new(AtomicBool::new(true));
            let (url, own) = (url.to_owned(), id.to_string());
            let (seen, studio) = (Arc::clone(&alive), Arc::clone(studio));
            let handle = std::thread::spawn(move || work(&url, &own, &seen, &studio));
            workers.insert(Text::clone(id), (alive, handle));
        }
        let done = studio.done.lock().unwrap().len() == usize::try_from(TASKS).unwrap();
        quiet = if done && truth.is_empty() { quiet + 1 } else { 0 };
        sleep(STEP);
    }
    peak
}

fn push(redis: &mut redis::Connection) -> BTreeSet<String> {
    let mut rng = Rng::new(7);
    let tasks: Vec<String> =
        (0..TASKS).map(|number| format!("{number}:{}", rng.range(20, 90))).collect();
    for burst in tasks.chunks(50) {
        let _: u32 = redis.lpush("render", burst).unwrap();
    }
    tasks.into_iter().collect()
}

/// Runs the studio until all is done; `trouble` happens to the daemon meanwhile.
fn day(trouble: impl FnOnce(&mut Daemon) + Send) {
    day_with(trouble, |_| {});
}

/// Likewise; `check` looks at the queue at the end, while the daemon still runs.
fn day_with(trouble: impl FnOnce(&mut Daemon) + Send, check: impl FnOnce(&mut redis::Connection)) {
    let (redis, cloud) =
        (Redis::start(), Cloud::start(Clock::scaled(SPEED), dials(), Mischief::default()));
    let url = redis.url();
    let mut connection = redis::Client::open(url.as_str()).unwrap().get_connection().unwrap();
    let tasks = push(&mut connection);
    let queue = format!("kind = \"redis\"\nurl = \"{url}\"");
    let mut daemon = Daemon::new(&config(cloud.address, &queue, MAX), SPEED);
    daemon.start();
    let (studio, mut names) = (Arc::new(Studio::default()), BTreeSet::new());
    let peak = std::thread::scope(|scope| {
        let following = scope.spawn(|| follow(&cloud, &url, &studio, &mut names));
        let troubled = scope.spawn(|| {
            trouble(&mut daemon);
            daemon.wait_for("an empty farm", |status| {
                let machines = status["machines"].as_array().unwrap().len();
                machines == 0 && studio.done.lock().unwrap().len() == tasks.len()
            });
        });
        let troubled = troubled.join();
        if troubled.is_err() {
            studio.over.store(true, Ordering::Release);
        }
        let peak = following.join().unwrap();
        troubled.unwrap();
        peak
    });
    let killed = studio.killed.lock().unwrap();
    assert!(killed.is_empty(), "stopped at work: {killed:?}\n{}", daemon.log());
    assert_eq!(*studio.done.lock().unwrap(), tasks);
    let left: u32 = connection.llen("render").unwrap();
    assert_eq!((left, cloud.truth().len()), (0, 0), "tasks and machines left");
    assert!(peak <= MAX, "{peak} machines");
    for name in names {
        assert_eq!(cloud.with(|provider| provider.times_made(&name)), 1, "{name} was made twice");
    }
    check(&mut connection);
    assert!(daemon.terminate(), "SIGTERM is a clean end");
}

#[test]
fn two_hundred_tasks_are_done_and_every_machine_is_deleted() {
    day_with(
        |_| {},
        |queue| {
            let kept = || queue.keys::<_, Vec<String>>("drain:*").unwrap().is_empty().then_some(());
            until(kept, || "the queue keeps names of machines that are gone".to_owned());
        },
    );
}

#[test]
fn twenty_kills_lose_no_task_and_double_no_machine() {
    day(|daemon| {
        let mut rng = Rng::new(11);
        for _ in 0..KILLS {
            sleep(Duration::from_millis(u64::try_from(rng.range(100, 900)).unwrap()));
            daemon.kill();
            daemon.start();
        }
    });
}
