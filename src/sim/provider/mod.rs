//! The simulated cloud: a state machine in simulated time, with a truth of its own.
//!
//! Nothing here reads a clock, waits or does input or output. Whoever owns it calls
//! [`Provider::advance`] with the time and then asks or acts; the same code stands behind the
//! simulated world and behind the HTTP face.

use std::collections::{BTreeMap, VecDeque};

mod account;
mod address;
mod bill;
mod catalog;
mod change;
mod dials;
mod disk;
mod event;
mod fault;
mod group;
mod image;
mod instance;
mod membership;
mod request;
mod snapshot;
mod spot;

pub use account::{Busy, Eip};
pub use address::SUBNET;
pub use bill::{Bill, BillLine, Charge};
pub use catalog::{Catalog, FamilySpec, ImageSpec, Size, SizeKey, SizeSpec, StockChange, ZoneSpec};
pub use dials::{Between, Dials};
pub use disk::{Disk, DiskRequest, DiskState};
pub use event::{EventKind, EventView, TaskState, TaskView};
pub use fault::Fault;
pub use group::{Group, Policy, PolicyChange};
pub use image::NewImage;
pub use instance::{Instance, Listed, Operation, State};
pub use request::{CreateRequest, Details, EipRequest, Groups, Pubnet};
pub use snapshot::{PER_DISK_MAX, Snapshot, SnapshotRequest};

use crate::model::{Billing, Money, OfferKey, Price, Quote, Span, Stock, StockReading, Text, Time};
use crate::sim::rng::Rng;
use account::Account;
use event::EventKept;

/// Transitions kept for [`Provider::take_transitions`], at most.
const TRANSITIONS_MAX: usize = 4096;
/// How long an event can be asked for.
const EVENT_KEPT: Span = Span::days(7);

/// The cloud.
#[derive(Debug)]
pub struct Provider {
    catalog: Catalog,
    dials: Dials,
    now: Time,
    stock: BTreeMap<SizeKey, Option<u32>>,
    instances: BTreeMap<Text, Instance>,
    /// Lines of instances that are gone for good.
    closed: Vec<BillLine>,
    events: BTreeMap<Text, EventKept>,
    names: BTreeMap<Text, u32>,
    due: BTreeMap<(Time, u64), Due>,
    sequence: u64,
    transitions: VecDeque<Transition>,
    draws: Draws,
    account: Account,
    /// So many of the next machines cannot be made.
    failing: u32,
    /// So many of the next creates take that long.
    hanging: (u32, Span),
    /// New spot machines are taken back after this.
    spot_life: Option<Span>,
}

/// One stream per purpose, so that a new use changes none of the others.
#[derive(Debug)]
struct Draws {
    ids: Rng,
    times: Rng,
    failures: Rng,
    events: Rng,
    reclaims: Rng,
    others: Rng,
    lags: Rng,
    rows: Rng,
    spot: Rng,
}

/// What will happen by itself.
#[derive(Debug, Clone)]
enum Due {
    /// A create, start, stop, restart or delete ends.
    /// With the state it falls back to if it fails.
    Ends { instance: Text, kind: EventKind, fails: Option<State> },
    /// The provider takes an instance back.
    Reclaim { instance: Text },
    /// Nobody can ask for the instance any more.
    Forget { instance: Text },
    /// Nobody can ask for the event any more.
    ForgetEvent { event: Text },
    /// The stock changes.
    Stock { what: SizeKey, units: Option<u32> },
}

/// A request was taken on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// `EventId`.
    pub event: Text,
    /// `EcsIdSet`.
    pub instances: Vec<Text>,
}

/// An instance changed its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub at: Time,
    /// Which.
    pub instance: Text,
    /// Its state from then on.
    pub state: State,
}

impl Provider {
    /// A cloud in which nothing has happened yet; the same seed gives the same cloud.
    pub fn new(catalog: Catalog, dials: Dials, seed: u64) -> Self {
        let root = Rng::new(seed).fork("provider");
        let stock = catalog.sizes.iter().map(|(key, spec)| (key.clone(), spec.stock)).collect();
        let mut provider = Self {
            dials,
            now: Time(i64::MIN),
            stock,
            instances: BTreeMap::new(),
            closed: Vec::new(),
            events: BTreeMap::new(),
            names: BTreeMap::new(),
            due: BTreeMap::new(),
            sequence: 0,
            transitions: VecDeque::new(),
            draws: Draws {
                ids: root.fork("ids"),
                times: root.fork("times"),
                failures: root.fork("failures"),
                events: root.fork("events"),
                reclaims: root.fork("reclaims"),
                others: root.fork("others"),
                lags: root.fork("lags"),
                rows: root.fork("rows"),
                spot: root.fork("spot"),
            },
            account: Account::new(&root, &catalog),
            failing: 0,
            hanging: (0, Span::ZERO),
            spot_life: None,
            catalog,
        };
        for change in provider.catalog.script.clone() {
            provider.later(change.at, Due::Stock { what: change.what, units: change.units });
        }
        provider
    }

