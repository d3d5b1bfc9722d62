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
use crate::model::{Billing, EventReading, EventStatus, InstanceRow, OfferKey, Status, Text};

/// The rows of `DescribeInstanceList`; `zones` = `AzId` → `AvailableZoneCode`.
pub fn of(data: &Value, zones: &BTreeMap<Text, Text>) -> Result<Vec<InstanceRow>, CallError> {
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

fn row(fields: Fields<'_>, zones: &BTreeMap<Text, Text>) -> Option<InstanceRow> {
    Some(InstanceRow {
        instance: fields.id("EcsId")?,
        name: fields.text("EcsName").unwrap_or_else(|| "".into()),
        status: status(&fields.text("Status")?),
        created_at: fields.time("CreateTime"),
        offer: offer(fields, zones),
        free_when_stopped: fields.flag("NoChargeForShutdown").unwrap_or(false),
    })
}

fn offer(fields: Fields<'_>, zones: &BTreeMap<Text, Text>) -> Option<OfferKey> {
    let zone = zones.get(&fields.text("AzId")?)?;
    let billing = billing(&fields.text("BillingMethod")?)?;
    Some(OfferKey {
        zone: Text::clone(zone),
        family: fields.text("EcsFamilyName")?,
        cpu: fields.number("CpuSize")?,
        ram_gib: fields.number("RamSize")?,
        gpus: fields.number("GpuSize").unwrap_or(0),
        billing,
    })
}

/// `BillingMethod`; `None` for one that is not known.
pub fn billing(code: &str) -> Option<Billing> {
    let all = [Billing::OnDemand, Billing::Monthly, Billing::Spot];
    all.into_iter().find(|one| billing_code(*one) == code)
}

/// `BillingMethod`, as the vendor writes it.
pub const fn billing_code(billing: Billing) -> &'static str {
    match billing {
        Billing::OnDemand => "0",
        Billing::Monthly => "1",
        Billing::Spot => "3",
    }
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

/// `DescribeEvent`, for one instance: its own task counts, not the event as a whole, which may
/// have failed for others (`part_fail`).
pub fn event(id: &str, instance: Option<&str>, data: &Value) -> Result<EventReading, CallError> {
    let fields = Fields::of(data);
    let Some(whole) = fields.and_then(|data| data.text("EventStatus")) else {
        let text = "DescribeEvent: no EventStatus";
        return Err(CallError::NotUnderstood(text.to_owned()));
    };
    let tasks = fields.map(|data| data.list("TaskList")).unwrap_or_default();
    let ours = |task: &&Fields<'_>| {
        instance.is_none_or(|id| task.text("ResourceId").is_some_and(|resource| *resource == *id))
    };
    let task = tasks.iter().find(ours);
    let status = task.and_then(|task| task.text("Status")).unwrap_or(whole);
    Ok(EventReading {
        event: id.into(),
        status: event_status(&status),
        created_at: task.and_then(|task| task.time("CreateTime")),
        ended_at: task.and_then(|task| task.time("EndTime")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_instances_own_task_tells_in_a_batch_that_failed_in_part() {
        let data = json!({
            "EventStatus": "part_fail",
            "TaskList": [
                {"ResourceId": "ins-a", "Status": "失败", "EndTime": ""},
                {"ResourceId": "ins-b", "Status": "success", "EndTime": "2022-09-15 15:03:13"},
            ],
        });
        let ours = event("e", Some("ins-b"), &data).unwrap();
        assert_eq!(ours.status, EventStatus::Done);
        assert_eq!(ours.ended_at.unwrap().to_string(), "2022-09-15T07:03:13Z");
        assert_eq!(event("e", Some("ins-a"), &data).unwrap().status, EventStatus::Failed);
    }

    #[test]
    fn a_row_without_its_zone_is_a_machine_of_unknown_offer() {
        let data = json!({"EcsList": [{"EcsId": "ins-1", "EcsName": "n", "Status": "recycling"}]});
        let rows = of(&data, &BTreeMap::new()).unwrap();
        assert_eq!(rows[0].offer, None);
        assert_eq!(rows[0].status, Status::Arrears);
    }
}
