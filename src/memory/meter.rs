//! What one machine has cost, from the provider's own times.
//!
//! Billing starts at `CreateTime`, changes to the stopped price when a stop ends, back to the
//! running price when a start is taken on, and ends when a delete ends. Whole seconds; each of the
//! two prices is multiplied once, with all its seconds.

use crate::model::{Money, Quote, Span, Time};

/// Seconds at each price, and since when the present one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meter {
    pub(super) running: Span,
    pub(super) stopped: Span,
    pub(super) now: Option<(Rate, Time)>,
    /// Each stretch of running is charged in whole units of this.
    pub(super) unit: Span,
    /// Nothing is charged since then.
    pub(super) ended_at: Option<Time>,
    /// Some moment came from a listing instead of the provider's word: the error is at most the
    /// price times the interval between looks.
    pub estimated: bool,
}

/// The price that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rate {
    Running,
    Stopped,
}

const fn second() -> Span {
    Span::seconds(1)
}

impl Default for Meter {
    fn default() -> Self {
        Self::by(second())
    }
}

impl Meter {
    /// A meter that counts running time in whole units.
    pub const fn by(unit: Span) -> Self {
        let (running, stopped) = (Span::ZERO, Span::ZERO);
        Self { running, stopped, now: None, unit, ended_at: None, estimated: false }
    }

    fn charged(&self, lasted: Span) -> Span {
        if self.unit <= second() {
            return lasted;
        }
        Span((lasted.0 + self.unit.0 - 1) / self.unit.0 * self.unit.0)
    }

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
        self.ended_at = Some(at);
    }

    /// Since when nothing is charged any more.
    pub fn ended_at(&self) -> Option<Time> {
        self.ended_at
    }

    /// Whether anything is charged now.
    pub fn is_on(&self) -> bool {
        self.now.is_some()
    }

    /// What was charged until `now`.
    pub fn cost(&self, quote: &Quote, now: Time) -> Money {
        let (running, stopped) = self.spans(now);
        quote.running.over(running) + quote.stopped.over(stopped)
    }

    /// How long each price has held until `now`, as it is charged.
    pub fn spans(&self, now: Time) -> (Span, Span) {
        let mut so_far = *self;
        so_far.switch(None, Time::from_seconds(now.seconds()));
        (so_far.running, so_far.stopped)
    }

    /// Since when the running price holds without a break.
    pub fn running_since(&self) -> Option<Time> {
        self.now.filter(|(rate, _)| *rate == Rate::Running).map(|(_, since)| since)
    }

    fn switch(&mut self, rate: Option<Rate>, at: Time) {
        if let Some((old, since)) = self.now {
            let lasted = Span(at.since(since).0.max(0));
            match old {
                Rate::Running => self.running += self.charged(lasted),
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
            unit: Span::seconds(1),
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

    #[test]
    fn a_begun_hour_is_a_whole_one_where_hours_are_charged() {
        let mut meter = Meter::by(Span::hours(1));
        meter.run(Time::from_seconds(0));
        assert_eq!(meter.spans(Time::from_seconds(1)).0, Span::hours(1));
        meter.stop(Time::from_seconds(3600));
        meter.run(Time::from_seconds(4000));
        meter.end(Time::from_seconds(7700));
        assert_eq!(meter.spans(Time::from_seconds(9999)), (Span::hours(3), Span::seconds(400)));
    }
}
