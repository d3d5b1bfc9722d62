//! All choices, and nothing else: pure steps, one file each. What is missing is data, what holds
//! back is data; planning cannot fail. Same inputs, same plan, byte for byte.
//!
//! The order of planning: readings → demand → capacity → promise → grow → release → polling → wake.

#![deny(clippy::float_arithmetic)]

use crate::model::QueueReading;
use crate::policy::Pool;

pub mod above_max;
pub mod ahead;
pub mod billing_unit;
pub mod boots;
pub mod budget;
pub mod capacity;
pub mod caps;
mod constraints;
pub mod demand;
pub mod draft;
pub mod ends;
pub mod grow;
pub mod identities;
pub mod learning;
pub mod machine;
pub mod money;
mod orphans;
mod over_cap;
pub mod overdue;
pub mod polling;
pub mod prices;
pub mod progress;
pub mod promise;
pub mod quota;
pub mod rank;
pub mod readings;
pub mod release;
pub mod report;
pub mod safety;
pub mod settle;
pub mod situation;
mod statuses;
pub mod strangers;
pub mod tasks;
mod wake;
pub mod workers;

use constraints::PoolSteps;
use demand::Demand;
use draft::Draft;
pub use draft::{Plan, Step};
use grow::Growth;
pub use readings::Readings;
use release::{Candidate, Context};
use safety::Evidence;
pub use situation::Situation;

/// Decides.
pub fn plan(situation: Situation<'_>) -> Plan {
    let Situation { policy, now, .. } = situation;
    let mut draft = Draft::new(situation);
    let fresh: Vec<Option<&QueueReading>> =
        policy.pools.iter().map(|pool| situation.fresh_queue(pool)).collect();
    let demands = demand::of_pools(situation, &fresh);
    let mut wants_offers = Vec::new();
    let mut told = Vec::new();
    for (pool, demand) in policy.pools.iter().zip(&demands) {
        let steps = plan_pool(situation, pool, demand, &mut draft);
        if steps.capacity.is_short {
            wants_offers.push(&pool.name);
        }
        told.push(steps);
    }
    if situation.halted().is_none() {
        let mut orphans = orphans::let_go(situation, &mut draft);
        for (pool, steps) in policy.pools.iter().zip(&mut told) {
            steps.orphans = orphans.remove(&pool.name).unwrap_or_default();
        }
    }
    for (pool, steps) in policy.pools.iter().zip(told) {
        draft.report(&pool.name, steps.into_report());
    }
    polling::ask_what_is_due(situation, &wants_offers, &mut draft);
    wake::when_time_changes_something(situation, &mut draft);
    draft.finish(policy, now)
}

/// Decides for one pool; says what each step has to tell.
fn plan_pool(
    situation: Situation<'_>,
    pool: &Pool,
    demand: &Demand,
    draft: &mut Draft,
) -> PoolSteps {
    let queue = situation.fresh_queue(pool);
    let capacity = capacity::held_against(situation, pool, demand);
    let mut steps = PoolSteps {
        halted: situation.halted(),
        retiring: situation.retiring(),
        statuses: statuses::unexpected(situation, pool, draft),
        no_progress: progress::told(situation, pool),
        queue_stale: queue.is_none().then(|| situation.queue_stale(pool)),
        demand: demand.report(),
        capacity: capacity.report(),
        ..PoolSteps::default()
    };
    steps.statuses.extend(strangers::unknown_worker(situation, pool));
    steps.statuses.extend(progress::restarted(situation, pool));
    if steps.halted.is_some() {
        return steps;
    }
    let ahead = queue.and_then(|_| ahead::promised(situation, pool, demand, &capacity));
    let evidence = Evidence::of_pool(situation, pool);
    let candidates = Candidate::of_pool(situation, pool, &evidence, &capacity);
    let mut context = Context::of_pool(situation, pool, evidence, &capacity, &candidates, draft);
    let mut short = &capacity.short;
    if let Some(ahead) = &ahead {
        context.unneeded_boots.clone_from(&ahead.cancel);
        short = &ahead.short;
    }
    let mut growth = Growth::default();
    if !situation.is_retiring() {
        growth = grow::grow(&capacity, short, &candidates, &context, draft);
    }
    context.after_growing(&candidates, &growth.wanted, &draft.caps);
    steps.growth = growth.constraints;
    steps.release = release::let_go(&candidates, &context, draft);
    steps.promise = ahead.and_then(|ahead| ahead.report());
    steps
}
