//! The real `farmscale run`, as a process of its own.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use farmscale::policy::Policy;
use serde_json::Value;

use super::cloud::{KEY, SECRET};
use super::wait::{NEVER, until};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_farmscale");

/// A config, and a daemon that runs by it or not.
pub(crate) struct Daemon {
    pub(crate) folder: tempfile::TempDir,
    config: PathBuf,
    page: SocketAddr,
    speed: u32,
    child: Option<Child>,
}

/// One pool that buys one size in two zones.
pub(crate) fn config(cloud: SocketAddr, queue: &str, max: u32) -> String {
    format!(
        r#"farm = "test"
[cloud]
endpoint = "http://{cloud}/ecs/v1"
[limits]
max = {max}
[queues.render]
{queue}
[pools.gpu]
queue = "render"
max = {max}
delete_after = "5m"
image = "render-worker-Datacenter"
sizes = [{{ family = "专业渲染型rp3", cpu = 16, ram = 32, gpu_memory = 24 }}]
[pools.gpu.zones.CN_Suqian_B]
vpc = "7ab97a9a-8c0f-11ec-9b99-000000000001"
subnet = "2cee7596-bbbb-11ec-a287-000000000001"
[pools.gpu.zones.CN_Qingyang_A]
vpc = "7ab97a9a-8c0f-11ec-9b99-000000000003"
subnet = "2cee7596-bbbb-11ec-a287-000000000003"
"#
    )
}

impl Daemon {
    /// Writes the config; store and page are added to it.
    pub(crate) fn new(config: &str, speed: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let page = free_port();
        let store = folder.path().join("store").display().to_string();
        let text = format!("{config}\n[store]\ndir = \"{store}\"\n[page]\nlisten = \"{page}\"\n");
        let path = folder.path().join("farm.toml");
        std::fs::write(&path, text).unwrap();
        Self { folder, config: path, page, speed, child: None }
    }

    /// The store's folder.
    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub(crate) fn command(&self) -> Command {
        command(&self.config, self.speed)
    }

    /// The daemon after a line of shell, such as one that sets limits.
    pub(crate) fn under(&self, shell: &str) -> Command {
        let run = self.command();
        let mut command = Command::new("bash");
        command.args(["-c", &format!("{shell}; exec \"$@\""), "bash"]);
        command.arg(run.get_program()).args(run.get_args()).stdin(Stdio::null());
        command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    /// Where orders come in.
    pub(crate) fn socket(&self) -> String {
        self.folder.path().join("store/farmscale.sock").display().to_string()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.page)
    }

    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Looks and plans, and changes nothing.
    pub(crate) fn start_dry(&mut self) {
        let mut command = self.command();
        command.arg("--dry-run").stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap());
    }

    /// With more in the environment.
    pub(crate) fn start_with(&mut self, environment: &[(&str, &str)]) {
        let log = self.folder.path().join("log");
        let log = std::fs::OpenOptions::new().append(true).create(true).open(log).unwrap();
        let child = self
            .command()
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// After a line of shell, such as one that sets limits.
    pub(crate) fn start_under(&mut self, shell: &str) {
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let mut command = self.under(shell);
        self.child = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    /// With every line it can write on this instead of the file that `log` reads.
    pub(crate) fn start_logging_to(&mut self, log: Stdio) {
        let mut command = self.command();
        command.env("RUST_LOG", "trace").stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub(crate) fn read_config(&self) -> String {
        std::fs::read_to_string(&self.config).unwrap()
    }

    pub(crate) fn write_config(&self, text: &str) {
        std::fs::write(&self.config, text).unwrap();
    }

    /// Sends a signal, such as `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        super::redis::signal(self.child.as_ref().unwrap().id(), name);
    }

    /// Waits until the log says so.
    pub(crate) fn wait_for_log(&self, word: &str) {
        let said = || self.log().contains(word).then_some(());
        until(said, || format!("`{word}` in the log:\n{}", self.log()));
    }

    /// SIGKILL: no chance to say anything.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// The page's answer to a GET, as JSON; `None` while nothing answers.
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        let (head, body) = http(self.page, &format!("GET {path} HTTP/1.1"), "127.0.0.1", "")?;
        head.starts_with("HTTP/1.1 200").then(|| serde_json::from_str(&body).unwrap())
    }

    /// A raw request: status line and headers, body.
    pub(crate) fn http(&self, line: &str, host: &str, more: &str) -> (String, String) {
        http(self.page, &format!("{line} HTTP/1.1"), host, more).unwrap()
    }

    /// Waits until the status is as wished.
    pub(crate) fn wait_for(&mut self, what: &str, wish: impl Fn(&Value) -> bool) -> Value {
        let (log, page) = (self.folder.path().join("log"), self.page);
        let look = || {
            if let Some(status) = self.get("/api/v1/status").filter(&wish) {
                return Some(status);
            }
            if let Some(ended) = self.child.as_mut().and_then(|child| child.try_wait().unwrap()) {
                panic!("the daemon ended ({ended}) before {what}:\n{}", self.log());
            }
            None
        };
        until(look, || {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            let status = http(page, "GET /api/v1/status HTTP/1.1", "127.0.0.1", "");
            format!("{what}; {status:?}\n{log}")
        })
    }

    /// SIGTERM, and what the daemon says at its end.
    pub(crate) fn terminate(&mut self) -> bool {
        let Some(mut child) = self.child.take() else { return false };
        let pid = child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        child.wait().unwrap().success()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn command(config: &Path, speed: u32) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(["run", "--clock-speed", &speed.to_string(), "--config"])
        .arg(config)
        .env("FARMSCALE_ACCESS_KEY_ID", KEY)
        .env("FARMSCALE_ACCESS_KEY_SECRET", SECRET)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    command
}

/// The policy of the demo's own config.
pub(crate) fn demo_policy() -> Policy {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let folder = tempfile::tempdir().unwrap();
    policy_of(&farmscale::sim::demo::config(nowhere, nowhere, nowhere, folder.path()))
}

/// The policy of a config.
pub(crate) fn policy_of(text: &str) -> Policy {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("farm.toml");
    std::fs::write(&path, text).unwrap();
    let key = [("FARMSCALE_ACCESS_KEY_ID", KEY), ("FARMSCALE_ACCESS_KEY_SECRET", SECRET)];
    let environment = key.map(|(name, value)| (name.to_owned(), value.to_owned()));
    farmscale::config::load(&path, &environment.into()).unwrap().policy
}

/// Runs the program to its end.
pub(crate) fn farmscale(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let environment = environment.iter().copied();
    Command::new(PROGRAM).args(arguments).envs(environment).stdin(Stdio::null()).output().unwrap()
}

pub(crate) fn free_port() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// A raw request to any page: head and body; `None` if nothing answers.
pub(crate) fn http(
    page: SocketAddr,
    line: &str,
    host: &str,
    more: &str,
) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(page).ok()?;
    stream.set_read_timeout(Some(NEVER)).unwrap();
    let request = format!("{line}\r\nHost: {host}\r\nConnection: close\r\n{more}");
    let end = if more.contains("\r\n\r\n") { "" } else { "\r\n" };
    stream.write_all(format!("{request}{end}").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.to_owned(), body.to_owned()))
}
