//! Whether anything comes of what is spent: machines that are lost at work while no task ends. A pool that
//! spends without progress changes its offer, then stops growing, and says so first.

use std::collections::BTreeMap;

use super::situation::Situation;
use super::workers;
use crate::memory::Progress;
use crate::model::event::{EventKind, FarmEvent};
use crate::model::snapshot::Blocked;
use crate::model::{Billing, OfferKey, QueueReading, Span, Text, Time, WorkerState};
use crate::policy::Pool;

/// So many machines lost at work since a task last ended are no chance.
const FRUITLESS_AT: u32 = 3;
/// After so many the pool has tried what there is, and stops growing.
const STOPS_AT: u32 = 6;
/// A spot machine that has been silent for so long is most likely being taken back.
const SILENT: Span = Span::minutes(1);
/// A loss longer ago than this says nothing of now.
const FADES: Span = Span::hours(6);
/// While nothing is lost the end of a task is written down no more often than this.
const WRITTEN_EVERY: Span = Span::hours(1);
/// A task that has lost its worker so often is told of.
const RESTARTED_AT: u32 = 3;

/// The end of a task, where that is worth writing down.
pub(super) fn ended(progress: Option<&Progress>, queue: &Text, at: Time) -> Option<EventKind> {
    let written_at = progress.and_then(|progress| progress.ended_at);
    let is_new = written_at.is_none_or(|before| before < at);
    let lost = progress.map_or(0, |progress| progress.lost);
    let is_due = written_at.is_none_or(|before| before + WRITTEN_EVERY <= at);
    let event = FarmEvent::TaskEnded { queue: Text::clone(queue), ended_at: at };
    (is_new && (is_due || lost != 0)).then(|| event.into())
}

/// Machines that were lost at work for a pool's queue since a task of it last ended.
#[derive(Debug, Default)]
pub struct Losses {
    /// How many; 0 where so few are chance, or all of them long ago.
    lost: u32,
    /// The spot machines among them…
    spot: u32,
    /// …and the others, by zone.
    on_demand: BTreeMap<Text, u32>,
}

impl Losses {
    /// As of now.
    pub fn of_pool(situation: Situation<'_>, pool: &Pool) -> Self {
        let mut losses = Self::default();
        let progress = situation.memory.progress.get(&pool.queue);
        let recent = |progress: &&Progress| {
            progress.lately.last().is_some_and(|last| situation.now < last.at + FADES)
        };
        let known = progress.filter(recent);
        losses.lost = known.map_or(0, |progress| progress.lost);
        for lost in known.iter().flat_map(|progress| &progress.lately) {
            losses.add(lost.spot, &lost.zone);
        }
        for offer in going(situation, pool) {
            losses.lost = losses.lost.saturating_add(1);
            losses.add(offer.billing == Billing::Spot, &offer.zone);
        }
        if losses.lost < FRUITLESS_AT { Self::default() } else { losses }
    }

    fn add(&mut self, is_spot: bool, zone: &Text) {
        if is_spot {
            self.spot += 1;
        } else {
            *self.on_demand.entry(Text::clone(zone)).or_default() += 1;
        }
    }

    /// How often an offer has come to nothing, counted in threes: all spot machines are one market; on
    /// demand it is the zone that has lost them.
    pub fn fruitless(&self, offer: &OfferKey) -> u32 {
        let of_zone = || self.on_demand.get(&offer.zone).copied().unwrap_or(0);
        let alike = if offer.billing == Billing::Spot { self.spot } else { of_zone() };
        alike / FRUITLESS_AT
    }
}

/// What machines that were lost at work, and are not known to be gone yet, were bought as: those being
/// taken back, and spot machines that are silent, for most likely they are.
fn going<'a>(situation: Situation<'a>, pool: &'a Pool) -> impl Iterator<Item = &'a OfferKey> {
    let Situation { policy, memory, now, .. } = situation;
    let ended_at = memory.progress.get(&pool.queue).and_then(|progress| progress.ended_at);
    let ours = memory.machines.values().filter(move |machine| {
        let heard = &machine.heard;
        let is_spot = machine.offer.billing == Billing::Spot;
        let silent_at = heard.vanished_at_work.filter(|at| is_spot && *at + SILENT <= now);
        let at_work = heard.state == Some(WorkerState::Busy) || heard.vanished_at_work.is_some();
        let lost_at = machine.sighting.reclaimed_at.filter(|_| at_work).or(silent_at);
        lost_at.is_some_and(|at| ended_at.is_none_or(|ended| ended < at))
            && *workers::queue_of(policy, machine) == pool.queue
    });
    ours.map(|machine| &machine.offer)
}

/// What people are told while there is work: nothing comes of what is spent.
pub fn told(situation: Situation<'_>, pool: &Pool) -> Option<Blocked> {
    let has_work = |queue: &QueueReading| 0 < queue.queued().saturating_add(queue.running());
    situation.fresh_queue(pool).filter(|queue| has_work(queue))?;
    let lost = Losses::of_pool(situation, pool).lost;
    let ended_at = situation.memory.progress.get(&pool.queue).and_then(|one| one.ended_at);
    (lost != 0).then_some(Blocked::NoProgress { lost, ended_at })
}

/// Why a pool that has lost so many machines, also of the offer that is best now (`fruitless`), has one at
/// a time.
pub fn stops(situation: Situation<'_>, pool: &Pool, fruitless: u32) -> Option<Blocked> {
    let many = fruitless != 0 && STOPS_AT <= Losses::of_pool(situation, pool).lost;
    told(situation, pool).filter(|_| many)
}

/// A task that has lost its worker again and again: it may be what kills them.
pub fn restarted(situation: Situation<'_>, pool: &Pool) -> Option<Blocked> {
    let ends = situation.readings.ends.get(&pool.queue)?;
    let worst = ends.most_restarted().filter(|one| RESTARTED_AT <= one.times)?;
    let jobs = situation.fresh_queue(pool)?.jobs.iter().flatten();
    let job = jobs.into_iter().find(|job| Some(job.id) == worst.job);
    let task = match job {
        Some(job) => format!("{} of {}", worst.task, job.name),
        None => worst.task.to_string(),
    };
    Some(Blocked::TaskRestarts { task: task.into(), times: worst.times })
}
