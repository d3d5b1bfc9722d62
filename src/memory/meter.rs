//! What one machine has cost, from the provider's own times.
//!
//! Billing starts at `CreateTime`, changes to the stopped price when a stop ends, back to the
//! running price when a start is taken on, and ends when a delete ends. Whole seconds; each of the
//! two prices is multiplied once, with all its seconds.

use serde::{Deserialize, Serialize};

use crate::model::{Money, Quote, Span, Time};

/// Seconds at each price, and since when the present one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Meter {
    running: Span,
    stopped: Span,
    now: Option<(Rate, Time)>,
    /// Some moment came from a listing instead of the provider's word: the error is at most the
    /// price times the interval between looks.
    pub estimated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Rate {
    Running,
    Stopped,
}

impl Meter {
    /// The running price holds from `at`.
    pub fn run(&mut self, at: Time) {
        self.switch(Some(Rate::Running), at);
    }

    /// The stopped price holds from `at`.
    pub fn stop(&mut self, at: Time) {
        self.switch(Some(Rate::Stopped), at);
    }

    /// The stop that is charged now at the stopped price was none: the running price holds since.
    pub fn never_stopped(&mut self) {
        if let Some((rate @ Rate::Stopped, _)) = &mut self.now {
            *rate = Rate::Running;
        }
    }

    /// Nothing is charged from `at`.
    pub fn end(&mut self, at: Time) {
        self.switch(None, at);
    }

    /// Whether anything is charged now.
    pub fn is_on(&self) -> bool {
        self.now.is_some()
    }

    /// What was charged until `now`.
    pub fn cost(&self, quote: &Quote, now: Time) -> Money {
        let mut so_far = *self;
        so_far.switch(None, Time::from_seconds(now.seconds()));
        quote.running.over(so_far.running) + quote.stopped.over(so_far.stopped)
    }

    fn switch(&mut self, rate: Option<Rate>, at: Time) {
        if let Some((old, since)) = self.now {
            let lasted = Span(at.since(since).0.max(0));
            match old {
                Rate::Running => self.running += lasted,
                Rate::Stopped => self.stopped += lasted,
            }
        }
        self.now = rate.map(|rate| (rate, at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Price;

    #[test]
    fn a_machine_costs_its_running_and_its_stopped_seconds() {
        let quote = Quote {
            running: Price::hourly(Money::yuan(36)),
            stopped: Price::hourly(Money::yuan(3)),
            bids: None,
            asked_at: Time::from_seconds(0),
        };
        let mut meter = Meter::default();
        meter.run(Time::from_seconds(100));
        meter.stop(Time::from_seconds(200));
        meter.run(Time::from_seconds(1400));
        assert_eq!(meter.cost(&quote, Time::from_seconds(1500)), Money::yuan(3));
        meter.end(Time::from_seconds(1600));
        assert_eq!(meter.cost(&quote, Time::from_seconds(9999)), Money::yuan(4));
        assert!(!meter.is_on());
    }
}
