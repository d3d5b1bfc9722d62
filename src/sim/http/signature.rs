//! Checks signatures as the vendor's document describes them.
//!
//! Written from the document and on purpose without a line of the client: two readings of one
//! text that must agree. The key is the secret alone; the document's `&` was withdrawn in 2026.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;

use super::answer::Failure;
use crate::model::{Span, Time};

/// Nonces remembered, at most; the oldest are forgotten first.
const NONCES_MAX: usize = 50_000;

/// How far a timestamp may be off the real time.
pub(super) const SKEW: Span = Span::minutes(15);

/// What time it is at the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Here {
    /// Simulated.
    pub(super) now: Time,
    /// In truth.
    pub(super) wall: Time,
}

/// The query's parameters, decoded.
pub(super) type Query = BTreeMap<String, String>;

/// Knows the key and the nonces it has seen.
#[derive(Debug)]
pub(super) struct Doorkeeper {
    access_key_id: String,
    access_key_secret: SecretString,
    /// How far a timestamp may be off the simulated time, either way.
    skew: Span,
    nonces: BTreeSet<String>,
    oldest: BTreeSet<(Time, String)>,
}

impl Doorkeeper {
    pub(super) fn new(id: &str, secret: &SecretString, skew: Span) -> Self {
        Self {
            access_key_id: id.to_owned(),
            access_key_secret: secret.clone(),
            skew,
            nonces: BTreeSet::new(),
            oldest: BTreeSet::new(),
        }
    }

    /// Lets a request in, once: signed at the time here, simulated or real. Other people's clients
    /// know the real one alone.
    pub(super) fn admit(&mut self, here: Here, method: &str, query: &Query) -> Result<(), Failure> {
        for (name, expected) in [
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("Version", "2019-08-08"),
        ] {
            if required(query, name)? != expected {
                return Err(Failure::told("InvalidParameter", name));
            }
        }
        if required(query, "AccessKeyId")? != self.access_key_id {
            return Err(refused("InvalidAccessKeyId", "The AccessKeyId does not exist."));
        }
        let nonce = required(query, "SignatureNonce")?;
        let stamp = required(query, "Timestamp")?;
        let signature = required(query, "Signature")?;
        if !self.is_signed(method, query, signature) {
            return Err(refused("SignatureDoesNotMatch", "The Signature does not match."));
        }
        let signed_at =
            moment(stamp).ok_or_else(|| Failure::told("InvalidParameter", "Timestamp"))?;
        let is_far = |at: Time, skew: Span| skew < Span(at.since(signed_at).0.abs());
        if is_far(here.now, self.skew) && is_far(here.wall, SKEW) {
            return Err(refused("RequestExpired", "The Timestamp has Expired."));
        }
        self.remember(here.now, nonce)
    }

    fn is_signed(&self, method: &str, query: &Query, signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        let secret = self.access_key_secret.expose_secret().as_bytes();
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret) else { return false };
        mac.update(string_to_sign(method, query).as_bytes());
        mac.verify_slice(&signature).is_ok()
    }

    fn remember(&mut self, now: Time, nonce: &str) -> Result<(), Failure> {
        while let Some((seen_at, _)) = self.oldest.first() {
            let is_stale = *seen_at + self.skew.times(2) < now;
            if !is_stale && self.nonces.len() < NONCES_MAX {
                break;
            }
            if let Some((_, old)) = self.oldest.pop_first() {
                self.nonces.remove(&old);
            }
        }
        if !self.nonces.insert(nonce.to_owned()) {
            return Err(refused("SignatureNonceUsed", "The SignatureNonce has been used."));
        }
        self.oldest.insert((now, nonce.to_owned()));
        Ok(())
    }
}

/// Reads a raw query. A `+` is a space, as forms have it; a name that comes twice counts last.
pub(super) fn parse(raw: &str) -> Query {
    raw.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

/// The text the signature is made of.
fn string_to_sign(method: &str, query: &Query) -> String {
    let canonical: Vec<_> = query
        .iter()
        .filter(|(name, _)| *name != "Signature")
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    format!("{method}&%2F&{}", encoded(&canonical.join("&")))
}

/// Letters, digits and `-_.~` stay; every other byte becomes `%XY`.
fn encoded(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |half: u8| char::from(DIGITS.get(usize::from(half)).copied().unwrap_or(b'0'));
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.extend(['%', digit(byte >> 4), digit(byte & 15)]),
        }
    }
    out
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut rest = bytes.clone();
        let pair = [rest.next(), rest.next()].map(|digit| {
            digit
                .and_then(|digit| char::from(digit).to_digit(16))
                .and_then(|digit| u8::try_from(digit).ok())
        });
        match (byte, pair) {
            (b'%', [Some(high), Some(low)]) => {
                out.push(high * 16 + low);
                bytes = rest;
            }
            (b'+', _) => out.push(b' '),
            (other, _) => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// `yyyy-MM-ddTHH:mm:ssZ`, UTC, nothing else.
fn moment(text: &str) -> Option<Time> {
    let shape = b"dddd-dd-ddTdd:dd:ddZ";
    let fits = |(byte, shape): (u8, &u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        other => byte == *other,
    };
    if text.len() != shape.len() || !text.bytes().zip(shape).all(fits) {
        return None;
    }
    let stamp: jiff::Timestamp = text.parse().ok()?;
    Some(Time(stamp.as_millisecond()))
}

fn required<'a>(query: &'a Query, name: &str) -> Result<&'a str, Failure> {
    query
        .get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Failure::told("MissingParameter", name))
}

