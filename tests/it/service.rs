//! The daemon as systemd and its operators meet it: signals, reload, crash loops, exit codes.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]
#![expect(clippy::panic, reason = "tests")]

use farmscale::cli::exit::Exit;
use farmscale::clock::Clock;
use farmscale::cloud::{Client, Credentials, Endpoints};
use farmscale::model::{Look, LookFailure, QueueReading, Span, Time, Wake};
use farmscale::queue::{Capabilities, Claim, Queue, Source};
use farmscale::sim::http::Mischief;
use farmscale::sim::provider::Dials;
use farmscale::world::live::Live;
use farmscale::world::purchase::CloudSettings;
use farmscale::world::{Request, World};
use serde_json::Value;

use crate::support::cloud::Cloud;
use crate::support::daemon::{Daemon, config, farmscale};
use crate::support::wait::until;

/// A queue with this many waiting tasks, and no worker.
fn queue(waiting: u32) -> String {
    format!(
        "kind = \"command\"\ncommand = [\"echo\", '{{\"queued\": {waiting}, \"running\": 0, \
         \"workers\": []}}']\ndrain = [\"true\"]\nundrain = [\"true\"]"
    )
}

fn machines(status: &Value) -> usize {
    status["machines"].as_array().unwrap().len()
}

#[test]
fn a_hangup_reloads_all_of_the_config_or_nothing() {
    let cloud = Cloud::start(Clock::scaled(60), Dials::kind(), Mischief::none());
    let mut daemon = Daemon::new(&config(cloud.address, &queue(3), 1), 60);
    daemon.start();
    daemon.wait_for("one machine", |status| machines(status) == 1);
    let good = daemon.read_config();
    daemon.write_config(&good.replace("max = 1", "max = 3x"));
    daemon.signal("HUP");
    daemon.wait_for_log("not reloaded, nothing was changed");
    daemon.write_config(&good.replace("farm = \"test\"", "farm = \"other\""));
    daemon.signal("HUP");
    daemon.wait_for_log("farm: takes a restart");
    daemon.write_config(&good.replace("max = 1", "max = 3"));
    daemon.signal("HUP");
    let status = daemon.wait_for("three machines", |status| machines(status) == 3);
    assert_eq!(status["pools"][0]["size"][1], 3, "{status}");
    let log = daemon.log();
    assert!(log.contains("reloaded: limits.max 1 → 3"), "{log}");
    assert!(log.contains("reloaded: pools.gpu.max 1 → 3"), "{log}");
    assert_eq!(cloud.truth().len(), 3, "the machine there was is still known");
    assert!(daemon.terminate());
}

#[test]
fn the_log_says_more_or_less_while_it_runs() {
    let cloud = Cloud::start(Clock::scaled(60), Dials::kind(), Mischief::none());
    let mut daemon = Daemon::new(&config(cloud.address, &queue(1), 1), 60);
    daemon.start();
    daemon.wait_for("one machine", |status| machines(status) == 1);
    assert!(!daemon.log().contains("DEBUG"), "{}", daemon.log());
    daemon.signal("USR1");
    daemon.wait_for_log("the log is written from DEBUG on");
    let is_detail = |line: &str| line.split_whitespace().nth(1) == Some("DEBUG");
    let detail = || daemon.log().lines().any(is_detail).then_some(());
    until(detail, || daemon.log());
    daemon.signal("USR2");
    daemon.wait_for_log("the log is written from INFO on");
    let text = daemon.read_config();
    daemon.write_config(&format!("{text}[log]\nlevel = \"warn\"\n"));
    daemon.signal("HUP");
    daemon.signal("USR2");
    daemon.wait_for_log("the log is written from ERROR on");
}

/// Crashed five times lately: the daemon still looks and tells, and buys nothing.
#[test]
fn a_crash_loop_looks_and_tells_and_changes_nothing() {
    let cloud = Cloud::start(Clock::scaled(60), Dials::kind(), Mischief::none());
    let mut daemon = Daemon::new(&config(cloud.address, &queue(0), 3), 60);
    daemon.start();
    daemon.wait_for("a turn", |_| true);
    assert!(daemon.terminate());
    let crash = format!("{}\n", Clock::real().now().seconds());
    std::fs::write(daemon.store().join("crashes"), crash.repeat(5)).unwrap();
    daemon.write_config(&daemon.read_config().replace("\"queued\": 0", "\"queued\": 3"));
    daemon.start();
    let status = daemon.wait_for("work without machines", |status| {
        status["pools"][0]["queued"] == 3 && !status["adopted_at"].is_null()
    });
    let told = status["faults"]["daemon"].as_str().unwrap();
    assert!(told.contains("crash loop") && told.contains("changes nothing until"), "{told}");
    let later = status["at"].as_i64().unwrap() + 300_000;
    let status = daemon.wait_for("minutes later", |status| later < status["at"].as_i64().unwrap());
    assert_eq!((machines(&status), cloud.truth().len()), (0, 0));
    assert!(daemon.terminate(), "an end in order ends the loop");
    daemon.start();
    daemon.wait_for("machines", |status| machines(status) == 3);
}

