//! New settings for a daemon at work: all of them or none.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Control;
use super::supervisor::Plant;
use crate::config::{self, Difference, Faults, LogSettings, Settings, Values};

/// What is fixed when the daemon starts.
const FIXED: [&str; 4] = ["farm", "store.", "page.", "log.json"];

/// Where settings come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The config.
    pub path: PathBuf,
    /// The environment, as it was at the start.
    pub environment: BTreeMap<String, String>,
}

impl Source {
    /// Reads the settings.
    pub fn load(&self) -> Result<Settings, Faults> {
        config::load(&self.path, &self.environment)
    }
}

/// What came of a reload.
#[derive(Debug)]
pub(super) enum Reloaded {
    /// The settings are in force, and this is what is different.
    Changed(Vec<Difference>, LogSettings),
    /// Nothing was changed, and this is why.
    Refused(String),
    /// The driver is far behind: ask again.
    Behind,
}

/// Reads the settings anew and puts them in force if all of them can be.
pub(super) fn reload(source: &Source, values: &mut Values, control: &Control) -> Reloaded {
    let settings = match source.load() {
        Ok(settings) => settings,
        Err(faults) => return Reloaded::Refused(faults.to_string()),
    };
    let differences = values.differences(&settings.values);
    let is_fixed = |one: &&Difference| FIXED.iter().any(|fixed| one.key.starts_with(fixed));
    let fixed: Vec<&str> = differences.iter().filter(is_fixed).map(|one| &*one.key).collect();
    if !fixed.is_empty() {
        let keys = fixed.join(", ");
        return Reloaded::Refused(format!("{keys}: takes a restart (`systemctl restart`)"));
    }
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let Settings { policy, cloud, queues, log, values: later, .. } = settings;
    if !control.change(Plant { policy, cloud, queues }) {
        return Reloaded::Behind;
    }
    *values = later;
    Reloaded::Changed(differences, log)
}
