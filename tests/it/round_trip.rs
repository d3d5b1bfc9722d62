//! Every action of the API, through the typed client and real HTTP, against the simulated cloud.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]
#![expect(clippy::indexing_slicing, reason = "a test helper that fails is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;

use farmscale::clock::Clock;
use farmscale::cloud::actions::{self, Service};
use farmscale::cloud::catalog::{DiskSpec, PriceRequest, PriceUnit, SizeFilter};
use farmscale::cloud::disks::{DiskStatus, NewDisks};
use farmscale::cloud::events::{Followed, Pace};
use farmscale::cloud::images::NewImage;
use farmscale::cloud::instances::{Accepted, DataDisk, More, NewInstances, Operation, Terms};
use farmscale::cloud::{CallError, Client, Offer};
use farmscale::model::{Billing, Money, Refusal, Size, Span, Status, Stock, Text, Time};
use farmscale::sim::http::Mischief;
use farmscale::sim::provider::Dials;
use serde_json::Value;

use crate::support::cloud::Cloud;

/// `"CreateEIP"`, `"UpdateEIP"`, `"BindEIP"`, `"UnbindEIP"`, `"DescribeTask"`,
/// `"DescribeSnapshotList"`, `"DescribeSnapshot"`, `"DescribeSnapshotChainList"`,
/// `"DescribeSnapshotChain"`, `"CreateSnapshot"`, `"RollbackDiskBySnapshot"`, `"RenameSnapshot"`,
/// `"DeleteSnapshot"`, `"DescribeSnapshotQuota"`, `"CreateImageBySnapshot"`,
/// `"CopySnapshotCrossAZ"`, `"CreateSecurityGroup"`, `"ModifySecurityGroupAttribute"`,
/// `"DeleteSecurityGroup"`, `"CreateSecurityGroupPolicies"`, `"ModifySecurityGroupPolicies"`,
/// `"DeleteSecurityGroupPolicies"`, `"AssociateSecurityGroups"`, `"DisassociateSecurityGroups"`,
/// `"ModifySecurityGroupsPriority"`, `"DescribeSecurityGroupAssociationStatistics"`.
mod newer;

const ZONE: &str = "CN_Suqian_B";
const REGION: &str = "CN_Suqian";
const OTHER_ZONE: &str = "CN_Hohhot_B";
const FAMILY: &str = "专业渲染型rp3";
const IMAGE: &str = "img-render5000datace";
const PASSWORD: &str = "Render-0123456789";

/// A cloud in fast motion, a client, and a runtime for both.
struct Stage {
    cloud: Cloud,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Stage {
    fn new() -> Self {
        Self::at(600)
    }

    fn at(speed: u32) -> Self {
        let clock = Clock::starting_at(Clock::real().now(), speed);
        let cloud = Cloud::start(clock, Dials::kind(), Mischief::none());
        let client = cloud.client(1000);
        Self { cloud, client, runtime: tokio::runtime::Runtime::new().unwrap() }
    }

    fn run<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime.block_on(call)
    }

    /// Follows a change to its end; gives the ids it made.
    fn done(&self, service: Service, accepted: Result<Accepted, CallError>) -> Vec<Text> {
        let accepted = accepted.unwrap();
        let event = accepted.event.unwrap();
        let pace = Pace { every: Span::seconds(5), within: Span::days(30) }; // in fast motion
        let ended = self.run(self.client.follow(service, &event, pace, |_| {}));
        assert!(matches!(&ended, Followed::Done(event) if !event.tasks.is_empty()), "{ended:?}");
        accepted.made
    }

    fn make(&self, new: &NewInstances<'_>) -> Text {
        let made = self.done(Service::Ecs, self.run(self.client.create(new)));
        made.into_iter().next().unwrap()
    }

    fn operate(&self, id: &str, operation: Operation) {
        self.done(Service::Ecs, self.run(self.client.operate(&[id], operation)));
    }