/// No code is documented for refused signatures; the words are what clients may go by.
fn refused(code: &'static str, message: &str) -> Failure {
    Failure::new(403, code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "AccessKeyId=AKIDEXAMPLE0123456789&Action=DescribeInstanceList&PageNumber=1\
        &PageSize=100&SearchInfo=render%20node%2A01~a%2Fb%2Bc&SignatureMethod=HMAC-SHA1\
        &SignatureNonce=11111111-2222-3333-4444-555555555555&SignatureVersion=1.0\
        &Timestamp=2026-01-02T03%3A04%3A05Z&Version=2019-08-08";

    fn door(secret: &str) -> Doorkeeper {
        Doorkeeper::new("AKIDEXAMPLE0123456789", &secret.into(), SKEW)
    }

    fn at(now: Time) -> Here {
        Here { now, wall: now }
    }

    fn signed(signature: &str) -> Query {
        parse(&format!("{QUERY}&Signature={signature}"))
    }

    const NOW: Time = Time::from_seconds(1_767_323_045);

    #[test]
    fn the_bare_secret_signs_and_the_secret_with_an_ampersand_does_not() {
        let good = signed("zV9d3Ukaozprm6GirgiRYoBP2do%3D");
        let mut door = door("SecretKeyExample/abc+def==");
        assert!(door.admit(at(NOW), "GET", &good).is_ok());
        let with_ampersand = signed("3CEIyIe9mBbYDNjVvVd8AAAeGKs%3D");
        let code = |door: &mut Doorkeeper, query: &Query| {
            door.admit(at(NOW), "GET", query).unwrap_err().code
        };
        assert_eq!(code(&mut door, &with_ampersand), "SignatureDoesNotMatch");
        assert_eq!(code(&mut door, &good), "SignatureNonceUsed");
    }

    #[test]
    fn a_stale_timestamp_and_another_verb_are_refused() {
        let good = signed("zV9d3Ukaozprm6GirgiRYoBP2do%3D");
        let mut door = door("SecretKeyExample/abc+def==");
        let late = NOW + Span::seconds(901);
        assert_eq!(door.admit(at(late), "GET", &good).unwrap_err().code, "RequestExpired");
        let early = NOW - Span::seconds(901);
        assert_eq!(door.admit(at(early), "GET", &good).unwrap_err().code, "RequestExpired");
        assert_eq!(door.admit(at(NOW), "POST", &good).unwrap_err().code, "SignatureDoesNotMatch");
        assert!(door.admit(at(NOW + Span::seconds(900)), "GET", &good).is_ok());
    }

    #[test]
    fn the_real_time_serves_however_fast_the_simulated_runs() {
        let good = signed("zV9d3Ukaozprm6GirgiRYoBP2do%3D");
        let mut door = door("SecretKeyExample/abc+def==");
        let here = |wall: Time| Here { now: NOW + Span::days(40), wall };
        let late = here(NOW + Span::seconds(901));
        assert_eq!(door.admit(late, "GET", &good).unwrap_err().code, "RequestExpired");
        assert!(door.admit(here(NOW), "GET", &good).is_ok());
    }

    #[test]
    fn encoding_is_undone_by_decoding() {
        let text = "a b*~/+%专业渲染型rp3=&?";
        assert_eq!(decoded(&encoded(text)), text);
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("%4"), "%4");
        assert_eq!(decoded("a+b"), "a b");
    }

    #[test]
    fn only_the_documented_form_of_a_timestamp_is_read() {
        assert_eq!(moment("2026-01-02T03:04:05Z"), Some(NOW));
        for wrong in ["2026-01-02 03:04:05", "2026-01-02T03:04:05+08:00", "2026-13-02T03:04:05Z"] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }
}
