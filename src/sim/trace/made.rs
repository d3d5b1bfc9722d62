//! Loads made from a few parameters: shots, a batch every hour, a steady drip.

use super::Job;
use crate::model::{Span, Text};
use crate::sim::rng::Rng;

/// Frames of one job differ by about so much, in percent.
const SPREAD_PERCENT: i64 = 15;
/// No frame is shorter.
const SHORTEST: Span = Span::seconds(5);

/// A shot: frames submitted at once, again and again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shots {
    /// Frames of a shot.
    pub frames: u32,
    /// About how long a frame takes.
    pub each: Span,
    /// How often.
    pub times: u32,
    /// From one to the next.
    pub apart: Span,
    /// The distance is drawn, from a fifth of `apart` to nine fifths.
    pub irregular: bool,
}

impl Shots {
    /// Its tasks, each shot a job of its own.
    pub(super) fn jobs(self) -> Vec<Job> {
        let Self { frames, each, times, apart, irregular } = self;
        let key = format!("{frames} {each} {times} {apart}");
        let mut rng = Rng::new(0).fork(&key);
        let mut at = Span::ZERO;
        let mut jobs = Vec::new();
        for shot in 0..times {
            let name: Text = format!("shot-{shot}").into();
            let frames = (0..frames).map(|_| job(at, near(&mut rng, each), Some(&name)));
            jobs.extend(frames);
            let percent = if irregular { rng.range(20, 180) } else { 100 };
            at += Span::seconds(apart.as_seconds() * percent / 100);
        }
        jobs
    }
}

/// Every hour for `days`, 40 to 80 tasks of about ten minutes within the first minute.
pub(super) fn hourly_batch(days: u32) -> Vec<Job> {
    let mut rng = Rng::new(1).fork("hourly");
    let mut jobs = Vec::new();
    for hour in 0..i64::from(days) * 24 {
        let name: Text = format!("hour-{hour}").into();
        for _ in 0..rng.range(40, 80) {
            let at = Span::seconds(hour * 3600 + rng.range(0, 59));
            jobs.push(job(at, near(&mut rng, Span::minutes(10)), Some(&name)));
        }
    }
    jobs.sort_by_key(|job| job.submit);
    jobs
}

/// For `days`, a task of about five minutes every 20 to 40 seconds: about ten machines at work.
pub(super) fn steady_drip(days: u32) -> Vec<Job> {
    let mut rng = Rng::new(2).fork("drip");
    let mut jobs = Vec::new();
    let mut at = Span::ZERO;
    while at < Span::days(i64::from(days)) {
        jobs.push(job(at, near(&mut rng, Span::minutes(5)), None));
        at += Span::seconds(rng.range(20, 40));
    }
    jobs
}

fn job(submit: Span, duration: Span, name: Option<&Text>) -> Job {
    Job { submit, duration, gpus: 1, pool: None, label: name.cloned() }
}

/// A duration about `each`: the sum of twelve even draws is all but normal.
fn near(rng: &mut Rng, each: Span) -> Span {
    let sum: i64 = (0..12).map(|_| rng.range(0, 1000)).sum();
    let seconds = each.as_seconds();
    let off = (sum - 6000) * SPREAD_PERCENT * seconds / 100_000;
    Span::seconds(seconds + off).max(SHORTEST)
}
