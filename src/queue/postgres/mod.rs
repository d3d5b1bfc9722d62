//! `PostgreSQL`: queries of the studio's own, whose rows are its jobs or tasks and its workers. They run
//! in one read-only transaction, so that a task on its way from waiting to running is never in neither.

use async_trait::async_trait;
use tokio::time::timeout;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::types::{ToSql, Type};

use super::hooks;
use super::pointers::{self, Pointers};
use super::source::{Can, Capabilities, Claim, Source};
use super::tasks;
use super::web::{answer_max, too_large};
use crate::model::{LookFailure, MachineRef, QueueReading, Refusal, Text, Time};
use crate::reader::Reader;

mod jobs;
mod link;

use link::Link;

/// The source.
struct Postgres {
    link: Link,
    /// Its rows are jobs, or tasks one by one.
    work: Work,
    /// Its rows are workers: `name`, `instance`, `state`.
    workers: Option<String>,
    /// Statements that ask a machine's workers to take no more, and take it back.
    hooks: Option<[String; 2]>,
    /// Removes what is kept of a machine that is gone.
    forget: Option<String>,
    answer_max: usize,
}

/// The query for work.
enum Work {
    Jobs(String),
    Tasks(String),
}

pub(super) fn open(_name: &str, settings: &mut Reader<'_>) -> Option<Box<dyn Source>> {
    let link = Link::read(settings);
    let [jobs, tasks, workers] = ["jobs", "tasks", "workers"]
        .map(|name| settings.text_or_none(name).as_deref().map(trimmed));
    let names = ["drain", "undrain"];
    let [drain, undrain] = names.map(|name| settings.text_or_none(name));
    let hooks = hooks::pair(settings, drain, undrain, names);
    let forget = settings.text_or_none("forget");
    let answer_max = answer_max(settings);
    let work = match (jobs, tasks) {
        (Some(jobs), None) => Some(Work::Jobs(jobs)),
        (None, Some(tasks)) => Some(Work::Tasks(tasks)),
        (Some(_), Some(_)) => {
            settings.fault("jobs", "and `tasks` are both given: every task would count twice");
            None
        }
        (None, None) => {
            let remedy = "the query for waiting and running work, a row for each job, as in \
                          \"select count(*) as queued from frames where state = 'waiting'\"";
            settings.fault("jobs", format!("is missing: {remedy}"));
            None
        }
    };
    Some(Box::new(Postgres { link: link?, work: work?, workers, hooks, forget, answer_max }))
}

/// A query stands within another, where a semicolon would end it.
fn trimmed(query: &str) -> String {
    query.trim().trim_end_matches(';').to_owned()
}

#[async_trait]
impl Source for Postgres {
    fn place(&self) -> &str {
        self.link.place()
    }

    fn capabilities(&self) -> Capabilities {
        let told = match self.work {
            Work::Jobs(_) => vec![Can::Jobs, Can::Gpus],
            Work::Tasks(_) => vec![Can::Jobs, Can::Gpus, Can::Durations],
        };
        Capabilities::of(told)
            .with(Can::Busy, self.workers.is_some())
            .with(Can::Drain, self.hooks.is_some())
            .with(Can::Forget, self.forget.is_some())
    }

    fn claims(&self) -> Vec<Claim> {
        let (query, setting) = match &self.work {
            Work::Jobs(query) => (query, "jobs"),
            Work::Tasks(query) => (query, "tasks"),
        };
        let server = self.place().replace("//localhost", "//127.0.0.1");
        vec![Claim::one(&server, query, setting)]
    }

    async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        let (work, workers) = self.rows().await?;
        let told = match self.work {
            Work::Jobs(_) => jobs::reading(&work, asked_at),
            Work::Tasks(_) => tasks_reading(&work, asked_at),
        };
        let told = told.and_then(|mut reading| {
            let Some(rows) = workers else { return Ok(reading) };
            let rows = serde_json::from_str(&rows).map_err(|error| error.to_string())?;
            let seen = pointers::workers(&rows, &Pointers::plain(), &mut reading.set_aside)?;
            reading.workers = Some(seen);
            Ok(reading)
        });
        told.map_err(|problem| self.link.failure(Refusal::Config, &problem))
    }

    async fn drain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.tell(self.hooks.as_ref().map(|[drain, _]| drain), machine).await
    }

    async fn undrain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.tell(self.hooks.as_ref().map(|[_, undrain]| undrain), machine).await
    }

    async fn forget(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        match &self.forget {
            Some(statement) => self.tell(Some(statement), machine).await,
            None => Ok(()),
        }
    }
}

