//! The provider's own bill: shares no code with the daemon's ledger, so that the two can be
//! compared.

use crate::model::{Money, Text, Time};

/// What is charged for an instance at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// The running price.
    Running,
    /// The price of its disk.
    Stopped,
    /// Nothing.
    Nothing,
}

/// What everything has cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bill {
    /// One line per instance ever made: those gone for good first.
    pub lines: Vec<BillLine>,
}

/// One instance's seconds and prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillLine {
    /// The instance.
    pub instance: Text,
    /// Its name.
    pub name: Text,
    /// Seconds at the running price.
    pub running_seconds: i64,
    /// Seconds at the price of its disk.
    pub stopped_seconds: i64,
    /// The running price of a day, as quoted when it was made.
    pub running_day: Money,
    /// The stopped price of a day.
    pub stopped_day: Money,
    /// Whether anything is charged still.
    pub open: bool,
}

impl BillLine {
    /// What the line comes to: each price times its seconds, divided once, rounded half up.
    pub fn cost(&self) -> Money {
        let part = |day: Money, seconds: i64| {
            let product = i128::from(day.0) * i128::from(seconds);
            i64::try_from((product + 43_200).div_euclid(86_400)).unwrap_or(i64::MAX)
        };
        let running = part(self.running_day, self.running_seconds);
        Money(running.saturating_add(part(self.stopped_day, self.stopped_seconds)))
    }
}

impl Bill {
    /// The sum of all lines.
    pub fn total(&self) -> Money {
        self.lines.iter().map(BillLine::cost).sum()
    }
}

/// When which price began to hold, in whole seconds; kept per instance.
#[derive(Debug, Clone, Default)]
pub(super) struct Charges {
    /// Running is charged in whole units of so many seconds; 0 counts as 1.
    pub(super) unit: i64,
    running: i64,
    stopped: i64,
    now: Option<(bool, i64)>,
}

impl Charges {
    /// From `at` on `charge` holds.
    pub(super) fn switch(&mut self, charge: Charge, at: Time) {
        (self.running, self.stopped) = self.until(at);
        self.now = match charge {
            Charge::Running => Some((true, at.seconds())),
            Charge::Stopped => Some((false, at.seconds())),
            Charge::Nothing => None,
        };
    }

    /// Seconds running and stopped until `at`.
    pub(super) fn until(&self, at: Time) -> (i64, i64) {
        let lasted = |since: i64| (at.seconds() - since).max(0);
        match self.now {
            Some((true, since)) => {
                let unit = self.unit.max(1);
                let units = (lasted(since) + unit - 1) / unit;
                (self.running + units * unit, self.stopped)
            }
            Some((false, since)) => (self.running, self.stopped + lasted(since)),
            None => (self.running, self.stopped),
        }
    }

    /// What is charged now.
    pub(super) fn charge(&self) -> Charge {
        match self.now {
            Some((true, _)) => Charge::Running,
            Some((false, _)) => Charge::Stopped,
            None => Charge::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_price_is_divided_once_and_rounded_half_up() {
        let line = BillLine {
            instance: "ins-1".into(),
            name: "n".into(),
            running_seconds: 3,
            stopped_seconds: 1,
            running_day: Money(86_400 / 2),
            stopped_day: Money(86_400 / 2 - 1),
            open: false,
        };
        // 1.5 micro-yuan become 2; 0.49999 become 0.
        assert_eq!(line.cost(), Money(2));
        let more = BillLine { running_seconds: 4, stopped_seconds: 2, ..line };
        assert_eq!(more.cost(), Money(2 + 1));
    }

    #[test]
    fn seconds_are_counted_whole_at_both_ends() {
        let mut charges = Charges::default();
        charges.switch(Charge::Running, Time(1_999));
        charges.switch(Charge::Stopped, Time(5_001));
        charges.switch(Charge::Nothing, Time(9_999));
        assert_eq!(charges.until(Time(100_000)), (4, 4));
        assert_eq!(charges.charge(), Charge::Nothing);
    }
}
