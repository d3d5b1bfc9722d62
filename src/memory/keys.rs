//! Which records of the store an event may have changed.

use crate::model::event::{
    ChangeEvent, CreateEvent, EventKind, FarmEvent, MachineEvent, OfferEvent, SeenEvent,
};
use crate::model::snapshot::DayEntry;
use crate::model::{BootLine, Event, MachineName, OfferKey, Text};

/// Names one record of the store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Single facts.
    Meta,
    /// A machine.
    Machine(MachineName),
    /// A watched name.
    Tombstone(MachineName),
    /// A refused offer.
    Refusal(OfferKey),
    /// Boots of one kind.
    Boots(BootLine),
    /// Spot machines of one offer.
    Spot(OfferKey),
    /// What comes of a queue's work.
    Progress(Text),
    /// A zone's quota.
    Ceiling(Text),
    /// Money of a pool and offer.
    Account(Text, OfferKey),
    /// Money of a day and pool.
    Day(Text, Text),
}

impl Key {
    /// The keys an event may have changed.
    pub fn touched_by(event: &Event) -> Vec<Self> {
        match &event.kind {
            EventKind::Farm(event) => Self::of_farm(event),
            EventKind::Offer { offer, event } => Self::of_offer(offer, event),
            EventKind::Machine { name, event } => Self::of_machine(name, event),
        }
    }

    fn of_farm(event: &FarmEvent) -> Vec<Self> {
        if let FarmEvent::TaskEnded { queue, .. } = event {
            return vec![Self::Progress(Text::clone(queue))];
        }
        let mut keys = vec![Self::Meta];
        if let FarmEvent::DayTurned { ended, ended_day, dropped, .. } = event {
            let dropped = dropped.iter().cloned();
            keys.extend(dropped.map(|(day, pool)| Self::Day(day, pool)));
            for DayEntry { pool, offer, .. } in ended {
                keys.push(Self::Account(Text::clone(pool), offer.clone()));
                let day = ended_day.iter();
                keys.extend(day.map(|day| Self::Day(Text::clone(day), Text::clone(pool))));
            }
        }
        keys
    }

    fn of_offer(offer: &OfferKey, event: &OfferEvent) -> Vec<Self> {
        match event {
            OfferEvent::OfferRefused { .. } | OfferEvent::OfferServed => {
                vec![Self::Refusal(offer.clone()), Self::Ceiling(Text::clone(&offer.zone))]
            }
            OfferEvent::Ended { pool, queue, .. } => {
                let account = Self::Account(Text::clone(pool), offer.clone());
                vec![Self::Spot(offer.clone()), account, Self::Progress(Text::clone(queue))]
            }
        }
    }

    fn of_machine(name: &MachineName, event: &MachineEvent) -> Vec<Self> {
        let mut keys = vec![Self::Machine(name.clone())];
        match event {
            MachineEvent::Create(
                CreateEvent::Refused { .. } | CreateEvent::Failed { .. } | CreateEvent::Expired,
            )
            | MachineEvent::Change { event: ChangeEvent::Done { .. }, .. }
            | MachineEvent::Seen(
                SeenEvent::Vanished | SeenEvent::Adopted { .. } | SeenEvent::TombstoneDropped,
            ) => keys.extend([Self::Tombstone(name.clone()), Self::Meta]),
            MachineEvent::Create(CreateEvent::Intended { .. } | CreateEvent::Unknown { .. })
            | MachineEvent::Change {
                event:
                    ChangeEvent::Intended { .. }
                    | ChangeEvent::Unknown { .. }
                    | ChangeEvent::Refused { .. },
                ..
            }
            | MachineEvent::Seen(SeenEvent::StopCharged) => keys.push(Self::Meta),
            MachineEvent::Seen(
                SeenEvent::Booted { line, .. } | SeenEvent::BootFailed { line, .. },
            ) => keys.push(Self::Boots(line.clone())),
            // Of the machine alone.
            MachineEvent::Create(CreateEvent::Accepted { .. })
            | MachineEvent::Change {
                event: ChangeEvent::Accepted { .. } | ChangeEvent::Failed { .. },
                ..
            }
            | MachineEvent::Seen(
                SeenEvent::Found { .. }
                | SeenEvent::Held { .. }
                | SeenEvent::Released { .. }
                | SeenEvent::StatusSeen { .. }
                | SeenEvent::UnexpectedStatus { .. }
                | SeenEvent::StatusNormal
                | SeenEvent::Missed
                | SeenEvent::UnknownById
                | SeenEvent::KnownById
                | SeenEvent::Reappeared
                | SeenEvent::ChangeSeen
                | SeenEvent::WorkerSeen { .. }
                | SeenEvent::AssumedReady
                | SeenEvent::Reclaimed { .. }
                | SeenEvent::Quoted { .. },
            ) => {}
        }
        keys
    }

    /// As text, for the store.
    pub fn text(&self) -> String {
        match self {
            Self::Meta => "meta".to_owned(),
            Self::Machine(name) => format!("machine/{name}"),
            Self::Tombstone(name) => format!("tombstone/{name}"),
            Self::Refusal(offer) => format!("refusal/{offer}"),
            Self::Boots(line) => format!("boots/{line}"),
            Self::Spot(offer) => format!("spot/{offer}"),
            Self::Progress(queue) => format!("progress/{queue}"),
            Self::Ceiling(zone) => format!("ceiling/{zone}"),
            Self::Account(pool, offer) => format!("account/{pool}/{offer}"),
            Self::Day(day, pool) => format!("day/{day}/{pool}"),
        }
    }
}
