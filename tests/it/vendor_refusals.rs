//! What the simulated cloud refuses because the document does, each with the sentence that says so; and
//! that the client and the command line say the same before they send.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use farmscale::clock::Clock;
use farmscale::cloud::actions::check::check;
use farmscale::cloud::actions::{self, Action, Rule};
use farmscale::cloud::client::Params;
use farmscale::cloud::{CallError, Client, error};
use farmscale::sim::http::Mischief;
use farmscale::sim::provider::Dials;
use serde_json::{Map, Value, json};

use crate::support::cloud::Cloud;

const ZONE: &str = "CN_Suqian_B";
const VPC: &str = "7ab97a9a-8c0f-11ec-9b99-000000000001";
const SUBNET: &str = "2cee7596-bbbb-11ec-a287-000000000001";
const GROUP: &str = "sg-cnsuqian";
/// The lines of the document that are quoted here.
const DOCUMENT: &str = include_str!("../data/vendor_sentences.txt");

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
        ("CreateInstance", create(&json!({ "SpotAmount": "100" }))),
        ("CreateInstance", create(&public(json!({ "Qos": 5 })))),
        ("CreateInstance", create(&public(json!({ "EipIds": ["eip-1", "eip-2"] })))),
        ("CreateInstance", create(&public(json!({ "BandwidthType": "Bandwidth" })))),
        ("CreateInstance", create(&monthly)),
        ("CreateInstance", create(&json!({ "DnsList": ["10.0.0.2"] }))),
        ("CreateInstance", create(&address)),
        ("CreateDisk", json!({ "AvailableZoneCode": ZONE, "DiskFeature": "SSD", "Size": 44 })),
        ("ExtendDisk", json!({ "DiskId": "disk-1", "ExtendedSize": 44 })),
        ("CreateSnapshot", json!({ "DiskId": "disk-1", "SnapshotName": "auto-1" })),
        ("CreateSnapshot", json!({ "DiskId": "disk-1", "ReservedTime": "soon" })),
        ("ModifySecurityGroupAttribute", json!({ "SecurityGroupId": GROUP })),
        ("CreateSecurityGroup", group("SecurityGroupName", 61)),
        ("CreateSecurityGroup", group("SecurityGroupDescription", 129)),
        ("CreateSecurityGroupPolicies", policies(&json!({ "Port": "22" }))),
        ("CreateSecurityGroupPolicies", policies(&json!({ "CidrBlock": "10.0.0.0/40" }))),
        ("ModifySecurityGroupPolicies", change_policies(&json!({ "Reset": false }))),
        ("ModifySecurityGroupPolicies", change_policies(&json!({ "Reset": true }))),
    ]
}

/// A group that has a text of so many letters.
fn group(name: &str, letters: usize) -> Value {
    let mut group = json!({ "RegionCode": "CN_Suqian", "SecurityGroupName": "gate" });
    group[name] = "门".repeat(letters).into();
    group
}

/// A rule that is taken on, with something else in it.
fn policies(more: &Value) -> Value {
    let mut rule = json!({
        "Protocol": "tcp", "Port": "22/22", "CidrBlock": "10.0.0.0/8", "Priority": 1,
        "Status": true,
    });
    rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "SecurityGroupId": GROUP, "SecurityGroupPolicySet": { "Ingress": [rule] } })
}

/// Neither the id of a rule nor a whole rule.
fn change_policies(more: &Value) -> Value {
    let set = json!({ "Ingress": [{ "Port": "22/22" }] });
    let mut given = json!({ "SecurityGroupId": GROUP, "SecurityGroupPolicySet": set });
    given.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    given
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
    for action in actions::table() {
        for rule in action.rules.iter().filter(|rule| rule.refused) {
            // The same rules of sizes and months stand at several actions.
            assert!(broken.contains(&rule.what), "{}: {} is not tried", action.id(), rule.what);
        }
    }
}

/// Sentences are the document's, word for word; of the client and of later pages the place is named.
#[test]
fn sentences_are_not_made_up() {
    for action in actions::table() {
        for rule in action.rules {
            let is_place = ["(client)", "(page)"].iter().any(|end| rule.sentence.ends_with(end));
            assert!(is_place || DOCUMENT.contains(rule.sentence), "«{}»", rule.sentence);
        }
    }
}

/// What is refused, with which code, what the message names, and the words of the document.
struct Refused {
    action: &'static str,
    given: Value,
    code: &'static str,
    named: &'static str,
    sentence: &'static str,
}

fn refused(
    action: &'static str,
    given: Value,
    named: &'static str,
    sentence: &'static str,
) -> Refused {
    Refused { action, given, code: "InvalidParameter", named, sentence }
}

