//! Security groups, looked up and changed: of the vendor's later pages, not of the public document.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! use farmscale::cloud::groups::NewGroup;
//!
//! let new = NewGroup {
//!     region: "CN_Suqian",
//!     name: "gate",
//!     description: None,
//!     interconnected: true,
//! };
//! let group = client.create_group(&new).await?;
//! client.join_group(&group, "CN_Suqian", &[("ins-0123456789abcdef", 2)]).await?;
//! # Ok(())
//! # }
//! ```

use serde_json::{Value, json};

use super::actions::groups as action;
use super::client::Client;
use super::error::CallError;
use super::fields::Fields;
use super::given::Given;
use crate::model::{Text, Time};

/// A security group of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroup {
    /// `SecurityGroupId`.
    pub id: Text,
    /// `SecurityGroupName`.
    pub name: Text,
    /// `SecurityGroupRegion`: its region's name, not its code.
    pub region_name: Option<Text>,
    /// `SecurityGroupDesc`.
    pub description: Option<Text>,
    /// `InstanceCount`: machines in it.
    pub machines: Option<u32>,
    /// `GroupInterconnected`: whether they reach each other.
    pub interconnected: Option<bool>,
    /// `CreatedTime`.
    pub created_at: Option<Time>,
}

/// A rule of a security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityRule {
    /// `PolicyId`, or `PolicyID`.
    pub id: Option<Text>,
    /// Whether it is about what comes in.
    pub is_ingress: bool,
    /// Such as `tcp`.
    pub protocol: Text,
    /// Such as `22/22`.
    pub ports: Option<Text>,
    /// `CidrBlock`: from where, or to where.
    pub peer: Option<Text>,
    /// 1–100; the lowest counts first.
    pub priority: Option<u32>,
    /// Whether it allows or refuses; `None` = the row does not say.
    pub allows: Option<bool>,
    /// `PolicyDescription`.
    pub description: Option<Text>,
}

/// A machine in a security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// `InstanceId`.
    pub machine: Text,
    /// `InstanceName`.
    pub name: Text,
    /// `Ip`.
    pub private_ip: Option<Text>,
    /// `Region`, `Az` and `Vpc`, by their names.
    pub place: [Option<Text>; 3],
}

/// What a list of groups is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct GroupFilter<'a> {
    /// `RegionCode`.
    pub region: Option<&'a str>,
    /// `SecurityGroupId`.
    pub id: Option<&'a str>,
    /// `SecurityGroupName`.
    pub name: Option<&'a str>,
}

/// A group to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewGroup<'a> {
    /// `RegionCode`.
    pub region: &'a str,
    /// 60 characters at most.
    pub name: &'a str,
    /// 128 characters at most.
    pub description: Option<&'a str>,
    /// Whether its machines reach each other.
    pub interconnected: bool,
}

/// What a group becomes; `None` = as it is. Something must become different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupChange<'a> {
    /// 60 characters at most.
    pub name: Option<&'a str>,
    /// 128 characters at most.
    pub description: Option<&'a str>,
    /// Whether its machines reach each other.
    pub interconnected: Option<bool>,
}

/// A rule to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRule<'a> {
    /// Of what comes in, or of what goes out.
    pub is_ingress: bool,
    /// Such as `tcp`.
    pub protocol: &'a str,
    /// From/to, such as `22/22`.
    pub ports: &'a str,
    /// A network or an address.
    pub peer: &'a str,
    /// 1–100; the lowest counts first.
    pub priority: u32,
    /// Allowed, or refused.
    pub allows: bool,
    /// For people.
    pub description: Option<&'a str>,
}

/// What a rule becomes; `None` = as it is. Something must become different.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleChange<'a> {
    /// Which: [`SecurityRule::id`].
    pub id: &'a str,
    /// Whether it is about what comes in.
    pub is_ingress: bool,
    /// Such as `tcp`.
    pub protocol: Option<&'a str>,
    /// From/to, such as `22/22`.
    pub ports: Option<&'a str>,
    /// A network or an address.
    pub peer: Option<&'a str>,
    /// 1–100.
    pub priority: Option<u32>,
    /// Allowed, or refused.
    pub allows: Option<bool>,
    /// For people.
    pub description: Option<&'a str>,
}

impl NewRule<'_> {
    fn given(&self) -> Given {
        Given::default()
            .with("Protocol", self.protocol)
            .with("Port", self.ports)
            .with("CidrBlock", self.peer)
            .with("Priority", self.priority)
            .with("Status", self.allows)
            .maybe("PolicyDescription", self.description)
    }
}

impl RuleChange<'_> {
    fn given(&self) -> Given {
        Given::default()
            .with("PolicyId", self.id)
            .maybe("Protocol", self.protocol)
            .maybe("Port", self.ports)
            .maybe("CidrBlock", self.peer)
            .maybe("Priority", self.priority)
            .maybe("Status", self.allows)
            .maybe("PolicyDescription", self.description)
    }
}

