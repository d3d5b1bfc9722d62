//! The ledger against the provider's own bill, when events are lost.

use std::cell::RefCell;
use std::rc::Rc;

use farmscale::driver::{Driver, Recovered, Unobserved};
use farmscale::memory::Memory;
use farmscale::model::{Money, Span};
use farmscale::sim::chaos::START;
use farmscale::sim::demo;
use farmscale::sim::farm::SimFarm;
use farmscale::sim::faults::Faults;
use farmscale::sim::judge::{Bounds, Judge};
use farmscale::sim::provider::Dials;
use farmscale::sim::store::SimStore;
use farmscale::sim::world::{Shared, SimWorld};

use crate::support::daemon::demo_policy;

/// The dearest machine of the demo, an hour.
const DEAREST: Money = Money(7_300_000);

/// A day in which so many events of a million are lost.
fn day(event_lost_ppm: u32) -> (Memory, Money) {
    day_of(demo::studio(START, Span::hours(24), 3), event_lost_ppm)
}

fn day_of(mut farm: SimFarm, event_lost_ppm: u32) -> (Memory, Money) {
    let dials = Dials { event_lost_ppm, ..farm.provider.dials().clone() };
    farm.provider.set_dials(dials);
    let judge = Judge::new(Bounds::none());
    let mut shared = Shared::new(farm, judge, Faults::none(), START, "demo-", 3);
    shared.stop_when_done(Span::minutes(10));
    let store = SimStore::new(Rc::clone(&shared.disk));
    let shared = Rc::new(RefCell::new(shared));
    let world = SimWorld::new(Rc::clone(&shared));
    let mut driver = Driver::new(world, store, Unobserved, demo_policy(), Recovered::default());
    driver.run();
    let now = shared.borrow().now();
    let bill = shared.borrow().farm.provider.bill(now).total();
    (driver.memory().clone(), bill)
}

#[test]
fn without_a_lost_event_the_ledger_is_the_bill_and_one_second_more_is_noticed() {
    let (memory, bill) = day(0);
    let cost = memory.spent(START + Span::days(3));
    assert_eq!(cost, bill);
    assert_eq!(memory.meta.closed_estimated, Money::ZERO);
    let one_second_more = bill + Money(DEAREST.0 / 3600);
    assert_ne!(cost, one_second_more);
}

/// The vendor silently charges stops that an account is not whitelisted for.
#[test]
fn a_stop_that_is_charged_is_seen_counted_and_not_tried_again() {
    let mut farm = demo::studio(START, Span::hours(24), 3);
    farm.provider.set_free_stop(false);
    let (memory, bill) = day_of(farm, 0);
    assert_eq!(memory.spent(START + Span::days(3)), bill, "counted as the bill has it");
    let counts = memory.meta.counts;
    assert!((1..=8).contains(&counts.stops), "{} stops were tried", counts.stops);
    let (_, with_free_stops) = day(0);
    assert!(bill.0 < with_free_stops.0 * 2, "{bill} against {with_free_stops}");
}

#[test]
fn a_lost_event_costs_the_ledger_at_most_a_look_and_is_flagged() {
    let (memory, bill) = day(100_000);
    let cost = memory.spent(START + Span::days(3));
    let estimated = memory.meta.closed_estimated;
    assert!(Money::ZERO < estimated, "nothing is flagged although events were lost");
    // A change is seen a listing (30 s) and its lag (up to 120 s) late, once per stop or delete.
    let counts = memory.meta.counts;
    let changes = i64::try_from(counts.stops + counts.deletes + counts.starts).unwrap();
    let each = DEAREST.0 * 150 / 3600;
    let bound = changes / 4 * each; // a tenth is lost; a quarter is far outside chance
    let apart = (cost.0 - bill.0).abs();
    assert!(apart <= bound, "{cost} against {bill}: {apart} of {bound}");
}
