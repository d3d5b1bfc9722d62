//! A whole studio in simulated time: the cloud, the queue, the workers on its machines, and the
//! work that arrives. Event-driven: nothing happens between two changes.

use std::collections::{BTreeMap, BTreeSet};

use super::provider::{Between, Fault, Provider, State};
use super::queue::{Host, SimQueue};
use super::rng::Rng;
use super::trace::Job;
use crate::model::{OfferKey, Shape, Span, Text, Time};

/// How long machines take to bring a worker, counted from the accepted request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boots {
    /// From a create to its worker.
    pub create: Between,
    /// From a start to its worker.
    pub start: Between,
    /// Boots that never bring a worker, of a million.
    pub never_ppm: u32,
}

impl Default for Boots {
    fn default() -> Self {
        Self { create: Between::seconds(180, 300), start: Between::seconds(45, 75), never_ppm: 0 }
    }
}

/// The truth of a simulated studio.
#[derive(Debug)]
pub struct SimFarm {
    /// The cloud.
    pub provider: Provider,
    /// The queue and its workers.
    pub queue: SimQueue,
    boots: Boots,
    rng: Rng,
    jobs: Vec<(Time, Job)>,
    next_job: usize,
    joins: BTreeSet<(Time, Text)>,
    speeds: BTreeMap<Text, i64>,
    peak: usize,
    /// So many of the next boots bring no worker.
    workerless: u32,
    /// GPU use that monitoring shows whatever the truth is.
    shown: BTreeMap<Text, u32>,
    /// Instances made by somebody else.
    by_hand: BTreeSet<Text>,
    /// Machines that came up or went down, so far.
    transitions: u64,
}

impl SimFarm {
    /// A studio whose work arrives as in `jobs`, counted from `start`.
    pub fn new(provider: Provider, boots: Boots, jobs: Vec<Job>, start: Time, seed: u64) -> Self {
        let jobs = jobs.into_iter().map(|job| (start + job.submit, job)).collect();
        Self {
            provider,
            queue: SimQueue::new(seed),
            boots,
            rng: Rng::new(seed).fork("boots"),
            jobs,
            next_job: 0,
            joins: BTreeSet::new(),
            speeds: BTreeMap::new(),
            peak: 0,
            workerless: 0,
            shown: BTreeMap::new(),
            by_hand: BTreeSet::new(),
            transitions: 0,
        }
    }

    /// How fast machines of a family work, in millionths of reference speed.
    pub fn set_speed(&mut self, family: &str, speed_ppm: i64) {
        self.speeds.insert(family.into(), speed_ppm);
    }

    /// The next boots, so many of them, bring no worker.
    pub fn fail_boots(&mut self, count: u32) {
        self.workerless = count;
    }

    /// From now on monitoring shows this GPU use of an instance, in percent.
    pub fn show_gpu(&mut self, instance: &str, percent: u32) {
        self.shown.insert(instance.into(), percent);
    }

    /// Somebody else makes a machine under this name, of the first size on sale. It brings no
    /// worker, and the farm's rest does not wait for it.
    pub fn make_by_hand(&mut self, now: Time, name: &str) -> Result<Text, Fault> {
        let key = self.provider.catalog().sizes.keys().next().ok_or_else(Fault::no_size)?;
        let offer = key.offer(crate::model::Billing::OnDemand);
        let request = self.provider.catalog().request(name, &offer);
        let made = self.provider.create(now, &request)?.instances;
        self.by_hand.extend(made.iter().cloned());
        self.advance(now);
        made.into_iter().next().ok_or_else(Fault::no_size)
    }

    /// Whether an instance was made by somebody else.
    pub fn is_by_hand(&self, instance: &str) -> bool {
        self.by_hand.contains(instance)
    }

    /// When [`Self::advance`] next has something to do.
    pub fn next_change_at(&self) -> Option<Time> {
        let job = self.jobs.get(self.next_job).map(|(at, _)| *at);
        let join = self.joins.first().map(|(at, _)| *at);
        let others = [self.provider.next_change_at(), self.queue.next_change_at(), job, join];
        others.into_iter().flatten().min()
    }

    /// Lets everything happen that is due until `now`.
    pub fn advance(&mut self, now: Time) {
        while let Some(at) = self.next_change_at().filter(|at| *at <= now) {
            self.step(at);
        }
        self.step(now);
    }

    /// Work that has not arrived yet.
    pub fn jobs_to_come(&self) -> usize {
        self.jobs.len() - self.next_job
    }

    /// All tasks, arrived or not.
    pub fn jobs_total(&self) -> usize {
        self.jobs.len()
    }

    /// Whether all work is done and no machine is left but those of others.
    pub fn is_at_rest(&self) -> bool {
        let work = self.jobs_to_come() + self.queue.waiting() + self.queue.running();
        work == 0 && self.provider.truth().all(|one| self.is_by_hand(&one.id))
    }

    /// Most machines there ever were at once.
    pub fn peak(&self) -> usize {
        self.peak
    }

