//! What holds the farm back, as a fact; its words are in telemetry.

use super::Text;
use super::action::Refusal;
use super::boot::BootLine;
use super::ledger::CapSpan;
use super::money::Money;
use super::name::MachineName;
use super::offer::OfferKey;
use super::time::{Span, Time};

/// One thing that holds the farm back. Every variant has a paragraph in docs/operations.md.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blocked {
    /// The daemon has not yet seen the whole farm.
    NotAdopted,
    /// An operator's pause.
    Paused {
        /// Who asked.
        owner: Text,
        /// Why.
        reason: Text,
    },
    /// The queue has not answered, or its answer is too old.
    QueueStale {
        /// What the source last said.
        detail: Text,
    },
    /// The fleet has not been listed lately.
    FleetStale {
        /// What the provider last said.
        detail: Text,
    },
    /// Queue and fleet readings are too far apart to shrink on.
    ReadingsApart,
    /// The wall clock jumped; shrinking waits.
    ClockJumped {
        /// Until when.
        until: Time,
    },
    /// The pool's `max`.
    PoolMax {
        /// `max` now.
        max: u32,
    },
    /// The farm's `max`.
    FarmMax {
        /// `max`.
        max: u32,
    },
    /// There are more machines than `max` allows: it was lowered, or a window has ended.
    AboveMax {
        /// Of one pool; `None` = of the farm.
        pool: Option<Text>,
        /// `max` now.
        max: u32,
        /// How many are above it.
        machines: u32,
        /// They work until no task waits, instead of going as their tasks end.
        finish_queue: bool,
    },
    /// The pool's `min` keeps idle machines.
    PoolMin {
        /// `min` now.
        min: u32,
    },
    /// A cap on money is reached by what is spent and reserved.
    MoneyCap {
        /// Of one pool; `None` = of the farm.
        pool: Option<Text>,
        /// Over which time.
        span: CapSpan,
        /// The cap.
        cap: Money,
        /// Spent and reserved.
        committed: Money,
        /// That of the next day, a whole one on which what runs goes on, rather than of today.
        next_day: bool,
        /// What one more machine takes of it.
        more: Money,
    },
    /// A cap on money is near: one machine at a time is made.
    MoneySoft {
        /// Of one pool; `None` = of the farm.
        pool: Option<Text>,
        /// Over which time.
        span: CapSpan,
        /// The cap.
        cap: Money,
        /// Spent and reserved.
        committed: Money,
    },
    /// As many creates are open as are allowed.
    OpenCreates {
        /// How many.
        limit: u32,
    },
    /// As many machines are on their way, or were asked for within the window, as `surge` allows.
    Surge {
        /// How many.
        limit: u32,
    },
    /// Stops or deletes within the window.
    ShrinkWindow {
        /// How many are allowed in it.
        limit: u32,
    },
    /// An offer is not on sale.
    SoldOut {
        /// Which.
        offer: OfferKey,
    },
    /// An offer was refused a while ago.
    OfferRefused {
        /// Which.
        offer: OfferKey,
        /// Class.
        class: Refusal,
        /// Left alone until then.
        until: Time,
    },
    /// An offer was refused a while ago; one machine tries whether it can be had again.
    Probing {
        /// Which.
        offer: OfferKey,
        /// Class of the refusal.
        class: Refusal,
    },
    /// The zone's quota allows no further machine, by the provider's last refusal.
    QuotaCeiling {
        /// `AvailableZoneCode`.
        zone: Text,
        /// Machines of ours there when it was refused.
        machines: u32,
        /// One tries again then.
        next_try: Time,
    },
    /// The market asks more for a spot machine than the pool pays.
    SpotTooDear {
        /// Which.
        offer: OfferKey,
        /// What the market asks for an hour.
        hourly: Money,
        /// What the pool pays at most.
        most: Money,
    },
    /// A price is bought at that should have been asked for anew and could not be.
    PriceStale {
        /// Which.
        offer: OfferKey,
        /// How old it is.
        age: Span,
    },
    /// A licence or another limit shared by pools.
    Shared {
        /// Its name in `[limits]`.
        name: Text,
        /// Slots it allows over all pools; `None` = its source does not say.
        count: Option<u32>,
    },
    /// An offer's price is not known, too old, or in a unit that is not understood.
    NoPrice {
        /// Which.
        offer: OfferKey,
        /// What the source last said.
        detail: Text,
    },
    /// An offer's stock is not known yet.
    NoStock {
        /// Which.
        offer: OfferKey,
        /// What the source last said.
        detail: Text,
    },
    /// No offer of the pool has the GPUs or the GPU memory a task needs.
    NothingFits {
        /// GPUs.
        gpus: u32,
        /// Memory of each, in GiB.
        gpu_memory_gib: u32,
    },
    /// Boots of an offer bring no workers: one machine at a time tries again.
    BootsFail {
        /// Which boots.
        line: BootLine,
        /// How many in a row.
        failed: u32,
        /// When one may try again; `None` = it does.
        next_try: Option<Time>,
    },
    /// Tasks wait on purpose: machines there or on their way will start them as promised.
    WithinPromise {
        /// How many.
        waiting: u32,
        /// What is promised.
        wait: Span,
    },
    /// The queue can neither say who is busy nor drain: ready machines are not stopped.
    CannotTellIdle,
    /// A stop that should have been free of charge was not: machines are deleted instead.
    StopsCharged {
        /// When that was last seen.
        since: Time,
    },
    /// The farm is being decommissioned (`farmscale retire`): nothing is started.
    Retiring {
        /// Who asked.
        owner: Text,
    },
    /// A machine that is not needed is kept by an operator (`farmscale hold`).
    Held {
        /// Which.
        machine: MachineName,
        /// Who.
        owner: Text,
        /// Why.
        reason: Text,
    },
    /// The queue says idle but the GPU is in use.
    GpuBusy {
        /// Which.
        machine: MachineName,
        /// Percent.
        percent: u32,
    },
    /// The provider shows a machine in a bad status: nothing is done to it for a while, and its work
    /// is replaced.
    Quarantined {
        /// Which.
        machine: MachineName,
        /// As listed.
        status: Text,
    },
    /// The account is in arrears and the provider takes a machine back: nothing is bought or deleted.
    Arrears {
        /// Which.
        machine: MachineName,
    },
    /// The provider shows a machine in a status nobody knows.
    UnexpectedStatus {
        /// Which.
        machine: MachineName,
        /// As listed.
        status: Text,
    },
    /// The provider makes a machine for longer than any boot takes, and lets nobody delete it meanwhile.
    StaysBuilding {
        /// Which.
        machine: MachineName,
        /// So long.
        lasted: Span,
    },
    /// Machines are lost at work, and no task ends: nothing comes of what is spent.
    NoProgress {
        /// So many since a task last ended.
        lost: u32,
        /// When that was; `None` = none has been seen to end.
        ended_at: Option<Time>,
    },
    /// A task loses its worker again and again: it may be what kills them.
    TaskRestarts {
        /// Its number, and its job where the source names one.
        task: Text,
        /// So often.
        times: u32,
    },
    /// A machine's workers have not answered their drain for long.
    DrainLasts {
        /// Which.
        machine: MachineName,
        /// So long.
        lasted: Span,
    },
    /// The queue says busy, and the GPU does nothing, for longer than tasks take.
    Hung {
        /// Which.
        machine: MachineName,
        /// It has done nothing for so long.
        unused_for: Span,
    },
    /// All ready machines of a pool fell silent at once: that is not believed for a while.
    AllSilent {
        /// How many.
        machines: u32,
    },
    /// Monitoring shows no use of any busy machine of the pool: monitoring is not believed.
    MonitoringDead {
        /// So many busy machines.
        machines: u32,
    },
    /// As many hung machines were replaced within an hour as is allowed.
    HungEnough {
        /// How many are allowed.
        limit: u32,
    },
    /// Machines that are too old, or made from other settings than today's, are replaced a few at a
    /// time.
    Replacing {
        /// How many are left.
        left: u32,
    },
    /// Machines of a pool that is not in the config any more.
    PoolGone {
        /// Its name.
        pool: Text,
        /// How many.
        machines: u32,
    },
    /// An instance carries a name that two machines have: nothing is done to either.
    NameTwice {
        /// Which.
        machine: MachineName,
    },
    /// Another daemon of this farm makes machines: nothing is bought, and nothing done to its machines.
    SecondDaemon {
        /// One of them.
        machine: MachineName,
    },
    /// A worker at work names a machine that nobody knows: it may sit on any that is not heard.
    UnknownWorker {
        /// The worker.
        worker: Text,
        /// What it calls its machine.
        machine: Text,
    },
}

