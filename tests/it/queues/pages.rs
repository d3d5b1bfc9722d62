//! docs/queues/: a page for every source, whose settings are the code's.

use std::path::{Path, PathBuf};

use farmscale::queue::{Can, kinds};

use super::queue;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/queues")
}

fn page(kind: &str) -> String {
    let path = folder().join(format!("{kind}.md"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The first block of TOML, with every setting commented in.
fn settings(page: &str) -> String {
    let block = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let line = |line: &str| line.strip_prefix("# ").unwrap_or(line).to_owned();
    let lines: Vec<String> = block.lines().map(line).collect();
    assert_eq!(lines[0].split_whitespace().next(), Some("[queues.render]"), "{block}");
    lines[1..].join("\n")
}

/// Those lines that can be tried as they are: others name a file.
fn trial(section: &str) -> String {
    let lines = section.lines().filter(|line| !line.contains("# example"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// A page shows every setting of its source, and nothing else; what it shows can be opened.
#[test]
fn every_source_has_a_page_that_names_its_settings() {
    for kind in kinds() {
        let section = settings(&page(kind));
        let text = format!("[queues.render]\n{section}");
        let written: toml::Table = text.parse().unwrap_or_else(|error| panic!("{kind}: {error}"));
        let written = written["queues"]["render"].as_table().unwrap();
        let asked = farmscale::config::asked(&text);
        let asked = asked.keys().filter_map(|key| key.strip_prefix("queues.render."));
        let missing: Vec<_> =
            asked.filter(|key| !written.contains_key(key.split('.').next().unwrap())).collect();
        // a secret is given as it is or in a file, never both
        let missing: Vec<_> = missing.iter().filter(|key| !key.ends_with("_file")).collect();
        assert!(missing.is_empty(), "docs/queues/{kind}.md does not show {missing:?}");
        assert!(!queue(&trial(&section)).place().is_empty());
    }
}

/// The table at the top says what the code says, for a source with all its settings.
#[test]
fn the_table_of_sources_is_what_they_say_of_themselves() {
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for kind in kinds() {
        let can = queue(&trial(&settings(&page(kind)))).capabilities();
        let row = readme.lines().find(|line| line.starts_with(&format!("| [`{kind}`]")));
        let row = row.unwrap_or_else(|| panic!("docs/queues/README.md has no row for {kind}"));
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        for (number, one) in Can::ALL.into_iter().enumerate() {
            let is_told = cells[number + 2].starts_with("yes");
            assert_eq!(is_told, can.has(one), "{kind}: `{}` in {row}", one.word());
        }
    }
}
