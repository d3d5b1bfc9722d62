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

/// A code that a refusal may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// As the API spells it; compared in full.
    pub name: &'static str,
    /// What is done about it.
    pub class: Refusal,
    /// HTTP status and message by the document's tables; `None` = of a sister product behind the same
    /// gateway.
    pub told: Option<(u16, &'static str)>,
}

const fn doc(name: &'static str, class: Refusal, http: u16, message: &'static str) -> Code {
    Code { name, class, told: Some((http, message)) }
}

const fn sister(name: &'static str, class: Refusal) -> Code {
    Code { name, class, told: None }
}

/// Every code with a class of its own.
const CODES: &[Code] = &[
    doc("ParamParseError", Refusal::Config, 400, "Parameter parsing error."),
    doc("MissingParameter", Refusal::Config, 400, "Missing required parameter."),
    doc("InvalidParameter", Refusal::Config, 400, "The parameter is not valid."),
    doc("InvalidParameter.IsNull", Refusal::Config, 400, "Required parameter is empty."),
    doc(
        "UnsupportedHTTPMethod",
        Refusal::Config,
        400,
        "Action does not correspond to the request method.",
    ),
    doc("UnsupportedAction", Refusal::Config, 400, "Unsupported action."),
    doc("MaxEcsCountExceed", Refusal::Quota, 400, "Exceeding the maximum number of ECS available."),
    doc(
        "InvalidInstanceSpec.ValueNotSupported",
        Refusal::Config,
        400,
        "The specified InstanceSpec does not exist or beyond the permitted range.",
    ),
    doc(
        "InvalidInstanceType.ValueNotSupported",
        Refusal::Config,
        400,
        "The specified InstanceType does not exist or beyond the permitted range.",
    ),
    sister("InvalidInstanceType.ValueUnauthorized", Refusal::Config),
    doc(
        "MaxDiskSizeExceed",
        Refusal::Config,
        400,
        "The specified disk size exceeds the maximum capacity of the disk.",
    ),
    doc(
        "MinDiskSizeLess",
        Refusal::Config,
        400,
        "The specified disk size is below the minimum capacity of the disk.",
    ),
    doc(
        "InvalidDiskSize.ValueNotSupported",
        Refusal::Config,
        400,
        "The specified DiskSize does not exist or beyond the permitted range.",
    ),
    doc(
        "UnSupportedMixingLocalAndEbs",
        Refusal::Config,
        400,
        "Mixing local disks and cloud disks is not supported.",
    ),
    sister("InvalidPassword.Malformed", Refusal::Config),
    doc(
        "InvalidOperation",
        Refusal::Conflict,
        403,
        "The operation fails to pass the inspection and is invalid.",
    ),
    doc(
        "InvalidOperation.VpcMismatch",
        Refusal::Config,
        403,
        "The operation is invalid. The resources of the operation are not in the same VPC.",
    ),
    doc(
        "InvalidOperation.AzMismatch",
        Refusal::Config,
        403,
        "The operation is invalid.The resources of the operation are not in the same zone.",
    ),
    doc(
        "InvalidOperation.InstanceStatusUnsupported",
        Refusal::Conflict,
        403,
        "The instance state does not support the specified operation.",
    ),
    sister("IncorrectInstanceStatus", Refusal::Conflict),
    sister("ResourceInUse", Refusal::Conflict),
    doc(
        "InvalidUser.NotFound",
        Refusal::Auth,
        404,
        "The user information under the customer name does not exist.",
    ),
    doc("InvalidAccount.NotFound", Refusal::Auth, 404, "Customer information does not exist"),
    doc("InvalidRegion.NotFound", Refusal::Config, 404, "The specified region does not exist."),
    doc(
        "InvalidAvailableZone.NotFound",
        Refusal::Config,
        404,
        "The specified available zone does not exist.",
    ),
    doc("InvalidVpc.NotFound", Refusal::Subnet, 404, "The specified vpc does not exist."),
    sister("InvalidSubnet.NotFound", Refusal::Subnet),
    doc("InvalidImage.NotFound", Refusal::Image, 404, "The specified image does not exist."),
    doc(
        "InvalidEvent.InvalidUrl.NotFound",
        Refusal::Config,
        404,
        "The specified url does not exist",
    ),
    doc(
        "InvalidResourceId.NotFound",
        Refusal::NotFound,
        404,
        "The specified resource zone does not exist",
    ),
    sister("InvalidEcsId.NotFound", Refusal::NotFound),
    doc("InvalidEvent.NotFound", Refusal::NotFound, 404, "The specified event does not exist."),
    sister("ResourceNotFound", Refusal::NotFound),
    sister("InstanceNotFound", Refusal::NotFound),
    sister("Account.Arrearage", Refusal::Money),
    sister("NotEnoughBalance", Refusal::Money),
    sister("Region.NotOnSale", Refusal::SoldOut),
    sister("Zone.NotOnSale", Refusal::SoldOut),
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
pub fn codes() -> &'static [Code] {
    CODES
}

/// The code of this name.
pub fn code(name: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.name == name)
}

/// The class of a refusal.
pub fn classify(http: u16, code: &str, message: &str) -> Refusal {
    let known = self::code(code).map(|known| known.class);
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
