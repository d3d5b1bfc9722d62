//! Machines of pools that are gone from the config: let go where their queue is still read, else only
//! told of.

use std::collections::BTreeMap;

use super::capacity::Capacity;
use super::draft::Draft;
use super::release::{self, Candidate, Context, Wanted};
use super::safety::Evidence;
use super::situation::Situation;
use crate::model::Text;
use crate::model::snapshot::Blocked;
use crate::policy::{Care, Pool, Tier};

/// What is told of them, below the pool that is its host: the one that reads their queue, or the first.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    /// That they are there.
    pub gone: Vec<Blocked>,
    /// What keeps them.
    pub released: Vec<release::Report>,
}

/// Lets them go.
pub(super) fn let_go(situation: Situation<'_>, draft: &mut Draft) -> BTreeMap<Text, Orphans> {
    let Situation { policy, memory, .. } = situation;
    let machines = memory.machines.values();
    let gone = machines.filter(|machine| policy.pool(&machine.pool).is_none());
    let mut pools: Vec<(&Text, &Text)> =
        gone.map(|machine| (&machine.pool, &machine.queue)).collect();
    pools.sort();
    pools.dedup();
    let mut told: BTreeMap<Text, Orphans> = BTreeMap::new();
    for (name, queue) in pools {
        let ours = || situation.machines_of(name).map(|(_, machine)| machine);
        let machines = u32::try_from(ours().count()).unwrap_or(u32::MAX);
        let known = ours().all(|one| one.queue == *queue);
        let reads = policy.pools.iter().find(|pool| known && pool.queue == *queue);
        let Some(host) = reads.or_else(|| policy.pools.first()) else { break };
        let orphans = told.entry(Text::clone(&host.name)).or_default();
        orphans.gone.push(Blocked::PoolGone { pool: Text::clone(name), machines });
        if reads.is_some() {
            let ghost = ghost(name, host);
            let capacity = Capacity { machines, ..Capacity::default() };
            let evidence = Evidence::of_pool(situation, &ghost);
            let candidates = Candidate::of_pool(situation, &ghost, &evidence, &capacity);
            let mut context =
                Context::of_pool(situation, &ghost, evidence, &capacity, &candidates, draft);
            context.after_growing(&candidates, &Wanted::default(), &draft.caps);
            orphans.released.push(release::let_go(&candidates, &context, draft));
        }
    }
    told
}

/// A pool that buys nothing and keeps nothing, on the queue of another.
fn ghost(name: &Text, host: &Pool) -> Pool {
    Pool {
        name: Text::clone(name),
        offers: Vec::new(),
        min: 0,
        windows: Vec::new(),
        headroom: 0,
        tier: Tier { keep_stopped: false, ..host.tier },
        promise: None,
        care: Care::default(),
        ..host.clone()
    }
}
