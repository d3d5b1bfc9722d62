//! Settings as they were written, key by key: what a reload has changed.

use std::collections::BTreeMap;

use serde_json::Value;

/// What is shown instead of a secret.
const HIDDEN: &str = "(hidden)";
/// Keys whose values are secrets, or hold one.
const SECRET: [&str; 3] = ["token", "password", "url"];

/// Every setting that was given, by its full name; secrets are kept, and never shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, Value>);

/// One difference, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The key, with dots.
    pub key: String,
    /// Such as `20 → 30`.
    pub change: String,
}

impl Values {
    /// The leaves of a tree.
    pub(super) fn of_tree(tree: &Value) -> Self {
        let mut values = BTreeMap::new();
        leaves(String::new(), tree, &mut values);
        Self(values)
    }

    /// What is different in `later`.
    pub fn differences(&self, later: &Self) -> Vec<Difference> {
        let mut keys: Vec<&String> = self.0.keys().chain(later.0.keys()).collect();
        keys.sort();
        keys.dedup();
        let differ = |key: &&String| self.0.get(*key) != later.0.get(*key);
        let difference = |key: &String| {
            let (from, to) = (shown(key, self.0.get(key)), shown(key, later.0.get(key)));
            Difference { key: key.clone(), change: format!("{from} → {to}") }
        };
        keys.into_iter().filter(differ).map(difference).collect()
    }
}

fn leaves(path: String, tree: &Value, values: &mut BTreeMap<String, Value>) {
    let inner: Vec<(String, &Value)> = match tree {
        Value::Object(table) => table.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            items.iter().enumerate().map(|(number, value)| (number.to_string(), value)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            values.insert(path, tree.clone());
            return;
        }
    };
    for (name, value) in inner {
        let path = if path.is_empty() { name } else { format!("{path}.{name}") };
        leaves(path, value, values);
    }
}

fn shown(key: &str, value: Option<&Value>) -> String {
    let name = key.rsplit('.').next().unwrap_or(key);
    match value {
        None => "(not set)".to_owned(),
        Some(_) if SECRET.contains(&name) => HIDDEN.to_owned(),
        Some(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_by_key_and_secrets_are_not_shown() {
        let values = |text: &str| Values::of_tree(&toml::from_str(text).unwrap());
        let one = values("a = 1\n[b]\nc = [\"x\"]\ntoken = \"one\"\n[[d]]\ne = 1\n");
        let other = values("a = 1\nf = 2\n[b]\nc = [\"y\"]\ntoken = \"two\"\n[[d]]\ne = 3\n");
        let told = one.differences(&other).into_iter().map(|one| (one.key, one.change));
        let expected = [
            ("b.c", "[\"x\"] → [\"y\"]"),
            ("b.token", "(hidden) → (hidden)"),
            ("d.0.e", "1 → 3"),
            ("f", "(not set) → 2"),
        ];
        assert!(told.eq(expected.map(|(key, change)| (key.to_owned(), change.to_owned()))));
    }
}
