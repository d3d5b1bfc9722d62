//! What a script orders where chaos draws: single mishaps, at a moment of its choice.

use super::{Due, Fate, Shared};
use crate::model::{Refusal, Time, Wake};

/// What can be down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// The provider's API.
    Cloud,
    /// The queue.
    Queue,
    /// Of the provider's API, prices alone.
    Prices,
}

/// Mishaps that were ordered and have not struck yet.
#[derive(Debug, Default)]
pub(super) struct Ordered {
    refusals: (u32, Option<Refusal>),
    answers_lost: u32,
    requests_lost: u32,
    crash_when_sent: bool,
    cloud_until: Time,
    queue_until: Time,
    prices_until: Time,
}

impl Ordered {
    /// Whether the daemon dies as this request leaves.
    pub(super) fn crashes_now(&mut self) -> bool {
        std::mem::take(&mut self.crash_when_sent)
    }

    /// Whether this request is lost before it is carried out.
    pub(super) fn loses_request(&mut self) -> bool {
        take_one(&mut self.requests_lost)
    }

    /// What becomes of this request, if it was ordered.
    pub(super) fn fate(&mut self, create: bool) -> Option<Fate> {
        if create
            && let (count, Some(class)) = &mut self.refusals
            && take_one(count)
        {
            return Some(Fate::Refused(*class));
        }
        take_one(&mut self.answers_lost).then_some(Fate::AnswerLost)
    }

    /// Whether a service was ordered to answer nothing.
    pub(super) fn is_down(&self, label: &str, now: Time) -> bool {
        match label {
            "cloud" => now < self.cloud_until,
            "queue" => now < self.queue_until,
            "prices" => now < self.prices_until,
            _ => false,
        }
    }
}

fn take_one(count: &mut u32) -> bool {
    let any = *count != 0;
    *count = count.saturating_sub(1);
    any
}

impl Shared {
    /// Wakes the daemon with this at once.
    pub fn tell(&mut self, wake: Wake) {
        self.later(self.now, Due::Deliver { wake, life: self.life });
    }

    /// The next creates, so many of them, are refused for this reason.
    pub fn refuse_creates(&mut self, count: u32, class: Refusal) {
        self.ordered.refusals = (count, Some(class));
    }

    /// The next requests to the provider, so many of them, are carried out and their answers lost.
    pub fn lose_answers(&mut self, count: u32) {
        self.ordered.answers_lost = count;
    }

    /// The next requests to the provider, so many of them, are lost on their way there.
    pub fn lose_requests(&mut self, count: u32) {
        self.ordered.requests_lost = count;
    }

    /// The daemon dies as its next request leaves; the request does leave.
    pub fn crash_when_sent(&mut self) {
        self.ordered.crash_when_sent = true;
    }

    /// Nothing comes of requests to a service until then.
    pub fn take_down(&mut self, service: Service, until: Time) {
        match service {
            Service::Cloud => self.ordered.cloud_until = until,
            Service::Queue => self.ordered.queue_until = until,
            Service::Prices => self.ordered.prices_until = until,
        }
    }

    /// The daemon's store is gone.
    pub fn lose_store(&mut self) {
        self.disk.borrow_mut().lose();
        self.judge.store_lost(self.now);
    }

    /// The daemon has ended as it should; the next one is a new life, as after a crash.
    pub fn closed(&mut self) {
        self.life += 1;
        self.disk.borrow_mut().close();
        self.judge.restarted(self.now);
    }
}
