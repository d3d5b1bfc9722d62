//! What every source keeps, whatever it reads: each check runs against each source's real server.

use std::time::Duration;

use farmscale::model::{MachineRef, QueueReading, Refusal, Text, WorkerState};
use farmscale::queue::{Can, Queue};

use super::{NOW, fault, machine, queue, states};
use crate::support::wait::{NEVER, STEP};

/// A real server, what feeds it, and what works for it.
pub(super) trait Bench: Sized {
    /// Starts it, empty, with the password `right-word` if it has passwords.
    fn start() -> Self;
    /// The settings of a queue that reads it, with `timeout = "1h"`.
    fn section(&self) -> String;
    /// Puts so many tasks in.
    fn submit(&mut self, tasks: u32);
    /// The worker `w1` on `ins-1` is there, and takes a task if `busy`.
    fn work(&mut self, busy: bool);
    /// The worker sees what it was asked for, and ends its task if it has one.
    fn obey(&mut self) {}
    /// The machine is gone, and its workers with it.
    fn lose(&mut self) {}
    /// Records that the source keeps of the machine.
    fn kept(&mut self) -> usize {
        0
    }
    /// Ends the server at once.
    fn stop(&mut self);
    /// Starts it again at the same place.
    fn restart(&mut self);
    /// It keeps its connections and answers nothing; `false` if it cannot be made to.
    fn freeze(&mut self, frozen: bool) -> bool;
    /// The settings with another password; `None` if it has none.
    fn wrong_password(&self) -> Option<String>;
    /// Makes it say more than `answer_max = 1` lets in; `false` if its answers cannot grow.
    fn flood(&mut self) -> bool;
}

/// Reads until it is as wanted: servers take their time to count.
pub(super) async fn settled(queue: &Queue, wanted: impl Fn(&QueueReading) -> bool) -> QueueReading {
    let (mut last, mut waited) = (queue.read(NOW).await, Duration::ZERO);
    while waited < NEVER && !last.as_ref().is_ok_and(&wanted) {
        tokio::time::sleep(STEP).await;
        waited += STEP;
        last = queue.read(NOW).await;
    }
    last.unwrap()
}

pub(super) async fn counts_exactly<B: Bench>() {
    let mut bench = B::start();
    let queue = queue(&bench.section());
    let empty = settled(&queue, |_| true).await;
    assert_eq!((empty.queued(), empty.running(), empty.asked_at), (0, 0, NOW));
    bench.submit(3);
    assert_eq!(settled(&queue, |seen| seen.queued() == 3).await.queued(), 3);
    bench.work(true);
    let reading = settled(&queue, |seen| seen.queued() == 2).await;
    assert_eq!(reading.queued(), 2);
    if reading.work.iter().any(|work| work.running.is_some()) {
        assert_eq!(reading.running(), 1);
    }
    assert_eq!(reading.workers.is_some(), queue.capabilities().has(Can::Busy));
    if queue.capabilities().has(Can::Busy) {
        let busy = |seen: &QueueReading| is_on_ins_1(seen, WorkerState::Busy);
        assert!(busy(&settled(&queue, busy).await), "{reading:?}");
    }
    assert!(!reading.is_doubtful(), "{:?}", reading.set_aside);
}

fn is_on_ins_1(reading: &QueueReading, state: WorkerState) -> bool {
    states(reading).iter().any(|(_, instance, is)| *instance == "ins-1" && *is == state)
}

pub(super) async fn ten_thousand_tasks_are_counted<B: Bench>() {
    let mut bench = B::start();
    let queue = queue(&bench.section());
    bench.submit(10_000);
    assert_eq!(settled(&queue, |seen| seen.queued() == 10_000).await.queued(), 10_000);
}

pub(super) async fn a_server_that_is_gone_is_unknown_and_comes_back<B: Bench>() {
    let mut bench = B::start();
    let queue = queue(&bench.section());
    bench.submit(2);
    settled(&queue, |seen| seen.queued() == 2).await;
    bench.stop();
    let (class, detail) = fault(&queue).await;
    assert!(matches!(class, Refusal::NotSent | Refusal::Other), "{class:?} {detail}");
    if queue.drains() {
        assert!(queue.drain(&machine()).await.is_err(), "nobody was told");
    }
    bench.restart();
    settled(&queue, |_| true).await;
    bench.submit(1);
    settled(&queue, |seen| seen.queued() != 0).await;
}

pub(super) async fn a_slow_answer_is_unknown<B: Bench>() {
    let mut bench = B::start();
    let section = bench.section().replace("timeout = \"1h\"", "timeout = \"300ms\"");
    let (hasty, patient) = (queue(&section), queue(&bench.section()));
    settled(&patient, |_| true).await;
    if !bench.freeze(true) {
        return;
    }
    let (class, detail) = fault(&hasty).await;
    assert_eq!(class, Refusal::Other, "{detail}");
    bench.freeze(false);
    settled(&patient, |_| true).await;
}

