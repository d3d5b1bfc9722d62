//! Security groups, changed: of the vendor's later pages, not of the public document.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! let group = client.create_group("CN_Suqian", "gate", true).await?;
//! client.join_group(&group, "CN_Suqian", &[("ins-0123456789abcdef", 2)]).await?;
//! # Ok(())
//! # }
//! ```

use serde_json::{Value, json};

use super::actions::newer as action;
use super::client::{Client, Params};
use super::error::CallError;
use super::fields::Fields;
use crate::model::Text;

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
}

impl Client {
    /// `CreateSecurityGroup` in a region; answers its id.
    pub async fn create_group(
        &self,
        region: &str,
        name: &str,
        interconnected: bool,
    ) -> Result<Text, CallError> {
        let body = json!({
            "SecurityGroupName": name, "RegionCode": region, "GroupInterconnected": interconnected,
        });
        let answer = self.call(&action::CREATE_GROUP, Params::Body(body)).await?;
        let id = Fields::of(&answer.data).and_then(|data| data.id("SecurityGroupId"));
        id.ok_or_else(|| {
            CallError::NotUnderstood("CreateSecurityGroup: no SecurityGroupId".to_owned())
        })
    }

    /// `DeleteSecurityGroup`.
    pub async fn delete_group(&self, id: &str) -> Result<(), CallError> {
        let body = json!({ "SecurityGroupId": id });
        self.call(&action::DELETE_GROUP, Params::Body(body)).await.map(drop)
    }

    /// `CreateSecurityGroupPolicies`.
    pub async fn add_rules(&self, id: &str, rules: &[NewRule<'_>]) -> Result<(), CallError> {
        let of = |ingress: bool| -> Vec<Value> {
            let rules = rules.iter().filter(|rule| rule.is_ingress == ingress);
            let json = |rule: &NewRule<'_>| {
                json!({
                    "Protocol": rule.protocol, "Port": rule.ports, "CidrBlock": rule.peer,
                    "Priority": rule.priority, "Status": rule.allows,
                })
            };
            rules.map(json).collect()
        };
        let set = json!({ "Ingress": of(true), "Egress": of(false) });
        let body = json!({ "SecurityGroupId": id, "SecurityGroupPolicySet": set });
        self.call(&action::CREATE_POLICIES, Params::Body(body)).await.map(drop)
    }

    /// `DeleteSecurityGroupPolicies`: these; none is refused here, for the API would take it for all.
    pub async fn delete_rules(&self, id: &str, rules: &[&str]) -> Result<(), CallError> {
        if rules.is_empty() {
            let text = "no rule is named, which would delete every rule of the group";
            return Err(CallError::NotSent(text.to_owned()));
        }
        let body = json!({ "SecurityGroupId": id, "PolicyIds": rules });
        self.call(&action::DELETE_POLICIES, Params::Body(body)).await.map(drop)
    }

    /// `AssociateSecurityGroups`: machines of a region, with the group's priority (1–5) for each.
    pub async fn join_group(
        &self,
        id: &str,
        region: &str,
        machines: &[(&str, u32)],
    ) -> Result<(), CallError> {
        let mut set = Vec::new();
        for (machine, priority) in machines {
            set.push(json!({ "InstanceId": machine, "SecurityGroupPriority": priority }));
        }
        let body = json!({ "SecurityGroupId": id, "RegionCode": region, "InstanceSet": set });
        self.call(&action::JOIN_GROUP, Params::Body(body)).await.map(drop)
    }

    /// `DisassociateSecurityGroups`; the last group of a machine stays.
    pub async fn leave_group(&self, id: &str, machines: &[&str]) -> Result<(), CallError> {
        let body = json!({ "SecurityGroupId": id, "InstanceIds": machines });
        self.call(&action::LEAVE_GROUP, Params::Body(body)).await.map(drop)
    }
}
