//! The records of what is the same on both sides: every field is named here, so that one that is new in
//! memory cannot be forgotten.

use serde::{Deserialize, Serialize};

use crate::memory::boots::{Boots, certain};
use crate::memory::meter::{Meter, Rate};
use crate::memory::spent::{Spent, SpentOn};
use crate::memory::state::{
    Account, Ceiling, LostAtWork, OpenDay, Progress, Recent, RefusalMemory, SpotEnd, SpotMemory,
    Tombstone,
};
use crate::memory::usage::{Usage, Use};
use crate::model::snapshot::{Counts, Hold, Pause, Sum};
use crate::model::{Money, OfferKey, Quote, Refusal, Span, Text, Time};

/// A record, and the conversion both ways, of what has the same fields in memory.
macro_rules! record {
    ($record:ident of $core:ident {
        $($(#[$about:meta])* $field:ident: $kind:ty,)+
    }) => {
        #[derive(Serialize, Deserialize)]
        pub(super) struct $record {
            $($(#[$about])* $field: $kind,)+
        }

        impl From<$core> for $record {
            fn from(core: $core) -> Self {
                let $core { $($field,)+ } = core;
                Self { $($field: $field.into(),)+ }
            }
        }

        impl From<$record> for $core {
            fn from(record: $record) -> Self {
                let $record { $($field,)+ } = record;
                Self { $($field: $field.into(),)+ }
            }
        }
    };
}

record!(CountsRecord of Counts {
    creates: u64,
    starts: u64,
    stops: u64,
    deletes: u64,
    refusals: u64,
    unknowns: u64,
});

record!(PauseRecord of Pause {
    owner: Text,
    reason: Text,
    until: Option<Time>,
    since: Time,
});

record!(HoldRecord of Hold {
    owner: Text,
    reason: Text,
    until: Option<Time>,
});

record!(SumRecord of Sum {
    cost: Money,
    running: Span,
    stopped: Span,
    booting: Span,
    idle: Span,
});

record!(AccountRecord of Account {
    closed: SumRecord,
    opened: SumRecord,
});

record!(OpenDayRecord of OpenDay {
    day: Text,
    until: Time,
});

record!(RecentRecord of Recent {
    creates: Vec<(Time, u32)>,
    stops: Vec<(Time, u32)>,
    deletes: Vec<(Time, u32)>,
});

record!(TombstoneRecord of Tombstone {
    pool: Text,
    offer: OfferKey,
    quote: Option<Quote>,
    since: Time,
    seen_gone: bool,
    #[serde(default)]
    charged_until: Option<Time>,
});

record!(RefusalRecord of RefusalMemory {
    class: Refusal,
    count: u32,
    at: Time,
    until: Time,
});

record!(BootsRecord of Boots {
    took: Vec<u32>,
    good: u64,
    failed: u32,
    failed_at: Option<Time>,
    #[serde(default = "certain")]
    success_ppm: i64,
});

record!(CeilingRecord of Ceiling {
    machines: u32,
    until: Time,
});

record!(SpotEndRecord of SpotEnd {
    at: Time,
    ran: Span,
    lost: bool,
});

record!(LostRecord of LostAtWork {
    at: Time,
    zone: Text,
    spot: bool,
});

#[derive(Serialize, Deserialize)]
pub(super) struct SpotRecord {
    ran: Span,
    losses: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lately: Vec<SpotEndRecord>,
}

impl From<SpotMemory> for SpotRecord {
    fn from(spot: SpotMemory) -> Self {
        let SpotMemory { ran, losses, lately } = spot;
        Self { ran, losses, lately: lately.into_iter().map(Into::into).collect() }
    }
}

impl From<SpotRecord> for SpotMemory {
    fn from(record: SpotRecord) -> Self {
        let SpotRecord { ran, losses, lately } = record;
        Self { ran, losses, lately: lately.into_iter().map(Into::into).collect() }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct ProgressRecord {
    ended_at: Option<Time>,
    lost: u32,
    lately: Vec<LostRecord>,
}

impl From<Progress> for ProgressRecord {
    fn from(progress: Progress) -> Self {
        let Progress { ended_at, lost, lately } = progress;
        Self { ended_at, lost, lately: lately.into_iter().map(Into::into).collect() }
    }
}

impl From<ProgressRecord> for Progress {
    fn from(record: ProgressRecord) -> Self {
        let ProgressRecord { ended_at, lost, lately } = record;
        Self { ended_at, lost, lately: lately.into_iter().map(Into::into).collect() }
    }
}

record!(SpentOnRecord of SpentOn {
    day: Text,
    pool: Text,
    cost: Money,
});

#[derive(Serialize, Deserialize)]
pub(super) struct SpentRecord {
    at: Time,
    day: Text,
    until: Time,
    days: Vec<SpentOnRecord>,
    hourly: Vec<(Text, Money)>,
}

impl From<Spent> for SpentRecord {
    fn from(spent: Spent) -> Self {
        let Spent { at, day, until, days, hourly } = spent;
        Self { at, day, until, days: days.into_iter().map(Into::into).collect(), hourly }
    }
}

impl From<SpentRecord> for Spent {
    fn from(record: SpentRecord) -> Self {
        let SpentRecord { at, day, until, days, hourly } = record;
        Self { at, day, until, days: days.into_iter().map(Into::into).collect(), hourly }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct MeterRecord {
    running: Span,
    stopped: Span,
    now: Option<(RateWord, Time)>,
    #[serde(default = "second")]
    unit: Span,
    #[serde(default)]
    ended_at: Option<Time>,
    estimated: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RateWord {
    Running,
    Stopped,
}

const fn second() -> Span {
    Span::seconds(1)
}

impl From<Meter> for MeterRecord {
    fn from(meter: Meter) -> Self {
        let Meter { running, stopped, now, unit, ended_at, estimated } = meter;
        let word = |rate| match rate {
            Rate::Running => RateWord::Running,
            Rate::Stopped => RateWord::Stopped,
        };
        let now = now.map(|(rate, since)| (word(rate), since));
        Self { running, stopped, now, unit, ended_at, estimated }
    }
}

impl From<MeterRecord> for Meter {
    fn from(record: MeterRecord) -> Self {
        let MeterRecord { running, stopped, now, unit, ended_at, estimated } = record;
        let rate = |word| match word {
            RateWord::Running => Rate::Running,
            RateWord::Stopped => Rate::Stopped,
        };
        let now = now.map(|(word, since)| (rate(word), since));
        Self { running, stopped, now, unit, ended_at, estimated }
    }
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct UsageRecord {
    booting: Span,
    idle: Span,
    now: Option<(UseWord, Time)>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UseWord {
    Booting,
    Idle,
    Working,
}

impl From<Usage> for UsageRecord {
    fn from(usage: Usage) -> Self {
        let Usage { booting, idle, now } = usage;
        let word = |used| match used {
            Use::Booting => UseWord::Booting,
            Use::Idle => UseWord::Idle,
            Use::Working => UseWord::Working,
        };
        Self { booting, idle, now: now.map(|(used, since)| (word(used), since)) }
    }
}

impl From<UsageRecord> for Usage {
    fn from(record: UsageRecord) -> Self {
        let UsageRecord { booting, idle, now } = record;
        let used = |word| match word {
            UseWord::Booting => Use::Booting,
            UseWord::Idle => Use::Idle,
            UseWord::Working => Use::Working,
        };
        Self { booting, idle, now: now.map(|(word, since)| (used(word), since)) }
    }
}
