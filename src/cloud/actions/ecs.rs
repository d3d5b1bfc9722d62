//! Instances, images and what they are bought for (chapter 弹性云服务器ECS).
//!
//! ```
//! use farmscale::cloud::actions::ecs;
//! assert!(ecs::ALL.iter().any(|action| action.changes));
//! ```

use super::{
    Action, ECS_ID, ECS_IDS, Kind, PAGE_NUMBER, PAGE_SIZE, PROJECT, Param, Service, TEST_ACCOUNT,
    ZONE, ZONE_MAYBE, action, answers, may, must, rules,
};

const COUNT: Kind = Kind::Number(1, 100);
const WHOLE: Kind = Kind::Number(0, u32::MAX);
const CPU: Param = must("Cpu", Kind::Usual(1, 1024), "virtual processors of a size on offer");
const RAM: Param = must("Ram", Kind::Usual(1, 8192), "memory in GiB of a size on offer");
const GPU: Param = may("Gpu", Kind::Usual(0, 64), "GPUs of a size on offer; default 0");
const FAMILY: Param =
    must("EcsFamilyName", Kind::Text, "family, spelt exactly as DescribeEcsFamilyInfo answers");
const BILLING: Param =
    must("BillingMethod", Kind::OneOf(&["0", "1", "3"]), "0 on demand, 1 monthly, 3 spot (new)");
const DURATION: Param =
    may("Duration", Kind::Number(1, 36), "months, monthly only; 12 or more: multiples of 12");
/// For a price no end is documented.
const PRICED_DURATION: Param =
    may("Duration", Kind::Usual(1, 36), "months, monthly only; 12 or more: multiples of 12");
const TO_MONTH_END: Param =
    may("IsToMonth", Kind::Flag, "monthly: until the month's end; default 1");
const FEATURE: Param =
    must("DiskFeature", Kind::OneOf(&["ssd", "local"]), "ssd = cloud disk, local = local disk");
const PRICED_DISK: &[Param] = &[FEATURE, may("Size", Kind::Gib, "GiB")];
const SYSTEM_DISK: &[Param] = &[FEATURE, must("Size", Kind::Gib, "GiB; at least the image's")];
const DATA_DISK: &[Param] = &[
    FEATURE,
    must("Size", Kind::Gib, "GiB; from 24 in steps of 8"),
    may("ReleaseWithInstance", Kind::Flag, "deleted with the instance; default 1"),
    may("SnapshotId", Kind::Text, "made from this snapshot of a data disk"),
];
const PUBNET: &[Param] = &[
    must("SubnetId", Kind::Text, "subnet, or virtual gateway"),
    may("EipIds", Kind::Texts(100), "existing EIPs, one per instance"),
    may("IpType", Kind::OneOf(&["default_gateway", "virtual"]), "kind of gateway"),
    may(
        "BandwidthType",
        Kind::OneOf(&["Bandwidth", "BandwidthMonth", "Traffic"]),
        "required for a new EIP",
    ),
    may("Qos", Kind::Usual(1, 10_000), "Mbit/s of a new EIP; not with Traffic"),
    may("BandwidthConfName", Kind::Text, "name of the line, as VPCBandWidthBillingScheme answers")
        .of_client(),
];

/// What `DescribeInstanceMonitor` measures, and the names it answers with.
pub const ANSWERED: &[(&str, &[&str])] = &[
    ("CpuUsage", &["CpuUsage"]),
    ("MemoryUsage", &["MemoryUsage"]),
    ("Load", &["Load1M", "Load5M", "Load15M"]),
    ("NetworkRate", &["NetworkOutrate", "NetworkInrate"]),
    ("DiskUsage", &["DiskUsage"]),
    ("DiskThroughput", &["DiskReadThroughput", "DiskWriteThroughput"]),
    ("DiskIops", &["DiskReadIops", "DiskWriteIops"]),
    ("GpuUsage", &["GpuUsage"]),
    ("GpuMemoryUsage", &["GpuMemoryUsage"]),
    ("GpuTemperature", &["GpuTemperature"]),
    ("GpuClocksGraphics", &["GpuClocksGraphics"]),
    ("GpuClocksMemory", &["GpuClocksMemory"]),
];
const INDICATORS: &[&str] = &[
    "CpuUsage",
    "MemoryUsage",
    "Load",
    "NetworkRate",
    "DiskUsage",
    "DiskThroughput",
    "DiskIops",
    "GpuUsage",
    "GpuMemoryUsage",
    "GpuTemperature",
    "GpuClocksGraphics",
    "GpuClocksMemory",
];

