//! The truth of a queue and its workers: who waits, who works on what, who was asked to stop.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::rng::Rng;
use crate::model::{
    MachineRef, OfferKey, QueueReading, Shape, Span, Stage, TaskSeen, Text, Time, Work, WorkerSeen,
    WorkerState,
};

/// An idle worker waits for a task at most this long before it looks at its drain flag again.
const FLAG_POLL: Span = Span::seconds(5);
/// A dead worker's last heartbeat is still read for so long.
const HEARTBEAT: Span = Span::seconds(30);
/// Tasks that ended are told for so long.
const ENDED_TOLD: Span = Span::minutes(10);

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its place in the order of submission.
    pub id: u64,
    /// When it was submitted.
    pub submitted_at: Time,
    /// How long it runs at reference speed.
    pub duration: Span,
    /// What it needs.
    pub shape: Shape,
    /// The job it is a part of.
    pub job: Option<u64>,
    /// When it first started.
    pub started_at: Option<Time>,
}

impl Task {
    fn seen(&self, stage: Stage) -> TaskSeen {
        let Self { id, job, shape, submitted_at, .. } = *self;
        TaskSeen { id, job, shape: Some(shape), submitted_at, stage }
    }
}

/// A machine as the queue's workers know it.
#[derive(Debug, Clone)]
pub struct Host {
    /// The provider's id.
    pub instance: Text,
    /// Our name for it.
    pub name: Text,
    /// What was bought.
    pub offer: OfferKey,
    /// Memory of each GPU in GiB.
    pub gpu_memory_gib: u32,
    /// Work per second in millionths of reference speed.
    pub speed_ppm: i64,
}

#[derive(Debug)]
struct Worker {
    host: Host,
    free_gpus: u32,
    slots: Vec<Slot>,
    /// Has answered the drain request.
    drained: bool,
    joined_at: Time,
}

#[derive(Debug, Default)]
struct Slot {
    task: Option<Task>,
    began_at: Time,
    ends_at: Time,
}

/// Work that was done, for scores.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// Tasks.
    pub tasks: u64,
    /// Their waits until they first started, in ms.
    pub waits: Vec<i64>,
    /// Seconds of work by offer, at the speed of the machine.
    pub seconds_by_offer: BTreeMap<OfferKey, i64>,
    /// Machines whose workers joined.
    pub joins: u64,
    /// How long workers were there.
    pub present: Span,
    /// Tasks that lost their worker and went back to the head of the queue.
    pub killed: u64,
}

/// The queue, its workers, and what they have done.
#[derive(Debug)]
pub struct SimQueue {
    rng: Rng,
    waiting: VecDeque<Task>,
    workers: BTreeMap<Text, Worker>,
    flags: BTreeSet<Text>,
    /// Moments at which idle workers notice a flag, and tasks end.
    due: BTreeSet<(Time, Text)>,
    ghosts: Vec<(WorkerSeen, Time)>,
    next_id: u64,
    done: Done,
    /// Tasks that ended lately.
    ended: Vec<TaskSeen>,
}

