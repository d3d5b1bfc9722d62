//! How a machine is let go: the rules, in the order in which they are asked. The first that speaks
//! decides; each is a file of its own.
//!
//! A rule is pure: it is given one machine with all that is known of it, and what was found out once for
//! its whole pool. It stops and deletes nothing: it says what should become of the machine, and `writer`
//! turns that into steps as far as safety, `min` and the budget allow. Taking a drain back is a verdict
//! like any other, so no two parts of a plan can undo each other.

use super::draft::Draft;

pub mod candidate;
pub mod context;
pub mod keeping;
pub mod verdict;
mod writer;

mod above_max;
mod dead_boot;
mod drain_begun;
mod drain_limit;
mod drifted;
mod held;
mod holds_a_place;
mod hung;
mod idle;
mod named_twice;
mod needed_again;
mod not_worth_its_boot;
mod off_without_its_flag;
mod over_cap;
mod quarantined;
mod retiring;
mod silent;
mod started_by_hand;
mod stays_building;
mod stop_charged;
mod stopped_too_long;
mod takes_tasks_again;
pub mod together;
mod worn_out;

pub use candidate::Candidate;
pub use context::{Context, Wanted};
pub use verdict::{Fate, Verdict};
pub use writer::Report;

/// A rule: its name, and what it says of a machine; `None` = this is no matter of it.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The name of its file, in words.
    pub name: &'static str,
    /// What it says.
    pub says: fn(&Candidate<'_>, &Context<'_>) -> Option<Verdict>,
}

/// Every rule by which a machine is let go, kept or taken back, in the order in which they are asked.
pub const RULES: &[Rule] = &[
    // Whatever the work wants.
    Rule { name: "named twice", says: named_twice::says },
    Rule { name: "off without its flag", says: off_without_its_flag::says },
    Rule { name: "held", says: held::says },
    Rule { name: "quarantined", says: quarantined::says },
    Rule { name: "hung", says: hung::says },
    Rule { name: "retiring", says: retiring::says },
    Rule { name: "over cap", says: over_cap::says },
    Rule { name: "above max", says: above_max::says },
    // Boots.
    Rule { name: "stays building", says: stays_building::says },
    Rule { name: "not worth its boot", says: not_worth_its_boot::says },
    Rule { name: "dead boot", says: dead_boot::says },
    // What it was made from.
    Rule { name: "worn out", says: worn_out::says },
    Rule { name: "drifted", says: drifted::says },
    // A drain under way: back to work, or on to its end.
    Rule { name: NEEDED_AGAIN, says: needed_again::says },
    Rule { name: "started by hand", says: started_by_hand::says },
    Rule { name: "drain limit", says: drain_limit::says },
    Rule { name: "drain begun", says: drain_begun::says },
    // Nothing to do.
    Rule { name: "idle", says: idle::says },
    Rule { name: "silent", says: silent::says },
    Rule { name: "takes tasks again", says: takes_tasks_again::says },
    // Off.
    Rule { name: "stop charged", says: stop_charged::says },
    Rule { name: "stopped too long", says: stopped_too_long::says },
    Rule { name: "holds a place", says: holds_a_place::says },
];

const NEEDED_AGAIN: &str = "needed again";

/// What becomes of a machine: the word of the first rule that speaks. A machine that nothing may be
/// asked of now is not asked about.
pub fn decide(candidate: &Candidate<'_>, context: &Context<'_>) -> Option<Verdict> {
    if !candidate.may_be_asked {
        return None;
    }
    RULES.iter().find_map(|rule| (rule.says)(candidate, context))
}

/// Whether a machine that is being drained would be back at work if the work asked for it: no rule that
/// is asked before has a better reason to let it go.
pub fn would_return(candidate: &Candidate<'_>, context: &Context<'_>) -> bool {
    let before = RULES.iter().take_while(|rule| rule.name != NEEDED_AGAIN);
    let first = before.into_iter().find_map(|rule| (rule.says)(candidate, context));
    let goes_back = first.is_none_or(|verdict| matches!(verdict.fate, Fate::TakeBack(_)));
    candidate.may_be_asked && needed_again::may_return(candidate, context) && goes_back
}

/// Lets go what the rules say, as far as that is safe and the budget allows.
pub fn let_go(candidates: &[Candidate<'_>], context: &Context<'_>, draft: &mut Draft) -> Report {
    let by_idleness = candidate::longest_idle_first(candidates);
    let decided = by_idleness.into_iter().filter_map(|one| Some((one, decide(one, context)?)));
    writer::write(&decided.collect::<Vec<_>>(), candidates, context, draft)
}
