//! `farmscale retire`: leaves for good, proves the farm empty, names what bills on.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;
use tokio::runtime::Runtime;

use super::ask::Daemon;
use super::reach::{ClockArgs, Progress};
use super::{out, prompt, sweep};
use crate::clock::Clock;
use crate::cloud::Client;
use crate::model::Span;

/// Between two looks at the daemon.
const EVERY: Span = Span::seconds(2);

/// Leaves for good: starts nothing, lets running tasks end, deletes every machine.
///
/// The running daemon does it; this command waits until it is done. With --config it then lists the
/// disks and public addresses of the account that belong to no machine and bill on; `farmscale sweep`
/// deletes those that are ours.
#[derive(Debug, clap::Args)]
pub struct RetireArgs {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Stay after all.
    #[arg(long, conflicts_with_all = ["yes", "config"])]
    undo: bool,
    /// Do not wait.
    #[arg(long)]
    no_wait: bool,
    /// Who asks.
    #[arg(long, env = "USER", default_value = "operator")]
    owner: String,
    /// The farm's config: for the list of what bills on.
    #[arg(long)]
    config: Option<PathBuf>,
    #[command(flatten)]
    clock: ClockArgs,
    #[command(flatten)]
    daemon: Daemon,
}

impl RetireArgs {
    /// Runs the command.
    pub fn run(&self) -> anyhow::Result<()> {
        let owner = json!({ "owner": self.owner });
        if self.undo {
            self.daemon.call("/api/v1/stay", Some(owner))?;
            return out::line("the farm stays; it grows again as its work needs");
        }
        let (_, farm) = self.daemon.status()?;
        if !self.yes {
            prompt::confirm(&format!("delete all {} machines for good", farm.machines.len()))?;
        }
        self.daemon.call("/api/v1/retire", Some(owner))?;
        if self.no_wait {
            return out::line("ordered; `farmscale status` shows how far it is");
        }
        let runtime = Runtime::new().context("cannot start the runtime")?;
        self.wait(&runtime)?;
        let leftovers = match &self.config {
            Some(path) => Some(runtime.block_on(self.leftovers(path))?),
            None => None,
        };
        self.report(leftovers)
    }

    /// Until the daemon has no machine left.
    fn wait(&self, runtime: &Runtime) -> anyhow::Result<()> {
        let (progress, real) = (Progress::on_terminal(), Clock::real());
        loop {
            let (_, farm) = self.daemon.status()?;
            let knows = farm.retiring.is_some() && farm.adopted_at.is_some();
            if knows && farm.machines.is_empty() {
                return Ok(());
            }
            let binds = farm.pools.iter().flat_map(|pool| &pool.report.binds);
            let why: Vec<String> = binds.map(ToString::to_string).collect();
            progress.say(&format!("{} machines left ({})", farm.machines.len(), why.join("; ")));
            runtime.block_on(real.sleep_until(real.now() + EVERY));
        }
    }

    async fn leftovers(&self, path: &Path) -> anyhow::Result<Vec<sweep::Found>> {
        let settings = super::load(path)?;
        let clock = self.clock.clock(&settings.cloud.endpoints)?;
        let (credentials, endpoints) = (&settings.cloud.credentials, &settings.cloud.endpoints);
        let client = Client::new(credentials.clone(), endpoints.clone(), clock)?;
        Ok(sweep::look(&client, &settings, &[]).await?)
    }

    fn report(&self, leftovers: Option<Vec<sweep::Found>>) -> anyhow::Result<()> {
        if self.daemon.json {
            let list = leftovers.map(|list| list.iter().map(sweep::json_of).collect::<Vec<_>>());
            return out::json(&json!({ "machines_left": 0, "bills_on": list }));
        }
        out::line("no machine is left")?;
        match leftovers {
            None => out::line("disks and public addresses were not looked at: name the --config"),
            Some(list) if list.is_empty() => out::line("no disk and no address bills on"),
            Some(list) => {
                out::line("these belong to no machine and bill on:")?;
                out::line(&sweep::table(&list))?;
                out::line("`farmscale sweep --delete` deletes what is ours")
            }
        }
    }
}
