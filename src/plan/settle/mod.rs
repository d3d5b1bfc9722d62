//! Closes intents by what is seen, and turns every wake into events. Pure; cannot fail.

use super::learning::offer_refused;
use crate::memory::{Machine, Memory, PendingState};
use crate::model::event::{ChangeEvent, CreateEvent, EventKind, FarmEvent, SeenEvent};
use crate::model::{
    Change, EventReading, EventStatus, MachineName, OfferKey, Order, Outcome, Quote, Refusal,
    Status, Text, Time,
};
use crate::policy::Policy;

mod heard;
mod listed;

pub use heard::queue_read;
pub use listed::{found_by_name, listed, rows_by_name};

/// What a fact is settled against.
#[derive(Debug, Clone, Copy)]
struct Known<'a> {
    policy: &'a Policy,
    memory: &'a Memory,
    name: &'a MachineName,
    machine: &'a Machine,
}

/// The answer to an act.
pub fn answered(
    policy: &Policy,
    memory: &Memory,
    name: &MachineName,
    change: Option<Change>,
    outcome: Outcome,
    now: Time,
) -> Vec<EventKind> {
    let Some(machine) = memory.machines.get(name) else { return Vec::new() };
    let known = Known { policy, memory, name, machine };
    match change {
        None => known.create_answered(outcome, now),
        Some(change) => known.change_answered(change, outcome, now),
    }
}

impl Known<'_> {
    fn create_answered(self, outcome: Outcome, now: Time) -> Vec<EventKind> {
        let Self { policy, memory, name, machine } = self;
        match outcome {
            Outcome::Accepted { event, instance } => {
                vec![CreateEvent::Accepted { instance, event }.to(name)]
            }
            Outcome::Unknown { detail } => vec![CreateEvent::Unknown { detail }.to(name)],
            Outcome::Refused { class, detail } => {
                let refused = offer_refused(policy, memory, machine, class, now);
                vec![CreateEvent::Refused { class, detail }.to(name), refused]
            }
        }
    }

    fn change_answered(self, change: Change, outcome: Outcome, now: Time) -> Vec<EventKind> {
        let Self { policy, memory, name, machine } = self;
        let matches = machine.pending.as_ref().is_some_and(|pending| pending.change == change);
        if !matches {
            return Vec::new();
        }
        let at_once = matches!(change, Change::Drain | Change::Undrain);
        let event = match outcome {
            Outcome::Accepted { .. } if at_once => ChangeEvent::Done { effective_at: None },
            Outcome::Unknown { detail } if at_once => ChangeEvent::Failed { detail },
            Outcome::Accepted { event, .. } => ChangeEvent::Accepted { event },
            Outcome::Unknown { detail } => ChangeEvent::Unknown { detail },
            Outcome::Refused { class, detail } => {
                let mut events = vec![ChangeEvent::Refused { class, detail }.to(name, change)];
                if change == Change::Start && matches!(class, Refusal::SoldOut | Refusal::Quota) {
                    events.push(offer_refused(policy, memory, machine, class, now));
                }
                return events;
            }
        };
        vec![event.to(name, change)]
    }

    /// What an event says, if this machine waits for it.
    fn event_read(self, reading: &EventReading, now: Time) -> Option<Vec<EventKind>> {
        let Self { policy, memory, name, machine } = self;
        let waits = |event: &Option<Text>| event.as_ref() == Some(&reading.event);
        if machine.create_event() == Some(&reading.event) && reading.status == EventStatus::Failed {
            let refused = offer_refused(policy, memory, machine, Refusal::Other, now);
            let detail = "its event failed".into();
            return Some(vec![CreateEvent::Failed { detail }.to(name), refused]);
        }
        let pending = machine.pending.as_ref()?;
        let PendingState::Accepted { event } = &pending.state else { return None };
        waits(event).then(|| self.change_ended(pending.change, reading).into_iter().collect())
    }

    fn change_ended(self, change: Change, reading: &EventReading) -> Option<EventKind> {
        let event = match &reading.status {
            EventStatus::Running | EventStatus::Other(_) => return None,
            EventStatus::Failed => ChangeEvent::Failed { detail: "its event failed".into() },
            EventStatus::Done => {
                let start = change == Change::Start;
                let effective_at = if start { reading.created_at } else { reading.ended_at };
                ChangeEvent::Done { effective_at }
            }
        };
        Some(event.to(self.name, change))
    }
}

/// What an event says of the request that waits for it.
pub fn event_read(
    policy: &Policy,
    memory: &Memory,
    reading: &EventReading,
    now: Time,
) -> Vec<EventKind> {
    let mut machines = memory.machines.iter();
    let said = machines.find_map(|(name, machine)| {
        Known { policy, memory, name, machine }.event_read(reading, now)
    });
    said.unwrap_or_default()
}

/// A machine that listings miss was asked for by its id.
pub fn status_read(memory: &Memory, instance: &Text, status: Option<Status>) -> Vec<EventKind> {
    let mut machines = memory.machines.iter();
    let missed = machines.find(|(_, one)| {
        one.instance.as_ref() == Some(instance)
            && one.sighting.missed.is_some_and(|missed| !missed.denied)
    });
    let is_there = status.is_some_and(|status| !matches!(status, Status::Gone | Status::Failed));
    let said = if is_there { SeenEvent::KnownById } else { SeenEvent::UnknownById };
    missed.map(|(name, _)| said.to(name)).into_iter().collect()
}

/// A price was asked for: machines of unknown price are taken to have been bought at it.
pub fn quoted(policy: &Policy, memory: &Memory, offer: &OfferKey, quote: Quote) -> Vec<EventKind> {
    let unquoted = memory
        .machines
        .iter()
        .filter(|(_, machine)| machine.quote.is_none() && machine.offer == *offer);
    let quote_of = |machine: &Machine| {
        let known = policy.pool(&machine.pool).and_then(|pool| pool.offer(offer));
        Quote { unit: known.map_or(quote.unit, |offer| offer.billing_unit), ..quote }
    };
    unquoted
        .map(|(name, machine)| SeenEvent::Quoted { quote: quote_of(machine) }.to(name))
        .collect()
}

/// An operator's order. One about a machine that is not there brings nothing.
pub fn ordered(memory: &Memory, order: Order) -> Option<EventKind> {
    let named = |machine: &str| {
        let is_it = |name: &MachineName, one: &Machine| {
            name.as_str() == machine || one.instance.as_deref() == Some(machine)
        };
        memory.machines.iter().find(|(name, one)| is_it(name, one)).map(|(name, _)| name.clone())
    };
    Some(match order {
        Order::Pause { owner, reason, until } => FarmEvent::Paused { owner, reason, until }.into(),
        Order::Resume { owner } => FarmEvent::Resumed { owner }.into(),
        Order::Retire { owner } => FarmEvent::Retiring { owner }.into(),
        Order::Stay { owner } => FarmEvent::RetireCancelled { owner }.into(),
        Order::ReleaseTwins { owner } => FarmEvent::TwinsReleased { owner }.into(),
        Order::Hold { machine, owner, reason, until } => {
            SeenEvent::Held { owner, reason, until }.to(&named(&machine)?)
        }
        Order::Release { machine, owner } => SeenEvent::Released { owner }.to(&named(&machine)?),
    })
}
