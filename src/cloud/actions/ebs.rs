//! Cloud disks (chapter 云盘EBS).
//!
//! ```
//! use farmscale::cloud::actions::ebs;
//! assert!(ebs::ALL.iter().any(|action| action.changes));
//! ```

use super::{
    Action, Kind, PAGE_NUMBER, PAGE_SIZE, Param, Service, ZONE, ZONE_MAYBE, action, answers, may,
    must, rules,
};

const DISK_IDS: Param = must("DiskIds", Kind::Texts(100), "disk ids, `disk-…`");
const DISK_ID: Param = must("DiskId", Kind::Text, "disk id, `disk-…`");
const INSTANCE_ID: Param = must("InstanceId", Kind::Text, "instance id, `ins-…`").or("EcsId");
const RELEASE: Param =
    may("ReleaseWithInstance", Kind::Flag, "deleted with the instance; default 1");
/// Tables and samples disagree in three actions.
const INSTANCE_OR_ECS: &str = "`InstanceId` in the table, `EcsId` in the sample: `InstanceId` is \
             sent, and once more as \
             `EcsId` if the server says that a parameter is missing or invalid.";

/// `CreateDisk`.
pub const CREATE: Action = Action {
    changes: true,
    event: true,
    quirks: "`SSD` in capitals here, `ssd` in ECS: compared without case. `InstanceId` in the \
             table, \
             `EcsId` in the vendor's program.",
    source: "EBS 1",
    rules: rules::DISK_SIZE,
    ..action(
        Service::Ebs,
        "POST",
        "CreateDisk",
        "创建云盘",
        "makes data disks",
        &[
            ZONE,
            must("DiskFeature", Kind::OneOf(&["SSD"]), "only SSD exists"),
            must("Size", Kind::Gib, "GiB; from 24 in steps of 8"),
            may("InstanceId", Kind::Text, "attached to this machine of the same zone").or("EcsId"),
            RELEASE,
            may("DiskName", Kind::Name, "default ssd_<date>"),
            may("SnapshotId", Kind::Text, "made from this snapshot of a data disk"),
            may("Number", Kind::Usual(1, 100), "disks; default 1"),
            may("BillingMethod", Kind::OneOf(&["0"]), "only on demand exists"),
        ],
        answers::DISKS_MADE,
    )
};
/// `DeleteDisk`.
pub const DELETE: Action = Action {
    changes: true,
    event: true,
    quirks: "The sample forgets to send its body.",
    source: "EBS 2",
    ..action(
        Service::Ebs,
        "POST",
        "DeleteDisk",
        "删除云盘",
        "deletes data disks for good",
        &[DISK_IDS, may("DeleteSnapshot", Kind::Flag, "its passing snapshots too; default 0")],
        answers::DISKS_TAKEN_ON,
    )
};
/// `DetachDisk`.
pub const DETACH: Action = Action {
    changes: true,
    event: true,
    source: "EBS 3",
    ..action(
        Service::Ebs,
        "POST",
        "DetachDisk",
        "卸载云盘",
        "takes data disks off their machines",
        &[DISK_IDS],
        answers::DISKS_TAKEN_ON,
    )
};
/// `AttachDisk`.
pub const ATTACH: Action = Action {
    changes: true,
    event: true,
    quirks: INSTANCE_OR_ECS,
    source: "EBS 4",
    ..action(
        Service::Ebs,
        "POST",
        "AttachDisk",
        "挂载云盘",
        "attaches data disks to a machine",
        &[DISK_IDS, INSTANCE_ID, RELEASE],
        answers::DISKS_TAKEN_ON,
    )
};
/// `ExtendDisk`.
pub const EXTEND: Action = Action {
    changes: true,
    event: true,
    source: "EBS 5",
    rules: rules::DISK_SIZE,
    ..action(
        Service::Ebs,
        "POST",
        "ExtendDisk",
        "云盘扩容",
        "makes a disk larger",
        &[DISK_ID, must("ExtendedSize", Kind::Gib, "GiB; more than now, in steps of 8")],
        answers::TAKEN_ON,
    )
};
/// `DescribeDiskQuota`.
pub const QUOTA: Action = Action {
    source: "EBS 6",
    ..action(
        Service::Ebs,
        "GET",
        "DescribeDiskQuota",
        "云盘配额",
        "how many GiB of disk a zone allows",
        &[ZONE],
        answers::QUOTA,
    )
};
/// `DescribeDiskList`.
pub const LIST: Action = Action {
    quirks: "Both verbs are documented, GET is sent; `DiskIds` is JSON in a text. Pages stand at \
             the \
             top, not in `Data`.",
    source: "EBS 7",
    columns: &[
        "DiskId",
        "DiskName",
        "Size",
        "Status",
        "Property",
        "EcsId",
        "EcsName",
        "AvailableZoneCode",
    ],
    ..action(
        Service::Ebs,
        "GET",
        "DescribeDiskList",
        "云盘列表",
        "disks, found by zone, region or id",
        &[
            ZONE_MAYBE,
            may("RegionCode", Kind::Text, "only in this region"),
            may("DiskIds", Kind::JsonTexts, "only these disks"),
            PAGE_NUMBER,
            PAGE_SIZE,
        ],
        answers::DISKS,
    )
};
/// `DescribeDisk`.
pub const ONE: Action = Action {
    quirks: "A disk that is gone is `InvalidParameter` with 云盘信息不存在 in the message: read as \
             not found.",
    source: "EBS 8",
    ..action(
        Service::Ebs,
        "GET",
        "DescribeDisk",
        "云盘详情",
        "everything about one disk",
        &[DISK_ID],
        answers::DISK,
    )
};
/// `DescribeEcsAttachDisks`.
pub const ATTACHED: Action = Action {
    quirks: INSTANCE_OR_ECS,
    source: "EBS 9",
    ..action(
        Service::Ebs,
        "GET",
        "DescribeEcsAttachDisks",
        "实例挂载的云盘",
        "the disks of a machine",
        &[INSTANCE_ID],
        answers::DISKS,
    )
};
/// `DescribeEvent` of disks.
pub const EVENT: Action = Action {
    quirks: "As the ECS action of the same name.",
    source: "EBS 10",
    ..action(
        Service::Ebs,
        "GET",
        "DescribeEvent",
        "云盘事件信息",
        "how far a change of a disk is",
        &[must("EventId", Kind::Text, "as a change answered it")],
        answers::EVENT,
    )
};

/// All of them.
pub const ALL: &[Action] =
    &[CREATE, DELETE, DETACH, ATTACH, EXTEND, QUOTA, LIST, ONE, ATTACHED, EVENT];
