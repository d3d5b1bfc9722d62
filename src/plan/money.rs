//! Money as people and programs see it: days, the month, where it is going, how much the caps leave.

use std::collections::BTreeSet;

use super::budget;
use super::caps::Caps;
use super::situation::Situation;
use crate::memory::Memory;
use crate::model::event::{EventKind, FarmEvent};
use crate::model::snapshot::{DayRow, Ledger, Spend};
use crate::model::{Money, Price, Span, Text, Time};
use crate::policy::Policy;

/// Days shown.
const DAYS_SHOWN: usize = 62;
/// Days kept.
const DAYS_KEPT: usize = 400;
/// Full days a month's forecast is made from.
const FORECAST_DAYS: usize = 7;

/// The end of a day at the operator's place, or the first day of all. One a turn: after a long pause
/// the days in between follow.
pub fn day_turned(policy: &Policy, memory: &Memory, now: Time) -> Option<EventKind> {
    let open = memory.meta.day.as_ref();
    let from = match open {
        Some(open) if now < open.until => return None,
        Some(open) => open.until,
        None => now,
    };
    let ended = open.map(|open| memory.today(open.until)).unwrap_or_default();
    let ended_day = open.map(|open| Text::clone(&open.day));
    let (day, until) = policy.spending.day_of(from);
    let dropped = kept_long_enough(memory);
    Some(FarmEvent::DayTurned { ended, ended_day, day, from, until, dropped }.into())
}

/// Entries of all days but the newest.
fn kept_long_enough(memory: &Memory) -> Vec<(Text, Text)> {
    let days: BTreeSet<&Text> = memory.days.keys().map(|(day, _)| day).collect();
    let over = (days.len() + 1).saturating_sub(DAYS_KEPT);
    let old = |day: &Text| days.iter().take(over).any(|one| *one == day);
    memory.days.keys().filter(|(day, _)| old(day)).cloned().collect()
}

/// Money by the ledger.
pub fn spend(memory: &Memory, now: Time) -> Spend {
    let estimated = memory.machines.values().filter(|machine| machine.meter.estimated);
    Spend {
        total: memory.spent(now),
        hourly: budget::hourly_now(memory),
        hourly_reserved: budget::hourly_reserved(memory),
        estimated: memory.meta.closed_estimated + estimated.map(|machine| machine.cost(now)).sum(),
    }
}

/// The ledger for people.
pub fn ledger(situation: Situation<'_>) -> Ledger {
    let Situation { policy, memory, now, .. } = situation;
    let (day, until) = policy.spending.day_of(now);
    let today = memory.today(now);
    let spent_today: Money = today.iter().map(|entry| entry.sum.cost).sum();
    let row = |((day, pool), entries): (&(Text, Text), &Vec<_>)| -> Vec<DayRow> {
        let row = |(offer, sum): &(crate::model::OfferKey, _)| DayRow {
            day: Text::clone(day),
            pool: Text::clone(pool),
            offer: offer.clone(),
            sum: *sum,
        };
        entries.iter().map(row).collect()
    };
    let mut names: Vec<&Text> = memory.days.keys().map(|(day, _)| day).collect();
    names.dedup();
    let first = names.len().saturating_sub(DAYS_SHOWN);
    let shown: Vec<&Text> = names.split_off(first);
    let days: Vec<DayRow> = memory
        .days
        .iter()
        .filter(|((day, _), _)| shown.contains(&day))
        .flat_map(row)
        .chain(today.into_iter().map(|entry| DayRow {
            day: Text::clone(&day),
            pool: entry.pool,
            offer: entry.offer,
            sum: entry.sum,
        }))
        .collect();
    let hourly = budget::hourly_now(memory);
    let forecast_today = spent_today + Price::hourly(hourly).over(until.since(now));
    let month = day.get(..7).unwrap_or_default();
    let in_month = days.iter().filter(|row| row.day.starts_with(month));
    let spent_month: Money = in_month.map(|row| row.sum.cost).sum();
    let full = shown.len().min(FORECAST_DAYS);
    let last = shown.get(shown.len() - full..).unwrap_or_default();
    let week = days.iter().filter(|row| last.contains(&&row.day)).map(|row| row.sum.cost);
    let a_day = if full == 0 { forecast_today } else { mean(week.sum(), full) };
    let left = policy.spending.month_ends_at(now).since(until);
    let forecast_month = spent_month - spent_today
        + forecast_today
        + Price { amount: a_day, per: Span::days(1) }.over(left);
    let caps = Caps::new(situation).views();
    let forecast_from = u32::try_from(full).unwrap_or(0);
    Ledger {
        day,
        days,
        spent_today,
        spent_month,
        hourly,
        forecast_today,
        forecast_month,
        forecast_from,
        estimated: spend(memory, now).estimated,
        caps,
    }
}

fn mean(sum: Money, count: usize) -> Money {
    Money(sum.0 / i64::try_from(count).unwrap_or(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ledger::Sum;
    use crate::model::{Billing, Event, Namer, OfferKey};
    use crate::policy::{Limits, Spending, Timing};

    #[test]
    fn four_hundred_days_are_kept_and_older_records_are_deleted() {
        let policy = Policy {
            namer: Namer::new("test"),
            pools: Vec::new(),
            limits: Limits::default(),
            spending: Spending::default(),
            shared: Vec::new(),
            timing: Timing::default(),
        };
        let (zone, family, pool) = ("z".into(), "f".into(), Text::from("pool"));
        let billing = Billing::OnDemand;
        let offer = OfferKey { zone, family, cpu: 1, ram_gib: 1, gpus: 1, billing };
        let sum = Sum { cost: Money::yuan(1), running: Span::hours(1), ..Sum::default() };
        let mut memory = Memory::default();
        let mut deleted = 0;
        for day in 0..1000 {
            let at = Time::from_seconds(1_767_225_600) + Span::days(day);
            let mut kind = day_turned(&policy, &memory, at).unwrap();
            if let EventKind::Farm(FarmEvent::DayTurned { ended, .. }) = &mut kind {
                let (pool, offer) = (Text::clone(&pool), offer.clone());
                ended.push(crate::model::ledger::DayEntry { pool, offer, sum });
            }
            let event = Event { at, kind };
            memory.apply(&event);
            let keys = crate::memory::Key::touched_by(&event);
            deleted += keys.iter().filter(|key| memory.record(key).is_none()).count();
            assert!(day_turned(&policy, &memory, at).is_none(), "one event a day");
        }
        assert_eq!(memory.days.len(), DAYS_KEPT);
        assert!(999 - DAYS_KEPT <= deleted, "{deleted}");
    }
}
