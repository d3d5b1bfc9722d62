//! The simulated studio behind the World border, without HTTP: requests take time, answers get
//! lost, and all of it follows from a seed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::farm::SimFarm;
use super::faults::{Faults, OUTAGE};
use super::judge::Judge;
use super::odd_days;
use super::oddities::Oddity;
use super::provider::{Accepted, Fault, Operation};
use super::rng::Rng;
use super::store::{Disk, Strike};
use crate::model::{
    Act, Listing, Look, LookFailure, Outcome, QueueReading, Reading, Refusal, Span, Text, Time,
    UsageReading, Wake, WorkerState,
};
use crate::world::{Request, World};

mod odd;
mod script;

use script::Ordered;
pub use script::Service;

/// A look takes so long.
const LOOK_LATENCY: Span = Span::millis(200);
/// A change takes so long to arrive, and its answer as long again.
const ACT_LATENCY: Span = Span::millis(300);
/// A caller gives up on a change after so long.
const ACT_TIMEOUT: Span = Span::seconds(90);
/// Between two calls that a slow provider takes.
const SLOW_CALL: Span = Span::seconds(2);

/// A simulated studio as the daemon meets it.
#[derive(Debug)]
pub struct SimWorld {
    shared: Rc<RefCell<Shared>>,
}

/// What survives the daemon: the studio, requests on their way, the judge.
#[derive(Debug)]
pub struct Shared {
    /// The truth.
    pub farm: SimFarm,
    /// Watches over it.
    pub judge: Judge,
    /// The disk the daemon writes to.
    pub disk: Rc<RefCell<Disk>>,
    /// Every worker reports `drained` as soon as it is asked: a sabotage the judge must catch.
    pub lying_drain: bool,
    faults: Faults,
    rng: Rng,
    now: Time,
    due: BTreeMap<(Time, u64), Due>,
    sequence: u64,
    next_trouble: Time,
    prefix: Text,
    trace: u32,
    /// Lives of the daemon; answers to an earlier one are not delivered.
    life: u64,
    stop_at: Time,
    stop_when_done: Option<Span>,
    done_since: Option<Time>,
    ordered: Ordered,
    /// When a slow provider takes the next call.
    api_free_at: Time,
}

#[derive(Debug)]
enum Due {
    /// The world answers a look.
    Answer { look: Look, asked_at: Time, life: u64 },
    /// A change arrives at the provider or the queue.
    Carry { number: u64, act: Act, fate: Fate, life: u64 },
    /// A wake reaches the daemon.
    Deliver { wake: Wake, life: u64 },
}

/// What becomes of a request, drawn when it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    AnsweredLate(Span),
    AnsweredTwice,
    AnswerLost,
    Refused(Refusal),
}

impl SimWorld {
    /// The world as the present life of the daemon sees it.
    pub fn new(shared: Rc<RefCell<Shared>>) -> Self {
        Self { shared }
    }
}

impl World for SimWorld {
    fn now(&self) -> Time {
        self.shared.borrow().now
    }

    fn start(&mut self, request: Request) {
        self.shared.borrow_mut().start(request);
    }

    fn next(&mut self, deadline: Time) -> Option<Wake> {
        self.shared.borrow_mut().next(deadline)
    }
}

impl Shared {
    /// A studio at `start`; names of ours start with `prefix`.
    pub fn new(
        farm: SimFarm,
        judge: Judge,
        faults: Faults,
        start: Time,
        prefix: &str,
        seed: u64,
    ) -> Self {
        Self {
            farm,
            judge,
            disk: Rc::default(),
            lying_drain: false,
            faults,
            rng: Rng::new(seed).fork("world"),
            now: start,
            due: BTreeMap::new(),
            sequence: 0,
            next_trouble: start + OUTAGE,
            prefix: prefix.into(),
            trace: 0,
            life: 0,
            stop_at: Time::MAX,
            stop_when_done: None,
            done_since: None,
            ordered: Ordered::default(),
            api_free_at: Time::default(),
        }
    }