#[test]
fn exit_codes_are_as_the_docs_say() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/exit-codes.md"));
    let docs = docs.unwrap();
    for exit in Exit::ALL {
        let line = format!("| {} | {} |", exit.code(), exit.meaning());
        assert!(docs.contains(&line), "{line}");
    }
    let listed = docs.lines().filter(|line| line.starts_with("| ") && !line.contains("code"));
    assert_eq!(listed.count(), Exit::ALL.len() + 1, "and no other");

    let code = |line: &[&str]| farmscale(line, &[("FARMSCALE_URL", "http://127.0.0.1:9")]).status;
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.toml");
    std::fs::write(&wrong, "farm = 1\n").unwrap();
    let wrong = wrong.to_str().unwrap();
    for (line, exit) in [
        (&["status"][..], Exit::Unavailable),
        (&["staus"], Exit::Usage),
        (&["check", "--config", wrong], Exit::Config),
        (&["run", "--config", wrong], Exit::Config),
        (&["init", "--output", wrong], Exit::CannotCreate),
        (&["offers"], Exit::NotAllowed),
        (&["demo", "--listen", "0.0.0.0:0"], Exit::Usage),
    ] {
        assert_eq!(code(line).code(), Some(exit.code().into()), "{line:?}");
    }
    assert_eq!(code(&["--help"]).code(), Some(0));
}

#[test]
fn a_second_daemon_and_a_wrong_token_have_codes_of_their_own() {
    let cloud = Cloud::start(Clock::real(), Dials::kind(), Mischief::none());
    let mut daemon = Daemon::new(&config(cloud.address, &queue(0), 4), 1);
    daemon.start_with(&[("FARMSCALE_PAGE_TOKEN", "a-token-of-more-than-16")]);
    daemon.wait_for_log("started");
    let mut second = daemon.command();
    let second = second.env("FARMSCALE__PAGE__LISTEN", "127.0.0.1:0").output().unwrap();
    assert_eq!(second.status.code(), Some(Exit::TryAgain.code().into()));
    let mut second = daemon.command();
    let second = second.env("FARMSCALE__STORE__DIR", daemon.folder.path().join("other"));
    assert_eq!(second.output().unwrap().status.code(), Some(Exit::CannotCreate.code().into()));
    let url = daemon.url();
    let unknown = farmscale(&["status"], &[("FARMSCALE_URL", &url)]);
    assert_eq!(unknown.status.code(), Some(Exit::NotAllowed.code().into()));
}

/// A source with a fault of its own.
struct Faulty;

#[async_trait::async_trait]
impl Source for Faulty {
    fn place(&self) -> &'static str {
        "nowhere"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn claims(&self) -> Vec<Claim> {
        Vec::new()
    }

    async fn read(&self, _asked_at: Time) -> Result<QueueReading, LookFailure> {
        panic!("a number from outside")
    }
}

#[test]
fn a_panic_in_one_request_is_the_end_of_that_request_alone() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let (clock, look) = (Clock::real(), Look::Queue("render".into()));
    let key = Credentials { access_key_id: "i".into(), access_key_secret: "s".into() };
    let endpoints = Endpoints::at("http://127.0.0.1:9");
    let client = Client::new(key.clone(), endpoints.clone(), clock.clone()).unwrap();
    let cloud = CloudSettings { credentials: key, endpoints, purchases: Vec::new() };
    let queues = [("render".into(), Queue::new(Box::new(Faulty)))].into();
    let mut live = Live::new(client, cloud, queues, "test-", clock);
    live.start(Request::Look(look));
    let wake = std::thread::spawn(move || live.next(live.now() + Span::hours(1))).join().unwrap();
    let Some(Wake::Looked { result: Err(failure), .. }) = wake else { panic!("{wake:?}") };
    let told = &failure.detail;
    assert!(
        told.contains("a fault in farmscale") && told.contains("a number from outside"),
        "{told}"
    );
}
