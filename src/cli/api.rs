//! `farmscale api`: the vendor's API from the command line, and its signature laid open.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};

use super::{env, out};
use crate::clock::Clock;
use crate::cloud::actions::{self, Action, Kind};
use crate::cloud::client::Params;
use crate::cloud::sign::{Signed, Stamp};
use crate::cloud::{Client, Credentials, Endpoints};

/// Calls one action of the vendor's API.
///
/// The key comes from `FARMSCALE_ACCESS_KEY_ID` and `FARMSCALE_ACCESS_KEY_SECRET` (or the vendor's
/// `CDS_SECRET_ID` and `CDS_SECRET_KEY`), or from the files named in --config.
#[derive(Debug, clap::Args)]
pub struct ApiArgs {
    /// The action, such as `DescribeRegions`; `list` prints all, `help ACTION` its parameters.
    action: String,
    /// Parameters as name=value; lists of texts with commas, anything nested as JSON.
    params: Vec<String>,
    /// Print what would be signed and sent; send nothing.
    #[arg(long)]
    sign_only: bool,
    /// The nonce, instead of a fresh one.
    #[arg(long, env = "FARMSCALE_NONCE", requires = "sign_only")]
    nonce: Option<String>,
    /// The timestamp (`2026-01-02T03:04:05Z`), instead of now.
    #[arg(long, env = "FARMSCALE_TIMESTAMP", requires = "sign_only")]
    timestamp: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Do not ask before an action that changes something.
    #[arg(long)]
    yes: bool,
    /// Take key and endpoints from this config.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Another server, such as `http://127.0.0.1:9400`: its `/ecs/v1`, `/ecs/v1.1`, `/ebs/v1`.
    #[arg(long, conflicts_with = "config")]
    server: Option<String>,
}

impl ApiArgs {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        match self.action.as_str() {
            "list" => return self.list(),
            "help" => return self.help(),
            _ => {}
        }
        let action = find(&self.action)?;
        let params = params(action, &self.params, self.sign_only)?;
        let (credentials, endpoints) = self.reach()?;
        if self.sign_only {
            return self.sign(action, params, &credentials, &endpoints);
        }
        if action.changes && !self.yes {
            ask(action)?;
        }
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        let answer = runtime.block_on(async {
            Client::new(credentials, endpoints, Clock::real())?.call(action, params).await
        })?;
        if self.json {
            let mut object = Map::from_iter([("Data".to_owned(), answer.data)]);
            object.extend(answer.total.map(|total| ("TotalCount".to_owned(), json!(total))));
            object.extend(answer.request_id.map(|id| ("RequestId".to_owned(), json!(id))));
            out::json(&object)
        } else {
            out::line(&out::outline(&answer.data))
        }
    }

    fn reach(&self) -> anyhow::Result<(Credentials, Endpoints)> {
        if let Some(path) = &self.config {
            let settings = super::load(path)?;
            return Ok((settings.cloud.credentials, settings.cloud.endpoints));
        }
        let credentials = env::credentials().context(
            "no access key: set FARMSCALE_ACCESS_KEY_ID and FARMSCALE_ACCESS_KEY_SECRET, \
             or name a config with --config",
        )?;
        let mut endpoints = Endpoints::default();
        if let Some(server) = &self.server {
            let server = server.trim_end_matches('/');
            endpoints.ecs = format!("{server}/ecs/v1");
            endpoints.ecs_images = format!("{server}/ecs/v1.1");
            endpoints.ebs = format!("{server}/ebs/v1");
        }
        Ok((credentials, endpoints))
    }

    fn sign(
        &self,
        action: &Action,
        params: Params,
        credentials: &Credentials,
        endpoints: &Endpoints,
    ) -> anyhow::Result<()> {
        let fresh = Stamp::fresh(Clock::real().now());
        let stamp = Stamp {
            nonce: self.nonce.clone().unwrap_or(fresh.nonce),
            timestamp: self.timestamp.clone().unwrap_or(fresh.timestamp),
        };
        let query = match params {
            Params::Query(pairs) => pairs,
            Params::Body(_) => Vec::new(), // the body is not signed
        };
        let signed = Signed::new(credentials, action.method, action.name, &query, &stamp);
        let url = format!("{}?{}", action.service.base(endpoints), signed.query());
        let Signed { canonical, string_to_sign, signature } = signed;
        if self.json {
            return out::json(&json!({
                "canonical": canonical, "string_to_sign": string_to_sign,
                "signature": signature, "url": url,
            }));
        }
        out::line(&format!("canonical       {canonical}"))?;
        out::line(&format!("string to sign  {string_to_sign}"))?;
        out::line(&format!("signature       {signature}"))?;
        out::line(&format!("url             {url}"))
    }

    fn list(&self) -> anyhow::Result<()> {
        let row = |action: &Action| {
            let changes = if action.changes { "yes" } else { "" };
            [action.name, action.method, changes, action.about].map(str::to_owned)
        };
        if self.json {
            let names: Vec<_> = actions::ALL.iter().map(|action| action.name).collect();
            return out::json(&names);
        }
        let rows = actions::ALL.iter().map(row).collect();
        out::line(&out::table(["action", "verb", "changes", "what it does"], rows))
    }

    fn help(&self) -> anyhow::Result<()> {
        let name = self.params.first().context("farmscale api help ACTION")?;
        let action = find(name)?;
        out::line(&format!("{} ({}): {}", action.name, action.method, action.about))?;
        let kind = |kind: Kind| match kind {
            Kind::Text => "text",
            Kind::Number => "whole number",
            Kind::Texts => "texts, comma between",
            Kind::Json => "JSON",
        };
        let rows = action.params.iter().map(|param| {
            let required = if param.required { "required" } else { "" };
            [param.name, kind(param.kind), required].map(str::to_owned)
        });
        out::line(&out::table(["parameter", "value", ""], rows.collect()))
    }
}

