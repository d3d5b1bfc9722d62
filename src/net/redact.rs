//! What must not be shown: keys, passwords, tokens, and texts longer than people read.

/// So many characters of a text are looked at, however long it is.
const READ_MAX: usize = 64 << 10;

/// Texts that must not appear in anything people see.
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

impl Secrets {
    /// One more. Short texts are left out: blanking every `a` would hide the message and show the
    /// secret.
    pub fn add(&mut self, secret: &str) {
        if 3 < secret.len() {
            self.0.push(secret.to_owned());
            self.0.sort_by_key(|text| std::cmp::Reverse(text.len()));
        }
    }

    /// These, and one more.
    #[must_use]
    pub fn with(&self, secret: Option<&str>) -> Self {
        let mut more = self.clone();
        more.add(secret.unwrap_or_default());
        more
    }

    /// What stands in a URL besides the place: user, password, query.
    pub fn add_url(&mut self, url: &reqwest::Url) {
        self.add(url.password().unwrap_or_default());
        self.add(url.query().unwrap_or_default());
        for (_, value) in url.query_pairs() {
            self.add(&value);
        }
    }

    /// A text for people: without secrets, in one line, of at most `max` characters.
    pub fn clean(&self, text: &str, max: usize) -> String {
        let mut text = without_credentials(&one_line(text, READ_MAX));
        for secret in &self.0 {
            text = text.replace(secret.as_str(), "***");
        }
        cut(&text, max)
    }
}

/// Blanks what stands between `://` and `@` in any URL of a text.
pub fn without_credentials(text: &str) -> String {
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

/// White space of any kind and length becomes one blank; at most `max` characters.
pub fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if max.saturating_mul(4) < line.len() {
            break; // no character is longer than four bytes
        }
    }
    cut(&line, max)
}

/// At most `max` characters, with a mark where something is missing.
pub fn cut(text: &str, max: usize) -> String {
    if text.len() <= max || text.chars().nth(max).is_none() {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(std::iter::once('…')).collect()
}

/// A URL as it may be shown: no user, no password, no query.
pub fn shown(url: &reqwest::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cleaned_text_holds_no_secret_and_is_one_short_line() {
        let mut secrets = Secrets::default();
        secrets.add("tok-123456");
        let long = "x".repeat(400);
        let text =
            format!("no\n\nway to redis://joe:pa ss@h:1/2 http://u:pw@h/?a tok-123456 {long}");
        let clean = secrets.clean(&text, 300);
        let expected = "no way to redis://joe:pa ss@h:1/2 http://***@h/?a *** xxx";
        assert!(clean.starts_with(expected), "{clean}");
        assert_eq!(clean.chars().count(), 300);
        assert_eq!(format!("{secrets:?}"), "1 secrets");
    }

    #[test]
    fn a_text_without_an_end_is_not_read_to_its_end() {
        let endless = "y".repeat(15 << 20);
        assert_eq!(Secrets::default().clean(&endless, 80).chars().count(), 80);
    }

    #[test]
    fn a_text_is_cut_by_characters_and_marked() {
        assert_eq!(cut("渲染农场", 4), "渲染农场");
        assert_eq!(cut("渲染农场", 3), "渲染…");
        assert_eq!(one_line(" a \t\n b ", 9), "a b");
        assert_eq!(one_line(&"农 ".repeat(1_000_000), 5).chars().count(), 5);
    }
}
