//! Redis lists with the worker contract of docs/workers.md.
//!
//! One script reads everything at once. So a task is never in neither of two places it moves
//! between, and no machine is seen idle while one of its workers holds a task.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, IntoConnectionInfo, RedisError};
use redis::{FromRedisValue, ServerErrorKind};
use reqwest::Url;
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::time::timeout;

use super::fault::{Secrets, cut, shown};
use super::{QueueError, RedisSettings};
use crate::model::{
    LookFailure, MachineRef, QueueReading, Refusal, Shape, Span, Text, Time, Work, WorkerSeen,
    WorkerState,
};

/// The script; what it answers is [`Answer`].
const READING: &str = include_str!("reading.lua");
/// Redis answers nobody else while the script runs: about a tenth of a second at this many keys.
const KEYS_MAX: u32 = 250_000;
/// Largest answer, in bytes.
const ANSWER_MAX: u32 = 4 * 1024 * 1024;
/// Longest quotation of a heartbeat, in characters.
const QUOTE_MAX: usize = 60;

/// Lengths of the lists; worker, heartbeat, held tasks; worker without heartbeat, held tasks.
type Answer = (Vec<u64>, Vec<(String, String, u64)>, Vec<(String, u64)>);

/// The source.
pub(super) struct Redis {
    client: Client,
    place: String,
    lists: Vec<(String, Option<Shape>)>,
    busy_prefix: String,
    worker_prefix: String,
    drain_prefix: String,
    timeout: Span,
    secrets: Secrets,
}

/// What a worker writes about itself.
#[derive(Deserialize)]
struct Heartbeat {
    state: String,
    instance: String,
}

impl Redis {
    pub(super) fn open(settings: &RedisSettings) -> Result<Self, QueueError> {
        let RedisSettings { url, lists, busy_prefix, worker_prefix, drain_prefix, timeout } =
            settings;
        let prefixes = [
            ("busy_prefix", busy_prefix),
            ("worker_prefix", worker_prefix),
            ("drain_prefix", drain_prefix),
        ];
        check_keys(lists, &prefixes)?;
        let url = url.expose_secret();
        let hint = "write it as `redis://host:port/db`";
        // not the parser's words: they may quote the password
        let parsed = Url::parse(url)
            .map_err(|error| QueueError::new("url", format!("is no URL ({error}); {hint}")))?;
        if parsed.scheme() != "redis" || !parsed.has_host() {
            let problem = format!(
                "is not `redis:` but `{}:`; {hint}. Redis over TLS needs a tunnel, such as stunnel",
                parsed.scheme()
            );
            return Err(QueueError::new("url", problem));
        }
        let mut secrets = Secrets::default();
        let place = shown(&parsed);
        let info = url.into_connection_info().map_err(|error| {
            QueueError::new("url", format!("{place} is refused ({}); {hint}", error.category()))
        })?;
        secrets.add(parsed.password().unwrap_or_default());
        secrets.add(info.redis_settings().password().unwrap_or_default());
        let client = Client::open(info).map_err(|error| {
            QueueError::new("url", format!("{place} is refused ({}); {hint}", error.category()))
        })?;
        Ok(Self {
            client,
            place,
            lists: lists.clone(),
            busy_prefix: busy_prefix.clone(),
            worker_prefix: worker_prefix.clone(),
            drain_prefix: drain_prefix.clone(),
            timeout: *timeout,
            secrets,
        })
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        let mut script = redis::cmd("EVAL");
        script.arg(READING).arg(self.lists.len());
        for (list, _) in &self.lists {
            script.arg(list);
        }
        for prefix in [&self.busy_prefix, &self.worker_prefix] {
            script.arg(prefix).arg(pattern(prefix));
        }
        script.arg(KEYS_MAX).arg(ANSWER_MAX);
        let answer: Answer = self.ask(&script).await?;
        self.reading(answer, asked_at)
    }

