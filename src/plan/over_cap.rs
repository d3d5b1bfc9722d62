//! With `on_cap = "drain"`: for how long what is ours must still be paid, and who is drained first when
//! the money runs out.

use super::machine::kept_until;
use super::situation::Situation;
use super::{billing_unit, boots, rank, tasks};
use crate::memory::{Life, Machine};
use crate::model::snapshot::Phase;
use crate::model::{MachineName, Money, Span, Time, WorkerState};
use crate::policy::{OfferPolicy, Policy, Pool};

/// From a machine's last task until nothing is charged for it.
const GOING: Span = Span::minutes(2);
/// No machine is made or started to be drained sooner than this.
const USEFUL: Span = Span::minutes(15);

/// How long the longest of the tasks of a machine's pool is likely to take from now on.
fn task_of(situation: Situation<'_>, machine: &Machine) -> Span {
    tasks::longest_left(situation, situation.policy.pool(&machine.pool))
}

fn next_look(policy: &Policy) -> Span {
    policy.timing.turn_ceiling + policy.timing.queue_poll
}

/// For how long a machine is still to be paid at least, were it drained at the next look: until then
/// where it cannot be let go, but no longer than a cap reckons with (`until`).
pub(super) fn paid_at_least(
    situation: Situation<'_>,
    name: &MachineName,
    machine: &Machine,
    until: Time,
) -> Span {
    let kept = kept_until(situation, name, machine).unwrap_or_default().min(until);
    Span(kept.since(situation.now).0.max(0)).max(drained_within(situation, machine))
}

/// The same for one that can be let go.
fn drained_within(situation: Situation<'_>, machine: &Machine) -> Span {
    let Situation { policy, memory, now, .. } = situation;
    let task = task_of(situation, machine);
    let boot = |again| {
        let asked_at = machine.boot_asked_at().unwrap_or(machine.since);
        let mean = boots::mean(policy, memory, &machine.boot_line(again));
        Span(mean.0.saturating_sub(now.since(asked_at).0).max(0))
    };
    let next_look = next_look(policy);
    match machine.phase() {
        Phase::Launching | Phase::Booting => boot(false) + next_look + task + GOING,
        Phase::Starting => boot(true) + next_look + task + GOING,
        Phase::Ready => next_look + task + GOING,
        Phase::Draining if machine.heard.state == Some(WorkerState::Drained) => GOING,
        Phase::Draining => {
            let waited = machine.drain.asked_at.map_or(Span::ZERO, |at| now.since(at));
            Span((task - waited).0.max(0)) + GOING
        }
        Phase::Stopping | Phase::Stopped | Phase::Leaving => GOING,
    }
}

/// For how long a new machine is to be paid at least, to be worth its boot.
pub(super) fn new_machine_lasts(situation: Situation<'_>, pool: &Pool) -> Span {
    let Situation { policy, memory, .. } = situation;
    let boot =
        |offer: &OfferPolicy| boots::mean(policy, memory, &boots::line(pool, &offer.key, false));
    let boot = pool.offers.iter().map(boot).max().unwrap_or(policy.timing.boot_mean);
    boot + tasks::longest_left(situation, Some(pool)) + USEFUL + GOING
}

/// What a machine costs until it is gone if it works on until the next look, beyond what it costs if it
/// is drained now.
pub(super) fn more_if_kept(situation: Situation<'_>, machine: &Machine) -> Money {
    let Situation { policy, now, .. } = situation;
    let Some(quote) = machine.quote else { return Money::ZERO };
    let next_look = next_look(policy);
    let task = task_of(situation, machine);
    let cost = |lasts| quote.running.over(billing_unit::charged(machine, now, lasts));
    let drained_now = match machine.phase() {
        Phase::Draining => drained_within(situation, machine),
        Phase::Launching
        | Phase::Booting
        | Phase::Starting
        | Phase::Ready
        | Phase::Stopping
        | Phase::Stopped
        | Phase::Leaving => task + GOING,
    };
    cost(next_look + task + GOING) - cost(drained_now)
}

/// Which of some machines to drain now: the dearest for their work first, until what is `over` the
/// cap is saved.
pub(super) fn drained_first<'a>(
    situation: Situation<'a>,
    ours: impl Iterator<Item = (&'a MachineName, &'a Machine)>,
    mut over: Money,
) -> Vec<MachineName> {
    let works = |name: &MachineName, machine: &Machine| {
        matches!(machine.phase(), Phase::Booting | Phase::Starting | Phase::Ready)
            && kept_until(situation, name, machine).is_none()
    };
    let mut dearest: Vec<_> = ours
        .filter(|(name, machine)| works(name, machine))
        .filter_map(|(name, machine)| {
            let quote = machine.quote?;
            let offer = situation.policy.pool(&machine.pool).and_then(|pool| {
                let offer = pool.offer(&machine.offer)?;
                Some((offer, pool.slots_of(offer, pool.shape)))
            });
            // What is not in the config any more goes by its price alone.
            let work = offer.map_or_else(
                || quote.running.per_hour(),
                |(offer, slots)| rank::work_hourly(&quote, offer, slots),
            );
            Some(((work, name), machine.life == Life::Ready, more_if_kept(situation, machine)))
        })
        .collect();
    dearest.sort_by_key(|(work, ..)| std::cmp::Reverse(*work));
    let mut drained = Vec::new();
    for ((_, name), is_ready, saved) in dearest.into_iter().filter(|one| one.2 != Money::ZERO) {
        if over <= Money::ZERO {
            break;
        }
        over = over - saved;
        if is_ready {
            drained.push(name.clone()); // one that boots is, once it has joined
        }
    }
    drained
}
