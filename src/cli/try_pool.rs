//! `farmscale try`: boots one real machine of a pool for a moment. The only check there is of
//! image, driver, network and worker together.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use serde_json::json;

use super::reach::ClockArgs;
use super::{out, prompt};
use crate::clock::Clock;
use crate::cloud::instances::Operation;
use crate::cloud::{CallError, Client, password};
use crate::config::Settings;
use crate::model::{
    InstanceRow, MachineName, MachineRef, Money, OfferKey, Quote, Refusal, Span, Status, Stock,
    Text, Time,
};
use crate::policy::{OfferPolicy, Pool};
use crate::queue::Queue;
use secrecy::ExposeSecret;

/// Between two looks.
const EVERY: Span = Span::seconds(5);
/// For a stop or a delete to show.
const CHANGE_WITHIN: Span = Span::minutes(10);

/// Boots one real machine of a pool, waits for its worker, deletes it, says what it cost.
///
/// Tries a stop without charge too, which shows whether the account is whitelisted, and proves the
/// machine gone at the end.
///
/// Asks before it buys. Whatever goes wrong, and on Ctrl-C, the machine is deleted; killed outright,
/// it carries a name of the farm, so that the next `farmscale run` finds it and lets it go.
#[derive(Debug, clap::Args)]
pub struct TryArgs {
    /// The pool.
    pool: String,
    /// The config.
    #[arg(long, default_value = "/etc/farmscale/farmscale.toml")]
    config: PathBuf,
    /// Only in this zone.
    #[arg(long)]
    zone: Option<String>,
    /// Only of this family.
    #[arg(long)]
    family: Option<String>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: ClockArgs,
}

/// A trial under way.
struct Trial<'a> {
    client: Client,
    settings: &'a Settings,
    pool: &'a Pool,
    queue: Queue,
    name: MachineName,
    offer: OfferKey,
    quote: Quote,
    started_at: Time,
    is_quiet: bool,
    /// A create may have been carried out.
    is_sent: bool,
    instance: Option<Text>,
    workers: Vec<Text>,
    found: Found,
}

/// What was found out; `None` = not reached.
#[derive(Debug, Default)]
struct Found {
    running_after: Option<Span>,
    worker_after: Option<Span>,
    stops_free: Option<bool>,
    off_at: Option<Time>,
    gone_after: Option<Span>,
}

impl TryArgs {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let settings = super::load(&self.config)?;
        let listen = settings.page.listen;
        if std::net::TcpStream::connect(listen).is_ok() {
            bail!(
                "something answers on {listen}, where the page of this farm's daemon is: a daemon \
                 at work would take the machine for its own; stop it first"
            );
        }
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        runtime.block_on(self.work(&settings))
    }

    async fn work(&self, settings: &Settings) -> anyhow::Result<()> {
        let pools = &settings.policy.pools;
        let pool = pools.iter().find(|pool| *pool.name == *self.pool).with_context(|| {
            let known: Vec<_> = pools.iter().map(|pool| &*pool.name).collect();
            format!("there is no pool `{}`; there are: {}", self.pool, known.join(", "))
        })?;
        let queue = settings.queues.get(&pool.queue).context("the pool's queue is missing")?;
        let cloud = &settings.cloud;
        let clock = self.clock.clock(&cloud.endpoints)?;
        let client = Client::new(cloud.credentials.clone(), cloud.endpoints.clone(), clock)?;
        queue.read(client.clock().now()).await.map_err(|failure| {
            anyhow!("the queue does not answer, so no worker could be seen: {}", failure.detail)
        })?;
        let (offer, quote) = self.cheapest(&client, settings, pool).await?;
        let hourly = quote.running.per_hour();
        if !self.yes {
            prompt::confirm(&format!("boot one {offer} at {hourly} an hour, for some minutes"))?;
        }
        let started_at = client.clock().now();
        let mut trial = Trial {
            name: name(settings, pool, started_at),
            client,
            settings,
            pool,
            queue: queue.clone(),
            offer,
            quote,
            started_at,
            is_quiet: self.json,
            is_sent: false,
            instance: None,
            workers: Vec::new(),
            found: Found::default(),
        };
        let lived = tokio::select! {
            lived = trial.live() => lived,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                Err(anyhow!("interrupted"))
            }
        };
        let gone = trial.end().await;
        trial.report(self.json)?;
        gone.and(lived)
    }

    /// The cheapest machine of the pool in stock.
    async fn cheapest(
        &self,
        client: &Client,
        settings: &Settings,
        pool: &Pool,
    ) -> anyhow::Result<(OfferKey, Quote)> {
        let (mut best, mut why_not): (Option<(Money, OfferKey, Quote)>, Vec<String>) =
            (None, Vec::new());
        let asked = |offer: &&OfferPolicy| {
            let is = |only: &Option<String>, is: &str| only.as_deref().is_none_or(|one| one == is);
            is(&self.zone, &offer.key.zone) && is(&self.family, &offer.key.family)
        };
        for offer in pool.offers.iter().filter(asked) {
            match price(client, settings, pool, offer).await {
                Ok(quote) => {
                    let hourly = quote.running.per_hour();
                    if best.as_ref().is_none_or(|(least, ..)| hourly < *least) {
                        best = Some((hourly, offer.key.clone(), quote));
                    }
                }
                Err(why) => why_not.push(format!("{}: {why}", offer.key)),
            }
        }
        best.map(|(_, key, quote)| (key, quote)).with_context(|| {
            format!("nothing of pool {} can be bought now:\n  {}", pool.name, why_not.join("\n  "))
        })
    }
}

