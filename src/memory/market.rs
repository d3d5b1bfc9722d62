//! What buying has taught: how many machines a zone's quota allows, how often spot machines are lost.

use super::state::{Ceiling, Memory, RefusalMemory, SpotMemory};
use crate::model::{Billing, OfferKey, Refusal, Span, Text, Time};

/// Before anything is known a spot machine is taken to be lost once in so many hours.
const HOURS_A_LOSS: i64 = 50;
/// Older experience fades: at so many hours all of it counts half.
const HOURS_KEPT: i64 = 1000;

impl SpotMemory {
    /// Losses an hour of running, in millionths.
    pub fn losses_ppm(self) -> i64 {
        let hours = self.ran.0 / Span::hours(1).0;
        (self.losses + 1) * 1_000_000 / (hours + HOURS_A_LOSS)
    }

    fn learn(&mut self, ran: Span, lost: bool) {
        self.ran += ran;
        self.losses += i64::from(lost);
        if Span::hours(HOURS_KEPT) < self.ran {
            (self.ran, self.losses) = (Span(self.ran.0 / 2), self.losses / 2);
        }
    }
}

impl Memory {
    /// A machine of an offer has come to its end.
    pub(super) fn spot_ended(&mut self, offer: &OfferKey, ran: Span, lost: bool) {
        if offer.billing == Billing::Spot {
            self.spot.entry(offer.clone()).or_default().learn(ran, lost);
        }
    }

    /// Refusals of an offer, and a quota that it was above, are forgotten.
    pub(super) fn offer_served(&mut self, offer: &OfferKey) {
        self.refusals.remove(offer);
        self.quota_lifted(&offer.zone);
    }

    pub(super) fn offer_refused(
        &mut self,
        offer: &OfferKey,
        class: Refusal,
        until: Time,
        at: Time,
    ) {
        let known = self.refusals.get(offer);
        // The same pause: refused together.
        let more = u32::from(known.is_none_or(|memory| memory.until != until));
        let count = known.map_or(0, |memory| memory.count) + more;
        self.refusals.insert(offer.clone(), RefusalMemory { class, count, at, until });
        if class == Refusal::Quota {
            self.quota_reached(&offer.zone, until);
        }
    }

    /// The zone has as many machines as its quota allows.
    fn quota_reached(&mut self, zone: &Text, until: Time) {
        let here = self.machines.values().filter(|machine| machine.offer.zone == *zone);
        let machines = u32::try_from(here.count()).unwrap_or(u32::MAX);
        self.ceilings.insert(Text::clone(zone), Ceiling { machines, until });
    }

    /// A machine above the ceiling runs: there is none any more.
    fn quota_lifted(&mut self, zone: &Text) {
        let here = self.machines.values().filter(|machine| machine.offer.zone == *zone);
        let count = u32::try_from(here.count()).unwrap_or(u32::MAX);
        if self.ceilings.get(zone).is_some_and(|ceiling| ceiling.machines < count) {
            self.ceilings.remove(zone);
        }
    }
}
