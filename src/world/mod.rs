//! The border: everything outside the decisions is reached through [`World`], and nothing else.

pub mod live;
pub mod purchase;
pub mod vendor;

use crate::journal::Permit;
use crate::model::{Act, Look, LookFailure, Reading, Refusal, Span, Time, Wake};

/// What the driver runs against: the live cloud and queue, a dry run, or a simulated world.
pub trait World {
    /// The time. Durations are monotonic; see `clock`.
    fn now(&self) -> Time;

    /// Starts a request and returns at once; the answer is a [`Wake`].
    fn start(&mut self, request: Request);

    /// The next wake, waiting no longer than `deadline`; `None` when that has come.
    fn next(&mut self, deadline: Time) -> Option<Wake>;
}

/// Asks one question and waits for its answer: for commands, which have no driver.
///
/// # Errors
/// What the world says of it, or that nothing came in time.
pub fn ask(world: &mut impl World, look: &Look, within: Span) -> Result<Reading, LookFailure> {
    let until = world.now() + within;
    world.start(Request::Look(look.clone()));
    loop {
        match world.next(until) {
            Some(Wake::Looked { look: answered, result, .. }) if answered == *look => {
                return result;
            }
            None if until <= world.now() => {
                let detail = format!("no answer within {within}").into();
                return Err(LookFailure { class: Refusal::NotSent, detail });
            }
            Some(_) | None => {}
        }
    }
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
