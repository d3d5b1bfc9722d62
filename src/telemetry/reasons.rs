//! Kinds of reasons: the one key that log, metrics, `why` and docs/operations.md sort by.

use crate::model::snapshot::Blocked;

/// A reason's key, such as `pool_max`: its tag in the API.
pub fn kind(reason: &Blocked) -> String {
    let value = serde_json::to_value(reason).ok();
    let kind = value.as_ref().and_then(|value| value.get("blocked")?.as_str());
    kind.unwrap_or("other").to_owned()
}

/// A reason with its key, as people read it: `pool_max: the pool's max of 20`.
pub fn said(reason: &Blocked) -> String {
    format!("{}: {reason}", kind(reason))
}

/// Whether somebody should look; the rest is a farm that does what it was told to.
pub fn is_alarming(reason: &Blocked) -> bool {
    match reason {
        Blocked::QueueStale { .. }
        | Blocked::FleetStale { .. }
        | Blocked::ClockJumped { .. }
        | Blocked::MoneyCap { .. }
        | Blocked::OfferRefused { .. }
        | Blocked::QuotaCeiling { .. }
        | Blocked::PriceStale { .. }
        | Blocked::NoPrice { .. }
        | Blocked::NoStock { .. }
        | Blocked::NothingFits { .. }
        | Blocked::BootsFail { .. }
        | Blocked::CannotTellIdle
        | Blocked::StopsCharged { .. }
        | Blocked::GpuBusy { .. }
        | Blocked::Quarantined { .. }
        | Blocked::Arrears { .. }
        | Blocked::OddStatus { .. }
        | Blocked::DrainLasts { .. }
        | Blocked::Hung { .. }
        | Blocked::AllSilent { .. }
        | Blocked::MonitoringDead { .. }
        | Blocked::HungEnough { .. }
        | Blocked::PoolGone { .. }
        | Blocked::NameTwice { .. } => true,
        Blocked::NotAdopted
        | Blocked::Paused { .. }
        | Blocked::ReadingsApart
        | Blocked::PoolMax { .. }
        | Blocked::FarmMax { .. }
        | Blocked::PoolMin { .. }
        | Blocked::MoneySoft { .. }
        | Blocked::OpenCreates { .. }
        | Blocked::Surge { .. }
        | Blocked::ShrinkWindow { .. }
        | Blocked::SoldOut { .. }
        | Blocked::Probing { .. }
        | Blocked::SpotTooDear { .. }
        | Blocked::Shared { .. }
        | Blocked::WithinPromise { .. }
        | Blocked::Retiring { .. }
        | Blocked::Held { .. }
        | Blocked::Replacing { .. } => false,
    }
}