    fn calls(&self) -> BTreeMap<String, Value> {
        let mut stream = TcpStream::connect(self.cloud.address).unwrap();
        write!(stream, "GET /sim/calls HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        serde_json::from_value(body.get("calls").unwrap().clone()).unwrap()
    }
}

fn offer(cpu: u32, ram_gib: u32, gpus: u32) -> Offer {
    let size = Size::new(cpu, ram_gib, gpus);
    Offer { zone: ZONE.into(), family: FAMILY.into(), size }
}

fn cloud_disk(gib: u32) -> DiskSpec {
    DiskSpec { feature: "ssd".to_owned(), gib }
}

fn new<'a>(name: &'a str, offer: &'a Offer, groups: &'a [String]) -> NewInstances<'a> {
    NewInstances {
        offer,
        terms: Terms::OnDemand,
        image: IMAGE,
        system_disk: cloud_disk(40),
        data_disks: Vec::new(),
        vpc: "7ab97a9a-8c0f-11ec-9b99-000000000001",
        subnet: "2cee7596-bbbb-11ec-a287-000000000001",
        security_groups: groups,
        name,
        number: 1,
        password: PASSWORD,
        skip_spot_release: true,
        more: More::default(),
    }
}

#[test]
fn every_action_is_answered_and_understood() {
    let stage = Stage::new();
    look_around(&stage);
    let machine = live_and_rest(&stage);
    keep_house(&stage, &machine);
    disks(&stage, &machine);
    newer::snapshots(&stage, &machine);
    newer::groups(&stage, &machine);
    newer::addresses(&stage, &machine);
    stage.done(Service::Ecs, stage.run(stage.client.delete(&[&machine], true)));
    assert!(stage.cloud.truth().is_empty());

    let calls = stage.calls();
    let answered: BTreeSet<&str> = calls
        .iter()
        .filter(|(_, codes)| codes.get("Success").is_some())
        .map(|(action, _)| action.as_str())
        .collect();
    for action in actions::table() {
        let name = format!("{:?}.{}", action.service, action.name);
        assert!(answered.contains(name.as_str()), "{name} was not called; {answered:?}");
    }
}

/// `"DescribeRegions"`, `"DescribeEcsFamilyInfo"`, `"DescribeZoneInstanceType"`, `"DescribePrice"`,
/// `"DescribeImages"`, `"DescribeAccountSubject"`, `"DescribeVPC"`, `"DescribeSubnet"`,
/// `"DescribeSubnetIp"`, `"DescribeEIP"`, `"DeleteEIP"`, `"DescribeSecurityGroups"`,
/// `"DescribeSecurityGroupPolicies"`, `"DescribeDiskQuota"`.
fn look_around(stage: &Stage) {
    let client = &stage.client;
    let zones = stage.run(client.zones()).unwrap();
    let zone = zones.iter().find(|zone| &*zone.code == ZONE).unwrap();
    assert_eq!(&*zone.region, REGION);
    let specs = stage.run(client.specs(ZONE, Billing::Spot)).unwrap();
    assert!(specs.iter().any(|spec| &*spec.family == FAMILY && spec.gpus == 2));
    let stock = stage.run(client.stock(ZONE, FAMILY)).unwrap();
    assert!(1 < stock.len() && stock.contains(&(Size::new(16, 32, 1), Stock::Sells)));
    let only = SizeFilter { gpus: Some(2), ..SizeFilter::default() };
    let stock = stage.run(client.stock_of(ZONE, FAMILY, only)).unwrap();
    assert_eq!(stock, [(Size::new(32, 64, 2), Stock::Sells)]);

    let price = |billing, months: Option<u32>| {
        let offer = offer(16, 32, 1);
        let system_disk = cloud_disk(40);
        let data_disks = vec![cloud_disk(48)];
        let to_month_end = months.map(|_| false);
        let one = PriceRequest::one(offer, billing, system_disk);
        let request = PriceRequest { data_disks, months, to_month_end, ..one };
        stage.run(client.price(&request)).unwrap()
    };
    let day = price(Billing::OnDemand, None);
    assert_eq!((day.total, day.unit), (Money(191_800_000), PriceUnit::Fixed(Span::days(1))));
    assert_eq!(price(Billing::Monthly, Some(2)).unit, PriceUnit::Month);
    let (floor, ceiling) = price(Billing::Spot, None).bids.unwrap();
    assert!(floor <= ceiling && ceiling == Money::yuan(161), "{floor} {ceiling}");

    let images = stage.run(client.images(ZONE)).unwrap();
    assert!(images.iter().any(|image| &*image.id == IMAGE && image.is_private));
    assert_eq!(&*stage.run(client.subjects()).unwrap()[0].name, "rendertest");
    let vpcs = stage.run(client.vpcs(REGION)).unwrap();
    let subnets = stage.run(client.subnets(REGION)).unwrap();
    assert_eq!((&subnets[0].vpc, &*subnets[0].zone), (&vpcs[0].id, ZONE));
    assert_eq!(stage.run(client.free_ips(&subnets[0].id)).unwrap(), Some(1000));
    let groups = stage.run(client.security_groups(REGION)).unwrap();
    let rules = stage.run(client.security_rules(&groups[0].id)).unwrap();
    assert!(rules.iter().any(|rule| rule.is_ingress && rule.id.is_some()));
    assert_eq!(stage.run(client.eips(REGION, None)).unwrap(), []);
    let now = stage.cloud.clock.now();
    let made = stage.cloud.with(|provider| provider.create_eip(now, ZONE, "gate")).unwrap();
    let eips = stage.run(client.eips(REGION, Some(ZONE))).unwrap();
    assert_eq!(
        (&eips[0].id, &*eips[0].description, eips[0].is_bound),
        (&made, "gate", Some(false))
    );
    assert_eq!(eips[0].created_at.map(Time::seconds), Some(now.seconds()));
    stage.run(client.delete_eip(&made)).unwrap();
    let again = stage.run(client.delete_eip(&made)).unwrap_err();
    assert_eq!(again.class(), Refusal::NotFound, "{again}");
    let quota = stage.run(client.disk_quota(ZONE)).unwrap();
    assert_eq!(quota[0].free_gib, quota[0].total_gib);
}

