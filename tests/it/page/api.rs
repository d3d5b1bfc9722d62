//! The HTTP API: its shape as documented, whatever is said by those outside, and who may call it.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use farmscale::clock::Clock;
use farmscale::model::snapshot::Blocked;
use farmscale::model::{SourceId, Span, Time};
use farmscale::page::api::{Ledger, Status};
use farmscale::page::{self, Board};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::sample::{farm, options, serve};
use crate::support::daemon::http;
use crate::support::wait::until;

const TOKEN: &str = "a-token-of-more-than-sixteen-letters";

fn ask(page: SocketAddr, line: &str, more: &str) -> (String, Value) {
    let (head, body) = http(page, &format!("{line} HTTP/1.1"), "127.0.0.1", more).unwrap();
    (head, serde_json::from_str(&body).unwrap_or_default())
}

fn post(page: SocketAddr, path: &str, headers: &str, body: &Value) -> (String, Value) {
    let body = body.to_string();
    let length = body.len();
    let more = format!(
        "{headers}X-Farmscale: 1\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    ask(page, &format!("POST {path}"), &more)
}

fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                found.insert(key.clone());
                keys(inner, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_field_of_the_api_is_documented() {
    let root = env!("CARGO_MANIFEST_DIR");
    let page = std::fs::read_to_string(format!("{root}/docs/http-api.md")).unwrap();
    let words: BTreeSet<&str> =
        page.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    let farm = farm();
    let status = serde_json::to_value(Status::new(&farm, Span::ZERO, false)).unwrap();
    let spend = serde_json::to_value(Ledger::from(&farm.ledger)).unwrap();
    let mut found = BTreeSet::new();
    keys(&status, &mut found);
    keys(&spend, &mut found);
    found.remove(&SourceId::Fleet.to_string()); // a name, not a field
    // Parts of the sample's `now`, which is a hold.
    let missing: Vec<_> = found.iter().filter(|key| !words.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "docs/http-api.md does not name {missing:?}");
}

#[test]
fn what_the_commands_read_is_what_the_daemon_gave() {
    let farm = farm();
    let status = Status::new(&farm, Span::seconds(1), true);
    let text = serde_json::to_string(&status).unwrap();
    assert_eq!(serde_json::from_str::<Status>(&text).unwrap(), status);
    let ledger = Ledger::from(&farm.ledger);
    let text = serde_json::to_string(&ledger).unwrap();
    assert_eq!(serde_json::from_str::<Ledger>(&text).unwrap(), ledger);
}

#[test]
fn keys_and_parts_of_reasons_stay_as_scripts_know_them() {
    let (_runtime, page) = serve(farm(), options(None));
    let (_, status) = ask(page, "GET /api/v1/status", "");
    let machine = &status["machines"][0];
    assert_eq!(machine["reason"]["because"], "found");
    assert_eq!(machine["now"]["because"], "held");
    assert_eq!(machine["now"]["owner"], "li");
    assert_eq!(machine["offer"]["billing"], "on-demand");
    let constraint = &status["pools"][0]["report"]["constraints"][0];
    assert_eq!(constraint["blocked"], "not_adopted");
    assert_eq!(constraint["en"], "the farm at the provider is not fully known yet");
    let (_, why) = ask(page, "GET /api/v1/why?pool=gpu", "");
    assert_eq!(&why["pools"][0]["constraints"][0], constraint);
    let (_, journal) = ask(page, "GET /api/v1/journal?limit=1", "");
    assert_eq!(journal["events"][0]["kind"], "farm_adopted");
}

/// The largest numbers there are, texts of many megabytes, a plan of thousands of steps.
#[test]
fn no_answer_grows_with_what_is_said_outside() {
    let mut farm = farm();
    let huge: farmscale::model::Text = "\u{1b}".repeat(15_000_000).as_str().into();
    farm.planned = vec![farm.planned[0].clone(); 10_000];
    farm.faults.insert(SourceId::Queue("render".into()), farmscale::model::Text::clone(&huge));
    let mut pool = farm.pools[0].clone();
    (pool.queued, pool.running) = (u32::MAX, u32::MAX);
    pool.oldest_wait = Some(Span(i64::MAX));
    pool.queue_age = Some(Span(i64::MIN));
    pool.report.constraints = vec![Blocked::QueueStale { detail: huge }];
    farm.pools = vec![pool.clone(), pool];
    farm.next_turn_by = Time::MAX;
    let metrics = farmscale::telemetry::Metrics::default();
    metrics.update(&farm);
    assert!(metrics.render().len() < 100_000);
    let (_runtime, page) = serve(farm, options(None));
    for path in ["status", "why", "plan", "journal", "spend", "history"] {
        let line = format!("GET /api/v1/{path} HTTP/1.1");
        let (head, body) = http(page, &line, "127.0.0.1", "").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        assert!(body.len() < 200_000, "{path} has {} bytes", body.len());
        assert!(!body.contains('\u{1b}'));
    }
}

#[test]
fn an_order_too_long_to_keep_is_refused_and_not_half_taken() {
    let (_runtime, page) = serve(farm(), options(Some(TOKEN)));
    let key = format!("Authorization: Bearer {TOKEN}\r\n");
    let pause = |owner: &str, reason: &str, for_s: i64| {
        let body = serde_json::json!({ "owner": owner, "reason": reason, "for_s": for_s });
        post(page, "/api/v1/pause", &key, &body)
    };
    let (head, answer) = pause("li", "a look", 60);
    assert!(head.starts_with("HTTP/1.1 200") && answer["taken"] == true, "{head} {answer}");
    for (owner, reason, for_s) in [
        ("li", "r".repeat(9000).as_str(), 60),
        ("o".repeat(300).as_str(), "a look", 60),
        ("", "a look", 60),
        ("li", "a look", 0),
        ("li", "a look", i64::MAX),
    ] {
        let (head, answer) = pause(owner, reason, for_s);
        assert!(head.starts_with("HTTP/1.1 400"), "{head} {answer}");
    }
    let (head, _) = pause("li", &"r".repeat(20_000), 60);
    assert!(head.starts_with("HTTP/1.1 413"), "{head}");
}

#[test]
fn a_session_reads_and_orders_and_ends_and_no_wrong_token_begins_one() {
    let (_runtime, page) = serve(farm(), options(Some(TOKEN)));
    let sign_in = |token: &str| post(page, "/session", "", &serde_json::json!({ "token": token }));
    assert!(sign_in("not-the-token").0.starts_with("HTTP/1.1 401"));
    assert!(ask(page, "GET /api/v1/status", "").0.starts_with("HTTP/1.1 401"));
    let (head, _) = sign_in(TOKEN);
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    assert!(ask(page, "GET /api/v1/status", &cookie).0.starts_with("HTTP/1.1 200"));
    let owner = serde_json::json!({ "owner": "li" });
    assert!(post(page, "/api/v1/resume", &cookie, &owner).0.starts_with("HTTP/1.1 200"));
    assert!(post(page, "/api/v1/resume", "", &owner).0.starts_with("HTTP/1.1 403"));
    let ended = ask(page, "DELETE /session", &cookie).0;
    assert!(ended.starts_with("HTTP/1.1 200"), "{ended}");
    assert!(ask(page, "GET /api/v1/status", &cookie).0.starts_with("HTTP/1.1 401"));
}

#[test]
fn live_and_ready_are_two_questions() {
    let (_runtime, page) = serve(farm(), options(None));
    assert!(ask(page, "GET /livez", "").0.starts_with("HTTP/1.1 200"));
    assert!(ask(page, "GET /readyz", "").0.starts_with("HTTP/1.1 200"));
    let mut unknown = farm();
    unknown.adopted_at = None;
    let (_runtime, page) = serve(unknown, options(None));
    assert!(ask(page, "GET /livez", "").0.starts_with("HTTP/1.1 200"));
    let (head, why) = ask(page, "GET /readyz", "");
    assert!(head.starts_with("HTTP/1.1 503") && why["error"].is_string(), "{head} {why}");
}

#[test]
fn a_lease_ends_when_the_daemon_stops_turning() {
    let last = farm();
    let clock = Clock::starting_at(last.at + Span::seconds(1), 1000);
    let board = Arc::new(Board::new(clock));
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let page = listener.local_addr().unwrap();
    runtime.spawn(page::serve(listener, None, Arc::clone(&board), options(None)));
    assert!(ask(page, "GET /lease", "").0.starts_with("HTTP/1.1 503"), "no turn yet");
    board.publish(last);
    let (head, lease) = ask(page, "GET /lease", "");
    assert!(head.starts_with("HTTP/1.1 200"), "{head} {lease}");
    let is_over = || Some(ask(page, "GET /lease", "")).filter(|(head, _)| head.contains(" 503 "));
    let (_, lease) = until(is_over, || "the lease never ends".to_owned());
    assert!(lease["valid_s"].as_i64() <= lease["age_s"].as_i64(), "{lease}");
    assert!(ask(page, "GET /livez", "").0.contains(" 503 "));
}
