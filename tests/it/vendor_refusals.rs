//! What the simulated cloud refuses because the document does, each with the sentence that says so; and
//! that the client and the command line say the same before they send.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use farmscale::clock::Clock;
use farmscale::cloud::actions::check::check;
use farmscale::cloud::actions::{self, Action, Rule};
use farmscale::cloud::client::Params;
use farmscale::cloud::{CallError, Client};
use farmscale::sim::http::Mischief;
use farmscale::sim::provider::Dials;
use serde_json::{Map, Value, json};

use crate::support::cloud::Cloud;

const ZONE: &str = "CN_Suqian_B";
const VPC: &str = "7ab97a9a-8c0f-11ec-9b99-000000000001";
const SUBNET: &str = "2cee7596-bbbb-11ec-a287-000000000001";

struct Caller {
    _cloud: Cloud,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Caller {
    fn start() -> Self {
        let cloud = Cloud::start(Clock::real(), Dials::kind(), Mischief::none());
        let client = cloud.client(1000);
        Self { _cloud: cloud, client, runtime: tokio::runtime::Runtime::new().unwrap() }
    }

    fn call(&self, action: &Action, given: &Value) -> Result<Value, CallError> {
        let params = Params::of(action, given.as_object().unwrap());
        let answer = self.runtime.block_on(self.client.call(action, params));
        answer.map(|answer| answer.data)
    }

    /// The code of a refusal, and what was wrong.
    fn refused(&self, name: &str, given: &Value) -> (String, String) {
        match self.call(actions::find(name).unwrap(), given) {
            Err(CallError::Refused { code, message, .. }) => (code, message),
            other => panic!("{name} {given}: {other:?}"),
        }
    }
}

/// A create that is taken on, with something else in it.
fn create(more: &Value) -> Value {
    let mut body = json!({
        "Name": "refusal", "Password": "Render-0123456789", "AvailableZoneCode": ZONE,
        "EcsFamilyName": "专业渲染型rp3", "Cpu": 16, "Ram": 32, "Gpu": 1, "BillingMethod": "0",
        "ImageId": "render-worker-Datacenter",
        "SystemDisk": { "DiskFeature": "ssd", "Size": 40 },
        "VpcInfo": { "VpcId": VPC }, "SubnetInfo": { "SubnetId": SUBNET },
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn public(more: Value) -> Value {
    let mut one = json!({ "SubnetId": SUBNET });
    one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "PubnetInfo": [one] })
}

/// For every rule that refuses: a call that breaks it.
fn breaking() -> Vec<(&'static str, Value)> {
    let monthly = json!({
        "BillingMethod": "1", "IsAutoRenewal": 0,
        "PubnetInfo": [{ "SubnetId": SUBNET, "BandwidthType": "Bandwidth", "Qos": 5 }],
    });
    let address = json!({ "SubnetInfo": {
        "SubnetId": SUBNET, "IpAddress": ["10.15.100.9", "10.15.100.10"],
    } });
    vec![
        ("CreateInstance", create(&json!({ "BillingMethod": "1", "Duration": 18 }))),
        ("CreateInstance", create(&json!({ "SpotType": "auto" }))),
        ("CreateInstance", create(&json!({ "BillingMethod": "3", "SpotType": "bid" }))),
        ("CreateInstance", create(&public(json!({ "Qos": 5 })))),
        ("CreateInstance", create(&public(json!({ "EipIds": ["eip-1", "eip-2"] })))),
        ("CreateInstance", create(&public(json!({ "BandwidthType": "Bandwidth" })))),
        ("CreateInstance", create(&monthly)),
        ("CreateInstance", create(&json!({ "DnsList": ["10.0.0.2"] }))),
        ("CreateInstance", create(&address)),
        ("CreateDisk", json!({ "AvailableZoneCode": ZONE, "DiskFeature": "SSD", "Size": 44 })),
        ("ExtendDisk", json!({ "DiskId": "disk-1", "ExtendedSize": 44 })),
    ]
}

#[test]
fn every_rule_of_the_table_is_refused_by_the_cloud_and_names_its_sentence() {
    let caller = Caller::start();
    let breaking = breaking();
    let mut broken: Vec<&str> = Vec::new();
    for (name, given) in &breaking {
        let action = actions::find(name).unwrap();
        let is_broken = |rule: &&Rule| rule.is_broken(given.as_object().unwrap());
        let rules: Vec<&Rule> =
            action.rules.iter().filter(|rule| rule.refused).filter(is_broken).collect();
        assert_eq!(rules.len(), 1, "{name} {given} breaks one rule: {rules:?}");
        let (code, message) = caller.refused(name, given);
        assert!(
            ["InvalidParameter", "InvalidDiskSize.ValueNotSupported"].contains(&&*code),
            "{code} {message}"
        );
        assert!(!rules[0].sentence.is_empty());
        broken.push(rules[0].what);
    }
    for action in actions::all() {
        for rule in action.rules.iter().filter(|rule| rule.refused) {
            // The same rules of sizes and months stand at several actions.
            assert!(broken.contains(&rule.what), "{}: {} is not tried", action.id(), rule.what);
        }
    }
}

/// Sentences are the document's, word for word; the client's are marked so.
#[test]
fn sentences_are_not_made_up() {
    let document = include_str!("../data/vendor_sentences.txt");
    for action in actions::all() {
        for rule in action.rules {
            let is_client = rule.sentence.ends_with("(client)");
            assert!(is_client || document.contains(rule.sentence), "«{}»", rule.sentence);
        }
    }
}

/// `类型: int`, `可选 list` and the like: a type is a type.
#[test]
fn wrong_types_unknown_names_and_unknown_words_are_refused() {
    let caller = Caller::start();
    let list = |more: Value| ("DescribeInstanceList", more);
    let wrong = [
        ("CreateInstance", create(&json!({ "Cpu": "16" })), "Cpu"),
        ("CreateInstance", create(&json!({ "Colour": "red" })), "Colour"),
        (
            "CreateInstance",
            create(&public(json!({ "BandwidthType": "Fast", "Qos": 5 }))),
            "BandwidthType",
        ),
        ("CreateInstance", create(&json!({ "BillingMethod": "2" })), "BillingMethod"),
        ("OperateInstance", json!({ "EcsIds": ["ins-1"], "OpType": "stop" }), "OpType"),
        (
            "DescribeInstanceMonitor",
            json!({ "EcsId": "ins-1", "Indicators": ["CpuUse"] }),
            "Indicators",
        ),
        (list(json!({})).0, json!({ "Status": "running" }), "Status"),
        (list(json!({})).0, json!({ "PageNumber": "first" }), "PageNumber"),
        ("DeleteInstance", json!({ "EcsIds": "ins-1" }), "EcsIds"),
    ];
    for (name, given, param) in wrong {
        let (code, message) = caller.refused(name, &given);
        assert_eq!(code, "InvalidParameter", "{name}: {message}");
        assert!(message.contains(param), "{name}: {message}");
    }
}

/// What a parameter names must be there.
#[test]
fn what_is_not_there_is_refused() {
    let caller = Caller::start();
    let disk = json!({ "DataDisk": [{ "DiskFeature": "ssd", "Size": 48, "SnapshotId": "s-x" }] });
    let group = json!({ "SecurityGroups": [{ "SecurityGroupId": "sg-x" }] });
    let outside = json!({ "SubnetInfo": { "SubnetId": SUBNET, "IpAddress": ["10.16.0.9"] } });
    for (given, code) in [
        (create(&disk), "InvalidParameter"),
        (create(&json!({ "TestAccount": "nobody" })), "InvalidAccount.NotFound"),
        (create(&group), "InvalidResourceId.NotFound"),
        (create(&outside), "InvalidParameter"),
    ] {
        assert_eq!(caller.refused("CreateInstance", &given).0, code, "{given}");
    }
}

/// What samples and programs send is taken: one object for a list, an empty text for nothing, the
/// other name of a parameter.
#[test]
fn what_samples_and_programs_send_is_taken() {
    let caller = Caller::start();
    let create_instance = actions::find("CreateInstance").unwrap();
    let one = json!({
        "DataDisk": { "DiskFeature": "ssd", "Size": 48 }, "TestAccount": "rendertest",
        "PubnetInfo": [{
            "SubnetId": SUBNET, "IpType": "", "BandwidthType": "Traffic", "BandwidthConfName": "",
        }],
        "SubnetInfo": { "SubnetId": SUBNET, "IpAddress": ["10.15.100.77"] },
    });
    let made = caller.call(create_instance, &create(&one)).unwrap();
    let id = made["EcsIdSet"][0].as_str().unwrap();
    let detail = caller.call(actions::find("DescribeInstance").unwrap(), &json!({ "EcsId": id }));
    assert_eq!(detail.unwrap()["Pipe"]["PrivateNet"], "10.15.100.77", "as asked");
    let disks = actions::find("DescribeEcsAttachDisks").unwrap();
    let disks = caller.call(disks, &json!({ "EcsId": id })).unwrap();
    assert_eq!(disks["DiskList"].as_array().unwrap().len(), 2);
    let taken = create(&json!({
        "SubnetInfo": { "SubnetId": SUBNET, "IpAddress": ["10.15.100.77"] },
    }));
    assert_eq!(caller.refused("CreateInstance", &taken).0, "InvalidParameter", "it is taken");
}

/// Limits that no document states are only warned about.
#[test]
fn an_unusual_number_is_warned_about_and_sent() {
    let given = create(&json!({ "Cpu": 2048, "IsAutoRenewal": 0, "BillingMethod": "1" }));
    let found = check(actions::find("CreateInstance").unwrap(), given.as_object().unwrap());
    let cpu = found.iter().find(|one| one.param == "Cpu").unwrap();
    assert!(cpu.is_warning(), "{cpu:?}");
    let renews: Map<String, Value> =
        create(&json!({ "BillingMethod": "1" })).as_object().unwrap().clone();
    let found = check(actions::find("CreateInstance").unwrap(), &renews);
    let money = found.iter().find(|one| one.param == "IsAutoRenewal").unwrap();
    assert!(money.is_warning() && money.what.contains("month after month"), "{money:?}");
}
