//! What people and programs are told: words for events, the log, metrics. All of it from events and
//! snapshots; nothing here knows how a decision was made.

pub mod changes;
pub mod log;
pub mod metrics;
pub mod words;

pub use changes::Changes;
pub use metrics::Metrics;
