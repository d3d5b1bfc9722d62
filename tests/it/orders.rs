//! What operators order, asked of the planner alone, with facts and time given.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]
#![expect(clippy::indexing_slicing, reason = "a test helper that fails is a failed test")]

use farmscale::memory::Memory;
use farmscale::model::event::{ChangeEvent, CreateEvent, EventKind, FarmEvent, SeenEvent};
use farmscale::model::snapshot::Blocked;
use farmscale::model::{
    Act, Change, Event, InstanceRow, Listing, Look, MachineName, Order, QueueReading, Quote,
    Reading, Reason, Span, Status, Text, Time, Work, WorkerSeen, WorkerState,
};
use farmscale::plan::{Plan, Readings, Situation, overdue, plan, settle};
use farmscale::policy::Policy;

use crate::support::daemon::demo_policy;

/// A farm of one machine, and what was last seen of it.
struct Farm {
    policy: Policy,
    memory: Memory,
    readings: Readings,
    name: MachineName,
    now: Time,
    /// Tasks that wait.
    waiting: u32,
}

impl Farm {
    /// One machine that runs and whose worker has been idle for a while.
    fn idle() -> Self {
        let policy = demo_policy();
        let (pool, now) = (&policy.pools[0], Time::from_seconds(1_800_000_000));
        let (pool_name, offer) = (Text::clone(&pool.name), pool.offers[0].key.clone());
        let name = policy.namer.name(&pool.tag, 1, 1);
        let price = farmscale::model::Price::hourly(farmscale::model::Money::yuan(6));
        let quote = Quote {
            running: price,
            stopped: price,
            bids: None,
            unit: Span::seconds(1),
            asked_at: now,
        };
        let reason = Reason::Found;
        let mut farm = Self {
            policy,
            memory: Memory::default(),
            readings: Readings::new(false, now),
            name,
            now,
            waiting: 0,
        };
        let made = farm.name.clone();
        farm.apply(FarmEvent::DaemonStarted { epoch: 1, salt: 0 }.into());
        farm.apply(FarmEvent::FarmAdopted.into());
        for kind in overdue::events(&farm.policy, &farm.memory, &farm.readings, now) {
            farm.apply(kind);
        }
        let intent = CreateEvent::Intended {
            serial: 1,
            pool: pool_name,
            offer,
            quote,
            reason,
            queue: "render".into(),
            build: None,
        };
        farm.apply(intent.to(&made));
        farm.pass(Span::minutes(5));
        let (instance, status) = ("ins-1".into(), Status::Running);
        let found = SeenEvent::Found { instance, created_at: Some(now), status };
        farm.apply(found.to(&made));
        farm.worker(WorkerState::Idle);
        farm.pass(Span::minutes(30));
        farm
    }

    fn apply(&mut self, kind: EventKind) {
        self.memory.apply(&Event { at: self.now, kind });
    }

    fn worker(&mut self, state: WorkerState) {
        let (state, workers) = (Some(state), vec!["w1".into()]);
        let seen = SeenEvent::WorkerSeen { state, workers, asked_at: self.now };
        self.apply(seen.to(&self.name));
    }

    fn order(&mut self, order: Order) {
        let kind = settle::ordered(&self.memory, order).unwrap();
        self.apply(kind);
    }

    /// Time passes; queue and cloud are looked at anew.
    fn pass(&mut self, span: Span) {
        self.now = self.now + span;
        let pool = &self.policy.pools[0];
        let worker = self.memory.machines.get(&self.name).and_then(|machine| machine.heard.state);
        let seen =
            worker.map(|state| WorkerSeen { worker: "w1".into(), instance: "ins-1".into(), state });
        let queue = QueueReading {
            asked_at: self.now,
            work: vec![Work { shape: None, queued: self.waiting, running: Some(0) }],
            oldest_wait: None,
            tasks: None,
            workers: Some(seen.into_iter().collect()),
            ..QueueReading::default()
        };
        let row = InstanceRow {
            instance: "ins-1".into(),
            name: self.name.text(),
            status: Status::Running,
            created_at: None,
            offer: None,
            free_when_stopped: Some(false),
        };
        let listing = Listing { asked_at: self.now, rows: vec![row] };
        for (look, reading) in [
            (Look::Queue(Text::clone(&pool.queue)), Reading::Queue(queue)),
            (Look::Fleet, Reading::Fleet(listing)),
        ] {
            let _brought = self.readings.take(&look, self.now, Ok(reading), |_| 1);
        }
    }

