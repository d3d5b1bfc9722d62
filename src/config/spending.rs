//! Caps on money: of the farm in `[limits]`, of a pool in `[pools.NAME]`.

use super::reader::Reader;
use crate::policy::{MoneyCaps, OnCap, Spending};

/// Reads the farm's caps out of `[limits]`; its cap by the hour is read with the other limits.
pub(super) fn read(limits: &mut Reader<'_>) -> Spending {
    let default = Spending::default();
    let on_cap = [("stop_growth", OnCap::StopGrowth), ("drain", OnCap::Drain)];
    let name = limits.text("day_zone", "Asia/Shanghai");
    let zone = jiff::tz::TimeZone::get(&name).unwrap_or_else(|_| {
        let what = format!("is \"{name}\": must be an IANA zone such as Asia/Shanghai");
        limits.fault("day_zone", what);
        jiff::tz::TimeZone::UTC
    });
    Spending {
        caps: MoneyCaps {
            hour: None,
            day: limits.money_or_none("money_per_day"),
            month: limits.money_or_none("money_per_month"),
        },
        soft_percent: limits.number("soft_percent", default.soft_percent, 1, 100),
        on_cap: limits.choice("on_cap", &on_cap, 0).unwrap_or_default(),
        zone,
    }
}

/// Reads a pool's own caps.
pub(super) fn caps(pool: &mut Reader<'_>) -> MoneyCaps {
    MoneyCaps {
        hour: pool.money_or_none("money_per_hour"),
        day: pool.money_or_none("money_per_day"),
        month: pool.money_or_none("money_per_month"),
    }
}
