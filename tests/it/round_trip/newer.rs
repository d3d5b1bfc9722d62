//! Actions that the public document does not have.

use farmscale::cloud::actions::Service;
use farmscale::cloud::addresses::NewEips;
use farmscale::cloud::groups::{GroupChange, NewGroup, NewRule, RuleChange};
use farmscale::cloud::instances::Operation;
use farmscale::cloud::snapshots::{ChainFilter, Kept, NewSnapshot, SnapshotFilter};
use farmscale::model::{Refusal, Status, Text};

use super::{OTHER_ZONE, REGION, Stage, ZONE};

/// Of a machine's system disk, which goes back to one.
pub(super) fn snapshots(stage: &Stage, machine: &str) {
    let client = &stage.client;
    let detail = stage.run(client.instance(machine)).unwrap();
    let disk = detail.system_disk.unwrap().id.unwrap();
    let new = NewSnapshot { name: Some("before"), kept: Kept::Days(3), optimized: true };
    let made = stage.done(Service::Ebs, stage.run(client.create_snapshot(&disk, &new)));
    let one = stage.run(client.snapshot(&made[0])).unwrap();
    assert_eq!((&*one.name, one.reserved.as_deref()), ("before", Some("3")));
    assert_eq!((one.status.as_deref(), one.is_of_system), (Some("running"), Some(true)));
    stage.run(client.rename_snapshot(&made[0], "kept")).unwrap();
    let filter = SnapshotFilter { disk: Some(&disk), ids: &[&made[0]], ..Default::default() };
    let all = stage.run(client.snapshots(&filter)).unwrap();
    assert_eq!((all.len(), &*all[0].name, &all[0].disk), (1, "kept", &disk));
    assert_eq!(stage.run(client.snapshot_quota(&disk)).unwrap().free, 9);

    let chains = ChainFilter { machine: Some(machine), zone: Some(ZONE), ..Default::default() };
    let chains = stage.run(client.snapshot_chains(&chains)).unwrap();
    assert_eq!((chains.len(), &chains[0].disk, chains[0].snapshots), (1, &disk, Some(1)));
    let whole = stage.run(client.snapshot_chain(None, Some(&chains[0].id))).unwrap();
    assert_eq!((whole.0.machine.as_deref(), whole.1.len()), (Some(machine), 1));
    let copied = stage.run(client.copy_snapshot(&made[0], OTHER_ZONE));
    let copied = stage.done(Service::Ebs, copied);
    let elsewhere = SnapshotFilter { zone: Some(OTHER_ZONE), ..Default::default() };
    assert_eq!(stage.run(client.snapshots(&elsewhere)).unwrap()[0].id, copied[0]);
    let image = stage.run(client.create_image_of_snapshot(&made[0], "of-snapshot", true));
    let image = stage.done(Service::Ebs, image);
    let images = stage.run(client.images(ZONE)).unwrap();
    assert!(images.iter().any(|one| one.id == image[0] && one.is_ready()));

    let back = |starts| stage.run(client.roll_back(&disk, &made[0], starts, Some(&new)));
    assert_eq!(back(false).unwrap_err().class(), Refusal::Conflict, "it runs");
    stage.operate(machine, Operation::Stop);
    stage.done(Service::Ebs, back(true));
    let started = || stage.run(client.instance(machine)).unwrap().status;
    while started() != Status::Running {
        std::thread::yield_now(); // in fast motion
    }
    let all = stage.run(client.snapshots(&SnapshotFilter::default())).unwrap();
    assert_eq!(all.len(), 3, "with the copy, and what was there before");
    let ids: Vec<&str> = all.iter().map(|one| &*one.id).collect();
    stage.done(Service::Ebs, stage.run(client.delete_snapshots(&ids, false)));
    assert_eq!(stage.run(client.snapshots(&SnapshotFilter::default())).unwrap(), []);
}

