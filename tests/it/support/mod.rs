//! What several tests stand on.

pub(crate) mod cloud;
pub(crate) mod daemon;
pub(crate) mod play;
pub(crate) mod redis;
pub(crate) mod wait;
