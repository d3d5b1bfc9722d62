//! `farmscale try`: boots one real machine of a pool for a moment. The only check there is of
//! image, driver, network and worker together. The machine is chosen, bought, drained and deleted by
//! the planner and the driver that `run` has, over a store of its own.

mod alone;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, anyhow, bail};
use serde_json::json;
use tokio::runtime::Handle;

use self::alone::{Alone, Goal, Once, Shown};
use super::exit::Exit;
use super::reach::ClockArgs;
use super::{out, prompt};
use crate::clock::Clock;
use crate::cloud::Client;
use crate::config::Settings;
use crate::driver::{Driver, Ended, Recovered};
use crate::journal::{Fenced, Journal, Preflight, Store};
use crate::memory::Memory;
use crate::model::event::{CreateEvent, EventKind, MachineEvent};
use crate::model::{Billing, Money, OfferKey, Order, Quote, Span, Time, Wake};
use crate::policy::{Care, IdleRule, Limits, MoneyCaps, Policy, Pool, Spending, Tier, Timing};
use crate::telemetry::words::{self, Language};
use crate::world::World;
use crate::world::live::{Live, WakeSender};

/// Between two looks at fleet, queue and events.
const EVERY: Span = Span::seconds(5);
/// For the plan to find what it would buy.
const PROPOSAL_WITHIN: Span = Span::minutes(3);
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
    #[arg(long, default_value = super::CONFIG)]
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

/// What the planner would buy.
#[derive(Debug, Clone)]
struct Proposal {
    offer: OfferKey,
    quote: Quote,
}

/// A trial under way, between two stages.
#[derive(Debug)]
struct Trial {
    world: Alone<Live>,
    policy: Policy,
    memory: Memory,
    shown: Shown,
    sender: WakeSender,
    is_cut: Arc<AtomicBool>,
}

impl TryArgs {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let settings = super::load(&self.config)?;
        let listen = settings.page.listen;
        if std::net::TcpStream::connect(listen).is_ok() {
            return Err(Exit::CannotCreate.because(format!(
                "something answers on {listen}, where the page of this farm's daemon is: a daemon \
                 at work would take the machine for its own; stop it first"
            )));
        }
        let policy = self.policy(&settings)?;
        let clock = self.clock.clock(&settings.cloud.endpoints)?;
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        let folder = std::env::temp_dir().join(format!("farmscale-try-{}", uuid::Uuid::new_v4()));
        let trial = {
            let _in_runtime = runtime.enter();
            Trial::new(settings, policy, &clock, self.json)?
        };
        let done = self.buy(trial, &folder, &clock, runtime.handle());
        runtime.shutdown_background();
        done
    }

    /// The pool with room for one machine, which nothing but the trial asks for.
    fn policy(&self, settings: &Settings) -> anyhow::Result<Policy> {
        let Policy { pools, timing, .. } = &settings.policy;
        let pool = pools.iter().find(|pool| *pool.name == *self.pool);
        let Some(pool) = pool else {
            let known: Vec<_> = pools.iter().map(|pool| &*pool.name).collect();
            let known = known.join(", ");
            let what = format!("there is no pool `{}`; there are: {known}", self.pool);
            return Err(Exit::NotThere.because(what));
        };
        let is = |only: &Option<String>, is: &str| only.as_deref().is_none_or(|one| one == is);
        let is_meant = |key: &OfferKey| {
            key.billing == Billing::OnDemand
                && is(&self.zone, &key.zone)
                && is(&self.family, &key.family)
        };
        let mut offers = pool.offers.clone();
        offers.retain(|offer| is_meant(&offer.key));
        if offers.is_empty() {
            let what = format!("the pool {} buys no such family in such a zone", pool.name);
            return Err(Exit::NotThere.because(what));
        }
        let (stop_after, delete_after) = (Some(Span::seconds(1)), Some(Span::days(1)));
        let alone = Pool {
            offers,
            min: 1,
            max: 1,
            surge: 1,
            windows: Vec::new(),
            headroom: 0,
            tier: Tier { keep_stopped: true, stop_after, delete_after, ..pool.tier },
            caps: MoneyCaps::default(),
            spot: None,
            takes: Vec::new(),
            promise: None,
            // Its own machine has no work but what it took itself.
            idle: if pool.drains { pool.idle } else { IdleRule::Assume },
            care: Care::default(),
            ..pool.clone()
        };
        Ok(Policy {
            pools: vec![alone],
            limits: Limits { max: 1, open_creates: 1, ..Limits::default() },
            spending: Spending::default(),
            shared: Vec::new(),
            timing: Timing { queue_poll: EVERY, fleet_poll: EVERY, event_poll: EVERY, ..*timing },
            ..settings.policy.clone()
        })
    }

    fn buy(
        &self,
        trial: Trial,
        folder: &Path,
        clock: &Clock,
        runtime: &Handle,
    ) -> anyhow::Result<()> {
        let (mut trial, proposal) = trial.propose()?;
        let Proposal { offer, quote } = &proposal;
        let hourly = quote.running.per_hour();
        if !self.yes {
            prompt::confirm(&format!("boot one {offer} at {hourly} an hour, for some minutes"))?;
        }
        let stoppable = trial.narrow(offer);
        trial.end_on_ctrl_c(runtime);
        let prefix = trial.policy.namer.prefix();
        let farm = prefix.trim_end_matches('-');
        let store = Store::open(folder, farm, clock.clone(), &Preflight::InProcess)?.store;
        let (trial, lived, gone) = trial.live(store, stoppable);
        if gone.is_ok() {
            // What is left in a temporary folder is the system's to sweep.
            std::fs::remove_dir_all(folder).ok();
        }
        self.report(&trial, &proposal, gone.as_ref().ok().copied())?;
        gone.map(drop).and(lived)
    }

    fn report(
        &self,
        trial: &Trial,
        proposal: &Proposal,
        gone_after: Option<Span>,
    ) -> anyhow::Result<()> {
        let Proposal { offer, quote } = proposal;
        let seen = &trial.world.seen;
        let after = |at: Option<Time>| at.map(|at| trial.world.passed(at));
        let (running, worker) = (after(seen.running_at), after(seen.worker_at));
        let (hourly, cost) = (quote.running.per_hour(), cost(trial, quote, gone_after));
        if self.json {
            let seconds = |span: Option<Span>| span.map(Span::as_seconds);
            return out::json(&json!({
                "pool": self.pool, "offer": offer.to_string(),
                "name": seen.name.as_ref().map(|name| name.as_str().to_owned()),
                "instance": seen.instance.as_deref(), "hourly_yuan": hourly.plain(),
                "running_after_s": seconds(running), "worker_after_s": seconds(worker),
                "workers": seen.workers, "stops_free": seen.stops_free,
                "gone_after_s": seconds(gone_after), "cost_at_most_yuan": cost.plain(),
            }));
        }
        let span = |span: Option<Span>| {
            span.map_or_else(|| "not reached".to_owned(), |span| format!("after {span}"))
        };
        let free = match seen.stops_free {
            None => "not tried",
            Some(true) => "yes",
            Some(false) => "NO: set free_stop = false in the pool, or ask the vendor's sales",
        };
        let rows = vec![
            ["offer".to_owned(), offer.to_string()],
            ["price".to_owned(), format!("{hourly} an hour")],
            ["running".to_owned(), span(running)],
            ["worker in the queue".to_owned(), span(worker)],
            ["stops without charge".to_owned(), free.to_owned()],
            ["gone".to_owned(), span(gone_after)],
            ["cost, at most".to_owned(), cost.to_string()],
        ];
        out::line(&out::table(["", ""], rows))
    }
}

