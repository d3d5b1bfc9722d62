//! Every kind of source, one line each, and how the queues of a config are opened.

use std::collections::BTreeMap;

use super::Queue;
use super::source::Source;
use crate::model::Text;
use crate::reader::Reader;

/// Reads a source's settings, notes their faults, and opens it; reaches nothing over the network.
type Open = fn(name: &str, settings: &mut Reader<'_>) -> Option<Box<dyn Source>>;

/// The word in `kind = "…"`, and what opens it.
const SOURCES: &[(&str, Open)] = &[
    ("redis", super::redis::open), // the default
    ("http", super::http::open),
    ("command", super::command::open),
    ("beanstalkd", super::beanstalkd::open),
    ("celery", super::celery::open),
    ("rq", super::rq::open),
    ("bullmq", super::bullmq::open),
    ("rabbitmq", super::rabbitmq::open),
    ("flamenco", super::flamenco::open),
    ("slurm", super::slurm::open),
    ("prometheus", super::prometheus::open),
    ("postgres", super::postgres::open),
    ("nats", super::nats::open),
];

/// The words for `kind`.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    SOURCES.iter().map(|(word, _)| *word)
}

/// Opens all `[queues.NAME]`; `None` where a fault was noted. Everything that is to use queues gets
/// them from here, so that what `check` passes can be run.
pub(crate) fn open_all(root: &mut Reader<'_>) -> BTreeMap<Text, Option<Queue>> {
    let mut queues = BTreeMap::new();
    let tables = root.tables("queues");
    if tables.is_empty() {
        root.fault("queues", "is missing: say where the work waits, e.g. [queues.render]");
    }
    for (name, mut settings) in tables {
        let open = settings.choice("kind", SOURCES, 0);
        let source = open.and_then(|open| open(&name, &mut settings));
        let source = source.filter(|_| settings.is_sound());
        if open.is_some() {
            settings.end();
        }
        queues.insert(name, source.map(Queue::new));
    }
    refuse_overlaps(root, &queues);
    queues
}

/// Two queues that read the same would count every task twice.
fn refuse_overlaps(root: &Reader<'_>, queues: &BTreeMap<Text, Option<Queue>>) {
    let claims: Vec<_> =
        queues.iter().filter_map(|(name, queue)| Some((name, queue.as_ref()?.claims()))).collect();
    for (number, (name, of_one)) in claims.iter().enumerate() {
        for (other, of_other) in claims.iter().take(number) {
            let pairs = of_one.iter().flat_map(|one| of_other.iter().map(move |two| (one, two)));
            for (one, two) in pairs.filter(|(one, two)| one.meets(two)) {
                let key = format!("queues.{name}.{}", one.setting);
                root.fault(
                    &key,
                    format!(
                        "(`{}` at {}) is also read by queue {other} (its {} `{}`), so every task \
                         there would count twice: give each queue its own",
                        one.name, one.server, two.setting, two.name
                    ),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::try_read;

    fn faults(text: &str) -> Vec<String> {
        let (_, faults) = try_read(text, open_all);
        faults.into_iter().map(|fault| format!("{} {}", fault.key, fault.what)).collect()
    }

    #[test]
    fn two_queues_on_one_redis_with_the_same_keys_are_refused() {
        let text = "[queues.a]\nlists = [\"one\"]\n[queues.b]\nlists = [\"two\"]\n";
        let told = faults(text);
        assert_eq!(told.len(), 3, "busy, worker and drain prefixes: {told:?}");
        assert!(told[0].starts_with("t.queues.b.busy_prefix (`busy:` at"), "{told:?}");
        let apart = format!(
            "{text}busy_prefix = \"b:busy:\"\nworker_prefix = \"b:worker:\"\n\
             drain_prefix = \"b:drain:\"\n"
        );
        assert_eq!(faults(&apart), Vec::<String>::new());
        let host = apart.replace("[queues.b]", "[queues.b]\nurl = \"redis://localhost:6379/0\"");
        let same_list = host.replace("\"two\"", "\"one\"");
        assert!(faults(&same_list)[0].contains("lists (`one`"), "{:?}", faults(&same_list));
        let other = same_list.replace("6379/0", "6379/1");
        assert_eq!(faults(&other), Vec::<String>::new(), "another database");
    }

    #[test]
    fn a_queue_that_nobody_could_open_is_a_fault_at_its_key() {
        let told = faults("[queues.a]\nworker_prefix = \"busy:w:\"\n");
        assert!(told[0].starts_with("t.queues.a.busy_prefix"), "{told:?}");
    }
}
