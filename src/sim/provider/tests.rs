//! Every transition, every refusal, the lag and the bill.

use super::*;
use crate::model::{Billing, EventStatus, Refusal, Status};

const START: i64 = 1_767_323_045;

fn at(seconds: i64) -> Time {
    Time::from_seconds(START + seconds)
}

fn key() -> SizeKey {
    let (zone, family) = ("CN_Suqian_B".into(), "专业渲染型rp3".into());
    SizeKey { zone, family, size: Size::new(16, 32, 1) }
}

fn offer() -> OfferKey {
    key().offer(Billing::OnDemand)
}

fn cloud(dials: Dials) -> Provider {
    let mut provider = Provider::new(Catalog::standard(), dials, 1);
    provider.advance(at(0));
    provider
}

fn made(provider: &mut Provider, name: &str, now: Time) -> Accepted {
    let request = provider.catalog().request(name, &offer());
    provider.create(now, &request).unwrap()
}

/// A machine that runs, made at second 0 by the kind dials.
fn running(provider: &mut Provider) -> Text {
    let accepted = made(provider, "farm-1", at(0));
    provider.advance(at(100));
    assert_eq!(provider.instance(&accepted.instances[0]).unwrap().state, State::Running);
    Text::clone(&accepted.instances[0])
}

fn state(provider: &Provider, id: &str) -> State {
    provider.instance(id).unwrap().state
}

fn seconds(provider: &Provider, now: Time) -> (i64, i64) {
    let bill = provider.bill(now);
    (bill.lines[0].running_seconds, bill.lines[0].stopped_seconds)
}

#[test]
fn a_machine_is_built_runs_stops_starts_and_leaves() {
    let mut cloud = cloud(Dials::kind());
    let id = Text::clone(&made(&mut cloud, "farm-1", at(0)).instances[0]);
    assert_eq!(state(&cloud, &id), State::Building);
    assert_eq!(cloud.next_change_at(), Some(at(60)));
    cloud.advance(at(60));
    assert_eq!(state(&cloud, &id), State::Running);
    assert_eq!(cloud.instance(&id).unwrap().running_since, Some(at(60)));
    cloud.operate(at(100), &id, Operation::FreeStop, true).unwrap();
    assert_eq!(state(&cloud, &id), State::ShuttingDown);
    cloud.advance(at(115));
    assert_eq!(state(&cloud, &id), State::Shutdown);
    assert!(cloud.instance(&id).unwrap().released_eip);
    cloud.operate(at(200), &id, Operation::Start, false).unwrap();
    assert_eq!(state(&cloud, &id), State::StartingUp);
    cloud.advance(at(230));
    assert_eq!(state(&cloud, &id), State::Running);
    cloud.operate(at(240), &id, Operation::Restart, false).unwrap();
    assert_eq!(state(&cloud, &id), State::Restarting);
    cloud.advance(at(270));
    cloud.delete(at(300), &id, false).unwrap();
    assert_eq!(state(&cloud, &id), State::Deleting);
    cloud.advance(at(310));
    assert_eq!(state(&cloud, &id), State::Deleted);
    assert_eq!(cloud.truth().count(), 0);
    cloud.advance(at(1000));
    assert!(cloud.instance(&id).is_none());
    let states: Vec<_> = cloud.take_transitions().iter().map(|change| change.state).collect();
    assert_eq!(states.len(), 10, "{states:?}");
}

