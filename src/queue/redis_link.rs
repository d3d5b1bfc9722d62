//! A Redis server as sources use it: over TCP, TLS or a unix socket, one limit around every question,
//! and words for what goes wrong.

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, FromRedisValue, IntoConnectionInfo,
    RedisError, ServerErrorKind, TlsCertificates,
};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::fault::{Secrets, failure, shown};
use super::web::read_ca;
use crate::defaults::queue::{REDIS_URL, TIMEOUT};
use crate::model::{LookFailure, Refusal, Span};
use crate::net;
use crate::reader::Reader;

/// How the address is written.
const HINT: &str =
    "write it as redis://host:port/db, rediss:// for TLS, unix:///path/to/socket?db=0";

/// A server, and how it is asked.
pub(super) struct Link {
    client: Client,
    place: String,
    /// The server and database in one spelling.
    pub(super) server: String,
    /// The number of the database.
    pub(super) database: i64,
    timeout: Span,
    secrets: Secrets,
}

impl Link {
    /// Reads `url`, `username`, `password`, `ca_file` and `timeout`.
    pub(super) fn read(settings: &mut Reader<'_>) -> Option<Self> {
        let text = settings.text("url", REDIS_URL);
        let username = settings.text_or_none("username");
        let password = settings.secret("password");
        let ca = settings.text_or_none("ca_file").and_then(|file| read_ca(settings, &file));
        let timeout = settings.span("timeout", TIMEOUT, Span::millis(100));
        let url = address(settings, &text)?;
        if url.password().is_some() || url.query_pairs().any(|(name, _)| name == "pass") {
            settings.holds_secret("url", "set password_file");
        }
        let mut secrets = Secrets::default();
        secrets.add(url.password().unwrap_or_default());
        let place = shown(&url);
        // not the parser's words: they may quote the password
        let refused = |error: &RedisError| {
            settings.fault("url", format!("{place} is refused ({}): {HINT}", error.category()));
        };
        let info = text.as_str().into_connection_info().map_err(|error| refused(&error)).ok()?;
        let info = logged_in(info, username.as_deref(), password.as_ref());
        secrets.add(info.redis_settings().password().unwrap_or_default());
        let (server, database) = (server(&info), info.redis_settings().db());
        let client = if url.scheme() == "rediss" {
            net::provide_tls();
            Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert: ca })
        } else {
            Client::open(info)
        };
        let client = client.map_err(|error| refused(&error)).ok()?;
        Some(Self { client, place, server, database, timeout, secrets })
    }

    /// Where it is, as it may be shown.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// A failure in the source's name.
    pub(super) fn failure(&self, class: Refusal, problem: &str) -> LookFailure {
        failure(&self.secrets, class, &format!("{}: {problem}", self.place))
    }

    /// Over a connection of its own: nothing is sent twice, and no old fault is met again.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        command: &redis::Cmd,
    ) -> Result<T, LookFailure> {
        let asked = timeout(self.timeout.to_std(), async {
            let mut connection = self.connect().await?;
            command.query_async(&mut connection).await.map_err(|error| self.refused(&error, false))
        });
        if let Ok(answer) = asked.await {
            return answer;
        }
        let problem = format!(
            "no answer within {} ms; is Redis reachable and not overloaded?",
            self.timeout.0
        );
        Err(self.failure(Refusal::Other, &problem))
    }

    async fn connect(&self) -> Result<MultiplexedConnection, LookFailure> {
        // the one limit is around all
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await;
        connection.map_err(|error| self.refused(&error, true))
    }

    fn refused(&self, error: &RedisError, connecting: bool) -> LookFailure {
        let (class, remedy) = remedy(error, connecting);
        // the remedy first: the rest may be cut
        self.failure(class, &format!("{remedy} ({error})"))
    }
}

/// The address, if it is one that can be used.
fn address(settings: &Reader<'_>, text: &str) -> Option<Url> {
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            settings.fault("url", format!("is no address ({error}): {HINT}"));
            return None;
        }
    };
    let scheme = url.scheme();
    let what = match scheme {
        "redis" | "rediss" if url.has_host() => return Some(url),
        "unix" | "redis+unix" => return Some(url),
        "redis-sentinel" | "sentinel" | "redis+sentinel" => {
            "is a Sentinel's address, which farmscale does not follow: give the address that moves \
             with the primary (a virtual address, HAProxy, or the service name)"
                .to_owned()
        }
        "redis-cluster" | "redis+cluster" => {
            "is a Redis Cluster's address, which is not supported: use a plain server for the queue"
                .to_owned()
        }
        _ => format!("is not `redis:` but `{scheme}:`: {HINT}"),
    };
    settings.fault("url", what);
    None
}

