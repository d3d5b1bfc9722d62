//! Security groups: who may reach whom. Nothing is filtered here; what is asked is kept and shown.

use super::{Catalog, Fault, Provider};
use crate::model::{Text, Time};

/// Groups of one machine, at most: priorities are 1 to 5.
const PER_MACHINE_MAX: usize = 5;

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
        if self.truth().any(|one| one.groups.iter().any(|group| &**group == id)) {
            return Err(Fault::invalid_operation("The security group has instances."));
        }
        self.account.groups.remove(id);
        Ok(())
    }

    /// `CreateSecurityGroupPolicies`: one like another is refused.
    pub fn add_policies(&mut self, now: Time, id: &str, new: Vec<Policy>) -> Result<(), Fault> {
        self.advance(now);
        let ids: Vec<Text> = new.iter().map(|_| self.account.id("sp-")).collect();
        let group = self.group_mut(id)?;
        let new: Vec<Policy> =
            new.into_iter().zip(ids).map(|(policy, id)| Policy { id, ..policy }).collect();
        let same = |one: &Policy, other: &Policy| {
            Policy { id: Text::clone(&other.id), ..one.clone() } == *other
        };
        if new.iter().any(|one| group.policies.iter().any(|other| same(one, other))) {
            return Err(Fault::invalid_operation("The policy exists already."));
        }
        group.policies.extend(new);
        Ok(())
    }

    /// `DeleteSecurityGroupPolicies`: these, or, if none is named, all.
    pub fn delete_policies(&mut self, now: Time, id: &str, gone: &[&str]) -> Result<(), Fault> {
        self.advance(now);
        let group = self.group_mut(id)?;
        group.policies.retain(|one| !gone.is_empty() && !gone.contains(&&*one.id));
        Ok(())
    }

    /// `AssociateSecurityGroups`: by priority, which is once a machine.
    pub fn join_group(
        &mut self,
        now: Time,
        id: &str,
        instances: &[(&str, usize)],
    ) -> Result<(), Fault> {
        self.advance(now);
        let group = Text::clone(&self.group(id)?.id);
        for (instance, _) in instances {
            let machine = self.instance(instance).filter(|one| one.state.exists());
            let machine = machine.ok_or_else(|| Fault::no_instance(instance))?;
            if PER_MACHINE_MAX <= machine.groups.len() {
                return Err(Fault::parameter("SecurityGroupPriority"));
            }
        }
        for (instance, priority) in instances {
            if let Some(machine) = self.instances.get_mut(*instance) {
                machine.groups.retain(|one| *one != group);
                let place = priority.saturating_sub(1).min(machine.groups.len());
                machine.groups.insert(place, Text::clone(&group));
            }
        }
        Ok(())
    }

    /// `DisassociateSecurityGroups`: the last group of a machine stays.
    pub fn leave_group(&mut self, now: Time, id: &str, instances: &[&str]) -> Result<(), Fault> {
        self.advance(now);
        self.group(id)?;
        for instance in instances {
            let machine = self.instance(instance).ok_or_else(|| Fault::no_instance(instance))?;
            if machine.groups.len() < 2 {
                return Err(Fault::invalid_operation("The last security group cannot be left."));
            }
        }
        for instance in instances {
            if let Some(machine) = self.instances.get_mut(*instance) {
                machine.groups.retain(|one| &**one != id);
            }
        }
        Ok(())
    }
}
