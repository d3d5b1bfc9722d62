//! Why a machine is as it is now; why it was last touched is another matter.

use super::terms::phase as key_of;
use super::{Language, label};
use crate::model::snapshot::{MachineView, Phase};
use crate::model::{Reason, Span, Text, Time, WorkerState};

/// What a machine is doing, and why it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Now {
    /// An operator keeps it.
    Held {
        /// Who.
        owner: Text,
        /// Why.
        reason: Text,
    },
    /// The provider shows it in a status that is none of a life's.
    Unexpected {
        /// As listed.
        status: Text,
    },
    /// Its workers hold tasks.
    Works {
        /// For so long.
        lasted: Span,
    },
    /// Its workers wait for tasks.
    Waits {
        /// For so long.
        lasted: Span,
    },
    /// It is ready, and no worker of it is heard.
    Unheard {
        /// For so long.
        lasted: Span,
    },
    /// It takes no more tasks and ends those it has, or it changes: for the reason it was asked to.
    Changes {
        /// Its phase.
        phase: Phase,
        /// Why.
        reason: Reason,
    },
}

/// What the machine is doing at that time.
pub fn now(machine: &MachineView, at: Time) -> Now {
    let MachineView { phase, reason, worker, .. } = machine;
    if let Some(hold) = &machine.held {
        let (owner, reason) = (Text::clone(&hold.owner), Text::clone(&hold.reason));
        return Now::Held { owner, reason };
    }
    if let Some(status) = &machine.unexpected_status {
        return Now::Unexpected { status: Text::clone(status) };
    }
    if *phase != Phase::Ready {
        return Now::Changes { phase: *phase, reason: *reason };
    }
    let lasted = at.since(machine.worker_since.unwrap_or(machine.since));
    match worker {
        Some(WorkerState::Busy) => Now::Works { lasted },
        Some(WorkerState::Idle) => Now::Waits { lasted },
        Some(WorkerState::Drained) => Now::Changes { phase: Phase::Draining, reason: *reason },
        None => Now::Unheard { lasted },
    }
}

words! {
    /// What a machine is doing, and why it is there.
    pub told_now(Now), NOWS;

    "held" Info Held { owner, reason } =>
        "由 {owner} 保留：{reason}",
        "held by {owner}: {reason}";
    "unexpected_status" Warn Unexpected { status } =>
        "云上状态为 {status}",
        "the provider shows it as `{status}`";
    "works" Info Works { lasted } =>
        "渲染中，已 {lasted}",
        "at work for {lasted}";
    "waits" Info Waits { lasted } =>
        "空闲待命，已 {lasted}",
        "idle, ready for the next task, for {lasted}";
    "unheard" Info Unheard { lasted } =>
        "就绪，但已 {lasted} 没有工作进程的消息",
        "ready, and no worker of it heard for {lasted}";
    "changes" Info Changes { phase, reason }
        [what_zh = label(key_of(*phase), Language::Zh), what = label(key_of(*phase), Language::En),
         why = super::reason(reason), why_zh = &why.zh, why = &why.en] =>
        "{what_zh}：{why_zh}",
        "{what}: {why}";
}
