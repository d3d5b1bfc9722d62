//! Whoever reads the log can be slow, gone or out of space: the farm goes on, and the loss is counted.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::process::Stdio;

use farmscale::clock::Clock;
use farmscale::sim::http::Mischief;
use farmscale::sim::provider::Dials;
use serde_json::Value;

use crate::support::cloud::Cloud;
use crate::support::daemon::{Daemon, config};
use crate::support::wait::until;

/// A queue where two tasks wait for ever.
pub(super) const WORK: &str = r#"kind = "command"
command = ["echo", '{"queued": 2, "running": 0, "workers": []}']
drain = ["true"]
undrain = ["true"]"#;

/// A daemon whose log goes there buys for its work and goes on turning; lost lines are counted.
fn farm_with_its_log_on(log: Stdio) {
    let cloud = Cloud::start(Clock::scaled(60), Dials::kind(), Mischief::none());
    let mut daemon = Daemon::new(&config(cloud.address, WORK, 2), 60);
    daemon.start_logging_to(log);
    let bought = |status: &Value| status["machines"].as_array().unwrap().len() == 2;
    let turn = |status: &Value| status["turn"].as_u64().unwrap();
    let first = turn(&daemon.wait_for("machines", bought));
    daemon.wait_for("more turns", |status| first + 50 < turn(status));
    let lost = || Some(lost(&daemon.http("GET /metrics", "localhost", "").1)).filter(|n| *n != 0);
    until(lost, || "no line is counted as lost".to_owned());
    assert!(daemon.terminate(), "it ends in good order");
    assert_eq!(cloud.truth().len(), 2);
}

fn lost(metrics: &str) -> u64 {
    let line = metrics.lines().find(|line| line.starts_with("farmscale_log_lines_lost_total "));
    line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_log_on_a_full_disk_stops_nothing() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    farm_with_its_log_on(full.into());
}

#[test]
fn a_log_whose_reader_has_died_stops_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    farm_with_its_log_on(writer.into());
}

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    farm_with_its_log_on(writer.into());
    drop(reader);
}
