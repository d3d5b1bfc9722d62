//! How the simulated cloud behaves: how long things take, how often they go wrong.

use crate::model::Span;
use crate::sim::rng::Rng;

/// The dials. The default is the nasty cloud; [`Dials::kind`] has none of the nastiness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dials {
    /// From an accepted create to running.
    pub create: Between,
    /// From an accepted start to running.
    pub start: Between,
    /// From an accepted stop to shut down.
    pub stop: Between,
    /// From an accepted delete to deleted.
    pub delete: Between,
    /// From an accepted restart to running.
    pub restart: Between,
    /// How far listings are behind the truth.
    pub lag: Between,
    /// How often the lag is drawn anew.
    pub lag_period: Span,
    /// How long after a change its event says so; its `EndTime` is the change's.
    pub event_delay: Between,
    /// From an event's `CreateTime` to that of its task.
    pub task_delay: Between,
    /// Events that never end although the change does, of a million.
    pub event_lost_ppm: u32,
    /// Creates that fail, of a million: status and event `failed`, no charge.
    pub create_fails_ppm: u32,
    /// Creates that hang for [`Self::hang`] and then fail, of a million.
    pub create_hangs_ppm: u32,
    /// How long a hanging create hangs; the vendor's own sample took 23.5 hours.
    pub hang: Between,
    /// Starts, stops, restarts and deletes that fail, of a million: all stays as it was.
    pub change_fails_ppm: u32,
    /// Machines the provider takes back by itself, of a million.
    pub reclaim_ppm: u32,
    /// How long after the create.
    pub reclaim_after: Between,
    /// Rows missing from a listing for one lag period, of a million.
    pub row_missing_ppm: u32,
    /// How long a `deleted` row stays before it is gone for good.
    pub deleted_kept: Span,
    /// How long a `failed` row stays before it is gone for good.
    pub failed_kept: Span,
    /// A create without stock is taken on, and its event fails; else it is refused at once.
    pub sold_out_by_event: bool,
    /// GPUs given back that somebody else takes at once, of a million.
    pub taken_by_others_ppm: u32,
}

/// A span drawn evenly from a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Between {
    /// Shortest.
    pub min: Span,
    /// Longest.
    pub max: Span,
}

impl Between {
    /// From `min` to `max` seconds.
    pub const fn seconds(min: i64, max: i64) -> Self {
        Self { min: Span::seconds(min), max: Span::seconds(max) }
    }

    /// Always this many seconds.
    pub const fn exactly(seconds: i64) -> Self {
        Self::seconds(seconds, seconds)
    }

    /// Draws one.
    pub fn draw(self, rng: &mut Rng) -> Span {
        Span(rng.range(self.min.0, self.max.0))
    }
}

impl Dials {
    /// Every listing fresh, every change done, every event told.
    pub fn kind() -> Self {
        Self {
            create: Between::exactly(60),
            start: Between::exactly(30),
            stop: Between::exactly(15),
            delete: Between::exactly(10),
            restart: Between::exactly(30),
            lag: Between::exactly(0),
            lag_period: Span::seconds(15),
            event_delay: Between::exactly(0),
            task_delay: Between::exactly(0),
            event_lost_ppm: 0,
            create_fails_ppm: 0,
            create_hangs_ppm: 0,
            hang: Between::exactly(0),
            change_fails_ppm: 0,
            reclaim_ppm: 0,
            reclaim_after: Between::exactly(0),
            row_missing_ppm: 0,
            deleted_kept: Span::ZERO,
            failed_kept: Span::hours(1),
            sold_out_by_event: false,
            taken_by_others_ppm: 0,
        }
    }

    /// A cloud to be ready for: the default.
    pub fn nasty() -> Self {
        Self {
            create: Between::seconds(30, 120),
            start: Between::seconds(20, 90),
            stop: Between::seconds(5, 40),
            delete: Between::seconds(5, 30),
            restart: Between::seconds(20, 60),
            lag: Between::seconds(0, 120),
            lag_period: Span::seconds(15),
            event_delay: Between::seconds(0, 20),
            task_delay: Between::seconds(0, 2),
            event_lost_ppm: 5_000,
            create_fails_ppm: 10_000,
            create_hangs_ppm: 2_000,
            hang: Between::seconds(3_600, 86_400),
            change_fails_ppm: 5_000,
            reclaim_ppm: 5_000,
            reclaim_after: Between::seconds(600, 43_200),
            row_missing_ppm: 200,
            deleted_kept: Span::seconds(60),
            failed_kept: Span::hours(1),
            sold_out_by_event: false,
            taken_by_others_ppm: 300_000,
        }
    }
}

impl Default for Dials {
    fn default() -> Self {
        Self::nasty()
    }
}
