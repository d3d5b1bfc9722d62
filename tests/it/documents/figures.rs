//! Figures that documents state: each row is a document, its words, and the line of the code that says so.
//! Who changes the line is led to the words.

use super::{read, words};

/// `(document, what it says, file, what must stand there)`.
const STATED: &[(&str, &str, &str, &str)] = &[
    // who may call, and how much
    ("docs/http-api.md", "128 connections", "src/page/server.rs", "CONNECTIONS_MAX: usize = 128;"),
    (
        "docs/http-api.md",
        "10 s for the head",
        "src/page/server.rs",
        "HEAD_WITHIN: Duration = Duration::from_secs(10);",
    ),
    (
        "docs/http-api.md",
        "20 s for a request with its body",
        "src/page/entry.rs",
        "ANSWER_WITHIN: Duration = Duration::from_secs(20);",
    ),
    (
        "docs/http-api.md",
        "120 s for a connection",
        "src/page/server.rs",
        "CONNECTION_WITHIN: Duration = Duration::from_mins(2);",
    ),
    ("docs/http-api.md", "16 KiB for a body", "src/page/routes.rs", "BODY_MAX: usize = 16 << 10;"),
    (
        "docs/http-api.md",
        "SameSite=Strict, 12 hours",
        "src/page/sessions.rs",
        "SESSION: Span = Span::hours(12);",
    ),
    ("docs/http-api.md", "a name at 200 bytes", "src/model/text.rs", "NAME_MAX: usize = 200;"),
    ("docs/http-api.md", "a sentence at 1000", "src/model/text.rs", "SENTENCE_MAX: usize = 1000;"),
    (
        "docs/http-api.md",
        "from 1 s to 366 days",
        "src/page/orders.rs",
        "LASTING_MAX: Span = Span::days(366);",
    ),
    (
        "docs/http-api.md",
        "asked for, at most 500",
        "src/page/api/from_core.rs",
        "PLANNED_MAX: usize = 500;",
    ),
    ("docs/http-api.md", "newest last, at most 200", "src/driver.rs", "RECENT_MAX: usize = 200;"),
    (
        "docs/http-api.md",
        "at most 600; the step grows",
        "src/page/board.rs",
        "POINTS_MAX: usize = 600;",
    ),
    (
        "docs/http-api.md",
        "less than two minutes ago",
        "src/page/board.rs",
        "START_WITHIN: Span = Span::minutes(2);",
    ),
    ("docs/http-api.md", "`limit` 100 unless given", "src/page/routes.rs", "limit.unwrap_or(100)"),
    // the way out
    (
        "docs/network.md",
        "16 MiB; codes and messages",
        "src/cloud/client.rs",
        "ANSWER_MAX: usize = 16 << 20;",
    ),
    ("docs/network.md", "cut to 400 characters", "src/cloud/envelope.rs", "TEXT_MAX: usize = 400;"),
    ("docs/network.md", "other texts to 256", "src/cloud/fields.rs", "TEXT_MAX: usize = 256;"),
    (
        "docs/architecture.md",
        "a read refused for its rate, up to three times in all",
        "src/cloud/client.rs",
        "READ_TRIES: u32 = 3;",
    ),
    // queues
    (
        "docs/workers.md",
        "more than 250,000 keys",
        "src/queue/redis/mod.rs",
        "KEYS_MAX: u32 = 250_000;",
    ),
    ("docs/workers.md", "键超过 25 万个", "src/queue/redis/mod.rs", "KEYS_MAX: u32 = 250_000;"),
    (
        "docs/workers.md",
        "JSON of at most `answer_max` (64 MiB)",
        "src/defaults.rs",
        "ANSWER_MAX: u32 = 64;",
    ),
    ("docs/workers.md", "默认 64 MiB", "src/defaults.rs", "ANSWER_MAX: u32 = 64;"),
    // money
    (
        "docs/operations.md",
        "ten minutes while nothing is known) and it is gone",
        "src/plan/tasks.rs",
        "LEFT_UNKNOWN: Span = Span::minutes(10);",
    ),
    (
        "docs/operations.md",
        "and it is gone (two minutes)",
        "src/plan/over_cap.rs",
        "GOING: Span = Span::minutes(2);",
    ),
    (
        "docs/operations.md",
        "could not work for a quarter of an hour",
        "src/plan/over_cap.rs",
        "USEFUL: Span = Span::minutes(15);",
    ),
    (
        "docs/operations.md",
        "A month's cap looks one day ahead",
        "src/plan/caps.rs",
        "MONTH_AHEAD: Span = Span::days(1);",
    ),
    (
        "docs/operations.md",
        "or it is older than a day",
        "src/plan/rank.rs",
        "PRICE_AGE_MAX: Span = Span::days(1);",
    ),
    (
        "docs/architecture.md",
        "a percent for each time a price should have been renewed",
        "src/plan/rank.rs",
        "STALE_PERCENT: i64 = 1;",
    ),
    (
        "docs/architecture.md",
        "Within a percent offers tie",
        "src/plan/rank.rs",
        "TIE_PERCENT: i64 = 1;",
    ),
    (
        "docs/architecture.md",
        "outside a third to three times the last",
        "src/plan/prices.rs",
        "BAND: i64 = 3;",
    ),
    (
        "docs/architecture.md",
        "the dearer of the two counts for a day",
        "src/plan/prices.rs",
        "LASTS: Span = Span::days(1);",
    ),
    // what is believed
    (
        "docs/operations.md",
        "after five minutes nothing is created either",
        "src/plan/situation.rs",
        "SILENT_TIMES: i64 = 5;",
    ),
    (
        "docs/operations.md",
        "three listings that agree",
        "src/plan/settle/listed.rs",
        "LISTINGS_TO_ADOPT: u32 = 3;",
    ),
    (
        "docs/architecture.md",
        "15 minutes and three complete listings have not",
        "src/plan/settle/listed.rs",
        "MISSED_BY_EXPIRY: u32 = 3;",
    ),
    (
        "docs/architecture.md",
        "absent from two believed listings",
        "src/plan/settle/listed.rs",
        "MISSED_TWICE: u32 = 2;",
    ),
    (
        "docs/architecture.md",
        "over 30 % smaller than the last",
        "src/plan/readings.rs",
        "SHRINK_SUSPECT_PERCENT: usize = 30;",
    ),
    (
        "docs/architecture.md",
        "at the third in a row",
        "src/plan/readings.rs",
        "SUSPECT_BELIEVED_AT: u32 = 3;",
    ),
    (
        "docs/architecture.md",
        "where all of a pool vanish within a minute",
        "src/plan/release/together/silence.rs",
        "TOGETHER: Span = Span::minutes(1);",
    ),
    (
        "docs/architecture.md",
        "measured a minute after idleness began",
        "src/plan/safety.rs",
        "GPU_SETTLES: Span = Span::minutes(1);",
    ),
    // machines that misbehave
    (
        "docs/operations.md",
        "(three or more in a row), brought no worker",
        "src/plan/boots.rs",
        "OPENS_AT: u32 = 3;",
    ),
    (
        "docs/operations.md",
        "One machine at a time tries again, after 5 minutes",
        "src/plan/boots.rs",
        "PAUSE: Span = Span::minutes(5);",
    ),
    (
        "docs/operations.md",
        "doubling up to an hour; the first that joins",
        "src/plan/boots.rs",
        "PAUSE_MAX: Span = Span::hours(1);",
    ),
    (
        "docs/operations.md",
        "no more over an hour ago",
        "src/plan/release/drain_begun.rs",
        "LASTS: Span = Span::hours(1);",
    ),
    (
        "docs/operations.md",
        "unless set, twice the longest task",
        "src/plan/tasks.rs",
        "TIMES_LONGEST: i64 = 2;",
    ),
    (
        "docs/operations.md",
        "at least 15 minutes; 30 while nothing is known",
        "src/plan/tasks.rs",
        "LEAST: Span = Span::minutes(15);",
    ),
    (
        "docs/operations.md",
        "at least 15 minutes; 30 while nothing is known",
        "src/plan/tasks.rs",
        "UNKNOWN: Span = Span::minutes(30);",
    ),
    (
        "docs/operations.md",
        "All busy machines of the farm, three or more",
        "src/plan/release/together/hung.rs",
        "FAULT_AT: usize = 3;",
    ),
    (
        "docs/operations.md",
        "(a tenth of the pool, at least one) were replaced",
        "src/plan/release/together/hung.rs",
        "SHARE: usize = 10;",
    ),
    (
        "docs/operations.md",
        "Idle ones first, a tenth of the pool at a time",
        "src/plan/release/together/replacing.rs",
        "SHARE: usize = 10;",
    ),
    (
        "docs/architecture.md",
        "times that would have cost least over the last 400 pauses",
        "src/plan/promise/gaps.rs",
        "KEPT: usize = 400;",
    ),
    (
        "docs/architecture.md",
        "as eight equally likely futures",
        "src/plan/promise/estimate.rs",
        "FUTURES: usize = 8;",
    ),
    // the daemon
    (
        "docs/operations.md",
        "after a pause that doubles up to a minute",
        "src/daemon/supervisor.rs",
        "PAUSE_MAX: Span = Span::seconds(60);",
    ),
    (
        "docs/operations.md",
        "After five such crashes within ten minutes",
        "src/daemon/crashes.rs",
        "LOOP_CRASHES: usize = 5;",
    ),
    (
        "docs/operations.md",
        "After five such crashes within ten minutes",
        "src/daemon/crashes.rs",
        "LOOP_WITHIN: Span = Span::minutes(10);",
    ),
    (
        "docs/operations.md",
        "changes nothing for half an hour",
        "src/daemon/supervisor.rs",
        "LOOKING_FOR: Span = Span::minutes(30);",
    ),
    ("config/farmscale.toml", "mode 0660", "src/daemon/socket.rs", "MODE: u32 = 0o660;"),
    // commands
    (
        "docs/operations.md",
        "not younger than `--grace` (1 h)",
        "src/cli/sweep.rs",
        "default_value = \"1h\"",
    ),
    (
        "docs/operations.md",
        "not seen within `--within` (20 min)",
        "src/cli/sweep.rs",
        "default_value = \"20m\"",
    ),
    (
        "docs/operations.md",
        "has been silent for 30 minutes",
        "src/cli/watchdog/mod.rs",
        "default_value = \"30m\"",
    ),
];

#[test]
fn every_figure_of_the_documents_is_the_codes() {
    let mut faults = Vec::new();
    for (document, said, file, definition) in STATED {
        if !words(&read(document)).contains(said) {
            faults.push(format!("{document} does not say \"{said}\" any more"));
        }
        if !read(file).contains(definition) {
            faults.push(format!("{file}: `{definition}` is gone; {document} says \"{said}\""));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
