//! Queue sources against real servers and programs: the contract that all of them keep, and what is
//! particular to each.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use farmscale::config::{self, Settings};
use farmscale::model::{
    LookFailure, MachineName, MachineRef, QueueReading, Refusal, Time, WorkerState,
};
use farmscale::queue::Queue;

use crate::support::cloud::{KEY, SECRET};
use crate::support::daemon;

mod beanstalkd;
mod bullmq;
mod celery;
mod command;
mod contract;
mod flamenco;
mod http;
mod nats;
mod pages;
mod postgres;
mod prometheus;
mod rabbitmq;
mod redis;
mod rq;
mod slurm;
mod studio;

pub(crate) const NOW: Time = Time::from_seconds(1_767_323_045);

/// The queue that a `[queues.NAME]` of this text is: by the way every command goes.
pub(crate) fn queue(section: &str) -> Queue {
    opened(section).unwrap_or_else(|faults| panic!("{faults}\n{section}"))
}

/// The faults of such a section.
pub(crate) fn faults(section: &str) -> String {
    match opened(section) {
        Ok(queue) => panic!("{} can be used: {section}", queue.place()),
        Err(faults) => faults,
    }
}

fn opened(section: &str) -> Result<Queue, String> {
    let mut settings = loaded(section, 0o600)?;
    Ok(settings.queues.remove("render").unwrap())
}

/// What is warned of if the config has these rights.
pub(crate) fn warnings(section: &str, mode: u32) -> Vec<String> {
    loaded(section, mode).unwrap_or_else(|faults| panic!("{faults}\n{section}")).warnings
}

fn loaded(section: &str, mode: u32) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("farm.toml");
    let text = daemon::config(([127, 0, 0, 1], 1).into(), section, 5);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    let key = [("FARMSCALE_ACCESS_KEY_ID", KEY), ("FARMSCALE_ACCESS_KEY_SECRET", SECRET)];
    let environment: BTreeMap<String, String> =
        key.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    config::load(&path, &environment).map_err(|faults| faults.to_string())
}

/// The machine that workers are on.
pub(crate) fn machine() -> MachineRef {
    MachineRef {
        name: MachineName::from_stored("farm-gpu-1"),
        instance: Some("ins-1".into()),
        workers: vec!["w1".into()],
    }
}

/// Workers as (name, machine, state).
pub(crate) fn states(reading: &QueueReading) -> Vec<(&str, &str, WorkerState)> {
    let workers = reading.workers.as_ref().unwrap();
    workers.iter().map(|seen| (&*seen.worker, &*seen.instance, seen.state)).collect()
}

/// The failure's class and words, for a look that must fail.
pub(crate) async fn fault(queue: &Queue) -> (Refusal, String) {
    match queue.read(NOW).await {
        Err(LookFailure { class, detail }) => (class, detail.to_string()),
        Ok(reading) => panic!("{} gives a reading: {reading:?}", queue.place()),
    }
}