/// What it cost, at most: from the trial's begin until it was seen to be off without charge, and its
/// disk from then until it was seen to be gone.
fn cost(trial: &Trial, quote: &Quote, gone_after: Option<Span>) -> Money {
    let seen = &trial.world.seen;
    if seen.instance.is_none() {
        return Money::ZERO;
    }
    let end = gone_after.unwrap_or_else(|| trial.world.passed(trial.world.now()));
    let off_at = seen.off_at.filter(|_| seen.stops_free == Some(true));
    let off = off_at.map_or(end, |at| trial.world.passed(at));
    quote.running.over(off) + quote.stopped.over(end - off)
}

impl Trial {
    /// Must be called within the runtime.
    fn new(
        settings: Settings,
        policy: Policy,
        clock: &Clock,
        is_quiet: bool,
    ) -> anyhow::Result<Self> {
        let Settings { cloud, queues, .. } = settings;
        let key = cloud.credentials.clone();
        let client = Client::new(key, cloud.endpoints.clone(), clock.clone())?;
        let live = Live::new(client, cloud, queues, &policy.namer.prefix(), clock.clone());
        let (sender, shown) = (live.sender(), Shown::default());
        let world = Alone::new(live, shown.clone(), is_quiet);
        let (memory, is_cut) = (Memory::default(), Arc::default());
        Ok(Self { world, policy, memory, shown, sender, is_cut })
    }

    /// Runs the driver until the stage is over.
    fn stage<J: Journal>(self, journal: J, goal: Goal, within: Span) -> (Self, J) {
        let Self { mut world, policy, memory, shown, sender, is_cut } = self;
        world.aim(goal, within);
        let (random, _) = uuid::Uuid::new_v4().as_u64_pair();
        let recovered = Recovered { memory, random, ..Recovered::default() };
        let mut driver = Driver::new(world, journal, shown.clone(), policy.clone(), recovered);
        // What the journal says of a failure stands in what is left of the machine.
        if let Ended::JournalFailed(why) = driver.run() {
            tracing::error!(why, "the trial's store");
        }
        let memory = driver.memory().clone();
        let (world, journal) = driver.into_parts();
        (Self { world, policy, memory, shown, sender, is_cut }, journal)
    }

