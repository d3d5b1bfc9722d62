//! Security groups (chapter ECS安全组相关接口 of a later page).
//!
//! ```
//! use farmscale::cloud::actions::groups;
//! assert!(groups::ALL.iter().all(|action| action.name.contains("SecurityGroup")));
//! ```

use super::{
    Action, Holds, Kind, PAGE_SIZE, Param, REGION, Service, action, may, must,
    network_answers as answers, rules,
};

const GROUP: Param = must("SecurityGroupId", Kind::Text, "security group, `sg-…`");
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
const POLICY_CHANGE: &[Param] = &[
    may("PolicyId", Kind::Text, "the rule to change; none with Reset"),
    may("Protocol", Kind::Text, "such as tcp"),
    may("Port", Kind::Text, "from/to, such as 22/22"),
    may("Priority", Kind::Number(1, 100), "the lowest number counts first"),
    may("CidrBlock", Kind::Text, "a network or an address"),
    may("Status", Kind::Bool, "true = allowed, false = refused"),
    may("PolicyDescription", Kind::Text, "for people"),
];
const POLICY_CHANGES: &[Param] = &[
    may("Ingress", Kind::Objects(POLICY_CHANGE), "of what comes in"),
    may("Egress", Kind::Objects(POLICY_CHANGE), "of what goes out"),
];
const INSTANCES: &[Param] = &[
    must("InstanceId", Kind::Text, "machine"),
    must("SecurityGroupPriority", Kind::Number(1, 5), "once a machine"),
];
const GROUPS: &[Param] = &[GROUP, must("Priority", Kind::Number(1, 5), "once a machine")];
const INTERCONNECTED: Param =
    may("GroupInterconnected", Kind::Bool, "its machines reach each other");
const DESCRIPTION: Param = may("SecurityGroupDescription", Kind::Text, "128 characters at most");

/// `DescribeSecurityGroups`.
pub const LIST: Action = Action {
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
            may("PageNumber", Kind::Number(0, u32::MAX), "from 1; 0 or omitted = all at once"),
            PAGE_SIZE,
        ],
        answers::GROUPS,
    )
};
/// `DescribeSecurityGroupPolicies`.
pub const POLICIES_OF: Action = Action {
    quirks: "`PolicyId` in the table, `PolicyID` in the sample: both are read.",
    source: "ECS安全组",
    ..action(
        Service::SecurityGroups,
        "GET",
        "DescribeSecurityGroupPolicies",
        "安全组规则",
        "the rules of a security group",
        &[GROUP],
        answers::RULES,
    )
};

/// `CreateSecurityGroup`.
pub const CREATE: Action = Action {
    changes: true,
    source: "ECS安全组 2",
    in_document: false,
    rules: rules::GROUP_NAME,
    ..action(
        Service::SecurityGroups,
        "POST",
        "CreateSecurityGroup",
        "创建安全组",
        "makes a security group",
        &[
            must("SecurityGroupName", Kind::Text, "60 characters at most"),
            REGION,
            DESCRIPTION,
            INTERCONNECTED,
        ],
        answers::GROUP_MADE,
    )
};
/// `ModifySecurityGroupAttribute`.
pub const CHANGE: Action = Action {
    changes: true,
    source: "ECS安全组 3",
    quirks: "Something must become different, or the call is refused.",
    in_document: false,
    rules: rules::GROUP_CHANGE,
    ..action(
        Service::SecurityGroups,
        "POST",
        "ModifySecurityGroupAttribute",
        "修改安全组属性",
        "renames or describes a security group",
        &[
            GROUP,
            may("SecurityGroupName", Kind::Text, "60 characters at most"),
            DESCRIPTION,
            INTERCONNECTED,
        ],
        Holds::Nothing,
    )
};
/// `DeleteSecurityGroup`.
pub const DELETE: Action = Action {
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
pub const ADD_POLICIES: Action = Action {
    changes: true,
    source: "ECS安全组 5",
    in_document: false,
    rules: rules::POLICIES,
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
    rules: rules::POLICIES_GO,
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
/// `ModifySecurityGroupPolicies`.
pub const CHANGE_POLICIES: Action = Action {
    changes: true,
    source: "ECS安全组 8",
    quirks: "With `Reset` EVERY rule of the group goes and these take their place. `Status` is a \
             number in the table and a truth value in the sample.",
    in_document: false,
    rules: rules::POLICY_CHANGES,
    ..action(
        Service::SecurityGroups,
        "POST",
        "ModifySecurityGroupPolicies",
        "修改安全组规则",
        "changes rules of a security group, or replaces them all",
        &[
            GROUP,
            must("Reset", Kind::Bool, "true = EVERY rule goes, and these come"),
            may("SecurityGroupPolicySet", Kind::Object(POLICY_CHANGES), "the rules"),
        ],
        Holds::Nothing,
    )
};
/// `AssociateSecurityGroups`.
pub const JOIN: Action = Action {
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
pub const LEAVE: Action = Action {
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

/// `ModifySecurityGroupsPriority`.
pub const SET: Action = Action {
    changes: true,
    source: "ECS安全组 11",
    quirks: "The machine is in these groups afterwards, and in no others.",
    in_document: false,
    ..action(
        Service::SecurityGroups,
        "POST",
        "ModifySecurityGroupsPriority",
        "修改实例的安全组",
        "says which security groups a machine is in",
        &[
            must("InstanceId", Kind::Text, "machine"),
            REGION,
            must("SecurityGroupSet", Kind::Objects(GROUPS), "the groups, with their priorities"),
        ],
        Holds::Nothing,
    )
};
/// `DescribeSecurityGroupAssociationStatistics`.
pub const MEMBERS: Action = Action {
    source: "ECS安全组 12",
    quirks: "GET by its table, POST in its sample: GET is sent.",
    in_document: false,
    ..action(
        Service::SecurityGroups,
        "GET",
        "DescribeSecurityGroupAssociationStatistics",
        "安全组关联的实例",
        "the machines in a security group",
        &[GROUP],
        answers::MEMBERS,
    )
};

/// All of them.
pub const ALL: &[Action] = &[
    LIST,
    POLICIES_OF,
    CREATE,
    CHANGE,
    DELETE,
    ADD_POLICIES,
    DELETE_POLICIES,
    CHANGE_POLICIES,
    JOIN,
    LEAVE,
    SET,
    MEMBERS,
];
