//! The stage: the real driver, plan and memory in the simulated studio, a script line at a time.

use std::cell::RefCell;
use std::rc::Rc;

use farmscale::config::Place;
use farmscale::driver::{Driver, Ended};
use farmscale::model::{Billing, Money, Order, Span, Text, Time, Wake};
use farmscale::policy::Policy;
use farmscale::sim::chaos::{START, bounds, recovered};
use farmscale::sim::farm::{Boots, SimFarm};
use farmscale::sim::faults::Faults;
use farmscale::sim::judge::Judge;
use farmscale::sim::provider::{Between, Catalog, Dials, Operation, Provider, SizeKey};
use farmscale::sim::store::{SimStore, Strike};
use farmscale::sim::world::{Shared, SimWorld};

use super::script::{Command, Hand, Moment, Ordered, Setting, Who};
use super::words::{Recorder, clock};
use super::{Line, Play};
use crate::support::cloud::{KEY, SECRET};

/// Names ids of instances and events; nothing else is drawn.
const SEED: u64 = 1;
/// From the accepted request to the machine's worker.
const BOOTS: Boots =
    Boots { create: Between::exactly(240), start: Between::exactly(60), never_ppm: 0 };
/// A daemon that has ended is started again after this.
const RESTART: Span = Span::seconds(1);
/// After the work is done and the last machine gone, the daemon is given so long to learn so.
const LAST_WORDS: Span = Span::minutes(10);
/// And after that it must change nothing for so long.
const QUIET: Span = Span::minutes(20);
/// A farm that is not at rest by then never will be: stopped machines are kept for 7 days at most.
const PATIENCE: Span = Span::days(8);

type Troupe = Driver<SimWorld, SimStore, Recorder>;

struct Stage<'a> {
    play: &'a Play,
    config: String,
    shared: Rc<RefCell<Shared>>,
    recorder: Recorder,
    policy: Policy,
    driver: Troupe,
    by_hand: Vec<Text>,
    /// The script did what only a listing can show, so that costs may be estimated.
    estimates: bool,
    faults: Vec<String>,
}

/// Plays a play: what each line of its script brought, and what must not be.
pub(super) fn perform(play: &Play) -> Result<(Vec<Vec<String>>, Vec<String>), String> {
    let mut stage = Stage::new(policy(play, &play.config)?, play);
    let mut transcript = Vec::new();
    for line in &play.lines {
        transcript.push(
            stage.line(line).map_err(|fault| {
                format!("{}:{}: `{}`: {fault}", play.file, line.number, line.text)
            })?,
        );
    }
    Ok((transcript, stage.faults))
}

/// The play's config takes the way every config takes.
fn policy(play: &Play, config: &str) -> Result<Policy, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("farm.toml");
    std::fs::write(&path, config).map_err(|error| error.to_string())?;
    let key = [("FARMSCALE_ACCESS_KEY_ID", KEY), ("FARMSCALE_ACCESS_KEY_SECRET", SECRET)];
    let environment = key.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = farmscale::config::load(&path, &environment.into());
    settings.map(|settings| settings.policy).map_err(|mut faults| {
        faults.path = play.file.as_str().into();
        for fault in &mut faults.faults {
            let Place::Line { file, line } = &mut fault.place else { continue };
            *file = play.file.as_str().into();
            *line += play.config_line;
        }
        faults.to_string()
    })
}

impl<'a> Stage<'a> {
    fn new(policy: Policy, play: &'a Play) -> Self {
        let mut catalog = Catalog::standard();
        // The cloud bills as the operator has been told it does.
        let units = policy.pools.iter().flat_map(|pool| &pool.offers).map(|one| one.billing_unit);
        catalog.billing_unit = units.max().unwrap_or(catalog.billing_unit);
        let provider = Provider::new(catalog, Dials::kind(), SEED);
        let farm = SimFarm::new(provider, BOOTS, Vec::new(), START, SEED);
        let judge = Judge::new(bounds(&policy));
        let prefix = policy.namer.prefix();
        let shared = Shared::new(farm, judge, Faults::none(), START, &prefix, SEED);
        let shared = Rc::new(RefCell::new(shared));
        let recorder = Recorder::default();
        let driver = daemon(&shared, &recorder, &policy, true);
        let (by_hand, faults) = (Vec::new(), Vec::new());
        let config = play.config.clone();
        let estimates = false;
        Self { play, config, shared, recorder, policy, driver, by_hand, estimates, faults }
    }

    /// Does what a line says; what has happened by the end of it.
    fn line(&mut self, line: &Line) -> Result<Vec<String>, String> {
        self.estimates |= estimates(&line.command);
        let answer = self.act(&line.command)?;
        let mut lines = self.recorder.0.borrow_mut().lines();
        lines.extend(answer);
        Ok(lines)
    }

