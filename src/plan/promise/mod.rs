//! How many machines keep the promise that tasks start soon, at the least cost.
//!
//! The queue is played forward on the machines there are and on their way, in a few equally likely
//! futures, once for each number of new machines. A machine costs its boot; a task that starts
//! later than promised costs a price of its own. The cheapest sum decides. So a burst of short
//! tasks does not get a machine each, and boots that are no longer worth their end are given up.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::{Span, Time};
use crate::policy::Promise;

pub mod estimate;
pub mod gaps;
pub mod workload;

use estimate::{FUTURES, Futures};

/// Tasks that would start later than this after the promise is broken are charged as if they
/// started then.
const BEYOND: Span = Span::seconds(400);
/// A boot that ends within this is not given up any more.
pub const CANCEL_MIN: Span = Span::seconds(60);
/// The part of a given-up boot that counts as saved, in percent: less than all, so that boots are
/// not given up and asked for again.
const CANCEL_SAVES_PERCENT: i64 = 70;
/// Tasks played forward at most.
const TASKS_PLAYED: usize = 512;
/// Steps of the search between two numbers tried.
const REFINE_STEPS: i64 = 6;

/// A pool's slots and tasks, as the promise sees them. Times are from now, in milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Outlook {
    /// When each waiting task was submitted (negative), in the order of the queue.
    pub submitted: Vec<i64>,
    /// How long each may take: its place in `estimates`.
    pub estimate: Vec<usize>,
    /// Durations.
    pub estimates: Vec<Futures>,
    /// When the tasks that run end.
    pub running: Vec<Futures>,
    /// Slots that are free.
    pub idle: usize,
    /// When slots on their way are ready: machine by machine, newest last.
    pub coming: Vec<Coming>,
    /// From a create to its worker.
    pub boot: i64,
}

/// A machine on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coming {
    /// When it is ready.
    pub in_ms: i64,
    /// Its slots.
    pub slots: usize,
    /// Whether it may be given up.
    pub may_cancel: bool,
}

/// What can be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addable {
    /// Stopped machines that can be started.
    pub stopped: usize,
    /// From a start to its worker, in milliseconds.
    pub restart: i64,
    /// Slots of one machine.
    pub slots: usize,
    /// At most this many.
    pub max: usize,
}

impl Outlook {
    /// One in so many of everything: a deep queue is played on a small scale.
    fn thinned(&self, scale: usize) -> Self {
        let Self { submitted, estimate, estimates, running, idle, coming, boot } = self;
        Self {
            submitted: submitted.iter().step_by(scale).copied().collect(),
            estimate: estimate.iter().step_by(scale).copied().collect(),
            estimates: estimates.clone(),
            running: running.iter().step_by(scale).copied().collect(),
            idle: idle / scale,
            coming: coming.iter().step_by(scale).copied().collect(),
            boot: *boot,
        }
    }
}

/// How many machines to add: stopped ones first, then new ones.
pub fn grow(outlook: &Outlook, promise: &Promise, add: &Addable) -> usize {
    let scale = outlook.submitted.len().div_ceil(TASKS_PLAYED).max(1);
    if scale == 1 {
        return grow_on(outlook, promise, add);
    }
    let thin = Addable { stopped: add.stopped / scale, max: add.max.div_ceil(scale), ..*add };
    (grow_on(&outlook.thinned(scale), promise, &thin) * scale).min(add.max)
}

fn grow_on(outlook: &Outlook, promise: &Promise, add: &Addable) -> usize {
    if outlook.submitted.is_empty() || add.max == 0 {
        return 0;
    }
    let game = Game::new(outlook, promise);
    let slots = i64::try_from(add.slots).unwrap_or(1).max(1);
    let total = |machines: usize| {
        let (restarted, made) = (machines.min(add.stopped), machines.saturating_sub(add.stopped));
        let launch = whole(restarted) * add.restart + whole(made) * outlook.boot;
        let ready = |count: usize, at: i64| std::iter::repeat_n(at, count * add.slots);
        let extra: Vec<i64> =
            ready(restarted, add.restart).chain(ready(made, outlook.boot)).collect();
        launch.saturating_mul(slots).saturating_add(game.lateness(outlook.coming.len(), &extra))
    };
    let least_each = add.restart.min(outlook.boot).saturating_mul(slots);
    let enough = |machines: usize, best: i64| best < whole(machines).saturating_mul(least_each);
    let nobody = outlook.idle == 0 && outlook.running.is_empty() && outlook.coming.is_empty();
    // Whatever it costs: without any machine no task would ever start.
    least(add.max, total, enough).max(usize::from(nobody))
}

/// Which of the machines on their way to give up: as many of the newest that may be.
pub fn cancel(outlook: &Outlook, promise: &Promise) -> usize {
    match outlook.submitted.len().div_ceil(TASKS_PLAYED) {
        0 | 1 => cancel_on(outlook, promise),
        scale => cancel_on(&outlook.thinned(scale), promise) * scale,
    }
}

