//! `GET /api/v1/spend`: money by day, and where it is going.

use serde::{Deserialize, Serialize};

use super::Size;
use crate::model::snapshot;
use crate::model::{Money, Span};

/// Money by day, pool and offer, with a forecast and the caps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Today, as `2026-01-31`.
    pub day: String,
    /// The last 62 days, today last.
    pub days: Vec<LedgerRow>,
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
    /// What rests on listings instead of the provider's own times.
    pub estimated: Money,
    /// Caps on money.
    pub caps: Vec<CapUse>,
}

/// What machines of one pool and offer have cost on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// `2026-01-31`.
    pub day: String,
    /// The pool.
    pub pool: String,
    /// What was bought.
    pub offer: Size,
    /// How much.
    pub sum: Sum,
}

/// Money and time, added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sum {
    /// What it came to.
    pub cost: Money,
    /// Time charged at the running price.
    pub running: Span,
    /// Time charged at the stopped price.
    pub stopped: Span,
    /// Of the running time: until a worker had joined.
    pub booting: Span,
    /// Of the running time: without a task.
    pub idle: Span,
}

/// A cap on money, and how much of it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapUse {
    /// Of one pool; null = of the farm.
    pub pool: Option<String>,
    /// `hour`, `day` or `month`.
    pub span: String,
    /// The cap.
    pub cap: Money,
    /// Spent in that time so far.
    pub spent: Money,
    /// Spent, and reserved for what there is.
    pub committed: Money,
    /// What a whole day to come costs, where a day's cap looks ahead.
    pub next_day: Option<Money>,
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
}

impl From<&snapshot::Ledger> for Ledger {
    fn from(ledger: &snapshot::Ledger) -> Self {
        Self {
            day: ledger.day.to_string(),
            days: ledger.days.iter().map(LedgerRow::from).collect(),
            spent_today: ledger.spent_today,
            spent_month: ledger.spent_month,
            hourly: ledger.hourly,
            forecast_today: ledger.forecast_today,
            forecast_month: ledger.forecast_month,
            forecast_from: ledger.forecast_from,
            estimated: ledger.estimated,
            caps: ledger.caps.iter().map(CapUse::from).collect(),
        }
    }
}

impl From<&snapshot::DayRow> for LedgerRow {
    fn from(row: &snapshot::DayRow) -> Self {
        Self {
            day: row.day.to_string(),
            pool: row.pool.to_string(),
            offer: Size::from(&row.offer),
            sum: Sum::from(row.sum),
        }
    }
}

impl From<snapshot::Sum> for Sum {
    fn from(sum: snapshot::Sum) -> Self {
        let snapshot::Sum { cost, running, stopped, booting, idle } = sum;
        Self { cost, running, stopped, booting, idle }
    }
}

impl From<&snapshot::CapView> for CapUse {
    fn from(cap: &snapshot::CapView) -> Self {
        Self {
            pool: cap.pool.as_ref().map(ToString::to_string),
            span: cap.span.word().to_owned(),
            cap: cap.cap,
            spent: cap.spent,
            committed: cap.committed,
            next_day: cap.next_day,
        }
    }
}
