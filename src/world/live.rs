//! The real world: requests are carried out on tokio, their ends come back as wakes.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use secrecy::ExposeSecret;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinError;

use super::purchase::{CloudSettings, Purchase};
use super::{Request, World, vendor};
use crate::clock::Clock;
use crate::cloud::actions::Service;
use crate::cloud::client::off_by;
use crate::cloud::instances::{Accepted, Operation};
use crate::cloud::throttle::Pressure;
use crate::cloud::{CallError, Client, password};
use crate::model::{
    Act, InstanceRow, Leftover, Listing, Look, LookFailure, MachineRef, Money, OfferKey, Outcome,
    Price, QueueReading, Reading, Refusal, SourceId, Span, StockReading, Text, Time, UsageReading,
    Wake,
};
use crate::queue::Queue;

/// Wakes that may wait for the driver.
const WAKES_MAX: usize = 4096;
/// Zones change rarely.
const ZONES_AGE_MAX: Span = Span::hours(1);
/// A call that waits longer is told of.
const WAITS_LONG: Span = Span::seconds(30);
/// Figures of a fault that lasts are told anew this often.
const TOLD_AGAIN: Span = Span::seconds(30);
/// GPU use older than this says nothing about now.
const USAGE_AGE_MAX: Span = Span::minutes(10);

/// The live world, as the driver's thread holds it.
#[derive(Debug)]
pub struct Live {
    reach: Arc<Reach>,
    runtime: Handle,
    sender: WakeSender,
    wakes: Receiver<Wake>,
}

/// Puts wakes in from outside: orders, a stop.
#[derive(Debug, Clone)]
pub struct WakeSender(Sender<Wake>);

/// What requests are carried out with.
#[derive(Debug)]
struct Reach {
    cloud: Client,
    settings: CloudSettings,
    queues: BTreeMap<Text, Queue>,
    prefix: Text,
    clock: Clock,
    zones: Mutex<(Time, BTreeMap<Text, Text>)>,
    told: Told,
}

/// What was last said to be wrong with the way to the cloud, and when.
type Told = std::sync::Mutex<BTreeMap<SourceId, (Time, Text)>>;

impl WakeSender {
    /// Puts a wake in; `false` if the driver is gone or far behind.
    pub fn send(&self, wake: Wake) -> bool {
        self.0.try_send(wake).is_ok()
    }
}

impl Live {
    /// A world that reaches `cloud` and `queues`; machines of ours start with `prefix`. Must be
    /// made within the runtime that will carry requests out.
    pub fn new(
        cloud: Client,
        settings: CloudSettings,
        queues: BTreeMap<Text, Queue>,
        prefix: &str,
        clock: Clock,
    ) -> Self {
        let (sender, wakes) = mpsc::channel(WAKES_MAX);
        let reach = Reach {
            cloud,
            settings,
            queues,
            prefix: prefix.into(),
            clock,
            zones: Mutex::default(),
            told: Told::default(),
        };
        let (reach, sender) = (Arc::new(reach), WakeSender(sender));
        Self { reach, runtime: Handle::current(), sender, wakes }
    }

    /// A way to put wakes in.
    pub fn sender(&self) -> WakeSender {
        self.sender.clone()
    }
}

impl World for Live {
    fn now(&self) -> Time {
        self.reach.clock.now()
    }

    fn start(&mut self, request: Request) {
        let (reach, sender) = (Arc::clone(&self.reach), self.sender.0.clone());
        self.runtime.spawn(async move {
            let wake = match request {
                Request::Look(look) => {
                    let (asked_at, moved) = (reach.clock.now(), reach.clock.moved());
                    let result = reach.guarded_look(&look, asked_at).await;
                    let jump = reach.clock.moved() - moved;
                    if jump == Span::ZERO {
                        Wake::Looked { look, asked_at, result }
                    } else {
                        // Its times are by a clock that has been set meanwhile.
                        let detail = "the clock was set while it was asked".into();
                        let failure = LookFailure { class: Refusal::Clock, detail };
                        Wake::Looked { look, asked_at: asked_at + jump, result: Err(failure) }
                    }
                }
                Request::Act { number, act, .. } => {
                    Wake::Answered { number, outcome: reach.guarded_act(act).await }
                }
            };
            // The driver has ended: what came of the request is found at the next start.
            sender.send(wake).await.ok();
            for notice in reach.notices() {
                sender.send(notice).await.ok();
            }
        });
    }