impl Refused {
    fn with_code(self, code: &'static str) -> Self {
        Self { code, ..self }
    }

    /// The simulated cloud refuses it so, and quotes what the document says.
    fn holds(&self, caller: &Caller) {
        let (code, message) = caller.refused(self.action, &self.given);
        assert_eq!(code, self.code, "{} {}: {message}", self.action, self.given);
        assert!(message.contains(self.named), "{} {}: {message}", self.action, self.given);
        assert!(DOCUMENT.contains(self.sentence), "not in the document: {}", self.sentence);
    }
}

/// A create with something in it that is refused.
fn create_with(more: &Value, named: &'static str, sentence: &'static str) -> Refused {
    refused("CreateInstance", create(more), named, sentence)
}

const NOT_VALID: &str = "The parameter is not valid.";

/// `类型: int` and the like: a type is a type; a name or a word that the document does not have is none.
#[test]
fn wrong_types_unknown_names_and_unknown_words_of_a_create_are_refused() {
    let caller = Caller::start();
    let disk = |size: Value| json!({ "SystemDisk": { "DiskFeature": "ssd", "Size": size } });
    let fast = public(json!({ "BandwidthType": "Fast", "Qos": 5 }));
    for refused in [
        create_with(&json!({ "Cpu": "16" }), "Cpu", "| Cpu               | 必选 | int "),
        create_with(&json!({ "Number": "1" }), "Number", "| Number            | 可选 | int "),
        create_with(&disk(json!("40")), "SystemDisk.Size", "\"Size\":50 # 盘大小"),
        create_with(&disk(json!(40.5)), "SystemDisk.Size", "\"Size\":50 # 盘大小"),
        create_with(&json!({ "Colour": "red" }), "Colour", NOT_VALID),
        create_with(&json!({ "Colour": 0 }), "Colour", NOT_VALID),
        create_with(&fast, "BandwidthType", "流量按需: “Traffic”"),
        create_with(&json!({ "BillingMethod": "2" }), "BillingMethod", "\"0\": 按需"),
        create_with(
            &json!({ "BillingMethod": 0 }),
            "BillingMethod",
            "BillingMethod     | 必选 | string",
        ),
        create_with(&json!({ "SpotType": "auto" }), "SpotType", "购买的竞价实例模式"),
        create_with(&json!({ "SpotAmount": "9" }), "SpotAmount", "竞价实例bid（设置上线）模式下"),
    ] {
        refused.holds(&caller);
    }
}

#[test]
fn wrong_types_unknown_filters_and_unknown_words_of_other_calls_are_refused() {
    let caller = Caller::start();
    let stop = json!({ "EcsIds": ["ins-1"], "OpType": "stop" });
    let measure = json!({ "EcsId": "i", "Indicators": ["CpuUse"] });
    let day = json!({ "EcsId": "i", "StartTime": "2026-01-02" });
    let (page, running) = (json!({ "PageNumber": "first" }), json!({ "Status": "running" }));
    let disk = json!({ "AvailableZoneCode": ZONE, "DiskFeature": "SSD", "Size": "32" });
    let list = "DescribeInstanceList";
    for refused in [
        refused("OperateInstance", stop, "OpType", "start_up_ecs"),
        refused("DescribeInstanceMonitor", measure, "Indicators", "'CpuUsage', 'CPU使用率'"),
        refused("DescribeInstanceMonitor", day, "StartTime", NOT_VALID),
        refused("DeleteInstance", json!({ "EcsIds": "i" }), "EcsIds", "EcsIds    | 必选 | list"),
        refused("CreateDisk", disk, "Size", "容量为8的倍数，且最小24GB起。                | int "),
        refused(list, running, "Status", NOT_VALID),
        refused(list, page, "PageNumber", "PageNumber        | 可选 | int"),
    ] {
        refused.holds(&caller);
    }
}

