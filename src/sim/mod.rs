//! The simulated world: a cloud with truth of its own, in simulated time.

pub mod http;
pub mod provider;
pub mod rng;