/// Rules of what comes in and of what goes out, apart.
fn policies(rules: Vec<(bool, Given)>) -> Given {
    let (ingress, egress): (Vec<_>, Vec<_>) =
        rules.into_iter().partition(|(is_ingress, _)| *is_ingress);
    let givens = |rules: Vec<(bool, Given)>| rules.into_iter().map(|(_, one)| one).collect();
    Given::default().list("Ingress", givens(ingress)).list("Egress", givens(egress))
}

impl Client {
    /// `DescribeSecurityGroups` of a region.
    pub async fn security_groups(&self, region: &str) -> Result<Vec<SecurityGroup>, CallError> {
        self.security_groups_of(&GroupFilter { region: Some(region), id: None, name: None }).await
    }

    /// `DescribeSecurityGroups`: all that is said must hold.
    pub async fn security_groups_of(
        &self,
        filter: &GroupFilter<'_>,
    ) -> Result<Vec<SecurityGroup>, CallError> {
        let given = Given::default()
            .maybe("RegionCode", filter.region)
            .maybe("SecurityGroupId", filter.id)
            .maybe("SecurityGroupName", filter.name);
        Ok(security_groups(&self.send(&action::LIST, given).await?.data))
    }

    /// `DescribeSecurityGroupPolicies`: the rules of a group.
    pub async fn security_rules(&self, group: &str) -> Result<Vec<SecurityRule>, CallError> {
        let given = Given::default().with("SecurityGroupId", group);
        Ok(security_rules(&self.send(&action::POLICIES_OF, given).await?.data))
    }

    /// `DescribeSecurityGroupAssociationStatistics`: the machines in a group.
    pub async fn group_members(&self, group: &str) -> Result<Vec<Member>, CallError> {
        let given = Given::default().with("SecurityGroupId", group);
        Ok(members(&self.send(&action::MEMBERS, given).await?.data))
    }

    /// `CreateSecurityGroup`; answers its id.
    pub async fn create_group(&self, new: &NewGroup<'_>) -> Result<Text, CallError> {
        let given = Given::default()
            .with("RegionCode", new.region)
            .with("SecurityGroupName", new.name)
            .maybe("SecurityGroupDescription", new.description)
            .with("GroupInterconnected", new.interconnected);
        let answer = self.send(&action::CREATE, given).await?;
        let id = Fields::of(&answer.data).and_then(|data| data.id("SecurityGroupId"));
        id.ok_or_else(|| {
            CallError::NotUnderstood("CreateSecurityGroup: no SecurityGroupId".to_owned())
        })
    }

    /// `ModifySecurityGroupAttribute`.
    pub async fn change_group(&self, id: &str, change: &GroupChange<'_>) -> Result<(), CallError> {
        let given = Given::default()
            .with("SecurityGroupId", id)
            .maybe("SecurityGroupName", change.name)
            .maybe("SecurityGroupDescription", change.description)
            .maybe("GroupInterconnected", change.interconnected);
        self.send(&action::CHANGE, given).await.map(drop)
    }

    /// `DeleteSecurityGroup`.
    pub async fn delete_group(&self, id: &str) -> Result<(), CallError> {
        let given = Given::default().with("SecurityGroupId", id);
        self.send(&action::DELETE, given).await.map(drop)
    }

