//! The one test binary: one link instead of ten.

mod cloudsim;
