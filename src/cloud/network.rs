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

use serde_json::Value;

use super::actions::{Action, network as action};
use super::client::Client;
use super::error::CallError;
use super::fields::Fields;
use super::given::Given;
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
    /// `VPCSegment`, such as `10.15.0.0/16`.
    pub segment: Option<Text>,
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
    /// `Status`: `ok` unless something is being done to it.
    pub status: Option<Text>,
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

impl Eip {
    /// Whether it is certainly bound to nothing, and nothing is being done to it.
    pub fn is_unused(&self) -> bool {
        self.is_bound == Some(false) && self.status.as_deref() == Some("ok")
    }
}

/// What a list of networks is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct VpcFilter<'a> {
    /// `RegionCode`.
    pub region: Option<&'a str>,
    /// `Keyword`: name or id.
    pub keyword: Option<&'a str>,
}

/// What a list of subnets is narrowed to. The document wants a region; the vendor's program leaves it away
/// beside a keyword.
#[derive(Debug, Clone, Copy, Default)]
pub struct SubnetFilter<'a> {
    /// `RegionCode`.
    pub region: Option<&'a str>,
    /// `VPCId`.
    pub vpc: Option<&'a str>,
    /// `AvailableZoneCode`.
    pub zone: Option<&'a str>,
    /// `Keyword`: name or id.
    pub keyword: Option<&'a str>,
}

/// What a list of public addresses is narrowed to; of the region as of subnets.
#[derive(Debug, Clone, Copy, Default)]
pub struct EipFilter<'a> {
    /// `RegionCode`.
    pub region: Option<&'a str>,
    /// `AvailableZoneCode`: the document wants it for edge zones, and only for them.
    pub zone: Option<&'a str>,
    /// `Keyword`: id or address.
    pub keyword: Option<&'a str>,
}

impl Client {
    /// `DescribeVPC` of a region.
    pub async fn vpcs(&self, region: &str) -> Result<Vec<Vpc>, CallError> {
        self.vpcs_of(&VpcFilter { region: Some(region), keyword: None }).await
    }

    /// `DescribeVPC`: all that is said must hold.
    pub async fn vpcs_of(&self, filter: &VpcFilter<'_>) -> Result<Vec<Vpc>, CallError> {
        let given =
            || Given::default().maybe("RegionCode", filter.region).maybe("Keyword", filter.keyword);
        self.pages(&action::VPCS, given, vpcs, |vpc| &vpc.id).await
    }

    /// `DescribeSubnet` of a region.
    pub async fn subnets(&self, region: &str) -> Result<Vec<Subnet>, CallError> {
        self.subnets_of(&SubnetFilter { region: Some(region), ..SubnetFilter::default() }).await
    }

    /// `DescribeSubnet`: all that is said must hold.
    pub async fn subnets_of(&self, filter: &SubnetFilter<'_>) -> Result<Vec<Subnet>, CallError> {
        let given = || {
            Given::default()
                .maybe("RegionCode", filter.region)
                .maybe("VPCId", filter.vpc)
                .maybe("AvailableZoneCode", filter.zone)
                .maybe("Keyword", filter.keyword)
        };
        self.pages(&action::SUBNETS, given, subnets, |subnet| &subnet.id).await
    }

    /// `DescribeSubnetIp`: how many addresses of a subnet are free.
    pub async fn free_ips(&self, subnet: &str) -> Result<Option<u32>, CallError> {
        let answer = self.send(&action::SUBNET_IPS, Given::default().with("NetId", subnet)).await?;
        Ok(Fields::of(&answer.data).and_then(|data| data.number("UnusedNum")))
    }

    /// `DescribeEIP` of a region: every address in it, or in one of its zones.
    pub async fn eips(&self, region: &str, zone: Option<&str>) -> Result<Vec<Eip>, CallError> {
        self.eips_of(&EipFilter { region: Some(region), zone, keyword: None }).await
    }

    /// `DescribeEIP`, which has no pages: all that is said must hold. Fewer rows than the answer counts
    /// are an error: an address that is not among them may be there.
    pub async fn eips_of(&self, filter: &EipFilter<'_>) -> Result<Vec<Eip>, CallError> {
        let given = Given::default()
            .maybe("RegionCode", filter.region)
            .maybe("AvailableZoneCode", filter.zone)
            .maybe("Keyword", filter.keyword);
        let answer = self.send(&action::EIPS, given).await?;
        let found = eips(&answer.data)?;
        complete(action::EIPS.name, total(&answer.data), found.len())?;
        Ok(found)
    }

    /// `DeleteEIP`: at once, without an event.
    pub async fn delete_eip(&self, id: &str) -> Result<(), CallError> {
        let _turns = self.turns(&[id]).await;
        self.send(&action::DELETE_EIP, Given::default().with("EIPId", id)).await.map(drop)
    }

