//! A store on disk from one version to the next: what a version wrote, the next one opens, and its
//! farm goes on. What earlier versions wrote stands in `tests/data/stores/` (see NOTICE there).

#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use farmscale::clock::Clock;
use farmscale::driver::{Driver, Ended, Recovered, Unobserved};
use farmscale::journal::{Batch, Journal, Preflight, Store, Verdict};
use farmscale::memory::Memory;
use farmscale::model::{
    MachineName, MachineRef, Money, OfferKey, Order, Refusal, Shape, Span, Text, Time, Wake,
};
use farmscale::policy::Policy;
use farmscale::sim::chaos::START;
use farmscale::sim::farm::{Boots, SimFarm};
use farmscale::sim::faults::Faults;
use farmscale::sim::judge::{Bounds, Judge};
use farmscale::sim::provider::{Between, Catalog, Dials, Operation, Provider, State};
use farmscale::sim::store::SimStore;
use farmscale::sim::world::{Service, Shared, SimWorld};
use serde::{Deserialize, Serialize};

use crate::support::cloud::{KEY, SECRET};

const SEED: u64 = 1;
const FARM: &str = "old";
const CONFIG: &str = r#"farm = "old"
[limits]
money_per_day = 2000
[queues.render]
[pools.render]
queue = "render"
max = 12
image = "render-worker-Datacenter"
sizes = [{ family = "专业渲染型rp3", cpu = 16, ram = 32, gpu_memory = 24 },
         { family = "极速渲染型re3", cpu = 12, ram = 24, gpu_memory = 24 }]
zones.CN_Suqian_B = { vpc = "v1", subnet = "s1" }
zones.CN_Hohhot_B = { vpc = "v2", subnet = "s2" }
[pools.night]
queue = "render"
max = 3
preset = "fast"
image = "render-worker-Datacenter"
sizes = [{ family = "专业渲染型rp3", cpu = 16, ram = 32, gpu_memory = 24 }]
spot = { on_demand_min = 0, on_demand_percent = 0 }
zones.CN_Suqian_B = { vpc = "v1", subnet = "s1" }
"#;

/// What is kept beside a store: the farm as it was when its daemon ended.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// When that was.
    at: Time,
    /// What it had spent by then.
    spent: Money,
    /// Its machines as the provider had them.
    instances: Vec<KeptInstance>,
    /// What the daemon knew: name, phase and whether somebody holds it.
    machines: Vec<(MachineName, String, bool)>,
    tombstones: Vec<MachineName>,
    /// Days and pools with money of theirs.
    days: Vec<(Text, Text)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptInstance {
    id: Text,
    name: Text,
    offer: OfferKey,
    /// Whether it was off; else it ran, or was on its way there.
    off: bool,
    made_at: Time,
}

/// The store on disk, and the simulated one that the judge reads.
struct Both {
    disk: SimStore,
    store: Store,
}

impl Journal for Both {
    fn commit(&mut self, batch: &Batch<'_>, synced: bool) -> Verdict {
        match self.store.commit(batch, synced) {
            Verdict::Permit(_) => self.disk.commit(batch, synced),
            other @ (Verdict::Fenced | Verdict::Failed(_)) => other,
        }
    }
}

type Daemon = Driver<SimWorld, Both, Unobserved>;

/// A studio in simulated time with its daemon.
struct Studio {
    shared: Rc<RefCell<Shared>>,
    driver: Daemon,
}

impl Studio {
    fn new(provider: Provider, start: Time, dir: &Path) -> Self {
        let boots =
            Boots { create: Between::exactly(240), start: Between::exactly(60), never_ppm: 0 };
        let farm = SimFarm::new(provider, boots, Vec::new(), start, SEED);
        let judge = Judge::new(Bounds::none());
        let shared = Shared::new(farm, judge, Faults::none(), start, "old-", SEED);
        let shared = Rc::new(RefCell::new(shared));
        let clock = Clock::starting_at(start, 1);
        let opened = Store::open(dir, FARM, clock, &Preflight::InProcess).unwrap();
        assert!(!opened.lost, "the store was not believed");
        let disk = SimStore::new(Rc::clone(&shared.borrow().disk));
        let journal = Both { disk, store: opened.store };
        let (memory, epoch_seen) = (opened.memory, opened.epoch_seen);
        let recovered = Recovered { memory, store_lost: false, epoch_seen, random: SEED };
        let world = SimWorld::new(Rc::clone(&shared));
        let driver = Driver::new(world, journal, Unobserved, policy(), recovered);
        Self { shared, driver }
    }

    fn run_for(&mut self, span: Span) {
        let now = self.shared.borrow().now();
        self.shared.borrow_mut().stop_at(now + span);
        assert_eq!(self.driver.run(), Ended::Stopped);
    }

