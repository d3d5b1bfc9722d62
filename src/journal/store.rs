//! The store on disk: sled, with what it takes to be trusted through a power cut
//! (docs/decisions/0001-store.md).

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::database::{self, Contents, Preflight, Unusable, Whole, advice, sled_advice};
use super::envelope::{self, SCHEMA};
use super::history::History;
use super::identity::{self, Held, Identity, Sentinel};
use super::intents::{Intents, Seen};
use super::spending;
use super::{Batch, Journal, Permit, Verdict, files, ownership};
use crate::clock::Clock;
use crate::memory::{Memory, Spent};
use crate::model::{Span, Time};

/// The sentinel follows the store's sequence at least this often.
const SENTINEL_EVERY: Span = Span::minutes(1);

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
    held: Held,
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
    /// Where a database that could not be used was put.
    pub set_aside: Option<PathBuf>,
    /// What was spent, by the file outside the database.
    pub spent: Option<Spent>,
    /// What was lost and what was done about it, each a sentence; logged already.
    pub losses: Vec<String>,
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
    /// Others may write there, or have.
    #[error("the store {dir} is not safe: {what}")]
    Unsafe {
        /// Which.
        dir: String,
        /// Why, and what to do.
        what: String,
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

/// Opens a store step by step, and collects what was lost.
struct Opening<'a> {
    dir: &'a Path,
    now: Time,
    db_was_there: bool,
    losses: Vec<String>,
}

impl Opening<'_> {
    fn disk(&self, what: String) -> StoreError {
        StoreError::Disk { dir: self.dir.display().to_string(), what }
    }

    /// An error of a file, which it names.
    fn file(&self, name: &str) -> impl Fn(io::Error) -> StoreError {
        let path = self.dir.join(name).display().to_string();
        let dir = self.dir.display().to_string();
        move |error| StoreError::Disk {
            dir: dir.clone(),
            what: format!("{path}: {}", advice(&error)),
        }
    }

    fn lost(&mut self, what: String) {
        tracing::error!("{what}");
        self.losses.push(what);
    }

    /// What `state.id` says; one that does not read is set aside.
    fn sentinel(&mut self, farm: &str) -> Result<Sentinel, StoreError> {
        let sentinel = identity::sentinel(self.dir).map_err(self.file("state.id"))?;
        match &sentinel {
            Sentinel::Found(found) if found.farm != farm => {
                let dir = self.dir.display().to_string();
                let (found, wanted) = (found.farm.clone(), farm.to_owned());
                return Err(StoreError::OtherFarm { dir, found, wanted });
            }
            Sentinel::Damaged => {
                let path = self.dir.join("state.id");
                let aside = files::set_aside(&path, self.now).map_err(self.file("state.id"))?;
                self.lost(format!(
                    "{} does not read: it was set aside as {} and is written anew",
                    path.display(),
                    aside.display()
                ));
            }
            Sentinel::Absent | Sentinel::Found(_) => {}
        }
        Ok(sentinel)
    }

    /// What was spent, as the file outside the database says.
    fn spent(&mut self) -> Result<Option<Spent>, StoreError> {
        let read = spending::read(self.dir).map_err(self.file(spending::FILE))?;
        read.map_or_else(
            |why| {
                let path = self.dir.join(spending::FILE);
                let aside = files::set_aside(&path, self.now).map_err(self.file(spending::FILE))?;
                self.lost(format!(
                    "{} does not read ({why}): it was set aside as {} and is written anew",
                    path.display(),
                    aside.display()
                ));
                Ok(None)
            },
            Ok,
        )
    }

    /// The database, opened, and what it holds; `None` in place of one that cannot be believed.
    fn database(
        &self,
        path: &Path,
        preflight: &Preflight,
    ) -> Result<Result<(sled::Db, Whole), String>, StoreError> {
        match database::try_out(self.dir, preflight) {
            Ok(()) => {}
            Err(Unusable::Disk(why)) => return Err(self.disk(why)),
            Err(Unusable::Damaged(why)) => return Ok(Err(format!("is damaged ({why})"))),
        }
        let db = database::open(path).map_err(|why| self.disk(why))?;
        match database::contents(&db) {
            Contents::Whole(whole) => Ok(Ok((db, *whole))),
            Contents::Newer(found) => {
                Err(StoreError::Newer { dir: self.dir.display().to_string(), found })
            }
            Contents::Damaged(why) | Contents::Disk(why) => Err(self.disk(why)),
        }
    }

    /// Puts a database aside that cannot be believed, and begins a new one.
    fn anew(
        &mut self,
        path: &Path,
        why: &str,
        spent: Option<&Spent>,
    ) -> Result<((sled::Db, Whole), Option<PathBuf>), StoreError> {
        let aside = if self.db_was_there {
            Some(files::set_aside(path, self.now).map_err(self.file("db"))?)
        } else {
            None
        };
        let kept = aside.as_ref().map_or_else(
            || "nothing is left of it".to_owned(),
            |aside| format!("it was set aside as {}", aside.display()),
        );
        let money = spent.map_or_else(
            || "what was spent is not known, so the caps on money begin anew".to_owned(),
            |spent| format!("what was spent until {} is taken from spent.json", spent.at),
        );
        self.lost(format!(
            "the database {} {why}; {kept}. Lost is what was known of machines and offers: the farm \
             is adopted by name from the cloud, and nothing is created or deleted until that is \
             done; {money}",
            path.display()
        ));
        let db = database::open(path).map_err(|why| self.disk(why))?;
        match database::contents(&db) {
            Contents::Whole(whole) => Ok(((db, *whole), aside)),
            Contents::Newer(_) | Contents::Damaged(_) | Contents::Disk(_) => {
                Err(self.disk("a new database does not read".to_owned()))
            }
        }
    }
}

