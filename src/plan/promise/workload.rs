//! What a queue's readings, taken together, tell of its tasks: which are alike, how long they ran,
//! how long those that run and wait may take. A fold over readings; forgotten at a restart but for
//! what the source still tells.

use std::collections::{BTreeMap, VecDeque};

use super::estimate::{self, Futures, Sample};
use super::gaps::Gaps;
use crate::model::{QueueReading, Shape, Span, Stage, TaskSeen, Time, WorkerState};

/// Durations remembered.
const HISTORY: usize = 2000;
/// Without a job's name, a pause this long between two submissions parts their tasks.
const BURST_GAP: Span = Span::seconds(10);
/// Started tasks before the head of the queue a waiting one is compared with.
const NEIGHBOURS_WAITING: usize = 96;
/// Tasks on either side, by submission, a running one is compared with.
const NEIGHBOURS_RUNNING: usize = 32;
/// Points of the history that serve as prior of a waiting and of a running task.
const PRIOR_WAITING: usize = 32;
const PRIOR_RUNNING: usize = 24;
/// Weight of the whole prior.
const PRIOR_WEIGHT: u64 = estimate::WHOLE / 2;
/// Deep in the queue one estimate serves this many tasks at most.
const ESTIMATE_SERVES: usize = 64;
/// Tasks that are done and before all live ones, kept as neighbours.
const DONE_KEPT: u64 = 256;
/// Fewer durations than this say nothing.
const ENOUGH: usize = 3;

/// Everything learned of one queue.
#[derive(Debug, Clone, Default)]
pub struct Workload {
    known: VecDeque<Known>,
    /// Place of the first of them in the order of submission.
    first: u64,
    places: BTreeMap<u64, u64>,
    history: History,
    bursts: u64,
    last_submitted_at: Option<Time>,
    read_at: Option<Time>,
    forecast: Option<Forecast>,
    /// Pauses between two times of the same load.
    pub gaps: Gaps,
}

/// What waits and runs, and how long it may take.
#[derive(Debug, Clone, Default)]
pub struct Forecast {
    /// When the queue was asked.
    pub read_at: Time,
    /// In the order of submission.
    pub waiting: Vec<Waiting>,
    /// Durations, shared by tasks that resemble each other.
    pub estimates: Vec<Futures>,
    /// What runs: its shape, and the time it needs still, from `read_at`.
    pub running: Vec<(Option<Shape>, Futures)>,
}

/// A task that waits.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    /// What it needs.
    pub shape: Option<Shape>,
    /// Since when it waits.
    pub submitted_at: Time,
    /// Which of the forecast's estimates is its own.
    pub estimate: usize,
}

#[derive(Debug, Clone)]
struct Known {
    id: u64,
    /// Tasks that share it resemble each other.
    kin: u64,
    shape: Option<Shape>,
    submitted_at: Time,
    state: State,
    /// In the last reading.
    seen: bool,
    remaining: Option<Remaining>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running(Time),
    Ended(i64),
    /// Left without a word.
    Gone,
}

/// A running task's estimate, kept while it holds.
#[derive(Debug, Clone, Copy)]
struct Remaining {
    made_at: Time,
    again_at: Time,
    futures: Futures,
}

impl Workload {
    /// Takes the queue's word in.
    pub fn take(&mut self, reading: &QueueReading) {
        self.gaps.take(load(reading), reading.asked_at);
        let Some(tasks) = &reading.tasks else {
            self.forecast = None;
            return;
        };
        self.meet(tasks);
        self.follow(tasks);
        self.forget();
        self.read_at = Some(reading.asked_at);
        self.forecast = (ENOUGH <= self.history.len()).then(|| self.look_ahead(reading.asked_at));
    }

    /// What to reckon with; `None` while too little is known of the tasks.
    pub fn forecast(&self) -> Option<&Forecast> {
        self.forecast.as_ref()
    }

    /// The longest a task has taken; `None` while too little is known.
    pub fn longest(&self) -> Option<Span> {
        let longest = self.history.by_length.last().filter(|_| ENOUGH <= self.history.len());
        longest.map(|took| Span(*took))
    }

