//! farmscale keeps a GPU render farm exactly as large as its work needs, at the lowest price the
//! cloud sells. `docs/architecture.md` has the map; read `world`, `driver`, `plan` in this order.

#[cfg(feature = "farm")]
pub mod backtest;
#[cfg(feature = "farm")]
pub mod cli;
pub mod clock;
pub mod cloud;
#[cfg(feature = "farm")]
pub mod config;
#[cfg(feature = "farm")]
pub mod daemon;
#[cfg(feature = "farm")]
pub mod defaults;
#[cfg(feature = "farm")]
pub mod driver;
#[cfg(feature = "farm")]
pub mod journal;
#[cfg(feature = "farm")]
pub mod memory;
pub mod model;
pub mod net;
#[cfg(feature = "farm")]
pub mod page;
#[cfg(feature = "farm")]
pub mod plan;
#[cfg(feature = "farm")]
pub mod policy;
#[cfg(feature = "farm")]
pub mod queue;
#[cfg(feature = "farm")]
mod reader;
#[cfg(feature = "farm")]
pub mod sim;
#[cfg(feature = "farm")]
pub mod telemetry;
#[cfg(feature = "farm")]
pub mod world;
