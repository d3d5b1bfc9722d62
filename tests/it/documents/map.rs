//! What documents point at is there: files, links, tests, commands; and the map of the house is the house.

use std::collections::BTreeSet;
use std::path::Path;

use super::{files, read, root};
use farmscale::plan::release::{RULES, Rule};

use crate::support::daemon::farmscale;
use crate::tidy::MAY_USE;

/// Every document, as (path from the root, text).
fn documents() -> Vec<(String, String)> {
    let mut paths = vec![root().join("README.md"), root().join("README.zh.md")];
    paths.push(root().join("CONTRIBUTING.md"));
    let of_docs = files(&root().join("docs")).into_iter();
    paths.extend(of_docs.filter(|file| file.extension().is_some_and(|end| end == "md")));
    let name = |path: &Path| path.strip_prefix(root()).unwrap().display().to_string();
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// What stands between `` ` `` in a text, its blocks of code left out.
fn quoted(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose
        .flat_map(|prose| prose.lines().flat_map(|line| line.split('`').skip(1).step_by(2)))
        .collect()
}

#[test]
fn every_link_leads_to_a_file() {
    let mut broken = Vec::new();
    for (name, text) in documents() {
        let folder = Path::new(&name).parent().unwrap().to_owned();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty()
                && !target.contains("://")
                && !root().join(&folder).join(file).exists()
            {
                broken.push(format!("{name}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_file_that_is_named_is_there() {
    let mut missing = Vec::new();
    for (name, text) in documents() {
        for file in quoted(&text) {
            let begins = ["src/", "tests/", "docs/", "config/", "scripts/", "data/", "examples/"];
            let is_pattern = file.contains(['*', 'N', '…', '{', ' ', '<']);
            if begins.iter().any(|one| file.starts_with(one))
                && !is_pattern
                && !root().join(file).exists()
            {
                missing.push(format!("{name}: {file}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Names of tests, of modules and of their ends: `queues::`, `doubt::a_busy_machine_is_never_stopped`.
#[test]
fn every_test_that_is_named_is_there() {
    let sources = ["src", "tests"].iter().flat_map(|folder| files(&root().join(folder)));
    let rust = sources.filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let texts: Vec<String> = rust.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let plays = read("tests/it/plays.rs");
    let is_there = |name: &str| {
        let begin = format!("fn {name}");
        texts.iter().any(|text| text.contains(&begin)) || plays.contains(&format!("    {name}\n"))
    };
    let mut missing = Vec::new();
    let named = ["docs/trust.md", "docs/architecture.md", "docs/decisions/0002-chaos.md"];
    for document in named {
        let text = read(document);
        for path in
            quoted(&text).into_iter().filter(|path| path.contains("::") && !path.contains(' '))
        {
            let last = path.rsplit("::").next().unwrap_or_default();
            let is_test = last.contains('_')
                && last
                    .chars()
                    .all(|one| one.is_ascii_lowercase() || one == '_' || one.is_ascii_digit());
            if is_test && !is_there(last) {
                missing.push(format!("{document}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The cells of a table's rows.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with("| "));
    rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
}

#[test]
fn the_table_of_rooms_is_the_one_that_is_kept() {
    let map = read("docs/architecture.md");
    let table = map.split("| room | what it holds | may use |").nth(1).unwrap();
    let table = table.split("\n\n").next().unwrap();
    let mut told: Vec<(String, BTreeSet<String>)> = Vec::new();
    for cells in rows(table) {
        let names =
            cells.first().unwrap().split(", ").map(|name| name.trim_matches('`').to_owned());
        let used = cells.last().unwrap().trim_end_matches(" |").trim_end_matches('|').trim();
        let used = used.split(", ").filter(|one| !matches!(*one, "–" | "model"));
        let used: BTreeSet<String> = used.map(str::to_owned).collect();
        told.extend(names.map(|name| (name, used.clone())));
    }
    for (room, may_use) in MAY_USE {
        let (_, used) = told
            .iter()
            .find(|(name, _)| name == room)
            .unwrap_or_else(|| panic!("no row for {room}"));
        let kept: BTreeSet<String> = may_use.iter().map(|one| (*one).to_owned()).collect();
        assert_eq!(*used, kept, "{room}");
    }
}

#[test]
fn the_page_of_rules_is_the_list_in_its_order_with_a_play_for_each() {
    let map = read("docs/architecture.md");
    let told: Vec<Vec<&str>> =
        rows(&map).filter(|cells| cells.first().unwrap().parse::<u32>().is_ok()).collect();
    assert_eq!(told.len(), RULES.len());
    for (number, (cells, Rule { name, .. })) in told.iter().zip(RULES).enumerate() {
        let file = name.replace(' ', "_");
        assert_eq!(cells[0], (number + 1).to_string());
        assert_eq!(cells[1], format!("[{name}](../src/plan/release/{file}.rs)"));
        let source = read(&format!("src/plan/release/{file}.rs"));
        let says = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
        let says = says.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        assert!(says.starts_with(cells[2]), "{file}.rs says its rule in other words: {says}");
        assert!(
            cells[3].contains(&format!("plays/{file}.txt")),
            "{name} is shown by a play of its name"
        );
    }
}

#[test]
fn the_readmes_name_every_command_and_no_other() {
    let help = farmscale(&["--help"], &[]);
    let help = String::from_utf8(help.stdout).unwrap();
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let there: BTreeSet<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    for name in ["README.md", "README.zh.md"] {
        let text = read(name);
        let table = text.split("\n|---|---|\n").nth(1).unwrap().split("\n\n").next().unwrap();
        let first = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
        let told: BTreeSet<&str> =
            first.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        assert_eq!(told, there, "{name}");
    }
}
