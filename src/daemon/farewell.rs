//! The last words: what goes on costing money while no daemon runs, as far as that is known.

use std::collections::BTreeMap;

use crate::memory::Memory;
use crate::model::snapshot::Blocked;
use crate::model::{Money, Price, Snapshot, SourceId};

/// How well the farm at the provider was known at the end.
#[derive(Debug, PartialEq, Eq)]
enum Sight {
    /// By a listing of the last minutes.
    Fresh,
    /// Once, but not lately: why not.
    Old(String),
    /// Never: why not.
    Never(String),
}

impl Sight {
    fn last(last: Option<&Snapshot>, memory: &Memory) -> Self {
        let Some(farm) = last else {
            return Self::Never("there was no time to look".to_owned());
        };
        let failing = farm.faults.get(&SourceId::Fleet).map(ToString::to_string);
        let why = failing.clone().unwrap_or_else(|| "the cloud has not answered yet".to_owned());
        if memory.meta.adopted_at.is_none() {
            return Self::Never(why);
        }
        let is_blind =
            |one: &Blocked| matches!(one, Blocked::NotAdopted | Blocked::FleetStale { .. });
        let blind = farm.pools.iter().flat_map(|pool| &pool.report.constraints).any(is_blind);
        // A pause is the only reason then, and hides the one that is looked for.
        if blind || (farm.paused.is_some() && failing.is_some()) {
            return Self::Old(why);
        }
        Self::Fresh
    }
}

/// What the daemon leaves behind.
pub fn left_billing(last: Option<&Snapshot>, memory: &Memory) -> Vec<String> {
    let unknown = match Sight::last(last, memory) {
        Sight::Fresh => None,
        Sight::Old(why) => Some(format!("the farm was not seen lately ({why})")),
        Sight::Never(why) => Some(format!("the farm was never seen ({why})")),
    };
    let unknown = unknown.map(|what| {
        format!("{what}: what is charged now is not known; look in the provider's console")
    });
    let mut by_state: BTreeMap<&str, (u32, Money)> = BTreeMap::new();
    for machine in memory.machines.values().filter(|machine| machine.meter.is_on()) {
        let state = if machine.is_off() { "stopped" } else { "running" };
        let (count, hourly) = by_state.entry(state).or_default();
        *count += 1;
        *hourly += machine.price().map_or(Money::ZERO, Price::per_hour);
    }
    let total: Money = by_state.values().map(|(_, hourly)| *hourly).sum();
    let mut lines: Vec<String> = by_state
        .iter()
        .map(|(state, (count, hourly))| format!("left {state}: {count} machines, {hourly} an hour"))
        .collect();
    if !by_state.is_empty() {
        lines.push(match unknown {
            Some(_) => format!("that is {total} an hour, by what was last known"),
            None => format!("the farm goes on costing {total} an hour until farmscale runs again"),
        });
    } else if unknown.is_none() {
        lines.push("no machine is left billing".to_owned());
    }
    unknown.into_iter().chain(lines).collect()
}
