//! Printing: tables for people, JSON for programs, always through one place that survives a closed
//! pipe and lets no text from outside move the cursor.

use std::io::Write;

use anyhow::Context;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::Value;

use crate::model::text::printable_lines;

/// The narrowest terminal tables are fitted to, in columns.
const WIDTH_MIN: u16 = 100;

/// Writes one line to the standard output.
pub fn line(text: &str) -> anyhow::Result<()> {
    let written = writeln!(std::io::stdout().lock(), "{}", printable_lines(text));
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to the standard output"),
    }
}

/// Writes an error with its causes to the standard error.
pub fn error(error: &anyhow::Error) {
    let mut text = format!("farmscale: {error:#}");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    // Nobody is left to tell if this fails.
    std::io::stderr().lock().write_all(printable_lines(&text).as_bytes()).ok();
}

/// Writes a line about how far something is to the standard error: answers go to the other one.
pub fn note(text: &str) {
    // Nobody is left to tell if this fails.
    writeln!(std::io::stderr().lock(), "{}", printable_lines(text)).ok();
}

/// Writes a value as one line of JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string(value).context("cannot be written as JSON")?)
}

/// A plain table with a header.
pub fn table<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> String {
    let rows = rows.into_iter().map(Vec::from).collect();
    wide_table(&header.map(str::to_owned), rows)
}

/// A table whose columns are known only when it is printed.
pub fn wide_table(header: &[String], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    // Squeezed into a terminal narrower than this a table is no table any more: lines run over.
    if table.width().is_some_and(|width| WIDTH_MIN <= width) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Any JSON, for people: names and values, one a line, lists of objects with a gap between.
pub fn outline(value: &Value) -> String {
    let mut lines = Vec::new();
    outline_into(value, "", &mut lines);
    lines.join("\n")
}

fn outline_into(value: &Value, path: &str, lines: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                outline_into(inner, &path, lines);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                outline_into(item, &format!("{path}[{number}]"), lines);
            }
        }
        Value::String(text) => lines.push(format!("{path} = {text}")),
        Value::Null | Value::Bool(_) | Value::Number(_) => lines.push(format!("{path} = {value}")),
    }
}
