//! The bundled loads, by name: what a policy is judged on.

use super::made::{self, Shots};
use super::{Job, read};
use crate::model::Span;

const MONTH: &[u8] = include_bytes!("../../../data/traces/surf_render_30d.csv.gz");
const STUDIO: &[u8] = include_bytes!("../../../data/traces/studio_14d.csv.gz");
const NIGHTLY: &[u8] = include_bytes!("../../../data/traces/studio_nightly_14d.csv.gz");

/// Where the tasks of a load come from.
#[derive(Debug, Clone, Copy)]
enum Origin {
    /// A file of data/traces.
    File(&'static [u8]),
    /// Days of such a file, from midnight to midnight.
    Days(&'static [u8], i64, i64),
    Shots(Shots),
    Made(fn(u32) -> Vec<Job>, u32),
}

/// A bundled load.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Its name.
    pub name: &'static str,
    origin: Origin,
}

const fn shots(frames: u32, seconds: i64, times: u32, minutes: i64) -> Origin {
    let (each, apart) = (Span::seconds(seconds), Span::minutes(minutes));
    Origin::Shots(Shots { frames, each, times, apart, irregular: false })
}

const fn irregular(frames: u32, seconds: i64, times: u32, minutes: i64) -> Origin {
    let (each, apart) = (Span::seconds(seconds), Span::minutes(minutes));
    Origin::Shots(Shots { frames, each, times, apart, irregular: true })
}

const fn load(name: &'static str, origin: Origin) -> Load {
    Load { name, origin }
}

/// All of them.
pub const LOADS: &[Load] = &[
    load("surf_render_30d", Origin::File(MONTH)),
    load("surf_render_2d", Origin::Days(MONTH, 11, 13)),
    load("studio_14d", Origin::File(STUDIO)),
    load("studio_nightly_14d", Origin::File(NIGHTLY)),
    load("shot_20x900", shots(20, 900, 1, 0)),
    load("shot_60x300", shots(60, 300, 1, 0)),
    load("shot_60x3600", shots(60, 3600, 1, 0)),
    load("shot_400x600", shots(400, 600, 1, 0)),
    load("shot_2000x60", shots(2000, 60, 1, 0)),
    load("shot_2000x120", shots(2000, 120, 1, 0)),
    load("shots_8x60x600_90min", shots(60, 600, 8, 90)),
    load("shots_6x40x1800_4h", shots(40, 1800, 6, 240)),
    load("shots_24x60x300_30min", shots(60, 300, 24, 30)),
    load("shots_24x80x300_irregular", irregular(80, 300, 24, 60)),
    load("hourly_batch", Origin::Made(made::hourly_batch, 4)),
    load("steady_drip", Origin::Made(made::steady_drip, 4)),
];

impl Load {
    /// Its tasks.
    pub fn jobs(&self) -> Vec<Job> {
        let file = |bytes| read(bytes, self.name).unwrap_or_default();
        match self.origin {
            Origin::File(bytes) => file(bytes),
            Origin::Days(bytes, from, to) => {
                let (from, to) = (Span::days(from), Span::days(to));
                let within = |job: &Job| from <= job.submit && job.submit < to;
                let rebased = |job: Job| Job { submit: job.submit - from, ..job };
                file(bytes).into_iter().filter(within).map(rebased).collect()
            }
            Origin::Shots(shots) => shots.jobs(),
            Origin::Made(make, days) => make(days),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu_hours(jobs: &[Job]) -> i64 {
        jobs.iter().map(|job| job.duration.as_seconds()).sum::<i64>() / 3600
    }

    #[test]
    fn every_load_is_what_its_name_and_the_notice_say() {
        let of = |name: &str| LOADS.iter().find(|load| load.name == name).unwrap().jobs();
        let (month, days) = (of("surf_render_30d"), of("surf_render_2d"));
        assert_eq!((month.len(), gpu_hours(&month)), (64_498, 9_119));
        assert_eq!((days.len(), gpu_hours(&days)), (3_373, 232));
        assert_eq!(of("studio_14d").len(), 17_041);
        assert_eq!(of("studio_nightly_14d").len(), 12_247);
        let shots = of("shots_8x60x600_90min");
        assert_eq!((shots.len(), gpu_hours(&shots)), (480, 79));
        assert_eq!(shots.last().unwrap().submit, Span::minutes(7 * 90));
        assert_eq!(of("hourly_batch").last().unwrap().submit.as_seconds() / 3600, 95);
    }

    #[test]
    fn every_load_is_in_order_and_its_jobs_have_names_where_there_are_jobs() {
        for load in LOADS {
            let jobs = load.jobs();
            assert!(!jobs.is_empty() && jobs.is_sorted_by_key(|job| job.submit), "{}", load.name);
            let named = !load.name.starts_with("surf") && load.name != "steady_drip";
            assert!(jobs.iter().all(|job| job.label.is_some() == named), "{}", load.name);
        }
    }
}