impl SimQueue {
    /// An empty queue.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed).fork("queue"),
            waiting: VecDeque::new(),
            workers: BTreeMap::new(),
            flags: BTreeSet::new(),
            due: BTreeSet::new(),
            ghosts: Vec::new(),
            next_id: 0,
            done: Done::default(),
            ended: Vec::new(),
        }
    }

    /// Puts a task of no job at the end.
    pub fn push(&mut self, now: Time, duration: Span, shape: Shape) {
        self.push_of(None, now, duration, shape);
    }

    /// Puts a task of a job at the end.
    pub fn push_of(&mut self, job: Option<u64>, now: Time, duration: Span, shape: Shape) {
        let id = self.next_id;
        self.next_id += 1;
        let task = Task { id, submitted_at: now, duration, shape, job, started_at: None };
        self.waiting.push_back(task);
        self.dispatch(now);
    }

    /// A machine's workers join, one per GPU.
    pub fn join(&mut self, now: Time, host: Host) {
        self.done.joins += 1;
        let gpus = host.offer.gpus.max(1);
        let slots = (0..gpus).map(|_| Slot::default()).collect();
        let id = Text::clone(&host.instance);
        let worker = Worker { host, free_gpus: gpus, slots, drained: false, joined_at: now };
        self.workers.insert(Text::clone(&id), worker);
        self.notice(&id);
        self.dispatch(now);
    }

    /// A machine dies; its tasks go back to the head. Returns how many it held.
    pub fn die(&mut self, now: Time, instance: &str) -> u64 {
        let Some((id, worker)) = self.workers.remove_entry(instance) else { return 0 };
        self.done.present += now.since(worker.joined_at);
        for (number, seen) in Self::seen(&id, &worker).enumerate() {
            let last_beat = now - Span::seconds(i64::try_from(number % 10).unwrap_or(0));
            self.ghosts.push((seen, last_beat + HEARTBEAT));
        }
        self.due.retain(|(_, one)| *one != id);
        let mut lost = 0;
        for task in worker.slots.into_iter().filter_map(|slot| slot.task).rev() {
            lost += 1;
            self.waiting.push_front(task);
        }
        self.done.killed += lost;
        self.dispatch(now);
        lost
    }

    /// What a machine's workers are at never ends.
    pub fn hang(&mut self, instance: &str) {
        let Some(worker) = self.workers.get_mut(instance) else { return };
        for slot in worker.slots.iter_mut().filter(|slot| slot.task.is_some()) {
            slot.ends_at = Time::MAX;
        }
    }

    /// Writes the drain flags of a machine.
    pub fn drain(&mut self, now: Time, machine: &MachineRef) {
        self.flags.extend(flags_of(machine));
        self.notice_soon(now, machine);
    }

    /// Removes the drain flags of a machine.
    pub fn undrain(&mut self, now: Time, machine: &MachineRef) {
        for flag in flags_of(machine) {
            self.flags.remove(&flag);
        }
        self.notice_soon(now, machine);
    }

    fn notice_soon(&mut self, now: Time, machine: &MachineRef) {
        if let Some(id) = machine.instance.as_ref().filter(|id| self.workers.contains_key(*id)) {
            self.due.insert((now + FLAG_POLL, Text::clone(id)));
        }
    }

    /// When [`Self::advance`] next has something to do.
    pub fn next_change_at(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Ends tasks and notices flags that are due.
    pub fn advance(&mut self, now: Time) {
        while let Some((at, id)) = self.due.first().filter(|(at, _)| *at <= now).cloned() {
            self.due.remove(&(at, Text::clone(&id)));
            self.end_tasks(at, &id);
            self.notice(&id);
            self.dispatch(at);
        }
    }

    /// Whether a machine's workers were asked to take no more, noticed or not.
    pub fn is_flagged(&self, instance: &str) -> bool {
        self.flags.contains(instance)
    }

    /// Whether a worker of this machine holds a task.
    pub fn is_busy(&self, instance: &str) -> bool {
        let worker = self.workers.get(instance);
        worker.is_some_and(|worker| worker.slots.iter().any(|slot| slot.task.is_some()))
    }

    /// Whether any worker of this machine has joined.
    pub fn has_joined(&self, instance: &str) -> bool {
        self.workers.contains_key(instance)
    }

    /// Tasks that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Tasks that run.
    pub fn running(&self) -> usize {
        let slots = self.workers.values().flat_map(|worker| &worker.slots);
        slots.filter(|slot| slot.task.is_some()).count()
    }

    /// What was done.
    pub fn done(&self) -> &Done {
        &self.done
    }

    /// What a source would say of it.
    pub fn reading(&mut self, now: Time) -> QueueReading {
        self.ghosts.retain(|(_, until)| now < *until);
        let mut work: BTreeMap<Shape, (u32, u32)> = BTreeMap::new();
        for task in &self.waiting {
            work.entry(task.shape).or_default().0 += 1;
        }
        for slot in self.workers.values().flat_map(|worker| &worker.slots) {
            if let Some(task) = &slot.task {
                work.entry(task.shape).or_default().1 += 1;
            }
        }
        let work = work.into_iter().map(|(shape, (queued, running))| Work {
            shape: Some(shape),
            queued,
            running: Some(running),
        });
        let alive = self.workers.iter().flat_map(|(id, worker)| Self::seen(id, worker));
        let ghosts = self.ghosts.iter().map(|(seen, _)| seen.clone());
        let oldest = self.waiting.iter().map(|task| task.submitted_at).min();
        QueueReading {
            asked_at: now,
            work: work.collect(),
            oldest_wait: oldest.map(|at| now.since(at)),
            workers: Some(alive.chain(ghosts).collect()),
            tasks: Some(self.tasks(now)),
            jobs: None,
            held: Vec::new(),
            set_aside: Vec::new(),
        }
    }

    /// Every task, as a source that tells them apart would.
    fn tasks(&mut self, now: Time) -> Vec<TaskSeen> {
        self.ended.retain(|task| match task.stage {
            Stage::Ended { at, .. } => now < at + ENDED_TOLD,
            Stage::Waiting | Stage::Running { .. } => false,
        });
        let slots = self.workers.values().flat_map(|worker| &worker.slots);
        let running = slots.filter_map(|slot| {
            let stage = Stage::Running { since: slot.began_at };
            Some(slot.task.as_ref()?.seen(stage))
        });
        let waiting = self.waiting.iter().map(|task| task.seen(Stage::Waiting));
        waiting.chain(running).chain(self.ended.iter().copied()).collect()
    }

    fn seen<'a>(id: &'a Text, worker: &'a Worker) -> impl Iterator<Item = WorkerSeen> + 'a {
        worker.slots.iter().enumerate().map(move |(number, slot)| WorkerSeen {
            worker: format!("{id}-{number}").into(),
            instance: Text::clone(id),
            state: match (&slot.task, worker.drained) {
                (Some(_), _) => WorkerState::Busy,
                (None, true) => WorkerState::Drained,
                (None, false) => WorkerState::Idle,
            },
        })
    }

    fn end_tasks(&mut self, now: Time, id: &Text) {
        let Some(worker) = self.workers.get_mut(id) else { return };
        for slot in &mut worker.slots {
            if now < slot.ends_at {
                continue;
            }
            let Some(task) = slot.task.take() else { continue };
            let (at, took_span) = (slot.ends_at, slot.ends_at.since(slot.began_at));
            self.ended.push(task.seen(Stage::Ended { at, took: took_span }));
            worker.free_gpus += task.shape.gpus.max(1);
            self.done.tasks += 1;
            let wait = task.started_at.unwrap_or(now).since(task.submitted_at);
            self.done.waits.push(wait.0);
            let seconds =
                took(&task, worker.host.speed_ppm).0 / 1000 * i64::from(task.shape.gpus.max(1));
            *self.done.seconds_by_offer.entry(worker.host.offer.clone()).or_default() += seconds;
        }
    }

    /// A worker looks at its flag: busy slots finish their tasks, free ones take no more.
    fn notice(&mut self, id: &Text) {
        let Some(worker) = self.workers.get_mut(id) else { return };
        worker.drained = self.flags.contains(&worker.host.name) || self.flags.contains(id);
    }

    /// Gives waiting tasks to idle workers, picked at random.
    fn dispatch(&mut self, now: Time) {
        if self.waiting.is_empty() {
            return;
        }
        let mut idle: Vec<Text> = self
            .workers
            .iter()
            .filter(|(_, worker)| !worker.drained && worker.free_gpus != 0)
            .map(|(id, _)| Text::clone(id))
            .collect();
        let mut index = 0;
        while index < self.waiting.len() && !idle.is_empty() {
            let Some(task) = self.waiting.get(index) else { break };
            let fits: Vec<usize> = (0..idle.len())
                .filter(|one| idle.get(*one).is_some_and(|id| self.can_take(id, task.shape)))
                .collect();
            let pick = usize::try_from(self.rng.below(u64::try_from(fits.len()).unwrap_or(0)));
            let Some(place) = pick.ok().and_then(|pick| fits.get(pick)).copied() else {
                index += 1;
                continue;
            };
            let Some(task) = self.waiting.remove(index) else { break };
            let id = Text::clone(idle.get(place).unwrap_or(&Text::from("")));
            self.take(now, &id, task);
            if self.workers.get(&id).is_none_or(|worker| worker.free_gpus == 0) {
                idle.swap_remove(place);
            }
        }
    }

    fn can_take(&self, id: &Text, shape: Shape) -> bool {
        self.workers.get(id).is_some_and(|worker| {
            shape.gpus.max(1) <= worker.free_gpus
                && shape.gpu_memory_gib <= worker.host.gpu_memory_gib
        })
    }

    fn take(&mut self, now: Time, id: &Text, mut task: Task) {
        let Some(worker) = self.workers.get_mut(id) else { return };
        let Some(slot) = worker.slots.iter_mut().find(|slot| slot.task.is_none()) else { return };
        task.started_at.get_or_insert(now);
        slot.began_at = now;
        slot.ends_at = now + took(&task, worker.host.speed_ppm);
        worker.free_gpus = worker.free_gpus.saturating_sub(task.shape.gpus.max(1));
        self.due.insert((slot.ends_at, Text::clone(id)));
        slot.task = Some(task);
    }
}

