//! A machine with all that is known of it, computed once a turn.

use crate::memory::{Life, Machine};
use crate::model::snapshot::Phase;
use crate::model::{MachineName, Reason, WorkerState};
use crate::plan::capacity::Capacity;
use crate::plan::machine::{is_counted, may_change, outdated};
use crate::plan::safety::{End, Evidence, Proof, Safety};
use crate::plan::situation::Situation;
use crate::policy::Pool;

/// A machine that may be let go.
#[expect(clippy::struct_excessive_bools, reason = "what rules ask, answered once a turn")]
#[derive(Debug)]
pub struct Candidate<'a> {
    /// Its name.
    pub name: &'a MachineName,
    /// What is remembered of it.
    pub machine: &'a Machine,
    /// Where it is in its life, as people see it.
    pub phase: Phase,
    /// Whether anything may be asked of it now.
    pub may_be_asked: bool,
    /// Whether the work needs it.
    pub is_needed: bool,
    /// Whether it is among those that the pool's `min` counts.
    pub is_counted: bool,
    /// Whether another instance carries its name.
    pub is_named_twice: bool,
    /// Why it is to be replaced, if it is.
    pub outdated: Option<Reason>,
    /// Whether it may be stopped or deleted, and if not, why not.
    pub safety: Safety,
}

impl<'a> Candidate<'a> {
    /// The machines of a pool.
    pub fn of_pool(
        situation: Situation<'a>,
        pool: &'a Pool,
        evidence: &Evidence<'_>,
        capacity: &Capacity,
    ) -> Vec<Self> {
        let Situation { policy, now, .. } = situation;
        let candidates = situation.machines_of(&pool.name).map(|(name, machine)| Self {
            name,
            machine,
            phase: machine.phase(),
            may_be_asked: machine.meter.is_on() && may_change(situation, machine),
            is_needed: capacity.needed.contains(name),
            is_counted: is_counted(policy, pool, machine, now),
            is_named_twice: evidence.is_named_twice(name),
            outdated: outdated(situation, pool, machine),
            safety: evidence.safety_of(name, machine),
        });
        candidates.collect()
    }

    /// Whether it is off.
    pub fn is_off(&self) -> bool {
        self.machine.is_off()
    }

    /// Whether it boots, for the first time or again.
    pub fn boots(&self) -> bool {
        matches!(self.machine.life, Life::Booting(_))
    }

    /// Whether it runs, or is about to, and takes tasks.
    pub fn takes_tasks(&self) -> bool {
        matches!(self.phase, Phase::Ready | Phase::Booting | Phase::Starting)
    }

    /// Whether a worker of it is busy.
    pub fn is_busy(&self) -> bool {
        self.machine.heard.state == Some(WorkerState::Busy)
    }

    /// How a drained machine ends that is worth being kept (`keeps`): only one that is known to boot is
    /// stopped, any other is deleted.
    pub fn end_of_drain(&self, keeps: bool, tells_workers: bool) -> End {
        let proof = self.safety.proof();
        let answered = proof == Ok(Proof::Answered) || proof == Ok(Proof::NeverJoined);
        let has_joined = self.machine.life == Life::Ready && proof != Ok(Proof::Unseen);
        // A worker that has answered shows that the machine boots, whoever started it.
        let by_hand = self.machine.reason == Reason::ByHand && answered;
        if keeps && (has_joined || by_hand || !tells_workers) { End::Stop } else { End::Delete }
    }
}

/// The order in which machines are let go: longest idle first; the order of names breaks ties.
pub fn longest_idle_first<'a, 'b>(candidates: &'b [Candidate<'a>]) -> Vec<&'b Candidate<'a>> {
    let mut sorted: Vec<&Candidate<'a>> = candidates.iter().collect();
    sorted.sort_by_key(|one| (one.machine.heard.since, one.name));
    sorted
}
