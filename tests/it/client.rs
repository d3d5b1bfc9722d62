//! The typed client, and a stranger's, against the simulated cloud over HTTP.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use farmscale::clock::Clock;
use farmscale::cloud::CallError;
use farmscale::cloud::actions::ecs::INSTANCE_LIST;
use farmscale::cloud::client::Params;
use farmscale::model::{Billing, Span, Text};
use farmscale::sim::http::{Answers, Mischief};
use farmscale::sim::provider::{Between, Catalog, CreateRequest, Dials};
use farmscale::world::purchase::Purchase;
use farmscale::world::vendor;
use proptest::prelude::*;
use tokio::task::JoinSet;

use crate::support::cloud::{Cloud, KEY, SECRET};

/// What hurts signatures: Chinese, blanks, everything with a meaning in an address, nothing, 4 KB.
fn awkward() -> impl Strategy<Value = String> {
    let awkward = "[渲染节点 *~/+%&=?#\"'<>\\\\\u{1f600}a-z0-9._-]{0,60}";
    prop_oneof![
        8 => awkward.prop_map(|text| text),
        2 => any::<String>().prop_map(|text| text.replace('\0', "")),
        1 => Just(String::new()),
        1 => "[一-龥 +%]{1360}".prop_map(|text| text),
    ]
}

#[test]
fn any_parameter_value_signs_and_verifies() {
    let cloud = Cloud::start(Clock::real(), Dials::kind(), Mischief::none());
    let client = Arc::new(cloud.client(1000));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    proptest!(ProptestConfig::with_cases(200), |(value in awkward())| {
        let params = Params::query(&[("SearchInfo", &value)]);
        let answer = runtime.block_on(client.call(&INSTANCE_LIST, params));
        prop_assert!(answer.is_ok(), "{value:?}: {answer:?}");
    });
}

#[test]
fn a_client_written_from_the_document_alone_makes_and_deletes_a_machine() {
    let cloud =
        Cloud::start(Clock::starting_at(Clock::real().now(), 40), Dials::kind(), Mischief::none());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/independent.py");
    let server = format!("http://{}", cloud.address);
    let output = Command::new("python3").args([script, &server, KEY, SECRET]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaint}");
    assert_eq!(said, STEPS);
    assert!(cloud.truth().is_empty());
    let refused = Command::new("python3").args([script, &server, KEY, "wrong"]).output().unwrap();
    assert!(!refused.status.success());
}

/// What the other client says once it has done everything.
const STEPS: &str = "created\nmeasured\nshut down\ndeleted\n";

/// The program itself, sixty times as fast: other people's clients know the real time alone.
#[test]
fn a_client_written_from_the_document_gets_in_at_sixty_times_the_speed() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_farmscale"))
        .args(["cloudsim", "--kind", "--speed", "60", "--listen", "127.0.0.1:0"])
        .args(["--access-key-id", KEY, "--access-key-secret", SECRET])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let at = line.trim().rsplit(' ').next().unwrap().to_owned();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/independent.py");
    let output = Command::new("python3").args([script, &at, KEY, SECRET]).output();
    server.kill().unwrap();
    server.wait().unwrap();
    let output = output.unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), STEPS, "{complaint}");
}

/// A look at 1,000 machines is a list in one answer and fourteen batches of statuses: they wait long enough
/// for a delete to overtake them on any machine.
#[test]
fn under_a_limit_of_five_calls_a_second_at_most_one_is_refused_and_a_delete_overtakes() {
    let clock = Clock::starting_at(Clock::real().now(), 4);
    let limit = Mischief { calls_per_second: 5, ..Mischief::none() };
    let mut catalog = Catalog::standard();
    catalog.quota = 2000;
    catalog.sizes.values_mut().for_each(|size| size.stock = None);
    let dials = Dials { create: Between::exactly(1), ..Dials::kind() };
    let cloud = Cloud::selling(catalog, clock, dials, limit);
    cloud.with(|provider| {
        let offer = provider.catalog().sizes.keys().next().unwrap().offer(Billing::OnDemand);
        for batch in 0..10 {
            let request = provider.catalog().request(&format!("farm-{batch}"), &offer);
            let request = CreateRequest { number: 100, start_number: Some(1), ..request };
            provider.create(cloud.clock.now(), &request).unwrap();
        }
    });
    let built = cloud.clock.now() + Span::seconds(2);
    let client = Arc::new(cloud.client(5));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ended_at = Arc::new(Mutex::new(None));
    let rows = runtime.block_on(async {
        cloud.clock.sleep_until(built).await;
        let zones = client.zones().await.unwrap();
        let zones = zones.into_iter().map(|zone| (zone.id, zone.code)).collect();
        let id = cloud.truth().keys().next().cloned().unwrap();
        let (reader, ended) = (Arc::clone(&client), Arc::clone(&ended_at));
        let reads = tokio::spawn(async move {
            let rows = reader.instances("farm-", &zones).await?;
            // Many askers at once: all of them wait in the bucket.
            let mut askers = JoinSet::new();
            for ids in rows.chunks(72) {
                let ids: Vec<_> = ids.iter().map(|row| Text::clone(&row.id)).collect();
                let reader = Arc::clone(&reader);
                askers.spawn(async move {
                    let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
                    reader.statuses(&ids).await.map(|statuses| statuses.len())
                });
            }
            let counts: Result<Vec<usize>, _> = askers.join_all().await.into_iter().collect();
            *ended.lock().unwrap() = Some(reader.clock().now());
            Ok::<_, CallError>((rows.len(), counts?.iter().sum::<usize>()))
        });
        client.clock().sleep_until(client.clock().now() + Span::seconds(1)).await;
        client.delete(&[&*id], true).await.unwrap();
        assert_eq!(*ended_at.lock().unwrap(), None, "the delete waited for the reads");
        reads.await.unwrap().unwrap()
    });
    // The one that was deleted meanwhile may be missing among the statuses.
    assert!(rows == (1000, 999) || rows == (1000, 1000), "{rows:?}");
    assert!(client.refused_for_rate() <= 1, "{}", client.refused_for_rate());
}

