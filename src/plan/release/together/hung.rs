//! Which machines are busy by the queue's word on a GPU that does nothing, for longer than tasks take.
//! Missing monitoring proves nothing, and monitoring that shows no use of any machine is itself at fault.

use std::collections::BTreeMap;

use crate::memory::Machine;
use crate::model::snapshot::{Blocked, Phase};
use crate::model::{MachineName, Span, Text, Time, WorkerState};
use crate::plan::machine::may_change;
use crate::plan::safety::Evidence;
use crate::plan::situation::Situation;
use crate::plan::tasks;
use crate::policy::{OnHung, Pool};

/// GPU use of a machine that may hang is asked for this often.
pub const ASKED_EVERY: Span = Span::minutes(5);
/// A reading this old says nothing of the present.
const RECENT: Span = Span::minutes(12);
/// Fewer busy machines than this do not tell a fault of monitoring from their own: they are told of, and
/// not replaced.
const FAULT_AT: usize = 3;
/// One in so many of a pool's machines may be replaced in an hour, or one.
const SHARE: usize = 10;

/// What is known of a pool's busy machines.
#[derive(Debug, Default)]
pub struct Watch {
    /// Those to be replaced now, and how long they have done nothing.
    pub replaced: BTreeMap<MachineName, Span>,
    /// What people are told.
    pub told: Vec<Blocked>,
    /// Instances whose GPU use is wanted, every `ASKED_EVERY`.
    pub asks: Vec<Text>,
    /// When the next machine has been busy for long.
    pub again_at: Option<Time>,
}

impl Watch {
    /// Looks at the machines of a pool that have been busy for long.
    pub fn of_pool(situation: Situation<'_>, pool: &Pool, evidence: &Evidence<'_>) -> Self {
        let mut watch = Self::default();
        if !evidence.tells_workers() {
            return watch;
        }
        let after = tasks::ended_within(situation, pool);
        let busy: Vec<_> =
            situation.machines_of(&pool.name).filter(|(_, machine)| is_busy(machine)).collect();
        for (_, machine) in &busy {
            let due_at = machine.heard.since + after;
            if situation.now < due_at {
                watch.again_at = Some(watch.again_at.map_or(due_at, |at| at.min(due_at)));
            } else {
                watch.asks.extend(machine.instance.clone());
            }
        }
        let long = |machine: &Machine| unused_for(situation, machine).filter(|span| after <= *span);
        let hung: Vec<_> = busy
            .into_iter()
            .filter_map(|(name, machine)| Some((name, machine, long(machine)?)))
            .collect();
        if !hung.is_empty() {
            watch.judge(situation, pool, &hung);
        }
        watch
    }

    /// Whether monitoring works is told by the other machines at work, of all pools.
    fn judge(
        &mut self,
        situation: Situation<'_>,
        pool: &Pool,
        hung: &[(&MachineName, &Machine, Span)],
    ) {
        let at_work = || situation.memory.machines.values().filter(|machine| is_busy(machine));
        self.asks.extend(at_work().filter_map(|machine| machine.instance.clone()));
        let seen: Vec<u32> = at_work().filter_map(|one| percent(situation, one)).collect();
        let any_use = seen.iter().any(|percent| *percent != 0);
        let count = at_work().count();
        if FAULT_AT <= count && seen.len() == count && !any_use {
            let machines = u32::try_from(count).unwrap_or(u32::MAX);
            self.told.push(Blocked::MonitoringDead { machines });
            return;
        }
        let (limit, mut left) = replaced_an_hour(situation, pool);
        for (name, machine, unused_for) in hung {
            let unused_for = *unused_for;
            self.told.push(Blocked::Hung { machine: (*name).clone(), unused_for });
            let is_free = machine.held.is_none() && may_change(situation, machine);
            if pool.care.on_hung != OnHung::Recycle || !any_use || !is_free {
                continue;
            }
            if left == 0 {
                self.told.push(Blocked::HungEnough { limit });
                continue;
            }
            left -= 1;
            self.replaced.insert((*name).clone(), unused_for);
        }
    }
}

/// How many hung machines of a pool are replaced in an hour at most, and how many more may be now.
fn replaced_an_hour(situation: Situation<'_>, pool: &Pool) -> (u32, u32) {
    let owned = situation.machines_of(&pool.name).count();
    let limit = u32::try_from((owned / SHARE).max(1)).unwrap_or(u32::MAX);
    let within = |at: Time| situation.now < at + Span::hours(1);
    let recycled = &situation.memory.meta.recycled;
    let ours = recycled.iter().filter(|(at, of)| *of == pool.name && within(*at));
    (limit, limit.saturating_sub(u32::try_from(ours.count()).unwrap_or(u32::MAX)))
}

fn is_busy(machine: &Machine) -> bool {
    machine.phase() == Phase::Ready
        && machine.heard.state == Some(WorkerState::Busy)
        && !machine.is_unavailable()
}

/// Since its workers are busy the GPU has shown no use for so long.
fn unused_for(situation: Situation<'_>, machine: &Machine) -> Option<Span> {
    let (first, last) = situation.readings.unused.get(machine.instance.as_ref()?)?;
    let (from, now) = ((*first).max(machine.heard.since), situation.now);
    (now < *last + RECENT).then(|| last.since(from))
}

/// GPU use as of lately.
fn percent(situation: Situation<'_>, machine: &Machine) -> Option<u32> {
    let usage = situation.readings.usage.get(machine.instance.as_ref()?)?;
    usage.gpu_percent.filter(|_| situation.now < usage.asked_at + RECENT)
}
