//! What still incurs charges after a machine is gone.

use super::Text;
use super::money::Money;
use super::time::Time;

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftoverKind {
    /// A cloud disk.
    Disk,
    /// A public address.
    Address,
}

/// Something that nothing uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What it is.
    pub kind: LeftoverKind,
    /// The provider's id.
    pub id: Text,
    /// A disk's name, or an address's description.
    pub name: Text,
    /// Its zone, or its region where no zone is told.
    pub place: Text,
    /// A disk's GiB.
    pub gib: Option<u32>,
    /// An address's address.
    pub ip: Option<Text>,
    /// When it was made, where the provider tells.
    pub created_at: Option<Time>,
    /// The name of the machine a disk is shown with, though it is attached to none.
    pub shown_with: Option<Text>,
    /// A system disk, which nothing deletes by itself.
    pub is_system: bool,
    /// What an hour of it costs, where that is known.
    pub hourly: Option<Money>,
}
