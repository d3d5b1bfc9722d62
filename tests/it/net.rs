//! The way out: proxies, private certificate authorities, clocks that are off, answers without an end.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use farmscale::clock::Clock;
use farmscale::cloud::{CallError, Client, Credentials, Endpoints};
use farmscale::model::{Billing, Refusal, Span};
use farmscale::net::redact::cut;
use farmscale::sim::http::{Answers, Mischief, Refused};
use farmscale::sim::provider::Dials;

use crate::support::cloud::{Cloud, KEY, SECRET};
use crate::support::daemon::farmscale;

const TEXT_MAX: usize = 1000;

fn cloud() -> Cloud {
    Cloud::start(Clock::real(), Dials::kind(), Mischief::none())
}

/// `farmscale api DescribeRegions --server …`.
fn regions(server: &str, environment: &[(&str, &str)]) -> Output {
    let mut all = vec![("FARMSCALE_ACCESS_KEY_ID", KEY), ("FARMSCALE_ACCESS_KEY_SECRET", SECRET)];
    all.extend(environment);
    farmscale(&["api", "DescribeRegions", "--json", "--server", server], &all)
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The simulated cloud takes requests as a proxy gets them, with the whole address.
#[test]
fn the_cloud_is_reached_through_the_proxy_of_the_environment() {
    let proxy = cloud();
    let at = format!("http://{}", proxy.address);
    let through = regions("http://cloud.invalid", &[("HTTP_PROXY", &at)]);
    assert!(through.status.success(), "{}", complaint(&through));
    let past = [("HTTP_PROXY", at.as_str()), ("NO_PROXY", "cloud.invalid")];
    let past = regions("http://cloud.invalid", &past);
    assert!(complaint(&past).contains("cannot be reached"), "{}", complaint(&past));
    // A server on this machine is never asked through one.
    let here = regions(&at, &[("HTTP_PROXY", "http://127.0.0.1:9")]);
    assert!(here.status.success(), "{}", complaint(&here));
}

/// A TLS server with a certificate of an authority of its own.
struct Secure(Child, u16);

impl Secure {
    fn start(folder: &Path) -> Self {
        let run = |line: &str| {
            let ended =
                Command::new("openssl").args(line.split(' ')).current_dir(folder).output().unwrap();
            assert!(ended.status.success(), "{}", complaint(&ended));
        };
        let new = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        run(&format!("{new} -x509 -keyout ca.key -out ca.crt -days 2 -subj /CN=studio"));
        let name = "-subj /CN=localhost -addext subjectAltName=DNS:localhost";
        run(&format!("{new} -keyout own.key -out own.csr {name}"));
        run("x509 -req -in own.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out own.crt -days 2 \
             -copy_extensions copy");
        let mut server = Command::new("openssl")
            .args(["s_server", "-www", "-accept", "127.0.0.1:0", "-cert", "own.crt"])
            .args(["-key", "own.key"])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let accept = lines.find_map(|line| Some(line.ok()?.strip_prefix("ACCEPT ")?.to_owned()));
        let port = accept.unwrap().rsplit(':').next().unwrap().parse().unwrap();
        Self(server, port)
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn a_certificate_of_a_private_authority_is_taken_when_it_is_named_and_refused_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let server = Secure::start(folder.path());
    let at = format!("https://localhost:{}", server.1);
    let stranger = complaint(&regions(&at, &[]));
    assert!(
        stranger.contains("cannot be reached") && stranger.contains("UnknownIssuer"),
        "{stranger}"
    );
    let authority = folder.path().join("ca.crt");
    let known = complaint(&regions(&at, &[("SSL_CERT_FILE", authority.to_str().unwrap())]));
    assert!(known.contains("something else than the API's JSON"), "{known}");
}

fn client_with(clock: &Clock, cloud: &Cloud) -> Client {
    let credentials = Credentials { access_key_id: KEY.into(), access_key_secret: SECRET.into() };
    let endpoints = Endpoints::at(&format!("http://{}", cloud.address));
    Client::new(credentials, endpoints, clock.clone()).unwrap()
}

/// A clock an hour off: calls are signed with the server's time, until it is set right.
#[test]
fn a_clock_that_is_off_is_told_and_the_servers_time_is_signed() {
    let cloud = cloud();
    let clock = Clock::real();
    let client = client_with(&clock, &cloud);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ask = || runtime.block_on(client.zones()).map(|zones| zones.is_empty());
    assert_eq!((ask(), client.skew()), (Ok(false), None));
    for minutes in [-60, 60] {
        clock.set_wall(Span::minutes(minutes));
        assert_eq!(ask(), Ok(false), "{minutes} minutes off");
        let skew = client.skew().unwrap();
        let error = skew - Span::minutes(-minutes);
        assert!(error.0.abs() < Span::minutes(1).0, "{skew}");
        clock.set_wall(Span::ZERO);
        assert_eq!((ask(), client.skew()), (Ok(false), None));
    }
}

/// A change refused for its time was not taken on: it may be signed anew, and happens once.
#[test]
fn a_change_with_a_clock_that_is_off_happens_once() {
    let cloud = cloud();
    let clock = Clock::real();
    clock.set_wall(Span::hours(-1));
    let client = client_with(&clock, &cloud);
    let id = cloud.with(|provider| {
        let offer = provider.catalog().sizes.keys().next().unwrap().offer(Billing::OnDemand);
        let request = provider.catalog().request("farm-1", &offer);
        provider.create(cloud.clock.now(), &request).unwrap().instances.remove(0)
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(client.rename(&id, "farm-2")).unwrap();
    assert_eq!(&*cloud.truth()[&id].0, "farm-2");
}

/// Texts of many megabytes from the vendor are cut where they enter.
#[test]
fn a_refusal_of_many_megabytes_is_a_line() {
    let refused = |http: u16, code: &str| Refused {
        action: "DescribeRegions".to_owned(),
        http,
        code: code.to_owned(),
        message: "长".repeat(5 << 20),
        times: 1,
    };
    let refusals = vec![
        refused(400, "InvalidParameter"),
        refused(500, "InternalError"),
        refused(400, &"X".repeat(9000)),
        Refused { message: "长".repeat(6 << 20), ..refused(400, "InvalidParameter") },
    ];
    let cloud = Cloud::answering(Answers { refusals, ..Answers::DOCUMENTED });
    let client = cloud.client(100);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut errors = (0..4).map(|_| runtime.block_on(client.zones()).unwrap_err());
    for expected in [Refusal::Config, Refusal::Other, Refusal::Other] {
        let error = errors.next().unwrap();
        assert_eq!(error.class(), expected, "{}", cut(&error.to_string(), TEXT_MAX));
        assert!(error.to_string().chars().count() < TEXT_MAX);
    }
    let too_large = errors.next().unwrap();
    assert_eq!(too_large, CallError::Unknown("an answer of more than 16 MiB".to_owned()));
}