    fn next(&mut self, deadline: Time) -> Option<Wake> {
        if let Some(jump) = self.reach.clock.follow_wall() {
            tracing::warn!(%jump, "this machine's clock was set, or it slept: time moves along");
            return Some(Wake::ClockJumped(jump));
        }
        if let Ok(wake) = self.wakes.try_recv() {
            return Some(wake);
        }
        let (reach, wakes) = (&self.reach, &mut self.wakes);
        self.runtime.block_on(async {
            tokio::select! {
                wake = wakes.recv() => wake,
                () = reach.clock.sleep_until(deadline) => None,
            }
        })
    }
}

/// What a request brings; a panic in it is the fault of this request alone, and is told as its end.
async fn guarded<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
    otherwise: impl FnOnce(Text) -> T,
) -> T {
    let fault = |error: JoinError| format!("a fault in farmscale, please report it: {error}");
    tokio::spawn(work).await.unwrap_or_else(|error| otherwise(fault(error).into()))
}

impl Reach {
    async fn guarded_look(
        self: &Arc<Self>,
        look: &Look,
        asked_at: Time,
    ) -> Result<Reading, LookFailure> {
        let (reach, look) = (Arc::clone(self), look.clone());
        let work = async move { reach.look(&look, asked_at).await };
        guarded(work, |detail| Err(LookFailure { class: Refusal::Other, detail })).await
    }

    /// What has become of a change that was cut off by a panic nobody knows.
    async fn guarded_act(self: &Arc<Self>, act: Act) -> Outcome {
        let reach = Arc::clone(self);
        guarded(async move { reach.act(&act).await }, |detail| Outcome::Unknown { detail }).await
    }

    async fn look(&self, look: &Look, asked_at: Time) -> Result<Reading, LookFailure> {
        let cloud = &self.cloud;
        match look {
            Look::Queue(name) => self.queue(name, asked_at).await.map(Reading::Queue),
            Look::Fleet => {
                let mut rows = self.rows(&self.prefix).await?;
                rows.retain(|row| row.name.starts_with(&*self.prefix));
                Ok(Reading::Fleet(Listing { asked_at, rows }))
            }
            Look::Name(name) => {
                let mut rows = self.rows(name.as_str()).await?;
                rows.retain(|row| *row.name == *name.as_str());
                Ok(Reading::Name(Listing { asked_at, rows }))
            }
            Look::Status(instance) => {
                let status = match cloud.instance(instance).await {
                    Ok(detail) => Some(detail.status),
                    Err(error) if error.class() == Refusal::NotFound => None,
                    Err(error) => return Err(failure(&error)),
                };
                Ok(Reading::Status { instance: Text::clone(instance), status })
            }
            Look::Event { event, instance } => {
                let detail = cloud.event_detail(Service::Ecs, event).await;
                let reading = detail.map(|detail| vendor::event(detail, instance.as_deref()));
                reading.map(Reading::Event).map_err(|error| failure(&error))
            }
            Look::Stock { zone, family } => {
                let sizes = cloud.stock(zone, family).await.map_err(|error| failure(&error))?;
                let (zone, family) = (Text::clone(zone), Text::clone(family));
                Ok(Reading::Stock(StockReading { asked_at, zone, family, sizes }))
            }
            Look::Quote(offer) => {
                let purchases = &self.settings.purchases;
                // A machine may be left in a zone that is bought in no more: any disk gives its price.
                let there = purchases.iter().find(|one| one.zone == offer.zone);
                let Some(purchase) = there.or(purchases.first()) else {
                    let detail = format!("no pool buys in zone {}", offer.zone).into();
                    return Err(LookFailure { class: Refusal::Config, detail });
                };
                let quote = vendor::quote(cloud, offer, &purchase.system_disk(), asked_at)
                    .await
                    .map_err(|error| failure(&error))?;
                Ok(Reading::Quote(offer.clone(), quote))
            }
            Look::Usage(instance) => {
                let percent = cloud.gpu_percent(instance, asked_at, USAGE_AGE_MAX).await;
                let (gpu_percent, measured_at) = percent.map_err(|error| failure(&error))?.unzip();
                let instance = Text::clone(instance);
                Ok(Reading::Usage(UsageReading { asked_at, instance, gpu_percent, measured_at }))
            }
            Look::Leftovers { beside } => self.leftovers(beside).await.map(Reading::Leftovers),
        }
    }

