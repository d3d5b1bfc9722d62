//! Why a machine is made or changed: said in words only where people read it.

use std::fmt;

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
    /// There is work for it.
    WorkWaits {
        /// Slots short.
        slots: u32,
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
    /// The farm is being left for good.
    Retiring,
    /// A cap on money is reached, and the operator wants the farm drained there.
    OverCap,
    /// It is off, and charged as if it ran.
    StopCharged,
    /// It was found at the provider.
    Found,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SlotsShort { slots, work_hourly, offers } => write!(
                f,
                "slots short: {slots}; {work_hourly} a slot-hour is the least of {offers} offers"
            ),
            Self::WorkWaits { slots } => write!(f, "there is work for it (slots short: {slots})"),
            Self::HoldsPlace => write!(f, "it cannot serve and holds a place under max"),
            Self::TakesTasks => write!(f, "it is to take tasks again"),
            Self::StaysOff => write!(f, "it is off, and must come up drained if started by hand"),
            Self::NoWorker { within } => write!(f, "no worker has joined within {within}"),
            Self::NotWorthWaiting => write!(f, "the work will be done before it is ready"),
            Self::Idle { lasted } => write!(f, "idle for {lasted}"),
            Self::Silent { lasted } => write!(f, "its workers have been silent for {lasted}"),
            Self::Stopped { lasted } => write!(f, "stopped for {lasted}"),
            Self::Retiring => write!(f, "the farm is being left for good"),
            Self::OverCap => write!(f, "a cap on money is reached"),
            Self::StopCharged => write!(f, "it is off and charged as if it ran"),
            Self::Found => write!(f, "found at the provider"),
        }
    }
}
