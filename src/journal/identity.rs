//! Whose store it is, how far it has come, and what it must hold. The database says so itself, and so
//! do `state.id` and `intents.log` beside it: no one of them can be put back, emptied or damaged
//! without the others noticing.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files;

/// The record with the store's own identity.
pub(super) const RECORD: &str = "store";
/// Its copy outside the database.
const FILE: &str = "state.id";

/// Whose store it is, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) id: String,
    pub(super) farm: String,
    /// One more with each commit.
    pub(super) sequence: u64,
    /// What the database held after that commit; stores of older versions do not say.
    #[serde(default)]
    pub(super) census: Option<Census>,
}

/// How many records there are, and a checksum over all of them in whatever order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Census {
    pub(super) records: u64,
    digest: u32,
}

/// The stored values by key, each as its checksum: a census costs no read of the database.
#[derive(Debug, Default)]
pub(super) struct Held(BTreeMap<String, u32>);

/// What `state.id` says.
#[derive(Debug)]
pub(super) enum Sentinel {
    /// There is none: a new store, or one whose file was removed.
    Absent,
    /// It does not read.
    Damaged,
    /// It reads.
    Found(Identity),
}

impl Identity {
    /// A new store of a farm, after the last commit that any earlier one made.
    pub(super) fn after(farm: &str, sequence: u64) -> Self {
        let id = uuid::Uuid::new_v4().to_string();
        Self { id, farm: farm.to_owned(), sequence, census: None }
    }

    /// What is missing in a database that says this of itself; `None` if nothing is.
    pub(super) fn lacks(&self, sentinel: &Sentinel, sequence_seen: u64) -> Option<String> {
        if let Sentinel::Found(Identity { id, .. }) = sentinel
            && *id != self.id
        {
            return Some("is another one than state.id knows".to_owned());
        }
        let told = match sentinel {
            Sentinel::Found(identity) => identity.sequence,
            Sentinel::Absent | Sentinel::Damaged => 0,
        };
        let last = told.max(sequence_seen);
        (self.sequence < last).then(|| {
            let here = self.sequence;
            format!("ends at commit {here}, but commit {last} was made: it is an older one")
        })
    }
}

impl Held {
    /// Takes in a value as it is stored.
    pub(super) fn put(&mut self, key: &str, value: &[u8]) {
        self.0.insert(key.to_owned(), crc32c::crc32c_append(crc32c::crc32c(key.as_bytes()), value));
    }

    /// A key is removed.
    pub(super) fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Whether something is stored under a key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// What there is now.
    pub(super) fn census(&self) -> Census {
        let digest = self.0.values().fold(0, |digest, checksum| digest ^ checksum);
        Census { records: u64::try_from(self.0.len()).unwrap_or(u64::MAX), digest }
    }
}

/// Reads `state.id`.
pub(super) fn sentinel(dir: &Path) -> io::Result<Sentinel> {
    Ok(match files::read(&dir.join(FILE))? {
        None => Sentinel::Absent,
        Some(text) => serde_json::from_slice(&text).map_or(Sentinel::Damaged, Sentinel::Found),
    })
}

/// Writes `state.id`.
pub(super) fn write_sentinel(dir: &Path, identity: &[u8]) -> io::Result<()> {
    files::replace(&dir.join(FILE), identity)
}
