//! The page in a real browser, over the real demo.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use super::sample::{farm, options, serve};
use crate::support::daemon::PROGRAM;
use crate::support::wait::until;

/// A running demo; it ends with this value.
struct Demo {
    child: Child,
    page: String,
}

impl Demo {
    fn start() -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["demo", "--speed", "1000", "--until", "30d", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let page = first.split_whitespace().nth(1).unwrap().to_owned();
        Self { child, page }
    }
}

impl Demo {
    /// Waits until the page in this language has all of these words at once.
    fn shows(&self, language: &str, words: &[&str]) {
        let url = format!("{}?lang={language}", self.page);
        let all = || {
            let page = rendered(&url);
            words.iter().all(|word| page.contains(word)).then_some(())
        };
        until(all, || format!("all of {words:?} on the page:\n{}", rendered(&url)));
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn rendered(page: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Command::new("chromium");
    browser
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update"])
        .args(["--disable-sync", "--virtual-time-budget=3000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.path().display()))
        .arg(page)
        .stderr(Stdio::null());
    match browser.output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(error) => panic!("install chromium: the page is tested in a real browser ({error})"),
    }
}

#[test]
fn a_browser_shows_machines_money_and_reasons_in_both_languages() {
    let demo = Demo::start();
    demo.shows(
        "en",
        &[
            "demo-gpu-",
            "Decisions",
            "slots short: ",
            "class=\"ready\"",
            "Machines and queue",
            "by midnight",
        ],
    );
    demo.shows("zh", &["决策", "可购买的机器", "专业渲染型rp3", "任务需要", "预计到月底"]);
}

/// A proxy that shows the page under `/farm/`, as nginx does with `proxy_pass`.
fn proxy_under_a_path(page: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for caller in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || pass_on(caller, page));
        }
    });
    address
}

/// One request: whatever is not under `/farm/` is refused.
fn pass_on(mut caller: TcpStream, page: SocketAddr) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if caller.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    if !head.starts_with("GET /farm/") {
        caller.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").unwrap_or(());
        return;
    }
    let head = head.replacen("GET /farm/", "GET /", 1);
    let head = head.replace("Connection: keep-alive", "Connection: close");
    let mut behind = TcpStream::connect(page).unwrap();
    behind.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    behind.read_to_end(&mut answer).unwrap();
    caller.write_all(&answer).unwrap_or(());
    caller.shutdown(Shutdown::Both).unwrap_or(());
}

#[test]
fn the_page_works_under_a_path_of_a_proxy() {
    let (_runtime, page) = serve(farm(), options(None));
    let shown = rendered(&format!("http://{}/farm/?lang=en", proxy_under_a_path(page)));
    for expected in ["test-gpu-1", "held by li: driver", "Paused by li: look", "¥6.00"] {
        assert!(shown.contains(expected), "`{expected}` is not shown:\n{shown}");
    }
    assert!(!shown.contains("does not answer"), "{shown}");
}

#[test]
fn a_page_with_a_token_asks_for_it_in_a_form_and_shows_nothing_before() {
    let (_runtime, page) = serve(farm(), options(Some("a-token-of-more-than-sixteen-letters")));
    let shown = rendered(&format!("http://{page}/?lang=zh"));
    let form = shown.split("<form").nth(1).unwrap().split("</form>").next().unwrap();
    assert!(!form.split('>').next().unwrap().contains("hidden"), "{form}");
    assert!(form.contains("访问令牌") && form.contains("登录"), "{form}");
    assert!(!shown.contains("test-gpu-1"), "{shown}");
}
