//! The one test binary: one link instead of ten.

mod chaos;
mod cloudsim;
mod config;
mod queues;
mod redis_farm;
mod support;
mod tidy;