    /// What is on sale.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// How it behaves.
    pub fn dials(&self) -> &Dials {
        &self.dials
    }

    /// Changes how it behaves from now on.
    pub fn set_dials(&mut self, dials: Dials) {
        self.dials = dials;
    }

    /// When [`Self::advance`] next has something to do.
    pub fn next_change_at(&self) -> Option<Time> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// Every instance that exists in truth, `deleting` ones included; failed creates and deleted
    /// ones are none.
    pub fn truth(&self) -> impl Iterator<Item = &Instance> {
        self.instances.values().filter(|instance| instance.state.exists())
    }

    /// One instance in truth, also a failed one or one just deleted.
    pub fn instance(&self, id: &str) -> Option<&Instance> {
        self.instances.get(id)
    }

    /// How many instances were ever made under this name.
    pub fn times_made(&self, name: &str) -> u32 {
        self.names.get(name).copied().unwrap_or(0)
    }

    /// What changed since this was last called, oldest first; the last 4096.
    pub fn take_transitions(&mut self) -> Vec<Transition> {
        self.transitions.drain(..).collect()
    }

    /// How far listings are behind at `now`.
    pub fn lag(&self, now: Time) -> Span {
        self.dials.lag.draw(&mut self.draws.lags.fork_at(self.period(now)))
    }

