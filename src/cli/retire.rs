//! `farmscale retire`: decommissions the farm, proves the farm empty, names what still incurs charges.

use anyhow::Context;
use serde_json::json;
use tokio::runtime::Runtime;

use super::ask::Daemon;
use super::exit::Exit;
use super::reach::{self, ClockArgs, Progress};
use super::{order, out, prompt, sweep};
use crate::clock::Clock;
use crate::config::Settings;
use crate::model::{Span, Time};
use crate::page::api::Status;
use crate::telemetry::words::Language;

/// Between two looks at the daemon.
const EVERY: Span = Span::seconds(2);
/// Looks in a row that may fail.
const UNREAD_MAX: u32 = 30;
/// Without a terminal, a line this often.
const LINE_EVERY: Span = Span::minutes(1);

/// Decommissions the farm: starts nothing, lets running tasks end, deletes every machine.
///
/// The running daemon does it; this command waits until it is done. With --config it then lists the
/// disks and public addresses of the account that belong to no machine and still incur charges; `farmscale sweep`
/// deletes those that are ours.
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[derive(Debug, clap::Args)]
pub struct RetireArgs {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Stay after all.
    #[arg(long, conflicts_with = "yes")]
    undo: bool,
    /// Delete nothing: treat machines as ours that a second daemon of this farm made, or that share a
    /// name. Stop that daemon first.
    #[arg(long, conflicts_with_all = ["yes", "config", "undo"])]
    twins: bool,
    /// Do not wait.
    #[arg(long)]
    no_wait: bool,
    /// Wait so long; what is left then is named, and the daemon goes on with it.
    #[arg(long, default_value = "2h", value_parser = super::span)]
    within: Span,
    /// Who asks.
    #[arg(long, env = "USER", default_value = "operator")]
    owner: String,
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
            let words = "the farm stays; it grows again as its work needs";
            return order::give(&self.daemon, "/api/v1/stay", owner, |_| words.to_owned());
        }
        if self.twins {
            let words = "they are treated as ours from now on, and go as any other";
            return order::give(&self.daemon, "/api/v1/release-twins", owner, |_| words.to_owned());
        }
        // A config that cannot be used is told before anything is deleted, not hours after.
        let settings = self.daemon.door.config.as_deref().map(super::load).transpose()?;
        let (_, farm) = self.daemon.status()?;
        if !self.yes {
            let machines = match farm.machines.len() {
                0 => "decommission the farm (no machine is there)".to_owned(),
                1 => "delete the one machine for good".to_owned(),
                many => format!("delete all {many} machines for good"),
            };
            prompt::confirm(&machines)?;
        }
        if self.no_wait {
            let words = "ordered; `farmscale status` shows how far it is";
            return order::give(&self.daemon, "/api/v1/retire", owner, |_| words.to_owned());
        }
        self.daemon.call("/api/v1/retire", Some(owner))?;
        let runtime = Runtime::new().context("cannot start the runtime")?;
        self.wait(&runtime)?;
        let leftovers = match &settings {
            Some(settings) => Some(self.leftovers(settings, &runtime)?),
            None => None,
        };
        self.report(leftovers)
    }

    /// Until the daemon has no machine left.
    fn wait(&self, runtime: &Runtime) -> anyhow::Result<()> {
        let (progress, real) = (Progress::on_terminal(), Clock::real());
        let until = real.now() + self.within;
        let (mut line_at, mut unread): (Option<Time>, u32) = (None, 0);
        loop {
            let Some(farm) = self.look(&mut unread)? else {
                if until <= real.now() {
                    let what =
                        format!("not over within {}; the daemon does not answer", self.within);
                    return Err(Exit::TryAgain.because(what));
                }
                runtime.block_on(real.sleep_until(real.now() + EVERY));
                continue;
            };
            let knows = farm.retiring.is_some() && farm.adopted_at.is_some();
            if knows && farm.machines.is_empty() {
                return Ok(());
            }
            let now = real.now();
            if until <= now {
                return self.give_up(&farm);
            }
            let left = left(&farm, self.daemon.lang);
            progress.say(&left);
            if !progress.is_shown() && line_at.is_none_or(|at| at + LINE_EVERY <= now) {
                line_at = Some(now);
                out::note(&left);
            }
            runtime.block_on(real.sleep_until(now + EVERY));
        }
    }

    /// One look at the daemon; a few in a row may fail, for it goes on without us.
    fn look(&self, unread: &mut u32) -> anyhow::Result<Option<Status>> {
        match self.daemon.status() {
            Ok((_, farm)) => {
                *unread = 0;
                Ok(Some(farm))
            }
            Err(error) if UNREAD_MAX <= *unread => Err(error),
            Err(error) => {
                if *unread == 0 {
                    out::note(&format!("{error:#}; asking again"));
                }
                *unread += 1;
                Ok(None)
            }
        }
    }

    /// Names what is left.
    fn give_up(&self, farm: &Status) -> anyhow::Result<()> {
        let names: Vec<&str> = farm.machines.iter().map(|one| one.name.as_str()).collect();
        let why = why(farm, self.daemon.lang);
        if self.daemon.json {
            let left = names.len();
            out::json(&json!({ "machines_left": left, "machines": names, "why": why }))?;
        }
        let left = if farm.adopted_at.is_none() {
            "what there is at the provider is not known".to_owned()
        } else {
            let are = if names.len() == 1 { "machine is" } else { "machines are" };
            format!("{} {are} left: {}", names.len(), names.join(", "))
        };
        let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
        Err(Exit::TryAgain.because(format!(
            "not over within {}; {left}{why}. The daemon goes on with it while it runs; call this \
             again to wait on",
            self.within,
        )))
    }

    fn leftovers(
        &self,
        settings: &Settings,
        runtime: &Runtime,
    ) -> anyhow::Result<Vec<sweep::Found>> {
        let clock = self.clock.clock(&settings.cloud.endpoints)?;
        let mut world = reach::world(settings, &clock, runtime)?;
        sweep::look(&mut world, &settings.policy, &[])
    }

    fn report(&self, leftovers: Option<Vec<sweep::Found>>) -> anyhow::Result<()> {
        if self.daemon.json {
            let list = leftovers.map(|list| list.iter().map(sweep::json_of).collect::<Vec<_>>());
            return out::json(&json!({ "machines_left": 0, "still_charged": list }));
        }
        out::line("no machine is left")?;
        match leftovers {
            None => out::line("disks and public addresses were not looked at: name the --config"),
            Some(list) if list.is_empty() => {
                out::line("no disk and no address still incurs charges")
            }
            Some(list) => {
                out::line("these belong to no machine and still incur charges:")?;
                out::line(&sweep::table(&list))?;
                out::line("`farmscale sweep --delete` deletes what is ours")
            }
        }
    }
}

/// How much is left, and what it waits for.
fn left(farm: &Status, language: Language) -> String {
    let machines = match farm.machines.len() {
        1 => "1 machine left".to_owned(),
        many => format!("{many} machines left"),
    };
    let why = why(farm, language);
    if why.is_empty() { machines } else { format!("{machines} ({})", why.join("; ")) }
}

/// What is waited for, by every pool.
fn why(farm: &Status, language: Language) -> Vec<String> {
    let constraints = farm.pools.iter().flat_map(|pool| &pool.report.constraints);
    constraints.map(|one| one.keyed(language)).collect()
}
