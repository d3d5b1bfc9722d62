//! The simulated world: a cloud with truth of its own, in simulated time.

pub mod chaos;
pub mod demo;
pub mod farm;
pub mod faults;
pub mod http;
pub mod judge;
mod odd_days;
pub mod oddities;
pub mod provider;
pub mod queue;
pub mod queue_http;
pub mod rng;
pub mod scenario;
pub mod store;
pub mod trace;
pub mod world;