    /// Stops the daemon at `at`.
    pub fn stop_at(&mut self, at: Time) {
        self.stop_at = at;
    }

    /// Stops the daemon when all work is done, no machine is left, and `after` has passed for it
    /// to learn so, counted from now at the earliest.
    pub fn stop_when_done(&mut self, after: Span) {
        self.stop_when_done = Some(after);
        self.done_since = None;
    }

    /// The time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// A checksum over every change and its outcome, with their times: equal for equal runs.
    pub fn trace(&self) -> u32 {
        self.trace
    }

    /// A new life of the daemon begins: nothing on its way to the old one reaches it.
    pub fn reborn(&mut self) {
        self.life += 1;
        if self.rng.chance(self.faults.store_lost_ppm) && self.now < self.faults.until {
            self.lose_store();
        }
        self.disk.borrow_mut().power_cut(&mut self.rng);
        if self.faults.has(Oddity::OlderStores) && !self.trouble_is_over() {
            let went_back = self.disk.borrow_mut().swap_copy(self.now);
            if went_back {
                self.judge.store_is_older();
            }
        }
        self.judge.restarted(self.now);
    }

    /// A day of the operator's ends.
    pub fn day_ended(&mut self) {
        self.judge.day_ended(self.now, &self.farm);
    }

    /// Lets time pass while no daemon runs.
    pub fn pass(&mut self, span: Span) {
        let now = self.now + span;
        while self.due.keys().next().is_some_and(|(at, _)| *at <= now) {
            let Some(((at, _), due)) = self.due.pop_first() else { break };
            self.move_to(at);
            self.happen(due);
        }
        self.move_to(now);
    }

    fn later(&mut self, at: Time, due: Due) {
        self.sequence += 1;
        self.due.insert((at, self.sequence), due);
    }

    fn trouble_is_over(&self) -> bool {
        self.faults.until <= self.now
    }

    fn chance(&mut self, ppm: u32) -> bool {
        ppm != 0 && !self.trouble_is_over() && self.rng.chance(ppm)
    }

    fn start(&mut self, request: Request) {
        if self.disk.borrow().crashed {
            return;
        }
        let life = self.life;
        match request {
            Request::Look(look) => {
                let asked_at = self.now;
                let answered_at = self.turn_of(&look) + LOOK_LATENCY;
                self.later(answered_at, Due::Answer { look, asked_at, life });
            }
            Request::Act { number, act, .. } => {
                if self.chance(self.faults.crash_ppm) {
                    self.disk.borrow_mut().crashed = true;
                    if self.rng.chance(500_000) {
                        return; // crashed before the request left
                    }
                }
                if self.ordered.crashes_now() {
                    self.disk.borrow_mut().crashed = true;
                }
                self.judge.sent(self.now, &act, &self.farm, &self.disk.borrow());
                self.send(number, act);
            }
        }
        if self.chance(self.faults.crash_ppm / 20) {
            let strike = if self.rng.chance(500_000) { Strike::Before } else { Strike::After };
            self.disk.borrow_mut().strike = Some(strike);
        }
    }

    /// When the provider takes this question.
    fn turn_of(&mut self, look: &Look) -> Time {
        let slow = self.faults.has(Oddity::SlowApi) && !self.trouble_is_over();
        if !slow || matches!(look, Look::Queue(_)) {
            return self.now;
        }
        let turn = self.now.max(self.api_free_at);
        self.api_free_at = turn + SLOW_CALL;
        turn
    }