    /// What nothing uses, with what an hour of a disk costs: the difference that it makes to a machine
    /// in its zone.
    async fn leftovers(&self, beside: &[OfferKey]) -> Result<Vec<Leftover>, LookFailure> {
        let found = self.cloud.leftovers().await.map_err(|error| failure(&error))?;
        let mut found: Vec<Leftover> = found.into_iter().map(vendor::leftover).collect();
        let mut prices: BTreeMap<(Text, u32), Option<Money>> = BTreeMap::new();
        for one in &mut found {
            let Some(gib) = one.gib else { continue }; // no action that is known prices an address
            let key = (Text::clone(&one.place), gib);
            if !prices.contains_key(&key) {
                let price = self.disk_hourly(beside, &one.place, gib).await;
                prices.insert(key.clone(), price);
            }
            one.hourly = prices.get(&key).copied().flatten();
        }
        Ok(found)
    }

    async fn disk_hourly(&self, beside: &[OfferKey], zone: &str, gib: u32) -> Option<Money> {
        let (offer, purchase) =
            beside.iter().filter(|offer| *offer.zone == *zone).find_map(|offer| {
                let is_it = |one: &&Purchase| one.zone == offer.zone && one.family == offer.family;
                let purchase = self.settings.purchases.iter().find(is_it)?;
                (purchase.system_disk_feature == "ssd").then_some((offer, purchase))
            })?;
        // Not worth a failure: the list is right without.
        let disk = purchase.system_disk();
        let price = vendor::data_disk_price(&self.cloud, offer, &disk, gib).await;
        price.ok().map(Price::per_hour)
    }

    /// What is wrong with the way to the cloud, where that is news.
    fn notices(&self) -> Vec<Wake> {
        let now = self.clock.now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut notices = Vec::new();
        for (source, fault) in
            [(SourceId::Clock, self.clock_fault()), (SourceId::Calls, self.call_fault())]
        {
            let is_news = match (told.get(&source), &fault) {
                (None, None) => false,
                (Some((at, old)), Some(new)) => old != new && *at + TOLD_AGAIN <= now,
                (None, Some(_)) | (Some(_), None) => true,
            };
            if is_news {
                match &fault {
                    Some(fault) => drop(told.insert(source.clone(), (now, Text::clone(fault)))),
                    None => drop(told.remove(&source)),
                }
                notices.push(Wake::Noticed { source, fault });
            }
        }
        notices
    }

    fn clock_fault(&self) -> Option<Text> {
        let off = off_by(self.cloud.skew()?);
        let what =
            format!("{off} by the cloud's: set this machine's clock (timedatectl set-ntp true)");
        Some(what.into())
    }

    /// Calls that wait too long, or are not sent for that.
    fn call_fault(&self) -> Option<Text> {
        let (pressure, per_second) = self.cloud.pressure();
        let late = |one: &&Pressure| WAITS_LONG < one.longest || one.turned_away != 0;
        let words = |one: &Pressure| {
            let Pressure { need, waiting, longest, turned_away } = one;
            match turned_away {
                0 => format!("{waiting} {need} wait, the first for {longest}"),
                away => format!("{away} {need} of the last minute were not sent"),
            }
        };
        let late: Vec<String> = pressure.iter().filter(late).map(words).collect();
        let limit = format!("{per_second} calls a second are allowed (`cloud.calls_per_second`)");
        (!late.is_empty()).then(|| format!("{}: {limit}", late.join(", ")).into())
    }

