//! Caps on money against the provider's own bill, cut by day, whatever the queue does.

use std::cell::RefCell;
use std::rc::Rc;

use farmscale::driver::{Driver, Recovered, Unobserved};
use farmscale::model::{Money, Span};
use farmscale::policy::{OnCap, Policy};
use farmscale::sim::chaos::START;
use farmscale::sim::farm::{Boots, SimFarm};
use farmscale::sim::faults::Faults;
use farmscale::sim::judge::{Bounds, Judge};
use farmscale::sim::provider::{Catalog, Dials, Provider};
use farmscale::sim::rng::Rng;
use farmscale::sim::store::SimStore;
use farmscale::sim::trace::Job;
use farmscale::sim::world::{Shared, SimWorld};

use crate::support::daemon::demo_policy;

const DAYS: i64 = 3;
const SEEDS: u64 = 4;
/// Shanghai's midnight, after the start at midnight in Greenwich.
const MIDNIGHT: Span = Span::hours(16);

/// Bursts at any time of day, of tasks as long as they like up to `longest`.
fn jobs(rng: &mut Rng, longest: Span) -> Vec<Job> {
    let mut jobs = Vec::new();
    for _ in 0..rng.range(3, 12) {
        let at = Span::seconds(rng.range(0, Span::days(DAYS).as_seconds()));
        let typical = rng.range(60, longest.as_seconds());
        for _ in 0..rng.range(1, 60) {
            let duration = Span::seconds(rng.range(typical / 2, typical));
            jobs.push(Job { submit: at, duration, gpus: 1, pool: None, label: None });
        }
    }
    jobs.sort_by_key(|job| job.submit);
    jobs
}

/// What the provider charged on each day, and how much work got done.
fn days(seed: u64, policy: &Policy, unit: Span, longest: Span) -> (Vec<Money>, u64) {
    let mut catalog = Catalog { billing_unit: unit, ..Catalog::standard() };
    for size in catalog.sizes.values_mut() {
        size.stock = None;
    }
    let provider = Provider::new(catalog, Dials::kind(), seed);
    let jobs = jobs(&mut Rng::new(seed).fork("jobs"), longest);
    let farm = SimFarm::new(provider, Boots::default(), jobs, START, seed);
    let judge = Judge::new(Bounds::none());
    let shared = Shared::new(farm, judge, Faults::none(), START, "demo-", seed);
    let store = SimStore::new(Rc::clone(&shared.disk));
    let shared = Rc::new(RefCell::new(shared));
    let world = SimWorld::new(Rc::clone(&shared));
    let (policy, found) = (policy.clone(), Recovered::default());
    let mut driver = Driver::new(world, store, Unobserved, policy, found);
    let mut bills = vec![Money::ZERO];
    for day in 0..=DAYS + 1 {
        let midnight = START + MIDNIGHT + Span::days(day);
        shared.borrow_mut().stop_at(midnight);
        driver.run();
        bills.push(shared.borrow().farm.provider.bill(midnight).total());
    }
    let done = shared.borrow().farm.queue.done().tasks;
    (bills.iter().zip(bills.iter().skip(1)).map(|(from, to)| *to - *from).collect(), done)
}

/// Whose money is capped.
#[derive(Debug, Clone, Copy)]
enum Of {
    Farm,
    Pool,
    Nobody,
}

/// Runs bursts of tasks up to `longest` under caps of all sizes: the days on which a cap was passed, and
/// how much work got done in all.
fn passed(of: Of, on_cap: OnCap, unit: Span, longest: Span) -> (Vec<String>, u64) {
    let mut work = 0;
    let mut passed = Vec::new();
    for seed in 0..SEEDS {
        let cap = Money::yuan(Rng::new(seed).fork("cap").range(15, 900));
        let mut policy = demo_policy();
        match of {
            Of::Farm => policy.spending.caps.day = Some(cap),
            Of::Pool => policy.pools.iter_mut().for_each(|pool| pool.caps.day = Some(cap)),
            Of::Nobody => {}
        }
        policy.spending.on_cap = on_cap;
        for offer in policy.pools.iter_mut().flat_map(|pool| &mut pool.offers) {
            offer.billing_unit = unit;
        }
        let (days, done) = days(seed, &policy, unit, longest);
        work += done;
        for (day, spent) in days.iter().enumerate().filter(|(_, spent)| cap < **spent) {
            passed.push(format!("seed {seed} day {day}: {spent}, cap {cap}"));
        }
    }
    (passed, work)
}

#[test]
fn where_growth_stops_no_cap_is_passed() {
    let (second, hour) = (Span::seconds(1), Span::hours(1));
    for (of, unit) in [(Of::Farm, hour), (Of::Pool, second)] {
        let (passed, _) = passed(of, OnCap::StopGrowth, unit, Span::hours(6));
        assert!(passed.is_empty(), "{of:?} by {unit}:\n{}", passed.join("\n"));
    }
    let (free, _) = passed(Of::Nobody, OnCap::StopGrowth, second, Span::hours(6));
    assert!(2 < free.len(), "without caps they must be passed, to show anything: {free:?}");
}

#[test]
fn where_machines_are_drained_no_cap_is_passed_by_tasks_of_the_reserved_length() {
    let (second, hour, longest) = (Span::seconds(1), Span::hours(1), Span::minutes(10));
    let (by_second, drained) = passed(Of::Farm, OnCap::Drain, second, longest);
    let (by_hour, _) = passed(Of::Farm, OnCap::Drain, hour, longest);
    let all = [by_second, by_hour].concat();
    assert!(all.is_empty(), "{}", all.join("\n"));
    let (_, stopped) = passed(Of::Farm, OnCap::StopGrowth, second, longest);
    assert!(stopped <= drained, "draining is to get more done: {drained} against {stopped}");
}
