//! A play: script in, transcript out. This file reads and compares play files; see
//! docs/architecture.md, "Tests", for how to write one.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use script::Command;

pub(crate) mod script;
mod stage;
mod words;

/// Set to 1, plays are written down as they went instead of compared.
const UPDATE: &str = "UPDATE_PLAYS";
const CONFIG: &str = "--- config";
const PLAY: &str = "--- play";

/// A play as its file has it.
#[derive(Debug)]
pub(crate) struct Play {
    /// The file, for faults.
    file: String,
    /// What it shows, in a line or two.
    about: String,
    /// The farm's config, and the line of the file above it.
    config: String,
    config_line: usize,
    /// The script, line by line.
    lines: Vec<Line>,
}

/// A line of the script.
#[derive(Debug)]
struct Line {
    number: usize,
    text: String,
    command: Command,
}

/// Where plays live.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/plays")
}

/// Plays a play and holds it against its file; or, with `UPDATE_PLAYS=1`, writes it down.
pub(crate) fn check(name: &str) {
    let path = folder().join(format!("{name}.txt"));
    let file = format!("tests/it/plays/{name}.txt");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let play = Play::parse(&file, &text).unwrap_or_else(|fault| panic!("{fault}"));
    let (transcript, faults) = play.perform().unwrap_or_else(|fault| panic!("{fault}"));
    let played = play.written(&transcript);
    if std::env::vars().any(|(name, value)| name == UPDATE && value == "1") {
        std::fs::write(&path, &played).unwrap();
    } else if played != text {
        let diff = diff(&text, &played);
        panic!(
            "{file} did not go as written (- as written, + as it went):\n\n{diff}\n\
             If it went as it should: {UPDATE}=1 cargo nextest run -E 'test(plays::{name})'\n"
        );
    }
    assert!(faults.is_empty(), "{file}:\n  {}", faults.join("\n  "));
}

impl Play {
    /// Reads a play file; transcript lines are skipped.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, String> {
        let (mut about, mut config, mut lines) = (String::new(), String::new(), Vec::new());
        let (mut part, mut config_line) = (0, 0);
        for (number, line) in (1..).zip(text.lines()) {
            match (part, line) {
                (0, CONFIG) => (part, config_line) = (1, number),
                (1, PLAY) => part = 2,
                (0, _) => writeln!(about, "{line}").unwrap(),
                (1, _) => writeln!(config, "{line}").unwrap(),
                _ => {
                    let Some(text) = line.strip_prefix("> ") else { continue };
                    let command = script::parse(text)
                        .map_err(|fault| format!("{file}:{number}: `{text}`: {fault}"))?;
                    lines.push(Line { number, text: text.to_owned(), command });
                }
            }
        }
        if part != 2 {
            return Err(format!("{file}: wants a line `{CONFIG}` and below it a line `{PLAY}`"));
        }
        if about.trim().is_empty() {
            return Err(format!("{file}:1: says what the play shows, in a line or two"));
        }
        let rests = lines.iter().filter(|line| line.command == Command::Rest).count();
        if rests != 1 || lines.last().is_none_or(|line| line.command != Command::Rest) {
            return Err(format!("{file}: a play ends with `> rest`, and has no other"));
        }
        Ok(Self { file: file.to_owned(), about, config, config_line, lines })
    }

    /// What each line of the script brings, and what must not be.
    pub(crate) fn perform(&self) -> Result<(Vec<Vec<String>>, Vec<String>), String> {
        stage::perform(self)
    }

    /// The file as it would be with this transcript: what each line of the script brought.
    fn written(&self, transcript: &[Vec<String>]) -> String {
        let mut text = format!("{}\n\n{CONFIG}\n", self.about.trim());
        writeln!(text, "{}\n{PLAY}", self.config.trim()).unwrap();
        for (line, brought) in self.lines.iter().zip(transcript) {
            writeln!(text, "> {}", line.text).unwrap();
            for one in brought {
                writeln!(text, "{one}").unwrap();
            }
        }
        text
    }
}

/// What differs, line by line, with two lines of what does not around it.
fn diff(old: &str, new: &str) -> String {
    const AROUND: usize = 2;
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let lines = edits(&old, &new);
    let near = |at: usize| {
        let from = at.saturating_sub(AROUND);
        lines.iter().skip(from).take(at + AROUND + 1 - from).any(|(sign, _)| *sign != ' ')
    };
    let mut text = String::new();
    for (at, (sign, line)) in lines.iter().enumerate() {
        if near(at) {
            writeln!(text, "{sign} {line}").unwrap();
        } else if at != 0 && near(at - 1) {
            text.push_str("  …\n");
        }
    }
    text
}

/// The shortest way from one text to the other, by their longest common lines.
fn edits<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(char, &'a str)> {
    let width = new.len() + 1;
    let mut common = vec![0u32; (old.len() + 1) * width];
    let at = |row: usize, column: usize| row * width + column;
    let get = |common: &[u32], row, column| common.get(at(row, column)).copied().unwrap_or(0);
    for (row, one) in old.iter().enumerate().rev() {
        for (column, other) in new.iter().enumerate().rev() {
            let best = if one == other {
                get(&common, row + 1, column + 1) + 1
            } else {
                get(&common, row + 1, column).max(get(&common, row, column + 1))
            };
            if let Some(place) = common.get_mut(at(row, column)) {
                *place = best;
            }
        }
    }
    let (mut row, mut column, mut edits) = (0, 0, Vec::new());
    loop {
        match (old.get(row), new.get(column)) {
            (Some(one), Some(other)) if one == other => {
                edits.push((' ', *one));
                (row, column) = (row + 1, column + 1);
            }
            (Some(one), other)
                if other.is_none()
                    || get(&common, row, column + 1) <= get(&common, row + 1, column) =>
            {
                edits.push(('-', *one));
                row += 1;
            }
            (_, Some(other)) => {
                edits.push(('+', *other));
                column += 1;
            }
            (_, None) => return edits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_with_what_stands_around_it() {
        let old = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n";
        let new = "1\n2\n3\n4\n5\n6\n7\n8\n9\nten\n";
        assert_eq!(diff(old, new), "  3\n  4\n- five\n+ 5\n  6\n  7\n  8\n  9\n+ ten\n");
    }
}
