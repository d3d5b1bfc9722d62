//! Which offer does the work for the least money: price by speed, what a boot adds, how often boots
//! fail, how often spot machines are lost.

use super::progress::Losses;
use super::readings::Readings;
use super::situation::Situation;
use super::{boots, quota, tasks};
use crate::memory::{Life, Memory, RefusalMemory};
use crate::model::snapshot::Blocked;
use crate::model::{Billing, Money, OfferKey, Quote, Refusal, Shape, Span, Stock, Text, Time};
use crate::policy::{OfferPolicy, Policy, Pool, Spot};

/// A new machine is expected to serve so long: its boot is shared out over that.
const SERVES: Span = Span::hours(1);
/// Offers that cost nearly the same, within so many percent, tie: zones are spread then.
const TIE_PERCENT: i64 = 1;
/// A price is kept so long when it cannot be had anew…
const PRICE_AGE_MAX: Span = Span::days(1);
/// …and counts for so much more, in percent, for each time it should have been asked for.
const STALE_PERCENT: i64 = 1;
/// A refusal is forgotten after so many of the longest pauses.
const REFUSAL_FADES: i64 = 4;

/// How good an offer is, better first: **the order of the fields is the order of importance**.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Merit {
    /// How often machines of it were lost at work, in threes, while no task ended.
    pub fruitless: u32,
    /// A spot machine, while the pool has fewer on demand than it must.
    pub below_floor: bool,
    /// By how much it is dearer than the cheapest, in steps of a percent.
    pub dearer: i64,
    /// Machines we already have in that zone: ties are spread.
    pub ours_in_zone: usize,
    /// Expected price of an hour of work of one slot at the reference speed.
    pub work_hourly: Money,
    /// Place in the config: the last word, so that every run ranks alike.
    pub place: usize,
}

/// An offer, with what is known of it.
#[derive(Debug, Clone)]
pub struct Ranked<'a> {
    /// What it is.
    pub offer: &'a OfferPolicy,
    /// Tasks one machine of it runs at once; 0 = none fits.
    pub slots: u32,
    /// Its price, if one is known.
    pub quote: Option<Quote>,
    /// How good it is, if its price is known.
    pub merit: Option<Merit>,
    /// The bid of a spot machine, or why it cannot be bought now.
    pub terms: Result<Option<Money>, Blocked>,
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
    /// Spot: the bid.
    pub bid: Option<Money>,
}

/// The pool's offers for `short` slots for tasks of `shape`: what can be bought, best first, and why
/// the rest cannot, in the order of the config. `planned` = what this turn buys already.
pub fn offers<'a>(
    situation: Situation<'_>,
    pool: &'a Pool,
    shape: Shape,
    short: u32,
    planned: &[OfferKey],
) -> (Vec<Buyable<'a>>, Vec<Blocked>) {
    let (mut buyable, mut blocked) = (Vec::new(), Vec::new());
    for one in judged(situation, pool, shape, short, planned) {
        let Ranked { offer, slots, quote, merit, terms } = one;
        match (terms, merit.zip(quote)) {
            _ if slots == 0 => {}
            (Err(reason), _) => blocked.push(reason),
            (Ok(bid), Some((merit, quote))) => {
                buyable.push(Buyable { merit, offer, quote, slots, bid });
            }
            (Ok(_), None) => {} // what can be bought has a price
        }
    }
    buyable.sort_by_key(|one| one.merit);
    if buyable.is_empty() && blocked.is_empty() {
        let Shape { gpus, gpu_memory_gib } = shape;
        blocked.push(Blocked::NothingFits { gpus: gpus.max(1), gpu_memory_gib });
    }
    (buyable, blocked)
}

/// Every offer of the pool for the tasks it has most, best first: what can be bought before what
/// cannot, and what has no price last. People see offers in this order, and machines are bought in it.
pub fn ranking<'a>(situation: Situation<'_>, pool: &'a Pool) -> Vec<Ranked<'a>> {
    let mut ranked = judged(situation, pool, pool.shape, u32::MAX, &[]);
    ranked.sort_by_key(|one| (one.terms.is_err(), one.merit.is_none(), one.merit));
    ranked
}

