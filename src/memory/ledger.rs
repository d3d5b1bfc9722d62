//! What was spent by day, pool and offer. A day's entry is the difference of two totals, at its end and
//! at its start, so that days always add up to the whole; what becomes known late is booked on the day
//! on which it does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Machine, Memory};
use crate::model::snapshot::{DayEntry, Sum};
use crate::model::{OfferKey, Text, Time};

/// Machines of one pool and offer that are gone, and all of them at the start of the day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Of machines that are gone.
    pub closed: Sum,
    /// Of all, when the day began.
    pub opened: Sum,
}

/// The day that is booked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenDay {
    /// `2026-01-31`.
    pub day: Text,
    /// It ends then.
    pub until: Time,
}

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
                self.days.entry(key).or_default().push((entry.offer.clone(), entry.sum));
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

impl Machine {
    fn account(&self) -> (Text, OfferKey) {
        (Text::clone(&self.pool), self.offer.clone())
    }

    fn sum(&self, now: Time) -> Sum {
        let (running, stopped) = self.meter.spans(now);
        Sum { cost: self.cost(now), running, stopped }
    }
}
