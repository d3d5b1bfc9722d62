//! A `PostgreSQL` server as the source uses it: how it is reached, and words for what goes wrong.

use std::time::Duration;

use reqwest::Url;
use secrecy::ExposeSecret;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::defaults::queue::{POSTGRES_URL, TIMEOUT};
use crate::model::{LookFailure, Refusal, Span};
use crate::net;
use crate::queue::fault::{Secrets, failure, shown};
use crate::queue::web::read_ca;
use crate::reader::Reader;

/// How the address is written.
const HINT: &str = "write it as postgres://user@host:5432/database, with ?sslmode=require for TLS";

/// A server, and how it is asked: over a connection of its own each time, so that no old fault is met
/// again and poolers such as `PgBouncer` may stand between.
pub(super) struct Link {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    place: String,
    pub(super) timeout: Span,
    secrets: Secrets,
}

impl Link {
    /// Reads `url`, `password`, `ca_file` and `timeout`.
    pub(super) fn read(settings: &mut Reader<'_>) -> Option<Self> {
        let text = settings.text("url", POSTGRES_URL);
        let password = settings.secret("password");
        let ca = settings.text_or_none("ca_file");
        let ca = ca.map(|file| read_ca(settings, &file));
        let timeout = settings.span("timeout", TIMEOUT, Span::millis(100));
        let (url, mut config) = address(settings, &text)?;
        let mut secrets = Secrets::default();
        if let Some(inside) = url.password() {
            settings.holds_secret("url", "set password_file");
            secrets.add(inside);
        }
        if let Some(password) = &password {
            secrets.add(password.expose_secret());
            config.password(password.expose_secret());
        }
        config.connect_timeout(timeout.to_std()).application_name("farmscale");
        let wants_tls = config.get_ssl_mode() == SslMode::Require || ca.is_some();
        let ca = match ca {
            Some(ca) => Some(ca?),
            None => None,
        };
        let tls = if wants_tls {
            config.ssl_mode(SslMode::Require);
            let tls = net::tls(ca.as_deref());
            let tls =
                tls.map_err(|error| settings.fault("ca_file", format!("is of no use: {error}")));
            Some(MakeRustlsConnect::new(tls.ok()?))
        } else {
            config.ssl_mode(SslMode::Disable);
            None
        };
        Some(Self { config, tls, place: shown(&url), timeout, secrets })
    }

    /// Where it is, as it may be shown.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// A failure in the source's name.
    pub(super) fn failure(&self, class: Refusal, problem: &str) -> LookFailure {
        failure(&self.secrets, class, &format!("{}: {problem}", self.place))
    }

    /// What is said when the time is over.
    pub(super) fn silent(&self) -> LookFailure {
        let limit = Duration::from_millis(self.timeout.0.unsigned_abs());
        let problem = format!("no answer within {limit:?}; is the server overloaded, or locked?");
        self.failure(Refusal::Other, &problem)
    }

    /// A connection; it is closed when the client is dropped.
    pub(super) async fn connect(&self) -> Result<Client, LookFailure> {
        if let Some(tls) = &self.tls {
            let connected = self.config.connect(tls.clone()).await;
            let (client, connection) = connected.map_err(|error| self.refused(&error))?;
            drop(tokio::spawn(connection));
            return Ok(client);
        }
        let connected = self.config.connect(NoTls).await;
        let (client, connection) = connected.map_err(|error| self.refused(&error))?;
        drop(tokio::spawn(connection));
        Ok(client)
    }

    /// What went wrong, and what to do about it.
    pub(super) fn refused(&self, error: &tokio_postgres::Error) -> LookFailure {
        let (class, remedy) = remedy(error);
        self.failure(class, &format!("{remedy} ({})", net::causes(error)))
    }
}

/// The address, if it is one that can be used.
fn address(settings: &Reader<'_>, text: &str) -> Option<(Url, Config)> {
    let fault = |what: String| settings.fault("url", what);
    let url = Url::parse(text).map_err(|error| fault(format!("is no address ({error}): {HINT}")));
    let url = url.ok()?;
    if !["postgres", "postgresql"].contains(&url.scheme()) {
        fault(format!("is not `postgres:` but `{}:`: {HINT}", url.scheme()));
        return None;
    }
    // not the parser's words: they may quote the password
    let place = shown(&url);
    let config: Config =
        text.parse().map_err(|_quoting| fault(format!("{place} is refused: {HINT}"))).ok()?;
    let mode = url.query_pairs().find(|(name, _)| name == "sslmode");
    if mode.is_some_and(|(_, mode)| !["disable", "require"].contains(&&*mode)) {
        fault(
            "has an sslmode that is neither `disable` nor `require` (TLS, with the server's \
               certificate checked)"
                .to_owned(),
        );
        return None;
    }
    Some((url, config))
}

fn remedy(error: &tokio_postgres::Error) -> (Refusal, &'static str) {
    let Some(code) = error.code() else {
        return unanswered(error);
    };
    match code {
        &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            (Refusal::Auth, "the user or password is wrong, or pg_hba.conf does not let it in")
        }
        &SqlState::INSUFFICIENT_PRIVILEGE => {
            (Refusal::Auth, "the user may not do this: grant select on what the queries read")
        }
        &SqlState::INVALID_CATALOG_NAME => (Refusal::Config, "there is no such database"),
        &SqlState::READ_ONLY_SQL_TRANSACTION => {
            (Refusal::Config, "a query changes something; `jobs`, `tasks` and `workers` only read")
        }
        &SqlState::QUERY_CANCELED => {
            (Refusal::Other, "a query takes longer than `timeout`; does it need an index?")
        }
        &SqlState::TOO_MANY_CONNECTIONS => (Refusal::Other, "all connections are in use"),
        &SqlState::CANNOT_CONNECT_NOW | &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN => {
            (Refusal::Other, "the server is starting or stopping; this ends by itself")
        }
        code if ["42", "22", "0A"].iter().any(|kind| code.code().starts_with(kind)) => {
            (Refusal::Config, "a query is wrong; try it with psql")
        }
        _ => (Refusal::Other, "the server refused"),
    }
}

/// No word of the server's own.
fn unanswered(error: &tokio_postgres::Error) -> (Refusal, &'static str) {
    let text = net::causes(error);
    if text.contains("password missing") {
        (Refusal::Auth, "the server wants a password: set `password_file`")
    } else if text.contains("error connecting") {
        (Refusal::NotSent, "cannot connect; is PostgreSQL running there?")
    } else if text.contains("TLS") || text.contains("tls") {
        (Refusal::Config, "no safe connection: does the server speak TLS, does `ca_file` fit it?")
    } else {
        (Refusal::Other, "the answer was lost or not understood")
    }
}
