//! Names that are not alone: two instances of one name, and a second daemon of the same farm.

use farmscale::memory::Memory;
use farmscale::model::event::{EventKind, FarmEvent};
use farmscale::model::name::{Namer, Salt};
use farmscale::model::snapshot::Blocked;
use farmscale::model::{
    Act, Billing, Event, InstanceRow, Listing, Look, MachineName, Money, OfferKey, Order, Price,
    QueueReading, Quote, Reading, Span, Status, Stock, StockReading, Text, Time, Work, WorkerSeen,
    WorkerState,
};
use farmscale::plan::workers::Workers;
use farmscale::plan::{Plan, Readings, Situation, plan, settle};
use farmscale::policy::Policy;

use crate::support::daemon::demo_policy;

const START: Time = Time::from_seconds(1_800_000_000);
const OURS: Salt = Salt::of_random(1);
const THEIRS: Salt = Salt::of_random(2);

struct Farm {
    policy: Policy,
    memory: Memory,
    readings: Readings,
    rows: Vec<InstanceRow>,
    now: Time,
}

impl Farm {
    fn new() -> Self {
        let (policy, memory, rows) = (demo_policy(), Memory::default(), Vec::new());
        let readings = Readings::new(false, START);
        let mut farm = Self { policy, memory, readings, rows, now: START };
        let started = FarmEvent::DaemonStarted { epoch: 100, salt: OURS.bits() };
        farm.settle(vec![started.into(), FarmEvent::FarmAdopted.into()]);
        farm
    }

    fn settle(&mut self, settled: Vec<EventKind>) {
        for kind in settled {
            self.memory.apply(&Event { at: self.now, kind });
        }
    }

    fn offer(&self) -> OfferKey {
        self.policy.pools[0].offers[0].key.clone()
    }

    fn name(&self, salt: Salt, count: u64) -> MachineName {
        self.policy.namer.name(&self.policy.pools[0].tag, 100, salt.serial(count))
    }

    /// An instance appears at the provider, now.
    fn appears(&mut self, instance: &str, name: &MachineName) {
        self.rows.push(InstanceRow {
            instance: instance.into(),
            name: name.text(),
            status: Status::Running,
            created_at: Some(self.now),
            offer: Some(self.offer()),
            free_when_stopped: Some(true),
        });
    }

    /// Time passes; everything is looked at anew.
    fn pass(&mut self, span: Span, waiting: u32) {
        self.now = self.now + span;
        let now = self.now;
        let listing = Listing { asked_at: now, rows: self.rows.clone() };
        let quote = Quote {
            running: Price::hourly(Money::yuan(7)),
            stopped: Price::hourly(Money::ZERO),
            bids: None,
            unit: Span::seconds(1),
            asked_at: now,
        };
        let queue = QueueReading {
            asked_at: now,
            work: vec![Work { shape: None, queued: waiting, running: Some(0) }],
            workers: Some(Vec::new()),
            ..QueueReading::default()
        };
        let offer = self.offer();
        let (zone, family) = (Text::clone(&offer.zone), Text::clone(&offer.family));
        let stock = StockReading {
            asked_at: now,
            zone: Text::clone(&zone),
            family: Text::clone(&family),
            sizes: vec![(offer.size(), Stock::Sells)],
        };
        let name = Text::clone(&self.policy.pools[0].queue);
        for (look, reading) in [
            (Look::Fleet, Reading::Fleet(listing.clone())),
            (Look::Queue(name), Reading::Queue(queue)),
            (Look::Stock { zone, family }, Reading::Stock(stock)),
            (Look::Quote(offer.clone()), Reading::Quote(offer.clone(), quote)),
        ] {
            let _observed = self.readings.take(&look, now, Ok(reading), |one| one.rows.len());
        }
        let mut settled =
            settle::listed(&self.policy, &self.memory, &self.readings, &listing, true);
        settled.extend(settle::quoted(&self.policy, &self.memory, &offer, quote));
        self.settle(settled);
        let quoted = settle::quoted(&self.policy, &self.memory, &offer, quote);
        self.settle(quoted);
    }

    fn plan(&self) -> Plan {
        let Self { policy, memory, readings, now, .. } = self;
        plan(Situation { policy, memory, readings, now: *now })
    }

    fn buys(&self) -> bool {
        self.plan().steps.iter().any(|step| matches!(step.act, Act::Create { .. }))
    }

    fn is_told(&self, wanted: impl Fn(&Blocked) -> bool) -> bool {
        let reports = self.plan().reports;
        reports.values().flat_map(|report| &report.constraints).any(wanted)
    }
}

