//! A JSON document behind a URL, and hooks behind two more.

use async_trait::async_trait;
use reqwest::Url;

use super::hooks;
use super::pointers::{self, Pointers, Unread};
use super::source::{Can, Capabilities, Claim, Source};
use super::web::{self, Web, escaped, parsed};
use crate::model::{LookFailure, MachineRef, QueueReading, Refusal, Time};
use crate::reader::Reader;

/// The source.
struct Http {
    web: Web,
    pointers: Pointers,
    /// Get a POST that asks a machine's workers to take no more, and to take it back; `{name}`,
    /// `{instance}` and `{worker}` are replaced; with `{worker}` once per worker.
    hooks: Option<[String; 2]>,
}

pub(super) fn open(_name: &str, settings: &mut Reader<'_>) -> Option<Box<dyn Source>> {
    let web = Web::read(settings, "");
    let pointers = Pointers::read(settings);
    let names = ["drain_url", "undrain_url"];
    let [drain, undrain] = names.map(|name| settings.text_or_none(name));
    let hooks = hooks::pair(settings, drain, undrain, names);
    let mut web = web?;
    for (hook, name) in hooks.iter().flatten().zip(names) {
        if let Some(url) = parsed(settings, name, &hook.replace(['{', '}'], "")) {
            web.keep_secret(&url);
        }
    }
    Some(Box::new(Http { web, pointers, hooks }))
}

impl Http {
    async fn tell(&self, hook: Option<&String>, machine: &MachineRef) -> Result<(), LookFailure> {
        let wrong = |problem: &str| self.web.failure(Refusal::Config, problem);
        let Some(hook) = hook else {
            return Err(wrong("this source cannot drain: give `drain_url` and `undrain_url`"));
        };
        let filled = hooks::fill(std::slice::from_ref(hook), machine, escaped)
            .map_err(|problem| wrong(&problem))?;
        for url in filled.into_iter().flatten() {
            let url = Url::parse(&url).map_err(|error| wrong(&format!("drain_url: {error}")))?;
            self.web.post(url, &hooks::body(machine)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Source for Http {
    fn place(&self) -> &str {
        self.web.place()
    }

    fn capabilities(&self) -> Capabilities {
        self.pointers.capabilities().with(Can::Drain, self.hooks.is_some())
    }

    /// One document may tell of many queues, each behind pointers of its own.
    fn claims(&self) -> Vec<Claim> {
        let name = format!("{} {}", self.pointers.queued, self.pointers.tasks);
        let server = match self.web.url.query() {
            Some(query) => format!("{}?{:x}", self.web.server(), super::tasks::number(query)),
            None => self.web.server(),
        };
        vec![Claim::one(&server, &name, "url")]
    }

    async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        let body = self.web.get(self.web.url.clone()).await?;
        pointers::reading(&body, &self.pointers, asked_at).map_err(|unread| {
            let problem = match unread {
                Unread::NoJson(error) => web::no_json(&body, &error),
                Unread::Wrong(problem) => problem,
            };
            self.web.failure(Refusal::Config, &problem)
        })
    }

    async fn drain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.tell(self.hooks.as_ref().map(|[drain, _]| drain), machine).await
    }

    async fn undrain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.tell(self.hooks.as_ref().map(|[_, undrain]| undrain), machine).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::{Fault, try_read};

    fn opened(text: &str) -> (Option<Box<dyn Source>>, Vec<Fault>) {
        try_read(text, |settings| open("jobs", settings))
    }

    #[test]
    fn settings_that_cannot_work_are_refused_at_the_start() {
        for (text, key) in [
            ("", "t.url"),
            ("url = \"queue.example/depth\"", "t.url"),
            ("url = \"redis://h/\"", "t.url"),
            ("url = \"http://h/\"\ndrain_url = \"http://h/\"", "t.undrain_url"),
            ("url = \"http://h/\"\ntoken = \"a\\nb\"", "t.token"),
            ("url = \"http://h/\"\nca_file = \"/no/such.pem\"", "t.ca_file"),
        ] {
            let (_, faults) = opened(text);
            assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            assert_eq!(faults[0].key, key, "{text}");
            assert!(!faults[0].what.contains("a\nb"));
        }
    }

    #[test]
    fn a_place_shows_no_secret_and_one_document_may_serve_two_queues() {
        let source = |queued: &str| {
            let url = "https://u:secret@localhost/a?key=hidden";
            let text = format!("url = \"{url}\"\n[json]\nworkers = \"\"\nqueued = \"{queued}\"");
            let (source, faults) = opened(&text);
            assert_eq!(faults, Vec::new());
            source.unwrap()
        };
        let one = source("/one");
        assert_eq!(one.place(), "https://localhost/a");
        assert!(!one.capabilities().has(Can::Busy) && !one.capabilities().has(Can::Drain));
        assert!(one.claims()[0].meets(&source("/one").claims()[0]));
        assert!(!one.claims()[0].meets(&source("/two").claims()[0]));
        assert!(!format!("{:?}", one.claims()).contains("hidden"));
    }
}
