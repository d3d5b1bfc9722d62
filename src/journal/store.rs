//! The store on disk: sled, with what it takes to be trusted through a power cut
//! (docs/decisions/0001-store.md).

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::envelope::{self, Damage, SCHEMA};
use super::history::History;
use super::intents::Intents;
use super::{Batch, Journal, Permit, Verdict, files};
use crate::clock::Clock;
use crate::memory::Memory;
use crate::model::{Span, Time};

/// sled's default is a gigabyte.
const CACHE: u64 = 32 << 20;
/// The sentinel follows the store's sequence at least this often.
const SENTINEL_EVERY: Span = Span::minutes(1);
/// The record with the store's own identity.
const IDENTITY: &str = "store";

/// The daemon's store.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    db: sled::Db,
    /// Our own handle: sled's flush does not reach the disk by itself.
    log: File,
    intents: Intents,
    history: History,
    identity: Identity,
    sentinel_at: Time,
    clock: Clock,
    broken: Option<String>,
    _lock: File,
}

/// A store as it was opened.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// What it held.
    pub memory: Memory,
    /// It was lost: empty, older than it should be, or damaged.
    pub lost: bool,
    /// The highest epoch names were ever made in, as far as `intents.log` tells.
    pub epoch_seen: i64,
    /// Where a damaged store was put.
    pub set_aside: Option<PathBuf>,
}

/// A store that cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another daemon has it.
    #[error(
        "the store {dir} is in use by process {pid}: one farm has one farmscale; stop that one first"
    )]
    InUse {
        /// Which.
        dir: String,
        /// By whom.
        pid: String,
    },
    /// Later than this program.
    #[error(
        "the store {dir} was written by a newer farmscale (version {found}; this one reads up to \
         {SCHEMA}): install the newer one; nothing was changed"
    )]
    Newer {
        /// Which.
        dir: String,
        /// Its version.
        found: u16,
    },
    /// Of another farm.
    #[error(
        "the store {dir} belongs to farm {found}, the config says {wanted}: name another store.dir"
    )]
    OtherFarm {
        /// Which.
        dir: String,
        /// Whose it is.
        found: String,
        /// Who asks.
        wanted: String,
    },
    /// The disk does not do as it is told.
    #[error("the store {dir}: {what}")]
    Disk {
        /// Which.
        dir: String,
        /// What happened.
        what: String,
    },
}

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

/// Whose store it is, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    id: String,
    farm: String,
    sequence: u64,
}

/// What came of reading the whole store.
enum Contents {
    Whole(Option<Identity>, Box<Memory>),
    Newer(u16),
    /// The disk did not give it.
    Disk(String),
    Damaged(String),
}

impl Store {
    /// Opens the store of `farm` in `dir`, made if need be.
    pub fn open(
        dir: &Path,
        farm: &str,
        clock: Clock,
        preflight: &Preflight,
    ) -> Result<Opened, StoreError> {
        let shown = dir.display().to_string();
        let disk = |what: String| StoreError::Disk { dir: shown.clone(), what };
        let file = |error: io::Error| disk(advice(&error));
        files::make_folder(dir).map_err(file)?;
        let lock = lock(dir)?;
        let now = clock.now();
        let (intents, epoch_seen) = Intents::open(dir, farm, now).map_err(file)?;
        let sentinel = read_sentinel(dir).map_err(file)?;
        if let Some(sentinel) = sentinel.as_ref().filter(|sentinel| sentinel.farm != farm) {
            let (found, wanted) = (sentinel.farm.clone(), farm.to_owned());
            return Err(StoreError::OtherFarm { dir: shown, found, wanted });
        }
        let path = dir.join("db");
        files::try_to_write(dir).map_err(file)?;
        let set_aside = match try_out(dir, preflight) {
            Ok(()) => None,
            Err(Unusable::Disk(why)) => return Err(disk(why)),
            Err(Unusable::Damaged(why)) => {
                tracing::error!(%why, "the store is damaged");
                Some(put_aside(&path, now).map_err(file)?)
            }
        };
        let db = open_db(&path).map_err(&disk)?;
        let (found, memory) = match contents(&db) {
            Contents::Whole(identity, memory) => (identity, *memory),
            Contents::Newer(found) => return Err(StoreError::Newer { dir: shown, found }),
            Contents::Damaged(why) | Contents::Disk(why) => return Err(disk(why)),
        };
        let lost = set_aside.is_some() || is_lost(sentinel.as_ref(), found.as_ref());
        let memory = if lost { Memory::default() } else { memory };
        if lost {
            db.clear().map_err(|error| disk(error.to_string()))?;
        }
        let identity = found.filter(|_| !lost).unwrap_or_else(|| Identity {
            id: uuid::Uuid::new_v4().to_string(),
            farm: farm.to_owned(),
            sequence: 0,
        });
        let log = File::open(path.join("db")).map_err(file)?;
        let history = History::open(dir).map_err(file)?;
        let sentinel_at = Time::default();
        let mut store = Self {
            dir: dir.to_owned(),
            db,
            log,
            intents,
            history,
            identity,
            sentinel_at,
            clock,
            broken: None,
            _lock: lock,
        };
        store.write(&Batch::default(), true).map_err(disk)?;
        files::sync_folder(&path).and_then(|()| files::sync_folder(dir)).map_err(file)?;
        Ok(Opened { store, memory, lost, epoch_seen, set_aside })
    }

