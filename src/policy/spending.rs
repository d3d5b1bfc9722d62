//! Caps on money, and where days and months begin.

use crate::model::{Money, Span, Text, Time};

/// Money at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MoneyCaps {
    /// An hour, were every machine running.
    pub hour: Option<Money>,
    /// A day.
    pub day: Option<Money>,
    /// A calendar month.
    pub month: Option<Money>,
}

/// What happens at a cap of a day or a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnCap {
    /// Growth stops in time for what runs to go on until midnight: nothing is drained.
    #[default]
    StopGrowth,
    /// The farm grows on, and at the cap it is drained: tasks end, no machine stays.
    Drain,
}

/// The farm's caps on money.
#[derive(Debug, Clone)]
pub struct Spending {
    /// Of the farm as a whole.
    pub caps: MoneyCaps,
    /// Beyond so many percent of a cap growth is slow and told.
    pub soft_percent: u32,
    /// At a cap.
    pub on_cap: OnCap,
    /// Days and months begin at midnight here.
    pub zone: jiff::tz::TimeZone,
}

impl Spending {
    /// The day `at` lies in, as `2026-01-31`, and when it ends.
    pub fn day_of(&self, at: Time) -> (Text, Time) {
        let date = self.date(at);
        let until = date.tomorrow().ok().and_then(|next| self.midnight(next));
        (date.to_string().into(), until.unwrap_or(at + Span::days(1)))
    }

    /// When the day `at` lies in began.
    pub fn day_begins_at(&self, at: Time) -> Time {
        self.midnight(self.date(at)).unwrap_or(at)
    }

    /// When the month `at` lies in ends.
    pub fn month_ends_at(&self, at: Time) -> Time {
        let last = self.date(at).last_of_month();
        let until = last.tomorrow().ok().and_then(|next| self.midnight(next));
        until.unwrap_or(at + Span::days(1))
    }

    /// The longest day there is from `at` on: 25 hours where clocks will be put back.
    pub fn longest_day(&self, at: Time) -> Span {
        let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        let next = self.zone.following(instant).next();
        let soon = next
            .is_some_and(|change| change.timestamp().as_millisecond() < (at + Span::days(400)).0);
        Span::hours(if soon { 25 } else { 24 })
    }

    fn date(&self, at: Time) -> jiff::civil::Date {
        let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        instant.to_zoned_datetime(self.zone.clone()).date()
    }

    fn midnight(&self, date: jiff::civil::Date) -> Option<Time> {
        let midnight = date.to_datetime(jiff::civil::Time::midnight());
        let zoned = midnight.to_zoned_datetime(self.zone.clone()).ok()?;
        Some(Time(zoned.timestamp().as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn a_day_and_a_month_end_at_midnight_there_also_when_clocks_change() {
        let spending = |zone: &str| Spending {
            zone: jiff::tz::TimeZone::get(zone).unwrap(),
            ..Spending::default()
        };
        let (day, until) = spending("Asia/Shanghai").day_of(at("2026-01-30T17:00:00Z"));
        assert_eq!((&*day, until), ("2026-01-31", at("2026-01-31T16:00:00Z")));
        let month = spending("Asia/Shanghai").month_ends_at(at("2026-01-30T17:00:00Z"));
        assert_eq!(month, at("2026-01-31T16:00:00Z"));
        let (day, until) = spending("Europe/Berlin").day_of(at("2026-03-29T10:00:00Z"));
        assert_eq!((&*day, until), ("2026-03-29", at("2026-03-29T22:00:00Z")), "23 hours long");
        let longest = |zone| spending(zone).longest_day(at("2026-03-29T10:00:00Z"));
        assert_eq!(longest("Europe/Berlin"), Span::hours(25), "in October");
        assert_eq!(longest("Asia/Shanghai"), Span::days(1));
    }
}