/// A second group that a machine is in for a while.
pub(super) fn groups(stage: &Stage, machine: &str) {
    let client = &stage.client;
    let new = NewGroup { region: REGION, name: "gate", description: None, interconnected: true };
    let group = stage.run(client.create_group(&new)).unwrap();
    let change = GroupChange { description: Some("for people"), ..Default::default() };
    stage.run(client.change_group(&group, &change)).unwrap();
    let same = stage.run(client.change_group(&group, &change)).unwrap_err();
    assert_eq!(same.class(), Refusal::Conflict, "nothing changes: {same}");
    rules(stage, &group);
    stage.run(client.join_group(&group, REGION, &[(machine, 2)])).unwrap();
    let members = stage.run(client.group_members(&group)).unwrap();
    assert_eq!((members.len(), &*members[0].machine), (1, machine));
    let taken = stage.run(client.join_group(&group, REGION, &[(machine, 1)])).unwrap_err();
    assert_eq!(taken.class(), Refusal::Config, "another group has the priority: {taken}");
    let used = stage.run(client.delete_group(&group)).unwrap_err();
    assert_eq!(used.class(), Refusal::Conflict, "{used}");
    stage.run(client.leave_group(&group, &[machine])).unwrap();
    let last = stage.run(client.leave_group("sg-cnsuqian", &[machine])).unwrap_err();
    assert_eq!(last.class(), Refusal::Conflict, "the last one stays: {last}");
    let both = [(&*group, 1), ("sg-cnsuqian", 2)];
    stage.run(client.set_groups(machine, REGION, &both)).unwrap();
    stage.run(client.set_groups(machine, REGION, &both[1..])).unwrap();
    stage.run(client.delete_group(&group)).unwrap();
}

fn rules(stage: &Stage, group: &str) {
    let client = &stage.client;
    let rule = NewRule {
        is_ingress: true,
        protocol: "TCP",
        ports: "22/22",
        peer: "10.0.0.0/8",
        priority: 1,
        allows: true,
        description: Some("ssh"),
    };
    stage.run(client.add_rules(group, std::slice::from_ref(&rule))).unwrap();
    let twice = stage.run(client.add_rules(group, std::slice::from_ref(&rule))).unwrap_err();
    assert_eq!(twice.class(), Refusal::Conflict, "{twice}");
    let found = stage.run(client.security_rules(group)).unwrap();
    let id = found[0].id.clone().unwrap();
    assert_eq!((found[0].allows, found[0].description.as_deref()), (Some(true), Some("ssh")));
    let change =
        RuleChange { id: &id, is_ingress: true, allows: Some(false), ..Default::default() };
    stage.run(client.change_rules(group, &[change])).unwrap();
    assert_eq!(stage.run(client.security_rules(group)).unwrap()[0].allows, Some(false));
    let other = NewRule { is_ingress: false, ports: "1/65535", ..rule };
    stage.run(client.replace_rules(group, &[other])).unwrap();
    let found = stage.run(client.security_rules(group)).unwrap();
    assert!(found.len() == 1 && !found[0].is_ingress, "{found:?}");
    let id = found[0].id.clone().unwrap();
    assert!(stage.run(client.delete_rules(group, &[])).is_err(), "it would delete every rule");
    stage.run(client.delete_rules(group, &[&id])).unwrap();
    assert_eq!(stage.run(client.security_rules(group)).unwrap(), []);
}

/// Ordered, changed, bound, followed.
pub(super) fn addresses(stage: &Stage, machine: &str) {
    let client = &stage.client;
    let new = NewEips {
        region: REGION,
        zone: None,
        line: "Bandwidth_China_Telecom",
        scheme: "BandwIdth",
        mbit: 5,
        count: 2,
        description: "gate",
        subject: None,
        project: None,
    };
    let made = stage.run(client.create_eips(&new)).unwrap();
    let id = &made[0].0;
    let task = stage.run(client.update_eip(id, Some(8), Some("door"))).unwrap().unwrap();
    assert_eq!(&*stage.run(client.task_status(&task)).unwrap(), "finish");
    let eips = || stage.run(client.eips(REGION, None)).unwrap();
    let one = |id: &str| eips().into_iter().find(|eip| *eip.id == *id).unwrap();
    assert_eq!((one(id).mbit, &*one(id).description), (Some(8), "door"));
    assert_eq!((one(&made[1].0).mbit, one(&made[1].0).is_unused()), (Some(5), true));

    let detail = stage.run(client.instance(machine)).unwrap();
    let (subnet, ip) = (detail.subnet.unwrap(), detail.private_ip.unwrap());
    stage.run(client.bind_eip(id, &subnet, &ip)).unwrap().unwrap();
    assert_eq!((one(id).is_bound, one(id).bound_to.as_deref()), (Some(true), Some(&*ip)));
    assert_eq!(stage.run(client.instance(machine)).unwrap().public_ips, [Text::clone(&made[0].1)]);
    let bound = stage.run(client.delete_eip(id)).unwrap_err();
    assert_eq!(bound.class(), Refusal::Conflict, "{bound}");
    stage.run(client.unbind_eip(id, &subnet, &ip)).unwrap().unwrap();
    for (id, _) in made {
        stage.run(client.delete_eip(&id)).unwrap();
    }
}