#[test]
fn the_bill_is_the_seconds_between_the_times_the_api_shows() {
    let mut cloud = cloud(Dials::kind());
    let id = running(&mut cloud);
    assert_eq!(seconds(&cloud, at(100)), (100, 0));
    cloud.operate(at(100), &id, Operation::FreeStop, false).unwrap();
    cloud.advance(at(1015));
    assert_eq!(seconds(&cloud, at(1015)), (115, 900), "until the stop has ended");
    cloud.operate(at(1015), &id, Operation::Start, false).unwrap();
    assert_eq!(seconds(&cloud, at(1020)), (120, 900), "from when the start was taken on");
    cloud.delete(at(1115), &id, false).unwrap();
    cloud.advance(at(90_000));
    assert_eq!(seconds(&cloud, at(90_000)), (225, 900), "until the delete has ended");
    let bill = cloud.bill(at(90_000));
    // ¥175 a day running, ¥14 a day stopped.
    let running = (225 * 175_000_000_i64 + 43_200) / 86_400;
    let stopped = (900 * 14_000_000_i64 + 43_200) / 86_400;
    assert_eq!(bill.total(), Money(running + stopped));
    let mut one_more = bill.clone();
    one_more.lines[0].running_seconds += 1;
    assert!(bill.total() < one_more.total());
    assert!(!bill.lines[0].open);
}

#[test]
fn a_plain_stop_is_charged_like_running_and_keeps_its_gpu() {
    let mut cloud = cloud(Dials::kind());
    let left = cloud.units(&key()).unwrap();
    let id = running(&mut cloud);
    cloud.operate(at(100), &id, Operation::Stop, false).unwrap();
    cloud.advance(at(1000));
    assert_eq!(state(&cloud, &id), State::Shutdown);
    assert_eq!(seconds(&cloud, at(1000)), (1000, 0));
    assert_eq!(cloud.units(&key()), Some(left - 1));
    cloud.set_stock(at(1000), "CN_Suqian_B", "专业渲染型rp3", Size::new(16, 32, 1), Some(0));
    cloud.operate(at(1000), &id, Operation::Start, false).unwrap();
}

#[test]
fn a_free_stop_of_one_that_cannot_is_a_plain_stop_without_a_word() {
    for change in [0, 1] {
        let mut catalog = Catalog::standard();
        catalog.free_stop = change == 0;
        let mut cloud = Provider::new(catalog, Dials::kind(), 1);
        let mut request = cloud.catalog().request("farm-1", &offer());
        request.disk_feature = if change == 0 { "local".into() } else { "ssd".into() };
        let id = Text::clone(&cloud.create(at(0), &request).unwrap().instances[0]);
        cloud.operate(at(100), &id, Operation::FreeStop, true).unwrap();
        cloud.advance(at(1000));
        assert_eq!(state(&cloud, &id), State::Shutdown);
        assert_eq!(seconds(&cloud, at(1000)), (1000, 0));
        assert_eq!(cloud.list(at(1000))[0].row().free_when_stopped, Some(false));
    }
}

#[test]
fn a_free_stop_gives_the_gpu_back_and_a_start_may_find_none() {
    let mut cloud = cloud(Dials::kind());
    let left = cloud.units(&key()).unwrap();
    let id = running(&mut cloud);
    assert_eq!(cloud.units(&key()), Some(left - 1));
    cloud.operate(at(100), &id, Operation::FreeStop, false).unwrap();
    cloud.advance(at(200));
    assert_eq!(cloud.units(&key()), Some(left));
    assert_eq!(cloud.list(at(200))[0].row().free_when_stopped, Some(true));
    cloud.set_stock(at(200), "CN_Suqian_B", "专业渲染型rp3", Size::new(16, 32, 1), Some(0));
    assert_eq!(cloud.stock(&key()), Stock::SoldOut);
    let fault = cloud.operate(at(200), &id, Operation::Start, false).unwrap_err();
    assert_eq!((fault.http, fault.class), (403, Refusal::SoldOut));
    assert_eq!(state(&cloud, &id), State::Shutdown);
    let other = cloud.catalog().request("farm-2", &offer());
    assert_eq!(cloud.create(at(200), &other).unwrap_err().class, Refusal::SoldOut);
    assert_eq!(cloud.times_made("farm-2"), 0);
    cloud.set_stock(at(300), "CN_Suqian_B", "专业渲染型rp3", Size::new(16, 32, 1), Some(1));
    cloud.operate(at(300), &id, Operation::Start, false).unwrap();
    assert_eq!(cloud.units(&key()), Some(0));
}

