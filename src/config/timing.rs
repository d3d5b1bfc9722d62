//! `[timing]`: how long things are given.

use super::reader::Reader;
use crate::model::Span;
use crate::policy::Timing;

/// Reads `[timing]`; everything in it has a default.
pub(super) fn read(root: &mut Reader<'_>) -> Timing {
    let mut reader = root.table("timing");
    let mut timing = Timing::default();
    let second = Span::seconds(1);
    let keys: [(&str, &mut Span); 24] = [
        ("queue_poll", &mut timing.queue_poll),
        ("fleet_poll", &mut timing.fleet_poll),
        ("stock_poll", &mut timing.stock_poll),
        ("quote_age_max", &mut timing.quote_age_max),
        ("event_poll", &mut timing.event_poll),
        ("look_timeout", &mut timing.look_timeout),
        ("listing_lag_max", &mut timing.listing_lag_max),
        ("unknown_counts", &mut timing.unknown_counts),
        ("create_grace", &mut timing.create_grace),
        ("late_max", &mut timing.late_max),
        ("boot_max", &mut timing.boot_max),
        ("absent_max", &mut timing.absent_max),
        ("stale_after", &mut timing.stale_after),
        ("quarantine", &mut timing.quarantine),
        ("heartbeat", &mut timing.heartbeat),
        ("boot_mean", &mut timing.boot_mean),
        ("restart_mean", &mut timing.restart_mean),
        ("window", &mut timing.window),
        ("refusal_first", &mut timing.refusal_first),
        ("refusal_max", &mut timing.refusal_max),
        ("tombstone", &mut timing.tombstone),
        ("jump_freeze", &mut timing.jump_freeze),
        ("turn_floor", &mut timing.turn_floor),
        ("turn_ceiling", &mut timing.turn_ceiling),
    ];
    for (name, value) in keys {
        *value = reader.span(name, *value, second);
    }
    sane(&reader, &timing);
    reader.end();
    timing
}

/// Relations that keep machines from being doubled or lost.
fn sane(reader: &Reader<'_>, timing: &Timing) {
    let least = timing.listing_lag_max + timing.late_max + timing.fleet_poll.times(3);
    if timing.create_grace < least {
        let what = "is too short: a create may be carried out late (late_max) and listed late \
                    (listing_lag_max), and three listings (fleet_poll) must miss it";
        reader.fault("create_grace", format!("{what}: at least {least}"));
    }
    if timing.stale_after < timing.queue_poll.times(2) {
        reader.fault("stale_after", "is less than two queue_poll: nothing would ever be fresh");
    }
    if timing.boot_mean < timing.restart_mean {
        reader.fault("restart_mean", "is more than boot_mean: keeping machines would never pay");
    }
    if Span::minutes(25) < timing.window {
        reader.fault("window", "is longer than 25m, further back than requests are counted");
    }
    if timing.turn_ceiling < timing.turn_floor {
        reader.fault("turn_ceiling", "is less than turn_floor");
    }
}
