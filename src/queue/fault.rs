//! What goes wrong with a source, in words for people, and without passwords and tokens.

use crate::model::{LookFailure, Refusal};

/// Longest detail of a failure, in characters.
const DETAIL_MAX: usize = 300;

/// Settings of a source that cannot work; says which, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{setting}`: {problem}")]
pub struct QueueError {
    /// The setting at fault, as it is called in the configuration.
    pub setting: &'static str,
    /// What is wrong with it and what to write instead.
    pub problem: String,
}

impl QueueError {
    pub(super) fn new(setting: &'static str, problem: impl Into<String>) -> Self {
        Self { setting, problem: problem.into() }
    }
}

/// Texts that must not appear in anything people see.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Short texts are left out: blanking every `a` would hide the message and show the secret.
    pub(super) fn add(&mut self, secret: &str) {
        if 3 < secret.len() {
            self.0.push(secret.to_owned());
            self.0.sort_by_key(|text| std::cmp::Reverse(text.len()));
        }
    }

    /// A failure whose detail is redacted, in one line, and cut.
    pub(super) fn failure(&self, class: Refusal, detail: &str) -> LookFailure {
        LookFailure { class, detail: self.clean(detail).into() }
    }

    fn clean(&self, text: &str) -> String {
        let mut text = without_credentials(text);
        for secret in &self.0 {
            text = text.replace(secret.as_str(), "***");
        }
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        cut(&line, DETAIL_MAX)
    }
}

/// Blanks what stands between `://` and `@` in any URL of a text.
fn without_credentials(text: &str) -> String {
    let mut parts = text.split("://");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(['/', '?', '#', ' ', '"', '\n']).unwrap_or(part.len());
        let (authority, rest) = part.split_at(end);
        clean.push_str("://");
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                clean.push_str("***@");
                clean.push_str(host);
            }
            None => clean.push_str(authority),
        }
        clean.push_str(rest);
    }
    clean
}

/// At most `max` characters, with a mark where something is missing.
pub(super) fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(std::iter::once('…')).collect()
}

/// A URL as it may be shown: no user, no password, no query.
pub(super) fn shown(url: &reqwest::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_holds_no_secret_and_is_one_short_line() {
        let mut secrets = Secrets::default();
        secrets.add("tok-123456");
        let long = "x".repeat(400);
        let text =
            format!("no\n\nway to redis://joe:pa ss@h:1/2 http://u:pw@h/?a tok-123456 {long}");
        let failure = secrets.failure(Refusal::Other, &text);
        let expected = "no way to redis://joe:pa ss@h:1/2 http://***@h/?a *** xxx";
        assert!(failure.detail.starts_with(expected), "{}", failure.detail);
        assert_eq!(failure.detail.chars().count(), DETAIL_MAX);
    }
}
