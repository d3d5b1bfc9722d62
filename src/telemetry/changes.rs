//! Why the farm is as it is, for the log: a line when a pool's reasons or a source's health change,
//! not one a turn, and ever fewer for what comes and goes.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{self, Language, Level};
use crate::model::snapshot::{Blocked, PoolView, Snapshot};
use crate::model::{SourceId, Span, Text, Time};

/// Gone for so long, a reason or a fault is told to be gone.
const GONE_AFTER: Span = Span::minutes(1);
/// For what comes back soon that doubles, up to here: a figure near a cap must not fill the disk.
const GONE_AFTER_MAX: Span = Span::hours(1);

/// What was told last.
#[derive(Debug, Default)]
pub struct Changes {
    /// By pool: its constraints.
    pools: BTreeMap<Text, Flaps<&'static str>>,
    /// Sources that fail.
    sources: Flaps<SourceId>,
}

/// One line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Somebody should look.
    pub alarming: bool,
    /// For people.
    pub words: String,
}

/// Things that hold or do not, told when they begin and when they have ended for a while.
#[derive(Debug)]
struct Flaps<K>(BTreeMap<K, Flap>);

#[derive(Debug)]
struct Flap {
    seen_at: Time,
    /// Told to hold, and not yet to have ended.
    holds: bool,
    gone_after: Span,
}

impl<K> Default for Flaps<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone> Flaps<K> {
    /// What begins to hold, and what has ended.
    fn news(&mut self, now: &BTreeSet<K>, at: Time) -> (Vec<K>, Vec<K>) {
        let (mut begun, mut ended) = (Vec::new(), Vec::new());
        for key in now {
            let flap = self.0.entry(key.clone()).or_insert_with(|| Flap {
                seen_at: at,
                holds: false,
                gone_after: GONE_AFTER,
            });
            let away = at.since(flap.seen_at);
            flap.seen_at = at;
            if !flap.holds {
                begun.push(key.clone());
                flap.holds = true;
            }
            // Back before its end was told, or soon after: it waits longer next time.
            if GONE_AFTER <= away && away < flap.gone_after.times(4) {
                flap.gone_after = flap.gone_after.times(2).min(GONE_AFTER_MAX);
            }
        }
        for (key, flap) in &mut self.0 {
            if flap.holds && flap.seen_at + flap.gone_after <= at {
                flap.holds = false;
                ended.push(key.clone());
            }
        }
        // What has long been quiet is news again like any other.
        self.0.retain(|_, flap| at < flap.seen_at + GONE_AFTER_MAX.times(4));
        (begun, ended)
    }
}

impl Changes {
    /// What is new since the last line of each source and pool.
    pub fn lines(&mut self, farm: &Snapshot) -> Vec<Line> {
        let mut lines = self.of_sources(farm);
        if farm.adopted_at.is_none() && farm.faults.is_empty() {
            return lines; // just started: nothing has been asked yet
        }
        for pool in &farm.pools {
            let kinds = pool.report.constraints.iter().map(|one| words::constraint(one).key);
            let flaps = self.pools.entry(Text::clone(&pool.name)).or_default();
            let (begun, ended) = flaps.news(&kinds.collect(), farm.at);
            if !begun.is_empty() || !ended.is_empty() {
                lines.push(of_pool(pool, &begun));
            }
        }
        lines
    }

    fn of_sources(&mut self, farm: &Snapshot) -> Vec<Line> {
        let (begun, ended) = self.sources.news(&farm.faults.keys().cloned().collect(), farm.at);
        let begun = begun.iter().filter_map(|source| {
            let words = format!("{source} fails: {}", farm.faults.get(source)?);
            Some(Line { alarming: true, words })
        });
        let ended = ended.iter().map(|source| {
            let words = format!("{source} works again");
            Line { alarming: false, words }
        });
        begun.chain(ended).collect()
    }
}

