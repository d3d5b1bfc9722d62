//! A program that prints JSON: a small real one, and shell scripts that misbehave.

use std::time::Duration;

use farmscale::model::{Refusal, Work};
use farmscale::queue::Queue;

use super::contract::{Bench, contract};
use super::studio::{Studio, python};
use super::{NOW, fault, faults, machine, queue};

contract!(Program);

/// `studio.py` as a program, which can be taken away.
struct Program {
    studio: Studio,
    is_gone: bool,
}

impl Program {
    fn hidden(&self) -> std::path::PathBuf {
        self.studio.state().with_extension("gone")
    }

    /// A way to the script that can be taken away.
    fn way(&self) -> std::path::PathBuf {
        self.studio.state().with_extension("py")
    }
}

impl Bench for Program {
    fn start() -> Self {
        let program = Self { studio: Studio::new(), is_gone: false };
        std::os::unix::fs::symlink(Studio::script(), program.way()).unwrap();
        program
    }

    fn section(&self) -> String {
        let words = |word: &str| {
            let [python, script, state] = [python().into(), self.way(), self.studio.state()];
            format!("{:?}", [python, script, state, word.into()])
        };
        format!(
            "kind = \"command\"\ncommand = {}\ndrain = {}\nundrain = {}\ntimeout = \"1h\"\n",
            words("print"),
            words("drain"),
            words("undrain")
        )
    }

    fn submit(&mut self, tasks: u32) {
        self.studio.tell(&["submit", &tasks.to_string()]);
    }

    fn work(&mut self, busy: bool) {
        self.studio.tell(&["work", &busy.to_string()]);
    }

    fn obey(&mut self) {
        self.studio.tell(&["obey"]);
    }

    fn stop(&mut self) {
        if !self.is_gone {
            std::fs::rename(self.way(), self.hidden()).unwrap();
            self.is_gone = true;
        }
    }

    fn restart(&mut self) {
        std::fs::rename(self.hidden(), self.way()).unwrap();
        self.is_gone = false;
    }

    /// See `a_command_that_hangs_is_killed_with_all_it_started`.
    fn freeze(&mut self, _: bool) -> bool {
        false
    }

    fn wrong_password(&self) -> Option<String> {
        None
    }

    fn flood(&mut self) -> bool {
        self.studio.tell(&["flood"]);
        true
    }
}

fn section(script: &str) -> String {
    format!("kind = \"command\"\ncommand = {:?}\nanswer_max = 1\n", ["sh", "-c", script])
}

fn command_queue(script: &str) -> Queue {
    queue(&section(script))
}

#[tokio::test]
async fn a_command_tells_depth() {
    let queue = command_queue(r#"cat; echo '{"queued": 2}'; echo noise >&2"#);
    let reading = queue.read(NOW).await.unwrap();
    assert_eq!(reading.work, [Work { shape: None, queued: 2, running: None }]);
    assert_eq!((reading.workers, reading.oldest_wait), (None, None));
}

#[tokio::test]
async fn a_command_that_fails_gives_no_reading_and_its_last_words() {
    let cases = [
        ("echo '{\"queued\": 2}'; echo first >&2; echo no licence >&2; exit 3", "no licence"),
        ("exit 0", "printed nothing"),
        ("echo lots", "no JSON"),
        ("echo '{\"queued\": -2}'", "`/queued`"),
        ("kill -9 $$", "signal: 9"),
        ("echo at http://joe:pass-word@host/ >&2; exit 1", "http://***@host/"),
        ("while :; do printf %1000s; done", "1 MiB"),
        ("echo token=hunter2-hunter2 >&2; exit 1", "token=***"),
    ];
    for (script, words) in cases {
        let (_, detail) = fault(&command_queue(script)).await;
        assert!(detail.contains(words) && detail.starts_with("sh: "), "{script}: {detail}");
    }
    let missing = queue("kind = \"command\"\ncommand = [\"/no/such\"]\n");
    let (class, detail) = fault(&missing).await;
    assert!(class == Refusal::NotSent && detail.contains("/no/such"), "{detail}");
    assert!(faults("kind = \"command\"\n").contains("queues.render.command must be a list"));
}

/// Keys and tokens stand in our environment.
#[tokio::test]
async fn a_command_gets_a_clean_environment() {
    let print = "echo \"environment: $(env | cut -d= -f1 | sort | tr '\\n' ' ')\" >&2; exit 1";
    let (_, detail) = fault(&command_queue(print)).await;
    assert!(detail.ends_with("environment: LANG PATH PWD"), "{detail}");
    let given =
        format!("{}[queues.render.env]\nSITE = \"lab-value\"\n", section("echo $SITE >&2; exit 1"));
    let (_, detail) = fault(&queue(&given)).await;
    assert!(detail.ends_with("***"), "what is given is kept secret: {detail}");
}

#[tokio::test]
async fn a_command_that_hangs_is_killed_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("late");
    // the child survives its parent's death unless the whole group is killed
    let go = folder.path().join("go");
    let child = format!("until test -e {}; do sleep 0.05; done", go.display());
    let script = format!("({child}; touch {}) & sleep 3600", file.display());
    let queue = queue(&format!("{}timeout = \"400ms\"\n", section(&script)));
    let (_, detail) = fault(&queue).await;
    assert!(detail.contains("took longer than 0.4s"), "{detail}");
    std::fs::write(go, "").unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!file.exists(), "what it started is gone too");
}

#[tokio::test]
async fn command_hooks_are_told_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("told");
    let told = file.display().to_string();
    let hook =
        ["sh", "-c", "cat > \"$1\"; echo \" $2\" >> \"$1\"", "hook", &told, "{instance}/{name}"];
    let hooks = format!("drain = {hook:?}\nundrain = [\"sh\", \"-c\", \"exit 7\"]\n");
    let queue = queue(&format!("{}{hooks}", section("true")));
    assert!(queue.drains());
    queue.drain(&machine()).await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let expected =
        r#"{"instance":"ins-1","machine":"farm-gpu-1","workers":["w1"]} ins-1/farm-gpu-1"#;
    assert_eq!(text.trim(), expected);
    let failure = queue.undrain(&machine()).await.unwrap_err();
    assert!(failure.detail.contains("exit status: 7"), "{}", failure.detail);
}
