//! What was spent by day, pool and offer. A day's entry is the difference of two totals, at its end and
//! at its start, so that days always add up to the whole; what becomes known late is booked on the day
//! on which it does.

use std::collections::BTreeMap;

use super::machine::Machine;
use super::state::{Memory, OpenDay};
use crate::model::snapshot::{DayEntry, Sum};
use crate::model::{OfferKey, Text, Time};

/// Offers of a pool that a day tells apart: the store takes no record of more than 8 KiB.
const OFFERS_MAX: usize = 32;

impl Memory {
    /// Everything spent since midnight, by pool and offer.
    pub fn today(&self, now: Time) -> Vec<DayEntry> {
        let entries = self.totals(now).into_iter().map(|((pool, offer), total)| {
            let opened = self.accounts.get(&(Text::clone(&pool), offer.clone()));
            let sum = total.less(opened.map_or_else(Sum::default, |account| account.opened));
            DayEntry { pool, offer, sum }
        });
        entries.filter(|entry| entry.sum != Sum::default()).collect()
    }

    /// Everything spent since the store was made, by pool and offer.
    fn totals(&self, now: Time) -> BTreeMap<(Text, OfferKey), Sum> {
        let closed = self.accounts.iter().map(|(key, account)| (key.clone(), account.closed));
        let mut totals: BTreeMap<(Text, OfferKey), Sum> = closed.collect();
        for machine in self.machines.values() {
            let total = totals.entry(machine.account()).or_default();
            *total = total.plus(machine.sum(now));
        }
        totals
    }

    /// A day has ended, and another begins.
    pub(super) fn turn_day(&mut self, entries: &[DayEntry], day: &Text, until: Time, at: Time) {
        if let Some(ended) = self.meta.day.take() {
            for entry in entries {
                let key = (Text::clone(&ended.day), Text::clone(&entry.pool));
                enter(self.days.entry(key).or_default(), entry);
            }
        }
        for (key, total) in self.totals(at) {
            self.accounts.entry(key).or_default().opened = total;
        }
        self.meta.day = Some(OpenDay { day: Text::clone(day), until });
    }

    /// A machine is gone: what it has cost is kept.
    pub(super) fn close_account(&mut self, machine: &Machine, at: Time) {
        let sum = machine.sum(at);
        if sum != Sum::default() {
            let account = self.accounts.entry(machine.account()).or_default();
            account.closed = account.closed.plus(sum);
        }
    }
}

/// Adds an entry to a day's record. When that holds as many offers as the store takes in one, the
/// last stands for all others: the day's sum stays right.
fn enter(entries: &mut Vec<(OfferKey, Sum)>, entry: &DayEntry) {
    let is_full = OFFERS_MAX <= entries.len();
    match entries.last_mut().filter(|_| is_full) {
        Some((_, sum)) => *sum = sum.plus(entry.sum),
        None => entries.push((entry.offer.clone(), entry.sum)),
    }
}

impl Machine {
    fn account(&self) -> (Text, OfferKey) {
        (Text::clone(&self.pool), self.offer.clone())
    }

    fn sum(&self, now: Time) -> Sum {
        let (running, stopped) = self.meter.spans(now);
        let (booting, idle) = self.usage.spans(now);
        Sum { cost: self.cost(now), running, stopped, booting, idle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Key;
    use crate::model::{Billing, Money, Span};

    #[test]
    fn the_record_of_a_day_stays_small_and_right_however_many_offers_are_used() {
        let (running, stopped) = (Span::days(40), Span::days(40));
        let sum =
            Sum { cost: Money::yuan(99_999), running, stopped, booting: running, idle: running };
        let offer = |number: u32| OfferKey {
            zone: "CN_Hohhot_B".into(),
            family: "专业渲染型rp3-大显存".into(),
            cpu: 100 + number,
            ram_gib: 1024,
            gpus: 8,
            billing: Billing::OnDemand,
        };
        let pool = Text::from("a-long-pool");
        let entry = |number| DayEntry { pool: Text::clone(&pool), offer: offer(number), sum };
        let entries: Vec<DayEntry> = (0..500).map(entry).collect();
        let (day, next, at) = (Text::from("2026-01-31"), Text::from("2026-02-01"), Time(0));
        let mut memory = Memory::default();
        memory.turn_day(&[], &day, at, at);
        memory.turn_day(&entries, &next, at, at);
        let key = (day, pool);
        let cost: Money = memory.days[&key].iter().map(|(_, sum)| sum.cost).sum();
        assert_eq!(cost, Money::yuan(99_999 * 500));
        let size = memory.record(&Key::Day(key.0, key.1)).unwrap().len();
        assert!(size < 8 << 10, "{size} bytes");
    }
}
