//! A plan in the making, and the only hands that write into it.

use std::collections::{BTreeMap, BTreeSet};

use crate::memory::Machine;
use crate::model::event::{ChangeEvent, CreateEvent, EventKind};
use crate::model::snapshot::Report;
use crate::model::{Act, Change, Look, MachineName, MachineRef, OfferKey, Reason, Text, Time};
use crate::policy::{Policy, Pool};

use super::above_max::AboveMax;
use super::budget::Budget;
use super::caps::Caps;
use super::machine::in_arrears;
use super::rank::Buyable;
use super::safety::{Cleared, End};
use super::situation::Situation;
use super::workers;

/// What is to be done now, why the farm is as large as it is, and when to think again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "a plan does nothing by itself"]
pub struct Plan {
    /// Questions to ask.
    pub looks: Vec<Look>,
    /// Changes to make, each with the intent that must be durable first.
    pub steps: Vec<Step>,
    /// Why each pool is as large as it is.
    pub reports: BTreeMap<Text, Report>,
    /// Think again then, if nothing happens before.
    pub wake_at: Time,
}

/// One change and its intent. Only this file can make one: what stops or deletes a machine is made
/// from a [`Cleared`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Made durable before the act starts.
    pub intent: EventKind,
    /// What is started.
    pub act: Act,
    made_here: MadeHere,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MadeHere;

/// What may be asked of a machine without taking its work away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Ask its workers to take no more.
    Drain,
    /// Let its workers take tasks again.
    Undrain,
    /// Start it.
    Start,
}

/// A plan in the making.
#[derive(Debug)]
pub struct Draft {
    plan: Plan,
    /// What may still be started and ended this turn.
    pub(super) budget: Budget,
    /// What is left of the caps on money.
    pub(super) caps: Caps,
    /// What is above the number of machines that may be owned.
    pub(super) above_max: AboveMax,
    serial: u64,
    /// The account is in arrears: nothing is bought or started.
    frozen: bool,
    touched: BTreeSet<MachineName>,
}

impl Draft {
    /// Nothing is planned yet.
    pub fn new(situation: Situation<'_>) -> Self {
        let Situation { policy, memory, now, .. } = situation;
        Self {
            plan: Plan { wake_at: now + policy.timing.turn_ceiling, ..Plan::default() },
            budget: Budget::new(policy, memory, now),
            caps: Caps::new(situation),
            above_max: AboveMax::new(situation),
            serial: memory.meta.serial,
            frozen: in_arrears(memory).is_some(),
            touched: BTreeSet::new(),
        }
    }

    /// Thinks again no later than `at`.
    pub fn wake_by(&mut self, at: Time) {
        self.plan.wake_at = self.plan.wake_at.min(at);
    }

    /// Asks a question, once.
    pub fn look(&mut self, look: Look) {
        if !self.plan.looks.contains(&look) {
            self.plan.looks.push(look);
        }
    }

    /// Why a pool is as large as it is.
    pub fn report(&mut self, pool: &Text, report: Report) {
        self.plan.reports.insert(Text::clone(pool), report);
    }

    /// Buys a machine.
    pub fn create(
        &mut self,
        situation: Situation<'_>,
        pool: &Pool,
        best: &Buyable<'_>,
        reason: Reason,
    ) {
        if self.frozen {
            return;
        }
        let (offer, quote, bid) = (&best.offer.key, best.quote, best.bid);
        self.serial += 1;
        let name = situation.memory.meta.name(&situation.policy.namer, &pool.tag, self.serial);
        let intent = CreateEvent::Intended {
            serial: self.serial,
            pool: Text::clone(&pool.name),
            offer: offer.clone(),
            quote,
            reason,
            queue: Text::clone(&pool.queue),
            build: pool.offer(offer).map(|offer| offer.build),
        };
        let intent = intent.to(&name);
        let act = Act::Create { name, pool: Text::clone(&pool.name), offer: offer.clone(), bid };
        self.plan.steps.push(Step { intent, act, made_here: MadeHere });
    }

    /// Asks something of a machine; a machine is changed once a turn at most.
    pub fn ask(
        &mut self,
        situation: Situation<'_>,
        name: &MachineName,
        request: Request,
        reason: Reason,
    ) {
        let Some(machine) = situation.memory.machines.get(name) else { return };
        let queue = || Text::clone(workers::queue_of(situation.policy, machine));
        let (change, act) = match request {
            Request::Drain => {
                (Change::Drain, Act::Drain { queue: queue(), machine: reference(name, machine) })
            }
            Request::Undrain => (
                Change::Undrain,
                Act::Undrain { queue: queue(), machine: reference(name, machine) },
            ),
            Request::Start => {
                let Some(instance) = machine.instance.clone().filter(|_| !self.frozen) else {
                    return;
                };
                (Change::Start, Act::Start { instance })
            }
        };
        self.write_change(name, change, reason, act);
    }

    /// Ends a machine that is cleared for it.
    pub fn end(&mut self, situation: Situation<'_>, cleared: Cleared, reason: Reason) {
        let (name, end) = cleared.into_parts();
        let machine = situation.memory.machines.get(&name);
        let Some(instance) = machine.and_then(|machine| machine.instance.clone()) else { return };
        let (change, act) = match end {
            End::Stop => (Change::Stop, Act::Stop { instance }),
            End::Delete => (Change::Delete, Act::Delete { instance }),
        };
        self.write_change(&name, change, reason, act);
    }

    fn write_change(&mut self, name: &MachineName, change: Change, reason: Reason, act: Act) {
        if self.touched.insert(name.clone()) {
            let intent = ChangeEvent::Intended { reason }.to(name, change);
            self.plan.steps.push(Step { intent, act, made_here: MadeHere });
        }
    }

    /// What this turn buys already.
    pub fn planned_offers(&self) -> Vec<OfferKey> {
        self.creates().map(|(_, offer)| offer.clone()).collect()
    }

    /// How many machines this turn buys already for a pool.
    pub fn planned_creates(&self, pool: &Text) -> u32 {
        let ours = self.creates().filter(|(of, _)| *of == pool);
        u32::try_from(ours.count()).unwrap_or(u32::MAX)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only creates buy")]
    fn creates(&self) -> impl Iterator<Item = (&Text, &OfferKey)> {
        self.plan.steps.iter().filter_map(|step| match &step.act {
            Act::Create { pool, offer, .. } => Some((pool, offer)),
            _ => None,
        })
    }

    /// Whether a machine is changed in this turn already.
    pub fn is_touched(&self, name: &MachineName) -> bool {
        self.touched.contains(name)
    }

    /// The plan, to be made anew no sooner than turns may follow each other.
    pub fn finish(mut self, policy: &Policy, now: Time) -> Plan {
        self.plan.wake_at = self.plan.wake_at.max(now + policy.timing.turn_floor);
        self.plan
    }
}

fn reference(name: &MachineName, machine: &Machine) -> MachineRef {
    MachineRef {
        name: name.clone(),
        instance: machine.instance.clone(),
        workers: machine.heard.names.clone(),
    }
}
