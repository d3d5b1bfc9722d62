//! NATS: the real server of Debian, spoken to in its own words.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use farmscale::model::Refusal;
use farmscale::queue::Can;
use serde_json::{Value, json};

use super::contract::{Bench, contract, settled};
use super::studio::{free_address, wait_for};
use super::{fault, queue};
use crate::support::redis::signal;

contract!(Nats);

/// The server with its monitoring page, and what is stored.
struct Nats {
    address: SocketAddr,
    monitor: SocketAddr,
    folder: tempfile::TempDir,
    child: Option<Child>,
}

/// A client: `$JS.API` answers to the subject `in`.
struct Talk(BufReader<TcpStream>);

impl Talk {
    fn to(address: SocketAddr) -> Self {
        let mut talk = Self(BufReader::new(TcpStream::connect(address).unwrap()));
        talk.say("CONNECT {\"verbose\":false,\"headers\":true}\r\nSUB in 1\r\n");
        talk
    }

    fn say(&mut self, words: &str) {
        self.0.get_mut().write_all(words.as_bytes()).unwrap();
    }

    /// Sends a request and gives the payload of its answer.
    fn ask(&mut self, subject: &str, body: &Value) -> String {
        let body = body.to_string();
        self.say(&format!("PUB $JS.API.{subject} in {}\r\n{body}\r\n", body.len()));
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "it hung up: {subject}");
            if !line.starts_with("MSG ") && !line.starts_with("HMSG ") {
                continue;
            }
            let bytes: usize = line.split_whitespace().last().unwrap().parse().unwrap();
            let mut payload = vec![0; bytes + 2];
            self.0.read_exact(&mut payload).unwrap();
            return String::from_utf8(payload).unwrap();
        }
    }

    fn add_consumer(&mut self, name: &str) {
        let config = json!({"durable_name": name, "ack_policy": "explicit",
                            "ack_wait": 3_600_000_000_000_u64});
        let subject = format!("CONSUMER.DURABLE.CREATE.frames.{name}");
        let told = self.ask(&subject, &json!({"stream_name": "frames", "config": config}));
        assert!(!told.contains("\"error\""), "{told}");
    }
}

impl Nats {
    fn talk(&self) -> Talk {
        Talk::to(self.address)
    }
}

impl Bench for Nats {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [address, monitor] = [free_address(), free_address()];
        let mut server = Self { address, monitor, folder, child: None };
        server.restart();
        let mut talk = server.talk();
        let stream = json!({"name": "frames", "subjects": ["frames"], "storage": "file"});
        let told = talk.ask("STREAM.CREATE.frames", &stream);
        assert!(!told.contains("\"error\""), "{told}");
        talk.add_consumer("workers");
        server
    }

    fn section(&self) -> String {
        format!(
            "kind = \"nats\"\nurl = \"http://{}\"\nconsumers = [\"frames/workers\"]\n\
             timeout = \"1h\"\n",
            self.monitor
        )
    }

    fn submit(&mut self, tasks: u32) {
        let mut talk = self.talk();
        talk.say(&"PUB frames 1\r\nx\r\n".repeat(usize::try_from(tasks).unwrap()));
        // answered after all that came before
        let told = talk.ask("STREAM.INFO.frames", &json!({}));
        assert!(told.contains("\"state\""), "{told}");
    }

    fn work(&mut self, busy: bool) {
        if busy {
            let told = self.talk().ask("CONSUMER.MSG.NEXT.frames.workers", &json!({"batch": 1}));
            assert_eq!(told, "x\r\n");
        }
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn restart(&mut self) {
        let port = |address: SocketAddr| address.port().to_string();
        let child = Command::new("nats-server")
            .args(["-a", "127.0.0.1", "-p", &port(self.address), "-m", &port(self.monitor)])
            .args(["-js", "-sd"])
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.expect("install nats-server: the tests talk to a real one"));
        wait_for(self.monitor);
        wait_for(self.address);
    }

    fn freeze(&mut self, frozen: bool) -> bool {
        signal(self.child.as_ref().unwrap().id(), if frozen { "STOP" } else { "CONT" });
        true
    }

    /// The page asks for none.
    fn wrong_password(&self) -> Option<String> {
        None
    }

    fn flood(&mut self) -> bool {
        let mut talk = self.talk();
        for number in 0..3_000 {
            talk.add_consumer(&format!("w{number}"));
        }
        true
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.stop();
    }
}

#[tokio::test]
async fn a_stream_or_consumer_that_is_not_there_is_named() {
    let server = Nats::start();
    let section = server.section();
    settled(&queue(&section), |_| true).await;
    for (name, said) in [("frmes/workers", "no stream frmes"), ("frames/x", "no consumer x")] {
        let (class, detail) = fault(&queue(&section.replace("frames/workers", name))).await;
        assert!(class == Refusal::Config && detail.contains(said), "{class:?} {detail}");
    }
    let (_, detail) = fault(&queue(&format!("account = \"FARM\"\n{section}"))).await;
    assert!(detail.contains("account FARM has no stream"), "another account's numbers: {detail}");
    let client_port = section.replace(&server.monitor.to_string(), &server.address.to_string());
    let (_, detail) = fault(&queue(&client_port)).await;
    assert!(!detail.is_empty(), "the port of clients is no page");
    assert!(!queue(&section).capabilities().has(Can::Busy), "it has no workers");
}
