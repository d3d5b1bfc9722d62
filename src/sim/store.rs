//! A store in memory that tells what would be on disk after a crash.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::rng::Rng;
use crate::journal::{Batch, Journal, Permit, Verdict};
use crate::memory::{Memory, Spent};
use crate::model::{MachineName, Span, Time};

/// Commits not yet synced, at most; older ones are taken for written by then.
const TAIL_MAX: usize = 64;

type Records = BTreeMap<String, Vec<u8>>;
type Change = (String, Option<Vec<u8>>);

/// Where a crash strikes a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// Before anything was written.
    Before,
    /// After all was on disk, before anybody was told.
    After,
}

/// The disk under a [`SimStore`]; it survives the daemon.
#[derive(Debug, Default)]
pub struct Disk {
    durable: Records,
    tail: Vec<Vec<Change>>,
    /// Names in the intents' own log, which outlives the store.
    intents: Vec<MachineName>,
    /// Writes of intents are claimed but not made: a sabotage that the judge must catch.
    pub forgets_intents: bool,
    /// The next synced commit is struck by a crash.
    pub strike: Option<Strike>,
    /// The synced commit of this number is struck.
    pub strike_at: Option<(u64, Strike)>,
    /// The daemon has crashed: nothing it does has any effect.
    pub crashed: bool,
    /// Synced commits so far.
    pub commits: u64,
    /// What was spent, in a file of its own, which outlives the store.
    spent: Option<Spent>,
    /// A copy of all of it, made at some time.
    copy: Option<Copy>,
}

/// A copy of a disk.
#[derive(Debug, Clone)]
struct Copy {
    made_at: Time,
    durable: Records,
    intents: Vec<MachineName>,
    spent: Option<Spent>,
}

/// A copy is put back at the first crash after this.
const COPY_AGE: Span = Span::hours(2);

impl Disk {
    /// The names of all creates that were ever sent.
    pub fn intents(&self) -> &[MachineName] {
        &self.intents
    }

    /// What was spent, as far as the file outside the store tells.
    pub fn spent(&self) -> Option<&Spent> {
        self.spent.as_ref()
    }

    /// Somebody keeps copies of all that is on disk, and puts an old one back; `true` if so.
    pub(super) fn swap_copy(&mut self, now: Time) -> bool {
        let (durable, intents) = (self.durable.clone(), self.intents.clone());
        let new = Copy { made_at: now, durable, intents, spent: self.spent.clone() };
        let Some(old) = self.copy.take_if(|copy| copy.made_at + COPY_AGE <= now) else {
            self.copy.get_or_insert(new);
            return false;
        };
        (self.durable, self.intents, self.spent) = (old.durable, old.intents, old.spent);
        true
    }

    /// What is on disk for certain.
    pub fn durable(&self) -> &Records {
        &self.durable
    }

    /// Loses a random part of what was not synced, and forgets that it crashed.
    pub fn power_cut(&mut self, rng: &mut Rng) {
        let length = u64::try_from(self.tail.len()).unwrap_or(0);
        let kept = usize::try_from(rng.below(length + 1)).unwrap_or(0);
        for changes in std::mem::take(&mut self.tail).into_iter().take(kept) {
            self.write(changes);
        }
        self.crashed = false;
        self.strike = None;
    }

    /// A daemon has ended as it should: nothing is left unwritten.
    pub fn close(&mut self) {
        for changes in std::mem::take(&mut self.tail) {
            self.write(changes);
        }
    }

    /// Loses everything.
    pub fn lose(&mut self) {
        self.durable.clear();
        self.tail.clear();
    }

    /// What a daemon that starts now would remember.
    ///
    /// # Errors
    /// A record does not read back: a bug in `Memory`.
    pub fn recover(&self) -> Result<Memory, String> {
        let mut memory = Memory::default();
        for (key, value) in &self.durable {
            memory.restore(key, value)?;
        }
        Ok(memory)
    }

    fn write(&mut self, changes: Vec<Change>) {
        for (key, value) in changes {
            match value {
                Some(value) => self.durable.insert(key, value),
                None => self.durable.remove(&key),
            };
        }
    }

    fn next_strike(&mut self) -> Option<Strike> {
        let here = self.strike_at.take_if(|(commit, _)| *commit == self.commits);
        self.strike.take().or(here.map(|(_, strike)| strike))
    }

    fn sync(&mut self) {
        self.close();
        self.commits += 1;
    }
}

/// A journal on a simulated disk.
#[derive(Debug, Clone)]
pub struct SimStore {
    disk: Rc<RefCell<Disk>>,
}

impl SimStore {
    /// A journal on this disk.
    pub fn new(disk: Rc<RefCell<Disk>>) -> Self {
        Self { disk }
    }
}

impl Journal for SimStore {
    fn commit(&mut self, batch: &Batch<'_>, synced: bool) -> Verdict {
        let mut disk = self.disk.borrow_mut();
        let strike = if synced { disk.next_strike() } else { None };
        if strike == Some(Strike::Before) {
            disk.crashed = true;
        }
        if disk.crashed {
            return Verdict::Failed("crashed".to_owned());
        }
        let puts = batch.puts.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
        let deletes = batch.deletes.iter().map(|key| (key.clone(), None));
        let changes = puts.chain(deletes).collect();
        if !(synced && disk.forgets_intents) {
            disk.tail.push(changes);
        }
        if batch.spent.is_some() {
            disk.spent.clone_from(&batch.spent);
        }
        if synced {
            disk.intents.extend(batch.creates.iter().cloned());
        }
        if synced || TAIL_MAX < disk.tail.len() {
            disk.sync();
        }
        if strike == Some(Strike::After) {
            disk.crashed = true;
            return Verdict::Failed("crashed".to_owned());
        }
        Verdict::Permit(Permit::granted())
    }
}