impl Postgres {
    /// The rows of both queries, each as a list in JSON.
    async fn rows(&self) -> Result<(String, Option<String>), LookFailure> {
        let (Work::Jobs(work) | Work::Tasks(work)) = &self.work;
        let script = script(work, self.workers.as_deref(), self.link.timeout.0, self.answer_max);
        let asked = timeout(self.link.timeout.to_std(), async {
            let client = self.link.connect().await?;
            client.simple_query(&script).await.map_err(|error| self.link.refused(&error))
        });
        let messages = asked.await.map_err(|_elapsed| self.link.silent())??;
        let row = messages.into_iter().find_map(|message| {
            if let SimpleQueryMessage::Row(row) = message { Some(row) } else { None }
        });
        let cell = |name: &str| row.as_ref().and_then(|row| row.try_get(name).ok().flatten());
        let bytes: usize = cell("bytes").and_then(|text| text.parse().ok()).unwrap_or(0);
        if self.answer_max < bytes {
            return Err(self.link.failure(Refusal::Config, &too_large(self.answer_max)));
        }
        let work = cell("work").map(str::to_owned);
        let work = work.ok_or_else(|| self.link.failure(Refusal::Other, "gave no row"))?;
        Ok((work, cell("workers").map(str::to_owned)))
    }

    /// Runs a statement about a machine.
    async fn tell(
        &self,
        statement: Option<&String>,
        machine: &MachineRef,
    ) -> Result<(), LookFailure> {
        let Some(statement) = statement else {
            let problem = "this source cannot drain: give `drain` and `undrain`";
            return Err(self.link.failure(Refusal::Config, problem));
        };
        let name = machine.name.as_str();
        let workers: Vec<&str> = machine.workers.iter().map(Text::as_ref).collect();
        let instance = machine.instance.as_deref();
        let values: [(&(dyn ToSql + Sync), Type); 3] =
            [(&name, Type::TEXT), (&instance, Type::TEXT), (&workers, Type::TEXT_ARRAY)];
        let asked = timeout(self.link.timeout.to_std(), async {
            let client = self.link.connect().await?;
            client.query_typed(statement, &values).await.map_err(|error| self.link.refused(&error))
        });
        asked.await.map_err(|_elapsed| self.link.silent())?.map(drop)
    }
}

/// One look: what the queries give, unless it is too large to be taken.
fn script(work: &str, workers: Option<&str>, timeout_ms: i64, most: usize) -> String {
    let list =
        |query: &str| format!("(select coalesce(json_agg(q), '[]')::text from ({query}\n) q)");
    let workers = workers.map_or_else(|| "null::text".to_owned(), list);
    let work = list(work);
    format!(
        "begin read only; set local statement_timeout = {timeout_ms};\n\
         with told as materialized (select {work} as work, {workers} as workers), \
         sized as (select *, octet_length(work) + coalesce(octet_length(workers), 0) as bytes \
         from told)\n\
         select bytes, case when bytes <= {most} then work end as work, \
         case when bytes <= {most} then workers end as workers from sized; rollback"
    )
}

/// Rows that are tasks.
fn tasks_reading(rows: &str, asked_at: Time) -> Result<QueueReading, String> {
    let mut parser = serde_json::Deserializer::from_str(rows);
    let parsed = tasks::Tasks::parse(&mut parser, "tasks").map_err(|error| error.to_string())?;
    let parsed = parsed.ok_or("`tasks` gave no list")?;
    pointers::of_tasks(parsed, asked_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::try_read;

    #[test]
    fn settings_that_cannot_work_are_refused_at_the_start() {
        let jobs = "jobs = \"select 1 as queued\"\n";
        for (text, key) in [
            (String::new(), "t.jobs"),
            (format!("{jobs}tasks = \"select 1\""), "t.jobs"),
            (format!("{jobs}url = \"mysql://h/db\""), "t.url"),
            (format!("{jobs}url = \"postgres://h/db?sslmode=prefer\""), "t.url"),
            (format!("{jobs}drain = \"select 1\""), "t.undrain"),
            (format!("{jobs}ca_file = \"/no/such.pem\""), "t.ca_file"),
        ] {
            let (_, faults) = try_read(&text, |settings| open("render", settings));
            assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            assert_eq!(faults[0].key, key, "{text}");
        }
    }

    #[test]
    fn a_place_shows_no_password() {
        let text = "url = \"postgres://joe:secret@localhost:5433/farm\"\n\
                    jobs = \"select 1 as queued;\"";
        let (source, faults) = try_read(text, |settings| open("render", settings));
        assert_eq!(faults, Vec::new());
        let source = source.unwrap();
        assert_eq!(source.place(), "postgres://localhost:5433/farm");
        assert_eq!(source.claims()[0].server, "postgres://127.0.0.1:5433/farm");
        assert_eq!(source.claims()[0].name, "select 1 as queued");
    }
}
