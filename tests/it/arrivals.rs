//! Facts arrive in any order: the answer to a request, its event, a listing, a worker's word. Whatever
//! comes first, what is known in the end is the same.

use farmscale::memory::{Life, Machine, Memory};
use farmscale::model::event::{ChangeEvent, CreateEvent, EventKind, FarmEvent};
use farmscale::model::snapshot::Phase;
use farmscale::model::{
    Change, Event, EventReading, EventStatus, InstanceRow, Listing, Look, MachineName, Money,
    Outcome, Price, QueueReading, Quote, Reading, Reason, Span, Status, Text, Time, WorkerSeen,
    WorkerState,
};
use farmscale::plan::{Readings, learning, settle};
use farmscale::policy::Policy;

use crate::support::daemon::demo_policy;

const START: Time = Time::from_seconds(1_800_000_000);
/// From one fact to the next.
const STEP: Span = Span::seconds(10);

/// What can arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fact {
    Answer,
    Event,
    Listing,
    Worker,
}

/// A farm of one machine, and the truth about it once a request has been carried out.
struct Farm {
    policy: Policy,
    memory: Memory,
    readings: Readings,
    name: MachineName,
    change: Option<Change>,
    asked_at: Time,
    now: Time,
    status: Status,
    worker: Option<WorkerState>,
}

impl Farm {
    /// One create is on its way.
    fn new() -> Self {
        let policy = demo_policy();
        let pool = &policy.pools[0];
        let name = policy.namer.name(&pool.tag, 1, 1);
        let quote = Quote {
            running: Price::hourly(Money::yuan(36)),
            stopped: Price::hourly(Money::yuan(3)),
            bids: None,
            unit: Span::seconds(1),
            asked_at: START,
        };
        let intent = CreateEvent::Intended {
            serial: 1,
            pool: Text::clone(&pool.name),
            offer: pool.offers[0].key.clone(),
            quote,
            reason: Reason::Found,
            queue: Text::clone(&pool.queue),
            build: None,
        };
        let mut farm = Self {
            policy,
            memory: Memory::default(),
            readings: Readings::new(false, START),
            name,
            change: None,
            asked_at: START,
            now: START,
            status: Status::Running,
            worker: Some(WorkerState::Idle),
        };
        farm.settle(vec![FarmEvent::FarmAdopted.into(), intent.to(&farm.name.clone())]);
        farm
    }

    /// A change is asked for; the truth once it is done.
    fn ask(&mut self, change: Change, status: Status, worker: Option<WorkerState>) {
        let intent = ChangeEvent::Intended { reason: Reason::Found }.to(&self.name, change);
        self.settle(vec![intent]);
        (self.change, self.asked_at, self.status, self.worker) =
            (Some(change), self.now, status, worker);
    }

    fn settle(&mut self, settled: Vec<EventKind>) {
        let ended = learning::from_terminations(&self.policy, &self.memory, &settled, self.now);
        for kind in ended.into_iter().chain(settled) {
            self.memory.apply(&Event { at: self.now, kind });
        }
    }

    fn arrives(&mut self, fact: Fact) {
        self.now = self.now + STEP;
        let (policy, memory, now) = (&self.policy, &self.memory, self.now);
        let event = Text::from(format!("event-{}", self.asked_at.seconds()));
        let settled = match fact {
            Fact::Answer => {
                let instance = self.change.is_none().then(|| "ins-1".into());
                let outcome = Outcome::Accepted { event: Some(event), instance };
                settle::answered(policy, memory, &self.name, self.change, outcome, now)
            }
            Fact::Event => {
                let (created_at, ended_at) = (Some(self.asked_at), Some(self.asked_at + STEP));
                let status = EventStatus::Done;
                let reading = EventReading { event, status, created_at, ended_at };
                settle::event_read(policy, memory, &reading, now)
            }
            Fact::Listing => {
                let listing = self.listing();
                let taken = Ok(Reading::Fleet(listing.clone()));
                let _observed = self.readings.take(&Look::Fleet, now, taken, |one| one.rows.len());
                settle::listed(policy, memory, &self.readings, &listing, true)
            }
            Fact::Worker => {
                let queue = Text::clone(&policy.pools[0].queue);
                let look = Look::Queue(Text::clone(&queue));
                let heard = Ok(Reading::Queue(self.heard()));
                let _observed = self.readings.take(&look, now, heard, |_| 0);
                settle::queue_read(policy, memory, &self.readings, &queue)
            }
        };
        self.settle(settled);
    }

