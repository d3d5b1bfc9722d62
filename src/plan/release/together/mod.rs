//! What concerns several machines of a pool at once, found out before they are judged one by one.

pub mod hung;
pub mod levels;
pub mod replacing;
pub mod silence;
