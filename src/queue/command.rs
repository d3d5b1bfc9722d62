//! A program that prints the JSON document, and programs that drain.

use async_trait::async_trait;

use super::fault::{cut, masked};
use super::hooks;
use super::pointers::{self, Pointers, Unread};
use super::program::Runner;
use super::source::{Can, Capabilities, Claim, Source};
use super::web::answer_max;
use crate::defaults::queue::TIMEOUT;
use crate::model::{LookFailure, MachineRef, QueueReading, Refusal, Span, Time};
use crate::reader::Reader;

/// Longest quotation of the output, in characters.
const QUOTE_MAX: usize = 80;
/// The source.
struct Program {
    /// Program and arguments, run without a shell.
    command: Vec<String>,
    place: String,
    pointers: Pointers,
    /// Run to drain and to take the request back, with the same replacements as the URLs of the
    /// `http` source; exit 0 = asked.
    hooks: Option<[Vec<String>; 2]>,
    runner: Runner,
}

pub(super) fn open(_name: &str, settings: &mut Reader<'_>) -> Option<Box<dyn Source>> {
    let hook = |words: Vec<String>| (!words.is_empty()).then_some(words);
    let names = ["drain", "undrain"];
    let command = settings.texts("command");
    let pointers = Pointers::read(settings);
    let [drain, undrain] = names.map(|name| hook(settings.texts(name)));
    let hooks = hooks::pair(settings, drain, undrain, names);
    let given = settings.map_of_texts("env");
    let timeout = settings.span("timeout", TIMEOUT, Span::millis(100));
    let mut runner = Runner::new(given.iter().cloned().collect(), timeout, answer_max(settings));
    for (_, value) in &given {
        runner.keep_secret(value);
    }
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
    Some(Box::new(Program { command, place, pointers, hooks, runner }))
}

impl Program {
    async fn tell(
        &self,
        hook: Option<&Vec<String>>,
        machine: &MachineRef,
    ) -> Result<(), LookFailure> {
        let wrong = |problem: &str| self.runner.failure(Refusal::Config, &self.place, problem);
        let Some(hook) = hook else {
            return Err(wrong("this source cannot drain: give `drain` and `undrain`"));
        };
        let filled = hooks::fill(hook, machine, str::to_owned).map_err(|text| wrong(&text))?;
        for command in filled {
            self.runner.run(&command, Some(hooks::body(machine).to_string())).await?;
        }
        Ok(())
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
        let output = self.runner.run(&self.command, None).await?;
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
            self.runner.failure(Refusal::Config, &self.place, &problem)
        })
    }

    async fn drain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.tell(self.hooks.as_ref().map(|[drain, _]| drain), machine).await
    }

    async fn undrain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.tell(self.hooks.as_ref().map(|[_, undrain]| undrain), machine).await
    }
}
