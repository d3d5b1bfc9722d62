//! What is not seen proves nothing: the planner's doubts, with readings given to it by hand.

#![expect(clippy::indexing_slicing, reason = "a test helper that fails is a failed test")]

use farmscale::memory::Memory;
use farmscale::model::event::{ChangeEvent, CreateEvent, EventKind, FarmEvent, SeenEvent};
use farmscale::model::snapshot::Blocked;
use farmscale::model::{
    Act, Change, Event, InstanceRow, Listing, Look, MachineName, Money, OfferKey, Price,
    QueueReading, Quote, Reading, Reason, Span, Status, Text, Time, UsageReading, Work, WorkerSeen,
    WorkerState,
};
use farmscale::plan::{Readings, Situation, overdue, plan, settle};
use farmscale::policy::{IdleRule, OnCap, Policy, Slots};

use crate::support::daemon::demo_policy;
use WorkerState::{Busy, Drained, Idle};

/// Between two rounds of looks.
const STEP: Span = Span::seconds(10);

/// A farm whose machines run, as long as they are listed, and the word of its queue.
struct Lab {
    policy: Policy,
    memory: Memory,
    readings: Readings,
    offer: OfferKey,
    names: Vec<MachineName>,
    started_at: Time,
    now: Time,
    /// Tasks that wait.
    queued: u32,
    /// A machine that is none of ours, on which a worker is at work.
    unknown: Option<Text>,
    /// Whether the provider lists the machines, as what, and whether it says that a stop is free.
    listed: bool,
    status: Status,
    stops_free: Option<bool>,
    /// Stops and deletes that were asked for, and when after the start.
    ended: Vec<(Span, MachineName, Change, Reason)>,
    constraints: Vec<Blocked>,
}

impl Lab {
    fn new(machines: u64, tune: impl Fn(&mut Policy)) -> Self {
        let mut policy = demo_policy();
        policy.pools[0].promise = None;
        policy.pools[0].max = u32::try_from(machines).unwrap_or(1);
        tune(&mut policy);
        let pool = &policy.pools[0];
        let started_at = Time::from_seconds(1_800_000_000);
        let names = (1..=machines).map(|serial| policy.namer.name(&pool.tag, 1, serial));
        let (names, offer) = (names.collect(), pool.offers[0].key.clone());
        let mut lab = Self {
            policy,
            memory: Memory::default(),
            readings: Readings::new(false, started_at),
            offer,
            names,
            started_at,
            now: started_at,
            queued: 0,
            unknown: None,
            listed: true,
            status: Status::Running,
            stops_free: Some(true),
            ended: Vec::new(),
            constraints: Vec::new(),
        };
        lab.apply(FarmEvent::FarmAdopted.into());
        for (serial, name) in (1..).zip(lab.names.clone()) {
            lab.apply(lab.intent(serial, &name));
        }
        lab
    }

    fn intent(&self, serial: u64, name: &MachineName) -> EventKind {
        let pool = &self.policy.pools[0];
        let intent = CreateEvent::Intended {
            serial,
            pool: Text::clone(&pool.name),
            offer: self.offer.clone(),
            quote: self.quote(),
            reason: Reason::Found,
            queue: Text::clone(&pool.queue),
            build: Some(pool.offers[0].build),
        };
        intent.to(name)
    }

    fn quote(&self) -> Quote {
        Quote {
            running: Price::hourly(Money::yuan(36)),
            stopped: Price::hourly(Money::yuan(3)),
            bids: None,
            unit: Span::seconds(1),
            asked_at: self.started_at,
        }
    }

    fn apply(&mut self, kind: EventKind) {
        self.memory.apply(&Event { at: self.now, kind });
    }

    fn instance(number: usize) -> Text {
        format!("ins-{number}").into()
    }

