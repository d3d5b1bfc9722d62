//! Security groups: who may reach whom. Nothing is filtered here; what is asked is kept and shown.

use super::{Catalog, Fault, Provider};
use crate::model::{Text, Time};

/// A security group, in truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `SecurityGroupId`.
    pub id: Text,
    /// `SecurityGroupName`.
    pub name: Text,
    /// Its region's code.
    pub region: Text,
    /// `SecurityGroupDesc`.
    pub description: Text,
    /// `GroupInterconnected`.
    pub interconnected: bool,
    /// `CreatedTime`; `None` = before everything else.
    pub created_at: Option<Time>,
    /// Its rules.
    pub policies: Vec<Policy>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// `PolicyID`.
    pub id: Text,
    /// Of what comes in.
    pub is_ingress: bool,
    /// Such as `tcp`.
    pub protocol: Text,
    /// `22/22`.
    pub port: Text,
    /// A network or an address.
    pub peer: Text,
    /// 1 to 100.
    pub priority: u32,
    /// Whether it allows.
    pub allows: bool,
    /// `PolicyDescription`.
    pub description: Text,
}

/// What becomes of a rule; `None` = as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyChange {
    /// `PolicyId`.
    pub id: Text,
    /// `Protocol`.
    pub protocol: Option<Text>,
    /// `Port`.
    pub port: Option<Text>,
    /// `CidrBlock`.
    pub peer: Option<Text>,
    /// `Priority`.
    pub priority: Option<u32>,
    /// `Status`.
    pub allows: Option<bool>,
    /// `PolicyDescription`.
    pub description: Option<Text>,
}

impl PolicyChange {
    fn make(&self, one: &mut Policy) {
        let text = |new: &Option<Text>, old: &Text| Text::clone(new.as_ref().unwrap_or(old));
        one.protocol = text(&self.protocol, &one.protocol);
        one.port = text(&self.port, &one.port);
        one.peer = text(&self.peer, &one.peer);
        one.description = text(&self.description, &one.description);
        one.priority = self.priority.unwrap_or(one.priority);
        one.allows = self.allows.unwrap_or(one.allows);
    }
}

impl Group {
    /// The one that every region has.
    fn standard(region: &Text) -> Self {
        let policy = |id: &str, is_ingress: bool, port: &str, peer: &str, priority: u32| Policy {
            id: id.into(),
            is_ingress,
            protocol: "tcp".into(),
            port: port.into(),
            peer: peer.into(),
            priority,
            allows: true,
            description: "".into(),
        };
        Self {
            id: format!("sg-{}", region.to_lowercase().replace('_', "")).into(),
            name: "render-workers".into(),
            region: Text::clone(region),
            description: "".into(),
            interconnected: true,
            created_at: None,
            policies: vec![
                policy("policy-1", true, "22/22", "10.0.0.0/8", 1),
                policy("policy-2", false, "1/65535", "0.0.0.0/0", 2),
            ],
        }
    }

    /// Those of a new account: one for each region.
    pub(super) fn all(catalog: &Catalog) -> std::collections::BTreeMap<Text, Self> {
        let groups = catalog.zones.iter().map(|zone| Self::standard(&zone.region));
        groups.map(|group| (Text::clone(&group.id), group)).collect()
    }
}

impl Provider {
    /// Every security group.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.account.groups.values()
    }

    /// The group of this id.
    pub fn group(&self, id: &str) -> Result<&Group, Fault> {
        self.account.groups.get(id).ok_or_else(|| Fault::no_instance(id))
    }

    fn group_mut(&mut self, id: &str) -> Result<&mut Group, Fault> {
        self.account.groups.get_mut(id).ok_or_else(|| Fault::no_instance(id))
    }

    /// `CreateSecurityGroup`.
    pub fn create_group(&mut self, now: Time, new: &Group) -> Result<Text, Fault> {
        self.advance(now);
        if !self.catalog.zones.iter().any(|zone| zone.region == new.region) {
            return Err(Fault::no_region());
        }
        let id = self.account.id("sg-");
        let group = Group { id: Text::clone(&id), created_at: Some(now), ..new.clone() };
        self.account.groups.insert(Text::clone(&id), group);
        Ok(id)
    }

    /// `DeleteSecurityGroup`: only one that no machine is in.
    pub fn delete_group(&mut self, now: Time, id: &str) -> Result<(), Fault> {
        self.advance(now);
        self.group(id)?;
        if self.members(id).next().is_some() {
            return Err(Fault::invalid_operation("安全组已绑定实例"));
        }
        self.account.groups.remove(id);
        Ok(())
    }

    /// `ModifySecurityGroupAttribute`: something must become different.
    pub fn change_group(
        &mut self,
        now: Time,
        id: &str,
        change: impl Fn(&mut Group),
    ) -> Result<(), Fault> {
        self.advance(now);
        let group = self.group_mut(id)?;
        let before = group.clone();
        change(group);
        if *group == before { Err(Fault::invalid_operation("没有变更")) } else { Ok(()) }
    }

    /// `CreateSecurityGroupPolicies`: one like another is refused.
    pub fn add_policies(&mut self, now: Time, id: &str, new: Vec<Policy>) -> Result<(), Fault> {
        self.advance(now);
        let mut all = self.group(id)?.policies.clone();
        for one in new {
            all.push(Policy { id: self.account.id("sp-"), ..one });
        }
        self.set_policies(id, all)
    }

    /// `ModifySecurityGroupPolicies` with `Reset`: from now on these and no others.
    pub fn reset_policies(&mut self, now: Time, id: &str, new: Vec<Policy>) -> Result<(), Fault> {
        self.advance(now);
        let mut all = Vec::new();
        for one in new {
            all.push(Policy { id: self.account.id("sp-"), ..one });
        }
        self.set_policies(id, all)
    }

    /// `ModifySecurityGroupPolicies` without `Reset`: of those there are.
    pub fn change_policies(
        &mut self,
        now: Time,
        id: &str,
        changes: &[PolicyChange],
    ) -> Result<(), Fault> {
        self.advance(now);
        let before = self.group(id)?.policies.clone();
        let mut all = before.clone();
        for change in changes {
            let is_it = |one: &&mut Policy| one.id == change.id;
            let one = all.iter_mut().find(is_it).ok_or_else(|| Fault::no_instance(&change.id))?;
            change.make(one);
        }
        if all == before {
            return Err(Fault::invalid_operation("没有变更"));
        }
        self.set_policies(id, all)
    }

    fn set_policies(&mut self, id: &str, all: Vec<Policy>) -> Result<(), Fault> {
        let same = |one: &Policy, other: &Policy| {
            Policy { id: Text::clone(&other.id), ..one.clone() } == *other
        };
        let is_there_twice =
            |one: &&Policy| 1 < all.iter().filter(|other| same(one, other)).count();
        if all.iter().any(|one| is_there_twice(&one)) {
            return Err(Fault::invalid_operation("存在重复的规则"));
        }
        self.group_mut(id)?.policies = all;
        Ok(())
    }

    /// `DeleteSecurityGroupPolicies`: these, or, if none is named, all.
    pub fn delete_policies(&mut self, now: Time, id: &str, gone: &[&str]) -> Result<(), Fault> {
        self.advance(now);
        let group = self.group_mut(id)?;
        group.policies.retain(|one| !gone.is_empty() && !gone.contains(&&*one.id));
        Ok(())
    }
}
