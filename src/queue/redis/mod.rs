//! Redis lists with the worker contract of docs/workers.md.
//!
//! One script reads everything at once. So a task is never in neither of two places it moves
//! between, and no machine is seen idle while one of its workers holds a task.

use async_trait::async_trait;
use serde::Deserialize;

use super::fault::{cut, masked};
use super::redis_link::Link;
use super::shaped::{self, Shaped, Words};
use super::source::{Can, Capabilities, Claim, Source};
use super::web::answer_max;
use crate::defaults::queue::{BUSY_PREFIX, DRAIN_PREFIX, WORKER_PREFIX};
use crate::model::{
    LookFailure, MachineRef, QueueReading, Refusal, SetAside, Text, Time, Work, WorkerSeen,
    WorkerState,
};
use crate::reader::Reader;

/// The script; what it answers is [`Answer`].
const READING: &str = include_str!("reading.lua");
/// Redis answers nobody else while the script runs: about a tenth of a second at this many keys.
const KEYS_MAX: u32 = 250_000;
/// What the settings call the lists.
const LISTS: Words = Words { many: "lists", shaped: "shaped_lists", one: "list" };
/// Longest quotation of a heartbeat, in characters.
const QUOTE_MAX: usize = 60;

/// Lengths of the lists; worker, heartbeat, held tasks; worker without heartbeat, held tasks.
type Answer = (Vec<u64>, Vec<(String, String, u64)>, Vec<(String, u64)>);

/// The source.
struct Redis {
    link: Link,
    keys: Keys,
    /// In bytes.
    answer_max: usize,
}

/// What the lists and keys are called.
struct Keys {
    /// Lists (name, what one of its tasks needs; `None` = the pool's shape).
    lists: Vec<Shaped>,
    /// Prefix of the lists workers move taken tasks to.
    busy: String,
    /// Prefix of heartbeat keys.
    worker: String,
    /// Prefix of drain keys.
    drain: String,
}

pub(super) fn open(name: &str, settings: &mut Reader<'_>) -> Option<Box<dyn Source>> {
    let link = Link::read(settings);
    let keys = Keys::read(name, settings);
    let answer_max = answer_max(settings);
    Some(Box::new(Redis { link: link?, keys, answer_max }))
}

/// What a worker writes about itself.
#[derive(Deserialize)]
struct Heartbeat {
    state: String,
    instance: String,
}

#[async_trait]
impl Source for Redis {
    fn place(&self) -> &str {
        self.link.place()
    }

    fn capabilities(&self) -> Capabilities {
        let gpus = shaped::tell(&self.keys.lists);
        Capabilities::of([Can::Busy, Can::Drain, Can::Forget]).with(Can::Gpus, gpus)
    }

    fn claims(&self) -> Vec<Claim> {
        let server = &self.link.server;
        let lists = self.keys.lists.iter().map(|(list, _)| Claim::one(server, list, "lists"));
        let prefixes = self.keys.prefixes();
        let prefixes = prefixes.map(|(setting, prefix)| Claim::prefix(server, prefix, setting));
        lists.chain(prefixes).collect()
    }

    async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        let mut script = redis::cmd("EVAL");
        script.arg(READING).arg(self.keys.lists.len());
        for (list, _) in &self.keys.lists {
            script.arg(list);
        }
        for prefix in [&self.keys.busy, &self.keys.worker] {
            script.arg(prefix).arg(pattern(prefix));
        }
        script.arg(KEYS_MAX).arg(self.answer_max);
        let answer: Answer = self.link.ask(&script).await?;
        self.reading(answer, asked_at)
    }

    /// The keys stay until they are taken back: a promise to take no more must not lapse.
    async fn drain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        let mut command = redis::cmd("MSET");
        for key in self.drain_keys(machine) {
            command.arg(key).arg(machine.name.as_str());
        }
        self.link.ask::<()>(&command).await
    }

    async fn undrain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        let mut command = redis::cmd("DEL");
        command.arg(self.drain_keys(machine));
        self.link.ask::<()>(&command).await
    }

    /// Names are used once: the drain keys of a machine that is gone would only pile up.
    async fn forget(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.undrain(machine).await
    }
}

impl Redis {
    /// One key for everything the machine or a worker on it may be called.
    fn drain_keys(&self, machine: &MachineRef) -> Vec<String> {
        let name = machine.name.text();
        let names = [&name].into_iter().chain(&machine.instance).chain(&machine.workers);
        names.map(|name| format!("{}{name}", self.keys.drain)).collect()
    }

