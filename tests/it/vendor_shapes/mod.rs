//! What the simulated cloud answers, decoded as the vendor's newest public client decodes it, and held
//! against the table of actions field by field.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::collections::BTreeMap;

use farmscale::clock::Clock;
use farmscale::cloud::Client;
use farmscale::cloud::actions::{self, Action, Service};
use farmscale::cloud::client::Params;
use farmscale::model::{Span, Text};
use farmscale::sim::http::{Answers, Form};
use farmscale::sim::provider::{Catalog, Dials};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::support::cloud::Cloud;

mod machines;
mod networks;

const ZONE: &str = "CN_Suqian_B";
const REGION: &str = "CN_Suqian";
const FAMILY: &str = "专业渲染型rp3";
const VPC: &str = "7ab97a9a-8c0f-11ec-9b99-000000000001";
const SUBNET: &str = "2cee7596-bbbb-11ec-a287-000000000001";
const GROUP: &str = "sg-cnsuqian";
const PASSWORD: &str = "Render-0123456789";

/// A caller that sends what it is told and keeps what it was answered.
struct Caller {
    cloud: Cloud,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Caller {
    fn start(answers: Answers) -> Self {
        let clock = Clock::starting_at(Clock::real().now(), 60);
        let cloud = Cloud::build(Catalog::standard(), Dials::kind(), answers, clock);
        let client = cloud.client(1000);
        Self { cloud, client, runtime: tokio::runtime::Runtime::new().unwrap() }
    }

    fn call(&self, service: Service, name: &str, given: Value) -> Value {
        let action = actions::at(service, name).unwrap();
        let Value::Object(given) = given else { panic!("parameters are an object") };
        let params = sent(action, &given);
        let answer = self.runtime.block_on(self.client.call(action, params)).unwrap();
        let differences = action.answer.differences(&answer.data);
        assert!(differences.is_empty(), "{name}: {differences:#?}");
        answer.data
    }

    /// As the vendor's client decodes it.
    fn read<T: DeserializeOwned>(&self, service: Service, name: &str, given: Value) -> T {
        let data = self.call(service, name, given);
        serde_json::from_value(data.clone())
            .unwrap_or_else(|error| panic!("{name}: {error}: {data}"))
    }

    fn ecs<T: DeserializeOwned>(&self, name: &str, given: Value) -> T {
        self.read(Service::Ecs, name, given)
    }

    fn vpc<T: DeserializeOwned>(&self, name: &str, given: Value) -> T {
        self.read(Service::Vpc, name, given)
    }

    /// Follows an event to its end.
    fn follow(&self, event: &str) -> machines::EventResultData {
        loop {
            let now: machines::EventResultData =
                self.ecs("DescribeEvent", json!({ "EventId": event }));
            if now.event_status != "doing" {
                assert_eq!(now.event_status, "success");
                return now;
            }
            let next = self.cloud.clock.now() + Span::seconds(5);
            self.runtime.block_on(self.cloud.clock.sleep_until(next));
        }
    }

    fn created(&self) -> Text {
        let made: machines::CreateInstanceEvent = self.ecs("CreateInstance", create());
        self.follow(&made.event_id);
        made.ecs_id_set[0].as_str().into()
    }
}

/// In the address as they are: the client sends empty texts too.
fn sent(action: &Action, given: &Map<String, Value>) -> Params {
    if action.method != "GET" {
        return Params::Body(Value::Object(given.clone()));
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Params::Query(given.iter().map(|(name, value)| (name.clone(), text(value))).collect())
}

/// What the client's `CreateInstanceReq` becomes.
fn create() -> Value {
    json!({
        "Name": "shape", "Password": PASSWORD, "AvailableZoneCode": ZONE, "EcsFamilyName": FAMILY,
        "UtcTime": 0, "Cpu": 16, "Ram": 32, "Gpu": 1, "Number": 1, "BillingMethod": "0",
        "ImageId": "render-worker-Datacenter",
        "SystemDisk": { "DiskFeature": "ssd", "Size": 40 },
        "DataDisk": [{ "DiskFeature": "ssd", "Size": 48, "ReleaseWithInstance": 1 }],
        "VpcInfo": { "VpcId": VPC }, "SubnetInfo": { "SubnetId": SUBNET },
        "SecurityGroups": [{ "SecurityGroupId": GROUP }],
        "DnsList": ["10.0.0.2", "10.0.0.3"],
        "PubnetInfo": [{
            "SubnetId": SUBNET, "BandwidthConfName": "电信", "IpType": "",
            "BandwidthType": "Bandwidth", "Qos": 10,
        }],
    })
}

/// The fourteen calls of the client's `ecs` package.
#[test]
fn all_fourteen_calls_of_the_vendors_client_decode() {
    let caller = Caller::start(Answers::DOCUMENTED);
    let regions: Vec<machines::RegionGroup> = caller.ecs("DescribeRegions", json!({}));
    assert_eq!(regions[0].region_list.len(), 3);
    let sold = json!({ "AvailableZoneCode": ZONE, "BillingMethod": "0" });
    let families: machines::FamilyData = caller.ecs("DescribeEcsFamilyInfo", sold);
    assert!(families.ecs_family_info.iter().any(|one| one.ecs_family_name == FAMILY));
    let images: machines::ImageList = caller.read(
        Service::Images,
        "DescribeImages",
        json!({ "AvailableZoneCode": ZONE, "ImageIds": "" }),
    );
    assert_eq!(images.image_list.len(), 3);

    let id = caller.created();
    let asked = json!({ "AvailableZoneCode": "", "VpcId": "", "SearchInfo": "", "EcsIds": *id });
    let list: machines::InstanceListData = caller.ecs("DescribeInstanceList", asked);
    let row = &list.ecs_list[0];
    assert!(row.is_gpu && row.binding_pubnet_ip && row.subnet_id == SUBNET);
    let detail: machines::InstanceData = caller.ecs("DescribeInstance", json!({ "EcsId": *id }));
    let qos: Vec<i64> = detail.pipe.eip_info.values().map(|eip| eip.current_use_qos).collect();
    assert_eq!((detail.is_gpu, qos), (true, vec![10]), "bandwidth as it was ordered");
    assert_eq!(detail.security_group[0].security_group_id, GROUP);
    assert_eq!(detail.os_info.image_id, "img-render5000datace", "it was ordered by its name");
    assert!(row.private_net.starts_with("10.15.10"), "in its subnet: {}", row.private_net);
    let statuses: machines::InstanceEcsStatusInfo =
        caller.ecs("DescribeInstanceStatus", json!({ "EcsIds": [*id] }));
    assert_eq!(statuses.ecs_status[&*id].status, "running");
    let named: machines::ModifyInstanceNameData =
        caller.ecs("ModifyInstanceName", json!({ "EcsId": *id, "Name": "other" }));
    assert_eq!(named.name, "other");
    changes(&caller, &id, &detail);
}

/// Those that change something and are followed.
fn changes(caller: &Caller, id: &str, detail: &machines::InstanceData) {
    let follow = |name: &str, given: Value| {
        let taken: machines::EventIdData = caller.ecs(name, given);
        caller.follow(&taken.event_id)
    };
    let word = json!({ "EcsIds": [id], "Password": PASSWORD });
    follow("ModifyInstancePassword", word);
    let disk = &detail.disk.system_disk_conf;
    let larger = json!({ "DiskId": disk.disk_id, "ExtendedSize": disk.size + 8 });
    let taken: machines::EventIdData = caller.read(Service::Ebs, "ExtendDisk", larger);
    caller.follow(&taken.event_id);
    follow("OperateInstance", json!({ "EcsIds": [id], "OpType": "shutdown_ecs", "DeleteEip": 0 }));
    let size = json!({
        "EcsIds": [id], "AvailableZoneCode": ZONE, "EcsFamilyName": FAMILY, "Cpu": 32, "Ram": 64,
        "Gpu": 2,
    });
    follow("ChangeInstanceConfigure", size);
    let now: machines::InstanceData = caller.ecs("DescribeInstance", json!({ "EcsId": id }));
    assert_eq!((now.ecs_rule.cpu_num, now.disk.system_disk_conf.size), (32, 48));
    follow("DeleteInstance", json!({ "EcsIds": [id], "DeleteEip": 1 }));
    assert!(caller.cloud.truth().is_empty());
}

/// The eight calls of the client that read and order networks and addresses, and two newer ones.
#[test]
fn all_eight_network_calls_of_the_vendors_client_decode() {
    let caller = Caller::start(Answers::DOCUMENTED);
    let all: networks::ListVpcsData = caller.vpc("DescribeVPC", json!({ "RegionCode": REGION }));
    let one: networks::ListVpcsData = caller.vpc("DescribeVPC", json!({ "Keyword": VPC }));
    assert_eq!((all.total, &*one.vpc_list[0].vpc_id), (1, VPC));
    let all: networks::ListSubnetsData =
        caller.vpc("DescribeSubnet", json!({ "RegionCode": REGION }));
    let one: networks::ListSubnetsData = caller.vpc("DescribeSubnet", json!({ "Keyword": SUBNET }));
    assert_eq!((all.total, &*one.subnet_list[0].subnet_id), (1, SUBNET));
    let order = json!({
        "RegionCode": REGION, "BandwidthType": "Bandwidth_China_Telecom", "BillScheme": "BandwIdth",
        "Qos": 20, "Size": 1, "Description": "gate", "SubjectId": "", "ProjectId": 0,
    });
    let made: Vec<networks::CreateEipResData> = caller.vpc("CreateEIP", order);
    let id = &made[0].eip_id;
    let found: networks::ListEipsData = caller.vpc("DescribeEIP", json!({ "Keyword": id }));
    let eip = &found.eip_list[0];
    assert_eq!((eip.is_bind, eip.bandwidth_info.qos), (false, 20));
    caller.created();
    let all: networks::ListEipsData = caller.vpc("DescribeEIP", json!({ "RegionCode": REGION }));
    let bound = all.eip_list.iter().find(|eip| eip.is_bind).unwrap();
    assert_eq!(bound.bind_resource_info.as_ref().unwrap().subnet_id, SUBNET);
    let task =
        caller.runtime.block_on(caller.client.update_eip(id, Some(30), None)).unwrap().unwrap();
    // by the client's `services/vpc/vpc.go`, not by our table, which the call below is made from
    assert_eq!(actions::find("DescribeTask").unwrap().method, "GET");
    let task: networks::DescribeTaskData = caller.vpc("DescribeTask", json!({ "TaskId": *task }));
    assert_eq!((&*task.task_status, &task.resource_id), ("finish", id));
    caller.call(Service::Vpc, "DeleteEIP", json!({ "EIPId": id }));
}

/// Every other action answers what the table says, no more and no less.
#[test]
fn every_answer_holds_what_the_table_says() {
    let caller = Caller::start(Answers::DOCUMENTED);
    let id = caller.created();
    let zone = json!({ "AvailableZoneCode": ZONE });
    let size = json!({
        "AvailableZoneCode": ZONE, "EcsFamilyName": FAMILY, "Cpu": 16, "Ram": 32, "Gpu": 1,
        "SystemDiskInfo": { "DiskFeature": "ssd", "Size": 40 }, "BillingMethod": "3",
    });
    caller.call(Service::Ecs, "DescribePrice", size);
    for name in ["DescribeAccountSubject", "DescribeRegions"] {
        caller.call(Service::Ecs, name, json!({}));
    }
    let family = json!({ "AvailableZoneCode": ZONE, "EcsFamilyName": FAMILY });
    caller.call(Service::Ecs, "DescribeZoneInstanceType", family);
    for name in ["DescribeInstanceMonitor", "DescribeInstanceVncUrl"] {
        caller.call(Service::Ecs, name, json!({ "EcsId": *id }));
    }
    caller.call(Service::Ebs, "DescribeDiskQuota", zone.clone());
    caller.call(Service::Ebs, "DescribeEcsAttachDisks", json!({ "InstanceId": *id }));
    let disks = caller.call(Service::Ebs, "DescribeDiskList", zone);
    let disk = json!({ "DiskId": disks["DiskList"][0]["DiskId"] });
    caller.call(Service::Ebs, "DescribeDisk", disk.clone());
    let made = caller.call(Service::Ebs, "CreateSnapshot", disk.clone());
    let snapshot = json!({ "SnapshotId": made["SnapshotId"] });
    caller.call(Service::Ebs, "DescribeSnapshot", snapshot);
    caller.call(Service::Ebs, "DescribeSnapshotList", json!({}));
    caller.call(Service::Ebs, "DescribeSnapshotQuota", disk);
    caller.call(Service::Ebs, "DescribeEvent", json!({ "EventId": made["EventId"] }));
    caller.call(Service::Vpc, "DescribeSubnetIp", json!({ "NetId": SUBNET }));
    caller.call(Service::SecurityGroups, "DescribeSecurityGroups", json!({}));
    let group = json!({ "SecurityGroupId": GROUP });
    caller.call(Service::SecurityGroups, "DescribeSecurityGroupPolicies", group);
}

/// The form of the document's samples is a switch away.
#[test]
fn the_old_form_has_what_the_samples_of_the_document_have() {
    let caller = Caller::start(Answers { form: Form::Document, ..Answers::DOCUMENTED });
    let id = caller.cloud.with(|provider| {
        let offer = provider.catalog().sizes.keys().next().unwrap();
        let offer = offer.offer(farmscale::model::Billing::OnDemand);
        let request = provider.catalog().request("old", &offer);
        provider.create(caller.cloud.clock.now(), &request).unwrap().instances.remove(0)
    });
    let action = actions::find("DescribeInstance").unwrap();
    let asked = Params::query(&[("EcsId", &id)]);
    let data = caller.runtime.block_on(caller.client.call(action, asked)).unwrap().data;
    let samples: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("../../data/vendor_samples.json")).unwrap();
    let sample = samples["DescribeInstance"]["Data"].as_object().unwrap();
    let names: Vec<&String> = data.as_object().unwrap().keys().collect();
    let in_sample: Vec<&String> = sample.keys().collect();
    assert_eq!(names, in_sample);
    let eips = data["Pipe"]["EipInfo"].as_object().unwrap();
    assert!(eips.values().all(|eip| eip["CurrentUseQos"] == ""));
}