/// What a parameter names must be there, and in the number that is wanted.
#[test]
fn what_is_not_there_and_wrong_counts_are_refused() {
    let caller = Caller::start();
    let disk = json!({ "DataDisk": [{ "DiskFeature": "ssd", "Size": 48, "SnapshotId": "s-x" }] });
    let groups = |ids: &[&str]| {
        let group = |id: &&str| json!({ "SecurityGroupId": id });
        json!({ "SecurityGroups": ids.iter().map(group).collect::<Vec<_>>() })
    };
    let outside = json!({ "SubnetInfo": { "SubnetId": SUBNET, "IpAddress": ["10.16.0.9"] } });
    let elsewhere = json!({ "PubnetInfo": [{ "SubnetId": "x", "BandwidthType": "Traffic" }] });
    let eips = public(json!({ "EipIds": ["a", "b"] }));
    let entry = |eip: &str| json!({ "SubnetId": SUBNET, "EipIds": [eip] });
    let entries = json!({ "PubnetInfo": [entry("a"), entry("b")] });
    let small = json!({ "SystemDisk": { "DiskFeature": "ssd", "Size": 16 } });
    let (count, priority) = ("默认批量最大值为100台", "安全组优先级按顺序由高到低");
    let no_zone = "InvalidAvailableZone.NotFound";
    let nowhere = json!({ "AvailableZoneCode": "CN_X" });
    for refused in [
        create_with(&disk, "快照信息不存在", "通过此快照创建数据盘"),
        create_with(&json!({ "TestAccount": "nobody" }), "", "测试账户名称")
            .with_code("InvalidAccount.NotFound"),
        create_with(&groups(&["sg-x"]), "sg-x", priority).with_code("InvalidResourceId.NotFound"),
        create_with(&groups(&[GROUP, GROUP]), "SecurityGroups", priority),
        create_with(&outside, "IpAddress", "SubnetInfo        | 必选"),
        create_with(
            &elsewhere,
            "PubnetInfo.SubnetId",
            "\"SubnetId\":\"\"; string类型，必填,子网id",
        ),
        create_with(&small, "", "容量为8的倍数，且最小24GB起").with_code("MinDiskSizeLess"),
        create_with(&json!({ "Number": 101 }), "Number", count),
        create_with(&json!({ "Number": 0 }), "Number", count),
        create_with(&eips, "EipIds", "数量需要和云服务器数量一致"),
        create_with(&entries, "EipIds", "数量需要和云服务器数量一致"),
        create_with(&json!({ "DnsList": ["1.1.1.1"] }), "DnsList", "需要两个元素"),
        refused("DescribeDiskList", nowhere.clone(), "", no_zone).with_code(no_zone),
        refused("DescribeInstanceList", nowhere, "", no_zone).with_code(no_zone),
    ] {
        refused.holds(&caller);
    }
}

/// A client may show or compare messages: they are the document's, with what is particular after them.
#[test]
fn a_refusal_has_the_status_and_the_words_of_the_documents_table() {
    let caller = Caller::start();
    let calls = [
        ("CreateInstance", create(&json!({ "Colour": "red" }))),
        ("CreateInstance", create(&json!({ "Cpu": 17 }))),
        ("CreateInstance", create(&json!({ "ImageId": "x" }))),
        ("CreateInstance", create(&json!({ "VpcInfo": { "VpcId": "x" } }))),
        ("CreateInstance", create(&json!({ "EcsFamilyName": "x" }))),
        ("CreateInstance", json!({ "Name": "x" })),
        ("CreateInstance", create(&json!({ "ImageId": "" }))),
        ("DescribeInstance", json!({ "EcsId": "ins-x" })),
        ("DescribeEvent", json!({ "EventId": "x" })),
        ("DescribeVPC", json!({ "RegionCode": "x" })),
        ("CreateDisk", json!({ "AvailableZoneCode": ZONE, "DiskFeature": "SSD", "Size": 16 })),
    ];
    for (name, given) in calls {
        let action = actions::find(name).unwrap();
        let Err(CallError::Refused { http, code, message, .. }) = caller.call(action, &given)
        else {
            panic!("{name} {given} was taken on");
        };
        let (status, words) = error::code(&code).unwrap().told.unwrap();
        assert_eq!(http, status, "{name} {given}");
        assert!(message.starts_with(words), "{name} {given}: {message}");
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
    let given = create(&json!({
        "Cpu": 2048, "IsAutoRenewal": 0, "BillingMethod": "1",
        "DataDisk": [{ "DiskFeature": "ssd", "Size": 48, "ReleaseWithInstance": 1 }],
        "PubnetInfo": [{ "SubnetId": SUBNET, "EipIds": ["eip-1"], "BandwidthType": "Traffic" }],
    }));
    let found = check(actions::find("CreateInstance").unwrap(), given.as_object().unwrap());
    let cpu = found.iter().find(|one| one.param == "Cpu").unwrap();
    assert!(cpu.is_warning(), "{cpu:?}");
    for warned in ["PubnetInfo.BandwidthType", "DataDisk.ReleaseWithInstance"] {
        let one = found.iter().find(|one| one.param == warned).unwrap();
        assert!(one.is_warning(), "{one:?}");
    }
    let renews: Map<String, Value> =
        create(&json!({ "BillingMethod": "1" })).as_object().unwrap().clone();
    let found = check(actions::find("CreateInstance").unwrap(), &renews);
    let money = found.iter().find(|one| one.param == "IsAutoRenewal").unwrap();
    assert!(money.is_warning() && money.what.contains("month after month"), "{money:?}");
}