/// `"CreateInstance"`, `"DescribeEvent"`, `"DescribeInstanceList"`, `"DescribeInstance"`,
/// `"DescribeInstanceStatus"`, `"DescribeInstanceMonitor"`, `"DescribeInstanceVncUrl"`,
/// `"OperateInstance"`, `"DeleteInstance"`.
fn live_and_rest(stage: &Stage) -> Text {
    let client = &stage.client;
    let (offer, groups) = (offer(16, 32, 1), ["sg-cnsuqian".to_owned()]);
    let data_disks = vec![DataDisk::of(cloud_disk(24))];
    let machine = stage.make(&NewInstances { data_disks, ..new("farm-1", &offer, &groups) });

    let zones = stage.run(client.zones()).unwrap();
    let zones = zones.into_iter().map(|zone| (zone.id, zone.code)).collect();
    let rows = stage.run(client.instances("farm-1", &zones)).unwrap();
    assert_eq!(rows[0].offer.as_ref(), Some(&offer));
    let detail = stage.run(client.instance(&machine)).unwrap();
    assert_eq!((detail.status, detail.paid_until), (Status::Running, None));
    assert_eq!((detail.data_disks.len(), detail.data_disks[0].gib), (1, Some(24)));
    let statuses = stage.run(client.statuses(&[&machine, "ins-nobody"])).unwrap();
    assert_eq!(statuses.get(&machine), Some(&Status::Running));
    assert_eq!(statuses.len(), 1, "an id that is not known is left out");
    let now = stage.cloud.clock.now();
    let percent = stage.run(client.gpu_percent(&machine, now, Span::minutes(10)));
    assert_eq!(percent.unwrap().map(|(percent, _)| percent), Some(0));
    assert!(stage.run(client.vnc_url(&machine)).unwrap().contains(&*machine));

    for operation in [Operation::Restart, Operation::Stop, Operation::Start, Operation::HardStop] {
        stage.operate(&machine, operation);
    }
    let detail = stage.run(client.instance(&machine)).unwrap();
    assert_eq!((detail.status, detail.free_when_stopped), (Status::Shutdown, Some(false)));
    stage.operate(&machine, Operation::Start);
    stage.operate(&machine, Operation::FreeStop);
    let detail = stage.run(client.instance(&machine)).unwrap();
    assert_eq!(detail.free_when_stopped, Some(true));
    machine
}

