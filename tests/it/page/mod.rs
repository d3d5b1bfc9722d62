//! What people and programs see of a running daemon, and what they can do to it.

mod api;
mod browser;
mod connections;
mod contrast;
pub(crate) mod sample;
mod side_channels;
