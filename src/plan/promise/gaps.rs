//! How long machines stay without work: pauses between two times of the same load, and the times
//! after which stopping and deleting cost least over the pauses seen.
//!
//! By the level of load: the pause of level n is the time from the load falling below n until it
//! reaches n again (Lu, Chen and Andrew, "Simple and effective dynamic provisioning for
//! power-proportional data centers", 2013). Until enough is seen, and as bounds of what is learned,
//! the break-even times of ski rental serve, which are never worse than twice the best.

use std::collections::{BTreeMap, VecDeque};

use crate::model::{Span, Time};
use crate::policy::Patience;

/// Pauses remembered of each band of levels.
const KEPT: usize = 400;
/// No farm works on more than this at once: what a source says beyond it is no load.
const LOAD_MAX: u32 = 100_000;
/// Fewer pauses than this say nothing.
const ENOUGH: usize = 16;
/// Tried as stop and delete times, in eighths of the break-even time.
const STOP_EIGHTHS: [i64; 9] = [0, 1, 2, 4, 6, 8, 12, 16, 32];
const DELETE_EIGHTHS: [i64; 8] = [0, 1, 2, 4, 6, 8, 12, 16];

/// Pauses by band of levels.
#[derive(Debug, Clone, Default)]
pub struct Gaps {
    load: u32,
    fell_at: BTreeMap<u32, Time>,
    bands: BTreeMap<u32, Band>,
}

#[derive(Debug, Clone, Default)]
struct Band {
    by_time: VecDeque<i64>,
    by_length: Vec<i64>,
    /// Sums of the first so many of them.
    sums: Vec<i64>,
}

/// What a machine costs in its three states; the unit does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// A second running.
    pub running: i64,
    /// A second stopped.
    pub stopped: i64,
    /// From a create to its worker.
    pub boot: Span,
    /// From a start to its worker.
    pub restart: Span,
}

/// When to let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LetGo {
    /// Idle this long: stop.
    pub stop_after: Span,
    /// Stopped this long: delete. Zero: delete instead of stopping.
    pub delete_after: Span,
}

impl LetGo {
    /// Whether a machine is stopped at all before it is deleted.
    pub fn keeps(&self) -> bool {
        Span::ZERO < self.delete_after
    }
}

impl Gaps {
    /// The load was `load` at `now`.
    pub fn take(&mut self, load: u32, now: Time) {
        let load = load.min(LOAD_MAX);
        for level in load + 1..=self.load {
            self.fell_at.insert(level, now);
        }
        for level in self.load + 1..=load {
            if let Some(fell_at) = self.fell_at.remove(&level) {
                self.bands.entry(band(level)).or_default().push(now.since(fell_at).0);
            }
        }
        self.load = load;
    }

    /// The load last seen.
    pub fn load(&self) -> u32 {
        self.load
    }

    /// When to let go a machine that serves the load's `level`th unit.
    pub fn let_go(&self, level: u32, rates: &Rates, patience: Patience) -> LetGo {
        let even = break_even(rates);
        let band = self.bands.get(&band(level)).filter(|band| ENOUGH <= band.by_time.len());
        let Some(band) = band else { return even };
        let parts = |whole: Span, eighths: i64| Span(whole.0.saturating_mul(eighths) / 8);
        let tried = STOP_EIGHTHS.iter().flat_map(|stop| {
            DELETE_EIGHTHS.iter().map(|delete| LetGo {
                stop_after: parts(even.stop_after, *stop),
                delete_after: parts(even.delete_after, *delete),
            })
        });
        let best = tried.min_by_key(|one| band.cost(one, rates)).unwrap_or(even);
        let kept = |learned: Span, even: Span, percent: i64| {
            share(learned.max(share(even, patience.least)), percent)
        };
        LetGo {
            stop_after: kept(best.stop_after, even.stop_after, patience.idle),
            delete_after: kept(best.delete_after, even.delete_after, patience.stopped),
        }
    }
}

fn share(span: Span, percent: i64) -> Span {
    Span(span.0.saturating_mul(percent) / 100)
}

/// Two bands for each power of two.
fn band(level: u32) -> u32 {
    let power = level.max(1).ilog2();
    let upper = power != 0 && level & (1 << (power - 1)) != 0;
    2 * power + u32::from(upper)
}

