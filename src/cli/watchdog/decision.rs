//! When an idle machine is to go: told what each look brought and when, it says what to do.

use serde::Deserialize;

use crate::model::{Span, Time};

/// A look may take so much longer than planned (time-outs) and still count in full.
const LOOK_MAX: Span = Span::seconds(30);

/// What the watchdog is to hold to.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// Silence that is bound to end in a shutdown.
    pub(super) silent_for: Span,
    /// From one look to the next.
    pub(super) every: Span,
    /// The farm whose lease counts; `None` = any.
    pub(super) farm: Option<String>,
}

/// What the daemon says of itself (`GET /lease`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Lease {
    /// The farm's name.
    pub(super) farm: String,
    /// The daemon's last turn, by its own clock.
    pub(super) at: Time,
    /// Seconds since then.
    pub(super) age_s: i64,
    /// The age in seconds up to which it counts.
    pub(super) valid_s: i64,
}

/// What a look at the lease brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// A lease, fresh or not.
    Lease(Lease),
    /// None, and why.
    Nothing(String),
}

/// What follows from a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The control host is there.
    Fresh,
    /// It is silent, not yet for long enough.
    Silent {
        /// What is wrong with the lease.
        why: String,
        /// The machine goes after so much more of it.
        left: Span,
    },
    /// It has been silent for long enough, but a task runs, or ran at the last look.
    Kept {
        /// What runs.
        why: String,
    },
    /// The machine is to be shut down.
    ShutDown {
        /// What is wrong with the lease.
        why: String,
        /// For how long.
        silence: Span,
    },
}

/// The state between looks.
#[derive(Debug)]
pub(super) struct Watchdog {
    rule: Rule,
    looked_at: Time,
    silence: Span,
    /// Looks in a row that found no task.
    idle_looks: u32,
    latest: Option<Latest>,
}

/// The newest turn of the daemon that was seen.
#[derive(Debug)]
struct Latest {
    at: Time,
    age: Span,
    first_seen_at: Time,
}

impl Watchdog {
    /// A watchdog that has seen nothing yet: silence counts from `now`.
    pub(super) fn new(rule: Rule, now: Time) -> Self {
        Self { rule, looked_at: now, silence: Span::ZERO, idle_looks: 0, latest: None }
    }

    /// Takes in one look; `busy` is what is at work on the machine, if anything is.
    pub(super) fn step(&mut self, seen: Seen, busy: Option<String>, now: Time) -> Verdict {
        let gap = now.since(self.looked_at);
        let gap_max = self.rule.every.times(2) + LOOK_MAX;
        self.looked_at = now;
        // Time that the watchdog itself slept through (a suspended machine) proves no silence.
        self.silence += gap.clamp(Span::ZERO, gap_max);
        let looks_before = if gap_max < gap { 0 } else { self.idle_looks };
        self.idle_looks = if busy.is_some() { 0 } else { looks_before.saturating_add(1) };
        let Some(why) = self.fault(seen, now) else {
            self.silence = Span::ZERO;
            return Verdict::Fresh;
        };
        if self.silence < self.rule.silent_for {
            return Verdict::Silent { why, left: self.rule.silent_for + self.silence.times(-1) };
        }
        match busy {
            Some(what) => Verdict::Kept { why: what },
            None if self.idle_looks < 2 => {
                Verdict::Kept { why: "a task ran until now; one more look is taken".to_owned() }
            }
            None => Verdict::ShutDown { why, silence: self.silence },
        }
    }

