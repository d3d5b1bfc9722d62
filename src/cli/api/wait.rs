//! `--wait`: a change followed until it has ended, with its progress.

use std::io::Write;

use anyhow::bail;
use serde_json::{Value, json};

use super::super::out;
use super::show::event_action;
use crate::cloud::actions::Service;
use crate::cloud::events::{EventDetail, Followed, Pace};
use crate::cloud::{CallError, Client};
use crate::model::{EventStatus, Span};

/// How often the event is asked after.
const EVERY: Span = Span::seconds(3);

/// Follows an event; fails if the change did.
pub(super) async fn follow(
    client: &Client,
    service: Service,
    id: &str,
    within: Span,
    data: &Value,
    as_json: bool,
) -> anyhow::Result<()> {
    let mut last = String::new();
    let ended = client
        .follow(service, id, Pace { every: EVERY, within }, |look| {
            let line = progress(look);
            if line != last {
                // Progress is a courtesy: nobody is left to tell if it cannot be shown.
                writeln!(std::io::stderr().lock(), "{line}").ok();
                last = line;
            }
        })
        .await;
    let (word, event) = match &ended {
        Followed::Done(event) => ("done", Some(event)),
        Followed::Failed(event) => ("failed", Some(event)),
        Followed::TooLate(event) => ("not ended", event.as_ref()),
    };
    if as_json {
        let tasks: Vec<Value> =
            event.into_iter().flat_map(|event| &event.tasks).map(task).collect();
        out::json(&json!({ "Data": data, "EventId": id, "Ended": word, "Tasks": tasks }))?;
    }
    match ended {
        Followed::Done(_) if as_json => Ok(()),
        Followed::Done(_) => out::line("done"),
        Followed::Failed(event) => {
            let of = |task: &&crate::cloud::events::Task| task.status == EventStatus::Failed;
            let failed: Vec<_> = event.tasks.iter().filter(of).map(|one| &*one.resource).collect();
            bail!("the change failed for {}", failed.join(", "))
        }
        Followed::TooLate(_) => bail!(
            "not ended within {within}; `farmscale api {} EventId={id}` tells how far it is",
            event_action(service)
        ),
    }
}

fn progress(look: Result<&EventDetail, &CallError>) -> String {
    match look {
        Ok(event) => {
            let done = event.tasks.iter().filter(|task| task.status == EventStatus::Done).count();
            let word = match &event.status {
                EventStatus::Done => "done",
                EventStatus::Failed => "failed",
                EventStatus::Running => "under way",
                EventStatus::Other(word) => word,
            };
            format!("{}: {word}, {done} of {} done", event.kind, event.tasks.len())
        }
        Err(error) => format!("no answer ({error}); asking again"),
    }
}

fn task(task: &crate::cloud::events::Task) -> Value {
    let word = match &task.status {
        EventStatus::Done => "done",
        EventStatus::Failed => "failed",
        EventStatus::Running => "running",
        EventStatus::Other(word) => word,
    };
    json!({ "ResourceId": *task.resource, "Status": word })
}
