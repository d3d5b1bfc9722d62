//! What the operator of a simulated day wants, drawn from its seed.

use super::super::rng::Rng;
use super::Sabotage;
use crate::model::{Billing, Money, Namer, OfferKey, Shape, Span, Text};
use crate::policy::{
    Limits, OfferPolicy, OnCap, Policy, Pool, Promise, Shared, SharedCount, Spending, Spot, Tier,
    Timing,
};

/// Midnight is five hours before the end of the run: time enough to see the next day's money used.
const ZONE: i8 = 5;

/// A policy.
pub(super) fn policy(rng: &mut Rng, seed: u64, sabotage: Sabotage) -> Policy {
    let max = u32::try_from(rng.range(2, 20)).unwrap_or(20);
    let keep_stopped = rng.chance(700_000);
    let mut timing = Timing::default();
    if sabotage == Sabotage::ShortGrace {
        timing.create_grace = Span::seconds(30);
        timing.fleet_poll = Span::seconds(10);
    }
    let mut pools = vec![pool("render", "r", max, keep_stopped)];
    let money_per_hour = rng.chance(300_000).then(|| Money::yuan(rng.range(20, 120)));
    let mut wishes = Rng::new(seed).fork("wishes");
    if wishes.chance(250_000) {
        let mut night = pool("night", "n", max, !keep_stopped);
        night.offers.truncate(2);
        pools.push(night);
    }
    for pool in &mut pools {
        // The market may move between quote and create, so that no cap on the price is sure with it.
        wish(&mut wishes, pool, money_per_hour.is_none());
    }
    let mut spending = spending(&mut wishes);
    spending.caps.hour = money_per_hour;
    let shared = wishes.chance(200_000).then(|| Shared {
        name: "licence".into(),
        count: SharedCount::Fixed(u32::try_from(wishes.range(4, 20)).unwrap_or(4)),
    });
    for pool in pools.iter_mut().filter(|_| shared.is_some()) {
        pool.takes.push("licence".into());
    }
    Policy {
        namer: Namer::new("chaos"),
        pools,
        limits: Limits { max, ..Limits::default() },
        spending,
        shared: shared.into_iter().collect(),
        timing,
    }
}

fn pool(name: &str, tag: &str, max: u32, keep_stopped: bool) -> Pool {
    let offers = vec![
        offer("CN_Suqian_B", "专业渲染型rp3", 16),
        offer("CN_Hohhot_B", "专业渲染型rp3", 16),
        offer("CN_Qingyang_A", "专业渲染型rp3", 16),
        offer("CN_Hohhot_B", "极速渲染型re3", 12),
    ];
    Pool {
        tag: Text::from(tag),
        shape: Shape::default(),
        // The break-even of deleting may lie beyond the day, and L2 wants to see it end.
        tier: Tier { keep_stopped, delete_after: Some(Span::hours(2)), ..Tier::default() },
        ..Pool::usual(name, "queue", offers, max)
    }
}

fn offer(zone: &str, family: &str, cpu: u32) -> OfferPolicy {
    OfferPolicy {
        key: OfferKey {
            zone: zone.into(),
            family: family.into(),
            cpu,
            ram_gib: if cpu == 16 { 32 } else { 24 },
            gpus: 1,
            billing: Billing::OnDemand,
        },
        gpu_memory_gib: 24,
        speed_ppm: 1_000_000,
        billing_unit: Span::seconds(1),
        stoppable: true,
        build: 0,
    }
}

/// How a pool is to be run.
fn wish(rng: &mut Rng, pool: &mut Pool, may_spot: bool) {
    match rng.below(4) {
        0 => pool.promise = None,
        1 => pool.promise = Some(Promise::thrifty()),
        _ => {}
    }
    if rng.chance(250_000) && may_spot {
        pool.spot = Some(Spot {
            bid: rng.chance(500_000).then(|| Money(rng.range(2_000_000, 7_000_000))),
            most: None,
            on_demand_min: u32::try_from(rng.range(0, 3)).unwrap_or(0),
            on_demand_percent: if rng.chance(500_000) { 30 } else { 0 },
        });
        let spot = |offer: &OfferPolicy| {
            let key = OfferKey { billing: Billing::Spot, ..offer.key.clone() };
            OfferPolicy { key, stoppable: false, ..offer.clone() }
        };
        let spots: Vec<OfferPolicy> = pool.offers.iter().map(spot).collect();
        pool.offers.extend(spots);
    }
    if rng.chance(200_000) {
        pool.care.max_lifetime = Some(Span::seconds(rng.range(3600, 20_000)));
    }
}

/// One farm in five has a cap of a day.
fn spending(rng: &mut Rng) -> Spending {
    let mut spending =
        Spending { zone: jiff::tz::Offset::constant(ZONE).to_time_zone(), ..Spending::default() };
    if rng.chance(200_000) {
        spending.caps.day = Some(Money::yuan(rng.range(30, 400)));
        if rng.chance(500_000) {
            spending.on_cap = OnCap::Drain;
        }
    }
    spending
}
