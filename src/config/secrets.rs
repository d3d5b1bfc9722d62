//! Secrets: a systemd credential first, then a file only its owner may read, then the environment
//! with a warning.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::reader::{Reader, private_file};
use crate::cloud::Credentials;

/// Where systemd puts what `LoadCredential=` names.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";
/// The key's credential: its id on the first line, its secret on the second.
const CLOUD_KEY: &str = "cloud.key";
/// The page's credential.
const PAGE_TOKEN: &str = "page.token";
/// A shorter token may be guessed.
const TOKEN_MIN: usize = 16;
/// The key in the environment, ours and the vendor's own names.
const KEY_NAMES: [(&str, &str); 2] = [
    ("FARMSCALE_ACCESS_KEY_ID", "FARMSCALE_ACCESS_KEY_SECRET"),
    ("CDS_SECRET_ID", "CDS_SECRET_KEY"),
];

/// The access key.
pub(super) fn key(
    cloud: &mut Reader<'_>,
    environment: &BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> Credentials {
    let file = cloud.text_or_none("key_file");
    let text = credential(environment, CLOUD_KEY)
        .or_else(|| file.and_then(|file| private_file(cloud, "key_file", Path::new(&file))));
    if let Some(text) = text {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let (id, secret) = (lines.next(), lines.next());
        if let (Some(id), Some(secret)) = (id, secret) {
            return credentials(id, secret);
        }
        cloud.fault("key_file", "must hold the key's id on one line and its secret on the next");
        return credentials("", "");
    }
    for (id, secret) in KEY_NAMES {
        if let (Some(id_given), Some(secret_given)) = (environment.get(id), environment.get(secret))
        {
            warnings.push(format!(
                "the access key comes from the environment ({id}), where other processes of this \
                 user can read it: better put it into a file of mode 0600 and set cloud.key_file"
            ));
            return credentials(id_given, secret_given);
        }
    }
    cloud.fault(
        "key_file",
        "is missing: name a file of mode 0600 with the access key's id on one line and its secret \
         on the next (or set FARMSCALE_ACCESS_KEY_ID and FARMSCALE_ACCESS_KEY_SECRET)",
    );
    credentials("", "")
}

/// The page's token, where one is wanted.
pub(super) fn token(
    page: &mut Reader<'_>,
    environment: &BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> Option<SecretString> {
    let file = page.text_or_none("token_file");
    let text = credential(environment, PAGE_TOKEN)
        .or_else(|| file.and_then(|file| private_file(page, "token_file", Path::new(&file))));
    let (text, from) = match (text, environment.get("FARMSCALE_PAGE_TOKEN")) {
        (Some(text), _) => (text, "the file"),
        (None, Some(token)) => {
            let better = "the page's token comes from the environment: better set page.token_file";
            warnings.push(better.into());
            (token.clone(), "FARMSCALE_PAGE_TOKEN")
        }
        (None, None) => return None,
    };
    let token = text.trim();
    let length = token.chars().count();
    if length < TOKEN_MIN {
        let what = format!(
            "{from} holds {length} characters: a token that is not guessed has at least \
             {TOKEN_MIN}; `openssl rand -hex 16` makes one"
        );
        page.fault("token_file", what);
        return None;
    }
    Some(token.into())
}

/// A fixed password from a file.
pub(super) fn password(pool: &mut Reader<'_>) -> Option<SecretString> {
    let file = pool.text_or_none("password_file")?;
    let text = private_file(pool, "password_file", Path::new(&file))?;
    let password = text.trim();
    if !(8..=30).contains(&password.chars().count()) {
        pool.fault("password_file", "must hold a password of 8 to 30 characters");
        return None;
    }
    Some(password.into())
}

fn credentials(id: &str, secret: &str) -> Credentials {
    Credentials { access_key_id: id.into(), access_key_secret: secret.into() }
}

fn credential(environment: &BTreeMap<String, String>, name: &str) -> Option<String> {
    let path = PathBuf::from(environment.get(CREDENTIALS_DIRECTORY)?).join(name);
    std::fs::read_to_string(path).ok()
}