    /// What has happened that a decision may rest on: tasks that came, ended or were lost, workers
    /// that joined, machines that came up or went down.
    pub fn facts(&self) -> u64 {
        let arrived = u64::try_from(self.next_job).unwrap_or(u64::MAX);
        let done = self.queue.done();
        arrived + done.tasks + done.killed + done.joins + self.transitions
    }

    /// GPU use of an instance, in percent, as monitoring would show it.
    pub fn gpu_percent(&self, instance: &str) -> Option<u32> {
        let running = self.provider.instance(instance)?.state == State::Running;
        let shown = self.shown.get(instance).copied();
        let truth = if self.queue.is_busy(instance) { 97 } else { 0 };
        running.then(|| shown.unwrap_or(truth))
    }

    /// The price of what was worked, by the machine it ran on: (as it was bought, at the cheapest
    /// price listed for the same size of slot), in micro-yuan.
    pub fn work_price(&self) -> (i64, i64) {
        let hourly = |offer: &OfferKey| {
            let day = self.provider.catalog().running_day(offer, 40)?;
            let slots = i64::from(offer.gpus.max(1));
            let speed = self.speed(&offer.family);
            Some((day.0 / slots, day.0.checked_mul(1_000_000)? / slots / speed))
        };
        let catalog = self.provider.catalog();
        let listed = catalog.sizes.keys().map(|key| key.offer(crate::model::Billing::OnDemand));
        let cheapest = listed.filter_map(|offer| hourly(&offer)).map(|(_, work)| work).min();
        let (mut bought, mut best) = (0i128, 0i128);
        for (offer, seconds) in &self.queue.done().seconds_by_offer {
            let Some((price, _)) = hourly(offer) else { continue };
            let seconds = i128::from(*seconds);
            bought += i128::from(price) * seconds;
            let work = seconds * i128::from(self.speed(&offer.family)) / 1_000_000;
            best += i128::from(cheapest.unwrap_or(price)) * work;
        }
        let day = 86_400;
        (i64::try_from(bought / day).unwrap_or(0), i64::try_from(best / day).unwrap_or(0))
    }

    fn speed(&self, family: &str) -> i64 {
        self.speeds.get(family).copied().unwrap_or(1_000_000)
    }

    fn step(&mut self, at: Time) {
        self.provider.advance(at);
        self.follow_machines();
        self.queue.advance(at);
        while self.joins.first().is_some_and(|(due, _)| *due <= at) {
            let Some((due, id)) = self.joins.pop_first() else { break };
            self.join(due, &id);
        }
        while let Some((due, job)) = self.jobs.get(self.next_job).filter(|(due, _)| *due <= at) {
            let shape = Shape { gpus: job.gpus, gpu_memory_gib: 0 };
            let number = job.label.as_ref().map(|name| Rng::new(0).fork(name).bits());
            self.queue.push_of(number, *due, job.duration, shape);
            self.next_job += 1;
        }
    }

    /// Machines that came up bring workers later; machines that went down lose theirs.
    fn follow_machines(&mut self) {
        for change in self.provider.take_transitions() {
            self.transitions += 1;
            if change.state == State::Running {
                self.will_join(change.at, &change.instance);
            } else {
                self.joins.retain(|(_, id)| *id != change.instance);
                self.queue.die(change.at, &change.instance);
            }
        }
        self.peak = self.peak.max(self.provider.truth().count());
    }

    /// The whole boot takes what `boots` says from the request on; the provider's part of it is
    /// over by now.
    fn will_join(&mut self, at: Time, id: &Text) {
        if self.by_hand.contains(id) {
            return;
        }
        if self.workerless != 0 {
            self.workerless -= 1;
            return;
        }
        let Some(instance) = self.provider.instance(id) else { return };
        let restarted = instance.bill_line(at).stopped_seconds != 0;
        let (range, from) = if restarted {
            (self.boots.start, instance.starting_since().unwrap_or(at))
        } else {
            (self.boots.create, instance.made_at)
        };
        let mut draw = self.rng.fork_at(u64::try_from(at.0).unwrap_or(0)).fork(id);
        if draw.chance(self.boots.never_ppm) {
            return;
        }
        let joins_at = (from + range.draw(&mut draw)).max(at + Span::seconds(1));
        self.joins.insert((joins_at, Text::clone(id)));
    }

    fn join(&mut self, at: Time, id: &Text) {
        let Some(instance) = self.provider.instance(id) else { return };
        let host = Host {
            instance: Text::clone(id),
            name: Text::clone(&instance.name),
            offer: instance.offer.clone(),
            gpu_memory_gib: 24,
            speed_ppm: self.speed(&instance.offer.family),
        };
        self.queue.join(at, host);
    }
}

impl super::http::Behind for SimFarm {
    fn provider(&mut self, now: Time) -> &mut Provider {
        self.advance(now);
        &mut self.provider
    }

    fn gpu_percent(&self, instance: &str) -> Option<u32> {
        Self::gpu_percent(self, instance)
    }
}
