//! Checks on the source itself: the rooms, who may use whom, sizes, and words that must not appear.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

mod circles;
mod signatures;

/// Room → the rooms it may use (docs/architecture.md, "Rooms"). `model` may be used by all.
pub(crate) const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("clock", &[]),
    ("net", &[]),
    ("policy", &[]),
    ("defaults", &["policy"]),
    ("memory", &[]),
    ("plan", &["policy", "memory"]),
    ("journal", &["memory", "clock"]),
    ("cloud", &["clock", "net"]),
    ("reader", &[]),
    ("queue", &["clock", "net", "reader", "defaults"]),
    ("world", &["journal", "cloud", "queue", "clock"]),
    ("driver", &["policy", "memory", "plan", "journal", "world"]),
    ("sim", &["cloud", "policy", "memory", "journal", "world", "clock", "driver", "plan"]),
    ("backtest", &["policy", "defaults", "sim", "driver"]),
    ("telemetry", &[]),
    ("page", &["clock", "telemetry"]),
    ("config", &["policy", "defaults", "queue", "cloud", "net", "reader", "world"]),
];

/// The floors of `plan`, ground floor first: a file uses only what lies below it, so there are no circles.
/// Within `release` the same holds for `RELEASE_FLOORS`.
const PLAN_FLOORS: &[&[&str]] = &[
    &[
        "promise",
        "billing_unit",
        "budget",
        "quota",
        "workers",
        "boots",
        "identities",
        "ends",
        "prices",
    ],
    &["readings"],
    &["situation"],
    &["tasks", "progress"],
    &["machine", "rank", "strangers"],
    &["safety", "demand", "over_cap", "above_max", "learning"],
    &["capacity", "caps", "settle"],
    &["ahead", "money", "draft"],
    &["polling", "statuses", "wake", "overdue", "report"],
    &["release"],
    &["grow", "orphans"],
    &["constraints"],
    &["mod"],
];

/// The floors of `plan/release`: what is known, what holds for a whole pool, the rules, the list. No rule
/// uses the list it stands in; only these rules lend something to others.
const RELEASE_FLOORS: &[&[&str]] = &[
    &["verdict", "candidate"],
    &["together"],
    &["context"],
    &["keeping"],
    &["drain_begun"],
    &["writer", "a rule"],
    &["mod"],
];

/// Used by `main` alone.
const CLI: &[(&str, &[&str])] = &[("cli", &[]), ("daemon", &[])];

/// Rooms that decide: no clock, socket, file, environment, thread, or floating point number.
const PURE: &[&str] = &["model", "policy", "memory", "plan", "driver"];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "tokio",
    "reqwest",
    "Instant::now",
    "SystemTime",
    "f64",
    "f32",
    "async fn",
    "println!",
];

/// Words that must not appear anywhere: leftovers, and what belongs to a machine or a person.
const NEVER: &[&str] = &[
    "TODO",
    "FIXME",
    "XXX",
    "dbg!(",
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("index.", "crates.io"),
];

/// Crates that the project was asked to use.
const ASKED_FOR: &[&str] = &[
    "tokio",
    "reqwest",
    "serde",
    "serde_json",
    "hmac",
    "sha1",
    "base64",
    "percent-encoding",
    "uuid",
    "tokio-cron-scheduler",
    "config",
    "tracing",
    "sled",
    "metrics",
];

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 60;
/// Functions that are tables, and may be as long as what they list.
const TABLES: &[(&str, &str)] =
    &[("tests/it/vendor_variants.rs", "fn every_documented_code_is_produced_and_has_its_class")];
const LINE_CHARS_MAX: usize = 100;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
    found.sort();
}

fn rust_files(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    files(&root().join(folder), &mut found);
    found
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

fn all_rust_files() -> Vec<(String, String)> {
    ["src", "tests", "benches"].iter().flat_map(|folder| rust_files(folder)).collect()
}

/// The room a file of `src/` belongs to.
fn room(file: &str) -> &str {
    let rest = file.trim_start_matches("src/");
    rest.split(['/', '.']).next().unwrap()
}

/// The part of a file before its unit tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

fn assert_none(faults: &[String], rule: &str) {
    assert!(faults.is_empty(), "{rule}:\n  {}", faults.join("\n  "));
}

#[test]
fn rooms_use_only_what_they_may() {
    let mut faults = Vec::new();
    for (file, text) in rust_files("src") {
        let here = room(&file);
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == here) else { continue };
        for (other, _) in MAY_USE.iter().chain(CLI) {
            let used = code(&text).contains(&format!("crate::{other}"));
            if used && *other != here && *other != "model" && !allowed.contains(other) {
                faults.push(format!("{file} uses {other}"));
            }
        }
    }
    assert_none(&faults, "a room uses another it may not (docs/architecture.md, Rooms)");
}

