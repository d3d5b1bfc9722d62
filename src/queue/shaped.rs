//! The lists, tubes or queues a source reads, and what a task of each needs.

use crate::defaults::queue::{GPU_MEMORY, GPUS};
use crate::model::{Shape, Work};
use crate::reader::Reader;

/// What a source calls them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    /// The setting with plain names, such as `lists`.
    pub(super) many: &'static str,
    /// The setting with tables, such as `shaped_lists`.
    pub(super) shaped: &'static str,
    /// The name within such a table, such as `list`.
    pub(super) one: &'static str,
}

/// One of them: its name, and what its tasks need; `None` = what the pool says.
pub(super) type Shaped = (String, Option<Shape>);

/// Reads them; unless said the one called `default`.
pub(super) fn read(settings: &mut Reader<'_>, words: Words, default: &str) -> Vec<Shaped> {
    let plain = settings.texts(words.many).into_iter().map(|name| (name, None));
    let mut all: Vec<Shaped> = plain.collect();
    for mut shaped in settings.list(words.shaped) {
        let name = shaped.required_text(words.one, "name it");
        let shape = Shape {
            gpus: shaped.number("gpus", GPUS, 1, 64),
            gpu_memory_gib: shaped.number("gpu_memory", GPU_MEMORY, 0, 1024),
        };
        shaped.end();
        all.push((name, Some(shape)));
    }
    if all.is_empty() {
        all.push((default.to_owned(), None));
    }
    for (number, (name, _)) in all.iter().enumerate() {
        if name.is_empty() {
            settings.fault(words.many, "has one without a name");
        } else if all.iter().take(number).any(|(earlier, _)| earlier == name) {
            settings.fault(words.many, format!("has \"{name}\" twice"));
        }
    }
    all
}

/// Whether any of them says what its tasks need.
pub(super) fn tell(all: &[Shaped]) -> bool {
    all.iter().any(|(_, shape)| shape.is_some())
}

/// Work of one of them.
pub(super) fn work(shape: Option<Shape>, queued: u64, running: Option<u64>) -> Work {
    let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Work { shape, queued: count(queued), running: running.map(count) }
}
