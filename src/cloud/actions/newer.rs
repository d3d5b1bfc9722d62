//! Actions that 首云公开API文档 does not have: of later pages (快照, ECS安全组, 私有网络概览), or of the
//! vendor's newest program alone.

use super::{
    Action, Holds, Kind, PAGE_NUMBER, PAGE_SIZE, Param, REGION, Service, ZONE_MAYBE, action, may,
    must, network_answers as answers,
};

const EIP_ID: Param = must("EIPId", Kind::Text, "id of the address, not the address");
const GROUP: Param = must("SecurityGroupId", Kind::Text, "security group, `sg-…`");
const SNAPSHOT: Param = must("SnapshotId", Kind::Text, "snapshot, `s-disk-…`");
const DISK: Param = must("DiskId", Kind::Text, "disk id, `disk-…`");
const RESERVED: Param = may("ReservedTime", Kind::Text, "Forever, or days; default 1");
const POLICY: &[Param] = &[
    must("Protocol", Kind::Text, "such as tcp; icmp has port 1/1"),
    must("Port", Kind::Text, "from/to, such as 22/22"),
    must("Priority", Kind::Number(1, 100), "the lowest number counts first"),
    must("CidrBlock", Kind::Text, "a network or an address"),
    must("Status", Kind::Bool, "true = allowed, false = refused"),
    may("PolicyDescription", Kind::Text, "for people"),
];
const POLICIES: &[Param] = &[
    may("Ingress", Kind::Objects(POLICY), "of what comes in"),
    may("Egress", Kind::Objects(POLICY), "of what goes out"),
];
const INSTANCES: &[Param] = &[
    must("InstanceId", Kind::Text, "machine"),
    must("SecurityGroupPriority", Kind::Number(1, 5), "once a machine"),
];

