//! `studio.py`, a small queue of a studio's own, behind the `http` and the `command` source.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use crate::support::redis::signal;
use crate::support::wait::{NEVER, STEP};

/// Where Python is.
pub(super) fn python() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        let ask = ["-c", "import sys; print(sys.executable)"];
        let said = Command::new("python3").args(ask).output().expect("install python3");
        String::from_utf8(said.stdout).unwrap().trim().to_owned()
    })
}

/// Python with a script of this folder, and with what test.sh has put into target/tools.
pub(super) fn script(name: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (scripts, tools) = (root.join("tests/it/queues"), root.join("target/tools"));
    let known = std::env::var("PYTHONPATH").unwrap_or_default();
    let mut command = Command::new(python());
    command
        .env("PYTHONPATH", format!("{}:{}:{known}", scripts.display(), tools.display()))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["-m", name])
        .stdin(Stdio::null());
    command
}

/// The queue, as a folder with its state.
pub(super) struct Studio {
    folder: tempfile::TempDir,
}

impl Studio {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(super) fn script() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/queues/studio.py")
    }

    pub(super) fn state(&self) -> PathBuf {
        self.folder.path().join("state.json")
    }

    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(python());
        command.arg(Self::script()).arg(self.state()).args(words).stdin(Stdio::null());
        command
    }

    pub(super) fn tell(&self, words: &[&str]) {
        assert!(self.command(words).status().unwrap().success(), "studio.py {words:?}");
    }
}

/// Its server.
pub(super) struct Server {
    pub(super) studio: Studio,
    pub(super) address: SocketAddr,
    child: Option<Child>,
}

impl Server {
    pub(super) fn start() -> Self {
        let address = free_address();
        let mut server = Self { studio: Studio::new(), address, child: None };
        server.restart();
        server
    }

    pub(super) fn restart(&mut self) {
        self.stop();
        let port = self.address.port().to_string();
        let mut command = self.studio.command(&["serve", &port, "right-word"]);
        self.child = Some(command.spawn().unwrap());
        wait_for(self.address);
    }

    pub(super) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(super) fn freeze(&self, frozen: bool) {
        let child = self.child.as_ref().unwrap();
        signal(child.id(), if frozen { "STOP" } else { "CONT" });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A loopback address that nobody listens on.
pub(super) fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// Waits until a server listens.
pub(super) fn wait_for(address: SocketAddr) {
    let mut waited = Duration::ZERO;
    while TcpStream::connect(address).is_err() {
        assert!(waited < NEVER, "nothing listens on {address}");
        std::thread::sleep(STEP);
        waited += STEP;
    }
}

/// A certificate for 127.0.0.1, made by openssl: `cert.pem` and `key.pem` in a folder.
pub(super) fn certificate(folder: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=farm", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder)
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("install openssl").success());
}