/// `"ModifyInstanceName"`, `"ModifyInstancePassword"`, `"ChangeInstanceConfigure"`,
/// `"CreateImage"`, `"SyncImage"`, `"DeleteImage"`.
fn keep_house(stage: &Stage, machine: &str) {
    let client = &stage.client;
    for refused in [
        stage.run(client.rename(machine, "渲染-2")).unwrap_err(),
        stage.run(client.set_password(&[machine], "Other-987654")).unwrap_err(),
        stage.run(client.resize(&[machine], &offer(32, 64, 2))).unwrap_err(),
    ] {
        assert_eq!(refused.class(), Refusal::Conflict, "off without charge: {refused}");
    }
    stage.operate(machine, Operation::Start);
    stage.operate(machine, Operation::Stop);
    stage.run(client.rename(machine, "渲染-2")).unwrap();
    assert_eq!(&*stage.run(client.instance(machine)).unwrap().name, "渲染-2");
    stage.done(Service::Ecs, stage.run(client.set_password(&[machine], "Other-987654")));
    let weak = stage.run(client.set_password(&[machine], "weak")).unwrap_err();
    assert!(
        matches!(weak, CallError::Refused { ref code, .. } if code == "InvalidPassword.Malformed")
    );

    let resized = stage.run(client.resize(&[machine], &offer(32, 64, 2)));
    let busy = stage.run(client.operate(&[machine], Operation::Start)).unwrap_err();
    assert_eq!(busy.class(), Refusal::Conflict, "{busy}");
    stage.done(Service::Ecs, resized);
    assert_eq!(stage.run(client.instance(machine)).unwrap().gpus, 2);

    let image = stage
        .done(Service::Ecs, stage.run(client.create_image(&NewImage::of(machine, "worker-v2"))));
    let image = &*image[0];
    let in_other = || {
        let images = stage.run(client.images(OTHER_ZONE)).unwrap();
        images.into_iter().find(|one| *one.id == *image).map(|one| one.is_ready())
    };
    assert_eq!(in_other(), None, "an image is in its own zone only");
    let elsewhere = Offer { zone: OTHER_ZONE.into(), ..offer(16, 32, 1) };
    let there = NewInstances {
        image,
        vpc: "7ab97a9a-8c0f-11ec-9b99-000000000002",
        subnet: "2cee7596-bbbb-11ec-a287-000000000002",
        ..new("farm-3", &elsewhere, &[])
    };
    let refused = stage.run(client.create(&there)).unwrap_err();
    assert!(refused.to_string().contains("InvalidImage.NotFound"), "{refused}");
    let synced = stage.run(client.sync_image(image, &[OTHER_ZONE], None));
    stage.done(Service::Ecs, synced);
    assert_eq!(in_other(), Some(true));
    let second = stage.make(&there);
    stage.done(Service::Ecs, stage.run(client.delete(&[&second], true)));
    stage.done(Service::Ecs, stage.run(client.delete_images(&[image], OTHER_ZONE)));
    assert_eq!(in_other(), None);
    let here = stage.run(client.images(ZONE)).unwrap();
    assert!(here.iter().any(|one| *one.id == *image), "deleted in one zone only");
}

/// `"CreateDisk"`, `"AttachDisk"`, `"DescribeEcsAttachDisks"`, `"ExtendDisk"`, `"DetachDisk"`,
/// `"DescribeDisk"`, `"DescribeDiskList"`, `"DeleteDisk"`, and `"DescribeEvent"` of disks.
fn disks(stage: &Stage, machine: &str) {
    let client = &stage.client;
    stage.operate(machine, Operation::Start);
    let ask = NewDisks {
        zone: ZONE,
        gib: 32,
        number: 2,
        name: Some("scratch"),
        instance: None,
        snapshot: None,
    };
    let made = stage.done(Service::Ebs, stage.run(client.create_disks(&ask)));
    let ids: Vec<&str> = made.iter().map(|id| &**id).collect();
    stage.done(Service::Ebs, stage.run(client.attach_disks(&ids, machine, false)));
    let attached = stage.run(client.attached_disks(machine)).unwrap();
    assert_eq!(attached.len(), 4, "a system disk, one made with the machine, two attached");
    assert_eq!(attached.iter().filter(|disk| disk.is_system).count(), 1);
    stage.done(Service::Ebs, stage.run(client.extend_disk(ids[0], 64)));
    let one = stage.run(client.disk(ids[0])).unwrap().unwrap();
    assert_eq!((one.gib, one.instance.as_deref()), (64, Some(machine)));
    stage.done(Service::Ebs, stage.run(client.detach_disks(&ids)));
    let all = stage.run(client.disks(Some(ZONE))).unwrap();
    let waiting = all.iter().filter(|disk| disk.status == DiskStatus::Waiting).count();
    assert_eq!((all.len(), waiting), (4, 2));
    stage.done(Service::Ebs, stage.run(client.delete_disks(&ids)));
    assert_eq!(stage.run(client.disk(ids[0])).unwrap(), None, "gone, in the vendor's own words");
}

