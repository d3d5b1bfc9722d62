//! sled as it is opened, and all that is read from it at a start.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::envelope::{self, Damage, Opened};
use super::identity::{self, Held, Identity};
use crate::memory::Memory;

/// sled's default is a gigabyte.
const CACHE: u64 = 32 << 20;

/// Why a store cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The disk is full or does not obey: the store itself may be whole.
    #[error("{THE_DISK}{0}")]
    Disk(String),
    /// What it holds is damaged.
    #[error("{0}")]
    Damaged(String),
}

/// How a child says that it is not the store.
const THE_DISK: &str = "the disk: ";

/// Where the store is tried first: sled may panic, or worse, on a damaged file.
#[derive(Debug, Clone)]
pub enum Preflight {
    /// In a child: this program with the arguments `journal-preflight DIR`.
    Child(PathBuf),
    /// Here.
    InProcess,
}

/// What came of reading the whole database.
pub(super) enum Contents {
    /// All of it.
    Whole(Box<Whole>),
    /// Written by a later version.
    Newer(u16),
    /// The disk did not give it.
    Disk(String),
    /// It is not what was written.
    Damaged(String),
}

/// A database that reads.
pub(super) struct Whole {
    /// What it says of itself; `None` if it is empty.
    pub(super) identity: Option<Identity>,
    /// What the daemon remembers.
    pub(super) memory: Memory,
    /// Which values it holds.
    pub(super) held: Held,
}

/// Tries a store out: opens it and reads every record.
pub fn preflight(dir: &Path) -> Result<(), Unusable> {
    let path = dir.join("db");
    if !path.exists() {
        return Ok(());
    }
    let read = std::panic::catch_unwind(|| try_db(&path).map(|db| contents(&db)));
    match read {
        Err(_panic) => Err(Unusable::Damaged("it cannot be opened (panic)".to_owned())),
        Ok(Err(why)) => Err(why),
        Ok(Ok(Contents::Damaged(why))) => Err(Unusable::Damaged(why)),
        Ok(Ok(Contents::Disk(why))) => Err(Unusable::Disk(why)),
        // A newer store is not damaged: opening it says so.
        Ok(Ok(Contents::Whole(_) | Contents::Newer(_))) => Ok(()),
    }
}

/// What the system refuses is no fault of the store; what the store itself finds wrong is.
fn try_db(path: &Path) -> Result<sled::Db, Unusable> {
    config(path).open().map_err(unusable)
}

fn unusable(error: sled::Error) -> Unusable {
    match error {
        sled::Error::Io(error) if error.raw_os_error().is_some() => Unusable::Disk(advice(&error)),
        other @ (sled::Error::Io(_)
        | sled::Error::CollectionNotFound(_)
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_)
        | sled::Error::Corruption { .. }) => Unusable::Damaged(sled_advice(other)),
    }
}

/// Tries the store out where `how` says.
pub(super) fn try_out(dir: &Path, how: &Preflight) -> Result<(), Unusable> {
    let Preflight::Child(program) = how else { return preflight(dir) };
    let child = Command::new(program)
        .arg("journal-preflight")
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output();
    match child {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(match said.split_once(THE_DISK) {
                Some((_, why)) => Unusable::Disk(why.to_owned()),
                None => Unusable::Damaged(said),
            })
        }
        Err(error) => {
            Err(Unusable::Disk(format!("{} cannot be started: {error}", program.display())))
        }
    }
}

/// Opens the database, made if need be.
pub(super) fn open(path: &Path) -> Result<sled::Db, String> {
    config(path).open().map_err(sled_advice)
}

fn config(path: &Path) -> sled::Config {
    sled::Config::new().path(path).cache_capacity(CACHE).flush_every_ms(Some(500))
}

/// A record in parts, as far as it was read.
#[derive(Default)]
struct Parts {
    first: Vec<u8>,
    total: usize,
}

/// Reads everything.
pub(super) fn contents(db: &sled::Db) -> Contents {
    match read(db) {
        Ok(whole) => Contents::Whole(Box::new(whole)),
        Err(contents) => contents,
    }
}

fn read(db: &sled::Db) -> Result<Whole, Contents> {
    let mut whole = Whole { identity: None, memory: Memory::default(), held: Held::default() };
    let (mut later, mut firsts) = (BTreeMap::new(), BTreeMap::new());
    for record in db.iter() {
        let (key, value) = record.map_err(|error| match unusable(error) {
            Unusable::Disk(why) => Contents::Disk(why),
            Unusable::Damaged(why) => Contents::Damaged(why),
        })?;
        let key = String::from_utf8_lossy(&key);
        let Opened { payload, total } =
            envelope::open(&key, &value).map_err(|damage| match damage {
                Damage::Newer(version) => Contents::Newer(version),
                Damage::Corrupt(why) => Contents::Damaged(why),
            })?;
        if key == identity::RECORD {
            let found = serde_json::from_slice(payload);
            let fault = |error| Contents::Damaged(format!("record {key}: {error}"));
            whole.identity = Some(found.map_err(fault)?);
            continue;
        }
        whole.held.put(&key, &value);
        if envelope::is_part(&key) {
            later.insert(key.into_owned(), payload.to_vec());
        } else if let Some(total) = total {
            firsts.insert(key.into_owned(), Parts { first: payload.to_vec(), total });
        } else {
            whole.memory.restore(&key, payload).map_err(Contents::Damaged)?;
        }
    }
    for (key, Parts { first, total }) in firsts {
        let payload = joined(&key, first, &mut later);
        if payload.len() != total {
            let there = payload.len();
            let why = format!("record {key} has {there} bytes of {total}: a part is missing");
            return Err(Contents::Damaged(why));
        }
        whole.memory.restore(&key, &payload).map_err(Contents::Damaged)?;
    }
    match missing(&whole) {
        Some(why) => Err(Contents::Damaged(why)),
        None => Ok(whole),
    }
}

fn joined(key: &str, first: Vec<u8>, later: &mut BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut payload = first;
    for number in 1.. {
        let Some(part) = later.remove(&envelope::part(key, number)) else { break };
        payload.extend(part);
    }
    payload
}

/// What the database holds against what it says that it holds.
fn missing(whole: &Whole) -> Option<String> {
    let told = whole.identity.as_ref()?.census?;
    let found = whole.held.census();
    let (here, there) = (found.records, told.records);
    (found != told).then(|| {
        if here == there {
            "some of its records are older than the others".to_owned()
        } else {
            format!("it holds {here} records of {there}")
        }
    })
}

/// An error of sled, and what to do about it.
pub(super) fn sled_advice(error: sled::Error) -> String {
    match error {
        sled::Error::Io(error) => advice(&error),
        other @ (sled::Error::CollectionNotFound(_)
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_)
        | sled::Error::Corruption { .. }) => other.to_string(),
    }
}

/// An error of the disk, and what to do about it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library may add kinds")]
pub(super) fn advice(error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ": make room on its disk",
        io::ErrorKind::FileTooLarge => ": its files may not grow; raise the limit",
        io::ErrorKind::PermissionDenied => ": the daemon's user must own it",
        io::ErrorKind::ReadOnlyFilesystem => ": its file system is read-only",
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            ": a symbolic link stands in the place of a file; remove it"
        }
        _ => "",
    };
    format!("{error}{remedy}")
}
