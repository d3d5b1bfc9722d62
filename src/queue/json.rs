//! Picks values out of a JSON document by JSON pointers (RFC 6901), as it is parsed: what is not
//! wanted is never kept, and the list of tasks is read task by task, so that 100,000 of them need
//! little more memory than their bytes.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::tasks::Tasks;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    values: BTreeMap<String, Value>,
    /// The list of tasks, if it is there and not null.
    pub(super) tasks: Option<Tasks>,
}

/// Where to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Pointers to values; empty ones lead nowhere.
    pub(super) values: &'a [&'a str],
    /// The pointer to the list of tasks; empty = none.
    pub(super) tasks: &'a str,
}

impl Found {
    /// Parses a document.
    pub(super) fn parse(text: &[u8], wanted: Wanted<'_>) -> Result<Self, serde_json::Error> {
        let mut found = Self::default();
        let mut parser = serde_json::Deserializer::from_slice(text);
        let at = At { path: String::new(), wanted, found: &mut found };
        at.deserialize(&mut parser)?;
        parser.end()?;
        Ok(found)
    }

    /// What a pointer leads to; nothing for an empty pointer, a missing value, and `null`.
    pub(super) fn get(&self, pointer: &str) -> Option<&Value> {
        if pointer.is_empty() {
            return None;
        }
        let value = self.values.get(pointer).or_else(|| {
            // within a value that is wanted itself
            self.values.iter().find_map(|(outer, value)| {
                let rest = pointer.strip_prefix(outer.as_str())?;
                rest.starts_with('/').then(|| value.pointer(rest))?
            })
        });
        value.filter(|value| !value.is_null())
    }
}

/// A place in the document.
struct At<'a> {
    path: String,
    wanted: Wanted<'a>,
    found: &'a mut Found,
}

impl At<'_> {
    /// Whether something wanted lies below.
    fn leads_on(&self) -> bool {
        let below = |pointer: &&str| {
            pointer.strip_prefix(self.path.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        self.wanted.values.iter().chain([&self.wanted.tasks]).any(below)
    }

    fn inner(&mut self, name: &str) -> At<'_> {
        let path = format!("{}/{}", self.path, name.replace('~', "~0").replace('/', "~1"));
        At { path, wanted: self.wanted, found: self.found }
    }
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        if !self.path.is_empty() && self.path == self.wanted.tasks {
            let tasks = Tasks::parse(parser, &self.path)?;
            self.found.tasks = tasks;
            return Ok(());
        }
        if self.wanted.values.contains(&self.path.as_str()) {
            let value = serde::Deserialize::deserialize(parser)?;
            self.found.values.insert(self.path, value);
            return Ok(());
        }
        if self.leads_on() {
            return parser.deserialize_any(self);
        }
        parser.deserialize_ignored_any(IgnoredAny).map(drop)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            map.next_value_seed(self.inner(&name))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let mut number = 0_usize;
        while items.next_element_seed(self.inner(&number.to_string()))?.is_some() {
            number += 1;
        }
        Ok(())
    }

    // a plain value where a table was expected leads nowhere
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, values: &[&str]) -> Found {
        Found::parse(text.as_bytes(), Wanted { values, tasks: "/tasks" }).unwrap()
    }

    #[test]
    fn pointers_follow_rfc_6901() {
        let text = r#"{"a/b": [0, {"m~n": 3}], "c": {"d": {"e": 4}}, "x": null, "y": 7}"#;
        let wanted = ["/a~1b/1/m~0n", "/c", "/c/d/e", "/x", "/y/z", "/none"];
        let found = found(text, &wanted);
        assert_eq!(found.get("/a~1b/1/m~0n"), Some(&Value::from(3)));
        assert_eq!(found.get("/c/d/e"), Some(&Value::from(4)));
        for nothing in ["/x", "/y/z", "/none", ""] {
            assert_eq!(found.get(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn text_after_the_document_is_an_error() {
        let wanted = Wanted { values: &[], tasks: "" };
        assert!(Found::parse(b"{} {}", wanted).is_err());
        assert!(Found::parse(b"{\"queued\": 3", wanted).is_err());
        assert!(Found::parse(b"[1, 2]", wanted).is_ok());
    }
}
