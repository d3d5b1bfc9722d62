//! More capacity: take drains back, start stopped machines, create; in this order.

use super::capacity::Capacity;
use super::workers::{Workers, is_surely_off};
use super::{Draft, Situation, aside, may_change, replace};
use super::{looks, rank};
use crate::memory::{Life, Machine};
use crate::model::snapshot::{Blocked, Phase, Report};
use crate::model::{Change, MachineName, Reason, Shape, Time, WorkerState};
use crate::policy::Pool;

/// Whether anything is short: offers are then worth asking about.
pub(super) fn wants(pool: &Pool, capacity: &Capacity, now: Time) -> bool {
    !capacity.short.is_empty() || capacity.machines < pool.size_at(now).0
}

/// Makes up for what is short, until something binds.
pub(super) fn steps(
    situation: Situation<'_>,
    pool: &Pool,
    (capacity, short): (&Capacity, &[(Shape, u32)]),
    draft: &mut Draft,
    report: &mut Report,
) {
    let mut added = 0;
    for (shape, slots) in short {
        added += serve(situation, pool, (*shape, *slots), None, draft, report);
    }
    let (min, _) = pool.size_at(situation.now);
    let missing = min.saturating_sub(capacity.machines.saturating_add(added));
    for _ in 0..missing {
        let why = Some(Reason::Floor { min });
        if serve(situation, pool, (pool.shape, 1), why, draft, report) == 0 {
            break;
        }
    }
}

/// Finds `short` slots for tasks of one shape, for that or for another reason; returns the machines
/// it took.
fn serve(
    situation: Situation<'_>,
    pool: &Pool,
    (shape, mut short): (Shape, u32),
    why: Option<Reason>,
    draft: &mut Draft,
    report: &mut Report,
) -> u32 {
    let mut machines = 0;
    for (name, change) in reserves(situation, pool, shape, draft) {
        if short == 0 {
            return machines;
        }
        let Some(machine) = situation.memory.machines.get(&name) else { continue };
        let slots = pool.offer(&machine.offer).map_or(0, |offer| pool.slots_of(offer, shape));
        if let Err(reason) = start_allowed(situation, pool, (machine, change), draft) {
            report.binds.push(reason);
            return machines; // nor is there money for a new one
        }
        let reason = why.unwrap_or(Reason::WorkWaits { slots: short });
        draft.change(situation, &name, change, reason);
        short = short.saturating_sub(slots);
        machines += 1;
    }
    machines + buy(situation, pool, (shape, short), why, draft, report)
}

/// Buys machines one by one, each in the offer that is best once the others are counted.
fn buy(
    situation: Situation<'_>,
    pool: &Pool,
    (shape, mut short): (Shape, u32),
    why: Option<Reason>,
    draft: &mut Draft,
    report: &mut Report,
) -> u32 {
    let mut bought = 0;
    while short != 0 {
        let (offers, blocked) =
            rank::offers(situation, pool, (shape, short), &draft.planned_offers());
        if bought == 0 || offers.is_empty() {
            report.binds.extend(blocked);
        }
        let Some(best) = offers.first() else { break };
        match create_allowed(situation, pool, best, draft) {
            Ok(warning) => report.binds.extend(warning),
            Err(reason) => {
                make_room(situation, pool, &reason, draft);
                report.binds.push(reason);
                break;
            }
        }
        if !looks::is_price_fresh(situation, best, draft) {
            break; // the answer is a wake
        }
        report.binds.extend(rank::stale_price(situation, best));
        let (work_hourly, offers) = (best.merit.work_hourly, offers.len());
        let reason = why.unwrap_or(Reason::SlotsShort { slots: short, work_hourly, offers });
        draft.create(situation, pool, best, reason);
        short = short.saturating_sub(best.slots);
        bought += 1;
    }
    bought
}

