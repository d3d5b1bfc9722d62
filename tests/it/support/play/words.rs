//! What a transcript says: events in the program's own words, with short names and times.

use std::cell::RefCell;
use std::rc::Rc;

use farmscale::driver::Observer;
use farmscale::model::event::{
    ChangeEvent, CreateEvent, EventKind, FarmEvent, MachineEvent, OfferEvent, SeenEvent,
};
use farmscale::model::snapshot::{MachineView, PoolView, Report, Snapshot};
use farmscale::model::{Change, Event, MachineName, Span, Time};
use farmscale::sim::chaos::START;
use farmscale::telemetry::words::{Language, constraint, reason as words_of, say};

/// What the driver told.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Events not yet shown.
    events: Vec<Event>,
    /// Ours, in the order in which they were asked for: r1, r2 …
    names: Vec<MachineName>,
    /// The farm at the end of the last turn.
    pub(super) snapshot: Option<Snapshot>,
    /// Whether events of no interest to people are shown too.
    pub(super) all: bool,
}

/// Writes down what the driver tells.
#[derive(Debug, Clone, Default)]
pub(super) struct Recorder(pub(super) Rc<RefCell<Record>>);

impl Observer for Recorder {
    fn events(&mut self, events: &[Event]) {
        let mut record = self.0.borrow_mut();
        for event in events {
            if let Some(name) = event.machine().filter(|name| !record.names.contains(name)) {
                record.names.push(name.clone());
            }
        }
        record.events.extend_from_slice(events);
    }

    fn turn(&mut self, snapshot: &mut dyn FnMut() -> Snapshot) {
        self.0.borrow_mut().snapshot = Some(snapshot());
    }
}

impl Record {
    /// The name of `r1` (0), `r2` (1) …
    pub(super) fn name(&self, number: usize) -> Option<&MachineName> {
        self.names.get(number)
    }

    /// What has happened since this was last asked.
    pub(super) fn lines(&mut self) -> Vec<String> {
        let events = std::mem::take(&mut self.events);
        let shown = events.iter().filter(|event| self.all || concerns_people(&event.kind));
        shown.map(|event| format!("{}  {}", clock(event.at), self.told(event))).collect()
    }

    fn told(&self, event: &Event) -> String {
        if matches!(event.kind, EventKind::Farm(FarmEvent::DaemonStarted { .. })) {
            return "the daemon has started".to_owned(); // the epoch says when, not what
        }
        self.short(&say(event, Language::En))
    }

    /// Names and times as the transcript has them.
    pub(super) fn short(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (number, name) in (1..).zip(&self.names) {
            text = text.replace(name.as_str(), &format!("r{number}"));
        }
        let (year, mut short) = ("2026-", String::new());
        while let Some(at) = text.find(year) {
            let rest = text.split_off(at);
            short.push_str(&text);
            let stamp = rest.get(..20).and_then(|stamp| stamp.parse::<jiff::Timestamp>().ok());
            let Some(stamp) = stamp else { return short + &rest };
            short.push_str(&clock(Time(stamp.as_millisecond())));
            text = rest.chars().skip(20).collect();
        }
        short + &text
    }

    /// `why`.
    pub(super) fn why(&self) -> Vec<String> {
        let Some(farm) = &self.snapshot else { return vec!["nothing yet".to_owned()] };
        farm.pools.iter().flat_map(|pool| self.why_pool(pool)).collect()
    }

    fn why_pool(&self, pool: &PoolView) -> Vec<String> {
        let Report { demand_slots, capacity_slots, constraints } = &pool.report;
        let mut lines = vec![format!(
            "{}: the work asks for {} slots; {} are there or on their way",
            pool.name, demand_slots, capacity_slots
        )];
        let words = |one| self.short(&format!("  held by {}", constraint(one).en));
        lines.extend(constraints.iter().map(words));
        if constraints.is_empty() {
            lines.push("  no active constraint: it is as large as its work".to_owned());
        }
        lines
    }