    /// Draws what becomes of a change, and lets it go.
    fn send(&mut self, number: u64, act: Act) {
        let life = self.life;
        let arrives_at = self.now + ACT_LATENCY;
        let at_queue = matches!(act, Act::Drain { .. } | Act::Undrain { .. });
        let outage = self.outage(if at_queue { "queue" } else { "cloud" });
        let lost = outage || (!at_queue && self.ordered.loses_request());
        if lost || self.chance(self.faults.request_lost_ppm) {
            let wake = Wake::Answered { number, outcome: unknown("no answer") };
            self.later(self.now + ACT_TIMEOUT, Due::Deliver { wake, life });
            return;
        }
        let create = matches!(act, Act::Create { .. });
        if self.chance(self.faults.carried_late_ppm) && !at_queue {
            let wake = Wake::Answered { number, outcome: unknown("connection reset") };
            self.later(self.now + Span::seconds(5), Due::Deliver { wake, life });
            let late = Span::seconds(self.rng.range(5, 115));
            self.later(self.now + late, Due::Carry { number, act, fate: Fate::AnswerLost, life });
            return;
        }
        let ordered = if at_queue { None } else { self.ordered.fate(create) };
        let fate = if let Some(fate) = ordered {
            fate
        } else if self.chance(self.faults.answer_lost_ppm) {
            Fate::AnswerLost
        } else if create && self.chance(self.faults.sold_out_ppm) {
            Fate::Refused(Refusal::SoldOut)
        } else if self.chance(self.faults.answer_late_ppm) {
            Fate::AnsweredLate(Span::seconds(self.rng.range(10, 400)))
        } else if self.chance(self.faults.answer_twice_ppm) {
            Fate::AnsweredTwice
        } else {
            Fate::Answered
        };
        if fate == Fate::AnswerLost {
            let wake = Wake::Answered { number, outcome: unknown("timed out") };
            self.later(self.now + ACT_TIMEOUT, Due::Deliver { wake, life });
        }
        self.later(arrives_at, Due::Carry { number, act, fate, life });
    }

    fn next(&mut self, deadline: Time) -> Option<Wake> {
        loop {
            if self.disk.borrow().crashed || self.is_to_stop() {
                return Some(Wake::Stop);
            }
            let next_due = self.due.keys().next().map_or(Time::MAX, |(at, _)| *at);
            let at = next_due.min(self.next_trouble).min(self.stop_at);
            if deadline < at {
                self.move_to(deadline);
                return None;
            }
            self.move_to(at);
            if self.next_trouble <= at {
                self.next_trouble = self.next_trouble + OUTAGE;
                if let Some(wake) = self.trouble() {
                    return Some(wake);
                }
                continue;
            }
            if at < next_due {
                continue;
            }
            let Some((_, due)) = self.due.pop_first() else { continue };
            if let Some(wake) = self.happen(due) {
                return Some(wake);
            }
        }
    }

    fn is_to_stop(&mut self) -> bool {
        if self.stop_at <= self.now {
            return true;
        }
        let Some(after) = self.stop_when_done.filter(|_| self.farm.is_at_rest()) else {
            return false;
        };
        *self.done_since.get_or_insert(self.now) + after <= self.now
    }

    fn move_to(&mut self, now: Time) {
        self.now = self.now.max(now);
        self.farm.advance(self.now);
    }

    fn happen(&mut self, due: Due) -> Option<Wake> {
        match due {
            Due::Deliver { wake, life } => (life == self.life).then_some(wake),
            Due::Answer { look, asked_at, life } => {
                let result = self.answer(&look, asked_at).map_err(|failure| {
                    let detail = odd_days::told(&failure.detail, &self.faults, &self.rng, self.now);
                    LookFailure { detail, ..failure }
                });
                if life != self.life {
                    return None;
                }
                if matches!(result, Ok(Reading::Fleet(_))) {
                    self.judge.listed(self.now);
                }
                Some(Wake::Looked { look, asked_at, result })
            }
            Due::Carry { number, act, fate, life } => {
                self.carry(number, &act, fate, life);
                None
            }
        }
    }

    fn outage(&self, label: &str) -> bool {
        if self.ordered.is_down(label, self.now) {
            return true;
        }
        let ppm = match label {
            "cloud" => self.faults.cloud_outage_ppm,
            "queue" => self.faults.queue_outage_ppm,
            _ => self.faults.queue_empty_ppm,
        };
        ppm != 0 && self.faults.outage(&self.rng, label, ppm, self.now)
    }