    fn plan(&self) -> Plan {
        let Self { policy, memory, readings, now, .. } = self;
        plan(Situation { policy, memory, readings, now: *now })
    }

    /// The changes asked for of machines.
    fn changes(&self) -> Vec<Change> {
        let steps = self.plan().steps;
        let changes = steps.iter().filter_map(|step| step.intent.change_intended());
        changes.map(|(_, change, _)| change).collect()
    }

    fn hold(until: Option<Time>) -> Order {
        let (machine, owner) = ("ins-1".into(), "wang".into());
        Order::Hold { machine, owner, reason: "looking at its driver".into(), until }
    }
}

#[test]
fn a_held_machine_stays_and_the_reason_says_who_keeps_it() {
    let mut farm = Farm::idle();
    assert_eq!(farm.changes(), [Change::Drain], "not needed, it would be let go");
    farm.order(Farm::hold(None));
    let held = farm.plan();
    assert!(held.steps.iter().all(|step| matches!(step.act, Act::Create { .. })), "{held:?}");
    let pool = Text::clone(&farm.policy.pools[0].name);
    let is_told =
        |blocked: &Blocked| matches!(blocked, Blocked::Held { owner, .. } if &**owner == "wang");
    assert!(held.reports[&pool].constraints.iter().any(is_told), "{:?}", held.reports[&pool]);
    farm.order(Order::Release { machine: farm.name.text(), owner: "wang".into() });
    assert_eq!(farm.changes(), [Change::Drain]);
}

#[test]
fn a_hold_takes_a_drain_under_way_back_and_ends_at_its_time() {
    let mut farm = Farm::idle();
    let (name, change) = (farm.name.clone(), Change::Drain);
    farm.apply(ChangeEvent::Intended { reason: Reason::Found }.to(&name, change));
    farm.apply(ChangeEvent::Done { effective_at: None }.to(&name, change));
    farm.pass(Span::seconds(10));
    let until = farm.now + Span::hours(2);
    farm.order(Farm::hold(Some(until)));
    assert_eq!(farm.changes(), [Change::Undrain]);
    assert_eq!(overdue::events(&farm.policy, &farm.memory, &farm.readings, farm.now), []);
    farm.pass(Span::hours(2));
    let ended = overdue::events(&farm.policy, &farm.memory, &farm.readings, farm.now);
    assert_eq!(ended, [SeenEvent::Released { owner: "expiry".into() }.to(&farm.name)]);
}

#[test]
fn a_hold_of_a_machine_that_is_not_there_is_nothing() {
    let farm = Farm::idle();
    let (machine, owner) = ("ins-2".into(), "wang".into());
    assert_eq!(settle::ordered(&farm.memory, Order::Release { machine, owner }), None);
}

/// Work waits, and nothing is started for it; a busy machine ends its task first.
#[test]
fn a_farm_that_is_left_for_good_drains_the_busy_and_deletes_the_rest() {
    let mut farm = Farm::idle();
    farm.waiting = 5;
    farm.worker(WorkerState::Busy);
    farm.pass(Span::seconds(30));
    assert_eq!(farm.changes(), [], "its work needs it");
    farm.order(Order::Retire { owner: "wang".into() });
    let leaving = farm.plan();
    assert!(!leaving.steps.iter().any(|step| matches!(step.act, Act::Create { .. })));
    assert_eq!(farm.changes(), [Change::Drain]);
    let (name, change) = (farm.name.clone(), Change::Drain);
    farm.apply(ChangeEvent::Intended { reason: Reason::Retiring }.to(&name, change));
    farm.apply(ChangeEvent::Done { effective_at: None }.to(&name, change));
    farm.pass(Span::seconds(10));
    assert_eq!(farm.changes(), [], "it is still at work");
    farm.worker(WorkerState::Drained);
    farm.pass(Span::seconds(10));
    assert_eq!(farm.changes(), [Change::Delete], "deleted, not stopped");
    farm.order(Order::Stay { owner: "wang".into() });
    assert_eq!(farm.changes(), [Change::Undrain], "there is work for it after all");
}
