//! Workers that are not seen any more: dead with their machine, or alive and only unseen?

use super::{Situation, hung};
use crate::memory::Machine;
use crate::model::snapshot::Phase;
use crate::model::{MachineName, Span};
use crate::policy::Pool;

/// Machines that fell silent within this of each other fell silent together.
const TOGETHER: Span = Span::minutes(1);

/// How many machines there are, if all that are ready, more than one, fell silent together: the queue has
/// more likely lost its word of them than that all died at once.
pub(super) fn together(ours: &[(&MachineName, &Machine)]) -> Option<u32> {
    let ready =
        || ours.iter().map(|(_, machine)| machine).filter(|one| one.phase() == Phase::Ready);
    let first = ready().map(|machine| machine.worker_since).min()?;
    let last = ready().map(|machine| machine.worker_since).max()?;
    let all = ready().all(|machine| machine.worker.is_none()) && last <= first + TOGETHER;
    let machines = u32::try_from(ready().count()).unwrap_or(u32::MAX);
    (all && 1 < machines).then_some(machines)
}

/// How long a machine's workers are to be unseen before that is believed: where all vanished together,
/// until what they had at hand would be done.
pub(super) fn believed_after(situation: Situation<'_>, pool: &Pool, together: bool) -> Span {
    let absent_max = situation.policy.timing.absent_max;
    if together { hung::hung_after(situation, pool).max(absent_max) } else { absent_max }
}

/// Whether workers that vanished at work have had the time to end what they had at hand.
pub(super) fn has_ended(situation: Situation<'_>, pool: &Pool, machine: &Machine) -> bool {
    let task = hung::hung_after(situation, pool);
    machine.vanished_busy_at.is_none_or(|at| at + task < situation.now)
}
