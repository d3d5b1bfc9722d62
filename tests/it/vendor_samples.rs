//! The vendor document's own example answers, quirks and all, and what is made of them.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::collections::BTreeMap;

use farmscale::cloud::actions::{self, Action, Service};
use farmscale::cloud::catalog::PriceUnit;
use farmscale::cloud::detail::InstanceDetail;
use farmscale::cloud::disks::{self, DiskStatus};
use farmscale::cloud::envelope::{self, Answer};
use farmscale::cloud::events::EventDetail;
use farmscale::cloud::fields::Fields;
use farmscale::cloud::monitor::{Measurements, Window};
use farmscale::cloud::{catalog, groups, images, network, rows, snapshots};
use farmscale::model::{Billing, EventStatus, Money, Size, Span, Status, Stock, Time};
use proptest::prelude::*;
use serde_json::{Value, json};

fn samples() -> BTreeMap<String, Value> {
    serde_json::from_str(include_str!("../data/vendor_samples.json")).unwrap()
}

fn sample(action: &str) -> Answer {
    let body = samples().remove(action).unwrap().to_string();
    envelope::open(200, body.as_bytes()).unwrap()
}

/// What is newer than the document stands in other pages.
fn has_sample(action: &Action) -> bool {
    action.source != "new" && action.in_document
}

#[test]
fn every_sample_opens_and_every_documented_action_has_one() {
    let samples = samples();
    let documented = |action: &&Action| {
        matches!(action.service, Service::Ecs | Service::Images | Service::Ebs)
            && has_sample(action)
    };
    let named: Vec<_> = actions::table().filter(documented).map(Action::id).collect();
    assert_eq!(named.len(), 30);
    for name in named {
        assert!(samples.contains_key(name), "{name} has no sample");
        sample(name);
    }
}

#[test]
fn what_is_on_sale_reads() {
    let zones = catalog::zones(&sample("DescribeRegions").data);
    let codes: Vec<(&str, &str)> = zones.iter().map(|zone| (&*zone.region, &*zone.code)).collect();
    assert_eq!(codes[0], ("CN_Huhhot", "CN_Hohhot_B"), "a region is no prefix of its zones");
    assert_eq!(codes.len(), 4);

    let specs = catalog::specs(&sample("DescribeEcsFamilyInfo").data);
    assert_eq!(specs.len(), 8);
    let gpu: Vec<_> = specs.iter().filter(|spec| 0 < spec.gpus).collect();
    assert_eq!((gpu.len(), gpu[0].driver.as_deref()), (4, Some("Datacenter")));
    assert_eq!(specs[0].driver, None, "an empty text is nothing");

    let stock = catalog::stock(&sample("DescribeZoneInstanceType").data).unwrap();
    assert_eq!(stock, [(Size::new(12, 24, 1), Stock::SoldOut)]);

    let price = catalog::price(&sample("DescribePrice").data).unwrap();
    assert_eq!((price.total, price.unit), (Money(9_340_000), PriceUnit::Fixed(Span::days(1))));
    assert_eq!((&*price.symbol, price.bids), ("￥", None));

    let subjects = catalog::subjects(&sample("DescribeAccountSubject").data);
    assert_eq!((&*subjects[1].name, subjects[1].balance), ("kvmtest", Some(Money(1_000_010_000))));

    let images = images::images(&sample("DescribeImages").data);
    assert_eq!((&*images[0].name, images[0].os_gib), ("Ubuntu 20.04 64位", 24));
    assert!(images[0].is_ready() && !images[0].is_private);
    assert_eq!(sample("DescribeImages").total, Some(71));
}

#[test]
fn machines_read() {
    let answer = sample("DescribeInstanceList");
    assert_eq!(answer.total, Some(6));
    let zones =
        BTreeMap::from([("e5aa47be-da46-11ec-bad2-defff767b3b5".into(), "CN_Hohhot_B".into())]);
    let listed = rows::rows(&answer.data, &zones).unwrap();
    let offer = listed[0].offer.as_ref().unwrap();
    assert_eq!((&*offer.zone, listed[0].billing), ("CN_Hohhot_B", Some(Billing::OnDemand)));
    assert_eq!(listed[0].public_ips.len(), 1, "by the gateway's address");
    assert_eq!(listed[0].created_at.unwrap().to_string(), "2022-07-31T06:14:59Z");

    let one = InstanceDetail::of(&sample("DescribeInstance").data).unwrap();
    assert_eq!((one.status, one.billing), (Status::Running, Some(Billing::Monthly)));
    assert_eq!(one.paid_until.unwrap().to_string(), "2022-08-21T07:37:18Z");
    assert_eq!((one.cpu, one.ram_gib, one.gpus), (Some(1), Some(1), 0));
    let system = one.system_disk.unwrap();
    assert_eq!(system.id.as_deref(), Some("disk-dj3g8odrnwqdrybj"));
    assert_eq!(system.release_with_instance, Some(true));
    assert_eq!(one.data_disks.len(), 1);
    assert_eq!(one.data_disks[0].id, system.id, "`Id` here, `DiskId` there");
    assert_eq!(one.data_disks[0].release_with_instance, Some(false));
    assert_eq!(one.public_ips, Vec::<farmscale::model::Text>::new());

    let statuses = rows::statuses(&sample("DescribeInstanceStatus").data);
    assert_eq!(statuses["ins-3j62nodr5w2daycj"], Status::Running);
    let vnc = sample("DescribeInstanceVncUrl").data;
    assert!(vnc["InstanceVncUrl"].as_str().unwrap().starts_with("http"));
}

