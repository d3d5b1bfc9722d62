//! Rows that are jobs: how many tasks of each wait and run, what they need, and labels.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::model::{Held, JobSeen, QueueReading, SetAside, Shape, Span, Time, Work};
use crate::queue::fault::cut;
use crate::queue::tasks::number;

/// Longest text of a label, in characters.
const LABEL_MAX: usize = 120;
/// The most GPUs, and GiB of each, that a task can need.
const NEED_MAX: u32 = 1024;

/// A row. Columns that are not named here are labels.
#[derive(Deserialize)]
struct Row {
    /// Waiting tasks that a machine would start.
    queued: u32,
    /// Running tasks; null = the database does not know.
    running: Option<u32>,
    /// How long the oldest of them has waited, in seconds.
    oldest_wait_s: Option<f64>,
    /// GPUs of a task, and GiB of memory of each.
    gpus: Option<u32>,
    gpu_memory: Option<u32>,
    /// Tasks that wait for something else than a machine, and for what.
    held: Option<u32>,
    held_why: Option<String>,
    /// What people call the job.
    job: Option<Value>,
    #[serde(flatten)]
    labels: BTreeMap<String, Value>,
}

/// Reads the rows; a row that cannot be is set aside, and if none is understood there is no reading.
pub(super) fn reading(rows: &str, asked_at: Time) -> Result<QueueReading, String> {
    let rows: Vec<Value> = serde_json::from_str(rows).map_err(|error| error.to_string())?;
    let mut reading = QueueReading { asked_at, ..QueueReading::default() };
    let (mut jobs, mut understood) = (Vec::new(), 0_usize);
    for (place, row) in rows.iter().enumerate() {
        let told = Row::deserialize(row).map_err(|error| error.to_string());
        match told.and_then(|row| take(&row, &mut reading, &mut jobs)) {
            Ok(()) => understood += 1,
            Err(why) => {
                let why = format!("row {place} of `jobs`: {why}");
                let name = format!("row {place}").into();
                reading.set_aside.push(SetAside { name, why: why.into(), instance: None });
            }
        }
    }
    match reading.set_aside.first() {
        Some(aside) if understood == 0 => return Err(aside.why.to_string()),
        _ => {}
    }
    reading.jobs = (!jobs.is_empty()).then_some(jobs);
    Ok(reading)
}

fn take(row: &Row, reading: &mut QueueReading, jobs: &mut Vec<JobSeen>) -> Result<(), String> {
    let needs = [row.gpus, row.gpu_memory];
    if needs.iter().flatten().any(|need| NEED_MAX < *need) {
        return Err(format!("needs more than {NEED_MAX} GPUs or GiB, which no machine has"));
    }
    let shape = needs.iter().any(Option::is_some).then(|| Shape {
        gpus: row.gpus.unwrap_or(1),
        gpu_memory_gib: row.gpu_memory.unwrap_or(0),
    });
    let wait = row.oldest_wait_s.filter(|_| row.queued != 0).map(|seconds| {
        let span = std::time::Duration::try_from_secs_f64(seconds.max(0.0)).map(Span::from_std);
        span.map_err(|_outside| format!("`oldest_wait_s` is {seconds}, not seconds"))
    });
    reading.oldest_wait = reading.oldest_wait.max(wait.transpose()?);
    reading.work.push(Work { shape, queued: row.queued, running: row.running });
    let held = row.held.filter(|tasks| *tasks != 0).map(|tasks| {
        let why = row.held_why.as_deref().unwrap_or("is held");
        Held { tasks, why: cut(why, LABEL_MAX).into() }
    });
    let Some(name) = row.job.as_ref().filter(|name| !name.is_null()) else {
        reading.held.extend(held);
        return Ok(());
    };
    let labels = row.labels.iter().filter(|(_, value)| !value.is_null());
    jobs.push(JobSeen {
        id: number(name),
        name: words(name).into(),
        labels: labels.map(|(key, value)| (key.as_str().into(), words(value).into())).collect(),
        queued: row.queued,
        running: row.running,
        held,
    });
    Ok(())
}

fn words(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    cut(&text, LABEL_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(rows: &Value) -> Result<QueueReading, String> {
        reading(&rows.to_string(), Time::from_seconds(1_000))
    }

    #[test]
    fn jobs_are_told_with_their_labels_and_what_holds_them() {
        let reading = read(&json!([
            {"job": "shot7", "queued": 5, "running": 2, "gpus": 2, "show": "moon", "user": null,
             "oldest_wait_s": 12.5, "held": 3, "held_why": "waits for shot6"},
            {"job": 8, "queued": 0, "running": null, "oldest_wait_s": 99},
        ]))
        .unwrap();
        assert_eq!((reading.queued(), reading.oldest_wait), (5, Some(Span::millis(12_500))));
        let jobs = reading.jobs.unwrap();
        assert_eq!((&*jobs[0].name, &*jobs[1].name), ("shot7", "8"));
        assert_eq!((&*jobs[0].labels["show"], jobs[0].labels.len()), ("moon", 1));
        assert_eq!(jobs[0].held.as_ref().map(|held| held.tasks), Some(3));
        assert_eq!(reading.work[0].shape, Some(Shape { gpus: 2, gpu_memory_gib: 0 }));
        assert_eq!(reading.work[1].running, None, "null is unknown, not zero");
    }

    #[test]
    fn no_rows_are_no_jobs_and_a_row_without_its_number_is_no_reading() {
        assert_eq!(read(&json!([])).unwrap().queued(), 0);
        for (row, said) in [
            (json!({"running": 1}), "`queued`"),
            (json!({"queued": null}), "null"),
            (json!({"queued": -1}), "-1"),
            (json!({"queued": 1.5}), "1.5"),
            (json!({"queued": 1, "gpus": 4_000}), "no machine has"),
        ] {
            let told = read(&json!([row])).unwrap_err();
            assert!(told.contains(said) && told.contains("row 0"), "{told}");
            let reading = read(&json!([row, {"queued": 2}])).unwrap();
            assert_eq!((reading.queued(), reading.set_aside.len()), (2, 1));
            assert!(reading.is_doubtful());
        }
    }
}
