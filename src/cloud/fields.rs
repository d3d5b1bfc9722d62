//! Reading JSON as the vendor writes it: numbers as text, text as numbers, `null` for nothing, one
//! object where a list was promised.
//!
//! ```
//! use farmscale::cloud::fields::Fields;
//!
//! let row = serde_json::json!({ "Cpu": "16", "IsGpu": 1, "Name": "" });
//! let row = Fields::of(&row).unwrap();
//! assert_eq!((row.number("Cpu"), row.flag("IsGpu"), row.text("Name")), (Some(16), Some(true), None));
//! ```

use serde_json::{Map, Value};

use crate::model::{Money, Span, Text, Time};
use crate::net::redact::cut;

/// Longest text that is taken in, in characters; what is longer is cut before it enters a record.
const TEXT_MAX: usize = 256;
/// Longest address that is taken in.
const URL_MAX: usize = 4096;
/// Longest id: one that was cut would be another.
const ID_MAX: usize = 128;

/// Most times the API gives are Beijing time, without saying so.
const VENDOR_ZONE: Span = Span::hours(8);

/// One JSON object, read tolerantly.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// The object `value` is, if it is one.
    pub fn of(value: &'a Value) -> Option<Self> {
        value.as_object().map(Self)
    }

    /// Text, or a number as text; `None` if absent, null or empty. A long one is cut.
    pub fn text(self, name: &str) -> Option<Text> {
        self.text_within(name, TEXT_MAX)
    }

    /// An address; `None` if absent or longer than addresses are.
    pub fn url(self, name: &str) -> Option<Text> {
        self.text_within(name, URL_MAX + 1).filter(|url| url.len() <= URL_MAX)
    }

    /// An id; `None` if absent or longer than ids are.
    pub fn id(self, name: &str) -> Option<Text> {
        self.text_within(name, ID_MAX + 1).filter(is_id)
    }

    fn get(self, name: &str) -> Option<&'a Value> {
        let value = self.0.get(name);
        #[cfg(test)]
        asked::note(name, value.is_some());
        value
    }

    fn text_within(self, name: &str, max: usize) -> Option<Text> {
        match self.get(name)? {
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(cut(text.trim(), max).into()),
            Value::Number(number) => Some(number.to_string().into()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// A whole number, also if it comes as text or as `1.0`.
    pub fn number(self, name: &str) -> Option<u32> {
        let text = self.text(name)?;
        let whole = text.strip_suffix(".0").unwrap_or(&text);
        whole.parse().ok()
    }

    /// An amount in yuan.
    pub fn money(self, name: &str) -> Option<Money> {
        Money::parse(&self.text(name)?)
    }

    /// A truth value, also if it comes as 0 or 1.
    pub fn flag(self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(_) | Value::Number(_) => match self.text(name)?.as_ref() {
                "1" | "true" => Some(true),
                "0" | "false" => Some(false),
                _ => None,
            },
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// An inner object.
    pub fn object(self, name: &str) -> Option<Self> {
        Self::of(self.get(name)?)
    }

    /// A list of objects; absent or null is empty, a single object is a list of one.
    pub fn list(self, name: &str) -> Vec<Self> {
        self.get(name).map_or_else(Vec::new, list)
    }

    /// A list of ids, or a single one; what is none is left out.
    pub fn ids(self, name: &str) -> Vec<Text> {
        let value = self.get(name);
        let items = value.and_then(Value::as_array).into_iter().flatten();
        let all = items.chain(value.filter(|one| one.is_string()));
        all.filter_map(Value::as_str).map(Text::from).filter(is_id).collect()
    }

    /// Every inner object with its name.
    pub fn entries(self) -> impl Iterator<Item = (&'a str, Self)> {
        self.0.iter().filter_map(|(name, value)| Some((name.as_str(), Self::of(value)?)))
    }

    /// The value itself.
    pub fn value(self, name: &str) -> Option<&'a Value> {
        self.get(name)
    }

    /// A moment in Beijing time, to the second.
    pub fn time(self, name: &str) -> Option<Time> {
        Some(parse_utc(&self.text(name)?)? - VENDOR_ZONE)
    }
}

/// Which fields readers ask for, so that a test can hold them against the table of answers.
#[cfg(test)]
pub(super) mod asked {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    thread_local! {
        static ASKED: RefCell<BTreeMap<String, bool>> = const { RefCell::new(BTreeMap::new()) };
    }

    pub(super) fn note(name: &str, found: bool) {
        ASKED.with_borrow_mut(|asked| *asked.entry(name.to_owned()).or_default() |= found);
    }

    /// Every name asked for on this thread since this was last called, and whether it was ever there.
    pub(in crate::cloud) fn taken() -> BTreeMap<String, bool> {
        ASKED.take()
    }
}

fn is_id(id: &Text) -> bool {
    !id.is_empty() && id.len() <= ID_MAX
}

/// A list of objects, read tolerantly.
pub fn list(value: &Value) -> Vec<Fields<'_>> {
    match value {
        Value::Array(items) => items.iter().filter_map(Fields::of).collect(),
        Value::Object(_) => Fields::of(value).into_iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// `2026-01-02 03:04:05` (any white space between, also `T`) as UTC.
pub fn parse_utc(text: &str) -> Option<Time> {
    let joined = text.split_whitespace().collect::<Vec<_>>().join("T");
    let civil: jiff::civil::DateTime = joined.trim_end_matches('Z').parse().ok()?;
    let zoned = civil.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?;
    Some(Time(zoned.timestamp().as_millisecond()))
}

/// As the API writes a moment: `2026-01-02 03:04:05`, in the zone of what it is given.
pub(super) fn wall(at: Time) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| String::new(), |stamp| stamp.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_same_value_reads_the_same_however_it_is_written() {
        let value = json!({"a": 7, "b": "7", "c": 7.0, "d": "", "e": null, "f": 1, "g": true});
        let fields = Fields::of(&value).unwrap();
        assert_eq!(["a", "b", "c"].map(|name| fields.number(name)), [Some(7); 3]);
        assert_eq!(["d", "e", "x"].map(|name| fields.text(name)), [None, None, None]);
        assert_eq!(["f", "g"].map(|name| fields.flag(name)), [Some(true); 2]);
    }

    #[test]
    fn what_is_too_long_is_cut_and_an_id_that_is_too_long_is_none() {
        let long = "状".repeat(9000);
        let value = json!({ "Status": long, "EventId": long, "EcsIdSet": [long, "ins-1"] });
        let fields = Fields::of(&value).unwrap();
        assert_eq!(fields.text("Status").unwrap().chars().count(), TEXT_MAX);
        assert_eq!(fields.id("EventId"), None);
        assert_eq!(fields.ids("EcsIdSet"), [Text::from("ins-1")]);
    }

    #[test]
    fn times_are_beijing_time_with_any_gap_between_date_and_hour() {
        let value = json!({"t": "2022-09-15  15:03:13"});
        let time = Fields::of(&value).unwrap().time("t").unwrap();
        assert_eq!(time.to_string(), "2022-09-15T07:03:13Z");
        assert_eq!(parse_utc("soon"), None);
    }
}
