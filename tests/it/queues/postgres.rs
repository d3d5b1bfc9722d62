//! `PostgreSQL`: the real server of Debian, with a small farm's own tables.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use farmscale::model::{Refusal, Span, Stage};
use farmscale::queue::Can;

use super::contract::{Bench, contract, settled};
use super::studio::{certificate, free_address};
use super::{NOW, fault, queue};
use crate::support::redis::signal;
use crate::support::wait::until;

contract!(Postgres);

const TABLES: &str = "
    create table frames (id serial primary key, job text not null, gpus int, worker text,
      submitted timestamptz not null default to_timestamp(1767323000), started timestamptz,
      ended timestamptz);
    create table nodes (name text primary key, machine text not null, drain bool not null);
    create role reader login password 'right-word';
    grant select on frames to reader;
    grant select, update, delete on nodes to reader;";
const TASKS: &str = "select id, job, gpus, extract(epoch from submitted) as submitted_at, \
    extract(epoch from started) as started_at, extract(epoch from ended) as ended_at from frames";
const WORKERS: &str = "select name, machine as instance, case when exists (select from frames \
    where worker = name and ended is null) then 'busy' when drain then 'drained' else 'idle' end \
    as state from nodes";

/// The server, in a folder of the user it runs as.
struct Postgres {
    address: SocketAddr,
    folder: tempfile::TempDir,
    child: Option<Child>,
}

/// Where Debian keeps the server's programs, which are not in the path.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql");
    let versions = versions.expect("install postgresql: the tests talk to a real one");
    let found = versions.map(|version| version.unwrap().path().join("bin").join(name));
    found.filter(|path| path.exists()).max().unwrap()
}

/// The server refuses to run as root: then it runs as the user of Debian's package.
fn command(path: &Path) -> Command {
    if !rustix::process::getuid().is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
    command
}

impl Postgres {
    /// Runs a script as the owner of everything; gives what it prints.
    fn sql(&self, script: &str) -> String {
        let output = command(Path::new("psql"))
            .args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-U", "owner", "-h"])
            .arg(self.folder.path())
            .args(["-p", &self.address.port().to_string(), "-d", "postgres", "-c", script])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {told}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn url(&self) -> String {
        format!("url = \"postgres://reader@{}/postgres\"\n", self.address)
    }

    /// Settings with a query, and the right password.
    fn asking(&self, queries: &str) -> String {
        let url = self.url();
        format!("kind = \"postgres\"\n{url}password = \"right-word\"\ntimeout = \"1h\"\n{queries}")
    }
}

impl Bench for Postgres {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let data = folder.path().join("data");
        let made = command(&program("initdb"))
            .args(["--no-sync", "-U", "owner", "--auth-local=trust", "--auth-host=scram-sha-256"])
            .arg("-D")
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut server = Self { address: free_address(), folder, child: None };
        server.restart();
        server.sql(TABLES);
        server
    }

    fn section(&self) -> String {
        self.asking(&format!(
            "tasks = \"{TASKS}\"\nworkers = \"{WORKERS}\"\n\
             drain = \"update nodes set drain = true where machine = $2\"\n\
             undrain = \"update nodes set drain = false where name = any($3) or machine = $2\"\n\
             forget = \"delete from nodes where machine in ($1, $2)\"\n"
        ))
    }

    fn submit(&mut self, tasks: u32) {
        self.sql(&format!(
            "insert into frames (job) select 'shot7' from generate_series(1, {tasks})"
        ));
    }

    fn work(&mut self, busy: bool) {
        self.sql("insert into nodes values ('w1', 'ins-1', false)");
        if busy {
            self.sql(
                "update frames set worker = 'w1', started = to_timestamp(1767323010) \
                 where id = (select min(id) from frames where started is null)",
            );
        }
    }

    fn obey(&mut self) {
        self.sql("update frames set ended = to_timestamp(1767323040) where started is not null");
    }

