//! Refusals in the vendor's words (reference: the error tables of the ECS document).

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

    /// No stock. The document has no code for it; this one follows the family of prechecks.
    pub fn sold_out() -> Self {
        let message = "当前可用区该规格库存不足，已售罄";
        Self::new(403, "InvalidOperation.StockInsufficient", message, Refusal::SoldOut)
    }

    /// More machines than the account may have.
    pub fn quota(max: u32) -> Self {
        let message = format!("The number of instances exceeds the maximum of {max}.");
        Self::new(400, "MaxEcsCountExceed", &message, Refusal::Quota)
    }

    /// Not possible in the present state.
    pub fn wrong_state(status: &str) -> Self {
        let message = format!("The instance status {status} does not support this operation.");
        Self::new(403, "InvalidOperation.InstanceStatusUnsupported", &message, Refusal::Conflict)
    }

    /// Instances of one request lie in different zones.
    pub fn zone_mismatch() -> Self {
        let message = "The instances are not in the same available zone.";
        Self::new(403, "InvalidOperation.AzMismatch", message, Refusal::Config)
    }

    /// No such instance.
    pub fn no_instance(id: &str) -> Self {
        let message = format!("The specified resource {id} does not exist.");
        Self::new(404, "InvalidResourceId.NotFound", &message, Refusal::NotFound)
    }

    /// No such event.
    pub fn no_event() -> Self {
        let message = "The specified event does not exist.";
        Self::new(404, "InvalidEvent.NotFound", message, Refusal::NotFound)
    }

    /// No such zone.
    pub fn no_zone() -> Self {
        let message = "The specified available zone does not exist.";
        Self::new(404, "InvalidAvailableZone.NotFound", message, Refusal::Config)
    }

    /// No such image in the zone.
    pub fn no_image() -> Self {
        let message = "The specified image does not exist.";
        Self::new(404, "InvalidImage.NotFound", message, Refusal::Image)
    }

    /// No such private network.
    pub fn no_vpc() -> Self {
        let message = "The specified VPC does not exist.";
        Self::new(404, "InvalidVpc.NotFound", message, Refusal::Config)
    }

    /// No such family in the zone, or not for this account.
    pub fn no_family() -> Self {
        let message = "The instance type is not supported or not authorised.";
        Self::new(400, "InvalidInstanceType.ValueNotSupported", message, Refusal::Config)
    }

    /// The family has no such size.
    pub fn no_size() -> Self {
        let message = "The instance specification is not supported.";
        Self::new(400, "InvalidInstanceSpec.ValueNotSupported", message, Refusal::Config)
    }

    /// The image's GPU driver is not the one the card needs.
    pub fn driver_mismatch() -> Self {
        let message = "The image does not support the GPU driver of the specification.";
        Self::new(400, "InvalidParameter", message, Refusal::Image)
    }

    /// The system disk's size is not a multiple of 8 GiB from 24 on.
    pub fn disk_size() -> Self {
        let message = "The disk size is not supported.";
        Self::new(400, "InvalidDiskSize.ValueNotSupported", message, Refusal::Config)
    }

    /// A data disk below 24 GiB.
    pub fn disk_too_small() -> Self {
        let message = "The specified disk size is below the minimum capacity of the disk.";
        Self::new(400, "MinDiskSizeLess", message, Refusal::Config)
    }

    /// A data disk larger than there are.
    pub fn disk_too_large() -> Self {
        let message = "The specified disk size exceeds the maximum capacity of the disk.";
        Self::new(400, "MaxDiskSizeExceed", message, Refusal::Config)
    }

    /// More GiB than the zone allows. No code is documented for it.
    pub fn disk_quota(all: u32) -> Self {
        let message = format!("云盘配额不足，可用区总配额{all}GB");
        Self::new(403, "InvalidOperation", &message, Refusal::Quota)
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
        let message = format!("快照配额不足，单盘上限{max}");
        Self::new(403, "InvalidOperation", &message, Refusal::Quota)
    }

    /// No such region.
    pub fn no_region() -> Self {
        let message = "The specified region does not exist.";
        Self::new(404, "InvalidRegion.NotFound", message, Refusal::Config)
    }

    /// No such test-money account.
    pub fn no_account() -> Self {
        let message = "The specified account does not exist.";
        Self::new(404, "InvalidAccount.NotFound", message, Refusal::Auth)
    }

    /// A disk, or another disk of its machine, is being changed.
    pub fn busy_disk() -> Self {
        Self::invalid_operation("has another event, please wait")
    }

    /// A seventeenth data disk.
    pub fn too_many_disks() -> Self {
        Self::invalid_operation("最多挂载16块数据盘")
    }

    /// What no other code says.
    pub fn invalid_operation(message: &str) -> Self {
        Self::new(403, "InvalidOperation", message, Refusal::Conflict)
    }

    /// No private address left.
    pub fn no_address() -> Self {
        Self { class: Refusal::Subnet, ..Self::invalid_operation("子网可用IP不足") }
    }

    /// A local system disk with cloud data disks.
    pub fn mixed_disks() -> Self {
        let message = "Mixing local disks and cloud disks is not supported.";
        Self::new(400, "UnSupportedMixingLocalAndEbs", message, Refusal::Config)
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
        let message = format!("The parameter {name} is not valid.");
        Self::new(400, "InvalidParameter", &message, Refusal::Config)
    }

    /// A value is missing.
    pub fn missing(name: &str) -> Self {
        let message = format!("Missing required parameter {name}.");
        Self::new(400, "MissingParameter", &message, Refusal::Config)
    }
}
