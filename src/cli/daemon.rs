//! Puts the daemon together: store, worlds, driver thread, page.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, anyhow};
use tokio::net::TcpListener;

use super::watch::Watch;
use crate::clock::Clock;
use crate::cloud::Client;
use crate::config::Settings;
use crate::driver::{Driver, Ended, Recovered};
use crate::journal::{Fenced, Journal, Opened, Preflight, Store};
use crate::memory::Memory;
use crate::model::{Span, Text, Wake};
use crate::page::{self, Board};
use crate::queue::Queue;
use crate::telemetry::Metrics;
use crate::world::live::{Live, WakeSender};

/// How often it is looked whether the driver still runs.
const LOOK_EVERY: Span = Span::millis(100);

/// How the daemon is to run.
#[derive(Debug)]
pub struct Manner {
    /// The time it lives in.
    pub clock: Clock,
    /// Plans, and sends nothing that changes anything.
    pub dry_run: bool,
    /// No log lines.
    pub quiet: bool,
    /// What an operator sets to have the page listen elsewhere.
    pub listen_by: &'static str,
}

/// A daemon at work.
#[derive(Debug)]
pub struct Daemon {
    driver: tokio::task::JoinHandle<anyhow::Result<(Ended, Memory)>>,
    sender: WakeSender,
    real: Clock,
    /// What it shows.
    pub board: Arc<Board>,
    /// Where the page is.
    pub page: SocketAddr,
    /// The store was lost; what it held is found at the provider.
    pub store_lost: bool,
}

impl Daemon {
    /// Starts everything; must be called within a tokio runtime.
    pub async fn start(settings: Settings, manner: Manner) -> anyhow::Result<Self> {
        let Settings { policy, cloud, queues, store, page, .. } = settings;
        let Manner { clock, dry_run, quiet, listen_by } = manner;
        let client = Client::new(cloud.credentials.clone(), cloud.endpoints.clone(), clock.clone())
            .context("cannot prepare connections to the cloud")?;
        let mut sources: BTreeMap<Text, Queue> = BTreeMap::new();
        for (name, settings) in &queues {
            let queue = Queue::open(settings).with_context(|| format!("queue {name}"))?;
            sources.insert(Text::clone(name), queue);
        }
        let prefix = policy.namer.prefix();
        let live = Live::new(client, cloud, sources, &prefix, clock.clone());
        let sender = live.sender();
        let listener = TcpListener::bind(page.listen).await.with_context(|| {
            format!("cannot listen on {} for the page; set {listen_by}", page.listen)
        })?;
        let address = listener.local_addr()?;
        let board = Arc::new(Board::new(clock.clone()));
        let metrics = Metrics::new();
        let orders = orders(sender.clone(), dry_run);
        serve(listener, Arc::clone(&board), page, orders, metrics.clone());
        let watch = Watch::new(Arc::clone(&board), metrics, quiet);
        let (driver, store_lost) = if dry_run {
            (spawn(Driver::new(live, Fenced, watch, policy, Recovered::default()))?, false)
        } else {
            let farm = prefix.trim_end_matches('-');
            let preflight = std::env::current_exe().map_or(Preflight::InProcess, Preflight::Child);
            let Opened { store, memory, lost, epoch_seen, set_aside } =
                Store::open(&store, farm, clock.clone(), &preflight)?;
            if let Some(old) = &set_aside {
                tracing::error!(
                    kept = %old.display(),
                    "the store could not be used and was set aside; the farm is adopted by name \
                     from the cloud, and nothing is created or deleted until that is done"
                );
            }
            let recovered = Recovered { memory, store_lost: lost, epoch_seen };
            (spawn(Driver::new(live, store, watch, policy, recovered))?, lost)
        };
        let driver = tokio::task::spawn_blocking(move || {
            driver.join().map_err(|_panic| anyhow!("the driver has panicked"))
        });
        let real = Clock::real();
        Ok(Self { driver, sender, real, board, page: address, store_lost })
    }

    /// Puts a wake in.
    pub fn wake(&self, wake: Wake) -> bool {
        self.sender.send(wake)
    }

    /// A way to put wakes in from elsewhere.
    pub fn sender(&self) -> WakeSender {
        self.sender.clone()
    }

    /// Waits until the driver has ended by itself, which it does only when something is broken.
    pub async fn ended(&mut self) {
        while !self.driver.is_finished() {
            self.real.sleep_until(self.real.now() + LOOK_EVERY).await;
        }
    }

    /// Asks the driver to stop, waits for its last answers, and returns what it remembers.
    pub async fn stop(self) -> anyhow::Result<Memory> {
        self.sender.send(Wake::Stop);
        let (ended, memory) = self.driver.await??;
        match ended {
            Ended::Stopped => Ok(memory),
            Ended::JournalFailed(why) => Err(anyhow!(
                "the store cannot be written, so nothing more was sent: {why}; the farm is left \
                 as it is"
            )),
        }
    }
}

fn spawn<J: Journal + Send + 'static>(
    mut driver: Driver<Live, J, Watch>,
) -> anyhow::Result<JoinHandle<(Ended, Memory)>> {
    let thread = std::thread::Builder::new().name("driver".to_owned());
    let run = move || {
        let ended = driver.run();
        (ended, driver.memory().clone())
    };
    thread.spawn(run).context("cannot start the driver's thread")
}

/// Takes orders, or says why not.
fn orders(sender: WakeSender, dry_run: bool) -> page::Orders {
    Box::new(move |order| {
        if dry_run {
            return Err("it runs with --dry-run: it changes nothing and takes no orders");
        }
        let taken = sender.send(Wake::Ordered(order));
        if taken { Ok(()) } else { Err("it is too far behind to take orders") }
    })
}

fn serve(
    listener: TcpListener,
    board: Arc<Board>,
    settings: crate::config::PageSettings,
    orders: page::Orders,
    metrics: Metrics,
) {
    let options = page::Options {
        token: settings.token,
        allowed_hosts: settings.hosts,
        orders,
        metrics: Box::new(move || metrics.render()),
    };
    tokio::spawn(async move {
        if let Err(error) = page::serve(listener, board, options).await {
            tracing::error!(%error, "the page has ended");
        }
    });
}