/// What a file uses of the modules in `names`, by the paths that lead to their folder.
fn uses<'a>(text: &str, paths: &[&str], names: &[&'a str]) -> Vec<&'a str> {
    let code: String = code(text).lines().filter(|line| !line.trim().starts_with("//")).collect();
    let statements = code.split("use ").skip(1).filter_map(|rest| rest.split(';').next());
    let paths_used = statements
        .filter_map(|statement| paths.iter().find_map(|path| statement.strip_prefix(path)));
    let words: Vec<&str> = paths_used
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => list.split([',', '{', '}', ':']).map(str::trim).collect(),
            None => vec![rest.split(':').next().unwrap().trim()],
        })
        .collect();
    names.iter().filter(|name| words.contains(*name)).copied().collect()
}

fn floor_of(floors: &[&[&str]], name: &str) -> Option<usize> {
    floors.iter().position(|floor| floor.contains(&name))
}

#[test]
fn plan_is_built_in_floors_and_has_no_circles() {
    let names: Vec<&str> = PLAN_FLOORS.concat();
    let mut faults = Vec::new();
    for (file, text) in rust_files("src/plan") {
        let inner = file.trim_start_matches("src/plan/").trim_end_matches(".rs");
        let (room, deep) = inner.split_once('/').map_or((inner, false), |(room, _)| (room, true));
        let Some(here) = floor_of(PLAN_FLOORS, room) else {
            faults.push(format!("{file} stands on no floor: list it in PLAN_FLOORS"));
            continue;
        };
        let paths: &[&str] = if deep { &["crate::plan::"] } else { &["super::", "crate::plan::"] };
        let used = uses(&text, paths, &names).into_iter().filter(|other| *other != room);
        let above = used.filter(|other| {
            room != "mod" && floor_of(PLAN_FLOORS, other).is_some_and(|floor| here <= floor)
        });
        faults.extend(above.map(|other| format!("{file} uses {other}, which is not below it")));
    }
    assert_none(&faults, "floors of plan (docs/architecture.md)");
}

#[test]
fn no_rule_of_release_uses_the_list_it_stands_in_or_another_rule() {
    let files = rust_files("src/plan/release");
    let inner = |file: &str| {
        let inner = file.trim_start_matches("src/plan/release/").trim_end_matches(".rs");
        inner.split('/').next().unwrap().to_owned()
    };
    let names: Vec<String> = files.iter().map(|(file, _)| inner(file)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let floor = |name: &str| {
        floor_of(RELEASE_FLOORS, name).or_else(|| floor_of(RELEASE_FLOORS, "a rule")).unwrap()
    };
    let mut faults = Vec::new();
    for (file, text) in &files {
        let here = inner(file);
        let paths = ["super::", "crate::plan::release::"];
        let used = uses(text, &paths, &names).into_iter().filter(|other| *other != here);
        let above = used.filter(|other| here != "mod" && floor(&here) <= floor(other));
        faults.extend(above.map(|other| format!("{file} uses {other}, which is not below it")));
    }
    assert_none(&faults, "floors of plan/release");
}

/// A step can only be made in `draft` (it has a private part), and a leave to end a machine only in
/// `safety`; so this is the only way to a stop or a delete.
#[test]
fn nothing_is_stopped_or_deleted_but_through_safety() {
    let mut faults = Vec::new();
    let made_only_in = |word: &str, home: &str, faults: &mut Vec<String>| {
        for (file, text) in rust_files("src/plan").into_iter().filter(|(file, _)| file != home) {
            if code(&text).contains(word) {
                faults.push(format!("{file} has `{word}`, which is for {home} alone"));
            }
        }
    };
    made_only_in("Cleared {", "src/plan/safety.rs", &mut faults);
    made_only_in("Act::Stop", "src/plan/draft.rs", &mut faults);
    made_only_in("Act::Delete", "src/plan/draft.rs", &mut faults);
    made_only_in("Step {", "src/plan/draft.rs", &mut faults);
    let draft = fs::read_to_string(root().join("src/plan/draft.rs")).unwrap();
    let end = draft.split("pub fn end(").nth(1).and_then(|rest| rest.split("\n    }\n").next());
    let end = end.unwrap();
    assert!(end.contains("cleared: Cleared"), "`end` takes a leave of safety");
    for act in ["Act::Stop", "Act::Delete"] {
        let all = code(&draft).matches(act).count();
        assert_eq!((all, end.matches(act).count()), (1, 1), "{act} is made in `end` alone");
    }
    let safety = fs::read_to_string(root().join("src/plan/safety.rs")).unwrap();
    let made = code(&safety).matches("Ok(Cleared {").count();
    assert_eq!(made, 1, "`clear` alone gives leave");
    assert_none(&faults, "around safety");
}

#[test]
fn rooms_that_decide_touch_nothing_outside() {
    let mut faults = Vec::new();
    for (file, text) in rust_files("src") {
        if !PURE.contains(&room(&file)) {
            continue;
        }
        for word in IMPURE.iter().filter(|word| has_word(code(&text), word)) {
            faults.push(format!("{file} has {word}"));
        }
    }
    assert_none(&faults, "rooms that decide take time as an argument and reach nothing");
}

/// Whether `word` stands in the code, not only in a comment and not as a part of another word.
fn has_word(text: &str, word: &str) -> bool {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
        line.match_indices(word).any(|(at, _)| {
            let before = line.get(..at).and_then(|part| part.chars().last());
            let after = line.get(at + word.len()..).and_then(|part| part.chars().next());
            let inside = |side: Option<char>| side.is_some_and(|c| c.is_alphanumeric() || c == '_');
            !inside(before) && !inside(after)
        })
    })
}

