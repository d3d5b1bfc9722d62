//! Whoever calls the page, however many and however slowly: the farm goes on.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use farmscale::clock::Clock;
use farmscale::sim::http::Mischief;
use farmscale::sim::provider::Dials;
use serde_json::Value;

use super::sample::{farm, options, serve};
use super::side_channels::WORK;
use crate::support::cloud::Cloud;
use crate::support::daemon::{Daemon, config};

/// Many more than the daemon may open files.
const IDLE: usize = 400;

#[test]
fn hundreds_of_idle_connections_take_nothing_from_the_farm() {
    let cloud = Cloud::start(Clock::scaled(60), Dials::kind(), Mischief::none());
    let mut daemon = Daemon::new(&config(cloud.address, WORK, 2), 60);
    daemon.start_under("ulimit -n 160");
    let page: SocketAddr = daemon.url().trim_start_matches("http://").parse().unwrap();
    daemon.wait_for("an answer", |_| true);
    let idle: Vec<TcpStream> = (0..IDLE).map_while(|_| TcpStream::connect(page).ok()).collect();
    assert!(160 < idle.len(), "{}", idle.len());
    let mut looks = 0;
    while cloud.truth().len() < 2 {
        looks += 1;
        assert!(looks < 3000, "the farm buys for its work:\n{}", daemon.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(idle);
    let bought = |status: &Value| status["machines"].as_array().unwrap().len() == 2;
    let status = daemon.wait_for("the page again", bought);
    assert_eq!(status["faults"], serde_json::json!({}), "queue and cloud were read all the while");
    assert!(daemon.terminate());
}

/// What the page says on a connection until it ends it.
fn until_the_end(page: SocketAddr, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(page).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    stream.write_all(sent).unwrap();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).unwrap();
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn who_is_silent_or_sends_half_a_request_is_let_go() {
    let (_runtime, page) = serve(farm(), options(None));
    let head = "POST /api/v1/resume HTTP/1.1\r\nHost: localhost\r\nX-Farmscale: 1\r\n\
                Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let cases: [(&[u8], &str); 4] = [
        (b"", ""),
        (b"GET /livez HTTP/1.1\r\nHost: lo", ""),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200"),
        (head.as_bytes(), "HTTP/1.1 4"),
    ];
    std::thread::scope(|scope| {
        for (sent, begin) in cases {
            scope.spawn(move || {
                let said = until_the_end(page, sent);
                assert!(said.starts_with(begin), "{said}");
            });
        }
    });
}