/// Every offer of the pool, in the order of the config.
fn judged<'a>(
    situation: Situation<'_>,
    pool: &'a Pool,
    shape: Shape,
    short: u32,
    planned: &[OfferKey],
) -> Vec<Ranked<'a>> {
    let Situation { memory, readings, .. } = situation;
    let below_floor = is_below_floor(pool, memory, planned);
    let losses = Losses::of_pool(situation, pool);
    let task = pool.spot.map_or(Span::ZERO, |_| tasks::typical(situation, pool));
    let mut judged: Vec<Ranked<'a>> = Vec::new();
    for (place, offer) in pool.offers.iter().enumerate() {
        let (key, slots) = (&offer.key, pool.slots_of(offer, shape));
        let quote = readings.quote_of(key).copied();
        let quote = quote.map(|quote| Quote { unit: offer.billing_unit, ..quote });
        let merit = quote.map(|quote| {
            let ours = memory.machines.values().map(|one| &one.offer).chain(planned);
            Merit {
                fruitless: losses.fruitless(key),
                below_floor: below_floor && key.billing == Billing::Spot,
                dearer: 0,
                ours_in_zone: ours.filter(|one| one.zone == key.zone).count(),
                // A slot that nobody asks for is worth nothing.
                work_hourly: expected(
                    situation,
                    pool,
                    offer,
                    &quote,
                    slots.min(short.max(1)),
                    task,
                ),
                place,
            }
        });
        let terms = terms(situation, pool, offer, planned).map(|(_, bid)| bid);
        judged.push(Ranked { offer, slots, quote, merit, terms });
    }
    let buyable = judged.iter().filter(|one| one.terms.is_ok() && one.slots != 0);
    let cheapest = buyable.filter_map(|one| one.merit).map(|merit| merit.work_hourly.0).min();
    let step = (cheapest.unwrap_or(0) / 100 * TIE_PERCENT).max(1);
    for merit in judged.iter_mut().filter_map(|one| one.merit.as_mut()) {
        merit.dearer = (merit.work_hourly.0 - cheapest.unwrap_or(0)) / step;
    }
    judged
}

/// Price of an hour of work of one slot at the reference speed, as quoted.
pub fn work_hourly(quote: &Quote, offer: &OfferPolicy, slots: u32) -> Money {
    let speed = i128::from(offer.speed_ppm.max(1)) * i128::from(slots.max(1));
    let hourly = i128::from(quote.running.per_hour().0) * 1_000_000;
    Money(i64::try_from(hourly / speed).unwrap_or(i64::MAX))
}

/// The same with what comes on top: boots, those that fail, losses, a price that may have risen.
fn expected(
    situation: Situation<'_>,
    pool: &Pool,
    offer: &OfferPolicy,
    quote: &Quote,
    slots: u32,
    task: Span,
) -> Money {
    let Situation { policy, memory, now, .. } = situation;
    let line = boots::line(pool, &offer.key, false);
    let boot = boots::mean(policy, memory, &line);
    let success = memory.boots.get(&line).map_or(1_000_000, |boots| boots.success_ppm.max(50_000));
    // Each worker costs one boot that succeeds, and those that fail before it.
    let boots_ppm = ratio_ppm(boot.0, SERVES.0) * 1_000_000 / i128::from(success);
    let losses_ppm = if offer.key.billing == Billing::Spot {
        let known = memory.spot.get(&offer.key).cloned().unwrap_or_default();
        losses_cost(known.losses_ppm(now), boot, task)
    } else {
        0
    };
    let late = now.since(quote.asked_at).0 / policy.timing.quote_age_max.0.max(1);
    let stale_ppm = i128::from(late * STALE_PERCENT * 10_000);
    let plain = i128::from(work_hourly(quote, offer, slots).0);
    let dearer = (1_000_000 + boots_ppm) * (1_000_000 + losses_ppm) / 1_000_000;
    let dearer = dearer * (1_000_000 + stale_ppm) / 1_000_000;
    Money(i64::try_from(plain * dearer / 1_000_000).unwrap_or(i64::MAX))
}

/// What losses add to the price of work, in millionths, where so many an hour come at any time: a boot
/// each, and the work that is done again. Of tasks of a length that is `x` times the mean time between
/// losses that is (eˣ − 1) ∕ x times the work, less one.
fn losses_cost(an_hour_ppm: i64, boot: Span, task: Span) -> i128 {
    const ONE: i128 = 1_000_000;
    const MOST: i128 = 8 * ONE;
    let over = |span: Span| i128::from(an_hour_ppm) * ratio_ppm(span.0, Span::hours(1).0) / ONE;
    let x = over(task).min(MOST);
    let (mut again, mut power) = (0, ONE);
    for order in 2..12 {
        power = power * x / ONE / order;
        again += power;
    }
    over(boot) + again
}

fn ratio_ppm(part: i64, whole: i64) -> i128 {
    i128::from(part) * 1_000_000 / i128::from(whole.max(1))
}

/// Whether the pool has fewer machines on demand than it must have before it buys spot.
fn is_below_floor(pool: &Pool, memory: &Memory, planned: &[OfferKey]) -> bool {
    let Some(spot) = &pool.spot else { return false };
    let ours = memory.machines.values().filter(|one| one.pool == pool.name);
    let ours = ours.filter(|one| !one.is_off() && one.sighting.reclaimed_at.is_none());
    let billings = ours.map(|one| one.offer.billing).chain(planned.iter().map(|one| one.billing));
    let (mut all, mut on_demand) = (1u32, 0u32);
    for billing in billings {
        all += 1;
        on_demand += u32::from(billing != Billing::Spot);
    }
    let share = all.saturating_mul(spot.on_demand_percent).div_ceil(100);
    on_demand < spot.on_demand_min.max(share)
}