#[test]
fn files_functions_and_lines_are_short() {
    let mut faults = Vec::new();
    for (file, text) in all_rust_files() {
        let lines: Vec<&str> = text.lines().collect();
        if FILE_LINES_MAX < lines.len() {
            faults.push(format!("{file} has {} lines", lines.len()));
        }
        for (number, line) in lines.iter().enumerate() {
            let starts = line.trim_start();
            let is_data = starts.starts_with('"') || starts.starts_with("//");
            if LINE_CHARS_MAX < line.chars().count() && !is_data {
                faults.push(format!("{file}:{} is longer than {LINE_CHARS_MAX}", number + 1));
            }
            if let Some(length) = function_length(&lines, number)
                && FUNCTION_LINES_MAX < length
                && !TABLES.iter().any(|(of, name)| *of == file && starts.starts_with(name))
            {
                faults.push(format!("{file}:{} is a function of {length} lines", number + 1));
            }
        }
    }
    assert_none(&faults, "too long");
}

/// Lines of the function that begins on this line; its end is a brace as deep as its start.
fn function_length(lines: &[&str], start: usize) -> Option<usize> {
    let line = lines.get(start)?;
    let depth = line.len() - line.trim_start().len();
    let before = line.split("fn ").next().unwrap_or_default();
    let keywords = ["pub", "pub(super)", "pub(crate)", "const", "async", "unsafe"];
    let is_keyword = |word: &str| keywords.contains(&word) || word.starts_with("pub(in");
    let begins = line.contains("fn ")
        && before.split_whitespace().all(|word| is_keyword(word) || word.ends_with(')'));
    if !begins || line.trim_start().starts_with("//") || line.ends_with([';', '}']) {
        return None;
    }
    let end = format!("{}}}", " ".repeat(depth));
    let length = lines.get(start..)?.iter().position(|line| **line == end)?;
    Some(length + 1)
}

#[test]
fn every_file_says_what_it_is_for() {
    let missing: Vec<String> = all_rust_files()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(file, _)| file)
        .collect();
    assert_none(&missing, "a file starts with `//!` and what it is for");
}

