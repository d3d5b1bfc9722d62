//! `farmscale demo`: a whole studio in one process, at any speed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use serde::Serialize;
use tokio::net::TcpListener;

use super::exit::Exit;
use super::out;
use super::view::View;
use crate::clock::Clock;
use crate::config::{self, Settings};
use crate::daemon::{Daemon, DaemonOptions};
use crate::driver::{Driver, Recovered, Unobserved};
use crate::memory::Memory;
use crate::model::{Span, Time};
use crate::sim::chaos::START;
use crate::sim::demo;
use crate::sim::farm::SimFarm;
use crate::sim::faults::Faults;
use crate::sim::http::{self, Mischief};
use crate::sim::judge::{Bounds, Judge};
use crate::sim::queue_http;
use crate::sim::store::SimStore;
use crate::sim::world::{Shared, SimWorld};

/// The simulated cloud's key.
const KEY: [(&str, &str); 2] =
    [("FARMSCALE_ACCESS_KEY_ID", "demo-key"), ("FARMSCALE_ACCESS_KEY_SECRET", "demo-secret")];
/// How often, in real time, the view is drawn and the end looked for.
const BEAT: Span = Span::millis(200);
/// Simulated time the daemon is given to learn that all is done.
const LAST_WORDS: Span = Span::minutes(10);

/// Watch a farm breathe: a simulated cloud, a day of real work, the real daemon, a page.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Work arrives until then; the run goes on until it is done and no machine is left.
    #[arg(long, default_value = "24h", value_parser = super::span)]
    until: Span,
    /// How much faster than reality (480: a day in three minutes), or `max`: as fast as the
    /// machine goes, without HTTP and page.
    #[arg(long, default_value = "480", value_parser = speed)]
    speed: Speed,
    /// Where the page listens.
    #[arg(long, default_value = crate::defaults::PAGE_LISTEN)]
    listen: SocketAddr,
    /// Draws boot times, stock and mishaps.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the closing summary, as one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy)]
enum Speed {
    Max,
    Times(u32),
}

fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    let times = text.parse().ok().filter(|times| (1..=5000).contains(times));
    times.map(Speed::Times).ok_or_else(|| "a number from 1 to 5000, or max".to_owned())
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Summary {
    tasks_total: u64,
    tasks_done: u64,
    wait_mean_s: f64,
    wait_p95_s: f64,
    wait_p99_s: f64,
    cost_micro_yuan: i64,
    bill_micro_yuan: i64,
    cost_per_work: f64,
    price_premium: f64,
    creates: u64,
    starts: u64,
    stops: u64,
    deletes: u64,
    refusals: u64,
    instances_peak: usize,
    instances_max: u32,
    instances_left: usize,
    rss_mib: f64,
    transport: &'static str,
}

impl DemoArgs {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        if !self.listen.ip().is_loopback() {
            return Err(Exit::Usage.because(format!(
                "--listen {} is open to the network, and the demo asks nobody for a token: listen \
                 on 127.0.0.1",
                self.listen
            )));
        }
        let summary = match self.speed {
            Speed::Max => self.in_memory()?,
            Speed::Times(times) => {
                let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
                runtime.block_on(self.over_http(times))?
            }
        };
        if self.json { out::json(&summary) } else { out::line(&summary.to_string()) }
    }

    fn in_memory(&self) -> anyhow::Result<Summary> {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let text = demo::config(nowhere, nowhere, nowhere, Path::new("nowhere"));
        let policy = settings_of(&text, &std::env::temp_dir())?.policy;
        let max = policy.limits.max;
        let farm = demo::studio(START, self.until, self.seed);
        let prefix = policy.namer.prefix();
        let judge = Judge::new(Bounds::none());
        let mut shared = Shared::new(farm, judge, Faults::none(), START, &prefix, self.seed);
        shared.stop_when_done(LAST_WORDS);
        let store = SimStore::new(Rc::clone(&shared.disk));
        let shared = Rc::new(RefCell::new(shared));
        let world = SimWorld::new(Rc::clone(&shared));
        let mut driver = Driver::new(world, store, Unobserved, policy, Recovered::default());
        driver.run();
        let shared = shared.borrow();
        if let Some(violation) = shared.judge.violations().first() {
            let what = format!(
                "{} is broken at {}: {}",
                violation.invariant, violation.at, violation.what
            );
            return Err(Exit::Software.because(what));
        }
        Ok(summary(&shared.farm, driver.memory(), max, shared.now(), "in memory"))
    }

    async fn over_http(&self, times: u32) -> anyhow::Result<Summary> {
        let folder = Folder::new()?;
        let (cloud, queue) = (listen_anywhere().await?, listen_anywhere().await?);
        let text = demo::config(
            cloud.local_addr()?,
            queue.local_addr()?,
            self.listen,
            &folder.0.join("store"),
        );
        let settings = settings_of(&text, &folder.0)?;
        let max = settings.policy.limits.max;
        let start = Clock::real().now();
        let clock = Clock::starting_at(start, times);
        let farm = Arc::new(Mutex::new(demo::studio(start, self.until, self.seed)));
        let [(_, id), (_, secret)] = KEY;
        let options = http::Options {
            access_key_id: id.to_owned(),
            access_key_secret: secret.into(),
            mischief: Mischief::none(),
            seed: self.seed,
        };
        tokio::spawn(http::serve(Arc::clone(&farm), clock.clone(), options, cloud));
        tokio::spawn(queue_http::serve(Arc::clone(&farm), clock.clone(), queue));
        let options = DaemonOptions {
            clock: clock.clone(),
            dry_run: false,
            quiet: true,
            listen_setting: "--listen",
            anyone_may_order: true,
        };
        let mut daemon = Daemon::start(settings, options).await?;
        let mut view = View::new(self.json, times, daemon.page);
        self.watch(&mut daemon, &farm, &clock, &mut view).await?;
        let memory = daemon.stop().await?;
        view.end();
        let now = clock.now();
        let mut farm = farm.lock().unwrap_or_else(PoisonError::into_inner);
        farm.advance(now);
        Ok(summary(&farm, &memory, max, now, "http"))
    }

    /// Until all is done and the daemon knows it, or Ctrl-C.
    async fn watch(
        &self,
        daemon: &mut Daemon,
        farm: &Mutex<SimFarm>,
        clock: &Clock,
        view: &mut View,
    ) -> anyhow::Result<()> {
        let real = Clock::real();
        let mut at_rest_since: Option<Time> = None;
        loop {
            tokio::select! {
                interrupted = tokio::signal::ctrl_c() => return interrupted.map_err(Into::into),
                () = daemon.ended() => bail!("the daemon has ended"),
                () = real.sleep_until(real.now() + BEAT) => {}
            }
            if let Some(snapshot) = daemon.board.latest() {
                view.draw(&snapshot);
            }
            let now = clock.now();
            let mut farm = farm.lock().unwrap_or_else(PoisonError::into_inner);
            farm.advance(now);
            if !farm.is_at_rest() {
                at_rest_since = None;
            } else if *at_rest_since.get_or_insert(now) + LAST_WORDS <= now {
                return Ok(());
            }
        }
    }
}

