//! What the operator wants: valid by construction, made by `config` alone.

use crate::model::{Money, Namer, OfferKey, Shape, Span, Text, Time};

mod spending;

pub use spending::{MoneyCaps, OnCap, Spending};

/// Everything that steers decisions.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Makes and recognises the farm's names.
    pub namer: Namer,
    /// At least one, in the order of the config.
    pub pools: Vec<Pool>,
    /// For the farm as a whole.
    pub limits: Limits,
    /// Caps on money, and where a day begins.
    pub spending: Spending,
    /// Licences and the like, shared by pools.
    pub shared: Vec<Shared>,
    /// How long things are given.
    pub timing: Timing,
}

/// Workers of one kind, fed by one queue.
#[derive(Debug, Clone)]
pub struct Pool {
    /// For people.
    pub name: Text,
    /// 1–4 of `a-z0-9`: its part of machine names.
    pub tag: Text,
    /// The queue's name.
    pub queue: Text,
    /// What may be bought, cheapest work first decided by `rank`.
    pub offers: Vec<OfferPolicy>,
    /// Machines kept at least, whatever the queue says.
    pub min: u32,
    /// Machines at most, stopped and unknown ones included.
    pub max: u32,
    /// What happens to machines above `max`, once it is lowered.
    pub on_max: OnMax,
    /// Raise or lower `min` and `max` at times of the week.
    pub windows: Vec<Window>,
    /// Queue workers a machine runs.
    pub slots: Slots,
    /// What a task needs unless the queue says otherwise.
    pub shape: Shape,
    /// Waiting tasks one free slot is trusted with before another is bought; at least 1.
    pub tasks_per_slot: u32,
    /// Slots above demand kept on purpose.
    pub headroom: u32,
    /// When an idle machine is let go.
    pub tier: Tier,
    /// Its own caps on money.
    pub caps: MoneyCaps,
    /// Spot machines beside those on demand; `None` = none.
    pub spot: Option<Spot>,
    /// Shared limits each of its slots takes one of.
    pub takes: Vec<Text>,
    /// How soon tasks should start, and what it costs if they do not; `None` = every waiting task
    /// gets a slot at once.
    pub promise: Option<Promise>,
    /// Whether the lack of a busy word counts as idle.
    pub idle: IdleRule,
    /// Whether the queue can ask workers to take no more.
    pub drains: bool,
    /// Machines on their way at once, at most.
    pub surge: u32,
    /// What is done about machines that misbehave or have grown old.
    pub care: Care,
}

/// What happens to machines above a pool's `max`: it was lowered, or a window has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnMax {
    /// They take no more tasks and go as those they have end, also while work waits.
    #[default]
    Drain,
    /// They work until no task waits.
    FinishQueue,
}

/// What is done about machines that misbehave or have grown old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Care {
    /// Workers that have not answered a drain by then lose their frame; `None` = never.
    pub drain_max: Option<Span>,
    /// Busy for longer than this on an unused GPU is hung; `None` = by what tasks take.
    pub hung_after: Option<Span>,
    /// What is done about it.
    pub on_hung: OnHung,
    /// Machines older than this are replaced; `None` = never.
    pub max_lifetime: Option<Span>,
}

/// What is done about a machine that is busy and does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnHung {
    /// It is reported.
    #[default]
    Report,
    /// It is deleted, and its task given to another. The operator accepts that a frame may be lost.
    Recycle,
}

impl Care {
    /// Whether the operator accepts that a frame may be lost.
    pub fn may_lose_frames(&self) -> bool {
        self.drain_max.is_some() || self.on_hung == OnHung::Recycle
    }
}

/// One offer the operator allows.
#[derive(Debug, Clone)]
pub struct OfferPolicy {
    /// What it is.
    pub key: OfferKey,
    /// Memory of each GPU in GiB.
    pub gpu_memory_gib: u32,
    /// Work done per second, in millionths of the reference GPU; at least 1.
    pub speed_ppm: i64,
    /// Running time is charged in whole units of this.
    pub billing_unit: Span,
    /// Whether a stop without charge is possible: on demand, cloud system disk, account whitelisted.
    pub stoppable: bool,
    /// Checksum of what its machines are made from: image, network, disk.
    pub build: u32,
}

/// How a pool buys spot machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// The most to bid for an hour, disks not counted; `None` follows the market (`SpotType` auto).
    pub bid: Option<Money>,
    /// A market dearer than this, an hour with its disk, is left alone.
    pub most: Option<Money>,
    /// Machines on demand before the first spot machine…
    pub on_demand_min: u32,
    /// …and their share of all, in percent.
    pub on_demand_percent: u32,
}

