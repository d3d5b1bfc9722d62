//! Metrics for Prometheus, made anew from each snapshot. Labels are bounded by the config: pools,
//! phases, kinds of reasons, offers; never a machine's name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::Label;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::words;
use crate::model::snapshot::{Phase, PoolView, Snapshot};
use crate::model::{Money, Span, Stock, WorkerState};

mod catalog;

pub use catalog::{Kind, METRICS, Metric};

/// All phases: one that holds no machine is 0, not absent.
const PHASES: [Phase; 8] = [
    Phase::Launching,
    Phase::Booting,
    Phase::Ready,
    Phase::Draining,
    Phase::Stopping,
    Phase::Stopped,
    Phase::Starting,
    Phase::Leaving,
];

/// A metric's name with its labels.
type Series = (&'static str, Vec<(&'static str, String)>);

/// The metrics of one daemon.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// Of the last snapshot.
    handle: Option<PrometheusHandle>,
    /// Constraints and sources that were shown and may have to go back to 0.
    shown: BTreeSet<Series>,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Takes a snapshot over.
    pub fn update(&self, farm: &Snapshot) {
        // A recorder of its own each time: what the snapshot does not hold is not shown any more.
        let recorder = PrometheusBuilder::new().build_recorder();
        let mut inner = self.inner();
        metrics::with_local_recorder(&recorder, || {
            describe();
            of_farm(farm);
            farm.pools.iter().for_each(|pool| of_pool(farm, pool));
            of_money(farm);
            of_offers(farm);
            of_requests(farm);
            flags(farm, &mut inner.shown);
        });
        inner.handle = Some(recorder.handle());
    }

    /// The text Prometheus reads; empty before the first snapshot.
    pub fn render(&self) -> String {
        let handle = self.inner().handle.clone();
        handle.map_or_else(String::new, |handle| handle.render())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn describe() {
    for metric in METRICS {
        match metric.kind {
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
        }
    }
}

/// Sets a metric; the values stand in the order of its labels.
fn set(metric: &Metric, values: &[&str], value: f64) {
    let pairs = metric.labels.iter().zip(values);
    let labels: Vec<Label> =
        pairs.map(|(key, value)| Label::new(*key, (*value).to_owned())).collect();
    metrics::gauge!(metric.name, labels).set(value);
}

fn count(metric: &Metric, values: &[&str], value: u64) {
    let pairs = metric.labels.iter().zip(values);
    let labels: Vec<Label> =
        pairs.map(|(key, value)| Label::new(*key, (*value).to_owned())).collect();
    metrics::counter!(metric.name, labels).absolute(value);
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "gauges are floats")]
const fn yuan(money: Money) -> f64 {
    money.0 as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "gauges are floats")]
const fn seconds(span: Span) -> f64 {
    span.0 as f64 / 1e3
}

fn of_farm(farm: &Snapshot) {
    set(&catalog::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1.0);
    set(&catalog::SNAPSHOT_AT, &[], seconds(Span(farm.at.0)));
    count(&catalog::TURNS, &[], farm.turn);
    set(&catalog::ADOPTED, &[], flag(farm.adopted_at.is_some()));
    set(&catalog::PAUSED, &[], flag(farm.paused.is_some()));
    set(&catalog::RETIRING, &[], flag(farm.retiring.is_some()));
    count(&catalog::LOG_LINES_LOST, &[], super::log::lost());
}

