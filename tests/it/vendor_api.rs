//! docs/vendor-api.md is made from the code's own tables, so that it cannot go stale.
//! `UPDATE_DOCS=1 cargo nextest run vendor_api` writes it anew.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use farmscale::cloud::actions::{self, Action, Field, Holds, Service, ToldBy};
use farmscale::cloud::error::{Code, codes};

const HEAD: &str = "\
# The vendor's API, action by action

Made by `tests/it/vendor_api.rs` from the tables in `src/cloud/actions`; change those, not this page
(`UPDATE_DOCS=1 cargo nextest run vendor_api`). Pages: *ECS* and *EBS* are the chapters of
the public document 首云公开API文档, with the number of the section; *new* is what the vendor's later
pages add; *VPC* and *ECS安全组* are pages of their own. In Rust: `farmscale::cloud::Client`. On the
command line: `farmscale api ACTION name=value …`; `--unchecked` sends what stands in no table.

Compared, field by field: the document (`openapi`, as of 2026-04-21), its samples, and the field
names and types of the vendor's newest public program (*client*: `cds-cloudos-go-sdk`, as of
2025-10-15). In the answers a type stands after a name that is no text; `*` marks what the
client alone tells. The simulated cloud answers exactly these fields (`tests/it/vendor_shapes`),
and refuses what a rule here says is refused (`tests/it/vendor_refusals.rs`). A scenario of one's
own (`cloudsim --scenario FILE.toml`) with `[answers] form = \"document\"` answers in the older form
of the document's samples.

As a library it is the feature `cloud` alone: 93 crates in all instead of 248
(`cargo tree -e normal`, Linux, 2026-11-26).

What nobody outside the vendor can know, and what is assumed: which code a sold-out size has
(words in the message are read); how far a timestamp may be off (15 min in the simulated cloud)
and how long a nonce is remembered; how many calls a second are allowed (5 are made); what
DescribeInstanceStatus says of deleted ids (missing = unknown); how measurements of several GPUs
look and in which zone their times are (both forms, both zones are read); how long a listing
lags; what `PriceUnit` is for monthly and spot prices; whether a create of several can succeed
in part; how many ids one call may name (100 are).

";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Test files that name the action, or, for the typed functions, all that go through every action.
fn tests_of(action: &Action) -> String {
    let quoted = format!("\"{}\"", action.name);
    let mut files: Vec<String> = fs::read_dir(root().join("tests/it"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
        .filter(|path| fs::read_to_string(path).unwrap().contains(&quoted))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    files.join(", ")
}

/// The tables of actions, by the name of their file.
const TABLES: [&str; 6] = ["ecs", "ebs", "snapshots", "network", "newer", "groups"];

/// The table an action stands in, and the name of its constant.
fn constant_of(action: &Action) -> (&'static str, String) {
    let quoted = format!("\"{}\"", action.name);
    for table in TABLES {
        let path = root().join(format!("src/cloud/actions/{table}.rs"));
        let source = fs::read_to_string(path).unwrap();
        let is_ebs = table == "ebs";
        let mut constant = "";
        for line in source.lines() {
            if let Some(rest) = line.strip_prefix("pub const ") {
                constant = rest.split(':').next().unwrap();
            }
            let of_service =
                action.name != "DescribeEvent" || is_ebs == (action.service == Service::Ebs);
            if line.contains(&quoted) && of_service {
                return (table, constant.to_owned());
            }
        }
    }
    panic!("{} stands in no table", action.name)
}

/// The functions of the typed client that send an action, by the name of its constant.
fn functions_of(action: &Action) -> String {
    let (table, constant) = constant_of(action);
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("src/cloud")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let text = fs::read_to_string(&path).unwrap();
            if uses(&text, table) {
                found.extend(callers(&text, &format!("action::{constant}")));
            }
            found.extend(callers(&text, &format!("actions::{table}::{constant}")));
        }
    }
    found.sort();
    found.dedup();
    found.join(", ")
}

fn uses(text: &str, table: &str) -> bool {
    text.contains(&format!("{table} as action"))
        || text.contains(&format!("actions::{{Action, {table} as action}}"))
}

/// Public functions in whose body `what` is named in full.
fn callers(text: &str, what: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut function = String::new();
    for line in text.lines() {
        if let Some(rest) = line.trim_start().strip_prefix("pub async fn ") {
            rest.split(['(', '<']).next().unwrap().clone_into(&mut function);
        }
        let named = line.match_indices(what).any(|(at, _)| {
            let next = line.get(at + what.len()..).unwrap().chars().next();
            !next.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        });
        if named && !function.is_empty() {
            found.push(format!("`{function}`"));
        }
    }
    found
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("| action | verb, path | page | in Rust | tests |\n|---|---|---|---|---|\n");
    for action in actions::table() {
        let change = if action.changes { " (changes)" } else { "" };
        writeln!(
            page,
            "| [{}](#{}){change} | {} `{}` | {} | {} | {} |",
            action.id(),
            action.id().to_lowercase().replace('.', ""),
            action.method,
            action.service.path(),
            action.source,
            functions_of(action),
            tests_of(action),
        )
        .unwrap();
    }
    for action in actions::table() {
        write_action(action, &mut page);
    }
    errors(&mut page);
    page
}

