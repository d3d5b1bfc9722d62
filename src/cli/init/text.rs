//! The config a wizard proposes, as commented TOML.

use std::collections::BTreeMap;

use toml::Value;

use crate::cloud::survey::{Offered, ZoneSurvey};
use crate::config::gpus;
use crate::model::{Size, Text};

/// What was chosen.
#[derive(Debug)]
pub(super) struct Proposal<'a> {
    /// 1–6 of a-z0-9.
    pub(super) farm: String,
    /// The ECS endpoint, unless it is the vendor's own.
    pub(super) endpoint: Option<String>,
    /// The file that holds the key, unless it comes from the environment.
    pub(super) key_file: Option<String>,
    /// Redis.
    pub(super) redis: String,
    /// The list tasks wait in.
    pub(super) list: String,
    /// Machines at most.
    pub(super) max: u32,
    /// Yuan an hour at most.
    pub(super) money_per_hour: Option<u32>,
    /// GiB of the system disk.
    pub(super) disk_gib: u32,
    /// What to buy where, with the image for it.
    pub(super) picks: Vec<Pick<'a>>,
}

/// An offer that was picked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pick<'a> {
    /// Where.
    pub(super) zone: &'a ZoneSurvey,
    /// What.
    pub(super) offered: &'a Offered,
    /// The image's id and name.
    pub(super) image: (&'a Text, &'a Text),
}

/// Memory of one GPU in GiB by model, as its maker states it; the API does not say.
const GPU_MEMORY: &[(&str, u32)] = &[
    ("A100", 80),
    ("A5000", 24),
    ("A6000", 48),
    ("A4000", 16),
    ("A10", 24),
    ("L40", 48),
    ("3090", 24),
    ("4090", 24),
    ("5090", 32),
    ("3080", 10),
    ("T4", 16),
];

impl Proposal<'_> {
    /// The config.
    pub(super) fn text(&self) -> String {
        let mut lines = self.head();
        lines.extend(self.pool());
        for (code, zone) in self.zones() {
            lines.extend(zone_lines(code, zone));
        }
        lines.push(String::new());
        let more = "# Every other setting with its default: config/farmscale.toml in the source.";
        lines.push(more.to_owned());
        lines.join("\n") + "\n"
    }

    fn head(&self) -> Vec<String> {
        let mut lines = vec![
            "# A farm as `farmscale init` proposed it. `farmscale check --online` verifies it,"
                .to_owned(),
            "# `farmscale try gpu` boots one machine of it for a moment.".to_owned(),
            String::new(),
            format!(
                "farm = {} # machines' names begin with it; never change it",
                quoted(&self.farm)
            ),
        ];
        if self.endpoint.is_some() || self.key_file.is_some() {
            lines.extend([String::new(), "[cloud]".to_owned()]);
        }
        lines.extend(self.endpoint.iter().map(|url| format!("endpoint = {}", quoted(url))));
        lines.extend(self.key_file.iter().map(|file| {
            let what = "mode 0600: the key's id, on the next line its secret";
            format!("key_file = {} # {what}", quoted(file))
        }));
        lines.extend([String::new(), "[limits] # of the farm as a whole".to_owned()]);
        lines.push(format!("max = {}", self.max));
        let what = "yuan, were every machine running";
        lines.push(match self.money_per_hour {
            Some(yuan) => format!("money_per_hour = {yuan} # {what}; reserved before a create"),
            None => format!("# money_per_hour = 500 # {what}; no cap is set"),
        });
        lines.extend([
            String::new(),
            "[queues.render] # workers keep the contract of docs/workers.md".to_owned(),
            "kind = \"redis\"".to_owned(),
            format!("url = {}", quoted(&self.redis)),
            format!("lists = [{}]", quoted(&self.list)),
        ]);
        lines
    }

    fn pool(&self) -> Vec<String> {
        let disk = "GiB, cloud disk: a stopped machine costs this alone";
        let mut lines = vec![
            String::new(),
            "[pools.gpu]".to_owned(),
            "queue = \"render\"".to_owned(),
            format!("max = {} # machines, stopped ones included", self.max),
            format!("disk_size = {} # {disk}", self.disk_gib),
        ];
        for ((family, size), picks) in self.sizes() {
            lines.extend(size_lines(family, size, &picks));
        }
        lines
    }

    /// Every size once, with all picks of it.
    fn sizes(&self) -> BTreeMap<(&str, Size), Vec<Pick<'_>>> {
        let mut sizes: BTreeMap<_, Vec<Pick<'_>>> = BTreeMap::new();
        for pick in &self.picks {
            let spec = &pick.offered.spec;
            sizes.entry((&*spec.family, spec.size())).or_default().push(*pick);
        }
        sizes
    }

    fn zones(&self) -> BTreeMap<&str, &ZoneSurvey> {
        self.picks.iter().map(|pick| (&*pick.zone.zone.code, pick.zone)).collect()
    }
}