#[test]
fn a_monitors_times_are_utc_and_events_are_beijing_time() {
    let data = sample("DescribeInstanceMonitor").data;
    let gpu = json!({ "GpuUsage": data["CpuUsage"] });
    let utc = Time::from_seconds(1_663_232_745); // 2022-09-15 09:05:45 UTC
    let fresh = Span::minutes(10);
    let measured = |now| Measurements::of(&gpu, Window::Hours(1), now).gpu_percent(now, fresh);
    let read = |now| measured(now).map(|(percent, _)| percent);
    assert_eq!(read(utc), Some(1), "0.1 % is rounded up");
    assert_eq!(read(utc - Span::hours(8)), Some(1));
    assert_eq!(measured(utc - Span::hours(4)), None);

    for action in ["DescribeEvent", "ebs.DescribeEvent"] {
        let event = EventDetail::of("e", &sample(action).data).unwrap();
        assert_eq!((event.status, event.tasks.len()), (EventStatus::Done, 1));
        assert_eq!(event.tasks[0].ended_at.unwrap().to_string(), "2022-08-04T07:20:41Z");
    }
}

#[test]
fn disks_read() {
    let quota = disks::quotas(&sample("DescribeDiskQuota").data);
    assert_eq!((quota[0].total_gib, quota[0].free_gib, &*quota[0].feature), (10_240, 480, "ssd"));
    for action in ["DescribeDiskList", "DescribeEcsAttachDisks"] {
        let disks = disks::disks(&sample(action).data).unwrap();
        assert!(disks[0].is_system && disks[0].release_with_instance == Some(true));
        assert_eq!((disks[0].gib, &disks[0].status), (64, &DiskStatus::InUse));
    }
    let one = sample("DescribeDisk").data;
    let one = disks::disk(Fields::of(&one["DiskInfo"]).unwrap()).unwrap();
    assert_eq!(one.instance.as_deref(), Some("ins-z684q1prultrf7rj"));
}

#[test]
fn every_change_names_its_event() {
    for action in actions::table().filter(|action| action.event && has_sample(action)) {
        let data = sample(action.name).data;
        assert!(data["EventId"].is_string(), "{}: {data}", action.name);
    }
    let renamed = sample("ModifyInstanceName");
    assert_eq!(renamed.data["Name"], "create-error0731");
}

/// Every reader of an answer's `Data`.
fn read_by_all(data: &Value) {
    let zones = BTreeMap::new();
    let now = Time::from_seconds(1_663_232_745);
    let _read = (
        catalog::zones(data),
        catalog::specs(data),
        catalog::stock(data).is_ok(),
        catalog::price(data).is_ok(),
        catalog::subjects(data),
        images::images(data),
        Measurements::of(data, Window::Hours(1), now).gpu_percent(now, Span::days(40_000)),
        InstanceDetail::of(data).is_ok(),
        EventDetail::of("e", data).is_ok(),
    );
    let _more = (
        rows::rows(data, &zones).is_ok(),
        rows::statuses(data),
        disks::disks(data).is_ok(),
        disks::quotas(data),
        network::vpcs(data),
        network::subnets(data),
        network::eips(data).is_ok(),
        groups::security_groups(data),
        groups::security_rules(data),
        groups::members(data),
        snapshots::snapshots(data),
        snapshots::chains(data),
    );
}

/// Any JSON.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("2022-08-04 15:20:41")),
        Just(json!("99999999999999999999")),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[A-Za-z]{1,8}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Puts `new` in place of the `pick`th value within `value`.
fn mutate(value: &mut Value, pick: &mut usize, new: &Value) {
    if *pick == 0 {
        *value = new.clone();
    }
    *pick = pick.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| mutate(item, pick, new)),
        Value::Object(fields) => fields.values_mut().for_each(|field| mutate(field, pick, new)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

proptest! {
    #[test]
    fn no_answer_whatever_its_shape_makes_a_reader_panic(data in any_json()) {
        read_by_all(&data);
    }

    #[test]
    fn a_sample_with_any_value_replaced_makes_no_reader_panic(
        number in 0usize..30,
        mut pick in 0usize..120,
        new in any_json(),
    ) {
        let mut answer = samples().into_values().nth(number).unwrap();
        mutate(&mut answer, &mut pick, &new);
        if let Ok(answer) = envelope::open(200, answer.to_string().as_bytes()) {
            read_by_all(&answer.data);
        }
    }
}

#[test]
fn unknown_fields_and_null_lists_are_fine() {
    let data = json!({ "EcsList": null, "Novelty": 1 });
    assert_eq!(rows::rows(&data, &BTreeMap::new()).unwrap(), []);
    let none = json!({ "SecurityGroupSet": null, "TotalCount": 0 });
    assert_eq!(groups::security_groups(&none), []);
    let vpcs = json!({ "Total": 1, "VPCList": [{ "VPCId": "v", "VPCNmae": "render", "New": [] }] });
    assert_eq!(&*network::vpcs(&vpcs)[0].name, "render");
}
