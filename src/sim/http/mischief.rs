//! What goes wrong between the cloud and its callers, and how often.

use crate::model::{Span, Time};
use crate::sim::provider::Between;
use crate::sim::rng::Rng;

/// How the HTTP face misbehaves. The default is nasty at small rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mischief {
    /// Requests cut off before they are carried out, of a million.
    pub request_lost_ppm: u32,
    /// Requests carried out whose answer is cut off, of a million.
    pub answer_lost_ppm: u32,
    /// Requests carried out but answered with 500, of a million.
    pub error_after_ppm: u32,
    /// Requests carried out but answered with 200 and no JSON, of a million.
    pub garbage_ppm: u32,
    /// Requests refused with 429 for no reason, of a million.
    pub throttled_ppm: u32,
    /// Requests that arrive twice, as from a gateway that repeats them, and are answered the second
    /// time: the nonce is used by then, of a million.
    pub doubled_ppm: u32,
    /// Answers that come late, of a million.
    pub late_ppm: u32,
    /// How late, in simulated time.
    pub late_by: Between,
    /// Calls a second of simulated time before 429; twice as many in a burst. 0 = no limit.
    pub calls_per_second: u32,
}

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing bad.
    Fine,
    /// Cut off before it is carried out.
    RequestLost,
    /// Carried out, then cut off.
    AnswerLost,
    /// Carried out, then 500.
    ErrorAfter,
    /// Carried out, arrives again, and that is answered.
    Doubled,
    /// Carried out, then something that is not JSON.
    Garbage,
    /// 429.
    Throttled,
    /// Carried out and answered, but late.
    Late(Span),
}

/// Lets so many calls through in a second.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Thousandths of a call.
    tokens: i64,
    filled_at: Time,
}

impl Mischief {
    /// No mischief and no limit.
    pub fn none() -> Self {
        Self {
            request_lost_ppm: 0,
            answer_lost_ppm: 0,
            error_after_ppm: 0,
            garbage_ppm: 0,
            throttled_ppm: 0,
            doubled_ppm: 0,
            late_ppm: 0,
            late_by: Between::exactly(0),
            calls_per_second: 0,
        }
    }

    /// Draws a request's fate.
    pub(super) fn fate(&self, rng: &mut Rng) -> Fate {
        let mut left = rng.below(1_000_000);
        let mut hits = |ppm: u32| match left.checked_sub(u64::from(ppm)) {
            None => true,
            Some(rest) => {
                left = rest;
                false
            }
        };
        if hits(self.request_lost_ppm) {
            Fate::RequestLost
        } else if hits(self.answer_lost_ppm) {
            Fate::AnswerLost
        } else if hits(self.error_after_ppm) {
            Fate::ErrorAfter
        } else if hits(self.garbage_ppm) {
            Fate::Garbage
        } else if hits(self.throttled_ppm) {
            Fate::Throttled
        } else if hits(self.doubled_ppm) {
            Fate::Doubled
        } else if hits(self.late_ppm) {
            Fate::Late(self.late_by.draw(rng))
        } else {
            Fate::Fine
        }
    }
}

impl Default for Mischief {
    fn default() -> Self {
        Self {
            request_lost_ppm: 2_000,
            answer_lost_ppm: 2_000,
            error_after_ppm: 2_000,
            garbage_ppm: 1_000,
            throttled_ppm: 2_000,
            doubled_ppm: 1_000,
            late_ppm: 5_000,
            late_by: Between::seconds(2, 40),
            calls_per_second: 20,
        }
    }
}

impl Bucket {
    pub(super) fn new(now: Time) -> Self {
        Self { tokens: i64::MAX, filled_at: now }
    }

    /// Takes one call if there is one.
    pub(super) fn take(&mut self, now: Time, calls_per_second: u32) -> bool {
        if calls_per_second == 0 {
            return true;
        }
        let rate = i64::from(calls_per_second);
        let gained = now.since(self.filled_at).0.max(0).saturating_mul(rate);
        self.filled_at = self.filled_at.max(now);
        self.tokens = self.tokens.saturating_add(gained).min(2_000 * rate);
        let enough = 1_000 <= self.tokens;
        if enough {
            self.tokens -= 1_000;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fates_come_as_often_as_asked_and_none_without_mischief() {
        let mut rng = Rng::new(1);
        let half = Mischief { answer_lost_ppm: 500_000, ..Mischief::none() };
        let fates: Vec<_> = (0..10_000).map(|_| half.fate(&mut rng)).collect();
        let lost = fates.iter().filter(|fate| **fate == Fate::AnswerLost).count();
        assert!((4_700..5_300).contains(&lost), "{lost}");
        assert!((0..10_000).all(|_| Mischief::none().fate(&mut rng) == Fate::Fine));
    }

    #[test]
    fn twice_the_rate_passes_in_a_burst_and_then_the_rate() {
        let mut bucket = Bucket::new(Time(0));
        let burst = (0..100).filter(|_| bucket.take(Time(0), 5)).count();
        assert_eq!(burst, 10);
        let next = (0..100).filter(|_| bucket.take(Time(1_000), 5)).count();
        assert_eq!(next, 5);
        assert!((0..100).all(|_| bucket.take(Time(1_000), 0)));
    }
}
