//! Machines and events out of the vendor's rows.
//!
//! ```
//! use farmscale::cloud::rows::status;
//! use farmscale::model::Status;
//!
//! assert_eq!(status("starting_up"), Status::StartingUp);
//! ```

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::CallError;
use super::fields::Fields;
use super::offer::{Offer, billing};
use crate::model::{Billing, EventStatus, Size, Status, Text, Time};

/// A machine as `DescribeInstanceList` lists it. What the API leaves empty is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `EcsId`.
    pub id: Text,
    /// `EcsName`.
    pub name: Text,
    /// `Status`.
    pub status: Status,
    /// `CreateTime`.
    pub created_at: Option<Time>,
    /// What it is; `None` if the row does not say, or its zone is not known.
    pub offer: Option<Offer>,
    /// How it is paid for; `None` for a way that is not known.
    pub billing: Option<Billing>,
    /// `NoChargeForShutdown`; `None` = the row does not say.
    pub free_when_stopped: Option<bool>,
    /// `VpcId`.
    pub vpc: Option<Text>,
    /// `PrivateNet`.
    pub private_ip: Option<Text>,
    /// Every public address bound to it.
    pub public_ips: Vec<Text>,
}

/// The rows of `DescribeInstanceList`; `zones` = `AzId` → `AvailableZoneCode`.
pub fn rows(data: &Value, zones: &BTreeMap<Text, Text>) -> Result<Vec<Row>, CallError> {
    let rows = Fields::of(data).map(|data| data.list("EcsList")).unwrap_or_default();
    rows.into_iter()
        .map(|fields| {
            row(fields, zones).ok_or_else(|| {
                let text = "DescribeInstanceList: a row without EcsId, EcsName or Status";
                CallError::NotUnderstood(text.to_owned())
            })
        })
        .collect()
}

fn row(fields: Fields<'_>, zones: &BTreeMap<Text, Text>) -> Option<Row> {
    Some(Row {
        id: fields.id("EcsId")?,
        name: fields.text("EcsName").unwrap_or_else(|| "".into()),
        status: status(&fields.text("Status")?),
        created_at: fields.time("CreateTime"),
        offer: offer(fields, zones),
        billing: fields.text("BillingMethod").and_then(|code| billing(&code)),
        free_when_stopped: fields.flag("NoChargeForShutdown"),
        vpc: fields.text("VpcId"),
        private_ip: fields.text("PrivateNet"),
        public_ips: public_ips(fields),
    })
}

fn offer(fields: Fields<'_>, zones: &BTreeMap<Text, Text>) -> Option<Offer> {
    let zone = Text::clone(zones.get(&fields.text("AzId")?)?);
    let gpus = fields.number("GpuSize").unwrap_or(0);
    let size = Size::new(fields.number("CpuSize")?, fields.number("RamSize")?, gpus);
    Some(Offer { zone, family: fields.text("EcsFamilyName")?, size })
}

/// Public addresses, which stand by the private ones they are bound to.
pub(super) fn public_ips(fields: Fields<'_>) -> Vec<Text> {
    let eips = fields.object("EipInfo").into_iter().flat_map(Fields::entries);
    eips.filter_map(|(_, eip)| eip.text("EipIp")).collect()
}

/// `Data` of `DescribeInstanceStatus`, by id.
pub fn statuses(data: &Value) -> BTreeMap<Text, Status> {
    let statuses = Fields::of(data).and_then(|data| data.object("EcsStatus"));
    let entries = statuses.into_iter().flat_map(Fields::entries);
    let one =
        |(id, fields): (&str, Fields<'_>)| Some((Text::from(id), status(&fields.text("Status")?)));
    entries.filter_map(one).collect()
}

/// `Status` of an instance. `deleted` is logical, `destroying` and `destroy` physical: all three
/// are gone for us. `error` proves nothing, and `recycling` is for arrears.
pub fn status(text: &str) -> Status {
    match text {
        "building" => Status::Building,
        "running" => Status::Running,
        "starting_up" => Status::StartingUp,
        "shutting_down" => Status::ShuttingDown,
        "shutdown" => Status::Shutdown,
        "deleted" | "destroying" | "destroy" => Status::Gone,
        "failed" => Status::Failed,
        "error" => Status::Broken,
        "recycling" => Status::Arrears,
        "deleting" => Status::Deleting,
        other => Status::Other(other.into()),
    }
}

/// `EventStatus` and the `Status` of a task, in all words and both languages seen.
pub fn event_status(text: &str) -> EventStatus {
    match text.to_lowercase().as_str() {
        "success" | "finish" | "succeed" | "成功" | "完成" => EventStatus::Done,
        "error" | "failed" | "fail" | "失败" => EventStatus::Failed,
        "doing" | "init" | "new" | "执行中" | "进行中" => EventStatus::Running,
        other => EventStatus::Other(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_without_its_zone_is_a_machine_of_unknown_offer() {
        let data = json!({"EcsList": [{"EcsId": "ins-1", "EcsName": "n", "Status": "recycling"}]});
        let rows = rows(&data, &BTreeMap::new()).unwrap();
        assert_eq!(rows[0].offer, None);
        assert_eq!(rows[0].status, Status::Arrears);
    }

    #[test]
    fn whether_a_stop_is_free_is_not_known_unless_it_is_said() {
        let free = |said: Value| {
            let row = json!({ "EcsId": "i", "Status": "shutdown", "NoChargeForShutdown": said });
            rows(&json!({ "EcsList": [row] }), &BTreeMap::new()).unwrap()[0].free_when_stopped
        };
        assert_eq!([free(json!(1)), free(json!("0"))], [Some(true), Some(false)]);
        assert_eq!([free(Value::Null), free(json!("")), free(json!("maybe"))], [None; 3]);
    }
}
