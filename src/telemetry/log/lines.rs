//! Log lines on their way out: a bounded queue and a thread that writes. A full disk, a pipe whose
//! reader has died or one that nobody reads loses lines, which are counted; nobody waits for it.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use crate::model::text::printable;

/// Lines that may wait to be written.
const LINES_MAX: usize = 1024;
/// How long the end of the process waits for what is not yet written.
const LAST_LINES_WITHIN: Duration = Duration::from_secs(1);

/// Lines lost since the process began.
static LOST: AtomicU64 = AtomicU64::new(0);

/// How many lines were lost: the queue was full, or they could not be written.
pub fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

enum Message {
    Line(String),
    /// Everything before this is written.
    Flush(SyncSender<()>),
}

/// Where the log writes its lines.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    sender: SyncSender<Message>,
    in_colour: bool,
}

/// Waits for the last lines when it goes, but not for long.
#[derive(Debug)]
#[must_use = "the last lines are written when this goes"]
pub struct LastLines(SyncSender<Message>);

impl Lines {
    /// Starts the thread that writes to the standard error.
    pub(super) fn to_stderr(in_colour: bool) -> io::Result<(Self, LastLines)> {
        // A handle of its own: the lock of `std::io::stderr` would be held while a write blocks.
        let stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        let (sender, receiver) = sync_channel(LINES_MAX);
        let last = LastLines(sender.clone());
        let thread = std::thread::Builder::new().name("log".to_owned());
        thread.spawn(move || write_all(&receiver, stderr))?;
        Ok((Self { sender, in_colour }, last))
    }
}

fn write_all(lines: &Receiver<Message>, mut file: File) {
    let mut told = 0;
    for message in lines {
        match message {
            Message::Line(line) if file.write_all(line.as_bytes()).is_err() => lose(),
            Message::Line(_) => {
                let lost = lost();
                if told < lost {
                    let more = lost - told;
                    told = lost;
                    tracing::warn!("{more} lines of this log were lost: it could not be written");
                }
            }
            // Nobody waits any more if this fails.
            Message::Flush(done) => drop(done.try_send(())),
        }
    }
}

fn lose() {
    LOST.fetch_add(1, Ordering::Relaxed);
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Lines;

    fn make_writer(&'a self) -> &'a Lines {
        self
    }
}

/// One write is one line, as the subscriber does it.
impl Write for &Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = text.trim_end_matches('\n');
        let line = if self.in_colour { keep_colours(line) } else { printable(line) };
        if self.sender.try_send(Message::Line(format!("{line}\n"))).is_err() {
            lose();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LastLines {
    fn drop(&mut self) {
        let (done, written) = sync_channel(1);
        if self.0.try_send(Message::Flush(done)).is_ok() {
            written.recv_timeout(LAST_LINES_WITHIN).ok();
        }
    }
}

/// Made printable but for sequences that set a colour (`ESC [ digits m`).
fn keep_colours(line: &str) -> Cow<'_, str> {
    let mut parts = line.split('\u{1b}');
    let mut shown = printable(parts.next().unwrap_or("")).into_owned();
    for part in parts {
        let code = part.strip_prefix('[').and_then(|rest| rest.split_once('m'));
        let is_digits = |code: &str| code.bytes().all(|one| one.is_ascii_digit() || one == b';');
        match code {
            Some((code, rest)) if is_digits(code) => {
                shown.extend([format!("\u{1b}[{code}m{}", printable(rest))]);
            }
            _ => shown.push_str(&printable(&format!("\u{1b}{part}"))),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_and_everything_else_is_spelled_out() {
        let line = "\u{1b}[32m INFO\u{1b}[0m a\u{1b}]0;t\u{7} b\u{1b}[2J\nc";
        let shown = "\u{1b}[32m INFO\u{1b}[0m a\\u001b]0;t\\u0007 b\\u001b[2J\\nc";
        assert_eq!(keep_colours(line), shown);
    }
}
