//! What can go wrong with a call, and the one table from code and HTTP status to class.
//!
//! ```
//! use farmscale::cloud::error::classify;
//! use farmscale::model::Refusal;
//!
//! assert_eq!(classify(403, "InvalidOperation", "库存不足"), Refusal::SoldOut);
//! assert_eq!(classify(404, "InvalidImage.NotFound", ""), Refusal::Image);
//! ```

use crate::model::Refusal;

/// A call that brought no answer to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The request did not reach the server: nothing was done.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The server refused, in its own words.
    #[error("{code} (HTTP {http}): {message}")]
    Refused {
        /// What to make of it.
        class: Refusal,
        /// HTTP status.
        http: u16,
        /// The API's code.
        code: String,
        /// The API's message.
        message: String,
    },
    /// Nobody knows whether it was done: the answer was lost, late, or not the API's.
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// The answer came, but does not say what it should.
    #[error("answer not understood: {0}")]
    NotUnderstood(String),
}

impl CallError {
    /// Its class.
    pub fn class(&self) -> Refusal {
        match self {
            Self::NotSent(_) => Refusal::NotSent,
            Self::Refused { class, .. } => *class,
            Self::Unknown(_) | Self::NotUnderstood(_) => Refusal::Other,
        }
    }

    /// Whether the server did not like a parameter, rather than what was asked.
    pub fn is_about_a_parameter(&self) -> bool {
        matches!(self, Self::Refused { code, class, .. }
            if *class != Refusal::NotFound
                && matches!(code.as_str(), "MissingParameter" | "InvalidParameter"
                    | "InvalidParameter.IsNull"))
    }

    /// The same error in other words: cut, and without secrets.
    #[must_use]
    pub fn map_text(self, word: impl Fn(String) -> String) -> Self {
        match self {
            Self::NotSent(text) => Self::NotSent(word(text)),
            Self::Refused { class, http, code, message } => {
                Self::Refused { class, http, code: word(code), message: word(message) }
            }
            Self::Unknown(text) => Self::Unknown(word(text)),
            Self::NotUnderstood(text) => Self::NotUnderstood(word(text)),
        }
    }
}

/// Documented codes (`openapi-ecs-ebs`, error tables), and those of sibling products behind the
/// same gateway. Compared in full.
const CODES: &[(&str, Refusal)] = &[
    ("ParamParseError", Refusal::Config),
    ("MissingParameter", Refusal::Config),
    ("InvalidParameter", Refusal::Config),
    ("InvalidParameter.IsNull", Refusal::Config),
    ("UnsupportedHTTPMethod", Refusal::Config),
    ("UnsupportedAction", Refusal::Config),
    ("MaxEcsCountExceed", Refusal::Quota),
    ("InvalidInstanceSpec.ValueNotSupported", Refusal::Config),
    ("InvalidInstanceType.ValueNotSupported", Refusal::Config),
    ("InvalidInstanceType.ValueUnauthorized", Refusal::Config),
    ("MaxDiskSizeExceed", Refusal::Config),
    ("MinDiskSizeLess", Refusal::Config),
    ("InvalidDiskSize.ValueNotSupported", Refusal::Config),
    ("UnSupportedMixingLocalAndEbs", Refusal::Config),
    ("InvalidPassword.Malformed", Refusal::Config),
    ("InvalidOperation", Refusal::Conflict),
    ("InvalidOperation.VpcMismatch", Refusal::Config),
    ("InvalidOperation.AzMismatch", Refusal::Config),
    ("InvalidOperation.InstanceStatusUnsupported", Refusal::Conflict),
    ("IncorrectInstanceStatus", Refusal::Conflict),
    ("ResourceInUse", Refusal::Conflict),
    ("InvalidUser.NotFound", Refusal::Auth),
    ("InvalidAccount.NotFound", Refusal::Auth),
    ("InvalidRegion.NotFound", Refusal::Config),
    ("InvalidAvailableZone.NotFound", Refusal::Config),
    ("InvalidVpc.NotFound", Refusal::Subnet),
    ("InvalidSubnet.NotFound", Refusal::Subnet),
    ("InvalidImage.NotFound", Refusal::Image),
    ("InvalidEvent.InvalidUrl.NotFound", Refusal::Config),
    ("InvalidResourceId.NotFound", Refusal::NotFound),
    ("InvalidEcsId.NotFound", Refusal::NotFound),
    ("InvalidEvent.NotFound", Refusal::NotFound),
    ("ResourceNotFound", Refusal::NotFound),
    ("InstanceNotFound", Refusal::NotFound),
    ("Account.Arrearage", Refusal::Money),
    ("NotEnoughBalance", Refusal::Money),
    ("Region.NotOnSale", Refusal::SoldOut),
    ("Zone.NotOnSale", Refusal::SoldOut),
];

