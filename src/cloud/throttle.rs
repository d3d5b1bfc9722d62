//! A budget of calls, planned like money: so many a second, shared out by what they are for. No kind
//! of call is ever starved by another, and what can wait is given up when it would wait too long. The
//! server's own limits are documented nowhere: a refusal teaches the bucket to let nothing through in
//! a bunch.
//!
//! ```no_run
//! # async fn doc() -> Result<(), farmscale::cloud::throttle::Crowded> {
//! use farmscale::clock::Clock;
//! use farmscale::cloud::throttle::{Need, Throttle};
//!
//! let throttle = Throttle::new(5, Clock::real());
//! throttle.pass(Need::Listing).await?; // and now the call
//! # Ok(())
//! # }
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::model::{Span, Time};

/// Nothing is sent for so long after a refusal…
const PAUSE: Span = Span::seconds(1);
/// …and nothing in a bunch for so long.
const CALM: Span = Span::minutes(10);
const MINUTE: Span = Span::minutes(1);
/// Divided by every share without a rest.
const STRIDE: u64 = 12;

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// To change something: make, start, stop, delete.
    Change,
    /// To list machines: what everything hangs on.
    Listing,
    /// To follow one change: its event, a status. A listing tells as much a little later.
    Follow,
    /// To look up what is sold and at what price.
    Market,
    /// Anything else: measurements, networks, disks.
    Other,
}

/// A call that would have waited too long, and was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowded {
    /// What it was for.
    pub need: Need,
    /// How many of that kind wait.
    pub waiting: usize,
    /// How many calls a second are allowed, of all kinds.
    pub per_second: u32,
}

/// How calls of one kind fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pressure {
    /// The kind.
    pub need: Need,
    /// How many wait.
    pub waiting: usize,
    /// How long the first of them has waited.
    pub longest: Span,
    /// How many were not sent over the last minute because too many wait.
    pub turned_away: u32,
}

/// Lets so many calls through in a second, twice as many at once after a pause.
#[derive(Debug)]
pub struct Throttle {
    clock: Clock,
    per_second: u32,
    /// Time between two calls.
    gap: Span,
    state: Mutex<State>,
    refusals: AtomicU32,
}

#[derive(Debug, Default)]
struct State {
    /// When the bucket would be empty again, were nothing more taken (virtual scheduling, GCRA).
    empty_at: Time,
    /// No bunches until then.
    calm_until: Time,
    /// In the order of [`Need::ALL`].
    lines: [Line; Need::ALL.len()],
    /// How far the shares are served: that of the last call.
    served: u64,
    tickets: u64,
}

/// Those who wait for one kind of call, first come first.
#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<Ticket>,
    /// What this kind has had of its share: the least goes first.
    served: u64,
    /// Since when, and how many, were turned away within a minute.
    turned_away: (Time, u32),
}

#[derive(Debug, Clone)]
struct Ticket {
    number: u64,
    since: Time,
    turn: Arc<Notify>,
}

/// Whose turn it is.
enum Turn {
    Mine,
    At(Time),
    Others,
}

/// A call that waits; one that is given up must not hold others back.
struct Waiting<'a> {
    throttle: &'a Throttle,
    need: Need,
    ticket: Ticket,
}

impl Need {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Change, Self::Listing, Self::Follow, Self::Market, Self::Other];

    /// Its share of the calls while all kinds wait.
    const fn share(self) -> u64 {
        match self {
            Self::Change | Self::Listing => 4,
            Self::Follow => 2,
            Self::Market | Self::Other => 1,
        }
    }

    /// How long a call of this kind may wait; `None` = as long as it takes.
    const fn patience(self) -> Option<Span> {
        match self {
            Self::Change | Self::Listing => None,
            Self::Follow => Some(Span::seconds(20)),
            Self::Market | Self::Other => Some(Span::minutes(1)),
        }
    }

    const fn place(self) -> usize {
        match self {
            Self::Change => 0,
            Self::Listing => 1,
            Self::Follow => 2,
            Self::Market => 3,
            Self::Other => 4,
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Change => "changes",
            Self::Listing => "listings",
            Self::Follow => "looks at events",
            Self::Market => "looks at stock and prices",
            Self::Other => "other looks",
        })
    }
}

