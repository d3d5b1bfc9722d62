//! Money caps by hour, day and month, of the farm and of each pool. Money is reserved before a machine
//! is made or started: what everything of ours will cost until the end of the day, or, where the
//! operator wants machines drained at the cap, until they can be let go. Where nothing is drained what
//! runs may run on for ever, so that the whole of the next day must fit as well.

use std::collections::{BTreeMap, BTreeSet};

use super::situation::Situation;
use super::{billing_unit, budget, over_cap};
use crate::memory::{Machine, Memory};
use crate::model::snapshot::{Blocked, CapSpan, CapView};
use crate::model::{Change, MachineName, Money, Quote, Span, Text, Time};
use crate::policy::{MoneyCaps, OnCap, Policy};

/// A month's reserve looks so far ahead at most: growth stops a day before what runs is at the cap.
const MONTH_AHEAD: Span = Span::days(1);

/// What is left of the caps in this turn.
#[derive(Debug, Clone)]
pub struct Caps {
    all: Vec<Cap>,
    soft_percent: i64,
    /// Where machines are drained at a cap: how long a new one of a pool is to be paid at least.
    fresh: BTreeMap<Text, Span>,
    /// Those to be drained now.
    drained: BTreeSet<MachineName>,
}

#[derive(Debug, Clone)]
struct Cap {
    /// Of one pool; `None` = of the farm.
    pool: Option<Text>,
    span: CapSpan,
    most: Money,
    spent: Money,
    /// Spent, and reserved for what there is.
    committed: Money,
    /// For so long; `None` = until it can be let go.
    horizon: Option<Span>,
    /// What runs goes on over midnight: a whole day of it must fit too.
    next_day: Option<(Money, Span)>,
}

impl Caps {
    /// Counts what is spent and what runs.
    pub fn new(situation: Situation<'_>) -> Self {
        let Situation { policy, memory, .. } = situation;
        let spending = &policy.spending;
        let mut caps = Vec::new();
        let farm = [(None, spending.caps)];
        let pools = policy.pools.iter().map(|pool| (Some(Text::clone(&pool.name)), pool.caps));
        for (pool, given) in farm.into_iter().chain(pools) {
            let MoneyCaps { hour, day, month } = given;
            let spans = [(CapSpan::Hour, hour), (CapSpan::Day, day), (CapSpan::Month, month)];
            let given = spans.into_iter().filter_map(|(span, cap)| Some((span, cap?)));
            caps.extend(given.map(|(span, cap)| Cap::new(situation, pool.as_ref(), span, cap)));
        }
        let fresh = policy
            .pools
            .iter()
            .map(|pool| (Text::clone(&pool.name), over_cap::new_machine_lasts(situation, pool)));
        let fresh = fresh.collect();
        let drains = caps.iter().filter(|cap: &&Cap| cap.horizon.is_none());
        let drained = drains.flat_map(|cap| {
            let ours = memory.machines.iter().filter(|(_, one)| cap.is_of(&one.pool));
            over_cap::drained_first(situation, ours, cap.committed - cap.most)
        });
        let drained = drained.collect();
        Self { all: caps, soft_percent: i64::from(spending.soft_percent), fresh, drained }
    }

    /// Reserves a new machine's running price, or says which cap forbids it. Beyond the soft limit one
    /// machine at a time is on its way; that is told even where it does not forbid.
    pub fn take(
        &mut self,
        pool: &Text,
        quote: &Quote,
        coming: u32,
    ) -> Result<Option<Blocked>, Blocked> {
        self.reserve(pool, quote, coming, |_| true)
    }

    /// The same for one that is off: by the hour it is reserved for already.
    pub fn take_again(&mut self, pool: &Text, quote: &Quote, coming: u32) -> Result<(), Blocked> {
        self.reserve(pool, quote, coming, |cap| cap.span != CapSpan::Hour).map(|_| ())
    }

