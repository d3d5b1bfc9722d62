//! Programs as sources run them: a clean environment, one limit on time and one on size, and an end for
//! all that they start.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use super::fault::{Secrets, failure, masked};
use super::web::too_large;
use crate::model::{LookFailure, Refusal, Span};

/// How much of the end of the error output is kept, in bytes.
const TAIL_MAX: usize = 4096;
/// How long a killed program may take to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);
/// All the environment a program has besides what it is given. Nothing of ours: keys and tokens stand
/// there.
const ENVIRONMENT: [(&str, &str); 2] =
    [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("LANG", "C.UTF-8")];

/// How programs are run.
pub(super) struct Runner {
    environment: BTreeMap<String, String>,
    timeout: Span,
    answer_max: usize,
    secrets: Secrets,
}

/// What a program left behind.
struct Ended {
    status: ExitStatus,
    output: Vec<u8>,
    errors: Vec<u8>,
}

impl Runner {
    /// With these variables, within `timeout`, and with no more than `answer_max` bytes of output.
    pub(super) fn new(given: BTreeMap<String, String>, timeout: Span, answer_max: usize) -> Self {
        let base = ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut environment = BTreeMap::from(base);
        environment.extend(given);
        Self { environment, timeout, answer_max, secrets: Secrets::default() }
    }

    /// What must not be shown, whoever says it.
    pub(super) fn keep_secret(&mut self, secret: &str) {
        self.secrets.add(secret);
    }

    /// What the program prints, if it ends well and in time.
    pub(super) async fn run(
        &self,
        command: &[String],
        input: Option<String>,
    ) -> Result<Vec<u8>, LookFailure> {
        let program = command.first().map_or("", String::as_str);
        let mut child = self.start(command, input.is_some()).map_err(|error| {
            let problem = format!("cannot be run: {error}; check the path and its rights");
            self.failure(Refusal::NotSent, program, &problem)
        })?;
        let talk = self.talk(&mut child, input);
        let ended = timeout(self.timeout.to_std(), talk).await;
        let problem = match ended {
            Ok(Ok(Ended { status, output, .. })) if status.success() => return Ok(output),
            Ok(Ok(Ended { status, errors, .. })) => {
                let errors = String::from_utf8_lossy(&errors);
                let line = errors.lines().rev().find(|line| !line.trim().is_empty());
                let reason = line.map_or_else(|| "it wrote no reason to stderr".into(), masked);
                format!("ended with {status}: {reason}")
            }
            Ok(Err(error)) => {
                kill(&mut child).await;
                if error.kind() == ErrorKind::FileTooLarge {
                    return Err(self.failure(Refusal::Config, program, &error.to_string()));
                }
                error.to_string()
            }
            Err(_) => {
                kill(&mut child).await;
                format!("took longer than {} and was killed", seconds(self.timeout))
            }
        };
        Err(self.failure(Refusal::Other, program, &problem))
    }

    fn start(&self, command: &[String], with_input: bool) -> std::io::Result<Child> {
        let (program, arguments) = command.split_first().ok_or(ErrorKind::NotFound)?;
        Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .stdin(if with_input { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // a group of its own: what it starts is killed with it
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }

    async fn talk(&self, child: &mut Child, input: Option<String>) -> std::io::Result<Ended> {
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (stdin, stdout, stderr) = pipes;
        let whole = whole(stdout, self.answer_max);
        let ((), output, errors) = tokio::try_join!(feed(stdin, input), whole, tail(stderr))?;
        Ok(Ended { status: child.wait().await?, output, errors })
    }

    /// Names the program only: arguments may be secret.
    pub(super) fn failure(&self, class: Refusal, program: &str, problem: &str) -> LookFailure {
        failure(&self.secrets, class, &format!("{program}: {problem}"))
    }
}

fn seconds(span: Span) -> String {
    format!("{}.{}s", span.as_seconds(), span.0.rem_euclid(1000) / 100)
}

/// A program need not read what it is told.
async fn feed(stdin: Option<ChildStdin>, input: Option<String>) -> std::io::Result<()> {
    let (Some(mut stdin), Some(input)) = (stdin, input) else { return Ok(()) };
    match stdin.write_all(input.as_bytes()).await {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

async fn whole(
    stream: Option<impl AsyncRead + Unpin>,
    answer_max: usize,
) -> std::io::Result<Vec<u8>> {
    let mut output = Vec::new();
    let Some(stream) = stream else { return Ok(output) };
    let limit = u64::try_from(answer_max).unwrap_or(u64::MAX);
    stream.take(limit.saturating_add(1)).read_to_end(&mut output).await?;
    if answer_max < output.len() {
        return Err(std::io::Error::new(ErrorKind::FileTooLarge, too_large(answer_max)));
    }
    Ok(output)
}

/// Reads all, so that the program is never held up, and keeps the end.
async fn tail(stream: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut end = Vec::new();
    let Some(mut stream) = stream else { return Ok(end) };
    while stream.read_buf(&mut end).await? != 0 {
        if 2 * TAIL_MAX < end.len() {
            end.drain(..end.len() - TAIL_MAX);
        }
    }
    Ok(end)
}

/// Kills the program and all it started. The shell sends the signal to the group, because the
/// standard library cannot; the leader is not waited for before, so its number is still its own.
async fn kill(child: &mut Child) {
    if let Some(group) = child.id() {
        let killer = Command::new("/bin/sh")
            .args(["-c", "kill -s KILL -- \"-$1\"", "kill", &group.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .status();
        if !matches!(timeout(KILL_TIMEOUT, killer).await, Ok(Ok(status)) if status.success()) {
            tracing::warn!(group, "what a queue command started may still run");
        }
    }
    if !matches!(timeout(KILL_TIMEOUT, child.kill()).await, Ok(Ok(()))) {
        tracing::warn!("a queue command could not be killed");
    }
}
