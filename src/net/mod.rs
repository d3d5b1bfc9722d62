//! The one way out over HTTP, for the cloud, queues, the daemon's own page and whatever comes later:
//! TLS, proxy, time and size limits, and errors without addresses and keys.
//!
//! ```no_run
//! # async fn doc() -> Result<(), farmscale::net::NetError> {
//! use farmscale::model::Span;
//! use farmscale::net::{self, Options, Proxy};
//!
//! let client = net::client(Options { proxy: Proxy::Never, ..Options::within(Span::seconds(10)) })?;
//! let answer = net::send(client.get("http://127.0.0.1:8420/livez"), 64 << 10).await?;
//! println!("{}: {} bytes", answer.status, answer.body.len());
//! # Ok(())
//! # }
//! ```

use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::{Arc, Once};
use std::time::Duration;

use reqwest::header::{DATE, HeaderMap};
use reqwest::{Certificate, RequestBuilder, StatusCode};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::model::{Span, Time};

pub mod redact;

/// Idle connections are closed after this: servers and firewalls close them silently a little later.
const IDLE_MAX: Duration = Duration::from_secs(20);

/// How requests are sent. Redirects are never followed: whoever one leads to would be handed the
/// signature or the token.
#[derive(Debug, Clone)]
pub struct Options {
    /// To open a connection.
    pub connect_timeout: Span,
    /// For a whole request and its answer.
    pub timeout: Span,
    /// Whether connections are used again. If not, one call is at most one request on the wire.
    pub keep_alive: bool,
    /// Whether a proxy may stand between.
    pub proxy: Proxy,
    /// Sent with every request.
    pub headers: HeaderMap,
    /// A certificate authority of one's own, trusted besides those of the system.
    pub authority: Option<Certificate>,
    /// A socket of this machine that all connections go to, whatever the address says.
    pub socket: Option<PathBuf>,
}

/// Whether a proxy may stand between us and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` are obeyed (docs/network.md).
    Environment,
    /// Never: for servers beside us, whose tokens are no business of a proxy.
    Never,
}

/// No answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// No connection: nothing was sent.
    #[error("{0}")]
    NotConnected(String),
    /// No answer within the time limit; what was sent may have been carried out.
    #[error("no answer in time")]
    TimedOut,
    /// The connection broke; what was sent may have been carried out.
    #[error("{0}")]
    Broken(String),
    /// The answer is larger than was allowed, in bytes.
    #[error("an answer of more than {}", size(*.0))]
    TooLarge(usize),
}

/// A whole answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// What time it is by the server's `Date`.
    pub date: Option<Time>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Options {
    /// Every request within `timeout`, ten seconds of it at most to connect.
    pub fn within(timeout: Span) -> Self {
        Self {
            connect_timeout: timeout.min(Span::seconds(10)),
            timeout,
            keep_alive: true,
            proxy: Proxy::Environment,
            headers: HeaderMap::new(),
            authority: None,
            socket: None,
        }
    }
}

impl Proxy {
    /// As the environment says, but never for a server on this machine.
    pub fn towards(url: &str) -> Self {
        if is_loopback(url) { Self::Never } else { Self::Environment }
    }
}

/// A client with its pool of connections.
pub fn client(options: Options) -> Result<reqwest::Client, NetError> {
    let Options { connect_timeout, timeout, keep_alive, proxy, headers, authority, socket } =
        options;
    let mut builder = reqwest::Client::builder()
        .connect_timeout(connect_timeout.to_std())
        .timeout(timeout.to_std())
        .pool_max_idle_per_host(if keep_alive { 8 } else { 0 })
        .pool_idle_timeout(IDLE_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .default_headers(headers)
        .user_agent(concat!("farmscale/", env!("CARGO_PKG_VERSION")));
    if proxy == Proxy::Never {
        builder = builder.no_proxy();
    }
    builder = match authority {
        None => builder.tls_backend_preconfigured(tls(None)?),
        Some(authority) => {
            provide_tls();
            builder.add_root_certificate(authority)
        }
    };
    if let Some(socket) = socket {
        builder = builder.unix_socket(socket);
    }
    builder.build().map_err(|error| NetError::NotConnected(causes(&error)))
}

/// Sends, and reads the whole answer unless it has more than `max` bytes.
pub async fn send(request: RequestBuilder, max: usize) -> Result<Answer, NetError> {
    let mut response = request.send().await.map_err(lost)?;
    let (status, date) = (response.status(), date(response.headers()));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        if max < body.len() + chunk.len() {
            return Err(NetError::TooLarge(max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, date, body })
}

/// Whether an address stays on this machine.
pub fn is_loopback(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]"))
}

/// An error and what caused it, outermost first; what a cause repeats is left out.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let word = cause.to_string();
        if !text.ends_with(&word) && write!(text, ": {word}").is_err() {
            break;
        }
        source = cause.source();
    }
    text
}

