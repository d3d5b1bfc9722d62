//! What an answer's `Data` holds, field by field, and who says so.
//!
//! Two sources, compared field by field: the vendor's document (`openapi`, as of 2026-04-21) and the
//! field names and types of its newest public client (`cds-cloudos-go-sdk`, as of 2025-10-15).

use serde_json::{Map, Value};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Text; empty where there is nothing.
    Text,
    /// A whole number.
    Whole,
    /// A number, mostly of yuan.
    Amount,
    /// `true` or `false`.
    Bool,
    /// A list of texts.
    Texts,
    /// A list of numbers.
    Numbers,
    /// Nobody says what, or it may be null.
    Anything,
    /// Nothing at all.
    Nothing,
    /// An object with these fields; may be null.
    Object(&'static [Field]),
    /// A list of such objects; may be null.
    List(&'static [Field]),
    /// Such objects (or lists of them) by names that are no field's, such as an id.
    Map(&'static [Field]),
}

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// As the API spells it.
    pub name: &'static str,
    /// What it is.
    pub holds: Holds,
    /// Who says so.
    pub told_by: ToldBy,
    /// Whether some answers do without it.
    pub sometimes: bool,
    /// Another name it goes by in a table, a sample or a program: either is read.
    pub alias: &'static str,
}

impl Field {
    /// Also known as.
    pub(super) const fn or(self, alias: &'static str) -> Self {
        Self { alias, ..self }
    }

    /// Some answers do without it.
    pub(super) const fn sometimes(self) -> Self {
        Self { sometimes: true, ..self }
    }
}

/// Who tells of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToldBy {
    /// The document and the client.
    Both,
    /// The document alone: the client does not have it, or does not call the action.
    Document,
    /// The client alone.
    Client,
}

pub(super) const fn both(name: &'static str, holds: Holds) -> Field {
    Field { name, holds, told_by: ToldBy::Both, sometimes: false, alias: "" }
}

pub(super) const fn doc(name: &'static str, holds: Holds) -> Field {
    Field { told_by: ToldBy::Document, ..both(name, holds) }
}

pub(super) const fn sdk(name: &'static str, holds: Holds) -> Field {
    Field { told_by: ToldBy::Client, ..both(name, holds) }
}

impl Holds {
    /// In one line: types after names where they are not text; `*` = told by the client alone.
    pub fn words(&self) -> String {
        match self {
            Self::Text => String::new(),
            Self::Whole => "int".to_owned(),
            Self::Amount => "number".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Texts => "[text]".to_owned(),
            Self::Numbers => "[number]".to_owned(),
            Self::Anything => "any".to_owned(),
            Self::Nothing => "nothing".to_owned(),
            Self::Object(fields) => format!("{{{}}}", names(fields)),
            Self::List(fields) => format!("[{{{}}}]", names(fields)),
            Self::Map(fields) => format!("{{…: {{{}}}}}", names(fields)),
        }
    }

    /// The fields within, if there are any.
    pub const fn fields(&self) -> &'static [Field] {
        match self {
            Self::Object(fields) | Self::List(fields) | Self::Map(fields) => fields,
            Self::Text
            | Self::Whole
            | Self::Amount
            | Self::Bool
            | Self::Texts
            | Self::Numbers
            | Self::Anything
            | Self::Nothing => &[],
        }
    }

    /// Where an answer differs: a field that is missing, one that nobody tells of, one of another
    /// type.
    pub fn differences(&self, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        differ("Data", *self, value, &mut found);
        found
    }
}

fn names(fields: &[Field]) -> String {
    let name = |field: &Field| {
        let mark = if field.told_by == ToldBy::Client { "*" } else { "" };
        let words = field.holds.words();
        let gap = if words.is_empty() || words.starts_with(['{', '[']) { "" } else { " " };
        let also = if field.alias.is_empty() { "" } else { "/" };
        format!("{}{also}{}{mark}{gap}{words}", field.name, field.alias)
    };
    fields.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn differ(place: &str, holds: Holds, value: &Value, found: &mut Vec<String>) {
    let is_right = match (holds, value) {
        (Holds::Anything, _) => true,
        (Holds::Nothing, value) => value.is_null() || value.as_object().is_some_and(Map::is_empty),
        (Holds::Object(_) | Holds::List(_), Value::Null) => true,
        (Holds::Text, value) => value.is_string(),
        (Holds::Whole, value) => value.is_i64() || value.is_u64(),
        (Holds::Amount, value) => value.is_number(),
        (Holds::Bool, value) => value.is_boolean(),
        (Holds::Texts, value) => {
            value.as_array().is_some_and(|all| all.iter().all(Value::is_string))
        }
        (Holds::Numbers, value) => {
            value.as_array().is_some_and(|all| all.iter().all(Value::is_number))
        }
        (Holds::Object(fields), Value::Object(_)) => {
            object(place, fields, value, found);
            true
        }
        (Holds::List(fields), Value::Array(items)) => {
            for (number, item) in items.iter().enumerate() {
                object(&format!("{place}[{number}]"), fields, item, found);
            }
            true
        }
        (Holds::Map(fields), Value::Object(entries)) => {
            for (name, entry) in entries {
                let place = format!("{place}.{name}");
                if entry.is_array() {
                    differ(&place, Holds::List(fields), entry, found);
                } else {
                    object(&place, fields, entry, found);
                }
            }
            true
        }
        (Holds::Object(_) | Holds::List(_) | Holds::Map(_), _) => false,
    };
    if !is_right {
        found.push(format!("{place} is not {}: {value}", holds.words()));
    }
}

fn object(place: &str, fields: &[Field], value: &Value, found: &mut Vec<String>) {
    let Some(given) = value.as_object() else {
        found.push(format!("{place} is no object: {value}"));
        return;
    };
    for field in fields {
        match given.get(field.name).or_else(|| given.get(field.alias)) {
            Some(value) => differ(&format!("{place}.{}", field.name), field.holds, value, found),
            None if field.sometimes => {}
            None => found.push(format!("{place}.{} is missing", field.name)),
        }
    }
    let is_known = |name: &str| fields.iter().any(|one| one.name == name || one.alias == name);
    for name in given.keys().filter(|name| !is_known(name)) {
        found.push(format!("{place}.{name} is told of by nobody"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_missing_unknown_or_of_another_type_is_named() {
        const ROW: Holds = Holds::List(&[both("Flag", Holds::Bool)]);
        const FIELDS: &[Field] =
            &[both("Id", Holds::Text), sdk("Count", Holds::Whole), doc("Rows", ROW)];
        let holds = Holds::Object(FIELDS);
        assert_eq!(holds.words(), "{Id, Count* int, Rows[{Flag bool}]}");
        let right = json!({ "Id": "a", "Count": 1, "Rows": [{ "Flag": true }] });
        assert_eq!(holds.differences(&right), Vec::<String>::new());
        let wrong = json!({ "Id": 7, "Rows": [{ "Flag": 1 }], "More": null });
        let found = holds.differences(&wrong);
        assert_eq!(
            found,
            [
                "Data.Id is not : 7",
                "Data.Count is missing",
                "Data.Rows[0].Flag is not bool: 1",
                "Data.More is told of by nobody",
            ]
        );
    }
}
