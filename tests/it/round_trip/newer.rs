//! Actions that the public document does not have.

use farmscale::cloud::actions::Service;
use farmscale::cloud::addresses::NewEips;
use farmscale::cloud::groups::NewRule;
use farmscale::cloud::instances::Operation;
use farmscale::model::{Refusal, Status};

use super::{REGION, Stage};

/// Of a machine's system disk, which goes back to one.
pub(super) fn snapshots(stage: &Stage, machine: &str) {
    let client = &stage.client;
    let detail = stage.run(client.instance(machine)).unwrap();
    let disk = detail.system_disk.unwrap().id.unwrap();
    let made = stage.run(client.create_snapshot(&disk, Some("before"), Some(3)));
    let made = stage.done(Service::Ebs, made);
    let one = stage.run(client.snapshot(&made[0])).unwrap();
    assert_eq!((&*one.name, one.reserved.as_deref()), ("before", Some("3")));
    assert_eq!(one.status.as_deref(), Some("running"));
    stage.run(client.rename_snapshot(&made[0], "kept")).unwrap();
    let all = stage.run(client.snapshots(Some(&disk))).unwrap();
    assert_eq!((all.len(), &*all[0].name, &all[0].disk), (1, "kept", &disk));
    assert_eq!(stage.run(client.snapshot_quota(&disk)).unwrap().free, 9);
    let busy = stage.run(client.roll_back(&disk, &made[0], false)).unwrap_err();
    assert_eq!(busy.class(), Refusal::Conflict, "{busy}");
    stage.operate(machine, Operation::Stop);
    stage.done(Service::Ebs, stage.run(client.roll_back(&disk, &made[0], true)));
    let started = || stage.run(client.instance(machine)).unwrap().status;
    while started() != Status::Running {
        std::thread::yield_now(); // in fast motion
    }
    stage.done(Service::Ebs, stage.run(client.delete_snapshots(&[&made[0]])));
    assert_eq!(stage.run(client.snapshots(None)).unwrap(), []);
}

/// A second group that a machine is in for a while.
pub(super) fn groups(stage: &Stage, machine: &str) {
    let client = &stage.client;
    let group = stage.run(client.create_group(REGION, "gate", true)).unwrap();
    let rule = NewRule {
        is_ingress: true,
        protocol: "TCP",
        ports: "22/22",
        peer: "10.0.0.0/8",
        priority: 1,
        allows: true,
    };
    stage.run(client.add_rules(&group, std::slice::from_ref(&rule))).unwrap();
    let twice = stage.run(client.add_rules(&group, &[rule])).unwrap_err();
    assert_eq!(twice.class(), Refusal::Conflict, "{twice}");
    let rules = stage.run(client.security_rules(&group)).unwrap();
    let id = rules[0].id.clone().unwrap();
    assert!(stage.run(client.delete_rules(&group, &[])).is_err(), "it would delete every rule");
    stage.run(client.delete_rules(&group, &[&id])).unwrap();
    assert_eq!(stage.run(client.security_rules(&group)).unwrap(), []);
    stage.run(client.join_group(&group, REGION, &[(machine, 2)])).unwrap();
    let used = stage.run(client.delete_group(&group)).unwrap_err();
    assert_eq!(used.class(), Refusal::Conflict, "{used}");
    stage.run(client.leave_group(&group, &[machine])).unwrap();
    let last = stage.run(client.leave_group("sg-cnsuqian", &[machine])).unwrap_err();
    assert_eq!(last.class(), Refusal::Conflict, "the last one stays: {last}");
    stage.run(client.delete_group(&group)).unwrap();
}

/// Ordered, changed, followed.
pub(super) fn addresses(stage: &Stage) {
    let client = &stage.client;
    let new = NewEips {
        region: REGION,
        zone: None,
        line: "Bandwidth_China_Telecom",
        scheme: "BandwIdth",
        mbit: 5,
        count: 2,
        description: "gate",
    };
    let made = stage.run(client.create_eips(&new)).unwrap();
    let task = stage.run(client.update_eip(&made[0].0, 8)).unwrap().unwrap();
    assert_eq!(&*stage.run(client.task_status(&task)).unwrap(), "finish");
    let eips = stage.run(client.eips(REGION, None)).unwrap();
    let mbit = |id: &str| eips.iter().find(|eip| *eip.id == *id).and_then(|eip| eip.mbit);
    assert_eq!((mbit(&made[0].0), mbit(&made[1].0)), (Some(8), Some(5)));
    for (id, _) in made {
        stage.run(client.delete_eip(&id)).unwrap();
    }
}
