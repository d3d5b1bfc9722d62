//! Which questions are worth asking now. Constant work: the same looks whether all is quiet or not,
//! fewer only where a source fails.

use super::draft::Draft;
use super::machine::is_being_made;
use super::rank::Buyable;
use super::situation::Situation;
use crate::memory::{Create, Life, Machine, PendingState};
use crate::model::{Look, MachineName, Span, Text, Time, WorkerState};
use crate::policy::{Pool, SharedCount};

/// Stock nobody wants is asked for this much more rarely.
const QUIET_FACTOR: i64 = 10;
/// Prices nobody wants, by this.
const PRICE_QUIET_FACTOR: i64 = 6;
/// A worker answers its drain flag within this: the longest wait for a task (docs/workers.md).
const DRAIN_ANSWER: Span = Span::seconds(6);
/// A second look agrees that a worker is idle after this.
const IDLE_AGAIN: Span = Span::seconds(3);
/// A machine that has never joined is known to take no task after this.
const NEVER_JOINED: Span = Span::seconds(2);
/// A price is asked for anew before it is bought at, if it is older than this…
const PRICE_FRESH: Span = Span::minutes(1);
/// …and the answer is waited for no longer than this.
const PRICE_ANSWER: Span = Span::seconds(15);
/// An unknown create is looked up by its exact name this long; then the listings must do.
const NAME_LOOKS: Span = Span::minutes(3);

/// Asks for what is due. `wanting` = pools that are short of something.
pub fn ask_what_is_due(situation: Situation<'_>, wanting: &[&Text], draft: &mut Draft) {
    let Situation { policy, readings, .. } = situation;
    let timing = &policy.timing;
    ask(situation, Look::Fleet, readings.fleet.due_at(timing.fleet_poll), draft);
    for pool in &policy.pools {
        let due_at = readings.queues.get(&pool.queue).map_or(Time::default(), |queue| {
            let in_turn = queue.due_at(timing.queue_poll);
            match queue.asked_at.filter(|_| queue.failures == 0) {
                Some(asked_at) => in_turn.min(answer_at(situation, pool, asked_at)),
                None => in_turn,
            }
        });
        ask(situation, Look::Queue(Text::clone(&pool.queue)), due_at, draft);
        let factor = if wanting.contains(&&pool.name) { 1 } else { QUIET_FACTOR };
        market(situation, pool, factor, draft);
    }
    for shared in &policy.shared {
        if let SharedCount::From(queue) = &shared.count {
            let source = readings.queues.get(queue);
            let due_at = source.map_or(Time::default(), |one| one.due_at(timing.queue_poll));
            ask(situation, Look::Queue(Text::clone(queue)), due_at, draft);
        }
    }
    for (name, machine) in &situation.memory.machines {
        follow(situation, name, machine, draft);
    }
}

/// When the queue's word is worth having before its turn: an idle machine is due once a second look
/// agrees, and a drained one once its workers have answered.
fn answer_at(situation: Situation<'_>, pool: &Pool, asked_at: Time) -> Time {
    let ours = situation.memory.machines.values().filter(|machine| machine.pool == pool.name);
    let awaited = ours.filter_map(|machine| {
        if machine.pending.is_some() {
            return None;
        }
        let heard_by = match (&machine.life, machine.drain.asked_at) {
            (Life::Stopped(_) | Life::Launching(_), _) => None,
            (Life::Booting(_), flagged) => flagged.map(|at| at + NEVER_JOINED),
            (Life::Ready, Some(flagged)) => Some(flagged + DRAIN_ANSWER),
            (Life::Ready, None) => (machine.heard.state == Some(WorkerState::Idle))
                .then(|| machine.heard.since + IDLE_AGAIN),
        };
        heard_by.filter(|at| asked_at < *at)
    });
    awaited.min().unwrap_or(Time::MAX)
}

