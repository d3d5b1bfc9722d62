//! The border: everything outside the decisions is reached through [`World`], and nothing else.

pub mod live;
pub mod purchase;
pub mod vendor;

use crate::journal::Permit;
use crate::model::{Act, Look, Time, Wake};

/// What the driver runs against: the live cloud and queue, a dry run, or a simulated world.
pub trait World {
    /// The time. Durations are monotonic; see `clock`.
    fn now(&self) -> Time;

    /// Starts a request and returns at once; the answer is a [`Wake`].
    fn start(&mut self, request: Request);

    /// The next wake, waiting no longer than `deadline`; `None` when that has come.
    fn next(&mut self, deadline: Time) -> Option<Wake>;
}

/// What can be started. An act needs the journal's permit, so that nothing leaves unrecorded.
#[derive(Debug)]
pub enum Request {
    /// A question.
    Look(Look),
    /// A change.
    Act {
        /// Proof that the intent is durable.
        permit: Permit,
        /// Comes back with the answer.
        number: u64,
        /// What.
        act: Act,
    },
}
