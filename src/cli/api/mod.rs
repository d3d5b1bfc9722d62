//! `farmscale api`: the vendor's API from the command line, and its signature laid open.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};

use super::reach::ReachArgs;
use super::{out, prompt};
use crate::clock::Clock;
use crate::cloud::Client;
use crate::cloud::actions::check::{Problem, check};
use crate::cloud::actions::{self, Action};
use crate::cloud::client::Params;
use crate::cloud::sign::{Signed, Stamp};
use crate::model::Span;

mod newer;
mod params;
mod show;
mod wait;

/// Calls one action of the vendor's API, checked before it is sent.
///
/// `farmscale api list` shows every action, `farmscale api help ACTION` what one takes. The key
/// comes from `FARMSCALE_ACCESS_KEY_ID` and `FARMSCALE_ACCESS_KEY_SECRET` (or the vendor's
/// `CDS_SECRET_ID` and `CDS_SECRET_KEY`), or from the files named in --config. Passwords come from
/// --password-file, from `FARMSCALE_INSTANCE_PASSWORD`, or are asked for; never from the command
/// line, which every user of the machine can read.
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[derive(Debug, clap::Args)]
pub struct ApiArgs {
    /// The action, such as `DescribeRegions`; or `list`, or `help`.
    #[arg(value_parser = newer::Names, hide_possible_values = true)]
    action: String,
    /// Parameters as name=value; lists of texts with commas; objects as JSON, or `name=@file.json`.
    params: Vec<String>,
    /// Print what would be signed and sent, after the same checks; send nothing.
    #[arg(long)]
    sign_only: bool,
    /// Send what the table of actions does not know, or thinks wrong: parameters and, with --verb and
    /// --service, actions that are newer than this program.
    #[arg(long)]
    unchecked: bool,
    /// The verb of an action that is not known here.
    #[arg(long, value_enum, requires = "unchecked")]
    verb: Option<newer::Verb>,
    /// The service of an action that is not known here.
    #[arg(long, value_enum, requires = "unchecked")]
    service: Option<newer::ServiceName>,
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
    /// Follow the change until it has ended.
    #[arg(long)]
    wait: bool,
    /// How long to follow it, such as `20m`; events have been seen to hang for a day.
    #[arg(long, default_value = "30m", value_parser = super::span)]
    within: Span,
    /// The file that holds the password to set.
    #[arg(long)]
    password_file: Option<PathBuf>,
    /// Set a random password that nobody will know.
    #[arg(long, conflicts_with = "password_file")]
    random_password: bool,
    #[command(flatten)]
    reach: ReachArgs,
}

