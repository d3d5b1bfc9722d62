//! What still incurs charges after a machine is gone: listed with whose it is, and ended where it is ours.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::collections::BTreeMap;
use std::process::{Command, Output};

use farmscale::clock::Clock;
use farmscale::cloud::actions::{self, Service};
use farmscale::cloud::client::Params;
use farmscale::cloud::disks::NewDisks;
use farmscale::cloud::events::{Followed, Pace};
use farmscale::cloud::instances::Accepted;
use farmscale::cloud::{CallError, Client};
use farmscale::model::{Namer, Span, Text};
use farmscale::sim::http::Mischief;
use farmscale::sim::provider::Dials;
use serde_json::{Value, json};

use crate::support::cloud::{Cloud, KEY, SECRET};

const ZONE: &str = "CN_Suqian_B";

/// A cloud, and a farm called `studio` in a config.
struct Stage {
    cloud: Cloud,
    client: Client,
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    speed: String,
}

impl Stage {
    fn at(speed: u32) -> Self {
        let cloud = Cloud::start(Clock::scaled(speed), Dials::kind(), Mischief::none());
        let folder = tempfile::tempdir().unwrap();
        let minimal = include_str!("../../config/examples/minimal.toml");
        let endpoint = format!("[cloud]\nendpoint = \"http://{}/ecs/v1\"\n", cloud.address);
        std::fs::write(folder.path().join("farm.toml"), format!("{minimal}\n{endpoint}")).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let client = cloud.client(1000);
        Self { cloud, client, runtime, folder, speed: speed.to_string() }
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    fn done(&self, service: Service, accepted: Result<Accepted, CallError>) -> Vec<Text> {
        let accepted = accepted.unwrap();
        let pace = Pace { every: Span::seconds(2), within: Span::days(30) };
        let event = accepted.event.unwrap();
        let followed = self.run(self.client.follow(service, &event, pace, |_| ()));
        assert!(matches!(followed, Followed::Done(_)), "{followed:?}");
        accepted.made
    }

    /// A machine with a data disk that outlives it and a public address.
    fn machine(&self, name: &str) -> Text {
        let body = json!({
            "AvailableZoneCode": ZONE, "EcsFamilyName": "专业渲染型rp3", "Cpu": 16, "Ram": 32,
            "Gpu": 1, "BillingMethod": "0", "ImageId": "render-worker-Datacenter", "Name": name,
            "Password": "Sweeping-123", "SystemDisk": {"DiskFeature": "ssd", "Size": 40},
            "DataDisk": [{"DiskFeature": "ssd", "Size": 48, "ReleaseWithInstance": 0}],
            "VpcInfo": {"VpcId": "7ab97a9a-8c0f-11ec-9b99-000000000001"},
            "SubnetInfo": {"SubnetId": "2cee7596-bbbb-11ec-a287-000000000001"},
            "PubnetInfo": [{
                "SubnetId": "2cee7596-bbbb-11ec-a287-000000000001", "BandwidthType": "Traffic",
            }],
        });
        let answer = self.run(self.client.call(&actions::ecs::CREATE, Params::Body(body))).unwrap();
        let text = |value: &Value| Text::from(value.as_str().unwrap());
        let event = answer.data.get("EventId").map(text);
        let made = answer.data.pointer("/EcsIdSet/0").map(text).into_iter().collect();
        self.done(Service::Ecs, Ok(Accepted { event, made })).remove(0)
    }

    fn disk(&self, name: &str, instance: Option<&str>) -> Text {
        let instance = instance.map(|id| (id, false));
        let new =
            NewDisks { zone: ZONE, gib: 32, number: 1, name: Some(name), instance, snapshot: None };
        let made = self.run(self.client.create_disks(&new));
        self.done(Service::Ebs, made).remove(0)
    }

    fn address(&self, description: &str) -> Text {
        let now = self.cloud.clock.now();
        self.cloud.with(|provider| provider.create_eip(now, ZONE, description)).unwrap()
    }

    fn sweep(&self, more: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_farmscale"))
            .args(["sweep", "--config", "farm.toml", "--clock-speed", &self.speed])
            .args(more)
            .current_dir(self.folder.path())
            .env("FARMSCALE_ACCESS_KEY_ID", KEY)
            .env("FARMSCALE_ACCESS_KEY_SECRET", SECRET)
            .output()
            .unwrap()
    }

    /// Rows by id.
    fn rows(&self, more: &[&str]) -> BTreeMap<String, Value> {
        let output = self.sweep(&[more, &["--json"]].concat());
        assert!(output.status.success(), "{}", text(&output));
        by_id(&output)
    }

    /// Ids that are billed now.
    fn open(&self) -> Vec<String> {
        let bill = self.cloud.with(|provider| provider.bill(self.cloud.clock.now()));
        let open = bill.lines.into_iter().filter(|line| line.open);
        open.map(|line| line.instance.to_string()).collect()
    }
}

fn by_id(output: &Output) -> BTreeMap<String, Value> {
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let id = |row: &Value| row.get("id").and_then(Value::as_str).unwrap().to_owned();
    rows.into_iter().map(|row| (id(&row), row)).collect()
}

fn text(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    format!("{out}{}", String::from_utf8_lossy(&output.stderr))
}

#[test]
fn what_a_machine_left_is_deleted_if_it_is_ours_and_what_is_foreign_stays() {
    let stage = Stage::at(60);
    let name = Namer::new("studio").name("gpu", 29_000_000, 7);
    let machine = stage.machine(name.as_str());
    let ours = stage.disk(&format!("{name}-data"), Some(&machine));
    let our_address = stage.address(name.as_str());
    // What a person of the studio would call a disk, and what no name tells anything of.
    let (textures, gate) = (stage.disk("studio-textures", None), stage.address("gate"));
    assert!(stage.sweep(&[]).status.success());
    let rows = stage.rows(&[]);
    assert!(!rows.contains_key(&*ours), "it is attached: {rows:?}");
    let row = &rows[&*our_address];
    assert_eq!((&row["ours"], &row["can_go"]), (&json!(true), &json!(false)), "{row}");

    stage.done(Service::Ecs, stage.run(stage.client.delete(&[&machine], false)));
    let rows = stage.rows(&[]);
    let is_ours = |id: &str| rows[id]["ours"] == json!(true);
    assert_eq!(rows.len(), 6, "four of the machine and its name, two others: {rows:?}");
    let foreign: Vec<String> = rows.keys().filter(|id| !is_ours(id)).cloned().collect();
    assert!(is_ours(&ours) && is_ours(&our_address) && foreign.len() == 4, "{rows:?}");
    assert!(foreign.contains(&textures.to_string()) && foreign.contains(&gate.to_string()));
    let row = &rows[&*ours];
    assert_eq!(
        (&row["kind"], &row["gib"], &row["place"]),
        (&"disk".into(), &32.into(), &ZONE.into())
    );
    let hourly = row["hourly_yuan"].as_str().unwrap();
    let day = stage.cloud.with(|provider| provider.catalog().disk_day(ZONE, 32)).unwrap();
    assert_eq!(hourly, farmscale::model::Money((day.0 + 12) / 24).plain());
    assert!(rows[&*our_address]["since"].is_string() && rows[&*our_address]["ip"].is_string());

    let asked = stage.sweep(&["--delete", "--grace", "1s"]);
    let said = text(&asked);
    assert!(!asked.status.success() && said.contains("say --yes"), "{said}");
    assert!(said.contains(&*ours) && said.contains(&*our_address), "{said}");
    assert!(!said.contains(&*textures) && !said.contains(&*gate), "{said}");
    assert_eq!(stage.open().len(), 6, "nothing was done");

    let swept = stage.rows(&["--delete", "--yes", "--grace", "30d"]);
    assert_eq!(swept[&*ours]["outcome"], "deleted", "{swept:?}");
    assert_eq!(swept[&*our_address]["outcome"], "kept", "too young: {swept:?}");
    assert!(foreign.iter().all(|id| swept[id]["outcome"] == "kept"), "{swept:?}");
    let swept = stage.rows(&["--delete", "--yes", "--grace", "1s"]);
    assert_eq!(swept[&*our_address]["outcome"], "deleted", "{swept:?}");

    let mut billed = stage.open();
    billed.sort();
    assert_eq!(billed, foreign, "the bill of what was ours has stopped");
    let again = stage.rows(&["--delete", "--yes", "--grace", "1s"]);
    assert_eq!(again.keys().cloned().collect::<Vec<_>>(), foreign);
    assert!(again.values().all(|row| row["ours"] == json!(false)), "{again:?}");

    let claimed = stage.rows(&["--delete", "--yes", "--named", "studio-tex"]);
    assert_eq!(claimed[&*textures]["outcome"], "deleted", "the operator said so: {claimed:?}");
    assert_eq!(stage.open().len(), 3);
}

#[test]
fn a_deletion_that_nobody_saw_end_fails_the_command() {
    let stage = Stage::at(4);
    let name = Namer::new("studio").name("gpu", 29_000_000, 8);
    let disk = stage.disk(name.as_str(), None);
    let swept = stage.sweep(&["--delete", "--yes", "--within", "1s", "--json"]);
    let said = text(&swept);
    assert!(!swept.status.success() && said.contains("STILL THERE"), "{said}");
    let row = &by_id(&swept)[&*disk];
    assert_eq!(row["outcome"], "failed", "{said}");
    assert!(row["detail"].as_str().unwrap().contains("not gone within"), "{said}");
    let short = stage.sweep(&["--named", "st"]);
    assert!(!short.status.success() && text(&short).contains("at least 3 letters"));
}
