//! Slurm, by its own programs (`squeue`, `sinfo`, `scontrol`): any version that prints JSON.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::program::Runner;
use super::source::{Can, Capabilities, Claim, Source};
use super::tasks::number;
use super::web::answer_max;
use crate::defaults::queue::{SLURM_CONF, SLURM_PROGRAMS, SLURM_TIMEOUT};
use crate::model::{
    Held, JobSeen, LookFailure, MachineRef, QueueReading, Refusal, Shape, Span, Text, Time, Work,
    WorkerSeen, WorkerState,
};
use crate::reader::Reader;

mod answers;

use answers::{Job, Jobs, Node, Nodes};

/// How a drain of ours is told from an operator's.
const REASON: &str = "farmscale: scale-in";
/// Reasons to wait that more nodes would end.
const WAITS_FOR_NODES: [&str; 7] = [
    "None",
    "Priority",
    "Resources",
    "ReqNodeNotAvail",
    "Nodes required for job are DOWN",
    "Nodes_required_for_job_are_DOWN",
    "PartitionConfig",
];

/// The source.
struct Slurm {
    runner: Runner,
    /// The folder of Slurm's programs.
    programs: String,
    place: String,
    partitions: Vec<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "the signature all sources share")]
pub(super) fn open(name: &str, settings: &mut Reader<'_>) -> Option<Box<dyn Source>> {
    let mut partitions = settings.texts("partitions");
    if partitions.is_empty() {
        partitions.push(name.to_owned());
    }
    let mut environment = BTreeMap::new();
    let conf = settings.text("conf", SLURM_CONF);
    environment.insert("SLURM_CONF".to_owned(), conf.clone());
    let programs = settings.text("programs", SLURM_PROGRAMS);
    let timeout = settings.span("timeout", SLURM_TIMEOUT, Span::millis(100));
    let runner = Runner::new(environment, timeout, answer_max(settings));
    Some(Box::new(Slurm { runner, programs, place: format!("slurm ({conf})"), partitions }))
}

#[async_trait]
impl Source for Slurm {
    fn place(&self) -> &str {
        &self.place
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::of([Can::Jobs, Can::Busy, Can::Drain, Can::Forget, Can::Gpus])
    }

    fn claims(&self) -> Vec<Claim> {
        let partition = |name: &String| Claim::one(&self.place, name, "partitions");
        self.partitions.iter().map(partition).collect()
    }

    async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        // what waits first: a job that starts meanwhile is counted as waiting, never missed
        let jobs: Jobs = self.json(&["squeue", "--json"]).await?;
        self.refuse("squeue", &jobs.errors)?;
        let nodes = self.nodes().await?;
        Ok(self.reading(&jobs.jobs, &nodes, asked_at))
    }

    async fn drain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        let reason = format!("reason={REASON}");
        self.update(machine, &["state=drain", &reason], |node| !node.is("DRAIN")).await
    }

    /// Only what we drained: an operator's drain stays.
    async fn undrain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        let ours = |node: &Node| node.is("DRAIN") && node.reason.starts_with(REASON);
        self.update(machine, &["state=undrain"], ours).await
    }

    /// A dynamic node is removed; one of the configuration stays, and is down.
    async fn forget(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        for node in self.nodes_of(machine).await? {
            if node.is("DYNAMIC_NORM") {
                let name = format!("nodename={}", node.name);
                self.run(&["scontrol", "delete", &name]).await?;
            }
        }
        Ok(())
    }
}

impl Slurm {
    async fn run(&self, words: &[&str]) -> Result<Vec<u8>, LookFailure> {
        let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        if let Some(program) = words.first_mut() {
            *program = format!("{}/{program}", self.programs);
        }
        self.runner.run(&words, None).await
    }

    async fn json<T: DeserializeOwned>(&self, words: &[&str]) -> Result<T, LookFailure> {
        let output = self.run(words).await?;
        let program = words.first().copied().unwrap_or_default();
        serde_json::from_slice(&output).map_err(|error| {
            self.failure(program, &format!("printed no JSON that is understood ({error})"))
        })
    }

