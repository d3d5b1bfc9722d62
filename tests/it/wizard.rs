//! From nothing to a farm at work, as a stranger: `init`, `check --online`, `try`, `run`.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};

use farmscale::clock::Clock;
use farmscale::model::Text;
use farmscale::sim::http::Mischief;
use farmscale::sim::provider::{Catalog, Dials, State};
use redis::Commands;
use serde_json::Value;

use crate::support::cloud::{Cloud, KEY, SECRET};
use crate::support::daemon::free_port;
use crate::support::redis::{Redis, signal};
use crate::support::wait::{STEP, until};

const SPEED: u32 = 60;
/// A heartbeat lives as long as the test: no pause of this machine is the end of a worker.
const BEAT_MS: u64 = 3_600_000;

/// A cloud, a queue, an empty folder, and workers on every machine that comes up.
struct Stranger {
    cloud: Arc<Cloud>,
    redis: Redis,
    folder: tempfile::TempDir,
    page: String,
    over: Arc<AtomicBool>,
    workers: Option<JoinHandle<()>>,
}

impl Stranger {
    fn arrives(catalog: Catalog) -> Self {
        let clock = Clock::scaled(SPEED);
        let cloud = Arc::new(Cloud::selling(catalog, clock, Dials::kind(), Mischief::none()));
        let (redis, folder) = (Redis::start(), tempfile::tempdir().unwrap());
        let (page, over) = (free_port().to_string(), Arc::new(AtomicBool::new(false)));
        Self { cloud, redis, folder, page, over, workers: None }
    }

    fn says(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farmscale"));
        let store = self.folder.path().join("store");
        command
            .args(words)
            .current_dir(self.folder.path())
            .env("FARMSCALE_ACCESS_KEY_ID", KEY)
            .env("FARMSCALE_ACCESS_KEY_SECRET", SECRET)
            .env("FARMSCALE__PAGE__LISTEN", &self.page)
            .env("FARMSCALE__STORE__DIR", store);
        command
    }

    fn init(&self, more: &[&str]) -> Output {
        let server = format!("http://{}", self.cloud.address);
        let (url, speed) = (self.redis.url(), SPEED.to_string());
        let mut words = vec!["init", "--server", &server, "--clock-speed", &speed, "--yes"];
        words.extend(["--redis", &url, "--max", "3", "--money-per-hour", "100"]);
        words.extend(more);
        self.says(&words)
    }

    /// `command --config farmscale.toml` with this world's clock.
    fn with_config(&self, words: &[&str]) -> Output {
        let speed = SPEED.to_string();
        let mut all = words.to_vec();
        all.extend(["--config", "farmscale.toml", "--clock-speed", &speed]);
        self.says(&all)
    }

    fn wait_for_a_machine(&self) {
        let made = || (!self.cloud.truth().is_empty()).then_some(());
        until(made, || "no machine was made".to_owned());
    }

    /// Workers that keep the contract as far as being seen and drained goes.
    fn employ(&mut self) {
        let (cloud, over) = (Arc::clone(&self.cloud), Arc::clone(&self.over));
        let url = self.redis.url();
        self.workers = Some(std::thread::spawn(move || {
            let mut redis = redis::Client::open(url).unwrap().get_connection().unwrap();
            let mut seen = BTreeSet::new();
            while !over.load(Ordering::Acquire) {
                let truth = cloud.truth();
                let runs = |id: &Text| matches!(truth.get(id), Some((_, State::Running)));
                seen.extend(truth.keys().filter(|id| runs(id)).cloned());
                for id in &seen {
                    if runs(id) { beat(&mut redis, id) } else { gone(&mut redis, id) }
                }
                sleep(STEP);
            }
        }));
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        if let Some(workers) = self.workers.take() {
            assert!(workers.join().is_ok() || std::thread::panicking());
        }
    }
}

