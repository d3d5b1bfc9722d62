//! A real Redis for one test, on a free loopback port, without a file of its own.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]
#![expect(clippy::indexing_slicing, reason = "tests")]

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;

use super::wait::{STEP, until};

/// How often a port is tried that somebody else may take first.
const TRIES: u32 = 5;

/// A running server; it ends with this value.
pub(crate) struct Redis {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
    arguments: Vec<String>,
}

impl Redis {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more arguments, such as `--requirepass`.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        for _ in 0..TRIES {
            let mut redis = Self::spawn(arguments);
            if redis.answers() {
                return redis;
            }
        }
        panic!("redis-server does not start on any of {TRIES} ports");
    }

    fn spawn(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let arguments: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
        let child = launch(folder.path(), port, &arguments);
        Self { child, folder, port, arguments }
    }

    /// Starts it again where it was, empty.
    pub(crate) fn restart(&mut self) {
        self.stop();
        for _ in 0..TRIES {
            self.child = launch(self.folder.path(), self.port, &self.arguments);
            if self.answers() {
                return;
            }
        }
        panic!("redis-server does not start again on port {}", self.port);
    }

    /// Whether the server is up; `false` if it ended because the port was taken.
    fn answers(&mut self) -> bool {
        let port = self.port;
        let look = || {
            if self.child.try_wait().unwrap().is_some() {
                return Some(false);
            }
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
            sleep(STEP); // somebody else's server may have answered
            Some(self.child.try_wait().unwrap().is_none())
        };
        until(look, || format!("redis-server on port {port}"))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Sends one command with a client of its own and gives the first line of the answer, or the
    /// text itself where there is one; `nil` for nothing.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
        if let Some(place) = self.arguments.iter().position(|one| one == "--requirepass") {
            say(&stream, &["AUTH", &self.arguments[place + 1]]);
            assert_eq!(lines.next().unwrap(), "+OK");
        }
        say(&stream, words);
        let first = lines.next().unwrap();
        match first.strip_prefix('$') {
            Some("-1") => "nil".to_owned(),
            Some(_) => lines.next().unwrap(),
            None => first.trim_start_matches([':', '+', '*']).to_owned(),
        }
    }

    /// How long a list is.
    pub(crate) fn length(&self, list: &str) -> u32 {
        self.ask(&["LLEN", list]).parse().unwrap()
    }

    /// Stops answering without closing its connections.
    pub(crate) fn freeze(&self) {
        signal(self.child.id(), "STOP");
    }

    /// Answers again.
    pub(crate) fn thaw(&self) {
        signal(self.child.id(), "CONT");
    }

    /// Ends the server at once.
    pub(crate) fn stop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }
}

fn launch(folder: &Path, port: u16, arguments: &[String]) -> Child {
    let child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match child {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("install redis-server: the tests talk to a real one")
        }
        Err(error) => panic!("redis-server: {error}"),
    }
}

fn say(mut stream: &TcpStream, words: &[&str]) {
    write!(stream, "*{}\r\n", words.len()).unwrap();
    for word in words {
        write!(stream, "${}\r\n{word}\r\n", word.len()).unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sends a signal to one process by its id.
pub(crate) fn signal(process: u32, name: &str) {
    let kill = "kill -s \"$1\" \"$2\"";
    let status = Command::new("sh").args(["-c", kill, "kill", name, &process.to_string()]).status();
    assert!(status.unwrap().success(), "SIG{name} to {process}");
}