/// Something of which every slot at work takes one, over all pools that name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// For people.
    pub name: Text,
    /// How many there are.
    pub count: SharedCount,
}

/// How many of a shared limit there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharedCount {
    /// Always so many.
    Fixed(u32),
    /// As many as the queue source of this name says: its number of waiting tasks.
    From(Text),
}

/// How many tasks a machine works on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slots {
    /// So many queue workers on each GPU.
    PerGpu(u32),
    /// So many queue workers on the machine.
    PerMachine(u32),
}

/// Idle → stopped → deleted. `None` = at the break-even time computed from price and boot times
/// (`S/(r−d)` and `(B−S)/d`, docs/architecture.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// Keep stopped machines at all.
    pub keep_stopped: bool,
    /// Idle this long: stop (or delete where nothing is kept).
    pub stop_after: Option<Span>,
    /// Stopped this long: delete.
    pub delete_after: Option<Span>,
    /// Of learned times.
    pub patience: Patience,
}

/// What is promised to tasks, and what breaking it costs. The promise steers where the queue tells
/// its tasks apart; elsewhere every waiting task gets a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// Tasks should start within this.
    pub wait: Span,
    /// A task that starts later costs as much as a slot running for this long…
    pub late: Span,
    /// …and for the time it is late, in percent.
    pub late_percent: i64,
    /// A task that starts later than this…
    pub too_late: Span,
    /// …costs so much more.
    pub too_late_costs: Span,
}

/// What a pool without settings of its own promises its tasks, and how long it keeps machines for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// `None` = every waiting task gets a slot at once.
    pub promise: Option<Promise>,
    /// With machines that have no work.
    pub patience: Patience,
}

impl Preset {
    /// Tasks start within six minutes, for little money.
    pub const fn balanced() -> Self {
        Self { promise: Some(Promise::balanced()), patience: Patience::balanced() }
    }

    /// Tasks start at once.
    pub const fn fast() -> Self {
        Self { promise: None, patience: Patience::fast() }
    }

    /// Tasks start within a quarter of an hour, for the least money.
    pub const fn thrifty() -> Self {
        Self { promise: Some(Promise::thrifty()), patience: Patience::balanced() }
    }
}

impl Promise {
    /// Nearly all tasks start within `wait`; those that do not are not much later.
    pub const fn within(wait: Span) -> Self {
        Self {
            // A boot may take a quarter longer than the mean it is reckoned with.
            wait: Span(wait.0 / 12 * 11),
            late: Span::seconds(85),
            late_percent: 100,
            too_late: Span(wait.0 / 3 * 4),
            too_late_costs: Span::seconds(150),
        }
    }

    /// Start within six minutes.
    pub const fn balanced() -> Self {
        Self::within(Span::minutes(6))
    }

    /// Start within a quarter of an hour, for the least money.
    pub const fn thrifty() -> Self {
        Self::within(Span::minutes(15))
    }
}

/// How much of the learned times machines without work are kept, in percent. Found by back-test: a
/// stop takes a while of its own, and a machine kept stopped also shortens waits, which the pauses
/// learned from do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Of the time until a stop.
    pub idle: i64,
    /// Of the time from the stop until the delete.
    pub stopped: i64,
    /// No learned time counts for less than this share of the break-even time.
    pub least: i64,
}

impl Patience {
    /// For the least money.
    pub const fn balanced() -> Self {
        Self { idle: 25, stopped: 150, least: 0 }
    }

    /// For the shortest waits: never less than the break-even times.
    pub const fn fast() -> Self {
        Self { idle: 100, stopped: 100, least: 100 }
    }
}

/// What makes a worker idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdleRule {
    /// The queue says so and acknowledges a drain.
    #[default]
    Word,
    /// The queue cannot say; an empty queue and an unused GPU are taken for idle. The operator
    /// accepts that a frame may be lost.
    Assume,
}

/// Caps of the whole farm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Machines at most, over all pools.
    pub max: u32,
    /// Creates sent and not yet answered for certain, at most.
    pub open_creates: u32,
    /// Stops and drains begun within the window, at least this many…
    pub stops_floor: u32,
    /// …or this share of the farm in percent, whichever is more.
    pub stops_percent: u32,
    /// Deletes of long-stopped machines within the window, at least this many, or all of them.
    pub deletes_floor: u32,
}

