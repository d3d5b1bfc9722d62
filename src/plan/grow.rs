//! More capacity: choose drains to take back, start stopped machines, create; in this order. Drains are
//! taken back by `release`, which is told which ones.

use super::capacity::{self, Capacity};
use super::draft::{Draft, Request};
use super::machine::{in_arrears, may_serve_again};
use super::rank::{self, Buyable};
use super::release::{Candidate, Context, Wanted, would_return};
use super::{budget, polling, progress};
use crate::memory::Machine;
use crate::model::snapshot::{Blocked, Phase};
use crate::model::{MachineName, Reason, Shape};

/// What came of growing a pool.
#[derive(Debug, Default)]
pub struct Growth {
    /// What it wants of machines that are on their way out.
    pub wanted: Wanted,
    /// What keeps the pool from being larger.
    pub constraints: Vec<Blocked>,
}

/// Makes up for what is short, and for what is missing to the pool's `min`, until something forbids it.
pub fn grow(
    capacity: &Capacity,
    short: &[(Shape, u32)],
    candidates: &[Candidate<'_>],
    context: &Context<'_>,
    draft: &mut Draft,
) -> Growth {
    let mut grower = Grower { candidates, context, draft, growth: Growth::default() };
    let mut added = 0;
    for (shape, slots) in short {
        added += grower.serve(*shape, *slots, None);
    }
    let min = capacity.min;
    let missing = min.saturating_sub(capacity.machines.saturating_add(added));
    for _ in 0..missing {
        if grower.serve(context.pool.shape, 1, Some(Reason::Floor { min })) == 0 {
            break;
        }
    }
    grower.growth
}

struct Grower<'a, 'b> {
    candidates: &'a [Candidate<'a>],
    context: &'a Context<'a>,
    draft: &'b mut Draft,
    growth: Growth,
}

/// A machine of ours that can serve sooner than a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reserve {
    /// It is being drained: its workers are told to go on.
    TakeBack,
    /// It is off, and its flag is off already.
    Start,
    /// It is off, and its flag must be taken back before it is started.
    Unflag,
}

