//! beanstalkd: the real server of Debian.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use farmscale::queue::Can;

use super::contract::{Bench, contract};
use super::studio::{free_address, wait_for};
use super::{NOW, faults, queue};
use crate::support::redis::signal;

contract!(Beanstalkd);

/// The server, and the connection that has reserved a job.
struct Beanstalkd {
    address: SocketAddr,
    child: Option<Child>,
    worker: Option<Talk>,
}

/// A connection of a producer or worker.
struct Talk(BufReader<TcpStream>);

impl Talk {
    fn to(address: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).unwrap()))
    }

    /// Sends commands and gives the first line of the last answer.
    fn say(&mut self, commands: &str, answers: u32) -> String {
        self.0.get_mut().write_all(commands.as_bytes()).unwrap();
        let mut line = String::new();
        for _ in 0..answers {
            line.clear();
            self.0.read_line(&mut line).unwrap();
            if let Some(bytes) = line.strip_prefix("RESERVED ") {
                let bytes: usize = bytes.split_whitespace().nth(1).unwrap().parse().unwrap();
                self.0.read_exact(&mut vec![0; bytes + 2]).unwrap();
            }
        }
        line.trim_end().to_owned()
    }
}

impl Beanstalkd {
    fn talk(&self) -> Talk {
        Talk::to(self.address)
    }
}

impl Bench for Beanstalkd {
    fn start() -> Self {
        let mut server = Self { address: free_address(), child: None, worker: None };
        server.restart();
        server
    }

    fn section(&self) -> String {
        let address = self.address;
        format!(
            "kind = \"beanstalkd\"\naddress = \"{address}\"\ntubes = [\"frames\"]\n\
             timeout = \"20s\"\n"
        )
    }

    fn submit(&mut self, tasks: u32) {
        let put = "put 100 0 600 1\r\nx\r\n".repeat(usize::try_from(tasks).unwrap());
        let mut talk = self.talk();
        talk.say("use frames\r\n", 1);
        let last = talk.say(&put, tasks);
        assert!(last.starts_with("INSERTED "), "{last}");
    }

    fn work(&mut self, busy: bool) {
        let mut worker = self.talk();
        worker.say("watch frames\r\n", 1);
        if busy {
            assert!(worker.say("reserve\r\n", 1).starts_with("RESERVED"));
        }
        self.worker = Some(worker);
    }

    fn stop(&mut self) {
        self.worker = None;
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn restart(&mut self) {
        let child = Command::new("beanstalkd")
            .args(["-l", "127.0.0.1", "-p", &self.address.port().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.expect("install beanstalkd: the tests talk to a real one"));
        wait_for(self.address);
    }

    fn freeze(&mut self, frozen: bool) -> bool {
        let child = self.child.as_ref().unwrap();
        signal(child.id(), if frozen { "STOP" } else { "CONT" });
        true
    }

    /// It has none.
    fn wrong_password(&self) -> Option<String> {
        None
    }

    /// Statistics are of one size.
    fn flood(&mut self) -> bool {
        false
    }
}

impl Drop for Beanstalkd {
    fn drop(&mut self) {
        self.stop();
    }
}

#[tokio::test]
async fn beanstalkd_tells_work_that_is_no_demand_apart() {
    let mut server = Beanstalkd::start();
    let section = server.section();
    let shaped = "shaped_tubes = [{ tube = \"large\", gpus = 2, gpu_memory = 24 }]\n";
    let queue = queue(&format!("{section}{shaped}"));
    assert!(queue.capabilities().has(Can::Gpus));
    assert!(!queue.drains() && !queue.capabilities().has(Can::Busy), "it has no workers");
    server.submit(2);
    let mut talk = server.talk();
    talk.say("use large\r\n", 1);
    talk.say("put 1 600 60 1\r\nd\r\n", 1); // delayed by ten minutes
    talk.say("put 1 0 60 1\r\nr\r\n", 1);
    let mut worker = server.talk();
    worker.say("watch large\r\n", 1);
    let job = worker.say("reserve\r\n", 1);
    let number = job.split_whitespace().nth(1).unwrap().to_owned();
    let reading = queue.read(NOW).await.unwrap();
    let work: Vec<_> = reading.work.iter().map(|work| (work.queued, work.running)).collect();
    assert_eq!(work, [(2, Some(0)), (0, Some(1))]);
    assert_eq!(reading.workers, None, "nobody is known, which is not nobody");
    assert_eq!(worker.say(&format!("bury {number} 1\r\n"), 1), "BURIED");
    assert_eq!(talk.say("pause-tube frames 600\r\n", 1), "PAUSED");
    let reading = queue.read(NOW).await.unwrap();
    assert_eq!((reading.queued(), reading.running()), (0, 0));
    let held: Vec<_> = reading.held.iter().map(|held| (held.tasks, &*held.why)).collect();
    assert_eq!(held.len(), 3, "{held:?}");
    assert_eq!(held[0], (2, "frames: the tube is paused"));
    assert_eq!(held[1], (1, "large: is delayed"));
}

#[tokio::test]
async fn something_else_on_the_port_is_no_reading() {
    let http = super::studio::Server::start();
    let section = format!("kind = \"beanstalkd\"\naddress = \"{}\"\n", http.address);
    let (_, detail) = super::fault(&queue(&section)).await;
    assert!(detail.contains("is it beanstalkd?"), "{detail}");
    assert!(faults("kind = \"beanstalkd\"\naddress = \"here\"").contains("must be host:port"));
}
