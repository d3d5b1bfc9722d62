//! What a watchdog looks at: the lease over HTTP, and programs that know whether the machine works.

use std::process::Stdio;
use std::str::FromStr;
use std::sync::Once;
use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, StatusCode, Url};
use tokio::process::Command;
use tokio::time::timeout;

use super::decision::{Lease, Seen};
use crate::model::Span;
use crate::net::{self, NetError, Options, Proxy};

/// How long a lease or a program may take to answer, in real time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// A lease is a line of text.
const ANSWER_MAX: usize = 16 << 10;
/// A GPU busier than this, in percent, is at work; the daemon draws the same line.
const GPU_IDLE_PERCENT: u32 = 5;

/// A program and its arguments, written as one text: cut at white space, `"…"` keeps it together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    text: String,
    program: String,
    arguments: Vec<String>,
}

impl FromStr for Line {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words: Vec<String> = Vec::new();
        let (mut is_quoted, mut goes_on) = (false, false);
        for letter in text.chars() {
            match letter {
                '"' => is_quoted = !is_quoted,
                gap if gap.is_whitespace() && !is_quoted => {
                    goes_on = false;
                    continue;
                }
                _ => {}
            }
            if !goes_on {
                words.push(String::new());
                goes_on = true;
            }
            if let Some(word) = words.last_mut().filter(|_| letter != '"') {
                word.push(letter);
            }
        }
        if is_quoted {
            return Err("a \" is not closed".to_owned());
        }
        let mut words = words.into_iter();
        let program = words.next().filter(|program| !program.is_empty());
        let program = program.ok_or("a program and its arguments, such as `pgrep -x blender`")?;
        Ok(Self { text: text.to_owned(), program, arguments: words.collect() })
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Line {
    /// The program, to be started without a shell; it ends when nobody waits for it any more.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// Looks.
#[derive(Debug)]
pub(super) struct Looker {
    client: Client,
    lease: Url,
    busy: Option<Line>,
    gpu: bool,
    complaint: Once,
}

impl Looker {
    /// One that asks for this lease, and of these for work on the machine.
    pub(super) fn new(lease: Url, busy: Option<Line>, gpu: bool) -> anyhow::Result<Self> {
        let within = Options::within(Span::from_std(ANSWER_TIMEOUT));
        let client = net::client(Options { proxy: Proxy::Never, ..within })
            .context("cannot prepare connections to the control host")?;
        Ok(Self { client, lease, busy, gpu, complaint: Once::new() })
    }

    /// Asks for the lease.
    pub(super) async fn lease(&self) -> Seen {
        self.asked().await.map_or_else(Seen::Nothing, Seen::Lease)
    }

    async fn asked(&self) -> Result<Lease, String> {
        let request = self.client.get(self.lease.clone());
        let answer = net::send(request, ANSWER_MAX).await.map_err(|error| match error {
            NetError::TooLarge(_) => {
                "answered more than a lease: is it the address of a daemon?".to_owned()
            }
            other @ (NetError::NotConnected(_) | NetError::TimedOut | NetError::Broken(_)) => {
                other.to_string()
            }
        })?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::SERVICE_UNAVAILABLE => {
                return Err("answered 503: the daemon does not turn".to_owned());
            }
            StatusCode::FORBIDDEN => {
                return Err("answered 403: name the host of --lease in page.hosts".to_owned());
            }
            StatusCode::NOT_FOUND => {
                return Err("answered 404: --lease is to end in /lease".to_owned());
            }
            other => return Err(format!("answered {other}")),
        }
        serde_json::from_slice(&answer.body).map_err(|error| format!("answered no lease ({error})"))
    }

    /// What is at work on the machine, if anything is. A program that cannot tell counts as work:
    /// a machine too many costs less than a lost frame.
    pub(super) async fn busy(&self) -> Option<String> {
        let (program, gpu) = tokio::join!(self.program(), self.gpu());
        program.or(gpu)
    }

    async fn program(&self) -> Option<String> {
        let line = self.busy.as_ref()?;
        let ended = line.command().stdout(Stdio::null()).stderr(Stdio::null()).status();
        let cannot_tell = |what: &str| {
            let why = format!("`{line}` cannot tell ({what}): taken for busy");
            self.complaint.call_once(|| tracing::warn!("{why}"));
            Some(why)
        };
        match timeout(ANSWER_TIMEOUT, ended).await {
            Ok(Ok(status)) => match status.code() {
                Some(0) => Some(format!("`{line}` says so")),
                Some(_) => None,
                None => cannot_tell(&status.to_string()),
            },
            Ok(Err(error)) => cannot_tell(&error.to_string()),
            Err(_) => cannot_tell("no answer for 10 seconds"),
        }
    }

    /// No `nvidia-smi`, or no word from it, proves nothing.
    async fn gpu(&self) -> Option<String> {
        if !self.gpu {
            return None;
        }
        let mut command = Command::new("nvidia-smi");
        command
            .args(["--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"])
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = timeout(ANSWER_TIMEOUT, command.output()).await.ok()?.ok()?;
        let busiest = busiest(&String::from_utf8_lossy(&output.stdout))?;
        (GPU_IDLE_PERCENT < busiest).then(|| format!("a GPU is used at {busiest} %"))
    }
}

/// One line a GPU; `[N/A]` where it is not known.
fn busiest(text: &str) -> Option<u32> {
    text.lines().filter_map(|line| line.trim().parse().ok()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_white_space_and_quotes_keep_it_together() {
        let line: Line = r#" "C:\Program Files\is busy.exe" -a  "" x"y z" "#.parse().unwrap();
        assert_eq!(line.program, r"C:\Program Files\is busy.exe");
        assert_eq!(line.arguments, ["-a", "", "xy z"]);
        for wrong in ["", "  ", "\"\"", "pgrep \"x"] {
            assert!(wrong.parse::<Line>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_busiest_gpu_counts_and_an_unknown_one_does_not() {
        assert_eq!(busiest("0\n 97\n[N/A]\n"), Some(97));
        assert_eq!(busiest("[N/A]\n"), None);
    }
}
