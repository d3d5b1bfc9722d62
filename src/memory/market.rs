//! What buying has taught: how many machines a zone's quota allows, how often spot machines are lost.

use super::state::{Ceiling, Memory, RefusalMemory, SpotEnd, SpotMemory};
use crate::model::{Billing, OfferKey, Refusal, Span, Text, Time};

/// Before anything is known a spot machine is taken to be lost once in so many hours…
const HOURS_A_LOSS: i64 = 50;
/// …and that counts as much as a fifth of a loss does.
const PRIOR: i64 = 5;
/// Older experience fades: at so many hours all of it counts half.
const HOURS_KEPT: i64 = 1000;
/// Ends that are kept one by one…
const LATELY: usize = 8;
/// …and so many of the last, if not long ago, tell of a storm whatever was before.
const STORM_AT: usize = 3;
const STORM_FADES: Span = Span::hours(6);
/// What is added to the time that the last few ran.
const STORM_PRIOR: Span = Span::minutes(10);

impl SpotMemory {
    /// Losses an hour of running, in millionths: of all that is known, or of the last few ends, where
    /// that is more.
    pub fn losses_ppm(&self, now: Time) -> i64 {
        let hours = self.ran.0 / Span::hours(1).0;
        let all = (self.losses * PRIOR + 1) * 1_000_000 / (hours * PRIOR + HOURS_A_LOSS);
        let lately = self.lately.iter().rev().filter(|end| now < end.at + STORM_FADES);
        let (mut losses, mut ran, mut most) = (0i64, STORM_PRIOR, all);
        for (number, end) in (1..).zip(lately) {
            (losses, ran) = (losses + i64::from(end.lost), ran + end.ran);
            if STORM_AT <= number {
                let an_hour = losses * 1_000_000 * Span::hours(1).as_seconds();
                most = most.max(an_hour / ran.as_seconds().max(1));
            }
        }
        most
    }

    fn learn(&mut self, end: SpotEnd) {
        self.ran += end.ran;
        self.losses += i64::from(end.lost);
        if Span::hours(HOURS_KEPT) < self.ran {
            (self.ran, self.losses) = (Span(self.ran.0 / 2), self.losses / 2);
        }
        self.lately.push(end);
        self.lately.drain(..self.lately.len().saturating_sub(LATELY));
    }
}

impl Memory {
    /// A machine of an offer has come to its end.
    pub(super) fn spot_ended(&mut self, offer: &OfferKey, end: SpotEnd) {
        if offer.billing == Billing::Spot {
            self.spot.entry(offer.clone()).or_default().learn(end);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn after(ends: &[(i64, bool)]) -> i64 {
        let (mut memory, mut now) = (SpotMemory::default(), Time::default());
        for (minutes, lost) in ends {
            now = now + Span::minutes(*minutes);
            memory.learn(SpotEnd { at: now, ran: Span::minutes(*minutes), lost: *lost });
        }
        memory.losses_ppm(now) / 1000
    }

    #[test]
    fn a_storm_is_told_from_a_few_losses_whatever_was_before() {
        assert_eq!(after(&[]), 20, "once in fifty hours");
        assert_eq!(after(&[(600, false); 100]), 0);
        let storm = [(7, true); 3];
        assert!(5_000 < after(&storm), "{}", after(&storm));
        let mut calm_before = vec![(600, false); 100];
        calm_before.extend(storm);
        assert!(5_000 < after(&calm_before), "{}", after(&calm_before));
        assert!(after(&[(300, true); 3]) < 250, "together after five hours: no storm");
        assert!(8 * after(&[(7, true); 80]) > 8_000, "80 losses in 10 hours are 8 an hour");
    }

    #[test]
    fn a_storm_is_forgotten_after_some_hours() {
        let mut memory = SpotMemory::default();
        let at = Time::from_seconds(1_000_000);
        for _ in 0..3 {
            memory.learn(SpotEnd { at, ran: Span::minutes(7), lost: true });
        }
        assert!(3_000_000 < memory.losses_ppm(at + Span::hours(5)));
        assert!(memory.losses_ppm(at + Span::hours(7)) < 350_000);
    }
}
