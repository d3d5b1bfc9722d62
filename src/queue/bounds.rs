//! Bounds on what a source says, whichever it is: numbers, names, sets.

use std::collections::BTreeMap;

use super::fault::cut;
use crate::model::{
    LookFailure, QueueReading, Refusal, SetAside, Span, Text, WorkerSeen, WorkerState,
};

/// Running tasks and a job's tasks at most: ten times what the largest farm can run.
const COUNT_MAX: u32 = 1_000_000;
/// The longest wait and the longest task, over a year: more is not a time but an error.
const SPAN_MAX: Span = Span::days(400);
/// Longest name of a worker or machine that is used as it is, in bytes.
const NAME_MAX: usize = 256;
/// Longest name and text that is shown, in characters.
const SHOWN_MAX: usize = 120;
/// Workers of one machine that are followed one by one.
const WORKERS_MAX: usize = 64;
/// Parts set aside that are told one by one.
const SET_ASIDE_MAX: usize = 16;

/// The reading within bounds, or why it cannot be believed.
pub(super) fn keep(mut reading: QueueReading, place: &str) -> Result<QueueReading, LookFailure> {
    numbers(&reading).map_err(|problem| LookFailure {
        class: Refusal::Config,
        detail: format!("{place}: {problem}").into(),
    })?;
    for job in reading.jobs.iter_mut().flatten() {
        job.name = cut(&job.name, SHOWN_MAX).into();
        for label in job.labels.values_mut() {
            *label = cut(label, SHOWN_MAX).into();
        }
    }
    if let Some(workers) = reading.workers.take() {
        let (workers, aside) = long_names(workers);
        reading.set_aside.extend(aside);
        let (workers, aside) = crowds(workers);
        reading.set_aside.extend(aside);
        reading.workers = Some(workers);
    }
    reading.set_aside = told(reading.set_aside);
    Ok(reading)
}

/// A number that cannot be is no reading: it is how programs spell an error.
fn numbers(reading: &QueueReading) -> Result<(), String> {
    let too_many = |what: &str, count: u32| {
        let problem = format!("says that {count} tasks {what}; more than {COUNT_MAX} cannot be");
        if count <= COUNT_MAX { Ok(()) } else { Err(problem) }
    };
    too_many("wait", reading.queued())?;
    too_many("run", reading.running())?;
    for job in reading.jobs.iter().flatten() {
        let held = job.held.as_ref().map_or(0, |held| held.tasks);
        too_many("of one job wait", job.queued)?;
        too_many("of one job run", job.running.unwrap_or(0))?;
        too_many("of one job are held", held)?;
    }
    for held in &reading.held {
        too_many("are held", held.tasks)?;
    }
    if let Some(wait) = reading.oldest_wait.filter(|wait| SPAN_MAX < *wait) {
        let days = wait.as_seconds() / 86_400;
        return Err(format!("says that a task has waited {days} days; is it in seconds?"));
    }
    Ok(())
}

/// A worker whose name is absurd cannot be asked by it: its machine is kept.
fn long_names(workers: Vec<WorkerSeen>) -> (Vec<WorkerSeen>, Vec<SetAside>) {
    let mut aside = Vec::new();
    let keep = |mut seen: WorkerSeen| {
        let long = [&seen.worker, &seen.instance].map(|name| NAME_MAX < name.len());
        if let [false, false] = long {
            return seen;
        }
        let [_, machine_is_long] = long;
        let name: Text = cut(&seen.worker, SHOWN_MAX).into();
        aside.push(SetAside {
            name: Text::clone(&name),
            why: format!(
                "its name or its machine's is longer than {NAME_MAX} bytes; give it a short one"
            )
            .into(),
            instance: (!machine_is_long).then(|| Text::clone(&seen.instance)),
        });
        seen.worker = name;
        seen.instance = cut(&seen.instance, SHOWN_MAX).into();
        seen.state = WorkerState::Busy;
        seen
    };
    let workers = workers.into_iter().map(keep).collect();
    (workers, aside)
}

/// Of a machine with very many workers the rest is taken together as one, which is busy if any of
/// them is.
fn crowds(workers: Vec<WorkerSeen>) -> (Vec<WorkerSeen>, Vec<SetAside>) {
    let mut counts: BTreeMap<Text, usize> = BTreeMap::new();
    for worker in &workers {
        *counts.entry(Text::clone(&worker.instance)).or_default() += 1;
    }
    counts.retain(|_, count| WORKERS_MAX < *count);
    if counts.is_empty() {
        return (workers, Vec::new());
    }
    let (mut kept, mut seen) = (Vec::new(), BTreeMap::<Text, usize>::new());
    let mut rest: BTreeMap<Text, WorkerState> = BTreeMap::new();
    for worker in workers {
        let number = seen.entry(Text::clone(&worker.instance)).or_default();
        *number += 1;
        if WORKERS_MAX < *number {
            let state = rest.entry(Text::clone(&worker.instance)).or_insert(worker.state);
            *state = together(*state, worker.state);
        } else {
            kept.push(worker);
        }
    }
    let mut aside = Vec::new();
    for (instance, count) in counts {
        let more = count - WORKERS_MAX;
        let name: Text = format!("{more} more workers").into();
        aside.push(SetAside {
            name: Text::clone(&name),
            why: format!("{instance} has {count} workers; {more} are taken together as one").into(),
            instance: Some(Text::clone(&instance)),
        });
        let state = rest.get(&instance).copied().unwrap_or(WorkerState::Busy);
        kept.push(WorkerSeen { worker: name, instance, state });
    }
    (kept, aside)
}

