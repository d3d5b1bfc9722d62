//! Who is told what happens: each observer on a thread of its own, behind a bounded mailbox, so that
//! none can hold up or end the thread that decides.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;

use crate::clock::Clock;
use crate::driver;
use crate::model::{Event, Snapshot, SourceId, Span, Text, Time};
use crate::page::Board;
use crate::telemetry::{Changes, Metrics, log};

/// A snapshot is put together this often at most (real time); turns of a fast clock come faster.
const PUBLISH_EVERY: Span = Span::millis(100);
/// Batches of events that may wait for an observer; more are lost to it, and counted.
const BATCHES_MAX: usize = 4096;
/// How long the end waits for an observer that is not done.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// One who is told: the log, the metrics, the page.
pub(super) trait Observer: Send + 'static {
    /// For people.
    fn name(&self) -> &'static str;
    /// Facts, in order, once they are on disk.
    fn events(&mut self, _events: &[Event]) {}
    /// The farm as it is.
    fn snapshot(&mut self, _snapshot: &Arc<Snapshot>) {}
}

/// The list of observers, as the driver tells them.
#[derive(Debug, Clone)]
pub(super) struct Observers {
    mailboxes: Vec<Arc<Mailbox>>,
    /// What the daemon says of itself, beside the faults of its sources.
    notice: Arc<Mutex<Option<Text>>>,
    turns: Arc<AtomicU64>,
    real: Clock,
    published_at: Option<Time>,
}

