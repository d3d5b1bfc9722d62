//! Facts, no rules: the words everything else is written in.

use std::sync::Arc;

pub mod action;
pub mod blocked;
pub mod boot;
pub mod event;
pub mod ledger;
pub mod leftover;
pub mod money;
pub mod name;
pub mod offer;
pub mod reading;
pub mod reason;
pub mod snapshot;
pub mod source;
pub mod text;
pub mod time;

pub use action::{Act, Change, Look, LookFailure, MachineRef, Order, Outcome, Refusal, Wake};
pub use boot::BootLine;
pub use event::Event;
pub use leftover::{Leftover, LeftoverKind};
pub use money::{Money, Price};
pub use name::{MachineName, Namer, Salt};
pub use offer::{Billing, OfferKey, Quote, Size, Stock};
pub use reading::{
    EventReading, EventStatus, Held, InstanceRow, JobSeen, Listing, QueueReading, Reading,
    SetAside, Shape, Stage, Status, StockReading, TaskSeen, UsageReading, Work, WorkerSeen,
    WorkerState,
};
pub use reason::Reason;
pub use snapshot::Snapshot;
pub use source::SourceId;
pub use time::{Span, Time};

/// Shared text: ids, codes and names are copied often and never changed.
pub type Text = Arc<str>;