    /// One round of looks and a plan after each step; every drain is acknowledged by the queue, nothing
    /// else is carried out. `workers` = machine, worker, state; `None` = the source tells depth alone.
    fn run(&mut self, lasts: Span, workers: Option<&[(usize, &str, WorkerState)]>) {
        let until = self.now + lasts;
        while self.now < until {
            self.now = self.now + STEP;
            self.look(workers);
            let Lab { policy, memory, readings, now, .. } = &*self;
            let plan = plan(Situation { policy, memory, readings, now: *now });
            self.constraints =
                plan.reports.into_values().flat_map(|report| report.constraints).collect();
            for step in plan.steps {
                if !matches!(step.act, Act::Create { .. }) {
                    self.take(step.intent);
                }
            }
        }
    }

    fn take(&mut self, intent: EventKind) {
        self.apply(intent.clone());
        if let Some((name, change, reason)) = intent.change_intended() {
            if matches!(change, Change::Drain | Change::Undrain) {
                self.apply(ChangeEvent::Done { effective_at: None }.to(name, change));
            } else {
                let after = self.now.since(self.started_at);
                self.ended.push((after, name.clone(), change, reason));
            }
        }
    }

    fn look(&mut self, workers: Option<&[(usize, &str, WorkerState)]>) {
        let (now, queue) = (self.now, Text::clone(&self.policy.pools[0].queue));
        let row = |(number, name): (usize, &MachineName)| InstanceRow {
            instance: Self::instance(number),
            name: name.text(),
            status: self.status.clone(),
            created_at: Some(self.started_at),
            offer: Some(self.offer.clone()),
            free_when_stopped: self.stops_free,
        };
        let rows: Vec<InstanceRow> = self.names.iter().enumerate().map(row).collect();
        let rows = if self.listed { rows } else { Vec::new() };
        let listing = Listing { asked_at: now, rows };
        let count = |listing: &Listing| listing.rows.len();
        self.readings.take(&Look::Fleet, now, Ok(Reading::Fleet(listing.clone())), count);
        let Lab { policy, memory, readings, .. } = &*self;
        let events = settle::listed(policy, memory, readings, &listing, true);
        for what in events {
            self.apply(what);
        }
        for number in 0..self.names.len() {
            let instance = Self::instance(number);
            let usage = UsageReading {
                asked_at: now,
                instance: Text::clone(&instance),
                gpu_percent: None,
                measured_at: None,
            };
            self.readings.take(&Look::Usage(instance), now, Ok(Reading::Usage(usage)), count);
        }
        let seen = |(number, worker, state): &(usize, &str, WorkerState)| WorkerSeen {
            worker: (*worker).into(),
            instance: Self::instance(*number),
            state: *state,
        };
        let unknown = self.unknown.iter().map(|machine| WorkerSeen {
            worker: "somebody".into(),
            instance: Text::clone(machine),
            state: Busy,
        });
        let reading = QueueReading {
            asked_at: now,
            work: vec![Work { shape: None, queued: self.queued, running: None }],
            oldest_wait: None,
            workers: workers.map(|all| all.iter().map(seen).chain(unknown).collect()),
            tasks: None,
            ..QueueReading::default()
        };
        let look = Look::Queue(Text::clone(&queue));
        self.readings.take(&look, now, Ok(Reading::Queue(reading)), count);
        let Lab { policy, memory, readings, .. } = &*self;
        let mut events = settle::queue_read(policy, memory, readings, &queue);
        events.extend(overdue::events(policy, memory, readings, now));
        for what in events {
            self.apply(what);
        }
    }

    fn tells(&self, wanted: impl Fn(&Blocked) -> bool) -> bool {
        self.constraints.iter().any(wanted)
    }
}

