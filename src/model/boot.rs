//! Boots of one kind: what is learned of one tells of the next.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Text;

/// What boots alike: a pool's image on a family in a zone, made anew or started again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BootLine {
    /// The pool: its config names the image.
    pub pool: Text,
    /// `AvailableZoneCode`.
    pub zone: Text,
    /// `EcsFamilyName`.
    pub family: Text,
    /// Started again rather than made.
    pub again: bool,
}

impl fmt::Display for BootLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pool, zone, family, again } = self;
        let how = if *again { "starts" } else { "boots" };
        write!(f, "{how} of {pool} in {zone}/{family}")
    }
}