/// The price of an offer that may be bought now, with the bid, or the reason why not.
pub fn terms(
    situation: Situation<'_>,
    pool: &Pool,
    offer: &OfferPolicy,
    planned: &[OfferKey],
) -> Result<(Quote, Option<Money>), Blocked> {
    let Situation { policy, memory, readings, now } = situation;
    let key = &offer.key;
    if let Some(broken) = boots::breaker(pool, memory, key, planned, now) {
        return Err(broken);
    }
    if let Some(refused) = refusal_in_force(policy, memory, key, planned, now) {
        return Err(refused);
    }
    if let Some(ceiling) = quota::ceiling(memory, key, planned, now) {
        return Err(ceiling);
    }
    in_stock(readings, key)?;
    let quote = usable_quote(readings, key, now)?;
    let quote = Quote { unit: offer.billing_unit, ..quote };
    match (&pool.spot, key.billing) {
        (Some(spot), Billing::Spot) => Ok((quote, bid(spot, offer, &quote)?)),
        (_, Billing::Spot | Billing::OnDemand | Billing::Monthly) => Ok((quote, None)),
    }
}

fn in_stock(readings: &Readings, key: &OfferKey) -> Result<(), Blocked> {
    match readings.stock_of(key) {
        Some(Stock::Sells) => Ok(()),
        Some(Stock::SoldOut) => Err(Blocked::SoldOut { offer: key.clone() }),
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
            Err(Blocked::NoStock { offer: key.clone(), detail })
        }
    }
}

/// The last price, however old up to a day: one that cannot be had anew is kept, and counts for more.
fn usable_quote(readings: &Readings, key: &OfferKey, now: Time) -> Result<Quote, Blocked> {
    let no_price = |detail| Blocked::NoPrice { offer: key.clone(), detail };
    let source = readings.quotes.get(key).ok_or_else(|| no_price("not asked yet".into()))?;
    let quote = source.reading.ok_or_else(|| no_price(source.word()))?;
    if quote.asked_at + PRICE_AGE_MAX < now {
        return Err(no_price("the last quote is too old".into()));
    }
    Ok(quote)
}

/// A price that should have been renewed: said wherever it is bought at.
pub fn stale_price(situation: Situation<'_>, best: &Buyable<'_>) -> Option<Blocked> {
    let age = situation.now.since(best.quote.asked_at);
    let offer = || best.offer.key.clone();
    (situation.policy.timing.quote_age_max < age)
        .then(|| Blocked::PriceStale { offer: offer(), age })
}

/// What to bid for the span of the quote, within what the market takes; or why the market is too
/// dear.
fn bid(spot: &Spot, offer: &OfferPolicy, quote: &Quote) -> Result<Option<Money>, Blocked> {
    let too_dear = |most| Blocked::SpotTooDear {
        offer: offer.key.clone(),
        hourly: quote.running.per_hour(),
        most,
    };
    if let Some(most) = spot.most.filter(|most| *most < quote.running.per_hour()) {
        return Err(too_dear(most));
    }
    let Some(hourly) = spot.bid else { return Ok(None) };
    let wanted = crate::model::Price::hourly(hourly).over(quote.running.per);
    match quote.bids {
        Some((low, _)) if wanted < low => Err(too_dear(hourly)),
        Some((_, high)) => Ok(Some(wanted.min(high))),
        None => Ok(Some(wanted)),
    }
}

/// A remembered refusal that still holds: the offer's own, or one that concerns every request. Once
/// its pause is over a single machine probes.
fn refusal_in_force(
    policy: &Policy,
    memory: &Memory,
    key: &OfferKey,
    planned: &[OfferKey],
    now: Time,
) -> Option<Blocked> {
    let known = memory.refusals.iter().filter(|(offer, refusal)| {
        !has_faded(policy, refusal, now) && (is_for_all(refusal.class) || *offer == key)
    });
    for (offer, refusal) in known {
        let (offer, class, until) = (offer.clone(), refusal.class, refusal.until);
        if now < until {
            return Some(Blocked::OfferRefused { offer, class, until });
        }
        let probes = |one: &OfferKey| is_for_all(class) || *one == offer;
        let launching = memory
            .machines
            .values()
            .any(|machine| matches!(machine.life, Life::Launching(_)) && probes(&machine.offer));
        if launching || planned.iter().any(probes) {
            return Some(Blocked::Probing { offer, class });
        }
    }
    None
}

/// Whether a refusal lies so far back that it says nothing any more.
pub fn has_faded(policy: &Policy, refusal: &RefusalMemory, now: Time) -> bool {
    refusal.until + policy.timing.refusal_max.times(REFUSAL_FADES) < now
}

fn is_for_all(class: Refusal) -> bool {
    match class {
        Refusal::Throttled | Refusal::Auth | Refusal::Clock | Refusal::Money | Refusal::NotSent => {
            true
        }
        Refusal::SoldOut
        | Refusal::Quota
        | Refusal::Config
        | Refusal::Image
        | Refusal::Subnet
        | Refusal::Conflict
        | Refusal::NotFound
        | Refusal::Other => false,
    }
}