/// One size; where zones have different images, once per image.
fn size_lines(family: &str, size: Size, picks: &[Pick<'_>]) -> Vec<String> {
    let Size { cpu, ram_gib, gpus } = size;
    let mut by_image: BTreeMap<(&Text, &Text), Vec<Pick<'_>>> = BTreeMap::new();
    for pick in picks {
        by_image.entry(pick.image).or_default().push(*pick);
    }
    let mut lines = Vec::new();
    for ((id, name), picks) in by_image {
        let gpu = picks.first().and_then(|pick| pick.offered.spec.gpu_name.as_deref());
        let gpu = gpu.unwrap_or("GPU of an unknown model");
        let zones: Vec<_> = picks.iter().map(|pick| quoted(&pick.zone.zone.code)).collect();
        lines.extend([
            String::new(),
            format!("[[pools.gpu.sizes]] # {gpu}"),
            format!("family = {}", quoted(family)),
            format!("cpu = {cpu}"),
            format!("ram = {ram_gib}"),
            format!("gpus = {gpus}"),
            match gpu_memory(gpu) {
                Some(gib) => format!("gpu_memory = {gib} # GiB of each, as its maker states it"),
                None => "# gpu_memory = 24 # GiB of each; the API does not say".to_owned(),
            },
            speed(gpu),
            format!("image = {} # {name}; its GPU driver is the family's", quoted(id)),
            format!("zones = [{}]", zones.join(", ")),
        ]);
    }
    lines
}

/// How fast it counts: by its name where that is known, or a line to fill in.
fn speed(gpu: &str) -> String {
    let reference = gpus::REFERENCE;
    match gpus::find(gpu) {
        Some(known) => {
            let about = format!("speed {}; an {reference} is 1", known.speed());
            format!("gpu = {} # {about}, by Blender's medians", quoted(gpu))
        }
        None => format!("# speed = 1.0 # not known; an {reference} does 1.0"),
    }
}

fn zone_lines(code: &str, zone: &ZoneSurvey) -> Vec<String> {
    let mut lines =
        vec![String::new(), format!("[pools.gpu.zones.{}] # {}", quoted(code), zone.zone.name)];
    if let Some((subnet, free)) = zone.best_subnet() {
        let free = free.map_or_else(|| "?".to_owned(), |free| free.to_string());
        lines.push(format!("vpc = {}", quoted(&subnet.vpc)));
        let about = format!("{}, {free} free addresses", subnet.name);
        lines.push(format!("subnet = {} # {about}", quoted(&subnet.id)));
    }
    if let Some(group) = zone.groups.first() {
        let about = match zone.groups.len() {
            1 => group.name.to_string(),
            count => format!("{}; one of {count}, choose with care", group.name),
        };
        lines.push(format!("security_groups = [{}] # {about}", quoted(&group.id)));
    }
    lines
}

fn gpu_memory(name: &str) -> Option<u32> {
    let is_named = |model: &str| {
        name.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| word == model)
    };
    GPU_MEMORY.iter().find(|(model, _)| is_named(model)).map(|(_, gib)| *gib)
}

/// As TOML writes a text.
fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_known_by_the_whole_name_of_a_model_only() {
        assert_eq!(gpu_memory("NVIDIA RTX A5000"), Some(24));
        assert_eq!(gpu_memory("NVIDIA RTX 4090"), Some(24));
        assert_eq!(gpu_memory("NVIDIA RTX 40900"), None);
        assert_eq!(gpu_memory(""), None);
    }

    #[test]
    fn a_gpu_that_is_not_known_leaves_a_speed_to_fill_in() {
        let known = speed("NVIDIA RTX 3090");
        assert!(known.starts_with("gpu = \"NVIDIA RTX 3090\" # speed 1.206;"), "{known}");
        assert!(speed("GPU of an unknown model").starts_with("# speed = 1.0 "));
    }
}