/// How much a constraint decides: what people are told first. **The order is the order of strength.**
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Nothing is changed at all, whatever the work asks for.
    Halts,
    /// Money is spent and nothing comes of it.
    Wastes,
    /// What would have to be known is not: no decision rests on it.
    Blinds,
    /// A limit the operator or the provider has set forbids more.
    Caps,
    /// What is wanted cannot be bought, or not now.
    Market,
    /// A machine, or several, misbehave or are on their way out.
    Machines,
    /// The pool is kept larger or smaller on purpose.
    Chosen,
}

impl Blocked {
    /// How much it decides.
    pub const fn strength(&self) -> Strength {
        match self {
            Self::NotAdopted
            | Self::Paused { .. }
            | Self::FleetStale { .. }
            | Self::Arrears { .. }
            | Self::SecondDaemon { .. }
            | Self::Retiring { .. } => Strength::Halts,
            Self::NoProgress { .. } => Strength::Wastes,
            Self::QueueStale { .. }
            | Self::ReadingsApart
            | Self::ClockJumped { .. }
            | Self::CannotTellIdle
            | Self::AllSilent { .. }
            | Self::MonitoringDead { .. } => Strength::Blinds,
            Self::AboveMax { .. }
            | Self::PoolMax { .. }
            | Self::FarmMax { .. }
            | Self::MoneyCap { .. }
            | Self::MoneySoft { .. }
            | Self::OpenCreates { .. }
            | Self::Surge { .. }
            | Self::Shared { .. } => Strength::Caps,
            Self::SoldOut { .. }
            | Self::OfferRefused { .. }
            | Self::Probing { .. }
            | Self::QuotaCeiling { .. }
            | Self::SpotTooDear { .. }
            | Self::PriceStale { .. }
            | Self::NoPrice { .. }
            | Self::NoStock { .. }
            | Self::NothingFits { .. }
            | Self::BootsFail { .. } => Strength::Market,
            Self::NameTwice { .. }
            | Self::UnknownWorker { .. }
            | Self::TaskRestarts { .. }
            | Self::Quarantined { .. }
            | Self::UnexpectedStatus { .. }
            | Self::GpuBusy { .. }
            | Self::StaysBuilding { .. }
            | Self::DrainLasts { .. }
            | Self::Hung { .. }
            | Self::HungEnough { .. }
            | Self::PoolGone { .. }
            | Self::StopsCharged { .. } => Strength::Machines,
            Self::PoolMin { .. }
            | Self::ShrinkWindow { .. }
            | Self::WithinPromise { .. }
            | Self::Held { .. }
            | Self::Replacing { .. } => Strength::Chosen,
        }
    }
}
