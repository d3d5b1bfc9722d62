//! The last word of every source, and which questions are under way. Forgotten at a restart.

use std::collections::BTreeMap;

use super::ends::Ends;
use super::identities::Identities;
use super::prices::Slips;
use super::promise::workload::Workload;
use crate::model::{
    EventReading, Listing, Look, LookFailure, OfferKey, QueueReading, Quote, Reading, SourceId,
    Span, Status, Stock, StockReading, Text, Time, UsageReading,
};

/// Usage readings kept before old ones are dropped: asked for before a stop, and where nothing ends.
const USAGE_MAX: usize = 256;
/// The age that makes them old.
const USAGE_AGE: Span = Span::minutes(20);
/// Readings of no use further apart than this are not taken together.
const UNUSED_GAP: Span = Span::minutes(12);
/// Paced looks remembered before old ones are dropped, and the age that makes them old.
const PACED_MAX: usize = 256;
const PACED_AGE: Span = Span::minutes(10);
/// The longest pause after failures, for what is asked more often than that.
const PAUSE_MAX: Span = Span::minutes(1);
/// A listing that shrinks by more than this share, in percent, is suspect.
const SHRINK_SUSPECT_PERCENT: usize = 30;
/// A suspect listing is believed when seen this often in a row.
const SUSPECT_BELIEVED_AT: u32 = 3;

/// What the sources last said.
#[derive(Debug, Clone, Default)]
pub struct Readings {
    /// Queues by name.
    pub queues: BTreeMap<Text, Source<QueueReading>>,
    /// What the queues' words taken together tell of their tasks.
    pub workloads: BTreeMap<Text, Workload>,
    /// When tasks ended, and which lose their workers, by queue.
    pub ends: BTreeMap<Text, Ends>,
    /// What workers call their machines, by queue.
    pub identities: BTreeMap<Text, Identities>,
    /// The farm at the provider.
    pub fleet: Source<Listing>,
    /// Stock by zone and family.
    pub stock: BTreeMap<(Text, Text), Source<StockReading>>,
    /// Quotes by offer.
    pub quotes: BTreeMap<OfferKey, Source<Quote>>,
    /// Quotes in doubt.
    pub slips: Slips,
    /// GPU use by instance.
    pub usage: BTreeMap<Text, UsageReading>,
    /// GPUs without use: from the first to the last reading that says so, with none between that does
    /// not.
    pub unused: BTreeMap<Text, (Time, Time)>,
    /// What the world says is wrong with itself: the clock, calls that wait.
    pub notices: BTreeMap<SourceId, Text>,
    /// Questions under way, and since when.
    pub asked: BTreeMap<Look, Time>,
    /// Events and names asked after, and when last.
    pub paced: BTreeMap<Look, Time>,
    /// Nothing was seen or heard before.
    pub started_at: Time,
    /// The store was lost: what it held must be found at the provider first.
    pub store_lost: bool,
    /// Shrinking is frozen until then because the wall clock jumped.
    pub frozen_until: Option<Time>,
    /// Complete listings since start.
    pub listings: u32,
    /// The first of them.
    pub first_listing_at: Option<Time>,
    /// Rows of ours in the last believed listing.
    believed_rows: usize,
    suspect_in_a_row: u32,
}

/// One source: its last reading, and how often it has failed since.
#[derive(Debug, Clone)]
pub struct Source<R> {
    /// The last reading.
    pub reading: Option<R>,
    /// When it was last asked and has answered.
    pub asked_at: Option<Time>,
    /// What it said when it last failed; cleared by a reading.
    pub failure: Option<LookFailure>,
    /// Failures in a row.
    pub failures: u32,
}

impl<R> Default for Source<R> {
    fn default() -> Self {
        Self { reading: None, asked_at: None, failure: None, failures: 0 }
    }
}

impl<R> Source<R> {
    /// When to ask again: every `poll`, more rarely the longer it fails, but never so rarely that a
    /// farm goes on unseen for long.
    pub fn due_at(&self, poll: Span) -> Time {
        let Some(asked_at) = self.asked_at else { return Time::default() };
        let factor = 1i64 << self.failures.saturating_sub(1).min(4);
        asked_at + poll.times(factor).min(poll.max(PAUSE_MAX))
    }

