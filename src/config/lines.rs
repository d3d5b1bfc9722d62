//! On which line of a TOML file each key stands.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

/// Line of every key, by its full name; a list's items are called by number.
pub(super) fn of_keys(text: &str) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    if let Ok(table) = DeTable::parse(text) {
        table_lines(text, "", table.get_ref(), &mut lines);
    }
    lines
}

fn table_lines(text: &str, path: &str, table: &DeTable<'_>, lines: &mut BTreeMap<String, usize>) {
    for (name, value) in table {
        let path = join(path, name.get_ref());
        lines.insert(path.clone(), line_at(text, name.span().start));
        value_lines(text, &path, value.get_ref(), lines);
    }
}

fn value_lines(text: &str, path: &str, value: &DeValue<'_>, lines: &mut BTreeMap<String, usize>) {
    if let Some(table) = value.as_table() {
        table_lines(text, path, table, lines);
    }
    for (number, item) in value.as_array().into_iter().flat_map(|items| items.iter().enumerate()) {
        let path = join(path, &number.to_string());
        lines.insert(path.clone(), line_at(text, item.span().start));
        value_lines(text, &path, item.get_ref(), lines);
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The line, counted from 1, of a place in the text.
pub(super) fn line_at(text: &str, place: usize) -> usize {
    text.bytes().take(place).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_and_item_has_its_line() {
        let lines = of_keys("a = 1\n[b]\nc = 2\n[[b.d]]\ne = 3\n[[b.d]]\ne = 4\n");
        assert_eq!(lines["a"], 1);
        assert_eq!(lines["b.c"], 3);
        assert_eq!((lines["b.d.0.e"], lines["b.d.1.e"]), (5, 7));
    }
}
