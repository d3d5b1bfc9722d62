//! What the vendor's documents leave open, each way: the client gives the same answer to all.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]
#![expect(clippy::panic, reason = "a test helper that fails is a failed test")]

use farmscale::clock::Clock;
use farmscale::cloud::actions::{Action, Service, ebs, ecs, network};
use farmscale::cloud::client::Params;
use farmscale::cloud::error::codes;
use farmscale::cloud::events::{Followed, Pace};
use farmscale::cloud::instances::{Accepted, More, NewInstances, Operation};
use farmscale::cloud::offer::Offer;
use farmscale::cloud::{CallError, Client};
use farmscale::model::{Billing, Refusal, Size, Span, Status};
use farmscale::world::purchase::Purchase;
use serde_json::{Value, json};

use crate::support::cloud::Cloud;

const ZONE: &str = "CN_Qingyang_A";
const FAMILY: &str = "专业渲染型rp3";
/// In fast motion a busy test machine may take hours of it to ask again.
const LONG: Span = Span::days(30);

/// A scenario under way, and a client of it.
struct Play {
    cloud: Cloud,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Play {
    fn of(scenario: &str) -> Self {
        let clock = Clock::starting_at(Clock::real().now(), 600);
        let cloud = Cloud::playing(scenario, clock);
        let client = cloud.client(1000);
        Self { cloud, client, runtime: tokio::runtime::Runtime::new().unwrap() }
    }

    fn run<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime.block_on(call)
    }

    fn create(&self, name: &str) -> Result<Accepted, CallError> {
        let offer = offer();
        let purchase = Purchase {
            pool: "gpu".into(),
            zone: ZONE.into(),
            family: FAMILY.into(),
            image: "render-worker-Datacenter".to_owned(),
            vpc: "7ab97a9a-8c0f-11ec-9b99-000000000003".to_owned(),
            subnet: "2cee7596-bbbb-11ec-a287-000000000003".to_owned(),
            security_groups: Vec::new(),
            system_disk_feature: "ssd".to_owned(),
            system_disk_gib: 40,
            skip_spot_release: true,
            password: None,
        };
        let new = purchase.new_instance(name, &offer, Billing::OnDemand, None, "Render-0123456789");
        self.run(self.client.create(&new))
    }

    fn follow(&self, accepted: &Accepted, within: Span) -> Followed {
        let event = accepted.event.as_ref().unwrap();
        let pace = Pace { every: Span::seconds(5), within };
        self.run(self.client.follow(Service::Ecs, event, pace, |_| {}))
    }

    /// A machine that runs.
    fn machine(&self) -> farmscale::model::Text {
        let accepted = self.create("farm-1").unwrap();
        assert!(matches!(self.follow(&accepted, LONG), Followed::Done(_)));
        accepted.made.into_iter().next().unwrap()
    }

    fn wait(&self, span: Span) {
        self.run(self.cloud.clock.sleep_until(self.cloud.clock.now() + span));
    }

    /// How a raw call is refused.
    fn refusal(&self, action: &Action, params: Value) -> (String, Refusal) {
        let params = if action.method == "GET" {
            let fields = params.as_object().unwrap().iter();
            Params::Query(
                fields
                    .map(|(name, value)| (name.clone(), value.as_str().unwrap().into()))
                    .collect(),
            )
        } else {
            Params::Body(params)
        };
        match self.run(self.client.call(action, params)) {
            Err(CallError::Refused { code, class, .. }) => (code, class),
            other => panic!("{}: {other:?}", action.name),
        }
    }
}

fn offer() -> Offer {
    Offer { zone: ZONE.into(), family: FAMILY.into(), size: Size::new(16, 32, 1) }
}

#[test]
fn sold_out_may_be_told_by_an_event() {
    let play = Play::of("sold-out-by-event");
    play.wait(Span::seconds(610));
    let accepted = play.create("farm-1").unwrap();
    let ended = play.follow(&accepted, LONG);
    assert!(matches!(ended, Followed::Failed(_)), "{ended:?}");
    assert!(play.cloud.truth().is_empty());
}

#[test]
fn a_free_shutdown_that_is_not_granted_shows_in_the_listing() {
    let play = Play::of("silent-bill");
    let machine = play.machine();
    let stopped = play.run(play.client.operate(&[&machine], Operation::FreeStop)).unwrap();
    assert!(matches!(play.follow(&stopped, LONG), Followed::Done(_)));
    let detail = play.run(play.client.instance(&machine)).unwrap();
    assert_eq!((detail.status, detail.free_when_stopped), (Status::Shutdown, Some(false)));
}

