//! Which machines are in which security groups, and with what priority.

use std::collections::BTreeSet;

use super::{Fault, Groups, Instance, Provider};
use crate::model::{Text, Time};

/// The last priority, and so the most groups of one machine.
const PRIORITY_MAX: u32 = 5;

/// In the order of their priority, as a new machine is given them.
pub(super) fn ordered(groups: &[Text]) -> Groups {
    (1..).zip(groups.iter().cloned()).collect()
}

/// Whether these are priorities of groups that can stand together.
fn check(groups: &[(u32, Text)], what: &str) -> Result<(), Fault> {
    let priorities: BTreeSet<u32> = groups.iter().map(|(priority, _)| *priority).collect();
    let ids: BTreeSet<&Text> = groups.iter().map(|(_, id)| id).collect();
    let is_right = priorities.iter().all(|one| (1..=PRIORITY_MAX).contains(one));
    if is_right && priorities.len() == groups.len() && ids.len() == groups.len() {
        Ok(())
    } else {
        Err(Fault::parameter(what))
    }
}

impl Provider {
    /// Whether a new machine can be put into these, which must be there.
    pub(super) fn check_groups(&self, groups: &[Text]) -> Result<(), Fault> {
        if let Some(missing) = groups.iter().find(|id| self.group(id).is_err()) {
            return Err(Fault::no_instance(missing));
        }
        let groups: Vec<(u32, Text)> = (1..).zip(groups.iter().cloned()).collect();
        check(&groups, "SecurityGroups")
    }

    /// Machines that are in a group.
    pub fn members<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Instance> {
        self.truth().filter(move |one| one.groups.values().any(|id| &**id == group))
    }

    fn member(&self, instance: &str) -> Result<&Instance, Fault> {
        let there = self.instance(instance).filter(|one| one.state.exists());
        there.ok_or_else(|| Fault::no_instance(instance))
    }

    /// `AssociateSecurityGroups`: with a priority that no other group of the machine has.
    pub fn join_group(
        &mut self,
        now: Time,
        id: &str,
        instances: &[(Text, u32)],
    ) -> Result<(), Fault> {
        self.advance(now);
        let group = Text::clone(&self.group(id)?.id);
        let mut joined = Vec::new();
        for (instance, priority) in instances {
            let others = self.member(instance)?.groups.iter().filter(|(_, one)| **one != group);
            let mut all: Vec<(u32, Text)> =
                others.map(|(priority, id)| (*priority, Text::clone(id))).collect();
            all.push((*priority, Text::clone(&group)));
            check(&all, "SecurityGroupPriority")?;
            joined.push((instance, all));
        }
        for (instance, all) in joined {
            if let Some(machine) = self.instances.get_mut(instance) {
                machine.groups = all.into_iter().collect();
            }
        }
        Ok(())
    }

    /// `DisassociateSecurityGroups`: the last group of a machine stays.
    pub fn leave_group(&mut self, now: Time, id: &str, instances: &[&str]) -> Result<(), Fault> {
        self.advance(now);
        self.group(id)?;
        for instance in instances {
            let groups = &self.member(instance)?.groups;
            if !groups.values().any(|group| &**group == id) {
                return Err(Fault::parameter("InstanceIds"));
            }
            if groups.len() < 2 {
                return Err(Fault::invalid_operation("最后一个安全组，无法解绑"));
            }
        }
        for instance in instances {
            if let Some(machine) = self.instances.get_mut(*instance) {
                machine.groups.retain(|_, one| &**one != id);
            }
        }
        Ok(())
    }

    /// `ModifySecurityGroupsPriority`: from now on a machine is in these and no others.
    pub fn set_groups(
        &mut self,
        now: Time,
        instance: &str,
        groups: &[(u32, Text)],
    ) -> Result<(), Fault> {
        self.advance(now);
        self.member(instance)?;
        if let Some((_, missing)) = groups.iter().find(|(_, id)| self.group(id).is_err()) {
            return Err(Fault::no_instance(missing));
        }
        if groups.is_empty() {
            return Err(Fault::parameter("SecurityGroupSet"));
        }
        check(groups, "SecurityGroupSet.Priority")?;
        if let Some(machine) = self.instances.get_mut(instance) {
            machine.groups = groups.iter().cloned().collect();
        }
        Ok(())
    }
}
