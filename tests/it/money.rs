//! Money over many days: the ledger against the provider's bill, and caps against whatever the queue
//! does.

use std::cell::RefCell;
use std::rc::Rc;

use farmscale::driver::{Driver, Recovered, Unobserved};
use farmscale::memory::Memory;
use farmscale::model::{Money, Span, Time, Wake};
use farmscale::policy::Policy;
use farmscale::sim::chaos::START;
use farmscale::sim::farm::{Boots, SimFarm};
use farmscale::sim::faults::Faults;
use farmscale::sim::judge::{Bounds, Judge};
use farmscale::sim::provider::{Catalog, Dials, Provider};
use farmscale::sim::rng::Rng;
use farmscale::sim::store::SimStore;
use farmscale::sim::trace::{self, Job};
use farmscale::sim::world::{Shared, SimWorld};

use crate::support::daemon::policy_of;

/// A farm of one size in two zones; `more` = settings of `[limits]`, of the size, of the pool.
fn policy((limits, size, pool): (&str, &str, &str)) -> Policy {
    policy_of(&format!(
        "farm = \"money\"\n[limits]\nday_zone = \"UTC\"\n{limits}\n[queues.render]\n\
         [pools.render]\nqueue = \"render\"\nmax = 40\nimage = \"i\"\n{pool}\n\
         sizes = [{{ family = \"专业渲染型rp3\", cpu = 16, ram = 32, gpu_memory = 24{size} }}]\n\
         zones.CN_Suqian_B = {{ vpc = \"v\", subnet = \"s\" }}\n\
         zones.CN_Qingyang_A = {{ vpc = \"v\", subnet = \"s\" }}\n"
    ))
}

fn studio(jobs: Vec<Job>, billing_unit: Span, seed: u64) -> Rc<RefCell<Shared>> {
    let mut catalog = Catalog::standard();
    catalog.billing_unit = billing_unit;
    for size in catalog.sizes.values_mut() {
        size.stock = None;
    }
    let provider = Provider::new(catalog, Dials::kind(), seed);
    let farm = SimFarm::new(provider, Boots::default(), jobs, START, seed);
    let judge = Judge::new(Bounds::none());
    Rc::new(RefCell::new(Shared::new(farm, judge, Faults::none(), START, "money-", seed)))
}

/// One life of the daemon, from what the disk holds, until `until`.
fn live(shared: &Rc<RefCell<Shared>>, policy: &Policy, until: Time) -> Memory {
    let disk = {
        let mut shared = shared.borrow_mut();
        shared.stop_at(until);
        Rc::clone(&shared.disk)
    };
    let memory = disk.borrow().recover().unwrap_or_default();
    let recovered = Recovered { memory, ..Recovered::default() };
    let world = SimWorld::new(Rc::clone(shared));
    let store = SimStore::new(disk);
    let mut driver = Driver::new(world, store, Unobserved, policy.clone(), recovered);
    driver.run();
    // As systemd stops it: what is under way is answered first.
    shared.borrow_mut().stop_at(Time::MAX);
    shared.borrow_mut().tell(Wake::Stop);
    driver.run();
    shared.borrow_mut().closed();
    driver.memory().clone()
}

/// A quarter of the bundled day's tasks, on each of thirty days.
fn a_month() -> Vec<Job> {
    let day: Vec<Job> = trace::bundled().into_iter().step_by(4).collect();
    let later = |days: i64| {
        day.iter().map(move |job| Job { submit: job.submit + Span::days(days), ..job.clone() })
    };
    (0..30).flat_map(later).collect()
}

