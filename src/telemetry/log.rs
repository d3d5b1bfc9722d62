//! The log: one line an event, with fields, for people or as JSON. A turn that changes nothing
//! writes nothing.

use tracing_subscriber::EnvFilter;

use super::words::{self, Language};
use crate::model::Event;
use crate::model::event::What;

/// Sets the log up, on the standard error; `RUST_LOG` chooses what is written (default `info`).
pub fn init(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = if json { builder.json().try_init() } else { builder.with_target(false).try_init() };
    if let Err(error) = set {
        tracing::debug!(%error, "the log was set up already");
    }
}

/// Writes one event.
pub fn event(event: &Event) {
    let words = words::say(event, Language::En);
    let machine = event.machine().map(|name| name.as_str().to_owned());
    let machine = machine.as_deref();
    match event.what {
        What::CreateRefused { .. }
        | What::CreateUnknown { .. }
        | What::CreateFailed { .. }
        | What::CreateExpired { .. }
        | What::ChangeRefused { .. }
        | What::ChangeUnknown { .. }
        | What::ChangeFailed { .. }
        | What::StatusSeen { .. }
        | What::StatusOdd { .. }
        | What::StopCharged { .. }
        | What::Vanished { .. }
        | What::BootFailed { .. }
        | What::Reclaimed { .. }
        | What::OfferRefused { .. } => tracing::warn!(at = %event.at, machine, "{words}"),
        What::Missed { .. }
        | What::Unmissed { .. }
        | What::WorkerSeen { .. }
        | What::AssumedReady { .. }
        | What::Booted { .. }
        | What::Ended { .. }
        | What::ChangeSeen { .. }
        | What::Quoted { .. }
        | What::TombstoneDropped { .. } => tracing::debug!(at = %event.at, machine, "{words}"),
        What::DaemonStarted { .. }
        | What::FarmAdopted
        | What::Paused { .. }
        | What::Resumed { .. }
        | What::Retiring { .. }
        | What::Staying { .. }
        | What::Held { .. }
        | What::Released { .. }
        | What::CreateIntended { .. }
        | What::CreateAccepted { .. }
        | What::ChangeIntended { .. }
        | What::ChangeAccepted { .. }
        | What::ChangeDone { .. }
        | What::Found { .. }
        | What::Adopted { .. }
        | What::DayTurned { .. }
        | What::StatusWell { .. }
        | What::OfferServed { .. } => tracing::info!(at = %event.at, machine, "{words}"),
    }
}