    /// New tasks get their places in the order of submission.
    fn meet(&mut self, tasks: &[TaskSeen]) {
        let read_at = self.read_at.unwrap_or_default();
        let is_news = |task: &&TaskSeen| match task.stage {
            Stage::Ended { at, .. } => read_at < at,
            Stage::Waiting | Stage::Running { .. } => true,
        };
        let unknown = tasks.iter().filter(|task| !self.places.contains_key(&task.id));
        let mut fresh: Vec<&TaskSeen> = unknown.filter(is_news).collect();
        fresh.sort_by_key(|task| (task.submitted_at, task.id));
        for task in fresh {
            let place = self.first + u64::try_from(self.known.len()).unwrap_or(0);
            let parted = |last: Time| last + BURST_GAP < task.submitted_at;
            self.bursts += u64::from(self.last_submitted_at.is_none_or(parted));
            self.last_submitted_at = Some(task.submitted_at);
            self.places.insert(task.id, place);
            self.known.push_back(Known {
                id: task.id,
                kin: task.job.unwrap_or(self.bursts),
                shape: task.shape,
                submitted_at: task.submitted_at,
                state: State::Waiting,
                seen: false,
                remaining: None,
            });
        }
    }

    fn follow(&mut self, tasks: &[TaskSeen]) {
        for known in &mut self.known {
            known.seen = false;
        }
        for task in tasks {
            let place = self.places.get(&task.id).and_then(|place| place.checked_sub(self.first));
            let place = place.and_then(|place| usize::try_from(place).ok());
            let Some(known) = place.and_then(|place| self.known.get_mut(place)) else { continue };
            known.seen = true;
            let state = match task.stage {
                Stage::Waiting => State::Waiting,
                Stage::Running { since } => State::Running(since),
                Stage::Ended { took, .. } => State::Ended(took.0.max(1)),
            };
            if let (State::Ended(took), false) = (state, matches!(known.state, State::Ended(_))) {
                self.history.push(took);
            }
            if known.state != state {
                known.state = state;
                known.remaining = None;
            }
        }
        for known in self.known.iter_mut().filter(|known| !known.seen) {
            if matches!(known.state, State::Waiting | State::Running(_)) {
                known.state = State::Gone;
            }
        }
    }

    /// Drops what is done and too far back to be anybody's neighbour.
    fn forget(&mut self) {
        let is_live = |known: &Known| matches!(known.state, State::Waiting | State::Running(_));
        let live = self.known.iter().position(is_live).unwrap_or(self.known.len());
        let live = self.first + u64::try_from(live).unwrap_or(0);
        while self.first + DONE_KEPT < live {
            let Some(known) = self.known.pop_front() else { return };
            self.places.remove(&known.id);
            self.first += 1;
        }
    }

    fn look_ahead(&mut self, now: Time) -> Forecast {
        let mut forecast = Forecast { read_at: now, ..Forecast::default() };
        for place in 0..self.known.len() {
            let Some(known) = self.known.get(place) else { continue };
            let (State::Running(since), shape) = (known.state, known.shape) else { continue };
            let kept = known.remaining.filter(|kept| {
                let passed = now.since(kept.made_at).0;
                now < kept.again_at && kept.futures.iter().all(|future| passed < *future)
            });
            let kept = kept.unwrap_or_else(|| self.remaining(place, since, now));
            let passed = now.since(kept.made_at).0;
            forecast.running.push((shape, kept.futures.map(|future| future - passed)));
            if let Some(known) = self.known.get_mut(place) {
                known.remaining = Some(kept);
            }
        }
        self.look_at_queue(&mut forecast);
        forecast
    }

    /// How much longer a running task may take, by its neighbours that ran at least as long.
    fn remaining(&self, place: usize, since: Time, now: Time) -> Remaining {
        let age = now.since(since).0.max(0);
        let kin = self.known.get(place).map(|known| known.kin);
        let from = place.saturating_sub(NEIGHBOURS_RUNNING);
        let near = self.known.range(from..self.known.len().min(place + NEIGHBOURS_RUNNING + 1));
        let mut samples: Vec<Sample> = near
            .zip(from..)
            .filter(|(_, other)| *other != place)
            .filter_map(|(known, other)| {
                let weight = estimate::weight(distance(place, other), Some(known.kin) == kin);
                sample(known, now, weight).filter(|sample| age < sample.value)
            })
            .collect();
        samples.extend(self.history.prior_above(age));
        samples.sort_unstable();
        let id = self.known.get(place).map_or(0, |known| known.id);
        let futures = estimate::shuffled(&estimate::remaining(&samples, age), id);
        let again_after = Span((age / 10).clamp(5_000, 60_000));
        Remaining { made_at: now, again_at: now + again_after, futures }
    }

