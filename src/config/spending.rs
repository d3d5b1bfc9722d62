//! Caps on money: of the farm in `[limits]`, of a pool in `[pools.NAME]`.

use super::reader::Reader;
use crate::defaults::ZONE;
use crate::policy::{MoneyCaps, OnCap, Spending};

/// Reads the farm's caps out of `[limits]`.
pub(super) fn read(limits: &mut Reader<'_>) -> Spending {
    let default = Spending::default();
    let on_cap = [("stop_growth", OnCap::StopGrowth), ("drain", OnCap::Drain)];
    let name = limits.text("day_zone", ZONE);
    let zone = jiff::tz::TimeZone::get(&name).unwrap_or_else(|_| {
        let what = format!("is \"{name}\": must be an IANA zone such as Asia/Shanghai");
        limits.fault("day_zone", what);
        jiff::tz::TimeZone::UTC
    });
    Spending {
        caps: caps(limits),
        soft_percent: limits.number("soft_percent", default.soft_percent, 1, 100),
        on_cap: limits.choice("on_cap", &on_cap, 0).unwrap_or_default(),
        zone,
    }
}

/// Reads caps, of the farm or of a pool.
pub(super) fn caps(table: &mut Reader<'_>) -> MoneyCaps {
    let caps = MoneyCaps {
        hour: table.money_or_none("money_per_hour"),
        day: table.money_or_none("money_per_day"),
        month: table.money_or_none("money_per_month"),
    };
    if caps.day.zip(caps.month).is_some_and(|(day, month)| month < day) {
        table.fault("money_per_day", "is more than money_per_month");
    }
    caps
}