    fn answer(&mut self, look: &Look, asked_at: Time) -> Result<Reading, LookFailure> {
        let at_queue = matches!(look, Look::Queue(_));
        if self.outage(if at_queue { "queue" } else { "cloud" })
            || matches!(look, Look::Quote(_)) && self.ordered.is_down("prices", self.now)
            || self.chance(self.faults.look_fails_ppm)
        {
            return Err(LookFailure { class: Refusal::NotSent, detail: "no route".into() });
        }
        let now = self.now;
        match look {
            Look::Queue(_) => Ok(Reading::Queue(self.heard(asked_at))),
            Look::Fleet => {
                Ok(Reading::Fleet(self.listing(asked_at, |name, prefix| name.starts_with(prefix))))
            }
            Look::Name(name) => {
                let wanted = name.text();
                Ok(Reading::Name(self.listing(asked_at, move |name, _| *name == *wanted)))
            }
            Look::Status(instance) => {
                let there = self.farm.provider.instance(instance);
                let status = there.filter(|one| one.state.exists()).map(|one| one.state.into());
                Ok(Reading::Status { instance: Text::clone(instance), status })
            }
            Look::Event { event, instance } => {
                let view = self.farm.provider.event(now, event);
                let missing = || refused(&Fault::no_event());
                view.map(|view| Reading::Event(view.reading(instance.as_deref())))
                    .ok_or_else(missing)
            }
            Look::Stock { zone, family } => {
                let reading = self.farm.provider.stock_reading(asked_at, zone, family);
                reading.map(Reading::Stock).map_err(|fault| refused(&fault))
            }
            Look::Quote(offer) => {
                let quote = self.farm.provider.quote(asked_at, offer, 40);
                let slipped = |quote| odd_days::slipped(quote, &self.faults, &self.rng, now);
                quote
                    .map(|quote| Reading::Quote(offer.clone(), slipped(quote)))
                    .map_err(|fault| refused(&fault))
            }
            Look::Usage(instance) => {
                let gpu_percent = self.farm.gpu_percent(instance);
                let instance = Text::clone(instance);
                let measured_at = gpu_percent.map(|_| now);
                Ok(Reading::Usage(UsageReading { asked_at, instance, gpu_percent, measured_at }))
            }
            // Machines are made here with a system disk alone, which goes with them.
            Look::Leftovers { .. } => Ok(Reading::Leftovers(Vec::new())),
        }
    }

    fn heard(&mut self, asked_at: Time) -> QueueReading {
        let mut reading = self.farm.queue.reading(self.now);
        reading.asked_at = asked_at;
        if self.outage("empty") {
            reading.work.clear();
            reading.workers = Some(Vec::new());
        }
        if self.lying_drain {
            self.lie(&mut reading);
        }
        odd_days::distort(&mut reading, &self.faults, &self.rng, self.now);
        reading
    }

    fn listing(&self, asked_at: Time, wanted: impl Fn(&str, &str) -> bool) -> Listing {
        if odd_days::shows_nothing(&self.faults, &self.rng, self.now) {
            return Listing { asked_at, rows: Vec::new() };
        }
        let rows = self.farm.provider.list(self.now);
        let rows = rows.iter().filter(|row| wanted(&row.instance.name, &self.prefix));
        Listing { asked_at, rows: rows.map(super::provider::Listed::row).collect() }
    }