fn cancel_on(outlook: &Outlook, promise: &Promise) -> usize {
    let candidates: Vec<&Coming> =
        outlook.coming.iter().rev().take_while(|one| one.may_cancel).collect();
    if outlook.submitted.is_empty() || candidates.is_empty() {
        return candidates.len();
    }
    let game = Game::new(outlook, promise);
    let total = |cancelled: usize| {
        let saved = candidates.iter().take(cancelled);
        let saved: i64 = saved.map(|one| one.in_ms.saturating_mul(whole(one.slots))).sum();
        let kept = outlook.coming.len() - cancelled;
        game.lateness(kept, &[]) - saved / 100 * CANCEL_SAVES_PERCENT
    };
    least(candidates.len(), total, |_, _| false)
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The number up to `max` whose total is least: in growing steps, then between the best's
/// neighbours. `enough(n, best)` = no number from n on can be better.
fn least(max: usize, total: impl Fn(usize) -> i64, enough: impl Fn(usize, i64) -> bool) -> usize {
    let mut tried = vec![(total(0), 0usize)];
    let mut best = tried.first().copied().unwrap_or_default();
    let mut number = 1;
    while number <= max && !enough(number, best.0) {
        let one = (total(number), number);
        tried.push(one);
        best = best.min(one);
        number = (number + 1).max(number * 5 / 4);
    }
    if number > max && tried.last().is_some_and(|last| last.1 < max) && !enough(max, best.0) {
        let one = (total(max), max);
        tried.push(one);
        best = best.min(one);
    }
    let place = tried.iter().position(|one| *one == best).unwrap_or(0);
    let number_at = |place: usize| tried.get(place).map(|one| one.1);
    let low = place.checked_sub(1).and_then(number_at).unwrap_or(0);
    let high = number_at(place + 1).unwrap_or(best.1);
    let step = usize::try_from(whole(high - low) / REFINE_STEPS).unwrap_or(0).max(1);
    for number in (low + 1..high).step_by(step) {
        best = best.min((total(number), number));
    }
    best.1
}

/// The queue played forward.
struct Game<'a> {
    outlook: &'a Outlook,
    promise: &'a Promise,
    horizon: i64,
    /// Sums of the submission times of all tasks from each place on.
    tails: Vec<i64>,
}

impl<'a> Game<'a> {
    fn new(outlook: &'a Outlook, promise: &'a Promise) -> Self {
        let mut tails = vec![0i64; outlook.submitted.len() + 1];
        let mut sum = 0i64;
        for (tail, submitted) in tails.iter_mut().rev().skip(1).zip(outlook.submitted.iter().rev())
        {
            sum = sum.saturating_add(*submitted);
            *tail = sum;
        }
        // Where a boot takes longer than what is promised, its end must still be in sight.
        let horizon = promise.wait.0.max(outlook.boot) + BEYOND.0;
        Self { outlook, promise, horizon, tails }
    }

    /// What lateness costs, as the mean over the futures, with the first `kept` of the machines on
    /// their way and slots ready at `extra`.
    fn lateness(&self, kept: usize, extra: &[i64]) -> i64 {
        let sum: i64 =
            (0..FUTURES).map(|future| self.play(future, kept, extra)).fold(0, i64::saturating_add);
        sum / whole(FUTURES)
    }

    fn play(&self, future: usize, kept: usize, extra: &[i64]) -> i64 {
        let Outlook { submitted, estimate, estimates, running, idle, coming, .. } = self.outlook;
        let of = |futures: &Futures| futures.get(future).copied().unwrap_or(0);
        let coming = coming.iter().take(kept);
        let coming = coming.flat_map(|one| std::iter::repeat_n(one.in_ms, one.slots));
        let free = std::iter::repeat_n(0, *idle).chain(running.iter().map(of)).chain(coming);
        let free = free.chain(extra.iter().copied());
        let mut slots: BinaryHeap<Reverse<i64>> =
            free.filter(|at| *at < self.horizon).map(Reverse).collect();
        let mut cost = 0i64;
        for (place, (submitted, estimate)) in submitted.iter().zip(estimate).enumerate() {
            let Some(mut slot) = slots.peek_mut() else {
                return cost.saturating_add(self.rest(place));
            };
            let starts_at = slot.0;
            cost = cost.saturating_add(self.price(starts_at - submitted));
            let ends_at = starts_at.saturating_add(estimates.get(*estimate).map_or(0, of));
            if ends_at < self.horizon {
                slot.0 = ends_at;
            } else {
                std::collections::binary_heap::PeekMut::pop(slot);
            }
        }
        cost
    }

    fn price(&self, waited: i64) -> i64 {
        let Promise { wait, late, late_percent, too_late, too_late_costs } = self.promise;
        let mut price = 0;
        if wait.0 < waited {
            price += late.0 + (waited - wait.0) * late_percent / 100;
        }
        if too_late.0 < waited {
            price += too_late_costs.0;
        }
        price
    }

