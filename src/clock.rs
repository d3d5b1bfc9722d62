//! The one place that reads the machine's clocks.
//!
//! `now` = wall clock at start + monotonic time since, times the speed: durations do not jump when
//! somebody sets the wall clock. When that is set, or the machine has slept, [`Clock::follow_wall`]
//! moves `now` along in one step and says by how much. What is signed carries [`Clock::wall`].

#![expect(clippy::disallowed_methods, reason = "this is clock.rs")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::{Span, Time};

/// A wall clock that moves further than this against the monotonic one has been set.
pub const JUMP: Span = Span::seconds(5);

/// A clock that starts at the wall clock's time and may run faster. Clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock {
    started: Instant,
    wall_at_start: Time,
    shown_at_start: Time,
    speed: u32,
    /// Whether `now` is the wall clock's time, and moves along when that is set.
    is_wall: bool,
    hands: Arc<Hands>,
}

/// In milliseconds.
#[derive(Debug, Default)]
struct Hands {
    /// By how much `now` has been moved since the start.
    moved: AtomicI64,
    /// How far the wall clock was from the monotonic one when it was last followed.
    followed: AtomicI64,
    /// How far a test has set the wall clock from the machine's.
    set: AtomicI64,
}

impl Clock {
    /// The real clock.
    pub fn real() -> Self {
        Self { is_wall: true, ..Self::starting_at(wall(), 1) }
    }

    /// A clock `speed` times as fast, for simulated clouds only. Two processes that are given the
    /// same `speed` agree on the time: it counts from the epoch, not from the start.
    pub fn scaled(speed: u32) -> Self {
        let speed = speed.max(1);
        if speed == 1 { Self::real() } else { Self::starting_at(shared_time(wall(), speed), speed) }
    }

    /// A scaled clock that shows `start` now: for worlds within one process.
    pub fn starting_at(start: Time, speed: u32) -> Self {
        Self {
            started: Instant::now(),
            wall_at_start: wall(),
            shown_at_start: start,
            speed: speed.max(1),
            is_wall: false,
            hands: Arc::default(),
        }
    }

    /// The time.
    pub fn now(&self) -> Time {
        let lasted = Span::from_std(self.started.elapsed()).times(i64::from(self.speed));
        self.shown_at_start + lasted + self.moved()
    }

    /// The wall clock's time, whatever this clock shows: what other machines are told.
    pub fn wall(&self) -> Time {
        wall() + Span(self.hands.set.load(Ordering::Acquire))
    }

    /// By how much `now` has been moved since the start; a time noted before a move is brought up to
    /// date by the difference.
    pub fn moved(&self) -> Span {
        Span(self.hands.moved.load(Ordering::Acquire))
    }

    /// How long to wait in real time until `deadline`.
    pub fn real_wait(&self, deadline: Time) -> Duration {
        let left = deadline.since(self.now());
        let micros = u64::try_from(left.0.max(0)).unwrap_or(0).saturating_mul(1000);
        Duration::from_micros(micros / u64::from(self.speed))
    }

    /// Waits until `deadline` by this clock.
    pub async fn sleep_until(&self, deadline: Time) {
        tokio::time::sleep(self.real_wait(deadline)).await;
    }

    /// How often this clock ticks in a real second.
    pub fn speed(&self) -> u32 {
        self.speed
    }

    /// By how much the wall clock has been set since this was last asked, if it has. A clock that
    /// shows the wall clock's time is moved along.
    pub fn follow_wall(&self) -> Option<Span> {
        let drift = self.wall_drift().0;
        let jump = drift - self.hands.followed.load(Ordering::Acquire);
        if jump.abs() <= JUMP.0 {
            return None;
        }
        self.hands.followed.store(drift, Ordering::Release);
        if self.is_wall {
            self.hands.moved.fetch_add(jump, Ordering::AcqRel);
        }
        Some(Span(jump))
    }

    /// How far the wall clock has moved against the monotonic one since the start.
    fn wall_drift(&self) -> Span {
        let expected = self.wall_at_start + Span::from_std(self.started.elapsed());
        self.wall().since(expected)
    }

    /// Sets the wall clock, as far as this clock is concerned, for tests: away from the machine's by
    /// this.
    pub fn set_wall(&self, away: Span) {
        self.hands.set.store(away.0, Ordering::Release);
    }
}

/// The wall clock.
fn wall() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(Span::from_std(since_epoch).0)
}

/// The start of the real day, and from there on `speed` times as fast.
fn shared_time(wall: Time, speed: u32) -> Time {
    let day = Span::days(1).0;
    let midnight = Time(wall.0.div_euclid(day) * day);
    midnight + wall.since(midnight).times(i64::from(speed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clocks_of_one_speed_agree() {
        let (one, other) = (Clock::scaled(480), Clock::scaled(480));
        let apart = other.now().since(one.now());
        assert!(apart.0.abs() < Span::minutes(5).0, "{apart}");
    }

    #[test]
    fn a_wall_clock_that_is_set_moves_the_time_once_and_is_told_once() {
        let clock = Clock::real();
        let copy = clock.clone();
        assert_eq!(clock.follow_wall(), None);
        for hours in [1, -2] {
            let before = copy.now();
            clock.set_wall(Span::hours(hours));
            let jump = clock.follow_wall().unwrap();
            assert_eq!(clock.follow_wall(), None);
            let moved = copy.now().since(before);
            assert!((moved - jump).0.abs() < Span::minutes(1).0, "{moved} {jump}");
            assert!(copy.now().since(copy.wall()).0.abs() < Span::minutes(1).0);
        }
        let simulated = Clock::scaled(60);
        let before = simulated.now();
        simulated.set_wall(Span::days(1));
        assert!(simulated.follow_wall().is_some(), "told");
        assert!(simulated.now().since(before) < Span::hours(1), "and not moved");
    }

    #[test]
    fn waiting_is_as_much_shorter_as_the_clock_is_faster() {
        let clock = Clock::starting_at(Time::from_seconds(0), 1000);
        let wait = clock.real_wait(clock.now() + Span::seconds(100));
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
    }
}