    fn reserve(
        &mut self,
        pool: &Text,
        quote: &Quote,
        coming: u32,
        counts: impl Fn(&Cap) -> bool,
    ) -> Result<Option<Blocked>, Blocked> {
        let mut warning = None;
        for cap in self.all.iter().filter(|cap| cap.is_of(pool) && counts(cap)) {
            let more = cap.price(quote, self.lasts(cap, pool));
            let committed = cap.committed + more;
            if cap.most < committed {
                return Err(cap.hard(more));
            }
            if let Some((day, length)) = cap.next_day {
                let more = cap.price(quote, length);
                if cap.most < day + more {
                    return Err(cap.hard_on_the_next_day(day, more));
                }
            }
            if cap.most.0 / 100 * self.soft_percent < committed.0 {
                let soft = cap.soft();
                if coming != 0 {
                    return Err(soft);
                }
                warning = Some(soft);
            }
        }
        let fresh = self.fresh.get(pool).copied().unwrap_or_default();
        for cap in self.all.iter_mut().filter(|cap| cap.is_of(pool) && counts(cap)) {
            cap.committed += cap.price(quote, cap.horizon.unwrap_or(fresh));
            cap.next_day =
                cap.next_day.map(|(day, length)| (day + cap.price(quote, length), length));
        }
        Ok(warning)
    }

    /// Whether a machine is to be drained now: what is left of a cap only just pays for its end.
    pub fn drains(&self, name: &MachineName) -> bool {
        self.drained.contains(name)
    }

    /// Reserves what a machine that is being drained costs more if it goes on to work, where machines
    /// are drained at a cap.
    pub fn keep(&mut self, situation: Situation<'_>, machine: &Machine) -> Result<(), Blocked> {
        let more = over_cap::more_if_kept(situation, machine);
        let drains = |cap: &&mut Cap| cap.is_of(&machine.pool) && cap.horizon.is_none();
        if let Some(cap) =
            self.all.iter_mut().filter(drains).find(|cap| cap.most < cap.committed + more)
        {
            return Err(cap.hard(more));
        }
        self.all.iter_mut().filter(drains).for_each(|cap| cap.committed += more);
        Ok(())
    }

    /// Whether machines are drained at a cap, and it leaves a pool no money for another one.
    pub fn spent_out(&self, pool: &Text, quote: &Quote) -> bool {
        let mut caps = self.all.iter().filter(|cap| cap.is_of(pool) && cap.horizon.is_none());
        caps.any(|cap| cap.most < cap.committed + cap.price(quote, self.lasts(cap, pool)))
    }

    /// For how long a new machine of a pool is reserved.
    fn lasts(&self, cap: &Cap, pool: &Text) -> Span {
        cap.horizon.unwrap_or_else(|| self.fresh.get(pool).copied().unwrap_or_default())
    }

    /// For people.
    pub fn views(&self) -> Vec<CapView> {
        let view = |cap: &Cap| CapView {
            pool: cap.pool.clone(),
            span: cap.span,
            cap: cap.most,
            spent: cap.spent,
            committed: cap.committed,
            next_day: cap.next_day.map(|(day, _)| day),
        };
        self.all.iter().map(view).collect()
    }
}