/// What is wrong with a database that reads; `None` if it is the one, whole and not an older one.
fn disbelief(whole: &Whole, sentinel: &Sentinel, seen: &Seen) -> Option<String> {
    match &whole.identity {
        Some(identity) => identity.lacks(sentinel, seen.sequence),
        None if seen.any || matches!(sentinel, Sentinel::Found(_)) => {
            Some("is gone or empty".to_owned())
        }
        None => None,
    }
}

impl Store {
    /// Opens the store of `farm` in `dir`, made if need be. What is lost is told, what cannot be used
    /// is set aside, and nothing is deleted.
    pub fn open(
        dir: &Path,
        farm: &str,
        clock: Clock,
        preflight: &Preflight,
    ) -> Result<Opened, StoreError> {
        let now = clock.now();
        let path = dir.join("db");
        let mut opening = Opening { dir, now, db_was_there: path.exists(), losses: Vec::new() };
        files::make_folder(dir).map_err(opening.file(""))?;
        if let Some(what) = ownership::fault(dir).map_err(opening.file(""))? {
            return Err(StoreError::Unsafe { dir: dir.display().to_string(), what });
        }
        let lock = lock(dir)?;
        let sentinel = opening.sentinel(farm)?;
        let (intents, seen) = Intents::open(dir, farm, now).map_err(opening.file("intents.log"))?;
        if let Some(loss) = &seen.loss {
            opening.lost(loss.clone());
        }
        let spent = opening.spent()?;
        files::try_to_write(dir).map_err(opening.file("probe"))?;
        let opened = opening.database(&path, preflight)?;
        let wrong = match &opened {
            Ok((_, whole)) => disbelief(whole, &sentinel, &seen),
            Err(why) => Some(why.clone()),
        };
        let ((db, whole), set_aside) = match (opened, &wrong) {
            (Ok(opened), None) => (opened, None),
            (opened, why) => {
                drop(opened); // sled lets go of its files
                opening.anew(&path, why.as_deref().unwrap_or_default(), spent.as_ref())?
            }
        };
        let Whole { identity, memory, held } = whole;
        let mut store = Self {
            dir: dir.to_owned(),
            log: File::open(path.join("db")).map_err(opening.file("db/db"))?,
            db,
            intents,
            history: History::open(dir).map_err(opening.file("history.jsonl"))?,
            identity: identity.unwrap_or_else(|| Identity::after(farm, seen.sequence)),
            held,
            sentinel_at: Time::default(),
            clock,
            broken: None,
            _lock: lock,
        };
        store.write(&Batch::default(), true).map_err(|why| opening.disk(why))?;
        files::sync_folder(&path)
            .and_then(|()| files::sync_folder(dir))
            .map_err(opening.file(""))?;
        let (lost, epoch_seen, losses) = (wrong.is_some(), seen.epoch, opening.losses);
        Ok(Opened { store, memory, lost, epoch_seen, set_aside, spent, losses })
    }

