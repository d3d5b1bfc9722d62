//! What every address shares: the board, the options, who has signed in; and how it refuses.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;
use serde_json::json;

use super::Board;
use super::sessions::Sessions;
use crate::model::Order;

pub(super) const FIRST_TURN: &str = "the first turn is not over yet";

/// Passes an order on, or says why the daemon does not take it.
pub type Orders = Box<dyn Fn(Order) -> Result<(), &'static str> + Send + Sync>;

/// How the page is served.
pub struct Options {
    /// Asked of every call to the API and the metrics, where set.
    pub token: Option<SecretString>,
    /// Names the page may be called by, besides this machine's own.
    pub allowed_hosts: Vec<String>,
    /// Orders are taken from whoever reaches the page: the demo's.
    pub anyone_may_order: bool,
    /// Where orders come in without a token, to name it to those who come elsewhere.
    pub socket: Option<PathBuf>,
    /// Takes orders.
    pub orders: Orders,
    /// The metrics' text.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("allowed_hosts", &self.allowed_hosts)
            .finish_non_exhaustive()
    }
}

pub(super) struct Served {
    pub(super) board: Arc<Board>,
    pub(super) options: Options,
    pub(super) sessions: Sessions,
}

pub(super) type Shared = State<Arc<Served>>;

pub(super) fn refuse(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}
