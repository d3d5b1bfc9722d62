//! One file per command; what all of them share stands here.

use std::path::Path;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::{self, Settings};

pub mod api;
pub mod cloudsim;
pub mod demo;
pub mod env;
pub mod out;

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
    Cloudsim(cloudsim::CloudsimArgs),
    Api(api::ApiArgs),
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
            Command::Cloudsim(args) => args.run(),
            Command::Api(args) => args.run(),
            Command::Completion { shell } => {
                let mut out = Vec::new();
                clap_complete::generate(shell, &mut Self::command(), "farmscale", &mut out);
                out::line(String::from_utf8_lossy(&out).trim_end())
            }
        }
    }
}

/// Loads a config with the environment over it.
fn load(path: &Path) -> anyhow::Result<Settings> {
    Ok(config::load(path, &env::all())?)
}
