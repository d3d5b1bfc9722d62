//! Owns the thread that decides: starts it, starts it anew after a panic or with new settings, ends
//! it. The page and its address outlive all of that.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use tokio::runtime::Handle;

use super::crashes::Crashes;
use super::forgetting::QueueByPool;
use super::observers::{Observers, panic_text};
use crate::clock::Clock;
use crate::cloud::Client;
use crate::driver::{Driver, Ended, Recovered};
use crate::journal::{Batch, Fenced, Journal, Opened, Preflight, Store, Verdict};
use crate::memory::Memory;
use crate::model::{Span, Text, Time, Wake};
use crate::policy::Policy;
use crate::queue::Queue;
use crate::world::live::{Live, WakeSender};
use crate::world::purchase::CloudSettings;

/// The first pause after a panic; doubles up to [`PAUSE_MAX`] with every start of the last minutes.
const PAUSE_FIRST: Span = Span::seconds(1);
const PAUSE_MAX: Span = Span::seconds(60);
/// After a crash loop it is only looked for this long.
const LOOKING_FOR: Span = Span::minutes(30);

/// What the deciding part is made from.
#[derive(Debug, Clone)]
pub(super) struct Plant {
    pub(super) policy: Policy,
    pub(super) cloud: CloudSettings,
    pub(super) queues: BTreeMap<Text, Queue>,
}

/// The store that is written, and who may act on it.
#[derive(Debug)]
enum Records {
    /// All is written, and what is written may be done.
    Acting(Box<Store>),
    /// All is written, and nothing is done.
    LookOnly(Box<Store>),
    /// Nothing is written, nothing done.
    DryRun(Fenced),
}

/// What the deciding thread is to do once the driver has stopped.
#[derive(Debug, Default)]
enum Next {
    /// End.
    #[default]
    Nothing,
    Stop,
    /// Go on with these.
    With(Box<Plant>),
    /// Act again: a crash loop is over.
    Act,
}

/// How the deciding thread is reached, whichever driver runs just now.
#[derive(Debug, Clone, Default)]
pub struct Control(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    sender: Mutex<Option<WakeSender>>,
    next: Mutex<Next>,
    changed: Condvar,
}

/// The thread's own part.
#[derive(Debug)]
pub(super) struct Supervisor {
    plant: Plant,
    store: PathBuf,
    clock: Clock,
    real: Clock,
    dry_run: bool,
    runtime: Handle,
    observers: Observers,
    queue_by_pool: QueueByPool,
    control: Control,
    crashes: Crashes,
    /// Acts again then, after a crash loop.
    acts_at: Option<Time>,
    /// Lets a driver decide; a test has it panic.
    decide: fn(&mut DriverOfAll) -> Ended,
}

/// What a supervisor needs besides the plant.
#[derive(Debug)]
pub(super) struct Around {
    pub(super) store: PathBuf,
    pub(super) clock: Clock,
    pub(super) dry_run: bool,
    pub(super) observers: Observers,
    pub(super) queue_by_pool: QueueByPool,
    pub(super) control: Control,
}

type DriverOfAll = Driver<Live, Records, Observers>;

/// The daemon cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("the store cannot be written, so nothing more was sent: {0}; the farm is left as it is")]
pub struct StoreFailed(pub String);

impl Control {
    /// Puts a wake in; `false` if the driver is gone or far behind.
    pub fn send(&self, wake: Wake) -> bool {
        let sender = self.0.sender.lock().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().is_some_and(|sender| sender.send(wake))
    }

    /// Ends the driver in order, after which nothing more is started; `false` if it is far behind:
    /// ask again.
    pub(super) fn stop(&self) -> bool {
        self.then(Next::Stop)
    }

    /// Lets the driver end in order and go on with new settings.
    pub(super) fn change(&self, plant: Plant) -> bool {
        self.then(Next::With(Box::new(plant)))
    }

    fn act_again(&self) -> bool {
        self.then(Next::Act)
    }

    fn then(&self, next: Next) -> bool {
        {
            let mut place = self.next();
            // Nothing undoes a stop.
            if !matches!(*place, Next::Stop) {
                *place = next;
            }
        }
        self.0.changed.notify_all();
        self.send(Wake::Stop)
    }

    fn next(&self) -> MutexGuard<'_, Next> {
        self.0.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits so long in real time, or until something is asked for.
    fn wait(&self, span: Span) {
        let next = self.next();
        let waits = |next: &mut Next| matches!(next, Next::Nothing);
        // What woke it is looked up by whoever called.
        drop(self.0.changed.wait_timeout_while(next, span.to_std(), waits));
    }
}

