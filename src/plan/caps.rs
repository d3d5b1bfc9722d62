//! Money caps by hour, day and month, of the farm and of each pool. Money is reserved before a machine
//! is made or started: what everything of ours will cost until the end of the day, or, where the
//! operator wants machines drained at the cap, until they can be let go. Where nothing is drained what
//! runs may run on for ever, so that the whole of the next day must fit as well.

use crate::memory::{Life, Machine, Memory};
use crate::model::snapshot::{Blocked, CapSpan, CapView};
use crate::model::{Change, Money, Price, Span, Text, Time};
use crate::policy::{MoneyCaps, OnCap, Policy};

/// With `on_cap = "drain"`: a machine at work is let go within this, for its task ends first.
const DRAIN_RESERVE: Span = Span::minutes(15);
/// A month's reserve looks so far ahead at most: growth stops a day before what runs is at the cap.
const MONTH_AHEAD: Span = Span::days(1);

/// What is left of the caps in this turn.
#[derive(Debug, Clone)]
pub struct Caps {
    caps: Vec<Cap>,
    soft_percent: i64,
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
    /// For so long.
    horizon: Span,
    /// What runs goes on over midnight: a whole day of it must fit too.
    next_day: Option<(Money, Span)>,
}

impl Caps {
    /// Counts what is spent and what runs.
    pub fn new(policy: &Policy, memory: &Memory, now: Time) -> Self {
        let spending = &policy.spending;
        let mut caps = Vec::new();
        let farm = [(None, spending.caps)];
        let pools = policy.pools.iter().map(|pool| (Some(Text::clone(&pool.name)), pool.caps));
        for (pool, given) in farm.into_iter().chain(pools) {
            let MoneyCaps { hour, day, month } = given;
            let spans = [(CapSpan::Hour, hour), (CapSpan::Day, day), (CapSpan::Month, month)];
            let given = spans.into_iter().filter_map(|(span, cap)| Some((span, cap?)));
            caps.extend(given.map(|(span, cap)| Cap::new(policy, memory, now, (&pool, span, cap))));
        }
        Self { caps, soft_percent: i64::from(spending.soft_percent) }
    }

    /// Reserves a machine's running price, or says which cap forbids it. Beyond the soft limit one
    /// machine at a time is on its way; that is told even where it does not forbid.
    pub fn take(
        &mut self,
        pool: &Text,
        price: Price,
        coming: u32,
    ) -> Result<Option<Blocked>, Blocked> {
        let mut warning = None;
        for cap in self.caps.iter().filter(|cap| cap.is_of(pool)) {
            let committed = cap.committed + price.over(cap.horizon);
            let next_day = cap.next_day.map(|(day, length)| day + price.over(length));
            if cap.most < committed || next_day.is_some_and(|day| cap.most < day) {
                return Err(cap.hard());
            }
            if cap.most.0 / 100 * self.soft_percent < committed.0 {
                let soft = cap.soft();
                if coming != 0 {
                    return Err(soft);
                }
                warning = Some(soft);
            }
        }
        for cap in self.caps.iter_mut().filter(|cap| cap.is_of(pool)) {
            cap.committed += price.over(cap.horizon);
            if let Some((day, length)) = &mut cap.next_day {
                *day += price.over(*length);
            }
        }
        Ok(warning)
    }

    /// The cap at which a pool's machines are to be drained.
    pub fn reached(&self, policy: &Policy, pool: &Text) -> Option<Blocked> {
        let drains = policy.spending.on_cap == OnCap::Drain;
        let mut caps = self.caps.iter().filter(|cap| cap.is_of(pool));
        let reached = caps.find(|cap| cap.span != CapSpan::Hour && cap.most <= cap.committed);
        reached.filter(|_| drains).map(Cap::hard)
    }

    /// For people.
    pub fn views(&self) -> Vec<CapView> {
        let view = |cap: &Cap| CapView {
            pool: cap.pool.clone(),
            span: cap.span,
            cap: cap.most,
            spent: cap.spent,
            committed: cap.committed,
        };
        self.caps.iter().map(view).collect()
    }
}

impl Cap {
    fn new(
        policy: &Policy,
        memory: &Memory,
        now: Time,
        (pool, span, most): (&Option<Text>, CapSpan, Money),
    ) -> Self {
        let (_, until) = policy.spending.day_of(now);
        let drains = policy.spending.on_cap == OnCap::Drain;
        let horizon = match span {
            CapSpan::Hour => Span::hours(1),
            CapSpan::Day | CapSpan::Month if drains => DRAIN_RESERVE,
            CapSpan::Day => until.since(now),
            CapSpan::Month => {
                Span(policy.spending.month_ends_at(now).since(now).0.min(MONTH_AHEAD.0))
            }
        };
        let is_of = |of: &Text| pool.as_ref().is_none_or(|pool| pool == of);
        let spent = match span {
            CapSpan::Hour => Money::ZERO,
            CapSpan::Day => spent_today(memory, now, is_of),
            CapSpan::Month => spent_in_month(policy, memory, now, is_of),
        };
        let ours = || memory.machines.values().filter(|machine| is_of(&machine.pool));
        let reserved: Money = ours().map(|machine| reserve(machine, span, horizon)).sum();
        let (_, next_until) = policy.spending.day_of(until);
        let length = next_until.since(until);
        let next_day = (span == CapSpan::Day && !drains)
            .then(|| (ours().map(|machine| reserve(machine, span, length)).sum(), length));
        let committed = spent + reserved;
        Self { pool: pool.clone(), span, most, spent, committed, horizon, next_day }
    }

    fn is_of(&self, pool: &Text) -> bool {
        self.pool.as_ref().is_none_or(|own| own == pool)
    }

    fn hard(&self) -> Blocked {
        let Self { pool, span, most, committed, .. } = self;
        let (pool, span) = (pool.clone(), *span);
        Blocked::MoneyCap { pool, span, cap: *most, committed: *committed }
    }

    fn soft(&self) -> Blocked {
        let Self { pool, span, most, committed, .. } = self;
        let (pool, span) = (pool.clone(), *span);
        Blocked::MoneySoft { pool, span, cap: *most, committed: *committed }
    }
}

/// What a machine will cost for so long, if it goes on as it is; by the hour a stopped one counts as
/// running, for it may be started.
fn reserve(machine: &Machine, span: CapSpan, horizon: Span) -> Money {
    let Some(quote) = &machine.quote else { return Money::ZERO };
    let starting = machine.pending.as_ref().is_some_and(|one| one.change == Change::Start);
    let off = machine.life == Life::Stopped && !starting && !machine.charged_off;
    let price = if off && span != CapSpan::Hour { quote.stopped } else { quote.running };
    price.over(horizon)
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
