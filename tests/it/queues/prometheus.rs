//! Prometheus: the real server of Debian, and an exporter of the test's own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use farmscale::model::Refusal;

use super::contract::{Bench, contract, settled};
use super::studio::{free_address, wait_for};
use super::{fault, queue};
use crate::support::redis::signal;
use crate::support::wait::until;

contract!(Prometheus);

/// What `htpasswd -B` makes of `right-word`.
const HASH: &str = "$2b$04$EeF1WertuH/SRMzVNEsiVeaY3xs04lbCKVDfIWFMEJeSEvlgWhOEW";

/// What the exporter tells.
#[derive(Default)]
struct Farm {
    waiting: u32,
    running: u32,
    /// More series of the same name.
    more: u32,
    is_down: bool,
    /// How often it was asked.
    scrapes: u32,
}

type Told = Arc<Mutex<Farm>>;

/// The server and its exporter.
struct Prometheus {
    address: SocketAddr,
    folder: tempfile::TempDir,
    told: Told,
    child: Option<Child>,
}

fn exporter(told: &Told) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, told) = (listener.local_addr().unwrap(), Arc::clone(told));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut request) = (stream.unwrap(), [0; 4096]);
            let mut farm = told.lock().unwrap();
            if farm.is_down || stream.read(&mut request).is_err() {
                continue;
            }
            farm.scrapes += 1;
            let series = |number| format!("render_waiting{{series=\"number-{number}\"}} 0\n");
            let more: String = (0..farm.more).map(series).collect();
            let (waiting, running) = (farm.waiting, farm.running);
            let body = format!("render_waiting {waiting}\nrender_running {running}\n{more}");
            let head = "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n";
            write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).ok();
        }
    });
    address
}

impl Bench for Prometheus {
    fn start() -> Self {
        let (folder, told) = (tempfile::tempdir().unwrap(), Told::default());
        let config = format!(
            "global: {{ scrape_interval: 1s }}\nscrape_configs:\n- job_name: farm\n  \
             static_configs: [{{ targets: ['{}'] }}]\n",
            exporter(&told)
        );
        std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        let users = format!("basic_auth_users: {{ farm: '{HASH}' }}\n");
        std::fs::write(folder.path().join("web.yml"), users).unwrap();
        let mut server = Self { address: free_address(), folder, told, child: None };
        server.restart();
        server
    }

    fn section(&self) -> String {
        let address = self.address;
        format!(
            "kind = \"prometheus\"\nurl = \"http://{address}\"\nuser = \"farm\"\n\
             password = \"right-word\"\nqueued = \"render_waiting\"\nrunning = \"render_running\"\n\
             timeout = \"1h\"\n"
        )
    }

    fn submit(&mut self, tasks: u32) {
        self.told.lock().unwrap().waiting += tasks;
    }

    fn work(&mut self, busy: bool) {
        let mut farm = self.told.lock().unwrap();
        farm.waiting -= u32::from(busy);
        farm.running += u32::from(busy);
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn restart(&mut self) {
        let folder = self.folder.path();
        let option = |name: &str, value: String| format!("--{name}={value}");
        let child = Command::new("prometheus")
            .arg(option("config.file", folder.join("prometheus.yml").display().to_string()))
            .arg(option("web.config.file", folder.join("web.yml").display().to_string()))
            .arg(option("storage.tsdb.path", folder.join("data").display().to_string()))
            .arg(option("web.listen-address", self.address.to_string()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.expect("install prometheus: the tests talk to a real one"));
        wait_for(self.address);
    }

    fn freeze(&mut self, frozen: bool) -> bool {
        signal(self.child.as_ref().unwrap().id(), if frozen { "STOP" } else { "CONT" });
        true
    }

    fn wrong_password(&self) -> Option<String> {
        Some(self.section().replace("right-word", "wrong-word"))
    }

    fn flood(&mut self) -> bool {
        let begun = {
            let mut farm = self.told.lock().unwrap();
            farm.more = 20_000;
            farm.scrapes
        };
        // the first is in the database when the second is asked for
        let is_told = || (begun + 2 <= self.told.lock().unwrap().scrapes).then_some(());
        until(is_told, || "prometheus scrapes".to_owned());
        true
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.stop();
    }
}

#[tokio::test]
async fn an_exporter_that_is_gone_is_unknown() {
    let server = Prometheus::start();
    let queue = queue(&server.section());
    settled(&queue, |_| true).await;
    server.told.lock().unwrap().is_down = true;
    let mut said = queue.read(super::NOW).await;
    while said.is_ok() {
        tokio::time::sleep(crate::support::wait::STEP).await;
        said = queue.read(super::NOW).await;
    }
    let failure = said.unwrap_err();
    assert!(failure.detail.contains("unknown and not zero"), "{}", failure.detail);
}

#[tokio::test]
async fn a_query_that_cannot_be_answered_is_named() {
    let server = Prometheus::start();
    let ask = |query: &str| {
        let section = server.section().replace("\"render_waiting\"", &format!("{query:?}"));
        async move { fault(&queue(&section)).await }
    };
    settled(&queue(&server.section()), |_| true).await;
    let (class, detail) = ask("sum(").await;
    assert!(detail.contains("400"), "{class:?} {detail}");
    let (class, detail) = ask("up / 0 * 0").await;
    assert!(class == Refusal::Config && detail.contains("NaN"), "{class:?} {detail}");
    let (class, detail) = ask("vector(-1)").await;
    assert!(class == Refusal::Config && detail.contains("is -1"), "{class:?} {detail}");
}