impl Journal for Records {
    fn commit(&mut self, batch: &Batch<'_>, synced: bool) -> Verdict {
        match self {
            Self::Acting(store) | Self::LookOnly(store) => store.commit(batch, synced),
            Self::DryRun(fenced) => fenced.commit(batch, synced),
        }
    }

    fn permits(&self) -> bool {
        matches!(self, Self::Acting(_))
    }
}

impl Supervisor {
    /// Opens everything and makes the first driver; must be called within the runtime.
    pub(super) fn open(plant: Plant, around: Around) -> anyhow::Result<(Self, First)> {
        let Around { store, clock, dry_run, observers, queue_by_pool, control } = around;
        queue_by_pool.set(&plant.policy, &plant.queues);
        let crashes = if dry_run { Crashes::in_memory() } else { Crashes::read(&store) };
        let mut supervisor = Self {
            plant,
            store,
            clock,
            real: Clock::real(),
            dry_run,
            runtime: Handle::current(),
            observers,
            queue_by_pool,
            control,
            crashes,
            acts_at: None,
            decide: Driver::run,
        };
        let (records, recovered) = supervisor.records()?;
        let store_lost = recovered.store_lost;
        supervisor.beware_of_loops();
        let driver = supervisor.driver(records, recovered)?;
        Ok((supervisor, First { driver, store_lost }))
    }

    /// Decides until it is told to stop, or the store fails.
    pub(super) fn run(mut self, first: First) -> anyhow::Result<Memory> {
        let mut driver = first.driver;
        loop {
            let ended = catch_unwind(AssertUnwindSafe(|| (self.decide)(&mut driver)));
            driver = match ended {
                Ok(Ended::JournalFailed(why)) => {
                    self.crashes.forget();
                    return Err(StoreFailed(why).into());
                }
                Ok(Ended::Stopped) => {
                    let memory = driver.memory().clone();
                    let next = std::mem::take(&mut *self.control.next());
                    if matches!(next, Next::Stop) {
                        self.crashes.forget();
                        return Ok(memory);
                    }
                    let (world, records) = driver.into_parts();
                    drop(world);
                    self.take(next);
                    let recovered = Recovered { memory, ..Recovered::default() };
                    self.driver(records, recovered)?
                }
                Err(panic) => {
                    let why = panic_text(&*panic).to_owned();
                    // What it had in memory may be half done; the store is whole.
                    drop(driver);
                    match self.after_panic(&why)? {
                        Some(driver) => driver,
                        None => return Ok(self.records()?.1.memory),
                    }
                }
            };
        }
    }

    fn take(&mut self, next: Next) {
        match next {
            Next::With(plant) => {
                self.queue_by_pool.set(&plant.policy, &plant.queues);
                self.plant = *plant;
            }
            // Another crash has put it off.
            Next::Act if self.acts_at.is_some_and(|at| self.real.now() < at) => {}
            Next::Act => {
                self.acts_at = None;
                self.crashes.forget();
                self.observers.notify(None);
                tracing::warn!("no crash for {LOOKING_FOR}: the farm is acted on again");
            }
            Next::Nothing | Next::Stop => {}
        }
    }

    /// Starts anew, after a pause; `None` if it is told to stop meanwhile.
    fn after_panic(&mut self, why: &str) -> anyhow::Result<Option<DriverOfAll>> {
        self.crashes.note(self.real.now());
        let doublings = u32::try_from(self.crashes.count()).unwrap_or(u32::MAX).min(6);
        let pause = PAUSE_FIRST.times(1 << doublings).min(PAUSE_MAX);
        tracing::error!(why, %pause, "the planner has panicked; it starts anew from the store");
        let what = format!("the planner has panicked ({why}); it was started anew from the store");
        self.observers.notify(Some(what.into()));
        self.control.wait(pause);
        self.observers.beat();
        let next = std::mem::take(&mut *self.control.next());
        if matches!(next, Next::Stop) {
            return Ok(None);
        }
        self.take(next);
        let (records, recovered) = self.records()?;
        self.beware_of_loops();
        self.driver(records, recovered).map(Some)
    }

    /// In a crash loop nothing is changed until it has been calm for a while.
    fn beware_of_loops(&mut self) {
        let is_loop = self.crashes.is_loop(self.real.now());
        if self.dry_run || !is_loop {
            return;
        }
        let acts_at = self.real.now() + LOOKING_FOR;
        self.acts_at = Some(acts_at);
        let what = "it has crashed again and again (a crash loop): it looks and tells, and changes \
                    nothing until";
        tracing::error!("{what} {acts_at}; what ended it stands above in this log");
        let shown = format!("{what} {acts_at}; see the log");
        self.observers.notify(Some(shown.into()));
        let (control, real) = (self.control.clone(), self.real.clone());
        self.runtime.spawn(async move {
            real.sleep_until(acts_at).await;
            while !control.act_again() {
                real.sleep_until(real.now() + PAUSE_FIRST).await;
            }
        });
    }

