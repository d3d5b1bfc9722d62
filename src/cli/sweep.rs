//! `farmscale sweep`: what still incurs charges after a machine is gone, and an end to what is provably ours.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::reach::{self, ClockArgs, Progress};
use super::{out, prompt};
use crate::cloud::actions::Service;
use crate::cloud::leftovers::{Leftover as Unused, Since};
use crate::cloud::{CallError, Client};
use crate::model::{
    EventStatus, Leftover, LeftoverKind, Look, Money, Namer, Reading, Refusal, Span, Status, Text,
    Time,
};
use crate::policy::Policy;
use crate::world::World;

/// Between two looks at what is being deleted.
const EVERY: Span = Span::seconds(3);
/// The shortest beginning of a name that is taken for a claim.
const NAMED_MIN: usize = 3;

/// Lists disks and public addresses that nothing uses and that still incur charges, and whose they are.
///
/// Ours is what carries the whole name of a machine this farm made, alone or with something after it
/// (`studio-gpu-…-data`), and what --named claims. With --delete that is deleted for good, after a
/// question, if its machine is gone; nothing else ever is.
#[derive(Debug, clap::Args)]
pub struct SweepArgs {
    /// The farm's config.
    #[arg(long, default_value = super::CONFIG)]
    config: PathBuf,
    /// Take for ours, too, what is named with this beginning; may be said more than once.
    #[arg(long, value_parser = beginning)]
    named: Vec<String>,
    /// Delete what is ours, after a question.
    #[arg(long)]
    delete: bool,
    /// Do not ask.
    #[arg(long, requires = "delete")]
    yes: bool,
    /// Leave alone what is younger; of disks the API does not tell the age.
    #[arg(long, default_value = "1h", value_parser = super::span)]
    grace: Span,
    /// How long to wait for one to be gone.
    #[arg(long, default_value = "20m", value_parser = super::span)]
    within: Span,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: ClockArgs,
}

/// Whose a leftover is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Claim {
    /// Ours, with the reason; may be deleted.
    Ours(String),
    /// Ours, but stays for now.
    Stays(String),
    /// Not provably ours.
    Foreign(&'static str),
}

/// A leftover, and whose it is.
#[derive(Debug)]
pub struct Found {
    leftover: Leftover,
    claim: Claim,
}

/// What came of a deletion.
#[derive(Debug)]
enum Outcome {
    Deleted,
    Kept(String),
    Failed(String),
}

fn beginning(text: &str) -> Result<String, String> {
    if text.chars().count() < NAMED_MIN {
        return Err(format!("at least {NAMED_MIN} letters: more than one's own might begin so"));
    }
    Ok(text.to_owned())
}

impl SweepArgs {
    /// Runs the command.
    pub fn run(&self) -> anyhow::Result<()> {
        let settings = super::load(&self.config)?;
        let clock = self.clock.clock(&settings.cloud.endpoints)?;
        let runtime = Runtime::new().context("cannot start the runtime")?;
        let found = {
            let progress = Progress::on_terminal();
            progress.say("disks, and the addresses of every region");
            let mut world = reach::world(&settings, &clock, &runtime)?;
            look(&mut world, &settings.policy, &self.named)?
        };
        if self.delete {
            let (key, endpoints) = (&settings.cloud.credentials, &settings.cloud.endpoints);
            let client = Client::new(key.clone(), endpoints.clone(), clock)?;
            return runtime.block_on(self.delete(&client, &found));
        }
        if self.json {
            return out::json(&found.iter().map(json_of).collect::<Vec<_>>());
        }
        if found.is_empty() {
            return out::line("no disk and no address still incurs charges");
        }
        out::line(&table(&found))?;
        let ours = found.iter().filter(|one| matches!(one.claim, Claim::Ours(_))).count();
        out::line(&format!(
            "{ours} of {} can go with `farmscale sweep --delete`; what is not provably ours is \
             never touched",
            found.len()
        ))
    }

