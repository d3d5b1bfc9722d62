//! What was found out once for a whole pool, before its machines are judged one by one.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{MachineName, Reason};
use crate::plan::boots::Deadlines;
use crate::plan::capacity::Capacity;
use crate::plan::caps::Caps;
use crate::plan::draft::Draft;
use crate::plan::safety::Evidence;
use crate::plan::situation::Situation;
use crate::policy::Pool;

use super::candidate::Candidate;
use super::together::{hung, levels, replacing, silence};

/// What growing wants of machines that are on their way out.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Machines being drained that the work wants back, and why.
    pub back: BTreeMap<MachineName, Reason>,
    /// Whether a place under `max` was wanted and there was none.
    pub place: bool,
}

/// What rules are told besides the machine.
#[derive(Debug)]
pub struct Context<'a> {
    /// What the plan is made from.
    pub situation: Situation<'a>,
    /// The pool.
    pub pool: &'a Pool,
    /// What its queue and the fleet's listing tell.
    pub evidence: Evidence<'a>,
    /// Machines the pool keeps: its `min`, or none where the farm is decommissioned or a cap is passed.
    pub min: u32,
    /// Machines that are counted against `min`.
    pub counted: u32,
    /// Those a cap on money wants drained now.
    pub over_cap: BTreeSet<MachineName>,
    /// Those that are off, and no cap leaves the money to run again.
    pub never_again: BTreeSet<MachineName>,
    /// Those above what may be owned, and how many that is.
    pub above_max: BTreeMap<MachineName, u32>,
    /// Those on their way that the promise does without.
    pub unneeded_boots: BTreeSet<MachineName>,
    /// When a boot is given up.
    pub deadlines: Deadlines<'a>,
    /// Busy machines whose GPU does nothing.
    pub hung: hung::Watch,
    /// Outdated machines whose turn it is.
    pub replacing: replacing::Turn,
    /// How long silence lasts before it is believed.
    pub silence: silence::Silence,
    /// Which unit of the load each idle or stopped machine would serve.
    pub levels: BTreeMap<MachineName, u32>,
    /// Those being drained that the work wants back, and why; from growing.
    pub wanted_back: BTreeMap<MachineName, Reason>,
    /// One that is off, cannot serve, and holds a place that is wanted; from growing.
    pub in_the_way: Option<MachineName>,
}

impl<'a> Context<'a> {
    /// What holds for all machines of a pool.
    pub fn of_pool(
        situation: Situation<'a>,
        pool: &'a Pool,
        evidence: Evidence<'a>,
        capacity: &Capacity,
        candidates: &[Candidate<'_>],
        draft: &Draft,
    ) -> Self {
        let named = |chosen: &dyn Fn(&Candidate<'_>) -> bool| -> BTreeSet<MachineName> {
            let chosen = candidates.iter().filter(|one| chosen(one));
            chosen.map(|one| one.name.clone()).collect()
        };
        let over_cap = named(&|one| draft.caps.drains(one.name));
        let above =
            |one: &Candidate<'_>| Some((one.name.clone(), draft.above_max.max_of(one.name)?));
        let min = pool.size_at(situation.now).0;
        let none_is_kept = situation.is_retiring() || !over_cap.is_empty();
        Self {
            situation,
            pool,
            min: if none_is_kept { 0 } else { min },
            counted: capacity.machines,
            over_cap,
            never_again: BTreeSet::new(),
            above_max: candidates.iter().filter_map(above).collect(),
            unneeded_boots: BTreeSet::new(),
            deadlines: Deadlines::new(situation.policy, situation.memory, situation.now),
            hung: hung::Watch::of_pool(situation, pool, &evidence),
            replacing: replacing::Turn::of_pool(situation, pool, capacity, candidates),
            silence: silence::Silence::of_pool(situation, pool, &evidence, candidates),
            levels: levels::served(situation, pool, candidates),
            wanted_back: BTreeMap::new(),
            in_the_way: None,
            evidence,
        }
    }

    /// Takes in what growing has found: the drains to be taken back, and whether a place is wanted.
    pub fn after_growing(&mut self, candidates: &[Candidate<'_>], wanted: &Wanted, caps: &Caps) {
        self.wanted_back.clone_from(&wanted.back);
        let off = || candidates.iter().filter(|one| one.is_off());
        let in_the_way = |one: &&Candidate<'_>| one.may_be_asked && one.safety.proof().is_ok();
        self.in_the_way =
            off().find(in_the_way).filter(|_| wanted.place).map(|one| one.name.clone());
        let no_money = |one: &&Candidate<'_>| {
            let quote = one.machine.quote;
            quote.is_some_and(|quote| caps.spent_out(&self.pool.name, &quote))
        };
        self.never_again = off().filter(no_money).map(|one| one.name.clone()).collect();
    }
}