    fn write(&mut self, batch: &Batch<'_>, synced: bool) -> Result<(), String> {
        let mut changes = sled::Batch::default();
        for (key, payload) in &batch.puts {
            self.remove_parts(key, &mut changes);
            for (key, value) in envelope::seal(key, payload) {
                self.held.put(&key, &value);
                changes.insert(key.as_str(), value);
            }
        }
        for key in &batch.deletes {
            self.remove_parts(key, &mut changes);
            self.held.remove(key);
            changes.remove(key.as_str());
        }
        self.identity.sequence += 1;
        self.identity.census = Some(self.held.census());
        let identity = serde_json::to_vec(&self.identity).map_err(|error| error.to_string())?;
        for (key, value) in envelope::seal(identity::RECORD, &identity) {
            changes.insert(key.as_str(), value);
        }
        self.db.apply_batch(changes).map_err(sled_advice)?;
        self.history.write(batch.history);
        let file = |error: io::Error| advice(&error);
        if let Some(spent) = &batch.spent {
            spending::write(&self.dir, spent).map_err(file)?;
        }
        if !synced {
            return Ok(());
        }
        let now = self.clock.now();
        self.db.flush().map_err(sled_advice)?;
        self.log.sync_data().map_err(file)?;
        // After the database: a line here says that the database has come that far.
        self.intents.write(&batch.creates, self.identity.sequence, now).map_err(file)?;
        if self.sentinel_at + SENTINEL_EVERY <= now {
            self.sentinel_at = now;
            identity::write_sentinel(&self.dir, &identity).map_err(file)?;
        }
        Ok(())
    }

    /// Removes the later parts of a record, however many it had.
    fn remove_parts(&mut self, key: &str, changes: &mut sled::Batch) {
        for part in (1..).map(|number| envelope::part(key, number)) {
            if !self.held.has(&part) {
                return;
            }
            self.held.remove(&part);
            changes.remove(part.as_str());
        }
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

/// One daemon per store: the lock is the kernel's, and goes with the process.
fn lock(dir: &Path) -> Result<File, StoreError> {
    let shown = dir.display().to_string();
    let path = dir.join("lock");
    let disk = |error: io::Error| {
        let what = format!("{}: {}", path.display(), advice(&error));
        StoreError::Disk { dir: shown.clone(), what }
    };
    let mut file = files::kept_open(&path).map_err(disk)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = Vec::new();
            file.read_to_end(&mut pid).map_err(disk)?;
            let pid = String::from_utf8_lossy(&pid).into_owned();
            let pid = if pid.is_empty() { "?".to_owned() } else { pid };
            return Err(StoreError::InUse { dir: shown, pid });
        }
        Err(TryLockError::Error(error)) => return Err(disk(error)),
    }
    file.set_len(0).and_then(|()| file.rewind()).map_err(disk)?;
    file.write_all(std::process::id().to_string().as_bytes()).map_err(disk)?;
    Ok(file)
}
