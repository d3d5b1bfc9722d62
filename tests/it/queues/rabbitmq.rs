//! `RabbitMQ`: the real server of Debian, with pika from `PyPI` as producer and worker. One server serves
//! all checks, for it takes its time to start.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use farmscale::model::{QueueReading, Refusal, WorkerState};

use super::contract::{self, Bench, settled};
use super::studio::{free_address, script, wait_for};
use super::{fault, queue, states};

/// The broker with its management plugin, and at most one worker.
struct RabbitMq {
    folder: tempfile::TempDir,
    epmd: Child,
    mapper: SocketAddr,
    amqp: SocketAddr,
    management: SocketAddr,
    broker: Option<Child>,
    worker: Option<Child>,
    /// Number of the queue that is used now.
    queue: u32,
}

impl RabbitMq {
    fn launch() -> Self {
        let (mapper, amqp, management) = (free_address(), free_address(), free_address());
        let epmd = Command::new("epmd")
            .args(["-address", "127.0.0.1", "-port", &mapper.port().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("install rabbitmq-server: the tests talk to a real one");
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "listeners.tcp.1 = {amqp}\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {}\n\
             default_user = farm\ndefault_pass = right-word\nloopback_users = none\n\
             collect_statistics_interval = 200\n",
            management.port()
        );
        std::fs::write(folder.path().join("rabbitmq.conf"), config).unwrap();
        std::fs::write(folder.path().join("plugins"), "[rabbitmq_management].\n").unwrap();
        let (broker, worker) = (None, None);
        let mut server = Self { folder, epmd, mapper, amqp, management, broker, worker, queue: 0 };
        server.restart();
        server
    }

    fn name(&self) -> String {
        format!("frames-{}", self.queue)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn python(&self, words: &[&str]) -> Command {
        let mut command = script("rabbitmq_studio");
        command.args([&self.amqp.port().to_string(), &self.name()]).args(words);
        command.current_dir(self.folder.path());
        command
    }

    fn end_worker(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            worker.kill().unwrap();
            worker.wait().unwrap();
        }
    }

    /// A queue of its own for the next check.
    fn fresh(&mut self) {
        self.end_worker();
        std::fs::remove_file(self.file("go")).ok();
        self.queue += 1;
        self.submit(0);
    }
}

impl Bench for Lease {
    fn start() -> Self {
        let shared = SHARED.lock().unwrap().take();
        let mut server = shared.unwrap_or_else(RabbitMq::launch);
        server.fresh();
        Self(Some(server))
    }

    fn section(&self) -> String {
        self.server().section()
    }

    fn submit(&mut self, tasks: u32) {
        self.server().submit(tasks);
    }

    fn work(&mut self, _busy: bool) {
        let server = self.0.as_mut().unwrap();
        server.worker = Some(server.python(&["work", "ins-1"]).spawn().unwrap());
    }

    fn stop(&mut self) {
        self.0.as_mut().unwrap().stop();
    }

    fn restart(&mut self) {
        self.0.as_mut().unwrap().restart();
    }

    fn freeze(&mut self, _: bool) -> bool {
        false
    }

    fn wrong_password(&self) -> Option<String> {
        Some(self.section().replace("right-word", "wrong-word"))
    }

    /// Its answers are a few hundred bytes for each queue and worker.
    fn flood(&mut self) -> bool {
        false
    }
}

impl RabbitMq {
    fn section(&self) -> String {
        let (address, queue) = (self.management, self.name());
        format!(
            "kind = \"rabbitmq\"\nurl = \"http://{address}\"\nuser = \"farm\"\n\
             password = \"right-word\"\nqueues = [\"{queue}\"]\ntimeout = \"1h\"\n"
        )
    }

    fn submit(&self, tasks: u32) {
        let status = self.python(&["submit", &tasks.to_string()]).status().unwrap();
        assert!(status.success(), "pip install pika (test.sh does)");
    }

    fn stop(&mut self) {
        self.end_worker();
        if let Some(mut broker) = self.broker.take() {
            // the broker is a child of its script: the group is of its own
            let group = format!("-{}", broker.id());
            let status =
                Command::new("sh").args(["-c", "kill -s KILL -- \"$1\"", "kill", &group]).status();
            assert!(status.unwrap().success() || std::thread::panicking());
            broker.wait().unwrap();
        }
    }

    fn restart(&mut self) {
        let broker = Command::new("/usr/lib/rabbitmq/bin/rabbitmq-server")
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", self.folder.path())
            .env("ERL_EPMD_PORT", self.mapper.port().to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODENAME", format!("farm-{}@localhost", self.amqp.port()))
            .env("RABBITMQ_DIST_PORT", free_address().port().to_string())
            .env("RABBITMQ_CONFIG_FILE", self.file("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", self.file("plugins"))
            .env("RABBITMQ_MNESIA_BASE", self.file("data"))
            .env("RABBITMQ_LOG_BASE", self.file("log"))
            .env("RABBITMQ_LOGS", self.file("log.txt"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        self.broker = Some(broker.unwrap());
        wait_for(self.amqp);
        wait_for(self.management);
    }
}

/// The one server, while no check has it.
static SHARED: Mutex<Option<RabbitMq>> = Mutex::new(None);

/// The server, for one check.
struct Lease(Option<RabbitMq>);

impl Lease {
    fn server(&self) -> &RabbitMq {
        self.0.as_ref().unwrap()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let server = self.0.take();
        if !std::thread::panicking() {
            *SHARED.lock().unwrap() = server;
        }
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        self.stop();
        self.epmd.kill().unwrap();
        self.epmd.wait().unwrap();
    }
}

#[tokio::test]
async fn rabbitmq_keeps_the_contract() {
    contract::counts_exactly::<Lease>().await;
    contract::ten_thousand_tasks_are_counted::<Lease>().await;
    contract::a_wrong_password_is_named_and_not_shown::<Lease>().await;
    contract::a_drain_is_acknowledged_and_taken_back::<Lease>().await;
    contract::a_machine_that_is_gone_can_be_forgotten::<Lease>().await;
    workers_are_where_their_connection_says().await;
    contract::a_server_that_is_gone_is_unknown_and_comes_back::<Lease>().await;
    drop(SHARED.lock().unwrap().take());
}

async fn workers_are_where_their_connection_says() {
    let mut lease = Lease::start();
    let queue = queue(&lease.section());
    lease.submit(1);
    lease.work(true);
    let busy = |seen: &QueueReading| seen.workers.as_ref().is_some_and(|all| !all.is_empty());
    let reading = settled(&queue, |seen| busy(seen) && seen.running() == 1).await;
    let (_, machine, _) = states(&reading)[0];
    assert_eq!(machine, "ins-1");
    std::fs::write(lease.server().file("go"), "").unwrap();
    let is_idle =
        |seen: &QueueReading| seen.running() == 0 && states(seen)[0].2 == WorkerState::Idle;
    settled(&queue, is_idle).await;
    let nobody = lease.section().replace(&lease.server().name(), "no-such-queue");
    let (class, detail) = fault(&super::queue(&nobody)).await;
    assert!(class == Refusal::Config && detail.contains("404"), "{class:?} {detail}");
}
