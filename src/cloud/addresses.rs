//! Public addresses, ordered and changed: of the vendor's page on networks and of its program.
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
//! };
//! for (id, address) in client.create_eips(&new).await? {
//!     println!("{id} {address}");
//! }
//! # Ok(())
//! # }
//! ```

use serde_json::{Map, Value, json};

use super::actions::newer as action;
use super::client::{Client, Params};
use super::error::CallError;
use super::fields::{Fields, list};
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
}

impl Client {
    /// `CreateEIP`: (id, address) of each.
    pub async fn create_eips(&self, new: &NewEips<'_>) -> Result<Vec<(Text, Text)>, CallError> {
        let mut body = Map::from_iter([
            ("RegionCode".to_owned(), json!(new.region)),
            ("BandwidthType".to_owned(), json!(new.line)),
            ("BillScheme".to_owned(), json!(new.scheme)),
            ("Qos".to_owned(), json!(new.mbit)),
            ("Size".to_owned(), json!(new.count)),
            ("Description".to_owned(), json!(new.description)),
        ]);
        body.extend(new.zone.map(|zone| ("AvailableZoneCode".to_owned(), json!(zone))));
        let answer = self.call(&action::CREATE_EIP, Params::Body(Value::Object(body))).await?;
        let row = |row: Fields<'_>| Some((row.id("EIPId")?, row.text("IP")?));
        Ok(list(&answer.data).into_iter().filter_map(row).collect())
    }

    /// `UpdateEIP`: another bandwidth in Mbit/s; answers the task to ask after.
    pub async fn update_eip(&self, id: &str, mbit: u32) -> Result<Option<Text>, CallError> {
        let body = Params::Body(json!({ "EIPId": id, "Qos": mbit }));
        Ok(self.call(&action::UPDATE_EIP, body).await?.task.map(Text::from))
    }

    /// `DescribeTask`: how far a change of a network is, in the server's own word.
    pub async fn task_status(&self, task: &str) -> Result<Text, CallError> {
        let answer = self.call(&action::TASK, Params::Body(json!({ "TaskId": task }))).await?;
        let status = Fields::of(&answer.data).and_then(|data| data.text("TaskStatus"));
        status.ok_or_else(|| CallError::NotUnderstood("DescribeTask: no TaskStatus".to_owned()))
    }
}
