//! `farmscale init`: looks at what the account can buy, asks a few questions, writes a config.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::{Context, bail};

use super::exit::Exit;
use super::offers::{Listed, SurveyArgs, list, table};
use super::reach::ReachArgs;
use super::{out, prompt};
use crate::cloud::Endpoints;

mod text;

use text::{Pick, Proposal};

/// Finds zones, sizes, images and networks of the account, and writes a config that passes
/// `farmscale check`.
///
/// Asks on a terminal; with --yes, or without a terminal, takes the defaults and what the options
/// say. The key comes from `FARMSCALE_ACCESS_KEY_ID` and `FARMSCALE_ACCESS_KEY_SECRET`.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    #[command(flatten)]
    reach: ReachArgs,
    /// Where to write.
    #[arg(long, default_value = "farmscale.toml")]
    output: PathBuf,
    /// Write over a file that is there.
    #[arg(long)]
    force: bool,
    /// Ask nothing.
    #[arg(long)]
    yes: bool,
    /// The farm's name: 1–6 of a-z and 0-9, the beginning of machines' names.
    #[arg(long)]
    farm: Option<String>,
    /// The Redis tasks wait in.
    #[arg(long)]
    redis: Option<String>,
    /// The list in it.
    #[arg(long)]
    list: Option<String>,
    /// Machines at most.
    #[arg(long)]
    max: Option<u32>,
    /// Yuan an hour at most.
    #[arg(long)]
    money_per_hour: Option<u32>,
    #[command(flatten)]
    survey: SurveyArgs,
    /// A file with the key's id and, on the next line, its secret (mode 0600); unless said the
    /// daemon takes the key from its environment.
    #[arg(long)]
    key_file: Option<String>,
}

impl InitArgs {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        if self.output.exists() && !self.force {
            return Err(Exit::CannotCreate.because(format!(
                "{} is there already; name another file with --output, or say --force",
                self.output.display()
            )));
        }
        let client = self.reach.client()?;
        let zones = self.survey.ask(&client)?;
        let listed = list(&zones, None, client.clock().now());
        out::line(&table(&listed))?;
        let picks = self.pick(&listed)?;
        let endpoint = client.endpoints().ecs.clone();
        let is_vendors = endpoint == Endpoints::default().ecs;
        let proposal = Proposal {
            farm: self.answer("farm's name", self.farm.as_deref(), "studio")?,
            endpoint: (!is_vendors).then_some(endpoint),
            key_file: self.key_file.clone(),
            redis: self.answer("Redis", self.redis.as_deref(), "redis://127.0.0.1:6379")?,
            list: self.answer("list of tasks in it", self.list.as_deref(), "render")?,
            max: self.number("machines at most", self.max, Some(10))?.unwrap_or(10),
            money_per_hour: self.number("yuan an hour at most", self.money_per_hour, None)?,
            disk_gib: self.survey.disk_size,
            picks,
        };
        self.write(&proposal.text())
    }

    /// What to buy: everything that has an image and a network, sold out or not, unless the user
    /// picks some.
    fn pick<'a>(&self, listed: &[Listed<'a>]) -> anyhow::Result<Vec<Pick<'a>>> {
        let mut possible: Vec<(usize, Pick<'a>)> = Vec::new();
        for (number, one) in listed.iter().enumerate() {
            let (zone, offered) = (one.zone, one.offered);
            if zone.subnets.is_empty() {
                continue;
            }
            if let Some(image) = zone.images_for(&offered.spec).first() {
                let image = (&image.id, &image.name);
                possible.push((number + 1, Pick { zone, offered, image }));
            }
        }
        if possible.is_empty() {
            return Err(Exit::Unavailable.because(
                "nothing can be bought: no size has both an image with its GPU driver and a subnet \
                 in its zone; make an image (docs/worker-image.md), copy it to the zone with \
                 `farmscale api SyncImage`, or make a subnet in the vendor's console",
            ));
        }
        if self.is_quiet() {
            return Ok(possible.into_iter().map(|(_, pick)| pick).collect());
        }
        let all: Vec<String> = possible.iter().map(|(number, _)| number.to_string()).collect();
        let said = prompt::value("which of these, by number", &all.join(","))?;
        let mut picks = Vec::new();
        for word in said.split([',', ' ']).filter(|word| !word.is_empty()) {
            let number: usize = word.parse().with_context(|| format!("`{word}` is no number"))?;
            let found = possible.iter().find(|(possible, _)| *possible == number);
            let (_, pick) = found.with_context(|| {
                format!("{number} has no image or network, or is not in the table")
            })?;
            picks.push(*pick);
        }
        if picks.is_empty() {
            bail!("nothing was picked");
        }
        Ok(picks)
    }

    fn is_quiet(&self) -> bool {
        self.yes || !std::io::stdin().is_terminal()
    }

    fn answer(&self, what: &str, given: Option<&str>, default: &str) -> anyhow::Result<String> {
        match given {
            Some(given) => Ok(given.to_owned()),
            None if self.is_quiet() => Ok(default.to_owned()),
            None => prompt::value(what, default),
        }
    }

    fn number(
        &self,
        what: &str,
        given: Option<u32>,
        default: Option<u32>,
    ) -> anyhow::Result<Option<u32>> {
        if given.is_some() || self.is_quiet() {
            return Ok(given.or(default));
        }
        let shown = default.map_or_else(|| "none".to_owned(), |default| default.to_string());
        match prompt::value(what, &shown)?.as_str() {
            "none" => Ok(None),
            text => text.parse().map(Some).with_context(|| format!("`{text}` is no whole number")),
        }
    }

    /// Writes the config, and takes it back if it does not pass its own check.
    fn write(&self, text: &str) -> anyhow::Result<()> {
        let path = &self.output;
        let new = path.with_extension("toml.new");
        std::fs::write(&new, text).with_context(|| format!("cannot write {}", new.display()))?;
        let checked = super::load(&new);
        if let Err(error) = checked {
            std::fs::remove_file(&new).ok(); // what is said next matters more
            return Err(error.context("the answers make no config that passes its check"));
        }
        std::fs::rename(&new, path).with_context(|| format!("cannot write {}", path.display()))?;
        out::line(&format!(
            "\nwritten to {0}. Next:\n  farmscale check --online --config {0}\n  farmscale try gpu \
             --config {0}      boots one real machine for a moment\n  farmscale run --config {0}",
            path.display()
        ))
    }
}