    /// `CreateSecurityGroupPolicies`.
    pub async fn add_rules(&self, id: &str, rules: &[NewRule<'_>]) -> Result<(), CallError> {
        let set = policies(rules.iter().map(|rule| (rule.is_ingress, rule.given())).collect());
        let given =
            Given::default().with("SecurityGroupId", id).with("SecurityGroupPolicySet", set);
        self.send(&action::ADD_POLICIES, given).await.map(drop)
    }

    /// `DeleteSecurityGroupPolicies`: these; none is refused here, for the API would take it for all.
    pub async fn delete_rules(&self, id: &str, rules: &[&str]) -> Result<(), CallError> {
        if rules.is_empty() {
            let text = "no rule is named, which would delete every rule of the group";
            return Err(CallError::NotSent(text.to_owned()));
        }
        let given = Given::default().with("SecurityGroupId", id).with("PolicyIds", rules);
        self.send(&action::DELETE_POLICIES, given).await.map(drop)
    }

    /// `DeleteSecurityGroupPolicies` of every rule.
    pub async fn delete_all_rules(&self, id: &str) -> Result<(), CallError> {
        let given = Given::default().with("SecurityGroupId", id);
        self.send(&action::DELETE_POLICIES, given).await.map(drop)
    }

    /// `ModifySecurityGroupPolicies`: rules there are become different.
    pub async fn change_rules(&self, id: &str, rules: &[RuleChange<'_>]) -> Result<(), CallError> {
        let set = policies(rules.iter().map(|rule| (rule.is_ingress, rule.given())).collect());
        let given = Given::default()
            .with("SecurityGroupId", id)
            .with("Reset", false)
            .with("SecurityGroupPolicySet", set);
        self.send(&action::CHANGE_POLICIES, given).await.map(drop)
    }

    /// `ModifySecurityGroupPolicies` with `Reset`: every rule goes, and these take their place.
    pub async fn replace_rules(&self, id: &str, rules: &[NewRule<'_>]) -> Result<(), CallError> {
        let set = policies(rules.iter().map(|rule| (rule.is_ingress, rule.given())).collect());
        let given = Given::default()
            .with("SecurityGroupId", id)
            .with("Reset", true)
            .with("SecurityGroupPolicySet", set);
        self.send(&action::CHANGE_POLICIES, given).await.map(drop)
    }

    /// `AssociateSecurityGroups`: machines of a region, with the group's priority (1–5) for each.
    pub async fn join_group(
        &self,
        id: &str,
        region: &str,
        machines: &[(&str, u32)],
    ) -> Result<(), CallError> {
        let member = |(machine, priority): &(&str, u32)| {
            let given = Given::default().with("InstanceId", *machine);
            Value::from(given.with("SecurityGroupPriority", *priority))
        };
        let given = Given::default()
            .with("SecurityGroupId", id)
            .with("RegionCode", region)
            .with("InstanceSet", machines.iter().map(member).collect::<Vec<Value>>());
        self.send(&action::JOIN, given).await.map(drop)
    }

    /// `DisassociateSecurityGroups`; the last group of a machine stays.
    pub async fn leave_group(&self, id: &str, machines: &[&str]) -> Result<(), CallError> {
        let given = Given::default().with("SecurityGroupId", id).with("InstanceIds", machines);
        self.send(&action::LEAVE, given).await.map(drop)
    }

    /// `ModifySecurityGroupsPriority`: from now on a machine of a region is in these groups with these
    /// priorities (1–5), and in no others.
    pub async fn set_groups(
        &self,
        machine: &str,
        region: &str,
        groups: &[(&str, u32)],
    ) -> Result<(), CallError> {
        let group =
            |(id, priority): &(&str, u32)| json!({ "SecurityGroupId": id, "Priority": priority });
        let given = Given::default()
            .with("InstanceId", machine)
            .with("RegionCode", region)
            .with("SecurityGroupSet", groups.iter().map(group).collect::<Vec<Value>>());
        self.send(&action::SET, given).await.map(drop)
    }
}

fn rows<'a>(data: &'a Value, name: &str) -> Vec<Fields<'a>> {
    Fields::of(data).map(|data| data.list(name)).unwrap_or_default()
}

/// `Data` of `DescribeSecurityGroups`.
pub fn security_groups(data: &Value) -> Vec<SecurityGroup> {
    let group = |row: Fields<'_>| {
        Some(SecurityGroup {
            id: row.id("SecurityGroupId")?,
            name: row.text("SecurityGroupName").unwrap_or_else(|| "".into()),
            region_name: row.text("SecurityGroupRegion"),
            description: row.text("SecurityGroupDesc"),
            machines: row.number("InstanceCount"),
            interconnected: row.flag("GroupInterconnected"),
            created_at: row.time("CreatedTime"),
        })
    };
    rows(data, "SecurityGroupSet").into_iter().filter_map(group).collect()
}

/// `Data` of `DescribeSecurityGroupPolicies`.
pub fn security_rules(data: &Value) -> Vec<SecurityRule> {
    let Some(set) = Fields::of(data).and_then(|data| data.object("SecurityGroupPolicySet")) else {
        return Vec::new();
    };
    let rules = |name: &str, is_ingress: bool| {
        set.list(name).into_iter().filter_map(move |row| {
            Some(SecurityRule {
                id: row.id("PolicyID").or_else(|| row.id("PolicyId")),
                is_ingress,
                protocol: row.text("Protocol")?,
                ports: row.text("Port"),
                peer: row.text("CidrBlock"),
                priority: row.number("Priority"),
                allows: row.flag("Status"),
                description: row.text("PolicyDescription"),
            })
        })
    };
    rules("Ingress", true).chain(rules("Egress", false)).collect()
}

/// `Data` of `DescribeSecurityGroupAssociationStatistics`.
pub fn members(data: &Value) -> Vec<Member> {
    let member = |row: Fields<'_>| {
        Some(Member {
            machine: row.id("InstanceId")?,
            name: row.text("InstanceName").unwrap_or_else(|| "".into()),
            private_ip: row.text("Ip"),
            place: ["Region", "Az", "Vpc"].map(|name| row.text(name)),
        })
    };
    rows(data, "InstanceStatistics").into_iter().filter_map(member).collect()
}