    /// The keys stay until they are taken back: a promise to take no more must not lapse.
    pub(super) async fn drain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        let mut command = redis::cmd("MSET");
        for key in self.drain_keys(machine) {
            command.arg(key).arg(machine.name.as_str());
        }
        self.ask::<()>(&command).await
    }

    pub(super) async fn undrain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        let mut command = redis::cmd("DEL");
        command.arg(self.drain_keys(machine));
        self.ask::<()>(&command).await
    }

    /// One key for everything the machine or a worker on it may be called.
    fn drain_keys(&self, machine: &MachineRef) -> Vec<String> {
        let name = machine.name.text();
        let names = [&name].into_iter().chain(&machine.instance).chain(&machine.workers);
        names.map(|name| format!("{}{name}", self.drain_prefix)).collect()
    }

    /// Over a connection of its own: nothing is sent twice, and no old fault is met again.
    async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, LookFailure> {
        let limit = self.timeout.to_std();
        let late = || {
            let detail = format!(
                "{}: no answer within {} ms; is Redis reachable and not overloaded?",
                self.place, self.timeout.0
            );
            self.secrets.failure(Refusal::Other, &detail)
        };
        let asked = timeout(limit, async {
            let mut connection = self.connect().await?;
            command.query_async(&mut connection).await.map_err(|error| self.failure(&error, false))
        });
        match asked.await {
            Ok(answer) => answer,
            Err(_) => Err(late()),
        }
    }

    async fn connect(&self) -> Result<MultiplexedConnection, LookFailure> {
        // the one limit is around all
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await;
        connection.map_err(|error| self.failure(&error, true))
    }

    fn reading(&self, answer: Answer, asked_at: Time) -> Result<QueueReading, LookFailure> {
        let (waiting, workers, orphans) = answer;
        let mut tally = Tally::new(&self.lists, &waiting);
        for (name, held) in &orphans {
            // the sweep puts them back: they need a machine
            tally.of(name).queued += held;
        }
        let mut seen = Vec::new();
        for (name, heartbeat, held) in workers {
            tally.of(&name).running += held;
            seen.push(self.worker(&name, &heartbeat, held)?);
        }
        seen.sort_by(|one: &WorkerSeen, other| one.worker.cmp(&other.worker));
        let work = tally.work();
        Ok(QueueReading { asked_at, work, oldest_wait: None, workers: Some(seen), tasks: None })
    }

    /// A worker that holds a task is busy, whatever it says; so is one that says what we do not
    /// know. One that does not say where it runs could be on any machine: no reading.
    fn worker(&self, name: &str, heartbeat: &str, held: u64) -> Result<WorkerSeen, LookFailure> {
        let word: Heartbeat = serde_json::from_str(heartbeat).map_err(|error| {
            let detail = format!(
                "{}: the key `{}{name}` must hold {{\"state\":…,\"instance\":…}} \
                 (docs/workers.md) but has {} ({error})",
                self.place,
                self.worker_prefix,
                cut(heartbeat, QUOTE_MAX)
            );
            self.secrets.failure(Refusal::Config, &detail)
        })?;
        let state = match word.state.as_str() {
            "idle" if held == 0 => WorkerState::Idle,
            "drained" if held == 0 => WorkerState::Drained,
            _ => WorkerState::Busy,
        };
        Ok(WorkerSeen { worker: name.into(), instance: Text::from(word.instance), state })
    }

    fn failure(&self, error: &RedisError, connecting: bool) -> LookFailure {
        let (class, remedy) = remedy(error, connecting);
        // the remedy first: the rest may be cut
        self.secrets.failure(class, &format!("{}: {remedy} ({error})", self.place))
    }
}

/// Work by list, and by no list for workers of which it cannot be told.
struct Tally<'a> {
    lists: &'a [(String, Option<Shape>)],
    of_lists: Vec<Count>,
    other: Count,
}

#[derive(Clone, Copy, Default)]
struct Count {
    queued: u64,
    running: u64,
}

