//! A token bucket in front of every call; changes overtake waiting reads. The server's own limits
//! are documented nowhere: a refusal teaches the bucket to let nothing through in a bunch.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::clock::Clock;
use crate::model::{Span, Time};

/// How soon a read that gave way looks again.
const GIVE_WAY: Span = Span::millis(50);
/// Nothing is sent for so long after a refusal…
const PAUSE: Span = Span::seconds(1);
/// …and nothing in a bunch for so long.
const CALM: Span = Span::minutes(10);

/// Lets so many calls through in a second, twice as many at once after a pause.
#[derive(Debug)]
pub struct Throttle {
    clock: Clock,
    /// Time between two calls.
    gap: Span,
    /// When the bucket would be empty again, were nothing more taken (virtual scheduling, GCRA).
    empty_at: Mutex<Time>,
    /// No bunches until then.
    calm_until: AtomicI64,
    changes_waiting: AtomicU32,
    refusals: AtomicU32,
}

/// A change that waits; one that is given up must not hold reads back for ever.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Throttle {
    /// A bucket for `calls_per_second` (at least 1).
    pub fn new(calls_per_second: u32, clock: Clock) -> Self {
        let gap = Span::millis(1000 / i64::from(calls_per_second.max(1)));
        let empty_at = Mutex::new(Time::default());
        let (changes_waiting, refusals) = (AtomicU32::new(0), AtomicU32::new(0));
        Self { clock, gap, empty_at, calm_until: AtomicI64::new(0), changes_waiting, refusals }
    }

    /// Waits for a token. A read waits as long as any change does.
    pub async fn pass(&self, change: bool) {
        let _waiting = change.then(|| Waiting::new(&self.changes_waiting));
        while let Err(until) = self.take(change) {
            self.clock.sleep_until(until).await;
        }
    }

    /// The server has refused a call for its rate.
    pub fn refused(&self) {
        let now = self.clock.now();
        self.refusals.fetch_add(1, Ordering::AcqRel);
        self.calm_until.store((now + CALM).0, Ordering::Release);
        let mut empty_at = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        *empty_at = (*empty_at).max(now + PAUSE);
    }

    /// How many calls the server has refused for their rate.
    pub fn refusals(&self) -> u32 {
        self.refusals.load(Ordering::Acquire)
    }

    /// Takes a token, or says when to try again.
    fn take(&self, change: bool) -> Result<(), Time> {
        let now = self.clock.now();
        if !change && self.changes_waiting.load(Ordering::Acquire) != 0 {
            return Err(now + GIVE_WAY);
        }
        let mut empty_at = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_calm = now.0 < self.calm_until.load(Ordering::Acquire);
        let bunch = if is_calm { 1 } else { 2000 / self.gap.0.max(1) };
        let burst = self.gap.times(bunch);
        let next = (*empty_at).max(now - burst) + self.gap;
        if now < next {
            return Err(next);
        }
        *empty_at = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn after_a_refusal_calls_go_on_one_by_one() {
        let clock = Clock::starting_at(Time::from_seconds(1000), 20);
        let throttle = Throttle::new(5, clock.clone());
        throttle.refused();
        let refused_at = clock.now();
        for _ in 0..5 {
            throttle.pass(false).await;
        }
        let took = clock.now().since(refused_at);
        assert!(PAUSE + throttle.gap.times(4) <= took && took < CALM, "{took}");
    }

    #[tokio::test]
    async fn a_change_that_is_given_up_holds_no_read_back() {
        let throttle = Throttle::new(1, Clock::starting_at(Time::from_seconds(1000), 50));
        for _ in 0..2 {
            throttle.pass(false).await; // the burst
        }
        tokio::select! {
            () = throttle.pass(true) => panic!("there was no token left"),
            () = tokio::task::yield_now() => {}
        }
        throttle.pass(false).await;
    }

    #[tokio::test]
    async fn a_change_overtakes_reads_that_wait() {
        let clock = Clock::starting_at(Time::from_seconds(1000), 20);
        let throttle = Arc::new(Throttle::new(5, clock));
        for _ in 0..10 {
            throttle.pass(false).await; // the burst
        }
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut calls = Vec::new();
        for change in [false, false, false, true] {
            let (throttle, order) = (Arc::clone(&throttle), Arc::clone(&order));
            calls.push(tokio::spawn(async move {
                throttle.pass(change).await;
                order.lock().unwrap().push(change);
            }));
            tokio::task::yield_now().await;
        }
        for call in calls {
            call.await.unwrap();
        }
        assert!(order.lock().unwrap()[..2].contains(&true));
    }
}
