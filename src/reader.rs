//! Reads a tree of settings key by key and collects every fault instead of stopping at the first.
//!
//! A key that is never asked for is unknown; what has been asked for, with its default, is
//! remembered, so that a test can hold `config/farmscale.toml` equal to the code.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::model::{Money, Span, Text};

/// Where a setting was said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Nowhere: it is missing, or all of the config is meant.
    Nowhere,
    /// In a file; line 0 means the file as a whole.
    Line {
        /// The file.
        file: Arc<str>,
        /// Counted from 1.
        line: usize,
    },
    /// In this variable of the environment.
    Variable(Arc<str>),
}

/// One fault: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// The key, with dots.
    pub key: String,
    /// What is wrong and how to mend it.
    pub what: String,
}

/// Faults, places and defaults of one load.
#[derive(Debug, Default)]
pub(crate) struct Book {
    places: BTreeMap<String, Place>,
    /// Files that every user may read.
    open_files: Vec<Arc<str>>,
    warnings: RefCell<Vec<String>>,
    faults: RefCell<Vec<Fault>>,
    asked: RefCell<BTreeMap<String, String>>,
}

/// One table of settings.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    book: &'a Book,
    path: String,
    table: Map<String, Value>,
    used: BTreeSet<String>,
}

impl Book {
    /// A book over settings that were said in these places.
    pub(crate) fn new(places: BTreeMap<String, Place>, open_files: Vec<Arc<str>>) -> Self {
        Self { places, open_files, ..Self::default() }
    }

    /// What works but should be looked at.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.warnings.borrow().clone()
    }

    /// All faults, by line.
    pub(crate) fn into_faults(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        faults.sort();
        faults.dedup();
        faults
    }

    /// Every key that was asked for, with its default as it would be written.
    pub(crate) fn asked(&self) -> BTreeMap<String, String> {
        self.asked.borrow().clone()
    }

    /// Notes a fault at a key.
    pub(crate) fn fault(&self, key: &str, what: impl Into<String>) {
        // A missing key is reported at its table.
        let mut at = key;
        let place = loop {
            if let Some(place) = self.places.get(at) {
                break place.clone();
            }
            match at.rsplit_once('.') {
                Some((outer, _)) => at = outer,
                None => break Place::Nowhere,
            }
        };
        self.faults.borrow_mut().push(Fault { place, key: key.to_owned(), what: what.into() });
    }
}

impl<'a> Reader<'a> {
    /// The root of a tree.
    pub(crate) fn root(book: &'a Book, tree: Value) -> Self {
        Self::at(book, String::new(), tree)
    }

