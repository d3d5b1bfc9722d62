//! Every typed call, with everything it can say, against a server that answers what the table says: what
//! is sent stands in the table of parameters, and all of it is sent by some call; what is read stands in
//! the table of answers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use super::actions::check::{Problem, check};
use super::actions::{self, Action, Field, Holds, Kind, Param, Service};
use super::addresses::NewEips;
use super::catalog::{DiskSpec, PriceRequest, SizeFilter};
use super::disks::{DiskFilter, NewDisks};
use super::fields::asked;
use super::groups::{GroupChange, GroupFilter, NewGroup, NewRule, RuleChange};
use super::images::{ImageFilter, NewImage};
use super::instances::{
    Bandwidth, DataDisk, Gateway, More, NewInstances, Operation, PublicAddress, Terms, WhichAddress,
};
use super::listing::Filter;
use super::monitor::{Indicator, Window, Zone};
use super::network::{EipFilter, SubnetFilter, VpcFilter};
use super::snapshots::{ChainFilter, Kept, NewSnapshot, SnapshotFilter};
use super::{CallError, Client, Credentials, Endpoints, Offer};
use crate::clock::Clock;
use crate::model::{Billing, Money, Size, Time};

/// What calls of the typed client never say, and why.
const UNSAID: [(&str, &str); 2] =
    [("PageNumber", "lists are read whole"), ("PageSize", "lists are read whole")];
/// Beside the data: in the envelope, or of a page.
const OF_ENVELOPE: [&str; 2] = ["TotalCount", "TaskId"];

/// A call as it came.
type Call = (&'static Action, Map<String, Value>);

/// Answers what the table says, and remembers what was asked.
struct Server {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Server {
    /// `by_alias` = fields that have another name are called by that one.
    fn start(by_alias: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), by_alias, &seen);
            }
        });
        Self { address, calls }
    }

    fn client(&self) -> Client {
        let credentials =
            Credentials { access_key_id: "id".into(), access_key_secret: "secret".into() };
        let at = Endpoints::at(&format!("http://{}", self.address));
        let endpoints = Endpoints { calls_per_second: 10_000, ..at };
        Client::new(credentials, endpoints, Clock::real()).unwrap()
    }
}

fn serve(mut stream: TcpStream, by_alias: bool, seen: &Mutex<Vec<Call>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let target = first.split(' ').nth(1).unwrap();
    let url = reqwest::Url::parse(&format!("http://server{target}")).unwrap();
    let (action, given) = read(&url, &body);
    let answer = json!({
        "Code": "Success", "TotalCount": 1, "TaskId": "task-1",
        "Data": sample(action, action.answer, by_alias),
    });
    seen.lock().unwrap().push((action, given));
    let text = answer.to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{text}", text.len()).unwrap();
}

/// The action, and its parameters as what they are.
fn read(url: &reqwest::Url, body: &[u8]) -> Call {
    let common = ["Action", "AccessKeyId", "Timestamp", "Version"];
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let name = &pairs.iter().find(|(name, _)| name == "Action").unwrap().1;
    let services =
        [Service::Ecs, Service::Images, Service::Ebs, Service::SecurityGroups, Service::Vpc];
    let service = services.into_iter().find(|one| one.path() == url.path()).unwrap();
    let action = actions::at(service, name).unwrap();
    let is_its = |name: &str| !common.contains(&name) && !name.starts_with("Signature");
    let pairs: Vec<_> = pairs.iter().filter(|(name, _)| is_its(name)).cloned().collect();
    let mut given = action.read(&pairs);
    if !body.is_empty() {
        assert!(given.is_empty() && action.method == "POST", "{name}");
        given = serde_json::from_slice(body).unwrap();
    }
    (action, given)
}