fn find(name: &str) -> anyhow::Result<&'static Action> {
    actions::find(name)
        .with_context(|| format!("there is no action `{name}`; `farmscale api list` names all"))
}

/// Checks names and types before anything is sent.
fn params(action: &Action, given: &[String], incomplete: bool) -> anyhow::Result<Params> {
    let mut values: Vec<(&str, &str, Kind)> = Vec::new();
    for pair in given {
        let (name, value) =
            pair.split_once('=').with_context(|| format!("`{pair}` is not name=value"))?;
        let known = action.params.iter().find(|param| param.name.eq_ignore_ascii_case(name));
        let Some(param) = known else {
            let names: Vec<_> = action.params.iter().map(|param| param.name).collect();
            bail!("{} has no parameter `{name}`; it has: {}", action.name, names.join(", "));
        };
        values.push((param.name, value, param.kind));
    }
    let missing: Vec<_> = action
        .params
        .iter()
        .filter(|param| param.required && !values.iter().any(|(name, ..)| *name == param.name))
        .map(|param| param.name)
        .collect();
    if !missing.is_empty() && !incomplete {
        bail!("{} also needs {}", action.name, missing.join(", "));
    }
    if action.method == "GET" {
        let pairs = values.iter().map(|(name, value, _)| ((*name).into(), (*value).into()));
        return Ok(Params::Query(pairs.collect()));
    }
    let mut body = Map::new();
    for (name, value, kind) in values {
        body.insert(name.to_owned(), typed(name, value, kind)?);
    }
    Ok(Params::Body(Value::Object(body)))
}

fn typed(name: &str, value: &str, kind: Kind) -> anyhow::Result<Value> {
    Ok(match kind {
        Kind::Text => json!(value),
        Kind::Number => {
            let number: u32 =
                value.parse().with_context(|| format!("{name}: `{value}` is no whole number"))?;
            json!(number)
        }
        Kind::Texts => json!(value.split(',').map(str::trim).collect::<Vec<_>>()),
        Kind::Json => {
            serde_json::from_str(value).with_context(|| format!("{name}: `{value}` is not JSON"))?
        }
    })
}

/// Asks on the terminal; without one, `--yes` must be given.
fn ask(action: &Action) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("{} changes something: say --yes", action.name);
    }
    let mut err = std::io::stderr().lock();
    write!(err, "{} ({}). Send it? [y/N] ", action.name, action.about)?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes" | "是") { Ok(()) } else { bail!("not sent") }
}
