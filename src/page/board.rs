//! The last published snapshot, and how the farm has been lately.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::clock::Clock;
use crate::model::snapshot::{Phase, PoolView, Snapshot};
use crate::model::{Money, Span, Time};

/// Points of history kept: when there are more, every other one is dropped and the step doubles.
const POINTS_MAX: usize = 600;
/// The first step between two points.
const STEP: Span = Span::seconds(10);
/// How long a start may take before the first snapshot.
const START_WITHIN: Span = Span::minutes(2);

/// What page and API read.
#[derive(Debug)]
pub struct Board {
    clock: Clock,
    real: Clock,
    made_at: Time,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    latest: Option<Arc<Snapshot>>,
    points: VecDeque<Point>,
    step: Span,
}

/// The farm at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Point {
    /// When.
    pub at: Time,
    /// Machines working or ready, on their way, being let go, stopped.
    pub machines: [u32; 4],
    /// Waiting tasks.
    pub queued: u32,
    /// Running tasks.
    pub running: u32,
    /// Money an hour.
    pub hourly: Money,
    /// Money so far.
    pub total: Money,
}

impl Board {
    /// An empty board.
    pub fn new(clock: Clock) -> Self {
        let inner = Inner { step: STEP, ..Inner::default() };
        let real = Clock::real();
        Self { clock, made_at: real.now(), real, inner: Mutex::new(inner) }
    }

    /// Puts a snapshot up.
    pub fn publish(&self, snapshot: impl Into<Arc<Snapshot>>) {
        let snapshot = snapshot.into();
        let mut inner = self.inner();
        let step = inner.step;
        if inner.points.back().is_none_or(|last| last.at + step <= snapshot.at) {
            inner.points.push_back(Point::of_farm(&snapshot));
        }
        if POINTS_MAX < inner.points.len() {
            let mut number = 0;
            inner.points.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            inner.step = step.times(2);
        }
        inner.latest = Some(snapshot);
    }

    /// The last snapshot.
    pub fn latest(&self) -> Option<Arc<Snapshot>> {
        self.inner().latest.clone()
    }

    /// How the farm has been, oldest first.
    pub fn points(&self) -> Vec<Point> {
        self.inner().points.iter().cloned().collect()
    }

    /// How old the last snapshot is, and whether the daemon has missed two turns since.
    pub fn age(&self, snapshot: &Snapshot) -> (Span, bool) {
        let age = self.clock.now().since(snapshot.at);
        (age, self.valid_for(snapshot) < age)
    }

    /// The age from which on a snapshot is stale: two turns.
    pub fn valid_for(&self, snapshot: &Snapshot) -> Span {
        let turn = Span(snapshot.next_turn_by.since(snapshot.at).0.max(1000));
        // A real second is allowed whatever the clock's speed: that is the page's own delay.
        turn.times(2) + Span::seconds(1).times(i64::from(self.clock.speed()))
    }

    /// Whether the daemon has only just started, and may not have turned yet.
    pub fn is_new(&self) -> bool {
        self.real.now() < self.made_at + START_WITHIN
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Point {
    fn of_farm(farm: &Snapshot) -> Self {
        let mut machines = [0_u32; 4];
        for (phase, count) in farm.pools.iter().flat_map(|pool| &pool.phases) {
            let place = match phase {
                Phase::Ready => 0,
                Phase::Launching | Phase::Booting | Phase::Starting => 1,
                Phase::Draining | Phase::Stopping | Phase::Leaving => 2,
                Phase::Stopped => 3,
            };
            if let Some(sum) = machines.get_mut(place) {
                *sum = sum.saturating_add(*count);
            }
        }
        Self {
            at: farm.at,
            machines,
            queued: total(farm, |pool| pool.queued),
            running: total(farm, |pool| pool.running),
            hourly: farm.spend.hourly,
            total: farm.spend.total,
        }
    }
}

/// A source may say anything: the sum of all pools stays a number.
fn total(farm: &Snapshot, of: fn(&PoolView) -> u32) -> u32 {
    farm.pools.iter().map(of).fold(0, u32::saturating_add)
}
