//! A program that prints the JSON document, and programs that drain.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use super::fault::{Secrets, cut};
use super::http::ANSWER_MAX;
use super::{Abilities, CommandSettings, Pointers, QueueError, hooks, pointers};
use crate::model::{LookFailure, MachineRef, QueueReading, Refusal, Span, Time};

/// How much of the end of the error output is kept, in bytes.
const TAIL_MAX: usize = 4096;
/// Longest quotation of the output, in characters.
const QUOTE_MAX: usize = 80;
/// How long a killed program may take to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// The source.
pub(super) struct Program {
    command: Vec<String>,
    place: String,
    pointers: Pointers,
    hooks: Option<[Vec<String>; 2]>,
    timeout: Span,
    secrets: Secrets,
}

/// What a program left behind.
struct Ended {
    status: ExitStatus,
    output: Vec<u8>,
    errors: Vec<u8>,
}

impl Program {
    pub(super) fn open(settings: &CommandSettings) -> Result<Self, QueueError> {
        pointers::check(&settings.pointers)?;
        let hooks =
            hooks::pair(settings.drain.as_ref(), settings.undrain.as_ref(), ["drain", "undrain"])?;
        let commands = [("command", &settings.command)]
            .into_iter()
            .chain(["drain", "undrain"].into_iter().zip(hooks.iter().flatten()));
        for (setting, command) in commands {
            if command.first().is_none_or(String::is_empty) {
                let problem = "must be a list of a program and its arguments, as in \
                               `[\"/usr/local/bin/depth\", \"--json\"]`";
                return Err(QueueError::new(setting, problem));
            }
        }
        Ok(Self {
            command: settings.command.clone(),
            place: settings.command.first().cloned().unwrap_or_default(),
            pointers: settings.pointers.clone(),
            hooks,
            timeout: settings.timeout,
            secrets: Secrets::default(),
        })
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn abilities(&self) -> Abilities {
        Abilities { busy: !self.pointers.workers.is_empty(), drain: self.hooks.is_some() }
    }

    pub(super) async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        let output = self.run(&self.command, None).await?;
        let document: Result<Value, _> = serde_json::from_slice(&output);
        let reading = match document {
            Ok(document) => pointers::reading(&document, &self.pointers, asked_at),
            Err(_) if output.is_empty() => Err("printed nothing, not JSON".to_owned()),
            Err(error) => {
                let text = String::from_utf8_lossy(&output);
                Err(format!("printed no JSON ({error}): {}", cut(text.trim(), QUOTE_MAX)))
            }
        };
        reading.map_err(|problem| self.failure(Refusal::Config, &self.command, &problem))
    }

    pub(super) async fn drain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.tell(self.hooks.as_ref().map(|[drain, _]| drain), machine).await
    }

    pub(super) async fn undrain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.tell(self.hooks.as_ref().map(|[_, undrain]| undrain), machine).await
    }

    async fn tell(
        &self,
        hook: Option<&Vec<String>>,
        machine: &MachineRef,
    ) -> Result<(), LookFailure> {
        let wrong = |problem: &str| self.secrets.failure(Refusal::Config, problem);
        let Some(hook) = hook else {
            return Err(wrong("this source cannot drain: give `drain` and `undrain`"));
        };
        let filled = hooks::fill(hook, machine, str::to_owned).map_err(|text| wrong(&text))?;
        for command in filled {
            self.run(&command, Some(hooks::body(machine).to_string())).await?;
        }
        Ok(())
    }

    /// What the program prints, if it ends well and in time.
    async fn run(&self, command: &[String], input: Option<String>) -> Result<Vec<u8>, LookFailure> {
        let mut child = start(command, input.is_some()).map_err(|error| {
            let problem = format!("cannot be run: {error}; check the path and its rights");
            self.failure(Refusal::NotSent, command, &problem)
        })?;
        let ended = timeout(self.timeout.to_std(), talk(&mut child, input)).await;
        let problem = match ended {
            Ok(Ok(Ended { status, output, .. })) if status.success() => return Ok(output),
            Ok(Ok(Ended { status, errors, .. })) => {
                let errors = String::from_utf8_lossy(&errors);
                let line = errors.lines().rev().find(|line| !line.trim().is_empty());
                format!("ended with {status}: {}", line.unwrap_or("it wrote no reason to stderr"))
            }
            Ok(Err(error)) => {
                kill(&mut child).await;
                error.to_string()
            }
            Err(_) => {
                kill(&mut child).await;
                format!("took longer than {} and was killed", seconds(self.timeout))
            }
        };
        Err(self.failure(Refusal::Other, command, &problem))
    }

    /// Names the program only: arguments may be secret.
    fn failure(&self, class: Refusal, command: &[String], problem: &str) -> LookFailure {
        let program = command.first().map_or("", String::as_str);
        self.secrets.failure(class, &format!("{program}: {problem}"))
    }
}

fn seconds(span: Span) -> String {
    format!("{}.{}s", span.as_seconds(), span.0.rem_euclid(1000) / 100)
}

fn start(command: &[String], with_input: bool) -> std::io::Result<Child> {
    let (program, arguments) = command.split_first().ok_or(std::io::ErrorKind::NotFound)?;
    Command::new(program)
        .args(arguments)
        .stdin(if with_input { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // a group of its own: what it starts is killed with it
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

async fn talk(child: &mut Child, input: Option<String>) -> std::io::Result<Ended> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let ((), output, errors) = tokio::try_join!(feed(stdin, input), whole(stdout), tail(stderr))?;
    Ok(Ended { status: child.wait().await?, output, errors })
}

/// A program need not read what it is told.
async fn feed(stdin: Option<ChildStdin>, input: Option<String>) -> std::io::Result<()> {
    let (Some(mut stdin), Some(input)) = (stdin, input) else { return Ok(()) };
    match stdin.write_all(input.as_bytes()).await {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

async fn whole(stream: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut output = Vec::new();
    let Some(stream) = stream else { return Ok(output) };
    let limit = u64::try_from(ANSWER_MAX).unwrap_or(u64::MAX);
    stream.take(limit.saturating_add(1)).read_to_end(&mut output).await?;
    if ANSWER_MAX < output.len() {
        return Err(std::io::Error::other("printed more than 4 MiB and was killed"));
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
