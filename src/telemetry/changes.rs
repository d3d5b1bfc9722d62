//! Why the farm is as it is, for the log: a line when a pool's reasons or a source's health change,
//! not one a turn.

use std::collections::{BTreeMap, BTreeSet};

use super::reasons;
use crate::model::snapshot::{Blocked, PoolView, Snapshot};
use crate::model::{SourceId, Span, Text, Time};

/// A pool or a source gets a line this often at most: what flaps must not fill the disk.
const EVERY: Span = Span::minutes(1);

/// What was told last.
#[derive(Debug, Default)]
pub struct Changes {
    /// By pool: its kinds of reasons.
    pools: BTreeMap<Text, Told<BTreeSet<String>>>,
    /// By source: whether it fails.
    sources: BTreeMap<SourceId, Told<bool>>,
}

/// One line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Somebody should look.
    pub alarming: bool,
    /// For people.
    pub words: String,
}

#[derive(Debug, Default)]
struct Told<T> {
    what: T,
    at: Option<Time>,
}

impl<T: PartialEq> Told<T> {
    /// Whether this is news, and may be told now; then it counts as told.
    fn is_news(&mut self, what: T, now: Time) -> bool {
        let may = self.at.is_none_or(|at| at + EVERY <= now);
        if self.what == what || !may {
            return false;
        }
        (self.what, self.at) = (what, Some(now));
        true
    }
}

impl Changes {
    /// What is new since the last line of each source and pool.
    pub fn lines(&mut self, farm: &Snapshot) -> Vec<Line> {
        let mut lines = Vec::new();
        let known: Vec<SourceId> = self.sources.keys().chain(farm.faults.keys()).cloned().collect();
        for source in known.into_iter().collect::<BTreeSet<_>>() {
            let fault = farm.faults.get(&source);
            let told = self.sources.entry(source.clone()).or_default();
            if told.is_news(fault.is_some(), farm.at) {
                let words = match fault {
                    Some(detail) => format!("{source} fails: {detail}"),
                    None => format!("{source} works again"),
                };
                lines.push(Line { alarming: fault.is_some(), words });
            }
        }
        if farm.adopted_at.is_none() && farm.faults.is_empty() {
            return lines; // just started: nothing has been asked yet
        }
        for pool in &farm.pools {
            let kinds = pool.report.constraints.iter().map(reasons::kind).collect();
            let told = self.pools.entry(Text::clone(&pool.name)).or_default();
            if told.is_news(kinds, farm.at) {
                lines.push(of_pool(pool));
            }
        }
        lines
    }
}

/// Each kind once, strongest first: sold-out offers alone could make a line of a thousand words.
fn of_pool(pool: &PoolView) -> Line {
    let mut told = BTreeSet::new();
    let first = |reason: &&Blocked| told.insert(reasons::kind(reason));
    let firsts: Vec<&Blocked> = pool.report.constraints.iter().filter(first).collect();
    let said: Vec<String> = firsts.iter().map(|reason| reasons::said(reason)).collect();
    let words = if said.is_empty() {
        format!("pool {}: no active constraint", pool.name)
    } else {
        format!("pool {}: held by {}", pool.name, said.join("; by "))
    };
    Line { alarming: firsts.iter().any(|reason| reasons::is_alarming(reason)), words }
}

/// The strongest reason of every pool that has one, for a line that says how the farm is.
pub fn strongest(farm: &Snapshot) -> String {
    let said = farm.pools.iter().filter_map(|pool| {
        let reason = pool.report.constraints.first()?;
        Some(format!("{} by {}", pool.name, reasons::said(reason)))
    });
    let said: Vec<String> = said.collect();
    if said.is_empty() { "nothing".to_owned() } else { said.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::snapshot::{Counts, Ledger, Report, Spend};

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
        let held = "pool gpu: held by pool_max: the pool's max of 4".to_owned();
        assert_eq!(said(1, vec![max(4)], None), [(false, held)]);
        assert_eq!(said(100, vec![max(5)], None), [], "only a number is another");
        let stale = || vec![Blocked::QueueStale { detail: "no route".into() }, max(5)];
        let words = "pool gpu: held by queue_stale: no fresh word from the queue: no route; by \
                     pool_max: the pool's max of 5";
        let fails = (true, "queue render fails: no route".to_owned());
        assert_eq!(said(101, stale(), Some("no route")), [fails, (true, words.to_owned())]);
        assert_eq!(said(130, vec![], None), [], "within a minute: it may flap");
        assert_eq!(said(131, stale(), Some("no route")), []);
        let works = (false, "queue render works again".to_owned());
        let nothing = (false, "pool gpu: no active constraint".to_owned());
        assert_eq!(said(161, vec![], None), [works, nothing]);
    }
}
