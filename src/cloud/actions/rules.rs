//! What must hold between parameters, each with the sentence that says so.

use std::net::IpAddr;

use serde_json::{Map, Value};

/// Cloud disks come in steps of this many GiB…
const DISK_STEP: u64 = 8;
/// …from this many.
const DISK_MIN: u64 = 24;

/// The parameters of a call.
type Given = Map<String, Value>;

/// What must hold between parameters of one action.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The parameter it is told about.
    pub param: &'static str,
    /// What is wrong, and what would be right.
    pub what: &'static str,
    /// Whether the server refuses a call that breaks it; otherwise it costs, and is warned of.
    pub refused: bool,
    /// The sentence of the document that says so; or the place on a later page, or the vendor's program.
    pub sentence: &'static str,
    is_broken: fn(&Given) -> bool,
}

impl Rule {
    /// Whether these parameters break it.
    pub fn is_broken(&self, given: &Map<String, Value>) -> bool {
        (self.is_broken)(given)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        (self.param, self.what) == (other.param, other.what)
    }
}

impl Eq for Rule {}

const fn refuse(
    param: &'static str,
    what: &'static str,
    sentence: &'static str,
    is_broken: fn(&Given) -> bool,
) -> Rule {
    Rule { param, what, refused: true, sentence, is_broken }
}

const fn warn(
    param: &'static str,
    what: &'static str,
    sentence: &'static str,
    is_broken: fn(&Given) -> bool,
) -> Rule {
    Rule { refused: false, ..refuse(param, what, sentence, is_broken) }
}

const MONTHS: Rule = refuse(
    "Duration",
    "must be a multiple of 12 when more than a year",
    "大于一年要输入12的整数倍，最大值36(3年)",
    |given| {
        let months = given.get("Duration").and_then(Value::as_u64).unwrap_or(1);
        12 < months && !months.is_multiple_of(12)
    },
);
const SPOT_TYPE: Rule =
    refuse("SpotType", "needs BillingMethod 3", "购买的竞价实例模式", |given| {
        is_given(given, "SpotType") && text(given, "BillingMethod") != "3"
    });
