//! Who may call: by a Host that is this machine, with the token or a session where a token is set, and
//! for orders over the socket, with the token, or anybody where that is wanted (the demo).

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use super::served::{Shared, refuse};
use super::sessions::{SESSION, Sessions, same};
use crate::model::Span;

/// Scripts, styles and data from here alone.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                              connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; \
                              base-uri 'none'; form-action 'none'";
/// For an answer, its request's body included.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// The session's cookie.
const COOKIE: &str = "farmscale_session";

/// Where a call came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// The page's address: anybody who can reach it.
    Network,
    /// The socket: whom its mode lets in.
    Socket,
}

/// Refuses names that lead here from elsewhere (DNS rebinding) and bodies that never end, and adds
/// what browsers are to heed.
pub(super) async fn is_called_by_name(
    State(served): Shared,
    Extension(door): Extension<Door>,
    request: Request,
    next: Next,
) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let name = host.map(|host| match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    });
    let ours = |name: &str| {
        let allowed = &served.options.allowed_hosts;
        matches!(name, "localhost" | "127.0.0.1" | "[::1]")
            || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
    };
    let mut response = if door == Door::Socket || name.is_some_and(ours) {
        let too_late = || refuse(StatusCode::REQUEST_TIMEOUT, "the request was not sent in time");
        timeout(ANSWER_WITHIN, next.run(request)).await.unwrap_or_else(|_| too_late())
    } else {
        refuse(StatusCode::FORBIDDEN, "called by a name that is not in page.hosts")
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Lets in who may read: everybody where no token is set.
pub(super) async fn may_read(
    State(served): Shared,
    Extension(door): Extension<Door>,
    request: Request,
    next: Next,
) -> Response {
    let Some(token) = &served.options.token else { return next.run(request).await };
    if door == Door::Socket || is_known(&served.sessions, token, request.headers()) {
        return next.run(request).await;
    }
    refuse(StatusCode::UNAUTHORIZED, "the token is missing or wrong (Authorization: Bearer …)")
}

/// Lets in who may give orders. A page from elsewhere can make a browser post here, but not with a
/// header of ours.
pub(super) async fn may_order(
    State(served): Shared,
    Extension(door): Extension<Door>,
    request: Request,
    next: Next,
) -> Response {
    if !request.headers().contains_key(HeaderName::from_static("x-farmscale")) {
        return refuse(StatusCode::FORBIDDEN, "orders need the header X-Farmscale: 1");
    }
    let known = |token| is_known(&served.sessions, token, request.headers());
    let may = door == Door::Socket
        || served.options.anyone_may_order
        || served.options.token.as_ref().is_some_and(known);
    if may {
        return next.run(request).await;
    }
    let remedy = match (&served.options.token, &served.options.socket) {
        (Some(_), _) => "the token is missing or wrong (Authorization: Bearer …)".to_owned(),
        (None, Some(socket)) => format!(
            "orders come over the socket {} (the commands find it by --config or --socket), or \
             with a token: set page.token_file",
            socket.display()
        ),
        (None, None) => "orders need a token: set page.token_file".to_owned(),
    };
    refuse(StatusCode::FORBIDDEN, &remedy)
}

fn is_known(sessions: &Sessions, token: &SecretString, headers: &HeaderMap) -> bool {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    bearer.is_some_and(|given| same(given, token.expose_secret()))
        || session_of(headers).is_some_and(|id| sessions.knows(id))
}

fn session_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|one| one.split_once('='));
    pairs.find(|(name, _)| name.trim() == COOKIE).map(|(_, id)| id.trim())
}

#[derive(Deserialize)]
pub(super) struct SignIn {
    token: String,
}

/// The token once, for a cookie that scripts cannot read and other sites cannot use.
pub(super) async fn sign_in(
    State(served): Shared,
    headers: HeaderMap,
    Json(SignIn { token: given }): Json<SignIn>,
) -> Response {
    let Some(token) = &served.options.token else {
        return refuse(StatusCode::NOT_FOUND, "no token is set, so nobody signs in");
    };
    if !same(&given, token.expose_secret()) {
        return refuse(StatusCode::UNAUTHORIZED, "that is not the token");
    }
    cookie(&headers, &served.sessions.begin(), SESSION)
}

/// Ends the session.
pub(super) async fn sign_out(State(served): Shared, headers: HeaderMap) -> Response {
    if let Some(id) = session_of(&headers) {
        served.sessions.end(id);
    }
    cookie(&headers, "", Span::ZERO)
}

fn cookie(headers: &HeaderMap, id: &str, lasting: Span) -> Response {
    // Behind a proxy that speaks TLS the browser is to send it over TLS alone.
    let is_https = headers.get("x-forwarded-proto").is_some_and(|value| value == "https");
    let secure = if is_https { "; Secure" } else { "" };
    let lasting = lasting.as_seconds();
    let cookie =
        format!("{COOKIE}={id}; Path=/; Max-Age={lasting}; HttpOnly; SameSite=Strict{secure}");
    ([(header::SET_COOKIE, cookie)], Json(json!({}))).into_response()
}
