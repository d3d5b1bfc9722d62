//! Why a machine is made or changed; its words are in telemetry.

use serde::{Deserialize, Serialize};

use super::money::Money;
use super::time::Span;

/// Why a machine is made or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum Reason {
    /// Work waits for more slots than there are, and no other offer does it for less.
    SlotsShort {
        /// So many.
        slots: u32,
        /// Price of an hour of work of one slot.
        work_hourly: Money,
        /// Offers that could be bought.
        offers: usize,
    },
    /// The pool is kept at its `min`, or at that of a window.
    Floor {
        /// So many.
        min: u32,
    },
    /// There is work for it.
    WorkWaits {
        /// Slots short.
        slots: u32,
    },
    /// There are more machines than its pool, or the farm, may own.
    AboveMax {
        /// `max` now.
        max: u32,
    },
    /// It cannot serve and holds a place under `max`.
    HoldsPlace,
    /// It is to take tasks again.
    TakesTasks,
    /// It is off, and is to come up drained should somebody start it.
    StaysOff,
    /// No worker has joined since it booted.
    NoWorker {
        /// Within this time.
        within: Span,
    },
    /// The provider has not finished making it.
    StaysBuilding {
        /// For so long.
        lasted: Span,
    },
    /// It is on its way, and the work will be done without it.
    NotWorthWaiting,
    /// It is idle.
    Idle {
        /// For so long.
        lasted: Span,
    },
    /// Its workers are silent.
    Silent {
        /// For longer than this.
        lasted: Span,
    },
    /// It has been off.
    Stopped {
        /// For so long.
        lasted: Span,
    },
    /// The farm is being decommissioned.
    Retiring,
    /// A cap on money is reached, and the operator wants the farm drained there.
    OverCap,
    /// It is off, and charged as if it ran.
    StopCharged,
    /// Somebody has started it by hand.
    ByHand,
    /// Its workers have not answered the drain.
    DrainCut {
        /// For longer than this.
        within: Span,
    },
    /// It works by the queue's word, and its GPU does nothing.
    Hung {
        /// For so long.
        #[serde(alias = "busy_for")]
        unused_for: Span,
    },
    /// The provider shows it in a bad status.
    Quarantine {
        /// For so long.
        lasted: Span,
    },
    /// It is older than the pool's `max_lifetime`.
    TooOld {
        /// So old.
        age: Span,
    },
    /// It was made from settings that are not today's.
    Drifted,
    /// It was found at the provider.
    Found,
}

impl Reason {
    /// Whether a machine touched for this reason is on its way out whatever the work asks for.
    pub const fn replaces(&self) -> bool {
        matches!(
            self,
            Self::Hung { .. } | Self::Quarantine { .. } | Self::TooOld { .. } | Self::Drifted
        )
    }
}
