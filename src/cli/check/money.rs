//! What a config may cost: caps on money, and whether they pay for a machine at all.

use super::super::out;
use super::online::Row;
use crate::config::Settings;
use crate::model::{Money, Price, Span, Time};
use crate::policy::{MoneyCaps, OnCap};

/// Where machines are drained at a cap: nothing is made that could not work for a quarter of an hour
/// and be let go after that.
const SHORTEST: Span = Span::minutes(17);

/// The caps of the farm (`None`) and of each pool, with the key they are set below.
fn caps_by_scope(settings: &Settings) -> Vec<(Option<&str>, String, MoneyCaps)> {
    let policy = &settings.policy;
    let farm = (None, "limits".to_owned(), policy.spending.caps);
    let pools = policy.pools.iter().map(|pool| {
        let name: &str = &pool.name;
        (Some(name), format!("pools.{name}"), pool.caps)
    });
    std::iter::once(farm).chain(pools).collect()
}

fn spans(caps: MoneyCaps) -> [(&'static str, Option<Money>); 3] {
    [("hour", caps.hour), ("day", caps.day), ("month", caps.month)]
}

/// The caps as a table, and what happens at them.
pub(super) fn table(settings: &Settings) -> String {
    let rows = caps_by_scope(settings).into_iter().map(|(pool, _, caps)| {
        let [hour, day, month] = spans(caps)
            .map(|(_, cap)| cap.map_or_else(|| "no cap".to_owned(), |cap| cap.to_string()));
        [
            pool.map_or_else(|| "the farm".to_owned(), |pool| format!("pool {pool}")),
            hour,
            day,
            month,
        ]
    });
    let table = out::table(["money of", "an hour", "a day", "a month"], rows.collect());
    let spending = &settings.policy.spending;
    let at_cap = match spending.on_cap {
        OnCap::StopGrowth => "stop_growth: nothing is made that could pass it, what runs goes on",
        OnCap::Drain => "drain: machines are let go as their tasks end",
    };
    let zone = spending.zone.iana_name().unwrap_or("UTC");
    format!("{table}\nat a day's or a month's cap (days of {zone}): {at_cap}")
}

/// A farm without any cap is bounded by its machines alone.
pub(super) fn warning(settings: &Settings) -> Option<String> {
    let caps = caps_by_scope(settings).into_iter().flat_map(|(_, _, caps)| spans(caps));
    let none = caps.into_iter().all(|(_, cap)| cap.is_none());
    none.then(|| {
        "no cap on money is set: limits.money_per_day bounds what a day may cost (also \
         money_per_hour and money_per_month, and for each pool)"
            .to_owned()
    })
}

/// Caps that do not pay for one machine of the cheapest offer: nothing would ever be made.
pub(super) fn too_low(settings: &Settings, rows: &[Row], now: Time) -> Vec<String> {
    let spending = &settings.policy.spending;
    let mut notes = Vec::new();
    for (pool, key, caps) in caps_by_scope(settings) {
        let of = |row: &&Row| pool.is_none_or(|pool| *row.pool == *pool);
        let prices = rows.iter().filter(of).filter(|row| row.faults.is_empty());
        let Some(hourly) = prices.filter_map(|row| row.hourly).min() else { continue };
        for (span, cap) in spans(caps) {
            let lasts = match (span, spending.on_cap) {
                ("hour", _) => Span::hours(1),
                (_, OnCap::StopGrowth) => spending.longest_day(now),
                (_, OnCap::Drain) => SHORTEST,
            };
            let costs = Price::hourly(hourly).over(lasts);
            if let Some(cap) = cap.filter(|cap| *cap < costs) {
                notes.push(format!(
                    "{key}.money_per_{span} of {cap} does not pay for one machine: the cheapest \
                     costs {hourly} an hour, and {costs} for the {lasts} that must be payable; \
                     nothing would be made"
                ));
            }
        }
    }
    notes
}