/// `reader.number("max", 20, …)`: a default that is written where a setting is read.
#[test]
fn every_default_of_a_setting_stands_in_one_place() {
    let readers = [".number(", ".text(", ".flag(", ".span("];
    let mut faults = Vec::new();
    for (file, text) in ["src/config", "src/queue"].iter().flat_map(|folder| rust_files(folder)) {
        let text: String = code(&text).split_whitespace().collect::<Vec<_>>().join(" ");
        for call in readers.iter().flat_map(|read| text.split(read).skip(1)) {
            let Some((name, rest)) = call.trim_start().split_once(',') else { continue };
            let default = rest.trim_start();
            let is_written = default
                .starts_with(|first: char| first == '"' || first.is_ascii_digit())
                || ["Span::", "true", "false"].iter().any(|word| default.starts_with(word));
            if name.starts_with('"') && is_written {
                faults.push(format!("{file}: {name}"));
            }
        }
    }
    assert_none(&faults, "a default stands in src/defaults.rs");
}

/// Such a name is read without what it stands beside.
#[test]
fn functions_say_what_they_give() {
    let nameless = ["of", "one", "all", "steps", "looks", "what"];
    let mut faults = Vec::new();
    for (file, text) in all_rust_files() {
        for (number, line) in text.lines().enumerate() {
            let Some((before, rest)) = line.split_once("fn ") else { continue };
            let is_one = |name: &str| {
                rest.strip_prefix(name).is_some_and(|rest| rest.starts_with(['(', '<']))
            };
            let is_free = !before.starts_with(' ');
            let of_self = rest.contains("self,") || rest.contains("self)");
            if nameless.into_iter().any(is_one) && (is_free || of_self) {
                faults.push(format!("{file}:{}: {line}", number + 1));
            }
        }
    }
    assert_none(&faults, "a function's name has a noun or a verb of its own");
}

#[test]
fn words_that_must_not_appear_do_not() {
    let mut faults = Vec::new();
    for (file, text) in all_rust_files() {
        if file.ends_with("tidy.rs") {
            continue;
        }
        for word in NEVER.iter().filter(|word| text.contains(**word)) {
            faults.push(format!("{file} has {word}"));
        }
    }
    assert_none(&faults, "leftovers");
}

#[test]
fn every_blocked_reason_is_explained_to_operators() {
    let operations = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let source = fs::read_to_string(root().join("src/model/blocked.rs")).unwrap();
    let list = source.split("pub enum Blocked {").nth(1).unwrap();
    let list = list.split("\n}\n").next().unwrap();
    let variants = list
        .lines()
        .filter(|line| line.starts_with("    ") && !line.starts_with("     "))
        .filter(|line| line.trim_start().starts_with(|first: char| first.is_ascii_uppercase()))
        .map(|line| line.trim().trim_end_matches([',', '{', ' ']));
    let missing: Vec<String> = variants
        .map(snake_case)
        .filter(|variant| !operations.contains(&format!("`{variant}`")))
        .collect();
    assert_none(&missing, "docs/operations.md does not explain these reasons");
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// systemd's own verifier reads the unit.
#[test]
fn the_systemd_unit_is_understood() {
    let check = std::process::Command::new(root().join("scripts/check-unit")).output().unwrap();
    let said = String::from_utf8_lossy(&check.stderr).into_owned();
    assert!(check.status.success() && said.is_empty(), "{said}");
}

/// What the project was asked to be built on.
#[test]
fn the_crates_it_was_asked_to_use_are_used() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let sources: Vec<String> = rust_files("src").into_iter().map(|(_, text)| text).collect();
    let mut faults = Vec::new();
    for name in ASKED_FOR {
        let depends = manifest.lines().any(|line| line.starts_with(&format!("{name} = ")));
        // A crate may bear the name of a room of ours.
        let path = name.replace('-', "_");
        let is_room = MAY_USE.iter().any(|(room, _)| *room == path);
        let uses = if is_room {
            vec![format!(" ::{path}::")]
        } else {
            vec![format!(" {path}::"), format!("({path}::"), format!("[{path}::")]
        };
        let is_used = |text: &String| uses.iter().any(|path| code(text).contains(path));
        if !depends || !sources.iter().any(is_used) {
            faults.push((*name).to_owned());
        }
    }
    assert_none(&faults, "asked for, and no dependency or not used");
}

#[test]
fn every_dependency_says_why_it_is_there() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut in_dependencies = false;
    let mut explained = false;
    let mut faults = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
            explained = false;
        } else if line.starts_with('#') {
            explained = true;
        } else if in_dependencies && !line.is_empty() && !explained && !line.contains(" # ") {
            faults.push(line.to_owned());
        }
    }
    assert_none(&faults, "a dependency stands below a comment that says why, or has its own");
}