/// User and password that are given apart go before those of the address.
fn logged_in(
    info: ConnectionInfo,
    username: Option<&str>,
    password: Option<&SecretString>,
) -> ConnectionInfo {
    let mut login = info.redis_settings().clone();
    if let Some(username) = username {
        login = login.set_username(username);
    }
    if let Some(password) = password {
        login = login.set_password(password.expose_secret());
    }
    info.set_redis_settings(login)
}

fn server(info: &ConnectionInfo) -> String {
    let address = info.addr().to_string().replace("localhost:", "127.0.0.1:");
    format!("{address}/{}", info.redis_settings().db())
}

/// What is to be done about an error. Scripts wrap the words of the command that failed, so the
/// text is looked at, not only the code.
fn remedy(error: &RedisError, connecting: bool) -> (Refusal, &'static str) {
    let text = error.to_string();
    let says = |word: &str| error.code() == Some(word) || text.contains(word);
    let kind = error.kind();
    if error.is_connection_refusal() {
        (Refusal::NotSent, "connection refused; is Redis running there?")
    } else if ["WRONGPASS", "NOAUTH", "unauthenticated"].into_iter().any(says)
        || kind == ErrorKind::AuthenticationFailed
    {
        (Refusal::Auth, "the password is missing or wrong; set the source's password")
    } else if says("NOPERM") {
        (Refusal::Auth, "the user may not do this; see the commands in docs/workers.md")
    } else if says("WRONGTYPE") {
        (Refusal::Config, "a key is not what docs/workers.md says; another program's? Rename one")
    } else if says("FARMSCALE_TOO_MANY_KEYS") {
        (Refusal::Config, "too many keys to look through; give the queue a database of its own")
    } else if says("FARMSCALE_TOO_LARGE") {
        (Refusal::Config, "more MiB than `answer_max` allows; are the worker keys really workers?")
    } else if says("LOADING") {
        (Refusal::Other, "Redis is still loading its data; this ends by itself")
    } else if says("READONLY") || says("MASTERDOWN") {
        (Refusal::Config, "this is a replica; give the address of the primary")
    } else if says("MOVED") || says("CROSSSLOT") {
        (Refusal::Config, "Redis Cluster is not supported; use a plain server for the queue")
    } else if says("BUSY ") {
        (Refusal::Other, "Redis is busy with somebody's script")
    } else if says("certificate") || says("TLS") || says("tls") {
        (Refusal::Config, "no safe connection: is the port a TLS one, does `ca_file` fit it?")
    } else if kind == ErrorKind::Server(ServerErrorKind::ResponseError) {
        (Refusal::Other, "Redis answered with an error; version 6.2 or later is needed")
    } else if connecting {
        (Refusal::NotSent, "cannot connect; check host, port and database number")
    } else {
        (Refusal::Other, "the answer was lost or not understood")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::try_read;

    fn faults(text: &str) -> Vec<String> {
        let (_, faults) = try_read(text, |settings| Link::read(settings).is_some());
        faults.into_iter().map(|fault| format!("{} {}", fault.key, fault.what)).collect()
    }

    #[test]
    fn an_address_that_cannot_be_used_says_what_to_write_without_its_password() {
        for (url, said) in [
            ("redis://:secret-word@h:1/zero", "is refused"),
            ("secret-word", "is no address"),
            ("redis-sentinel://:secret-word@h:26379/farm", "moves with the primary"),
            ("http://h/", "is not `redis:`"),
        ] {
            let told = faults(&format!("url = \"{url}\""));
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].starts_with("t.url ") && told[0].contains(said), "{told:?}");
            assert!(!told[0].contains("secret-word@") && !told[0].contains(":secret"), "{told:?}");
        }
    }

    #[test]
    fn tls_sockets_and_users_are_taken() {
        let server = |text: &str| {
            let (link, faults) = try_read(text, Link::read);
            assert_eq!(faults, Vec::new(), "{text}");
            link.unwrap().server
        };
        assert_eq!(server("url = \"redis://:w@localhost/2\""), "127.0.0.1:6379/2");
        assert_eq!(server("url = \"redis://127.0.0.1:6379/2\""), "127.0.0.1:6379/2");
        assert!(
            server("url = \"rediss://h:6380/0\"\nusername = \"joe\"\npassword = \"word\"")
                .starts_with("h:6380")
        );
        assert!(server("url = \"unix:///run/redis.sock?db=3\"").ends_with("redis.sock/3"));
    }
}
