//! Networks: looked up for a config, never changed; but an address that nothing uses can be deleted.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! for subnet in client.subnets("CN_Suqian").await? {
//!     println!("{}: {:?} addresses are free", subnet.name, client.free_ips(&subnet.id).await?);
//! }
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::actions::{Action, network as action};
use super::client::{Client, Params};
use super::error::CallError;
use super::fields::Fields;
use super::instances::{Accepted, accepted};
use crate::model::{Text, Time};

/// Pages read at most.
const PAGES_MAX: u32 = 200;

/// A private network of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    /// `VPCId`.
    pub id: Text,
    /// `VPCNmae` (so spelt), or `VPCName`.
    pub name: Text,
    /// `ok` when it can be used.
    pub status: Option<Text>,
}

/// A subnet of one zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// `SubnetId`.
    pub id: Text,
    /// `SubnetName`.
    pub name: Text,
    /// Its network.
    pub vpc: Text,
    /// Its zone: a machine's must be the same.
    pub zone: Text,
    /// `SubnetSegment`, such as `10.15.0.0/16`.
    pub segment: Option<Text>,
}

/// A security group of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroup {
    /// `SecurityGroupId`.
    pub id: Text,
    /// `SecurityGroupName`.
    pub name: Text,
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
}

/// A public address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eip {
    /// `Id`.
    pub id: Text,
    /// `IP`.
    pub ip: Text,
    /// Whether it is bound to something; one that is not bills all the same. `None` = the answer does
    /// not say, which is no reason to take it for unused.
    pub is_bound: Option<bool>,
    /// `Qos`, Mbit/s.
    pub mbit: Option<u32>,
    /// `SubnetIP`: the private address it is bound to.
    pub bound_to: Option<Text>,
    /// `Description`: all of a name it has.
    pub description: Text,
    /// Its zone; only edge zones are told.
    pub zone: Option<Text>,
    /// `CreateTime`.
    pub created_at: Option<Time>,
}

impl Client {
    /// `DescribeVPC` of a region.
    pub async fn vpcs(&self, region: &str) -> Result<Vec<Vpc>, CallError> {
        self.pages(&action::VPCS, json!({ "RegionCode": region }), vpcs, |vpc| &vpc.id).await
    }

    /// `DescribeSubnet` of a region.
    pub async fn subnets(&self, region: &str) -> Result<Vec<Subnet>, CallError> {
        let ask = json!({ "RegionCode": region });
        self.pages(&action::SUBNETS, ask, subnets, |subnet| &subnet.id).await
    }

    /// `DescribeSubnetIp`: how many addresses of a subnet are free.
    pub async fn free_ips(&self, subnet: &str) -> Result<Option<u32>, CallError> {
        let body = Params::Body(json!({ "NetId": subnet }));
        let answer = self.call(&action::SUBNET_IPS, body).await?;
        Ok(Fields::of(&answer.data).and_then(|data| data.number("UnusedNum")))
    }

    /// `DescribeEIP` of a region: every address in it, or in one of its zones. The document wants the
    /// zone said for edge zones, and only for them.
    pub async fn eips(&self, region: &str, zone: Option<&str>) -> Result<Vec<Eip>, CallError> {
        let ask = match zone {
            Some(zone) => json!({ "RegionCode": region, "AvailableZoneCode": zone }),
            None => json!({ "RegionCode": region }),
        };
        self.pages(&action::EIPS, ask, eips, |eip| &eip.id).await
    }

    /// `DeleteEIP`: at once, without an event.
    pub async fn delete_eip(&self, id: &str) -> Result<Accepted, CallError> {
        let _turns = self.turns(&[id]).await;
        let body = Params::Body(json!({ "EIPId": id }));
        Ok(accepted(&self.call(&action::DELETE_EIP, body).await?))
    }

    /// `DescribeSecurityGroups` of a region.
    pub async fn security_groups(&self, region: &str) -> Result<Vec<SecurityGroup>, CallError> {
        let params = Params::query(&[("RegionCode", region)]);
        Ok(security_groups(&self.call(&action::SECURITY_GROUPS, params).await?.data))
    }