fn beat(redis: &mut redis::Connection, id: &str) {
    let drained: bool = redis.exists(format!("drain:{id}")).unwrap();
    let word = if drained { "drained" } else { "idle" };
    let beat = format!("{{\"instance\":\"{id}\",\"state\":\"{word}\"}}");
    let _: () = redis.pset_ex(format!("worker:{id}"), beat, BEAT_MS).unwrap();
}

fn gone(redis: &mut redis::Connection, id: &str) {
    let _: u32 = redis.del(format!("worker:{id}")).unwrap();
}

fn text(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    format!("{out}{}", String::from_utf8_lossy(&output.stderr))
}

fn there(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn a_stranger_has_a_farm_at_work_after_four_commands() {
    let mut stranger = Stranger::arrives(Catalog::standard());
    stranger.employ();
    let made = stranger.init(&[]);
    assert!(made.status.success(), "{}", text(&made));
    let config = there(stranger.folder.path(), "farmscale.toml");
    assert!(
        config.contains("money_per_hour = 100") && config.contains("CN_Qingyang_A"),
        "{config}"
    );
    assert!(config.contains("gpu = \"NVIDIA RTX 4090\" # speed 2.517;"), "{config}");
    assert!(!config.contains(SECRET) && !config.contains(KEY));
    let again = stranger.init(&[]);
    assert!(!again.status.success() && text(&again).contains("--force"), "{}", text(&again));

    let checked = stranger.with_config(&["check", "--online", "--json"]);
    assert!(checked.status.success(), "{}", text(&checked));
    let checked: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!((checked["rows"].as_array().unwrap().len(), &checked["ok"]), (10, &true.into()));
    assert_eq!(checked["rows"][0]["free_ips"], 1000);
    assert_eq!(checked["queues"][0]["waiting"], 0, "the queue was asked too: {checked}");

    let tried = stranger.with_config(&["try", "gpu", "--yes", "--json"]);
    assert!(tried.status.success(), "{}", text(&tried));
    let tried: Value = serde_json::from_slice(&tried.stdout).unwrap();
    assert_eq!(tried["stops_free"], true, "{tried}");
    for reached in ["running_after_s", "worker_after_s", "gone_after_s"] {
        assert!(tried[reached].is_number(), "{tried}");
    }
    assert!(stranger.cloud.truth().is_empty(), "the trial's machine is gone");
    let billed = stranger.cloud.with(|provider| provider.bill(stranger.cloud.clock.now()).total());
    let at_most = farmscale::model::Money::parse(tried["cost_at_most_yuan"].as_str().unwrap());
    assert!(billed <= at_most.unwrap(), "{billed} {tried}");

    stranger.redis.ask(&["LPUSH", "render", "frame-1"]);
    let words = ["run", "--config", "farmscale.toml", "--clock-speed", "60"];
    let mut daemon = stranger.command(&words).spawn().unwrap();
    stranger.wait_for_a_machine();
    let url = format!("http://{}", stranger.page);
    let retired = stranger.with_config(&["retire", "--yes", "--json", "--url", &url]);
    assert!(retired.status.success(), "{}", text(&retired));
    let retired: Value = serde_json::from_slice(&retired.stdout).unwrap();
    assert_eq!(
        retired["still_charged"],
        serde_json::json!([]),
        "nothing of ours still incurs charges"
    );
    assert!(stranger.cloud.truth().is_empty(), "decommissioned");
    signal(daemon.id(), "TERM");
    assert!(daemon.wait().unwrap().success());
}

#[test]
fn offers_are_ranked_by_the_price_of_work_and_by_the_gpu_hour_only_where_speed_is_not_known() {
    let mut catalog = Catalog::standard();
    let rp3 = catalog.families.iter_mut().find(|family| &*family.name == "专业渲染型rp3").unwrap();
    rp3.gpu_name = "NVIDIA Nonesuch".into();
    let stranger = Stranger::arrives(catalog);
    let server = format!("http://{}", stranger.cloud.address);
    let words = ["offers", "--server", &server, "--clock-speed", "60"];
    let listed = stranger.says(&[words.as_slice(), &["--json"]].concat());
    let rows: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let rows = rows.as_array().unwrap();
    let yuan = |row: &Value, name: &str| {
        row[name].as_str().map(|text| farmscale::model::Money::parse(text).unwrap())
    };
    let prices: Vec<_> = rows
        .iter()
        .filter(|row| row["reasons"] == serde_json::json!([]))
        .map(|row| yuan(row, "work_hourly_yuan").unwrap())
        .collect();
    assert!(prices.is_sorted() && 3 < prices.len(), "{rows:?}");
    // Dear by the GPU-hour, cheapest by the work it does: 9.38 / 2.517.
    assert_eq!(rows[0]["gpu"], "NVIDIA RTX 4090", "{rows:?}");
    let cheaper = |row: &Value| yuan(row, "gpu_hourly_yuan") < yuan(&rows[0], "gpu_hourly_yuan");
    assert!(rows.iter().any(cheaper), "{rows:?}");
    assert!(rows.iter().any(|row| row["speed"].is_null()));
    let table = text(&stranger.says(&words));
    assert!(table.contains("speed ?: not in the list of GPUs"), "{table}");
}

#[test]
fn what_cannot_work_is_found_before_it_costs_anything_and_with_the_remedy() {
    let mut catalog = Catalog::standard();
    catalog.images.retain(|image| &*image.driver == "Datacenter");
    let stranger = Stranger::arrives(catalog);
    assert!(stranger.init(&["--zones", "CN_Hohhot_B"]).status.success());
    let path = stranger.folder.path().join("farmscale.toml");
    let good = there(stranger.folder.path(), "farmscale.toml");
    assert!(!good.contains("极速渲染型re3"), "there is no image with its driver");
    for (from, to, complaint) in [
        ("cpu = 16", "cpu = 17", "has no such size here; it has 16c 32G 1gpu"),
        ("img-render5000datace", "img-nowhere", "SyncImage"),
        ("2cee7596-bbbb-11ec-a287-000000000002", "2cee7596-x", "its subnets: 2cee7596-bbbb"),
        ("CN_Hohhot_B", "CN_Nowhere", "there is no zone CN_Nowhere"),
        ("sg-cnhuhhot", "sg-nowhere", "no security group sg-nowhere"),
        ("专业渲染型rp3", "专业渲染型RP3", "spells the family `专业渲染型rp3`"),
    ] {
        std::fs::write(&path, good.replace(from, to)).unwrap();
        let checked = stranger.with_config(&["check", "--online"]);
        let said = text(&checked);
        assert!(!checked.status.success() && said.contains(complaint), "{complaint}: {said}");
    }
    let unsold = stranger.init(&["--families", "极速渲染型re3", "--output", "other.toml"]);
    let said = text(&unsold);
    assert!(!unsold.status.success() && said.contains("docs/worker-image.md"), "{said}");
    assert!(stranger.cloud.truth().is_empty());
}

/// No worker ever joins: the trial says what to look at, and leaves nothing behind.
#[test]
fn a_trial_whose_worker_never_joins_deletes_its_machine_all_the_same() {
    let stranger = Stranger::arrives(Catalog::standard());
    assert!(stranger.init(&[]).status.success());
    let speed = SPEED.to_string();
    let mut words = vec!["try", "gpu", "--yes", "--zone", "CN_Suqian_B"];
    words.extend(["--config", "farmscale.toml", "--clock-speed", &speed]);
    let tried = stranger.command(&words).env("FARMSCALE__TIMING__BOOT_MAX", "2m").output().unwrap();
    let said = text(&tried);
    assert!(!tried.status.success() && said.contains("worker-image.md"), "{said}");
    assert!(said.contains("gone") && stranger.cloud.truth().is_empty(), "{said}");

    let mut cut = stranger.command(&words).spawn().unwrap();
    stranger.wait_for_a_machine();
    signal(cut.id(), "INT");
    assert!(!cut.wait().unwrap().success(), "an interrupted trial has shown nothing");
    assert!(stranger.cloud.truth().is_empty(), "an interrupted trial leaves nothing behind");
}
