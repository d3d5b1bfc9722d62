//! The border to the vendor's client: its words in the farm's.

use crate::cloud::catalog::{DiskSpec, PriceRequest};
use crate::cloud::events::EventDetail;
use crate::cloud::rows::Row;
use crate::cloud::{CallError, Client, Offer, leftovers};
use crate::model::{
    Billing, EventReading, InstanceRow, Leftover, LeftoverKind, OfferKey, Price, Quote, Size, Span,
    Text, Time,
};

/// What the vendor is told of an offer; its terms are said apart.
pub fn offer(key: &OfferKey) -> Offer {
    let (zone, family) = (Text::clone(&key.zone), Text::clone(&key.family));
    Offer { zone, family, size: key.size() }
}

/// The farm's key of it on these terms.
pub fn key(offer: &Offer, billing: Billing) -> OfferKey {
    let Size { cpu, ram_gib, gpus } = offer.size;
    let (zone, family) = (Text::clone(&offer.zone), Text::clone(&offer.family));
    OfferKey { zone, family, cpu, ram_gib, gpus, billing }
}

/// A machine of a listing.
pub fn row(row: Row) -> InstanceRow {
    let offer = row.offer.as_ref().zip(row.billing).map(|(offer, billing)| key(offer, billing));
    InstanceRow {
        instance: row.id,
        name: row.name,
        status: row.status,
        created_at: row.created_at,
        offer,
        free_when_stopped: row.free_when_stopped,
    }
}

/// An event, for one instance: its own task counts, not the event as a whole, which may have failed for
/// others (`part_fail`).
pub fn event(detail: EventDetail, instance: Option<&str>) -> EventReading {
    let ours = |resource: &str| instance.is_none_or(|id| resource == id);
    let task = detail.tasks.iter().find(|task| ours(&task.resource));
    EventReading {
        event: detail.id,
        status: task.map_or(detail.said, |task| task.status.clone()),
        created_at: task.and_then(|task| task.created_at),
        ended_at: task.and_then(|task| task.ended_at),
    }
}

/// Something that nothing uses; what it costs is asked apart.
pub fn leftover(one: leftovers::Leftover) -> Leftover {
    Leftover {
        kind: match one.kind {
            leftovers::Kind::Disk => LeftoverKind::Disk,
            leftovers::Kind::Address => LeftoverKind::Address,
        },
        id: one.id,
        name: one.name,
        place: one.place,
        gib: one.gib,
        ip: one.ip,
        created_at: one.created_at,
        shown_with: one.shown_with,
        is_system: one.is_system,
        hourly: None,
    }
}

/// What a machine costs running and stopped. The API quotes no disk alone, so the machine is priced with
/// its disk once and twice as large: the difference is the disk, and a stopped machine costs its disk. A
/// local disk cannot be stopped free of charge.
pub async fn quote(
    client: &Client,
    wanted: &OfferKey,
    disk: &DiskSpec,
    asked_at: Time,
) -> Result<Quote, CallError> {
    let with = |gib: u32| {
        let disk = DiskSpec { feature: disk.feature.clone(), gib };
        PriceRequest::one(offer(wanted), wanted.billing, disk)
    };
    let answer = client.price(&with(disk.gib)).await?;
    let (running, bids) = (answer.per_time()?, answer.bids);
    let unit = Span::seconds(1);
    if disk.feature == "local" {
        return Ok(Quote { running, stopped: running, bids, unit, asked_at });
    }
    let larger = client.price(&with(disk.gib.saturating_mul(2))).await?.per_time()?;
    Ok(Quote { running, stopped: difference(running, larger)?, bids, unit, asked_at })
}

/// What a data disk of so many GiB costs beside a machine with this system disk, and so alone, for the
/// API quotes none alone.
pub async fn data_disk_price(
    client: &Client,
    wanted: &OfferKey,
    system: &DiskSpec,
    gib: u32,
) -> Result<Price, CallError> {
    let bare = PriceRequest::one(offer(wanted), wanted.billing, system.clone());
    let disk = DiskSpec { feature: system.feature.clone(), gib };
    let more = PriceRequest { data_disks: vec![disk], ..bare.clone() };
    let bare = client.price(&bare).await?.per_time()?;
    difference(bare, client.price(&more).await?.per_time()?)
}

/// What is in the second price and not in the first.
fn difference(smaller: Price, larger: Price) -> Result<Price, CallError> {
    if larger.per != smaller.per || larger.amount < smaller.amount {
        let text = "DescribePrice: a larger disk costs less, or in another unit";
        return Err(CallError::NotUnderstood(text.to_owned()));
    }
    Ok(Price { amount: larger.amount - smaller.amount, per: smaller.per })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EventStatus;
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
        let of = |id: &str| event(EventDetail::of("e", &data).unwrap(), Some(id));
        assert_eq!(of("ins-b").status, EventStatus::Done);
        assert_eq!(of("ins-b").ended_at.unwrap().to_string(), "2022-09-15T07:03:13Z");
        assert_eq!(of("ins-a").status, EventStatus::Failed);
        let of_none = of("ins-c").status;
        assert_eq!(of_none, EventStatus::Other("part_fail".into()), "of others, it says nothing");
    }
}