    fn reading(&self, answer: Answer, asked_at: Time) -> Result<QueueReading, LookFailure> {
        let (waiting, workers, orphans) = answer;
        let mut tally = Tally::new(&self.keys.lists, &waiting);
        for (name, held) in &orphans {
            // the sweep puts them back: they need a machine
            tally.count_of(name).queued += held;
        }
        let (mut seen, mut set_aside, mut first) = (Vec::new(), Vec::new(), None);
        for (name, heartbeat, held) in workers {
            tally.count_of(&name).running += held;
            match worker(&name, &heartbeat, held) {
                Ok(worker) => seen.push(worker),
                Err(problem) => {
                    let why = format!("the key `{}{name}` {problem}", self.keys.worker);
                    first.get_or_insert_with(|| why.clone());
                    set_aside.push(SetAside {
                        name: Text::from(name),
                        why: why.into(),
                        instance: None,
                    });
                }
            }
        }
        // where no heartbeat is one, the keys are another program's
        if let Some(why) = first.filter(|_| seen.is_empty()) {
            return Err(self.link.failure(Refusal::Config, &why));
        }
        seen.sort_by(|one: &WorkerSeen, other| one.worker.cmp(&other.worker));
        let work = tally.work();
        Ok(QueueReading {
            asked_at,
            work,
            workers: Some(seen),
            set_aside,
            ..QueueReading::default()
        })
    }
}

/// A worker that holds a task is busy, whatever it says; so is one that says what we do not
/// know. One that does not say where it runs could be on any machine: it is set aside, and while it
/// beats no machine is let go.
fn worker(name: &str, heartbeat: &str, held: u64) -> Result<WorkerSeen, String> {
    let word: Heartbeat = serde_json::from_str(heartbeat).map_err(|error| {
        let quote = cut(&masked(heartbeat), QUOTE_MAX);
        format!(
            "must hold {{\"state\":…,\"instance\":…}} (docs/workers.md) but has {quote} ({error})"
        )
    })?;
    let state = match word.state.as_str() {
        "idle" if held == 0 => WorkerState::Idle,
        "drained" if held == 0 => WorkerState::Drained,
        _ => WorkerState::Busy,
    };
    Ok(WorkerSeen { worker: name.into(), instance: Text::from(word.instance), state })
}

/// Work by list, and by no list for workers of which it cannot be told.
struct Tally<'a> {
    lists: &'a [Shaped],
    of_lists: Vec<Count>,
    other: Count,
}

#[derive(Clone, Copy, Default)]
struct Count {
    queued: u64,
    running: u64,
}

impl<'a> Tally<'a> {
    fn new(lists: &'a [Shaped], waiting: &[u64]) -> Self {
        let of_lists = waiting.iter().map(|queued| Count { queued: *queued, running: 0 }).collect();
        Self { lists, of_lists, other: Count::default() }
    }

    /// Where the tasks of a worker belong: to the only list, or to the one its name ends with.
    fn count_of(&mut self, worker: &str) -> &mut Count {
        let named = worker.rsplit_once('@').map(|(_, list)| list);
        let place = match self.lists {
            [_] => Some(0),
            lists => lists.iter().position(|(list, _)| Some(list.as_str()) == named),
        };
        place.and_then(|place| self.of_lists.get_mut(place)).unwrap_or(&mut self.other)
    }

    fn work(self) -> Vec<Work> {
        let work = |shape, count: Count| shaped::work(shape, count.queued, Some(count.running));
        let of_lists = self.lists.iter().zip(&self.of_lists);
        let mut all: Vec<_> = of_lists.map(|((_, shape), count)| work(*shape, *count)).collect();
        if 0 < self.other.queued.saturating_add(self.other.running) {
            all.push(work(None, self.other));
        }
        all
    }
}

impl Keys {
    fn read(name: &str, settings: &mut Reader<'_>) -> Self {
        let lists = shaped::read(settings, LISTS, name);
        let keys = Self {
            lists,
            busy: settings.text("busy_prefix", BUSY_PREFIX),
            worker: settings.text("worker_prefix", WORKER_PREFIX),
            drain: settings.text("drain_prefix", DRAIN_PREFIX),
        };
        keys.check(settings);
        keys
    }