#[test]
fn thirty_days_with_a_restart_each_add_up_to_the_bill_in_total_and_by_day() {
    for (unit, setting) in [(Span::seconds(1), ""), (Span::hours(1), ", billing_unit = \"1h\"")] {
        let policy = policy(("", setting, ""));
        let shared = studio(a_month(), unit, 7);
        let mut bills = vec![Money::ZERO];
        let mut memory = Memory::default();
        for day in 1..=31 {
            // Restarted at noon, and looked at after midnight.
            live(&shared, &policy, START + Span::days(day - 1) + Span::hours(12));
            memory = live(&shared, &policy, START + Span::days(day) + Span::minutes(1));
            let now = shared.borrow().now();
            let bill = shared.borrow().farm.provider.bill(now).total();
            let ahead = memory.spent(now) - bill;
            assert!(
                (Money::ZERO..Money::yuan(9)).contains(&ahead),
                "day {day}, billed by {unit}: {ahead} for changes that are under way"
            );
            bills.push(bill);
        }
        let now = shared.borrow().now();
        let booked: Money = memory.days.values().flatten().map(|(_, sum)| sum.cost).sum::<Money>();
        let today: Money = memory.today(now).iter().map(|entry| entry.sum.cost).sum();
        assert_eq!(booked + today, memory.spent(now), "days add up to the whole");
        let bill = shared.borrow().farm.provider.bill(now).total();
        assert_eq!(memory.spent(now), bill, "billed by {unit}");
        assert_eq!(memory.meta.closed_estimated, Money::ZERO);
        // The day after the last work has a line only if something was still to be paid then.
        assert!((30..=31).contains(&memory.days.len()), "{} days of one pool", memory.days.len());
        let booked_twice = memory.days.values().any(|entries| {
            entries.iter().enumerate().any(|(at, one)| entries[..at].iter().any(|it| it.0 == one.0))
        });
        assert!(!booked_twice, "each offer once a day");
        for (number, entries) in memory.days.values().enumerate() {
            let booked: Money = entries.iter().map(|(_, sum)| sum.cost).sum();
            let billed = bills[number + 1] - bills[number];
            let apart = (booked.0 - billed.0).abs();
            assert!(apart < Money::yuan(60).0, "day {number}: {booked} against {billed}");
        }
    }
}

/// Bursts of long and short tasks over three days, more than the cap pays for.
fn bursts(rng: &mut Rng) -> Vec<Job> {
    let mut jobs = Vec::new();
    for _ in 0..rng.range(8, 16) {
        let submit = Span::seconds(rng.range(0, Span::days(3).as_seconds()));
        let typical = rng.range(60, 9000);
        for _ in 0..rng.range(1, 12) {
            let duration = Span::seconds(rng.range(typical / 2 + 1, typical * 2));
            jobs.push(Job { submit, duration, gpus: 1, pool: None });
        }
    }
    jobs.sort_by_key(|job| job.submit);
    jobs
}

/// What the provider bills for each of three days.
fn billed_by_day(policy: &Policy, seed: u64) -> Vec<Money> {
    let shared = studio(bursts(&mut Rng::new(seed).fork("bursts")), Span::seconds(1), seed);
    let mut before = Money::ZERO;
    let mut days = Vec::new();
    for day in 1..=3 {
        let midnight = START + Span::days(day);
        live(&shared, policy, midnight);
        let bill = shared.borrow().farm.provider.bill(midnight).total();
        days.push(bill - before);
        before = bill;
    }
    days
}

#[test]
fn a_cap_of_a_day_is_never_passed_whatever_the_queue_does() {
    let cap = Money::yuan(300);
    let free = policy(("", "", ""));
    let capped = policy(("money_per_day = 300", "", ""));
    let pool_capped = policy(("", "", "money_per_day = 300"));
    let mut needed = 0;
    for seed in 0..8 {
        needed += usize::from(billed_by_day(&free, seed).iter().any(|day| cap < *day));
        for policy in [&capped, &pool_capped] {
            for (day, billed) in billed_by_day(policy, seed).into_iter().enumerate() {
                assert!(billed <= cap, "seed {seed}, day {day}: {billed}");
            }
        }
    }
    assert!(4 < needed, "the cap must bind to show anything: {needed} of 8 seeds would pass it");
}