    /// What is kept is the record itself.
    fn kept(&mut self) -> usize {
        self.sql("select count(*) from nodes").parse().unwrap()
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // at once, and its children with it
            signal(child.id(), "QUIT");
            child.wait().unwrap();
        }
    }

    fn restart(&mut self) {
        let child = command(&program("postgres"))
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(["-h", "127.0.0.1", "-p", &self.address.port().to_string(), "-F", "-k"])
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap());
        let port = self.address.port().to_string();
        let answers = || {
            let mut ask = command(Path::new("psql"));
            ask.args(["-X", "-U", "owner", "-d", "postgres", "-c", "select 1", "-p", &port, "-h"]);
            let asked = ask.arg(self.folder.path()).output().unwrap();
            asked.status.success().then_some(())
        };
        until(answers, || "postgres answers".to_owned());
    }

    fn freeze(&mut self, frozen: bool) -> bool {
        signal(self.child.as_ref().unwrap().id(), if frozen { "STOP" } else { "CONT" });
        true
    }

    fn wrong_password(&self) -> Option<String> {
        Some(self.section().replace("right-word", "wrong-word"))
    }

    fn flood(&mut self) -> bool {
        self.submit(20_000);
        true
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

#[tokio::test]
async fn a_row_is_a_job_with_its_labels() {
    let mut server = Postgres::start();
    server.submit(3);
    let query = "select job, count(*) as queued, 0 as running, 2 as gpus, 'moon' as show, \
                 extract(epoch from to_timestamp(1767323045) - min(submitted)) as oldest_wait_s \
                 from frames group by job;";
    let queue = queue(&server.asking(&format!("jobs = \"{query}\"\n")));
    let reading = queue.read(NOW).await.unwrap();
    assert_eq!((reading.queued(), reading.oldest_wait), (3, Some(Span::seconds(45))));
    let job = &reading.jobs.as_ref().unwrap()[0];
    assert_eq!((&*job.name, &*job.labels["show"], job.queued), ("shot7", "moon", 3));
    assert_eq!(reading.work[0].shape.map(|shape| shape.gpus), Some(2));
    assert_eq!(reading.workers, None, "nobody is known, which is not nobody");
    assert!(!queue.drains() && !queue.capabilities().has(Can::Busy));
}

#[tokio::test]
async fn tasks_tell_how_long_they_ran() {
    let mut server = Postgres::start();
    server.submit(1);
    server.work(true);
    server.obey();
    let queue = queue(&server.section());
    let reading = settled(&queue, |_| true).await;
    let task = &reading.tasks.as_ref().unwrap()[0];
    let Stage::Ended { took, .. } = task.stage else { panic!("{task:?}") };
    assert_eq!((took, reading.queued(), reading.running()), (Span::seconds(30), 0, 0));
}

#[tokio::test]
async fn a_query_that_cannot_be_used_says_why_and_changes_nothing() {
    let mut server = Postgres::start();
    server.submit(2);
    for (query, class, said) in [
        ("select count(*) as queued from framse", Refusal::Config, "framse"),
        ("select 1 as waiting", Refusal::Config, "`queued`"),
        ("select null as queued", Refusal::Config, "row 0 of `jobs`"),
        ("select 1 as queued) q); delete from frames; --", Refusal::Config, "query is wrong"),
        (
            "with gone as (update nodes set drain = true returning 1) select 1 as queued",
            Refusal::Config,
            "query is wrong",
        ),
        ("select setval('frames_id_seq', 9) as queued", Refusal::Auth, "grant"),
        ("select count(*) as queued from pg_authid", Refusal::Auth, "grant select"),
    ] {
        let (is, detail) = fault(&queue(&server.asking(&format!("jobs = \"{query}\"\n")))).await;
        assert_eq!(is, class, "{query}: {detail}");
        assert!(detail.contains(said), "{query}: {detail}");
    }
    assert_eq!(server.sql("select count(*) from frames"), "2");
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_ended_at_the_server_too() {
    let server = Postgres::start();
    let slow = server.asking("jobs = \"select 1 as queued from pg_sleep(3600)\"\n");
    let slow = queue(&slow.replace("\"1h\"", "\"300ms\""));
    let (class, detail) = fault(&slow).await;
    assert_eq!(class, Refusal::Other, "{detail}");
    let asleep = "select count(*) from pg_stat_activity where usename = 'reader' and \
                  state = 'active'";
    until(|| (server.sql(asleep) == "0").then_some(()), || "the query ends".to_owned());
}

#[tokio::test]
async fn a_connection_can_be_made_safe() {
    let mut server = Postgres::start();
    let folder = server.folder.path().to_owned();
    let file = |name: &str| folder.join(name).display().to_string();
    certificate(&folder);
    std::fs::copy(file("key.pem"), file("data/server.key")).unwrap();
    std::fs::copy(file("cert.pem"), file("data/server.crt")).unwrap();
    let own = "chmod 600 \"$1\"/server.key; chown --reference=\"$1\" \"$1\"/server.*";
    let owned = Command::new("sh").args(["-c", own, "sh", &file("data")]).status().unwrap();
    assert!(owned.success());
    server.sql("alter system set ssl = on");
    server.stop();
    server.restart();
    server.submit(4);
    let safe = server.section().replace("/postgres\"", "/postgres?sslmode=require\"");
    let trusted = queue(&format!("ca_file = \"{}\"\n{safe}", file("cert.pem")));
    assert_eq!(trusted.read(NOW).await.unwrap().queued(), 4);
    let (class, detail) = fault(&queue(&safe)).await;
    assert_eq!(class, Refusal::Config, "nobody vouches for it: {detail}");
    assert!(detail.contains("ca_file"), "{detail}");
}
