//! What drain hooks are told about a machine: a JSON document and the words in a template.

use serde_json::json;

use crate::model::MachineRef;
use crate::reader::Reader;

/// Both hooks or none: a machine that was asked to take no more must be able to be asked back.
pub(super) fn pair<T>(
    settings: &Reader<'_>,
    drain: Option<T>,
    undrain: Option<T>,
    names: [&str; 2],
) -> Option<[T; 2]> {
    let missing = |name: &str, other: &str| {
        let what = format!(
            "is missing, for there is `{other}`: a machine asked to take no more tasks must be \
             able to be asked back"
        );
        settings.fault(name, what);
    };
    let [drain_name, undrain_name] = names;
    match (drain, undrain) {
        (Some(drain), Some(undrain)) => return Some([drain, undrain]),
        (None, None) => {}
        (Some(_), None) => missing(undrain_name, drain_name),
        (None, Some(_)) => missing(drain_name, undrain_name),
    }
    None
}

/// The machine as hooks get it.
pub(super) fn body(machine: &MachineRef) -> serde_json::Value {
    json!({
        "machine": machine.name.as_str(),
        "instance": machine.instance.as_deref(),
        "workers": machine.workers.iter().map(|worker| &**worker).collect::<Vec<_>>(),
    })
}

/// The template with `{name}`, `{instance}` and `{worker}` replaced, each value passed through
/// `escape`; with `{worker}` in it once for every worker, which may be never.
pub(super) fn fill(
    template: &[String],
    machine: &MachineRef,
    escape: impl Fn(&str) -> String,
) -> Result<Vec<Vec<String>>, String> {
    let uses = |word: &str| template.iter().any(|part| part.contains(word));
    if uses("{instance}") && machine.instance.is_none() {
        return Err(format!(
            "the hook needs {{instance}}, but the provider's id of {} is not known yet",
            machine.name
        ));
    }
    let instance = machine.instance.as_deref().unwrap_or_default();
    let once = |worker: &str| {
        let values =
            [("{name}", machine.name.as_str()), ("{instance}", instance), ("{worker}", worker)];
        template.iter().map(|part| replaced(part, &values, &escape)).collect::<Vec<_>>()
    };
    if uses("{worker}") {
        Ok(machine.workers.iter().map(|worker| once(worker)).collect())
    } else {
        Ok(vec![once("")])
    }
}

/// In one pass, so that a worker called `{name}` stays what it is.
fn replaced(part: &str, values: &[(&str, &str)], escape: impl Fn(&str) -> String) -> String {
    let (mut text, mut rest) = (String::new(), part);
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let hit = values.iter().find_map(|(word, value)| {
            let left = after.strip_prefix(word.trim_start_matches('{'))?;
            Some((value, left))
        });
        if let Some((value, left)) = hit {
            text.push_str(&escape(value));
            rest = left;
        } else {
            text.push('{');
            rest = after;
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MachineName;

    fn machine() -> MachineRef {
        MachineRef {
            name: MachineName::from_stored("farm-1"),
            instance: Some("ins-1".into()),
            workers: vec!["a b".into(), "{name}".into()],
        }
    }

    fn texts(parts: &[&str]) -> Vec<String> {
        parts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn words_are_replaced_and_worker_repeats_the_hook() {
        let plain = |text: &str| text.to_owned();
        let template = texts(&["ask", "{name}/{instance}?{x}"]);
        assert_eq!(
            fill(&template, &machine(), plain),
            Ok(vec![texts(&["ask", "farm-1/ins-1?{x}"])])
        );
        let escape = |text: &str| text.replace(' ', "%20");
        let filled = fill(&texts(&["{worker}"]), &machine(), escape);
        assert_eq!(filled, Ok(vec![texts(&["a%20b"]), texts(&["{name}"])]));
    }

    #[test]
    fn an_id_that_is_not_known_yet_is_an_error_only_where_it_is_needed() {
        let young = MachineRef { instance: None, ..machine() };
        let plain = |text: &str| text.to_owned();
        assert!(fill(&texts(&["{instance}"]), &young, plain).unwrap_err().contains("farm-1"));
        assert!(fill(&texts(&["{name}"]), &young, plain).is_ok());
    }

    #[test]
    fn one_hook_without_the_other_is_refused() {
        let read = |drain, undrain| {
            let names = ["drain_url", "undrain_url"];
            crate::reader::try_read("", |settings| pair(settings, drain, undrain, names))
        };
        let (pair, faults) = read(Some(1), None);
        assert_eq!((pair, &*faults[0].key), (None, "t.undrain_url"));
        let (pair, faults) = read(Some(1), Some(2));
        assert_eq!((pair, faults), (Some([1, 2]), Vec::new()));
    }
}