fn write_action(action: &Action, page: &mut String) {
    writeln!(page, "\n## {}\n\n{}: {}.", action.id(), action.title, action.about).unwrap();
    if action.changes {
        let event = if action.event { " The answer's `EventId` is followed." } else { "" };
        writeln!(page, "Changes something: sent once, never repeated.{event}").unwrap();
    }
    if !action.params.is_empty() {
        page.push_str("\n| parameter | value | | meaning |\n|---|---|---|---|\n");
        for param in action.params {
            let required = if param.required { "required" } else { "" };
            let words = param.kind.words().replace('|', "\\|");
            let also = if param.alias.is_empty() {
                String::new()
            } else {
                format!(", also `{}`", param.alias)
            };
            let by = if param.told_by == ToldBy::Client { "*" } else { "" };
            let (name, about) = (format!("{}`{by}{also}", param.name), param.about);
            writeln!(page, "| `{name} | {words} | {required} | {about} |").unwrap();
        }
    }
    for rule in action.rules {
        let weight = if rule.refused { "Refused" } else { "Warned of" };
        writeln!(page, "\n{weight}: `{}` {} («{}»).", rule.param, rule.what, rule.sentence)
            .unwrap();
    }
    if !action.in_document {
        page.push_str("\nNot in the document: of a later page, or of the vendor's program.\n");
    }
    writeln!(page, "\nAnswers `{}`.", action.answer.words()).unwrap();
    writeln!(page, "\nCompared with: {}.", compared(action)).unwrap();
    if !action.quirks.is_empty() {
        writeln!(page, "\nContradictions: {}", action.quirks).unwrap();
    }
}

/// What the table was compared with: the document, its sample, the vendor's newest program.
fn compared(action: &Action) -> String {
    let samples: serde_json::Value =
        serde_json::from_str(include_str!("../data/vendor_samples.json")).unwrap();
    let mut with = Vec::new();
    if action.source != "client" {
        with.push(format!("document ({})", action.source));
    }
    if samples.get(action.id()).is_some() {
        with.push("its sample".to_owned());
    }
    if is_of_client(action.answer) || CALLED_BY_CLIENT.contains(&action.name) {
        with.push("client".to_owned());
    }
    with.join(", ")
}

/// What the vendor's program calls without reading anything.
const CALLED_BY_CLIENT: [&str; 3] = ["DeleteEIP", "UpdateEIP", "DescribeTask"];

fn is_of_client(holds: Holds) -> bool {
    let of_it = |field: &Field| field.told_by != ToldBy::Document || is_of_client(field.holds);
    holds.fields().iter().any(of_it)
}

fn errors(page: &mut String) {
    page.push_str(
        "
## Errors

The ECS tables of the document, and codes of sibling products behind the same gateway (without a
message), by what is done about them; EBS and the network have no table. The simulated cloud says
the document's message, and what is particular in brackets after it. `InvalidParameter` and
`InvalidOperation` are read by their message first (库存 售罄 配额 余额 信息不存在 …). HTTP 5xx
says nothing about what was done: the outcome of a change is then unknown.

| code | HTTP | message of the document | class |
|---|---|---|---|
",
    );
    for Code { name, class, told } in codes() {
        let (http, message) = told.unwrap_or_default();
        let http = if http == 0 { String::new() } else { http.to_string() };
        writeln!(page, "| `{name}` | {http} | {message} | {class:?} |").unwrap();
    }
}

#[test]
fn the_page_is_what_the_tables_say() {
    let path: &Path = &root().join("docs/vendor-api.md");
    let page = page();
    if std::env::vars().any(|(name, _)| name == "UPDATE_DOCS") {
        fs::write(path, &page).unwrap();
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    let differs = page.lines().zip(there.lines()).find(|(new, old)| new != old);
    assert!(
        page == there,
        "docs/vendor-api.md is out of date (UPDATE_DOCS=1 writes it): {differs:?}"
    );
}

/// A row without a function or a test would be an action nobody can use or nobody has tried.
#[test]
fn every_action_has_a_typed_function_and_a_test() {
    for action in actions::table() {
        assert!(!functions_of(action).is_empty(), "{}: no function of the client", action.id());
        assert!(!tests_of(action).is_empty(), "{}: no test", action.id());
    }
}
