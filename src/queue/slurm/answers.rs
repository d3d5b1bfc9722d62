//! What Slurm prints as JSON, from 22.05 on. Numbers were plain, and are `{"set", "infinite", "number"}`
//! since 23.02; states were a word with flags beside it, and are a list since then.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::{Shape, Time};

/// Array tasks of one record at most: Slurm's own `MaxArraySize` is 4,000,001.
const TASKS_MAX: u32 = 4_000_001;

#[derive(Deserialize)]
pub(super) struct Jobs {
    pub(super) jobs: Vec<Job>,
    #[serde(default)]
    pub(super) errors: Vec<Value>,
}

#[expect(clippy::struct_field_names, reason = "the names that Slurm gives")]
#[derive(Deserialize)]
pub(super) struct Job {
    #[serde(deserialize_with = "whole")]
    job_id: u64,
    #[serde(default, deserialize_with = "whole")]
    array_job_id: u64,
    #[serde(default, deserialize_with = "text")]
    array_task_string: String,
    #[serde(default, deserialize_with = "small")]
    pub(super) array_max_tasks: u32,
    #[serde(deserialize_with = "words")]
    job_state: Vec<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) state_reason: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) partition: String,
    /// What it waits for, of other jobs.
    #[serde(default, deserialize_with = "text")]
    pub(super) dependency: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) name: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) user_name: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) account: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) nodes: String,
    #[serde(default, deserialize_with = "whole")]
    submit_time: u64,
    #[serde(default, deserialize_with = "whole")]
    eligible_time: u64,
    #[serde(default, deserialize_with = "small")]
    node_count: u32,
    #[serde(default, deserialize_with = "small")]
    tasks: u32,
    #[serde(default, deserialize_with = "text")]
    tres_per_job: String,
    #[serde(default, deserialize_with = "text")]
    tres_per_node: String,
    #[serde(default, deserialize_with = "text")]
    tres_per_task: String,
}

#[derive(Deserialize)]
pub(super) struct Nodes {
    pub(super) nodes: Option<Vec<Node>>,
    #[serde(default)]
    pub(super) errors: Vec<Value>,
}

#[derive(Deserialize)]
pub(super) struct Node {
    pub(super) name: String,
    #[serde(deserialize_with = "words")]
    state: Vec<String>,
    #[serde(default, deserialize_with = "words")]
    state_flags: Vec<String>,
    #[serde(default)]
    pub(super) partitions: Vec<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) reason: String,
}

impl Job {
    /// The array it belongs to, or itself.
    pub(super) fn array(&self) -> u64 {
        if self.array_job_id == 0 { self.job_id } else { self.array_job_id }
    }

    pub(super) fn is(&self, state: &str) -> bool {
        self.job_state.iter().any(|word| word == state)
    }

    pub(super) fn is_running(&self) -> bool {
        ["RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED"].iter().any(|state| self.is(state))
    }

    /// How many tasks this record stands for: `7-20`, `1,3-5`, `1-9:2`, `1-8%2`.
    pub(super) fn tasks(&self) -> u32 {
        let list = self.array_task_string.split('%').next().unwrap_or_default();
        let list = list.trim_end_matches(',').trim_end_matches("...").trim_end_matches(',');
        if list.is_empty() {
            return 1;
        }
        let tasks = list.split(',').map(range).fold(0_u32, u32::saturating_add);
        tasks.clamp(1, TASKS_MAX)
    }

    /// Nodes that each of its tasks takes.
    pub(super) fn nodes_wanted(&self) -> u32 {
        self.node_count.clamp(1, TASKS_MAX)
    }

    /// What it needs of each node, where it says so.
    pub(super) fn shape(&self) -> Option<Shape> {
        let nodes = self.nodes_wanted();
        let tasks_there = self.tasks.max(1).div_ceil(nodes);
        let gpus = gpus(&self.tres_per_node)
            .or_else(|| gpus(&self.tres_per_job).map(|all| all.div_ceil(nodes)))
            .or_else(|| gpus(&self.tres_per_task).map(|one| one.saturating_mul(tasks_there)))?;
        Some(Shape { gpus, gpu_memory_gib: 0 })
    }

    /// Since when it could have run.
    pub(super) fn eligible_at(&self) -> Option<Time> {
        let seconds = if self.eligible_time == 0 { self.submit_time } else { self.eligible_time };
        i64::try_from(seconds).ok().filter(|seconds| *seconds != 0).map(Time::from_seconds)
    }
}