/// Whatever is ordered, drifts, grows old, is over its cap, or breaks: without the operator's leave to lose
/// frames, a machine whose worker is busy is neither stopped nor deleted.
#[test]
fn a_busy_machine_is_never_stopped() {
    type Tune = fn(&mut Policy);
    let tunes: [(&str, Tune); 6] = [
        ("as it is", |_| {}),
        ("too old", |policy| policy.pools[0].care.max_lifetime = Some(Span::hours(1))),
        ("drifted", |policy| policy.pools[0].offers[0].build ^= 1),
        ("over its cap", |policy| {
            policy.spending.caps.day = Some(Money::yuan(1));
            policy.spending.on_cap = OnCap::Drain;
        }),
        ("above max", |policy| (policy.pools[0].max, policy.limits.max) = (0, 0)),
        ("hung, and only told", |policy| policy.pools[0].care.hung_after = Some(Span::minutes(1))),
    ];
    let busy: &[(usize, &str, WorkerState)] = &[(0, "a", Busy), (1, "b", Busy), (2, "c", Idle)];
    for (called, tune) in tunes {
        for ordered in [false, true] {
            for broken in [false, true] {
                let mut lab = Lab::new(3, |_| {});
                lab.run(Span::minutes(10), Some(busy));
                tune(&mut lab.policy);
                let name = lab.names[0].clone();
                if ordered {
                    lab.apply(FarmEvent::Retiring { owner: "li".into() }.into());
                }
                if broken {
                    lab.apply(SeenEvent::UnexpectedStatus { status: "error".into() }.to(&name));
                }
                lab.run(Span::hours(6), Some(busy));
                let ended: Vec<&MachineName> = lab.ended.iter().map(|(_, name, ..)| name).collect();
                let at_work = &lab.names[..2];
                let lost = at_work.iter().any(|name| ended.contains(&name));
                assert!(!lost, "{called}, retiring {ordered}, broken {broken}: {:?}", lab.ended);
            }
        }
    }
}

#[test]
fn depth_alone_ends_no_machine_while_work_waits_whatever_is_ordered() {
    let mut lab = Lab::new(1, |policy| {
        let pool = &mut policy.pools[0];
        (pool.idle, pool.drains) = (IdleRule::Assume, false);
    });
    lab.queued = 50;
    lab.run(Span::minutes(10), None);
    lab.apply(FarmEvent::Retiring { owner: "li".into() }.into());
    lab.run(Span::hours(2), None);
    assert_eq!(lab.ended, [], "50 tasks wait: it is certainly at work");
    lab.queued = 0;
    lab.run(Span::minutes(30), None);
    assert_ne!(lab.ended, [], "an empty queue is what `assume` takes for idle");
}

#[test]
fn workers_that_vanish_at_work_are_given_the_time_to_end_it() {
    let mut lab = Lab::new(1, |_| {});
    lab.run(Span::minutes(10), Some(&[(0, "a", Busy)]));
    lab.run(Span::minutes(29), Some(&[]));
    assert_eq!(lab.ended, [], "tasks may take half an hour while nothing is known of them");
    lab.run(Span::minutes(10), Some(&[]));
    assert_ne!(lab.ended, [], "a dead machine is not paid for ever");
}

#[test]
fn a_queue_that_loses_sight_of_all_workers_at_once_is_doubted() {
    let all = [(0, "a", Busy), (1, "b", Idle), (2, "c", Busy)];
    let mut lab = Lab::new(3, |_| {});
    lab.queued = 9;
    lab.run(Span::minutes(10), Some(&all));
    lab.run(Span::minutes(25), Some(&[]));
    let drained = lab.memory.machines.values().filter(|one| one.drain.asked_at.is_some());
    assert_eq!((drained.count(), lab.ended.len()), (0, 0));
    assert!(lab.tells(|bind| *bind == Blocked::AllSilent { machines: 3 }), "{:?}", lab.constraints);
    lab.run(Span::minutes(1), Some(&all));
    assert!(!lab.tells(|bind| matches!(bind, Blocked::AllSilent { .. })));
    // One of several is no riddle.
    lab.run(Span::minutes(25), Some(&all[1..]));
    let drained = lab.memory.machines.values().filter(|one| one.drain.asked_at.is_some());
    assert_eq!(drained.count(), 1);
}

#[test]
fn a_worker_that_is_missing_beside_a_drained_one_keeps_the_machine() {
    let mut lab = Lab::new(1, |policy| policy.pools[0].slots = Slots::PerMachine(2));
    lab.run(Span::minutes(10), Some(&[(0, "a", Idle), (0, "b", Busy)]));
    lab.run(Span::minutes(5), Some(&[(0, "a", Idle)]));
    lab.run(Span::minutes(10), Some(&[(0, "a", Drained)]));
    assert_eq!(lab.ended, [], "b may be at work unseen");
    lab.run(Span::minutes(20), Some(&[(0, "a", Drained)]));
    assert_ne!(lab.ended, [], "{:?}", lab.constraints);
}

