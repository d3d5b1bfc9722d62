//! Turns verdicts into steps: flags and drains as far as `min` allows, ends as far as safety and the budget
//! of stops and deletes allow.

use super::candidate::Candidate;
use super::context::Context;
use super::together::hung;
use super::verdict::{Fate, Verdict};
use crate::model::snapshot::Blocked;
use crate::model::{Reason, Time};
use crate::plan::draft::{Draft, Request};
use crate::plan::machine::stops_charged_since;
use crate::plan::polling;
use crate::plan::safety::{End, Licence};

/// What letting go has to say of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// There are more machines than may be owned.
    pub above_max: Vec<Blocked>,
    /// Busy machines whose GPU does nothing.
    pub hung: Vec<Blocked>,
    /// Stops are charged, where they should be free.
    pub stops_charged: Option<Blocked>,
    /// Why nothing may be let go at all.
    pub doubt: Option<Blocked>,
    /// Machines that are replaced a few at a time.
    pub replacing: Option<Blocked>,
    /// All machines fell silent together.
    pub all_silent: Option<Blocked>,
    /// What keeps single machines.
    pub machines: Vec<Blocked>,
}

struct Writer<'a, 'b> {
    context: &'a Context<'a>,
    draft: &'b mut Draft,
    /// Machines above the pool's `min`.
    to_spare: u32,
    told: Vec<Blocked>,
}

/// Lets go what the rules say.
pub(super) fn write(
    decided: &[(&Candidate<'_>, Verdict)],
    candidates: &[Candidate<'_>],
    context: &Context<'_>,
    draft: &mut Draft,
) -> Report {
    let Context { situation, pool, evidence, .. } = context;
    for instance in &context.hung.asks {
        polling::usage(*situation, instance, hung::ASKED_EVERY, draft);
    }
    draft.wake_by(context.hung.again_at.unwrap_or(Time::MAX));
    let charged_since = stops_charged_since(*situation).filter(|_| pool.tier.keep_stopped);
    let is_sure = evidence.doubt.is_none();
    if is_sure {
        draft.wake_by(context.replacing.again_at);
    }
    let to_spare = context.counted.saturating_sub(context.min);
    let mut writer = Writer { context, draft, to_spare, told: Vec::new() };
    for (candidate, verdict) in decided {
        writer.carry_out(candidate, verdict);
    }
    let machines = writer.told;
    let above_max = draft.above_max.told(&pool.name);
    let needed = candidates.iter().filter(|one| one.is_needed).count();
    let told_of_doubt = evidence.queue().is_some() && needed < candidates.len();
    Report {
        above_max,
        hung: context.hung.told.clone(),
        stops_charged: charged_since.map(|since| Blocked::StopsCharged { since }),
        doubt: evidence.doubt.clone().filter(|_| told_of_doubt),
        replacing: context.replacing.told.clone().filter(|_| is_sure),
        all_silent: context.silence.told.clone().filter(|_| is_sure),
        machines,
    }
}

impl Writer<'_, '_> {
    fn carry_out(&mut self, candidate: &Candidate<'_>, verdict: &Verdict) {
        if self.draft.is_touched(candidate.name) {
            return; // it was started in this turn
        }
        let Verdict { fate, told, again_at } = verdict;
        let situation = self.context.situation;
        match fate {
            Fate::Flag(reason) => {
                self.draft.ask(situation, candidate.name, Request::Drain, *reason);
            }
            Fate::TakeBack(reason) => {
                self.draft.ask(situation, candidate.name, Request::Undrain, *reason);
            }
            // Nothing is let go on what is not believed, and nobody is told what it would come to.
            Fate::Keep | Fate::Drain { .. } | Fate::End { .. } if self.is_in_doubt() => return,
            Fate::Keep => {}
            Fate::Drain { reason, below_min } => self.drain(candidate, *reason, *below_min),
            Fate::End { end, reason, licence } => self.end(candidate, *end, *reason, *licence),
        }
        self.draft.wake_by(*again_at);
        self.tell(told.clone());
    }

    fn is_in_doubt(&self) -> bool {
        self.context.evidence.doubt.is_some()
    }

    fn drain(&mut self, candidate: &Candidate<'_>, reason: Reason, below_min: bool) {
        if candidate.is_counted && !below_min {
            if self.to_spare == 0 {
                self.tell(Some(Blocked::PoolMin { min: self.context.min }));
                return;
            }
            self.to_spare -= 1;
        }
        self.draft.ask(self.context.situation, candidate.name, Request::Drain, reason);
    }

    fn end(
        &mut self,
        candidate: &Candidate<'_>,
        end: End,
        reason: Reason,
        licence: Option<Licence>,
    ) {
        let situation = self.context.situation;
        let safety = &candidate.safety;
        if let (Some(every), Some(instance)) = (safety.ask_gpu, &candidate.machine.instance) {
            polling::usage(situation, instance, every, self.draft);
        }
        self.draft.wake_by(safety.again_at);
        let cleared = match safety.clear(end, licence) {
            Ok(cleared) => cleared,
            Err(obstacle) => return self.tell(obstacle.told(candidate.name)),
        };
        let budget = &mut self.draft.budget;
        let allowed = if candidate.machine.is_workless() {
            budget.delete_workless()
        } else if candidate.machine.reason == Reason::OverCap {
            Ok(()) // money does not wait for the window to move
        } else {
            budget.stop()
        };
        match allowed {
            Ok(()) => self.draft.end(situation, cleared, reason),
            Err(reason) => self.tell(Some(reason)),
        }
    }

    fn tell(&mut self, told: Option<Blocked>) {
        self.told.extend(told);
    }
}