/// Raises or lowers a pool's size at times of the week.
#[derive(Debug, Clone)]
pub struct Window {
    /// IANA time zone.
    pub zone: jiff::tz::TimeZone,
    /// Days it begins on, Monday first.
    pub days: [bool; 7],
    /// Begins at this local time.
    pub from: jiff::civil::Time,
    /// Ends at this local time; on the next day if not after `from`.
    pub to: jiff::civil::Time,
    /// New `min` while it lasts.
    pub min: Option<u32>,
    /// New `max` while it lasts.
    pub max: Option<u32>,
}

/// How long things are given; every one is a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Between two looks at a queue.
    pub queue_poll: Span,
    /// Between two listings of the fleet.
    pub fleet_poll: Span,
    /// Between two looks at stock while something is wanted.
    pub stock_poll: Span,
    /// A quote older than this is asked for again before buying.
    pub quote_age_max: Span,
    /// Between two looks at one event.
    pub event_poll: Span,
    /// A look not answered by then is asked again.
    pub look_timeout: Span,
    /// The provider's listing may lag this far behind.
    pub listing_lag_max: Span,
    /// An unknown create counts towards demand this long.
    pub unknown_counts: Span,
    /// An unknown create may be given up after this, and three complete listings.
    pub create_grace: Span,
    /// A request without a known outcome may still be carried out this much later.
    pub late_max: Span,
    /// A boot that has brought no worker by then is given up.
    pub boot_max: Span,
    /// A ready machine whose workers are unseen this long is let go.
    pub absent_max: Span,
    /// Readings older than this never shrink the farm.
    pub stale_after: Span,
    /// A machine the provider shows as `error` is left alone this long.
    pub quarantine: Span,
    /// A worker's heartbeat lives this long in the queue.
    pub heartbeat: Span,
    /// Mean boot, for break-even times until boots have been seen.
    pub boot_mean: Span,
    /// Mean restart of a stopped machine, likewise.
    pub restart_mean: Span,
    /// Window over which creates, stops and deletes are counted.
    pub window: Span,
    /// First pause after a refused offer; doubles up to `refusal_max`.
    pub refusal_first: Span,
    /// Longest pause after a refused offer.
    pub refusal_max: Span,
    /// Expired names are watched this long.
    pub tombstone: Span,
    /// Shrinking is frozen this long after the wall clock jumped.
    pub jump_freeze: Span,
    /// Turns are at least this far apart.
    pub turn_floor: Span,
    /// Turns are at most this far apart.
    pub turn_ceiling: Span,
}

impl Policy {
    /// The pool of this name.
    pub fn pool(&self, name: &str) -> Option<&Pool> {
        self.pools.iter().find(|pool| &*pool.name == name)
    }
}

impl Pool {
    /// What the operator says of an offer.
    pub fn offer(&self, key: &OfferKey) -> Option<&OfferPolicy> {
        self.offers.iter().find(|offer| &offer.key == key)
    }

    /// `min` and `max` at `now`, calendar windows applied in order.
    pub fn size_at(&self, now: Time) -> (u32, u32) {
        let mut size = (self.min, self.max);
        for window in self.windows.iter().filter(|window| window.holds(now)) {
            size = (window.min.unwrap_or(size.0), window.max.unwrap_or(size.1));
        }
        (size.0.min(size.1), size.1)
    }

    /// Tasks of `shape` one machine of `offer` works on at once; 0 if none fits.
    pub fn slots_of(&self, offer: &OfferPolicy, shape: Shape) -> u32 {
        let task_gpus = shape.gpus.max(1);
        if offer.key.gpus.max(1) < task_gpus || offer.gpu_memory_gib < shape.gpu_memory_gib {
            return 0;
        }
        match self.slots {
            Slots::PerMachine(slots) => slots,
            Slots::PerGpu(slots) if task_gpus == 1 => offer.key.gpus.max(1).saturating_mul(slots),
            Slots::PerGpu(_) => offer.key.gpus.max(1) / task_gpus,
        }
    }
}

impl Window {
    /// Whether the window is open at `now`.
    ///
    /// An edge that daylight saving skips is taken when the clocks change, a repeated one the first
    /// time. A window that lies in the hour that is skipped is as long as on any other day, from the
    /// change on: what an operator wants at that time is not lost.
    pub fn holds(&self, now: Time) -> bool {
        self.spans_around(now).any(|(from, to)| from <= now && now < to)
    }

    /// The next moment the window opens or closes after `now`.
    pub fn next_edge(&self, now: Time) -> Option<Time> {
        let edges = self.spans_around(now).flat_map(|(from, to)| [from, to]);
        edges.filter(|edge| now < *edge).min()
    }