/// Money goes on for what a deleted machine leaves behind, and stops for what goes with it.
#[test]
fn disks_and_addresses_that_outlive_their_machine_bill_on() {
    let stage = Stage::new();
    let body = |name: &str| {
        serde_json::json!({
            "AvailableZoneCode": ZONE, "EcsFamilyName": FAMILY, "Cpu": 16, "Ram": 32, "Gpu": 1,
            "BillingMethod": "0", "ImageId": IMAGE, "Name": name, "Password": PASSWORD,
            "SystemDisk": {"DiskFeature": "ssd", "Size": 40},
            // One object, as the document's own sample has it.
            "DataDisk": {"DiskFeature": "ssd", "Size": 48, "ReleaseWithInstance": 0},
            "VpcInfo": {"VpcId": "7ab97a9a-8c0f-11ec-9b99-000000000001"},
            "SubnetInfo": {"SubnetId": "2cee7596-bbbb-11ec-a287-000000000001"},
            "PubnetInfo": [{
                "SubnetId": "2cee7596-bbbb-11ec-a287-000000000001", "BandwidthType": "Traffic",
            }],
        })
    };
    let create = |name: &str| {
        let params = farmscale::cloud::client::Params::Body(body(name));
        let answer = stage.run(stage.client.call(&actions::ecs::CREATE, params)).unwrap();
        let text = |value: &Value| Text::from(value.as_str().unwrap());
        let event = answer.data.get("EventId").map(text);
        let made = vec![text(&answer.data["EcsIdSet"][0])];
        stage.done(Service::Ecs, Ok(Accepted { event, made })).remove(0)
    };
    let (left, clean) = (create("leaves"), create("clean"));
    assert_eq!(stage.run(stage.client.eips(REGION, None)).unwrap().len(), 2);
    assert_eq!(stage.run(stage.client.instance(&left)).unwrap().public_ips.len(), 1);
    stage.done(Service::Ecs, stage.run(stage.client.delete(&[&left], false)));
    stage.done(Service::Ecs, stage.run(stage.client.delete(&[&clean], true)));
    assert!(stage.cloud.truth().is_empty());
    let eips = stage.run(stage.client.eips(REGION, None)).unwrap();
    assert_eq!((eips.len(), eips[0].is_bound), (1, Some(false)));
    let disks = stage.run(stage.client.disks(None)).unwrap();
    assert_eq!(disks.len(), 2, "both were told to stay");
    assert!(disks.iter().all(|disk| disk.status == DiskStatus::Waiting));
    let open = stage.cloud.with(|provider| {
        let bill = provider.bill(stage.cloud.clock.now());
        bill.lines.into_iter().filter(|line| line.open).count()
    });
    assert_eq!(open, 3, "two disks and an address");
}

#[test]
fn a_spot_machine_is_taken_back_when_the_market_passes_its_bid_or_the_stock_ends() {
    let stage = Stage::at(12_000);
    let offer = offer(16, 32, 1);
    let request = PriceRequest::one(offer.clone(), Billing::Spot, cloud_disk(40));
    // An hour in which the market is far from its top, so that it soon passes the bid.
    let floor = loop {
        let (least, most) = stage.run(stage.client.price(&request)).unwrap().bids.unwrap();
        if least.0 < most.0 / 10 * 9 {
            break least;
        }
        stage.run(stage.cloud.clock.sleep_until(stage.cloud.clock.now() + Span::hours(1)));
    };
    let too_low = Terms::Spot { bid: Some(Money(floor.0 - 1_000_000)) };
    let refused =
        stage.run(stage.client.create(&NewInstances { terms: too_low, ..new("low", &offer, &[]) }));
    assert!(refused.unwrap_err().to_string().contains("SpotAmount"));
    let bid = Terms::Spot { bid: Some(floor) };
    let bidding = stage.make(&NewInstances { terms: bid, ..new("bid", &offer, &[]) });
    let auto = Terms::Spot { bid: None };
    let following = stage.make(&NewInstances { terms: auto, ..new("auto", &offer, &[]) });
    let exists = |id: &Text| stage.cloud.truth().contains_key(id);
    let wait = |id: &Text| {
        let until = stage.cloud.clock.now() + Span::days(2);
        while exists(id) && stage.cloud.clock.now() < until {
            stage.run(stage.cloud.clock.sleep_until(stage.cloud.clock.now() + Span::minutes(5)));
        }
    };
    wait(&bidding);
    assert!(!exists(&bidding) && exists(&following), "only the bid was passed");
    stage.cloud.with(|provider| {
        let size = Size::new(16, 32, 1);
        provider.set_stock(stage.cloud.clock.now(), ZONE, FAMILY, size, Some(0));
    });
    wait(&following);
    assert!(!exists(&following));
}