/// A folder that goes away with the demo.
#[derive(Debug)]
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("farmscale-demo-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in a temporary folder is the system's to sweep.
        std::fs::remove_dir_all(&self.0).ok();
    }
}

async fn listen_anywhere() -> anyhow::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen on this machine")
}

/// The demo's config takes the way every config takes.
fn settings_of(text: &str, folder: &Path) -> anyhow::Result<Settings> {
    let name = format!("farmscale-demo-{}.toml", std::process::id());
    let path = folder.join(name);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    let environment: BTreeMap<String, String> =
        KEY.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let settings = config::load(&path, &environment);
    std::fs::remove_file(&path)?;
    Ok(settings?)
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "figures for people")]
fn summary(
    farm: &SimFarm,
    memory: &Memory,
    max: u32,
    now: Time,
    transport: &'static str,
) -> Summary {
    let done = farm.queue.done();
    let mut waits = done.waits.clone();
    waits.sort_unstable();
    let quantile = |percent: usize| {
        let place = (waits.len() * percent).div_ceil(100).saturating_sub(1);
        waits.get(place).copied().unwrap_or(0) as f64 / 1000.0
    };
    let (work, cheapest) = farm.work_price();
    let cost = memory.spent(now).0;
    let counts = memory.meta.counts;
    Summary {
        tasks_total: u64::try_from(farm.jobs_total()).unwrap_or(0),
        tasks_done: done.tasks,
        wait_mean_s: waits.iter().sum::<i64>() as f64 / 1000.0 / waits.len().max(1) as f64,
        wait_p95_s: quantile(95),
        wait_p99_s: quantile(99),
        cost_micro_yuan: cost,
        bill_micro_yuan: farm.provider.bill(now).total().0,
        cost_per_work: cost as f64 / work.max(1) as f64,
        price_premium: work as f64 / cheapest.max(1) as f64,
        creates: counts.creates,
        starts: counts.starts,
        stops: counts.stops,
        deletes: counts.deletes,
        refusals: counts.refusals,
        instances_peak: farm.peak(),
        instances_max: max,
        instances_left: farm.provider.truth().count(),
        rss_mib: peak_rss_mib(),
        transport,
    }
}

/// `VmHWM`: the most memory this process ever had; 0 where the system does not say.
fn peak_rss_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<u32>().ok());
    kib.map_or(0.0, |kib| (f64::from(kib) / 102.4).round() / 10.0)
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let yuan = |micro: i64| crate::model::Money(micro).to_string();
        writeln!(f, "tasks       {} of {} done", self.tasks_done, self.tasks_total)?;
        writeln!(
            f,
            "wait        mean {:.0} s, p95 {:.0} s, p99 {:.0} s",
            self.wait_mean_s, self.wait_p95_s, self.wait_p99_s
        )?;
        writeln!(
            f,
            "cost        {} by our ledger, {} by the cloud's bill",
            yuan(self.cost_micro_yuan),
            yuan(self.bill_micro_yuan)
        )?;
        writeln!(f, "per work    {:.3} × the pure work", self.cost_per_work)?;
        writeln!(f, "price       {:.3} × the cheapest listed", self.price_premium)?;
        writeln!(
            f,
            "requests    {} creates, {} starts, {} stops, {} deletes, {} refused",
            self.creates, self.starts, self.stops, self.deletes, self.refusals
        )?;
        writeln!(
            f,
            "machines    {} at most (max {}), {} left",
            self.instances_peak, self.instances_max, self.instances_left
        )?;
        write!(f, "memory      {:.1} MiB at most, {}", self.rss_mib, self.transport)
    }
}