const SPOT_AMOUNT: Rule = refuse(
    "SpotAmount",
    "is required with SpotType bid; DescribePrice tells its range",
    "竞价实例bid（设置上线）模式下需指的购买价 （需在**DescribePrice**返回的竞价价格范围内)",
    |given| text(given, "SpotType") == "bid" && !is_given(given, "SpotAmount"),
);
const SPOT_AMOUNT_OF_SPOT: Rule = refuse(
    "SpotAmount",
    "needs BillingMethod 3",
    "竞价实例bid（设置上线）模式下需指的购买价 （需在**DescribePrice**返回的竞价价格范围内)",
    |given| is_given(given, "SpotAmount") && text(given, "BillingMethod") != "3",
);
const EIP_KIND: Rule = refuse(
    "PubnetInfo.BandwidthType",
    "is required for a new public address; EipIds names existing ones",
    "若需新分配公网IP必填",
    |given| pubnets(given).any(|one| no_eips(one) && !is_given(one, "BandwidthType")),
);
const EIP_COUNT: Rule = refuse(
    "PubnetInfo.EipIds",
    "must be as many as machines",
    "绑定已有公网IP需填,数量需要和云服务器数量一致",
    |given| {
        // over all entries: a machine takes one address
        let named: u64 = pubnets(given).map(|one| count(one, "EipIds")).sum();
        named != 0 && named != number(given)
    },
);
const EIP_QOS: Rule = refuse(
    "PubnetInfo.Qos",
    "is required with a fixed bandwidth",
    "若带宽类型选择”固定带宽”需填写",
    |given| {
        pubnets(given).any(|one| {
            let is_fixed = matches!(text(one, "BandwidthType"), "Bandwidth" | "BandwidthMonth");
            no_eips(one) && is_fixed && one.get("Qos").and_then(Value::as_u64).unwrap_or(0) == 0
        })
    },
);
const EIP_MONTHLY: Rule = refuse(
    "PubnetInfo.BandwidthType",
    "must be BandwidthMonth for a fixed bandwidth of a monthly machine",
    "若实例计费方式为包年包月选择固定带宽时需传\"固定带宽包月\"",
    |given| {
        let is_monthly = text(given, "BillingMethod") == "1";
        pubnets(given).any(|one| is_monthly && text(one, "BandwidthType") == "Bandwidth")
    },
);
const DNS: Rule = refuse(
    "DnsList",
    "must be two servers, the first and the second",
    "dns 解析 需要两个元素  [主dns，从dns]",
    |given| is_given(given, "DnsList") && count(given, "DnsList") != 2,
);
const ADDRESSES: Rule = refuse(
    "SubnetInfo.IpAddress",
    "must be as many as machines",
    "列表中的IP个数与创建云主机个数一致 (client)",
    |given| {
        let subnet = given.get("SubnetInfo").and_then(Value::as_object);
        subnet.is_some_and(|subnet| {
            is_given(subnet, "IpAddress") && count(subnet, "IpAddress") != number(given)
        })
    },
);
const EIP_NEEDS_NO_KIND: Rule = warn(
    "PubnetInfo.BandwidthType",
    "is for new public addresses, and EipIds names existing ones",
    "绑定已有公网IP不填",
    |given| pubnets(given).any(|one| !no_eips(one) && is_given(one, "BandwidthType")),
);
const MONTHLY_DISKS_STAY: Rule = warn(
    "DataDisk.ReleaseWithInstance",
    "can only be 0 with a monthly machine: its data disks stay when it goes, and are billed",
    "ReleaseWithInstance is 0 with BillingMethod 1 (client)",
    |given| {
        let disks = objects(given, "DataDisk");
        let goes = |one: &Given| one.get("ReleaseWithInstance").and_then(Value::as_u64) != Some(0);
        text(given, "BillingMethod") == "1" && disks.filter(|one| goes(one)).count() != 0
    },
);
const RENEWS: Rule = warn(
    "IsAutoRenewal",
    "is not given: the machine then renews itself and is paid for month after month",
    "是否自动续约，包月时需传。1:是  0:否 默认为1",
    |given| text(given, "BillingMethod") == "1" && !is_given(given, "IsAutoRenewal"),
);
const EVICTS: Rule = warn(
    "SkipSpotRelease",
    "is not given: the API then evicts other spot machines and may wait an hour",
    "默认为 False：库存紧张时会释放竞价实例，释放依赖退租过程（约 1 小时）",
    |given| !given.contains_key("SkipSpotRelease"),
);
const EVERYWHERE: Rule = warn(
    "AvailableZoneCode",
    "is not given: the image is deleted in EVERY zone",
    "删除的镜像所在可用区code，不填时默认删除所有节点镜像",
    |given| !is_given(given, "AvailableZoneCode"),
);
const RELEASES: Rule = warn(
    "DeleteEip",
    "is not given: the API then RELEASES the public address",
    "默认1：释放公网IP；仅在关机不计费情况生效",
    |given| text(given, "OpType") == "free_shutdown_ecs" && !given.contains_key("DeleteEip"),
);
const NO_REGION: Rule = warn(
    "RegionCode",
    "is required by the document, and left away by the vendor's program",
    "VPC区域code, 见附件五",
    |given| !is_given(given, "RegionCode"),
);
const SIZE: Rule = refuse(
    "Size",
    "must be a multiple of 8 GiB from 24",
    "容量为8的倍数，且最小24GB起",
    |given| is_size_broken(given.get("Size")),
);
const EXTENDED: Rule = refuse(
    "ExtendedSize",
    "must be a multiple of 8 GiB from 24, and more than now",
    "目标容量必须大于扩容前容量，且必须为8的倍数",
    |given| is_size_broken(given.get("ExtendedSize")),
);