fn took(task: &Task, speed_ppm: i64) -> Span {
    Span(task.duration.0.saturating_mul(1_000_000) / speed_ppm.max(1))
}

fn flags_of(machine: &MachineRef) -> impl Iterator<Item = Text> + '_ {
    std::iter::once(machine.name.text()).chain(machine.instance.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Billing, MachineName};

    fn host(id: &str, gpus: u32) -> Host {
        let offer = OfferKey {
            zone: "z".into(),
            family: "f".into(),
            cpu: 16,
            ram_gib: 32,
            gpus,
            billing: Billing::OnDemand,
        };
        Host {
            instance: id.into(),
            name: format!("name-{id}").into(),
            offer,
            gpu_memory_gib: 24,
            speed_ppm: 1_000_000,
        }
    }

    fn machine(id: &str) -> MachineRef {
        MachineRef {
            name: MachineName::from_stored(&format!("name-{id}")),
            instance: Some(id.into()),
            workers: Vec::new(),
        }
    }

    fn at(seconds: i64) -> Time {
        Time::from_seconds(seconds)
    }

    #[test]
    fn a_drained_worker_finishes_its_task_and_takes_no_more() {
        let mut queue = SimQueue::new(1);
        queue.join(at(0), host("a", 1));
        queue.push(at(0), Span::seconds(100), Shape::default());
        queue.push(at(1), Span::seconds(100), Shape::default());
        queue.drain(at(10), &machine("a"));
        queue.advance(at(50));
        assert_eq!(queue.reading(at(50)).workers.unwrap()[0].state, WorkerState::Busy);
        queue.advance(at(101));
        assert_eq!(queue.reading(at(101)).workers.unwrap()[0].state, WorkerState::Drained);
        assert_eq!((queue.waiting(), queue.done().tasks), (1, 1));
        queue.undrain(at(200), &machine("a"));
        queue.advance(at(206));
        assert_eq!((queue.waiting(), queue.running()), (0, 1));
    }

    #[test]
    fn a_dead_worker_gives_its_task_back_and_leaves_a_heartbeat_for_a_while() {
        let mut queue = SimQueue::new(1);
        queue.join(at(0), host("a", 1));
        queue.push(at(0), Span::seconds(100), Shape::default());
        assert_eq!(queue.die(at(10), "a"), 1);
        assert_eq!(queue.waiting(), 1);
        assert_eq!(queue.reading(at(20)).workers.unwrap().len(), 1);
        assert_eq!(queue.reading(at(45)).workers.unwrap().len(), 0);
    }

    #[test]
    fn a_task_of_two_gpus_waits_for_a_machine_that_has_them() {
        let mut queue = SimQueue::new(1);
        queue.join(at(0), host("small", 1));
        queue.push(at(0), Span::seconds(10), Shape { gpus: 2, gpu_memory_gib: 0 });
        queue.push(at(0), Span::seconds(10), Shape::default());
        assert_eq!((queue.waiting(), queue.running()), (1, 1));
        queue.join(at(5), host("large", 2));
        assert_eq!((queue.waiting(), queue.running()), (0, 2));
    }
}