    async fn delete(&self, client: &Client, found: &[Found]) -> anyhow::Result<()> {
        let now = client.clock().now();
        let may_go = |one: &&Found| matches!(one.claim, Claim::Ours(_)) && !self.is_young(one, now);
        let list: Vec<String> = found.iter().filter(may_go).map(|one| one.in_words(now)).collect();
        if !self.yes && !list.is_empty() {
            prompt::confirm(&format!("delete for good:\n  {}\nall of it", list.join("\n  ")))?;
        }
        let (mut rows, mut failed) = (Vec::new(), Vec::new());
        // What is deleted is what is listed once more, after the question.
        let unused = client.leftovers().await?;
        for one in found {
            let again = unused.iter().find(|again| again.id == one.leftover.id);
            let outcome = match &one.claim {
                Claim::Foreign(_) => Outcome::Kept("not provably ours".to_owned()),
                Claim::Stays(why) => Outcome::Kept(why.clone()),
                Claim::Ours(_) if self.is_young(one, now) => {
                    Outcome::Kept(format!("younger than {}", self.grace))
                }
                Claim::Ours(_) => match again {
                    Some(again) => self.delete_one(client, again).await,
                    None => Outcome::Kept("gone meanwhile, or something uses it again".to_owned()),
                },
            };
            let (word, detail) = outcome.words();
            let id = &one.leftover.id;
            if !self.json {
                out::line(&format!(
                    "{id}  {word}{}{detail}",
                    if detail.is_empty() { "" } else { ": " }
                ))?;
            }
            if let Outcome::Failed(_) = outcome {
                failed.push(id.to_string());
            }
            let mut row = json_of(one);
            if let Some(row) = row.as_object_mut() {
                row.insert("outcome".to_owned(), json!(word));
                row.insert("detail".to_owned(), json!(detail));
            }
            rows.push(row);
        }
        if self.json {
            out::json(&rows)?;
        } else if found.is_empty() {
            out::line("no disk and no address still incurs charges")?;
        }
        if !failed.is_empty() {
            bail!("STILL THERE, AS FAR AS IS KNOWN, AND STILL CHARGED: {}", failed.join(", "));
        }
        Ok(())
    }

    fn is_young(&self, one: &Found, now: Time) -> bool {
        one.leftover.created_at.is_some_and(|made| now.since(made) < self.grace)
    }

    /// Looks at it once more, deletes it, and looks until it is gone. The deletion is sent once.
    async fn delete_one(&self, client: &Client, one: &Unused) -> Outcome {
        match client.leftover_since(one).await {
            Ok(Since::Unused) => {}
            Ok(Since::Gone) => return Outcome::Deleted,
            Ok(Since::Changed) => return Outcome::Kept("something uses it again".to_owned()),
            Err(error) => return Outcome::Failed(format!("it cannot be looked at: {error}")),
        }
        let until = client.clock().now() + self.within;
        let event = match client.delete_leftover(one).await {
            Ok(accepted) => accepted.event,
            Err(error) if error.class() == Refusal::NotFound => return Outcome::Deleted,
            Err(error @ (CallError::NotSent(_) | CallError::Refused { .. })) => {
                return Outcome::Failed(error.to_string());
            }
            // Nobody knows whether it was done: what is seen next tells.
            Err(CallError::Unknown(_) | CallError::NotUnderstood(_)) => None,
        };
        loop {
            let seen = client.leftover_since(one).await;
            if matches!(seen, Ok(Since::Gone)) {
                return Outcome::Deleted;
            }
            if let Some(event) = &event
                && let Ok(detail) = client.event_detail(Service::Ebs, event).await
                && detail.status == EventStatus::Failed
            {
                return Outcome::Failed(format!(
                    "the cloud says that its deletion failed; `farmscale api ebs.DescribeEvent \
                     EventId={event}` tells more"
                ));
            }
            if until < client.clock().now() {
                return Outcome::Failed(match seen {
                    Ok(_) => format!("not gone within {}", self.within),
                    Err(error) => format!("it cannot be looked at: {error}"),
                });
            }
            client.clock().sleep_until(client.clock().now() + EVERY).await;
        }
    }
}

impl Outcome {
    fn words(&self) -> (&'static str, &str) {
        match self {
            Self::Deleted => ("deleted", ""),
            Self::Kept(why) => ("kept", why),
            Self::Failed(why) => ("failed", why),
        }
    }
}

impl Found {
    /// Size or address.
    fn size_or_address(&self) -> String {
        let gib = self.leftover.gib.map(|gib| format!("{gib} GiB"));
        gib.or_else(|| self.leftover.ip.as_deref().map(str::to_owned)).unwrap_or_default()
    }

    fn in_words(&self, now: Time) -> String {
        let Leftover { id, name, place, created_at, .. } = &self.leftover;
        let age = match created_at {
            Some(made) => format!("{} old", now.since(*made)),
            None => "of unknown age".to_owned(),
        };
        format!("{} {id}  {name}  {}  {place}  {age}", kind(&self.leftover), self.size_or_address())
    }
}

fn kind(leftover: &Leftover) -> &'static str {
    match leftover.kind {
        LeftoverKind::Disk => "disk",
        LeftoverKind::Address => "address",
    }
}

/// The machine of this farm that it is named after, or that its row still shows.
fn machine_of<'a>(leftover: &'a Leftover, namer: &Namer) -> Option<&'a str> {
    let shown = leftover.shown_with.as_deref().filter(|name| namer.parse(name).is_some());
    machine_in(&leftover.name, namer).or(shown)
}

/// The machine's name that `name` is, or begins with: `studio-gpu-…1wp0_tmp`. One letter or digit
/// more would be another name.
fn machine_in<'a>(name: &'a str, namer: &Namer) -> Option<&'a str> {
    let beginnings = (1..=name.len()).filter_map(|end| name.split_at_checked(end));
    let goes_on = |rest: &str| rest.starts_with(|next: char| next.is_alphanumeric());
    let mut names = beginnings.filter(|(begins, rest)| !goes_on(rest) && !begins.is_empty());
    names.find(|(begins, _)| namer.parse(begins).is_some()).map(|(begins, _)| begins)
}

