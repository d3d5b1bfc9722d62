//! Slurm: the real controller and node daemon of Debian, with a dynamic node that comes and goes.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use farmscale::model::{QueueReading, Shape, WorkerState};

use super::contract::{Bench, contract, settled};
use super::studio::{free_address, wait_for};
use super::{NOW, queue, states};
use crate::support::redis::signal;

contract!(Slurm);

/// The controller, and at most one node.
struct Slurm {
    folder: tempfile::TempDir,
    controller: std::net::SocketAddr,
    daemon: Option<Child>,
    node: Option<Child>,
}

impl Slurm {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(words).env("SLURM_CONF", self.file("slurm.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn configure(&self) {
        let host = Command::new("hostname").output().unwrap().stdout;
        let host = String::from_utf8(host).unwrap();
        let (folder, host) = (self.folder.path().display(), host.trim());
        let (port, node_port) = (self.controller.port(), free_address().port());
        let text = format!(
            "ClusterName=farm\nSlurmctldHost={host}(127.0.0.1)\nSlurmctldPort={port}\n\
             SlurmdPort={node_port}\nSlurmUser=root\nAuthType=auth/none\nCredType=cred/none\n\
             StateSaveLocation={folder}/state\nSlurmdSpoolDir={folder}/spool\n\
             SlurmctldPidFile={folder}/slurmctld.pid\nSlurmdPidFile={folder}/slurmd.pid\n\
             ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\n\
             JobAcctGatherType=jobacct_gather/none\nSelectType=select/cons_tres\n\
             SelectTypeParameters=CR_CPU\nSlurmdParameters=config_overrides\nReturnToService=2\n\
             MaxNodeCount=8\nTreeWidth=65533\nMaxArraySize=20001\nMaxJobCount=30000\n\
             SchedulerParameters=batch_sched_delay=0,sched_interval=1\n\
             PartitionName=frames Nodes=ALL Default=YES State=UP\n"
        );
        std::fs::write(self.file("slurm.conf"), text).unwrap();
        for name in ["state", "spool"] {
            std::fs::create_dir(self.file(name)).unwrap();
        }
    }

    /// Submits tasks, each of which waits for the file `go`; the array is limited, or dependent.
    fn batch(&self, words: &[&str]) {
        let wrap = format!("while ! test -e {}; do sleep 0.1; done", self.file("go").display());
        let mut command = self.command("sbatch", words);
        let status = command.args(["-o", "/dev/null", "--wrap", &wrap]).status().unwrap();
        assert!(status.success(), "sbatch {words:?}");
    }

    fn end(child: &mut Option<Child>) {
        if let Some(mut child) = child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Bench for Slurm {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut slurm = Self { folder, controller: free_address(), daemon: None, node: None };
        slurm.configure();
        slurm.restart();
        slurm
    }

    fn section(&self) -> String {
        let conf = self.file("slurm.conf").display().to_string();
        format!(
            "kind = \"slurm\"\nconf = \"{conf}\"\npartitions = [\"frames\"]\ntimeout = \"1h\"\n"
        )
    }

    fn submit(&mut self, tasks: u32) {
        self.batch(&["--array", &format!("1-{tasks}")]);
    }

    fn work(&mut self, _busy: bool) {
        let words = ["-D", "-Z", "-N", "ins-1", "--conf", "CPUs=1"];
        self.node = Some(self.command("slurmd", &words).spawn().unwrap());
        while self.kept() == 0 {
            std::thread::sleep(crate::support::wait::STEP);
        }
    }

    fn obey(&mut self) {
        std::fs::write(self.file("go"), "").unwrap();
    }

    fn lose(&mut self) {
        Self::end(&mut self.node);
    }

    fn kept(&mut self) -> usize {
        let mut ask = self.command("sinfo", &["--noheader", "-N", "-o", "%N"]);
        let said = ask.stdout(Stdio::piped()).output().unwrap().stdout;
        String::from_utf8(said).unwrap().lines().filter(|line| line.trim() == "ins-1").count()
    }

    fn stop(&mut self) {
        Self::end(&mut self.daemon);
    }

    fn restart(&mut self) {
        let daemon = self.command("slurmctld", &["-D"]).spawn();
        self.daemon = Some(daemon.expect("install slurmctld and slurmd: the tests run real ones"));
        wait_for(self.controller);
    }

    fn freeze(&mut self, frozen: bool) -> bool {
        signal(self.daemon.as_ref().unwrap().id(), if frozen { "STOP" } else { "CONT" });
        true
    }

    /// Slurm authorises by user.
    fn wrong_password(&self) -> Option<String> {
        None
    }

    fn flood(&mut self) -> bool {
        for _ in 0..700 {
            self.batch(&["--comment", &"x".repeat(1000)]);
        }
        true
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        Self::end(&mut self.node);
        Self::end(&mut self.daemon);
    }
}

#[tokio::test]
async fn what_more_nodes_would_not_start_is_no_demand() {
    let slurm = Slurm::start();
    let queue = queue(&slurm.section());
    slurm.batch(&["--array", "1-8%2", "--job-name", "limited"]);
    slurm.batch(&["--hold", "--job-name", "held"]);
    slurm.batch(&["--begin", "now+1hour", "--job-name", "later"]);
    slurm.batch(&["--dependency", "afterok:1", "--job-name", "comp"]);
    let all = |seen: &QueueReading| seen.held.iter().map(|held| held.tasks).sum::<u32>() == 9;
    let reading = settled(&queue, all).await;
    assert_eq!((reading.queued(), reading.running()), (2, 0));
    let held: Vec<_> = reading.held.iter().map(|held| (&*held.why, held.tasks)).collect();
    let expected =
        [("BeginTime", 1), ("Dependency", 1), ("JobArrayTaskLimit", 6), ("JobHeldUser", 1)];
    assert_eq!(held, expected);
    assert_eq!(reading.workers, Some(Vec::new()), "no node is there, and that is known");
    let job = reading.jobs.unwrap().into_iter().find(|job| &*job.name == "limited").unwrap();
    assert_eq!((job.queued, &*job.labels["user"]), (2, "root"));
}

#[tokio::test]
async fn a_drain_of_the_operator_is_not_taken_back() {
    let mut slurm = Slurm::start();
    let queue = queue(&slurm.section());
    slurm.work(false);
    let update = ["update", "nodename=ins-1", "state=drain", "reason=new cooler"];
    assert!(slurm.command("scontrol", &update).status().unwrap().success());
    let drained = |seen: &QueueReading| {
        states(seen).first().is_some_and(|(_, _, state)| *state == WorkerState::Drained)
    };
    settled(&queue, drained).await;
    queue.drain(&super::machine()).await.unwrap();
    queue.undrain(&super::machine()).await.unwrap();
    assert!(drained(&queue.read(NOW).await.unwrap()));
}

/// Answers recorded from 22.05.8 with three nodes of two GPUs.
#[tokio::test]
async fn what_a_real_farm_answered_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/slurm");
    for program in ["squeue", "sinfo"] {
        let script = format!("#!/bin/sh\nexec cat {}/{program}.json\n", data.display());
        let path = folder.path().join(program);
        std::fs::write(&path, script).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).unwrap();
    }
    let section = format!(
        "kind = \"slurm\"\npartitions = [\"gpu\"]\nprograms = {:?}\n",
        folder.path().display().to_string()
    );
    let reading = queue(&section).read(NOW).await.unwrap();
    let shape = |gpus| Some(Shape { gpus, gpu_memory_gib: 0 });
    let work: Vec<_> =
        reading.work.iter().map(|work| (work.shape, work.queued, work.running)).collect();
    // 14 of the array, two of one that may run two at once; one of two GPUs; nine nodes of four
    let expected = [(shape(1), 16, Some(6)), (shape(2), 1, Some(0)), (shape(4), 9, Some(0))];
    assert_eq!(work, expected);
    assert_eq!(states(&reading).len(), 3);
}
