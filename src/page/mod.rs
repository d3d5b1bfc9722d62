//! The page and the HTTP API: what the daemon published, shown; orders, passed on. Nothing here can
//! reach the driver but through an order.

pub mod api;
mod board;
mod entry;
mod orders;
mod routes;
mod served;
mod server;
mod sessions;

pub use board::Board;
pub use routes::serve;
pub use served::{Options, Orders};