impl Cap {
    fn new(situation: Situation<'_>, pool: Option<&Text>, span: CapSpan, most: Money) -> Self {
        let Situation { policy, memory, now, .. } = situation;
        let (_, until) = policy.spending.day_of(now);
        let drains = policy.spending.on_cap == OnCap::Drain;
        let horizon = match span {
            CapSpan::Hour => Some(Span::hours(1)),
            CapSpan::Day | CapSpan::Month if drains => None,
            CapSpan::Day => Some(until.since(now)),
            CapSpan::Month => {
                let ends_in = policy.spending.month_ends_at(now).since(now);
                Some(Span(ends_in.0.min(MONTH_AHEAD.0)))
            }
        };
        let is_of = |of: &Text| pool.is_none_or(|pool| pool == of);
        let spent = match span {
            CapSpan::Hour => Money::ZERO,
            CapSpan::Day => spent_today(memory, now, is_of),
            CapSpan::Month => spent_in_month(policy, memory, now, is_of),
        };
        let ours = || memory.machines.iter().filter(|(_, machine)| is_of(&machine.pool));
        let ends_at = match span {
            CapSpan::Hour | CapSpan::Day => until,
            CapSpan::Month => policy.spending.month_ends_at(now).min(now + MONTH_AHEAD),
        };
        let lasts = |name: &MachineName, machine: &Machine| {
            horizon.unwrap_or_else(|| over_cap::paid_at_least(situation, name, machine, ends_at))
        };
        let dearest = budget::dearest(memory);
        let reserve = |one: &Machine, lasts| {
            one.quote
                .or(dearest)
                .map_or(Money::ZERO, |quote| reserve(one, &quote, span, now, lasts))
        };
        let reserved: Money = ours().map(|(name, one)| reserve(one, lasts(name, one))).sum();
        let length = policy.spending.longest_day(until);
        let next_day = (span == CapSpan::Day && !drains)
            .then(|| (ours().map(|(_, machine)| reserve(machine, length)).sum(), length));
        let committed = spent + reserved;
        Self { pool: pool.cloned(), span, most, spent, committed, horizon, next_day }
    }

    fn is_of(&self, pool: &Text) -> bool {
        self.pool.as_ref().is_none_or(|own| own == pool)
    }

    /// What a new machine costs in that time. A cap by the hour is one on the price.
    fn price(&self, quote: &Quote, lasts: Span) -> Money {
        let by_price = self.span == CapSpan::Hour;
        quote.running.over(if by_price {
            lasts
        } else {
            billing_unit::whole_units(lasts, quote.unit)
        })
    }

    fn hard(&self, more: Money) -> Blocked {
        let (pool, span, cap, committed) =
            (self.pool.clone(), self.span, self.most, self.committed);
        Blocked::MoneyCap { pool, span, cap, committed, next_day: false, more }
    }

    fn hard_on_the_next_day(&self, committed: Money, more: Money) -> Blocked {
        let (pool, span, cap) = (self.pool.clone(), self.span, self.most);
        Blocked::MoneyCap { pool, span, cap, committed, next_day: true, more }
    }

    fn soft(&self) -> Blocked {
        let Self { pool, span, most, committed, .. } = self;
        let (pool, span) = (pool.clone(), *span);
        Blocked::MoneySoft { pool, span, cap: *most, committed: *committed }
    }
}

/// What a machine will cost for so long, if it goes on as it is; by the hour a stopped one counts as
/// running, for it may be started.
fn reserve(machine: &Machine, quote: &Quote, span: CapSpan, now: Time, horizon: Span) -> Money {
    let starting = machine.pending.as_ref().is_some_and(|one| one.change == Change::Start);
    let off = machine.is_off() && !starting && !machine.is_charged_off();
    match (span, off) {
        (CapSpan::Hour, _) => quote.running.over(horizon),
        (CapSpan::Day | CapSpan::Month, true) => quote.stopped.over(horizon),
        (CapSpan::Day | CapSpan::Month, false) => {
            quote.running.over(billing_unit::charged(machine, now, horizon))
        }
    }
}

fn spent_today(memory: &Memory, now: Time, is_of: impl Fn(&Text) -> bool) -> Money {
    let today = memory.today(now).into_iter().filter(|entry| is_of(&entry.pool));
    today.map(|entry| entry.sum.cost).sum()
}

fn spent_in_month(
    policy: &Policy,
    memory: &Memory,
    now: Time,
    is_of: impl Fn(&Text) -> bool,
) -> Money {
    let (today, _) = policy.spending.day_of(now);
    let month = today.get(..7).unwrap_or_default();
    let days = memory.days.iter().filter(|((day, pool), _)| day.starts_with(month) && is_of(pool));
    let before: Money = days.flat_map(|(_, entries)| entries).map(|(_, sum)| sum.cost).sum();
    before + spent_today(memory, now, is_of)
}