    /// Its server answers somebody again: it is asked in its turn.
    fn is_back(&mut self) {
        self.failures = self.failures.min(1);
    }

    /// What to tell people when there is no usable reading.
    pub fn word(&self) -> Text {
        self.failure.as_ref().map_or_else(|| "no answer yet".into(), |one| Text::clone(&one.detail))
    }

    fn take(&mut self, asked_at: Time, result: Result<R, LookFailure>) {
        if self.asked_at.is_some_and(|last| asked_at < last) {
            return; // a late answer: something newer is known already
        }
        self.asked_at = Some(asked_at);
        match result {
            Ok(reading) => {
                self.reading = Some(reading);
                self.failure = None;
                self.failures = 0;
            }
            Err(failure) => {
                self.failure = Some(failure);
                self.failures = self.failures.saturating_add(1);
            }
        }
    }
}

/// What a look has observed, for settling: facts that are not kept as readings.
#[derive(Debug, Clone)]
pub enum Observed {
    /// A queue's word.
    Queue(Text),
    /// A complete listing; `believed` = absences in it count.
    Fleet {
        /// Whether a machine it does not hold may be taken for missing.
        believed: bool,
    },
    /// Instances found under one name: absences prove nothing.
    Name(Listing),
    /// The status of an instance asked for by its id; `None` = there is none.
    Status(Text, Option<Status>),
    /// An event.
    Event(EventReading),
    /// A price.
    Quote(OfferKey, Quote),
    /// Nothing to settle.
    Nothing,
}

impl Readings {
    /// Before the first look.
    pub fn new(store_lost: bool, started_at: Time) -> Self {
        Self { started_at, store_lost, ..Self::default() }
    }

    /// Takes the end of a look in. `ours` counts the rows that carry a name of this farm.
    pub fn take(
        &mut self,
        look: &Look,
        asked_at: Time,
        result: Result<Reading, LookFailure>,
        ours: impl Fn(&Listing) -> usize,
    ) -> Observed {
        if self.asked.get(look).is_some_and(|since| *since <= asked_at) {
            self.asked.remove(look);
        }
        if matches!(look, Look::Event { .. } | Look::Name(_) | Look::Status(_) | Look::Usage(_)) {
            self.pace(look, asked_at);
        }
        if result.is_ok() && !matches!(look, Look::Queue(_)) {
            self.cloud_is_back();
        }
        match (look, result) {
            (Look::Queue(queue), Ok(Reading::Queue(reading))) => {
                let source = self.queues.entry(Text::clone(queue)).or_default();
                if source.asked_at.is_none_or(|last| last < asked_at) {
                    self.workloads.entry(Text::clone(queue)).or_default().take(&reading);
                    self.ends.entry(Text::clone(queue)).or_default().take(&reading);
                    self.identities.entry(Text::clone(queue)).or_default().take(&reading);
                }
                source.take(asked_at, Ok(reading));
                Observed::Queue(Text::clone(queue))
            }
            (Look::Fleet, Ok(Reading::Fleet(listing))) => {
                let believed = self.believe(ours(&listing));
                self.listings = self.listings.saturating_add(1);
                self.first_listing_at.get_or_insert(asked_at);
                self.fleet.take(asked_at, Ok(listing));
                Observed::Fleet { believed }
            }
            (Look::Stock { zone, family }, Ok(Reading::Stock(reading))) => {
                let key = (Text::clone(zone), Text::clone(family));
                self.stock.entry(key).or_default().take(asked_at, Ok(reading));
                Observed::Nothing
            }
            (Look::Quote(offer), Ok(Reading::Quote(_, quote))) => {
                let source = self.quotes.entry(offer.clone()).or_default();
                let judged = self.slips.judge(offer, source.reading, quote);
                source.take(asked_at, judged.clone());
                judged.map_or(Observed::Nothing, |quote| Observed::Quote(offer.clone(), quote))
            }
            (Look::Usage(instance), Ok(Reading::Usage(reading))) => {
                self.note_use(instance, reading);
                Observed::Nothing
            }
            (_, Ok(Reading::Name(listing))) => Observed::Name(listing),
            (_, Ok(Reading::Status { instance, status })) => Observed::Status(instance, status),
            (_, Ok(Reading::Event(reading))) => Observed::Event(reading),
            (_, Ok(_)) => Observed::Nothing,
            (look, Err(failure)) => {
                self.fail(look, asked_at, failure);
                Observed::Nothing
            }
        }
    }