/// Two daemons on two stores, started in the same minute, once made the same names: twenty machines
/// nobody counted ran for days.
#[test]
fn what_is_not_touched_is_counted_and_metered() {
    let mut farm = Farm::new();
    let name = farm.name(OURS, 1);
    farm.appears("ins-1", &name);
    farm.appears("ins-2", &name);
    farm.pass(Span::seconds(30), 0);
    assert_eq!(farm.memory.machines.len(), 2, "both count against every cap");
    farm.pass(Span::hours(1), 0);
    let spent = farm.memory.spent(farm.now);
    assert!(Money::yuan(14) <= spent, "{spent}: both are metered");
    let today: Money = farm.memory.today(farm.now).iter().map(|entry| entry.sum.cost).sum();
    assert_eq!(today, spent, "and count against the caps of the day");
    farm.pass(Span::hours(24), 0);
    assert!(farm.is_told(|one| matches!(one, Blocked::NameTwice { .. })));
    assert_eq!(farm.plan().steps, [], "nobody touches either");
    farm.settle(
        settle::ordered(&farm.memory, Order::ReleaseTwins { owner: "li".into() })
            .into_iter()
            .collect(),
    );
    farm.pass(Span::seconds(30), 0);
    assert!(!farm.plan().steps.is_empty(), "the operator's word ends it");
    farm.rows.remove(1);
    for _ in 0..6 {
        farm.pass(Span::minutes(2), 0);
        let said = settle::status_read(&farm.memory, &"ins-2".into(), None);
        farm.settle(said);
    }
    let left: Vec<_> = farm.memory.machines.values().map(|one| one.instance.clone()).collect();
    assert_eq!(left, [Some("ins-1".into())], "the one that is gone is known to be gone");
}

#[test]
fn a_second_daemon_of_the_farm_is_told_and_nothing_is_bought_until_an_operator_speaks() {
    let mut farm = Farm::new();
    farm.pass(Span::minutes(30), 3);
    assert!(farm.buys(), "there is work");
    let theirs = farm.name(THEIRS, 1);
    farm.appears("ins-1", &theirs);
    farm.pass(Span::seconds(30), 3);
    assert!(!farm.buys());
    assert!(farm.is_told(|one| matches!(one, Blocked::SecondDaemon { .. })));
    assert_eq!(farm.memory.machines.len(), 1, "its machine counts");
    farm.pass(Span::days(1), 0);
    assert_eq!(farm.plan().steps, [], "and is left alone");
    let order = Order::ReleaseTwins { owner: "li".into() };
    farm.settle(settle::ordered(&farm.memory, order).into_iter().collect());
    farm.pass(Span::seconds(30), 3);
    assert!(farm.buys() || farm.memory.machines.contains_key(&theirs));
    assert!(!farm.is_told(|one| matches!(one, Blocked::SecondDaemon { .. })));
}

/// After the store was lost, and for names of earlier versions, nobody is suspected.
#[test]
fn machines_of_a_store_that_was_lost_are_no_second_daemon() {
    let mut farm = Farm::new();
    let (lost, old) = (farm.name(THEIRS, 1), farm.policy.namer.name("demo", 99, 7));
    farm.appears("ins-1", &lost);
    farm.appears("ins-2", &old);
    farm.pass(Span::minutes(1), 1);
    assert_eq!(farm.memory.meta.second_daemon, None);
}

#[test]
fn workers_may_spell_their_machine_as_hosts_are_spelt() {
    let name = Namer::new("lab").name("a", 29_000_000, Salt::of_random(7).serial(1));
    let upper = name.as_str().to_uppercase();
    let cut: String = upper.chars().take(15).collect();
    let spelt = [format!("{name}.farm.example.cn"), format!("{name}."), upper, cut, "INS-1".into()];
    for instance in spelt {
        let workers = vec![WorkerSeen {
            worker: "w".into(),
            instance: instance.as_str().into(),
            state: WorkerState::Busy,
        }];
        let reading =
            QueueReading { asked_at: START, workers: Some(workers), ..QueueReading::default() };
        let workers = Workers::by_machine(&reading).unwrap();
        let (state, _) = workers.on(&name, Some(&"ins-1".into()));
        assert_eq!(state, Some(WorkerState::Busy), "{instance}");
    }
}

/// What is bought at a price that slipped costs what it did before: caps are reckoned with that.
#[test]
fn a_price_that_falls_to_a_hundredth_is_not_believed_at_once() {
    let mut farm = Farm::new();
    farm.pass(Span::minutes(1), 0);
    let offer = farm.offer();
    assert_eq!(offer.billing, Billing::OnDemand);
    let mut slip = *farm.readings.quote_of(&offer).unwrap();
    let usual = slip.running.per_hour();
    slip.running = Price::hourly(Money(usual.0 / 100));
    slip.asked_at = farm.now + Span::minutes(1);
    let said = Ok(Reading::Quote(offer.clone(), slip));
    let look = Look::Quote(offer.clone());
    let _observed = farm.readings.take(&look, slip.asked_at, said, |_| 0);
    assert_eq!(farm.readings.quote_of(&offer).unwrap().running.per_hour(), usual);
    assert_eq!(farm.readings.faults().len(), 1, "{:?}", farm.readings.faults());
}
