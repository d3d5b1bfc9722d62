//! What workers call the machine they run on, over time: since when each name is heard, and which worker
//! names two machines in turns, as those of a cloned image do.

use std::collections::BTreeMap;

use crate::model::name::host_key;
use crate::model::{QueueReading, Span, Text, Time};

/// A worker that changes its machine more often than this is two.
const JUMPS_MAX: u32 = 2;
/// A worker that has kept to one machine for so long is one again.
const CALM: Span = Span::minutes(30);

/// The identities heard in one queue.
#[derive(Debug, Clone, Default)]
pub struct Identities {
    /// Machines by what workers call them, as hosts are compared: since when they are heard.
    since: BTreeMap<String, Time>,
    /// Workers: the machine last named, how often that changed, and when last.
    named: BTreeMap<Text, Named>,
}

#[derive(Debug, Clone)]
struct Named {
    machine: String,
    before: String,
    jumps: u32,
    at: Time,
}

impl Identities {
    /// Takes a queue's word in. Who is heard no more is forgotten.
    pub fn take(&mut self, reading: &QueueReading) {
        let at = reading.asked_at;
        let (mut since, mut named) = (BTreeMap::new(), BTreeMap::new());
        for worker in reading.workers.iter().flatten() {
            let machine = host_key(&worker.instance);
            let first = self.since.get(&machine).copied().unwrap_or(at);
            since.insert(machine.clone(), first);
            let last = self.named.remove(&worker.worker);
            named.insert(Text::clone(&worker.worker), Named::next(last, machine, at));
        }
        (self.since, self.named) = (since, named);
    }

    /// Since when a machine of this name is heard.
    pub fn since(&self, machine: &str) -> Option<Time> {
        self.since.get(&host_key(machine)).copied()
    }

    /// Two machines that use one worker's name, for people.
    pub fn fault(&self) -> Option<Text> {
        let (worker, named) = self.named.iter().find(|(_, one)| JUMPS_MAX < one.jumps)?;
        let Named { machine, before, .. } = named;
        let fault = format!(
            "worker {worker} is heard from {machine} and from {before} in turns: two machines use \
             one worker name; give each its own (docs/workers.md)"
        );
        Some(fault.into())
    }
}

impl Named {
    fn next(last: Option<Self>, machine: String, at: Time) -> Self {
        match last {
            Some(last) if last.machine == machine => {
                let jumps = if last.at + CALM < at { 0 } else { last.jumps };
                Self { jumps, ..last }
            }
            Some(last) => {
                Self { machine, before: last.machine, jumps: last.jumps.saturating_add(1), at }
            }
            None => Self { before: machine.clone(), machine, jumps: 0, at },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{WorkerSeen, WorkerState};

    fn reading(minute: i64, workers: &[(&str, &str)]) -> QueueReading {
        let seen = |(worker, instance): &(&str, &str)| WorkerSeen {
            worker: (*worker).into(),
            instance: (*instance).into(),
            state: WorkerState::Busy,
        };
        QueueReading {
            asked_at: Time::from_seconds(minute * 60),
            workers: Some(workers.iter().map(seen).collect()),
            ..QueueReading::default()
        }
    }

    #[test]
    fn a_worker_name_that_two_machines_use_is_told() {
        let mut heard = Identities::default();
        for minute in 0..4 {
            assert_eq!(heard.fault(), None, "{minute}");
            let machine = if minute % 2 == 0 { "ins-1" } else { "ins-2" };
            heard.take(&reading(minute, &[("node1", machine), ("node7", "INS-7")]));
        }
        let said = heard.fault().unwrap();
        assert!(
            said.contains("node1") && said.contains("ins-1") && said.contains("ins-2"),
            "{said}"
        );
        for minute in 4..40 {
            heard.take(&reading(minute, &[("node1", "ins-2")]));
        }
        assert_eq!(heard.fault(), None, "it has kept to one machine since");
    }

    #[test]
    fn a_machine_is_heard_since_its_first_word_however_it_is_spelt() {
        let mut heard = Identities::default();
        heard.take(&reading(0, &[("w1", "local-7.studio")]));
        heard.take(&reading(5, &[("w1", "LOCAL-7"), ("w2", "node1")]));
        assert_eq!(heard.since("Local-7"), Some(Time::from_seconds(0)));
        assert_eq!(heard.since("node1"), Some(Time::from_seconds(300)));
        assert_eq!(heard.since("node2"), None);
    }
}
