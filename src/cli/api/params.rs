//! Parameters from the command line into the JSON the API takes; passwords from elsewhere.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};

use super::super::env;
use crate::cloud::actions::{Action, Kind, Param};
use crate::cloud::client::Params;
use crate::cloud::password;

/// Where a password is taken from, if the action wants one.
pub(super) struct PasswordFrom<'a> {
    pub(super) file: Option<&'a Path>,
    pub(super) random: bool,
}

/// Reads `name=value` pairs; names may be written in any case.
pub(super) fn read(action: &Action, given: &[String]) -> anyhow::Result<Map<String, Value>> {
    let mut values = Map::new();
    for pair in given {
        let (name, text) =
            pair.split_once('=').with_context(|| format!("`{pair}` is not name=value"))?;
        let Some(param) = action.param(name) else {
            let names: Vec<_> = action.params.iter().map(|param| param.name).collect();
            bail!("{} has no parameter `{name}`; it has: {}", action.name, names.join(", "));
        };
        if param.kind == Kind::Secret {
            bail!(
                "{} must not stand on a command line, which every user of this machine can read; \
                 use --password-file, FARMSCALE_INSTANCE_PASSWORD, --random-password, or wait to \
                 be asked",
                param.name
            );
        }
        let text = match text.strip_prefix('@') {
            Some(file) => std::fs::read_to_string(file)
                .with_context(|| format!("{}: cannot read `{file}`", param.name))?,
            None => text.to_owned(),
        };
        values.insert(param.name.to_owned(), typed(param, text.trim_end_matches('\n'))?);
    }
    Ok(values)
}

fn typed(param: &Param, text: &str) -> anyhow::Result<Value> {
    Ok(match param.kind {
        Kind::Text | Kind::OneOf(_) | Kind::Moment | Kind::Name | Kind::Label | Kind::Secret => {
            json!(text)
        }
        // What does not read is left to the check, which says what would.
        Kind::Flag | Kind::Number(..) | Kind::Gib => {
            text.parse::<u64>().map_or_else(|_| json!(text), Value::from)
        }
        Kind::Bool => text.parse::<bool>().map_or_else(|_| json!(text), Value::from),
        Kind::Texts(_) | Kind::JsonTexts => texts(text),
        Kind::Object(_) | Kind::Objects(_) => serde_json::from_str(text).with_context(|| {
            format!("{}: `{text}` is not JSON; it takes {}", param.name, param.kind.words())
        })?,
    })
}

/// `a,b` or `["a","b"]`.
fn texts(text: &str) -> Value {
    let json: Option<Vec<String>> = serde_json::from_str(text).ok();
    let words = || text.split(',').map(|word| word.trim().to_owned()).collect();
    json!(json.unwrap_or_else(words))
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
    } else if let Some(word) = env::one("FARMSCALE_INSTANCE_PASSWORD") {
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

/// As the client sends it: in the address, where lists are text, or as a body.
pub(super) fn sent(action: &Action, given: &Map<String, Value>) -> Params {
    if action.method != "GET" {
        return Params::Body(Value::Object(given.clone()));
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Params::Query(given.iter().map(|(name, value)| (name.clone(), text(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::actions::find;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn values_become_what_the_api_takes() {
        let create = find("CreateDisk").unwrap();
        let given = read(create, &words(&["size=48", "AvailableZoneCode=A"])).unwrap();
        assert_eq!(Value::Object(given), json!({"Size": 48, "AvailableZoneCode": "A"}));
        let detach = find("DetachDisk").unwrap();
        let given = read(detach, &words(&["DiskIds=disk-a, disk-b"])).unwrap();
        assert_eq!(given["DiskIds"], json!(["disk-a", "disk-b"]));
        let list = find("DescribeDiskList").unwrap();
        let given = read(list, &words(&["DiskIds=disk-a"])).unwrap();
        let Params::Query(pairs) = sent(list, &given) else { panic!("a GET has no body") };
        assert_eq!(pairs, [("DiskIds".to_owned(), "[\"disk-a\"]".to_owned())]);
    }

    #[test]
    fn a_password_on_the_command_line_is_refused_and_not_repeated() {
        let action = find("ModifyInstancePassword").unwrap();
        let error = read(action, &words(&["Password=Secret-123"])).unwrap_err().to_string();
        assert!(error.contains("--password-file") && !error.contains("Secret-123"), "{error}");
    }
}
