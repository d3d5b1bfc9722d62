//! The program as people and scripts use it.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use farmscale::clock::Clock;
use farmscale::sim::http::Mischief;
use farmscale::sim::provider::Dials;
use serde_json::Value;

use crate::support::cloud::{Cloud, KEY, SECRET};
use crate::support::daemon::{Daemon, config, farmscale};
use crate::support::redis::signal;
use crate::support::wait::until;

/// A queue that never has work.
const NO_WORK: &str = "kind = \"command\"\ncommand = [\"echo\", '{\"queued\": 0, \"running\": 0, \
                       \"workers\": []}']\ndrain = [\"true\"]\nundrain = [\"true\"]";

fn said(output: &std::process::Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The vectors V1–V3 of the vendor's algorithm, to the byte.
#[test]
fn sign_only_shows_the_published_vectors() {
    let ours = [
        ("FARMSCALE_ACCESS_KEY_ID", "AKIDEXAMPLE0123456789"),
        ("FARMSCALE_ACCESS_KEY_SECRET", "SecretKeyExample/abc+def=="),
    ];
    let vendors = [("CDS_SECRET_ID", ours[0].1), ("CDS_SECRET_KEY", ours[1].1)];
    let vectors: [(&[&str], &str); 3] = [
        (
            &[
                "DescribeZoneInstanceType",
                "EcsFamilyName=专业渲染型rp3",
                "AvailableZoneCode=CN_Suqian_B",
            ],
            "6vPry3OWckJVO/KFLqoyQY/xC0k=",
        ),
        (
            &[
                "DescribeInstanceList",
                "SearchInfo=render node*01~a/b+c",
                "PageNumber=1",
                "PageSize=100",
            ],
            "zV9d3Ukaozprm6GirgiRYoBP2do=",
        ),
        (&["CreateInstance", "--unchecked"], "qIQixLNZ01g39GS1u8iAq5xAMNE="),
    ];
    for (arguments, signature) in vectors {
        for environment in [ours, vendors] {
            let mut line = vec!["api"];
            line.extend(arguments);
            line.extend(["--sign-only", "--json"]);
            line.extend(["--nonce", "11111111-2222-3333-4444-555555555555"]);
            line.extend(["--timestamp", "2026-01-02T03:04:05Z"]);
            let output = farmscale(&line, &environment);
            let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(shown["signature"], signature, "{}", said(&output));
            let text = shown["string_to_sign"].as_str().unwrap();
            assert!(
                text.contains("&%2F&AccessKeyId%3DAKIDEXAMPLE0123456789%26Action%3D"),
                "{text}"
            );
            let canonical = shown["canonical"].as_str().unwrap();
            assert!(!canonical.contains("Signature="), "{canonical}");
            assert!(shown["url"].as_str().unwrap().starts_with("https://api.capitalonline.net/"));
            assert!(!said(&output).contains("SecretKeyExample"));
        }
    }
}

#[test]
fn a_whole_day_in_memory_meets_the_bill_and_the_promise() {
    let output = farmscale(&["demo", "--until", "24h", "--speed", "max", "--json"], &[]);
    let day: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |name: &str| day[name].as_f64().unwrap();
    assert_eq!((&day["tasks_done"], &day["instances_left"]), (&day["tasks_total"], &0.into()));
    assert_eq!(day["tasks_total"], 1612);
    assert_eq!(day["cost_micro_yuan"], day["bill_micro_yuan"], "to the millionth of a yuan");
    assert!(number("cost_per_work") <= 1.20, "{day}");
    assert!(number("wait_p95_s") <= 240.0 && number("wait_p99_s") <= 400.0, "{day}");
    assert!(number("instances_peak") <= number("instances_max"), "{day}");
}

#[test]
fn the_api_is_called_over_http_and_a_wrong_key_is_told_as_one() {
    let cloud = Cloud::start(Clock::real(), Dials::kind(), Mischief::none());
    let server = format!("http://{}", cloud.address);
    let key = |secret| [("CDS_SECRET_ID", "test-key-id"), ("CDS_SECRET_KEY", secret)];
    let line = ["api", "DescribeRegions", "--server", &server];
    let shown = said(&farmscale(&line, &key(SECRET)));
    assert!(shown.contains("AvailableZoneCode") && shown.contains("CN_Suqian_B"), "{shown}");
    let refused = farmscale(&line, &key("not-the-secret"));
    assert!(!refused.status.success());
    let shown = said(&refused);
    assert!(shown.contains("Signature") && !shown.contains("not-the-secret"), "{shown}");
    let unknown = said(&farmscale(&["api", "DescribeRegions", "Zone=1"], &key(SECRET)));
    assert!(unknown.contains("has no parameter `Zone`"), "{unknown}");
    let unasked = said(&farmscale(&["api", "DeleteInstance", "EcsIds=ins-1"], &key(SECRET)));
    assert!(unasked.contains("say --yes"), "{unasked}");
}

#[test]
fn a_second_daemon_on_the_same_store_is_told_who_has_it() {
    let cloud = Cloud::start(Clock::real(), Dials::kind(), Mischief::none());
    let mut daemon = Daemon::new(&config(cloud.address, NO_WORK, 4), 1);
    daemon.start();
    daemon.wait_for("a first turn", |_| true);
    let mut other = daemon.command();
    let second = other.env("FARMSCALE__PAGE__LISTEN", "127.0.0.1:0").output().unwrap();
    assert!(!second.status.success());
    let shown = said(&second);
    assert!(shown.contains("is in use by process"), "{shown}");
    assert!(daemon.terminate());
}

#[test]
fn a_fast_clock_is_only_for_a_cloud_on_this_machine() {
    let text = config("127.0.0.1:9".parse().unwrap(), NO_WORK, 4);
    let far = text.replace("http://127.0.0.1:9/ecs/v1", "https://api.capitalonline.net/ecs/v1");
    let refused = Daemon::new(&far, 60).command().output().unwrap();
    assert!(!refused.status.success());
    assert!(said(&refused).contains("--clock-speed is only for"), "{}", said(&refused));
}

/// What is wrong with the world is told, and never makes the farm smaller.
#[test]
fn bad_input_is_told_and_costs_no_machine() {
    let cloud = Cloud::start(Clock::scaled(30), Dials::kind(), Mischief::none());
    let folder = tempfile::tempdir().unwrap();
    let answer = folder.path().join("queue.json");
    let queue = format!(
        "kind = \"command\"\ncommand = [\"cat\", {answer:?}]\ndrain = [\"true\"]\nundrain = [\"true\"]"
    );
    std::fs::write(&answer, r#"{"queued": 3, "running": 0, "workers": []}"#).unwrap();
    let mut text = config(cloud.address, &queue, 4);
    text = text.replace(
        "sizes = [{",
        "sizes = [{ family = \"不存在的型号\", cpu = 8, ram = 16, gpu_memory = 24 }, {",
    );
    text.push_str("[pools.gpu.zones.CN_Nowhere_Z]\nvpc = \"v\"\nsubnet = \"s\"\n");
    let mut daemon = Daemon::new(&text, 30);
    daemon.start();
    let ready = |status: &Value| status["machines"].as_array().unwrap().len() == 3;
    daemon.wait_for("three machines", ready);
    let status = daemon.wait_for("a word on each", |status| {
        let faults = status["faults"].as_object().unwrap();
        faults.keys().any(|source| source.contains("CN_Nowhere_Z"))
            && faults.keys().any(|source| source.contains("不存在的型号"))
    });
    assert!(ready(&status));
    for broken in ["{\"queued\": -3}", "<html>login</html>", ""] {
        std::fs::write(&answer, broken).unwrap();
        let status = daemon.wait_for("a stale queue", |status| {
            status["pools"][0]["report"]["constraints"].to_string().contains("queue_stale")
        });
        assert!(ready(&status), "{broken}: {status}");
        std::fs::write(&answer, r#"{"queued": 3, "running": 0, "workers": []}"#).unwrap();
        daemon.wait_for("a fresh queue", |status| {
            !status["pools"][0]["report"]["constraints"].to_string().contains("queue_stale")
        });
    }
    assert_eq!(cloud.truth().len(), 3);
}

#[test]
fn a_wrong_key_and_a_wrong_image_are_told_by_the_status() {
    let cloud = Cloud::start(Clock::scaled(30), Dials::kind(), Mischief::none());
    let queue = NO_WORK.replace("\"queued\": 0", "\"queued\": 2");
    let text = config(cloud.address, &queue, 4);
    let wrong = text.replace("render-worker-Datacenter", "render-worker-Geforce");
    let mut daemon = Daemon::new(&wrong, 30);
    daemon.start();
    daemon.wait_for("a refused offer", |status| {
        status["pools"][0]["report"]["constraints"].to_string().contains("offer_refused")
    });
    assert!(daemon.log().contains("refused"), "{}", daemon.log());
    let mut other = Daemon::new(&text, 30);
    other.start_with(&[("FARMSCALE_ACCESS_KEY_SECRET", "wrong-secret")]);
    let status = other
        .wait_for("a word on the key", |status| status["faults"].to_string().contains("Signature"));
    assert!(!status.to_string().contains("wrong-secret"));
    assert_eq!(cloud.truth().len(), 0);
}

#[test]
fn a_full_disk_ends_the_daemon_with_a_word_and_leaves_the_farm_alone() {
    let cloud = Cloud::start(Clock::scaled(60), Dials::kind(), Mischief::none());
    let queue = NO_WORK.replace("\"queued\": 0", "\"queued\": 3");
    let daemon = Daemon::new(&config(cloud.address, &queue, 4), 60);
    let ended = daemon.under("trap '' XFSZ; ulimit -f 1").output().unwrap();
    assert!(!ended.status.success(), "{}", said(&ended));
    let shown = said(&ended);
    assert!(shown.contains("File too large") || shown.contains("may not grow"), "{shown}");
    assert_eq!(cloud.truth().len(), 0, "nothing was bought that is not on disk");
}

/// A disk that is full is no damage: the store is left as it is, with the money spent.
#[test]
fn a_full_disk_at_a_restart_leaves_the_store_as_it_is() {
    let cloud = Cloud::start(Clock::scaled(240), Dials::kind(), Mischief::none());
    let queue = NO_WORK.replace("\"queued\": 0", "\"queued\": 3");
    let mut daemon = Daemon::new(&config(cloud.address, &queue, 2), 240);
    daemon.start();
    let spent = |status: &Value| status["spend"]["total"].as_i64().unwrap_or(0);
    daemon.wait_for("money spent", |status| 500_000 < spent(status));
    daemon.kill();
    for _ in 0..2 {
        let ended = daemon.under("trap '' XFSZ; ulimit -f 1").output().unwrap();
        let shown = said(&ended);
        assert!(!ended.status.success(), "{shown}");
        assert!(shown.contains("may not grow") && !shown.contains("damaged"), "{shown}");
    }
    let store = std::fs::read_dir(daemon.folder.path().join("store")).unwrap();
    let names: Vec<String> =
        store.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert!(!names.iter().any(|name| name.contains("set-aside")), "{names:?}");
    daemon.start();
    let status = daemon.wait_for("the daemon again", |_| true);
    assert!(500_000 < spent(&status), "{status}");
}

/// A source that tells depth alone: machines stay as long as tasks wait, whatever it cannot say of
/// their workers, and go when the operator has allowed to assume that an empty queue means idle.
#[test]
fn depth_alone_keeps_machines_while_work_waits() {
    let cloud = Cloud::start(Clock::scaled(240), Dials::kind(), Mischief::none());
    let folder = tempfile::tempdir().unwrap();
    let answer = folder.path().join("queue.json");
    std::fs::write(&answer, r#"{"queued": 3}"#).unwrap();
    let queue = format!("kind = \"command\"\ncommand = [\"cat\", {answer:?}]");
    let text =
        config(cloud.address, &queue, 3).replace("max = 3\nd", "max = 3\nidle = \"assume\"\nd");
    let mut daemon = Daemon::new(&text, 240);
    daemon.start();
    let count = |status: &Value| status["machines"].as_array().unwrap().len();
    let first = daemon.wait_for("three machines", |status| count(status) == 3);
    let until = first["at"].as_i64().unwrap() + 3_600_000;
    let later = daemon.wait_for("an hour", |status| until < status["at"].as_i64().unwrap());
    assert_eq!((count(&later), &later["counts"]["deletes"]), (3, &0.into()), "{later}");
    std::fs::write(&answer, r#"{"queued": 0}"#).unwrap();
    daemon.wait_for("an empty farm", |status| count(status) == 0);
    assert_eq!(cloud.truth().len(), 0);
}

/// Days, pools and offers add up to the same sum, and what is reserved is taken off a cap.
#[test]
fn spend_adds_up_to_the_same_sum_by_day_pool_and_offer() {
    let cloud = Cloud::start(Clock::scaled(240), Dials::kind(), Mischief::none());
    let queue = NO_WORK.replace("\"queued\": 0", "\"queued\": 2");
    let capped = config(cloud.address, &queue, 2)
        .replace("[limits]", "[limits]\nmoney_per_day = 500\nmoney_per_hour = 50");
    let mut daemon = Daemon::new(&capped, 240);
    daemon.start();
    daemon.wait_for("some money spent", |status| {
        status["spend"]["total"].as_i64().is_some_and(|spent| 1_000_000 < spent)
    });
    let url = daemon.url();
    let ask = |arguments: &[&str]| said(&farmscale(arguments, &[("FARMSCALE_URL", &url)]));
    let shown = ask(&["spend", "--json"]);
    let ledger: Value = serde_json::from_str(&shown).unwrap();
    let rows = ledger["days"].as_array().unwrap();
    let sum: i64 = rows.iter().map(|row| row["sum"]["cost"].as_i64().unwrap()).sum();
    assert!(1_000_000 < sum, "{shown}");
    assert!(sum == ledger["spent_month"] && sum < ledger["forecast_today"].as_i64().unwrap());
    let booting: i64 = rows.iter().map(|row| row["sum"]["booting"].as_i64().unwrap()).sum();
    assert!(0 < booting, "no worker ever joins this farm: {shown}");
    for (by, line) in [("day", "20"), ("pool", "gpu"), ("offer", "专业渲染型rp3 16c32g1gpu")] {
        let table = ask(&["spend", "--by", by]);
        assert!(table.contains(line) && table.contains("100 %"), "{table}");
        assert!(
            table.contains("by midnight") && table.contains("farm    day   ¥500.00"),
            "{table}"
        );
    }
    let none = ask(&["spend", "--month", "2001-01"]);
    assert!(none.contains("nothing was spent") && none.contains("farm    day   ¥500.00"), "{none}");
    for wrong in ["2026-1", "banana", "2026-13", "2026-01-01"] {
        assert!(ask(&["spend", "--month", wrong]).contains("a month as YYYY-MM"), "{wrong}");
    }
    let json = |more: &[&str]| -> Value {
        serde_json::from_str(&ask(&[&["spend", "--json"], more].concat())).unwrap()
    };
    let by_pool = json(&["--by", "pool"]);
    assert_eq!((&by_pool["by"], &by_pool["rows"][0]["name"]), (&"pool".into(), &"gpu".into()));
    assert_eq!(by_pool["total"]["cost"], by_pool["rows"][0]["sum"]["cost"]);
    let none = json(&["--month", "2001-01"]);
    assert_eq!((&none["rows"], &none["days"]), (&Value::Array(vec![]), &Value::Array(vec![])));
}

/// Licences that another program counts: `why` names them, and more of them let the farm grow.
#[test]
fn a_limit_may_be_counted_by_a_source_of_its_own() {
    let cloud = Cloud::start(Clock::scaled(60), Dials::kind(), Mischief::none());
    let folder = tempfile::tempdir().unwrap();
    let answer = folder.path().join("licences.json");
    std::fs::write(&answer, r#"{"queued": 1}"#).unwrap();
    let work = NO_WORK.replace("\"queued\": 0", "\"queued\": 3");
    let limited = config(cloud.address, &work, 4)
        .replace("[limits]", "[limits.arnold]\nfrom = \"licences\"\n[limits]")
        .replace("max = 4\nd", "max = 4\npreset = \"fast\"\ntakes = [\"arnold\"]\nd");
    let licences =
        format!("[queues.licences]\nkind = \"command\"\ncommand = [\"cat\", {answer:?}]");
    let mut daemon = Daemon::new(&format!("{limited}{licences}\n"), 60);
    daemon.start();
    let count = |status: &Value| status["machines"].as_array().unwrap().len();
    let first = daemon.wait_for("one machine", |status| count(status) == 1);
    let until = first["at"].as_i64().unwrap() + 120_000;
    daemon.wait_for("two minutes", |status| until < status["at"].as_i64().unwrap());
    let url = daemon.url();
    let why = said(&farmscale(&["why"], &[("FARMSCALE_URL", &url)]));
    assert!(why.contains("arnold of 1 slot"), "{why}");
    assert_eq!(cloud.truth().len(), 1);
    std::fs::write(&answer, r#"{"queued": 2}"#).unwrap();
    daemon.wait_for("two machines", |status| count(status) == 2);
}

#[test]
fn orders_reach_the_daemon_only_from_where_they_may() {
    let cloud = Cloud::start(Clock::scaled(30), Dials::kind(), Mischief::none());
    let mut daemon = Daemon::new(&config(cloud.address, NO_WORK, 4), 30);
    daemon.start();
    daemon.wait_for("adoption", |status| !status["adopted_at"].is_null());
    let (head, _) = daemon.http("GET /api/v1/status", "evil.example", "");
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    let body = r#"{"owner":"x","reason":"y"}"#;
    let length = body.len();
    let more = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
    let (head, _) = daemon.http("POST /api/v1/pause", "127.0.0.1", &more);
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    // Any user of this machine reaches the page; the socket is for the daemon's user and group.
    let more = format!("X-Farmscale: 1\r\n{more}");
    let (head, body) = daemon.http("POST /api/v1/pause", "127.0.0.1", &more);
    assert!(head.starts_with("HTTP/1.1 403") && body.contains("farmscale.sock"), "{head} {body}");
    let url = daemon.socket();
    let ask = |arguments: &[&str]| said(&farmscale(arguments, &[("FARMSCALE_SOCKET", &url)]));
    let shown = ask(&["pause", "--owner", "li", "--reason", "inspection", "--for", "2h"]);
    assert!(shown.contains("paused") && shown.contains("deleted until 20"), "{shown}");
    daemon.wait_for("the pause", |status| status["paused"]["owner"] == "li");
    let why = ask(&["why"]);
    assert!(why.contains("paused: paused by li: inspection"), "{why}");
    let shown = ask(&["status"]);
    assert!(shown.contains("PAUSED by li until 20"), "{shown}");
    ask(&["resume", "--owner", "li"]);
    daemon.wait_for("the end of it", |status| status["paused"].is_null());
    for (command, expected) in [
        ("status", "gpu"),
        ("plan", "CN_Suqian_B"),
        ("journal", "li ended the pause"),
        ("why", "no active constraint"),
    ] {
        let shown = ask(&[command]);
        assert!(shown.contains(expected), "{command}: {shown}");
        let json = ask(&[command, "--json"]);
        assert!(serde_json::from_str::<Value>(&json).is_ok(), "{command}: {json}");
    }
    let metrics = daemon.http("GET /metrics", "localhost", "").1;
    assert!(metrics.contains("farmscale_machines{pool=\"gpu\",phase=\"ready\"} 0"), "{metrics}");
}

/// A proxy of the environment is for the world outside, and must not see the page's token.
#[test]
fn orders_and_questions_pass_by_a_proxy_and_answer_programs_too() {
    let cloud = Cloud::start(Clock::scaled(30), Dials::kind(), Mischief::none());
    let queue = NO_WORK.replace("\"queued\": 0", "\"queued\": 1");
    let mut daemon = Daemon::new(&config(cloud.address, &queue, 4), 30);
    daemon.start();
    let there = |status: &Value| status["machines"].as_array().unwrap().len() == 1;
    let status = daemon.wait_for("a machine", there);
    let machine = status["machines"][0]["name"].as_str().unwrap();
    let url = daemon.socket();
    let run = |arguments: &[&str]| {
        let nobody = "http://127.0.0.1:1";
        farmscale(arguments, &[("FARMSCALE_SOCKET", &url), ("http_proxy", nobody)])
    };
    let json = |arguments: &[&str]| -> Value {
        let output = run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let unheld = run(&["release", machine]);
    assert!(!unheld.status.success() && said(&unheld).contains("is not held"), "{}", said(&unheld));
    let held = json(&["hold", machine, "--owner", "li", "--reason", "looks", "--for", "2h"]);
    assert!(held["taken"] == true && held["until"].is_i64(), "{held}");
    daemon.wait_for("the hold", |status| !status["machines"][0]["held"].is_null());
    let shown = said(&run(&["status"]));
    assert!(shown.contains("is held by li until 20") && shown.contains(": looks"), "{shown}");
    let released = json(&["release", machine]);
    assert!(released["taken"] == true && released["until"].is_null(), "{released}");
    assert_eq!(json(&["retire", "--yes", "--no-wait", "--owner", "li"])["taken"], true);
    daemon.wait_for("the end of it", |status| status["retiring"] == "li");
    let shown = said(&run(&["status"]));
    assert!(shown.contains("LEAVING for good, by li"), "{shown}");
    assert_eq!(json(&["retire", "--undo"])["taken"], true);
    for line in [&["why", "nope"][..], &["why", "nope", "--json"]] {
        let none = run(line);
        assert!(!none.status.success() && said(&none).contains("no pool nope"), "{}", said(&none));
    }
}

#[test]
fn check_tells_faults_to_programs_and_money_to_people() {
    let nobody = "127.0.0.1:9".parse().unwrap();
    let key = [("FARMSCALE_ACCESS_KEY_ID", "id"), ("FARMSCALE_ACCESS_KEY_SECRET", "secret")];
    let check = |text: &str, more: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("farm.toml");
        std::fs::write(&path, text).unwrap();
        let mut line = vec!["check", "--config", path.to_str().unwrap()];
        line.extend(more);
        farmscale(&line, &key)
    };
    let good = config(nobody, NO_WORK, 4);
    let broken = check(&good.replace("queue = \"render\"", "queue = \"rendre\""), &["--json"]);
    assert!(!broken.status.success());
    let verdict: Value = serde_json::from_slice(&broken.stdout).unwrap();
    let fault = &verdict["faults"][0];
    assert_eq!((&verdict["ok"], &fault["key"]), (&false.into(), &"pools.gpu.queue".into()));
    assert!(fault["line"].is_u64() && fault["file"].as_str().unwrap().ends_with("farm.toml"));
    assert!(fault["what"].as_str().unwrap().contains("no such queue"), "{verdict}");
    let silent = check(&good, &["--online", "--json"]);
    assert!(!silent.status.success());
    let verdict: Value = serde_json::from_slice(&silent.stdout).unwrap();
    assert_eq!(verdict["faults"][0]["key"], "cloud", "{verdict}");
    let uncapped = said(&check(&good, &[]));
    assert!(uncapped.contains("no cap on money is set: limits.money_per_day"), "{uncapped}");
    assert!(uncapped.contains("at most 4 machines"), "{uncapped}");
    let capped = good.replace("[limits]", "[limits]\nmoney_per_day = 100\non_cap = \"drain\"");
    let capped = said(&check(&capped, &[]));
    assert!(!capped.contains("no cap on money is set"), "{capped}");
    assert!(capped.contains("¥100.00") && capped.contains("drain: machines"), "{capped}");
    assert!(capped.contains("within 6m00s (balanced)"), "{capped}");
}

#[test]
fn a_cap_that_pays_for_no_machine_is_told_before_it_holds_the_farm() {
    let cloud = Cloud::start(Clock::real(), Dials::kind(), Mischief::none());
    let text =
        config(cloud.address, NO_WORK, 4).replace("max = 4\nd", "max = 4\nmoney_per_day = 20\nd");
    let daemon = Daemon::new(&text, 1);
    let path = daemon.folder.path().join("farm.toml");
    let line = ["check", "--online", "--config", path.to_str().unwrap()];
    let shown = said(&farmscale(
        &line,
        &[("FARMSCALE_ACCESS_KEY_ID", KEY), ("FARMSCALE_ACCESS_KEY_SECRET", SECRET)],
    ));
    assert!(shown.contains("pools.gpu.money_per_day of ¥20.00 does not pay"), "{shown}");
}

/// What a daemon says at its end, and in its log, of a cloud that never answered.
#[test]
fn a_farm_never_seen_is_not_said_to_cost_nothing() {
    let cloud = Cloud::start(Clock::scaled(30), Dials::kind(), Mischief::none());
    let daemon = Daemon::new(&config(cloud.address, NO_WORK, 4), 30);
    let mut command = daemon.command();
    command.env("FARMSCALE_ACCESS_KEY_SECRET", "wrong-secret");
    let log = ends_after(&daemon, command, "pool gpu: fleet_stale", |_| true);
    assert!(!log.contains("no machine is left billing"), "{log}");
    assert!(log.contains("the farm was never seen") && log.contains("is not known"), "{log}");
    assert!(log.contains("cloud: listing of the fleet fails"), "{log}");
    assert!(!log.contains('\x1b') && !log.contains("Uninited"), "{log}");
    let adopted = |status: &Value| !status["adopted_at"].is_null();
    let log = ends_after(&daemon, daemon.command(), "the farm at the provider is known", adopted);
    assert!(log.contains("no machine is left billing"), "{log}");
}

/// Runs a daemon until its log says `word` and its page `shows` it, then ends it: all that it printed.
fn ends_after(
    daemon: &Daemon,
    mut command: std::process::Command,
    word: &str,
    shows: impl Fn(&Value) -> bool,
) -> String {
    let log = daemon.folder.path().join("log");
    let file = std::fs::File::create(&log).unwrap();
    let both = file.try_clone().unwrap();
    let mut child = command.stdout(both).stderr(file).spawn().unwrap();
    let seen = || {
        daemon.log().contains(word)
            && daemon.get("/api/v1/status").is_some_and(|status| shows(&status))
    };
    until(|| seen().then_some(()), || format!("`{word}`: {}", daemon.log()));
    signal(child.id(), "TERM");
    child.wait().unwrap();
    daemon.log()
}

#[test]
fn a_dry_run_takes_no_orders_and_a_taken_port_is_told_as_what_was_given() {
    let cloud = Cloud::start(Clock::scaled(30), Dials::kind(), Mischief::none());
    let mut daemon = Daemon::new(&config(cloud.address, NO_WORK, 4), 30);
    daemon.start_dry();
    daemon.wait_for("adoption", |status| !status["adopted_at"].is_null());
    let url = daemon.url();
    let retire = farmscale(&["retire", "--yes"], &[("FARMSCALE_URL", &url)]);
    assert!(!retire.status.success());
    let shown = said(&retire);
    assert!(shown.contains("--dry-run: it changes nothing and takes no orders"), "{shown}");
    let page = url.trim_start_matches("http://");
    let taken = said(&farmscale(&["demo", "--listen", page], &[]));
    assert!(taken.contains("set --listen") && !taken.contains("page.listen"), "{taken}");
    let open = said(&farmscale(&["demo", "--listen", "0.0.0.0:0"], &[]));
    assert!(open.contains("--listen 0.0.0.0:0 is open to the network"), "{open}");
    assert!(!open.contains(".toml"), "{open}");
}

/// A machine that an operator holds is never let go: the wait ends, and names it.
#[test]
fn retire_does_not_wait_for_ever() {
    let cloud = Cloud::start(Clock::scaled(60), Dials::kind(), Mischief::none());
    let queue = NO_WORK.replace("\"queued\": 0", "\"queued\": 1");
    let mut daemon = Daemon::new(&config(cloud.address, &queue, 1), 60);
    daemon.start();
    let there = |status: &Value| status["machines"][0]["instance"].is_string();
    let status = daemon.wait_for("a machine", there);
    let name = status["machines"][0]["name"].as_str().unwrap();
    let url = daemon.socket();
    let run = |line: &[&str]| farmscale(line, &[("FARMSCALE_SOCKET", &url)]);
    let unread = run(&["retire", "--yes", "--config", "nowhere.toml"]);
    assert!(!unread.status.success() && said(&unread).contains("nowhere.toml"));
    assert!(run(&["hold", name, "--reason", "looks"]).status.success());
    daemon.wait_for("the hold", |status| !status["machines"][0]["held"].is_null());
    let left = run(&["retire", "--yes", "--within", "3s"]);
    assert!(!left.status.success());
    let shown = said(&left);
    assert!(shown.contains("not over within 3s; 1 machine is left: test-"), "{shown}");
    assert!(shown.contains("held: ") && shown.contains("1 machine left"), "{shown}");
}
