//! What was spent this month, small enough to be kept outside the store too: a cap on money must not
//! forget when everything else is lost.

use std::collections::BTreeMap;

use super::machine::Machine;
use super::state::Memory;
use crate::model::{Money, Price, Text, Time};

/// What was spent on each day of the month, and what the farm costs from then on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// Until when it was counted.
    pub at: Time,
    /// The day that was booked on then, as `2026-01-31`.
    pub day: Text,
    /// It ends then.
    pub until: Time,
    /// By day and pool; the last day is the one that was booked on.
    pub days: Vec<SpentOn>,
    /// What the machines of each pool cost an hour, those on their way included.
    pub hourly: Vec<(Text, Money)>,
}

/// What a pool has spent on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentOn {
    /// `2026-01-31`.
    pub day: Text,
    /// The pool.
    pub pool: Text,
    /// How much.
    pub cost: Money,
}

impl Memory {
    /// What was spent this month until `now`; `None` before the first day is booked on.
    pub fn spent_this_month(&self, now: Time) -> Option<Spent> {
        let open = self.meta.day.as_ref()?;
        let (day, until) = (Text::clone(&open.day), open.until);
        let month = day.get(..7).unwrap_or_default();
        let mut days: BTreeMap<(Text, Text), Money> = BTreeMap::new();
        for ((day, pool), entries) in &self.days {
            if day.starts_with(month) {
                let cost: Money = entries.iter().map(|(_, sum)| sum.cost).sum();
                *days.entry((Text::clone(day), Text::clone(pool))).or_default() += cost;
            }
        }
        for entry in self.today(now) {
            *days.entry((Text::clone(&day), entry.pool)).or_default() += entry.sum.cost;
        }
        let mut hourly: BTreeMap<Text, Money> = BTreeMap::new();
        for machine in self.machines.values() {
            *hourly.entry(Text::clone(&machine.pool)).or_default() += machine.hourly_at_most();
        }
        let days =
            days.into_iter().map(|((day, pool), cost)| SpentOn { day, pool, cost }).collect();
        Some(Spent { at: now, day, until, days, hourly: hourly.into_iter().collect() })
    }
}

impl Machine {
    /// What it costs an hour, were the change under way the dearest it can be.
    fn hourly_at_most(&self) -> Money {
        let is_off = self.is_off() && self.pending.is_none();
        let quoted = self.quote.as_ref().map(|quote| quote.running);
        let price = if is_off { self.price() } else { quoted };
        price.map_or(Money::ZERO, Price::per_hour)
    }
}
