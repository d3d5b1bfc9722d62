//! Blender Flamenco 3, over its REST API. A drained worker sleeps: its process lives on and asks
//! whether it is wanted again, so that a drain can be taken back.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::source::{Can, Capabilities, Claim, Source};
use super::tasks::number;
use super::web::{self, Web, escaped};
use crate::defaults::queue::FLAMENCO_URL;
use crate::model::{
    Held, JobSeen, LookFailure, MachineRef, QueueReading, Refusal, SetAside, Text, Time, Work,
    WorkerSeen, WorkerState,
};
use crate::reader::Reader;

/// Jobs whose waiting tasks the manager gives out.
const GIVEN_OUT: [&str; 2] = ["active", "queued"];
/// Other jobs of which tasks may still run.
const ENDING: [&str; 4] = ["pause-requested", "cancel-requested", "requeueing", "paused"];

/// The source.
struct Flamenco {
    web: Web,
    /// Types of tasks that need a machine; others (`ffmpeg`, `misc`) wait for them.
    task_types: Vec<String>,
    /// Only jobs with this worker tag; empty = all.
    tag: String,
}

#[derive(Deserialize)]
struct Jobs {
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
struct Job {
    id: String,
    #[serde(default)]
    name: String,
    status: String,
    #[serde(default)]
    priority: i64,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    worker_tag: Option<String>,
    created: Option<String>,
}

#[derive(Deserialize)]
struct Tasks {
    tasks: Vec<Task>,
}

#[expect(clippy::struct_field_names, reason = "the names that Flamenco gives")]
#[derive(Deserialize)]
struct Task {
    status: String,
    task_type: String,
    worker: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct Workers {
    workers: Vec<Worker>,
}

#[derive(Deserialize)]
struct Worker {
    id: String,
    name: String,
    status: String,
    #[serde(default)]
    last_seen: String,
}

pub(super) fn open(_name: &str, settings: &mut Reader<'_>) -> Option<Box<dyn Source>> {
    let web = Web::read(settings, FLAMENCO_URL);
    let mut task_types = settings.texts("task_types");
    if task_types.is_empty() {
        task_types.push("blender".to_owned());
    }
    let tag = settings.text_or_none("tag").unwrap_or_default();
    Some(Box::new(Flamenco { web: web?, task_types, tag }))
}

#[async_trait]
impl Source for Flamenco {
    fn place(&self) -> &str {
        self.web.place()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::of([Can::Jobs, Can::Busy, Can::Drain, Can::Forget])
    }

    fn claims(&self) -> Vec<Claim> {
        let name = format!("jobs {}", self.tag);
        let claim = if self.tag.is_empty() { Claim::prefix } else { Claim::one };
        vec![claim(&self.web.server(), name.trim_end(), "tag")]
    }

    async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        let jobs = self.jobs().await?;
        let mut of_jobs = Vec::new();
        for job in jobs {
            let tasks: Tasks = self.get(&["jobs", &job.id, "tasks"]).await?;
            of_jobs.push((job, tasks.tasks));
        }
        let workers: Workers = self.get(&["worker-mgt", "workers"]).await?;
        Ok(self.reading(&of_jobs, &workers.workers, asked_at))
    }

    async fn drain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.set_status(machine, &json!({ "status": "asleep", "is_lazy": true })).await
    }

    async fn undrain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.set_status(machine, &json!({ "status": "awake", "is_lazy": false })).await
    }

    /// Workers of machines that are gone stay in the list for good.
    async fn forget(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        for worker in self.workers_of(machine).await? {
            self.web.delete(self.at(&["worker-mgt", "workers", &worker.id])).await?;
        }
        Ok(())
    }
}

