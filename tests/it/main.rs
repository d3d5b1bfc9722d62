//! The one test binary: one link instead of ten.

mod api;
mod backtest;
mod chaos;
mod client;
mod cloudsim;
mod commands;
mod config;
mod guard;
mod ledger;
mod market;
mod money;
mod orders;
mod page;
mod plays;
mod queues;
mod recovery;
mod redis_farm;
mod round_trip;
mod scenarios;
mod support;
mod sweep;
mod tidy;
mod vendor_api;
mod vendor_samples;
mod wizard;
