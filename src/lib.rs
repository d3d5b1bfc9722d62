//! farmscale keeps a GPU render farm exactly as large as its work needs, at the lowest price the
//! cloud sells. `docs/architecture.md` has the map; read `world`, `driver`, `plan` in this order.

pub mod backtest;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod config;
pub mod daemon;
pub mod driver;
pub mod journal;
pub mod memory;
pub mod model;
pub mod net;
pub mod page;
pub mod plan;
pub mod policy;
pub mod queue;
mod reader;
pub mod sim;
pub mod telemetry;
pub mod world;
