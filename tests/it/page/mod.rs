//! What people and programs see of a running daemon, and what they can do to it.

mod browser;
