//! `intents.log`: one checked line per create, on disk before the request leaves. It outlives the
//! store, so that after a loss no name is made twice.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::files;
use crate::model::{MachineName, Namer, Span, Time};

/// Older lines are dropped at the next start.
const KEPT: Span = Span::days(30);

/// The log, open for appending.
#[derive(Debug)]
pub(super) struct Intents {
    file: File,
}

impl Intents {
    /// Opens the log, drops what is old, and tells the highest epoch in it.
    pub(super) fn open(dir: &Path, farm: &str, now: Time) -> io::Result<(Self, i64)> {
        let path: PathBuf = dir.join("intents.log");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let namer = Namer::new(farm);
        let lines: Vec<(i64, &str, &str)> = text.lines().filter_map(read).collect();
        let epochs = lines.iter().filter_map(|(_, name, _)| namer.parse(name));
        let epoch_seen = epochs.map(|parts| parts.epoch).max().unwrap_or(0);
        let from = (now - KEPT).seconds();
        let kept: Vec<&str> =
            lines.iter().filter(|(at, ..)| from <= *at).map(|(.., line)| *line).collect();
        // A torn last line must not run into the next one either.
        if kept.len() != text.lines().count() || !(text.is_empty() || text.ends_with('\n')) {
            let kept: String = kept.iter().map(|line| format!("{line}\n")).collect();
            files::replace(&path, kept.as_bytes())?;
        }
        Ok((Self { file: files::append(&path)? }, epoch_seen))
    }

    /// Writes names down, for certain.
    pub(super) fn write(&mut self, names: &[MachineName], now: Time) -> io::Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let lines: String = names.iter().map(|name| line(now, name.as_str())).collect();
        self.file.write_all(lines.as_bytes())?;
        self.file.sync_data()
    }
}

fn line(now: Time, name: &str) -> String {
    let body = format!("{} {name}", now.seconds());
    format!("{body} {:08x}\n", crc32c::crc32c(body.as_bytes()))
}

fn read(line: &str) -> Option<(i64, &str, &str)> {
    let (body, sum) = line.rsplit_once(' ')?;
    let (at, name) = body.split_once(' ')?;
    let sum = u32::from_str_radix(sum, 16).ok()?;
    (crc32c::crc32c(body.as_bytes()) == sum).then_some((at.parse().ok()?, name, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_outlive_a_torn_line_and_old_ones_are_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let namer = Namer::new("farm");
        let now = Time::from_seconds(1_800_000_000);
        let (mut log, seen) = Intents::open(dir.path(), "farm", now).unwrap();
        assert_eq!(seen, 0);
        log.write(&[namer.name("gpu", 5, 1)], now - Span::days(31)).unwrap();
        log.write(&[namer.name("gpu", 7, 1)], now).unwrap();
        let path = dir.path().join("intents.log");
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("1800000000 farm-gpu-zzz");
        std::fs::write(&path, text).unwrap();
        let (_, seen) = Intents::open(dir.path(), "farm", now).unwrap();
        assert_eq!(seen, 7);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
    }
}