    fn prefixes(&self) -> [(&'static str, &str); 3] {
        [
            ("busy_prefix", &self.busy),
            ("worker_prefix", &self.worker),
            ("drain_prefix", &self.drain),
        ]
    }

    /// Keys of one kind must not be taken for another.
    fn check(&self, settings: &Reader<'_>) {
        let prefixes = self.prefixes();
        for (number, (setting, prefix)) in prefixes.into_iter().enumerate() {
            if prefix.is_empty() {
                settings.fault(setting, "is empty: give it, as in \"farm1:worker:\"");
                return;
            }
            let others = prefixes.iter().enumerate().filter(|(other, _)| *other != number);
            for (_, (other_setting, other)) in others {
                if other.starts_with(prefix) {
                    let what = format!("\"{prefix}\": `{other_setting}` starts with it too; make");
                    settings.fault(setting, format!("is {what} them different"));
                }
            }
        }
        for (list, _) in &self.lists {
            let taken = prefixes.iter().find(|(_, prefix)| list.starts_with(prefix));
            if let Some((setting, _)) = taken {
                let what = format!("has \"{list}\", which starts with the {setting}");
                settings.fault("lists", format!("{what}: choose another prefix"));
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Shape;
    use crate::reader::{Fault, try_read};

    fn opened(text: &str) -> (Option<Redis>, Vec<Fault>) {
        try_read(text, |settings| {
            let link = Link::read(settings)?;
            let keys = Keys::read("frames", settings);
            Some(Redis { link, keys, answer_max: answer_max(settings) })
        })
    }

    fn key_at_fault(text: &str) -> String {
        let (_, faults) = opened(text);
        faults.first().map(|fault| fault.key.clone()).unwrap_or_default()
    }

    #[test]
    fn keys_that_could_be_mixed_up_are_refused_at_the_start() {
        for lists in ["[\"a\", \"a\"]", "[\"\"]", "[\"busy:frames\"]"] {
            assert_eq!(key_at_fault(&format!("lists = {lists}")), "t.lists");
        }
        assert_eq!(key_at_fault("worker_prefix = \"busy:w:\""), "t.busy_prefix");
        assert_eq!(key_at_fault("drain_prefix = \"\""), "t.drain_prefix");
        let source = opened("").0.unwrap();
        assert_eq!(
            source.keys.lists,
            [("frames".to_owned(), None)],
            "unless said the queue's name"
        );
    }

    #[test]
    fn a_prefix_is_taken_literally() {
        assert_eq!(pattern("a*[b]\\:"), "a\\*\\[b\\]\\\\:*");
    }

    const TWO: Option<Shape> = Some(Shape { gpus: 2, gpu_memory_gib: 0 });

    fn two_lists() -> Redis {
        let text = "lists = [\"one\"]\nshaped_lists = [{ list = \"two\", gpus = 2 }]";
        opened(text).0.unwrap()
    }

    #[test]
    fn work_goes_to_the_list_a_worker_is_named_for() {
        let beat = r#"{"state":"idle","instance":"ins-1"}"#.to_owned();
        let workers = vec![("a@two".to_owned(), beat.clone(), 1), ("b".to_owned(), beat, 1)];
        let answer = (vec![3, 4], workers, vec![("c@one".to_owned(), 1)]);
        let reading = two_lists().reading(answer, Time::from_seconds(1)).unwrap();
        let work = |shape, queued, running| Work { shape, queued, running: Some(running) };
        assert_eq!(reading.work, [work(None, 4, 0), work(TWO, 4, 1), work(None, 0, 1)]);
    }

    #[test]
    fn one_bad_heartbeat_of_two_is_set_aside_and_its_task_still_counts() {
        let good = r#"{"state":"idle","instance":"ins-1"}"#.to_owned();
        let workers = vec![("a@one".to_owned(), good, 0), ("b@one".to_owned(), "up".to_owned(), 1)];
        let reading = two_lists().reading((vec![3, 4], workers, vec![]), Time::default()).unwrap();
        assert_eq!((reading.queued(), reading.running()), (7, 1));
        assert_eq!(reading.workers.as_ref().unwrap().len(), 1);
        assert_eq!(&*reading.set_aside[0].name, "b@one");
        assert!(reading.set_aside[0].why.contains("`worker:b@one`"), "{:?}", reading.set_aside);
        assert!(reading.is_doubtful());
    }
}
