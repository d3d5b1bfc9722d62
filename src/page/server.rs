//! The accept loop: so many connections and no more, each with limits on its head, its bodies, its
//! silence and its life. Whatever callers do, the page uses few descriptors, and the farm none of it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Connections at a time; further ones wait in the system's queue.
const CONNECTIONS_MAX: usize = 128;
/// At most this part of the descriptors that the process may have open is for connections.
const DESCRIPTORS_SHARE: usize = 4;
/// For the head of a request, and the silence before it.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// For the life of a connection; browsers make a new one without a word.
const CONNECTION_WITHIN: Duration = Duration::from_mins(2);
/// For the last answer of a connection whose time is up.
const LAST_ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Header lines of a request.
const HEADERS_MAX: usize = 64;
/// Bytes read ahead of what is understood: the longest head.
const HEAD_MAX: usize = 16 << 10;

/// Serves until the process ends.
pub(super) async fn serve(mut listener: impl Listener, router: Router) {
    let places = Arc::new(Semaphore::new(places()));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (stream, _) = listener.accept().await;
        tokio::spawn(serve_one(TokioIo::new(stream), router.clone(), place));
    }
}

async fn serve_one<I>(stream: I, router: Router, _place: OwnedSemaphorePermit)
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_MAX)
        .serve_connection(stream, TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    let ended = match timeout(CONNECTION_WITHIN, connection.as_mut()).await {
        Ok(ended) => ended,
        Err(_too_old) => {
            connection.as_mut().graceful_shutdown();
            timeout(LAST_ANSWER_WITHIN, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection to the page ended early");
    }
}

/// Connections allowed under the process's limit of descriptors.
fn places() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let limit = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    limit.map_or(CONNECTIONS_MAX, |limit| (limit / DESCRIPTORS_SHARE).clamp(4, CONNECTIONS_MAX))
}
