//! HTTP as sources use it: one server, bounded answers, and words for what goes wrong.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, RequestBuilder, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};

use super::fault::{Secrets, cut, failure, masked, shown};
use crate::defaults::queue::{ANSWER_MAX, TIMEOUT};
use crate::model::{LookFailure, Refusal, Span};
use crate::net::{self, NetError, Options, Proxy};
use crate::reader::Reader;

/// Longest quotation of an error page, in characters.
const QUOTE_MAX: usize = 80;
/// Everything but what never needs escaping in a URL.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Bytes in the unit of `answer_max`.
const MIB: usize = 1024 * 1024;

/// A server, and how it is asked.
pub(super) struct Web {
    /// What is asked; paths are laid over it by [`Web::at`].
    pub(super) url: Url,
    client: Client,
    user: Option<(String, SecretString)>,
    place: String,
    secrets: Secrets,
    answer_max: usize,
}

impl Web {
    /// Reads `url` (which must be given where there is no `default`), `token` or `user` and
    /// `password`, `ca_file`,
    /// `timeout` and `answer_max`.
    pub(super) fn read(settings: &mut Reader<'_>, default: &str) -> Option<Self> {
        let text = if default.is_empty() {
            settings.required_text("url", "the address to ask, as in http://host:port/path")
        } else {
            settings.text("url", default)
        };
        let url = Some(text).filter(|text| !text.is_empty());
        let url = url.and_then(|text| parsed(settings, "url", &text));
        let mut secrets = Secrets::default();
        let headers = token(settings, &mut secrets);
        let user = user(settings, &mut secrets);
        if user.is_some() && !headers.is_empty() {
            settings.fault("user", "and token are both given: leave one out");
        }
        let root = settings.text_or_none("ca_file").and_then(|file| root(settings, &file));
        let timeout = settings.span("timeout", TIMEOUT, Span::millis(100));
        let answer_max = answer_max(settings);
        let url = url?;
        if url.password().is_some() {
            settings.holds_secret("url", "give it apart");
        }
        secrets.add_url(&url);
        let authority = root;
        let options =
            Options { proxy: Proxy::Never, headers, authority, ..Options::within(timeout) };
        let client = net::client(options).map_err(|error| {
            settings.fault("url", format!("no HTTP client can be made: {error}"));
        });
        let place = shown(&url);
        Some(Self { url, client: client.ok()?, user, place, secrets, answer_max })
    }

    /// Where it is, as it may be shown.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The server, in one spelling.
    pub(super) fn server(&self) -> String {
        self.place.replace("://localhost", "://127.0.0.1")
    }

    /// Keeps what stands in a URL besides the place out of messages.
    pub(super) fn keep_secret(&mut self, url: &Url) {
        self.secrets.add_url(url);
    }

    /// The address of a path below `url`.
    pub(super) fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        url
    }

    /// Asks that something be removed.
    pub(super) async fn delete(&self, url: Url) -> Result<(), LookFailure> {
        let place = shown(&url);
        self.send(self.client.delete(url), &place).await.map(drop)
    }

    /// The body of the answer to a GET.
    pub(super) async fn get(&self, url: Url) -> Result<Vec<u8>, LookFailure> {
        let place = shown(&url);
        self.send(self.client.get(url), &place).await
    }

    /// The body of the answer to a POST of JSON.
    pub(super) async fn post(
        &self,
        url: Url,
        body: &serde_json::Value,
    ) -> Result<Vec<u8>, LookFailure> {
        let place = shown(&url);
        self.send(self.client.post(url).json(body), &place).await
    }

    /// A failure in the source's name.
    pub(super) fn failure(&self, class: Refusal, problem: &str) -> LookFailure {
        failure(&self.secrets, class, &format!("{}: {problem}", self.place))
    }

    /// The body of a 2xx answer.
    async fn send(&self, request: RequestBuilder, place: &str) -> Result<Vec<u8>, LookFailure> {
        let request = match &self.user {
            Some((user, password)) => request.basic_auth(user, Some(password.expose_secret())),
            None => request,
        };
        let answer = net::send(request, self.answer_max).await.map_err(|error| {
            let (class, problem) = lost(error);
            failure(&self.secrets, class, &format!("{place}: {problem}"))
        })?;
        let status = answer.status;
        if status.is_success() {
            return Ok(answer.body);
        }
        let (class, remedy) = refused(status);
        let text = String::from_utf8_lossy(&answer.body);
        let quote =
            if is_page(&text) { "a web page".into() } else { cut(&masked(text.trim()), QUOTE_MAX) };
        let problem = format!("{place}: answered {status}: {quote} ({remedy})");
        Err(failure(&self.secrets, class, &problem))
    }
}