    /// What is wrong with what was seen; `None` if it is a fresh lease of the right farm.
    fn fault(&mut self, seen: Seen, now: Time) -> Option<String> {
        let lease = match seen {
            Seen::Lease(lease) => lease,
            Seen::Nothing(why) => return Some(why),
        };
        if let Some(farm) = self.rule.farm.as_ref().filter(|farm| **farm != lease.farm) {
            return Some(format!("the lease is of the farm {}, not of {farm}", lease.farm));
        }
        let valid = Span::seconds(lease.valid_s);
        if lease.valid_s < lease.age_s {
            return Some(format!("the daemon does not turn: its last turn is over {valid} ago"));
        }
        // A cache on the way may repeat an old answer: the same turn ages by our clock too.
        let latest = match &mut self.latest {
            Some(latest) if latest.at == lease.at => latest,
            other => {
                let age = Span::seconds(lease.age_s);
                other.insert(Latest { at: lease.at, age, first_seen_at: now })
            }
        };
        let age = latest.age + now.since(latest.first_seen_at);
        (valid + self.rule.every < age).then(|| {
            "the same answer again and again: does something on the way keep it?".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Span = Span::seconds(30);

    /// A watchdog and the time by hand.
    struct Hand {
        watchdog: Watchdog,
        now: Time,
    }

    impl Hand {
        fn new() -> Self {
            let now = Time::from_seconds(1_000_000);
            let farm = Some("studio".to_owned());
            let rule = Rule { silent_for: Span::minutes(30), every: EVERY, farm };
            Self { watchdog: Watchdog::new(rule, now), now }
        }

        fn look(&mut self, seen: Seen, busy: bool) -> Verdict {
            self.now = self.now + EVERY;
            self.watchdog.step(seen, busy.then(|| "pgrep -x blender".to_owned()), self.now)
        }

        fn fresh(&mut self) -> Verdict {
            let lease = self.lease("studio", self.now);
            self.look(lease, false)
        }

        fn lease(&self, farm: &str, at: Time) -> Seen {
            let age_s = self.now.since(at).as_seconds();
            Seen::Lease(Lease { farm: farm.to_owned(), at, age_s, valid_s: 61 })
        }

        /// Looks until something else than silence follows: what, and after how long.
        fn silent(&mut self, busy: bool) -> (Verdict, Span) {
            let since = self.now;
            loop {
                let verdict = self.look(nothing(), busy);
                if !matches!(verdict, Verdict::Silent { .. }) {
                    return (verdict, self.now.since(since));
                }
            }
        }
    }

    fn nothing() -> Seen {
        Seen::Nothing("connection refused".to_owned())
    }

    fn goes(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::ShutDown { .. })
    }

    #[test]
    fn silence_counts_from_the_start_and_again_from_each_fresh_lease() {
        let mut hand = Hand::new();
        for _ in 0..50 {
            hand.look(nothing(), false);
        }
        assert_eq!(hand.fresh(), Verdict::Fresh);
        let (verdict, after) = hand.silent(false);
        assert!(goes(&verdict), "{verdict:?}");
        assert_eq!(after, Span::minutes(30));
        let (verdict, after) = Hand::new().silent(false);
        assert!(goes(&verdict), "a host that was never heard is silent too: {verdict:?}");
        assert_eq!(after, Span::minutes(30));
    }

    #[test]
    fn a_busy_machine_stays_until_two_looks_in_a_row_find_no_task() {
        let mut hand = Hand::new();
        let (verdict, _) = hand.silent(true);
        assert_eq!(verdict, Verdict::Kept { why: "pgrep -x blender".to_owned() });
        for busy in [true, false, true, false] {
            let verdict = hand.look(nothing(), busy);
            assert!(matches!(verdict, Verdict::Kept { .. }), "{busy}: {verdict:?}");
        }
        assert!(goes(&hand.look(nothing(), false)));
    }

    #[test]
    fn a_lease_that_is_old_or_repeated_or_of_another_farm_is_silence() {
        let hand = Hand::new();
        let old = hand.lease("studio", hand.now - Span::seconds(62));
        let other = hand.lease("atelier", hand.now);
        let repeated = hand.lease("studio", hand.now);
        for (seen, word) in [(old, "1m01s"), (other, "atelier"), (repeated, "again and again")] {
            let mut hand = Hand::new();
            let mut last = None;
            while hand.now < Time::from_seconds(1_000_000) + Span::minutes(40) {
                match hand.look(seen.clone(), false) {
                    Verdict::ShutDown { why, .. } => {
                        last = Some(why);
                        break;
                    }
                    Verdict::Fresh | Verdict::Silent { .. } => {}
                    Verdict::Kept { why } => panic!("{why}"),
                }
            }
            assert!(last.as_ref().is_some_and(|why| why.contains(word)), "{word}: {last:?}");
        }
    }

    #[test]
    fn a_machine_that_was_suspended_gives_the_control_host_its_time_again() {
        let mut hand = Hand::new();
        hand.fresh();
        hand.look(nothing(), false);
        hand.now = hand.now + Span::hours(9);
        let verdict = hand.look(nothing(), false);
        assert!(matches!(verdict, Verdict::Silent { .. }), "{verdict:?}");
        assert_eq!(hand.fresh(), Verdict::Fresh);
    }

    #[test]
    fn a_clock_of_the_control_host_that_is_wrong_does_not_matter() {
        let mut hand = Hand::new();
        for turn in 0..200 {
            let at = Time::from_seconds(turn);
            let farm = "studio".to_owned();
            let lease = Seen::Lease(Lease { farm, at, age_s: 1, valid_s: 3 });
            assert_eq!(hand.look(lease, false), Verdict::Fresh);
        }
    }
}