    fn tasks(&self, count: u32, minutes: i64) {
        let mut shared = self.shared.borrow_mut();
        let now = shared.now();
        for _ in 0..count {
            shared.farm.queue.push(now, Span::minutes(minutes), Shape::default());
        }
    }

    /// Names and ids of what there is in a state, in order of name.
    fn there(&self, state: State) -> Vec<(Text, Text)> {
        let shared = self.shared.borrow();
        let there = shared.farm.provider.truth().filter(|one| one.state == state);
        let mut there: Vec<_> =
            there.map(|one| (Text::clone(&one.name), Text::clone(&one.id))).collect();
        there.sort();
        there
    }

    fn provider<R>(&self, act: impl FnOnce(&mut Provider, Time) -> R) -> R {
        let mut shared = self.shared.borrow_mut();
        let now = shared.now();
        let result = act(&mut shared.farm.provider, now);
        shared.farm.advance(now);
        result
    }

    fn hold(&self, machine: &Text) {
        let (owner, reason) = (Text::from("li"), Text::from("look at its driver"));
        let order = Order::Hold { machine: Text::clone(machine), owner, reason, until: None };
        self.shared.borrow_mut().tell(Wake::Ordered(order));
    }

    /// A day and a half of all kinds.
    fn live(&mut self) {
        self.run_for(Span::minutes(1));
        self.tasks(6, 20);
        self.run_for(Span::hours(3));
        self.shared.borrow_mut().farm.fail_boots(1);
        self.tasks(9, 40);
        self.run_for(Span::minutes(20));
        let spot = self.there(State::Running);
        self.provider(|provider, now| {
            let spot = spot.iter().find(|(name, _)| name.starts_with("old-nigh"));
            spot.map(|(_, id)| provider.reclaim(now, id))
        });
        self.run_for(Span::hours(18));
        // Refused for stock and for quota; one create is carried out, and its answer lost.
        self.shared.borrow_mut().refuse_creates(1, Refusal::SoldOut);
        self.tasks(12, 60);
        self.run_for(Span::minutes(10));
        self.shared.borrow_mut().refuse_creates(1, Refusal::Quota);
        self.tasks(4, 60);
        self.run_for(Span::minutes(50));
        let running = self.there(State::Running);
        self.hold(&running[0].0);
        self.provider(|provider, now| {
            provider.show_status(&running[1].1, "error", now + Span::hours(3));
            let _stopped = provider.operate(now, &running[2].1, Operation::FreeStop, false);
            let _deleted = provider.delete(now, &running[3].1, false);
        });
        self.run_for(Span::minutes(28));
        self.tasks(12, 15);
        self.shared.borrow_mut().lose_answers(1);
        self.run_for(Span::minutes(4));
        // The last of it: some boot, some are taken back from a drain, an answer is not there yet.
        self.tasks(6, 5);
        self.shared.borrow_mut().take_down(Service::Prices, Time::MAX);
        self.run_for(Span::seconds(90));
    }

    fn kept(&self) -> Kept {
        let (shared, memory) = (self.shared.borrow(), self.driver.memory());
        let at = shared.now();
        let instances = shared.farm.provider.truth().map(|one| KeptInstance {
            id: Text::clone(&one.id),
            name: Text::clone(&one.name),
            offer: one.offer.clone(),
            off: matches!(one.state, State::Shutdown | State::ShuttingDown),
            made_at: one.made_at,
        });
        Kept {
            at,
            spent: memory.spent(at),
            instances: instances.collect(),
            machines: phases(memory),
            tombstones: memory.tombstones.keys().cloned().collect(),
            days: memory.days.keys().cloned().collect(),
        }
    }
}

fn phases(memory: &Memory) -> Vec<(MachineName, String, bool)> {
    let machines = memory.machines.iter();
    let phase = |(name, one): (&MachineName, &farmscale::memory::Machine)| {
        (name.clone(), format!("{:?}", one.phase()), one.held.is_some())
    };
    machines.map(phase).collect()
}

fn policy() -> Policy {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("farm.toml");
    std::fs::write(&path, CONFIG).unwrap();
    let key = [("FARMSCALE_ACCESS_KEY_ID", KEY), ("FARMSCALE_ACCESS_KEY_SECRET", SECRET)];
    let environment = key.map(|(name, value)| (name.to_owned(), value.to_owned()));
    farmscale::config::load(&path, &environment.into()).unwrap().policy
}

/// A farm lives for a day and a half on a store in this folder.
fn written(dir: &Path) -> Kept {
    let provider = Provider::new(Catalog::standard(), Dials::kind(), SEED);
    let mut studio = Studio::new(provider, START, dir);
    studio.live();
    studio.kept()
}

