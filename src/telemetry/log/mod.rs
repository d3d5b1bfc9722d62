//! The log: one line an event, with fields, for people or as JSON. A turn that changes nothing
//! writes nothing.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing_subscriber::{EnvFilter, reload};

use super::changes::Line;
use super::words::{self, Language, Level};
use crate::model::{Event, Time};

mod lines;

pub use lines::{LastLines, lost};

/// Levels from the fewest lines to the most.
const LEVELS: [tracing::Level; 5] = [
    tracing::Level::ERROR,
    tracing::Level::WARN,
    tracing::Level::INFO,
    tracing::Level::DEBUG,
    tracing::Level::TRACE,
];

/// Changes what is written while the process runs.
static CHANGE: OnceLock<Box<dyn Fn(EnvFilter) -> bool + Send + Sync>> = OnceLock::new();

/// What is written at a level: the hourly report's scheduler tells of itself.
fn filter(level: tracing::Level) -> EnvFilter {
    EnvFilter::new(format!("{level},tokio_cron_scheduler=warn"))
}

fn change_by<S: Send + Sync + 'static>(handle: reload::Handle<EnvFilter, S>) {
    CHANGE.get_or_init(|| Box::new(move |filter| handle.reload(filter).is_ok()));
}

/// Writes this level and what is graver from now on; `false` if the log cannot be changed.
pub fn set_level(level: tracing::Level) -> bool {
    CHANGE.get().is_some_and(|change| change(filter(level)))
}

/// The level with one step more lines, or one step fewer; the last one stays.
pub fn step(level: tracing::Level, more: bool) -> tracing::Level {
    let place = LEVELS.iter().position(|one| *one == level).unwrap_or(2);
    let place = if more { place + 1 } else { place.saturating_sub(1) };
    LEVELS.get(place).copied().unwrap_or(level)
}

/// Sets the log up, on the standard error, in colour on a terminal alone. `RUST_LOG` goes before
/// `level`. Panics are told there too.
pub fn init(json: bool, level: tracing::Level) -> std::io::Result<LastLines> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| filter(level));
    let in_colour = !json && std::io::stderr().is_terminal();
    let (lines, last_lines) = lines::Lines::to_stderr(in_colour)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(lines)
        .with_ansi(in_colour)
        .log_internal_errors(false);
    let set = if json {
        let builder = builder.json().with_filter_reloading();
        change_by(builder.reload_handle());
        builder.try_init()
    } else {
        let builder = builder.with_target(false).with_filter_reloading();
        change_by(builder.reload_handle());
        builder.try_init()
    };
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