/// Stock and prices of a pool's offers.
fn market(situation: Situation<'_>, pool: &Pool, factor: i64, draft: &mut Draft) {
    let Situation { policy, readings, .. } = situation;
    let timing = &policy.timing;
    let quiet = factor.min(PRICE_QUIET_FACTOR);
    for offer in &pool.offers {
        let key = &offer.key;
        let (zone, family) = (Text::clone(&key.zone), Text::clone(&key.family));
        let stock = readings.stock.get(&(Text::clone(&zone), Text::clone(&family)));
        let poll = timing.stock_poll.times(factor);
        let due_at = stock.map_or(Time::default(), |one| one.due_at(poll));
        ask(situation, Look::Stock { zone, family }, due_at, draft);
        let quote = readings.quotes.get(key);
        let due_at =
            quote.map_or(Time::default(), |one| one.due_at(timing.quote_age_max.times(quiet)));
        ask(situation, Look::Quote(key.clone()), due_at, draft);
    }
}

/// Whether an offer may be bought at its last price. If not, it is asked for; a source that does not
/// answer does not hold the farm back.
pub fn is_price_fresh(situation: Situation<'_>, best: &Buyable<'_>, draft: &mut Draft) -> bool {
    let Situation { readings, now, .. } = situation;
    let key = &best.offer.key;
    let tried_at = readings.quotes.get(key).and_then(|source| source.asked_at);
    if tried_at.is_some_and(|at| now <= at + PRICE_FRESH) {
        return true;
    }
    let look = Look::Quote(key.clone());
    if let Some(since) = readings.asked.get(&look) {
        return *since + PRICE_ANSWER < now;
    }
    draft.look(look);
    draft.wake_by(now + PRICE_ANSWER);
    false
}

/// Follows what is under way with one machine.
fn follow(situation: Situation<'_>, name: &MachineName, machine: &Machine, draft: &mut Draft) {
    let timing = &situation.policy.timing;
    let now = situation.now;
    if machine.life == Life::Launching(Create::Unknown) && now < machine.made_at + NAME_LOOKS {
        paced(situation, Look::Name(name.clone()), timing.event_poll, machine.made_at, draft);
    }
    if let (Some(id), Some(missed)) = (&machine.instance, machine.sighting.missed)
        && machine.meter.is_on()
        && !missed.denied
    {
        paced(situation, Look::Status(Text::clone(id)), timing.fleet_poll, missed.first, draft);
    }
    if machine.quote.is_none() {
        let quote = situation.readings.quotes.get(&machine.offer);
        let due_at = quote.map_or(Time::default(), |one| one.due_at(timing.quote_age_max));
        ask(situation, Look::Quote(machine.offer.clone()), due_at, draft);
    }
    let event = match (&machine.life, machine.pending.as_ref().map(|pending| &pending.state)) {
        (_, Some(PendingState::Accepted { event }))
        | (Life::Launching(Create::Accepted { event }), _) => event.clone(),
        // Seen, but not yet known to run: only its event tells that it failed.
        _ => machine.create_event().cloned().filter(|_| is_being_made(situation, name, machine)),
    };
    if let Some(event) = event {
        let since = machine.pending.as_ref().map_or(machine.made_at, |pending| pending.sent_at);
        let look = Look::Event { event, instance: machine.instance.clone() };
        paced(situation, look, timing.event_poll, since, draft);
    }
}

/// GPU use of one machine, no more often than every `poll`; the newest word there is.
pub fn usage(situation: Situation<'_>, instance: &Text, poll: Span, draft: &mut Draft) {
    let look = Look::Usage(Text::clone(instance));
    let last = situation.readings.paced.get(&look);
    let due_at = last.map_or(situation.now, |last| *last + poll);
    ask(situation, look, due_at, draft);
}

/// Asks once per beat of `poll`, counted from `since`.
fn paced(situation: Situation<'_>, look: Look, poll: Span, since: Time, draft: &mut Draft) {
    let last = situation.readings.paced.get(&look).copied().unwrap_or(since);
    ask(situation, look, last + poll, draft);
}

fn ask(situation: Situation<'_>, look: Look, due_at: Time, draft: &mut Draft) {
    let Situation { policy, readings, now, .. } = situation;
    let under_way = readings.asked.get(&look).is_some_and(|since| {
        let again_at = *since + policy.timing.look_timeout;
        draft.wake_by(again_at.max(now + policy.timing.turn_floor));
        now < again_at
    });
    if under_way {
        return;
    }
    if now < due_at {
        draft.wake_by(due_at);
    } else {
        draft.look(look);
    }
}
