//! `farmscale backtest`: every policy on one load, and ours before the others.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use serde_json::Value;

use crate::support::daemon::farmscale;

/// The columns people compare.
const COLUMNS: [&str; 12] = [
    "trace",
    "policy",
    "cost_per_work",
    "wait_mean_s",
    "wait_p95_s",
    "wait_p99_s",
    "wait_max_s",
    "late_share",
    "creates",
    "starts",
    "stops",
    "idle_share",
];

fn rows(more: &[&str]) -> Vec<Value> {
    let line = [&["backtest", "--json"], more].concat();
    let output = farmscale(&line, &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn on_the_bundled_day_balanced_is_cheaper_than_every_peer_within_its_promise() {
    let rows = rows(&["--seeds", "1,2,3"]);
    assert_eq!(rows.len(), 6, "three presets, three peers");
    for row in &rows {
        for column in COLUMNS {
            assert!(!row[column].is_null(), "{column} is missing: {row}");
        }
    }
    let number = |row: &Value, column: &str| row[column].as_f64().unwrap();
    let named = |name: &str| rows.iter().find(|row| row["policy"] == name).unwrap();
    let balanced = named("farmscale balanced");
    assert!(number(balanced, "wait_p95_s") <= 360.0, "{balanced}");
    for peer in rows.iter().filter(|row| row["policy"].as_str().unwrap().ends_with("-like")) {
        let saved = number(peer, "cost_per_work") - number(balanced, "cost_per_work");
        assert!(0.0 < saved, "{peer} against {balanced}");
    }
    let fast = named("farmscale fast");
    assert!(number(fast, "wait_p95_s") < number(balanced, "wait_p95_s"), "{fast}");
}

#[test]
fn the_suite_replays_the_loads_that_are_asked_for_with_and_without_their_labels() {
    let shot = ["--suite", "shot_20x900,6x40", "--policy", "balanced"];
    let (told, hidden) = (rows(&shot), rows(&[&shot[..], &["--no-labels"]].concat()));
    for rows in [&told, &hidden] {
        let traces: Vec<&str> = rows.iter().map(|row| row["trace"].as_str().unwrap()).collect();
        assert_eq!(traces, ["shot_20x900", "shots_6x40x1800_4h"]);
        assert!(rows.iter().all(|row| 1.0 < row["cost_per_work"].as_f64().unwrap()), "{rows:?}");
    }
    let output = farmscale(&["backtest", "--suite", "no-such-load"], &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("there are: surf_render_30d"), "{said}");
}

#[test]
fn billed_by_the_hour_machines_are_kept_to_its_end_and_cost_accordingly() {
    let of = |billing: &str| {
        let rows = rows(&["--policy", "balanced", "--billing", billing]);
        rows[0]["cost_per_work"].as_f64().unwrap()
    };
    let (second, hour) = (of("second"), of("hour"));
    assert!(second < hour && hour < second * 2.0, "{second} by the second, {hour} by the hour");
}

#[test]
fn a_trace_that_cannot_be_read_is_told_by_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.csv");
    std::fs::write(&path, "submit_s,duration_s,gpus,pool\n1,x,1,gpu\n").unwrap();
    let output = farmscale(&["backtest", "--trace", path.to_str().unwrap()], &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains("load.csv: line 2: `duration_s` is `x`"), "{said}");
}
