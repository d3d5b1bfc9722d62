//! Answers in the vendor's envelopes, which differ from action to action.

use std::borrow::Cow;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::cloud::error;
use crate::model::{Span, Text, Time};
use crate::sim::provider::{Accepted, Fault};

/// The vendor's wall clock: times without a zone are +08:00.
const VENDOR_ZONE: Span = Span::hours(8);

/// A refusal on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) http: u16,
    pub(super) code: Cow<'static, str>,
    pub(super) message: String,
    /// What stands in `Data` all the same.
    pub(super) data: Option<Value>,
}

/// What an action has to say.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) message: &'static str,
    pub(super) data: Value,
    pub(super) page: Option<Page>,
    /// `TaskId` of a change of the network, beside the data.
    pub(super) task: Option<Text>,
}

/// Paging stands beside the data, not in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) number: usize,
    pub(super) size: usize,
    pub(super) total: usize,
}

/// Which keys an action's envelope has, by the samples of the document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// `Code`, or `code` for three of the actions.
    pub(super) code: &'static str,
    /// Whether `CodeMsg` is there.
    pub(super) code_msg: bool,
    /// `Msg` or `Message`.
    pub(super) message: &'static str,
    /// Whether `RequestId` is there.
    pub(super) request_id: bool,
}

impl Style {
    /// `Code`, `Msg`, `RequestId`.
    pub(super) const PLAIN: Self =
        Self { code: "Code", code_msg: false, message: "Msg", request_id: true };
    /// `Code`, `Msg`.
    pub(super) const BARE: Self = Self { request_id: false, ..Self::PLAIN };
    /// `Code`, `CodeMsg`, `Msg`.
    pub(super) const MIXED: Self = Self { code_msg: true, ..Self::BARE };
    /// `Code`, `Message`.
    pub(super) const LONG: Self = Self { message: "Message", ..Self::BARE };
    /// `code`, `CodeMsg`, `Message`.
    pub(super) const LOWER: Self =
        Self { code: "code", code_msg: true, message: "Message", request_id: false };
    /// `code`, `CodeMsg`, `Message`, `RequestId`.
    pub(super) const LOWER_WITH_ID: Self = Self { request_id: true, ..Self::LOWER };

    /// The answer in its envelope.
    pub(super) fn success(self, answer: Answer, request_id: &str) -> Response {
        let mut body = self.envelope("Success", "success", answer.message, request_id);
        body.insert("Data".to_owned(), answer.data);
        body.extend(answer.task.map(|task| ("TaskId".to_owned(), json!(*task))));
        if let Some(page) = answer.page {
            body.insert("PageNumber".to_owned(), json!(page.number));
            body.insert("PageSize".to_owned(), json!(page.size));
            body.insert("TotalCount".to_owned(), json!(page.total));
        }
        json_response(200, &Value::Object(body))
    }

    /// The refusal in the same envelope.
    pub(super) fn failure(self, failure: &Failure, request_id: &str) -> Response {
        let mut body = self.envelope(&failure.code, &failure.code, &failure.message, request_id);
        body.insert("Data".to_owned(), failure.data.clone().unwrap_or_else(|| json!({})));
        json_response(failure.http, &Value::Object(body))
    }

    fn envelope(
        self,
        code: &str,
        short: &str,
        message: &str,
        request_id: &str,
    ) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert(self.code.to_owned(), json!(code));
        if self.code_msg {
            body.insert("CodeMsg".to_owned(), json!(short));
        }
        body.insert(self.message.to_owned(), json!(message));
        if self.request_id {
            body.insert("RequestId".to_owned(), json!(request_id));
        }
        body
    }
}

impl Page {
    /// The rows of this page.
    pub(super) fn rows_of<T>(self, rows: &[T]) -> &[T] {
        let from = self.number.saturating_sub(1).saturating_mul(self.size).min(rows.len());
        let until = from.saturating_add(self.size).min(rows.len());
        rows.get(from..until).unwrap_or_default()
    }
}

impl Failure {
    pub(super) fn new(http: u16, code: &'static str, message: &str) -> Self {
        Self { http, code: Cow::Borrowed(code), message: message.to_owned(), data: None }
    }

    /// With the status and the words that the document's table has for the code, and what is particular
    /// in brackets after them.
    pub(super) fn told(code: &'static str, particular: &str) -> Self {
        let told = error::code(code).and_then(|code| code.told);
        let (http, message) = told.unwrap_or((400, code));
        let brackets = if particular.is_empty() { "" } else { " (" };
        let end = if particular.is_empty() { "" } else { ")" };
        Self::new(http, code, &format!("{message}{brackets}{particular}{end}"))
    }

    /// Something went wrong inside.
    pub(super) fn internal() -> Self {
        let message = "The request processing has failed due to some unknown error, exception or \
                       failure.";
        Self::new(500, "InternalError", message)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::new(fault.http, fault.code, &fault.message)
    }
}

impl Answer {
    /// A change was taken on.
    pub(super) fn accepted(message: &'static str, accepted: &Accepted) -> Self {
        Self::new(message, json!({ "EventId": *accepted.event }))
    }

    pub(super) fn new(message: &'static str, data: Value) -> Self {
        Self { message, data, page: None, task: None }
    }
}

/// JSON with a status.
pub(super) fn json_response(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, body.to_string()).into_response()
}

/// As the vendor writes times: `2022-07-31 14:14:59`, +08:00 without saying so.
pub(super) fn vendor_time(at: Time) -> String {
    utc_time(at + VENDOR_ZONE)
}

/// As the vendor writes the times of measurements: in UTC.
pub(super) fn utc_time(at: Time) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| String::new(), |stamp| stamp.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_eight_hours_ahead_but_for_measurements() {
        let at = Time::from_seconds(1_767_323_045);
        assert_eq!(vendor_time(at), "2026-01-02 11:04:05");
        assert_eq!(utc_time(at), "2026-01-02 03:04:05");
    }
}