/// `CreateEIP`.
pub const CREATE_EIP: Action = Action {
    changes: true,
    source: "VPC 11",
    quirks: "No event: there at once. The schemes really are spelt `BandwIdth…`; `ProjectId` is \
             the client's alone.",
    in_document: false,
    ..action(
        Service::Vpc,
        "POST",
        "CreateEIP",
        "创建公网IP",
        "makes public addresses",
        &[
            REGION,
            must("BandwidthType", Kind::Text, "line, such as Bandwidth_China_Telecom"),
            must(
                "BillScheme",
                Kind::OneOf(&["BandwIdth", "BandwIdthMonth", "Traffic"]),
                "fixed bandwidth, the same by the month, by traffic",
            ),
            must("Qos", Kind::Usual(1, 10_000), "Mbit/s"),
            must("Size", Kind::Usual(1, 100), "how many"),
            may("AvailableZoneCode", Kind::Text, "edge zones: required; others: not"),
            may("Description", Kind::Text, "all of a name it has"),
            may("SubjectId", Kind::Text, "test-money account; a number in the document"),
            may("ProjectId", Kind::Usual(0, u32::MAX), "project").of_client(),
        ],
        answers::NEW_EIPS,
    )
};
/// `UpdateEIP`.
pub const UPDATE_EIP: Action = Action {
    changes: true,
    source: "VPC 12",
    quirks: "Answers `TaskId` beside `Data`, which is empty; DescribeTask follows it.",
    in_document: false,
    ..action(
        Service::Vpc,
        "POST",
        "UpdateEIP",
        "变更公网IP",
        "changes an address's bandwidth or description",
        &[
            EIP_ID,
            may("Description", Kind::Text, "the new one"),
            may("Qos", Kind::Usual(1, 10_000), "Mbit/s"),
        ],
        Holds::Nothing,
    )
};
/// `DescribeTask`.
pub const TASK: Action = Action {
    source: "client",
    quirks: "Only the vendor's program calls it; which words `TaskStatus` has is told nowhere \
             (EKS says doing, finish, error).",
    in_document: false,
    ..action(
        Service::Vpc,
        "POST",
        "DescribeTask",
        "任务状态",
        "how far a change of a network is",
        &[must("TaskId", Kind::Text, "as a change answered it").of_client()],
        answers::TASK,
    )
};
/// `DescribeSnapshotList`.
pub const SNAPSHOTS: Action = Action {
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
            may("RegionCode", Kind::Text, "only in this region"),
            may("DiskId", Kind::Text, "only of this disk"),
            PAGE_NUMBER,
            PAGE_SIZE,
        ],
        answers::SNAPSHOTS,
    )
};
/// `DescribeSnapshot`.
pub const ONE_SNAPSHOT: Action = Action {
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
/// `CreateSnapshot`.
pub const CREATE_SNAPSHOT: Action = Action {
    changes: true,
    event: true,
    source: "快照 5",
    quirks: "`ReservedTime` is 1 day unless said.",
    in_document: false,
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
            may("IsOptimized", Kind::Flag, "acceleration; default 0"),
        ],
        answers::SNAPSHOT_MADE,
    )
};
/// `RollbackDiskBySnapshot`.
pub const ROLLBACK: Action = Action {
    changes: true,
    event: true,
    source: "快照 6",
    quirks: "Starts the machine afterwards unless `AutoTurnOnInstance` is 0. The heading spells it \
             `RollbackDiskBySnapShot`, the sample `…Snapshot`: the sample's is sent.",
    in_document: false,
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
pub const RENAME_SNAPSHOT: Action = Action {
    changes: true,
    source: "快照 7",
    in_document: false,
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
pub const DELETE_SNAPSHOTS: Action = Action {
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
pub const SNAPSHOT_QUOTA: Action = Action {
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
/// `CreateSecurityGroup`.
pub const CREATE_GROUP: Action = Action {
    changes: true,
    source: "ECS安全组 2",
    in_document: false,
    ..action(
        Service::SecurityGroups,
        "POST",
        "CreateSecurityGroup",
        "创建安全组",
        "makes a security group",
        &[
            must("SecurityGroupName", Kind::Text, "60 characters at most"),
            REGION,
            may("SecurityGroupDescription", Kind::Text, "128 characters at most"),
            may("GroupInterconnected", Kind::Bool, "its machines reach each other"),
        ],
        answers::GROUP_MADE,
    )
};
/// `DeleteSecurityGroup`.
pub const DELETE_GROUP: Action = Action {
    changes: true,
    source: "ECS安全组 4",
    quirks: "The sample sends its parameter in the address of a POST: both places are read by the \
             simulated cloud, a body is sent.",
    in_document: false,
    ..action(
        Service::SecurityGroups,
        "POST",
        "DeleteSecurityGroup",
        "删除安全组",
        "deletes a security group",
        &[GROUP],
        Holds::Nothing,
    )
};
/// `CreateSecurityGroupPolicies`.
pub const CREATE_POLICIES: Action = Action {
    changes: true,
    source: "ECS安全组 5",
    in_document: false,
    ..action(
        Service::SecurityGroups,
        "POST",
        "CreateSecurityGroupPolicies",
        "添加安全组规则",
        "adds rules to a security group",
        &[GROUP, may("SecurityGroupPolicySet", Kind::Object(POLICIES), "the rules")],
        Holds::Nothing,
    )
};
/// `DeleteSecurityGroupPolicies`.
pub const DELETE_POLICIES: Action = Action {
    changes: true,
    source: "ECS安全组 7",
    quirks: "Without `PolicyIds` EVERY rule of the group goes: the typed client requires them.",
    in_document: false,
    ..action(
        Service::SecurityGroups,
        "POST",
        "DeleteSecurityGroupPolicies",
        "删除安全组规则",
        "deletes rules of a security group",
        &[GROUP, may("PolicyIds", Kind::Texts(100), "omitted = EVERY rule")],
        Holds::Nothing,
    )
};
/// `AssociateSecurityGroups`.
pub const JOIN_GROUP: Action = Action {
    changes: true,
    source: "ECS安全组 9",
    in_document: false,
    ..action(
        Service::SecurityGroups,
        "POST",
        "AssociateSecurityGroups",
        "安全组绑定实例",
        "puts machines into a security group",
        &[GROUP, REGION, must("InstanceSet", Kind::Objects(INSTANCES), "the machines")],
        Holds::Nothing,
    )
};
/// `DisassociateSecurityGroups`.
pub const LEAVE_GROUP: Action = Action {
    changes: true,
    source: "ECS安全组 10",
    quirks: "The last group of a machine cannot be left.",
    in_document: false,
    ..action(
        Service::SecurityGroups,
        "POST",
        "DisassociateSecurityGroups",
        "安全组解绑实例",
        "takes machines out of a security group",
        &[GROUP, must("InstanceIds", Kind::Texts(100), "the machines")],
        Holds::Nothing,
    )
};

/// All of them.
pub const ALL: &[Action] = &[
    CREATE_EIP,
    UPDATE_EIP,
    TASK,
    SNAPSHOTS,
    ONE_SNAPSHOT,
    CREATE_SNAPSHOT,
    ROLLBACK,
    RENAME_SNAPSHOT,
    DELETE_SNAPSHOTS,
    SNAPSHOT_QUOTA,
    CREATE_GROUP,
    DELETE_GROUP,
    CREATE_POLICIES,
    DELETE_POLICIES,
    JOIN_GROUP,
    LEAVE_GROUP,
];
