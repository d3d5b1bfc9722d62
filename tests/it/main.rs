//! The one test binary: one link instead of ten.

#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a helper of a test that fails is a failed test"
)]
#![expect(clippy::disallowed_methods, reason = "real servers are waited for in real time")]
#![expect(
    clippy::struct_field_names,
    clippy::upper_case_acronyms,
    reason = "answers are decoded by the names that the vendor's client gives its fields"
)]
#![expect(
    clippy::excessive_nesting,
    clippy::needless_pass_by_value,
    reason = "a test reads from top to bottom"
)]

mod api;
mod arrivals;
mod backtest;
mod chaos;
mod client;
mod cloudsim;
mod commands;
mod config;
mod documents;
mod doubt;
mod ledger;
mod ledger_days;
mod market;
mod money_caps;
mod net;
mod orders;
mod page;
mod plays;
mod queues;
mod recovery;
mod redis_farm;
mod round_trip;
mod service;
mod stored_farm;
mod support;
mod sweep;
mod tidy;
mod twins;
mod vendor_api;
mod vendor_refusals;
mod vendor_samples;
mod vendor_shapes;
mod vendor_variants;
mod watchdog;
mod wizard;
