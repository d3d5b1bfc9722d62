//! What goes wrong with a source, in words for people, and without passwords and tokens.

use crate::model::{LookFailure, Refusal};
pub(super) use crate::net::redact::{Secrets, cut, shown};

/// Longest detail of a failure, in characters.
const DETAIL_MAX: usize = 300;
/// What follows these words is not shown.
const SECRET_WORDS: [&str; 7] =
    ["password", "passwd", "secret", "token", "authorization", "bearer", "api_key"];
/// Words of at least this many letters and digits are taken for keys.
const KEY_LENGTH: usize = 24;

/// A failure whose detail is redacted, in one line, and cut.
pub(super) fn failure(secrets: &Secrets, class: Refusal, detail: &str) -> LookFailure {
    LookFailure { class, detail: secrets.clean(detail, DETAIL_MAX).into() }
}

/// What a program or server said, fit to be shown: it may print what it was told to keep. Blanks
/// what follows words like `token=`, and words that look like keys.
pub(super) fn masked(text: &str) -> String {
    let mut after_secret = false;
    let word = |word: &str| {
        let (name, value) = match word.find(['=', ':']) {
            Some(at) => word.split_at(at + 1),
            None => (word, ""),
        };
        let tells = SECRET_WORDS.iter().any(|secret| name.to_lowercase().contains(secret));
        let blank = after_secret || (value.is_empty() && is_keylike(word)) || is_keylike(value);
        after_secret = tells && value.is_empty();
        match (tells && !value.is_empty(), blank) {
            (true, _) => format!("{name}***"),
            (false, true) => "***".to_owned(),
            (false, false) => word.to_owned(),
        }
    };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

/// Long, of letters and digits together, and no path: a key or token.
fn is_keylike(word: &str) -> bool {
    let letters = |letter: char| letter.is_ascii_alphanumeric() || "+/=_-".contains(letter);
    let has = |kind: fn(&char) -> bool| word.chars().any(|letter| kind(&letter));
    KEY_LENGTH <= word.len()
        && word.chars().all(letters)
        && !word.starts_with('/')
        && has(char::is_ascii_digit)
        && has(char::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_not_shown() {
        for (text, shown) in [
            ("no licence on host render-07", "no licence on host render-07"),
            ("login with password=hunter2 failed", "login with password=*** failed"),
            ("Authorization: Bearer abc.def", "Authorization: *** ***"),
            ("key 9f86d081884c7d659a2feaa0c55ad015 refused", "key *** refused"),
            (
                "/usr/lib/x86_64-linux-gnu/libssl.so.3: missing",
                "/usr/lib/x86_64-linux-gnu/libssl.so.3: missing",
            ),
        ] {
            assert_eq!(masked(text), shown);
        }
    }
}
