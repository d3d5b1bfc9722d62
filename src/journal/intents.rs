//! `intents.log`: a checked line for each commit that something was sent on, and for each name that
//! is about to be made, on disk before the request leaves. It outlives the store, so that after a loss
//! no name is made twice, and so that a database that has gone back is noticed.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::files;
use crate::model::{MachineName, Namer, Span, Time};

/// Names are kept so long.
const KEPT: Span = Span::days(30);
/// The log is made smaller when it has grown to this size.
const SIZE_MAX: u64 = 4 << 20;
/// Stands for a name on a line that has none.
const NO_NAME: &str = "-";

/// The log, open for appending.
#[derive(Debug)]
pub(super) struct Intents {
    path: PathBuf,
    file: File,
    size: u64,
}

/// What the log tells at a start.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The highest epoch a name was made in.
    pub(super) epoch: i64,
    /// The last commit that something was sent on.
    pub(super) sequence: u64,
    /// Whether it tells of any commit or name at all.
    pub(super) any: bool,
    /// What was lost of the log itself, and what was done about it.
    pub(super) loss: Option<String>,
}

/// One line, as it reads.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    at: Time,
    name: &'a str,
    /// 0 on lines of older versions.
    sequence: u64,
    text: &'a str,
}

impl Intents {
    /// Opens the log, drops what is old, and tells what it knows.
    pub(super) fn open(dir: &Path, farm: &str, now: Time) -> io::Result<(Self, Seen)> {
        let path = dir.join("intents.log");
        let bytes = files::read(&path)?.unwrap_or_default();
        let mut seen = Seen::default();
        let (lines, damaged) = lines(&bytes);
        if damaged != 0 {
            let aside = files::set_aside(&path, now)?;
            seen.loss = Some(format!(
                "{damaged} lines of {} do not read: names on them may be forgotten; the file was \
                 set aside as {}, and all that reads was kept",
                path.display(),
                aside.display()
            ));
        }
        let namer = Namer::new(farm);
        for line in &lines {
            seen.any = true;
            seen.sequence = seen.sequence.max(line.sequence);
            seen.epoch = seen.epoch.max(namer.parse(line.name).map_or(0, |parts| parts.epoch));
        }
        let size = rewrite(&path, &lines, now)?;
        Ok((Self { file: files::append(&path)?, path, size }, seen))
    }

    /// Writes down, for certain, that a commit was made, and the names that are made on it.
    pub(super) fn write(
        &mut self,
        names: &[MachineName],
        sequence: u64,
        now: Time,
    ) -> io::Result<()> {
        if SIZE_MAX < self.size {
            let bytes = files::read(&self.path)?.unwrap_or_default();
            self.size = rewrite(&self.path, &lines(&bytes).0, now)?;
            self.file = files::append(&self.path)?;
        }
        let mut text: String =
            names.iter().map(|name| line(now, name.as_str(), sequence)).collect();
        if names.is_empty() {
            text = line(now, NO_NAME, sequence);
        }
        self.size += u64::try_from(text.len()).unwrap_or(0);
        self.file.write_all(text.as_bytes())?;
        self.file.sync_data()
    }
}

/// The lines that read, and how many do not. The last one may be torn by a power cut: nothing was
/// sent on it.
fn lines(bytes: &[u8]) -> (Vec<Line<'_>>, usize) {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    let (whole, _torn) = bytes.split_at(end);
    let all = whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let (mut read, mut damaged) = (Vec::new(), 0);
    for line in all {
        match std::str::from_utf8(line).ok().and_then(parse) {
            Some(line) => read.push(line),
            None => damaged += 1,
        }
    }
    (read, damaged)
}

/// Writes anew what is still of use, if that is less than there is; its size.
fn rewrite(path: &Path, lines: &[Line<'_>], now: Time) -> io::Result<u64> {
    let from = now - KEPT;
    let last = lines.iter().map(|line| line.sequence).max().unwrap_or(0);
    let is_kept = |line: &&Line<'_>| {
        if line.name == NO_NAME { line.sequence == last } else { from <= line.at }
    };
    let kept: String =
        lines.iter().filter(is_kept).map(|line| format!("{}\n", line.text)).collect();
    let size = u64::try_from(kept.len()).unwrap_or(0);
    let there = files::read(path)?.map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(0));
    if size != there {
        files::replace(path, kept.as_bytes())?;
    }
    Ok(size)
}

fn line(now: Time, name: &str, sequence: u64) -> String {
    let body = format!("{} {name} {sequence}", now.seconds());
    format!("{body} {:08x}\n", crc32c::crc32c(body.as_bytes()))
}

fn parse(text: &str) -> Option<Line<'_>> {
    let (body, sum) = text.rsplit_once(' ')?;
    let sum = u32::from_str_radix(sum, 16).ok()?;
    let mut words = body.split(' ');
    let (at, name) = (words.next()?.parse().ok()?, words.next()?);
    let sequence = words.next().map_or(Ok(0), str::parse).ok()?;
    let is_whole = crc32c::crc32c(body.as_bytes()) == sum && words.next().is_none();
    is_whole.then_some(Line { at: Time::from_seconds(at), name, sequence, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_seconds(1_800_000_000);

    fn open(dir: &Path) -> (Intents, Seen) {
        Intents::open(dir, "farm", NOW).unwrap()
    }

    #[test]
    fn names_outlive_a_torn_line_and_old_ones_are_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let namer = Namer::new("farm");
        let (mut log, seen) = open(dir.path());
        assert_eq!(seen, Seen::default());
        log.write(&[namer.name("gpu", 5, 1)], 1, NOW - Span::days(31)).unwrap();
        log.write(&[namer.name("gpu", 7, 1)], 2, NOW).unwrap();
        log.write(&[], 3, NOW).unwrap();
        let path = dir.path().join("intents.log");
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("1800000000 farm-gpu-zzz");
        std::fs::write(&path, text).unwrap();
        let (_, seen) = open(dir.path());
        assert_eq!((seen.epoch, seen.sequence, seen.loss), (7, 3, None));
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    #[test]
    fn bytes_that_are_no_text_cost_their_line_and_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let namer = Namer::new("farm");
        let (mut log, _) = open(dir.path());
        for serial in 1..4 {
            log.write(&[namer.name("gpu", 7, serial)], serial, NOW).unwrap();
        }
        let path = dir.path().join("intents.log");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[20] = 0xff;
        std::fs::write(&path, bytes).unwrap();
        let (_, seen) = open(dir.path());
        let loss = seen.loss.unwrap();
        assert!(loss.contains("1 lines of") && loss.contains("intents.log"), "{loss}");
        assert_eq!((seen.epoch, seen.sequence), (7, 3));
        assert_eq!(open(dir.path()).1.loss, None, "told once");
        assert!(std::fs::read_dir(dir.path()).unwrap().count() == 2, "set aside, not deleted");
    }

    #[test]
    fn lines_of_the_version_before_are_read() {
        let body = "1800000000 farm-gpu-1-x";
        let text = format!("{body} {:08x}", crc32c::crc32c(body.as_bytes()));
        let line = parse(&text).unwrap();
        assert_eq!((line.name, line.sequence), ("farm-gpu-1-x", 0));
    }

    #[test]
    fn the_log_stays_small() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = open(dir.path());
        log.size = SIZE_MAX + 1;
        for sequence in 1..4 {
            log.write(&[], sequence, NOW).unwrap();
        }
        log.size = SIZE_MAX + 1;
        log.write(&[], 4, NOW).unwrap();
        assert!(log.size < 100);
        assert_eq!(open(dir.path()).1.sequence, 4);
    }
}
