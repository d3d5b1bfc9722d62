//! What it costs to keep a machine without work, against getting one back: when to stop, when to delete.

use crate::model::{Price, Reason, Span};
use crate::plan::machine::{may_serve_again, stops_charged_since};
use crate::plan::promise::gaps::{self, LetGo, Rates};
use crate::plan::{billing_unit, boots};

use super::candidate::Candidate;
use super::context::Context;

/// A stopped machine is never kept longer than this.
const STOPPED_MAX: Span = Span::days(7);

/// Whether a machine may be kept stopped at all.
pub fn keeps_stopped(candidate: &Candidate<'_>, context: &Context<'_>) -> bool {
    let Context { situation, pool, .. } = context;
    let machine = candidate.machine;
    !situation.is_retiring()
        && machine.reason != Reason::OverCap
        && !context.above_max.contains_key(candidate.name)
        && !billing_unit::is_long(machine)
        && may_serve_again(*situation, pool, machine)
        && stops_charged_since(*situation).is_none()
        && pool.tier.keep_stopped
        && pool.offer(&machine.offer).is_some_and(|offer| offer.stoppable)
}

/// When to stop and when to delete: as set, as learned, or at break-even.
pub fn let_go_times(candidate: &Candidate<'_>, context: &Context<'_>) -> LetGo {
    let Context { situation, pool, .. } = context;
    let machine = candidate.machine;
    let mean = |again| boots::mean(situation.policy, situation.memory, &machine.boot_line(again));
    let quote = machine.quote.filter(|_| keeps_stopped(candidate, context));
    let rate = |price: Price| price.per_hour().0;
    let learned = quote.map_or_else(
        || LetGo { stop_after: mean(false), delete_after: Span::ZERO },
        |quote| {
            let (running, stopped) = (rate(quote.running), rate(quote.stopped));
            let rates = Rates { running, stopped, boot: mean(false), restart: mean(true) };
            let level = context.levels.get(candidate.name).copied().unwrap_or(1);
            let workload = situation.readings.workloads.get(&pool.queue);
            workload.map_or_else(
                || gaps::break_even(&rates),
                |workload| workload.gaps.let_go(level, &rates, pool.tier.patience),
            )
        },
    );
    let kept_at_most = Span(learned.delete_after.0.min(STOPPED_MAX.0));
    LetGo {
        stop_after: pool.tier.stop_after.unwrap_or(learned.stop_after),
        delete_after: pool.tier.delete_after.unwrap_or(kept_at_most),
    }
}
