//! Metrics for Prometheus. Labels are bounded by the config: pools, phases, kinds of reasons; never
//! a machine's name.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::reasons;
use crate::model::snapshot::{Phase, Snapshot};

/// All phases: one that holds no machine is 0, not absent.
const PHASES: [(Phase, &str); 8] = [
    (Phase::Launching, "launching"),
    (Phase::Booting, "booting"),
    (Phase::Ready, "ready"),
    (Phase::Draining, "draining"),
    (Phase::Stopping, "stopping"),
    (Phase::Stopped, "stopped"),
    (Phase::Starting, "starting"),
    (Phase::Leaving, "leaving"),
];

/// The metrics of one daemon.
#[derive(Clone)]
pub struct Metrics {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
    /// Series of reasons and sources that were shown and may have to go back to 0.
    shown: Arc<Mutex<BTreeSet<Series>>>,
}

/// A metric with its labels.
type Series = (&'static str, Vec<(&'static str, String)>);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics of their own, so that two daemons in one process do not mix.
    pub fn new() -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        Self { recorder: Arc::new(recorder), handle, shown: Arc::default() }
    }

    /// Takes a snapshot over.
    #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "gauges are floats")]
    pub fn update(&self, farm: &Snapshot) {
        metrics::with_local_recorder(&*self.recorder, || {
            let yuan = |money: crate::model::Money| money.0 as f64 / 1e6;
            metrics::gauge!("farmscale_snapshot_at_seconds").set(farm.at.0 as f64 / 1e3);
            metrics::gauge!("farmscale_money_hourly_yuan").set(yuan(farm.spend.hourly));
            metrics::gauge!("farmscale_money_total_yuan").set(yuan(farm.spend.total));
            for pool in &farm.pools {
                let name = || pool.name.to_string();
                for (phase, word) in PHASES {
                    let count = pool.phases.get(&phase).copied().unwrap_or(0);
                    metrics::gauge!("farmscale_machines", "pool" => name(), "phase" => word)
                        .set(f64::from(count));
                }
                for (state, count) in [("waiting", pool.queued), ("running", pool.running)] {
                    metrics::gauge!("farmscale_queue_tasks", "pool" => name(), "state" => state)
                        .set(f64::from(count));
                }
            }
            let counts = farm.counts;
            for (action, count) in [
                ("create", counts.creates),
                ("start", counts.starts),
                ("stop", counts.stops),
                ("delete", counts.deletes),
            ] {
                metrics::counter!("farmscale_requests_total", "action" => action).absolute(count);
            }
            metrics::counter!("farmscale_refusals_total").absolute(counts.refusals);
            metrics::counter!("farmscale_unknowns_total").absolute(counts.unknowns);
            metrics::counter!("farmscale_log_lines_lost_total").absolute(super::log::lost());
            self.flags(farm);
        });
    }

    /// 1 for what holds now, 0 for what once did.
    fn flags(&self, farm: &Snapshot) {
        let mut now: BTreeSet<Series> = BTreeSet::new();
        for pool in &farm.pools {
            for reason in &pool.report.constraints {
                let labels =
                    vec![("pool", pool.name.to_string()), ("reason", reasons::kind(reason))];
                now.insert(("farmscale_blocked", labels));
            }
        }
        for source in farm.faults.keys() {
            let kind = source.kind().to_owned();
            now.insert(("farmscale_source_failing", vec![("source", kind)]));
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, labels) in shown.difference(&now) {
            metrics::gauge!(*name, labels).set(0.0);
        }
        for (name, labels) in &now {
            metrics::gauge!(*name, labels).set(1.0);
        }
        shown.extend(now);
    }

    /// The text Prometheus reads.
    pub fn render(&self) -> String {
        self.handle.render()
    }
}
