//! The vendor's signature, version 1.0: HMAC-SHA1 over the sorted, percent-encoded parameters.
//!
//! The key is the bare secret. The vendor's text once asked for a trailing `&`; no implementation
//! of its own ever used one, and the sentence was later removed. Body, host and path are not signed.
//!
//! ```
//! use farmscale::cloud::Credentials;
//! use farmscale::cloud::sign::{Signed, Stamp};
//!
//! let credentials = Credentials {
//!     access_key_id: "AKIDEXAMPLE0123456789".into(),
//!     access_key_secret: "SecretKeyExample/abc+def==".into(),
//! };
//! let stamp = Stamp {
//!     nonce: "11111111-2222-3333-4444-555555555555".to_owned(),
//!     timestamp: "2026-01-02T03:04:05Z".to_owned(),
//! };
//! let signed = Signed::new(&credentials, "POST", "CreateInstance", &[], &stamp);
//! assert_eq!(signed.signature, "qIQixLNZ01g39GS1u8iAq5xAMNE=");
//! ```

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret;
use serde::Serialize;
use sha1::Sha1;

use super::Credentials;
use crate::model::Time;

/// The API's one version.
const VERSION: &str = "2019-08-08";
/// Left as they are: `A–Z a–z 0–9 - _ . ~`.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A request's signature and what it was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signed {
    /// Sorted, encoded parameters without the signature.
    pub canonical: String,
    /// What is signed.
    pub string_to_sign: String,
    /// In base64.
    pub signature: String,
}

/// What makes one request different from every other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Never used twice.
    pub nonce: String,
    /// UTC, whole seconds, `2026-01-02T03:04:05Z`.
    pub timestamp: String,
}

impl Stamp {
    /// A fresh stamp for a request sent at `now`.
    pub fn fresh(now: Time) -> Self {
        let whole = Time::from_seconds(now.seconds());
        Self { nonce: uuid::Uuid::new_v4().to_string(), timestamp: whole.to_string() }
    }
}

impl Signed {
    /// Signs `action` with its query parameters. Parameters with an empty value are left out: the
    /// server signs what it finds in the address.
    pub fn new(
        credentials: &Credentials,
        method: &str,
        action: &str,
        params: &[(String, String)],
        stamp: &Stamp,
    ) -> Self {
        let mut pairs: Vec<(&str, &str)> = vec![
            ("AccessKeyId", credentials.access_key_id.expose_secret()),
            ("Action", action),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", &stamp.nonce),
            ("SignatureVersion", "1.0"),
            ("Timestamp", &stamp.timestamp),
            ("Version", VERSION),
        ];
        let given = params.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        pairs.extend(given.filter(|(_, value)| !value.is_empty()));
        pairs.sort_unstable();
        let mut canonical = String::new();
        for (name, value) in pairs {
            let separator = if canonical.is_empty() { "" } else { "&" };
            let written = write!(canonical, "{separator}{}={}", encode(name), encode(value));
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
        let string_to_sign = format!("{method}&%2F&{}", encode(&canonical));
        let signature = hmac(credentials.access_key_secret.expose_secret(), &string_to_sign);
        Self { canonical, string_to_sign, signature }
    }

    /// The query of the signed request.
    pub fn query(&self) -> String {
        format!("{}&Signature={}", self.canonical, encode(&self.signature))
    }
}

fn encode(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, &RESERVED)
}

fn hmac(key: &str, text: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key.as_bytes()) else {
        return String::new(); // unreachable: HMAC takes keys of any length
    };
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(secret: &str) -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE0123456789".into(),
            access_key_secret: secret.into(),
        }
    }

    fn signed(secret: &str, method: &str, action: &str, params: &[(&str, &str)]) -> Signed {
        let stamp = Stamp {
            nonce: "11111111-2222-3333-4444-555555555555".to_owned(),
            timestamp: "2026-01-02T03:04:05Z".to_owned(),
        };
        let params: Vec<_> =
            params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Signed::new(&credentials(secret), method, action, &params, &stamp)
    }

    /// The vectors V1–V3, and what the key with a trailing `&` would give.
    #[test]
    fn the_vectors_are_met_to_the_byte_and_only_by_the_bare_secret() {
        let chinese = [("EcsFamilyName", "专业渲染型rp3"), ("AvailableZoneCode", "CN_Suqian_B")];
        let signs =
            [("SearchInfo", "render node*01~a/b+c"), ("PageNumber", "1"), ("PageSize", "100")];
        let vectors: [(&str, &str, &[_], &str, &str); 3] = [
            (
                "GET",
                "DescribeZoneInstanceType",
                &chinese,
                "6vPry3OWckJVO/KFLqoyQY/xC0k=",
                "/Mwe1qn1mydULwqQYgHFcpLpAI4=",
            ),
            (
                "GET",
                "DescribeInstanceList",
                &signs,
                "zV9d3Ukaozprm6GirgiRYoBP2do=",
                "3CEIyIe9mBbYDNjVvVd8AAAeGKs=",
            ),
            (
                "POST",
                "CreateInstance",
                &[],
                "qIQixLNZ01g39GS1u8iAq5xAMNE=",
                "9XwfcYY2888tiMqygV8NlZfAa6Y=",
            ),
        ];
        for (method, action, params, right, wrong) in vectors {
            let bare = signed("SecretKeyExample/abc+def==", method, action, params);
            assert_eq!(bare.signature, right, "{action}");
            let with_sign = signed("SecretKeyExample/abc+def==&", method, action, params);
            assert_eq!(with_sign.signature, wrong, "{action}");
        }
    }

    #[test]
    fn an_empty_value_is_neither_signed_nor_sent() {
        let with = signed("s", "GET", "DescribeInstanceList", &[("VpcId", "")]);
        assert_eq!(with, signed("s", "GET", "DescribeInstanceList", &[]));
    }
}
