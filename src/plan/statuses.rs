//! Statuses that no part of a machine's life explains: broken machines may come back and are left alone
//! for a while; one taken back for arrears needs a human; one may be in the making for ever.

use crate::model::Text;
use crate::model::snapshot::Blocked;
use crate::policy::Pool;

use super::draft::Draft;
use super::machine::{in_arrears, stays_building};
use super::situation::Situation;

/// What is told of statuses: of the pool's own machines, and of arrears anywhere.
pub(super) fn unexpected(situation: Situation<'_>, pool: &Pool, draft: &mut Draft) -> Vec<Blocked> {
    let arrears = in_arrears(situation.memory);
    let mut told: Vec<Blocked> =
        arrears.map(|machine| Blocked::Arrears { machine: machine.clone() }).into_iter().collect();
    for (name, one) in situation.machines_of(&pool.name) {
        if stays_building(situation, name, one) {
            let (machine, lasted) = (name.clone(), situation.now.since(one.made_at));
            told.push(Blocked::StaysBuilding { machine, lasted });
        }
        let Some(seen) = &one.sighting.unexpected_status else { continue };
        let (machine, status) = (name.clone(), Text::from(seen.status.to_string()));
        if one.in_quarantine() {
            draft.wake_by(seen.since + situation.policy.timing.quarantine);
            told.push(Blocked::Quarantined { machine, status });
        } else if !one.in_arrears() {
            told.push(Blocked::UnexpectedStatus { machine, status });
        }
    }
    told
}
