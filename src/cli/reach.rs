//! Which cloud a command talks to, and with which key.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Context;
use tokio::runtime::Runtime;

use super::env;
use super::exit::{Exit, Marks, of_refusal};
use crate::clock::Clock;
use crate::cloud::{Client, Credentials, Endpoints};
use crate::config::Settings;
use crate::model::{Look, LookFailure, Reading, Span};
use crate::net::is_loopback;
use crate::policy::Policy;
use crate::world::live::Live;
use crate::world::{self, World};

/// For an answer that takes many calls.
const ANSWER_WITHIN: Span = Span::minutes(10);

/// How fast time runs.
#[derive(Debug, Clone, clap::Args)]
pub struct ClockArgs {
    /// Let time run faster; only together with a cloud on this machine (`farmscale cloudsim
    /// --speed` of the same number).
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    clock_speed: u32,
}

impl ClockArgs {
    /// The clock to live by.
    pub fn clock(&self, endpoints: &Endpoints) -> anyhow::Result<Clock> {
        self.clock_beside(&endpoints.ecs)
    }

    /// The clock to live by together with this server.
    pub fn clock_beside(&self, server: &str) -> anyhow::Result<Clock> {
        if self.clock_speed == 1 {
            return Ok(Clock::real());
        }
        if !is_loopback(server) {
            return Err(Exit::Usage.because(format!(
                "--clock-speed is only for a simulated cloud on this machine, but {server} is \
                 elsewhere"
            )));
        }
        Ok(Clock::scaled(self.clock_speed))
    }
}

/// Where the key and the addresses come from.
#[derive(Debug, Clone, clap::Args)]
pub struct ReachArgs {
    /// Take key and endpoints from this config.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Another server, such as `http://127.0.0.1:9400`, for all services.
    #[arg(long, conflicts_with = "config")]
    pub server: Option<String>,
    #[command(flatten)]
    clock: ClockArgs,
}

impl ReachArgs {
    /// Key and endpoints.
    pub fn reach(&self) -> anyhow::Result<(Credentials, Endpoints)> {
        if let Some(path) = &self.config {
            let settings = super::load(path)?;
            return Ok((settings.cloud.credentials, settings.cloud.endpoints));
        }
        let credentials = env::credentials()
            .context(
                "no access key: set FARMSCALE_ACCESS_KEY_ID and FARMSCALE_ACCESS_KEY_SECRET, \
                 or name a config with --config",
            )
            .exit(Exit::NotAllowed)?;
        let endpoints = self.server.as_deref().map_or_else(Endpoints::default, Endpoints::at);
        Ok((credentials, endpoints))
    }

    /// What the operator wants, if a config is named.
    pub fn policy(&self) -> anyhow::Result<Option<Policy>> {
        Ok(self.config.as_deref().map(super::load).transpose()?.map(|settings| settings.policy))
    }

    /// A client.
    pub fn client(&self) -> anyhow::Result<Client> {
        let (credentials, endpoints) = self.reach()?;
        let clock = self.clock.clock(&endpoints)?;
        Ok(Client::new(credentials, endpoints, clock)?)
    }
}

/// The live world of a config, without its queues: for commands that look at the cloud.
pub fn world(settings: &Settings, clock: &Clock, runtime: &Runtime) -> anyhow::Result<Live> {
    let cloud = settings.cloud.clone();
    let client = Client::new(cloud.credentials.clone(), cloud.endpoints.clone(), clock.clone())?;
    let prefix = settings.policy.namer.prefix();
    let _in_runtime = runtime.enter();
    Ok(Live::new(client, cloud, BTreeMap::new(), &prefix, clock.clone()))
}

/// The answer to one question; an error has the code of its kind.
pub fn ask(world: &mut impl World, look: &Look) -> anyhow::Result<Reading> {
    world::ask(world, look, ANSWER_WITHIN)
        .map_err(|LookFailure { class, detail }| of_refusal(class).because(detail.to_string()))
}

/// Tells on a terminal what is being asked, on one line that is wiped at the end.
#[derive(Debug)]
pub struct Progress {
    is_shown: bool,
}

impl Progress {
    /// Shown on terminals only.
    pub fn on_terminal() -> Self {
        Self { is_shown: std::io::stderr().is_terminal() }
    }

    /// Whether anybody sees it.
    pub fn is_shown(&self) -> bool {
        self.is_shown
    }

    /// Says what is being done now.
    pub fn say(&self, what: &str) {
        if self.is_shown {
            // A courtesy: nobody is left to tell if it cannot be shown.
            write!(std::io::stderr().lock(), "\r\x1b[K… {what}").ok();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            write!(std::io::stderr().lock(), "\r\x1b[K").ok();
        }
    }
}
