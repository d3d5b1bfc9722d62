//! `[limits.NAME]`: licences and other things that pools share.

use std::collections::BTreeMap;

use super::reader::Reader;
use crate::defaults::SHARED_COUNT;
use crate::model::Text;
use crate::policy::{Pool, Shared, SharedCount};
use crate::queue::Queue;

/// Reads the tables within `[limits]`.
pub(super) fn read(limits: &mut Reader<'_>, queues: &BTreeMap<Text, Option<Queue>>) -> Vec<Shared> {
    let shared = |(name, mut reader): (Text, Reader<'_>)| {
        let fixed = reader.number("count", SHARED_COUNT, 0, 1_000_000);
        let from = reader.text_or_none("from").map(Text::from);
        if from.is_none() && !reader.has("count") {
            reader.fault("count", "is missing: how many there are; or from = \"a queue\"");
        }
        if let Some(from) = from.as_ref().filter(|from| !queues.contains_key(*from)) {
            reader.fault("from", format!("is \"{from}\": no such queue in [queues]"));
        }
        let count = from.map_or(SharedCount::Fixed(fixed), SharedCount::From);
        reader.end();
        Shared { name, count }
    };
    limits.inner_tables().into_iter().map(shared).collect()
}

/// What pools take must be there.
pub(super) fn check(root: &Reader<'_>, shared: &[Shared], pools: &[Pool]) {
    for pool in pools {
        for taken in &pool.takes {
            if !shared.iter().any(|limit| limit.name == *taken) {
                let key = format!("pools.{}.takes", pool.name);
                root.fault(&key, format!("names {taken}: there is no [limits.{taken}]"));
            }
        }
    }
}