/// The innermost cause: mostly the system's own word, such as `Connection refused (os error 111)`.
pub fn root_cause(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

/// The address, with what is secret in it, is taken out of the error's text.
fn lost(error: reqwest::Error) -> NetError {
    let error = error.without_url();
    match (error.is_connect() || error.is_builder(), error.is_timeout()) {
        (true, _) => NetError::NotConnected(causes(&error)),
        (false, true) => NetError::TimedOut,
        (false, false) => NetError::Broken(causes(&error)),
    }
}

/// `Date: Wed, 25 Nov 2026 15:00:00 GMT`.
fn date(headers: &HeaderMap) -> Option<Time> {
    let text = headers.get(DATE)?.to_str().ok()?;
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Time(zoned.timestamp().as_millisecond()))
}

/// TLS with a library of our own choice, which changes nothing for the rest of the process. Besides the
/// authorities of the system it trusts those of `authority`, a PEM.
pub fn tls(authority: Option<&[u8]>) -> Result<rustls::ClientConfig, NetError> {
    let fault = |error: rustls::Error| NetError::NotConnected(format!("no TLS: {error}"));
    let library = Arc::new(rustls::crypto::ring::default_provider());
    let more = CertificateDer::pem_slice_iter(authority.unwrap_or_default());
    let more: Vec<_> = more
        .collect::<Result<_, _>>()
        .map_err(|error| NetError::NotConnected(format!("no PEM: {error}")))?;
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(more, Arc::clone(&library))
            .map_err(fault)?;
    let config = rustls::ClientConfig::builder_with_provider(library)
        .with_safe_default_protocol_versions()
        .map_err(fault)?
        .dangerous() // so is the way to the system's own verifier called
        .with_custom_certificate_verifier(Arc::new(verifier));
    Ok(config.with_no_client_auth())
}

/// reqwest and others leave the choice of the TLS library open; the first to install one wins.
pub fn provide_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if rustls::crypto::ring::default_provider().install_default().is_err() {
            tracing::debug!("a TLS provider is installed already, which serves as well");
        }
    });
}

fn size(bytes: usize) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mebibytes => format!("{mebibytes} MiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        assert!(is_loopback("http://127.0.0.1:9400/ecs/v1"));
        assert!(is_loopback("http://localhost:1/"));
        assert!(!is_loopback("https://api.capitalonline.net/ecs/v1"));
        assert!(!is_loopback("http://127.0.0.1.example.com/"));
    }

    #[test]
    fn a_servers_date_is_read() {
        let mut headers = HeaderMap::new();
        assert_eq!(date(&headers), None);
        headers.insert(DATE, "Fri, 02 Jan 2026 03:04:05 GMT".parse().unwrap());
        assert_eq!(date(&headers).unwrap().to_string(), "2026-01-02T03:04:05Z");
    }

    #[test]
    fn a_cause_that_repeats_itself_is_told_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer: inner")]
        struct Outer(#[source] std::fmt::Error);
        let text = causes(&Outer(std::fmt::Error));
        assert_eq!(text, format!("outer: inner: {}", std::fmt::Error));
        assert_eq!(root_cause(&Outer(std::fmt::Error)), std::fmt::Error.to_string());
    }
}