    fn act(&mut self, command: &Command) -> Result<Vec<String>, String> {
        let now = self.shared.borrow().now();
        match command {
            Command::Wait(span) => self.play_until(now + *span)?,
            Command::Until(span) if START + *span < now => {
                return Err(format!("it is {} already", clock(now)));
            }
            Command::Until(span) => self.play_until(START + *span)?,
            Command::Restart => self.restart()?,
            Command::Crash(moment) => self.crash(*moment),
            Command::LoseStore => {
                self.shared.borrow_mut().lose_store();
                self.crash(Moment::Now);
            }
            Command::Hand(hand, who) => self.hand(*hand, *who)?,
            Command::Make(name) => self.make(name)?,
            Command::Hang(who) => {
                let id = self.instance(*who)?;
                let farm = &mut self.shared.borrow_mut().farm;
                farm.queue.hang(&id);
                farm.show_gpu(&id, 0);
            }
            Command::Gpu(who, percent) => {
                let id = self.instance(*who)?;
                self.shared.borrow_mut().farm.show_gpu(&id, *percent);
            }
            Command::Silence(who) => {
                let id = self.instance(*who)?;
                self.shared.borrow_mut().farm.queue.die(now, &id);
            }
            Command::Odd(who, status, span) => {
                let id = self.instance(*who)?;
                let provider = &mut self.shared.borrow_mut().farm.provider;
                provider.show_status(&id, status, now + *span);
            }
            Command::Edit(old, new) => self.edit(old, new)?,
            Command::Order(ordered) => self.order(ordered)?,
            Command::Why => return Ok(self.recorder.0.borrow().why()),
            Command::Status => return Ok(self.recorder.0.borrow().status()),
            Command::Machines => return Ok(self.recorder.0.borrow().machines()),
            Command::Bill => return Ok(vec![self.bill()]),
            Command::Rest => return self.rest(),
            Command::Set(setting) => self.set(setting)?,
            Command::ShowAll => self.recorder.0.borrow_mut().all = true,
            Command::Remark => {}
        }
        Ok(Vec::new())
    }

    /// Lines that change the studio and take no time.
    fn set(&mut self, setting: &Setting) -> Result<(), String> {
        let shared = &mut *self.shared.borrow_mut();
        let now = shared.now();
        match setting {
            Setting::Tasks(count, takes, shape) => {
                for _ in 0..*count {
                    shared.farm.queue.push(now, *takes, *shape);
                }
            }
            Setting::Stock(zone, family, units) => {
                for key in sizes(&shared.farm.provider, zone, family)? {
                    shared.farm.provider.set_stock(now, zone, family, key.size, *units);
                }
            }
            Setting::Price(zone, family, percent) => {
                for key in sizes(&shared.farm.provider, zone, family)? {
                    let first = Catalog::standard().sizes.get(&key).map(|size| size.machine_day);
                    let price = first.unwrap_or_default().0 / 100 * i64::from(*percent);
                    shared.farm.provider.set_price(&key, Money(price));
                }
            }
            Setting::FreeStop(may) => shared.farm.provider.set_free_stop(*may),
            Setting::Refuse(count, class) => shared.refuse_creates(*count, *class),
            Setting::SpotLives(life) => shared.farm.provider.take_spot_back_after(*life),
            Setting::FailCreates(count) => shared.farm.provider.fail_creates(*count),
            Setting::HangCreates(count, span) => {
                shared.farm.provider.hang_creates(*count, *span);
            }
            Setting::FailBoots(count) => shared.farm.fail_boots(*count),
            Setting::LoseAnswers(count) => shared.lose_answers(*count),
            Setting::LoseRequests(count) => shared.lose_requests(*count),
            Setting::Down(service, span) => shared.take_down(*service, now + *span),
        }
        Ok(())
    }

    /// Lets the daemon run until then; one that dies is started again.
    fn play_until(&mut self, at: Time) -> Result<(), String> {
        self.shared.borrow_mut().stop_at(at);
        loop {
            let ended = self.driver.run();
            if !self.is_dead() {
                return match ended {
                    Ended::Stopped => Ok(()),
                    Ended::JournalFailed(why) => Err(why),
                };
            }
            self.rise();
        }
    }

    fn is_dead(&self) -> bool {
        self.shared.borrow().disk.borrow().crashed
    }

    /// Power comes back, and the daemon starts from what is on disk.
    fn rise(&mut self) {
        self.shared.borrow_mut().reborn();
        self.begin_again();
    }

