//! The farm's decisions as plays: script in, transcript out, one file each in `plays/`.
//! docs/architecture.md, "Tests", says how to write one.

use farmscale::plan::release::RULES;

use crate::support::play::{Play, check, folder};

/// A farm of one size in one zone.
const FARM: &str = r#"farm = "play"
[queues.render]
[pools.render]
queue = "render"
max = 1
image = "i"
sizes = [{ family = "专业渲染型rp3", cpu = 16, ram = 32, gpu_memory = 24 }]
zones.CN_Suqian_B = { vpc = "v", subnet = "s" }"#;

/// A test for each play, so that a failure names it.
macro_rules! plays {
    ($($name:ident)*) => {
        const PLAYS: &[&str] = &[$(stringify!($name)),*];
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*
    };
}

plays! {
    a_burst_grows_and_shrinks
    a_stopped_machine_is_started_before_one_is_made
    a_zone_sells_out_and_comes_back
    sold_out_between_the_look_and_the_create
    prices_cross
    a_price_that_cannot_be_asked_is_kept_a_day
    refusals_are_told_apart
    a_lost_answer_makes_no_second_machine
    a_lost_request_is_given_up_after_its_grace
    a_crash_before_the_intent_is_written
    a_crash_after_the_intent_is_written
    a_crash_between_request_and_answer
    a_power_cut_loses_nothing
    a_restart_loses_nothing
    a_lost_store_adopts_by_name
    an_orphan_that_never_works_is_deleted
    a_dead_boot_keeps_no_place_under_min
    silent
    a_silent_spot_machine_is_let_go
    a_hung_machine_that_works_again_is_kept
    a_cap_that_drains_counts_begun_hours
    a_lost_store_does_not_use_up_the_day
    needed_machines_stay_while_nothing_else_can_be_bought
    an_adopted_machine_is_charged_by_the_hour
    one_canary_for_all_shapes
    a_days_cap_says_what_it_waits_for
    a_silent_queue_keeps_the_farm
    a_silent_cloud_stops_all_change
    a_machine_that_vanishes_is_replaced
    dead_boot
    a_create_that_fails_is_made_good
    stop_charged
    held
    idle
    stopped_too_long
    off_without_its_flag
    needed_again
    takes_tasks_again
    holds_a_place
    not_worth_its_boot
    paused_and_resumed
    retiring
    started_by_hand
    stopped_by_hand
    named_twice
    a_foreign_machine_is_never_touched
    silent_workers_on_a_busy_gpu
    a_task_that_never_ends
    a_task_of_two_gpus
    max_binds
    the_money_cap_binds
    a_day_cap_drains_and_the_next_day_goes_on
    a_pool_has_its_own_cap
    a_calendar_window_holds_a_floor
    a_days_cap_holds_without_a_drain
    over_cap
    above_max
    stays_building
    a_storm_that_takes_all_spot_machines_ends_its_tasks
    machines_lost_at_work_again_and_again_are_bought_one_at_a_time
    a_task_that_kills_its_worker_is_told
    a_cap_that_drains_counts_what_cannot_be_let_go
    a_window_that_ends_lowers_max_and_the_queue_is_finished
    billed_by_the_hour
    spot_above_a_floor
    spot_too_dear
    a_quota_is_a_ceiling_until_a_probe_lifts_it
    one_machine_probes_after_a_refusal
    a_licence_limits_the_work
    two_pools_on_one_queue
    zones_are_spread_on_ties
    boots_that_fail_make_an_offer_dear
    a_machine_in_quarantine_comes_back
    quarantined
    a_busy_machine_in_quarantine_is_kept
    arrears_stop_everything_bought_and_deleted
    drain_begun
    drain_limit
    a_hung_machine_is_told
    hung
    monitoring_that_shows_nothing_recycles_nobody
    an_idle_machine_with_a_busy_gpu_is_kept
    worn_out
    drifted
    a_zone_that_is_no_longer_bought_in_is_left
    a_pool_that_is_gone_from_the_config
    a_failed_create_seen_before_its_event
    an_offer_that_serves_again_is_forgiven
    a_slow_zone_is_blamed_instead_of_its_machines
    a_boots_deadline_is_learned
    boots_that_fail_open_the_breaker
}

#[test]
fn every_play_in_the_folder_is_played() {
    let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let mut names: Vec<String> =
        files.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    let mut listed = PLAYS.to_vec();
    listed.sort_unstable();
    assert_eq!(names, listed, "list the play in tests/it/plays.rs");
}

#[test]
fn every_rule_by_which_a_machine_is_let_go_has_a_play_of_its_name() {
    let names = RULES.iter().map(|rule| rule.name.replace(' ', "_"));
    let missing: Vec<String> = names.filter(|name| !PLAYS.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "write a play for each: {missing:?}");
}

#[test]
fn a_fault_in_a_script_is_told_with_file_and_line() {
    let fault = |script: &str| {
        let text = format!("About.\n--- config\nfarm = \"play\"\n--- play\n{script}");
        Play::parse("x.txt", &text).unwrap_err()
    };
    for (script, said) in [
        ("> wait soon\n", "x.txt:5: `wait soon`: \"soon\" is no span such as 45s"),
        ("> tasks 3 of 10m\n> gpu x9 5\n", "x.txt:6: `gpu x9 5`: \"x9\" is no machine: r1, r2"),
        ("> tasks few of 10m\n", "\"few\" is no whole number"),
        ("> until noon\n", "\"noon\" is no time such as 01:30:00"),
        ("> refuse 1 mood\n", "\"mood\" is no reason to refuse: one of sold-out, quota"),
        ("> dance\n", "x.txt:5: `dance`: is no line of a script; there are"),
        ("> wait 1m\n", "x.txt: a play ends with `> rest`"),
    ] {
        let fault = fault(script);
        assert!(fault.contains(said), "`{said}` is not in:\n{fault}");
    }
    let without = Play::parse("x.txt", "About.\n--- play\n> rest\n").unwrap_err();
    assert!(without.contains("wants a line `--- config`"), "{without}");
}

#[test]
fn a_fault_in_the_config_or_on_the_stage_is_told_with_file_and_line() {
    let fault = |config: &str, script: &str| {
        let text = format!("About.\n--- config\n{config}\n--- play\n{script}");
        Play::parse("x.txt", &text).unwrap().perform().unwrap_err()
    };
    let said = fault("farm = \"My Farm\"", "> rest\n");
    assert!(said.contains("x.txt:3: farm is \"My Farm\""), "{said}");
    let said = fault(FARM, "> wait 1m\n> gpu r1 5\n> rest\n");
    assert!(said.contains(": `gpu r1 5`: there is no r1 yet"), "{said}");
    let said = fault(FARM, "> stock CN_X y 5\n> rest\n");
    assert!(said.contains("y is not sold in CN_X; on sale are\n  CN_Hohhot_B/"), "{said}");
}

#[test]
fn a_farm_that_does_not_come_to_rest_is_a_fault_whatever_the_transcript_says() {
    let script = "> tasks 1 of 10m\n> wait 6m\n> hang-worker r1\n> rest\n";
    let text = format!("About.\n--- config\n{FARM}\n--- play\n{script}");
    let (_, faults) = Play::parse("x.txt", &text).unwrap().perform().unwrap();
    assert!(faults[0].ends_with("work_gets_done is broken: 0 tasks wait, 1 run"), "{faults:?}");
    assert!(
        faults[1].contains("no_machine_left is broken: left behind: r1 Running since"),
        "{faults:?}"
    );
}
