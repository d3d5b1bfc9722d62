//! Refusals in the vendor's words: those of the error tables of the document (`cloud::error`), and
//! what is particular in brackets after them.

use crate::cloud::error;
use crate::model::Refusal;

/// A refused request: nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// HTTP status.
    pub http: u16,
    /// `Code`.
    pub code: &'static str,
    /// `Msg`.
    pub message: String,
    /// What it means: for worlds that do not go through HTTP.
    pub class: Refusal,
}

impl Fault {
    fn new(http: u16, code: &'static str, message: &str, class: Refusal) -> Self {
        Self { http, code, message: message.to_owned(), class }
    }

    /// With the status and the words that the document's table has for the code, and what is particular
    /// after them.
    fn told(code: &'static str, class: Refusal, particular: &str) -> Self {
        let told = error::code(code).and_then(|code| code.told);
        let (http, message) = told.unwrap_or((400, ""));
        Self::new(http, code, format!("{message} {particular}").trim(), class)
    }

    /// No stock. The document has no code for it; this one follows the family of prechecks.
    pub fn sold_out() -> Self {
        let message = "当前可用区该规格库存不足，已售罄";
        Self::new(403, "InvalidOperation.StockInsufficient", message, Refusal::SoldOut)
    }

    /// More machines than the account may have.
    pub fn quota(max: u32) -> Self {
        Self::told("MaxEcsCountExceed", Refusal::Quota, &format!("({max})"))
    }

    /// Not possible in the present state.
    pub fn wrong_state(status: &str) -> Self {
        Self::told(
            "InvalidOperation.InstanceStatusUnsupported",
            Refusal::Conflict,
            &format!("({status})"),
        )
    }

    /// Instances of one request lie in different zones.
    pub fn zone_mismatch() -> Self {
        Self::told("InvalidOperation.AzMismatch", Refusal::Config, "")
    }

    /// No such instance.
    pub fn no_instance(id: &str) -> Self {
        Self::told("InvalidResourceId.NotFound", Refusal::NotFound, &format!("({id})"))
    }

    /// No such event.
    pub fn no_event() -> Self {
        Self::told("InvalidEvent.NotFound", Refusal::NotFound, "")
    }

    /// No such zone.
    pub fn no_zone() -> Self {
        Self::told("InvalidAvailableZone.NotFound", Refusal::Config, "")
    }

    /// No such image in the zone.
    pub fn no_image() -> Self {
        Self::told("InvalidImage.NotFound", Refusal::Image, "")
    }

    /// No such private network.
    pub fn no_vpc() -> Self {
        Self::told("InvalidVpc.NotFound", Refusal::Config, "")
    }

    /// No such family in the zone, or not for this account.
    pub fn no_family() -> Self {
        Self::told("InvalidInstanceType.ValueNotSupported", Refusal::Config, "")
    }

    /// The family has no such size.
    pub fn no_size() -> Self {
        Self::told("InvalidInstanceSpec.ValueNotSupported", Refusal::Config, "")
    }

    /// The image's GPU driver is not the one the card needs.
    pub fn driver_mismatch() -> Self {
        let why = "(the image has another GPU driver than the specification)";
        Self::told("InvalidParameter", Refusal::Image, why)
    }

    /// The system disk's size is not a multiple of 8 GiB from 24 on.
    pub fn disk_size() -> Self {
        Self::told("InvalidDiskSize.ValueNotSupported", Refusal::Config, "")
    }

    /// A data disk below 24 GiB.
    pub fn disk_too_small() -> Self {
        Self::told("MinDiskSizeLess", Refusal::Config, "")
    }

    /// A data disk larger than there are.
    pub fn disk_too_large() -> Self {
        Self::told("MaxDiskSizeExceed", Refusal::Config, "")
    }

    /// More GiB than the zone allows. No code is documented for it.
    pub fn disk_quota(all: u32) -> Self {
        let why = format!("云盘配额不足，可用区总配额{all}GB");
        Self { class: Refusal::Quota, ..Self::invalid_operation(&why) }
    }