fn flag(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn of_pool(farm: &Snapshot, pool: &PoolView) {
    let name: &str = &pool.name;
    for phase in PHASES {
        let machines = pool.phases.get(&phase).copied().unwrap_or(0);
        set(&catalog::MACHINES, &[name, words::phase(phase)], f64::from(machines));
    }
    let machines = || farm.machines.iter().filter(|machine| machine.pool == pool.name);
    for (state, word) in [
        (WorkerState::Idle, "idle"),
        (WorkerState::Busy, "busy"),
        (WorkerState::Drained, "drained"),
    ] {
        let there = machines().filter(|machine| machine.worker == Some(state)).count();
        set(&catalog::WORKERS, &[name, word], number(there));
    }
    let held = machines().filter(|machine| machine.held.is_some()).count();
    set(&catalog::HELD, &[name], number(held));
    let (min, max) = pool.size;
    set(&catalog::SIZE_MIN, &[name], f64::from(min));
    set(&catalog::SIZE_MAX, &[name], f64::from(max));
    set(&catalog::DEMAND, &[name], f64::from(pool.report.demand_slots));
    set(&catalog::CAPACITY, &[name], f64::from(pool.report.capacity_slots));
    set(&catalog::TASKS, &[name, "waiting"], f64::from(pool.queued));
    set(&catalog::TASKS, &[name, "running"], f64::from(pool.running));
    set(&catalog::OLDEST_WAIT, &[name], seconds(pool.oldest_wait.unwrap_or(Span::ZERO)));
    if let Some(age) = pool.queue_age {
        set(&catalog::QUEUE_AGE, &[name], seconds(age));
    }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn of_money(farm: &Snapshot) {
    let (spend, ledger) = (&farm.spend, &farm.ledger);
    for (metric, money) in [
        (&catalog::HOURLY, spend.hourly),
        (&catalog::HOURLY_RESERVED, spend.hourly_reserved),
        (&catalog::TOTAL, spend.total),
        (&catalog::ESTIMATED, spend.estimated),
        (&catalog::TODAY, ledger.spent_today),
        (&catalog::MONTH, ledger.spent_month),
        (&catalog::FORECAST_TODAY, ledger.forecast_today),
        (&catalog::FORECAST_MONTH, ledger.forecast_month),
    ] {
        set(metric, &[], yuan(money));
    }
    for cap in &ledger.caps {
        let labels = [cap.pool.as_deref().unwrap_or(""), cap.span.word()];
        set(&catalog::CAP, &labels, yuan(cap.cap));
        set(&catalog::CAP_COMMITTED, &labels, yuan(cap.committed));
    }
}

fn of_offers(farm: &Snapshot) {
    for offer in &farm.offers {
        let name = offer.offer.to_string();
        let labels = [&*offer.pool, &*name];
        if let Some(hourly) = offer.hourly {
            set(&catalog::OFFER_HOURLY, &labels, yuan(hourly));
        }
        if let Some(stock) = offer.stock {
            set(&catalog::OFFER_SELLS, &labels, flag(stock == Stock::Sells));
        }
        set(&catalog::OFFER_BLOCKED, &labels, flag(offer.blocked.is_some()));
    }
}

fn of_requests(farm: &Snapshot) {
    let counts = farm.counts;
    for (action, sent) in [
        ("create", counts.creates),
        ("start", counts.starts),
        ("stop", counts.stops),
        ("delete", counts.deletes),
    ] {
        count(&catalog::REQUESTS, &[action], sent);
    }
    count(&catalog::REFUSALS, &[], counts.refusals);
    count(&catalog::UNKNOWNS, &[], counts.unknowns);
}

/// How many hold now, and 0 for what once did: constraints and sources.
fn flags(farm: &Snapshot, shown: &mut BTreeSet<Series>) {
    let mut now: BTreeMap<Series, f64> = BTreeMap::new();
    for pool in &farm.pools {
        for blocked in &pool.report.constraints {
            let key = words::constraint(blocked).key;
            let labels = vec![("pool", pool.name.to_string()), ("reason", key.to_owned())];
            now.insert((catalog::BLOCKED.name, labels), 1.0);
        }
    }
    for source in farm.faults.keys() {
        let labels = vec![("source", source.kind().to_owned())];
        *now.entry((catalog::SOURCE_FAILING.name, labels)).or_default() += 1.0;
    }
    shown.extend(now.keys().cloned());
    for series in shown.iter() {
        let value = now.get(series).copied().unwrap_or(0.0);
        let (name, labels) = series;
        metrics::gauge!(*name, labels).set(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_metrics_is_this_list() {
        let mut page = String::from(
            "# Metrics\n\n`GET /metrics` gives them in Prometheus' text format. This page is made \
             from the list in `src/telemetry/metrics/catalog.rs` by a test \
             (`UPDATE_DOCS=1 cargo nextest run -E 'test(the_page_of_metrics_is_this_list)'`).\n\n\
             | metric | kind | unit | labels | what it says |\n|---|---|---|---|---|\n",
        );
        for metric in METRICS {
            let kind = format!("{:?}", metric.kind).to_lowercase();
            let labels = metric.labels.iter().map(|label| format!("`{label}`"));
            let labels = labels.collect::<Vec<_>>().join(", ");
            let Metric { name, unit, help, .. } = metric;
            page.extend([format!("| `{name}` | {kind} | {unit} | {labels} | {help} |\n")]);
        }
        words::tests::hold("docs/metrics.md", &page);
    }

    #[test]
    fn names_follow_the_conventions() {
        for metric in METRICS {
            let is_total = metric.name.ends_with("_total");
            assert_eq!(is_total, metric.kind == Kind::Counter, "{}", metric.name);
            assert!(metric.name.starts_with("farmscale_") && metric.help.ends_with('.'));
        }
    }
}
