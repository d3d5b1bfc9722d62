//! `history.jsonl`: every event, one JSON object a line, for people. Nothing is decided on it.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::files;
use crate::model::Event;

/// A file is put aside when it is this large…
const FILE_MAX: u64 = 16 << 20;
/// …and so many are kept.
const FILES_MAX: u32 = 4;

/// The history, open for appending.
#[derive(Debug)]
pub(super) struct History {
    dir: PathBuf,
    file: File,
    size: u64,
    /// It could not be written the last time.
    failing: bool,
}

impl History {
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        let file = files::append(&name(dir, 0))?;
        let size = file.metadata()?.len();
        let mut history = Self { dir: dir.to_owned(), file, size, failing: false };
        if size != 0 {
            history.put("\n")?; // a torn last line ends here; empty lines are skipped
        }
        Ok(history)
    }

    /// Writes events down. Nothing is decided on the history: that it cannot be written is told once
    /// and ends nothing.
    pub(super) fn write(&mut self, events: &[Event]) {
        match self.try_to_write(events) {
            Ok(()) => self.failing = false,
            Err(error) if !self.failing => {
                self.failing = true;
                tracing::error!(
                    %error,
                    "history.jsonl cannot be written: events are not kept for people"
                );
            }
            Err(_) => {}
        }
    }

    fn try_to_write(&mut self, events: &[Event]) -> io::Result<()> {
        let mut lines = String::new();
        for event in events {
            lines.push_str(&serde_json::to_string(event).map_err(io::Error::other)?);
            lines.push('\n');
        }
        self.put(&lines)?;
        if FILE_MAX < self.size { self.rotate() } else { Ok(()) }
    }

    fn put(&mut self, text: &str) -> io::Result<()> {
        self.size += u64::try_from(text.len()).unwrap_or(0);
        self.file.write_all(text.as_bytes())
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (0..FILES_MAX - 1).rev() {
            let from = name(&self.dir, number);
            if from.exists() {
                std::fs::rename(from, name(&self.dir, number + 1))?;
            }
        }
        self.file = files::append(&name(&self.dir, 0))?;
        self.size = 0;
        Ok(())
    }
}

fn name(dir: &Path, number: u32) -> PathBuf {
    match number {
        0 => dir.join("history.jsonl"),
        _ => dir.join(format!("history.{number}.jsonl")),
    }
}

/// The last `limit` events of a store's history, oldest first; lines that do not read are skipped.
pub fn read(dir: &Path, limit: usize) -> io::Result<Vec<Event>> {
    let mut events: Vec<Event> = Vec::new();
    for number in 0..FILES_MAX {
        let Some(bytes) = files::read(&name(dir, number))? else { break };
        let text = String::from_utf8_lossy(&bytes);
        let newest_first = text.lines().rev().filter_map(|line| serde_json::from_str(line).ok());
        events.extend(newest_first.take(limit.saturating_sub(events.len())));
        if limit <= events.len() {
            break;
        }
    }
    events.reverse();
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;
    use crate::model::event::FarmEvent;

    #[test]
    fn a_torn_line_costs_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let started = |epoch| FarmEvent::DaemonStarted { epoch, salt: 0 }.into();
        let event = |epoch| Event { at: Time::from_seconds(1), kind: started(epoch) };
        History::open(dir.path()).unwrap().write(&[event(1)]);
        let mut file = files::append(&name(dir.path(), 0)).unwrap();
        file.write_all(b"{\"at\":1,\"ki").unwrap();
        History::open(dir.path()).unwrap().write(&[event(2), event(3)]);
        assert_eq!(read(dir.path(), 10).unwrap(), [event(1), event(2), event(3)]);
        assert_eq!(read(dir.path(), 2).unwrap(), [event(2), event(3)]);
    }
}
