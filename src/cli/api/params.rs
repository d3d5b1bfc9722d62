//! Parameters from the command line into the JSON the API takes; passwords from elsewhere.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};

use super::super::env;
use crate::cloud::actions::{Action, Kind, Param};
use crate::cloud::password;

/// Where a password is taken from, if the action wants one.
pub(super) struct PasswordFrom<'a> {
    pub(super) file: Option<&'a Path>,
    pub(super) random: bool,
}

/// Reads `name=value` pairs; names may be written in any case.
/// `unchecked` takes names that the table does not have: their values are JSON, or else text.
pub(super) fn read(
    action: &Action,
    given: &[String],
    unchecked: bool,
) -> anyhow::Result<Map<String, Value>> {
    let mut values = Map::new();
    for pair in given {
        let (name, text) =
            pair.split_once('=').with_context(|| format!("`{pair}` is not name=value"))?;
        let Some(param) = action.param(name) else {
            if unchecked {
                let text = contents(name, text)?;
                let value = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
                values.insert(name.to_owned(), value);
                continue;
            }
            let names: Vec<_> = action.params.iter().map(|param| param.name).collect();
            bail!(
                "{} has no parameter `{name}`; it has: {} (--unchecked sends it all the same)",
                action.name,
                names.join(", ")
            );
        };
        if param.kind == Kind::Secret {
            bail!(
                "{} must not stand on a command line, which every user of this machine can read; \
                 use --password-file, FARMSCALE_INSTANCE_PASSWORD, --random-password, or wait to \
                 be asked",
                param.name
            );
        }
        let text = contents(param.name, text)?;
        values.insert(param.name.to_owned(), typed(param, &text)?);
    }
    Ok(values)
}

/// The text itself, or that of the file after `@`.
fn contents(name: &str, text: &str) -> anyhow::Result<String> {
    let text = match text.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("{name}: cannot read `{file}`"))?,
        None => text.to_owned(),
    };
    Ok(text.trim_end_matches('\n').to_owned())
}

fn typed(param: &Param, text: &str) -> anyhow::Result<Value> {
    param.kind.read(text).with_context(|| {
        format!("{}: `{text}` is not JSON; it takes {}", param.name, param.kind.words())
    })
}

/// Puts the password in where the action wants one.
pub(super) fn password(
    action: &Action,
    given: &mut Map<String, Value>,
    from: &PasswordFrom<'_>,
) -> anyhow::Result<()> {
    let Some(param) = action.params.iter().find(|param| param.kind == Kind::Secret) else {
        return Ok(());
    };
    let word = if from.random {
        password::random()
    } else if let Some(file) = from.file {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the password from {}", file.display()))?;
        text.trim_end_matches(['\r', '\n']).to_owned()
    } else if let Some(word) = env::variable("FARMSCALE_INSTANCE_PASSWORD") {
        word
    } else if std::io::stdin().is_terminal() {
        rpassword::prompt_password(format!("{} ({}): ", param.name, param.about))
            .context("cannot read the password")?
    } else {
        return Ok(()); // the check says that it is missing
    };
    given.insert(param.name.to_owned(), json!(word));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::actions::find;
    use crate::cloud::client::Params;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn values_become_what_the_api_takes() {
        let create = find("CreateDisk").unwrap();
        let given = read(create, &words(&["size=48", "AvailableZoneCode=A"]), false).unwrap();
        assert_eq!(Value::Object(given), json!({"Size": 48, "AvailableZoneCode": "A"}));
        let detach = find("DetachDisk").unwrap();
        let given = read(detach, &words(&["DiskIds=disk-a, disk-b"]), false).unwrap();
        assert_eq!(given["DiskIds"], json!(["disk-a", "disk-b"]));
        let list = find("DescribeDiskList").unwrap();
        let given = read(list, &words(&["DiskIds=disk-a"]), false).unwrap();
        let Params::Query(pairs) = Params::of(list, &given) else { panic!("a GET has no body") };
        assert_eq!(pairs, [("DiskIds".to_owned(), "[\"disk-a\"]".to_owned())]);
    }

    #[test]
    fn a_password_on_the_command_line_is_refused_and_not_repeated() {
        let action = find("ModifyInstancePassword").unwrap();
        let error = read(action, &words(&["Password=Secret-123"]), true).unwrap_err().to_string();
        assert!(error.contains("--password-file") && !error.contains("Secret-123"), "{error}");
    }
}