    /// `DescribeSecurityGroupPolicies`: the rules of a group.
    pub async fn security_rules(&self, group: &str) -> Result<Vec<SecurityRule>, CallError> {
        let params = Params::query(&[("SecurityGroupId", group)]);
        Ok(security_rules(&self.call(&action::SECURITY_RULES, params).await?.data))
    }

    /// Reads page after page until `Total` rows have come or a page brings nothing new.
    async fn pages<T>(
        &self,
        action: &Action,
        ask: Value,
        rows: fn(&Value) -> Vec<T>,
        id: fn(&T) -> &Text,
    ) -> Result<Vec<T>, CallError> {
        let ask: Map<String, Value> = ask.as_object().cloned().unwrap_or_default();
        let mut found: BTreeMap<Text, T> = BTreeMap::new();
        for page in 1..=PAGES_MAX {
            let mut body = ask.clone();
            // The first page is what is answered without a number.
            if page != 1 {
                body.insert("PageNumber".to_owned(), json!(page));
            }
            let answer = self.call(action, Params::Body(Value::Object(body))).await?;
            let known = found.len();
            found.extend(rows(&answer.data).into_iter().map(|row| (Text::clone(id(&row)), row)));
            let total = Fields::of(&answer.data).and_then(|data| data.number("Total"));
            let total = total.and_then(|total| usize::try_from(total).ok());
            if found.len() == known || total.is_none_or(|total| total <= found.len()) {
                break;
            }
        }
        Ok(found.into_values().collect())
    }
}

fn rows<'a>(data: &'a Value, name: &str) -> Vec<Fields<'a>> {
    Fields::of(data).map(|data| data.list(name)).unwrap_or_default()
}

/// `Data` of `DescribeVPC`.
pub fn vpcs(data: &Value) -> Vec<Vpc> {
    let vpc = |row: Fields<'_>| {
        let name = row.text("VPCNmae").or_else(|| row.text("VPCName"));
        let (id, name) = (row.text("VPCId")?, name.unwrap_or_else(|| "".into()));
        Some(Vpc { id, name, status: row.text("Status") })
    };
    rows(data, "VPCList").into_iter().filter_map(vpc).collect()
}

/// `Data` of `DescribeSubnet`.
pub fn subnets(data: &Value) -> Vec<Subnet> {
    let subnet = |row: Fields<'_>| {
        Some(Subnet {
            id: row.text("SubnetId")?,
            name: row.text("SubnetName").unwrap_or_else(|| "".into()),
            vpc: row.text("VPCId")?,
            zone: row.text("AvailableZoneCode").unwrap_or_else(|| "".into()),
            segment: row.text("SubnetSegment"),
        })
    };
    rows(data, "SubnetList").into_iter().filter_map(subnet).collect()
}

/// `Data` of `DescribeEIP`.
pub fn eips(data: &Value) -> Vec<Eip> {
    let eip = |row: Fields<'_>| {
        let bound_to = row.object("BindResourceInfo");
        let is_bound = bound_to.map(|_| true).or_else(|| row.flag("IsBind"));
        let bandwidth = row.object("BandwidthInfo");
        Some(Eip {
            id: row.id("Id")?,
            ip: row.text("IP")?,
            is_bound,
            mbit: bandwidth.and_then(|bandwidth| bandwidth.number("Qos")),
            bound_to: bound_to.and_then(|resource| resource.text("SubnetIP")),
            description: row.text("Description").unwrap_or_else(|| "".into()),
            zone: row.text("AvailableZoneCode"),
            created_at: row.time("CreateTime"),
        })
    };
    rows(data, "EIPList").into_iter().filter_map(eip).collect()
}

/// `Data` of `DescribeSecurityGroups`.
pub fn security_groups(data: &Value) -> Vec<SecurityGroup> {
    let group = |row: Fields<'_>| {
        let name = row.text("SecurityGroupName").unwrap_or_else(|| "".into());
        Some(SecurityGroup { id: row.text("SecurityGroupId")?, name })
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
                id: row.text("PolicyId").or_else(|| row.text("PolicyID")),
                is_ingress,
                protocol: row.text("Protocol")?,
                ports: row.text("Port"),
                peer: row.text("CidrBlock"),
            })
        })
    };
    rules("Ingress", true).chain(rules("Egress", false)).collect()
}