impl fmt::Display for Crowded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { need, waiting, per_second } = self;
        write!(
            f,
            "{waiting} {need} wait already at {per_second} calls a second \
             (`cloud.calls_per_second`)"
        )
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.throttle.state();
        if let Some(line) = state.lines.get_mut(self.need.place()) {
            line.waiting.retain(|one| one.number != self.ticket.number);
        }
        state.wake_next();
    }
}

impl State {
    /// Who goes next: of the kinds that wait, the one that has had the least of its share.
    fn next(&self) -> Option<&Ticket> {
        let lines = self.lines.iter().filter(|line| !line.waiting.is_empty());
        lines.min_by_key(|line| line.served)?.waiting.front()
    }

    fn wake_next(&self) {
        if let Some(ticket) = self.next() {
            ticket.turn.notify_one();
        }
    }
}

impl Throttle {
    /// A bucket for `calls_per_second` (at least 1).
    pub fn new(calls_per_second: u32, clock: Clock) -> Self {
        let per_second = calls_per_second.max(1);
        let gap = Span::millis(1000 / i64::from(per_second));
        Self { clock, per_second, gap, state: Mutex::default(), refusals: AtomicU32::new(0) }
    }

    /// Waits for a token.
    pub async fn pass(&self, need: Need) -> Result<(), Crowded> {
        let waiting = self.enter(need)?;
        loop {
            match self.turn(need, waiting.ticket.number) {
                Turn::Mine => return Ok(()),
                Turn::Others => waiting.ticket.turn.notified().await,
                Turn::At(until) => {
                    tokio::select! {
                        () = self.clock.sleep_until(until) => {}
                        () = waiting.ticket.turn.notified() => {}
                    }
                }
            }
        }
    }

    /// The server has refused a call for its rate.
    pub fn refused(&self) {
        let now = self.clock.now();
        self.refusals.fetch_add(1, Ordering::AcqRel);
        let mut state = self.state();
        state.calm_until = now + CALM;
        state.empty_at = state.empty_at.max(now + PAUSE);
    }

    /// How many calls the server has refused for their rate.
    pub fn refusals(&self) -> u32 {
        self.refusals.load(Ordering::Acquire)
    }

    /// How many calls a second are let through.
    pub fn per_second(&self) -> u32 {
        self.per_second
    }

    /// Who waits now, and how long.
    pub fn pressure(&self) -> Vec<Pressure> {
        let now = self.clock.now();
        let state = self.state();
        let of = |need: Need| {
            let line = state.lines.get(need.place())?;
            let longest = line.waiting.front().map_or(Span::ZERO, |one| now.since(one.since));
            let (since, count) = line.turned_away;
            let turned_away = if now < since + MINUTE { count } else { 0 };
            let pressure = Pressure { need, waiting: line.waiting.len(), longest, turned_away };
            (pressure.waiting != 0 || turned_away != 0).then_some(pressure)
        };
        Need::ALL.into_iter().filter_map(of).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes to the end of its line, unless that is too long.
    fn enter(&self, need: Need) -> Result<Waiting<'_>, Crowded> {
        let now = self.clock.now();
        let mut state = self.state();
        state.tickets += 1;
        let ticket = Ticket { number: state.tickets, since: now, turn: Arc::default() };
        let served = state.served;
        if let Some(line) = state.lines.get_mut(need.place()) {
            let waiting = line.waiting.len();
            if need.patience().is_some_and(|patience| patience < self.wait_behind(need, waiting)) {
                let (since, count) = &mut line.turned_away;
                if *since + MINUTE <= now {
                    (*since, *count) = (now, 0);
                }
                *count += 1;
                return Err(Crowded { need, waiting, per_second: self.per_second });
            }
            if line.waiting.is_empty() {
                line.served = line.served.max(served); // nothing is saved up while nobody waits
            }
            line.waiting.push_back(ticket.clone());
        }
        Ok(Waiting { throttle: self, need, ticket })
    }

