//! `farmscale check`: what is wrong with a config, before anything costs money.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::{Value, json};

mod money;
mod online;
mod places;
mod queues;

use super::exit::Exit;
use super::reach::ClockArgs;
use super::{env, out};
use crate::cloud::CallError;
use crate::config::{self, Fault, Place, Settings};
use crate::model::Span;
use crate::policy::Promise;

/// Reads a config and says all that is wrong with it, or what it means.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// The config.
    #[arg(long, default_value = super::CONFIG)]
    config: PathBuf,
    /// Ask the cloud too: what is offered and in stock, prices, images, networks, quotas. Read each
    /// queue once, and try the store's folder. Buys nothing.
    #[arg(long)]
    online: bool,
    #[command(flatten)]
    clock: ClockArgs,
    /// Print JSON: ok, warnings, and faults, each with file, line (null if in no line), variable (of
    /// the environment, or null), key and what; with --online also a row for every size in every zone,
    /// and what every queue says.
    #[arg(long)]
    json: bool,
}

impl CheckArgs {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let settings = match config::load(&self.config, &env::variables()) {
            Ok(settings) => settings,
            Err(faults) => {
                if self.json {
                    out::json(&self.verdict(&faults.faults, &[]))?;
                }
                return Err(faults.into());
            }
        };
        let mut notes = settings.warnings.clone();
        notes.extend(money::warning(&settings));
        notes.extend(queues::notes(&settings));
        if self.online {
            return self.ask_the_cloud(&settings, notes);
        }
        if self.json {
            return out::json(&self.verdict(&[], &notes));
        }
        out::line(&format!("{} can be used\n", self.config.display()))?;
        let queues = queues::tables(&settings);
        for part in [pools(&settings), queues, offers(&settings), money::table(&settings)] {
            out::line(&format!("{part}\n"))?;
        }
        out::line(&elsewhere(&settings))?;
        for note in notes {
            out::line(&format!("\nwarning: {note}"))?;
        }
        Ok(())
    }

    /// For programs: the same shape whatever is wrong.
    fn verdict(&self, faults: &[Fault], warnings: &[String]) -> Value {
        let fault = |fault: &Fault| {
            let Fault { place, key, what } = fault;
            let config = self.config.display().to_string();
            let (file, line, variable) = match place {
                Place::Nowhere => (Some(config), None, None),
                Place::Line { file, line } => {
                    (Some(file.to_string()), (*line != 0).then_some(*line), None)
                }
                Place::Variable(name) => (None, None, Some(name.to_string())),
            };
            json!({
                "file": file, "line": line, "variable": variable, "key": key, "what": what,
            })
        };
        let listed: Vec<Value> = faults.iter().map(fault).collect();
        json!({ "ok": faults.is_empty(), "faults": listed, "warnings": warnings })
    }

    fn ask_the_cloud(&self, settings: &Settings, mut notes: Vec<String>) -> anyhow::Result<()> {
        let clock = self.clock.clock(&settings.cloud.endpoints)?;
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        let heard = runtime.block_on(queues::ask(settings, clock.now()));
        let mut faults = places::faults(settings, queues::unread(&heard));
        let asked = runtime.block_on(online::rows(settings, clock.clone()));
        let (rows, silent) = match asked {
            Ok((rows, unanswered)) => {
                faults.extend(online::faults(&rows));
                notes.extend(online::notes(&rows));
                notes.extend(money::too_low(settings, &rows, clock.now()));
                notes.extend(unanswered);
                notes.dedup();
                (rows, None)
            }
            Err(error) => {
                let (place, key) = (Place::Nowhere, "cloud".to_owned());
                let what = format!("the cloud cannot be asked: {error}");
                faults.push(Fault { place, key, what });
                (Vec::new(), Some(error))
            }
        };
        if self.json {
            let mut verdict = self.verdict(&faults, &notes);
            if let Some(fields) = verdict.as_object_mut() {
                fields.insert("rows".to_owned(), json!(online::json(&rows)));
                fields.insert("queues".to_owned(), json!(queues::now_json(&heard)));
            }
            out::json(&verdict)?;
        } else {
            let money = money::table(settings);
            for part in [online::table(&rows), queues::now_table(&heard), money] {
                out::line(&format!("{part}\n"))?;
            }
            for note in notes {
                out::line(&format!("warning: {note}"))?;
            }
        }
        self.end(&faults, silent)
    }

    /// Fails with every fault; by the cloud's own word where that is all there is.
    fn end(&self, faults: &[Fault], silent: Option<CallError>) -> anyhow::Result<()> {
        match (faults, silent) {
            ([], _) => return Ok(()),
            ([_], Some(error)) => return Err(error).context("the cloud cannot be asked"),
            (_, _) => {}
        }
        let faults: Vec<&str> = faults.iter().map(|fault| &*fault.what).collect();
        let config = self.config.display();
        let what = format!("{config} cannot be used as it is:\n  {}", faults.join("\n  "));
        Err(Exit::Config.because(what))
    }
}

fn pools(settings: &Settings) -> String {
    let rows = settings.policy.pools.iter().map(|pool| {
        [
            pool.name.to_string(),
            pool.queue.to_string(),
            format!("{}–{}", pool.min, pool.max),
            pool.offers.len().to_string(),
            pool.windows.len().to_string(),
            promised(pool.promise),
        ]
    });
    let header = ["pool", "queue", "size", "offers", "windows", "tasks start"];
    out::table(header, rows.collect())
}

/// What a preset or `max_wait` promises.
fn promised(promise: Option<Promise>) -> String {
    let named = [("balanced", Promise::balanced()), ("thrifty", Promise::thrifty())];
    let Some(promise) = promise else { return "at once (fast)".to_owned() };
    // `Promise::within` keeps a margin; this is what was asked for.
    let wait = Span(promise.too_late.0 / 4 * 3);
    match named.into_iter().find(|(_, known)| *known == promise) {
        Some((name, _)) => format!("within {wait} ({name})"),
        None => format!("within {wait}"),
    }
}

/// Limits and places that no table shows.
fn elsewhere(settings: &Settings) -> String {
    let (max, store) = (settings.policy.limits.max, settings.store.display());
    let (cloud, page) = (&settings.cloud.endpoints.ecs, settings.page.listen);
    let orders = match (&settings.page.socket, &settings.page.token) {
        (Some(socket), None) => format!("over {} (mode 0660)", socket.display()),
        (Some(socket), Some(_)) => {
            format!("over {} (mode 0660) or with the token", socket.display())
        }
        (None, Some(_)) => "with the token".to_owned(),
        (None, None) => "none are taken: there is no socket and no token".to_owned(),
    };
    format!(
        "at most {max} machines (limits.max)\nstore     {store}\ncloud     {cloud}\npage      \
         http://{page}/\norders    {orders}"
    )
}

fn offers(settings: &Settings) -> String {
    let rows = settings.policy.pools.iter().flat_map(|pool| {
        pool.offers.iter().map(|offer| {
            let purchase = settings.cloud.purchase(&pool.name, &offer.key);
            let image = purchase.map_or("", |purchase| &*purchase.image);
            let stop = if offer.stoppable { "yes" } else { "no" };
            [
                pool.name.to_string(),
                offer.key.to_string(),
                pool.slots_of(offer, pool.shape).to_string(),
                stop.to_owned(),
                image.to_owned(),
            ]
        })
    });
    out::table(["pool", "offer", "tasks at once", "stopped kept", "image"], rows.collect())
}
