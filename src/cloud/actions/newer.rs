//! Actions on networks that 首云公开API文档 does not have: of the vendor's later page 私有网络概览, or of its
//! newest program alone.
//!
//! ```
//! use farmscale::cloud::actions::newer;
//! assert!(newer::ALL.iter().all(|action| !action.in_document));
//! ```

use super::{
    Action, Holds, Kind, Param, REGION, Service, action, may, must, network_answers as answers,
};

const EIP_ID: Param = must("EIPId", Kind::Text, "id of the address, not the address");
const NET: Param = must("NetId", Kind::Text, "subnet; in edge zones the virtual gateway");
const IP: Param = must("IP", Kind::Text, "private address; in edge zones the virtual gateway's");
/// What both of them answer.
const FOLLOWED: &str = "Answers `TaskId` beside `Data`, which is empty; DescribeTask follows it.";

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
            may("SubjectId", Kind::Loose(0), "test-money account; a text in the client"),
            may("ProjectId", Kind::Usual(0, u32::MAX), "project").of_client(),
        ],
        answers::NEW_EIPS,
    )
};
/// `UpdateEIP`.
pub const UPDATE_EIP: Action = Action {
    changes: true,
    source: "VPC 12",
    quirks: FOLLOWED,
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
/// `BindEIP`.
pub const BIND_EIP: Action = Action {
    changes: true,
    source: "VPC 14",
    quirks: FOLLOWED,
    in_document: false,
    ..action(
        Service::Vpc,
        "POST",
        "BindEIP",
        "绑定公网IP",
        "binds an address to a private one",
        &[EIP_ID, NET, IP],
        Holds::Nothing,
    )
};
/// `UnbindEIP`.
pub const UNBIND_EIP: Action = Action {
    changes: true,
    source: "VPC 15",
    quirks: FOLLOWED,
    in_document: false,
    ..action(
        Service::Vpc,
        "POST",
        "UnbindEIP",
        "解绑公网IP",
        "takes an address off a private one; it stays, and is billed",
        &[EIP_ID, NET, IP],
        Holds::Nothing,
    )
};
/// `DescribeTask`.
pub const TASK: Action = Action {
    source: "client",
    quirks: "The vendor's program sends a GET with `TaskId` in the query. An older page of the \
             vendor (OpenAPI 1.2) calls the field `Status`, with NEW, DOING, FINISH, ERROR; EKS \
             says doing, finish, error.",
    in_document: false,
    ..action(
        Service::Vpc,
        "GET",
        "DescribeTask",
        "任务状态",
        "how far a change of a network is",
        &[must("TaskId", Kind::Text, "as a change answered it").of_client()],
        answers::TASK,
    )
};

/// All of them.
pub const ALL: &[Action] = &[CREATE_EIP, UPDATE_EIP, BIND_EIP, UNBIND_EIP, TASK];
