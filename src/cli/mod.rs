//! TODO-doc

pub mod cloudsim;
