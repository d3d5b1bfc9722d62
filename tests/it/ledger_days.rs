//! A month of days in the ledger, each held against the provider's own bill, with the daemon
//! restarted or killed every day.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use farmscale::driver::{Driver, Unobserved};
use farmscale::memory::Memory;
use farmscale::model::{Money, Span, Text, Time};
use farmscale::policy::Policy;
use farmscale::sim::chaos::{START, recovered};
use farmscale::sim::demo;
use farmscale::sim::farm::{Boots, SimFarm};
use farmscale::sim::faults::Faults;
use farmscale::sim::judge::{Bounds, Judge};
use farmscale::sim::provider::{Catalog, Provider};
use farmscale::sim::store::SimStore;
use farmscale::sim::trace::{self, Job};
use farmscale::sim::world::{Shared, SimWorld};

use crate::support::daemon::demo_policy;

const DAYS: i64 = 30;
/// One in so many tasks of the bundled day.
const THINNED: usize = 25;
/// Shanghai's midnight, after the start at midnight in Greenwich.
const MIDNIGHT: Span = Span::hours(16);

/// How the daemon is ended every day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Cleanly,
    Killed,
}

/// The month's work: the bundled day, thinned, again and again.
fn jobs() -> Vec<Job> {
    let day: Vec<Job> = trace::bundled().into_iter().step_by(THINNED).collect();
    let on = |number: i64| {
        let later = move |job: &Job| Job { submit: job.submit + Span::days(number), ..job.clone() };
        day.iter().map(later)
    };
    (0..DAYS).flat_map(on).collect()
}

/// Runs the month; the memory at its end, and the provider's bill at every midnight.
fn month(policy: &Policy, unit: Span, end: End) -> (Memory, Vec<Money>, Money) {
    let dials = demo::studio(START, Span::ZERO, 3).provider.dials().clone();
    let mut catalog = Catalog { billing_unit: unit, ..Catalog::standard() };
    for size in catalog.sizes.values_mut() {
        size.stock = None; // others take what is given back: a month would use it up
    }
    let provider = Provider::new(catalog, dials, 3);
    let farm = SimFarm::new(provider, Boots::default(), jobs(), START, 3);
    let judge = Judge::new(Bounds::none());
    let shared = Shared::new(farm, judge, Faults::none(), START, "demo-", 3);
    let shared = Rc::new(RefCell::new(shared));
    let live = |until: Time, how: End| {
        shared.borrow_mut().stop_at(until);
        let disk = Rc::clone(&shared.borrow().disk);
        let found = recovered(&disk.borrow(), &policy.namer, until < START + Span::days(1));
        let (world, store) = (SimWorld::new(Rc::clone(&shared)), SimStore::new(disk));
        let mut driver = Driver::new(world, store, Unobserved, policy.clone(), found);
        driver.run();
        match how {
            End::Cleanly => shared.borrow_mut().closed(),
            End::Killed => shared.borrow_mut().reborn(),
        }
        shared.borrow_mut().pass(Span::seconds(1));
        driver.memory().clone()
    };
    let mut bills = vec![Money::ZERO];
    for day in 0..=DAYS {
        let midnight = START + MIDNIGHT + Span::days(day);
        // A life ends now and then in the middle of things, and once exactly at midnight.
        live(midnight - Span::seconds(1), if day % 3 == 0 { end } else { End::Cleanly });
        bills.push(shared.borrow().farm.provider.bill(midnight).total());
        live(midnight + Span::minutes(7 * day), end);
    }
    shared.borrow_mut().stop_when_done(Span::minutes(10));
    let memory = live(START + Span::days(60), End::Cleanly);
    let shared = shared.borrow();
    let total = shared.farm.provider.bill(shared.now()).total();
    (memory, bills, total)
}

/// The cost of each day, oldest first.
fn by_day(memory: &Memory, now: Time) -> Vec<Money> {
    let mut costs: BTreeMap<Text, Money> = BTreeMap::new();
    for ((day, _), entries) in &memory.days {
        let cost = entries.iter().map(|(_, sum)| sum.cost).sum::<Money>();
        *costs.entry(Text::clone(day)).or_default() += cost;
    }
    let today = memory.today(now).iter().map(|entry| entry.sum.cost).sum();
    costs.into_values().chain([today]).collect()
}

fn holds(unit: Span, end: End) {
    let mut policy = demo_policy();
    for offer in policy.pools.iter_mut().flat_map(|pool| &mut pool.offers) {
        offer.billing_unit = unit;
    }
    let (memory, bills, total) = month(&policy, unit, end);
    let now = START + Span::days(60);
    let (spent, estimated) = (memory.spent(now), memory.meta.closed_estimated);
    let days = by_day(&memory, now);
    assert_eq!(days.iter().copied().sum::<Money>(), spent, "no day is lost or told twice");
    if end == End::Killed {
        // What only a listing told is flagged, and no further off than that.
        let apart = (spent.0 - total.0).abs();
        assert!(apart <= estimated.0, "{spent} against {total}: {estimated} is estimated");
        assert!(apart * 50 < total.0, "{spent} against {total}: more than 2 percent");
        return;
    }
    assert_eq!((spent, estimated), (total, Money::ZERO));
    let billed: Vec<Money> =
        bills.iter().zip(bills.iter().skip(1)).map(|(from, to)| *to - *from).collect();
    assert!(billed.iter().all(|cost| Money::ZERO < *cost), "{billed:?}");
    let days: Vec<Money> = days.into_iter().take(billed.len()).collect();
    assert_eq!(days, billed, "each day as the provider has it");
}

#[test]
fn every_day_of_a_month_is_as_the_provider_has_it() {
    holds(Span::seconds(1), End::Cleanly);
}

#[test]
fn every_day_is_as_the_provider_has_it_where_hours_are_charged() {
    holds(Span::hours(1), End::Cleanly);
}

/// A power cut loses what was not synced, and with it some exact times; never a day.
#[test]
fn a_crash_every_day_loses_no_money_and_counts_none_twice() {
    holds(Span::seconds(1), End::Killed);
    holds(Span::hours(1), End::Killed);
}
