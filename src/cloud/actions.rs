//! The actions that are used: verb, service, parameters (`openapi-ecs-ebs`, section of each).

use super::Endpoints;

/// Which base address an action lives under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// `/ecs/v1`.
    Ecs,
    /// `/ecs/v1.1`: `DescribeImages` alone.
    Images,
    /// `/ebs/v1`.
    Ebs,
}

/// One action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// As the API spells it.
    pub name: &'static str,
    /// `GET` (parameters in the address) or `POST` (JSON body).
    pub method: &'static str,
    /// Where.
    pub service: Service,
    /// Whether it changes anything: sent once, never repeated.
    pub changes: bool,
    /// What it does, for people.
    pub about: &'static str,
    /// Parameters, required ones first.
    pub params: &'static [Param],
}

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// As the API spells it.
    pub name: &'static str,
    /// What is sent.
    pub kind: Kind,
    /// Whether the API refuses a call without it.
    pub required: bool,
}

/// How a parameter's text becomes JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// A list of texts, comma between.
    Texts,
    /// Any JSON.
    Json,
}

impl Service {
    /// Its base address.
    pub fn base(self, endpoints: &Endpoints) -> &str {
        match self {
            Self::Ecs => &endpoints.ecs,
            Self::Images => &endpoints.ecs_images,
            Self::Ebs => &endpoints.ebs,
        }
    }
}

const fn required(name: &'static str, kind: Kind) -> Param {
    Param { name, kind, required: true }
}

const fn optional(name: &'static str, kind: Kind) -> Param {
    Param { name, kind, required: false }
}

const fn get(name: &'static str, about: &'static str, params: &'static [Param]) -> Action {
    Action { name, method: "GET", service: Service::Ecs, changes: false, about, params }
}

const fn post(name: &'static str, about: &'static str, params: &'static [Param]) -> Action {
    Action { method: "POST", ..get(name, about, params) }
}

const fn change(name: &'static str, about: &'static str, params: &'static [Param]) -> Action {
    Action { changes: true, ..post(name, about, params) }
}

/// `DescribeRegions`.
pub const REGIONS: Action = get("DescribeRegions", "regions and their zones", &[]);
/// `DescribeEcsFamilyInfo`.
pub const FAMILIES: Action = get(
    "DescribeEcsFamilyInfo",
    "families and sizes a zone offers",
    &[required("AvailableZoneCode", Kind::Text), required("BillingMethod", Kind::Text)],
);
/// `DescribeZoneInstanceType`.
pub const ZONE_TYPES: Action = get(
    "DescribeZoneInstanceType",
    "which sizes of a family are in stock in a zone",
    &[
        required("AvailableZoneCode", Kind::Text),
        required("EcsFamilyName", Kind::Text),
        optional("Cpu", Kind::Number),
        optional("Ram", Kind::Number),
        optional("Gpu", Kind::Number),
    ],
);
/// `DescribePrice`.
pub const PRICE: Action = post(
    "DescribePrice",
    "what a machine with its disks costs",
    &[
        required("AvailableZoneCode", Kind::Text),
        required("EcsFamilyName", Kind::Text),
        required("Cpu", Kind::Number),
        required("Ram", Kind::Number),
        required("BillingMethod", Kind::Text),
        required("SystemDiskInfo", Kind::Json),
        optional("Gpu", Kind::Number),
        optional("DataDiskInfo", Kind::Json),
        optional("Number", Kind::Number),
        optional("Duration", Kind::Number),
        optional("IsToMonth", Kind::Number),
    ],
);
/// `DescribeImages`.
pub const IMAGES: Action = Action {
    service: Service::Images,
    ..get(
        "DescribeImages",
        "images a zone has",
        &[optional("AvailableZoneCode", Kind::Text), optional("ImageIds", Kind::Json)],
    )
};
/// `DescribeInstanceList`.
pub const INSTANCE_LIST: Action = get(
    "DescribeInstanceList",
    "machines, found by zone, network or text",
    &[
        optional("AvailableZoneCode", Kind::Text),
        optional("VpcId", Kind::Text),
        optional("SearchInfo", Kind::Text),
        optional("PageNumber", Kind::Number),
        optional("PageSize", Kind::Number),
    ],
);
/// `DescribeInstance`.
pub const INSTANCE: Action =
    get("DescribeInstance", "everything about one machine", &[required("EcsId", Kind::Text)]);
/// `DescribeInstanceStatus`.
pub const INSTANCE_STATUS: Action =
    post("DescribeInstanceStatus", "the status of machines", &[required("EcsIds", Kind::Texts)]);
/// `DescribeInstanceMonitor`.
pub const MONITOR: Action = post(
    "DescribeInstanceMonitor",
    "measurements of a machine, GPU use among them",
    &[
        required("EcsId", Kind::Text),
        optional("TimeInterval", Kind::Text),
        optional("StartTime", Kind::Text),
        optional("EndTime", Kind::Text),
        optional("Indicators", Kind::Texts),
    ],
);
/// `DescribeEvent`.
pub const EVENT: Action =
    get("DescribeEvent", "how far a change is", &[required("EventId", Kind::Text)]);
/// `CreateInstance`.
pub const CREATE: Action = change(
    "CreateInstance",
    "makes machines",
    &[
        required("AvailableZoneCode", Kind::Text),
        required("EcsFamilyName", Kind::Text),
        required("Cpu", Kind::Number),
        required("Ram", Kind::Number),
        required("BillingMethod", Kind::Text),
        required("ImageId", Kind::Text),
        required("SystemDisk", Kind::Json),
        required("VpcInfo", Kind::Json),
        required("SubnetInfo", Kind::Json),
        required("Password", Kind::Text),
        optional("Gpu", Kind::Number),
        optional("DataDisk", Kind::Json),
        optional("PubnetInfo", Kind::Json),
        optional("SecurityGroups", Kind::Json),
        optional("Name", Kind::Text),
        optional("StartNumber", Kind::Number),
        optional("Number", Kind::Number),
        optional("Duration", Kind::Number),
        optional("IsToMonth", Kind::Number),
        optional("IsAutoRenewal", Kind::Number),
        optional("UtcTime", Kind::Number),
        optional("DnsList", Kind::Texts),
        optional("TestAccount", Kind::Text),
    ],
);
/// `OperateInstance`.
pub const OPERATE: Action = change(
    "OperateInstance",
    "starts, stops or restarts machines",
    &[
        required("EcsIds", Kind::Texts),
        required("OpType", Kind::Text),
        optional("DeleteEip", Kind::Number),
    ],
);
/// `DeleteInstance`.
pub const DELETE: Action = change(
    "DeleteInstance",
    "deletes machines for good",
    &[required("EcsIds", Kind::Texts), optional("DeleteEip", Kind::Number)],
);

/// All of them.
pub const ALL: &[Action] = &[
    REGIONS,
    FAMILIES,
    ZONE_TYPES,
    PRICE,
    IMAGES,
    INSTANCE_LIST,
    INSTANCE,
    INSTANCE_STATUS,
    MONITOR,
    EVENT,
    CREATE,
    OPERATE,
    DELETE,
];

/// The action of this name, whatever its case.
pub fn find(name: &str) -> Option<&'static Action> {
    ALL.iter().find(|action| action.name.eq_ignore_ascii_case(name))
}