    /// Any answer of the cloud ends the pauses of all that is asked there.
    fn cloud_is_back(&mut self) {
        self.fleet.is_back();
        self.stock.values_mut().for_each(Source::is_back);
        self.quotes.values_mut().for_each(Source::is_back);
    }

    /// Begins anew, as after a restart, but for what the world says of itself.
    pub fn forget(&mut self, now: Time) {
        let notices = std::mem::take(&mut self.notices);
        *self = Self { notices, ..Self::new(self.store_lost, now) };
    }

    /// Keeps, or drops, what is wrong with the way to a source.
    pub fn notice(&mut self, source: SourceId, fault: Option<Text>) {
        match fault {
            Some(fault) => drop(self.notices.insert(source, fault)),
            None => drop(self.notices.remove(&source)),
        }
    }

    fn note_use(&mut self, instance: &Text, reading: UsageReading) {
        let at = reading.measured_at.unwrap_or(reading.asked_at);
        match reading.gpu_percent {
            Some(0) => {
                let run = self.unused.entry(Text::clone(instance)).or_insert((at, at));
                // A long silence between two readings proves nothing.
                let from = if at < run.1 + UNUSED_GAP { run.0 } else { at };
                *run = (from, at.max(run.1));
            }
            Some(_) => drop(self.unused.remove(instance)),
            None => {}
        }
        let now = reading.asked_at;
        self.usage.insert(Text::clone(instance), reading);
        if USAGE_MAX < self.usage.len() {
            self.usage.retain(|_, one| now < one.asked_at + USAGE_AGE);
            self.unused.retain(|_, (_, last)| now < *last + USAGE_AGE);
        }
    }

    fn fail(&mut self, look: &Look, asked_at: Time, failure: LookFailure) {
        match look {
            Look::Queue(queue) => {
                self.queues.entry(Text::clone(queue)).or_default().take(asked_at, Err(failure));
            }
            Look::Fleet => self.fleet.take(asked_at, Err(failure)),
            Look::Stock { zone, family } => {
                let key = (Text::clone(zone), Text::clone(family));
                self.stock.entry(key).or_default().take(asked_at, Err(failure));
            }
            Look::Quote(offer) => {
                self.quotes.entry(offer.clone()).or_default().take(asked_at, Err(failure));
            }
            Look::Name(_)
            | Look::Status(_)
            | Look::Event { .. }
            | Look::Usage(_)
            | Look::Leftovers { .. } => {}
        }
    }

    /// Remembers when an event or a name was asked after, for as long as that matters.
    fn pace(&mut self, look: &Look, asked_at: Time) {
        self.paced.insert(look.clone(), asked_at);
        if PACED_MAX < self.paced.len() {
            self.paced.retain(|_, at| asked_at < *at + PACED_AGE);
        }
    }

    /// A listing that is empty or much smaller than the last is believed only when it repeats.
    fn believe(&mut self, rows: usize) -> bool {
        let lost = self.believed_rows.saturating_sub(rows);
        let suspect = self.believed_rows * SHRINK_SUSPECT_PERCENT < lost * 100
            || (rows == 0 && self.believed_rows != 0);
        self.suspect_in_a_row = if suspect { self.suspect_in_a_row + 1 } else { 0 };
        let believed = !suspect || SUSPECT_BELIEVED_AT <= self.suspect_in_a_row;
        if believed {
            self.believed_rows = rows;
            self.suspect_in_a_row = 0;
        }
        believed
    }

    /// Stock of an offer, where known.
    pub fn stock_of(&self, offer: &OfferKey) -> Option<Stock> {
        let key = (Text::clone(&offer.zone), Text::clone(&offer.family));
        let reading = self.stock.get(&key)?.reading.as_ref()?;
        reading.sizes.iter().find(|(size, _)| *size == offer.size()).map(|(_, stock)| *stock)
    }