#[test]
fn measurements_read_the_same_in_either_zone_and_shape() {
    for scenario in ["kind", "beijing-monitor"] {
        let play = Play::of(scenario);
        let machine = play.machine();
        let now = play.cloud.clock.now();
        let percent = play.run(play.client.gpu_percent(&machine, now, Span::minutes(10)));
        let (percent, measured_at) = percent.unwrap().unwrap();
        assert_eq!(percent, 0, "{scenario}");
        let asked = now + Span::minutes(-2)..=play.cloud.clock.now();
        assert!(asked.contains(&measured_at), "{scenario}: {measured_at}");
    }
}

#[test]
fn an_event_that_hangs_ends_at_our_own_deadline_though_the_machine_runs() {
    let play = Play::of("hung-events");
    let accepted = play.create("farm-1").unwrap();
    let ended = play.follow(&accepted, Span::minutes(3));
    assert!(matches!(ended, Followed::TooLate(Some(_))), "{ended:?}");
    let statuses = play.run(play.client.statuses(&[&accepted.made[0]])).unwrap();
    assert_eq!(statuses[&accepted.made[0]], Status::Running);
}

#[test]
fn other_envelopes_are_understood_and_a_machine_without_an_id_is_found_by_its_name() {
    let play = Play::of("other-envelopes");
    let first = play.run(play.client.zones());
    assert_eq!(first.unwrap_err().class(), Refusal::Other, "a refusal with HTTP 200");
    let zones = play.run(play.client.zones()).unwrap();
    let zones = zones.into_iter().map(|zone| (zone.id, zone.code)).collect();
    let accepted = play.create("farm-7").unwrap();
    assert_eq!(accepted.made, Vec::<farmscale::model::Text>::new());
    assert!(matches!(play.follow(&accepted, LONG), Followed::Done(_)));
    let rows = play.run(play.client.instances("farm-7", &zones)).unwrap();
    let id = &rows[0].id;
    assert_eq!(&*rows[0].name, "farm-7");
    let gone = play.run(play.client.statuses(&[id, "ins-gone"])).unwrap_err();
    assert_eq!(gone.class(), Refusal::NotFound);
    let failed = (0..100).find_map(|number| {
        let operation = if number % 2 == 0 { Operation::FreeStop } else { Operation::Start };
        let accepted = play.run(play.client.operate(&[id], operation)).ok()?;
        match play.follow(&accepted, LONG) {
            Followed::Failed(event) => Some(event),
            Followed::Done(_) | Followed::TooLate(_) => None,
        }
    });
    assert_eq!(failed.unwrap().tasks.len(), 1, "told with HTTP 500");
}

#[test]
fn a_batch_that_failed_in_part_tells_which() {
    let play = Play::of("part-fail");
    let offer = offer();
    let purchase = "render-worker-Datacenter";
    let new = NewInstances {
        offer: &offer,
        terms: farmscale::cloud::instances::Terms::OnDemand,
        image: purchase,
        system_disk: farmscale::cloud::catalog::DiskSpec { feature: "ssd".into(), gib: 40 },
        data_disks: Vec::new(),
        vpc: "7ab97a9a-8c0f-11ec-9b99-000000000003",
        subnet: "2cee7596-bbbb-11ec-a287-000000000003",
        security_groups: &[],
        name: "farm",
        number: 20,
        password: "Render-0123456789",
        skip_spot_release: true,
        more: More { start_number: Some(1), ..More::default() },
    };
    let accepted = play.run(play.client.create(&new)).unwrap();
    assert_eq!(accepted.made.len(), 20);
    let Followed::Failed(event) = play.follow(&accepted, LONG) else {
        panic!("all of them succeeded");
    };
    let done =
        |task: &&farmscale::cloud::events::Task| task.status == farmscale::model::EventStatus::Done;
    assert_eq!(event.tasks.iter().filter(done).count(), play.cloud.truth().len());
    assert!((5..20).contains(&play.cloud.truth().len()));
}