const SNAPSHOT_NAMED: Rule = refuse(
    "SnapshotName",
    "must have 2 to 128 letters, digits, Chinese characters or -, and not begin with auto",
    "快照 5, SnapshotName (page)",
    |given| {
        with_inner(given, "NewSnapshot").any(|one| {
            is_given(one, "SnapshotName") && {
                let name = text(one, "SnapshotName");
                let is_allowed = |letter: char| {
                    letter.is_ascii_alphanumeric()
                        || letter == '-'
                        || ('\u{4e00}'..='\u{9fff}').contains(&letter)
                };
                let fits = (2..=128).contains(&name.chars().count());
                !fits || !name.chars().all(is_allowed) || name.starts_with("auto")
            }
        })
    },
);
const SNAPSHOT_KEPT: Rule = refuse(
    "ReservedTime",
    "must be Forever, or a number of days",
    "快照 5, ReservedTime (page)",
    |given| {
        with_inner(given, "NewSnapshot").any(|one| {
            let kept = text(one, "ReservedTime");
            let is_days = kept.parse::<u32>().is_ok_and(|days| days != 0);
            is_given(one, "ReservedTime") && kept != "Forever" && !is_days
        })
    },
);
const GROUP_NAMED: Rule = refuse(
    "SecurityGroupName",
    "must have 60 characters at most",
    "ECS安全组 2, SecurityGroupName (page)",
    |given| 60 < text(given, "SecurityGroupName").chars().count(),
);
const GROUP_DESCRIBED: Rule = refuse(
    "SecurityGroupDescription",
    "must have 128 characters at most",
    "ECS安全组 2, SecurityGroupDescription (page)",
    |given| 128 < text(given, "SecurityGroupDescription").chars().count(),
);
const GROUP_CHANGES: Rule = refuse(
    "SecurityGroupName",
    "or SecurityGroupDescription or GroupInterconnected must be given: something must change",
    "ECS安全组 3, note (page)",
    |given| {
        let names = ["SecurityGroupName", "SecurityGroupDescription", "GroupInterconnected"];
        names.into_iter().all(|name| !is_given(given, name))
    },
);
const PORTS: Rule = refuse(
    "SecurityGroupPolicySet.Port",
    "must be from/to, such as 22/22",
    "ECS安全组 5, Port (page)",
    |given| policies(given).any(|one| is_given(one, "Port") && !is_ports(text(one, "Port"))),
);
const PEERS: Rule = refuse(
    "SecurityGroupPolicySet.CidrBlock",
    "must be a network or an address",
    "ECS安全组 5, CidrBlock (page)",
    |given| {
        let is_wrong = |one: &Given| !is_network(text(one, "CidrBlock"));
        policies(given).any(|one| is_given(one, "CidrBlock") && is_wrong(one))
    },
);
const POLICY_NAMED: Rule = refuse(
    "SecurityGroupPolicySet.PolicyId",
    "is required unless Reset is true",
    "ECS安全组 8, PolicyId (page)",
    |given| !is_reset(given) && policies(given).any(|one| !is_given(one, "PolicyId")),
);
const POLICY_WHOLE: Rule = refuse(
    "SecurityGroupPolicySet",
    "must hold whole rules where Reset is true: Protocol, Port, Priority, CidrBlock, Status",
    "ECS安全组 8, note 1 (page)",
    |given| {
        let names = ["Protocol", "Port", "Priority", "CidrBlock", "Status"];
        let is_part = |one: &Given| names.into_iter().any(|name| !is_given(one, name));
        is_reset(given) && policies(given).any(is_part)
    },
);
const RESETS: Rule = warn(
    "Reset",
    "is true: EVERY rule of the group goes, and these take their place",
    "ECS安全组 8, Reset (page)",
    is_reset,
);
const ALL_POLICIES: Rule = warn(
    "PolicyIds",
    "is not given: EVERY rule of the group is deleted",
    "ECS安全组 7, PolicyIds (page)",
    |given| !is_given(given, "PolicyIds"),
);

