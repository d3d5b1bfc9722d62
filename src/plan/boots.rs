//! What boots have taught: how long they take, when to give one up, when to stop trying.

use std::collections::{BTreeMap, BTreeSet};

use crate::memory::{Boots, Life, Machine, Memory};
use crate::model::snapshot::Blocked;
use crate::model::{BootLine, OfferKey, Span, Text, Time};
use crate::policy::{Policy, Pool};

/// A boot is given so many times as long as the longest seen.
const PATIENCE: i64 = 2;
/// No boot is given up sooner than this.
const DEADLINE_MIN: Span = Span::minutes(3);
/// Boots given up in a row that open the breaker.
const OPENS_AT: u32 = 3;
/// The breaker's first pause; doubles with every canary that fails, up to the longest.
const PAUSE: Span = Span::minutes(5);
const PAUSE_MAX: Span = Span::hours(1);
/// If more than one in this many boots of a zone is overdue, the zone is slow, not the machines.
const BLAME_ZONE_AT: usize = 3;

/// Boots of a pool's offer.
pub fn line(pool: &Pool, offer: &OfferKey, again: bool) -> BootLine {
    let (zone, family) = (Text::clone(&offer.zone), Text::clone(&offer.family));
    BootLine { pool: Text::clone(&pool.name), zone, family, again }
}

/// From a create, or from a start, to the worker.
pub fn mean(policy: &Policy, memory: &Memory, line: &BootLine) -> Span {
    let timing = &policy.timing;
    let otherwise = if line.again { timing.restart_mean } else { timing.boot_mean };
    memory.boots.get(line).map_or(otherwise, |boots| boots.mean(otherwise))
}

/// How long boots are given, with what holds for all of a zone counted once.
#[derive(Debug)]
pub struct Deadlines<'a> {
    policy: &'a Policy,
    memory: &'a Memory,
    slow_zones: BTreeSet<&'a Text>,
}

impl<'a> Deadlines<'a> {
    /// As of now.
    pub fn new(policy: &'a Policy, memory: &'a Memory, now: Time) -> Self {
        let mut zones: BTreeMap<&Text, (usize, usize)> = BTreeMap::new();
        for machine in memory.machines.values() {
            if matches!(machine.life, Life::Booting(_)) {
                let since = machine.boot_asked_at().unwrap_or(machine.since);
                let is_overdue = learned_deadline(policy, memory, machine) <= now.since(since);
                let (all, overdue) = zones.entry(&machine.offer.zone).or_default();
                (*all, *overdue) = (*all + 1, *overdue + usize::from(is_overdue));
            }
        }
        let is_slow =
            |(all, overdue): (usize, usize)| BLAME_ZONE_AT <= all && all < overdue * BLAME_ZONE_AT;
        let slow = zones.into_iter().filter(|(_, boots)| is_slow(*boots));
        Self { policy, memory, slow_zones: slow.map(|(zone, _)| zone).collect() }
    }

    /// How long a machine's boot is given, from its request.
    pub fn for_boot(&self, machine: &Machine) -> Span {
        let learned = learned_deadline(self.policy, self.memory, machine);
        let zone_is_slow = self.slow_zones.contains(&machine.offer.zone);
        if zone_is_slow { self.policy.timing.boot_max.max(learned) } else { learned }
    }
}

fn learned_deadline(policy: &Policy, memory: &Memory, machine: &Machine) -> Span {
    let max = policy.timing.boot_max;
    let again = machine.boots_again() == Some(true);
    let longest = memory.boots.get(&machine.boot_line(again)).and_then(Boots::longest);
    longest.map_or(max, |longest| longest.times(PATIENCE).clamp(DEADLINE_MIN.min(max), max))
}

/// Why no machine of this offer should be made now: its boots bring no workers, and the one that
/// tries again is on its way, planned or not yet due.
pub fn breaker(
    pool: &Pool,
    memory: &Memory,
    offer: &OfferKey,
    planned: &[OfferKey],
    now: Time,
) -> Option<Blocked> {
    let line = line(pool, offer, false);
    let boots = memory.boots.get(&line).filter(|boots| OPENS_AT <= boots.failed)?;
    let doubled = boots.failed.saturating_sub(OPENS_AT).min(8);
    let pause = Span(PAUSE.times(1 << doubled).0.min(PAUSE_MAX.0));
    let next_try = boots.failed_at? + pause;
    let canary = memory.machines.values().any(|machine| {
        let coming = matches!(machine.life, Life::Launching(_)) || machine.is_new_boot();
        coming && !machine.boot_given_up() && machine.boot_line(false) == line
    });
    let canary = canary || planned.iter().any(|one| self::line(pool, one, false) == line);
    let waits = now < next_try;
    let next_try = (!canary).then_some(next_try);
    (waits || canary).then_some(Blocked::BootsFail { line, failed: boots.failed, next_try })
}
