//! One file per command; what all of them share stands here.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};

use crate::config::{self, Settings};
use crate::model::Span;

pub mod api;
pub mod ask;
pub mod backtest;
pub mod check;
pub mod cloudsim;
pub mod demo;
pub mod door;
pub mod env;
pub mod exit;
pub mod init;
pub mod offers;
pub mod order;
pub mod out;
pub mod prompt;
pub mod reach;
pub mod retire;
pub mod run;
pub mod spend;
pub mod sweep;
pub mod try_pool;
pub mod view;
pub mod watchdog;

/// The config of the system's own daemon.
const CONFIG: &str = "/etc/farmscale/farmscale.toml";

/// Keeps a GPU render farm exactly as large as its work needs, at the lowest price the cloud sells.
#[derive(Debug, Parser)]
#[command(name = "farmscale", version, about, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::DemoArgs),
    Init(init::InitArgs),
    Check(check::CheckArgs),
    Run(run::RunArgs),
    Status(ask::StatusArgs),
    Why(ask::WhyArgs),
    Plan(ask::PlanArgs),
    Journal(ask::JournalArgs),
    Pause(order::PauseArgs),
    Resume(order::ResumeArgs),
    Hold(order::HoldArgs),
    Release(order::ReleaseArgs),
    Retire(retire::RetireArgs),
    Sweep(sweep::SweepArgs),
    Spend(spend::SpendArgs),
    Offers(offers::OffersArgs),
    Backtest(backtest::BacktestArgs),
    Try(try_pool::TryArgs),
    Api(api::ApiArgs),
    Cloudsim(cloudsim::CloudsimArgs),
    Watchdog(watchdog::WatchdogArgs),
    /// Tries a store out; `run` calls this before it opens one.
    #[command(hide = true)]
    JournalPreflight {
        /// The store's folder.
        dir: PathBuf,
    },
    /// Writes man pages: one for each command.
    Man {
        /// The folder to write them to, such as `/usr/local/share/man/man1`.
        dir: PathBuf,
    },
    /// Prints a shell's completion script.
    Completion {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

impl Cli {
    /// Runs the command that was asked for.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Demo(args) => args.run(),
            Command::Init(args) => args.run(),
            Command::Check(args) => args.run(),
            Command::Run(args) => args.run(),
            Command::Status(args) => args.run(),
            Command::Why(args) => args.run(),
            Command::Plan(args) => args.run(),
            Command::Journal(args) => args.run(),
            Command::Pause(args) => args.run(),
            Command::Resume(args) => args.run(),
            Command::Hold(args) => args.run(),
            Command::Release(args) => args.run(),
            Command::Retire(args) => args.run(),
            Command::Sweep(args) => args.run(),
            Command::Spend(args) => args.run(),
            Command::Offers(args) => args.run(),
            Command::Backtest(args) => args.run(),
            Command::Try(args) => args.run(),
            Command::Api(args) => args.run(),
            Command::Cloudsim(args) => args.run(),
            Command::Watchdog(args) => args.run(),
            Command::JournalPreflight { dir } => {
                crate::journal::preflight(&dir).map_err(anyhow::Error::from)
            }
            Command::Man { dir } => man(&dir),
            Command::Completion { shell } => {
                let mut out = Vec::new();
                clap_complete::generate(shell, &mut Self::command(), "farmscale", &mut out);
                out::line(String::from_utf8_lossy(&out).trim_end())
            }
        }
    }
}

fn man(dir: &Path) -> anyhow::Result<()> {
    let told = || format!("cannot write man pages to {}", dir.display());
    std::fs::create_dir_all(dir).with_context(told)?;
    clap_mangen::generate_to(Cli::command(), dir).with_context(told)?;
    out::line(&format!("man pages are in {}; start with `man farmscale`", dir.display()))
}

/// A time on the command line.
fn span(text: &str) -> Result<Span, String> {
    config::parse_span(text).ok_or_else(|| "a time such as 90s, 30m or 24h".to_owned())
}

/// Loads a config with the environment over it.
fn load(path: &Path) -> anyhow::Result<Settings> {
    Ok(config::load(path, &env::variables())?)
}