/// Of `CreateSnapshot`, `RenameSnapshot` and `RollbackDiskBySnapshot`.
pub(super) const SNAPSHOT_NAME: &[Rule] = &[SNAPSHOT_NAMED, SNAPSHOT_KEPT];
/// Of `CreateSecurityGroup`.
pub(super) const GROUP_NAME: &[Rule] = &[GROUP_NAMED, GROUP_DESCRIBED];
/// Of `ModifySecurityGroupAttribute`.
pub(super) const GROUP_CHANGE: &[Rule] = &[GROUP_NAMED, GROUP_DESCRIBED, GROUP_CHANGES];
/// Of `CreateSecurityGroupPolicies`.
pub(super) const POLICIES: &[Rule] = &[PORTS, PEERS];
/// Of `DeleteSecurityGroupPolicies`.
pub(super) const POLICIES_GO: &[Rule] = &[ALL_POLICIES];
/// Of `ModifySecurityGroupPolicies`.
pub(super) const POLICY_CHANGES: &[Rule] = &[PORTS, PEERS, POLICY_NAMED, POLICY_WHOLE, RESETS];
/// Of `CreateInstance`.
pub(super) const CREATE: &[Rule] = &[
    MONTHS,
    SPOT_TYPE,
    SPOT_AMOUNT,
    SPOT_AMOUNT_OF_SPOT,
    EIP_KIND,
    EIP_COUNT,
    EIP_QOS,
    EIP_MONTHLY,
    DNS,
    ADDRESSES,
    EIP_NEEDS_NO_KIND,
    MONTHLY_DISKS_STAY,
    RENEWS,
    EVICTS,
];
/// Of `DescribePrice`.
pub(super) const PRICE: &[Rule] = &[MONTHS];
/// Of `OperateInstance`.
pub(super) const OPERATE: &[Rule] = &[RELEASES];
/// Of `DeleteImage`.
pub(super) const IMAGE_DELETE: &[Rule] = &[EVERYWHERE];
/// Of `CreateDisk` and `ExtendDisk`.
pub(super) const DISK_SIZE: &[Rule] = &[SIZE, EXTENDED];
/// Of network look-ups.
pub(super) const REGION: &[Rule] = &[NO_REGION];

/// Whether a cloud disk has a size that none has.
fn is_size_broken(size: Option<&Value>) -> bool {
    size.and_then(Value::as_u64).is_some_and(|gib| gib < DISK_MIN || !gib.is_multiple_of(DISK_STEP))
}

/// The next size of a cloud disk from here.
pub(super) fn next_size(gib: u64) -> u64 {
    gib.max(DISK_MIN).next_multiple_of(DISK_STEP)
}

/// An empty text stands for nothing: programs send one for what they leave away.
pub(super) fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

pub(super) fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None => true,
        Some(Value::Array(list)) => list.is_empty(),
        Some(value) => is_blank(value),
    }
}

fn is_given(given: &Given, name: &str) -> bool {
    !is_empty(given.get(name))
}

fn text<'a>(given: &'a Given, name: &str) -> &'a str {
    given.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn count(given: &Given, name: &str) -> u64 {
    let list = given.get(name).and_then(Value::as_array);
    list.and_then(|list| u64::try_from(list.len()).ok()).unwrap_or(0)
}

/// Machines asked for.
fn number(given: &Given) -> u64 {
    given.get("Number").and_then(Value::as_u64).unwrap_or(1)
}

fn no_eips(pubnet: &Given) -> bool {
    count(pubnet, "EipIds") == 0
}

/// These parameters, and those within one of them.
fn with_inner<'a>(given: &'a Given, name: &str) -> impl Iterator<Item = &'a Given> {
    std::iter::once(given).chain(given.get(name).and_then(Value::as_object))
}

fn is_reset(given: &Given) -> bool {
    given.get("Reset").and_then(Value::as_bool) == Some(true)
}

/// Rules of a security group, of what comes in and of what goes out.
fn policies(given: &Given) -> impl Iterator<Item = &Given> {
    let set = given.get("SecurityGroupPolicySet").and_then(Value::as_object);
    set.into_iter().flat_map(|set| objects(set, "Ingress").chain(objects(set, "Egress")))
}

/// `22/22`.
fn is_ports(text: &str) -> bool {
    let Some((from, to)) = text.split_once('/') else { return false };
    let (Ok(from), Ok(to)) = (from.parse::<u16>(), to.parse::<u16>()) else { return false };
    from <= to
}

/// `10.0.0.0/8`, or an address.
fn is_network(text: &str) -> bool {
    let (address, bits) = text.split_once('/').unwrap_or((text, "0"));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

fn pubnets(given: &Given) -> impl Iterator<Item = &Given> {
    objects(given, "PubnetInfo")
}

/// A list of objects, or the one that stands in its place.
fn objects<'a>(given: &'a Given, name: &str) -> impl Iterator<Item = &'a Given> {
    let list = given.get(name);
    let many = list.and_then(Value::as_array).into_iter().flatten();
    many.chain(list.filter(|one| one.is_object())).filter_map(Value::as_object)
}
