//! Networks, looked up and not changed but for an address that goes (page 私有网络概览; chapter
//! ECS安全组).

use super::{
    Action, Holds, Kind, PAGE_NUMBER, PAGE_SIZE, Service, action, may, must,
    network_answers as answers, rules,
};

const REGION: super::Param = may(
    "RegionCode",
    Kind::Text,
    "region, as DescribeRegions spells it; required, but the vendor's program leaves it away",
);
const KEYWORD: super::Param = may("Keyword", Kind::Text, "name or id, or a part of it");
/// Shared by the pages of the VPC service.
const PAGES: &str = "`Total` stands in `Data`; the size of a page is not documented: pages are \
             read \
             until all have come or one repeats.";

/// `DescribeVPC`.
pub const VPCS: Action = Action {
    quirks: "The name is spelt `VPCNmae`; both spellings are read. `Total` stands in `Data`.",
    source: "VPC",
    ..action(
        Service::Vpc,
        "POST",
        "DescribeVPC",
        "私有网络列表",
        "VPCs of a region",
        &[may("RegionCode", Kind::Text, "only in this region"), KEYWORD, PAGE_NUMBER],
        answers::VPCS,
    )
};
/// `DescribeSubnet`.
pub const SUBNETS: Action = Action {
    quirks: PAGES,
    source: "VPC",
    rules: rules::REGION,
    ..action(
        Service::Vpc,
        "POST",
        "DescribeSubnet",
        "子网列表",
        "subnets of a region or VPC",
        &[
            REGION,
            may("VPCId", Kind::Text, "only of this VPC"),
            may("AvailableZoneCode", Kind::Text, "only in this zone"),
            KEYWORD,
            PAGE_NUMBER,
        ],
        answers::SUBNETS,
    )
};
/// `DescribeSubnetIp`.
pub const SUBNET_IPS: Action = Action {
    source: "VPC",
    ..action(
        Service::Vpc,
        "POST",
        "DescribeSubnetIp",
        "子网IP使用情况",
        "used and free addresses of a subnet",
        &[must("NetId", Kind::Text, "subnet id")],
        answers::SUBNET_IPS,
    )
};
/// `DescribeEIP`.
pub const EIPS: Action = Action {
    quirks: PAGES,
    source: "VPC",
    rules: rules::REGION,
    ..action(
        Service::Vpc,
        "POST",
        "DescribeEIP",
        "公网IP列表",
        "public addresses of a region",
        &[REGION, may("AvailableZoneCode", Kind::Text, "edge zones only"), KEYWORD],
        answers::EIPS,
    )
};
/// `DeleteEIP`.
pub const DELETE_EIP: Action = Action {
    changes: true,
    quirks: "No event: gone when no list shows it. Whether a bound one is refused is unknown.",
    source: "VPC",
    ..action(
        Service::Vpc,
        "POST",
        "DeleteEIP",
        "删除公网IP",
        "deletes a public address for good",
        &[must("EIPId", Kind::Text, "id of the address, not the address")],
        Holds::Nothing,
    )
};
/// `DescribeSecurityGroups`.
pub const SECURITY_GROUPS: Action = Action {
    quirks: "`TotalCount` stands at the top and in `Data`, with different numbers in the sample; \
             the \
             set may be null.",
    source: "ECS安全组",
    ..action(
        Service::SecurityGroups,
        "GET",
        "DescribeSecurityGroups",
        "安全组列表",
        "security groups",
        &[
            may("RegionCode", Kind::Text, "only in this region"),
            may("SecurityGroupId", Kind::Text, "only this one"),
            may("SecurityGroupName", Kind::Text, "only of this name"),
            PAGE_NUMBER,
            PAGE_SIZE,
        ],
        answers::GROUPS,
    )
};
/// `DescribeSecurityGroupPolicies`.
pub const SECURITY_RULES: Action = Action {
    quirks: "`PolicyId` in the table, `PolicyID` in the sample: both are read.",
    source: "ECS安全组",
    ..action(
        Service::SecurityGroups,
        "GET",
        "DescribeSecurityGroupPolicies",
        "安全组规则",
        "the rules of a security group",
        &[must("SecurityGroupId", Kind::Text, "security group")],
        answers::RULES,
    )
};

/// All of them.
pub const ALL: &[Action] =
    &[VPCS, SUBNETS, SUBNET_IPS, EIPS, DELETE_EIP, SECURITY_GROUPS, SECURITY_RULES];
