//! Which machines are above what their pool, or the farm, may own: `max` was lowered, or a window has ended.

use std::collections::BTreeMap;

use super::situation::Situation;
use crate::memory::Machine;
use crate::model::snapshot::{Blocked, Phase};
use crate::model::{MachineName, Money, Reason, Text, Time, WorkerState};
use crate::policy::OnMax;

/// Machines above a `max`, and what people are told of them.
#[derive(Debug, Clone, Default)]
pub struct AboveMax {
    /// Which, and the `max` they are above of.
    machines: BTreeMap<MachineName, u32>,
    /// By pool.
    told: BTreeMap<Text, Vec<Blocked>>,
}

/// How much is lost with a machine: what goes first comes first.
type Loss = (Kind, std::cmp::Reverse<Money>, Time);

/// **The order of the variants is the order in which machines go.**
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// On its way out already, or chosen before.
    Goes,
    Off,
    Drained,
    /// It has not worked yet.
    Boots,
    Idle,
    Busy,
    Held,
}

impl AboveMax {
    /// As of now.
    pub fn new(situation: Situation<'_>) -> Self {
        let Situation { policy, memory, now, .. } = situation;
        let mut above = Self::default();
        for pool in &policy.pools {
            let (_, max) = pool.size_at(now);
            let ours = situation.machines_of(&pool.name).collect();
            above.choose(situation, ours, max, Some(&pool.name));
        }
        let all = memory.machines.iter().collect();
        above.choose(situation, all, policy.limits.max, None);
        above
    }

    /// Chooses from some machines those above `max`, least loss first.
    fn choose(
        &mut self,
        situation: Situation<'_>,
        mut ours: Vec<(&MachineName, &Machine)>,
        max: u32,
        of: Option<&Text>,
    ) {
        let above = ours.len().saturating_sub(usize::try_from(max).unwrap_or(usize::MAX));
        if above == 0 {
            return;
        }
        ours.sort_by_key(|(name, machine)| (self.loss(name, machine), *name));
        let mut left: BTreeMap<(&Text, bool), u32> = BTreeMap::new();
        for (name, machine) in ours.into_iter().take(above) {
            let kind = self.loss(name, machine).0;
            let pool = situation.policy.pool(&machine.pool);
            let finishes =
                pool.is_some_and(|pool| pool.on_max == OnMax::FinishQueue) && Kind::Off < kind;
            if !finishes && kind != Kind::Held {
                self.machines.entry(name.clone()).or_insert(max);
            }
            *left.entry((&machine.pool, finishes)).or_default() += 1;
        }
        for ((pool, finish_queue), machines) in left {
            let of = of.cloned();
            let told = Blocked::AboveMax { pool: of, max, machines, finish_queue };
            self.told.entry(Text::clone(pool)).or_default().push(told);
        }
    }

    fn loss(&self, name: &MachineName, machine: &Machine) -> Loss {
        let is_chosen =
            self.machines.contains_key(name) || matches!(machine.reason, Reason::AboveMax { .. });
        let phase = machine.phase();
        let kind = match phase {
            Phase::Leaving => Kind::Goes,
            Phase::Draining if is_chosen => Kind::Goes,
            Phase::Stopping | Phase::Stopped => Kind::Off,
            Phase::Draining => Kind::Drained,
            Phase::Launching | Phase::Booting | Phase::Starting => Kind::Boots,
            Phase::Ready if machine.heard.state == Some(WorkerState::Busy) => Kind::Busy,
            Phase::Ready => Kind::Idle,
        };
        let is_held = machine.held.is_some() && phase != Phase::Leaving;
        let kind = if is_held { Kind::Held } else { kind };
        let hourly = machine.quote.map_or(Money::ZERO, |quote| quote.running.per_hour());
        (kind, std::cmp::Reverse(hourly), machine.since)
    }

    /// The `max` that a machine is above of, if it is to go for that.
    pub fn max_of(&self, name: &MachineName) -> Option<u32> {
        self.machines.get(name).copied()
    }

    /// For people.
    pub fn told(&self, pool: &Text) -> Vec<Blocked> {
        self.told.get(pool).cloned().unwrap_or_default()
    }
}