    fn write(&mut self, batch: &Batch<'_>, synced: bool) -> Result<(), String> {
        self.identity.sequence += 1;
        let mut changes = sled::Batch::default();
        let identity = serde_json::to_vec(&self.identity).map_err(|error| error.to_string())?;
        changes.insert(IDENTITY, envelope::seal(IDENTITY, &identity)?);
        for (key, value) in &batch.puts {
            changes.insert(key.as_str(), envelope::seal(key, value)?);
        }
        for key in &batch.deletes {
            changes.remove(key.as_str());
        }
        self.db.apply_batch(changes).map_err(sled_advice)?;
        self.history.write(batch.history).map_err(|error| advice(&error))?;
        if !synced {
            return Ok(());
        }
        let now = self.clock.now();
        self.intents.write(&batch.creates, now).map_err(|error| advice(&error))?;
        self.db.flush().map_err(sled_advice)?;
        self.log.sync_data().map_err(|error| advice(&error))?;
        if self.sentinel_at + SENTINEL_EVERY <= now {
            self.sentinel_at = now;
            files::replace(&self.dir.join("state.id"), &identity)
                .map_err(|error| advice(&error))?;
        }
        Ok(())
    }
}

impl Journal for Store {
    fn commit(&mut self, batch: &Batch<'_>, synced: bool) -> Verdict {
        if let Some(why) = &self.broken {
            return Verdict::Failed(why.clone());
        }
        match self.write(batch, synced) {
            Ok(()) => Verdict::Permit(Permit::granted()),
            Err(why) => {
                // What a failed sync left behind is unknown: never try again and go on.
                self.broken = Some(why.clone());
                Verdict::Failed(why)
            }
        }
    }
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
        Ok(Ok(Contents::Whole(..) | Contents::Newer(_))) => Ok(()),
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

fn try_out(dir: &Path, how: &Preflight) -> Result<(), Unusable> {
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

fn open_db(path: &Path) -> Result<sled::Db, String> {
    config(path).open().map_err(sled_advice)
}

fn config(path: &Path) -> sled::Config {
    sled::Config::new().path(path).cache_capacity(CACHE).flush_every_ms(Some(500))
}

fn contents(db: &sled::Db) -> Contents {
    let (mut memory, mut identity) = (Memory::default(), None);
    for record in db.iter() {
        let (key, value) = match record {
            Ok(record) => record,
            Err(error) => {
                return match unusable(error) {
                    Unusable::Disk(why) => Contents::Disk(why),
                    Unusable::Damaged(why) => Contents::Damaged(why),
                };
            }
        };
        let key = String::from_utf8_lossy(&key);
        let payload = match envelope::open(&key, &value) {
            Ok(payload) => payload,
            Err(Damage::Newer(version)) => return Contents::Newer(version),
            Err(Damage::Corrupt(why)) => return Contents::Damaged(why),
        };
        let read = if key == IDENTITY {
            serde_json::from_slice(payload)
                .map(|found| identity = Some(found))
                .map_err(|error| format!("record {key}: {error}"))
        } else {
            memory.restore(&key, payload)
        };
        if let Err(why) = read {
            return Contents::Damaged(why);
        }
    }
    Contents::Whole(identity, Box::new(memory))
}

/// A store that is not the sentinel's, or lags behind it, has lost something.
fn is_lost(sentinel: Option<&Identity>, found: Option<&Identity>) -> bool {
    match (sentinel, found) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(sentinel), Some(found)) => {
            found.id != sentinel.id || found.sequence < sentinel.sequence
        }
    }
}

fn read_sentinel(dir: &Path) -> io::Result<Option<Identity>> {
    match std::fs::read(dir.join("state.id")) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn put_aside(path: &Path, now: Time) -> io::Result<PathBuf> {
    let stamp = now.to_string().replace([':', '-'], "");
    let aside = path.with_file_name(format!("db.set-aside-{stamp}"));
    std::fs::rename(path, &aside)?;
    Ok(aside)
}

/// One daemon per store: the lock is the kernel's, and goes with the process.
fn lock(dir: &Path) -> Result<File, StoreError> {
    let shown = dir.display().to_string();
    let disk = |error: io::Error| StoreError::Disk { dir: shown.clone(), what: advice(&error) };
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(dir.join("lock"))
        .map_err(disk)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(disk)?;
            let pid = if pid.is_empty() { "?".to_owned() } else { pid };
            return Err(StoreError::InUse { dir: shown, pid });
        }
        Err(TryLockError::Error(error)) => return Err(disk(error)),
    }
    file.set_len(0).and_then(|()| file.rewind()).map_err(disk)?;
    file.write_all(std::process::id().to_string().as_bytes()).map_err(disk)?;
    Ok(file)
}

fn sled_advice(error: sled::Error) -> String {
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
fn advice(error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ": make room on its disk",
        io::ErrorKind::FileTooLarge => ": its files may not grow; raise the limit",
        io::ErrorKind::PermissionDenied => ": the daemon's user must own it",
        io::ErrorKind::ReadOnlyFilesystem => ": its file system is read-only",
        _ => "",
    };
    format!("{error}{remedy}")
}
