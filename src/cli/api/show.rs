//! What `farmscale api` prints: the table of actions, one action's parameters, answers.

use anyhow::Context;
use serde_json::{Map, Value, json};

use super::super::out;
use crate::cloud::actions::{self, Action, Holds, Param, Rule, Service, ToldBy};

/// Columns of a table made from an answer, at most.
const COLUMNS_MAX: usize = 8;

/// Every action.
pub(super) fn list(as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let names: Vec<_> = actions::table().map(Action::id).collect();
        return out::json(&names);
    }
    let row = |action: &Action| {
        let changes = if action.changes { "yes" } else { "" };
        let words = [action.id(), action.method, changes, &about(action), action.source];
        words.map(str::to_owned)
    };
    let rows = actions::table().map(row).collect();
    out::line(&out::table(["action", "verb", "changes", "what it does", "vendor's page"], rows))
}

fn about(action: &Action) -> String {
    format!("{} {}", action.title, action.about)
}

/// One action: what it takes, what it answers, its quirks.
pub(super) fn help(name: Option<&str>, as_json: bool) -> anyhow::Result<()> {
    let name = name.context("farmscale api help ACTION; `farmscale api list` names all")?;
    let action = super::find(name)?;
    if as_json {
        let param = |param: &Param| {
            json!({
                "name": param.name, "value": param.kind.words(), "required": param.required,
                "about": param.about, "told_by": told_by(param.told_by),
            })
        };
        let rule = |rule: &Rule| {
            json!({
                "param": rule.param, "what": rule.what, "refused": rule.refused,
                "sentence": rule.sentence,
            })
        };
        return out::json(&json!({
            "action": action.id(), "verb": action.method, "path": action.service.path(),
            "changes": action.changes, "about": about(action), "source": action.source,
            "params": action.params.iter().map(param).collect::<Vec<_>>(),
            "rules": action.rules.iter().map(rule).collect::<Vec<_>>(),
            "answer": action.answer.words(), "quirks": action.quirks,
            "in_document": action.in_document,
        }));
    }
    let path = action.service.path();
    out::line(&format!("{} ({} {path}, {})", action.id(), action.method, action.source))?;
    out::line(&about(action))?;
    if !action.params.is_empty() {
        let rows = action.params.iter().map(|param| {
            let required = if param.required { "required" } else { "" };
            [param.name.to_owned(), param.kind.words(), required.to_owned(), param.about.to_owned()]
        });
        out::line("")?;
        out::line(&out::table(["parameter", "value", "", "meaning"], rows.collect()))?;
    }
    for rule in action.rules {
        let weight = if rule.refused { "refused" } else { "warned of" };
        out::line(&format!("\n{weight}: {} {} ({})", rule.param, rule.what, rule.sentence))?;
    }
    out::line(&format!(
        "\nanswers (* = told by the vendor's program alone): {}",
        action.answer.words()
    ))?;
    if !action.in_document {
        out::line("\nNot in the public document: of a later page, or of the vendor's program.")?;
    }
    if !action.quirks.is_empty() {
        out::line(&format!("\nnote: {}", action.quirks))?;
    }
    if action.changes {
        let wait = if action.event { "; --wait follows it" } else { "" };
        out::line(&format!("\nIt changes something: sent once, asked about before{wait}."))?;
    }
    Ok(())
}

const fn told_by(one: ToldBy) -> &'static str {
    match one {
        ToldBy::Both | ToldBy::Document => "document",
        ToldBy::Client => "client",
    }
}

/// The action that tells how far a change is.
pub(super) fn event_action(service: Service) -> &'static str {
    if service == Service::Ebs { "ebs.DescribeEvent" } else { "DescribeEvent" }
}

/// An answer for people: a table where it is a list, names and values where it is one thing.
pub(super) fn answer(action: &Action, data: &Value) -> String {
    let rows = flat(data, &Map::new());
    let columns = columns(action, &rows);
    if !has_rows(data) || columns.is_empty() {
        return out::outline(data);
    }
    let cell = |row: &Map<String, Value>, column: &str| match row.get(column) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let cells = rows.iter().map(|row| columns.iter().map(|name| cell(row, name)).collect());
    out::wide_table(&columns, cells.collect())
}

fn has_rows(data: &Value) -> bool {
    match data {
        Value::Array(items) => items.iter().any(Value::is_object),
        Value::Object(fields) => fields.values().any(|one| one.is_array() && has_rows(one)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Lists within lists as rows; each has what stands above it.
fn flat(value: &Value, above: &Map<String, Value>) -> Vec<Map<String, Value>> {
    match value {
        Value::Array(items) => items.iter().flat_map(|item| flat(item, above)).collect(),
        Value::Object(fields) => {
            let mut row = above.clone();
            let is_scalar = |value: &Value| !value.is_array() && !value.is_object();
            row.extend(
                fields
                    .iter()
                    .filter(|(_, value)| is_scalar(value))
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
            let lists: Vec<&Value> =
                fields.values().filter(|one| one.is_array() && has_rows(one)).collect();
            if lists.is_empty() {
                return vec![row];
            }
            lists.into_iter().flat_map(|list| flat(list, &row)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// The columns worth showing: those the action's description names, in its order.
fn columns(action: &Action, rows: &[Map<String, Value>]) -> Vec<String> {
    let is_there = |name: &str| rows.iter().any(|row| row.contains_key(name));
    let mut words = action.columns.to_vec();
    if words.is_empty() {
        names(action.answer, &mut words);
    }
    let mut named: Vec<String> = Vec::new();
    for word in words.into_iter().filter(|word| is_there(word)) {
        if !named.iter().any(|name| name == word) {
            named.push(word.to_owned());
        }
    }
    named.truncate(COLUMNS_MAX);
    named
}

/// Every field's name, in the order of the table.
fn names(holds: Holds, found: &mut Vec<&'static str>) {
    for field in holds.fields() {
        found.push(field.name);
        names(field.holds, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_within_lists_become_one_table() {
        let data = json!({"EcsFamilyInfo": [
            {"EcsFamilyName": "rp3", "SpecList": [
                {"Cpu": 16, "Ram": 32, "Gpu": 1, "GpuTypeId": "x"},
                {"Cpu": 32, "Ram": 64, "Gpu": 2, "GpuTypeId": "x"},
            ]},
        ]});
        let table = answer(actions::find("DescribeEcsFamilyInfo").unwrap(), &data);
        let lines: Vec<Vec<&str>> =
            table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["EcsFamilyName", "Cpu", "Ram", "Gpu"]);
        assert_eq!(lines[2], ["rp3", "32", "64", "2"]);
        let one = answer(actions::find("DescribePrice").unwrap(), &json!({"PriceUnit": "天"}));
        assert_eq!(one, "PriceUnit = 天");
    }
}
