//! What a quota allows is learned from refusals: no more machines in that zone than there were, until
//! a probe lifts it.

use crate::memory::{Life, Memory};
use crate::model::snapshot::Blocked;
use crate::model::{OfferKey, Text, Time};

/// Why a zone takes no further machine now.
pub fn ceiling(
    memory: &Memory,
    key: &OfferKey,
    planned: &[OfferKey],
    now: Time,
) -> Option<Blocked> {
    let ceiling = memory.ceilings.get(&key.zone)?;
    let here = memory.machines.values().filter(|machine| machine.offer.zone == key.zone);
    let planned = planned.iter().filter(|one| one.zone == key.zone).count();
    let owned = here.clone().count() + planned;
    if owned < usize::try_from(ceiling.machines).unwrap_or(usize::MAX) {
        return None;
    }
    let probing =
        planned != 0 || here.into_iter().any(|one| matches!(one.life, Life::Launching(_)));
    (now < ceiling.until || probing).then(|| Blocked::QuotaCeiling {
        zone: Text::clone(&key.zone),
        machines: ceiling.machines,
        next_try: ceiling.until,
    })
}