async fn price(
    client: &Client,
    settings: &Settings,
    pool: &Pool,
    offer: &OfferPolicy,
) -> Result<Quote, String> {
    let key = &offer.key;
    let now = client.clock().now();
    let said = |error: CallError| error.to_string();
    let stock = client.stock(&key.zone, &key.family, now).await.map_err(said)?;
    let found = stock.sizes.iter().find(|(size, _)| *size == key.size());
    match found.map(|(_, stock)| stock) {
        Some(Stock::Sells) => {}
        Some(Stock::SoldOut) => return Err("sold out".to_owned()),
        None => return Err("not offered".to_owned()),
    }
    let purchase = settings.cloud.purchase(&pool.name, key).ok_or("no image or network")?;
    client.quote(key, &purchase.system_disk(), now).await.map_err(said)
}

/// A name of the farm that no daemon will make: its serials begin at 1.
fn name(settings: &Settings, pool: &Pool, now: Time) -> MachineName {
    let (_, low) = uuid::Uuid::new_v4().as_u64_pair();
    settings.policy.namer.name(&pool.tag, now.seconds() / 60, (1 << 40) | (low >> 28))
}

impl Trial<'_> {
    fn clock(&self) -> &Clock {
        self.client.clock()
    }

    fn passed(&self) -> Span {
        self.clock().now().since(self.started_at)
    }

    fn say(&self, what: &str) {
        if !self.is_quiet {
            // Progress is a courtesy: nobody is left to tell if it cannot be shown.
            writeln!(std::io::stderr().lock(), "{:>8}  {what}", self.passed().to_string()).ok();
        }
    }

    async fn pause(&self) {
        self.clock().sleep_until(self.clock().now() + EVERY).await;
    }

    /// From the create to a stop.
    async fn live(&mut self) -> anyhow::Result<()> {
        self.create().await?;
        self.await_running().await?;
        self.await_worker().await?;
        if self.pool.offer(&self.offer).is_some_and(|offer| offer.stoppable) {
            self.try_free_stop().await?;
        }
        Ok(())
    }

    async fn create(&mut self) -> anyhow::Result<()> {
        let cloud = &self.settings.cloud;
        let purchase = cloud.purchase(&self.pool.name, &self.offer).context("no purchase")?;
        let secret = purchase
            .password
            .as_ref()
            .map_or_else(password::random, |fixed| fixed.expose_secret().to_owned());
        let new = purchase.one(self.name.as_str(), &self.offer, None, &secret);
        self.say(&format!("creating {} ({})", self.name, self.offer));
        self.is_sent = true;
        match self.client.create(&new).await {
            Ok(taken_on) => self.instance = taken_on.made.into_iter().next(),
            Err(error @ (CallError::NotSent(_) | CallError::Refused { .. })) => {
                self.is_sent = false;
                bail!("the create was refused: {error}")
            }
            Err(error) => self.say(&format!("{error}; looking for it by its name")),
        }
        let until = self.clock().now() + self.settings.policy.timing.create_grace;
        while self.instance.is_none() {
            self.instance = self.find().await.ok().flatten();
            if until < self.clock().now() {
                bail!("the create's outcome is unknown, and {} has not appeared", self.name);
            }
            self.pause().await;
        }
        Ok(())
    }

    /// The machine's id, by its exact name.
    async fn find(&self) -> Result<Option<Text>, CallError> {
        let zones = BTreeMap::new(); // where it is does not matter here
        let rows = self.client.instances(self.name.as_str(), &zones).await?;
        let is_it =
            |row: &InstanceRow| *row.name == *self.name.as_str() && row.status != Status::Gone;
        Ok(rows.into_iter().find(is_it).map(|row| row.instance))
    }

    async fn status(&self) -> Option<Status> {
        let id = self.instance.as_deref()?;
        self.client.statuses(&[id]).await.ok()?.remove(id)
    }

    async fn await_running(&mut self) -> anyhow::Result<()> {
        let until = self.started_at + self.settings.policy.timing.boot_max;
        loop {
            match self.status().await {
                Some(Status::Running) => break,
                Some(Status::Failed) => bail!("the cloud says that the create failed"),
                _ if until < self.clock().now() => bail!(
                    "not running after {}; see the machine's console: `farmscale api \
                     DescribeInstanceVncUrl`",
                    self.passed()
                ),
                _ => self.pause().await,
            }
        }
        self.found.running_after = Some(self.passed());
        self.say("running; waiting for its worker to join the queue");
        Ok(())
    }

    async fn await_worker(&mut self) -> anyhow::Result<()> {
        let until = self.clock().now() + self.settings.policy.timing.boot_max;
        loop {
            let reading = self.queue.read(self.clock().now()).await;
            let Some(seen) = reading.ok().map(|reading| reading.workers) else {
                self.pause().await;
                continue;
            };
            let Some(seen) = seen else {
                self.say("the queue cannot say who its workers are: not checked");
                return Ok(());
            };
            let is_ours = |on: &str| {
                on == self.name.as_str() || self.instance.as_deref().is_some_and(|id| id == on)
            };
            let ours = seen.iter().filter(|worker| is_ours(&worker.instance));
            self.workers = ours.map(|worker| Text::clone(&worker.worker)).collect();
            if !self.workers.is_empty() {
                break;
            }
            if until < self.clock().now() {
                bail!(
                    "no worker joined the queue within {}: is the worker a service of the image, \
                     does it report this machine's id or name, can it reach the queue? \
                     (docs/worker-image.md)",
                    self.passed()
                );
            }
            self.pause().await;
        }
        self.found.worker_after = Some(self.passed());
        self.say(&format!("worker {} has joined", self.workers.join(", ")));
        Ok(())
    }

    /// Whether the account may stop machines without charge shows only afterwards.
    async fn try_free_stop(&mut self) -> anyhow::Result<()> {
        let Some(id) = self.instance.clone() else { return Ok(()) };
        self.say("trying a stop without charge");
        let machine = MachineRef {
            name: self.name.clone(),
            instance: Some(Text::clone(&id)),
            workers: self.workers.clone(),
        };
        if self.pool.drains {
            self.queue
                .drain(&machine)
                .await
                .map_err(|failure| anyhow!("the worker cannot be drained: {}", failure.detail))?;
        }
        self.client.operate(&[&id], Operation::FreeStop).await?;
        let until = self.clock().now() + CHANGE_WITHIN;
        while self.status().await != Some(Status::Shutdown) {
            if until < self.clock().now() {
                bail!("not shut down within {CHANGE_WITHIN}");
            }
            self.pause().await;
        }
        let is_free = self.client.instance(&id).await?.free_when_stopped;
        self.found.stops_free = Some(is_free);
        if is_free {
            self.found.off_at = Some(self.clock().now());
            self.say("stopped without charge");
        } else {
            self.say(
                "stopped, but charged on: the account is not whitelisted, or the disk is local",
            );
        }
        Ok(())
    }

    /// Deletes the machine, whatever became of it, and looks until it is gone.
    async fn end(&mut self) -> anyhow::Result<()> {
        if self.is_sent && self.instance.is_none() {
            self.say("the create was cut off; looking for what may have come of it");
            let timing = &self.settings.policy.timing;
            let until = self.clock().now() + timing.listing_lag_max + timing.late_max;
            while self.instance.is_none() && self.clock().now() < until {
                self.instance = self.find().await.ok().flatten();
                self.pause().await;
            }
        }
        let Some(id) = self.instance.clone() else { return Ok(()) };
        self.say("deleting it");
        let until = self.clock().now() + CHANGE_WITHIN;
        loop {
            match self.client.delete(&[&id], true).await {
                Err(error) if error.class() == Refusal::NotFound => break,
                Ok(_) => break,
                Err(error) if until < self.clock().now() => {
                    return Err(anyhow!(error).context(self.still_there(&id)));
                }
                Err(error) => self.say(&format!("{error}; trying again")),
            }
            self.pause().await;
        }
        let mut misses = 0;
        while misses < 2 {
            let status = self.status().await;
            match self.find().await {
                Ok(None) if matches!(status, None | Some(Status::Gone)) => misses += 1,
                _ if until < self.clock().now() => bail!(self.still_there(&id)),
                _ => misses = 0,
            }
            self.pause().await;
        }
        self.found.gone_after = Some(self.passed());
        self.say("gone: no listing and no status shows it");
        if self.pool.drains && self.found.worker_after.is_some() {
            // The name is never used again: a flag that stays harms nobody.
            self.queue.undrain(&self.machine()).await.ok();
        }
        Ok(())
    }

    fn machine(&self) -> MachineRef {
        let (name, instance) = (self.name.clone(), self.instance.clone());
        MachineRef { name, instance, workers: self.workers.clone() }
    }

    fn still_there(&self, id: &str) -> String {
        format!(
            "{} ({id}) IS STILL THERE AND BILLS; delete it with `farmscale api DeleteInstance \
             EcsIds={id} DeleteEip=1` or in the vendor's console",
            self.name
        )
    }

    /// What it cost, at most: from the request until it was seen to be off without charge, and its
    /// disk from then until it was seen to be gone.
    fn cost(&self) -> Money {
        if self.instance.is_none() {
            return Money::ZERO;
        }
        let gone_at = self.started_at + self.found.gone_after.unwrap_or_else(|| self.passed());
        let off_at = self.found.off_at.unwrap_or(gone_at);
        self.quote.running.over(off_at.since(self.started_at))
            + self.quote.stopped.over(gone_at.since(off_at))
    }

    fn report(&self, as_json: bool) -> anyhow::Result<()> {
        let Found { running_after, worker_after, stops_free, gone_after, .. } = &self.found;
        if as_json {
            let seconds = |span: &Option<Span>| span.map(Span::as_seconds);
            return out::json(&json!({
                "pool": *self.pool.name, "offer": self.offer.to_string(),
                "name": self.name.as_str(), "instance": self.instance.as_deref(),
                "hourly_yuan": self.quote.running.per_hour().plain(),
                "running_after_s": seconds(running_after),
                "worker_after_s": seconds(worker_after), "workers": self.workers,
                "stops_free": stops_free, "gone_after_s": seconds(gone_after),
                "cost_at_most_yuan": self.cost().plain(),
            }));
        }
        let span = |span: &Option<Span>| {
            span.map_or_else(|| "not reached".to_owned(), |span| format!("after {span}"))
        };
        let free = match stops_free {
            None => "not tried",
            Some(true) => "yes",
            Some(false) => "NO: set free_stop = false in the pool, or ask the vendor's sales",
        };
        let rows = vec![
            ["offer".to_owned(), self.offer.to_string()],
            ["price".to_owned(), format!("{} an hour", self.quote.running.per_hour())],
            ["running".to_owned(), span(running_after)],
            ["worker in the queue".to_owned(), span(worker_after)],
            ["stops without charge".to_owned(), free.to_owned()],
            ["gone".to_owned(), span(gone_after)],
            ["cost, at most".to_owned(), self.cost().to_string()],
        ];
        out::line(&out::table(["", ""], rows))
    }
}
