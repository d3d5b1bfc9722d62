//! Simulated days in which everything goes wrong that can. A seed reproduces a whole day:
//! `CHAOS_SEED=17 cargo nextest run chaos::one_seed --no-capture`.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use farmscale::sim::chaos::{Run, Sabotage, run, run_with_crash};
use farmscale::sim::store::Strike;

/// Seeds that once found a bug; they are run first, for ever.
const REGRESSIONS: &[u64] = &[2731, 3540];
/// Seeds of every build.
const SEEDS: std::ops::Range<u64> = 0..2000;
/// One in so many seeds is run twice.
const TWICE: u64 = 20;
/// Days that are crashed at every commit.
const CRASH_SEEDS: [u64; 2] = [4, 7];
/// A sabotage must be found within so many seeds.
const FOUND_WITHIN: u64 = 50;

fn report(run: &Run) -> String {
    let lines: Vec<String> = run
        .violations
        .iter()
        .map(|one| format!("  {} {}: {}", one.at, one.invariant, one.what))
        .collect();
    format!("seed {}:\n{}", run.seed, lines.join("\n"))
}

/// The seeds to run: `CHAOS_SEEDS=5000..9000` for others than those of every build.
fn seeds() -> std::ops::Range<u64> {
    let given = std::env::vars().find(|(name, _)| name == "CHAOS_SEEDS");
    given.map_or(SEEDS, |(_, range)| {
        let (from, to) = range.split_once("..").unwrap();
        from.parse().unwrap()..to.parse().unwrap()
    })
}

fn run_share(share: u64, shares: u64) {
    let mut faults = Vec::new();
    for seed in seeds().filter(|seed| seed % shares == share) {
        let first = run(seed, Sabotage::None);
        if !first.violations.is_empty() {
            faults.push(report(&first));
        }
        if seed % TWICE == share && run(seed, Sabotage::None).trace != first.trace {
            faults.push(format!("seed {seed}: two runs differ"));
        }
    }
    let count = faults.len();
    let first: Vec<String> = faults.into_iter().take(10).collect();
    assert!(count == 0, "{count} seeds failed, the first:\n{}", first.join("\n"));
}

/// A test for each share of the seeds: they run side by side.
macro_rules! shares {
    ($($name:ident: $share:literal of $shares:literal)*) => {
        $(#[test]
        fn $name() {
            run_share($share, $shares);
        })*
    };
}

shares! {
    nothing_bad_happens_and_the_farm_comes_to_rest_1: 0 of 4
    nothing_bad_happens_and_the_farm_comes_to_rest_2: 1 of 4
    nothing_bad_happens_and_the_farm_comes_to_rest_3: 2 of 4
    nothing_bad_happens_and_the_farm_comes_to_rest_4: 3 of 4
}

#[test]
fn seeds_that_once_found_a_bug_stay_clean() {
    for seed in REGRESSIONS {
        let run = run(*seed, Sabotage::None);
        assert!(run.violations.is_empty(), "{}", report(&run));
    }
}

/// A crash just before and just after each single synced write of a day.
#[test]
fn a_crash_at_any_commit_ends_as_well_as_none() {
    for seed in CRASH_SEEDS {
        let calm = run_with_crash(seed, u64::MAX, Strike::Before);
        assert!(calm.violations.is_empty() && 30 < calm.commits, "{calm:?}");
        for commit in 0..calm.commits {
            for strike in [Strike::Before, Strike::After] {
                let run = run_with_crash(seed, commit, strike);
                assert_eq!(run.lives, 2, "the crash at {commit} did not happen");
                assert!(run.violations.is_empty(), "{strike:?} {commit}: {}", report(&run));
                assert_eq!(run.tasks, calm.tasks);
            }
        }
    }
}

#[test]
fn the_judge_finds_every_sabotage() {
    for (sabotage, invariant) in [
        (Sabotage::NoIntentWrite, "S5"),
        (Sabotage::ShortGrace, "S1"),
        (Sabotage::NoDrainAcknowledgement, "S7"),
    ] {
        let found = (0..FOUND_WITHIN).find(|seed| {
            run(*seed, sabotage).violations.iter().any(|one| one.invariant == invariant)
        });
        assert!(found.is_some(), "{sabotage:?} is not found as {invariant}");
    }
}

/// Runs the seed of `CHAOS_SEED` and prints what the judge says.
#[test]
fn one_seed() {
    let seed = std::env::vars().find(|(name, _)| name == "CHAOS_SEED");
    let seed = seed.map_or(1, |(_, seed)| seed.parse().unwrap());
    let run = run(seed, Sabotage::None);
    println!("{run:#?}");
    assert!(run.violations.is_empty(), "{}", report(&run));
}
