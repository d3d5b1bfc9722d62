//! The simulated cloud over real HTTP, with a signer and a client of the test's own.

#![expect(clippy::panic, reason = "tests")]
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use farmscale::clock::Clock;
use farmscale::model::Time;
use farmscale::sim::http::{Alone, Mischief, Options, serve};
use farmscale::sim::provider::{Catalog, Dials, Provider};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;

const KEY: &str = "AKIDEXAMPLE0123456789";
const SECRET: &str = "SecretKeyExample/abc+def==";
const START: Time = Time::from_seconds(1_767_323_045);
const FAMILY: &str = "专业渲染型rp3";

/// A cloud on a free port; it ends with its runtime.
struct Cloud {
    _runtime: tokio::runtime::Runtime,
    address: SocketAddr,
    clock: Clock,
    nonce: AtomicU64,
}

/// What is called.
struct Call<'a> {
    method: &'a str,
    path: &'a str,
    action: &'a str,
}

/// What a request is signed with.
struct Signing<'a> {
    key: &'a str,
    secret: &'a str,
    at: Time,
    nonce: String,
}

impl Cloud {
    fn start(speed: u32, dials: Dials, mischief: Mischief) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let clock = Clock::starting_at(START, speed);
        let cloud = Arc::new(Mutex::new(Alone::new(Provider::new(Catalog::standard(), dials, 1))));
        let options = Options {
            access_key_id: KEY.to_owned(),
            access_key_secret: SECRET.into(),
            mischief,
            seed: 1,
        };
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(serve(cloud, clock.clone(), options, listener));
        Self { _runtime: runtime, address, clock, nonce: AtomicU64::new(0) }
    }

    fn kind(speed: u32) -> Self {
        Self::start(speed, Dials::kind(), Mischief::none())
    }

    fn signing(&self) -> Signing<'static> {
        let nonce = format!("nonce-{}", self.nonce.fetch_add(1, Ordering::Relaxed));
        Signing { key: KEY, secret: SECRET, at: self.clock.now(), nonce }
    }

    /// Sends a request; `None` if the connection was closed without an answer.
    fn send(&self, method: &str, target: &str, body: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nHost: cloud\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        if stream.read_to_string(&mut answer).is_err() || answer.is_empty() {
            return None;
        }
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some((status, body.to_owned()))
    }

    fn signed(
        &self,
        signing: &Signing<'_>,
        call: &Call<'_>,
        params: &[(&str, &str)],
        body: &Value,
    ) -> (u16, Value) {
        let Call { method, path, action } = *call;
        let query = sign(signing, method, action, params);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, body) = self.send(method, &format!("{path}?{query}"), &body).unwrap();
        (status, serde_json::from_str(&body).unwrap())
    }

    fn get(&self, action: &str, params: &[(&str, &str)]) -> (u16, Value) {
        self.signed(
            &self.signing(),
            &Call { method: "GET", path: "/ecs/v1", action },
            params,
            &Value::Null,
        )
    }

    fn post(&self, action: &str, body: &Value) -> (u16, Value) {
        self.signed(&self.signing(), &Call { method: "POST", path: "/ecs/v1/", action }, &[], body)
    }

    fn truth(&self, what: &str) -> Value {
        let (status, body) = self.send("GET", &format!("/sim/{what}"), "").unwrap();
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    fn create(&self, name: &str) -> (u16, Value) {
        self.post("CreateInstance", &create_body(name))
    }

    /// Lets simulated time pass; each look takes some.
    fn pass_until(&self, seconds: i64) {
        let passed = |_: &u32| self.truth("now")["now_ms"].as_i64().unwrap() < seconds * 1000;
        assert!((0..100_000).take_while(passed).count() < 100_000, "time stands still");
    }

    /// Asks for the event until it is done: (task's `CreateTime`, `EndTime`) in seconds.
    fn done(&self, event: &Value) -> (i64, i64) {
        for _ in 0..100_000 {
            let (_, answer) = self.get("DescribeEvent", &[("EventId", event.as_str().unwrap())]);
            if answer["Data"]["EventStatus"] == "success" {
                let task = &answer["Data"]["TaskList"][0];
                return (vendor_seconds(&task["CreateTime"]), vendor_seconds(&task["EndTime"]));
            }
            assert_eq!(answer["Data"]["EventStatus"], "doing", "{answer}");
        }
        panic!("the event never ends");
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn sign(signing: &Signing<'_>, method: &str, action: &str, params: &[(&str, &str)]) -> String {
    let stamp = signing.at.to_string();
    let mut all: BTreeMap<&str, &str> = params.iter().copied().collect();
    all.extend([
        ("Action", action),
        ("AccessKeyId", signing.key),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", &signing.nonce),
        ("SignatureVersion", "1.0"),
        ("Timestamp", &stamp),
        ("Version", "2019-08-08"),
    ]);
    let canonical: Vec<_> =
        all.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let canonical = canonical.join("&");
    let mut mac = Hmac::<Sha1>::new_from_slice(signing.secret.as_bytes()).unwrap();
    mac.update(format!("{method}&%2F&{}", encode(&canonical)).as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    format!("{canonical}&Signature={}", encode(&signature))
}

/// The vendor's times are +08:00 without saying so.
fn vendor_seconds(time: &Value) -> i64 {
    let text = format!("{}+08:00", time.as_str().unwrap().replace(' ', "T"));
    text.parse::<jiff::Timestamp>().unwrap().as_second()
}

fn create_body(name: &str) -> Value {
    let catalog = Catalog::standard();
    let zone = catalog.zone("CN_Suqian_B").unwrap();
    let image = catalog.images.iter().find(|image| &*image.driver == "Datacenter").unwrap();
    json!({
        "AvailableZoneCode": "CN_Suqian_B", "EcsFamilyName": FAMILY, "Cpu": 16, "Ram": 32,
        "Gpu": 1, "Number": 1, "BillingMethod": "0", "ImageId": *image.id, "Name": name,
        "SystemDisk": { "DiskFeature": "ssd", "Size": 40 }, "Password": "Render-0123456789",
        "VpcInfo": { "VpcId": *zone.vpc }, "SubnetInfo": { "SubnetId": *zone.subnet },
    })
}

#[test]
fn only_a_fresh_signature_made_with_the_secret_is_let_in() {
    let cloud = Cloud::kind(1);
    let call = Call { method: "GET", path: "/ecs/v1", action: "DescribeZoneInstanceType" };
    let params = [("EcsFamilyName", FAMILY), ("AvailableZoneCode", "CN_Suqian_B")];
    let ask = |signing: &Signing<'_>| cloud.signed(signing, &call, &params, &Value::Null);

    let good = cloud.signing();
    let (status, answer) = ask(&good);
    assert_eq!((status, &answer["Code"]), (200, &json!("Success")));
    assert_eq!(answer["Data"][0]["SpecList"][0]["Status"], "SELL");

    let refused = |signing: &Signing<'_>| {
        let (status, answer) = ask(signing);
        assert!((400..500).contains(&status), "{status}");
        answer["Code"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused(&good), "SignatureNonceUsed");
    let with_ampersand = format!("{SECRET}&");
    let wrong = Signing { secret: &with_ampersand, ..cloud.signing() };
    assert_eq!(refused(&wrong), "SignatureDoesNotMatch");
    assert_eq!(refused(&Signing { key: "AKIDOTHER", ..cloud.signing() }), "InvalidAccessKeyId");
    let stale = cloud.clock.now() - farmscale::model::Span::minutes(16);
    assert_eq!(refused(&Signing { at: stale, ..cloud.signing() }), "RequestExpired");
    let (status, body) = cloud.send("GET", "/ecs/v1?Action=DescribeRegions", "").unwrap();
    assert_eq!(status, 400, "{body}");
}

#[test]
fn a_machine_lives_and_the_bill_is_its_seconds_by_hand() {
    let cloud = Cloud::kind(500);
    let (status, made) = cloud.create("farm-gpu-1");
    assert_eq!(status, 200, "{made}");
    let id = made["Data"]["EcsIdSet"][0].as_str().unwrap().to_owned();
    cloud.done(&made["Data"]["EventId"]);
    let (_, listed) = cloud.get("DescribeInstanceList", &[("SearchInfo", "farm-gpu-1")]);
    assert_eq!(listed["code"], "Success");
    let row = &listed["Data"]["EcsList"][0];
    assert_eq!((&row["Status"], &row["NoChargeForShutdown"]), (&json!("running"), &json!(0)));
    let created = vendor_seconds(&row["CreateTime"]);

    let operate = |operation: &str| {
        let body = json!({ "EcsIds": [id], "OpType": operation, "DeleteEip": 1 });
        let (status, answer) = cloud.post("OperateInstance", &body);
        assert_eq!(status, 200, "{answer}");
        cloud.done(&answer["Data"]["EventId"])
    };
    let (_, stopped) = operate("free_shutdown_ecs");
    let (_, listed) = cloud.get("DescribeInstanceList", &[]);
    assert_eq!(listed["Data"]["EcsList"][0]["Status"], "shutdown");
    assert_eq!(listed["Data"]["EcsList"][0]["NoChargeForShutdown"], 1);
    cloud.pass_until(stopped + 600);
    let (started, _) = operate("start_up_ecs");
    let (_, answer) = cloud.post("DeleteInstance", &json!({ "EcsIds": [id], "DeleteEip": 1 }));
    let (_, deleted) = cloud.done(&answer["Data"]["EventId"]);
    assert_eq!(cloud.truth("instances")["instances"], json!([]));

    let body = json!({
        "AvailableZoneCode": "CN_Suqian_B", "EcsFamilyName": FAMILY, "Cpu": 16, "Ram": 32,
        "Gpu": 1, "BillingMethod": "0", "SystemDiskInfo": { "DiskFeature": "ssd", "Size": 40 },
    });
    let (_, price) = cloud.post("DescribePrice", &body);
    assert_eq!(
        price["Data"],
        json!({ "PriceUnit": "天", "PriceSymbol": "￥", "TotalPrice": 175.0 })
    );
    let (running, off) = (stopped - created + deleted - started, started - stopped);
    let by_hand = (running * 175_000_000 + 43_200) / 86_400 + (off * 14_000_000 + 43_200) / 86_400;
    let bill = cloud.truth("bill");
    assert_eq!(bill["total_micro_yuan"], json!(by_hand), "{bill}");
    assert!(60 <= running && 600 <= off, "{running} {off}");
}

#[test]
fn what_is_sold_out_is_said_and_refused() {
    let cloud = Cloud::kind(1);
    let body = json!({
        "zone": "CN_Suqian_B", "family": FAMILY, "cpu": 16, "ram": 32, "gpu": 1, "units": 0,
    });
    assert_eq!(cloud.send("POST", "/sim/stock", &body.to_string()).unwrap().0, 200);
    let params = [("EcsFamilyName", FAMILY), ("AvailableZoneCode", "CN_Suqian_B"), ("Cpu", "16")];
    let (_, answer) = cloud.get("DescribeZoneInstanceType", &params);
    assert_eq!(answer["Data"][0]["SpecList"].as_array().unwrap().len(), 1);
    assert_eq!(answer["Data"][0]["SpecList"][0]["Status"], "SELLOUT");
    let (status, answer) = cloud.create("farm-gpu-1");
    assert_eq!(status, 403);
    assert!(answer["Msg"].as_str().unwrap().contains("售罄"), "{answer}");
    assert_eq!(cloud.truth("instances")["instances"], json!([]));
}

#[test]
fn pages_hold_every_machine_once() {
    let cloud = Cloud::kind(1);
    for number in 0..5 {
        assert_eq!(cloud.create(&format!("farm-{number}")).0, 200);
    }
    let mut names = Vec::new();
    for page in ["1", "2", "3", "4"] {
        let params = [("PageNumber", page), ("PageSize", "2")];
        let (_, answer) = cloud.get("DescribeInstanceList", &params);
        assert_eq!((&answer["TotalCount"], &answer["PageSize"]), (&json!(5), &json!(2)));
        let rows = answer["Data"]["EcsList"].as_array().unwrap();
        names.extend(rows.iter().map(|row| row["EcsName"].as_str().unwrap().to_owned()));
    }
    names.sort();
    assert_eq!(names, ["farm-0", "farm-1", "farm-2", "farm-3", "farm-4"]);
    let (_, all) = cloud.get("DescribeInstanceList", &[]);
    assert_eq!(all["Data"]["EcsList"].as_array().unwrap().len(), 5);
}

#[test]
fn paths_verbs_and_actions_are_checked() {
    let cloud = Cloud::kind(1);
    let code = |method: &str, path: &str, action: &str| {
        let call = Call { method, path, action };
        let (status, answer) = cloud.signed(&cloud.signing(), &call, &[], &Value::Null);
        (status, answer["Code"].as_str().unwrap().to_owned())
    };
    let unsupported = (400, "UnsupportedAction".to_owned());
    assert_eq!(code("GET", "/ecs/v1", "DescribeDiskList"), unsupported);
    assert_eq!(code("GET", "/ecs/v1", "DescribeImages"), unsupported);
    let verb = (400, "UnsupportedHTTPMethod".to_owned());
    assert_eq!(code("POST", "/ecs/v1", "DescribeRegions"), verb);
    let path = (404, "InvalidEvent.InvalidUrl.NotFound".to_owned());
    assert_eq!(code("GET", "/ecs/v2", "DescribeRegions"), path);
    assert_eq!(code("GET", "/ecs/v1.1/", "DescribeImages"), (200, "Success".to_owned()));
    assert_eq!(cloud.post("CreateInstance", &json!({})).1["Code"], "MissingParameter");
    let (status, answer) = cloud.post("DeleteInstance", &json!({ "EcsIds": ["ins-x"] }));
    assert_eq!((status, &answer["Code"]), (404, &json!("InvalidResourceId.NotFound")));
    let (status, answer) = cloud.get("DescribeInstance", &[("EcsId", "ins-x")]);
    assert_eq!((status, &answer["code"]), (404, &json!("InvalidResourceId.NotFound")));
}

#[test]
fn the_catalogue_is_told_in_the_vendors_shapes() {
    let cloud = Cloud::kind(1);
    let (_, regions) = cloud.get("DescribeRegions", &[]);
    let zones: Vec<_> = regions["Data"][0]["RegionList"]
        .as_array()
        .unwrap()
        .iter()
        .map(|region| region["AzList"][0]["AvailableZoneCode"].as_str().unwrap())
        .collect();
    assert_eq!(zones, ["CN_Hohhot_B", "CN_Qingyang_A", "CN_Suqian_B"]);
    let params = [("AvailableZoneCode", "CN_Suqian_B"), ("BillingMethod", "0")];
    let (_, families) = cloud.get("DescribeEcsFamilyInfo", &params);
    let rp3 = &families["Data"]["EcsFamilyInfo"][0];
    assert_eq!(rp3["EcsFamilyName"], FAMILY);
    assert_eq!(rp3["SpecList"][0]["GpuShowType"], "NVIDIA RTX A5000");
    assert!(families["RequestId"].is_string());
    let call = Call { method: "GET", path: "/ecs/v1.1", action: "DescribeImages" };
    let params = [("ImageIds", r#"["img-render3090geforc"]"#)];
    let (_, images) = cloud.signed(&cloud.signing(), &call, &params, &Value::Null);
    assert_eq!(images["TotalCount"], 3);
    assert_eq!(images["Data"]["ImageList"][0]["SupportGpuDriver"], "Geforce");
}

#[test]
fn an_answer_may_be_lost_though_the_request_was_carried_out() {
    let lost = Mischief { answer_lost_ppm: 1_000_000, ..Mischief::none() };
    let cloud = Cloud::start(1, Dials::kind(), lost);
    let query = sign(&cloud.signing(), "POST", "CreateInstance", &[]);
    let body = create_body("farm-1").to_string();
    assert_eq!(cloud.send("POST", &format!("/ecs/v1?{query}"), &body), None);
    assert_eq!(cloud.truth("instances")["instances"][0]["name"], "farm-1");

    let lost = Mischief { request_lost_ppm: 1_000_000, ..Mischief::none() };
    let cloud = Cloud::start(1, Dials::kind(), lost);
    let query = sign(&cloud.signing(), "POST", "CreateInstance", &[]);
    assert_eq!(cloud.send("POST", &format!("/ecs/v1?{query}"), &body), None);
    assert_eq!(cloud.truth("instances")["instances"], json!([]));
}

#[test]
fn an_answer_may_be_an_error_or_no_json_though_the_request_was_carried_out() {
    for (number, mischief) in [
        Mischief { error_after_ppm: 1_000_000, ..Mischief::none() },
        Mischief { garbage_ppm: 1_000_000, ..Mischief::none() },
    ]
    .into_iter()
    .enumerate()
    {
        let cloud = Cloud::start(1, Dials::kind(), mischief);
        let query = sign(&cloud.signing(), "POST", "CreateInstance", &[]);
        let body = create_body("farm-1").to_string();
        let (status, body) = cloud.send("POST", &format!("/ecs/v1?{query}"), &body).unwrap();
        let expected = if number == 0 { (500, true) } else { (200, false) };
        assert_eq!((status, serde_json::from_str::<Value>(&body).is_ok()), expected);
        assert_eq!(cloud.truth("instances")["instances"][0]["name"], "farm-1");
    }
}

#[test]
fn too_many_calls_a_second_are_refused() {
    let limited = Mischief { calls_per_second: 2, ..Mischief::none() };
    let cloud = Cloud::start(1, Dials::kind(), limited);
    let statuses: Vec<_> = (0..40).map(|_| cloud.get("DescribeRegions", &[]).0).collect();
    assert_eq!(statuses[..4], [200; 4]);
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[test]
fn measurements_are_told_in_utc_and_end_now() {
    let cloud = Cloud::kind(500);
    let (_, made) = cloud.create("farm-1");
    let id = made["Data"]["EcsIdSet"][0].as_str().unwrap();
    let body = json!({ "EcsId": id, "Indicators": ["GpuUsage"], "TimeInterval": "1" });
    let (_, none) = cloud.post("DescribeInstanceMonitor", &body);
    assert_eq!(none["Data"]["GpuUsage"]["Value"], json!([]), "it does not run yet");
    cloud.done(&made["Data"]["EventId"]);
    let told = json!({ "instance": id, "percent": 87 }).to_string();
    assert_eq!(cloud.send("POST", "/sim/usage", &told).unwrap().0, 200);
    let before = cloud.clock.now().seconds();
    let (_, some) = cloud.post("DescribeInstanceMonitor", &body);
    let gpu = &some["Data"]["GpuUsage"];
    let newest = gpu["Time"].as_array().unwrap().last().unwrap().as_str().unwrap().to_owned();
    let newest = format!("{}Z", newest.replace(' ', "T"));
    let newest = newest.parse::<jiff::Timestamp>().unwrap().as_second();
    assert!((before..=cloud.clock.now().seconds()).contains(&newest), "{before} {newest}");
    assert_eq!(gpu["Value"].as_array().unwrap().last(), Some(&json!(87.0)));
    assert!(some["Data"]["CpuUsage"].is_null());
}

#[test]
fn statuses_and_events_are_told_on_both_services() {
    let cloud = Cloud::kind(1);
    let (_, made) = cloud.create("farm-1");
    let id = made["Data"]["EcsIdSet"][0].as_str().unwrap();
    let (_, statuses) = cloud.post("DescribeInstanceStatus", &json!({ "EcsIds": [id, "ins-x"] }));
    let expected = json!({ id: { "Status": "building", "StatusDisplay": "创建中" } });
    assert_eq!(statuses["Data"]["EcsStatus"], expected);
    let params = [("EventId", made["Data"]["EventId"].as_str().unwrap())];
    let call = Call { method: "GET", path: "/ebs/v1", action: "DescribeEvent" };
    let (_, event) = cloud.signed(&cloud.signing(), &call, &params, &Value::Null);
    assert_eq!(event["Data"]["EventStatus"], "doing");
    assert_eq!(event["Data"]["TaskList"][0]["EndTime"], "");
    let (_, one) = cloud.get("DescribeInstance", &[("EcsId", id)]);
    assert_eq!(one["Data"]["EcsRule"]["Name"], FAMILY);
}
