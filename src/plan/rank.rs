//! Which offer does the work for the least money.

use super::readings::Readings;
use crate::memory::Memory;
use crate::model::snapshot::Blocked;
use crate::model::{Money, Quote, Refusal, Shape, Stock, Text, Time};
use crate::policy::{OfferPolicy, Policy, Pool};

/// How good an offer is, better first: **the order of the fields is the order of importance**.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Merit {
    /// Price of an hour of work of one slot at the reference speed.
    pub work_hourly: Money,
    /// Machines we already have in that zone: ties are spread.
    pub ours_in_zone: usize,
    /// Place in the config: the last word, so that every run ranks alike.
    pub place: usize,
}

/// An offer that can be bought now.
#[derive(Debug, Clone, Copy)]
pub struct Buyable<'a> {
    /// How good it is.
    pub merit: Merit,
    /// What it is.
    pub offer: &'a OfferPolicy,
    /// Its price.
    pub quote: Quote,
    /// Tasks one machine of it runs at once.
    pub slots: u32,
}

/// The pool's offers for tasks of `shape`: what can be bought, best first, and why the rest cannot.
pub fn offers<'a>(
    policy: &Policy,
    pool: &'a Pool,
    memory: &Memory,
    readings: &Readings,
    shape: Shape,
    now: Time,
) -> (Vec<Buyable<'a>>, Vec<Blocked>) {
    let (mut buyable, mut blocked) = (Vec::new(), Vec::new());
    for (place, offer) in pool.offers.iter().enumerate() {
        let slots = pool.slots_of(offer, shape);
        if slots == 0 {
            continue;
        }
        let broken = super::boots::breaker(pool, memory, &offer.key, now).map_or(Ok(()), Err);
        match broken.and_then(|()| quote_if_buyable(policy, offer, memory, readings, now)) {
            Err(reason) => blocked.push(reason),
            Ok(quote) => {
                let in_zone = |key: &crate::model::OfferKey| key.zone == offer.key.zone;
                let ours = memory.machines.values().filter(|one| in_zone(&one.offer)).count();
                let merit = Merit {
                    work_hourly: work_hourly(&quote, offer, slots),
                    ours_in_zone: ours,
                    place,
                };
                buyable.push(Buyable { merit, offer, quote, slots });
            }
        }
    }
    buyable.sort_by_key(|one| one.merit);
    if buyable.is_empty() && blocked.is_empty() {
        let Shape { gpus, gpu_memory_gib } = shape;
        blocked.push(Blocked::NothingFits { gpus: gpus.max(1), gpu_memory_gib });
    }
    (buyable, blocked)
}

/// Price of an hour of work of one slot at the reference speed.
pub fn work_hourly(quote: &Quote, offer: &OfferPolicy, slots: u32) -> Money {
    let speed = i128::from(offer.speed_ppm.max(1)) * i128::from(slots.max(1));
    let hourly = i128::from(quote.running.per_hour().0) * 1_000_000;
    Money(i64::try_from(hourly / speed).unwrap_or(i64::MAX))
}

/// The quote of an offer that may be bought now, or the reason why not.
pub fn quote_if_buyable(
    policy: &Policy,
    offer: &OfferPolicy,
    memory: &Memory,
    readings: &Readings,
    now: Time,
) -> Result<Quote, Blocked> {
    let key = &offer.key;
    if let Some(refused) = refusal_in_force(memory, key, now) {
        return Err(refused);
    }
    match readings.stock_of(key) {
        Some(Stock::Sells) => {}
        Some(Stock::SoldOut) => return Err(Blocked::SoldOut { offer: key.clone() }),
        None => {
            let source = (Text::clone(&key.zone), Text::clone(&key.family));
            let detail = readings.stock.get(&source).map_or_else(
                || "not asked yet".into(),
                |one| {
                    one.failure.as_ref().map_or_else(
                        || "the zone does not list this size".into(),
                        |failure| Text::clone(&failure.detail),
                    )
                },
            );
            return Err(Blocked::NoStock { offer: key.clone(), detail });
        }
    }
    let no_price = |detail| Blocked::NoPrice { offer: key.clone(), detail };
    let Some(source) = readings.quotes.get(key) else {
        return Err(no_price("not asked yet".into()));
    };
    let Some(quote) = source.reading else { return Err(no_price(source.word())) };
    if quote.asked_at + policy.timing.quote_age_max.times(2) < now {
        return Err(no_price("the last quote is too old".into()));
    }
    Ok(quote)
}

/// A remembered refusal that still holds: the offer's own, or one that concerns every request.
fn refusal_in_force(memory: &Memory, key: &crate::model::OfferKey, now: Time) -> Option<Blocked> {
    let holds = memory.refusals.iter().find(|(offer, refusal)| {
        let for_all = match refusal.class {
            Refusal::Throttled | Refusal::Auth | Refusal::Money | Refusal::NotSent => true,
            Refusal::SoldOut
            | Refusal::Quota
            | Refusal::Config
            | Refusal::Conflict
            | Refusal::NotFound
            | Refusal::Other => false,
        };
        now < refusal.until && (for_all || *offer == key)
    });
    holds.map(|(offer, refusal)| Blocked::OfferRefused {
        offer: offer.clone(),
        class: refusal.class,
        until: refusal.until,
    })
}
