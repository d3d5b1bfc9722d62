//! `farmscale api`: every action from the command line, checked before it is sent.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::process::{Command, Output, Stdio};

use farmscale::clock::Clock;
use farmscale::sim::http::Mischief;
use farmscale::sim::provider::Dials;
use serde_json::Value;

use crate::support::cloud::{Cloud, KEY, SECRET};

const SPEED: u32 = 30;

fn api(cloud: &Cloud, words: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_farmscale"))
        .arg("api")
        .args(words)
        .args(["--server", &format!("http://{}", cloud.address)])
        .args(["--clock-speed", &SPEED.to_string()])
        .env("FARMSCALE_ACCESS_KEY_ID", KEY)
        .env("FARMSCALE_ACCESS_KEY_SECRET", SECRET)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    format!("{out}{}", String::from_utf8_lossy(&output.stderr))
}

fn cloud() -> Cloud {
    Cloud::start(Clock::scaled(SPEED), Dials::kind(), Mischief::none())
}

const CREATE: [&str; 11] = [
    "CreateInstance",
    "AvailableZoneCode=CN_Suqian_B",
    "EcsFamilyName=专业渲染型rp3",
    "Cpu=16",
    "Ram=32",
    "Gpu=1",
    "BillingMethod=0",
    "ImageId=render-worker-Datacenter",
    r#"SystemDisk={"DiskFeature":"ssd","Size":40}"#,
    r#"VpcInfo={"VpcId":"7ab97a9a-8c0f-11ec-9b99-000000000001"}"#,
    r#"SubnetInfo={"SubnetId":"2cee7596-bbbb-11ec-a287-000000000001"}"#,
];

#[test]
fn a_machine_is_made_and_deleted_by_hand_and_each_change_is_followed() {
    let cloud = cloud();
    let create = |name: &'static str, environment: &[(&str, &str)]| {
        let mut words = CREATE.to_vec();
        words.extend([name, "--yes", "--wait", "--json"]);
        api(&cloud, &words, environment)
    };
    let complaint = said(&create("Name=手工-1", &[]));
    assert!(complaint.contains("Password: is required"), "{complaint}");
    assert!(complaint.contains("must begin with a letter"), "all faults at once: {complaint}");
    let made = create("Name=by-hand", &[("FARMSCALE_INSTANCE_PASSWORD", "By-hand-12345")]);
    assert!(made.status.success(), "{}", said(&made));
    let answer: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!((&answer["Ended"], &answer["Tasks"][0]["Status"]), (&"done".into(), &"done".into()));
    let id = answer["Data"]["EcsIdSet"][0].as_str().unwrap().to_owned();
    assert_eq!(answer["Tasks"][0]["ResourceId"], *id);
    assert!(said(&made).contains("创建云服务器"), "progress is shown beside it");

    let listed = said(&api(&cloud, &["DescribeInstanceList", "SearchInfo=by-hand"], &[]));
    assert!(listed.contains("EcsName") && listed.contains("by-hand"), "{listed}");
    let unasked = said(&api(&cloud, &["DeleteInstance", &format!("EcsIds={id}")], &[]));
    assert!(unasked.contains("--yes"), "{unasked}");
    let delete = ["DeleteInstance", &format!("EcsIds={id}"), "DeleteEip=1", "--yes", "--wait"];
    let gone = api(&cloud, &delete, &[]);
    assert!(gone.status.success() && said(&gone).contains("done"), "{}", said(&gone));
    assert!(cloud.truth().is_empty());
}

#[test]
fn a_dangerous_default_is_warned_about_and_a_secret_is_never_repeated() {
    let cloud = cloud();
    let words = ["OperateInstance", "EcsIds=ins-x", "OpType=free_shutdown_ecs", "--yes"];
    let stopped = said(&api(&cloud, &words, &[]));
    assert!(stopped.contains("DeleteEip=0 is sent"), "said for every change: {stopped}");
    assert!(stopped.contains("InvalidResourceId.NotFound"), "it is sent all the same: {stopped}");
    let words = ["ModifyInstancePassword", "EcsIds=ins-x", "Password=Hush-12345", "--yes"];
    let told = said(&api(&cloud, &words, &[]));
    assert!(told.contains("--password-file") && !told.contains("Hush"), "{told}");
    let words = ["ModifyInstancePassword", "EcsIds=ins-x", "--yes"];
    let told = said(&api(&cloud, &words, &[("FARMSCALE_INSTANCE_PASSWORD", "Hush\t12345")]));
    assert!(told.contains("other signs than") && !told.contains("Hush"), "{told}");
    assert!(told.contains("InvalidResourceId.NotFound"), "it is sent all the same: {told}");
}

/// What is newer than the table has a way out, and a signature laid open is the real call's.
#[test]
fn what_the_table_does_not_know_is_sent_when_told_so_and_signing_alone_sends_nothing() {
    let cloud = cloud();
    let newer = ["DescribeRegions", "Language=zh"];
    let told = said(&api(&cloud, &newer, &[]));
    assert!(told.contains("no parameter `Language`") && told.contains("--unchecked"), "{told}");
    let sent = said(&api(&cloud, &[&newer[..], &["--unchecked"]].concat(), &[]));
    assert!(sent.contains("InvalidParameter") && sent.contains("Language"), "{sent}");
    let monthly = ["CreateInstance", "BillingMethod=1", "--unchecked", "--sign-only"];
    let told = said(&api(&cloud, &monthly, &[]));
    assert!(told.contains("warning: "), "what costs money is told all the same: {told}");
    let unknown = ["DescribeTags", "--unchecked", "--verb", "get", "--service", "ecs"];
    let unknown = said(&api(&cloud, &unknown, &[]));
    assert!(unknown.contains("UnsupportedAction"), "it was sent: {unknown}");
    let half = said(&api(&cloud, &["DescribeTags", "--unchecked"], &[]));
    assert!(half.contains("--verb and --service"), "{half}");

    let word = [("FARMSCALE_INSTANCE_PASSWORD", "By-hand-12345")];
    let mut words = CREATE.to_vec();
    words.extend(["Name=by-hand", "--sign-only", "--json"]);
    let signed = api(&cloud, &words, &word);
    let shown: Value = serde_json::from_slice(&signed.stdout).unwrap();
    assert_eq!((&shown["body"]["Cpu"], &shown["body"]["Password"]), (&16.into(), &"***".into()));
    let faults = said(&api(&cloud, &["CreateInstance", "Cpu=16", "--sign-only"], &word));
    assert!(faults.contains("is not sent"), "checked as the real call is: {faults}");
    assert!(cloud.truth().is_empty());
}

#[test]
fn help_tells_every_parameter_and_the_list_every_action() {
    let cloud = cloud();
    let help = said(&api(&cloud, &["help", "createdisk"], &[]));
    assert!(help.contains("DiskFeature") && help.contains("steps of 8"), "{help}");
    let list = said(&api(&cloud, &["list"], &[]));
    for action in farmscale::cloud::actions::table() {
        assert!(list.contains(action.id()), "{}", action.id());
    }
    let unknown = said(&api(&cloud, &["DescribeEverything"], &[]));
    assert!(unknown.contains("DescribeEverything"), "{unknown}");
}
