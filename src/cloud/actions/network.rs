//! Networks, looked up and not changed but for an address that goes (page 私有网络概览).
//!
//! ```
//! use farmscale::cloud::actions::network;
//! assert!(network::ALL.iter().any(|action| action.changes));
//! ```

use super::{
    Action, Holds, Kind, PAGE_NUMBER, Param, Service, action, may, must,
    network_answers as answers, rules,
};

const REGION: Param = may(
    "RegionCode",
    Kind::Text,
    "region, as DescribeRegions spells it; required, but the vendor's program leaves it away",
);
const KEYWORD: Param = may("Keyword", Kind::Text, "name or id, or a part of it");
/// A text in the document, a number in the vendor's program.
const LOOSE_PAGE: Param = may("PageNumber", Kind::Loose(1), "from 1");
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
            LOOSE_PAGE,
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
/// All of them.
pub const ALL: &[Action] = &[VPCS, SUBNETS, SUBNET_IPS, EIPS, DELETE_EIP];