/// `S/(r−d)` until stopping, `(B−S)/d` from idling until deleting.
pub fn break_even(rates: &Rates) -> LetGo {
    let Rates { running, stopped, boot, restart } = *rates;
    let scaled = |span: Span, above: i64, below: i64| {
        let scaled = i128::from(span.0) * i128::from(above) / i128::from(below.max(1));
        Span(i64::try_from(scaled).unwrap_or(i64::MAX / 1000))
    };
    let stop_after = scaled(restart, running, running - stopped).min(boot);
    let kept = scaled(boot - restart, running, stopped);
    LetGo { stop_after, delete_after: (kept - stop_after).max(Span::ZERO) }
}

impl Band {
    fn push(&mut self, gap: i64) {
        if KEPT <= self.by_time.len()
            && let Some(oldest) = self.by_time.pop_front()
            && let Ok(place) = self.by_length.binary_search(&oldest)
        {
            self.by_length.remove(place);
        }
        self.by_time.push_back(gap);
        let place = self.by_length.partition_point(|known| *known < gap);
        self.by_length.insert(place, gap);
        self.sums.clear();
        self.sums.push(0);
        let mut sum = 0i64;
        for length in &self.by_length {
            sum = sum.saturating_add(*length);
            self.sums.push(sum);
        }
    }

    /// What the pauses would have cost.
    fn cost(&self, one: &LetGo, rates: &Rates) -> i128 {
        let Rates { running, stopped, boot, restart } = *rates;
        let (stop, delete) = (one.stop_after.0, one.delete_after.0);
        let up_to = |length: i64| self.by_length.partition_point(|gap| *gap <= length);
        let (short, middle) = (up_to(stop), up_to(stop.saturating_add(delete)));
        let sum = |count: usize| i128::from(self.sums.get(count).copied().unwrap_or(0));
        let count = |from: usize, to: usize| i128::try_from(to - from).unwrap_or(0);
        let cost = |span: i64, rate: i64| i128::from(span) * i128::from(rate);
        let stopped_for = sum(middle) - sum(short) - count(short, middle) * i128::from(stop);
        sum(short) * i128::from(running)
            + count(short, middle) * cost(stop + restart.0, running)
            + stopped_for * i128::from(stopped)
            + count(middle, self.by_length.len())
                * (cost(stop + boot.0, running) + cost(delete, stopped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates =
        Rates { running: 100, stopped: 8, boot: Span::seconds(240), restart: Span::seconds(60) };

    #[test]
    fn the_break_even_times_are_those_of_ski_rental() {
        let even = break_even(&RATES);
        assert_eq!(even.stop_after, Span::millis(65_217));
        assert_eq!(even.stop_after + even.delete_after, Span::seconds(2250));
    }

    #[test]
    fn a_pause_is_from_the_fall_of_its_level_to_its_return() {
        let mut gaps = Gaps::default();
        let at = Time::from_seconds;
        gaps.take(3, at(0));
        gaps.take(1, at(10));
        gaps.take(2, at(50));
        gaps.take(3, at(60));
        assert_eq!(gaps.bands[&band(2)].by_time, [40_000]);
        assert_eq!(gaps.bands[&band(3)].by_time, [50_000]);
    }

    #[test]
    fn short_pauses_teach_to_wait_and_long_ones_to_delete_at_once() {
        let learned = |pause: i64| {
            let mut gaps = Gaps::default();
            for round in 0..20 {
                gaps.take(1, Time::from_seconds(round * 1_000_000));
                gaps.take(0, Time::from_seconds(round * 1_000_000 + 100));
                gaps.take(1, Time::from_seconds(round * 1_000_000 + 100 + pause));
            }
            gaps.let_go(1, &RATES, Patience { idle: 100, stopped: 100, least: 0 })
        };
        assert!(Span::seconds(10) < learned(20).stop_after, "{:?}", learned(20));
        assert_eq!(learned(200_000).delete_after, Span::ZERO);
        let kept = learned(900);
        assert_eq!(kept.stop_after, Span::ZERO);
        assert!(Span::seconds(400) < kept.delete_after, "{kept:?}");
    }

    #[test]
    fn levels_of_like_size_share_a_band() {
        let bands: Vec<u32> = [1, 2, 3, 4, 5, 6, 7, 8].map(band).into();
        assert_eq!(bands, [0, 2, 3, 4, 4, 5, 5, 6]);
    }
}
