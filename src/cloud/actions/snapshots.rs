//! Snapshots of disks (chapter 快照SNAPSHOT相关 of a later page).
//!
//! ```
//! use farmscale::cloud::actions::snapshots;
//! assert!(snapshots::ALL.iter().all(|action| action.name.contains("Snapshot")));
//! ```

use super::{
    Action, Holds, Kind, PAGE_NUMBER, PAGE_SIZE, Param, Service, ZONE, ZONE_MAYBE, action, may,
    must, network_answers as answers, rules,
};

const SNAPSHOT: Param = must("SnapshotId", Kind::Text, "snapshot, `s-disk-…`");
const DISK: Param = must("DiskId", Kind::Text, "disk id, `disk-…`");
const OF_DISK: Param = may("DiskId", Kind::Text, "only of this disk");
const IN_REGION: Param = may("RegionCode", Kind::Text, "only in this region");
const RESERVED: Param = may("ReservedTime", Kind::Text, "Forever, or days; default 1");
const OPTIMIZED: Param = may("IsOptimized", Kind::Flag, "acceleration; default 0");

/// `DescribeSnapshotList`.
pub const LIST: Action = Action {
    source: "快照 1",
    quirks: "Pages stand at the top; `SnapshotIds` is JSON in a text.",
    in_document: false,
    ..action(
        Service::Ebs,
        "GET",
        "DescribeSnapshotList",
        "快照列表",
        "snapshots of disks",
        &[
            ZONE_MAYBE,
            may("SnapshotIds", Kind::JsonTexts, "only these"),
            IN_REGION,
            OF_DISK,
            PAGE_NUMBER,
            PAGE_SIZE,
        ],
        answers::SNAPSHOTS,
    )
};
/// `DescribeSnapshot`.
pub const ONE: Action = Action {
    source: "快照 2",
    in_document: false,
    ..action(
        Service::Ebs,
        "GET",
        "DescribeSnapshot",
        "快照详情",
        "everything about one snapshot",
        &[SNAPSHOT],
        answers::ONE_SNAPSHOT,
    )
};
/// `DescribeSnapshotChainList`.
pub const CHAINS: Action = Action {
    source: "快照 3",
    quirks: "How many snapshots a chain has is `SnapshotNum` in the table, `SnapshotNumber` in the \
             sample: both are read.",
    in_document: false,
    ..action(
        Service::Ebs,
        "GET",
        "DescribeSnapshotChainList",
        "快照链列表",
        "chains of snapshots: one a disk",
        &[
            ZONE_MAYBE,
            IN_REGION,
            OF_DISK,
            may("InstanceId", Kind::Text, "only of this machine's disks"),
            PAGE_NUMBER,
            PAGE_SIZE,
        ],
        answers::CHAINS,
    )
};
/// `DescribeSnapshotChain`.
pub const CHAIN: Action = Action {
    source: "快照 4",
    quirks: "`SnapshotSize` is a number in the list of chains and a text with its unit here \
             (`46.47GB`).",
    in_document: false,
    ..action(
        Service::Ebs,
        "GET",
        "DescribeSnapshotChain",
        "快照链详情",
        "one chain with its snapshots",
        &[
            OF_DISK,
            may("SnapshotChainId", Kind::Text, "chain, `sl-disk-…`"),
            PAGE_NUMBER,
            PAGE_SIZE,
        ],
        answers::CHAIN,
    )
};
/// `CreateSnapshot`.
pub const CREATE: Action = Action {
    changes: true,
    event: true,
    source: "快照 5",
    quirks: "`ReservedTime` is 1 day unless said.",
    in_document: false,
    rules: rules::SNAPSHOT_NAME,
    ..action(
        Service::Ebs,
        "POST",
        "CreateSnapshot",
        "创建快照",
        "makes a snapshot of a disk",
        &[
            DISK,
            may("SnapshotName", Kind::Text, "2–128 characters, not from auto; default its id"),
            RESERVED,
            OPTIMIZED,
        ],
        answers::SNAPSHOT_MADE,
    )
};
/// `RollbackDiskBySnapshot`.
pub const ROLLBACK: Action = Action {
    changes: true,
    event: true,
    source: "快照 6",
    quirks: "Starts the machine afterwards unless `AutoTurnOnInstance` is 0. The line *Action* \
             spells it `RollbackDiskBySnapShot`, heading and sample `…Snapshot`: that is sent, \
             and the simulated cloud takes both.",
    in_document: false,
    rules: rules::SNAPSHOT_NAME,
    ..action(
        Service::Ebs,
        "POST",
        "RollbackDiskBySnapshot",
        "快照回滚",
        "puts a disk back to a snapshot",
        &[
            DISK,
            SNAPSHOT,
            may(
                "NewSnapshot",
                Kind::Object(&[may("SnapshotName", Kind::Text, "its name"), RESERVED]),
                "made of what is there before",
            ),
            may("AutoTurnOnInstance", Kind::Flag, "starts the machine afterwards; default 1"),
        ],
        answers::SNAPSHOTS_CHANGE,
    )
};
/// `RenameSnapshot`.
pub const RENAME: Action = Action {
    changes: true,
    source: "快照 7",
    in_document: false,
    rules: rules::SNAPSHOT_NAME,
    ..action(
        Service::Ebs,
        "POST",
        "RenameSnapshot",
        "修改快照名称",
        "renames a snapshot, at once",
        &[SNAPSHOT, must("SnapshotName", Kind::Text, "the new one")],
        Holds::Nothing,
    )
};
/// `DeleteSnapshot`.
pub const DELETE: Action = Action {
    changes: true,
    event: true,
    source: "快照 8",
    in_document: false,
    ..action(
        Service::Ebs,
        "POST",
        "DeleteSnapshot",
        "删除快照",
        "deletes snapshots for good",
        &[
            must("SnapshotIds", Kind::Texts(100), "which"),
            may("DeleteBindImages", Kind::Bool, "the images made of them too"),
        ],
        answers::SNAPSHOTS_CHANGE,
    )
};
/// `DescribeSnapshotQuota`.
pub const QUOTA: Action = Action {
    source: "快照 9",
    quirks: "The sample names another action.",
    in_document: false,
    ..action(
        Service::Ebs,
        "GET",
        "DescribeSnapshotQuota",
        "快照配额",
        "how many snapshots a disk may have",
        &[DISK],
        answers::SNAPSHOT_QUOTA,
    )
};
/// `CreateImageBySnapshot`.
pub const CREATE_IMAGE: Action = Action {
    changes: true,
    event: true,
    source: "快照 10",
    quirks: "Of a system disk's snapshot, by the words of the sample's answer.",
    in_document: false,
    ..action(
        Service::Ebs,
        "POST",
        "CreateImageBySnapshot",
        "快照创建镜像",
        "makes an image of a snapshot",
        &[SNAPSHOT, must("ImageName", Kind::Label, "of the image"), OPTIMIZED],
        answers::IMAGE_OF_SNAPSHOT,
    )
};
/// `CopySnapshotCrossAZ`.
pub const COPY: Action = Action {
    changes: true,
    event: true,
    source: "快照 11",
    in_document: false,
    ..action(
        Service::Ebs,
        "POST",
        "CopySnapshotCrossAZ",
        "跨可用区复制快照",
        "copies a snapshot to another zone",
        &[SNAPSHOT, ZONE],
        answers::SNAPSHOT_MADE,
    )
};

/// All of them.
pub const ALL: &[Action] =
    &[LIST, ONE, CHAINS, CHAIN, CREATE, ROLLBACK, RENAME, DELETE, QUOTA, CREATE_IMAGE, COPY];