/// Each kind once, strongest first: sold-out offers alone could make a line of a thousand words.
/// Alarming if one that has just begun is.
fn of_pool(pool: &PoolView, begun: &[&'static str]) -> Line {
    let mut told = BTreeSet::new();
    let constraints = pool.report.constraints.iter().map(words::constraint);
    let firsts: Vec<words::Told> = constraints.filter(|one| told.insert(one.key)).collect();
    let said: Vec<String> = firsts.iter().map(|one| one.keyed(Language::En)).collect();
    let words = if said.is_empty() {
        format!("pool {}: no active constraint", pool.name)
    } else {
        format!("pool {}: {}", pool.name, said.join("; "))
    };
    let is_new_alarm = |one: &words::Told| one.level == Level::Warn && begun.contains(&one.key);
    Line { alarming: firsts.iter().any(is_new_alarm), words }
}

/// The strongest constraint of every pool that has one, for a line that says how the farm is.
pub fn strongest(farm: &Snapshot) -> String {
    let said = farm.pools.iter().filter_map(|pool| {
        let blocked: &Blocked = pool.report.constraints.first()?;
        Some(format!("{} by {}", pool.name, words::constraint(blocked).keyed(Language::En)))
    });
    let said: Vec<String> = said.collect();
    if said.is_empty() { "nothing".to_owned() } else { said.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Money;
    use crate::model::snapshot::{CapSpan, Counts, Ledger, Report, Spend};

    fn farm(second: i64, constraints: Vec<Blocked>, fault: Option<&str>) -> Snapshot {
        let pool = PoolView {
            name: "gpu".into(),
            queued: 0,
            running: 0,
            oldest_wait: None,
            queue_age: None,
            phases: BTreeMap::new(),
            size: (0, 9),
            report: Report { constraints, ..Report::default() },
        };
        Snapshot {
            at: Time::from_seconds(second),
            farm: "test".into(),
            turn: 1,
            next_turn_by: Time::MAX,
            adopted_at: Some(Time::default()),
            paused: None,
            retiring: None,
            pools: vec![pool],
            machines: Vec::new(),
            offers: Vec::new(),
            spend: Spend::default(),
            ledger: Ledger::default(),
            counts: Counts::default(),
            planned: Vec::new(),
            recent: Vec::new(),
            faults: fault
                .map(|detail| (SourceId::Queue("render".into()), detail.into()))
                .into_iter()
                .collect(),
        }
    }

    #[test]
    fn a_change_is_told_once_and_one_of_numbers_alone_not_at_all() {
        let mut changes = Changes::default();
        let mut said = |second, constraints, fault| {
            let lines = changes.lines(&farm(second, constraints, fault));
            lines.into_iter().map(|line| (line.alarming, line.words)).collect::<Vec<_>>()
        };
        let max = |max| Blocked::PoolMax { max };
        assert_eq!(said(0, vec![], None), []);
        let held = "pool gpu: pool_max: the pool's max of 4".to_owned();
        assert_eq!(said(1, vec![max(4)], None), [(false, held)]);
        assert_eq!(said(100, vec![max(5)], None), [], "only a number is another");
        let stale = || vec![Blocked::QueueStale { detail: "no route".into() }, max(5)];
        let words = "pool gpu: queue_stale: no fresh word from the queue: no route; pool_max: the \
                     pool's max of 5";
        let fails = (true, "queue render fails: no route".to_owned());
        assert_eq!(said(101, stale(), Some("no route")), [fails, (true, words.to_owned())]);
        assert_eq!(said(130, vec![], None), [], "within a minute: it may come back");
        assert_eq!(said(131, stale(), Some("no route")), []);
        let works = (false, "queue render works again".to_owned());
        let nothing = (false, "pool gpu: no active constraint".to_owned());
        assert_eq!(said(191, vec![], None), [works, nothing]);
    }

    /// Money that is spent second by second passes the line near a cap and falls back under it with
    /// each reserve that is given back.
    #[test]
    fn what_comes_and_goes_near_a_cap_is_told_ever_more_rarely() {
        let near = |committed| Blocked::MoneyCap {
            pool: None,
            span: CapSpan::Day,
            cap: Money::yuan(100),
            committed: Money(committed),
            next_day: false,
            more: Money::yuan(3),
        };
        let mut changes = Changes::default();
        let mut alarms = 0;
        for minute in 0..24 * 60 {
            let holds = minute % 3 == 0; // back every third minute, all day long
            let constraints = if holds { vec![near(minute)] } else { vec![] };
            let lines = changes.lines(&farm(minute * 60, constraints, None));
            alarms += lines.iter().filter(|line| line.alarming).count();
        }
        assert!((1..=3).contains(&alarms), "{alarms} warnings in a day");
    }
}