/// `answer_max`, in bytes.
pub(super) fn answer_max(settings: &mut Reader<'_>) -> usize {
    usize::try_from(settings.number("answer_max", ANSWER_MAX, 1, 1024)).unwrap_or(1) * MIB
}

/// What is said of an answer above `answer_max`.
pub(super) fn too_large(bytes: usize) -> String {
    format!("the answer is larger than {} MiB; raise `answer_max`", bytes / MIB)
}

/// A text as it may stand in a URL.
pub(super) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// Why bytes are not the JSON they should be.
pub(super) fn no_json(body: &[u8], error: &serde_json::Error) -> String {
    let text = String::from_utf8_lossy(body);
    if is_page(&text) {
        "answered with a web page instead of JSON; a login page? Check the URL and the token"
            .to_owned()
    } else if body.is_empty() {
        "the answer is empty, not JSON".to_owned()
    } else {
        let quote = cut(&masked(text.trim()), QUOTE_MAX);
        format!("the answer is not JSON ({error}): {quote}")
    }
}

/// A URL that a source can use.
pub(super) fn parsed(settings: &Reader<'_>, name: &str, text: &str) -> Option<Url> {
    let hint = "must be an address such as http://host:port/path";
    match Url::parse(text) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) && url.has_host() => Some(url),
        Ok(url) => {
            settings.fault(name, format!("is not HTTP but `{}`: {hint}", url.scheme()));
            None
        }
        Err(error) => {
            settings.fault(name, format!("is no address ({error}): {hint}"));
            None
        }
    }
}

fn token(settings: &mut Reader<'_>, secrets: &mut Secrets) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(token) = settings.secret("token") else { return headers };
    secrets.add(token.expose_secret());
    match HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())) {
        Ok(mut value) => {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Err(_) => {
            settings.fault("token", "must be one line of plain characters; is there a line break?");
        }
    }
    headers
}

fn user(settings: &mut Reader<'_>, secrets: &mut Secrets) -> Option<(String, SecretString)> {
    let (user, password) = (settings.text_or_none("user"), settings.secret("password"));
    if let Some(password) = &password {
        secrets.add(password.expose_secret());
    }
    match (user, password) {
        (Some(user), password) => Some((user, password.unwrap_or_default())),
        (None, None) => None,
        (None, Some(_)) => {
            settings.fault("user", "is missing, for there is a password");
            None
        }
    }
}

/// A certificate authority of one's own.
fn root(settings: &Reader<'_>, file: &str) -> Option<Certificate> {
    let pem = read_ca(settings, file)?;
    Certificate::from_pem(&pem)
        .map_err(|error| settings.fault("ca_file", format!("names {file}: no PEM ({error})")))
        .ok()
}

/// The bytes of `ca_file`.
pub(super) fn read_ca(settings: &Reader<'_>, file: &str) -> Option<Vec<u8>> {
    std::fs::read(Path::new(file))
        .map_err(|error| settings.fault("ca_file", format!("names {file}: {error}")))
        .ok()
}

fn is_page(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

/// No answer, or not all of it.
fn lost(error: NetError) -> (Refusal, String) {
    match error {
        NetError::NotConnected(word) => {
            (Refusal::NotSent, format!("cannot connect: {word}; is the server running there?"))
        }
        NetError::TimedOut => (Refusal::Other, "no answer within `timeout`".to_owned()),
        NetError::Broken(word) => (Refusal::Other, word),
        NetError::TooLarge(bytes) => (Refusal::Config, too_large(bytes)),
    }
}

fn refused(status: StatusCode) -> (Refusal, &'static str) {
    match status.as_u16() {
        300..=399 => {
            (Refusal::Config, "redirects are not followed: a login page? Check URL and token")
        }
        401 | 403 => (Refusal::Auth, "check the token or password and what it may do"),
        404 | 405 => (Refusal::Config, "check the path of the URL"),
        429 => (Refusal::Throttled, "asked too often: raise the poll interval"),
        _ => (Refusal::Other, "look at the server's log"),
    }
}
