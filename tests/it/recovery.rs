//! The store after what may happen to it: damage, loss, a newer version, somebody else's farm.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use farmscale::clock::Clock;
use farmscale::journal::{Batch, Journal, Opened, Preflight, Store, StoreError, Verdict};
use farmscale::memory::{Key, Memory};
use farmscale::model::event::FarmEvent;
use farmscale::model::{Event, MachineName, Namer, Time};

const FARM: &str = "farm";

fn open(dir: &Path) -> Result<Opened, StoreError> {
    Store::open(dir, FARM, Clock::real(), &Preflight::InProcess)
}

/// A store that has seen a start and a create.
fn used(dir: &Path) -> MachineName {
    let mut opened = open(dir).unwrap();
    assert!(!opened.lost && opened.memory == Memory::default());
    let name = Namer::new(FARM).name("gpu", 29_000_000, 1);
    let mut memory = Memory::default();
    let kind = FarmEvent::DaemonStarted { epoch: 29_000_000 }.into();
    let event = Event { at: Time::from_seconds(1), kind };
    memory.apply(&event);
    let record = memory.record(&Key::Meta).unwrap();
    let history = [event];
    let batch = Batch {
        puts: vec![("meta".to_owned(), record)],
        deletes: Vec::new(),
        creates: vec![name.clone()],
        history: &history,
    };
    assert!(matches!(opened.store.commit(&batch, true), Verdict::Permit(_)));
    name
}

#[test]
fn what_was_committed_is_there_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    used(folder.path());
    let opened = open(folder.path()).unwrap();
    assert!(!opened.lost);
    assert_eq!((opened.memory.meta.epoch, opened.epoch_seen), (29_000_000, 29_000_000));
    let history = farmscale::journal::history::read(folder.path(), 10).unwrap();
    assert_eq!(history.len(), 1);
}

#[test]
fn a_damaged_store_is_set_aside_and_no_name_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    used(folder.path());
    let log = folder.path().join("db/db");
    let mut bytes = fs::read(&log).unwrap();
    for byte in bytes.iter_mut().step_by(97) {
        *byte ^= 0x55;
    }
    fs::write(&log, bytes).unwrap();
    let opened = open(folder.path()).unwrap();
    assert!(opened.lost && opened.memory == Memory::default());
    assert_eq!(opened.epoch_seen, 29_000_000, "intents.log outlives the store");
    if let Some(aside) = opened.set_aside {
        assert!(aside.join("db").exists(), "nothing is thrown away");
    }
}

#[test]
fn a_store_that_vanished_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    used(folder.path());
    fs::remove_dir_all(folder.path().join("db")).unwrap();
    let opened = open(folder.path()).unwrap();
    assert!(opened.lost);
    assert_eq!(opened.epoch_seen, 29_000_000);
}

#[test]
fn an_older_copy_of_the_store_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    used(folder.path());
    let (db, copy) = (folder.path().join("db"), folder.path().join("copy"));
    let copied = |from: &Path, to: &Path| {
        let copy = std::process::Command::new("cp").arg("-r").arg(from).arg(to).status();
        assert!(copy.unwrap().success());
    };
    copied(&db, &copy);
    for _ in 0..3 {
        drop(open(folder.path()).unwrap()); // every start moves the sentinel on
    }
    fs::remove_dir_all(&db).unwrap();
    copied(&copy, &db);
    assert!(open(folder.path()).unwrap().lost);
}

#[test]
fn a_store_in_use_and_a_store_of_another_farm_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(folder.path()).unwrap();
    let pid = std::process::id().to_string();
    let said = open(folder.path()).unwrap_err().to_string();
    assert!(said.contains(&format!("in use by process {pid}")), "{said}");
    drop(opened);
    let other = Store::open(folder.path(), "other", Clock::real(), &Preflight::InProcess);
    let said = other.unwrap_err().to_string();
    assert!(said.contains("belongs to farm farm, the config says other"), "{said}");
}

#[test]
fn a_record_that_is_too_large_stops_everything_that_follows() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path()).unwrap().store;
    let large =
        Batch { puts: vec![("machine/x".to_owned(), vec![b'1'; 9000])], ..Batch::default() };
    let Verdict::Failed(why) = store.commit(&large, true) else {
        panic!("too large a value is taken")
    };
    assert!(why.contains("machine/x"), "{why}");
    assert!(matches!(store.commit(&Batch::default(), true), Verdict::Failed(_)));
}