/// `DescribeRegions`.
pub const REGIONS: Action = Action {
    quirks: "`Data` is a list; a region's code is not the beginning of its zones' codes \
             (`CN_Huhhot`, `CN_Hohhot_B`): both are kept as answered.",
    source: "ECS 1",
    columns: &["RegionGroupName", "RegionCode", "RegionName", "AvailableZoneCode", "AzName"],
    ..action(
        Service::Ecs,
        "GET",
        "DescribeRegions",
        "可售的地域和可用区",
        "regions and their zones",
        &[],
        answers::REGIONS,
    )
};
/// `DescribeEcsFamilyInfo`.
pub const FAMILIES: Action = Action {
    quirks: "`EcsFamilyInfo` is an object in the table and a list in the sample: both are read. \
             The case of `Cpu…` differs from DescribeInstanceList: compared without case, sent as \
             answered.",
    source: "ECS 2; spot: new",
    columns: &["EcsFamilyName", "Cpu", "Ram", "Gpu", "GpuShowType", "SupportGpuDriver"],
    ..action(
        Service::Ecs,
        "GET",
        "DescribeEcsFamilyInfo",
        "计算类型族和规格",
        "families and sizes a zone offers",
        &[ZONE, BILLING],
        answers::FAMILIES,
    )
};
/// `DescribeImages`.
pub const IMAGES: Action = Action {
    quirks: "Lives on `/ecs/v1.1`; both verbs are documented, GET is sent. `ImageIds` is JSON in a \
             text.",
    source: "ECS 3",
    columns: &[
        "ImageId",
        "ImageName",
        "Status",
        "TemplateType",
        "SupportGpuDriver",
        "OsSize",
        "AvailableZoneCode",
    ],
    ..action(
        Service::Images,
        "GET",
        "DescribeImages",
        "镜像信息",
        "images a zone has",
        &[ZONE_MAYBE, may("ImageIds", Kind::JsonTexts, "only these images")],
        answers::IMAGES,
    )
};
/// `DescribeInstanceList`.
pub const INSTANCE_LIST: Action = Action {
    quirks: "Answers `code` in small letters. Rows have no zone code: `AzId` is looked up in \
             DescribeRegions. The search is fuzzy: rows are filtered by exact name. A listing \
             whose \
             rows and `TotalCount` disagree is discarded.",
    source: "ECS 4",
    columns: &[
        "EcsId",
        "EcsName",
        "Status",
        "AzName",
        "EcsFamilyName",
        "GpuSize",
        "PrivateNet",
        "BillingMethodName",
    ],
    ..action(
        Service::Ecs,
        "GET",
        "DescribeInstanceList",
        "云服务器列表",
        "machines, found by zone, network or text",
        &[
            ZONE_MAYBE,
            may("VpcId", Kind::Text, "only in this VPC"),
            may("SearchInfo", Kind::Text, "id, name or private address, or a part of it"),
            may("EcsIds", Kind::Words, "exactly these machines").of_client(),
            PAGE_NUMBER,
            PAGE_SIZE,
        ],
        answers::INSTANCE_LIST,
    )
};
/// `DescribePrice`.
pub const PRICE: Action = Action {
    quirks: "Disks are `SystemDiskInfo` and `DataDiskInfo` here, `SystemDisk` and `DataDisk` in \
             CreateInstance. `TotalPrice` is for `Number` machines with their disks. A `PriceUnit` \
             that is not known is refused with its text.",
    source: "ECS 5; spot: new",
    rules: rules::PRICE,
    ..action(
        Service::Ecs,
        "POST",
        "DescribePrice",
        "云服务器价格",
        "what machines with their disks cost",
        &[
            ZONE,
            CPU,
            RAM,
            BILLING,
            must("SystemDiskInfo", Kind::Object(PRICED_DISK), "the system disk"),
            may("EcsFamilyName", Kind::Text, "family, spelt as answered"),
            GPU,
            may("DataDiskInfo", Kind::Objects(PRICED_DISK), "data disks"),
            may("Number", COUNT, "machines; default 1"),
            PRICED_DURATION,
            TO_MONTH_END,
        ],
        answers::PRICE,
    )
};
/// `DescribeInstance`.
pub const INSTANCE: Action = Action {
    quirks: "A data disk's id is `Id` here and `DiskId` in the vendor's own program: both are \
             read. \
             `IsRam` stands for `IsGpu`, and the units of memory and GPUs are swapped (a replaced \
             word in the document). `2099-01-01` as `EndBillTime` means never.",
    source: "ECS 6",
    ..action(
        Service::Ecs,
        "GET",
        "DescribeInstance",
        "云服务器详情",
        "everything about one machine",
        &[ECS_ID],
        answers::INSTANCE,
    )
};
/// `DescribeInstanceStatus`.
pub const INSTANCE_STATUS: Action = Action {
    quirks: "What is answered for deleted ids is not documented: an id that is missing is unknown, \
             not gone.",
    source: "ECS 7",
    ..action(
        Service::Ecs,
        "POST",
        "DescribeInstanceStatus",
        "批量查询云服务器状态",
        "the status of machines",
        &[must("EcsIds", Kind::Texts(100), "instance ids")],
        answers::STATUSES,
    )
};
/// `DescribeEvent`.
pub const EVENT: Action = Action {
    quirks: "Statuses in two languages and at least nine words are read; an unknown word means not \
             ended yet. A failed event may come with another HTTP status than 200. In a batch the \
             task of each resource counts, not the event.",
    source: "ECS 8",
    ..action(
        Service::Ecs,
        "GET",
        "DescribeEvent",
        "事件信息",
        "how far a change is",
        &[must("EventId", Kind::Text, "as a change answered it")],
        answers::EVENT,
    )
};
/// `DescribeInstanceMonitor`.
pub const MONITOR: Action = Action {
    quirks: "Several GPUs: one series or a list of them, both are read and the busiest counts. \
             Times are UTC here and Beijing time elsewhere: whichever lies nearer to now is meant. \
             No data is not no use.",
    source: "ECS 9",
    ..action(
        Service::Ecs,
        "POST",
        "DescribeInstanceMonitor",
        "云服务器监控",
        "measurements of a machine",
        &[
            ECS_ID,
            may("TimeInterval", Kind::Text, "the last so many hours; default 1"),
            may("StartTime", Kind::Moment, "from; say an interval instead: the zone is in doubt"),
            may("EndTime", Kind::Moment, "until; default now"),
            may("Indicators", Kind::ManyOf(INDICATORS), "default all"),
        ],
        answers::MONITOR,
    )
};
/// `DescribeAccountSubject`.
pub const SUBJECTS: Action = Action {
    quirks: "`Balance` is only in the sample; the sample sends a body with a GET.",
    source: "ECS 10",
    ..action(
        Service::Ecs,
        "GET",
        "DescribeAccountSubject",
        "测试账户",
        "test-money accounts",
        &[],
        answers::SUBJECTS,
    )
};
/// `CreateInstance`.
pub const CREATE: Action = Action {
    changes: true,
    event: true,
    quirks: "`DataDisk` is a list in the table and one object in the sample: a list is sent. \
             Mixing \
             a local system disk with cloud data disks is forbidden in prose and done in both \
             samples: warned about, the server decides. No client token exists: never sent twice; \
             after a lost answer the machine is looked for by its name.",
    source: "ECS 11; spot, ProjectId: new",
    rules: rules::CREATE,
    ..action(
        Service::Ecs,
        "POST",
        "CreateInstance",
        "创建云服务器",
        "makes machines",
        &[
            ZONE,
            FAMILY,
            CPU,
            RAM,
            BILLING,
            must("ImageId", Kind::Text, "image id, or its name"),
            must("SystemDisk", Kind::Object(SYSTEM_DISK), "the system disk"),
            must("VpcInfo", Kind::Object(&[must("VpcId", Kind::Text, "VPC")]), "the VPC"),
            must(
                "SubnetInfo",
                Kind::Object(&[
                    must("SubnetId", Kind::Text, "subnet in the same zone"),
                    may("IpAddress", Kind::Texts(100), "private addresses, one per machine"),
                ]),
                "the subnet",
            ),
            must("Password", Kind::Secret, "of the administrator"),
            GPU,
            may("DataDisk", Kind::Objects(DATA_DISK), "data disks, cloud only"),
            may("PubnetInfo", Kind::Objects(PUBNET), "public addresses, new or existing"),
            may(
                "SecurityGroups",
                Kind::Objects(&[must("SecurityGroupId", Kind::Text, "security group")]),
                "in order of priority",
            ),
            may("Name", Kind::Label, "default ecs-<date>; Windows knows only 15 characters"),
            may("StartNumber", WHOLE, "appends numbers from here to the names"),
            may("Number", COUNT, "machines; default 1"),
            DURATION,
            TO_MONTH_END,
            may("IsAutoRenewal", Kind::Flag, "monthly: renewed by itself; default 1"),
            may("SpotType", Kind::OneOf(&["auto", "bid"]), "spot: follow the market, or cap (new)"),
            may("SpotAmount", Kind::Text, "spot bid in yuan, within DescribePrice's range (new)"),
            may("SkipSpotRelease", Kind::Bool, "do not evict spot machines and wait an hour (new)"),
            may("UtcTime", Kind::Flag, "the guest's clock: 0 Shanghai, 1 UTC; default 0"),
            may("DnsList", Kind::Texts(2), "first and second DNS server"),
            TEST_ACCOUNT,
            PROJECT,
        ],
        answers::CREATED,
    )
};
/// `OperateInstance`.
pub const OPERATE: Action = Action {
    changes: true,
    event: true,
    quirks: "`DeleteEip` defaults to 1 (released) with free_shutdown_ecs and to 0 in \
             DeleteInstance: it is always sent. A free shutdown that is not granted is silently a \
             charged one: `NoChargeForShutdown` is read afterwards.",
    source: "ECS 12",
    rules: rules::OPERATE,
    ..action(
        Service::Ecs,
        "POST",
        "OperateInstance",
        "开机、关机、重启",
        "starts, stops or restarts machines",
        &[
            ECS_IDS,
            must(
                "OpType",
                Kind::OneOf(&[
                    "start_up_ecs",
                    "shutdown_ecs",
                    "restart_ecs",
                    "hard_shutdown_ecs",
                    "free_shutdown_ecs",
                ]),
                "free_shutdown_ecs: on demand with a cloud disk only",
            ),
            may(
                "DeleteEip",
                Kind::Flag,
                "free shutdown: release the public address; API default 1",
            )
            .always(0),
        ],
        answers::TAKEN_ON,
    )
};
/// `DeleteInstance`.
pub const DELETE: Action = Action {
    changes: true,
    event: true,
    quirks: "`DeleteEip` defaults to 0: the address stays and bills. The columns of the answer's \
             table are swapped. `InvalidResourceId.NotFound` is success.",
    source: "ECS 13",
    ..action(
        Service::Ecs,
        "POST",
        "DeleteInstance",
        "删除云服务器",
        "deletes machines for good",
        &[
            ECS_IDS,
            may("DeleteEip", Kind::Flag, "delete the public address too; API default 0").always(0),
        ],
        answers::TAKEN_ON,
    )
};
/// `ModifyInstancePassword`.
pub const PASSWORD: Action = Action {
    changes: true,
    event: true,
    quirks: "The sample's password ends in a tab, which the rules do not allow: refused before \
             sending. Unless the account has switched that off in the console, the vendor wants a \
             verification code, for which the API has no parameter.",
    source: "ECS 14",
    ..action(
        Service::Ecs,
        "POST",
        "ModifyInstancePassword",
        "修改管理员密码",
        "sets the administrator's password",
        &[ECS_IDS, must("Password", Kind::Secret, "the new one")],
        answers::TAKEN_ON,
    )
};
/// `ModifyInstanceName`.
pub const NAME: Action = Action {
    changes: true,
    source: "ECS 15",
    ..action(
        Service::Ecs,
        "POST",
        "ModifyInstanceName",
        "修改云服务器名称",
        "renames a machine, at once",
        &[ECS_ID, must("Name", Kind::Label, "the new one")],
        answers::RENAMED,
    )
};
/// `CreateImage`.
pub const IMAGE_CREATE: Action = Action {
    changes: true,
    event: true,
    quirks: "That the machine must be shut down is said only by the vendor's program.",
    source: "ECS 16; ProjectId: new",
    ..action(
        Service::Ecs,
        "POST",
        "CreateImage",
        "创建私有镜像",
        "makes an image of a machine that is shut down",
        &[
            ECS_ID,
            must("Name", Kind::Label, "of the image"),
            may("IsOptimized", Kind::Flag, "acceleration; default 0"),
            TEST_ACCOUNT,
            PROJECT,
        ],
        answers::IMAGE_MADE,
    )
};
/// `DeleteImage`.
pub const IMAGE_DELETE: Action = Action {
    changes: true,
    event: true,
    quirks: "Without a zone the image is deleted in every zone: the typed client requires one.",
    source: "ECS 17",
    rules: rules::IMAGE_DELETE,
    ..action(
        Service::Ecs,
        "POST",
        "DeleteImage",
        "删除镜像",
        "deletes images in one zone, or in all",
        &[
            must("ImageIds", Kind::Texts(100), "image ids"),
            may("AvailableZoneCode", Kind::Text, "omitted = in EVERY zone"),
        ],
        answers::DISKS_TAKEN_ON,
    )
};
/// `SyncImage`.
pub const IMAGE_SYNC: Action = Action {
    changes: true,
    event: true,
    source: "ECS 18",
    ..action(
        Service::Ecs,
        "POST",
        "SyncImage",
        "同步镜像到可用区",
        "copies an image to other zones",
        &[
            must("ImageId", Kind::Text, "image id"),
            must("AvailableZoneCodes", Kind::Texts(50), "where to"),
            TEST_ACCOUNT,
        ],
        answers::DISKS_TAKEN_ON,
    )
};
/// `DescribeInstanceVncUrl`.
pub const VNC: Action = Action {
    source: "ECS 19",
    ..action(
        Service::Ecs,
        "GET",
        "DescribeInstanceVncUrl",
        "远程连接地址",
        "the address of a machine's console",
        &[ECS_ID],
        answers::VNC,
    )
};
/// `DescribeZoneInstanceType`.
pub const ZONE_TYPES: Action = Action {
    quirks: "The only word on stock: `SELL` or `SELLOUT`, without a number and without a billing \
             method; another word is refused with its text. `AvailableZone` is a display name.",
    source: "ECS 20",
    ..action(
        Service::Ecs,
        "GET",
        "DescribeZoneInstanceType",
        "规格的销售状况",
        "which sizes of a family are in stock",
        &[
            ZONE,
            FAMILY,
            may("Cpu", Kind::Usual(1, 1024), "only this size"),
            may("Ram", Kind::Usual(1, 8192), "only this size"),
            may("Gpu", Kind::Usual(0, 64), "only this size"),
        ],
        answers::ZONE_TYPES,
    )
};
/// `ChangeInstanceConfigure`.
pub const RESIZE: Action = Action {
    changes: true,
    event: true,
    quirks: "The sample's address is an internal gateway: `/ecs/v1` is used. Only a machine that \
             is \
             shut down; never spot.",
    source: "new",
    ..action(
        Service::Ecs,
        "POST",
        "ChangeInstanceConfigure",
        "变更规格",
        "changes the size of machines (new)",
        &[ECS_IDS, ZONE, FAMILY, CPU, RAM, GPU],
        answers::TAKEN_ON,
    )
};

/// All of them.
pub const ALL: &[Action] = &[
    REGIONS,
    FAMILIES,
    IMAGES,
    INSTANCE_LIST,
    PRICE,
    INSTANCE,
    INSTANCE_STATUS,
    EVENT,
    MONITOR,
    SUBJECTS,
    CREATE,
    OPERATE,
    DELETE,
    PASSWORD,
    NAME,
    IMAGE_CREATE,
    IMAGE_DELETE,
    IMAGE_SYNC,
    VNC,
    ZONE_TYPES,
    RESIZE,
];