fn together(one: WorkerState, other: WorkerState) -> WorkerState {
    use WorkerState::{Busy, Drained, Idle};
    match (one, other) {
        (Busy, _) | (_, Busy) => Busy,
        (Idle, _) | (_, Idle) => Idle,
        (Drained, Drained) => Drained,
    }
}

/// The first are told; the rest is counted, and stays a doubt about the same machines.
fn told(mut aside: Vec<SetAside>) -> Vec<SetAside> {
    if aside.len() <= SET_ASIDE_MAX {
        return aside;
    }
    // what may be about any machine first: it must not be lost
    aside.sort_by_key(|part| part.instance.is_some());
    let rest = aside.split_off(SET_ASIDE_MAX);
    aside.push(SetAside {
        name: format!("{} more", rest.len()).into(),
        why: "could not be understood either".into(),
        instance: rest.first().and_then(|part| part.instance.clone()),
    });
    aside
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{JobSeen, Time, Work};

    fn reading(queued: u32, running: u32) -> QueueReading {
        let work = vec![Work { shape: None, queued, running: Some(running) }];
        QueueReading { asked_at: Time::from_seconds(1), work, ..QueueReading::default() }
    }

    fn worker(name: &str, instance: &str, state: WorkerState) -> WorkerSeen {
        WorkerSeen { worker: name.into(), instance: instance.into(), state }
    }

    fn refused(reading: QueueReading) -> String {
        keep(reading, "here").unwrap_err().detail.to_string()
    }

    #[test]
    fn a_number_that_cannot_be_is_no_reading_and_is_named() {
        assert!(keep(reading(1_000_000, 1_000_000), "here").is_ok());
        assert!(refused(reading(1, u32::MAX)).contains("4294967295 tasks run"));
        assert!(refused(reading(40_000_000, 1)).contains("40000000 tasks wait"));
        let ages = QueueReading { oldest_wait: Some(Span(i64::MAX)), ..reading(1, 1) };
        assert!(refused(ages).contains("is it in seconds?"));
        let job = JobSeen {
            id: 1,
            name: "a".into(),
            labels: BTreeMap::new(),
            queued: 2_000_000,
            running: None,
            held: None,
        };
        let jobs = QueueReading { jobs: Some(vec![job]), ..reading(1, 1) };
        assert!(refused(jobs).contains("of one job wait"));
    }

    #[test]
    fn a_worker_with_an_absurd_name_keeps_its_machine() {
        let long = "w".repeat(9_000);
        let workers = vec![worker(&long, "ins-1", WorkerState::Idle)];
        let kept = keep(QueueReading { workers: Some(workers), ..reading(0, 0) }, "here").unwrap();
        let seen = &kept.workers.as_ref().unwrap()[0];
        assert_eq!((seen.worker.chars().count(), seen.state), (SHOWN_MAX, WorkerState::Busy));
        assert!(!kept.is_doubtful(), "its machine is known");
        let workers = vec![worker("w", &long, WorkerState::Idle)];
        let kept = keep(QueueReading { workers: Some(workers), ..reading(0, 0) }, "here").unwrap();
        assert!(kept.is_doubtful(), "it may be on any machine");
    }

    #[test]
    fn four_hundred_workers_on_one_machine_are_as_busy_as_the_busiest() {
        let mut workers: Vec<_> = (0..400)
            .map(|number| worker(&format!("w{number}"), "ins-1", WorkerState::Drained))
            .collect();
        workers.push(worker("b", "ins-2", WorkerState::Idle));
        let kept = |workers| {
            let reading = QueueReading { workers: Some(workers), ..reading(0, 0) };
            keep(reading, "here").unwrap()
        };
        let calm = kept(workers.clone()).workers.unwrap();
        assert_eq!(calm.len(), WORKERS_MAX + 2);
        assert!(calm.iter().all(|seen| seen.state != WorkerState::Busy));
        workers[399].state = WorkerState::Busy;
        let busy = kept(workers);
        assert_eq!(busy.workers.unwrap().last().unwrap().state, WorkerState::Busy);
        assert!(busy.set_aside[0].why.contains("400 workers"));
    }

    #[test]
    fn what_may_be_about_any_machine_is_never_dropped() {
        let part = |instance: Option<&str>| SetAside {
            name: "w".into(),
            why: "odd".into(),
            instance: instance.map(Into::into),
        };
        let mut aside = vec![part(Some("ins-1")); 40];
        aside.push(part(None));
        let kept = keep(QueueReading { set_aside: aside, ..reading(0, 0) }, "here").unwrap();
        assert_eq!(kept.set_aside.len(), SET_ASIDE_MAX + 1);
        assert!(kept.is_doubtful());
    }
}
