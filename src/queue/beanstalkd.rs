//! beanstalkd: a small text protocol over TCP. It knows how many jobs wait and how many are reserved,
//! not by whom: it has no workers, and so no way to drain them.

use async_trait::async_trait;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::fault::{Secrets, cut, failure, masked};
use super::shaped::{self, Shaped, Words};
use super::source::{Can, Capabilities, Claim, Source};
use crate::defaults::queue::{BEANSTALKD_ADDRESS, TIMEOUT};
use crate::model::{Held, LookFailure, QueueReading, Refusal, Span, Time};
use crate::reader::Reader;

/// What the settings call the tubes.
const TUBES: Words = Words { many: "tubes", shaped: "shaped_tubes", one: "tube" };
/// Longest line, and longest statistics of a tube, in bytes; real ones are shorter than 1 KiB.
const LINE_MAX: u64 = 1024;
const STATS_MAX: u64 = 64 * 1024;
/// Longest quotation of an answer, in characters.
const QUOTE_MAX: usize = 60;

/// The source.
struct Beanstalkd {
    address: String,
    place: String,
    tubes: Vec<Shaped>,
    timeout: Span,
}

/// What a tube's statistics say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tube {
    ready: u64,
    reserved: u64,
    delayed: u64,
    buried: u64,
    /// Seconds until a paused tube gives jobs again.
    paused: u64,
}

#[expect(clippy::unnecessary_wraps, reason = "the signature all sources share")]
pub(super) fn open(name: &str, settings: &mut Reader<'_>) -> Option<Box<dyn Source>> {
    let address = settings.text("address", BEANSTALKD_ADDRESS);
    let tubes = shaped::read(settings, TUBES, name);
    let timeout = settings.span("timeout", TIMEOUT, Span::millis(100));
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port != 0);
    if !address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && is_port(port)) {
        settings.fault("address", format!("is \"{address}\": must be host:port"));
    }
    for (tube, _) in &tubes {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "-+/;.$_()".contains(letter);
        if 200 < tube.len() || tube.starts_with('-') || !tube.chars().all(fits) {
            let rule = "of at most 200 letters, digits and -+/;.$_(), not beginning with -";
            settings.fault("tubes", format!("has \"{tube}\": a tube's name is {rule}"));
        }
    }
    let place = format!("beanstalkd://{address}");
    Some(Box::new(Beanstalkd { address, place, tubes, timeout }))
}

#[async_trait]
impl Source for Beanstalkd {
    fn place(&self) -> &str {
        &self.place
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with(Can::Gpus, shaped::tell(&self.tubes))
    }

    fn claims(&self) -> Vec<Claim> {
        let server = self.place.replace("//localhost:", "//127.0.0.1:");
        self.tubes.iter().map(|(tube, _)| Claim::one(&server, tube, "tubes")).collect()
    }

    async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        match timeout(self.timeout.to_std(), self.tubes()).await {
            Ok(tubes) => Ok(reading(&self.tubes, &tubes?, asked_at)),
            Err(_) => Err(self.failure(Refusal::Other, "no answer within `timeout`")),
        }
    }
}

impl Beanstalkd {
    /// The statistics of all tubes, over one connection.
    async fn tubes(&self) -> Result<Vec<Tube>, LookFailure> {
        let stream = TcpStream::connect(&self.address).await.map_err(|error| {
            let problem = format!("cannot connect: {error}; is beanstalkd running there?");
            self.failure(Refusal::NotSent, &problem)
        })?;
        let mut stream = BufReader::new(stream);
        let mut tubes = Vec::new();
        for (tube, _) in &self.tubes {
            let answer = ask(&mut stream, &format!("stats-tube {tube}\r\n")).await;
            let answer = answer.map_err(|error| {
                self.failure(Refusal::Other, &format!("the answer was lost: {error}"))
            })?;
            tubes.push(understood(&answer).map_err(|problem| {
                let problem = format!("tube {tube}: {problem}; is it beanstalkd?");
                self.failure(Refusal::Config, &problem)
            })?);
        }
        Ok(tubes)
    }