    /// Reads page after page until `Total` rows have come. Fewer are an error.
    async fn pages<T>(
        &self,
        action: &Action,
        given: impl Fn() -> Given,
        rows: fn(&Value) -> Vec<T>,
        id: fn(&T) -> &Text,
    ) -> Result<Vec<T>, CallError> {
        let mut found: BTreeMap<Text, T> = BTreeMap::new();
        for page in 1..=PAGES_MAX {
            // The first page is what is answered without a number.
            let given = given().maybe("PageNumber", (page != 1).then_some(page));
            let answer = self.send(action, given).await?;
            let known = found.len();
            found.extend(rows(&answer.data).into_iter().map(|row| (Text::clone(id(&row)), row)));
            let total = total(&answer.data);
            if found.len() == known || total.is_none_or(|total| total <= found.len()) {
                complete(action.name, total, found.len())?;
                break;
            }
        }
        Ok(found.into_values().collect())
    }
}

/// How many rows there are by the answer's own count.
fn total(data: &Value) -> Option<usize> {
    usize::try_from(Fields::of(data)?.number("Total")?).ok()
}

fn complete(action: &str, total: Option<usize>, came: usize) -> Result<(), CallError> {
    match total {
        Some(total) if came < total => {
            let text = format!("{action}: incomplete: {came} of {total} rows came");
            Err(CallError::NotUnderstood(text))
        }
        Some(_) => Ok(()),
        None => Err(CallError::NotUnderstood(format!("{action}: incomplete: there is no Total"))),
    }
}

fn rows<'a>(data: &'a Value, name: &str) -> Vec<Fields<'a>> {
    Fields::of(data).map(|data| data.list(name)).unwrap_or_default()
}

/// `Data` of `DescribeVPC`.
pub fn vpcs(data: &Value) -> Vec<Vpc> {
    let vpc = |row: Fields<'_>| {
        let name = row.text("VPCNmae").or_else(|| row.text("VPCName"));
        Some(Vpc {
            id: row.id("VPCId")?,
            name: name.unwrap_or_else(|| "".into()),
            status: row.text("Status"),
            segment: row.text("VPCSegment"),
        })
    };
    rows(data, "VPCList").into_iter().filter_map(vpc).collect()
}

/// `Data` of `DescribeSubnet`.
pub fn subnets(data: &Value) -> Vec<Subnet> {
    let subnet = |row: Fields<'_>| {
        Some(Subnet {
            id: row.id("SubnetId")?,
            name: row.text("SubnetName").unwrap_or_else(|| "".into()),
            vpc: row.id("VPCId")?,
            zone: row.text("AvailableZoneCode").unwrap_or_else(|| "".into()),
            segment: row.text("SubnetSegment"),
        })
    };
    rows(data, "SubnetList").into_iter().filter_map(subnet).collect()
}

/// `Data` of `DescribeEIP`. A row without an id or an address is an error: it may be any of them.
pub fn eips(data: &Value) -> Result<Vec<Eip>, CallError> {
    let missing = || CallError::NotUnderstood("DescribeEIP: a row without Id or IP".to_owned());
    rows(data, "EIPList").into_iter().map(|row| eip(row).ok_or_else(missing)).collect()
}

fn eip(row: Fields<'_>) -> Option<Eip> {
    let bound_to = row.object("BindResourceInfo");
    let is_bound = match row.value("BindResourceInfo") {
        None | Some(Value::Null) => row.flag("IsBind"),
        Some(Value::Object(_)) => Some(true),
        // it names something, and nobody can say what
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => None,
    };
    let bandwidth = row.object("BandwidthInfo");
    Some(Eip {
        id: row.id("Id")?,
        ip: row.text("IP")?,
        is_bound,
        status: row.text("Status"),
        mbit: bandwidth.and_then(|bandwidth| bandwidth.number("Qos")),
        bound_to: bound_to.and_then(|resource| resource.text("SubnetIP")),
        description: row.text("Description").unwrap_or_else(|| "".into()),
        zone: row.text("AvailableZoneCode"),
        created_at: row.time("CreateTime"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What leads to a deletion must be said; what cannot be read is no word of it.
    #[test]
    fn an_address_is_unused_only_if_the_answer_says_so() {
        let is_unused = |more: Value| {
            let mut row = json!({
                "Id": "eip-1", "IP": "203.0.113.1", "IsBind": false, "Status": "ok",
                "BindResourceInfo": null,
            });
            for (name, value) in more.as_object().unwrap() {
                row[name] = value.clone();
            }
            eips(&json!({ "EIPList": [row] })).unwrap()[0].is_unused()
        };
        for unused in [json!({}), json!({ "IsBind": 0 }), json!({ "IsBind": "false" })] {
            assert!(is_unused(unused.clone()), "{unused}");
        }
        for doubtful in [
            json!({ "IsBind": true }),
            json!({ "IsBind": null }),
            json!({ "IsBind": "" }),
            json!({ "IsBind": "unbound" }),
            json!({ "IsBind": 2 }),
            json!({ "BindResourceInfo": { "SubnetIP": "10.15.100.2" } }),
            json!({ "BindResourceInfo": {} }),
            json!({ "BindResourceInfo": [{ "SubnetIP": "10.15.100.2" }] }),
            json!({ "BindResourceInfo": "10.15.100.2" }),
            json!({ "Status": "updating" }),
            json!({ "Status": null }),
        ] {
            assert!(!is_unused(doubtful.clone()), "{doubtful}");
        }
        assert!(eips(&json!({ "EIPList": [{ "IP": "203.0.113.1" }] })).is_err());
    }
}