    fn listing(&self) -> Listing {
        let row = InstanceRow {
            instance: "ins-1".into(),
            name: self.name.text(),
            status: self.status.clone(),
            created_at: Some(START),
            offer: Some(self.policy.pools[0].offers[0].key.clone()),
            free_when_stopped: Some(true),
        };
        let rows = if self.status == Status::Gone { Vec::new() } else { vec![row] };
        Listing { asked_at: self.now, rows }
    }

    fn heard(&self) -> QueueReading {
        let worker = |state| WorkerSeen { worker: "w".into(), instance: "ins-1".into(), state };
        QueueReading {
            asked_at: self.now,
            work: Vec::new(),
            oldest_wait: None,
            workers: Some(self.worker.map(worker).into_iter().collect()),
            tasks: None,
            ..QueueReading::default()
        }
    }

    /// All facts in this order; then the looks that go on, whatever came of them.
    fn all_arrive(&mut self, order: &[Fact]) {
        for fact in order {
            self.arrives(*fact);
        }
        self.now = self.now + Span::minutes(10);
        for _ in 0..4 {
            for fact in [Fact::Event, Fact::Listing, Fact::Worker] {
                self.arrives(fact);
            }
            self.now = self.now + Span::minutes(2);
        }
    }

    fn machine(&self) -> &Machine {
        &self.memory.machines[&self.name]
    }

    fn estimated(&self) -> bool {
        self.memory.meta.closed_estimated != Money::ZERO
            || self.memory.machines.values().any(|machine| machine.meter.estimated)
    }
}

fn orders() -> Vec<Vec<Fact>> {
    let all = [Fact::Answer, Fact::Event, Fact::Listing, Fact::Worker];
    let mut orders = vec![Vec::new()];
    for _ in all {
        let longer = |order: &Vec<Fact>| {
            let rest = all.into_iter().filter(|fact| !order.contains(fact));
            rest.map(|fact| [order.as_slice(), &[fact]].concat()).collect::<Vec<_>>()
        };
        orders = orders.iter().flat_map(longer).collect();
    }
    assert_eq!(orders.len(), 24);
    orders
}

/// Of all orders the one that hurt: the worker is heard before a listing shows its machine.
#[test]
fn a_new_machine_is_ready_whatever_is_heard_first() {
    for order in orders() {
        let mut farm = Farm::new();
        farm.all_arrive(&order);
        let machine = farm.machine();
        assert_eq!(machine.phase(), Phase::Ready, "{order:?}");
        assert!(
            !machine.boot_given_up() && machine.create_event().is_none(),
            "{order:?}: {machine:?}"
        );
        assert_eq!(machine.instance.as_deref(), Some("ins-1"), "{order:?}");
        assert_eq!(machine.meter.running_since(), Some(START), "{order:?}");
        let boots: Vec<_> = farm.memory.boots.values().map(|boots| boots.good).collect();
        assert_eq!(boots, [1], "{order:?}: one boot is learned");
        assert!(!farm.estimated(), "{order:?}");
    }
}