#[test]
fn each_operation_is_refused_in_the_wrong_state() {
    let mut cloud = cloud(Dials::kind());
    let id = Text::clone(&made(&mut cloud, "farm-1", at(0)).instances[0]);
    let wrong = "InvalidOperation.InstanceStatusUnsupported";
    let building = cloud.delete(at(1), &id, false).unwrap_err();
    assert_eq!((building.http, building.code), (403, wrong));
    cloud.advance(at(60));
    assert_eq!(cloud.operate(at(60), &id, Operation::Start, false).unwrap_err().code, wrong);
    cloud.operate(at(60), &id, Operation::HardStop, false).unwrap();
    let both = [Operation::Start, Operation::Stop, Operation::FreeStop, Operation::Restart];
    for operation in both {
        assert_eq!(cloud.operate(at(61), &id, operation, false).unwrap_err().code, wrong);
    }
    cloud.advance(at(75));
    assert_eq!(cloud.operate(at(76), &id, Operation::FreeStop, false).unwrap_err().code, wrong);
    let unknown = cloud.delete(at(80), "ins-x", false).unwrap_err();
    assert_eq!((unknown.http, unknown.code), (404, "InvalidResourceId.NotFound"));
    cloud.delete(at(80), &id, false).unwrap();
    cloud.advance(at(90));
    assert_eq!(cloud.delete(at(90), &id, false).unwrap_err().class, Refusal::NotFound);
}

#[test]
fn quota_and_balance_are_limits() {
    let mut catalog = Catalog::standard();
    catalog.quota = 1;
    catalog.balance = Some(Money::yuan(1));
    let mut cloud = Provider::new(catalog, Dials::kind(), 1);
    let id = Text::clone(&made(&mut cloud, "farm-1", at(0)).instances[0]);
    let request = cloud.catalog().request("farm-2", &offer());
    assert_eq!(cloud.create(at(1), &request).unwrap_err().code, "MaxEcsCountExceed");
    cloud.operate(at(3600), &id, Operation::FreeStop, false).unwrap();
    let fault = cloud.operate(at(4000), &id, Operation::Start, false).unwrap_err();
    assert_eq!(fault.class, Refusal::Money);
    cloud.delete(at(4000), &id, false).unwrap();
    cloud.advance(at(5000));
    assert_eq!(cloud.create(at(5000), &request).unwrap_err().class, Refusal::Money);
}

#[test]
fn a_failed_create_costs_nothing_and_gives_its_gpu_back() {
    let mut cloud = cloud(Dials { create_fails_ppm: 1_000_000, ..Dials::kind() });
    let left = cloud.units(&key());
    let accepted = made(&mut cloud, "farm-1", at(0));
    cloud.advance(at(60));
    assert_eq!(state(&cloud, &accepted.instances[0]), State::Failed);
    let event = cloud.event(at(60), &accepted.event).unwrap();
    assert_eq!(event.reading(None).status, EventStatus::Failed);
    assert_eq!(cloud.truth().count(), 0);
    assert_eq!(cloud.list(at(60))[0].row().status, Status::Failed);
    assert_eq!(cloud.units(&key()), left);
    cloud.advance(at(90_000));
    assert!(cloud.list(at(90_000)).is_empty());
    assert_eq!(cloud.bill(at(90_000)).total(), Money::ZERO);
    assert_eq!(cloud.bill(at(90_000)).lines.len(), 1);
}

#[test]
fn a_hanging_create_fails_in_the_end() {
    let dials =
        Dials { create_hangs_ppm: 1_000_000, hang: Between::exactly(84_600), ..Dials::kind() };
    let mut cloud = cloud(dials);
    let id = Text::clone(&made(&mut cloud, "farm-1", at(0)).instances[0]);
    cloud.advance(at(84_599));
    assert_eq!(state(&cloud, &id), State::Building);
    cloud.advance(at(84_600));
    assert_eq!(state(&cloud, &id), State::Failed);
}

