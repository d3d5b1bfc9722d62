//! The one test binary: one link instead of ten.

mod chaos;
mod cloudsim;
mod queues;
mod support;
mod tidy;