impl<'a> Tally<'a> {
    fn new(lists: &'a [(String, Option<Shape>)], waiting: &[u64]) -> Self {
        let of_lists = waiting.iter().map(|queued| Count { queued: *queued, running: 0 }).collect();
        Self { lists, of_lists, other: Count::default() }
    }

    /// Where the tasks of a worker belong: to the only list, or to the one its name ends with.
    fn of(&mut self, worker: &str) -> &mut Count {
        let named = worker.rsplit_once('@').map(|(_, list)| list);
        let place = match self.lists {
            [_] => Some(0),
            lists => lists.iter().position(|(list, _)| Some(list.as_str()) == named),
        };
        place.and_then(|place| self.of_lists.get_mut(place)).unwrap_or(&mut self.other)
    }

    fn work(self) -> Vec<Work> {
        let work = |shape: Option<Shape>, count: Count| Work {
            shape,
            queued: u32::try_from(count.queued).unwrap_or(u32::MAX),
            running: Some(u32::try_from(count.running).unwrap_or(u32::MAX)),
        };
        let of_lists = self.lists.iter().zip(&self.of_lists);
        let mut all: Vec<_> = of_lists.map(|((_, shape), count)| work(*shape, *count)).collect();
        if 0 < self.other.queued.saturating_add(self.other.running) {
            all.push(work(None, self.other));
        }
        all
    }
}

