//! Prices that are not believed at once. A quote that is a third of what the offer has cost, or three
//! times as much, may be a slip: until it has lasted for a day, or is taken back, the dearer of the two
//! words counts, for caps and for the choice of offers, and people are told.

use std::collections::BTreeMap;

use crate::model::{
    Billing, LookFailure, Money, OfferKey, Quote, Refusal, SourceId, Span, Text, Time,
};

/// A price moves by less than this factor between two quotes.
const BAND: i64 = 3;
/// One that is further off is believed when it has lasted for so long.
const LASTS: Span = Span::days(1);
/// No machine costs more an hour.
const HOURLY_MAX: Money = Money::yuan(10_000);

/// Quotes in doubt.
#[derive(Debug, Clone, Default)]
pub struct Slips {
    by_offer: BTreeMap<OfferKey, Slip>,
}

#[derive(Debug, Clone, Copy)]
struct Slip {
    /// What was quoted before.
    usual: Quote,
    /// What is quoted now.
    said: Quote,
    since: Time,
}

impl Slips {
    /// What to take for the offer's price: of the last quote and a new one the dearer, while the new one
    /// is in doubt.
    ///
    /// # Errors
    /// It can be no price at all.
    pub fn judge(
        &mut self,
        offer: &OfferKey,
        last: Option<Quote>,
        said: Quote,
    ) -> Result<Quote, LookFailure> {
        if !(Money::ZERO..=HOURLY_MAX).contains(&said.running.per_hour()) {
            let detail = format!("{} an hour can be no price", said.running.per_hour());
            return Err(LookFailure { class: Refusal::Other, detail: detail.into() });
        }
        let slip = self.by_offer.remove(offer);
        let usual = slip.map(|slip| slip.usual).or(last);
        // The market of spot machines moves as it likes, between two bounds.
        let Some(usual) = usual.filter(|_| offer.billing != Billing::Spot) else { return Ok(said) };
        if in_band(usual, said) {
            return Ok(said);
        }
        let lasting = slip.filter(|slip| in_band(slip.said, said)).map(|slip| slip.since);
        let since = lasting.unwrap_or(said.asked_at);
        if since + LASTS <= said.asked_at {
            return Ok(said);
        }
        self.by_offer.insert(offer.clone(), Slip { usual, said, since });
        let dearer = if usual.running.per_hour() < said.running.per_hour() { said } else { usual };
        Ok(Quote { asked_at: said.asked_at, ..dearer })
    }

    /// For people.
    pub fn faults(&self) -> impl Iterator<Item = (SourceId, Text)> {
        self.by_offer.iter().map(|(offer, slip)| {
            let (said, usual) = (slip.said.running.per_hour(), slip.usual.running.per_hour());
            let until = slip.since + LASTS;
            let detail = format!(
                "{said} an hour is quoted where it was {usual}; the dearer counts until {until}, \
                 unless that is taken back"
            );
            (SourceId::Price(offer.to_string().into()), detail.into())
        })
    }
}

fn in_band(one: Quote, other: Quote) -> bool {
    let (one, other) = (one.running.per_hour().0, other.running.per_hour().0);
    one <= other.saturating_mul(BAND) && other <= one.saturating_mul(BAND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Price;

    fn quote(hour: i64, fen: i64) -> Quote {
        let running = Price::hourly(Money(fen * 10_000));
        let stopped = Price::hourly(Money::ZERO);
        let asked_at = Time::from_seconds(hour * 3600);
        Quote { running, stopped, bids: None, unit: Span::seconds(1), asked_at }
    }

    /// Quotes in fen, one an hour; what is taken for the price after each.
    fn taken(said: &[i64]) -> Vec<i64> {
        let (zone, family) = ("z".into(), "f".into());
        let billing = Billing::OnDemand;
        let offer = OfferKey { zone, family, cpu: 16, ram_gib: 32, gpus: 1, billing };
        let (mut slips, mut last, mut taken) = (Slips::default(), None, Vec::new());
        for (hour, fen) in (0..).zip(said) {
            last = Some(slips.judge(&offer, last, quote(hour, *fen)).unwrap());
            taken.push(last.unwrap().running.per_hour().0 / 10_000);
            let doubted = slips.faults().count() == 1;
            assert_eq!(doubted, *fen != 729 && *fen != 900 && hour < 25, "hour {hour}");
        }
        taken
    }

    #[test]
    fn of_a_price_that_slips_the_dearer_counts_until_it_is_taken_back() {
        assert_eq!(taken(&[729, 7, 7, 729]), [729, 729, 729, 729]);
        assert_eq!(taken(&[729, 72_900, 72_900, 900]), [729, 72_900, 72_900, 900]);
    }

    #[test]
    fn a_price_that_lasts_for_a_day_is_believed() {
        let said: Vec<i64> = [729].into_iter().chain([100; 26]).collect();
        let taken = taken(&said);
        assert_eq!((taken[23], taken[26]), (729, 100));
    }

    #[test]
    fn what_can_be_no_price_is_a_failure() {
        let offer = OfferKey {
            zone: "z".into(),
            family: "f".into(),
            cpu: 1,
            ram_gib: 1,
            gpus: 1,
            billing: Billing::OnDemand,
        };
        let mut slips = Slips::default();
        for yuan in [-1, 10_001, 9_223_372_036_854] {
            let mut said = quote(0, 1);
            said.running = Price::hourly(Money(yuan * 1_000_000));
            assert!(slips.judge(&offer, None, said).is_err(), "{yuan}");
        }
    }
}
