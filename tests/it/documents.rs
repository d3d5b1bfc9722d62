//! What documents, units and examples state is so.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

use farmscale::clock::JUMP;
use farmscale::policy::Timing;
use farmscale::sim::http::{Answers, Refused};

use crate::support::cloud::Cloud;
use crate::support::daemon::farmscale;

mod figures;
mod map;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// Without the breaks of its lines.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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

/// What the client sends once more, and what it never does (docs/architecture.md, "Absent on purpose").
#[test]
fn nothing_is_sent_again_but_what_was_certainly_not_taken_on() {
    let said = words(&read("docs/architecture.md"));
    assert!(said.contains("No change is repeated by the code that sends it"));
    let sent = |action: &str, http: u16, code: &str| {
        let message = "is missing or invalid: InstanceId".to_owned();
        let (action, code) = (action.to_owned(), code.to_owned());
        let refused = Refused { action: action.clone(), http, code, message, times: 99 };
        let cloud = Cloud::answering(Answers { refusals: vec![refused], ..Answers::default() });
        let client = cloud.client(1000);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let went_well = runtime.block_on(async {
            match action.as_str() {
                "DescribeRegions" => client.zones().await.is_ok(),
                "DeleteInstance" => client.delete(&["ins-1"], true).await.is_ok(),
                _ => client.attach_disks(&["disk-1"], "ins-1", false).await.is_ok(),
            }
        });
        assert!(!went_well);
        cloud.calls(&action)
    };
    for (what, sent, times) in [
        ("a read refused for its rate", sent("DescribeRegions", 429, "RequestLimitExceeded"), 3),
        ("a read that failed", sent("DescribeRegions", 500, "InternalError"), 1),
        ("a change refused for its rate", sent("DeleteInstance", 429, "RequestLimitExceeded"), 1),
        ("a change that failed", sent("DeleteInstance", 500, "InternalError"), 1),
        ("a change of no other name", sent("DeleteInstance", 400, "MissingParameter"), 1),
        ("the name of a parameter that has two", sent("AttachDisk", 400, "MissingParameter"), 2),
    ] {
        assert_eq!(sent, times, "{what}");
    }
}