/// What the table says of an answer, made up.
fn sample(action: &Action, holds: Holds, by_alias: bool) -> Value {
    let inner = |fields: &[Field]| {
        let field = |field: &Field| {
            let is_other = by_alias && !field.alias.is_empty();
            let name = if is_other { field.alias } else { field.name };
            let word = word(action, field.name);
            let value = match (field.holds == Holds::Text, field.holds == Holds::Texts) {
                (true, _) => json!(word),
                (_, true) => json!([word]),
                (false, false) => sample(action, field.holds, by_alias),
            };
            (name.to_owned(), value)
        };
        Value::Object(fields.iter().map(field).collect())
    };
    match holds {
        Holds::Text | Holds::Texts | Holds::Anything | Holds::Nothing => Value::Null,
        Holds::Whole => json!(1),
        Holds::Amount => json!(1.5),
        Holds::Bool => json!(true),
        Holds::Numbers => json!([1.5]),
        Holds::Object(fields) => inner(fields),
        Holds::List(fields) => json!([inner(fields)]),
        Holds::Map(fields) => json!({ "GpuUsage": inner(fields) }),
    }
}

/// A word that a reader understands.
fn word(action: &Action, name: &str) -> &'static str {
    match (action.name, name) {
        ("DescribeZoneInstanceType", "Status") => "SELL",
        (_, "PriceUnit") => "天",
        (_, "BillingMethod") => "0",
        _ if name.ends_with("Time") => "2026-01-02 03:04:05",
        _ => "running",
    }
}

/// Every parameter there is, and within others: `SystemDisk.Size`.
fn known(prefix: &str, params: &[Param], found: &mut BTreeSet<String>) {
    for param in params {
        let place = format!("{prefix}{}", param.name);
        if let Kind::Object(inner) | Kind::Objects(inner) = param.kind {
            known(&format!("{place}."), inner, found);
        }
        found.insert(place);
    }
}

/// Every parameter that is said, likewise.
fn said(prefix: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let place = format!("{prefix}{name}");
                said(&format!("{place}."), value, found);
                found.insert(place);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| said(prefix, item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Every name of a field, its other name, and the names within.
fn names(holds: Holds, found: &mut BTreeSet<&'static str>) {
    for field in holds.fields() {
        found.extend([field.name, field.alias]);
        names(field.holds, found);
    }
}

/// The typed calls, one by one.
struct Caller<'a> {
    server: &'a Server,
    client: &'a Client,
    /// By action: what was said.
    said: BTreeMap<&'static str, BTreeSet<String>>,
    faults: Vec<String>,
}

impl Caller<'_> {
    /// Takes in what one call sent and read.
    async fn call<T>(&mut self, call: impl Future<Output = Result<T, CallError>>) -> T {
        drop(asked::taken());
        let answer = call.await;
        let asked = asked::taken();
        let calls = std::mem::take(&mut *self.server.calls.lock().unwrap());
        assert_eq!(calls.len(), 1, "one call is one request");
        let (action, given) = &calls[0];
        let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", action.id()));
        let problems = check(action, given).into_iter().filter(|one| !one.is_warning());
        let told = |one: Problem| format!("{} sends what is wrong: {one}", action.id());
        self.faults.extend(problems.map(told));
        said("", &json!(given), self.said.entry(action.id()).or_default());
        let mut of_table: BTreeSet<&str> = OF_ENVELOPE.into();
        names(action.answer, &mut of_table);
        for (name, found) in asked {
            if !of_table.contains(&*name) {
                self.faults.push(format!("{} reads {name}, which no table has", action.id()));
            } else if !found && !is_alias(action.answer, &name) && !OF_ENVELOPE.contains(&&*name) {
                self.faults.push(format!("{} looks for {name} in vain", action.id()));
            }
        }
        answer
    }
}

/// Whether a field has two names, of which an answer has one.
fn is_alias(holds: Holds, name: &str) -> bool {
    holds.fields().iter().any(|field| {
        let is_it = !field.alias.is_empty() && [field.name, field.alias].contains(&name);
        is_it || is_alias(field.holds, name)
    })
}

fn offer() -> Offer {
    Offer { zone: "CN_A".into(), family: "rp3".into(), size: Size::new(16, 32, 1) }
}

fn disk(gib: u32) -> DiskSpec {
    DiskSpec { feature: "ssd".to_owned(), gib }
}

