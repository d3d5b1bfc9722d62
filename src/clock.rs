//! The one place that reads the machine's clocks.
//!
//! `now` = wall clock at start + monotonic time since, times the speed: durations never jump when
//! somebody sets the wall clock. The jump itself is reported by [`Clock::wall_drift`].

#![expect(clippy::disallowed_methods, reason = "this is clock.rs")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::{Span, Time};

/// A clock that starts at the wall clock's time and may run faster.
#[derive(Debug, Clone)]
pub struct Clock {
    started: Instant,
    wall_at_start: Time,
    shown_at_start: Time,
    speed: u32,
}

impl Clock {
    /// The real clock.
    pub fn real() -> Self {
        let wall = wall();
        Self { started: Instant::now(), wall_at_start: wall, shown_at_start: wall, speed: 1 }
    }

    /// A clock `speed` times as fast, for simulated clouds only. Two processes that are given the
    /// same `speed` agree on the time: it counts from the epoch, not from the start.
    pub fn scaled(speed: u32) -> Self {
        let speed = speed.max(1);
        let wall = wall();
        Self { shown_at_start: shared_time(wall, speed), speed, ..Self::real() }
    }

    /// A scaled clock that shows `start` now: for worlds within one process.
    pub fn starting_at(start: Time, speed: u32) -> Self {
        Self { shown_at_start: start, speed: speed.max(1), ..Self::real() }
    }

    /// The time.
    pub fn now(&self) -> Time {
        self.shown_at_start + Span::from_std(self.started.elapsed()).times(i64::from(self.speed))
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

    /// How far the wall clock has moved against the monotonic one since the start.
    pub fn wall_drift(&self) -> Span {
        let expected = self.wall_at_start + Span::from_std(self.started.elapsed());
        wall().since(expected)
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
    fn waiting_is_as_much_shorter_as_the_clock_is_faster() {
        let clock = Clock::starting_at(Time::from_seconds(0), 1000);
        let wait = clock.real_wait(clock.now() + Span::seconds(100));
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
    }
}