/// A gateway repeats a request: what comes back is a refusal, what happened is a machine.
#[test]
fn a_create_that_arrives_twice_makes_one_machine_and_is_not_taken_for_refused() {
    let doubled = Mischief { doubled_ppm: 1_000_000, ..Mischief::none() };
    let cloud = Cloud::start(Clock::real(), Dials::kind(), doubled);
    let (offer, request) = cloud.with(|provider| {
        let offer = provider.catalog().sizes.keys().next().unwrap().offer(Billing::OnDemand);
        (offer.clone(), provider.catalog().request("farm-1", &offer))
    });
    let purchase = Purchase {
        pool: "gpu".into(),
        zone: Text::clone(&offer.zone),
        family: Text::clone(&offer.family),
        image: request.image.to_string(),
        vpc: request.vpc.to_string(),
        subnet: request.subnet.to_string(),
        security_groups: Vec::new(),
        system_disk_feature: "ssd".to_owned(),
        system_disk_gib: 40,
        skip_spot_release: true,
        password: None,
    };
    let wanted = vendor::offer(&offer);
    let new = purchase.new_instance("farm-1", &wanted, offer.billing, None, "Render-0123456789");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let answer = runtime.block_on(cloud.client(100).create(&new));
    assert!(matches!(answer, Err(CallError::Unknown(_))), "{answer:?}");
    assert_eq!(cloud.truth().len(), 1);
}

/// A server that answers 100 rows at once, of a list in which a machine comes or goes every moment:
/// what was there all the time is in every listing.
#[test]
fn a_list_that_changes_while_it_is_read_is_still_complete() {
    let clock = Clock::starting_at(Clock::real().now(), 10);
    let mut catalog = Catalog::standard();
    catalog.quota = 2000;
    catalog.sizes.values_mut().for_each(|size| size.stock = None);
    let dials = Dials { create: Between::exactly(1), delete: Between::exactly(1), ..Dials::kind() };
    let answers = Answers { rows_max: 100, ..Answers::DOCUMENTED };
    let cloud = Arc::new(Cloud::build(catalog, dials, answers, clock));
    let offer = cloud.with(|provider| {
        let offer = provider.catalog().sizes.keys().next().unwrap().offer(Billing::OnDemand);
        let request = provider.catalog().request("farm-stays", &offer);
        for _ in 0..5 {
            let request = CreateRequest { number: 100, start_number: Some(1), ..request.clone() };
            provider.create(cloud.clock.now(), &request).unwrap();
        }
        offer
    });
    let client = cloud.client(50);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let (changing, stops) = (Arc::clone(&cloud), Arc::clone(&stop));
    let changes = std::thread::spawn(move || {
        let mut made = VecDeque::new();
        while !stops.load(Ordering::Acquire) {
            changing.with(|provider| {
                let now = changing.clock.now();
                let request = provider.catalog().request("farm-goes", &offer);
                if made.len() < 40 {
                    made.extend(provider.create(now, &request).unwrap().instances);
                }
                // One that is still being made stays a little longer.
                let goes = made.front().filter(|_| 20 < made.len());
                if goes.is_some_and(|id| provider.delete(now, id, true).is_ok()) {
                    made.pop_front();
                }
            });
            std::thread::yield_now();
        }
    });
    let zones = runtime.block_on(client.zones()).unwrap();
    let zones = zones.into_iter().map(|zone| (zone.id, zone.code)).collect();
    for _ in 0..5 {
        let rows = runtime.block_on(client.instances("farm-", &zones)).unwrap();
        let stay = rows.iter().filter(|row| row.name.starts_with("farm-stays")).count();
        assert_eq!(stay, 500);
    }
    stop.store(true, Ordering::Release);
    changes.join().unwrap();
}