    /// Waiting tasks: by what was started last before them, by distance.
    fn look_at_queue(&self, forecast: &mut Forecast) {
        let head = self.known.iter().position(|known| known.state == State::Waiting);
        let Some(head) = head else { return };
        let started = self.known.range(..head).zip(0..head).rev();
        let started =
            started.filter(|(known, _)| matches!(known.state, State::Running(_) | State::Ended(_)));
        let mut neighbours: Vec<(Sample, Option<(usize, u64)>)> = started
            .take(NEIGHBOURS_WAITING)
            .filter_map(|(known, place)| {
                Some((sample(known, forecast.read_at, 0)?, Some((place, known.kin))))
            })
            .collect();
        neighbours.extend(self.history.prior().map(|sample| (sample, None)));
        neighbours.sort_unstable();
        let mut served = (None, 0);
        for (position, (known, place)) in self
            .known
            .range(head..)
            .zip(head..)
            .filter(|(known, _)| known.state == State::Waiting)
            .enumerate()
        {
            let serves = (position / 8).clamp(1, ESTIMATE_SERVES);
            if served.0 != Some(known.kin) || served.1 + serves <= position {
                let samples: Vec<Sample> = neighbours
                    .iter()
                    .map(|(sample, near)| match near {
                        None => *sample,
                        Some((other, kin)) => {
                            let near = distance(place, *other);
                            let weight = estimate::weight(near, *kin == known.kin);
                            Sample { weight, ..*sample }
                        }
                    })
                    .collect();
                let futures = estimate::remaining(&samples, 0);
                forecast.estimates.push(estimate::shuffled(&futures, known.kin));
                served = (Some(known.kin), position);
            }
            forecast.waiting.push(Waiting {
                shape: known.shape,
                submitted_at: known.submitted_at,
                estimate: forecast.estimates.len() - 1,
            });
        }
    }
}

/// Slots at work.
fn load(reading: &QueueReading) -> u32 {
    let counted = reading.work.iter().any(|work| work.running.is_some());
    let busy = reading.workers.iter().flatten().filter(|one| one.state == WorkerState::Busy);
    if counted { reading.running() } else { u32::try_from(busy.count()).unwrap_or(u32::MAX) }
}

fn distance(one: usize, other: usize) -> u64 {
    u64::try_from(one.abs_diff(other)).unwrap_or(u64::MAX)
}

/// What a started task says of its neighbours.
fn sample(known: &Known, now: Time, weight: u64) -> Option<Sample> {
    match known.state {
        State::Ended(value) => Some(Sample { value, still_runs: false, weight }),
        State::Running(since) => {
            Some(Sample { value: now.since(since).0.max(0), still_runs: true, weight })
        }
        State::Waiting | State::Gone => None,
    }
}

/// The last durations, in both orders.
#[derive(Debug, Clone, Default)]
struct History {
    by_time: VecDeque<i64>,
    by_length: Vec<i64>,
}

impl History {
    fn len(&self) -> usize {
        self.by_time.len()
    }

    fn push(&mut self, took: i64) {
        if HISTORY <= self.by_time.len()
            && let Some(oldest) = self.by_time.pop_front()
            && let Ok(place) = self.by_length.binary_search(&oldest)
        {
            self.by_length.remove(place);
        }
        self.by_time.push_back(took);
        let place = self.by_length.partition_point(|known| *known < took);
        self.by_length.insert(place, took);
    }

    /// A few points of it, together of the prior's weight.
    fn prior(&self) -> impl Iterator<Item = Sample> + '_ {
        points(&self.by_length, PRIOR_WAITING, PRIOR_WEIGHT)
    }

    /// The same of what took longer than `age`, weighted by how common that is.
    fn prior_above(&self, age: i64) -> impl Iterator<Item = Sample> + '_ {
        let from = self.by_length.partition_point(|known| *known <= age);
        let above = self.by_length.get(from..).unwrap_or_default();
        let share = |part: usize| u64::try_from(part).unwrap_or(0);
        let weight = PRIOR_WEIGHT * share(above.len()) / share(self.by_length.len()).max(1);
        points(above, PRIOR_RUNNING, weight)
    }
}

/// `count` evenly spaced quantiles of sorted values.
fn points(sorted: &[i64], count: usize, weight: u64) -> impl Iterator<Item = Sample> + '_ {
    let each = weight / u64::try_from(count).unwrap_or(1);
    (0..count).filter_map(move |point| {
        let place = (2 * point + 1) * sorted.len() / (2 * count);
        let value = *sorted.get(place)?;
        Some(Sample { value, still_runs: false, weight: each })
    })
}
