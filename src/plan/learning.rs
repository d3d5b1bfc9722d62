//! What refusals and terminations teach of the market: facts for memory, made while settling.

use super::{rank, workers};
use crate::memory::{Life, Machine, Memory};
use crate::model::event::{ChangeEvent, EventKind, MachineEvent, OfferEvent, SeenEvent};
use crate::model::{Change, Refusal, Span, Text, Time, WorkerState};
use crate::policy::Policy;

/// Remembers a refusal; the pause doubles with each in a row. Requests that were on their way together
/// are refused once.
pub(super) fn offer_refused(
    policy: &Policy,
    memory: &Memory,
    machine: &Machine,
    class: Refusal,
    now: Time,
) -> EventKind {
    let fresh = memory.refusals.get(&machine.offer);
    let fresh = fresh.filter(|one| !rank::has_faded(policy, one, now));
    let asked_at = machine.pending.as_ref().map_or(machine.made_at, |pending| pending.sent_at);
    let until = match fresh {
        Some(refusal) if asked_at <= refusal.at => refusal.until,
        _ => {
            let timing = &policy.timing;
            let in_a_row = fresh.map_or(0, |refusal| refusal.count);
            let pause = timing.refusal_first.times(1i64 << in_a_row.min(16));
            // Longer than it takes to find out.
            let found_out = now.since(asked_at).times(2);
            now + Span(pause.min(timing.refusal_max).0.max(found_out.0))
        }
    };
    OfferEvent::OfferRefused { class, until }.to(&machine.offer)
}

/// An offer that was refused, or a quota, is forgiven once a machine of it runs that was asked for
/// later.
pub(super) fn add_served(memory: &Memory, machine: &Machine, events: &mut Vec<EventKind>) {
    let refused_at = memory.refusals.get(&machine.offer).map(|refusal| refusal.at);
    if refused_at.is_none() && !memory.ceilings.contains_key(&machine.offer.zone) {
        return;
    }
    let comes_up = matches!(machine.life, Life::Launching(_) | Life::Booting(_));
    let asked_at = machine.boot_asked_at().filter(|_| comes_up);
    let served = OfferEvent::OfferServed.to(&machine.offer);
    let is_later = asked_at.is_some_and(|at| refused_at.is_none_or(|refused| refused < at));
    if is_later && !events.contains(&served) {
        events.push(served);
    }
}

/// What terminations tell: what is to be booked, and how long spot machines last.
pub fn from_terminations(
    policy: &Policy,
    memory: &Memory,
    settled: &[EventKind],
    now: Time,
) -> Vec<EventKind> {
    let ended = settled.iter().filter_map(|kind| {
        let EventKind::Machine { name, event } = kind else { return None };
        match event {
            MachineEvent::Change { change: Change::Delete, event: ChangeEvent::Done { .. } } => {
                Some((name, false))
            }
            MachineEvent::Seen(SeenEvent::Vanished) => Some((name, true)),
            MachineEvent::Create(_) | MachineEvent::Change { .. } | MachineEvent::Seen(_) => None,
        }
    });
    ended
        .filter_map(|(name, vanished)| {
            let machine = memory.machines.get(name)?;
            let lost = vanished || machine.sighting.reclaimed_at.is_some();
            let (pool, ran) = (Text::clone(&machine.pool), now.since(machine.made_at));
            let queue = Text::clone(workers::queue_of(policy, machine));
            let heard = &machine.heard;
            let at_work =
                heard.state == Some(WorkerState::Busy) || heard.vanished_at_work.is_some();
            Some(OfferEvent::Ended { pool, ran, lost, queue, at_work }.to(&machine.offer))
        })
        .collect()
}
