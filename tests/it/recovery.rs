//! The store after what may happen to it: damage, loss, a newer version, somebody else's farm.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use farmscale::clock::Clock;
use farmscale::journal::{Batch, Journal, Opened, Preflight, Store, StoreError, Verdict};
use farmscale::memory::{Key, Memory, Spent, SpentOn};
use farmscale::model::event::FarmEvent;
use farmscale::model::{Event, MachineName, Money, Namer, Text, Time};

use crate::support::daemon::PROGRAM;

const FARM: &str = "farm";

fn open(dir: &Path) -> Result<Opened, StoreError> {
    Store::open(dir, FARM, Clock::real(), &Preflight::InProcess)
}

fn copied(from: &Path, to: &Path) {
    let copy = std::process::Command::new("cp").arg("-r").arg(from).arg(to).status();
    assert!(copy.unwrap().success());
}

/// A store that has seen a start and a create.
fn used(dir: &Path) -> MachineName {
    let mut opened = open(dir).unwrap();
    assert!(!opened.lost && opened.memory == Memory::default());
    let name = Namer::new(FARM).name("gpu", 29_000_000, 1);
    let mut memory = Memory::default();
    let kind = FarmEvent::DaemonStarted { epoch: 29_000_000, salt: 0 }.into();
    let event = Event { at: Time::from_seconds(1), kind };
    memory.apply(&event);
    let record = memory.record(&Key::Meta).unwrap();
    let history = [event];
    let batch = Batch {
        puts: vec![("meta".to_owned(), record)],
        creates: vec![name.clone()],
        history: &history,
        ..Batch::default()
    };
    assert!(matches!(opened.store.commit(&batch, true), Verdict::Permit(_)));
    name
}

/// One more commit.
fn used_again(dir: &Path) {
    let mut store = open(dir).unwrap().store;
    assert!(matches!(store.commit(&Batch::default(), true), Verdict::Permit(_)));
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
    assert!(opened.losses[0].contains("is gone or empty; nothing is left"), "{:?}", opened.losses);
    assert!(opened.losses[0].contains("the caps on money begin anew"), "{:?}", opened.losses);
    drop(opened);
    fs::remove_dir_all(folder.path().join("db")).unwrap();
    fs::remove_file(folder.path().join("state.id")).unwrap();
    assert!(open(folder.path()).unwrap().lost, "intents.log alone knows of it");
}

#[test]
fn what_was_spent_outlives_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let cost = Money::yuan(180);
    let spent = Spent {
        at: Time::from_seconds(1_767_323_045),
        day: "2026-01-02".into(),
        until: Time::from_seconds(1_767_369_600),
        days: vec![SpentOn { day: "2026-01-02".into(), pool: "gpu".into(), cost }],
        hourly: vec![("gpu".into(), Money::yuan(6))],
    };
    let mut store = open(folder.path()).unwrap().store;
    let batch = Batch { spent: Some(spent.clone()), ..Batch::default() };
    assert!(matches!(store.commit(&batch, true), Verdict::Permit(_)));
    drop(store);
    fs::remove_dir_all(folder.path().join("db")).unwrap();
    let opened = open(folder.path()).unwrap();
    assert!(opened.lost && opened.spent == Some(spent));
    assert!(opened.losses[0].contains("is taken from spent.json"), "{:?}", opened.losses);
    drop(opened);
    fs::write(folder.path().join("spent.json"), "{").unwrap();
    let opened = open(folder.path()).unwrap();
    assert!(!opened.lost && opened.spent.is_none());
    assert!(opened.losses[0].contains("spent.json does not read"), "{:?}", opened.losses);
}

#[test]
fn files_beside_the_database_that_do_not_read_are_told_and_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    used(folder.path());
    fs::write(folder.path().join("state.id"), "{\"id\":").unwrap();
    let log = folder.path().join("intents.log");
    let mut bytes = fs::read(&log).unwrap();
    bytes[15] = 0xff;
    fs::write(&log, bytes).unwrap();
    let opened = open(folder.path()).unwrap();
    assert!(!opened.lost, "the database is whole");
    let said = opened.losses.join("\n");
    assert!(said.contains("state.id does not read") && said.contains("intents.log"), "{said}");
    let aside = fs::read_dir(folder.path()).unwrap().filter(|entry| {
        entry.as_ref().unwrap().file_name().to_string_lossy().contains("set-aside")
    });
    assert_eq!(aside.count(), 2);
    drop(opened);
    assert!(open(folder.path()).unwrap().losses.is_empty(), "told once");
}