/// Machines of ours that can serve sooner than a new one: those being drained that can be told to
/// go on, then stopped ones whose drain flag is off already, then the other stopped ones; the
/// cheapest to run first.
fn reserves(
    situation: Situation<'_>,
    pool: &Pool,
    shape: Shape,
    draft: &Draft,
) -> Vec<(MachineName, Change)> {
    let mut reserves: Vec<_> = situation
        .memory
        .machines
        .iter()
        .filter(|(name, machine)| machine.pool == pool.name && !draft.is_touched(name))
        .filter(|(_, machine)| may_change(situation, machine))
        .filter(|(_, machine)| replace::stays(situation, pool, machine))
        .filter_map(|(name, machine)| {
            let offer = pool.offer(&machine.offer)?;
            let (rank, change) = reserve_change(situation, machine)?;
            let slots = pool.slots_of(offer, shape);
            let price = machine.quote.map(|quote| rank::work_hourly(&quote, offer, slots));
            (slots != 0).then_some(((rank, price, name), change))
        })
        .collect();
    reserves.sort_by(|one, other| one.0.cmp(&other.0));
    reserves.into_iter().map(|((_, _, name), change)| (name.clone(), change)).collect()
}

/// What brings a machine back, and how soon it does; a stopped one is started without its flag.
fn reserve_change(situation: Situation<'_>, machine: &Machine) -> Option<(u8, Change)> {
    let alive = matches!(
        machine.worker,
        Some(WorkerState::Idle | WorkerState::Busy | WorkerState::Drained)
    );
    match machine.phase() {
        Phase::Draining if alive => Some((0, Change::Undrain)),
        Phase::Stopped => {
            let refused = situation.memory.refusals.get(&machine.offer);
            let waits = refused.is_some_and(|refused| situation.now < refused.until);
            let flagged = machine.drain_asked_at.is_some();
            let step = if flagged { (2, Change::Undrain) } else { (1, Change::Start) };
            let may_start = !waits && aside::arrears(situation.memory).is_none();
            may_start.then_some(step)
        }
        Phase::Launching
        | Phase::Booting
        | Phase::Ready
        | Phase::Draining
        | Phase::Stopping
        | Phase::Starting
        | Phase::Leaving => None,
    }
}

fn create_allowed(
    situation: Situation<'_>,
    pool: &Pool,
    best: &rank::Buyable<'_>,
    draft: &mut Draft,
) -> Result<Option<Blocked>, Blocked> {
    let (_, max) = pool.size_at(situation.now);
    let created = draft.plan.steps.iter().filter(
        |step| matches!(&step.act, crate::model::Act::Create { pool: of, .. } if *of == pool.name),
    );
    let created = u32::try_from(created.count()).unwrap_or(u32::MAX);
    if max <= super::guard::owned(pool, situation.memory).saturating_add(created) {
        return Err(Blocked::PoolMax { max });
    }
    let coming = super::capacity::coming(pool, situation.memory).saturating_add(created);
    if pool.surge <= coming {
        return Err(Blocked::Surge { limit: pool.surge });
    }
    let warning = draft.caps.take(&pool.name, &best.quote, coming)?;
    draft.budget.create()?;
    Ok(warning)
}

/// Money for a machine that is off and is to run; one that runs already has its own reserved.
fn start_allowed(
    situation: Situation<'_>,
    pool: &Pool,
    (machine, change): (&Machine, Change),
    draft: &mut Draft,
) -> Result<(), Blocked> {
    let let_go = machine.life == Life::Stopped || machine.reason == Reason::OverCap;
    if !let_go {
        return draft.caps.keep(situation, machine);
    }
    let quote = machine.quote.filter(|_| change != Change::Drain);
    let Some(quote) = quote else { return Ok(()) };
    let coming = super::capacity::coming(pool, situation.memory);
    draft.caps.take_again(&pool.name, &quote, coming)
}

/// At `max`, a stopped machine that cannot serve (refused to start, or too small for the task) only
/// holds a place: one is deleted a turn.
fn make_room(situation: Situation<'_>, pool: &Pool, reason: &Blocked, draft: &mut Draft) {
    if !matches!(reason, Blocked::PoolMax { .. } | Blocked::FarmMax { .. }) {
        return;
    }
    let source = situation.readings.queues.get(&pool.queue);
    let Some(reading) = source.and_then(|source| source.reading.as_ref()) else { return };
    let workers = Workers::of(reading);
    let useless = situation.memory.machines.iter().find(|(name, machine)| {
        machine.pool == pool.name
            && machine.life == Life::Stopped
            && machine.held.is_none()
            && !draft.is_touched(name)
            && may_change(situation, machine)
            && is_surely_off(situation, pool, name, machine, workers.as_ref())
    });
    if let Some((name, _)) = useless
        && draft.budget.delete_workless().is_ok()
    {
        let name = name.clone();
        draft.change(situation, &name, Change::Delete, Reason::HoldsPlace);
    }
}