/// The cloud as it was left.
fn as_kept(kept: &Kept) -> Provider {
    let mut provider = Provider::new(Catalog::standard(), Dials::kind(), SEED + 1);
    let mut instances: Vec<&KeptInstance> = kept.instances.iter().collect();
    instances.sort_by_key(|one| one.made_at);
    let made: Vec<_> = instances
        .into_iter()
        .map(|one| {
            let request = provider.catalog().request(&one.name, &one.offer);
            (one, provider.create(one.made_at, &request).unwrap().instances.remove(0))
        })
        .collect();
    for (one, id) in made {
        if one.off {
            provider.advance(kept.at - Span::minutes(1));
            provider.operate(kept.at, &id, Operation::FreeStop, true).unwrap();
        }
        provider.advance(kept.at + Span::minutes(1));
        provider.set_id(&id, &one.id);
    }
    provider
}

/// Opens a store that was written earlier, and runs its farm until all is done and gone.
fn goes_on(dir: &Path, kept: &Kept) {
    let start = kept.at + Span::minutes(2);
    let mut studio = Studio::new(as_kept(kept), start, &dir.join("store"));
    let memory = studio.driver.memory();
    assert_eq!(phases(memory), kept.machines);
    assert_eq!(memory.spent(kept.at), kept.spent);
    assert_eq!(memory.tombstones.keys().cloned().collect::<Vec<_>>(), kept.tombstones);
    assert_eq!(memory.days.keys().cloned().collect::<Vec<_>>(), kept.days);
    // The queue has kept its flags.
    for (name, machine) in memory.machines.iter().filter(|(_, one)| one.drain.asked_at.is_some()) {
        let (instance, workers) = (machine.instance.clone(), machine.heard.names.clone());
        let machine = MachineRef { name: name.clone(), instance, workers };
        studio.shared.borrow_mut().farm.queue.drain(start, &machine);
    }
    studio.tasks(5, 10);
    for (name, _, _) in kept.machines.iter().filter(|(.., held)| *held) {
        let order = Order::Release { machine: name.text(), owner: "li".into() };
        studio.shared.borrow_mut().tell(Wake::Ordered(order));
    }
    studio.shared.borrow_mut().stop_when_done(Span::minutes(10));
    studio.run_for(Span::days(8));
    let (shared, memory) = (studio.shared.borrow(), studio.driver.memory());
    assert_eq!(shared.farm.queue.done().tasks, 5, "its work is done");
    let left: Vec<_> = shared.farm.provider.truth().map(|one| Text::clone(&one.name)).collect();
    assert!(left.is_empty() && memory.machines.is_empty(), "{left:?}: {:?}", phases(memory));
    assert!(kept.spent < memory.spent(shared.now()));
    let names = kept.tombstones.iter().chain(kept.machines.iter().map(|(name, ..)| name));
    let again = names.filter(|name| 1 < shared.farm.provider.times_made(name.as_str()));
    assert_eq!(again.count(), 0, "a name was used twice");
}

/// With `KEEP_STORE=DIR` it is kept there, for the versions to come.
#[test]
fn the_store_of_this_version_opens_and_its_farm_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = std::env::vars().find(|(name, _)| name == "KEEP_STORE");
    let dir = wanted.map_or_else(|| folder.path().to_owned(), |(_, dir)| dir.into());
    let kept = written(&dir.join("store"));
    std::fs::write(dir.join("farm.json"), serde_json::to_string_pretty(&kept).unwrap()).unwrap();
    let copy = tempfile::tempdir().unwrap();
    run("cp", &["-r", dir.join("store").to_str().unwrap(), copy.path().to_str().unwrap()]);
    goes_on(copy.path(), &kept);
}

#[test]
fn a_store_written_by_the_version_before_opens_and_its_farm_goes_on() {
    let (folder, kept) = unpacked("0.1");
    goes_on(folder.path(), &kept);
}

/// Every line of it, whatever its kinds were called then.
#[test]
fn the_history_of_the_version_before_can_be_read() {
    let (folder, _) = unpacked("0.1");
    let dir = folder.path().join("store");
    let text = std::fs::read_to_string(dir.join("history.jsonl")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty()).count();
    let read = farmscale::journal::history::read(&dir, usize::MAX).unwrap();
    assert_eq!(read.len(), lines);
}

fn unpacked(version: &str) -> (tempfile::TempDir, Kept) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/stores").join(version);
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (data.join("store.tar.gz"), folder.path());
    run("tar", &["-xzf", from.to_str().unwrap(), "-C", to.to_str().unwrap()]);
    let kept = std::fs::read(data.join("farm.json")).unwrap();
    (folder, serde_json::from_slice(&kept).unwrap())
}

fn run(program: &str, arguments: &[&str]) {
    assert!(std::process::Command::new(program).args(arguments).status().unwrap().success());
}