    async fn queue(&self, name: &str, asked_at: Time) -> Result<QueueReading, LookFailure> {
        self.source(name)?.read(asked_at).await
    }

    fn source(&self, name: &str) -> Result<&Queue, LookFailure> {
        self.queues.get(name).ok_or_else(|| {
            let detail = format!("there is no queue called {name}").into();
            LookFailure { class: Refusal::Config, detail }
        })
    }

    /// A source that cannot drain has nobody to tell; the plan lets its machines go only where the
    /// operator has said so (`idle = "assume"`).
    async fn drain(
        &self,
        queue: &str,
        machine: &MachineRef,
        drained: bool,
    ) -> Result<(), LookFailure> {
        let source = self.source(queue)?;
        match drained {
            _ if !source.drains() => Ok(()),
            true => source.drain(machine).await,
            false => source.undrain(machine).await,
        }
    }

    async fn rows(&self, search: &str) -> Result<Vec<InstanceRow>, LookFailure> {
        let zones = self.zones().await.map_err(|error| failure(&error))?;
        let rows = self.cloud.instances(search, &zones).await.map_err(|error| failure(&error))?;
        Ok(rows.into_iter().map(vendor::row).collect())
    }

    /// `AzId` → zone code, asked for once an hour.
    async fn zones(&self) -> Result<BTreeMap<Text, Text>, CallError> {
        let mut cache = self.zones.lock().await;
        let now = self.clock.now();
        if cache.1.is_empty() || cache.0 + ZONES_AGE_MAX < now {
            let zones = self.cloud.zones().await?;
            *cache = (now, zones.into_iter().map(|zone| (zone.id, zone.code)).collect());
        }
        Ok(cache.1.clone())
    }

    async fn act(&self, act: &Act) -> Outcome {
        match act {
            Act::Create { name, pool, offer, bid } => {
                let Some(purchase) = self.settings.purchase(pool, offer) else {
                    let detail = format!("pool {pool} does not buy in zone {}", offer.zone);
                    return Outcome::Refused { class: Refusal::Config, detail: detail.into() };
                };
                let secret = purchase
                    .password
                    .as_ref()
                    .map_or_else(password::random, |fixed| fixed.expose_secret().to_owned());
                let wanted = vendor::offer(offer);
                let new =
                    purchase.new_instance(name.as_str(), &wanted, offer.billing, *bid, &secret);
                outcome(self.cloud.create(&new).await)
            }
            Act::Start { instance } => {
                outcome(self.cloud.operate(&[instance], Operation::Start).await)
            }
            Act::Stop { instance } => {
                outcome(self.cloud.operate(&[instance], Operation::FreeStop).await)
            }
            Act::Delete { instance } => outcome(self.cloud.delete(&[instance], true).await),
            Act::Drain { queue, machine } => said(self.drain(queue, machine, true).await),
            Act::Undrain { queue, machine } => said(self.drain(queue, machine, false).await),
        }
    }
}

fn failure(error: &CallError) -> LookFailure {
    LookFailure { class: error.class(), detail: error.to_string().into() }
}

fn outcome(result: Result<Accepted, CallError>) -> Outcome {
    match result {
        Ok(Accepted { event, made }) => {
            Outcome::Accepted { event, instance: made.into_iter().next() }
        }
        Err(error @ (CallError::NotSent(_) | CallError::Refused { .. })) => {
            Outcome::Refused { class: error.class(), detail: error.to_string().into() }
        }
        Err(error) => Outcome::Unknown { detail: error.to_string().into() },
    }
}

fn said(result: Result<(), LookFailure>) -> Outcome {
    match result {
        Ok(()) => Outcome::Accepted { event: None, instance: None },
        Err(LookFailure { class, detail }) => Outcome::Refused { class, detail },
    }
}