#[test]
fn a_stopped_deleted_or_started_machine_is_known_as_such_whatever_is_heard_first() {
    for order in orders() {
        let mut farm = Farm::new();
        farm.all_arrive(&[Fact::Answer, Fact::Event, Fact::Listing, Fact::Worker]);
        farm.ask(Change::Stop, Status::Shutdown, None);
        farm.all_arrive(&order);
        assert_eq!(farm.machine().phase(), Phase::Stopped, "{order:?}");
        assert_eq!(farm.machine().heard.state, None, "{order:?}");
        farm.ask(Change::Start, Status::Running, Some(WorkerState::Idle));
        farm.all_arrive(&order);
        assert_eq!(farm.machine().phase(), Phase::Ready, "{order:?}");
        assert_eq!(farm.machine().life, Life::Ready, "{order:?}");
        assert!(!farm.estimated(), "{order:?}: every moment is the provider's own");
        farm.ask(Change::Delete, Status::Gone, None);
        farm.all_arrive(&order);
        assert!(farm.memory.machines.is_empty(), "{order:?}");
        assert!(farm.memory.tombstones[&farm.name].seen_gone, "{order:?}");
        assert!(!farm.estimated(), "{order:?}");
    }
}

/// A create whose answer was lost is not given up while a worker of its machine is heard.
#[test]
fn a_machine_that_is_heard_is_there_though_no_listing_shows_it() {
    let mut farm = Farm::new();
    let unknown = Outcome::Unknown { detail: "timed out".into() };
    let settled = settle::answered(&farm.policy, &farm.memory, &farm.name, None, unknown, farm.now);
    farm.settle(settled);
    farm.status = Status::Gone;
    for _ in 0..200 {
        // Workers call their machine by its name here: its id is not known.
        let name = farm.name.text();
        farm.now = farm.now + STEP;
        let mut reading = farm.heard();
        reading.workers.as_mut().unwrap()[0].instance = name;
        let queue = Text::clone(&farm.policy.pools[0].queue);
        let look = Look::Queue(Text::clone(&queue));
        let _observed = farm.readings.take(&look, farm.now, Ok(Reading::Queue(reading)), |_| 0);
        farm.settle(settle::queue_read(&farm.policy, &farm.memory, &farm.readings, &queue));
        farm.arrives(Fact::Listing);
    }
    assert!(farm.memory.machines.contains_key(&farm.name), "it counts against every cap");
}

/// Listings that succeed and hold nothing, for good: what works by its queue's word is not gone.
#[test]
fn a_machine_that_works_is_there_however_empty_listings_are() {
    let mut farm = Farm::new();
    farm.all_arrive(&[Fact::Answer, Fact::Event, Fact::Listing, Fact::Worker]);
    (farm.status, farm.worker) = (Status::Gone, Some(WorkerState::Busy));
    for _ in 0..200 {
        farm.arrives(Fact::Worker);
        farm.arrives(Fact::Listing);
    }
    assert_eq!(farm.machine().phase(), Phase::Ready, "it counts against every cap");
    farm.worker = None;
    for _ in 0..3 {
        farm.arrives(Fact::Worker);
        farm.arrives(Fact::Listing);
    }
    assert!(farm.memory.machines.is_empty(), "its workers are silent too");
}

/// One that was never heard is gone when the provider, asked for its id, knows none either.
#[test]
fn a_machine_nobody_has_heard_is_gone_once_its_id_is_unknown() {
    let mut farm = Farm::new();
    farm.worker = None;
    farm.all_arrive(&[Fact::Answer, Fact::Event, Fact::Listing, Fact::Worker]);
    farm.status = Status::Gone;
    let missed_for = |farm: &mut Farm, answer: Option<Option<Status>>| {
        for _ in 0..30 {
            farm.arrives(Fact::Listing);
        }
        if let Some(status) = answer {
            farm.settle(settle::status_read(&farm.memory, &"ins-1".into(), status));
        }
        farm.memory.machines.contains_key(&farm.name)
    };
    assert!(missed_for(&mut farm, None), "listings alone do not end it");
    assert!(missed_for(&mut farm, Some(Some(Status::Running))), "it is there by its id");
    assert!(missed_for(&mut farm, Some(None)));
    assert!(!missed_for(&mut farm, None), "both say so");
}