    fn at(book: &'a Book, path: String, tree: Value) -> Self {
        let table = match tree {
            Value::Object(table) => table,
            other @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)) => {
                book.fault(&path, format!("must be a table, is {}", kind(&other)));
                Map::new()
            }
        };
        Self { book, path, table, used: BTreeSet::new() }
    }

    /// The full name of a key.
    pub(crate) fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Notes a fault at a key of this table.
    pub(crate) fn fault(&self, name: &str, what: impl Into<String>) {
        self.book.fault(&self.key(name), what);
    }

    /// Notes something that works but should be looked at.
    pub(crate) fn warn(&self, name: &str, what: impl Display) {
        self.book.warnings.borrow_mut().push(format!("{} {what}", self.key(name)));
    }

    /// Whether no fault was found in this table or an inner one.
    pub(crate) fn is_sound(&self) -> bool {
        let inner = format!("{}.", self.path);
        let is_here = |fault: &Fault| fault.key == self.path || fault.key.starts_with(&inner);
        !self.book.faults.borrow().iter().any(is_here)
    }

    /// Says that the value of a key is a secret: nobody else should be able to read it.
    pub(crate) fn holds_secret(&self, name: &str, remedy: &str) {
        let Some(Place::Line { file, .. }) = self.book.places.get(&self.key(name)) else { return };
        if self.book.open_files.contains(file) {
            let what = format!("holds a secret, and every user may read it: chmod o-r {file}");
            self.warn(name, format!("{what}, or {remedy}"));
        }
    }

    /// A secret: the text of `NAME`, or what stands in the file `NAME_file`, which nobody but its
    /// owner may read.
    pub(crate) fn secret(&mut self, name: &str) -> Option<SecretString> {
        let in_file = format!("{name}_file");
        let (text, file) = (self.text_or_none(name), self.text_or_none(&in_file));
        match (text, file) {
            (Some(_), Some(_)) => {
                self.fault(name, format!("and {in_file} are both given: leave one out"));
                None
            }
            (Some(text), None) => {
                self.holds_secret(name, &format!("set {in_file}"));
                Some(text.into())
            }
            (None, Some(file)) => {
                let text = private_file(self, &in_file, Path::new(&file))?;
                Some(text.trim().into())
            }
            (None, None) => None,
        }
    }

    /// Whether a key is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    fn take(&mut self, name: &str, default: &str) -> Option<Value> {
        self.used.insert(name.to_owned());
        self.book.asked.borrow_mut().insert(self.key(name), default.to_owned());
        self.table.get(name).filter(|value| !value.is_null()).cloned()
    }

    /// Optional text.
    pub(crate) fn text_or_none(&mut self, name: &str) -> Option<String> {
        match self.take(name, "\"\"")? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()), // the environment has no quotes
            other @ (Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                self.fault(name, format!("must be text in quotes, is {}", kind(&other)));
                None
            }
        }
    }

    /// Text with a default.
    pub(crate) fn text(&mut self, name: &str, default: &str) -> String {
        let given = self.text_or_none(name);
        self.book.asked.borrow_mut().insert(self.key(name), format!("\"{default}\""));
        given.unwrap_or_else(|| default.to_owned())
    }

    /// Text that must be given; empty after a fault.
    pub(crate) fn required_text(&mut self, name: &str, remedy: &str) -> String {
        let given = self.text_or_none(name).filter(|text| !text.is_empty());
        if given.is_none() {
            self.fault(name, format!("is missing: {remedy}"));
        }
        given.unwrap_or_default()
    }

    /// A whole number from `min` to `max`.
    pub(crate) fn number(&mut self, name: &str, default: u32, min: u32, max: u32) -> u32 {
        let Some(value) = self.take(name, &default.to_string()) else { return default };
        let number = match &value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let number = number.and_then(|number| u32::try_from(number).ok());
        if let Some(number) = number.filter(|number| (min..=max).contains(number)) {
            number
        } else {
            self.fault(name, format!("is {value}: must be a whole number, {min} to {max}"));
            default
        }
    }

    /// A number that must be given.
    pub(crate) fn required_number(&mut self, name: &str, min: u32, max: u32, remedy: &str) -> u32 {
        if self.has(name) {
            return self.number(name, min, min, max);
        }
        self.take(name, "");
        self.fault(name, format!("is missing: {remedy}"));
        min
    }

    /// A factor such as `1.5`, in millionths.
    pub(crate) fn factor(&mut self, name: &str) -> i64 {
        let Some(value) = self.take(name, "1.0") else { return 1_000_000 };
        let text = value.to_string();
        match Money::parse(text.trim_matches('"')) {
            Some(Money(ppm)) if (1_000..=1_000_000_000).contains(&ppm) => ppm,
            _ => {
                self.fault(name, format!("is {text}: must be a number from 0.001 to 1000"));
                1_000_000
            }
        }
    }

    /// True or false.
    pub(crate) fn flag(&mut self, name: &str, default: bool) -> bool {
        match self.take(name, &default.to_string()) {
            None => default,
            Some(Value::Bool(flag)) => flag,
            Some(Value::String(text)) if text == "true" => true,
            Some(Value::String(text)) if text == "false" => false,
            Some(other) => {
                self.fault(name, format!("is {other}: must be true or false"));
                default
            }
        }
    }

    /// A length of time such as `"45s"`, `"10m"`, `"2h"`, `"7d"`, at least `min`.
    pub(crate) fn span(&mut self, name: &str, default: Span, min: Span) -> Span {
        let given = self.span_or_none(name, min);
        self.book.asked.borrow_mut().insert(self.key(name), format!("\"{}\"", plain(default)));
        given.unwrap_or(default)
    }

    /// An optional length of time.
    pub(crate) fn span_or_none(&mut self, name: &str, min: Span) -> Option<Span> {
        let value = self.take(name, "\"\"")?;
        let span = value.as_str().and_then(parse_span);
        if span.is_none_or(|span| span < min) {
            let what = format!(
                "is {value}: must be a time such as \"45s\", \"10m\", \"2h\" or \"7d\", at least {}",
                plain(min)
            );
            self.fault(name, what);
            return None;
        }
        span
    }

    /// An optional amount of yuan, such as `"120"` or `99.5`.
    pub(crate) fn money_or_none(&mut self, name: &str) -> Option<Money> {
        let value = self.take(name, "\"\"")?;
        let text = value.to_string();
        let money = Money::parse(text.trim_matches('"')).filter(|money| Money::ZERO < *money);
        if money.is_none() {
            self.fault(name, format!("is {text}: must be an amount of yuan such as 120 or 99.5"));
        }
        money
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        name: &str,
        choices: &[(&str, T)],
        default: usize,
    ) -> Option<T> {
        let first = choices.get(default).or(choices.first())?;
        let given = self.text_or_none(name);
        self.book.asked.borrow_mut().insert(self.key(name), format!("\"{}\"", first.0));
        let Some(given) = given else { return Some(first.1) };
        let chosen = choices.iter().find(|(word, _)| *word == given);
        if chosen.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.fault(name, format!("is \"{given}\": must be one of {}", words.join(", ")));
        }
        chosen.map(|(_, value)| *value)
    }

    /// A list of texts; a single text is a list of one.
    pub(crate) fn texts(&mut self, name: &str) -> Vec<String> {
        match self.take(name, "[]") {
            None => Vec::new(),
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(other) => {
                self.fault(name, format!("is {}: must be a list of texts", kind(&other)));
                Vec::new()
            }
        }
    }

    /// Texts by names of the operator's choice.
    pub(crate) fn map_of_texts(&mut self, name: &str) -> Vec<(String, String)> {
        let mut inner = self.table(name);
        let names: Vec<String> = inner.table.keys().cloned().collect();
        let text = |one: String| inner.text_or_none(&one).map(|text| (one, text));
        names.into_iter().filter_map(text).collect()
    }

    /// An inner table; an empty one if absent.
    pub(crate) fn table(&mut self, name: &str) -> Reader<'a> {
        self.used.insert(name.to_owned());
        let tree = self.table.get(name).cloned().unwrap_or_else(|| Value::Object(Map::new()));
        Reader::at(self.book, self.key(name), tree)
    }

    /// Inner tables with names of the operator's choice.
    pub(crate) fn tables(&mut self, name: &str) -> Vec<(Text, Reader<'a>)> {
        let mut outer = self.table(name);
        let table = std::mem::take(&mut outer.table);
        let inner = |(name, tree): (String, Value)| {
            (Text::from(name.as_str()), Reader::at(self.book, outer.key(&name), tree))
        };
        table.into_iter().map(inner).collect()
    }

    /// Those inner tables that were not asked for by name.
    pub(crate) fn inner_tables(&mut self) -> Vec<(Text, Reader<'a>)> {
        let is_new =
            |(name, tree): &(&String, &Value)| tree.is_object() && !self.used.contains(*name);
        let names: Vec<String> =
            self.table.iter().filter(is_new).map(|(name, _)| name.clone()).collect();
        names.iter().map(|name| (Text::from(name.as_str()), self.table(name))).collect()
    }

    /// A list of tables.
    pub(crate) fn list(&mut self, name: &str) -> Vec<Reader<'a>> {
        self.used.insert(name.to_owned());
        match self.table.get(name).cloned() {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                let item = |(number, tree)| {
                    Reader::at(self.book, format!("{}.{number}", self.key(name)), tree)
                };
                items.into_iter().enumerate().map(item).collect()
            }
            Some(other) => {
                self.fault(name, format!("is {}: must be a list of tables", kind(&other)));
                Vec::new()
            }
        }
    }

    /// Ends the table: what was given and never asked for is unknown.
    pub(crate) fn end(self) {
        for name in self.table.keys().filter(|name| !self.used.contains(*name)) {
            let near = self.used.iter().min_by_key(|known| distance(known, name));
            let near = near.filter(|known| distance(known, name) <= 2);
            // The longest setting that is part of it: `max_money_per_day` is no `max`.
            let part = |known: &&String| name.contains(known.as_str());
            let part = self.used.iter().filter(part).max_by_key(|known| known.len());
            let alike = near.or(part);
            let hint = if let Some(known) = alike {
                format!("is not a setting; did you mean `{known}`?")
            } else {
                let known: Vec<_> = self.used.iter().map(String::as_str).collect();
                format!("is not a setting; here are: {}", known.join(", "))
            };
            self.fault(name, hint);
        }
    }
}

