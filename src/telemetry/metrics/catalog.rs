//! The list of metrics: name, kind, unit, labels, help. docs/metrics.md is made from it.

/// How a metric moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Up and down.
    Gauge,
    /// Up alone.
    Counter,
}

/// One metric.
#[derive(Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// What it counts in.
    pub unit: &'static str,
    /// Its labels; their values are bounded by the config, never a machine's name.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

macro_rules! metrics {
    ($(
        $ident:ident $kind:ident $name:literal, $unit:literal, [$($label:literal),*],
        $help:literal;
    )*) => {
        $(pub(super) const $ident: Metric = Metric {
            name: $name,
            kind: Kind::$kind,
            unit: $unit,
            labels: &[$($label),*],
            help: $help,
        };)*

        /// All of them.
        pub const METRICS: &[&Metric] = &[$(&$ident),*];
    };
}

metrics! {
    BUILD_INFO Gauge "farmscale_build_info", "1", ["version"],
        "Always 1; the version that runs is its label.";
    SNAPSHOT_AT Gauge "farmscale_snapshot_timestamp_seconds", "seconds since 1970", [],
        "When the last turn ended. A daemon that stands still leaves it behind.";
    TURNS Counter "farmscale_turns_total", "turns", [],
        "Turns since the daemon started.";
    ADOPTED Gauge "farmscale_adopted", "0 or 1", [],
        "Whether the farm at the provider is known; nothing is bought or let go before.";
    PAUSED Gauge "farmscale_paused", "0 or 1", [],
        "Whether an operator has paused the farm.";
    RETIRING Gauge "farmscale_retiring", "0 or 1", [],
        "Whether the farm is being decommissioned.";
    MACHINES Gauge "farmscale_machines", "machines", ["pool", "phase"],
        "Machines by phase. A phase that holds none is 0.";
    WORKERS Gauge "farmscale_machine_workers", "machines", ["pool", "state"],
        "Machines whose workers are busy, idle or drained.";
    HELD Gauge "farmscale_machines_held", "machines", ["pool"],
        "Machines that an operator keeps.";
    SIZE_MIN Gauge "farmscale_pool_min", "machines", ["pool"],
        "The pool's min now, calendar windows applied.";
    SIZE_MAX Gauge "farmscale_pool_max", "machines", ["pool"],
        "The pool's max now, calendar windows applied.";
    DEMAND Gauge "farmscale_demand_slots", "slots", ["pool"],
        "Slots that the work asks for.";
    CAPACITY Gauge "farmscale_capacity_slots", "slots", ["pool"],
        "Slots there are or that are on their way.";
    TASKS Gauge "farmscale_queue_tasks", "tasks", ["pool", "state"],
        "Tasks that wait or run, by the queue's word.";
    OLDEST_WAIT Gauge "farmscale_queue_oldest_wait_seconds", "seconds", ["pool"],
        "How long the oldest waiting task has waited; 0 where nothing waits or it is not known.";
    QUEUE_AGE Gauge "farmscale_queue_age_seconds", "seconds", ["pool"],
        "How old the queue's last word is.";
    HOURLY Gauge "farmscale_money_hourly_yuan", "yuan an hour", [],
        "What the farm costs an hour now.";
    HOURLY_RESERVED Gauge "farmscale_money_hourly_reserved_yuan", "yuan an hour", [],
        "What the farm would cost an hour were every machine running.";
    TOTAL Gauge "farmscale_money_total_yuan", "yuan", [],
        "Spent since the store was made.";
    ESTIMATED Gauge "farmscale_money_estimated_yuan", "yuan", [],
        "The part of the total that rests on listings instead of the provider's own times.";
    TODAY Gauge "farmscale_money_today_yuan", "yuan", [],
        "Spent since midnight in day_zone.";
    MONTH Gauge "farmscale_money_month_yuan", "yuan", [],
        "Spent since the first of the month.";
    FORECAST_TODAY Gauge "farmscale_money_forecast_today_yuan", "yuan", [],
        "Spent by midnight, if all goes on as it is.";
    FORECAST_MONTH Gauge "farmscale_money_forecast_month_yuan", "yuan", [],
        "Spent by the end of the month, if days go on as the last ones did.";
    CAP Gauge "farmscale_cap_yuan", "yuan", ["pool", "span"],
        "A cap on money of an hour, a day or a month; an empty pool is the whole farm.";
    CAP_COMMITTED Gauge "farmscale_cap_committed_yuan", "yuan", ["pool", "span"],
        "What is spent and reserved under that cap.";
    OFFER_HOURLY Gauge "farmscale_offer_hourly_yuan", "yuan an hour", ["pool", "offer"],
        "The price of an offer; absent while it is not known.";
    OFFER_SELLS Gauge "farmscale_offer_sells", "0 or 1", ["pool", "offer"],
        "Whether the provider has stock of an offer; absent while it is not known.";
    OFFER_BLOCKED Gauge "farmscale_offer_blocked", "0 or 1", ["pool", "offer"],
        "Whether an offer cannot be bought now, for whatever reason.";
    REQUESTS Counter "farmscale_requests_total", "requests", ["action"],
        "Requests that change something, sent since the store was made.";
    REFUSALS Counter "farmscale_refusals_total", "requests", [],
        "Requests that were refused.";
    UNKNOWNS Counter "farmscale_unknowns_total", "requests", [],
        "Requests whose outcome was not known at first.";
    BLOCKED Gauge "farmscale_blocked", "0 or 1", ["pool", "reason"],
        "Whether a constraint holds (docs/operations.md). One that once held goes back to 0.";
    SOURCE_FAILING Gauge "farmscale_source_failing", "sources", ["source"],
        "How many sources of a kind fail: queue, cloud, clock. One that once failed goes back to 0.";
    LOG_LINES_LOST Counter "farmscale_log_lines_lost_total", "lines", [],
        "Log lines that could not be written: a full disk, or a reader that is slow or gone.";
}