    /// What the planner would buy, and the price; nothing is changed.
    fn propose(self) -> anyhow::Result<(Self, Proposal)> {
        let (mut trial, _) = self.stage(Fenced, Goal::Proposal, PROPOSAL_WITHIN);
        trial.memory = Memory::default();
        let farm = trial.shown.get().take();
        let planned = farm.iter().flat_map(|farm| &farm.planned).find_map(|event| {
            let EventKind::Machine { event, .. } = &event.kind else { return None };
            let MachineEvent::Create(CreateEvent::Intended { offer, quote, .. }) = event else {
                return None;
            };
            Some(Proposal { offer: offer.clone(), quote: *quote })
        });
        if let Some(proposal) = planned.filter(|_| trial.world.has_read_queue()) {
            return Ok((trial, proposal));
        }
        let mut why: Vec<String> = Vec::new();
        if let Some(farm) = &farm {
            why.extend(farm.faults.iter().map(|(source, detail)| format!("{source}: {detail}")));
            let offers = farm.offers.iter().filter_map(|offer| offer.blocked.as_ref());
            why.extend(offers.map(|blocked| words::constraint(blocked).keyed(Language::En)));
        }
        let pool = trial.policy.pools.first().map_or("", |pool| &*pool.name);
        let what = format!("nothing of pool {pool} can be bought now:\n  {}", why.join("\n  "));
        Err(Exit::Unavailable.because(what))
    }

    /// Only this offer from now on; whether it can be stopped without charge.
    fn narrow(&mut self, offer: &OfferKey) -> bool {
        let offers = self.policy.pools.iter_mut().map(|pool| &mut pool.offers);
        offers.for_each(|offers| offers.retain(|one| one.key == *offer));
        self.policy.pools.iter().flat_map(|pool| &pool.offers).any(|one| one.stoppable)
    }

    fn end_on_ctrl_c(&self, runtime: &Handle) {
        let (is_cut, sender) = (Arc::clone(&self.is_cut), self.sender.clone());
        runtime.spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                is_cut.store(true, Ordering::Release);
                sender.send(Wake::Stop);
            }
        });
    }

    /// From the create to the end: whether all that was tried worked, and when the machine was gone.
    fn live(
        self,
        store: Store,
        stoppable: bool,
    ) -> (Self, anyhow::Result<()>, anyhow::Result<Span>) {
        let timing = self.policy.timing;
        let (boots, grace) = (timing.boot_max, timing.create_grace);
        let (mut trial, mut journal) =
            self.stage(Once::new(store), Goal::Worker, grace.max(boots) + boots);
        let mut lived = trial.has_worker();
        journal.is_bound = false;
        for pool in &mut trial.policy.pools {
            pool.min = 0;
        }
        if stoppable && lived.is_ok() && trial.world.seen.worker_at.is_some() {
            (trial, journal) = trial.stage(journal, Goal::Off, CHANGE_WITHIN);
            if !trial.world.has_reached() {
                lived =
                    Err(Exit::TryAgain.because(format!("not shut down within {CHANGE_WITHIN}")));
            }
        }
        trial.sender.send(Wake::Ordered(Order::Retire { owner: "farmscale try".into() }));
        (trial, _) = trial.stage(journal, Goal::Gone, grace + CHANGE_WITHIN);
        if trial.is_cut.load(Ordering::Acquire) {
            lived = Err(anyhow!("interrupted"));
        }
        let gone = trial.is_gone();
        (trial, lived, gone)
    }

    fn has_worker(&self) -> anyhow::Result<()> {
        let (world, seen) = (&self.world, &self.world.seen);
        let passed = world.passed(world.now());
        if let Some(why) = &seen.refused {
            return Err(Exit::Unavailable.because(format!("the create was refused: {why}")));
        }
        if seen.instance.is_none() {
            let name = seen.name.as_ref().map_or_else(String::new, ToString::to_string);
            let what = format!("the create's outcome is unknown, and {name} has not appeared");
            return Err(Exit::TryAgain.because(what));
        }
        if seen.running_at.is_none() {
            bail!(
                "not running after {passed}; see the machine's console: `farmscale api \
                 DescribeInstanceVncUrl`"
            );
        }
        if !world.has_reached() {
            bail!(
                "no worker joined the queue within {passed}: is the worker a service of the image, \
                 does it report this machine's id or name, can it reach the queue? \
                 (docs/worker-image.md)"
            );
        }
        if seen.worker_at.is_none() {
            world.say("the queue cannot say who its workers are: not checked");
        }
        Ok(())
    }

    fn is_gone(&self) -> anyhow::Result<Span> {
        let (world, seen) = (&self.world, &self.world.seen);
        if world.has_reached() {
            if seen.instance.is_some() {
                world.say("gone: no listing shows it");
            }
            return Ok(world.passed(world.now()));
        }
        let name = seen.name.as_ref().map_or_else(String::new, ToString::to_string);
        let id = seen.instance.as_deref().unwrap_or("…");
        bail!(
            "{name} ({id}) IS STILL THERE AND STILL CHARGED; delete it with `farmscale api DeleteInstance \
             EcsIds={id} DeleteEip=1` or in the vendor's console"
        )
    }
}