/// A file that nobody but its owner may read.
pub(crate) fn private_file(reader: &Reader<'_>, key: &str, path: &Path) -> Option<String> {
    let shown = path.display();
    let mode = match std::fs::metadata(path) {
        Ok(metadata) => metadata.permissions().mode() & 0o777,
        Err(error) => {
            reader.fault(key, format!("names {shown}, which cannot be read: {error}"));
            return None;
        }
    };
    if mode & 0o077 != 0 {
        let what =
            format!("names {shown}, which others may read (mode {mode:o}): chmod 600 {shown}");
        reader.fault(key, what);
        return None;
    }
    std::fs::read_to_string(path)
        .map_err(|error| reader.fault(key, format!("names {shown}: {error}")))
        .ok()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

/// `45s`, `10m`, `2h`, `7d`, or several together: `1h30m`.
pub fn parse_span(text: &str) -> Option<Span> {
    let mut total = Span::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let number: i64 = number.parse().ok().filter(|number| *number <= 1_000_000_000)?;
        let letters = tail.find(|letter: char| letter.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(letters)?;
        total += match unit.trim() {
            "ms" => Span::millis(number),
            "s" => Span::seconds(number),
            "m" => Span::minutes(number),
            "h" => Span::hours(number),
            "d" => Span::days(number),
            _ => return None,
        };
        rest = tail;
    }
    Some(total)
}

/// A span in one unit, as it would be written.
pub(crate) fn plain(span: Span) -> impl Display {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let fits = units.iter().find(|(millis, _)| span.0 % millis == 0 && span.0 != 0);
    fits.map_or_else(|| "0s".to_owned(), |(millis, unit)| format!("{}{unit}", span.0 / millis))
}

/// Letters to change, add or drop (Levenshtein).
pub(crate) fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut last = i;
        let mut next = vec![i + 1];
        for (b, above) in other.chars().zip(row.iter().skip(1)) {
            let cost = last + usize::from(a != b);
            let left = next.last().copied().unwrap_or(0);
            next.push(cost.min(above + 1).min(left + 1));
            last = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// What `read` makes of a table, and the faults it finds.
#[cfg(test)]
pub(crate) fn try_read<T>(table: &str, read: impl FnOnce(&mut Reader<'_>) -> T) -> (T, Vec<Fault>) {
    let tree: toml::Table = table.parse().unwrap_or_default();
    let book = Book::new(BTreeMap::new(), Vec::new());
    let tree = serde_json::to_value(tree).unwrap_or_default();
    let mut reader = Reader::at(&book, "t".to_owned(), tree);
    let made = read(&mut reader);
    reader.end();
    (made, book.into_faults())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_they_are_written() {
        for (text, span) in
            [("45s", 45), ("10m", 600), ("2h", 7200), ("7d", 604_800), ("1h30m", 5400)]
        {
            assert_eq!(parse_span(text), Some(Span::seconds(span)), "{text}");
        }
        for wrong in ["", "5", "s", "5x", "-5s", "5 5"] {
            assert_eq!(parse_span(wrong), None, "{wrong}");
        }
        assert_eq!(plain(Span::minutes(90)).to_string(), "90m");
    }

    #[test]
    fn distance_counts_single_letters() {
        assert_eq!(distance("queue", "quue"), 1);
        assert_eq!(distance("max", "min"), 2);
    }
}
