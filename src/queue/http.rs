//! A JSON document behind a URL, and hooks behind two more.

use std::sync::Once;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode, Url, redirect};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::fault::{Secrets, cut, shown};
use super::{Abilities, HttpSettings, Pointers, QueueError, hooks, pointers};
use crate::model::{LookFailure, MachineRef, QueueReading, Refusal, Time};

/// Largest answer that is read, in bytes.
pub(super) const ANSWER_MAX: usize = 4 * 1024 * 1024;
/// Longest quotation of an error page, in characters.
const QUOTE_MAX: usize = 80;
/// Everything but what never needs escaping in a URL.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The source.
pub(super) struct Http {
    client: Client,
    url: Url,
    place: String,
    pointers: Pointers,
    hooks: Option<[String; 2]>,
    secrets: Secrets,
}

impl Http {
    pub(super) fn open(settings: &HttpSettings) -> Result<Self, QueueError> {
        pointers::check(&settings.pointers)?;
        let url = parsed("url", &settings.url)?;
        let names = ["drain_url", "undrain_url"];
        let hooks = hooks::pair(settings.drain_url.as_ref(), settings.undrain_url.as_ref(), names)?;
        let mut secrets = Secrets::default();
        note(&mut secrets, &url);
        for (hook, name) in hooks.iter().flatten().zip(names) {
            note(&mut secrets, &parsed(name, &hook.replace(['{', '}'], ""))?);
        }
        let mut headers = HeaderMap::new();
        if let Some(token) = &settings.token {
            let token = token.expose_secret();
            secrets.add(token);
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| {
                let hint = "it must be one line of plain characters; is there a line break in it?";
                QueueError::new("token", format!("{error}: {hint}"))
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        provide_tls();
        let client = Client::builder()
            .default_headers(headers)
            .timeout(settings.timeout.to_std())
            // a redirect leads to a login page, or carries the token to another host
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| {
                QueueError::new("url", format!("no HTTP client can be made: {error:?}"))
            })?;
        let place = shown(&url);
        Ok(Self { client, url, place, pointers: settings.pointers.clone(), hooks, secrets })
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn abilities(&self) -> Abilities {
        Abilities { busy: !self.pointers.workers.is_empty(), drain: self.hooks.is_some() }
    }

    pub(super) async fn read(&self, asked_at: Time) -> Result<QueueReading, LookFailure> {
        let request = self.client.get(self.url.clone());
        let text = self.send(request, &self.place).await?;
        parse(&text, &self.pointers, asked_at).map_err(|problem| {
            self.secrets.failure(Refusal::Config, &format!("{}: {problem}", self.place))
        })
    }

    pub(super) async fn drain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.tell(self.hooks.as_ref().map(|[drain, _]| drain), machine).await
    }

    pub(super) async fn undrain(&self, machine: &MachineRef) -> Result<(), LookFailure> {
        self.tell(self.hooks.as_ref().map(|[_, undrain]| undrain), machine).await
    }

    async fn tell(&self, hook: Option<&String>, machine: &MachineRef) -> Result<(), LookFailure> {
        let wrong = |problem: &str| self.secrets.failure(Refusal::Config, problem);
        let Some(hook) = hook else {
            return Err(wrong("this source cannot drain: give `drain_url` and `undrain_url`"));
        };
        let escape = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
        let filled = hooks::fill(std::slice::from_ref(hook), machine, escape)
            .map_err(|problem| wrong(&problem))?;
        for url in filled.into_iter().flatten() {
            let url = Url::parse(&url).map_err(|error| wrong(&format!("drain_url: {error}")))?;
            let place = shown(&url);
            let request = self.client.post(url).json(&hooks::body(machine));
            self.send(request, &place).await?;
        }
        Ok(())
    }

    /// The body of a 2xx answer.
    async fn send(&self, request: RequestBuilder, place: &str) -> Result<Vec<u8>, LookFailure> {
        let lost = |error: reqwest::Error| {
            let (class, problem) = lost(&error);
            self.secrets.failure(class, &format!("{place}: {problem}"))
        };
        let mut answer = request.send().await.map_err(lost)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            body.extend_from_slice(&chunk);
            if ANSWER_MAX < body.len() {
                let problem = format!("{place}: the answer is larger than 4 MiB");
                return Err(self.secrets.failure(Refusal::Config, &problem));
            }
        }
        let status = answer.status();
        if status.is_success() {
            return Ok(body);
        }
        let (class, remedy) = refused(status);
        let text = String::from_utf8_lossy(&body);
        let quote = if is_page(&text) { "a web page".into() } else { cut(text.trim(), QUOTE_MAX) };
        let problem = format!("{place}: answered {status}: {quote} ({remedy})");
        Err(self.secrets.failure(class, &problem))
    }
}

