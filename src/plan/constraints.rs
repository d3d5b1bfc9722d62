//! What each step of planning has to say of a pool, put together for people: strongest first.

use super::orphans::Orphans;
use super::{capacity, demand, release};
use crate::model::snapshot::{Blocked, Report};

/// What the steps say of one pool.
#[derive(Debug, Default)]
pub(super) struct PoolSteps {
    /// What halts the whole farm.
    pub halted: Option<Blocked>,
    /// The farm is being decommissioned.
    pub retiring: Option<Blocked>,
    /// Nothing comes of what is spent.
    pub no_progress: Option<Blocked>,
    /// Machines in statuses that no part of their life explains.
    pub statuses: Vec<Blocked>,
    /// The queue's word is too old.
    pub queue_stale: Option<Blocked>,
    /// What the work asks for.
    pub demand: demand::Report,
    /// What there is.
    pub capacity: capacity::Report,
    /// Tasks that wait within what is promised.
    pub promise: Option<Blocked>,
    /// What keeps the pool from growing.
    pub growth: Vec<Blocked>,
    /// What keeps it from shrinking.
    pub release: release::Report,
    /// Machines of pools that are gone from the config, told with this one.
    pub orphans: Orphans,
}

impl PoolSteps {
    /// For people. Each constraint is told once: one refusal may hold several offers back.
    #[expect(clippy::unneeded_field_pattern, reason = "a new field must be thought of here")]
    pub(super) fn into_report(self) -> Report {
        let Self {
            halted,
            retiring,
            no_progress,
            statuses,
            queue_stale,
            demand: demand::Report { limited_by, misfits },
            capacity: capacity::Report { demand_slots, capacity_slots, is_short: _ },
            promise,
            growth,
            release,
            orphans: Orphans { gone, released },
        } = self;
        let mut all = Vec::new();
        all.extend(halted.into_iter().chain(retiring).chain(no_progress).chain(queue_stale));
        all.extend(limited_by);
        all.extend(statuses.into_iter().chain(misfits).chain(growth));
        all.extend(released_constraints(release));
        all.extend(promise.into_iter().chain(gone));
        all.extend(released.into_iter().flat_map(released_constraints));
        let mut constraints: Vec<Blocked> = Vec::new();
        for constraint in all {
            if !constraints.contains(&constraint) {
                constraints.push(constraint);
            }
        }
        constraints.sort_by_key(Blocked::strength);
        Report { demand_slots, capacity_slots, constraints }
    }
}

fn released_constraints(release: release::Report) -> Vec<Blocked> {
    let release::Report { above_max, hung, stops_charged, doubt, replacing, all_silent, machines } =
        release;
    let of_pool = stops_charged.into_iter().chain(doubt).chain(replacing).chain(all_silent);
    above_max.into_iter().chain(hung).chain(of_pool).chain(machines).collect()
}