    /// The listing as the API shows it at `now`: everything as it was a while ago, oldest first.
    pub fn list(&self, now: Time) -> Vec<Listed<'_>> {
        let seen_at = now - self.lag(now);
        let mut rows: Vec<_> = self
            .instances
            .values()
            .filter(|instance| !self.row_is_missing(&instance.id, now))
            .filter_map(|instance| instance.seen_at(seen_at, &self.dials))
            .collect();
        rows.sort_by(|one, other| {
            let key = |row: &Listed<'_>| row.instance.made_at;
            key(one).cmp(&key(other)).then_with(|| one.instance.id.cmp(&other.instance.id))
        });
        rows
    }

    /// An event as the API shows it at `now`.
    pub fn event(&self, now: Time, id: &str) -> Option<EventView> {
        self.events.get_key_value(id).map(|(id, event)| event.view(id, now))
    }

    /// How many of a size are left; `None` = as many as one likes. 0 for what is not sold.
    pub fn units(&self, what: &SizeKey) -> Option<u32> {
        self.stock.get(what).copied().unwrap_or(Some(0))
    }

    /// Whether a size is on sale (`SELL` or `SELLOUT`).
    pub fn stock(&self, what: &SizeKey) -> Stock {
        if self.units(what) == Some(0) { Stock::SoldOut } else { Stock::Sells }
    }

    /// What is on sale of a family in a zone, as the daemon reads it.
    pub fn stock_reading(
        &self,
        now: Time,
        zone: &str,
        family: &str,
    ) -> Result<StockReading, Fault> {
        let zone = &self.catalog.zone(zone).ok_or_else(Fault::no_zone)?.code;
        let family = &self.catalog.family(family).ok_or_else(Fault::no_family)?.name;
        let sizes = self
            .catalog
            .sizes
            .keys()
            .filter(|key| key.zone == *zone && key.family == *family)
            .map(|key| (key.size, self.stock(key)))
            .collect();
        let (zone, family) = (Text::clone(zone), Text::clone(family));
        Ok(StockReading { asked_at: now, zone, family, sizes })
    }

    /// The price of a machine with a disk of this size, quoted per day.
    pub fn price(&self, offer: &OfferKey, disk_gib: u32) -> Result<Price, Fault> {
        self.catalog.zone(&offer.zone).ok_or_else(Fault::no_zone)?;
        self.catalog.family(&offer.family).ok_or_else(Fault::no_family)?;
        self.catalog.running_day(offer, disk_gib).map(catalog::daily).ok_or_else(Fault::no_size)
    }

    /// Running and stopped price, as the daemon reads them.
    pub fn quote(&self, now: Time, offer: &OfferKey, disk_gib: u32) -> Result<Quote, Fault> {
        let demand = self.price(offer, disk_gib)?;
        let disk = self.catalog.disk_day(&offer.zone, disk_gib).ok_or_else(Fault::no_zone)?;
        let spot = self.spot_day(&offer.into(), now).filter(|_| offer.billing == Billing::Spot);
        let running = spot.map_or(demand, |spot| catalog::daily(spot + disk));
        let bids = spot.map(|spot| (spot, demand.amount - disk));
        Ok(Quote {
            running,
            stopped: catalog::daily(disk),
            bids,
            unit: Span::seconds(1),
            asked_at: now,
        })
    }

    /// What everything has cost until `now`.
    pub fn bill(&self, now: Time) -> Bill {
        let present = self.instances.values().map(|instance| instance.bill_line(now));
        let others = self.account_lines(now);
        Bill { lines: self.closed.iter().cloned().chain(present).chain(others).collect() }
    }

    /// From now on this many units are left; `None` = as many as one likes.
    pub fn set_stock(
        &mut self,
        now: Time,
        zone: &str,
        family: &str,
        size: Size,
        units: Option<u32>,
    ) {
        self.advance(now);
        let key = SizeKey { zone: zone.into(), family: family.into(), size };
        self.restock(now, &key, units);
    }

    fn restock(&mut self, at: Time, what: &SizeKey, units: Option<u32>) {
        let Some(stock) = self.stock.get_mut(what) else { return };
        *stock = units;
        if units == Some(0) {
            self.evict_spot(at, what);
        }
    }

    /// From now on the account may have so many machines.
    pub fn set_quota(&mut self, quota: u32) {
        self.catalog.quota = quota;
    }

    /// From now on the account may, or may not, stop machines without charge.
    pub fn set_free_stop(&mut self, may: bool) {
        self.catalog.free_stop = may;
    }

    /// From now on a machine of this size costs so much a day, without its disk.
    pub fn set_price(&mut self, what: &SizeKey, machine_day: Money) {
        if let Some(size) = self.catalog.sizes.get_mut(what) {
            size.machine_day = machine_day;
        }
    }

    /// Listings show an instance in a status of the vendor's making until then.
    pub fn show_status(&mut self, instance: &str, status: &str, until: Time) {
        if let Some(instance) = self.instances.get_mut(instance) {
            instance.shown = Some((status.into(), until));
        }
    }

    /// Gives an instance the id it had elsewhere, for a cloud that is put together from what was kept of
    /// another one.
    pub fn set_id(&mut self, instance: &str, id: &str) {
        let Some(mut one) = self.instances.remove(instance) else { return };
        one.id = id.into();
        for transition in self.transitions.iter_mut().filter(|one| *one.instance == *instance) {
            transition.instance = id.into();
        }
        self.instances.insert(id.into(), one);
    }

    /// The next machines, so many of them, are taken on and cannot be made.
    pub fn fail_creates(&mut self, count: u32) {
        self.failing = count;
    }

    /// The next machines, so many of them, are in the making for so long.
    pub fn hang_creates(&mut self, count: u32, takes: Span) {
        self.hanging = (count, takes);
    }

    /// From now on new spot machines are taken back after so long; `None` = as the market wants.
    pub fn take_spot_back_after(&mut self, life: Option<Span>) {
        self.spot_life = life;
    }

    /// From now on there is no end of a size.
    pub fn stock_up(&mut self, what: &SizeKey) {
        if let Some(stock) = self.stock.get_mut(what) {
            *stock = None;
        }
    }

    fn row_is_missing(&self, id: &str, now: Time) -> bool {
        self.dials.row_missing_ppm != 0
            && self.draws.rows.fork(id).fork_at(self.period(now)).chance(self.dials.row_missing_ppm)
    }

    /// The number of the lag period `now` lies in.
    fn period(&self, now: Time) -> u64 {
        now.0.max(0).unsigned_abs() / self.dials.lag_period.0.max(1).unsigned_abs()
    }

    fn later(&mut self, at: Time, due: Due) {
        self.sequence += 1;
        self.due.insert((at, self.sequence), due);
    }

    fn owed(&self, now: Time) -> Money {
        self.bill(now).total()
    }
}

#[cfg(test)]
mod tests;
