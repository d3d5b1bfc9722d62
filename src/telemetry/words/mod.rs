//! The words for everything the farm tells: one table for events, constraints, reasons and the
//! states of machines, one for labels; Chinese and English side by side. Log, page, HTTP API and
//! command line all take them from here.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::Event;
use crate::model::text::{SENTENCE_MAX, cut, printable};

#[macro_use]
mod table;
mod constraint;
mod event;
pub mod labels;
mod now;
mod reason;
mod terms;

pub use constraint::{CONSTRAINTS, constraint};
pub use event::{EVENTS, event};
pub use labels::label;
pub use now::{NOWS, Now, now, told_now};
pub use reason::{REASONS, reason};
pub use table::Row;
pub use terms::phase;

/// The longest sentence, in bytes: two texts from outside fit into it.
const WORDS_MAX: usize = 2 * SENTENCE_MAX + 400;

/// Which language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// 中文。
    Zh,
    /// English.
    En,
}

impl Language {
    /// That of a locale such as `zh_CN.UTF-8`; English for every other.
    pub fn of_locale(locale: &str) -> Self {
        if locale.starts_with("zh") { Self::Zh } else { Self::En }
    }
}

/// Who should look at a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Nobody, but for those who look for a fault.
    Debug,
    /// Whoever wants to know what the farm does.
    Info,
    /// Somebody.
    Warn,
}

impl Level {
    /// As the API says it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
        }
    }
}

/// A fact in words, with its parts for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its key, such as `pool_max`: the same in API, log and metrics.
    pub key: &'static str,
    /// Who should look.
    pub level: Level,
    /// Its parts by name.
    pub values: Map<String, Value>,
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

impl Told {
    /// In that language.
    pub fn words(&self, language: Language) -> &str {
        match language {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }

    /// With its key, as the log and `why` say it: `pool_max: the pool's max of 20`.
    pub fn keyed(&self, language: Language) -> String {
        format!("{}: {}", self.key, self.words(language))
    }
}

/// The event as a sentence.
pub fn say(what: &Event, language: Language) -> String {
    event(&what.kind).words(language).to_owned()
}

/// Parts by name.
fn parts<const N: usize>(parts: [(&str, Value); N]) -> Map<String, Value> {
    parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A part as JSON, its texts safe to show.
fn part(value: &impl Serialize) -> Value {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => Value::String(safe(&text, SENTENCE_MAX)),
        other => other.unwrap_or_default(),
    }
}

/// Safe to show, and of a length that can be read.
fn safe(text: &str, max: usize) -> String {
    printable(&cut(text, max)).into_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::model::event::ChangeEvent;
    use crate::model::snapshot::Blocked;
    use crate::model::{Change, MachineName, Reason, Span, Time};

    #[test]
    fn a_decision_is_told_with_its_reason_in_both_languages() {
        let name = MachineName::from_stored("farm-gpu-1");
        let reason = Reason::Idle { lasted: Span::minutes(2) };
        let kind = ChangeEvent::Intended { reason }.to(&name, Change::Stop);
        let event = Event { at: Time::from_seconds(0), kind };
        assert_eq!(say(&event, Language::En), "stop farm-gpu-1: idle for 2m00s");
        assert_eq!(say(&event, Language::Zh), "停机 farm-gpu-1：已空闲 2m00s");
    }

    #[test]
    fn what_others_wrote_can_neither_forge_a_line_nor_fill_a_page() {
        let reason = "down\n2026-01-01 INFO all is well \u{1b}[2J\u{202e}".into();
        let told = constraint(&Blocked::Paused { owner: "li".into(), reason });
        assert_eq!(
            told.keyed(Language::En),
            "paused: paused by li: down\\n2026-01-01 INFO all is well \\u001b[2J\\u202e"
        );
        let detail = "x".repeat(15_000_000).as_str().into();
        let told = constraint(&Blocked::QueueStale { detail });
        assert!(told.zh.len() <= WORDS_MAX && told.en.len() <= WORDS_MAX, "{}", told.en.len());
        assert!(Value::Object(told.values).to_string().len() <= WORDS_MAX);
    }

    #[test]
    fn every_row_has_both_languages_and_a_key_of_its_own() {
        let is_chinese = |letter: char| ('\u{4e00}'..='\u{9fff}').contains(&letter);
        let events: Vec<Row> = EVENTS.concat();
        for table in [CONSTRAINTS, REASONS, &events, NOWS] {
            let mut keys = BTreeSet::new();
            for Row { key, zh, en } in table {
                assert!(keys.insert(key), "{key} stands twice");
                let has_own = zh.split(['{', '}']).step_by(2).any(|own| own.trim().len() > 3);
                assert!(zh.chars().any(is_chinese) || !has_own, "{key} has no Chinese: {zh}");
                assert!(!en.is_empty() && !en.chars().any(is_chinese), "{key}: {en}");
            }
        }
    }

    /// Holds a page of the docs to what the code says; writes it with `UPDATE_DOCS=1`.
    pub(in crate::telemetry) fn hold(file: &str, page: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, page).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == page, "{file} is not what the code says: see its first lines");
    }

    #[test]
    fn the_page_of_words_is_this_table() {
        let mut page = String::from(
            "# Words\n\nEvery sentence of log, page, HTTP API and command line, by its key, from \
             `src/telemetry/words/`. This page is made by a test \
             (`UPDATE_DOCS=1 cargo nextest run -E 'test(the_page_of_words_is_this_table)'`). What \
             to do about a constraint stands in [operations.md](operations.md).\n",
        );
        let events: Vec<Row> = EVENTS.concat();
        for (title, table) in [
            ("Constraints (`why`: `blocked`)", CONSTRAINTS),
            ("Reasons of a machine's last change (`because`)", REASONS),
            ("What a machine does now (`now`)", NOWS),
            ("Events (`kind`)", &events),
        ] {
            page.extend([format!("\n## {title}\n\n| key | 中文 | English |\n|---|---|---|\n")]);
            for Row { key, zh, en } in table {
                page.extend([format!("| `{key}` | {zh} | {en} |\n")]);
            }
        }
        hold("docs/words.md", &page);
    }
}
