//! The daemon: put together, watched over, and stopped in order.
//!
//! [`Daemon`] is a farm at work: store, worlds, the deciding thread, page. [`Service`] is that under
//! systemd or in a terminal: signals, reload, the last words. The supervisor owns the deciding thread;
//! observers are told of what it does and can neither hold it up nor end it.

mod crashes;
mod farewell;
mod forgetting;
mod hints;
mod observers;
mod reload;
mod service;
mod socket;
mod supervisor;
mod systemd;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;

pub use self::farewell::left_billing;
pub use self::reload::Source;
pub use self::service::Service;
pub use self::supervisor::{Control, StoreFailed};

use self::forgetting::{ForgettingObserver, QueueByPool};
use self::observers::{
    LogObserver, MetricsObserver, Observer, Observers, PageObserver, SystemdObserver, Threads,
};
use self::socket::Socket;
use self::supervisor::{Around, Plant, Supervisor};
use self::systemd::Heartbeat;
use crate::clock::Clock;
use crate::config::Settings;
use crate::memory::Memory;
use crate::model::{Span, Wake};
use crate::page::{self, Board};
use crate::telemetry::Metrics;

/// How often it is looked whether the deciding thread still runs.
const LOOK_EVERY: Span = Span::millis(100);

/// How the daemon is to run.
#[derive(Debug)]
pub struct DaemonOptions {
    /// The time it lives in.
    pub clock: Clock,
    /// Plans, and sends nothing that changes anything.
    pub dry_run: bool,
    /// No log lines of what happens.
    pub quiet: bool,
    /// What an operator sets to have the page listen elsewhere.
    pub listen_setting: &'static str,
    /// Whoever reaches the page may give orders: the demo's, which nobody pays for.
    pub anyone_may_order: bool,
}

/// The page's address cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for the page; set {setting}: {error}")]
pub struct CannotListen {
    address: SocketAddr,
    setting: &'static str,
    error: std::io::Error,
}

/// A daemon at work.
#[derive(Debug)]
pub struct Daemon {
    decider: JoinHandle<anyhow::Result<Memory>>,
    control: Control,
    real: Clock,
    threads: Threads,
    _heartbeat: Heartbeat,
    /// Removed when it goes.
    _socket: Option<Socket>,
    /// What it shows.
    pub board: Arc<Board>,
    /// Where the page is.
    pub page: SocketAddr,
    /// The store was lost; what it held is found at the provider.
    pub store_lost: bool,
}

impl Daemon {
    /// Starts everything; must be called within a tokio runtime.
    pub async fn start(settings: Settings, options: DaemonOptions) -> anyhow::Result<Self> {
        let Settings { policy, cloud, queues, store, page, .. } = settings;
        let DaemonOptions { clock, dry_run, quiet, listen_setting, anyone_may_order } = options;
        let listener = TcpListener::bind(page.listen).await.map_err(|error| CannotListen {
            address: page.listen,
            setting: listen_setting,
            error,
        })?;
        let address = listener.local_addr()?;
        let (board, metrics) = (Arc::new(Board::new(clock.clone())), Metrics::default());
        let queue_by_pool = QueueByPool::default();
        let mut list = list(&board, &metrics, quiet);
        list.push(Box::new(ForgettingObserver::new(queue_by_pool.clone())));
        let (observers, threads) = Observers::start(list)?;
        let heartbeat = Heartbeat::start(observers.turns())?;
        let control = Control::default();
        let plant = Plant { policy, cloud, queues };
        let control_too = control.clone();
        let around =
            Around { store, clock, dry_run, observers, queue_by_pool, control: control_too };
        let (supervisor, first) = Supervisor::open(plant, around)?;
        // Only now: who holds the store's lock may replace a socket that was left behind.
        let socket_path = page.socket.filter(|_| !dry_run && !anyone_may_order);
        let (socket_listener, socket) = socket_path.and_then(|path| listen(&path)).unzip();
        let served = page::Options {
            token: page.token,
            allowed_hosts: page.hosts,
            // A dry run takes no orders, and says so to everybody.
            anyone_may_order: anyone_may_order || dry_run,
            socket: socket.as_ref().map(Socket::path),
            orders: orders(control.clone(), dry_run),
            metrics: Box::new(move || metrics.render()),
        };
        tokio::spawn(page::serve(listener, socket_listener, Arc::clone(&board), served));
        let store_lost = first.store_lost;
        let thread = std::thread::Builder::new().name("decider".to_owned());
        let decider = thread.spawn(move || supervisor.run(first));
        let decider = decider.context("cannot start the deciding thread")?;
        let decider = tokio::task::spawn_blocking(move || {
            decider.join().map_err(|_panic| anyhow!("the supervisor has panicked"))?
        });
        Ok(Self {
            decider,
            control,
            real: Clock::real(),
            threads,
            _heartbeat: heartbeat,
            _socket: socket,
            board,
            page: address,
            store_lost,
        })
    }

    /// A way to reach the deciding thread.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Waits until the deciding thread has ended by itself, which it does only when something is
    /// broken.
    pub async fn ended(&mut self) {
        while !self.decider.is_finished() {
            self.real.sleep_until(self.real.now() + LOOK_EVERY).await;
        }
    }

    /// Asks the driver to stop, waits for its last answers, and returns what it remembers.
    pub async fn stop(mut self) -> anyhow::Result<Memory> {
        while !self.decider.is_finished() && !self.control.stop() {
            self.real.sleep_until(self.real.now() + LOOK_EVERY).await;
        }
        let memory = (&mut self.decider).await?;
        self.threads.end();
        memory
    }
}

/// Who is told of what happens.
fn list(board: &Arc<Board>, metrics: &Metrics, quiet: bool) -> Vec<Box<dyn Observer>> {
    let mut list: Vec<Box<dyn Observer>> = vec![
        Box::new(PageObserver(Arc::clone(board))),
        Box::new(MetricsObserver(metrics.clone())),
        Box::new(SystemdObserver::default()),
    ];
    if !quiet {
        list.push(Box::new(LogObserver::default()));
    }
    list
}

/// Takes orders, or says why not.
fn orders(control: Control, dry_run: bool) -> page::Orders {
    Box::new(move |order| {
        if dry_run {
            return Err("it runs with --dry-run: it changes nothing and takes no orders");
        }
        let taken = control.send(Wake::Ordered(order));
        if taken { Ok(()) } else { Err("it is too far behind to take orders") }
    })
}

/// The socket that orders come over; without it they need a token.
fn listen(path: &Path) -> Option<(UnixListener, Socket)> {
    match Socket::bind(path) {
        Ok(bound) => Some(bound),
        Err(error) => {
            let path = path.display();
            tracing::error!(%error, "no socket at {path} (page.socket): orders need the token");
            None
        }
    }
}
