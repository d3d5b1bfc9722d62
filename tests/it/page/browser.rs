//! The page in a real browser, over the real demo.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

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