/// Everything that nothing uses, what is ours first.
pub fn look(
    world: &mut impl World,
    policy: &Policy,
    named: &[String],
) -> anyhow::Result<Vec<Found>> {
    let namer = &policy.namer;
    let offers = policy.pools.iter().flat_map(|pool| &pool.offers);
    let beside = offers.map(|offer| offer.key.clone()).collect();
    let Reading::Leftovers(leftovers) = reach::ask(world, &Look::Leftovers { beside })? else {
        bail!("the list of what nothing uses did not come");
    };
    let mut machines = BTreeSet::new();
    if leftovers.iter().any(|one| machine_of(one, namer).is_some()) {
        let Reading::Fleet(listing) = reach::ask(world, &Look::Fleet)? else {
            bail!("the list of machines did not come");
        };
        let there = listing.rows.into_iter().filter(|row| row.status != Status::Gone);
        machines.extend(there.map(|row| row.name));
    }
    let found = leftovers.into_iter().map(|leftover| {
        let claim = claim(&leftover, namer, &machines, named);
        Found { leftover, claim }
    });
    let mut found: Vec<Found> = found.collect();
    found.sort_by_key(|one| {
        (matches!(one.claim, Claim::Foreign(_)), one.leftover.kind, Text::clone(&one.leftover.id))
    });
    Ok(found)
}

fn claim(leftover: &Leftover, namer: &Namer, machines: &BTreeSet<Text>, named: &[String]) -> Claim {
    if leftover.is_system {
        return Claim::Foreign("a system disk");
    }
    if let Some(machine) = machine_of(leftover, namer) {
        return if machines.contains(machine) {
            Claim::Stays(format!("its machine {machine} is still there"))
        } else {
            Claim::Ours(format!("its machine {machine} is gone"))
        };
    }
    match named.iter().find(|begins| leftover.name.starts_with(begins.as_str())) {
        Some(begins) => Claim::Ours(format!("named {begins}…")),
        None if leftover.name.starts_with(&namer.prefix()) => {
            Claim::Foreign("begins as our names do, but holds no machine's; --named takes it")
        }
        None => Claim::Foreign(""),
    }
}

/// The list, for people.
pub fn table(found: &[Found]) -> String {
    let rows = found.iter().map(|one| {
        let Leftover { id, name, place, created_at, .. } = &one.leftover;
        let claim = match &one.claim {
            Claim::Ours(why) => format!("yes: {why}"),
            Claim::Stays(why) => format!("yes, but {why}"),
            Claim::Foreign("") => "no".to_owned(),
            Claim::Foreign(why) => format!("no: {why}"),
        };
        [
            kind(&one.leftover).to_owned(),
            id.to_string(),
            name.to_string(),
            one.size_or_address(),
            place.to_string(),
            created_at.map_or_else(|| "?".to_owned(), |at| at.to_string()),
            one.leftover.hourly.map_or_else(|| "?".to_owned(), |hourly| hourly.to_string()),
            claim,
        ]
    });
    let header = ["", "id", "name", "what", "where", "since", "per hour", "ours"];
    out::table(header, rows.collect())
}

/// One of them, for programs.
pub fn json_of(one: &Found) -> Value {
    let Leftover { id, name, place, gib, ip, created_at, .. } = &one.leftover;
    let (is_ours, why) = match &one.claim {
        Claim::Ours(why) | Claim::Stays(why) => (true, why.as_str()),
        Claim::Foreign(why) => (false, *why),
    };
    json!({
        "kind": kind(&one.leftover), "id": **id, "name": **name, "place": **place, "gib": gib,
        "ip": ip.as_deref(), "since": created_at.map(|at| at.to_string()),
        "hourly_yuan": one.leftover.hourly.map(Money::plain), "ours": is_ours, "why": why,
        "can_go": matches!(one.claim, Claim::Ours(_)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_ours_is_one_this_farm_made_whole() {
        let namer = Namer::new("studio");
        let made = namer.name("gpu", 29_000_000, 7);
        let found = |name: &str| machine_in(name, &namer).map(str::to_owned);
        for ours in [made.to_string(), format!("{made}-data"), format!("{made}_1")] {
            assert_eq!(found(&ours).as_deref(), Some(made.as_str()), "{ours}");
        }
        let of_another = Namer::new("other").name("gpu", 29_000_000, 7);
        for foreign in [
            "studio-textures",
            "studio-",
            "",
            "渲染-素材",
            &format!("{made}x"),
            &format!("old-{made}"),
            of_another.as_str(),
        ] {
            assert_eq!(found(foreign), None, "{foreign}");
        }
    }
}
