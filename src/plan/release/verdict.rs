//! What a rule says of a machine.

use crate::model::snapshot::Blocked;
use crate::model::{Reason, Time};
use crate::plan::safety::{End, Licence};

/// What is to become of a machine, what people are told, and when to look again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is to become of it.
    pub fate: Fate,
    /// What people are told.
    pub told: Option<Blocked>,
    /// When the rule may say something else, if nothing is seen before.
    pub again_at: Time,
}

/// What is to become of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is left as it is.
    Keep,
    /// It is off: the queue is told that it takes no tasks, should somebody start it.
    Flag(Reason),
    /// Its workers are asked to take no more.
    Drain {
        /// Why.
        reason: Reason,
        /// Whether it goes even if the pool falls below its `min`.
        below_min: bool,
    },
    /// Its workers are to take tasks again.
    TakeBack(Reason),
    /// It ends, once that is safe.
    End {
        /// How.
        end: End,
        /// Why.
        reason: Reason,
        /// The operator's leave to end it though its workers have not answered.
        licence: Option<Licence>,
    },
}

impl Verdict {
    /// It is left as it is until something changes.
    pub const fn keep() -> Self {
        Self::fate(Fate::Keep)
    }

    /// It is left as it is until then.
    pub const fn keep_until(again_at: Time) -> Self {
        Self { fate: Fate::Keep, told: None, again_at }
    }

    /// Its workers are asked to take no more, as long as the pool keeps its `min`.
    pub const fn drain(reason: Reason) -> Self {
        Self::fate(Fate::Drain { reason, below_min: false })
    }

    /// Its workers are asked to take no more; one that serves nobody, or is replaced, keeps no place
    /// under `min`.
    pub const fn drain_below_min(reason: Reason) -> Self {
        Self::fate(Fate::Drain { reason, below_min: true })
    }

    /// Its workers are to take tasks again.
    pub const fn take_back(reason: Reason) -> Self {
        Self::fate(Fate::TakeBack(reason))
    }

    /// It is deleted, once that is safe.
    pub const fn delete(reason: Reason) -> Self {
        Self::end(End::Delete, reason, None)
    }

    /// It ends, once that is safe or the operator accepts that it is not.
    pub const fn end(end: End, reason: Reason, licence: Option<Licence>) -> Self {
        Self::fate(Fate::End { end, reason, licence })
    }

    const fn fate(fate: Fate) -> Self {
        Self { fate, told: None, again_at: Time::MAX }
    }

    /// The same, and people are told.
    #[must_use]
    pub fn telling(self, told: Option<Blocked>) -> Self {
        Self { told, ..self }
    }

    /// The same, looked at again then.
    #[must_use]
    pub fn looked_at_again(self, again_at: Time) -> Self {
        Self { again_at, ..self }
    }
}