    /// The last quote of an offer.
    pub fn quote_of(&self, offer: &OfferKey) -> Option<&Quote> {
        self.quotes.get(offer)?.reading.as_ref()
    }

    /// What failing sources last said.
    pub fn faults(&self) -> BTreeMap<SourceId, Text> {
        let queues = self.queues.iter().filter_map(|(name, source)| {
            let failure = source.failure.as_ref()?;
            Some((SourceId::Queue(Text::clone(name)), Text::clone(&failure.detail)))
        });
        let fleet = &self.fleet.failure;
        let fleet = fleet.iter().map(|one| (SourceId::Fleet, Text::clone(&one.detail)));
        let stock = self.stock.iter().filter_map(|((zone, family), source)| {
            let failure = source.failure.as_ref()?;
            let what = format!("{family} in {zone}").into();
            Some((SourceId::Stock(what), Text::clone(&failure.detail)))
        });
        let quotes = self.quotes.iter().filter_map(|(offer, source)| {
            let failure = source.failure.as_ref()?;
            let offer = offer.to_string().into();
            Some((SourceId::Price(offer), Text::clone(&failure.detail)))
        });
        let aside = self.queues.iter().flat_map(|(name, source)| {
            let parts = source.reading.iter().flat_map(|reading| &reading.set_aside);
            parts.map(move |part| {
                (SourceId::Queue(format!("{name}: {}", part.name).into()), Text::clone(&part.why))
            })
        });
        let notices = self.notices.iter().map(|(source, what)| (source.clone(), Text::clone(what)));
        let named_twice = self.identities.iter().filter_map(|(queue, heard)| {
            Some((SourceId::Queue(Text::clone(queue)), heard.fault()?))
        });
        // What is in doubt gives way to what fails.
        let doubts = named_twice.chain(self.slips.faults());
        doubts
            .chain(queues)
            .chain(aside)
            .chain(fleet)
            .chain(stock)
            .chain(quotes)
            .chain(notices)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_after_failures_has_an_end_and_any_answer_of_the_cloud_ends_it() {
        let mut readings = Readings::new(false, Time::default());
        let poll = Span::seconds(20);
        let at = |second: i64| Time::from_seconds(second);
        let failure = || LookFailure { class: crate::model::Refusal::Other, detail: "x".into() };
        for second in 1..10 {
            readings.take(&Look::Fleet, at(second), Err(failure()), |_| 0);
        }
        assert_eq!(readings.fleet.due_at(poll), at(9) + PAUSE_MAX, "not 320 seconds");
        let usage = UsageReading {
            asked_at: at(10),
            instance: "i".into(),
            gpu_percent: None,
            measured_at: None,
        };
        readings.take(&Look::Usage("i".into()), at(10), Ok(Reading::Usage(usage)), |_| 0);
        assert_eq!(readings.fleet.due_at(poll), at(9) + poll);
    }

    #[test]
    fn a_gpu_is_unused_from_the_first_to_the_last_of_readings_without_a_gap() {
        let mut readings = Readings::new(false, Time::default());
        let mut read = |minute: i64, gpu_percent: Option<u32>| {
            let at = Time::from_seconds(minute * 60);
            let (instance, measured_at) = ("i".into(), gpu_percent.map(|_| at));
            let reading = UsageReading { asked_at: at, instance, gpu_percent, measured_at };
            readings.note_use(&"i".into(), reading);
            let minutes = |at: Time| at.seconds() / 60;
            readings.unused.get("i").map(|(first, last)| (minutes(*first), minutes(*last)))
        };
        assert_eq!(read(0, Some(0)), Some((0, 0)));
        assert_eq!(read(5, Some(0)), Some((0, 5)));
        assert_eq!(read(10, None), Some((0, 5)), "no data proves nothing");
        assert_eq!(read(15, Some(0)), Some((0, 15)));
        assert_eq!(read(40, Some(0)), Some((40, 40)), "nobody looked for 25 minutes");
        assert_eq!(read(45, Some(3)), None);
    }
}
