//! The one test binary: one link instead of ten.

mod api;
mod chaos;
mod client;
mod cloudsim;
mod commands;
mod config;
mod guard;
mod ledger;
mod ledger_days;
mod market;
mod money;
mod money_caps;
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
