//! Events: how far a change is, followed with a deadline of our own.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! use farmscale::cloud::actions::Service;
//! use farmscale::cloud::events::{Followed, Pace};
//! use farmscale::model::Span;
//!
//! let pace = Pace { every: Span::seconds(3), within: Span::minutes(30) };
//! match client.follow(Service::Ecs, "event-id", pace, |_| {}).await {
//!     Followed::Done(event) => println!("{} done", event.tasks.len()),
//!     Followed::Failed(event) => println!("failed: {event:?}"),
//!     Followed::TooLate(_) => println!("it has not ended in time"),
//! }
//! # Ok(())
//! # }
//! ```

use serde_json::Value;

use super::actions::{self, Service};
use super::client::Client;
use super::error::CallError;
use super::fields::Fields;
use super::given::Given;
use super::rows;
use crate::model::{EventStatus, Span, Text, Time};

/// An event with its tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDetail {
    /// `EventId`.
    pub id: Text,
    /// How far it is, by its own word and by its tasks': it has failed if any of them has.
    pub status: EventStatus,
    /// `EventStatus`, its own word.
    pub said: EventStatus,
    /// `EventTypeDisplay`, or its code.
    pub kind: Text,
    /// One per machine, disk or image.
    pub tasks: Vec<Task>,
}

/// One resource's part of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// `ResourceId`.
    pub resource: Text,
    /// `Status`.
    pub status: EventStatus,
    /// `CreateTime`.
    pub created_at: Option<Time>,
    /// `EndTime`; `None` until done.
    pub ended_at: Option<Time>,
}

/// How an event is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Between two looks.
    pub every: Span,
    /// Until it counts as too late.
    pub within: Span,
}

/// How a followed event ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// Every task is done.
    Done(EventDetail),
    /// At least one task failed: see the tasks.
    Failed(EventDetail),
    /// Not ended when the deadline came; events have been seen to hang for a day.
    TooLate(Option<EventDetail>),
}

impl Client {
    /// `DescribeEvent` of machines and images (`Service::Ecs`) or of disks.
    pub async fn event_detail(&self, service: Service, id: &str) -> Result<EventDetail, CallError> {
        let action = match service {
            Service::Ebs => &actions::ebs::EVENT,
            Service::Ecs | Service::Images | Service::SecurityGroups | Service::Vpc => {
                &actions::ecs::EVENT
            }
        };
        let answer = self.send(action, Given::default().with("EventId", id)).await?;
        EventDetail::of(id, &answer.data)
    }

    /// Asks at this pace until the event ends or it is too late, and tells `progress` of each answer.
    /// A look that fails is no end: the next one is waited for.
    pub async fn follow(
        &self,
        service: Service,
        id: &str,
        pace: Pace,
        mut progress: impl FnMut(Result<&EventDetail, &CallError>),
    ) -> Followed {
        let until = self.clock().now() + pace.within;
        let mut last = None;
        loop {
            match self.event_detail(service, id).await {
                Ok(event) => {
                    progress(Ok(&event));
                    match event.status {
                        EventStatus::Done => return Followed::Done(event),
                        EventStatus::Failed => return Followed::Failed(event),
                        EventStatus::Running | EventStatus::Other(_) => last = Some(event),
                    }
                }
                Err(error) => progress(Err(&error)),
            }
            let next = self.clock().now() + pace.every;
            if until < next {
                return Followed::TooLate(last);
            }
            self.clock().sleep_until(next).await;
        }
    }
}

impl EventDetail {
    /// `Data` of `DescribeEvent`. The event has ended when its own status or all tasks say so; it
    /// has failed if any task has.
    pub fn of(id: &str, data: &Value) -> Result<Self, CallError> {
        let missing = || CallError::NotUnderstood("DescribeEvent: no EventStatus".to_owned());
        let fields = Fields::of(data).ok_or_else(missing)?;
        let said = rows::event_status(&fields.text("EventStatus").ok_or_else(missing)?);
        let tasks: Vec<Task> = fields.list("TaskList").into_iter().filter_map(task).collect();
        let any = |status: &EventStatus| tasks.iter().any(|task| task.status == *status);
        let ended = said != EventStatus::Running || !any(&EventStatus::Running);
        let has_failed = ended && any(&EventStatus::Failed);
        let status = if has_failed { EventStatus::Failed } else { said.clone() };
        let kind = fields.text("EventTypeDisplay").or_else(|| fields.text("EventType"));
        Ok(Self { id: id.into(), status, said, kind: kind.unwrap_or_else(|| "".into()), tasks })
    }
}

fn task(fields: Fields<'_>) -> Option<Task> {
    Some(Task {
        resource: fields.text("ResourceId")?,
        status: rows::event_status(&fields.text("Status")?),
        created_at: fields.time("CreateTime"),
        ended_at: fields.time("EndTime"),
    })
}