#[test]
fn a_failed_change_leaves_state_charges_and_stock_as_they_were() {
    let mut cloud = cloud(Dials::kind());
    let id = running(&mut cloud);
    let fails = Dials { change_fails_ppm: 1_000_000, ..Dials::kind() };
    cloud.set_dials(fails.clone());
    let event = cloud.operate(at(100), &id, Operation::FreeStop, false).unwrap().event;
    cloud.advance(at(115));
    assert_eq!(state(&cloud, &id), State::Running);
    assert_eq!(cloud.event(at(115), &event).unwrap().state(), TaskState::Failed);
    cloud.delete(at(120), &id, false).unwrap();
    cloud.advance(at(130));
    assert_eq!(state(&cloud, &id), State::Running);
    assert_eq!(seconds(&cloud, at(200)), (200, 0));
    cloud.set_dials(Dials::kind());
    cloud.operate(at(200), &id, Operation::FreeStop, false).unwrap();
    cloud.advance(at(300));
    let left = cloud.units(&key());
    cloud.set_dials(fails);
    cloud.operate(at(300), &id, Operation::Start, false).unwrap();
    cloud.advance(at(400));
    assert_eq!(state(&cloud, &id), State::Shutdown);
    assert_eq!(seconds(&cloud, at(415)), (215, 200));
    assert_eq!(cloud.units(&key()), left);
    assert!(cloud.instance(&id).unwrap().is_free);
}

#[test]
fn events_tell_late_or_never_but_always_the_true_time() {
    let mut cloud = cloud(Dials { event_delay: Between::exactly(20), ..Dials::kind() });
    let accepted = made(&mut cloud, "farm-1", at(0));
    cloud.advance(at(79));
    let reading = |cloud: &Provider, now| cloud.event(now, &accepted.event).unwrap().reading(None);
    assert_eq!(reading(&cloud, at(79)).status, EventStatus::Running);
    assert_eq!(reading(&cloud, at(79)).ended_at, None);
    assert_eq!(reading(&cloud, at(80)).status, EventStatus::Done);
    assert_eq!(reading(&cloud, at(80)).ended_at, Some(at(60)));
    cloud.set_dials(Dials { event_lost_ppm: 1_000_000, ..Dials::kind() });
    let lost = cloud.delete(at(100), &accepted.instances[0], false).unwrap().event;
    cloud.advance(at(90_000));
    assert_eq!(cloud.event(at(90_000), &lost).unwrap().state(), TaskState::Doing);
    assert_eq!(cloud.truth().count(), 0);
    assert!(cloud.event(at(90_000), "no-such-event").is_none());
    cloud.advance(at(700_000));
    assert!(cloud.event(at(700_000), &lost).is_none());
}

#[test]
fn listings_are_as_old_as_the_lag() {
    let mut cloud = cloud(Dials { lag: Between::exactly(90), ..Dials::kind() });
    let id = Text::clone(&made(&mut cloud, "farm-1", at(0)).instances[0]);
    assert!(cloud.list(at(89)).is_empty(), "a new one is not there yet");
    cloud.advance(at(100));
    assert_eq!(cloud.list(at(100))[0].state, State::Building);
    cloud.advance(at(150));
    assert_eq!(cloud.list(at(150))[0].row().status, Status::Running);
    assert_eq!(cloud.list(at(150))[0].row().created_at, Some(at(0)));
    cloud.delete(at(200), &id, false).unwrap();
    cloud.advance(at(289));
    assert_eq!(cloud.list(at(289))[0].state, State::Running, "a deleted one is still there");
    cloud.advance(at(299));
    assert_eq!(cloud.list(at(299))[0].state, State::Deleting);
    cloud.advance(at(300));
    assert!(cloud.list(at(300)).is_empty());
}