    /// All tasks from `place` on, as if they started at the horizon.
    fn rest(&self, place: usize) -> i64 {
        let Promise { wait, late, late_percent, too_late, too_late_costs } = self.promise;
        let count = whole(self.outlook.submitted.len() - place);
        let submitted = self.tails.get(place).copied().unwrap_or(0);
        // The horizon lies beyond both limits for every task: all of them are late.
        let waited = count.saturating_mul(self.horizon).saturating_sub(submitted);
        let late_for = waited - count * wait.0;
        let too_late = if too_late.0 < self.horizon { too_late_costs.0 } else { 0 };
        count * (late.0 + too_late) + late_for / 100 * late_percent
    }
}

/// The mean time still to go of a boot that has taken `age`, from how long boots of its kind took.
pub fn expected(samples: &[u32], mean: Span, asked_at: Time, now: Time) -> Span {
    let age = now.since(asked_at).0.max(0);
    let longer = samples.iter().map(|seconds| i64::from(*seconds) * 1000);
    let longer: Vec<i64> = longer.filter(|took| age < *took).collect();
    if samples.is_empty() && age < mean.0 {
        return Span(mean.0 - age);
    }
    match whole(longer.len()) {
        0 => Span((age / 8).max(5_000)),
        count => Span(longer.iter().sum::<i64>() / count - age),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADD: Addable = Addable { stopped: 0, restart: 60_000, slots: 1, max: 10_000 };

    /// `waiting` tasks just submitted, each sure to take so many seconds.
    fn burst(waiting: usize, seconds: i64) -> Outlook {
        Outlook {
            submitted: vec![0; waiting],
            estimate: vec![0; waiting],
            estimates: vec![[seconds * 1000; FUTURES]],
            boot: 240_000,
            ..Outlook::default()
        }
    }

    fn machines(outlook: &Outlook) -> usize {
        grow(outlook, &Promise::balanced(), &ADD)
    }

    #[test]
    fn a_burst_of_short_tasks_gets_as_many_machines_as_the_promise_needs() {
        // Ready after 240 s, promised within 330 s: a machine starts 4 tasks of 30 s in between.
        assert_eq!(machines(&burst(1, 30)), 1);
        assert_eq!(machines(&burst(40, 30)), 10);
        assert_eq!(machines(&burst(40, 3600)), 40);
    }

    #[test]
    fn a_single_task_gets_a_machine_however_long_it_boots() {
        assert_eq!(machines(&Outlook { boot: 3_600_000, ..burst(1, 30) }), 1);
        let alone = Outlook { boot: 900_000, running: vec![[60_000; FUTURES]], ..burst(1, 30) };
        assert_eq!(machines(&alone), 0, "the one that is there will do it");
    }

    #[test]
    fn what_runs_and_what_comes_is_counted_before_anything_is_bought() {
        let coming = Coming { in_ms: 100_000, slots: 1, may_cancel: true };
        assert_eq!(machines(&Outlook { coming: vec![coming; 3], ..burst(3, 3600) }), 0);
        assert_eq!(machines(&Outlook { running: vec![[60_000; FUTURES]; 2], ..burst(2, 3600) }), 0);
        assert_eq!(machines(&Outlook { idle: 5, ..burst(5, 3600) }), 0);
    }

    #[test]
    fn boots_are_given_up_once_the_work_will_be_done_without_them() {
        let promise = Promise::balanced();
        let far = Coming { in_ms: 200_000, slots: 1, may_cancel: true };
        let near = Coming { in_ms: 30_000, may_cancel: false, ..far };
        let booting = |outlook: Outlook| Outlook { coming: vec![near, far, far], ..outlook };
        assert_eq!(cancel(&booting(burst(0, 0)), &promise), 2, "nothing waits");
        assert_eq!(cancel(&booting(burst(3, 10)), &promise), 2, "the first does it all");
        assert_eq!(cancel(&booting(burst(3, 3600)), &promise), 0);
    }

    #[test]
    fn a_deep_queue_is_played_on_a_small_scale_to_the_same_end() {
        let (small, deep) = (machines(&burst(500, 60)), machines(&burst(5000, 60)));
        assert!(deep.abs_diff(small * 10) <= small, "{small} and {deep}");
    }

    #[test]
    fn a_boot_that_takes_longer_than_others_is_still_expected() {
        let at = Time::from_seconds;
        let mean = Span::seconds(240);
        assert_eq!(expected(&[], mean, at(0), at(100)), Span::seconds(140));
        assert_eq!(expected(&[200, 300], mean, at(0), at(100)), Span::seconds(150));
        assert_eq!(expected(&[200, 300], mean, at(0), at(250)), Span::seconds(50));
        assert_eq!(expected(&[200, 300], mean, at(0), at(800)), Span::seconds(100));
    }
}