    fn begin_again(&mut self) {
        self.shared.borrow_mut().pass(RESTART);
        self.driver = daemon(&self.shared, &self.recorder, &self.policy, false);
    }

    fn crash(&mut self, moment: Moment) {
        let strike = |strike| self.shared.borrow().disk.borrow_mut().strike = Some(strike);
        match moment {
            Moment::Now => self.rise(),
            Moment::BeforeIntent => strike(Strike::Before),
            Moment::AfterIntent => strike(Strike::After),
            Moment::WhenSent => self.shared.borrow_mut().crash_when_sent(),
        }
    }

    fn restart(&mut self) -> Result<(), String> {
        self.shared.borrow_mut().stop_at(Time::MAX);
        self.shared.borrow_mut().tell(Wake::Stop);
        if let Ended::JournalFailed(why) = self.driver.run() {
            return Err(why);
        }
        self.shared.borrow_mut().closed();
        self.begin_again();
        Ok(())
    }

    /// The operator changes the config and restarts the daemon.
    fn edit(&mut self, old: &str, new: &str) -> Result<(), String> {
        if !self.config.contains(old) {
            return Err(format!("the config has no {old}"));
        }
        self.config = self.config.replace(old, new);
        self.policy = policy(self.play, &self.config)?;
        self.restart()
    }

    fn hand(&mut self, hand: Hand, who: Who) -> Result<(), String> {
        let id = self.instance(who)?;
        let shared = &mut *self.shared.borrow_mut();
        let now = shared.now();
        let provider = &mut shared.farm.provider;
        let done = match hand {
            Hand::Stop => provider.operate(now, &id, Operation::FreeStop, false).map(|_| true),
            Hand::Start => provider.operate(now, &id, Operation::Start, false).map(|_| true),
            Hand::Delete => provider.delete(now, &id, false).map(|_| true),
            Hand::Reclaim => Ok(provider.reclaim(now, &id)),
        };
        shared.farm.advance(now);
        match done {
            Ok(true) => Ok(()),
            Ok(false) => Err("only a machine that runs can be taken back".to_owned()),
            Err(fault) => Err(fault.message),
        }
    }

    /// Under any name, or that of one of ours.
    fn make(&mut self, name: &str) -> Result<(), String> {
        let number = name.strip_prefix('r').and_then(|number| number.parse::<usize>().ok());
        let ours = number.and_then(|number| number.checked_sub(1));
        let name = match ours {
            Some(number) => self.name(number)?,
            None => name.into(),
        };
        let mut shared = self.shared.borrow_mut();
        let now = shared.now();
        let made = shared.farm.make_by_hand(now, &name).map_err(|fault| fault.message)?;
        self.by_hand.push(made);
        Ok(())
    }

    fn order(&mut self, ordered: &Ordered) -> Result<(), String> {
        let (owner, reason) = (|| Text::from("wang"), || Text::from("because"));
        let machine = |who: &Who| self.instance(*who);
        let order = match ordered {
            Ordered::Hold(who) => {
                let machine = machine(who)?;
                Order::Hold { machine, owner: owner(), reason: reason(), until: None }
            }
            Ordered::Release(who) => Order::Release { machine: machine(who)?, owner: owner() },
            Ordered::Pause => Order::Pause { owner: owner(), reason: reason(), until: None },
            Ordered::Resume => Order::Resume { owner: owner() },
            Ordered::Retire => Order::Retire { owner: owner() },
            Ordered::Stay => Order::Stay { owner: owner() },
        };
        self.shared.borrow_mut().tell(Wake::Ordered(order));
        Ok(())
    }

    fn name(&self, number: usize) -> Result<Text, String> {
        let record = self.recorder.0.borrow();
        let name = record.name(number).map(farmscale::model::MachineName::text);
        name.ok_or_else(|| format!("there is no r{} yet", number + 1))
    }

    /// The id of an instance that is there.
    fn instance(&self, who: Who) -> Result<Text, String> {
        let gone = |letter, number| format!("{letter}{} is not there", number + 1);
        let farm = &self.shared.borrow().farm;
        match who {
            Who::ByHand(number) => {
                self.by_hand.get(number).cloned().ok_or_else(|| gone('h', number))
            }
            Who::Ours(number) => {
                let name = self.name(number)?;
                let mut all = farm.provider.truth();
                let found = all.find(|one| one.name == name && !farm.is_by_hand(&one.id));
                found.map(|one| Text::clone(&one.id)).ok_or_else(|| gone('r', number))
            }
        }
    }

