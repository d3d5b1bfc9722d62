//! With `on_cap = "drain"`: for how long what is ours must still be paid, and who is drained first when
//! the money runs out.

use super::{Situation, boots, rank};
use crate::memory::{Life, Machine};
use crate::model::snapshot::Phase;
use crate::model::{MachineName, Money, Span, WorkerState};
use crate::policy::Pool;

/// A task is taken to need this long while nothing is known of the queue's tasks.
const TASK: Span = Span::minutes(10);
/// From a machine's last task until nothing is charged for it.
const GOING: Span = Span::minutes(2);
/// No machine is made or started to be drained sooner than this.
const USEFUL: Span = Span::minutes(15);

/// How long the longest of a pool's tasks is likely to take from now on.
fn task(situation: Situation<'_>, pool: &Pool) -> Span {
    let workload = situation.readings.workloads.get(&pool.queue);
    let Some(forecast) = workload.and_then(|workload| workload.forecast()) else { return TASK };
    let running = forecast.running.iter().map(|(_, left)| left);
    let longest = running.chain(&forecast.estimates).flatten().max();
    Span(longest.copied().unwrap_or(0))
}

/// For how long a machine is still to be paid at least, were it drained now.
pub(super) fn at_least(situation: Situation<'_>, machine: &Machine) -> Span {
    let Situation { policy, memory, now, .. } = situation;
    let task = policy.pool(&machine.pool).map_or(TASK, |pool| task(situation, pool));
    let boot = |again| {
        let asked_at = machine.boot_asked_at.unwrap_or(machine.since);
        let mean = boots::mean(policy, memory, &machine.boot_line(again));
        Span(mean.0.saturating_sub(now.since(asked_at).0).max(0))
    };
    match machine.phase() {
        Phase::Launching | Phase::Booting => boot(false) + task + GOING,
        Phase::Starting => boot(true) + task + GOING,
        Phase::Ready => task + GOING,
        Phase::Draining if machine.worker == Some(WorkerState::Drained) => GOING,
        Phase::Draining => {
            let waited = machine.drain_asked_at.map_or(Span::ZERO, |at| now.since(at));
            Span((task - waited).0.max(0)) + GOING
        }
        Phase::Stopping | Phase::Stopped | Phase::Leaving => GOING,
    }
}

/// For how long a new machine is to be paid at least, to be worth its boot.
pub(super) fn fresh(situation: Situation<'_>, pool: &Pool) -> Span {
    situation.policy.timing.boot_mean + task(situation, pool) + USEFUL + GOING
}

/// Which of some machines to drain now: the dearest for their work first, as long as what is left does
/// not pay for the others until the next look.
pub(super) fn first<'a>(
    situation: Situation<'a>,
    ours: impl Iterator<Item = (&'a MachineName, &'a Machine)>,
    left: Money,
) -> Vec<MachineName> {
    let timing = &situation.policy.timing;
    let until_next_look = timing.turn_ceiling + timing.queue_poll;
    let works = |machine: &Machine| {
        matches!(machine.phase(), Phase::Booting | Phase::Starting | Phase::Ready)
            && machine.held.is_none()
    };
    let mut dearest: Vec<_> = ours
        .filter(|(_, machine)| works(machine))
        .filter_map(|(name, machine)| {
            let pool = situation.policy.pool(&machine.pool)?;
            let (quote, offer) = (machine.quote?, pool.offer(&machine.offer)?);
            let work = rank::work_hourly(&quote, offer, pool.slots_of(offer, pool.shape));
            Some(((work, name), machine.life == Life::Ready, quote.running.over(until_next_look)))
        })
        .collect();
    dearest.sort_by_key(|(work, ..)| std::cmp::Reverse(*work));
    let mut others: Money = dearest.iter().map(|(.., cost)| *cost).sum();
    let mut drained = Vec::new();
    for ((_, name), is_ready, cost) in dearest {
        if others <= left {
            break;
        }
        others = others - cost;
        if is_ready {
            drained.push(name.clone()); // one that boots is, once it has joined
        }
    }
    drained
}