    /// A change arrives where it is carried out.
    fn carry(&mut self, number: u64, act: &Act, fate: Fate, life: u64) {
        let now = self.now;
        let outcome = if let Fate::Refused(class) = fate {
            outcome_of(Err(Fault::of_class(class)))
        } else {
            let durable = Rc::clone(&self.disk);
            self.judge.arrives(now, act, &self.farm, &durable.borrow());
            let outcome = self.carry_out(act);
            self.judge.carried(now, act, &outcome, &self.farm);
            outcome
        };
        self.trace =
            crc32c::crc32c_append(self.trace, format!("{now:?}{act:?}{outcome:?}").as_bytes());
        let deliver_at = match fate {
            Fate::Answered | Fate::AnsweredTwice | Fate::Refused(_) => now + ACT_LATENCY,
            Fate::AnsweredLate(late) => now + late,
            Fate::AnswerLost => return,
        };
        let wake = Wake::Answered { number, outcome };
        if fate == Fate::AnsweredTwice {
            let again = Due::Deliver { wake: wake.clone(), life };
            self.later(deliver_at + Span::seconds(3), again);
        }
        self.later(deliver_at, Due::Deliver { wake, life });
    }

    fn carry_out(&mut self, act: &Act) -> Outcome {
        let now = self.now;
        let provider = &mut self.farm.provider;
        let result = match act {
            Act::Create { name, offer, bid, .. } => {
                let mut request = provider.catalog().request(name.as_str(), offer);
                request.bid = *bid;
                provider.create(now, &request)
            }
            Act::Start { instance } => provider.operate(now, instance, Operation::Start, true),
            Act::Stop { instance } => provider.operate(now, instance, Operation::FreeStop, true),
            Act::Delete { instance } => provider.delete(now, instance, true),
            Act::Drain { machine, .. } => {
                self.farm.queue.drain(now, machine);
                return Outcome::Accepted { event: None, instance: None };
            }
            Act::Undrain { machine, .. } => {
                self.farm.queue.undrain(now, machine);
                return Outcome::Accepted { event: None, instance: None };
            }
        };
        self.farm.advance(now);
        outcome_of(result)
    }

    /// Reports every worker as drained from the moment it was asked.
    fn lie(&self, reading: &mut QueueReading) {
        for worker in reading.workers.iter_mut().flatten() {
            if self.farm.queue.is_flagged(&worker.instance) {
                worker.state = WorkerState::Drained;
            }
        }
    }

    /// Somebody else's hand, and clocks.
    fn trouble(&mut self) -> Option<Wake> {
        if self.chance(self.faults.by_hand_ppm) {
            let now = self.now;
            let ids: Vec<Text> =
                self.farm.provider.truth().map(|one| Text::clone(&one.id)).collect();
            let pick = self.rng.below(u64::try_from(ids.len()).unwrap_or(0));
            if let Some(id) = usize::try_from(pick).ok().and_then(|pick| ids.get(pick)) {
                // By hand: what the state forbids is simply not done.
                let provider = &mut self.farm.provider;
                match self.rng.below(3) {
                    0 => provider.operate(now, id, Operation::FreeStop, false).ok(),
                    1 => provider.operate(now, id, Operation::Start, false).ok(),
                    _ => provider.delete(now, id, false).ok(),
                };
                self.farm.advance(now);
            }
        }
        if odd_days::storms(&self.faults, &self.rng, self.now) {
            self.take_spot_back();
        }
        if odd_days::has_twin(&self.faults, &self.rng, self.now) {
            self.make_twin();
        }
        if self.chance(self.faults.clock_jump_ppm) {
            let jump = Span::seconds(self.rng.range(-3600, 3600));
            return Some(Wake::ClockJumped(jump));
        }
        None
    }
}

fn unknown(detail: &str) -> Outcome {
    Outcome::Unknown { detail: detail.into() }
}

fn refused(fault: &Fault) -> LookFailure {
    LookFailure { class: fault.class, detail: fault.message.as_str().into() }
}

fn outcome_of(result: Result<Accepted, Fault>) -> Outcome {
    match result {
        Ok(accepted) => Outcome::Accepted {
            event: Some(accepted.event),
            instance: accepted.instances.first().cloned(),
        },
        Err(fault) => {
            Outcome::Refused { class: fault.class, detail: fault.message.as_str().into() }
        }
    }
}
