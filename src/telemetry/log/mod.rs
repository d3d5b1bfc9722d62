//! The log: one line an event, with fields, for people or as JSON. A turn that changes nothing
//! writes nothing.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::changes::Line;
use super::words::{self, Language, Level};
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
    let told = words::event(&event.kind);
    let words = told.words(Language::En);
    let machine = event.machine().map(crate::model::MachineName::as_str);
    match told.level {
        Level::Warn => tracing::warn!(at = %event.at, machine, "{words}"),
        Level::Info => tracing::info!(at = %event.at, machine, "{words}"),
        Level::Debug => tracing::debug!(at = %event.at, machine, "{words}"),
    }
}
