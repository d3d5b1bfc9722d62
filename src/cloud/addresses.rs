//! Public addresses, ordered, changed and bound: of the vendor's page on networks and of its program.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! use farmscale::cloud::addresses::NewEips;
//!
//! let new = NewEips {
//!     region: "CN_Suqian",
//!     zone: None,
//!     line: "Bandwidth_China_Telecom",
//!     scheme: "BandwIdth",
//!     mbit: 5,
//!     count: 1,
//!     description: "gate",
//!     subject: None,
//!     project: None,
//! };
//! for (id, address) in client.create_eips(&new).await? {
//!     println!("{id} {address}");
//! }
//! # Ok(())
//! # }
//! ```

use serde_json::Value;

use super::actions::Action;
use super::actions::newer as action;
use super::client::Client;
use super::error::CallError;
use super::fields::{Fields, list};
use super::given::Given;
use crate::model::Text;

/// Public addresses to order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEips<'a> {
    /// `RegionCode`.
    pub region: &'a str,
    /// `AvailableZoneCode`: for edge zones, and only for them.
    pub zone: Option<&'a str>,
    /// `BandwidthType`: the line, such as `Bandwidth_China_Telecom`.
    pub line: &'a str,
    /// `BillScheme`: `BandwIdth` (so spelt), `BandwIdthMonth` or `Traffic`.
    pub scheme: &'a str,
    /// Mbit/s.
    pub mbit: u32,
    /// How many.
    pub count: u32,
    /// All of a name they have.
    pub description: &'a str,
    /// `SubjectId`: a test-money account's number.
    pub subject: Option<u32>,
    /// `ProjectId`.
    pub project: Option<u32>,
}

impl Client {
    /// `CreateEIP`: (id, address) of each.
    pub async fn create_eips(&self, new: &NewEips<'_>) -> Result<Vec<(Text, Text)>, CallError> {
        let given = Given::default()
            .with("RegionCode", new.region)
            .maybe("AvailableZoneCode", new.zone)
            .with("BandwidthType", new.line)
            .with("BillScheme", new.scheme)
            .with("Qos", new.mbit)
            .with("Size", new.count)
            .with("Description", new.description)
            .maybe("SubjectId", new.subject)
            .maybe("ProjectId", new.project);
        Ok(new_eips(&self.send(&action::CREATE_EIP, given).await?.data))
    }

    /// `UpdateEIP`: another bandwidth in Mbit/s, another description, or both; answers the task to ask
    /// after.
    pub async fn update_eip(
        &self,
        id: &str,
        mbit: Option<u32>,
        description: Option<&str>,
    ) -> Result<Option<Text>, CallError> {
        let given =
            Given::default().with("EIPId", id).maybe("Qos", mbit).maybe("Description", description);
        self.task_of(&action::UPDATE_EIP, id, given).await
    }

    /// `BindEIP` to a private address of a subnet; answers the task to ask after.
    pub async fn bind_eip(
        &self,
        id: &str,
        subnet: &str,
        private_ip: &str,
    ) -> Result<Option<Text>, CallError> {
        let given = Given::default().with("EIPId", id).with("NetId", subnet).with("IP", private_ip);
        self.task_of(&action::BIND_EIP, id, given).await
    }

    /// `UnbindEIP`: it stays, and is billed; answers the task to ask after.
    pub async fn unbind_eip(
        &self,
        id: &str,
        subnet: &str,
        private_ip: &str,
    ) -> Result<Option<Text>, CallError> {
        let given = Given::default().with("EIPId", id).with("NetId", subnet).with("IP", private_ip);
        self.task_of(&action::UNBIND_EIP, id, given).await
    }

    async fn task_of(
        &self,
        action: &Action,
        id: &str,
        given: Given,
    ) -> Result<Option<Text>, CallError> {
        let _turns = self.turns(&[id]).await;
        Ok(self.send(action, given).await?.task.map(Text::from))
    }

    /// `DescribeTask`: how far a change of a network is, in the server's own word.
    pub async fn task_status(&self, task: &str) -> Result<Text, CallError> {
        let answer = self.send(&action::TASK, Given::default().with("TaskId", task)).await?;
        let status = Fields::of(&answer.data).and_then(|data| data.text("TaskStatus"));
        status.ok_or_else(|| CallError::NotUnderstood("DescribeTask: no TaskStatus".to_owned()))
    }
}

/// `Data` of `CreateEIP`: (id, address) of each.
pub fn new_eips(data: &Value) -> Vec<(Text, Text)> {
    let row = |row: Fields<'_>| Some((row.id("EIPId")?, row.text("IP")?));
    list(data).into_iter().filter_map(row).collect()
}