    /// The store as it is on disk, and what it holds.
    fn records(&self) -> anyhow::Result<(Records, Recovered)> {
        if self.dry_run {
            return Ok((Records::DryRun(Fenced), Recovered::default()));
        }
        let prefix = self.plant.policy.namer.prefix();
        let farm = prefix.trim_end_matches('-');
        let preflight = std::env::current_exe().map_or(Preflight::InProcess, Preflight::Child);
        let Opened { store, memory, lost, epoch_seen, losses, .. } =
            Store::open(&self.store, farm, self.clock.clone(), &preflight)?;
        // The log has them already; the page shows them as long as this process lives.
        if !losses.is_empty() {
            self.observers.notify(Some(losses.join("; ").into()));
        }
        let (random, _) = uuid::Uuid::new_v4().as_u64_pair();
        let recovered = Recovered { memory, store_lost: lost, epoch_seen, random };
        Ok((Records::Acting(Box::new(store)), recovered))
    }

    /// A driver over these records, which wakes are sent to from now on.
    fn driver(&self, records: Records, recovered: Recovered) -> anyhow::Result<DriverOfAll> {
        let records = match records {
            Records::Acting(store) | Records::LookOnly(store) if self.acts_at.is_some() => {
                Records::LookOnly(store)
            }
            Records::Acting(store) | Records::LookOnly(store) => Records::Acting(store),
            Records::DryRun(fenced) => Records::DryRun(fenced),
        };
        let Plant { policy, cloud, queues } = self.plant.clone();
        let _in_runtime = self.runtime.enter();
        let (key, endpoints) = (cloud.credentials.clone(), cloud.endpoints.clone());
        let client = Client::new(key, endpoints, self.clock.clone())
            .context("cannot prepare connections to the cloud")?;
        let prefix = policy.namer.prefix();
        let live = Live::new(client, cloud, queues, &prefix, self.clock.clone());
        let sender = live.sender();
        let driver = Driver::new(live, records, self.observers.clone(), policy, recovered);
        *self.control.0.sender.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        Ok(driver)
    }
}

/// The first driver, ready to run.
#[derive(Debug)]
pub(super) struct First {
    driver: DriverOfAll,
    /// The store was lost; what it held is found at the provider.
    pub(super) store_lost: bool,
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::config;
    use crate::sim::demo;

    static DECIDED: AtomicU32 = AtomicU32::new(0);

    /// Panics at first, then decides until it is told to stop.
    fn panics_once(driver: &mut DriverOfAll) -> Ended {
        assert!(DECIDED.fetch_add(1, Ordering::SeqCst) != 0, "a number from outside");
        driver.run()
    }

    fn plant(folder: &std::path::Path) -> Plant {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let path = folder.join("farm.toml");
        let text = demo::config(nowhere, nowhere, nowhere, &folder.join("store"));
        std::fs::write(&path, text).unwrap();
        let key = [("FARMSCALE_ACCESS_KEY_ID", "i"), ("FARMSCALE_ACCESS_KEY_SECRET", "s")];
        let key = key.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = config::load(&path, &key.into()).unwrap();
        Plant { policy: settings.policy, cloud: settings.cloud, queues: settings.queues }
    }

    #[test]
    fn a_panic_of_the_planner_is_told_and_it_starts_anew_from_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (observers, threads) = Observers::start(Vec::new()).unwrap();
        let (control, clock) = (Control::default(), Clock::real());
        let around = Around {
            store: folder.path().join("store"),
            clock,
            dry_run: false,
            observers: observers.clone(),
            queue_by_pool: QueueByPool::default(),
            control: control.clone(),
        };
        let opened = runtime.block_on(async { Supervisor::open(plant(folder.path()), around) });
        let (mut supervisor, first) = opened.unwrap();
        supervisor.decide = panics_once;
        let decider = std::thread::spawn(move || supervisor.run(first));
        while DECIDED.load(Ordering::SeqCst) < 2 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(observers.notice().unwrap().contains("a number from outside"));
        assert!(control.stop(), "the second driver can be reached");
        let memory = decider.join().unwrap().unwrap();
        assert_ne!(memory.meta.epoch, 0);
        threads.end();
    }
}
