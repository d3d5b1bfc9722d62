//! The simulated world: a cloud with truth of its own, in simulated time.

<<<<<<< HEAD
pub mod chaos;
pub mod farm;
pub mod faults;
pub mod judge;
=======
pub mod http;
>>>>>>> sim
pub mod provider;
pub mod queue;
pub mod rng;
pub mod store;
pub mod trace;
pub mod world;