    /// The ledger, what of it is estimated, and the provider's bill for what is ours.
    fn money(&self) -> (Money, Money, Money) {
        let shared = self.shared.borrow();
        let (memory, now) = (self.driver.memory(), shared.now());
        let bill = shared.farm.provider.bill(now);
        let ours = bill.lines.iter().filter(|line| !shared.farm.is_by_hand(&line.instance));
        let spend = farmscale::plan::money::spend(memory, now);
        (spend.total, spend.estimated, ours.map(farmscale::sim::provider::BillLine::cost).sum())
    }

    fn bill(&self) -> String {
        let (ledger, estimated, bill) = self.money();
        let estimated = match estimated {
            Money::ZERO => String::new(),
            some => format!(" ({some} of it estimated)"),
        };
        let relation = if ledger == bill { " =" } else { "," };
        format!("ledger {ledger}{estimated}{relation} bill {bill}")
    }

    /// Runs until all work is done and every machine gone, then looks whether all is as it must be.
    fn rest(&mut self) -> Result<Vec<String>, String> {
        let patience = self.shared.borrow().now() + PATIENCE;
        self.shared.borrow_mut().stop_when_done(LAST_WORDS);
        self.play_until(patience)?;
        let quiet_since = self.shared.borrow().now();
        self.shared.borrow_mut().stop_when_done(QUIET);
        self.play_until(quiet_since + QUIET)?;
        self.judge(quiet_since);
        Ok(vec![self.epilogue()])
    }

    fn judge(&mut self, quiet_since: Time) {
        let shared = &mut *self.shared.borrow_mut();
        let now = shared.now();
        let Shared { farm, judge, .. } = shared;
        for one in judge.verdict(now, farm, quiet_since) {
            let (at, record) = (clock(one.at), self.recorder.0.borrow());
            let what = record.short(&one.what);
            self.faults.push(format!("{at}  {} is broken: {what}", one.invariant));
        }
        let record = self.recorder.0.borrow();
        let planned = record.snapshot.iter().flat_map(|farm| &farm.planned).count();
        if planned != 0 {
            self.faults.push(format!("at rest, {planned} changes are still planned"));
        }
    }

    fn epilogue(&mut self) -> String {
        let (ledger, estimated, bill) = self.money();
        if ledger != bill && estimated == Money::ZERO && !self.estimates {
            let apart = ledger - bill;
            self.faults.push(format!("the ledger is {} micro-yuan off the bill", apart.0));
        }
        if estimated != Money::ZERO && !self.estimates {
            self.faults.push(format!("{estimated} is estimated, though every event was told"));
        }
        let farm = &self.shared.borrow().farm;
        let made = farm.provider.bill(START).lines;
        let made = made.iter().filter(|line| !farm.is_by_hand(&line.instance)).map(|_| 1).sum();
        let left: Vec<String> = farm.provider.truth().map(|one| one.name.to_string()).collect();
        let left = if left.is_empty() { "nothing".to_owned() } else { left.join(", ") };
        let (tasks, money) = (farm.queue.done().tasks, self.bill());
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let (some, more) = (plural(tasks), plural(made));
        format!("at rest: {tasks} task{some} done, {made} machine{more} made, {money}, {left} left")
    }
}

fn daemon(
    shared: &Rc<RefCell<Shared>>,
    recorder: &Recorder,
    policy: &Policy,
    first: bool,
) -> Troupe {
    let disk = Rc::clone(&shared.borrow().disk);
    let found = recovered(&disk.borrow(), &policy.namer, first);
    let (world, store) = (SimWorld::new(Rc::clone(shared)), SimStore::new(disk));
    Driver::new(world, store, recorder.clone(), policy.clone(), found)
}

/// Every size of a family in a zone.
fn sizes(provider: &Provider, zone: &str, family: &str) -> Result<Vec<SizeKey>, String> {
    let all = provider.catalog().sizes.keys();
    let found: Vec<SizeKey> =
        all.filter(|key| &*key.zone == zone && &*key.family == family).cloned().collect();
    if found.is_empty() {
        let known = provider.catalog().sizes.keys().map(|key| key.offer(Billing::OnDemand));
        let known: Vec<String> = known.map(|offer| format!("\n  {offer}")).collect();
        return Err(format!("{family} is not sold in {zone}; on sale are{}", known.concat()));
    }
    Ok(found)
}

/// Whether after this a listing may be all there is to tell a cost by.
fn estimates(command: &Command) -> bool {
    matches!(
        command,
        Command::Hand(..)
            | Command::Make(_)
            | Command::LoseStore
            | Command::Set(
                Setting::LoseAnswers(_)
                    | Setting::LoseRequests(_)
                    | Setting::Down(..)
                    | Setting::SpotLives(_)
            )
            | Command::Crash(_)
    )
}
