//! The demo's studio: a day of a real render farm's work on the simulated cloud, whose cheapest
//! zone sells out on the way.

use super::farm::{Boots, SimFarm};
use super::provider::{Catalog, Dials, Provider, StockChange};
use super::trace::{self, Job};
use crate::model::{Billing, Namer, OfferKey, Shape, Span, Time};
use crate::policy::{IdleRule, Limits, OfferPolicy, Policy, Pool, Slots, Tier, Timing};

/// The cheapest offers are sold out from so long after the start…
const SOLD_OUT_FROM: Span = Span::hours(9);
/// …until so long after it.
const SOLD_OUT_TO: Span = Span::hours(15);
/// Its zone.
const SOLD_OUT_ZONE: &str = "CN_Hohhot_B";
/// Machines at most.
const MAX: u32 = 60;
/// The pool, and its queue.
pub const POOL: &str = "render";

/// The studio at `start`, with the work that arrives until `until` of the bundled trace.
pub fn studio(start: Time, until: Span, seed: u64) -> SimFarm {
    let jobs: Vec<Job> =
        trace::bundled().into_iter().filter(|job| job.submit < until).collect();
    let mut catalog = Catalog::standard();
    for what in catalog.sizes.keys().filter(|what| &*what.zone == SOLD_OUT_ZONE) {
        let change = |after: Span, units| StockChange { at: start + after, what: what.clone(), units };
        catalog.script.extend([change(SOLD_OUT_FROM, Some(0)), change(SOLD_OUT_TO, Some(24))]);
    }
    catalog.script.sort_by_key(|change| change.at);
    let provider = Provider::new(catalog, dials(), seed);
    SimFarm::new(provider, Boots::default(), jobs, start, seed)
}

/// Late and lagging as the real cloud, but nothing that only an operator could mend, and no
/// event lost: the ledger is to meet the bill to the fen.
fn dials() -> Dials {
    Dials {
        event_lost_ppm: 0,
        create_hangs_ppm: 0,
        reclaim_ppm: 0,
        ..Dials::nasty()
    }
}

/// What the demo's operator wants.
pub fn policy() -> Policy {
    let sizes = [("专业渲染型rp3", 16, 32), ("极速渲染型re3", 12, 24)];
    let zones = ["CN_Suqian_B", "CN_Hohhot_B", "CN_Qingyang_A"];
    let offer = |zone: &str, (family, cpu, ram_gib): (&str, u32, u32)| OfferPolicy {
        key: OfferKey {
            zone: zone.into(),
            family: family.into(),
            cpu,
            ram_gib,
            gpus: 1,
            billing: Billing::OnDemand,
        },
        gpu_memory_gib: 24,
        speed_ppm: 1_000_000,
        stoppable: true,
    };
    let sold = Catalog::standard().sizes;
    let offers = sizes.iter().flat_map(|size| zones.map(|zone| offer(zone, *size)));
    let pool = Pool {
        name: POOL.into(),
        tag: "gpu".into(),
        queue: POOL.into(),
        offers: offers.filter(|offer| sold.contains_key(&(&offer.key).into())).collect(),
        min: 0,
        max: MAX,
        windows: Vec::new(),
        slots: Slots::PerGpu(1),
        shape: Shape::default(),
        tasks_per_slot: 1,
        headroom: 0,
        tier: Tier::default(),
        idle: IdleRule::Word,
        surge: MAX,
    };
    let limits = Limits { max: MAX, open_creates: 20, ..Limits::default() };
    Policy { namer: Namer::new("demo"), pools: vec![pool], limits, timing: Timing::default() }
}
