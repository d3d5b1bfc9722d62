//! Simulated days in which everything goes wrong that can. A seed reproduces a whole day:
//! `CHAOS_SEED=17 cargo nextest run chaos::one_seed --no-capture`.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use farmscale::sim::chaos::{Run, Sabotage, run, run_with_crash};
use farmscale::sim::judge::Invariant;
use farmscale::sim::oddities::Oddity;
use farmscale::sim::store::Strike;

/// Seeds that once found a bug; they are run first, for ever.
const REGRESSIONS: &[u64] = &[2731, 3540];
/// Seeds of everybody's run; CI and nightly runs take more by `CHAOS_SEEDS=0..2000`.
const SEEDS: std::ops::Range<u64> = 0..200;
/// Tests they are dealt to.
const SHARES: u64 = 20;
/// One in so many seeds is run twice.
const TWICE: u64 = 20;
/// What days may be like besides, in the mixture of every run.
const MIXTURE: &[Oddity] = &[];
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

/// The seeds to run: `CHAOS_SEEDS=5000..9000` for others than those of everybody's run.
fn seeds() -> std::ops::Range<u64> {
    let given = std::env::vars().find(|(name, _)| name == "CHAOS_SEEDS");
    given.map_or(SEEDS, |(_, range)| {
        let (from, to) = range.split_once("..").unwrap();
        from.parse().unwrap()..to.parse().unwrap()
    })
}

/// The oddities to draw from: `CHAOS_ODDITIES=early_workers,price_slips` for others than the mixture's.
fn oddities() -> Vec<Oddity> {
    let given = std::env::vars().find(|(name, _)| name == "CHAOS_ODDITIES");
    let known = |name: &str| Oddity::ALL.into_iter().find(|one| one.name() == name).unwrap();
    given.map_or_else(|| MIXTURE.to_vec(), |(_, names)| names.split(',').map(known).collect())
}

fn day(seed: u64) -> Run {
    run(seed, Sabotage::None, &oddities())
}

fn run_share(share: u64) {
    let mut faults = Vec::new();
    for seed in seeds().filter(|seed| seed % SHARES == share) {
        let first = day(seed);
        if !first.violations.is_empty() {
            faults.push(report(&first));
        }
        if seed / SHARES % TWICE == share && day(seed).trace != first.trace {
            faults.push(format!("seed {seed}: two runs differ"));
        }
    }
    let count = faults.len();
    let first: Vec<String> = faults.into_iter().take(10).collect();
    assert!(count == 0, "{count} seeds failed, the first:\n{}", first.join("\n"));
}

/// A test for each share of the seeds: they run side by side, and each tells that it is done.
macro_rules! shares {
    ($($name:ident $share:literal)*) => {
        #[test]
        fn every_share_is_run() {
            let shares = [$($share),*];
            assert!(shares.into_iter().eq(0..SHARES));
        }
        $(#[test]
        fn $name() {
            run_share($share);
        })*
    };
}

shares! {
    nothing_bad_happens_and_the_farm_comes_to_rest_00 0
    nothing_bad_happens_and_the_farm_comes_to_rest_01 1
    nothing_bad_happens_and_the_farm_comes_to_rest_02 2
    nothing_bad_happens_and_the_farm_comes_to_rest_03 3
    nothing_bad_happens_and_the_farm_comes_to_rest_04 4
    nothing_bad_happens_and_the_farm_comes_to_rest_05 5
    nothing_bad_happens_and_the_farm_comes_to_rest_06 6
    nothing_bad_happens_and_the_farm_comes_to_rest_07 7
    nothing_bad_happens_and_the_farm_comes_to_rest_08 8
    nothing_bad_happens_and_the_farm_comes_to_rest_09 9
    nothing_bad_happens_and_the_farm_comes_to_rest_10 10
    nothing_bad_happens_and_the_farm_comes_to_rest_11 11
    nothing_bad_happens_and_the_farm_comes_to_rest_12 12
    nothing_bad_happens_and_the_farm_comes_to_rest_13 13
    nothing_bad_happens_and_the_farm_comes_to_rest_14 14
    nothing_bad_happens_and_the_farm_comes_to_rest_15 15
    nothing_bad_happens_and_the_farm_comes_to_rest_16 16
    nothing_bad_happens_and_the_farm_comes_to_rest_17 17
    nothing_bad_happens_and_the_farm_comes_to_rest_18 18
    nothing_bad_happens_and_the_farm_comes_to_rest_19 19
}

#[test]
fn seeds_that_once_found_a_bug_stay_clean() {
    for seed in REGRESSIONS {
        let run = run(*seed, Sabotage::None, MIXTURE);
        assert!(run.violations.is_empty(), "{}", report(&run));
    }
}

/// A crash just before or just after each single synced write of a day.
fn crash_at_every_commit(seed: u64, strike: Strike) {
    let calm = run_with_crash(seed, u64::MAX, strike);
    assert!(calm.violations.is_empty() && 30 < calm.commits, "{calm:?}");
    for commit in 0..calm.commits {
        let run = run_with_crash(seed, commit, strike);
        assert_eq!(run.lives, 2, "the crash at {commit} did not happen");
        assert!(run.violations.is_empty(), "{strike:?} {commit}: {}", report(&run));
        assert_eq!(run.tasks, calm.tasks);
    }
}

macro_rules! crashes {
    ($($name:ident $seed:literal $strike:ident)*) => {
        $(#[test]
        fn $name() {
            crash_at_every_commit($seed, Strike::$strike);
        })*
    };
}

crashes! {
    a_crash_before_any_commit_ends_as_well_as_none 4 Before
    a_crash_after_any_commit_ends_as_well_as_none 4 After
    a_crash_before_any_commit_of_another_day_ends_as_well_as_none 7 Before
    a_crash_after_any_commit_of_another_day_ends_as_well_as_none 7 After
}

#[test]
fn the_judge_finds_every_sabotage() {
    for (sabotage, invariant) in [
        (Sabotage::NoIntentWrite, Invariant::IntentOnDiskFirst),
        (Sabotage::ShortGrace, Invariant::MachinesWithinMax),
        (Sabotage::NoDrainAcknowledgement, Invariant::BusyNeverStopped),
    ] {
        let found = (0..FOUND_WITHIN).find(|seed| {
            run(*seed, sabotage, &[]).violations.iter().any(|one| one.invariant == invariant)
        });
        assert!(found.is_some(), "{sabotage:?} is not found as {invariant}");
    }
}

#[test]
fn every_invariant_is_explained() {
    let page = include_str!("../../docs/decisions/0002-chaos.md");
    let table = page.split("| oddity |").next().unwrap();
    let named: Vec<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(named, Invariant::ALL.map(Invariant::name));
}

/// Runs the seed of `CHAOS_SEED` and prints what the judge says.
#[test]
fn one_seed() {
    let seed = std::env::vars().find(|(name, _)| name == "CHAOS_SEED");
    let seed = seed.map_or(1, |(_, seed)| seed.parse().unwrap());
    let run = day(seed);
    println!("{run:#?}");
    assert!(run.violations.is_empty(), "{}", report(&run));
}