/// What a daemon remembers must be all or nothing: a part of it taken for the whole would leave
/// machines that bill and that nobody knows.
#[test]
fn no_damage_of_the_database_is_taken_for_a_smaller_farm() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path()).unwrap().store;
    let mut memory = Memory::default();
    for number in 0..12 {
        let (day, pool) = (Text::from(format!("2026-01-{number:02}").as_str()), Text::from("gpu"));
        memory.days.insert((Text::clone(&day), Text::clone(&pool)), Vec::new());
        let record = memory.record(&Key::Day(Text::clone(&day), pool)).unwrap();
        let batch = Batch { puts: vec![(format!("day/{day}/gpu"), record)], ..Batch::default() };
        assert!(matches!(store.commit(&batch, true), Verdict::Permit(_)));
    }
    drop(store);
    let whole = fs::read(folder.path().join("db/db")).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let mut noticed = 0;
    for number in 0..28 {
        let copy = tempfile::tempdir().unwrap();
        copied(folder.path(), &copy.path().join("store"));
        let dir = copy.path().join("store");
        let mut bytes = whole.clone();
        let at = used * number / 28;
        match number % 4 {
            0 => bytes[at] ^= 0x20,
            1 => bytes.truncate(at),
            2 => bytes[at..(at + 64).min(used)].fill(0),
            _ => bytes[at..(at + 512).min(used)].fill(0xaa),
        }
        fs::write(dir.join("db/db"), bytes).unwrap();
        let program = Preflight::Child(PROGRAM.into());
        let opened = Store::open(&dir, FARM, Clock::real(), &program).unwrap();
        if opened.lost {
            noticed += 1;
            assert!(opened.losses[0].contains("was set aside as"), "{:?}", opened.losses);
            assert!(opened.set_aside.is_some_and(|aside| aside.join("db").exists()));
        } else {
            assert_eq!(opened.memory, memory, "damage {number} at {at} is believed");
        }
    }
    assert!(10 < noticed, "only {noticed} damages strike what is in use");
}

#[test]
fn a_place_where_others_may_write_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("store");
    used(&dir);
    let refused = |word: &str| {
        let said = open(&dir).unwrap_err().to_string();
        assert!(said.contains("is not safe") && said.contains(word), "{said}");
    };
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    mode(&dir, 0o777);
    refused("chmod 700");
    mode(&dir, 0o700);
    mode(folder.path(), 0o777);
    refused("chmod o-w");
    mode(folder.path(), 0o700);
    let (target, history) = (folder.path().join("target"), dir.join("history.jsonl"));
    fs::write(&target, "precious").unwrap();
    fs::remove_file(&history).unwrap();
    std::os::unix::fs::symlink(&target, &history).unwrap();
    refused("history.jsonl is a symbolic link");
    fs::remove_file(&history).unwrap();
    fs::hard_link(&target, &history).unwrap();
    refused("hard link");
    fs::remove_file(&history).unwrap();
    assert!(!open(&dir).unwrap().lost);
    assert_eq!(fs::read_to_string(target).unwrap(), "precious");
}

#[test]
fn an_older_copy_of_the_store_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    used(folder.path());
    let (db, copy) = (folder.path().join("db"), folder.path().join("copy"));
    let sentinel = fs::read(folder.path().join("state.id")).unwrap();
    copied(&db, &copy);
    used_again(folder.path());
    fs::remove_dir_all(&db).unwrap();
    copied(&copy, &db);
    fs::write(folder.path().join("state.id"), sentinel).unwrap(); // intents.log alone knows better
    let opened = open(folder.path()).unwrap();
    assert!(opened.lost && opened.losses[0].contains("it is an older one"), "{:?}", opened.losses);
    assert!(opened.set_aside.unwrap().join("db").exists(), "nothing is thrown away");
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

/// A pool whose name makes its day's record as large as wished.
fn day_of(length: usize) -> (String, Vec<u8>) {
    let pool = Text::from("p".repeat(length).as_str());
    let mut memory = Memory::default();
    memory.days.insert((Text::from("2026-01-31"), Text::clone(&pool)), Vec::new());
    let key = Key::Day("2026-01-31".into(), pool);
    ("day/2026-01-31/p".to_owned(), memory.record(&key).unwrap())
}

#[test]
fn no_record_is_refused_for_its_size() {
    let folder = tempfile::tempdir().unwrap();
    for length in [100_000, 30_000, 9_000, 10] {
        let mut store = open(folder.path()).unwrap().store;
        let batch = Batch { puts: vec![day_of(length)], ..Batch::default() };
        assert!(matches!(store.commit(&batch, true), Verdict::Permit(_)), "{length}");
        drop(store);
        let opened = open(folder.path()).unwrap();
        assert!(!opened.lost && opened.losses.is_empty(), "{:?}", opened.losses);
        let days: Vec<usize> = opened.memory.days.keys().map(|(_, pool)| pool.len()).collect();
        assert_eq!(days, [length]);
    }
    let mut store = open(folder.path()).unwrap().store;
    let (key, _) = day_of(1);
    let batch = Batch { deletes: vec![key], ..Batch::default() };
    assert!(matches!(store.commit(&batch, true), Verdict::Permit(_)));
    drop(store);
    assert_eq!(open(folder.path()).unwrap().memory, Memory::default());
}