/// The threads of the observers.
#[derive(Debug)]
pub(super) struct Threads(Vec<(&'static str, Arc<Mailbox>, Receiver<()>)>);

#[derive(Debug, Default)]
struct Mailbox {
    news: Mutex<News>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct News {
    batches: VecDeque<Arc<[Event]>>,
    latest: Option<Arc<Snapshot>>,
    lost: u64,
    is_over: bool,
}

impl Observers {
    /// Gives each observer its thread.
    pub(super) fn start(list: Vec<Box<dyn Observer>>) -> anyhow::Result<(Self, Threads)> {
        let mut threads = Vec::new();
        for observer in list {
            let (name, mailbox) = (observer.name(), Arc::new(Mailbox::default()));
            let (done, ended) = channel();
            let inbox = Arc::clone(&mailbox);
            let thread = std::thread::Builder::new().name(name.to_owned());
            let work = move || {
                deliver(&inbox, observer);
                drop(done);
            };
            thread.spawn(work).with_context(|| format!("cannot start the thread of {name}"))?;
            threads.push((name, mailbox, ended));
        }
        let observers = Self {
            mailboxes: threads.iter().map(|(_, mailbox, _)| Arc::clone(mailbox)).collect(),
            notice: Arc::default(),
            turns: Arc::default(),
            real: Clock::real(),
            published_at: None,
        };
        Ok((observers, Threads(threads)))
    }

    /// Shows something of the daemon itself among the faults, until it is over (`None`).
    pub(super) fn notify(&self, what: Option<Text>) {
        *self.notice.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    pub(super) fn notice(&self) -> Option<Text> {
        self.notice.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a turn: the daemon is alive.
    pub(super) fn beat(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
    }

    /// Turns since the start.
    pub(super) fn turns(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.turns)
    }
}

impl driver::Observer for Observers {
    fn events(&mut self, events: &[Event]) {
        let batch: Arc<[Event]> = events.into();
        for mailbox in &self.mailboxes {
            mailbox.put(|news| {
                if news.batches.len() < BATCHES_MAX {
                    news.batches.push_back(Arc::clone(&batch));
                } else {
                    news.lost = news.lost.saturating_add(1);
                }
            });
        }
    }

    fn turn(&mut self, snapshot: &mut dyn FnMut() -> Snapshot) {
        self.beat();
        let now = self.real.now();
        if self.published_at.is_some_and(|at| now < at + PUBLISH_EVERY) {
            return;
        }
        self.published_at = Some(now);
        let mut snapshot = snapshot();
        snapshot.faults.extend(self.notice().map(|what| (SourceId::Daemon, what)));
        let snapshot = Arc::new(snapshot);
        for mailbox in &self.mailboxes {
            mailbox.put(|news| news.latest = Some(Arc::clone(&snapshot)));
        }
    }
}

impl Threads {
    /// Lets every observer end what it has been told; one that hangs is left behind.
    pub(super) fn end(self) {
        for (_, mailbox, _) in &self.0 {
            mailbox.put(|news| news.is_over = true);
        }
        for (name, _, ended) in self.0 {
            // The sender is dropped at the end of the thread: nothing is ever sent.
            if ended.recv_timeout(LAST_WORDS) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                tracing::warn!(observer = name, "is stuck, and is left behind");
            }
        }
    }
}

impl Mailbox {
    fn put(&self, change: impl FnOnce(&mut News)) {
        change(&mut self.lock());
        self.arrived.notify_one();
    }

    /// Waits for news; `None` once all is over and told.
    fn take(&self) -> Option<News> {
        let mut news = self.lock();
        while news.batches.is_empty() && news.latest.is_none() && !news.is_over {
            news = self.arrived.wait(news).unwrap_or_else(PoisonError::into_inner);
        }
        if news.batches.is_empty() && news.latest.is_none() {
            return None;
        }
        let is_over = news.is_over;
        Some(std::mem::replace(&mut *news, News { is_over, ..News::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells one observer; what it cannot bear is told, and it goes on with the next.
fn deliver(mailbox: &Mailbox, mut observer: Box<dyn Observer>) {
    let name = observer.name();
    while let Some(News { batches, latest, lost, .. }) = mailbox.take() {
        if 0 < lost {
            tracing::warn!(observer = name, lost, "was too slow: batches of events were not told");
        }
        for events in batches {
            guarded(name, || observer.events(&events));
        }
        if let Some(snapshot) = latest {
            guarded(name, || observer.snapshot(&snapshot));
        }
    }
}

fn guarded(name: &str, tell: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(tell)) {
        let why = panic_text(&*panic);
        tracing::error!(observer = name, why, "has panicked, and goes on with what comes next");
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}

/// The log: what happens, and what is new of reasons and sources.
#[derive(Debug, Default)]
pub(super) struct LogObserver(Changes);

impl Observer for LogObserver {
    fn name(&self) -> &'static str {
        "log-events"
    }

    fn events(&mut self, events: &[Event]) {
        events.iter().for_each(log::event);
    }

    fn snapshot(&mut self, snapshot: &Arc<Snapshot>) {
        for line in self.0.lines(snapshot) {
            log::change(snapshot.at, &line);
        }
    }
}

/// The metrics.
#[derive(Debug)]
pub(super) struct MetricsObserver(pub(super) Metrics);

impl Observer for MetricsObserver {
    fn name(&self) -> &'static str {
        "metrics"
    }

    fn snapshot(&mut self, snapshot: &Arc<Snapshot>) {
        self.0.update(snapshot);
    }
}

/// The page and the HTTP API.
#[derive(Debug)]
pub(super) struct PageObserver(pub(super) Arc<Board>);

impl Observer for PageObserver {
    fn name(&self) -> &'static str {
        "page"
    }

    fn snapshot(&mut self, snapshot: &Arc<Snapshot>) {
        self.0.publish(Arc::clone(snapshot));
    }
}

/// systemd: the daemon is ready once it has turned.
#[derive(Debug, Default)]
pub(super) struct SystemdObserver {
    is_told: bool,
}

impl Observer for SystemdObserver {
    fn name(&self) -> &'static str {
        "systemd"
    }

    fn snapshot(&mut self, _snapshot: &Arc<Snapshot>) {
        if !std::mem::replace(&mut self.is_told, true) {
            super::systemd::notify(&[sd_notify::NotifyState::Ready]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, sync_channel};

    use super::*;
    use crate::driver::Observer as _;

    /// Hands on how many events it was told; panics at the first batch if asked to.
    struct Counting {
        told: Sender<usize>,
        panics: bool,
    }

    impl Observer for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }

        fn events(&mut self, events: &[Event]) {
            assert!(!std::mem::take(&mut self.panics), "as the test wants it");
            self.told.send(events.len()).unwrap();
        }
    }

    /// Waits, once told, until it is let go.
    struct Stuck(Receiver<()>);

    impl Observer for Stuck {
        fn name(&self) -> &'static str {
            "stuck"
        }

        fn events(&mut self, _events: &[Event]) {
            self.0.recv().ok();
        }
    }

    #[test]
    fn an_observer_that_hangs_or_panics_holds_nobody_up() {
        let (told, heard) = channel();
        let (hold, held) = sync_channel(0);
        let list: Vec<Box<dyn Observer>> =
            vec![Box::new(Stuck(held)), Box::new(Counting { told, panics: true })];
        let (mut observers, threads) = Observers::start(list).unwrap();
        for _ in 0..BATCHES_MAX * 2 {
            observers.events(&[]);
        }
        threads.end();
        assert!(1 <= heard.iter().count(), "told on after its panic");
        drop(hold);
    }
}