async fn catalog(caller: &mut Caller<'_>) {
    let client = caller.client;
    caller.call(client.zones()).await;
    caller.call(client.specs("CN_A", Billing::Spot)).await;
    let only = SizeFilter { cpu: Some(16), ram_gib: Some(32), gpus: Some(1) };
    assert_eq!(caller.call(client.stock_of("CN_A", "rp3", only)).await.len(), 1);
    let one = PriceRequest::one(offer(), Billing::Monthly, disk(40));
    let (months, to_month_end) = (Some(12), Some(false));
    let request = PriceRequest { data_disks: vec![disk(48)], months, to_month_end, ..one };
    caller.call(client.price(&request)).await;
    assert_eq!(caller.call(client.subjects()).await.len(), 1);
    let images = ImageFilter { zone: Some("CN_A"), ids: &["img-1"] };
    assert_eq!(caller.call(client.images_of(&images)).await.len(), 1);
}

async fn machines(caller: &mut Caller<'_>) {
    let client = caller.client;
    let filter =
        Filter { zone: Some("CN_A"), vpc: Some("vpc-1"), ids: &["running"], search: Some("a") };
    let zones = BTreeMap::from([("running".into(), "CN_A".into())]);
    let rows = caller.call(client.instances_of(&filter, &zones)).await;
    assert!(rows[0].offer.is_some() && rows[0].billing.is_some());
    let detail = caller.call(client.instance("ins-1")).await;
    assert_eq!((detail.gpus, detail.data_disks.len(), detail.public_ips.len()), (1, 1, 1));
    caller.call(client.statuses(&["ins-1"])).await;
    caller.call(client.vnc_url("ins-1")).await;
    caller.call(client.event_detail(Service::Ecs, "event-1")).await;
    let (from, until) =
        (Time::from_seconds(1_767_000_000), Some(Time::from_seconds(1_768_000_000)));
    let window = Window::Between { from, until, zone: Zone::Utc };
    let seen = caller.call(client.monitor("ins-1", window, &Indicator::ALL)).await;
    assert_eq!(seen.series[0].points.len(), 1);
    caller.call(client.monitor("ins-1", Window::Hours(2), &[])).await;
    for operation in [Operation::FreeStop, Operation::Start] {
        caller.call(client.operate_with(&["ins-1"], operation, true)).await;
    }
    caller.call(client.delete(&["ins-1"], true)).await;
    caller.call(client.set_password(&["ins-1"], "Render-0123456789")).await;
    caller.call(client.rename("ins-1", "farm-1")).await;
    caller.call(client.resize(&["ins-1"], &offer())).await;
    let (test_account, project) = (Some("rendertest"), Some("p-1"));
    let new = NewImage { optimized: true, test_account, project, ..NewImage::of("ins-1", "img") };
    assert_eq!(caller.call(client.create_image(&new)).await.made.len(), 1);
    caller.call(client.delete_images(&["img-1"], "CN_A")).await;
    caller.call(client.delete_images_everywhere(&["img-1"])).await;
    caller.call(client.sync_image("img-1", &["CN_B"], test_account)).await;
    creates(caller).await;
}

/// A create can say everything, on each terms what belongs to them.
async fn creates(caller: &mut Caller<'_>) {
    let (groups, addresses) = (["sg-1".to_owned()], ["10.15.100.9".to_owned()]);
    let (eips, offer) = (["eip-1".to_owned()], offer());
    let (bandwidth, line) = (Bandwidth::FixedByMonth(10), Some("电信"));
    let new = WhichAddress::New { bandwidth, line };
    let existing = WhichAddress::Existing(&eips);
    let public = [
        PublicAddress { gateway: Gateway::Virtual("gateway-1"), which: new },
        PublicAddress { gateway: Gateway::OfSubnet, which: existing },
    ];
    let monthly = Terms::Monthly { months: 12, renews: false, to_month_end: false };
    for terms in [monthly, Terms::Spot { bid: Some(Money::yuan(100)) }, Terms::OnDemand] {
        let snapshot = Some("s-1".into());
        let whole = NewInstances {
            offer: &offer,
            terms,
            image: "image",
            system_disk: disk(40),
            data_disks: vec![DataDisk { snapshot, ..DataDisk::of(disk(48)) }],
            vpc: "vpc",
            subnet: "subnet",
            security_groups: &groups,
            name: "everything",
            number: 1,
            password: "Render-0123456789",
            skip_spot_release: true,
            more: More {
                start_number: Some(7),
                addresses: &addresses,
                public: &public,
                dns: Some(["10.0.0.2", "10.0.0.3"]),
                utc: true,
                test_account: Some("rendertest"),
                project: Some("p-1"),
            },
        };
        let accepted = caller.call(caller.client.create(&whole)).await;
        assert!(accepted.event.is_some() && accepted.made.len() == 1);
    }
}