    /// The openings that begin from yesterday until a week from now.
    fn spans_around(&self, now: Time) -> impl Iterator<Item = (Time, Time)> + '_ {
        let today = jiff::Timestamp::from_millisecond(now.0)
            .unwrap_or_default()
            .to_zoned_datetime(self.zone.clone())
            .date();
        (-1..=8).filter_map(move |offset| {
            let day = today.checked_add(jiff::Span::new().days(offset)).ok()?;
            let weekday = day.weekday().to_monday_zero_offset();
            if !*self.days.get(usize::try_from(weekday).ok()?)? {
                return None;
            }
            let last = if self.from < self.to { day } else { day.tomorrow().ok()? };
            let (from, to) = (self.moment(day, self.from)?, self.moment(last, self.to)?);
            Some((from, if from < to { to } else { from + self.length() }))
        })
    }

    fn moment(&self, day: jiff::civil::Date, time: jiff::civil::Time) -> Option<Time> {
        let ambiguous = self.zone.to_ambiguous_timestamp(day.to_datetime(time));
        let is_skipped = matches!(ambiguous.offset(), jiff::tz::AmbiguousOffset::Gap { .. });
        let at = ambiguous.compatible().ok()?;
        if !is_skipped {
            return Some(Time(at.as_millisecond()));
        }
        // It is read as if the clocks had not changed, so the change is the last one up to then.
        let after = at.checked_add(jiff::Span::new().milliseconds(1)).ok()?;
        let change = self.zone.preceding(after).next()?;
        Some(Time(change.timestamp().as_millisecond()))
    }

    /// How long it is on a day of 24 hours.
    fn length(&self) -> Span {
        let seconds = |time: jiff::civil::Time| {
            (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second())
        };
        let length = (seconds(self.to) - seconds(self.from)).rem_euclid(24 * 3600);
        Span::seconds(if length == 0 { 24 * 3600 } else { length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(zone: &str, from: &str, to: &str) -> Window {
        Window {
            zone: jiff::tz::TimeZone::get(zone).unwrap(),
            days: [true; 7],
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            min: Some(3),
            max: None,
        }
    }

    fn at(text: &str) -> Time {
        Time(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn a_window_over_midnight_holds_on_both_sides() {
        let night = window("Asia/Shanghai", "22:00", "06:00");
        assert!(night.holds(at("2026-03-01T14:00:00Z"))); // 22:00 in Shanghai
        assert!(night.holds(at("2026-03-01T21:59:59Z"))); // 05:59
        assert!(!night.holds(at("2026-03-01T22:00:00Z")));
        assert_eq!(night.next_edge(at("2026-03-01T21:00:00Z")), Some(at("2026-03-01T22:00:00Z")));
    }

    #[test]
    fn an_edge_skipped_in_spring_is_taken_when_the_clocks_change() {
        let early = window("Europe/Berlin", "02:30", "04:00"); // 02:30 does not exist on 29 March
        assert!(!early.holds(at("2026-03-29T00:59:59Z"))); // 01:59 local
        assert!(early.holds(at("2026-03-29T01:00:00Z"))); // 03:00 local
        assert!(!early.holds(at("2026-03-29T02:00:00Z"))); // 04:00 local
    }

    #[test]
    fn a_window_in_the_hour_that_is_skipped_is_not_lost() {
        let change = at("2026-03-29T01:00:00Z"); // 02:00 is 03:00 in Berlin
        for (from, to, minutes) in [("02:15", "03:10", 10), ("02:15", "02:45", 30)] {
            let early = window("Europe/Berlin", from, to);
            let end = change + Span::minutes(minutes);
            assert!(!early.holds(change - Span::seconds(1)), "{from}");
            assert!(early.holds(change) && early.holds(end - Span::seconds(1)), "{from}");
            assert!(!early.holds(end), "{from}");
            assert_eq!(early.next_edge(change - Span::hours(1)), Some(change), "{from}");
        }
    }

    #[test]
    fn an_hour_repeated_in_autumn_is_inside_both_times() {
        let early = window("Europe/Berlin", "02:30", "04:00"); // 02:30 comes twice on 25 October
        assert!(early.holds(at("2026-10-25T00:30:00Z"))); // first 02:30
        assert!(early.holds(at("2026-10-25T01:15:00Z"))); // second 02:15
        assert!(!early.holds(at("2026-10-25T03:00:00Z"))); // 04:00
    }
}