    fn failure(&self, class: Refusal, problem: &str) -> LookFailure {
        failure(&Secrets::default(), class, &format!("{}: {problem}", self.place))
    }
}

/// An answer.
#[derive(Debug)]
struct Answer {
    line: String,
    /// What the line announces; empty where it announces nothing.
    data: String,
}

async fn ask(stream: &mut BufReader<TcpStream>, command: &str) -> std::io::Result<Answer> {
    stream.get_mut().write_all(command.as_bytes()).await?;
    let mut line = Vec::new();
    (&mut *stream).take(LINE_MAX).read_until(b'\n', &mut line).await?;
    let line = String::from_utf8_lossy(&line).trim_end().to_owned();
    let bytes = line.strip_prefix("OK ").and_then(|bytes| bytes.parse::<u64>().ok());
    let mut data = Vec::new();
    if let Some(bytes) = bytes.filter(|bytes| *bytes <= STATS_MAX) {
        (&mut *stream).take(bytes.saturating_add(2)).read_to_end(&mut data).await?;
    }
    Ok(Answer { line, data: String::from_utf8_lossy(&data).into_owned() })
}

/// A tube that is not there has no jobs: beanstalkd makes tubes when jobs are put, and drops them when
/// they are empty.
fn understood(Answer { line, data }: &Answer) -> Result<Tube, String> {
    if line == "NOT_FOUND" {
        return Ok(Tube::default());
    }
    let number = |name: &str| -> Result<u64, String> {
        let mut values =
            data.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let value = values.next().and_then(|value| value.trim().parse().ok());
        value.ok_or_else(|| {
            format!("answered \"{}\" without `{name}`", cut(&masked(line), QUOTE_MAX))
        })
    };
    Ok(Tube {
        ready: number("current-jobs-ready")?,
        reserved: number("current-jobs-reserved")?,
        delayed: number("current-jobs-delayed")?,
        buried: number("current-jobs-buried")?,
        paused: number("pause-time-left")?,
    })
}

/// Ready jobs of a paused tube are no demand.
fn reading(names: &[Shaped], tubes: &[Tube], asked_at: Time) -> QueueReading {
    let mut reading = QueueReading { asked_at, ..QueueReading::default() };
    for ((name, shape), tube) in names.iter().zip(tubes) {
        let ready = if tube.paused == 0 { tube.ready } else { 0 };
        reading.work.push(shaped::work(*shape, ready, Some(tube.reserved)));
        let held = [
            (tube.ready - ready, "the tube is paused"),
            (tube.delayed, "is delayed"),
            (tube.buried, "is buried: it failed, and waits for somebody to kick it"),
        ];
        for (tasks, why) in held.into_iter().filter(|(tasks, _)| *tasks != 0) {
            let tasks = u32::try_from(tasks).unwrap_or(u32::MAX);
            reading.held.push(Held { tasks, why: format!("{name}: {why}").into() });
        }
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::try_read;

    #[test]
    fn settings_that_cannot_work_are_refused_at_the_start() {
        for (text, key) in [
            ("address = \"here\"", "t.address"),
            ("address = \":11300\"", "t.address"),
            ("tubes = [\"a b\"]", "t.tubes"),
            ("tubes = [\"a\", \"a\"]", "t.tubes"),
        ] {
            let (_, faults) = try_read(text, |settings| open("render", settings));
            assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            assert_eq!(faults[0].key, key);
        }
    }

    #[test]
    fn an_answer_without_its_numbers_is_unknown() {
        let said = |line: &str, data: &str| {
            understood(&Answer { line: line.to_owned(), data: data.to_owned() })
        };
        assert_eq!(said("NOT_FOUND", ""), Ok(Tube::default()));
        for (line, data) in [
            ("", ""),
            ("OUT_OF_MEMORY", ""),
            ("OK 20", "current-jobs-ready: 3\n"),
            ("HTTP/1.1 400 Bad Request", ""),
        ] {
            assert!(said(line, data).unwrap_err().contains("without `current-jobs-"), "{line}");
        }
    }
}
