//! The envelope around every answer, in all the variants the vendor uses.
//!
//! ```
//! use farmscale::cloud::envelope::open;
//!
//! let answer = open(200, br#"{"code": "Success", "data": {"EventId": "e-1"}}"#)?;
//! assert_eq!(answer.data["EventId"], "e-1");
//! # Ok::<(), farmscale::cloud::CallError>(())
//! ```

use serde_json::{Map, Value};

use super::error::{CallError, classify};
use super::fields::Fields;
use crate::net::redact::{cut, one_line};

/// Longest code, message or request id that is taken in, in characters.
const TEXT_MAX: usize = 400;

/// The inside of a successful answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// `Data`, whatever it is; null if absent.
    pub data: Value,
    /// `TotalCount`, at the top or inside `Data`.
    pub total: Option<u32>,
    /// The server's id of the call, where it gives one.
    pub request_id: Option<String>,
    /// `TaskId` of a change of the network, beside `Data`.
    pub task: Option<String>,
}

/// Opens an answer. Keys at the top are matched whatever their case; success is HTTP 2xx together
/// with a code of `Success`, `success` or `OK`.
pub fn open(http: u16, body: &[u8]) -> Result<Answer, CallError> {
    let parsed: Option<Map<String, Value>> = serde_json::from_slice(body).ok();
    let Some(parsed) = parsed else {
        return Err(CallError::Unknown(not_json(http, body)));
    };
    let top: Map<String, Value> =
        parsed.into_iter().map(|(key, value)| (key.to_lowercase(), value)).collect();
    let Some(code) = text(&top, &["code"]) else {
        let keys: Vec<String> = top.keys().take(8).map(|key| cut(key, 40)).collect();
        let found = keys.join(", ");
        return Err(CallError::Unknown(format!("HTTP {http} without a `Code`; keys: {found}")));
    };
    let success = matches!(code.to_lowercase().as_str(), "success" | "ok");
    let message = text(&top, &["desc", "msg", "message", "error", "codemsg"]).unwrap_or_default();
    if !(200..300).contains(&http) || !success {
        return Err(refusal(http, code, message, success));
    }
    let data = top.get("data").cloned().unwrap_or(Value::Null);
    let inside = Fields::of(&data).and_then(|data| data.number("TotalCount"));
    let total = text(&top, &["totalcount"]).and_then(|total| total.parse().ok()).or(inside);
    let (request_id, task) = (text(&top, &["requestid"]), text(&top, &["taskid"]));
    Ok(Answer { data, total, request_id, task })
}

/// Opens an answer about an event: one that failed may come as an error, with its data all the same.
pub fn open_event(http: u16, body: &[u8]) -> Result<Answer, CallError> {
    open(http, body).or_else(|error| {
        let parsed: Option<Map<String, Value>> = serde_json::from_slice(body).ok();
        let top = parsed.unwrap_or_default().into_iter();
        let data = top.into_iter().find(|(key, _)| key.eq_ignore_ascii_case("data"));
        match data {
            Some((_, data)) if data.get("EventStatus").is_some_and(Value::is_string) => {
                Ok(Answer { data, total: None, request_id: None, task: None })
            }
            Some(_) | None => Err(error),
        }
    })
}

/// 5xx says nothing about what was done. Nor does a nonce that is used already: ours are not, so the
/// request arrived twice, and the first may have been carried out.
fn refusal(http: u16, code: String, message: String, success: bool) -> CallError {
    let is_repeated = code.to_lowercase().contains("nonce");
    if 500 <= http || success || is_repeated {
        return CallError::Unknown(format!("HTTP {http} {code}: {message}"));
    }
    CallError::Refused { class: classify(http, &code, &message), http, code, message }
}

fn text(top: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match top.get(*name)? {
        Value::String(text) if !text.is_empty() => Some(one_line(text, TEXT_MAX)),
        Value::Number(number) => Some(number.to_string()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    })
}

fn not_json(http: u16, body: &[u8]) -> String {
    let start = body.get(..400).unwrap_or(body);
    let start = one_line(&String::from_utf8_lossy(start), 80);
    format!("HTTP {http} with something else than the API's JSON: `{start}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Refusal;
    use proptest::prelude::*;

    #[test]
    fn every_variant_of_success_opens() {
        for body in [
            r#"{"Code":"Success","Msg":"ok","Data":{"a":1},"RequestId":"r","TotalCount":3}"#,
            r#"{"code":"success","CodeMsg":"success","data":{"a":1},"totalcount":"3"}"#,
            r#"{"Code":"OK","Data":{"a":1,"TotalCount":3}}"#,
        ] {
            let answer = open(200, body.as_bytes()).unwrap();
            assert_eq!((answer.data.get("a"), answer.total), (Some(&Value::from(1)), Some(3)));
        }
    }

    #[test]
    fn a_failure_is_a_failure_whatever_the_status_says() {
        let refused = open(200, br#"{"Code":"MaxEcsCountExceed","Msg":"too many"}"#).unwrap_err();
        assert_eq!(refused.class(), Refusal::Quota);
        let unknown = open(500, br#"{"Code":"InternalError","Message":"boom"}"#).unwrap_err();
        assert!(matches!(unknown, CallError::Unknown(_)));
        let page = open(200, b"<html>gateway</html>").unwrap_err();
        assert!(page.to_string().contains("<html>gateway"), "{page}");
    }

    #[test]
    fn a_refusal_of_fifteen_megabytes_is_a_line() {
        let body = format!(r#"{{"Code":"InvalidParameter","Msg":"{}"}}"#, "长".repeat(5 << 20));
        let error = open(400, body.as_bytes()).unwrap_err();
        assert_eq!(error.class(), Refusal::Config);
        assert!(error.to_string().chars().count() < 2 * TEXT_MAX);
    }

    #[test]
    fn a_nonce_that_is_used_already_says_nothing_about_what_was_done() {
        let body = br#"{"Code":"SignatureNonceUsed","Message":"The nonce has been used."}"#;
        assert!(matches!(open(403, body), Err(CallError::Unknown(_))));
    }

    #[test]
    fn a_failed_event_is_read_though_it_comes_as_an_error() {
        let body = br#"{"Code":"InternalError","Data":{"EventStatus":"failed","TaskList":[]}}"#;
        assert_eq!(open_event(500, body).unwrap().data["EventStatus"], "failed");
        assert!(open_event(500, br#"{"Code":"InternalError","Data":{}}"#).is_err());
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(http in 100u16..600, body: Vec<u8>) {
            let _outcome = open(http, &body).is_ok();
        }
    }
}
