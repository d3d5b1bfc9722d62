//! What each oddity does while it is in force.

use super::faults::Faults;
use super::oddities::Oddity;
use super::rng::Rng;
use crate::model::{Money, QueueReading, Quote, Span, Text, Time, Work, WorkerSeen};

/// Periods of ten minutes in which one that comes and goes is there, of a million.
const PERIODS_PPM: u32 = 60_000;
/// A text from outside that is far too long.
const LONG: usize = 9 << 10;

/// Whether an oddity that comes and goes holds at `now`.
fn holds(oddity: Oddity, faults: &Faults, rng: &Rng, now: Time) -> bool {
    faults.has(oddity) && faults.outage(rng, oddity.name(), PERIODS_PPM, now)
}

/// Whether spot machines are being taken back.
pub(super) fn storms(faults: &Faults, rng: &Rng, now: Time) -> bool {
    holds(Oddity::SpotStorms, faults, rng, now)
}

/// Whether the provider answers that there is nothing, for an hour at a time.
pub(super) fn shows_nothing(faults: &Faults, rng: &Rng, now: Time) -> bool {
    let hour = Span::hours(1).0;
    let began = Time(now.0.div_euclid(hour) * hour);
    now < faults.until && holds(Oddity::BelievedEmptiness, faults, rng, began)
}

/// Whether somebody else makes a machine under a name of ours.
pub(super) fn has_twin(faults: &Faults, rng: &Rng, now: Time) -> bool {
    holds(Oddity::OtherDaemons, faults, rng, now)
}

/// Makes a reading of the queue as odd as its seed wants it.
pub(super) fn distort(reading: &mut QueueReading, faults: &Faults, rng: &Rng, now: Time) {
    let workers = reading.workers.get_or_insert_default();
    if faults.has(Oddity::RenamedWorkers) && now < faults.until {
        for worker in workers.iter_mut() {
            worker.instance = renamed(worker);
        }
    }
    if holds(Oddity::SharedWorkerNames, faults, rng, now) {
        for worker in workers.iter_mut().take(3) {
            worker.instance = "node1".into();
        }
    }
    if holds(Oddity::OversizedTexts, faults, rng, now) {
        for (number, worker) in workers.iter_mut().enumerate().filter(|(number, _)| number % 2 == 0)
        {
            worker.worker = format!("{}{number}", "w".repeat(LONG)).into();
        }
    }
    if holds(Oddity::OversizedNumbers, faults, rng, now) {
        let (queued, running) = (u32::MAX, Some(u32::MAX));
        reading.work.push(Work { shape: None, queued, running });
        reading.oldest_wait = Some(Span(i64::MAX));
    }
}

/// The same machine in the other ways its host may write it.
fn renamed(worker: &WorkerSeen) -> Text {
    let id = &worker.instance;
    match id.len() % 3 + worker.worker.bytes().map(usize::from).sum::<usize>() % 3 {
        0 => Text::clone(id),
        1 => id.to_uppercase().into(),
        2 => format!("{id}.studio.example").into(),
        _ => format!("{}.", id.to_uppercase()).into(),
    }
}

/// A price as it is told.
pub(super) fn slipped(quote: Quote, faults: &Faults, rng: &Rng, now: Time) -> Quote {
    if !holds(Oddity::PriceSlips, faults, rng, now) {
        return quote;
    }
    let mut slipped = quote;
    slipped.running.amount = Money(quote.running.amount.0 / 100);
    slipped
}

/// What the provider says of a fault, at the length its seed wants.
pub(super) fn told(detail: &str, faults: &Faults, rng: &Rng, now: Time) -> Text {
    if holds(Oddity::OversizedTexts, faults, rng, now) {
        return detail.repeat(LONG / detail.len().max(1)).into();
    }
    detail.into()
}