    /// How long the next of a kind waits behind so many, while all kinds wait.
    fn wait_behind(&self, need: Need, waiting: usize) -> Span {
        let all: u64 = Need::ALL.iter().map(|need| need.share()).sum();
        let calls = u64::try_from(waiting).unwrap_or(u64::MAX).saturating_mul(all) / need.share();
        self.gap.times(i64::try_from(calls).unwrap_or(i64::MAX))
    }

    /// Takes a token, or says when to try again.
    fn turn(&self, need: Need, number: u64) -> Turn {
        let now = self.clock.now();
        let mut state = self.state();
        if state.next().is_some_and(|next| next.number != number) {
            return Turn::Others;
        }
        let bunch = if now < state.calm_until { 1 } else { 2000 / self.gap.0.max(1) };
        let next = state.empty_at.max(now - self.gap.times(bunch)) + self.gap;
        if now < next {
            return Turn::At(next);
        }
        state.empty_at = next;
        if let Some(line) = state.lines.get_mut(need.place()) {
            line.waiting.pop_front();
            line.served += STRIDE / need.share();
            state.served = line.served;
        }
        Turn::Mine
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;

    fn clock(speed: u32) -> Clock {
        Clock::starting_at(Time::from_seconds(1000), speed)
    }

    /// Uses up what may come at once.
    async fn use_burst(throttle: &Throttle) {
        for _ in 0..2 * throttle.per_second() {
            throttle.pass(Need::Other).await.unwrap();
        }
    }

    #[tokio::test]
    async fn after_a_refusal_calls_go_on_one_by_one() {
        let clock = clock(20);
        let throttle = Throttle::new(5, clock.clone());
        throttle.refused();
        let refused_at = clock.now();
        for _ in 0..5 {
            throttle.pass(Need::Other).await.unwrap();
        }
        let took = clock.now().since(refused_at);
        assert!(PAUSE + throttle.gap.times(4) <= took && took < CALM, "{took}");
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_holds_no_other_back() {
        let throttle = Throttle::new(1, clock(50));
        use_burst(&throttle).await;
        tokio::select! {
            _ = throttle.pass(Need::Change) => panic!("there was no token left"),
            () = tokio::task::yield_now() => {}
        }
        throttle.pass(Need::Other).await.unwrap();
        assert_eq!(throttle.pressure(), []);
    }

    async fn passed(
        throttle: Arc<Throttle>,
        need: Need,
        order: Arc<Mutex<Vec<Need>>>,
    ) -> Result<(), Crowded> {
        throttle.pass(need).await?;
        order.lock().unwrap().push(need);
        Ok(())
    }

    /// Hundreds of looks at events, and still every listing and every change has its share.
    #[tokio::test]
    async fn no_kind_of_call_starves_another() {
        let throttle = Arc::new(Throttle::new(2, clock(100)));
        use_burst(&throttle).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut calls = Vec::new();
        let mut crowded = 0;
        let wanted =
            [(Need::Follow, 500), (Need::Market, 3), (Need::Listing, 8), (Need::Change, 8)];
        for (need, count) in wanted {
            for _ in 0..count {
                let (throttle, order) = (Arc::clone(&throttle), Arc::clone(&order));
                let mut call = Box::pin(passed(throttle, need, order));
                let waits =
                    std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context)));
                match waits.await {
                    Poll::Ready(Err(Crowded { need: Need::Follow, .. })) => crowded += 1,
                    Poll::Ready(other) => panic!("{other:?}"),
                    Poll::Pending => calls.push(tokio::spawn(call)),
                }
            }
        }
        assert_eq!(crowded, 500 - 7, "as many as can be served in 20 seconds");
        for call in calls {
            call.await.unwrap().unwrap();
        }
        let order = order.lock().unwrap();
        let place = |need: Need| order.iter().rposition(|one| *one == need).unwrap();
        assert!(place(Need::Listing) <= 22 && place(Need::Change) <= 22, "{order:?}");
        assert!(order.iter().take(12).any(|one| *one == Need::Market), "{order:?}");
        assert_eq!(order.len(), 7 + 3 + 8 + 8);
    }
}