#[test]
fn the_lag_is_drawn_anew_within_its_range_and_the_same_for_one_seed() {
    let cloud = cloud(Dials::nasty());
    let lags: Vec<_> = (0..200).map(|number| cloud.lag(at(number * 15))).collect();
    let again: Vec<_> = (0..200).map(|number| cloud.lag(at(number * 15))).collect();
    assert_eq!(lags, again);
    assert!(lags.iter().all(|lag| (0..=120_000).contains(&lag.0)));
    let (min, max) = (lags.iter().min().unwrap(), lags.iter().max().unwrap());
    assert!(min.0 < 10_000 && 110_000 < max.0, "{min} {max}");
}

#[test]
fn the_provider_may_take_a_machine_back() {
    let dials =
        Dials { reclaim_ppm: 1_000_000, reclaim_after: Between::exactly(600), ..Dials::kind() };
    let mut cloud = cloud(dials);
    let id = running(&mut cloud);
    cloud.advance(at(600));
    assert_eq!(state(&cloud, &id), State::Deleting);
    cloud.advance(at(700));
    assert_eq!(cloud.truth().count(), 0);
    assert_eq!(seconds(&cloud, at(700)), (610, 0));
    assert!(!cloud.reclaim(at(700), &id));
}

#[test]
fn stock_follows_its_script() {
    let mut catalog = Catalog::standard();
    catalog.script = vec![
        StockChange { at: at(100), what: key(), units: Some(0) },
        StockChange { at: at(200), what: key(), units: None },
    ];
    let mut cloud = Provider::new(catalog, Dials::kind(), 1);
    cloud.advance(at(99));
    assert_eq!(cloud.stock(&key()), Stock::Sells);
    cloud.advance(at(100));
    assert_eq!(cloud.stock(&key()), Stock::SoldOut);
    cloud.advance(at(200));
    assert_eq!(cloud.units(&key()), None);
    let reading = cloud.stock_reading(at(200), "CN_Suqian_B", "专业渲染型rp3").unwrap();
    assert_eq!(reading.sizes.len(), 2);
    assert_eq!(cloud.stock_reading(at(200), "x", "y").unwrap_err(), Fault::no_zone());
}

#[test]
fn a_batch_is_made_whole_or_not_at_all() {
    let mut cloud = cloud(Dials::kind());
    cloud.set_stock(at(0), "CN_Suqian_B", "专业渲染型rp3", Size::new(16, 32, 1), Some(2));
    let mut request = cloud.catalog().request("farm", &offer());
    (request.number, request.start_number) = (3, Some(101));
    assert_eq!(cloud.create(at(0), &request).unwrap_err().class, Refusal::SoldOut);
    request.number = 2;
    let accepted = cloud.create(at(0), &request).unwrap();
    assert_eq!(accepted.instances.len(), 2);
    assert_eq!((cloud.times_made("farm-101"), cloud.times_made("farm-102")), (1, 1));
    assert_eq!(cloud.event(at(60), &accepted.event).unwrap().tasks.len(), 2);
}

#[test]
fn prices_are_quoted_per_day() {
    let cloud = cloud(Dials::kind());
    let quote = cloud.quote(at(0), &offer(), 40).unwrap();
    assert_eq!(quote.running, Price { amount: Money::yuan(175), per: Span::days(1) });
    assert_eq!(quote.stopped, Price { amount: Money::yuan(14), per: Span::days(1) });
    let mut wrong = offer();
    wrong.cpu = 17;
    assert_eq!(cloud.price(&wrong, 40).unwrap_err(), Fault::no_size());
}

#[test]
fn the_same_seed_gives_the_same_cloud() {
    let run = |seed| {
        let mut cloud = Provider::new(Catalog::standard(), Dials::nasty(), seed);
        for number in 0..40 {
            made(&mut cloud, &format!("farm-{number}"), at(number * 300));
        }
        cloud.advance(at(100_000));
        let cost = cloud.bill(at(100_000)).total();
        (cost, cloud.take_transitions())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
