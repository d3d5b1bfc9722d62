//! What the answers of networks, security groups, snapshots and tasks hold.

use super::holds::Holds::{self, Amount, Bool, List, Object, Text, Texts, Whole};
use super::holds::{Field, both, doc, sdk};

/// `DescribeSecurityGroups`; `TotalCount` stands beside `Data` too, with another number.
pub(super) const GROUPS: Holds = Object(&[
    doc("TotalCount", Whole),
    doc(
        "SecurityGroupSet",
        List(&[
            doc("SecurityGroupId", Text),
            doc("SecurityGroupName", Text),
            doc("SecurityGroupRegion", Text),
            doc("InstanceCount", Whole),
            doc("IpCount", Whole),
            doc("SecurityGroupDesc", Text),
            doc("CreatedTime", Text),
            doc("UpdateTime", Text),
            doc("GroupInterconnected", Bool),
        ]),
    ),
]);
const POLICY: &[Field] = &[
    doc("SecurityGroupId", Text),
    doc("PolicyID", Text).or("PolicyId"),
    doc("Protocol", Text),
    doc("PolicyDescription", Text),
    doc("Port", Text),
    doc("CidrBlock", Text),
    doc("Priority", Whole),
    doc("Status", Bool),
];
/// `DescribeSecurityGroupPolicies`.
pub(super) const RULES: Holds = Object(&[
    doc("SecurityGroupId", Text),
    doc(
        "SecurityGroupPolicySet",
        Object(&[doc("Ingress", List(POLICY)), doc("Egress", List(POLICY))]),
    ),
]);
/// `CreateSecurityGroup`.
pub(super) const GROUP_MADE: Holds = Object(&[doc("SecurityGroupId", Text)]);
/// `DescribeTask`.
pub(super) const TASK: Holds = Object(&[sdk("TaskStatus", Text), sdk("ResourceId", Text)]);
const SNAPSHOT: &[Field] = &[
    doc("SnapshotId", Text),
    doc("SnapshotName", Text),
    doc("DiskId", Text),
    doc("DiskName", Text),
    doc("DiskSize", Whole),
    doc("ReservedTime", Text),
    doc("SnapshotStatus", Text),
    doc("CreateTime", Text),
    doc("RegionCode", Text),
    doc("AvailableZoneCode", Text),
    doc("DiskProperty", Text),
    doc("IsOptimized", Whole).sometimes(), // not in a chain's
];
/// `DescribeSnapshotList`.
pub(super) const SNAPSHOTS: Holds = Object(&[doc("SnapshotList", List(SNAPSHOT))]);
/// `DescribeSnapshot`.
pub(super) const ONE_SNAPSHOT: Holds = Object(&[doc("SnapshotInfo", Object(SNAPSHOT))]);
/// `CreateSnapshot`.
pub(super) const SNAPSHOT_MADE: Holds = Object(&[doc("EventId", Text), doc("SnapshotId", Text)]);
/// `DescribeSnapshotQuota`.
pub(super) const SNAPSHOT_QUOTA: Holds = Object(&[
    doc("DiskId", Text),
    doc("TotalQuota", Whole),
    doc("UsedQuota", Whole),
    doc("FreeQuota", Whole),
]);
/// `DescribeSnapshotChainList`.
pub(super) const CHAINS: Holds = Object(&[doc(
    "SnapshotChainList",
    List(&[
        doc("BillingMethod", Text),
        doc("DiskId", Text),
        doc("DiskName", Text),
        doc("DiskSize", Whole),
        doc("InstanceId", Text),
        doc("InstanceName", Text),
        doc("SnapshotNumber", Whole).or("SnapshotNum"),
        doc("RegionCode", Text),
        doc("AvailableZoneCode", Text),
        doc("DiskProperty", Text),
        doc("SnapshotChainId", Text),
        doc("SnapshotSize", Amount),
    ]),
)]);
/// `DescribeSnapshotChain`.
pub(super) const CHAIN: Holds = Object(&[
    doc("DiskId", Text),
    doc("DiskName", Text),
    doc("DiskSize", Whole),
    doc("InstanceId", Text),
    doc("InstanceName", Text),
    doc("SnapshotSize", Text),
    doc("BillingMethod", Text),
    doc("SnapshotChainId", Text),
    doc("DiskProperty", Text),
    doc("SnapshotNum", Whole).or("SnapshotNumber"),
    doc("SnapshotList", List(SNAPSHOT)),
]);
/// `CreateImageBySnapshot`.
pub(super) const IMAGE_OF_SNAPSHOT: Holds = Object(&[doc("EventId", Text), doc("ImageId", Text)]);
/// `DescribeSecurityGroupAssociationStatistics`.
pub(super) const MEMBERS: Holds = Object(&[
    doc("InstanceCount", Whole),
    doc(
        "InstanceStatistics",
        List(&[
            doc("InstanceName", Text),
            doc("InstanceId", Text),
            doc("Region", Text),
            doc("Az", Text),
            doc("Vpc", Text),
            doc("Ip", Text),
        ]),
    ),
]);
/// Of a change of snapshots.
pub(super) const SNAPSHOTS_CHANGE: Holds = Object(&[doc("EventId", Text)]);
/// `DescribeVPC`.
pub(super) const VPCS: Holds = Object(&[
    both("Total", Whole),
    both(
        "VPCList",
        List(&[
            both("CreateTime", Text),
            both("RegionCode", Text),
            both("Status", Text),
            both("VPCId", Text),
            both("VPCNmae", Text).or("VPCName"),
            both("BandwidthType", Text),
            both("VPCSegment", Text),
        ]),
    ),
]);
/// `DescribeSubnet`.
pub(super) const SUBNETS: Holds = Object(&[
    both(
        "SubnetList",
        List(&[
            both("AvailableZoneCode", Text),
            both("Status", Text),
            both("SubnetId", Text),
            both("SubnetName", Text),
            both("SubnetSegment", Text),
            both("UsedIPNum", Whole),
            both("VPCId", Text),
            both("VPCName", Text),
        ]),
    ),
    both("Total", Whole),
]);
/// `DescribeEIP`.
pub(super) const EIPS: Holds = Object(&[
    both("Total", Whole),
    both(
        "EIPList",
        List(&[
            both("AvailableZoneCode", Text),
            both("CreateTime", Text),
            both("Description", Text),
            both("IP", Text),
            both("Id", Text),
            both("IsBind", Bool),
            both("RegionCode", Text),
            both("Status", Text),
            both(
                "BandwidthInfo",
                Object(&[
                    both("AvailableZoneCode", Text),
                    both("BandwidthType", Text),
                    both("BillScheme", Text),
                    both("CreateTime", Text),
                    both("Id", Text),
                    both("Name", Text),
                    both("Qos", Whole),
                    both("Status", Text),
                ]),
            ),
            both("BindResourceInfo", Object(&[both("SubnetIP", Text), both("SubnetId", Text)])),
        ]),
    ),
]);
/// `CreateEIP`.
pub(super) const NEW_EIPS: Holds = List(&[both("EIPId", Text), both("IP", Text)]);
/// `DescribeSubnetIp`.
pub(super) const SUBNET_IPS: Holds = Object(&[
    doc("UnusedList", Texts),
    doc("UnusedNum", Whole),
    doc("UsedList", List(&[doc("IP", Text), doc("Usage", Text)])),
    doc("UsedNum", Whole),
]);