impl ApiArgs {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        match self.action.to_lowercase().as_str() {
            "list" => return show::list(self.json),
            "help" => return show::help(self.params.first().map(String::as_str), self.json),
            _ => {}
        }
        let action = &self.action()?;
        let mut given = params::read(action, &self.params, self.unchecked)?;
        params::password(action, &mut given, &self.secrets())?;
        for (name, value) in action.say_always(&mut given) {
            let note = "the API's own default differs from action to action";
            writeln!(std::io::stderr().lock(), "note: {name}={value} is sent: {note}")?;
        }
        object(action, &given, self.unchecked)?;
        if self.sign_only {
            return self.sign(action, &given);
        }
        let client = self.reach.client()?;
        if action.changes && !self.yes {
            ask(action, &given)?;
        }
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        runtime.block_on(self.send(action, &given, &client))
    }

    /// The action of the table, or one that is newer than it.
    fn action(&self) -> anyhow::Result<Action> {
        match (actions::find(&self.action), self.verb, self.service) {
            (Some(action), None, None) => Ok(*action),
            (_, Some(verb), Some(service)) => Ok(newer::action(&self.action, verb, service)),
            (_, _, _) if self.unchecked => {
                bail!("`{}` is not known here: say --verb and --service too", self.action)
            }
            (_, _, _) => find(&self.action).copied(),
        }
    }

    fn secrets(&self) -> params::PasswordFrom<'_> {
        params::PasswordFrom { file: self.password_file.as_deref(), random: self.random_password }
    }

    async fn send(
        &self,
        action: &Action,
        given: &Map<String, Value>,
        client: &Client,
    ) -> anyhow::Result<()> {
        let answer = client.call_as(action, given).await?;
        let event = answer.data.get("EventId").and_then(Value::as_str).map(str::to_owned);
        if !(self.json && self.wait) {
            if self.json {
                let mut object = Map::from_iter([("Data".to_owned(), answer.data.clone())]);
                object.extend(answer.total.map(|total| ("TotalCount".to_owned(), json!(total))));
                object.extend(answer.request_id.map(|id| ("RequestId".to_owned(), json!(id))));
                out::json(&object)?;
            } else {
                out::line(&show::answer(action, &answer.data))?;
            }
        }
        match event {
            Some(event) if self.wait => {
                wait::follow(client, action.service, &event, self.within, &answer.data, self.json)
                    .await
            }
            Some(event) if action.event && !self.json => out::line(&format!(
                "taken on; `farmscale api {} EventId={event}` tells how far it is",
                show::event_action(action.service)
            )),
            None if self.wait && action.event => bail!("the answer names no event to follow"),
            Some(_) | None => Ok(()),
        }
    }

    fn sign(&self, action: &Action, given: &Map<String, Value>) -> anyhow::Result<()> {
        let (credentials, endpoints) = self.reach.reach()?;
        let fresh = Stamp::fresh(Clock::real().now());
        let stamp = Stamp {
            nonce: self.nonce.clone().unwrap_or(fresh.nonce),
            timestamp: self.timestamp.clone().unwrap_or(fresh.timestamp),
        };
        let (query, body) = match Params::of(action, given) {
            Params::Query(pairs) => (pairs, None),
            Params::Body(_) => (Vec::new(), Some(shown(given))), // the body is not signed
        };
        let signed = Signed::new(&credentials, action.method, action.name, &query, &stamp);
        let url = format!("{}?{}", action.service.base(&endpoints), signed.query());
        let Signed { canonical, string_to_sign, signature } = signed;
        if self.json {
            return out::json(&json!({
                "canonical": canonical, "string_to_sign": string_to_sign,
                "signature": signature, "url": url, "body": body,
            }));
        }
        out::line(&format!("canonical       {canonical}"))?;
        out::line(&format!("string to sign  {string_to_sign}"))?;
        out::line(&format!("signature       {signature}"))?;
        out::line(&format!("url             {url}"))?;
        if let Some(body) = body {
            out::line(&format!("body            {body}"))?;
        }
        Ok(())
    }
}

fn find(name: &str) -> anyhow::Result<&'static Action> {
    actions::find(name)
        .with_context(|| format!("there is no action `{name}`; `farmscale api list` names all"))
}

/// Says everything that is wrong at once; warnings do not keep a call from being sent, nor does
/// anything in a call that is `unchecked`.
fn object(action: &Action, given: &Map<String, Value>, unchecked: bool) -> anyhow::Result<()> {
    let (warnings, faults): (Vec<_>, Vec<_>) =
        check(action, given).into_iter().partition(Problem::is_warning);
    for warning in warnings {
        writeln!(std::io::stderr().lock(), "warning: {warning}")?;
    }
    if faults.is_empty() || unchecked {
        return Ok(());
    }
    let lines: Vec<String> = faults.iter().map(|problem| format!("  {problem}")).collect();
    bail!(
        "{} is not sent:\n{}\n`farmscale api help {}` shows all parameters",
        action.name,
        lines.join("\n"),
        action.id()
    )
}

/// Parameters as they may be shown.
fn shown(given: &Map<String, Value>) -> Value {
    let mut shown = given.clone();
    if shown.contains_key("Password") {
        shown.insert("Password".to_owned(), json!("***"));
    }
    Value::Object(shown)
}

/// Shows what would be sent and asks.
fn ask(action: &Action, given: &Map<String, Value>) -> anyhow::Result<()> {
    writeln!(std::io::stderr().lock(), "{}", out::outline(&shown(given)))?;
    let Action { name, title, about, .. } = action;
    prompt::confirm(&format!("{name} changes something ({title} {about}): send it"))
}