    /// `status`: what the daemon knows.
    pub(super) fn status(&self) -> Vec<String> {
        let Some(farm) = &self.snapshot else { return vec!["nothing yet".to_owned()] };
        let mut lines: Vec<String> = farm
            .pools
            .iter()
            .map(|pool| {
                let phases = pool.phases.iter();
                let phases: Vec<String> =
                    phases.map(|(phase, count)| format!("{count} {}", word(phase))).collect();
                let machines =
                    if phases.is_empty() { "none".to_owned() } else { phases.join(", ") };
                let (waiting, running) = (pool.queued, pool.running);
                format!("{}: {waiting} tasks wait, {running} run; machines: {machines}", pool.name)
            })
            .collect();
        lines.push(format!("{} an hour, {} spent", farm.spend.hourly, farm.spend.total));
        let faults = farm.faults.iter();
        lines.extend(faults.map(|(source, word)| self.short(&format!("{source}: {word}"))));
        lines
    }

    /// `machines`.
    pub(super) fn machines(&self) -> Vec<String> {
        let Some(farm) = &self.snapshot else { return vec!["nothing yet".to_owned()] };
        if farm.machines.is_empty() {
            return vec!["no machine".to_owned()];
        }
        let mut machines: Vec<&MachineView> = farm.machines.iter().collect();
        machines.sort_by_key(|one| self.names.iter().position(|name| *name == one.name));
        machines.into_iter().map(|one| self.machine(one)).collect()
    }

    fn machine(&self, one: &MachineView) -> String {
        let worker = one.worker.map_or("no worker".to_owned(), |worker| word(&worker));
        let held = one
            .held
            .as_ref()
            .map_or(String::new(), |hold| format!("; held by {}: {}", hold.owner, hold.reason));
        let odd = one.unexpected_status.as_ref();
        let odd = odd.map_or(String::new(), |status| format!("; listed as `{status}`"));
        let MachineView { name, offer, reason, hourly, .. } = one;
        let reason = words_of(reason).en;
        let (phase, since) = (word(&one.phase), clock(one.since));
        let line = format!(
            "{name}  {offer}  {phase} since {since}, {worker}, {hourly} an hour; {reason}{held}{odd}"
        );
        self.short(&line)
    }
}

/// A phase or a state in one small word.
fn word(one: &impl std::fmt::Debug) -> String {
    format!("{one:?}").to_lowercase()
}

/// A moment, counted from the start of the play.
pub(super) fn clock(at: Time) -> String {
    let seconds = at.since(START).as_seconds();
    let day = Span::days(1).as_seconds();
    let days = if day <= seconds { format!("{}d ", seconds / day) } else { String::new() };
    let (hours, minutes) = (seconds % day / 3600, seconds % 3600 / 60);
    format!("{days}{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

/// Whether an event is a decision or its end; the others are steps on the way.
fn concerns_people(kind: &EventKind) -> bool {
    match kind {
        EventKind::Farm(event) => {
            !matches!(event, FarmEvent::DayTurned { .. } | FarmEvent::TaskEnded { .. })
        }
        EventKind::Offer { event, .. } => !matches!(event, OfferEvent::Ended { lost: false, .. }),
        EventKind::Machine { event, .. } => !matches!(
            event,
            MachineEvent::Create(CreateEvent::Accepted { .. })
                | MachineEvent::Change { event: ChangeEvent::Accepted { .. }, .. }
                | MachineEvent::Change {
                    change: Change::Drain | Change::Undrain,
                    event: ChangeEvent::Done { .. },
                }
                | MachineEvent::Seen(
                    SeenEvent::ChangeSeen
                        | SeenEvent::Found { .. }
                        | SeenEvent::Missed
                        | SeenEvent::UnknownById
                        | SeenEvent::Reappeared
                        | SeenEvent::WorkerSeen { .. }
                        | SeenEvent::Quoted { .. }
                        | SeenEvent::TombstoneDropped
                )
        ),
    }
}
