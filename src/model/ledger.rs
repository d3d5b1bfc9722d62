//! Money by day, pool and offer, as it is kept and shown.

use serde::{Deserialize, Serialize};

use super::Text;
use super::money::Money;
use super::offer::OfferKey;
use super::time::Span;

/// Money and time, added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sum {
    /// What it came to.
    pub cost: Money,
    /// Time charged at the running price.
    pub running: Span,
    /// Time charged at the stopped price.
    pub stopped: Span,
    /// Of the running time, as seen from here: until a worker had joined…
    #[serde(default)]
    pub booting: Span,
    /// …and without a task.
    #[serde(default)]
    pub idle: Span,
}

impl Sum {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            cost: self.cost + other.cost,
            running: self.running + other.running,
            stopped: self.stopped + other.stopped,
            booting: self.booting + other.booting,
            idle: self.idle + other.idle,
        }
    }

    /// What is left without `other`.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self {
            cost: self.cost - other.cost,
            running: self.running - other.running,
            stopped: self.stopped - other.stopped,
            booting: self.booting - other.booting,
            idle: self.idle - other.idle,
        }
    }
}

/// Over which time a cap counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapSpan {
    /// An hour, were every machine running.
    Hour,
    /// A day.
    Day,
    /// A calendar month.
    Month,
}

/// A cap on money, and how much of it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapView {
    /// Of one pool; `None` = of the farm.
    pub pool: Option<Text>,
    /// Over which time.
    pub span: CapSpan,
    /// The cap.
    pub cap: Money,
    /// Spent in that time so far.
    pub spent: Money,
    /// Spent, and reserved for what there is.
    pub committed: Money,
    /// Where nothing is drained at a day's cap: what that costs on a whole day to come.
    pub next_day: Option<Money>,
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayRow {
    /// `2026-01-31`.
    pub day: Text,
    /// The pool.
    pub pool: Text,
    /// What was bought.
    pub offer: OfferKey,
    /// How much.
    pub sum: Sum,
}

/// Money by day, and where it is going.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Today, as `2026-01-31`.
    pub day: Text,
    /// The last 62 days, today last.
    pub days: Vec<DayRow>,
    /// Since midnight.
    pub spent_today: Money,
    /// Since the first of the month.
    pub spent_month: Money,
    /// What the farm costs an hour now.
    pub hourly: Money,
    /// By midnight, if all goes on as it is.
    pub forecast_today: Money,
    /// By the end of the month, if days go on as the last ones did.
    pub forecast_month: Money,
    /// How many full days that rests on; 0 = on today alone.
    pub forecast_from: u32,
    /// Of everything since the store was made, what rests on listings instead of the provider's own
    /// times.
    pub estimated: Money,
    /// Caps on money.
    pub caps: Vec<CapView>,
}

/// What machines of one pool and offer have cost on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayEntry {
    /// The pool.
    pub pool: Text,
    /// What was bought.
    pub offer: OfferKey,
    /// How much.
    pub sum: Sum,
}

impl CapSpan {
    /// `hour`, `day` or `month`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}