impl Node {
    /// Whether its state or a flag is this word, in capitals. Some versions end words with a mark.
    pub(super) fn is(&self, word: &str) -> bool {
        let all = self.state.iter().chain(&self.state_flags);
        all.map(|one| one.trim_end_matches(['*', '~', '#', '!', '%', '$', '@', '^', '-', '+']))
            .any(|one| one.eq_ignore_ascii_case(word))
    }
}

/// Tasks of `7-20`, `1-9:2` or `3`.
fn range(part: &str) -> u32 {
    let (ends, step) = part.split_once(':').unwrap_or((part, "1"));
    let step = step.parse().unwrap_or(1_u32).max(1);
    let Some((first, last)) = ends.split_once('-') else { return 1 };
    match (first.trim().parse::<u32>(), last.trim().parse::<u32>()) {
        (Ok(first), Ok(last)) if first <= last => ((last - first) / step).saturating_add(1),
        _ => 1,
    }
}

/// GPUs of `gres:gpu:1`, `gres/gpu:l40s:2`, `gres/gpu=4`, several of them together.
fn gpus(tres: &str) -> Option<u32> {
    let one = |part: &str| -> Option<u32> {
        let part = part.trim();
        let part = part.strip_prefix("gres:").or(part.strip_prefix("gres/")).unwrap_or(part);
        let rest = part.strip_prefix("gpu")?;
        if rest.is_empty() {
            return Some(1);
        }
        let number = rest.rsplit([':', '=']).next()?;
        rest.starts_with([':', '=']).then(|| number.parse().unwrap_or(1))
    };
    tres.split(',').filter_map(one).reduce(u32::saturating_add)
}

/// `5`, `{"set": true, "infinite": false, "number": 5}`, or nothing.
fn whole<'de, D: Deserializer<'de>>(parser: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(parser)?;
    let number = value.as_u64().or_else(|| value.get("number").and_then(Value::as_u64));
    Ok(number.unwrap_or(0))
}

fn small<'de, D: Deserializer<'de>>(parser: D) -> Result<u32, D::Error> {
    whole(parser).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}

/// A text, or nothing.
fn text<'de, D: Deserializer<'de>>(parser: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(parser)?.unwrap_or_default())
}

/// A word, or a list of them.
fn words<'de, D: Deserializer<'de>>(parser: D) -> Result<Vec<String>, D::Error> {
    Ok(match Value::deserialize(parser)? {
        Value::String(word) => vec![word],
        Value::Array(words) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn job(fields: &Value) -> Job {
        let mut job = json!({ "job_id": 7, "job_state": "PENDING" });
        job.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(job).unwrap()
    }

    #[test]
    fn arrays_stand_for_many_tasks() {
        for (list, tasks) in
            [("", 1), ("7-20", 14), ("1-8%2", 8), ("1,3-5", 4), ("1-9:2", 5), ("5", 1)]
        {
            assert_eq!(job(&json!({ "array_task_string": list })).tasks(), tasks, "{list}");
        }
        let absurd = job(&json!({ "array_task_string": "0-4294967295,0-4294967294" }));
        assert_eq!(absurd.tasks(), TASKS_MAX);
    }

    #[test]
    fn gpus_are_read_from_every_spelling() {
        for (field, tres, gpus) in [
            ("tres_per_node", "gres:gpu:1", Some(1)),
            ("tres_per_node", "gres/gpu:l40s:2", Some(2)),
            ("tres_per_job", "gres/gpu=4", Some(4)),
            ("tres_per_node", "gres:gpu", Some(1)),
            ("tres_per_node", "gres:gpu:a:1,gres:gpu:b:2", Some(3)),
            ("tres_per_node", "gres:licence:2", None),
            ("tres_per_node", "", None),
        ] {
            let shape = job(&json!({ field: tres })).shape();
            assert_eq!(shape.map(|shape| shape.gpus), gpus, "{tres}");
        }
        let many = job(&json!({ "tres_per_task": "gres:gpu:2", "tasks": 3 }));
        assert_eq!(many.shape().unwrap().gpus, 6);
        let spread = job(&json!({ "tres_per_job": "gres:gpu:8", "node_count": 4 }));
        assert_eq!((spread.shape().unwrap().gpus, spread.nodes_wanted()), (2, 4));
    }

    #[test]
    fn newer_shapes_are_the_same_job() {
        let newer = job(&json!({
            "job_id": { "set": true, "infinite": false, "number": 9 }, "job_state": ["PENDING"],
            "array_max_tasks": { "set": false, "infinite": false, "number": 0 },
            "eligible_time": { "set": true, "infinite": false, "number": 5 },
        }));
        assert!(newer.is("PENDING") && newer.array() == 9 && newer.array_max_tasks == 0);
        assert_eq!(newer.eligible_at(), Some(Time::from_seconds(5)));
    }
}