async fn disks(caller: &mut Caller<'_>) {
    let client = caller.client;
    assert_eq!(caller.call(client.disk_quota("CN_A")).await.len(), 1);
    let filter = DiskFilter { zone: Some("CN_A"), region: Some("CN"), ids: &["disk-1"] };
    assert_eq!(caller.call(client.disks_of(&filter)).await.len(), 1);
    assert!(caller.call(client.disk("disk-1")).await.is_some());
    assert_eq!(caller.call(client.attached_disks("ins-1")).await.len(), 1);
    let new = NewDisks {
        zone: "CN_A",
        gib: 48,
        number: 2,
        name: Some("data"),
        instance: Some(("ins-1", false)),
        snapshot: Some("s-1"),
    };
    assert_eq!(caller.call(client.create_disks(&new)).await.made.len(), 1);
    caller.call(client.delete_disks_with(&["disk-1"], true)).await;
    caller.call(client.detach_disks(&["disk-1"])).await;
    caller.call(client.attach_disks(&["disk-1"], "ins-1", true)).await;
    caller.call(client.extend_disk("disk-1", 96)).await;
    caller.call(client.event_detail(Service::Ebs, "event-1")).await;
}

async fn snapshots(caller: &mut Caller<'_>) {
    let client = caller.client;
    let (zone, region, disk) = (Some("CN_A"), Some("CN"), Some("disk-1"));
    let filter = SnapshotFilter { zone, region, disk, ids: &["s-1"] };
    assert_eq!(caller.call(client.snapshots(&filter)).await.len(), 1);
    caller.call(client.snapshot("s-1")).await;
    let filter = ChainFilter { zone, region, disk, machine: Some("ins-1") };
    let chains = caller.call(client.snapshot_chains(&filter)).await;
    assert_eq!(chains[0].snapshots, Some(1), "by either name");
    let (_, snapshots) = caller.call(client.snapshot_chain(disk, Some("sl-1"))).await;
    assert_eq!(snapshots.len(), 1);
    let new = NewSnapshot { name: Some("before"), kept: Kept::Days(3), optimized: true };
    assert_eq!(caller.call(client.create_snapshot("disk-1", &new)).await.made.len(), 1);
    let before = NewSnapshot { kept: Kept::Forever, ..new };
    caller.call(client.roll_back("disk-1", "s-1", true, Some(&before))).await;
    caller.call(client.rename_snapshot("s-1", "kept")).await;
    caller.call(client.delete_snapshots(&["s-1"], true)).await;
    caller.call(client.snapshot_quota("disk-1")).await;
    let image = caller.call(client.create_image_of_snapshot("s-1", "image", true)).await;
    assert_eq!(image.made.len(), 1);
    caller.call(client.copy_snapshot("s-1", "CN_B")).await;
}

async fn networks(caller: &mut Caller<'_>) {
    let client = caller.client;
    let (region, zone, keyword) = (Some("CN"), Some("CN_A"), Some("render"));
    assert_eq!(caller.call(client.vpcs_of(&VpcFilter { region, keyword })).await.len(), 1);
    let filter = SubnetFilter { region, zone, keyword, vpc: Some("vpc-1") };
    assert_eq!(caller.call(client.subnets_of(&filter)).await.len(), 1);
    assert_eq!(caller.call(client.free_ips("subnet-1")).await, Some(1));
    let eips = caller.call(client.eips_of(&EipFilter { region, zone, keyword })).await;
    assert_eq!((eips.len(), eips[0].mbit), (1, Some(1)));
    caller.call(client.delete_eip("eip-1")).await;
    let new = NewEips {
        region: "CN",
        zone,
        line: "Bandwidth_China_Telecom",
        scheme: "BandwIdth",
        mbit: 5,
        count: 1,
        description: "gate",
        subject: Some(7),
        project: Some(8),
    };
    assert_eq!(caller.call(client.create_eips(&new)).await.len(), 1);
    assert!(caller.call(client.update_eip("eip-1", Some(8), Some("door"))).await.is_some());
    assert!(caller.call(client.bind_eip("eip-1", "subnet-1", "10.0.0.9")).await.is_some());
    assert!(caller.call(client.unbind_eip("eip-1", "subnet-1", "10.0.0.9")).await.is_some());
    caller.call(client.task_status("task-1")).await;
}

