//! How long tasks will take, from how long their neighbours took.
//!
//! A weighted Kaplan–Meier estimate: tasks that still run count as "at least so long". Tasks
//! submitted close together, and those of one job, resemble each other and weigh more; what the
//! queue did before is a weak prior. Whole numbers throughout.

/// Quantiles asked for at once: the futures a plan is held against.
pub const FUTURES: usize = 8;

/// One figure for each future, in milliseconds.
pub type Futures = [i64; FUTURES];

/// Weight of a neighbour next door, in parts; all others are fractions of it.
pub const WHOLE: u64 = 1_000_000;
/// The distance over which likeness fades.
const FADES_OVER: u64 = 5;
/// Weight of a neighbour of another job, in percent.
const STRANGER_PERCENT: u64 = 30;
/// Distances beyond this weigh as much as this one.
const DISTANCE_MAX: u64 = 4096;
/// Shortest remaining time believed of a task that has outlived all others.
const OUTLIVED_MIN_MS: i64 = 30_000;

/// One neighbour: how long it took, or how long it has run so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// Milliseconds.
    pub value: i64,
    /// `false` sorts first: of equal values those that ended come before those that still run.
    pub still_runs: bool,
    /// In parts of [`WHOLE`].
    pub weight: u64,
}

/// How much a neighbour counts, `(1 + d/5)^−1.5` of one next door.
pub fn weight(distance: u64, same_job: bool) -> u64 {
    let near = FADES_OVER * 1_000_000_000_000 / (FADES_OVER + distance.min(DISTANCE_MAX));
    let weight = near / 1_000_000 * near.isqrt() / 1_000_000;
    if same_job { weight } else { weight * STRANGER_PERCENT / 100 }
}

/// The remaining time of a task that has run for `age` milliseconds: one value for each of the
/// [`FUTURES`] equally likely outcomes, shortest first. `samples` must be sorted.
pub fn remaining(samples: &[Sample], age: i64) -> Futures {
    let at_risk = samples.partition_point(|sample| sample.value <= age);
    let samples = samples.get(at_risk..).unwrap_or_default();
    let mut risk: u64 = samples.iter().map(|sample| sample.weight).sum();
    let mut survives: u128 = u128::from(WHOLE) * u128::from(WHOLE);
    let whole = survives;
    let longest = samples.iter().rev().find(|sample| !sample.still_runs);
    let outlived = longest.map_or_else(|| OUTLIVED_MIN_MS.max(age / 2), |one| one.value - age);
    let mut futures = [outlived; FUTURES];
    let mut next = 0u128;
    let asked = u128::try_from(2 * FUTURES).unwrap_or(1);
    for sample in samples {
        if !sample.still_runs && risk != 0 {
            survives = survives * u128::from(risk - sample.weight) / u128::from(risk);
            // Future n stands for the quantile (n + ½) / FUTURES.
            while (2 * next + 1) * whole <= (whole - survives) * asked {
                let Some(place) = usize::try_from(next).ok().and_then(|n| futures.get_mut(n))
                else {
                    return futures;
                };
                *place = sample.value - age;
                next += 1;
            }
        }
        risk -= sample.weight;
    }
    futures
}

/// The futures in an order that `key` alone decides: what shares a key moves together.
pub fn shuffled(futures: &Futures, key: u64) -> Futures {
    let mut order = *futures;
    let mut state = key;
    for last in (1..FUTURES).rev() {
        state = mixed(state);
        let bound = u64::try_from(last + 1).unwrap_or(1);
        order.swap(last, usize::try_from(state % bound).unwrap_or(0));
    }
    order
}

/// The next number of `SplitMix64` (Steele, Lea and Flood; public domain).
fn mixed(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let one = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let two = (one ^ (one >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    two ^ (two >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(value: i64) -> Sample {
        Sample { value, still_runs: false, weight: WHOLE }
    }

    #[test]
    fn equal_neighbours_give_their_own_quantiles() {
        let samples: Vec<Sample> = (1..=8).map(|value| ended(value * 10)).collect();
        assert_eq!(remaining(&samples, 0), [10, 20, 30, 40, 50, 60, 70, 80]);
        assert_eq!(remaining(&samples, 60), [10, 10, 10, 10, 20, 20, 20, 20]);
    }

    #[test]
    fn a_task_that_still_runs_counts_as_longer() {
        let running = |value| Sample { still_runs: true, ..ended(value) };
        let plain = remaining(&[ended(10), ended(100)], 0);
        let censored = remaining(&[ended(10), running(50), running(60), ended(100)], 0);
        assert_eq!(plain, [10, 10, 10, 10, 100, 100, 100, 100]);
        assert_eq!(censored, [10, 10, 100, 100, 100, 100, 100, 100]);
    }

    #[test]
    fn a_task_that_outlived_all_is_given_half_its_age_again() {
        assert_eq!(remaining(&[ended(10)], 100_000), [50_000; FUTURES]);
        assert_eq!(remaining(&[], 0), [OUTLIVED_MIN_MS; FUTURES]);
    }

    #[test]
    fn likeness_fades_with_distance_and_with_another_job() {
        assert_eq!(weight(0, true), WHOLE);
        assert_eq!(weight(15, true), 125_000, "(1 + 15/5)^−1.5 = 1/8");
        assert_eq!(weight(0, false), 300_000);
        assert_eq!(weight(10_000, true), weight(DISTANCE_MAX, true));
    }

    #[test]
    fn a_shuffle_keeps_every_future_and_depends_on_its_key_alone() {
        let futures = [1, 2, 3, 4, 5, 6, 7, 8];
        let mut back = shuffled(&futures, 7);
        assert_eq!(back, shuffled(&futures, 7));
        assert_ne!(back, shuffled(&futures, 8));
        back.sort_unstable();
        assert_eq!(back, futures);
    }
}
