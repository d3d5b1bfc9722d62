//! The log: one line an event, with fields, for people or as JSON. A turn that changes nothing
//! writes nothing.

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::EnvFilter;

use super::changes::Line;
use super::words::{self, Language};
use crate::model::event::{
    ChangeEvent, CreateEvent, EventKind, MachineEvent, OfferEvent, SeenEvent,
};
use crate::model::{Event, Time};

mod lines;

pub use lines::{LastLines, lost};

/// What is written unless `RUST_LOG` says otherwise: the hourly report's scheduler tells of itself.
const FILTER: &str = "info,tokio_cron_scheduler=warn";

/// Sets the log up, on the standard error, in colour on a terminal alone. Panics are told there too.
pub fn init(json: bool) -> std::io::Result<LastLines> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(FILTER));
    let in_colour = !json && std::io::stderr().is_terminal();
    let (lines, last_lines) = lines::Lines::to_stderr(in_colour)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(lines)
        .with_ansi(in_colour)
        .log_internal_errors(false);
    let set = if json { builder.json().try_init() } else { builder.with_target(false).try_init() };
    if let Err(error) = set {
        tracing::debug!(%error, "the log was set up already");
    }
    // The standard hook writes to the standard error itself, and would wait for whoever reads it.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Ok(last_lines)
}

/// Writes what is new of reasons and sources.
pub fn change(at: Time, line: &Line) {
    let words = &line.words;
    if line.alarming {
        tracing::warn!(%at, "{words}");
    } else {
        tracing::info!(%at, "{words}");
    }
}

/// Writes one event.
pub fn event(event: &Event) {
    let words = words::say(event, Language::En);
    let machine = event.machine().map(|name| name.as_str().to_owned());
    let machine = machine.as_deref();
    match weight(&event.kind) {
        Level::WARN => tracing::warn!(at = %event.at, machine, "{words}"),
        Level::INFO => tracing::info!(at = %event.at, machine, "{words}"),
        _ => tracing::debug!(at = %event.at, machine, "{words}"),
    }
}

/// How much an event matters to whoever reads the log.
fn weight(kind: &EventKind) -> Level {
    match kind {
        EventKind::Offer { event: OfferEvent::OfferRefused { .. }, .. } => Level::WARN,
        EventKind::Offer { event: OfferEvent::Ended { .. }, .. } => Level::DEBUG,
        EventKind::Offer { event: OfferEvent::OfferServed, .. } | EventKind::Farm(_) => Level::INFO,
        EventKind::Machine { event, .. } => match event {
            MachineEvent::Create(CreateEvent::Intended { .. } | CreateEvent::Accepted { .. })
            | MachineEvent::Change {
                event:
                    ChangeEvent::Intended { .. }
                    | ChangeEvent::Accepted { .. }
                    | ChangeEvent::Done { .. },
                ..
            } => Level::INFO,
            MachineEvent::Create(_) | MachineEvent::Change { .. } => Level::WARN,
            MachineEvent::Seen(event) => seen_weight(event),
        },
    }
}

fn seen_weight(event: &SeenEvent) -> Level {
    match event {
        SeenEvent::StatusSeen { .. }
        | SeenEvent::UnexpectedStatus { .. }
        | SeenEvent::StopCharged
        | SeenEvent::Vanished
        | SeenEvent::BootFailed { .. }
        | SeenEvent::Reclaimed { .. } => Level::WARN,
        SeenEvent::Missed
        | SeenEvent::Reappeared
        | SeenEvent::WorkerSeen { .. }
        | SeenEvent::AssumedReady
        | SeenEvent::Booted { .. }
        | SeenEvent::ChangeSeen
        | SeenEvent::Quoted { .. }
        | SeenEvent::TombstoneDropped => Level::DEBUG,
        SeenEvent::Held { .. }
        | SeenEvent::Released { .. }
        | SeenEvent::Found { .. }
        | SeenEvent::Adopted { .. }
        | SeenEvent::StatusNormal => Level::INFO,
    }
}
