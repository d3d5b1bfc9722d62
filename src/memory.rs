//! What must outlive a restart: a fold over events.
//!
//! Facts are kept with the moment they were first seen; phases are computed from them. Not kept:
//! prices, stock and queue depth, which are asked for again after a start.

#![deny(clippy::float_arithmetic)]

mod apply;
mod boots;
mod keys;
mod ledger;
mod machine;
mod market;
mod meter;
mod progress;
mod records;
mod spent;
mod state;
mod usage;

pub use boots::Boots;
pub use keys::Key;
pub use machine::{
    Backoff, Boot, BootOf, Create, Drain, Heard, Life, Machine, Missed, Off, Pending, PendingState,
    Sighting, UnexpectedStatus,
};
pub use meter::Meter;
pub use records::{read_machine, read_spent, write_spent};
pub use spent::{Spent, SpentOn};
pub use state::{
    Account, Ceiling, LostAtWork, Memory, Meta, OpenDay, Progress, Recent, RefusalMemory, SpotEnd,
    SpotMemory, Tombstone,
};
pub use usage::Usage;
