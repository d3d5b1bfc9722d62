//! The single terms that sentences are made of.

use super::Language;
use super::label;
use crate::model::snapshot::{CapSpan, Phase};
use crate::model::{Change, Refusal, Text, WorkerState};

/// A phase's key in API and metrics.
pub const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Launching => "launching",
        Phase::Booting => "booting",
        Phase::Ready => "ready",
        Phase::Draining => "draining",
        Phase::Stopping => "stopping",
        Phase::Stopped => "stopped",
        Phase::Starting => "starting",
        Phase::Leaving => "leaving",
    }
}

/// The label of a change.
pub(super) fn change(change: Change, language: Language) -> &'static str {
    let key = match change {
        Change::Drain => "change_drain",
        Change::Undrain => "change_undrain",
        Change::Start => "change_start",
        Change::Stop => "change_stop",
        Change::Delete => "change_delete",
    };
    label(key, language)
}

/// What a machine's workers do.
pub(super) fn worker(state: Option<WorkerState>, language: Language) -> &'static str {
    let key = match state {
        None => "worker_none",
        Some(WorkerState::Idle) => "worker_idle",
        Some(WorkerState::Busy) => "worker_busy",
        Some(WorkerState::Drained) => "worker_drained",
    };
    label(key, language)
}

/// Why something was refused.
pub(super) fn class(class: Refusal, language: Language) -> &'static str {
    let key = match class {
        Refusal::SoldOut => "class_sold_out",
        Refusal::Quota => "class_quota",
        Refusal::Throttled => "class_throttled",
        Refusal::Config => "class_config",
        Refusal::Image => "class_image",
        Refusal::Subnet => "class_subnet",
        Refusal::Clock => "class_clock",
        Refusal::Auth => "class_auth",
        Refusal::Money => "class_money",
        Refusal::Conflict => "class_conflict",
        Refusal::NotFound => "class_not_found",
        Refusal::NotSent => "class_not_sent",
        Refusal::Other => "class_other",
    };
    label(key, language)
}

/// Whose a cap is.
pub(super) fn whose(pool: Option<&Text>, language: Language) -> String {
    match (pool, language) {
        (None, _) => label("whole_farm", language).to_owned(),
        (Some(pool), Language::Zh) => format!("资源池 {pool}"),
        (Some(pool), Language::En) => format!("pool {pool}"),
    }
}

/// Over which time a cap counts.
pub(super) fn each(span: CapSpan, language: Language) -> &'static str {
    let key = match span {
        CapSpan::Hour => "each_hour",
        CapSpan::Day => "each_day",
        CapSpan::Month => "each_month",
    };
    label(key, language)
}