pub(super) async fn a_wrong_password_is_named_and_not_shown<B: Bench>() {
    let bench = B::start();
    let Some(section) = bench.wrong_password() else { return };
    let queue = queue(&section);
    let (class, detail) = fault(&queue).await;
    assert_eq!(class, Refusal::Auth, "{detail}");
    for word in ["wrong-word", "right-word"] {
        assert!(!detail.contains(word) && !format!("{queue:?}").contains(word), "{detail}");
    }
}

pub(super) async fn an_oversized_answer_is_unknown<B: Bench>() {
    let mut bench = B::start();
    if !bench.flood() {
        return;
    }
    let queue = queue(&format!("answer_max = 1\n{}", bench.section()));
    let (class, detail) = fault(&queue).await;
    assert_eq!(class, Refusal::Config, "{detail}");
    assert!(detail.contains("MiB"), "{detail}");
}

/// The machine with the workers that were seen on it, as the planner knows it.
fn as_seen(reading: &QueueReading) -> MachineRef {
    let seen = reading.workers.iter().flatten().filter(|seen| &*seen.instance == "ins-1");
    MachineRef { workers: seen.map(|seen| Text::clone(&seen.worker)).collect(), ..machine() }
}

pub(super) async fn a_drain_is_acknowledged_and_taken_back<B: Bench>() {
    let mut bench = B::start();
    let queue = queue(&bench.section());
    if !queue.drains() {
        assert!(queue.drain(&machine()).await.is_err(), "a promise nobody keeps");
        assert!(queue.undrain(&machine()).await.is_err());
        return;
    }
    bench.submit(2);
    bench.work(true);
    let busy = settled(&queue, |seen| is_on_ins_1(seen, WorkerState::Busy)).await;
    let machine = as_seen(&busy);
    queue.drain(&machine).await.unwrap();
    queue.drain(&machine).await.unwrap();
    let reading = queue.read(NOW).await.unwrap();
    assert!(!is_on_ins_1(&reading, WorkerState::Drained), "it holds a task: {reading:?}");
    bench.obey();
    let drained = settled(&queue, |seen| is_on_ins_1(seen, WorkerState::Drained)).await;
    assert!(is_on_ins_1(&drained, WorkerState::Drained), "{drained:?}");
    assert_eq!((drained.queued(), drained.running()), (1, 0), "it took no other");
    queue.undrain(&machine).await.unwrap();
    queue.undrain(&machine).await.unwrap();
    bench.obey();
    let back = settled(&queue, |seen| !is_on_ins_1(seen, WorkerState::Drained)).await;
    assert!(!is_on_ins_1(&back, WorkerState::Drained), "{back:?}");
}

pub(super) async fn a_machine_that_is_gone_can_be_forgotten<B: Bench>() {
    let mut bench = B::start();
    let queue = queue(&bench.section());
    if queue.capabilities().has(Can::Forget) {
        bench.work(false);
        queue.drain(&machine()).await.unwrap();
        assert_ne!(bench.kept(), 0);
        bench.lose();
    }
    queue.forget(&machine()).await.unwrap();
    queue.forget(&machine()).await.unwrap();
    assert_eq!(bench.kept(), 0);
}

/// A module with a test of each check for a bench.
macro_rules! contract {
    ($bench:ty) => {
        mod contract {
            use super::super::contract as check;
            use super::*;

            #[tokio::test]
            async fn counts_exactly() {
                check::counts_exactly::<$bench>().await;
            }

            #[tokio::test]
            async fn ten_thousand_tasks_are_counted() {
                check::ten_thousand_tasks_are_counted::<$bench>().await;
            }

            #[tokio::test]
            async fn a_server_that_is_gone_is_unknown_and_comes_back() {
                check::a_server_that_is_gone_is_unknown_and_comes_back::<$bench>().await;
            }

            #[tokio::test]
            async fn a_slow_answer_is_unknown() {
                check::a_slow_answer_is_unknown::<$bench>().await;
            }

            #[tokio::test]
            async fn a_wrong_password_is_named_and_not_shown() {
                check::a_wrong_password_is_named_and_not_shown::<$bench>().await;
            }

            #[tokio::test]
            async fn an_oversized_answer_is_unknown() {
                check::an_oversized_answer_is_unknown::<$bench>().await;
            }

            #[tokio::test]
            async fn a_drain_is_acknowledged_and_taken_back() {
                check::a_drain_is_acknowledged_and_taken_back::<$bench>().await;
            }

            #[tokio::test]
            async fn a_machine_that_is_gone_can_be_forgotten() {
                check::a_machine_that_is_gone_can_be_forgotten::<$bench>().await;
            }
        }
    };
}

pub(super) use contract;