/// Each code of the document's tables: most by doing what it forbids, the rest by order.
#[test]
fn every_documented_code_is_produced_and_has_its_class() {
    let play = Play::of("kind");
    let machine = play.machine();
    let disk = |gib: u32| json!({ "AvailableZoneCode": ZONE, "DiskFeature": "SSD", "Size": gib });
    let create = |change: Value| {
        let mut body = json!({
            "AvailableZoneCode": ZONE, "EcsFamilyName": FAMILY, "Cpu": 16, "Ram": 32, "Gpu": 1,
            "BillingMethod": "0", "ImageId": "render-worker-Datacenter", "Name": "farm-2",
            "SystemDisk": { "DiskFeature": "ssd", "Size": 40 }, "Password": "Render-0123456789",
            "VpcInfo": { "VpcId": "7ab97a9a-8c0f-11ec-9b99-000000000003" },
            "SubnetInfo": { "SubnetId": "2cee7596-bbbb-11ec-a287-000000000003" },
        });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body
    };
    let local = json!({
        "SystemDisk": { "DiskFeature": "local", "Size": 50 },
        "DataDisk": [{ "DiskFeature": "ssd", "Size": 48 }],
    });
    let mut too_much = disk(32_000);
    too_much["Number"] = json!(2);
    let start = json!({ "EcsIds": [*machine], "OpType": "start_up_ecs" });
    let cases = [
        ("MissingParameter", &ecs::INSTANCE, json!({})),
        ("InvalidParameter.IsNull", &ecs::CREATE, create(json!({ "ImageId": "" }))),
        ("InvalidParameter", &ecs::CREATE, create(json!({ "Number": 101 }))),
        ("MaxEcsCountExceed", &ecs::CREATE, create(json!({ "Number": 100 }))),
        ("InvalidInstanceSpec.ValueNotSupported", &ecs::CREATE, create(json!({ "Cpu": 17 }))),
        (
            "InvalidInstanceType.ValueNotSupported",
            &ecs::CREATE,
            create(json!({ "EcsFamilyName": "rp9" })),
        ),
        ("MaxDiskSizeExceed", &ebs::CREATE, disk(64_000)),
        ("MinDiskSizeLess", &ebs::CREATE, disk(16)),
        ("InvalidDiskSize.ValueNotSupported", &ebs::CREATE, disk(42)),
        ("UnSupportedMixingLocalAndEbs", &ecs::CREATE, create(local)),
        ("InvalidPassword.Malformed", &ecs::CREATE, create(json!({ "Password": "weak" }))),
        ("InvalidOperation", &ebs::CREATE, too_much),
        ("InvalidOperation.InstanceStatusUnsupported", &ecs::OPERATE, start),
        ("InvalidRegion.NotFound", &network::VPCS, json!({ "RegionCode": "CN_Nowhere" })),
        ("InvalidAvailableZone.NotFound", &ebs::QUOTA, json!({ "AvailableZoneCode": "CN_X" })),
        ("InvalidVpc.NotFound", &ecs::CREATE, create(json!({ "VpcInfo": { "VpcId": "x" } }))),
        ("InvalidImage.NotFound", &ecs::CREATE, create(json!({ "ImageId": "img-x" }))),
        ("InvalidResourceId.NotFound", &ecs::INSTANCE, json!({ "EcsId": "ins-x" })),
        ("InvalidEvent.NotFound", &ecs::EVENT, json!({ "EventId": "x" })),
    ];
    play.cloud.with(|provider| provider.set_quota(50));
    let natural: Vec<&str> = cases.iter().map(|(code, ..)| *code).collect();
    for (code, action, params) in cases {
        let (said, class) = play.refusal(action, params);
        assert_eq!(said, code);
        let known = codes().iter().find(|one| one.name == code).unwrap().class;
        let vague = matches!(code, "InvalidParameter" | "InvalidOperation");
        assert!(class == known || vague, "{code}: {class:?}");
    }
    for one in codes().iter().filter(|one| !natural.contains(&one.name)) {
        let (code, class) = (one.name, one.class);
        let scenario = format!(
            "about = \"x\"\nbase = \"kind\"\n[[answers.refusals]]\naction = \"DescribeRegions\"\n\
             http = 403\ncode = \"{code}\"\nmessage = \"as ordered\"\n"
        );
        let play = Play::of(&scenario);
        assert_eq!(play.refusal(&ecs::REGIONS, json!({})), (code.to_owned(), class));
    }
}