    /// Programs end well, with an empty list, even if the controller is gone or the token is wrong.
    fn refuse(&self, program: &str, errors: &[Value]) -> Result<(), LookFailure> {
        let Some(error) = errors.first() else { return Ok(()) };
        let problem = format!("says that something is wrong: {error}; is slurmctld running?");
        Err(self.runner.failure(Refusal::Other, program, &problem))
    }

    fn failure(&self, program: &str, problem: &str) -> LookFailure {
        self.runner.failure(Refusal::Config, program, problem)
    }

    /// Up to 22.05 `sinfo` lists nodes; later it lists groups of them, and `scontrol` the nodes.
    async fn nodes(&self) -> Result<Vec<Node>, LookFailure> {
        let nodes: Nodes = self.json(&["sinfo", "--json"]).await?;
        self.refuse("sinfo", &nodes.errors)?;
        if let Some(nodes) = nodes.nodes {
            return Ok(nodes);
        }
        let nodes: Nodes = self.json(&["scontrol", "show", "nodes", "--json"]).await?;
        self.refuse("scontrol", &nodes.errors)?;
        nodes.nodes.ok_or_else(|| self.failure("scontrol", "printed no list of nodes"))
    }

    /// Nodes are called like their machines, by name or by instance id.
    async fn nodes_of(&self, machine: &MachineRef) -> Result<Vec<Node>, LookFailure> {
        let name = machine.name.text();
        let is_its = |node: &Node| {
            let names = [&name].into_iter().chain(&machine.instance);
            names.chain(&machine.workers).any(|name| **name == *node.name)
        };
        Ok(self.nodes().await?.into_iter().filter(is_its).collect())
    }

    async fn update(
        &self,
        machine: &MachineRef,
        words: &[&str],
        wanted: impl Fn(&Node) -> bool,
    ) -> Result<(), LookFailure> {
        for node in self.nodes_of(machine).await?.iter().filter(|node| wanted(node)) {
            let name = format!("nodename={}", node.name);
            self.run(&[&["scontrol", "update", &name], words].concat()).await?;
        }
        Ok(())
    }

    fn reading(&self, jobs: &[Job], nodes: &[Node], asked_at: Time) -> QueueReading {
        let ours: Vec<&Job> = jobs
            .iter()
            .filter(|job| {
                job.partition.split(',').any(|one| self.partitions.iter().any(|p| p == one))
            })
            .collect();
        let running = running_of_arrays(&ours);
        let mut tally = Tally::default();
        for job in &ours {
            tally.take(job, &running);
        }
        let mut reading = tally.reading(asked_at);
        let busy: BTreeSet<&str> =
            jobs.iter().filter(|job| job.is_running()).map(|job| job.nodes.as_str()).collect();
        let mine = |node: &&Node| node.partitions.iter().any(|one| self.partitions.contains(one));
        let workers = nodes.iter().filter(mine).filter_map(|node| worker(node, &busy));
        reading.workers = Some(workers.collect());
        reading
    }
}

/// Running tasks of each array, for arrays that may run only so many at once.
fn running_of_arrays(jobs: &[&Job]) -> BTreeMap<u64, u32> {
    let mut running = BTreeMap::new();
    for job in jobs.iter().filter(|job| job.is_running()) {
        *running.entry(job.array()).or_insert(0) += 1;
    }
    running
}

/// What waits, runs and is held, of all jobs.
#[derive(Default)]
struct Tally {
    work: BTreeMap<Option<Shape>, (u32, u32)>,
    held: BTreeMap<String, u32>,
    jobs: BTreeMap<u64, JobSeen>,
    oldest: Option<Time>,
}

