//! The one place that reads the environment; settings themselves come from `config`.

use secrecy::SecretString;

use crate::cloud::Credentials;

/// Names of the key in the environment: ours, then the vendor's own.
const KEY_IDS: [&str; 2] = ["FARMSCALE_ACCESS_KEY_ID", "CDS_SECRET_ID"];
/// Likewise for the secret.
const KEY_SECRETS: [&str; 2] = ["FARMSCALE_ACCESS_KEY_SECRET", "CDS_SECRET_KEY"];

/// Everything in the environment that reads as text.
pub fn variables() -> std::collections::BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// One variable, if it is set and not empty.
pub fn variable(name: &str) -> Option<String> {
    variables().remove(name).filter(|value| !value.is_empty())
}

/// The access key, if the environment holds one.
pub fn credentials() -> Option<Credentials> {
    let first = |names: [&str; 2]| names.into_iter().find_map(variable).map(SecretString::from);
    Some(Credentials { access_key_id: first(KEY_IDS)?, access_key_secret: first(KEY_SECRETS)? })
}
