//! Money in whole millionths of a yuan, and prices as they were quoted.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

use super::time::Span;

/// An amount of money in micro-yuan (1 ¥ = 1,000,000).
///
/// Whole numbers, so that amounts add up exactly and can be ordered and compared.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Money(pub i64);

/// A price kept as it was quoted: an amount per span of time.
///
/// `DescribePrice` quotes per day (`PriceUnit` 天) even for on-demand machines billed by the second;
/// turning the quote into another unit first would lose fractions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// What one span costs.
    pub amount: Money,
    /// The span the amount is for; always positive.
    pub per: Span,
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From whole yuan.
    pub const fn yuan(yuan: i64) -> Self {
        Self(yuan.saturating_mul(1_000_000))
    }

    /// From decimal text such as `9.34`; at most six digits after the point count, the rest is
    /// rounded half up. `None` for anything that is not a plain non-negative decimal number.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        if !whole.chars().chain(fraction.chars()).all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let mut micro: i64 = 0;
        let mut digits = fraction.chars().filter_map(|digit| digit.to_digit(10)).map(i64::from);
        for _ in 0..6 {
            micro = micro * 10 + digits.next().unwrap_or(0);
        }
        let half_up = i64::from(digits.next().is_some_and(|digit| 5 <= digit));
        whole.checked_mul(1_000_000)?.checked_add(micro + half_up).map(Self)
    }
}

impl Money {
    /// A plain decimal number of yuan, as the API takes it: `1.5`, `0.000001`.
    pub fn plain(self) -> String {
        let (whole, micro) = (self.0 / 1_000_000, (self.0 % 1_000_000).unsigned_abs());
        let text = format!("{whole}.{micro:06}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl Price {
    /// A price per hour.
    pub const fn hourly(amount: Money) -> Self {
        Self { amount, per: Span::hours(1) }
    }

    /// What `span` costs at this price, rounded half up to a micro-yuan.
    pub fn over(self, span: Span) -> Money {
        let per = i128::from(self.per.0.max(1));
        let product = i128::from(self.amount.0) * i128::from(span.0.max(0));
        Money(i64::try_from((product + per / 2) / per).unwrap_or(i64::MAX))
    }

    /// What an hour costs: for comparing and showing, not for adding up.
    pub fn per_hour(self) -> Money {
        self.over(Span::hours(1))
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// In yuan with two digits, rounded half up: `¥11.21`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = (self.0.unsigned_abs() + 5_000) / 10_000;
        write!(f, "{sign}¥{}.{:02}", fen / 100, fen % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_text_is_read_exactly() {
        assert_eq!(Money::parse("9.34"), Some(Money(9_340_000)));
        assert_eq!(Money::parse("0.1868333"), Some(Money(186_833)));
        assert_eq!(Money::parse("0.0000005"), Some(Money(1)));
        assert_eq!(Money::parse(".5"), Some(Money(500_000)));
        for wrong in ["", ".", "-1", "1e3", "NaN", "1.2.3", "￥3"] {
            assert_eq!(Money::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_day_at_a_daily_price_costs_the_quote() {
        let price = Price { amount: Money(9_340_000), per: Span::days(1) };
        assert_eq!(price.over(Span::days(1)), Money(9_340_000));
        assert_eq!(price.over(Span::seconds(1)), Money(108));
        assert_eq!(price.over(Span::seconds(-5)), Money::ZERO);
        assert_eq!(price.per_hour().to_string(), "¥0.39");
    }
}
