//! `[pools.NAME.spot]`: whether and how spot machines are bought.

use super::reader::Reader;
use crate::defaults::pool::SKIP_SPOT_RELEASE;
use crate::defaults::spot::{ON_DEMAND_MIN, ON_DEMAND_PERCENT};
use crate::policy::Spot;

/// Reads a pool's `spot`: the rule, if the table is there, and `SkipSpotRelease`.
pub(super) fn read(pool: &mut Reader<'_>, warnings: &mut Vec<String>) -> (Option<Spot>, bool) {
    let is_there = pool.has("spot");
    let mut reader = pool.table("spot");
    let rule = Spot {
        bid: reader.money_or_none("bid"),
        most: reader.money_or_none("max_price"),
        on_demand_min: reader.number("on_demand_min", ON_DEMAND_MIN, 0, 10_000),
        on_demand_percent: reader.number("on_demand_percent", ON_DEMAND_PERCENT, 0, 100),
    };
    if rule.bid.zip(rule.most).is_some_and(|(bid, most)| most < bid) {
        reader.fault("bid", "is more than max_price");
    }
    let skip = reader.flag("skip_spot_release", SKIP_SPOT_RELEASE);
    if !skip {
        warnings.push(
            "skip_spot_release = false: growing may take spot machines back, our own among them, \
             and a create may take an hour; raise timing.create_grace to 90m"
                .to_owned(),
        );
    }
    reader.end();
    (is_there.then_some(rule), skip)
}