impl Flamenco {
    fn at(&self, path: &[&str]) -> reqwest::Url {
        let path: Vec<String> = path.iter().map(|part| escaped(part)).collect();
        self.web.at(&format!("api/v3/{}", path.join("/")))
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, LookFailure> {
        let body = self.web.get(self.at(path)).await?;
        serde_json::from_slice(&body).map_err(|error| {
            let problem = format!("{}: {}", path.join("/"), web::no_json(&body, &error));
            self.web.failure(Refusal::Config, &problem)
        })
    }

    /// Jobs of which tasks may wait or run. The manager tells of all it has ever had.
    async fn jobs(&self) -> Result<Vec<Job>, LookFailure> {
        let Jobs { jobs } = self.get(&["jobs"]).await?;
        let is_ours = |job: &Job| {
            let status = job.status.as_str();
            let is_live = GIVEN_OUT.contains(&status) || ENDING.contains(&status);
            is_live && (self.tag.is_empty() || job.worker_tag.as_ref() == Some(&self.tag))
        };
        Ok(jobs.into_iter().filter(is_ours).collect())
    }

    fn reading(
        &self,
        jobs: &[(Job, Vec<Task>)],
        workers: &[Worker],
        asked_at: Time,
    ) -> QueueReading {
        let mut work = Work { shape: None, queued: 0, running: Some(0) };
        let (mut seen, mut held, mut busy) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        let mut oldest: Option<Time> = None;
        for (job, tasks) in jobs {
            let is_given_out = GIVEN_OUT.contains(&job.status.as_str());
            let mut counted = counted(job, tasks, &self.task_types, is_given_out);
            for task in tasks.iter().filter(|task| task.status == "active") {
                busy.extend(task.worker.as_ref().map(|worker| worker.id.as_str()));
            }
            work.queued = work.queued.saturating_add(counted.queued);
            work.running = work.running.zip(counted.running).map(|(one, two)| one + two);
            if let Some(held_here) = &counted.held {
                *held.entry(Text::clone(&held_here.why)).or_insert(0) += held_here.tasks;
            }
            if counted.queued != 0 {
                let created = job.created.as_deref().and_then(time);
                oldest = created.into_iter().chain(oldest).min();
            }
            counted.labels = labels(job);
            seen.push(counted);
        }
        let (workers, set_aside) = states(workers, &busy);
        let held = held.into_iter().map(|(why, tasks)| Held { tasks, why });
        QueueReading {
            asked_at,
            work: vec![work],
            oldest_wait: oldest.map(|at| asked_at.since(at)).filter(|wait| 0 <= wait.0),
            workers: Some(workers),
            tasks: None,
            jobs: Some(seen),
            held: held.collect(),
            set_aside,
        }
    }

    /// The machine's workers: named like it, or as it was seen to be called.
    async fn workers_of(&self, machine: &MachineRef) -> Result<Vec<Worker>, LookFailure> {
        let Workers { workers } = self.get(&["worker-mgt", "workers"]).await?;
        let known = machine.instance.iter().chain(&machine.workers).cloned();
        let names: Vec<Text> = [machine.name.text()].into_iter().chain(known).collect();
        let is_its = |worker: &Worker| {
            names.iter().any(|name| name.eq_ignore_ascii_case(worker.name.as_str()))
        };
        Ok(workers.into_iter().filter(is_its).collect())
    }

    async fn set_status(
        &self,
        machine: &MachineRef,
        change: &serde_json::Value,
    ) -> Result<(), LookFailure> {
        for worker in newest(self.workers_of(machine).await?) {
            let path = ["worker-mgt", "workers", &worker.id, "setstatus"];
            self.web.post(self.at(&path), change).await?;
        }
        Ok(())
    }
}

/// Of several records under one name the one last seen: a new machine registers anew.
fn newest(workers: Vec<Worker>) -> Vec<Worker> {
    let mut by_name: BTreeMap<String, Worker> = BTreeMap::new();
    for worker in workers {
        let known = by_name.get(&worker.name);
        if known.is_none_or(|known| known.last_seen < worker.last_seen) {
            by_name.insert(worker.name.clone(), worker);
        }
    }
    by_name.into_values().collect()
}

/// A job's tasks that need a machine. Tasks of other types wait until those are done.
fn counted(job: &Job, tasks: &[Task], types: &[String], is_given_out: bool) -> JobSeen {
    let of_type = tasks.iter().filter(|task| types.contains(&task.task_type));
    let count = |words: &[&str]| {
        let count = of_type.clone().filter(|task| words.contains(&task.status.as_str())).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let waiting = count(&["queued", "soft-failed"]);
    let held = (!is_given_out && waiting != 0)
        .then(|| Held { tasks: waiting, why: format!("the job is {}", job.status).into() });
    JobSeen {
        id: number(&job.id),
        name: job.name.as_str().into(),
        labels: BTreeMap::new(),
        queued: if is_given_out { waiting } else { 0 },
        running: Some(count(&["active"])),
        held,
    }
}

/// What the manager and the Blender add-on note about a job.
fn labels(job: &Job) -> BTreeMap<Text, Text> {
    let known = [("project", "show"), ("user.name", "user")];
    let noted = known.into_iter().filter_map(|(theirs, ours)| {
        Some((Text::from(ours), Text::from(job.metadata.get(theirs)?.as_str())))
    });
    let tag = job.worker_tag.as_deref().map(|tag| ("class".into(), tag.into()));
    let priority = ("priority".into(), job.priority.to_string().into());
    noted.chain(tag).chain([priority]).collect()
}

/// Who is there. A worker that was not heard of for a minute (`error`) or is shut down (`offline`)
/// says nothing; one that sleeps takes no task.
fn states(workers: &[Worker], busy: &BTreeSet<&str>) -> (Vec<WorkerSeen>, Vec<SetAside>) {
    let mut seen = Vec::new();
    for worker in workers {
        let state = match worker.status.as_str() {
            _ if busy.contains(worker.id.as_str()) => WorkerState::Busy,
            "awake" => WorkerState::Idle,
            "asleep" => WorkerState::Drained,
            "offline" | "error" | "starting" => continue,
            // `testing`, `restart`, and words of versions to come
            _ => WorkerState::Busy,
        };
        let name = Text::from(worker.name.as_str());
        seen.push(WorkerSeen { worker: Text::clone(&name), instance: name, state });
    }
    let known = |id: &&&str| !workers.iter().any(|worker| worker.id == **id);
    let lost = busy.iter().filter(known).map(|id| SetAside {
        name: (*id).into(),
        why: "has a task, but the manager does not list this worker".into(),
        instance: None,
    });
    (seen, lost.collect())
}

/// RFC 3339.
fn time(text: &str) -> Option<Time> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Time(at.as_millisecond()))
}
