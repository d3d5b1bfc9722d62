//! Whether machines are sent to and fro: two rules that undo each other, turn after turn.

use std::collections::{BTreeMap, VecDeque};

use super::super::farm::SimFarm;
use crate::model::{Act, Span, Text, Time};

/// Over which changes of direction are counted.
const WINDOW: Span = Span::hours(1);
/// Changes of direction within it that need no new fact: a drain that is taken back, a stop after it.
const FREE_MAX: u64 = 6;

/// Where machines were last sent, and what was new since.
#[derive(Debug, Default)]
pub(super) struct Steadiness {
    machines: BTreeMap<Text, Course>,
    restarts: u64,
}

#[derive(Debug, Default)]
struct Course {
    /// The last change let it go on working (`true`) or led it out of work.
    kept: Option<bool>,
    /// When it changed direction lately, and how many facts there were then.
    turns: VecDeque<(Time, u64)>,
}

impl Steadiness {
    /// A new life of the daemon may have forgotten what the last one wanted.
    pub(super) fn restarted(&mut self) {
        self.restarts += 1;
    }

    /// Takes in a change that is sent; says what is wrong with it. Each new fact (a task that came,
    /// ended or was lost, a worker that joined, a machine that changed by itself) may turn one
    /// machine once.
    pub(super) fn sent(&mut self, now: Time, act: &Act, farm: &SimFarm) -> Option<String> {
        let (instance, keeps) = match act {
            Act::Create { .. } | Act::Delete { .. } => return None,
            Act::Start { instance } => (instance, true),
            Act::Stop { instance } => (instance, false),
            Act::Drain { machine, .. } => (machine.instance.as_ref()?, false),
            Act::Undrain { machine, .. } => (machine.instance.as_ref()?, true),
        };
        let facts = farm.facts() + self.restarts;
        let course = self.machines.entry(Text::clone(instance)).or_default();
        if course.kept.replace(keeps).is_none_or(|before| before == keeps) {
            return None;
        }
        course.turns.retain(|(at, _)| now < *at + WINDOW);
        course.turns.push_back((now, facts));
        let count = u64::try_from(course.turns.len()).unwrap_or(u64::MAX);
        let new = course.turns.front().map_or(0, |(_, before)| facts - before);
        (FREE_MAX + new < count).then(|| {
            format!("{instance} changes direction {count} times within an hour of {new} new facts")
        })
    }
}
