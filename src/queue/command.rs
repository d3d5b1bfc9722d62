//! A program that prints the JSON document, and programs that drain.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use super::fault::{Secrets, cut, failure, masked};
use super::hooks;
use super::pointers::{self, Pointers, Unread};
use super::source::{Can, Capabilities, Claim, Source};
use super::web::{answer_max, too_large};
use crate::model::{LookFailure, MachineRef, QueueReading, Refusal, Span, Time};
use crate::reader::Reader;

/// How much of the end of the error output is kept, in bytes.
const TAIL_MAX: usize = 4096;
/// Longest quotation of the output, in characters.
const QUOTE_MAX: usize = 80;
/// How long a killed program may take to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// All the environment a program has besides `env`. Nothing of ours: keys and tokens stand there.
const ENVIRONMENT: [(&str, &str); 2] =
    [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("LANG", "C.UTF-8")];

/// The source.
struct Program {
    /// Program and arguments, run without a shell.
    command: Vec<String>,
    place: String,
    pointers: Pointers,
    /// Run to drain and to take the request back, with the same replacements as the URLs of the
    /// `http` source; exit 0 = asked.
    hooks: Option<[Vec<String>; 2]>,
    environment: BTreeMap<String, String>,
    timeout: Span,
    answer_max: usize,
    secrets: Secrets,
}

pub(super) fn open(_name: &str, settings: &mut Reader<'_>) -> Option<Box<dyn Source>> {
    let hook = |words: Vec<String>| (!words.is_empty()).then_some(words);
    let names = ["drain", "undrain"];
    let command = settings.texts("command");
    let pointers = Pointers::read(settings);
    let [drain, undrain] = names.map(|name| hook(settings.texts(name)));
    let hooks = hooks::pair(settings, drain, undrain, names);
    let (environment, secrets) = environment(settings);
    let timeout = settings.span("timeout", Span::seconds(10), Span::millis(100));
    let answer_max = answer_max(settings);
    let commands = [("command", &command)];
    let commands = commands.into_iter().chain(names.into_iter().zip(hooks.iter().flatten()));
    for (name, command) in commands {
        if command.first().is_none_or(String::is_empty) {
            let remedy = "must be a list of a program and its arguments, as in \
                          [\"/usr/local/bin/depth\", \"--json\"]";
            settings.fault(name, remedy);
        }
    }
    let place = command.first()?.clone();
    Some(Box::new(Program {
        command,
        place,
        pointers,
        hooks,
        environment,
        timeout,
        answer_max,
        secrets,
    }))
}

/// What the program is given, with what `[queues.NAME.env]` says over it.
fn environment(settings: &mut Reader<'_>) -> (BTreeMap<String, String>, Secrets) {
    let base = ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (mut environment, mut secrets) = (BTreeMap::from(base), Secrets::default());
    for (name, value) in settings.map_of_texts("env") {
        secrets.add(&value);
        environment.insert(name, value);
    }
    (environment, secrets)
}

/// What a program left behind.
struct Ended {
    status: ExitStatus,
    output: Vec<u8>,
    errors: Vec<u8>,
}

impl Program {
    async fn tell(
        &self,
        hook: Option<&Vec<String>>,
        machine: &MachineRef,
    ) -> Result<(), LookFailure> {
        let wrong = |problem: &str| failure(&self.secrets, Refusal::Config, problem);
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
        let mut child = self.start(command, input.is_some()).map_err(|error| {
            let problem = format!("cannot be run: {error}; check the path and its rights");
            self.failure(Refusal::NotSent, command, &problem)
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
                    return Err(self.failure(Refusal::Config, command, &error.to_string()));
                }
                error.to_string()
            }
            Err(_) => {
                kill(&mut child).await;
                format!("took longer than {} and was killed", seconds(self.timeout))
            }
        };
        Err(self.failure(Refusal::Other, command, &problem))
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
    fn failure(&self, class: Refusal, command: &[String], problem: &str) -> LookFailure {
        let program = command.first().map_or("", String::as_str);
        failure(&self.secrets, class, &format!("{program}: {problem}"))
    }
}

#[async_trait]
impl Source for Program {
    fn place(&self) -> &str {
        &self.place
    }

    fn capabilities(&self) -> Capabilities {
        self.pointers.capabilities().with(Can::Drain, self.hooks.is_some())
    }

    /// The same program with the same arguments, of which only a number is shown.
    fn claims(&self) -> Vec<Claim> {
        let name = format!("{} {}", self.pointers.queued, self.pointers.tasks);
        let server = format!("{}#{:x}", self.place, super::tasks::number(&self.command));
        vec![Claim::one(&server, &name, "command")]
    }

    async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        let output = self.run(&self.command, None).await?;
        let reading = pointers::reading(&output, &self.pointers, asked_at);
        reading.map_err(|unread| {
            let problem = match unread {
                Unread::NoJson(_) if output.is_empty() => "printed nothing, not JSON".to_owned(),
                Unread::NoJson(error) => {
                    let text = masked(&String::from_utf8_lossy(&output));
                    format!("printed no JSON ({error}): {}", cut(&text, QUOTE_MAX))
                }
                Unread::Wrong(problem) => problem,
            };
            self.failure(Refusal::Config, &self.command, &problem)
        })
    }

    async fn drain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.tell(self.hooks.as_ref().map(|[drain, _]| drain), machine).await
    }

    async fn undrain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.tell(self.hooks.as_ref().map(|[_, undrain]| undrain), machine).await
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