impl<'a> Grower<'a, '_> {
    /// Finds `short` slots for tasks of one shape, for that or for another reason; returns the machines
    /// it took.
    fn serve(&mut self, shape: Shape, mut short: u32, why: Option<Reason>) -> u32 {
        let Context { situation, pool, .. } = self.context;
        let mut machines = 0;
        for (candidate, reserve) in self.reserves(shape) {
            if short == 0 {
                return machines;
            }
            let machine = candidate.machine;
            if let Err(constraint) = self.pay_again(machine) {
                self.growth.constraints.push(constraint);
                return machines; // nor is there money for a new one
            }
            let reason = why.unwrap_or(Reason::WorkWaits { slots: short });
            match reserve {
                Reserve::TakeBack => {
                    self.growth.wanted.back.insert(candidate.name.clone(), reason);
                }
                Reserve::Start => {
                    self.draft.ask(*situation, candidate.name, Request::Start, reason);
                }
                Reserve::Unflag => {
                    self.draft.ask(*situation, candidate.name, Request::Undrain, reason);
                }
            }
            let slots = pool.offer(&machine.offer).map_or(0, |offer| pool.slots_of(offer, shape));
            short = short.saturating_sub(slots);
            machines += 1;
        }
        machines + self.buy(shape, short, why)
    }

    /// Buys machines one by one, each in the offer that is best once the others are counted.
    fn buy(&mut self, shape: Shape, mut short: u32, why: Option<Reason>) -> u32 {
        let Context { situation, pool, .. } = *self.context;
        if let Some((machine, _)) =
            situation.memory.meta.second_daemon.clone().filter(|_| short != 0)
        {
            self.growth.constraints.push(Blocked::SecondDaemon { machine });
            return 0;
        }
        let mut bought = 0;
        while short != 0 {
            let planned = self.draft.planned_offers();
            let (offers, blocked) = rank::offers(situation, pool, shape, short, &planned);
            if bought == 0 || offers.is_empty() {
                self.growth.constraints.extend(blocked);
            }
            let Some(best) = offers.first() else { break };
            match self.pay_new(best) {
                Ok(warning) => self.growth.constraints.extend(warning),
                Err(constraint) => {
                    self.growth.wanted.place |= is_for_want_of_place(&constraint);
                    self.growth.constraints.push(constraint);
                    break;
                }
            }
            if !polling::is_price_fresh(situation, best, self.draft) {
                break; // the answer is a wake
            }
            self.growth.constraints.extend(rank::stale_price(situation, best));
            let (work_hourly, offers) = (best.merit.work_hourly, offers.len());
            let reason = why.unwrap_or(Reason::SlotsShort { slots: short, work_hourly, offers });
            self.draft.create(situation, pool, best, reason);
            short = short.saturating_sub(best.slots);
            bought += 1;
        }
        bought
    }

    /// Machines of ours that can serve sooner than a new one: those being drained that can be told to go
    /// on, then stopped ones whose drain flag is off already, then the other stopped ones; the cheapest
    /// to run first.
    fn reserves(&self, shape: Shape) -> Vec<(&'a Candidate<'a>, Reserve)> {
        let pool = self.context.pool;
        let mut reserves: Vec<_> = self
            .candidates
            .iter()
            .filter(|one| !self.is_taken(one.name))
            .filter_map(|one| {
                let offer = pool.offer(&one.machine.offer)?;
                let (rank, reserve) = self.reserve(one)?;
                let slots = pool.slots_of(offer, shape);
                let quote = one.machine.quote;
                let price = quote.map(|quote| rank::work_hourly(&quote, offer, slots));
                (slots != 0).then_some(((rank, price, one.name), one, reserve))
            })
            .collect();
        reserves.sort_by(|one, other| one.0.cmp(&other.0));
        reserves.into_iter().map(|(_, one, reserve)| (one, reserve)).collect()
    }

    /// Whether this turn counts on a machine already.
    fn is_taken(&self, name: &MachineName) -> bool {
        self.draft.is_touched(name) || self.growth.wanted.back.contains_key(name)
    }

    /// What brings a machine back, and how soon it does.
    fn reserve(&self, candidate: &Candidate<'_>) -> Option<(u8, Reserve)> {
        let Context { situation, pool, .. } = self.context;
        let machine = candidate.machine;
        match candidate.phase {
            Phase::Draining => {
                would_return(candidate, self.context).then_some((0, Reserve::TakeBack))
            }
            Phase::Stopped => {
                let refused = situation.memory.refusals.get(&machine.offer);
                let waits = refused.is_some_and(|refused| situation.now < refused.until);
                let may_start = candidate.may_be_asked
                    && !candidate.is_named_twice
                    && may_serve_again(*situation, pool, machine)
                    && in_arrears(situation.memory).is_none();
                let is_flagged = machine.drain.asked_at.is_some();
                let reserve = if is_flagged { (2, Reserve::Unflag) } else { (1, Reserve::Start) };
                let is_above = self.context.above_max.contains_key(candidate.name);
                (may_start && !waits && !is_above).then_some(reserve)
            }
            Phase::Launching
            | Phase::Booting
            | Phase::Ready
            | Phase::Stopping
            | Phase::Starting
            | Phase::Leaving => None,
        }
    }

    /// Place and money for a new machine.
    fn pay_new(&mut self, best: &Buyable<'_>) -> Result<Option<Blocked>, Blocked> {
        let Context { situation, pool, .. } = self.context;
        let (_, max) = pool.size_at(situation.now);
        let created = self.draft.planned_creates(&pool.name);
        if max <= budget::owned(pool, situation.memory).saturating_add(created) {
            return Err(Blocked::PoolMax { max });
        }
        if let Some(stops) = progress::stops(*situation, pool, best.merit.fruitless)
            && (created != 0 || self.candidates.iter().any(|one| one.is_counted))
        {
            return Err(stops);
        }
        let coming = capacity::coming(pool, situation.memory).saturating_add(created);
        if pool.surge <= coming {
            return Err(Blocked::Surge { limit: pool.surge });
        }
        let warning = self.draft.caps.take(&pool.name, &best.quote, coming)?;
        self.draft.budget.create()?;
        Ok(warning)
    }

    /// Money for a machine that is off and is to run; one that runs already has its own reserved.
    fn pay_again(&mut self, machine: &Machine) -> Result<(), Blocked> {
        let Context { situation, pool, .. } = self.context;
        let let_go = machine.is_off() || machine.reason == Reason::OverCap;
        if !let_go {
            return self.draft.caps.keep(*situation, machine);
        }
        let Some(quote) = machine.quote else { return Ok(()) };
        let coming = capacity::coming(pool, situation.memory);
        self.draft.caps.take_again(&pool.name, &quote, coming)
    }
}

/// Whether a stopped machine that cannot serve would be in the way.
fn is_for_want_of_place(constraint: &Blocked) -> bool {
    matches!(constraint, Blocked::PoolMax { .. } | Blocked::FarmMax { .. })
}