    /// No such disk: in the words of the vendor's own program.
    pub fn no_disk() -> Self {
        Self::new(400, "InvalidParameter", "云盘信息不存在", Refusal::NotFound)
    }

    /// No such snapshot.
    pub fn no_snapshot() -> Self {
        Self::new(400, "InvalidParameter", "快照信息不存在", Refusal::NotFound)
    }

    /// An eleventh snapshot of a disk.
    pub fn snapshot_quota(max: u32) -> Self {
        let why = format!("快照配额不足，单盘上限{max}");
        Self { class: Refusal::Quota, ..Self::invalid_operation(&why) }
    }

    /// No such region.
    pub fn no_region() -> Self {
        Self::told("InvalidRegion.NotFound", Refusal::Config, "")
    }

    /// No such test-money account.
    pub fn no_account() -> Self {
        Self::told("InvalidAccount.NotFound", Refusal::Auth, "")
    }

    /// A disk, or another disk of its machine, is being changed.
    pub fn busy_disk() -> Self {
        Self::invalid_operation("has another event, please wait")
    }

    /// A seventeenth data disk.
    pub fn too_many_disks() -> Self {
        Self::invalid_operation("最多挂载16块数据盘")
    }

    /// What no other code says: why stands in the message.
    pub fn invalid_operation(why: &str) -> Self {
        Self::told("InvalidOperation", Refusal::Conflict, &format!("({why})"))
    }

    /// Of a machine that is off without charge.
    pub fn off_without_charge() -> Self {
        let why = "(不计费关机期间不支持该操作)";
        Self::told("InvalidOperation.InstanceStatusUnsupported", Refusal::Conflict, why)
    }

    /// Done by itself to what lives and dies with its machine.
    pub fn system_disk() -> Self {
        Self::invalid_operation("系统盘不支持该操作")
    }

    /// No private address left.
    pub fn no_address() -> Self {
        Self { class: Refusal::Subnet, ..Self::invalid_operation("子网可用IP不足") }
    }

    /// A local system disk with cloud data disks.
    pub fn mixed_disks() -> Self {
        Self::told("UnSupportedMixingLocalAndEbs", Refusal::Config, "")
    }

    /// No money left (a code of sister products behind the same gateway).
    pub fn no_money() -> Self {
        Self::new(400, "NotEnoughBalance", "账户余额不足，请充值后重试", Refusal::Money)
    }

    /// More calls a second than allowed.
    pub fn throttled() -> Self {
        Self::new(429, "RequestLimitExceeded", "Too many requests.", Refusal::Throttled)
    }

    /// Not signed with a key of the account.
    pub fn signature() -> Self {
        let message = "The Signature does not match.";
        Self::new(401, "SignatureDoesNotMatch", message, Refusal::Auth)
    }

    /// Signed with another time than ours.
    pub fn expired() -> Self {
        Self::new(403, "RequestExpired", "The Timestamp has expired.", Refusal::Clock)
    }

    /// A refusal of this class, for worlds that order one.
    pub fn of_class(class: Refusal) -> Self {
        match class {
            Refusal::SoldOut => Self::sold_out(),
            Refusal::Quota => Self::quota(0),
            Refusal::Throttled => Self::throttled(),
            Refusal::Config => Self::no_size(),
            Refusal::Image => Self::no_image(),
            Refusal::Subnet => Self::no_address(),
            Refusal::Clock => Self::expired(),
            Refusal::Auth => Self::signature(),
            Refusal::Money => Self::no_money(),
            Refusal::Conflict | Refusal::NotFound | Refusal::NotSent | Refusal::Other => {
                Self { class, ..Self::invalid_operation("refused") }
            }
        }
    }

    /// A value that cannot be.
    pub fn parameter(name: &str) -> Self {
        Self::told("InvalidParameter", Refusal::Config, &format!("({name})"))
    }

    /// A value is missing.
    pub fn missing(name: &str) -> Self {
        Self::told("MissingParameter", Refusal::Config, &format!("({name})"))
    }
}
