//! Machines the provider shows in a status that no part of their life explains: broken ones may come
//! back and are left alone for a while; one taken back for arrears needs a human.

use super::{Draft, Situation};
use crate::memory::{Machine, Memory};
use crate::model::snapshot::{Blocked, Report};
use crate::model::{MachineName, Text};
use crate::policy::Pool;

/// A machine that is taken back because the account is in arrears.
pub fn arrears(memory: &Memory) -> Option<&MachineName> {
    memory.machines.iter().find(|(_, machine)| machine.in_arrears()).map(|(name, _)| name)
}

/// Whether nothing may be done to a machine because of its status.
pub(super) fn is_left_alone(situation: Situation<'_>, machine: &Machine) -> bool {
    let status = machine.unexpected_status.as_ref();
    let left_until = status.map(|status| status.since + situation.policy.timing.quarantine);
    let waits = left_until.is_some_and(|until| situation.now < until);
    machine.in_arrears() || (machine.in_quarantine() && waits)
}

/// Tells of odd statuses: of the pool's own machines, and of arrears anywhere.
pub(super) fn tell(situation: Situation<'_>, pool: &Pool, draft: &mut Draft, report: &mut Report) {
    if let Some(machine) = arrears(situation.memory) {
        report.binds.push(Blocked::Arrears { machine: machine.clone() });
    }
    for (name, one) in &situation.memory.machines {
        let status = one.unexpected_status.as_ref();
        let Some(odd) = status.filter(|_| one.pool == pool.name) else { continue };
        let (machine, status) = (name.clone(), Text::clone(&odd.status));
        if one.in_quarantine() {
            draft.wake_by(odd.since + situation.policy.timing.quarantine);
            report.binds.push(Blocked::Quarantined { machine, status });
        } else if !one.in_arrears() {
            report.binds.push(Blocked::OddStatus { machine, status });
        }
    }
}