async fn groups(caller: &mut Caller<'_>) {
    let client = caller.client;
    let filter = GroupFilter { region: Some("CN"), id: Some("sg-1"), name: Some("gate") };
    assert_eq!(caller.call(client.security_groups_of(&filter)).await.len(), 1);
    let rules = caller.call(client.security_rules("sg-1")).await;
    assert!(rules.len() == 2 && rules.iter().all(|rule| rule.id.is_some()), "by either name");
    assert_eq!(caller.call(client.group_members("sg-1")).await.len(), 1);
    let description = Some("for people");
    let new = NewGroup { region: "CN", name: "gate", description, interconnected: true };
    caller.call(client.create_group(&new)).await;
    let (name, interconnected) = (Some("door"), Some(false));
    let change = GroupChange { name, description, interconnected };
    caller.call(client.change_group("sg-1", &change)).await;
    caller.call(client.delete_group("sg-1")).await;
    let rule = |is_ingress| NewRule {
        is_ingress,
        protocol: "tcp",
        ports: "22/22",
        peer: "10.0.0.0/8",
        priority: 1,
        allows: true,
        description,
    };
    let rules = [rule(true), rule(false)];
    caller.call(client.add_rules("sg-1", &rules)).await;
    caller.call(client.replace_rules("sg-1", &rules)).await;
    let change = |is_ingress| RuleChange {
        id: "sp-1",
        is_ingress,
        protocol: Some("udp"),
        ports: Some("1/9"),
        peer: Some("10.0.0.1"),
        priority: Some(2),
        allows: Some(false),
        description,
    };
    caller.call(client.change_rules("sg-1", &[change(true), change(false)])).await;
    caller.call(client.delete_rules("sg-1", &["sp-1"])).await;
    caller.call(client.delete_all_rules("sg-1")).await;
    caller.call(client.join_group("sg-1", "CN", &[("ins-1", 1)])).await;
    caller.call(client.leave_group("sg-1", &["ins-1"])).await;
    caller.call(client.set_groups("ins-1", "CN", &[("sg-1", 1)])).await;
}

#[tokio::test]
async fn the_typed_client_and_the_tables_know_the_same() {
    for by_alias in [false, true] {
        let server = Server::start(by_alias);
        let client = server.client();
        let (said, faults) = (BTreeMap::new(), Vec::new());
        let mut caller = Caller { server: &server, client: &client, said, faults };
        catalog(&mut caller).await;
        machines(&mut caller).await;
        disks(&mut caller).await;
        snapshots(&mut caller).await;
        networks(&mut caller).await;
        groups(&mut caller).await;
        let Caller { said, mut faults, .. } = caller;
        for action in actions::table() {
            let mut of_table = BTreeSet::new();
            known("", action.params, &mut of_table);
            let Some(said) = said.get(action.id()) else {
                faults.push(format!("{} is never called", action.id()));
                continue;
            };
            let unsaid = of_table.difference(said);
            let is_left_away = |name: &&String| !UNSAID.iter().any(|(left, _)| **name == *left);
            let told = |name: &String| format!("{} never says {name}", action.id());
            faults.extend(unsaid.filter(is_left_away).map(told));
        }
        assert!(faults.is_empty(), "by alias {by_alias}: {faults:#?}");
    }
}

/// What is made to be a library leaves the process as it was.
#[test]
fn making_a_client_installs_nothing_for_the_whole_process() {
    let credentials =
        Credentials { access_key_id: "id".into(), access_key_secret: "secret".into() };
    let client = Client::new(credentials, Endpoints::default(), Clock::real());
    assert!(client.is_ok());
    assert!(rustls::crypto::CryptoProvider::get_default().is_none(), "a choice for all");
}