/// Keys of one kind must not be taken for another.
fn check_keys(
    lists: &[(String, Option<Shape>)],
    prefixes: &[(&'static str, &String); 3],
) -> Result<(), QueueError> {
    if lists.is_empty() {
        return Err(QueueError::new("lists", "must name at least one list"));
    }
    for (number, (setting, prefix)) in prefixes.iter().enumerate() {
        if prefix.is_empty() {
            return Err(QueueError::new(setting, "must not be empty, as in `farm1:worker:`"));
        }
        for (_, (other_setting, other)) in
            prefixes.iter().enumerate().filter(|(other, _)| *other != number)
        {
            if other.starts_with(prefix.as_str()) {
                let problem = format!("`{other_setting}` starts with it too; make them different");
                return Err(QueueError::new(setting, problem));
            }
        }
    }
    for (number, (list, _)) in lists.iter().enumerate() {
        if list.is_empty() {
            return Err(QueueError::new("lists", "has a list without a name"));
        }
        if lists.iter().take(number).any(|(earlier, _)| earlier == list) {
            return Err(QueueError::new("lists", format!("has `{list}` twice")));
        }
        if let Some((setting, _)) =
            prefixes.iter().find(|(_, prefix)| list.starts_with(prefix.as_str()))
        {
            let problem = format!("`{list}` starts with the `{setting}`; choose another prefix");
            return Err(QueueError::new("lists", problem));
        }
    }
    Ok(())
}

/// The prefix taken literally, then anything.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::new();
    for letter in prefix.chars() {
        if ['*', '?', '[', ']', '\\', '^'].contains(&letter) {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('*');
    pattern
}

/// What is to be done about an error. Scripts wrap the words of the command that failed, so the
/// text is looked at, not only the code.
fn remedy(error: &RedisError, connecting: bool) -> (Refusal, &'static str) {
    let text = error.to_string();
    let says = |word: &str| error.code() == Some(word) || text.contains(word);
    let kind = error.kind();
    if error.is_connection_refusal() {
        (Refusal::NotSent, "connection refused; is Redis running there?")
    } else if ["WRONGPASS", "NOAUTH", "unauthenticated"].into_iter().any(says)
        || kind == ErrorKind::AuthenticationFailed
    {
        (Refusal::Auth, "the password is missing or wrong; set the source's password")
    } else if says("NOPERM") {
        (Refusal::Auth, "the user may not do this; see the commands in docs/workers.md")
    } else if says("WRONGTYPE") {
        (Refusal::Config, "a key is not what docs/workers.md says; another program's? Rename one")
    } else if says("FARMSCALE_TOO_MANY_KEYS") {
        (Refusal::Config, "too many keys to look through; give the queue a database of its own")
    } else if says("FARMSCALE_TOO_LARGE") {
        (Refusal::Config, "the answer is larger than 4 MiB; are the worker keys really workers?")
    } else if says("LOADING") {
        (Refusal::Other, "Redis is still loading its data; this ends by itself")
    } else if says("READONLY") || says("MASTERDOWN") {
        (Refusal::Config, "this is a replica; give the address of the primary")
    } else if says("MOVED") || says("CROSSSLOT") {
        (Refusal::Config, "Redis Cluster is not supported; use a plain server for the queue")
    } else if says("BUSY ") {
        (Refusal::Other, "Redis is busy with somebody's script")
    } else if kind == ErrorKind::Server(ServerErrorKind::ResponseError) {
        (Refusal::Other, "Redis answered with an error; version 6.2 or later is needed")
    } else if connecting {
        (Refusal::NotSent, "cannot connect; check host, port and database number")
    } else {
        (Refusal::Other, "the answer was lost or not understood")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> RedisSettings {
        RedisSettings {
            url: "redis://:secret-word@h:1/2".into(),
            lists: vec![("frames".to_owned(), None)],
            busy_prefix: "busy:".to_owned(),
            worker_prefix: "worker:".to_owned(),
            drain_prefix: "drain:".to_owned(),
            timeout: Span::seconds(1),
        }
    }

    fn fault(settings: &RedisSettings) -> QueueError {
        Redis::open(settings).err().unwrap()
    }

    #[test]
    fn keys_that_could_be_mixed_up_are_refused_at_the_start() {
        let lists = |names: &[&str]| RedisSettings {
            lists: names.iter().map(|name| ((*name).to_owned(), None)).collect(),
            ..settings()
        };
        for wrong in [lists(&[]), lists(&["a", "a"]), lists(&[""]), lists(&["busy:frames"])] {
            assert_eq!(fault(&wrong).setting, "lists");
        }
        let same = RedisSettings { worker_prefix: "busy:w:".to_owned(), ..settings() };
        assert_eq!(fault(&same).setting, "busy_prefix");
        let empty = RedisSettings { drain_prefix: String::new(), ..settings() };
        assert_eq!(fault(&empty).setting, "drain_prefix");
    }

    #[test]
    fn a_wrong_url_is_refused_without_its_password() {
        for url in ["rediss://:secret-word@h:1/0", "redis://:secret-word@h:1/zero", "secret-word"] {
            let error = fault(&RedisSettings { url: url.into(), ..settings() });
            assert_eq!(error.setting, "url");
            assert!(!error.to_string().contains("secret-word"), "{error}");
        }
        assert_eq!(Redis::open(&settings()).unwrap().place(), "redis://h:1/2");
    }

    #[test]
    fn a_prefix_is_taken_literally() {
        assert_eq!(pattern("a*[b]\\:"), "a\\*\\[b\\]\\\\:*");
    }

    #[test]
    fn work_goes_to_the_list_a_worker_is_named_for() {
        let two = Some(Shape { gpus: 2, gpu_memory_gib: 0 });
        let lists = vec![("one".to_owned(), None), ("two".to_owned(), two)];
        let source = Redis::open(&RedisSettings { lists, ..settings() }).unwrap();
        let beat = r#"{"state":"idle","instance":"ins-1"}"#.to_owned();
        let workers = vec![("a@two".to_owned(), beat.clone(), 1), ("b".to_owned(), beat, 1)];
        let answer = (vec![3, 4], workers, vec![("c@one".to_owned(), 1)]);
        let reading = source.reading(answer, Time::from_seconds(1)).unwrap();
        let work = |shape, queued, running| Work { shape, queued, running: Some(running) };
        assert_eq!(reading.work, [work(None, 4, 0), work(two, 4, 1), work(None, 0, 1)]);
    }
}
