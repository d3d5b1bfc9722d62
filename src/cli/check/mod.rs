//! `farmscale check`: what is wrong with a config, before anything costs money.

use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::json;

mod online;

use super::out;
use super::reach::ClockArgs;
use crate::config::Settings;
use crate::policy::{IdleRule, Pool};
use crate::queue::Queue;

/// Reads a config and says all that is wrong with it, or what it means.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// The config.
    #[arg(long, default_value = "/etc/farmscale/farmscale.toml")]
    config: PathBuf,
    /// Ask the cloud too: what is offered and in stock, prices, images, networks, quotas. Buys
    /// nothing.
    #[arg(long)]
    online: bool,
    #[command(flatten)]
    clock: ClockArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl CheckArgs {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let settings = super::load(&self.config)?;
        let mut notes = settings.warnings.clone();
        let mut broken = Vec::new();
        for pool in &settings.policy.pools {
            let Some(source) = settings.queues.get(&pool.queue) else { continue };
            match Queue::open(source) {
                Ok(queue) => notes.extend(idle_note(pool, &queue)),
                Err(error) => broken.push(format!("queue {}: {error}", pool.queue)),
            }
        }
        if !broken.is_empty() {
            bail!("{}: {}", self.config.display(), broken.join("\n"));
        }
        if self.online {
            return self.ask_the_cloud(&settings, notes);
        }
        if self.json {
            return out::json(&json!({ "ok": true, "warnings": notes }));
        }
        out::line(&format!("{} can be used\n", self.config.display()))?;
        out::line(&pools(&settings))?;
        out::line("")?;
        out::line(&offers(&settings))?;
        for note in notes {
            out::line(&format!("\nwarning: {note}"))?;
        }
        Ok(())
    }

    fn ask_the_cloud(&self, settings: &Settings, mut notes: Vec<String>) -> anyhow::Result<()> {
        let clock = self.clock.clock(&settings.cloud.endpoints)?;
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        let (rows, unanswered) = runtime.block_on(online::rows(settings, clock))?;
        let faults = online::faults(&rows);
        notes.extend(online::notes(&rows));
        notes.extend(unanswered);
        notes.dedup();
        if self.json {
            out::json(&json!({
                "ok": faults.is_empty(), "rows": online::json(&rows), "faults": faults,
                "warnings": notes,
            }))?;
        } else {
            out::line(&online::table(&rows))?;
            out::line(online::FREE_STOP)?;
            for note in notes {
                out::line(&format!("\nnote: {note}"))?;
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        bail!("{} cannot be used as it is:\n  {}", self.config.display(), faults.join("\n  "))
    }
}

/// What a source that cannot tell who is idle means for its pool.
fn idle_note(pool: &Pool, queue: &Queue) -> Option<String> {
    let can = queue.abilities();
    if can.busy && can.drain {
        return None;
    }
    let lacks = match (can.busy, can.drain) {
        (false, false) => "cannot say which workers are busy and cannot drain them",
        (false, true) => "cannot say which workers are busy",
        (true, _) => "cannot drain workers",
    };
    let then = match pool.idle {
        IdleRule::Word => "its ready machines are never stopped",
        IdleRule::Assume => "an empty queue and an idle GPU are taken for idle",
    };
    Some(format!("pool {}: queue {} {lacks}, so {then} (docs/workers.md)", pool.name, pool.queue))
}

fn pools(settings: &Settings) -> String {
    let rows = settings.policy.pools.iter().map(|pool| {
        [
            pool.name.to_string(),
            pool.queue.to_string(),
            format!("{}–{}", pool.min, pool.max),
            pool.offers.len().to_string(),
            pool.windows.len().to_string(),
        ]
    });
    out::table(["pool", "queue", "size", "offers", "windows"], rows.collect())
}

fn offers(settings: &Settings) -> String {
    let rows = settings.policy.pools.iter().flat_map(|pool| {
        pool.offers.iter().map(|offer| {
            let purchase = settings.cloud.purchase(&pool.name, &offer.key);
            let image = purchase.map_or("", |purchase| &*purchase.image);
            let stop = if offer.stoppable { "yes" } else { "no" };
            [
                pool.name.to_string(),
                offer.key.to_string(),
                pool.slots_of(offer, pool.shape).to_string(),
                stop.to_owned(),
                image.to_owned(),
            ]
        })
    });
    out::table(["pool", "offer", "tasks at once", "stopped kept", "image"], rows.collect())
}