/// Words in a code or message that tell the class of what is documented nowhere: sold out, quota,
/// signature, rate. First match wins.
const WORDS: &[(&str, Refusal)] = &[
    ("售罄", Refusal::SoldOut),
    ("库存", Refusal::SoldOut),
    ("资源不足", Refusal::SoldOut),
    ("soldout", Refusal::SoldOut),
    ("sold out", Refusal::SoldOut),
    ("sellout", Refusal::SoldOut),
    ("insufficient", Refusal::SoldOut),
    ("notonsale", Refusal::SoldOut),
    ("余额", Refusal::Money),
    ("欠费", Refusal::Money),
    ("arrear", Refusal::Money),
    ("balance", Refusal::Money),
    ("配额", Refusal::Quota),
    ("quota", Refusal::Quota),
    ("throttl", Refusal::Throttled),
    ("too many requests", Refusal::Throttled),
    ("limitexceeded", Refusal::Throttled),
    ("exceed", Refusal::Quota),
    ("子网", Refusal::Subnet),
    ("subnet", Refusal::Subnet),
    ("镜像", Refusal::Image),
    ("image", Refusal::Image),
    ("expired", Refusal::Clock),
    ("timestamp", Refusal::Clock),
    ("signature", Refusal::Auth),
    ("accesskey", Refusal::Auth),
    ("nonce", Refusal::Auth),
    ("信息不存在", Refusal::NotFound),
    ("notfound", Refusal::NotFound),
];

/// Every code with a class of its own.
pub fn codes() -> &'static [(&'static str, Refusal)] {
    CODES
}

/// The class of a refusal.
pub fn classify(http: u16, code: &str, message: &str) -> Refusal {
    let known = CODES.iter().find(|(name, _)| *name == code).map(|(_, class)| *class);
    // `InvalidParameter` and `InvalidOperation` are catch-alls: the message knows better.
    let vague = matches!(code, "InvalidParameter" | "InvalidOperation");
    if let Some(class) = known.filter(|_| !vague) {
        return class;
    }
    let text = format!("{code} {message}").to_lowercase();
    let by_word = WORDS.iter().find(|(word, _)| text.contains(word)).map(|(_, class)| *class);
    by_word.or(known).unwrap_or(match http {
        401 => Refusal::Auth,
        402 => Refusal::Money,
        404 => Refusal::NotFound,
        409 => Refusal::Conflict,
        429 => Refusal::Throttled,
        _ => Refusal::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_codes_have_their_class_and_vague_ones_are_read_closer() {
        assert_eq!(classify(400, "MaxEcsCountExceed", ""), Refusal::Quota);
        assert_eq!(classify(400, "InvalidParameter", "云盘信息不存在"), Refusal::NotFound);
        assert_eq!(classify(400, "InvalidParameter", "Size"), Refusal::Config);
        assert_eq!(classify(403, "InvalidOperation", "库存不足"), Refusal::SoldOut);
        assert_eq!(classify(403, "InvalidOperation", "busy"), Refusal::Conflict);
        assert_eq!(classify(403, "InvalidOperation", "子网可用IP不足"), Refusal::Subnet);
        assert_eq!(classify(404, "InvalidImage.NotFound", ""), Refusal::Image);
        assert_eq!(classify(400, "InvalidParameter", "镜像信息不存在"), Refusal::Image);
        assert_eq!(classify(403, "RequestExpired", "The Timestamp has expired."), Refusal::Clock);
        assert_eq!(classify(429, "X", ""), Refusal::Throttled);
        assert_eq!(classify(403, "SignatureDoesNotMatch", ""), Refusal::Auth);
        assert_eq!(classify(418, "Teapot", ""), Refusal::Other);
    }
}