impl Tally {
    fn take(&mut self, job: &Job, running: &BTreeMap<u64, u32>) {
        let shape = job.shape();
        let (mut queued, mut runs, mut held) = (0, 0, 0);
        if job.is_running() {
            runs = job.nodes_wanted();
        } else if job.is("PENDING") {
            let all = job.tasks();
            let room = match job.array_max_tasks {
                0 => all,
                most => most.saturating_sub(running.get(&job.array()).copied().unwrap_or(0)),
            };
            let all = all.saturating_mul(job.nodes_wanted());
            let room = room.saturating_mul(job.nodes_wanted());
            let waits = job.dependency.is_empty()
                && WAITS_FOR_NODES.iter().any(|one| job.state_reason.starts_with(one));
            queued = if waits { all.min(room) } else { 0 };
            held = all - queued;
        } else {
            return;
        }
        if queued != 0 || runs != 0 {
            let work = self.work.entry(shape).or_default();
            work.0 = work.0.saturating_add(queued);
            work.1 = work.1.saturating_add(runs);
        }
        if queued != 0 {
            self.oldest = job.eligible_at().into_iter().chain(self.oldest).min();
        }
        if held != 0 {
            let why = match (queued, job.dependency.as_str()) {
                (0, "") => job.state_reason.as_str(),
                (0, _) => "Dependency",
                _ => "JobArrayTaskLimit",
            };
            let known = self.held.entry(why.to_owned()).or_default();
            *known = known.saturating_add(held);
        }
        let seen = self.jobs.entry(job.array()).or_insert_with(|| JobSeen {
            id: number(&job.array()),
            name: job.name.as_str().into(),
            labels: labels(job),
            queued: 0,
            running: Some(0),
            held: None,
        });
        seen.queued = seen.queued.saturating_add(queued);
        seen.running = seen.running.map(|known| known.saturating_add(runs));
        if held != 0 {
            let why = if job.dependency.is_empty() { &*job.state_reason } else { "Dependency" };
            let why = why.into();
            let known = seen.held.get_or_insert(Held { tasks: 0, why });
            known.tasks = known.tasks.saturating_add(held);
        }
    }

    fn reading(self, asked_at: Time) -> QueueReading {
        let work = |(shape, (queued, running))| Work { shape, queued, running: Some(running) };
        let mut work: Vec<Work> = self.work.into_iter().map(work).collect();
        if work.is_empty() {
            // that there is nothing is known
            work.push(Work { shape: None, queued: 0, running: Some(0) });
        }
        let held = self.held.into_iter().map(|(why, tasks)| Held { tasks, why: why.into() });
        QueueReading {
            asked_at,
            work,
            oldest_wait: self
                .oldest
                .map(|at| asked_at.since(at))
                .filter(|wait| Span::ZERO <= *wait),
            jobs: Some(self.jobs.into_values().collect()),
            held: held.collect(),
            ..QueueReading::default()
        }
    }
}

fn labels(job: &Job) -> BTreeMap<Text, Text> {
    let known = [("user", &job.user_name), ("show", &job.account), ("class", &job.partition)];
    let known = known.into_iter().filter(|(_, value)| !value.is_empty());
    known.map(|(name, value)| (name.into(), value.as_str().into())).collect()
}

/// A node as a worker. One that does not answer, is off or has never been there says nothing.
fn worker(node: &Node, busy: &BTreeSet<&str>) -> Option<WorkerSeen> {
    let gone = ["DOWN", "NOT_RESPONDING", "POWERED_DOWN", "POWERING_UP", "FUTURE", "UNKNOWN"];
    if gone.iter().any(|word| node.is(word)) {
        return None;
    }
    let works = ["ALLOCATED", "MIXED", "COMPLETING"].iter().any(|word| node.is(word));
    let state = if works || busy.contains(node.name.as_str()) {
        WorkerState::Busy
    } else if node.is("DRAIN") {
        WorkerState::Drained
    } else if node.is("IDLE") {
        WorkerState::Idle
    } else {
        // words of versions to come
        WorkerState::Busy
    };
    let name = Text::from(node.name.as_str());
    Some(WorkerSeen { worker: Text::clone(&name), instance: name, state })
}
