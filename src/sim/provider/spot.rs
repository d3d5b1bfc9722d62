//! Billing methods besides by the second: months paid in advance, and spot at a market's price.

use super::bill::BillLine;
use super::{CreateRequest, Due, Fault, Instance, Provider, SizeKey, State};
use crate::model::{Billing, Money, OfferKey, Span, Text, Time};

/// A month costs so many days on demand.
const MONTH_DAYS: i64 = 18;
/// The market has a new price every so often.
const PERIOD: Span = Span::hours(1);
/// Lowest market price, in percent of the price on demand.
const LOWEST_PERCENT: i64 = 30;
/// From a price above the bid to the machine's end.
const NOTICE: Span = Span::minutes(5);
/// How far ahead a bid's end is looked for.
const AHEAD: i64 = 24 * 14;

impl Provider {
    /// The market's price of a machine without its disk for a day: a function of seed, size and
    /// hour alone; never above the price on demand.
    pub fn spot_day(&self, what: &SizeKey, at: Time) -> Option<Money> {
        let demand = self.catalog.sizes.get(what)?.machine_day;
        let hour = at.0.div_euclid(PERIOD.0).unsigned_abs();
        let name = format!("{}/{}/{:?}", what.zone, what.family, what.size);
        let percent = self.draws.spot.fork(&name).fork_at(hour).range(LOWEST_PERCENT, 100);
        Some(Money(demand.0 / 100 * percent))
    }

    /// What a month costs, disk included.
    pub fn month(&self, offer: &OfferKey, disk_gib: u32) -> Option<Money> {
        Some(Money(self.catalog.running_day(offer, disk_gib)?.0.checked_mul(MONTH_DAYS)?))
    }

    /// Whether duration and bid fit the billing method.
    pub(super) fn check_terms(&self, now: Time, request: &CreateRequest) -> Result<(), Fault> {
        match request.offer.billing {
            Billing::OnDemand => Ok(()),
            Billing::Monthly => {
                let months = request.months.unwrap_or(1);
                let whole_years = months <= 12 || months.is_multiple_of(12);
                if (1..=36).contains(&months) && whole_years {
                    Ok(())
                } else {
                    Err(Fault::parameter("Duration"))
                }
            }
            Billing::Spot => {
                let what = SizeKey::from(&request.offer);
                let least = self.spot_day(&what, now).ok_or_else(Fault::no_size)?;
                let most = self.catalog.sizes.get(&what).map_or(least, |size| size.machine_day);
                let fits = request.bid.is_none_or(|bid| (least..=most).contains(&bid));
                if fits { Ok(()) } else { Err(Fault::parameter("SpotAmount")) }
            }
        }
    }

    /// Sets the prices of a new machine by its terms.
    pub(super) fn price_new(
        &mut self,
        now: Time,
        instance: &mut Instance,
        request: &CreateRequest,
    ) {
        match request.offer.billing {
            Billing::OnDemand => {}
            Billing::Monthly => {
                let months = request.months.unwrap_or(1);
                let month = self.month(&request.offer, request.disk_gib).unwrap_or_default();
                self.closed.push(BillLine {
                    instance: Text::clone(&instance.id),
                    name: Text::clone(&instance.name),
                    running_seconds: 86_400,
                    stopped_seconds: 0,
                    running_day: Money(month.0.saturating_mul(i64::from(months))),
                    stopped_day: Money::ZERO,
                    open: false,
                });
                instance.paid_until = Some(now + Span::days(i64::from(months) * 30));
                (instance.running_day, instance.stopped_day) = (Money::ZERO, Money::ZERO);
            }
            Billing::Spot => {
                let what = SizeKey::from(&request.offer);
                let spot = self.spot_day(&what, now).unwrap_or_default();
                instance.running_day = spot + instance.stopped_day;
                if let Some(life) = self.spot_life {
                    let instance = Text::clone(&instance.id);
                    self.later(now + life, Due::Reclaim { instance });
                }
                if let Some(bid) = request.bid {
                    self.end_bid(now, &what, bid, &instance.id);
                }
            }
        }
    }

    /// The machine is taken back once the market asks more than its bid.
    fn end_bid(&mut self, now: Time, what: &SizeKey, bid: Money, id: &Text) {
        let above = (1..AHEAD)
            .map(|hours| Time((now.0.div_euclid(PERIOD.0) + hours) * PERIOD.0))
            .find(|at| self.spot_day(what, *at).is_some_and(|price| bid < price));
        if let Some(at) = above {
            self.later(at + NOTICE, Due::Reclaim { instance: Text::clone(id) });
        }
    }

    /// No stock: spot machines of the size are taken back.
    pub(super) fn evict_spot(&mut self, at: Time, what: &SizeKey) {
        let is_hit = |one: &&Instance| {
            one.offer.billing == Billing::Spot
                && SizeKey::from(&one.offer) == *what
                && one.state == State::Running
        };
        let ids: Vec<Text> =
            self.instances.values().filter(is_hit).map(|one| Text::clone(&one.id)).collect();
        for instance in ids {
            self.later(at + NOTICE, Due::Reclaim { instance });
        }
    }
}