/// `NoChargeForShutdown` may be missing from a row, or be something new: that is no word of a charge.
#[test]
fn a_machine_that_is_off_is_deleted_for_being_charged_only_if_the_provider_says_so() {
    let idle: &[(usize, &str, WorkerState)] = &[(0, "a", Idle)];
    let drained: &[(usize, &str, WorkerState)] = &[(0, "a", Drained)];
    for (stops_free, deleted) in [(None, false), (Some(true), false), (Some(false), true)] {
        let mut lab = Lab::new(1, |policy| {
            let pool = &mut policy.pools[0];
            (pool.offers[0].stoppable, pool.tier.keep_stopped) = (true, true);
            pool.tier.stop_after = Some(Span::minutes(2));
            pool.tier.delete_after = Some(Span::days(1));
        });
        lab.run(Span::minutes(5), Some(idle));
        while lab.ended.is_empty() {
            let is_asked = lab.memory.machines.values().any(|one| one.drain.asked_at.is_some());
            lab.run(STEP, Some(if is_asked { drained } else { idle }));
        }
        assert_eq!(lab.ended[0].2, Change::Stop);
        (lab.status, lab.stops_free) = (Status::Shutdown, stops_free);
        lab.run(Span::minutes(10), Some(&[]));
        let ended: Vec<&Reason> = lab.ended.iter().skip(1).map(|(.., reason)| reason).collect();
        assert_eq!(ended.contains(&&Reason::StopCharged), deleted, "{stops_free:?}: {ended:?}");
    }
}

#[test]
fn a_machine_that_vanishes_and_comes_back_is_charged_once() {
    let mut lab = Lab::new(1, |_| {});
    let worker: &[(usize, &str, WorkerState)] = &[(0, "a", Busy)];
    lab.run(Span::hours(10), Some(worker));
    lab.listed = false;
    lab.run(Span::minutes(10), Some(&[]));
    assert!(lab.memory.machines.is_empty(), "gone by two listings, a lag apart, and silent");
    lab.listed = true;
    lab.run(Span::minutes(20), Some(worker));
    assert_eq!(lab.memory.machines.len(), 1);
    let whole = lab.quote().running.over(lab.now.since(lab.started_at));
    let spent = lab.memory.spent(lab.now);
    assert!(spent <= whole && whole - spent < Money::yuan(9), "{spent} of {whole}");
    let today: Money = lab.memory.today(lab.now).iter().map(|entry| entry.sum.cost).sum();
    assert!(today <= spent);
}

/// A cloned image calls all its machines `node1`: their workers fit no machine of ours, and a frame would
/// be lost with one that is given up as a dead boot.
#[test]
fn a_worker_at_work_on_a_machine_nobody_knows_keeps_those_that_are_not_heard() {
    let mut lab = Lab::new(1, |_| {});
    lab.unknown = Some("node1".into());
    lab.run(Span::hours(3), Some(&[]));
    assert_eq!(lab.ended, [], "it may be at work");
    let is_told = |blocked: &Blocked| matches!(blocked, Blocked::UnknownWorker { .. });
    assert!(lab.constraints.iter().any(is_told), "{:?}", lab.constraints);
    lab.unknown = None;
    lab.run(Span::hours(1), Some(&[]));
    assert!(!lab.ended.is_empty(), "nobody is at work: it never joined");
}

/// Workers that were there before the machine was made sit elsewhere.
#[test]
fn a_worker_of_the_studio_keeps_no_machine() {
    let mut lab = Lab::new(1, |_| {});
    lab.unknown = Some("local-7".into());
    lab.run(Span::minutes(1), Some(&[(0, "w", Idle)]));
    lab.unknown = Some("LOCAL-7.studio.example.cn".into());
    lab.run(Span::hours(2), Some(&[(0, "w", Idle)]));
    let drained = lab.memory.machines.values().all(|one| one.drain.asked_at.is_some());
    assert!(drained, "an idle machine is let go as ever");
}
