//! What documents, units and examples state is so.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

use farmscale::clock::JUMP;
use farmscale::policy::Timing;

use crate::support::daemon::farmscale;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// Every file of a folder and the folders in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn the_times_that_operators_are_told_are_those_of_the_code() {
    let operations = read("docs/operations.md");
    let row = |reason: &str| {
        let begin = format!("| `{reason}` |");
        operations.lines().find(|line| line.starts_with(&begin)).unwrap().to_owned()
    };
    let timing = Timing::default();
    let minutes = |span: farmscale::model::Span| format!("{} minutes", span.as_seconds() / 60);
    let jump = row("clock_jumped");
    assert!(jump.contains(&format!("more than {} seconds", JUMP.as_seconds())), "{jump}");
    assert!(jump.contains(&format!("for {}", minutes(timing.jump_freeze))), "{jump}");
    let refused = row("offer_refused");
    assert!(refused.contains(&minutes(timing.refusal_first)), "{refused}");
    assert!(refused.contains(&format!("up to {}", timing.refusal_max.as_seconds() / 60)));
    assert!(row("quarantined").contains(&minutes(timing.quarantine)));
    assert!(row("not_adopted").contains(&minutes(timing.create_grace)));
}

#[test]
fn the_man_pages_that_units_name_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let made = farmscale(&["man", folder.path().to_str().unwrap()], &[]);
    assert!(made.status.success(), "{made:?}");
    for unit in ["farmscale.service", "farmscale-watchdog.service"] {
        let text = read(&format!("systemd/{unit}"));
        let named = text.lines().find_map(|line| line.strip_prefix("Documentation=")).unwrap();
        for page in named.split(' ') {
            let page = page.strip_prefix("man:").unwrap().replace("(1)", ".1");
            assert!(folder.path().join(&page).exists(), "{unit} names {page}");
        }
    }
}

/// What one user leaves in a folder that all share would be another's farm.
#[test]
fn examples_and_first_steps_share_no_folder() {
    let mut texts = vec![root().join("README.md"), root().join("README.zh.md")];
    texts.extend(files(&root().join("config")));
    texts.extend(
        files(&root().join("docs"))
            .into_iter()
            .filter(|file| file.extension().is_some_and(|end| end == "md")),
    );
    for file in texts {
        let text = fs::read_to_string(&file).unwrap();
        let shared = text.lines().find(|line| line.contains("/tmp/"));
        assert_eq!(shared, None, "{}", file.display());
    }
}