/// What the answer says; an error says what to look at.
fn parse(body: &[u8], wanted: &Pointers, asked_at: Time) -> Result<QueueReading, String> {
    let document: Value = serde_json::from_slice(body).map_err(|error| {
        let text = String::from_utf8_lossy(body);
        if is_page(&text) {
            "answered with a web page instead of JSON; a login page? Check the URL and the token"
                .to_owned()
        } else if body.is_empty() {
            "the answer is empty, not JSON".to_owned()
        } else {
            format!("the answer is not JSON ({error}): {}", cut(text.trim(), QUOTE_MAX))
        }
    })?;
    pointers::reading(&document, wanted, asked_at)
}

fn is_page(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

/// reqwest leaves the choice of the TLS library open; the first to install one wins, and all of us
/// want the same.
fn provide_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if rustls::crypto::ring::default_provider().install_default().is_err() {
            tracing::debug!("a TLS provider is installed already");
        }
    });
}

fn parsed(setting: &'static str, text: &str) -> Result<Url, QueueError> {
    let hint = "write it as `http://host:port/path`";
    let url = Url::parse(text)
        .map_err(|error| QueueError::new(setting, format!("is no URL ({error}); {hint}")))?;
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        let scheme = url.scheme();
        return Err(QueueError::new(setting, format!("is not HTTP but `{scheme}`; {hint}")));
    }
    Ok(url)
}

/// Keeps what stands in a URL besides the place out of messages.
fn note(secrets: &mut Secrets, url: &Url) {
    secrets.add(url.password().unwrap_or_default());
    secrets.add(url.query().unwrap_or_default());
    for (_, value) in url.query_pairs() {
        secrets.add(&value);
    }
}

/// No answer, or not all of it.
fn lost(error: &reqwest::Error) -> (Refusal, String) {
    let mut causes = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    // the innermost cause is the system's own word, such as `Connection refused`
    let word = causes.pop().unwrap_or_else(|| "the answer broke off".to_owned());
    if error.is_timeout() {
        (Refusal::Other, "no answer within `timeout`".to_owned())
    } else if error.is_connect() {
        (Refusal::NotSent, format!("cannot connect: {word}; is the server running there?"))
    } else {
        (Refusal::Other, word)
    }
}

fn refused(status: StatusCode) -> (Refusal, &'static str) {
    match status.as_u16() {
        300..=399 => {
            (Refusal::Config, "redirects are not followed: a login page? Check URL and token")
        }
        401 | 403 => (Refusal::Auth, "check the token and what it may do"),
        404 | 405 => (Refusal::Config, "check the path of the URL"),
        429 => (Refusal::Throttled, "asked too often: raise the poll interval"),
        _ => (Refusal::Other, "look at the server's log"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::Span;

    fn settings(url: &str) -> HttpSettings {
        let pointers = Pointers {
            queued: "/queued".to_owned(),
            running: "/running".to_owned(),
            oldest_wait_s: String::new(),
            workers: String::new(),
            worker_name: String::new(),
            worker_instance: String::new(),
            worker_state: String::new(),
            tasks: String::new(),
            state_words: BTreeMap::new(),
        };
        HttpSettings {
            url: url.to_owned(),
            token: None,
            pointers,
            drain_url: None,
            undrain_url: None,
            timeout: Span::seconds(1),
        }
    }

    fn read(body: &str) -> Result<QueueReading, String> {
        parse(body.as_bytes(), &settings("http://h/").pointers, Time::from_seconds(1))
    }

    #[test]
    fn a_document_is_read_and_anything_else_is_called_by_its_name() {
        assert_eq!(read(r#"{"queued": 3, "running": 1}"#).unwrap().queued(), 3);
        assert!(read("").unwrap_err().contains("empty"));
        assert!(read(" \n<!DOCTYPE html><title>Login</title>").unwrap_err().contains("login page"));
        assert!(read("queued=3").unwrap_err().contains("not JSON"));
        assert!(read(r#"{"queued": 3"#).unwrap_err().contains("not JSON"));
        assert!(read(r#"{"depth": 3}"#).unwrap_err().contains("`/queued`"));
    }

    #[test]
    fn settings_that_cannot_work_are_refused_at_the_start() {
        let fault = |settings: &HttpSettings| Http::open(settings).err().unwrap();
        assert_eq!(fault(&settings("queue.example/depth")).setting, "url");
        assert_eq!(fault(&settings("redis://h/")).setting, "url");
        let half =
            HttpSettings { drain_url: Some("http://h/".to_owned()), ..settings("http://h/") };
        assert_eq!(fault(&half).setting, "undrain_url");
        let broken = HttpSettings { token: Some("a\nb".into()), ..settings("http://h/") };
        assert_eq!(fault(&broken).setting, "token");
        assert!(!fault(&broken).to_string().contains("a\nb"));
    }

    #[test]
    fn https_has_a_provider() {
        let source = Http::open(&settings("https://u:secret@h/a?key=hidden")).unwrap();
        assert_eq!(source.place(), "https://h/a");
        assert_eq!(source.abilities(), Abilities { busy: false, drain: false });
    }
}
