//! `farmscale cloudsim`: the simulated cloud alone, for anybody's tests.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::Context;
use secrecy::SecretString;
use tokio::net::TcpListener;

use super::out;
use crate::clock::Clock;
use crate::sim::http::{Alone, Options, serve};
use crate::sim::scenario::{BUNDLED, Scenario};

/// Serves a simulated cloud: the vendor's API with its signatures, lag, faults and bill.
///
/// The truth behind it: GET /sim/instances, /sim/bill, /sim/calls, /sim/now. Knobs: POST /sim/stock
/// {zone, family, cpu, ram, gpu, units} and /sim/usage {instance, percent}.
#[derive(Debug, clap::Args)]
pub struct CloudsimArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:9400")]
    listen: SocketAddr,
    /// How many simulated seconds pass in a real one; `run --clock-speed` must be the same.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    speed: u32,
    /// The same seed gives the same behaviour.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A bundled scenario, or a TOML file; `list` shows the bundled ones. Unless said `nasty`.
    #[arg(long)]
    scenario: Option<String>,
    /// A cloud without lag, failures or lost answers: short for `--scenario kind`.
    #[arg(long, conflicts_with = "scenario")]
    kind: bool,
    /// The one key that is let in.
    #[arg(long, env = "FARMSCALE_ACCESS_KEY_ID", default_value = "cloudsim")]
    access_key_id: String,
    /// Its secret.
    #[arg(
        long,
        env = "FARMSCALE_ACCESS_KEY_SECRET",
        hide_env_values = true,
        default_value = "cloudsim-secret"
    )]
    access_key_secret: SecretString,
}

impl CloudsimArgs {
    /// Serves until interrupted.
    pub fn run(self) -> anyhow::Result<()> {
        if self.name() == "list" {
            let about =
                |text: &str| Scenario::parse(text).map_or_else(|fault| fault, |one| one.about);
            let row = |(name, text): &(&str, &str)| [(*name).to_owned(), about(text)];
            let rows = BUNDLED.iter().map(row).collect();
            return out::line(&out::table(["scenario", "what it is for"], rows));
        }
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        runtime.block_on(self.serve())
    }

    fn name(&self) -> &str {
        let base = if self.kind { "kind" } else { "nasty" };
        self.scenario.as_deref().unwrap_or(base)
    }

    fn scenario(&self) -> anyhow::Result<Scenario> {
        let name = self.name();
        if let Some((_, text)) = BUNDLED.iter().find(|(known, _)| *known == name) {
            return Scenario::parse(text).map_err(anyhow::Error::msg);
        }
        let text = std::fs::read_to_string(name).with_context(|| {
            let known: Vec<_> = BUNDLED.iter().map(|(name, _)| *name).collect();
            format!("{name} is no scenario file, and none of {}", known.join(", "))
        })?;
        Scenario::parse(&text).map_err(|fault| anyhow::anyhow!("{name}: {fault}"))
    }

    async fn serve(self) -> anyhow::Result<()> {
        let listener = TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("cannot listen on {}", self.listen))?;
        let address = listener.local_addr().context("cannot tell the address listened on")?;
        let scenario = self.scenario()?;
        let clock = Clock::scaled(self.speed);
        let provider = scenario.provider(clock.now(), self.seed).map_err(anyhow::Error::msg)?;
        let cloud = Alone::answering(provider, scenario.answers());
        let mischief = scenario.mischief().map_err(anyhow::Error::msg)?;
        let name = self.name().to_owned();
        let options = Options {
            access_key_id: self.access_key_id,
            access_key_secret: self.access_key_secret,
            mischief,
            seed: self.seed,
        };
        writeln!(
            std::io::stdout().lock(),
            "cloudsim ({name}, speed {}, seed {}) on http://{address}",
            self.speed,
            self.seed
        )
        .context("cannot write to the standard output")?;
        tokio::select! {
            ended = serve(Arc::new(Mutex::new(cloud)), clock, options, listener) => {
                ended.context("the server has ended")
            }
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.context("cannot wait for an interrupt")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: CloudsimArgs,
    }

    #[test]
    fn the_nasty_cloud_at_real_speed_is_the_default() {
        let Line { args } = Line::try_parse_from(["cloudsim"]).unwrap();
        assert_eq!((args.name(), args.speed, args.listen.port()), ("nasty", 1, 9400));
    }

    #[test]
    fn a_clock_that_stands_still_is_refused_and_the_secret_is_not_shown() {
        assert!(Line::try_parse_from(["cloudsim", "--speed", "0"]).is_err());
        let line = ["cloudsim", "--kind", "--access-key-secret", "hush"];
        let Line { args } = Line::try_parse_from(line).unwrap();
        assert!(args.name() == "kind" && !format!("{args:?}").contains("hush"));
    }
}
