//! What can be asked of the world: looks, which change nothing, and acts, which need a permit.

use serde::{Deserialize, Serialize};

use super::Text;
use super::money::Money;
use super::name::MachineName;
use super::offer::OfferKey;
use super::reading::Reading;
use super::source::SourceId;
use super::time::{Span, Time};

/// A question. Asking twice is harmless.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// Depth and workers of the queue of this name.
    Queue(Text),
    /// Every instance of ours (`DescribeInstanceList`, all pages).
    Fleet,
    /// Instances under one exact name (`DescribeInstanceList` with `SearchInfo`).
    Name(MachineName),
    /// Whether an instance is there at all (`DescribeInstance`), by its id.
    Status(Text),
    /// How far an event is (`DescribeEvent`), read for one instance where it is known.
    Event {
        /// The event.
        event: Text,
        /// Whose task in it.
        instance: Option<Text>,
    },
    /// What is on sale in a zone (`DescribeZoneInstanceType`).
    Stock {
        /// `AvailableZoneCode`.
        zone: Text,
        /// `EcsFamilyName`.
        family: Text,
    },
    /// What an offer costs (`DescribePrice`).
    Quote(OfferKey),
    /// GPU use of an instance (`DescribeInstanceMonitor`).
    Usage(Text),
    /// Disks and public addresses that nothing uses (`DescribeDiskList`, `DescribeEip`); commands ask
    /// it, no plan does.
    Leftovers {
        /// Disks are priced beside machines of these offers.
        beside: Vec<OfferKey>,
    },
}

/// A request that changes something; sent once, never repeated by the world itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// `CreateInstance`, `Number` = 1.
    Create {
        /// The name, used for this request only.
        name: MachineName,
        /// The pool, for image, network and disks.
        pool: Text,
        /// What to buy.
        offer: OfferKey,
        /// Spot: the most to pay for the span prices are quoted for; `None` follows the market.
        bid: Option<Money>,
    },
    /// `OperateInstance` `start_up_ecs`.
    Start {
        /// Which.
        instance: Text,
    },
    /// `OperateInstance` `free_shutdown_ecs`, `DeleteEip` explicit.
    Stop {
        /// Which.
        instance: Text,
    },
    /// `DeleteInstance`, `DeleteEip` explicit.
    Delete {
        /// Which.
        instance: Text,
    },
    /// Ask the queue to give the workers of a machine no more tasks.
    Drain {
        /// The queue.
        queue: Text,
        /// The machine, by the identities its workers may report.
        machine: MachineRef,
    },
    /// Take the drain request back.
    Undrain {
        /// The queue.
        queue: Text,
        /// The machine.
        machine: MachineRef,
    },
}

/// A machine by everything a queue worker may call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineRef {
    /// Our name.
    pub name: MachineName,
    /// The provider's id.
    pub instance: Option<Text>,
    /// Queue workers seen on it.
    pub workers: Vec<Text>,
}

/// The kinds of change to one existing machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Ask its workers to take no more.
    Drain,
    /// Let its workers take tasks again.
    Undrain,
    /// Start it.
    Start,
    /// Stop it without charge.
    Stop,
    /// Delete it.
    Delete,
}

/// Why a request failed for certain. Named by what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No stock: try another offer, come back later.
    SoldOut,
    /// Over a quota: lower the ceiling for a while.
    Quota,
    /// Too many calls: wait.
    Throttled,
    /// The request can never work as configured: tell the operator.
    Config,
    /// No such image in that zone, or not for that GPU: tell the operator.
    Image,
    /// The subnet is gone, or has no address left: tell the operator.
    Subnet,
    /// Key or signature refused: tell the operator.
    Auth,
    /// This machine's clock is too far from the provider's: tell the operator.
    Clock,
    /// No money in the account: tell the operator, do not repeat.
    Money,
    /// Not possible in the machine's present state: look again.
    Conflict,
    /// No such thing: done, for a delete.
    NotFound,
    /// Never left this host: DNS, connect or TLS failed.
    NotSent,
    /// Anything else.
    Other,
}

/// How an act went, as far as the answer tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Taken on; how it ends is told by the event.
    Accepted {
        /// `EventId`; `None` for changes that are done at once.
        event: Option<Text>,
        /// The instance, for a create (`EcsIdSet`).
        instance: Option<Text>,
    },
    /// Refused for certain: nothing was changed.
    Refused {
        /// The class.
        class: Refusal,
        /// Code and message as received, redacted and cut to 300 characters.
        detail: Text,
    },
    /// It may or may not have been carried out, now or later.
    Unknown {
        /// What went wrong.
        detail: Text,
    },
}

/// Why a look gave no reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookFailure {
    /// The class.
    pub class: Refusal,
    /// Code and message as received, redacted and cut to 300 characters.
    pub detail: Text,
}

/// An operator's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Start nothing new until resumed: no create, start, drain, stop or delete.
    Pause {
        /// Who asked.
        owner: Text,
        /// Why.
        reason: Text,
        /// When it ends by itself.
        until: Option<Time>,
    },
    /// End a pause.
    Resume {
        /// Who asked.
        owner: Text,
    },
    /// Decommission the farm: start nothing, let running tasks end, delete everything.
    Retire {
        /// Who asked.
        owner: Text,
    },
    /// Stay after all.
    Stay {
        /// Who asked.
        owner: Text,
    },
    /// Treat machines as ours that another daemon of this farm made or that share a name: that daemon
    /// has been stopped.
    ReleaseTwins {
        /// Who asked.
        owner: Text,
    },
    /// Keep one machine: no drain, stop or delete until released.
    Hold {
        /// Its name or instance id.
        machine: Text,
        /// Who asked.
        owner: Text,
        /// Why.
        reason: Text,
        /// When it ends by itself.
        until: Option<Time>,
    },
    /// End a hold.
    Release {
        /// Its name or instance id.
        machine: Text,
        /// Who asked.
        owner: Text,
    },
}

/// All that can wake the driver: closed, so that one sees it at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// A look ended.
    Looked {
        /// The look.
        look: Look,
        /// When it was asked.
        asked_at: Time,
        /// What was seen, or why nothing was.
        result: Result<Reading, LookFailure>,
    },
    /// An act was answered.
    Answered {
        /// The number the request was started with.
        number: u64,
        /// How it went.
        outcome: Outcome,
    },
    /// An operator spoke.
    Ordered(Order),
    /// The wall clock moved against the monotonic one by this much.
    ClockJumped(Span),
    /// Something is wrong with the way to a source, or no longer.
    Noticed {
        /// With which.
        source: SourceId,
        /// What; `None` = all is well again.
        fault: Option<Text>,
    },
    /// Something may be due: look at the plan again.
    Hint,
    /// The process is to end: start nothing more.
    Stop,
}
