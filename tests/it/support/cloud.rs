//! The simulated cloud over HTTP in the test's own process, so that its truth can be looked at.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use farmscale::clock::Clock;
use farmscale::cloud::{Client, Credentials, Endpoints};
use farmscale::model::Text;
use farmscale::sim::http::{Alone, Answers, Behind, Mischief, Options, serve};
use farmscale::sim::provider::{Catalog, Dials, Provider, State};
use farmscale::sim::scenario::{BUNDLED, Scenario};

pub(crate) const KEY: &str = "test-key-id";
pub(crate) const SECRET: &str = "test-key-secret";

/// A cloud on a free port; it ends with this value.
pub(crate) struct Cloud {
    _runtime: tokio::runtime::Runtime,
    behind: Arc<Mutex<Alone>>,
    pub(crate) address: SocketAddr,
    pub(crate) clock: Clock,
}

impl Cloud {
    pub(crate) fn start(clock: Clock, dials: Dials, mischief: Mischief) -> Self {
        Self::selling(Catalog::standard(), clock, dials, mischief)
    }

    pub(crate) fn selling(
        catalog: Catalog,
        clock: Clock,
        dials: Dials,
        mischief: Mischief,
    ) -> Self {
        Self::serving(Alone::new(Provider::new(catalog, dials, 1)), clock, mischief)
    }

    /// A kind cloud that answers in its own way.
    pub(crate) fn answering(answers: Answers) -> Self {
        Self::build(Catalog::standard(), Dials::kind(), answers, Clock::real())
    }

    pub(crate) fn build(catalog: Catalog, dials: Dials, answers: Answers, clock: Clock) -> Self {
        let provider = Provider::new(catalog, dials, 1);
        Self::serving(Alone::answering(provider, answers), clock, Mischief::none())
    }

    /// A bundled scenario, or the text of one.
    pub(crate) fn playing(scenario: &str, clock: Clock) -> Self {
        let bundled = BUNDLED.iter().find(|(name, _)| *name == scenario);
        let scenario = Scenario::parse(bundled.map_or(scenario, |(_, text)| text)).unwrap();
        let provider = scenario.provider(clock.now(), 1).unwrap();
        let alone = Alone::answering(provider, scenario.answers());
        Self::serving(alone, clock, scenario.mischief().unwrap())
    }

    fn serving(alone: Alone, clock: Clock, mischief: Mischief) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let behind = Arc::new(Mutex::new(alone));
        let (access_key_id, access_key_secret) = (KEY.to_owned(), SECRET.into());
        let options = Options { access_key_id, access_key_secret, mischief, seed: 1 };
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(serve(Arc::clone(&behind), clock.clone(), options, listener));
        Self { _runtime: runtime, behind, address, clock }
    }

    /// Every instance there is: id → (name, state).
    pub(crate) fn truth(&self) -> BTreeMap<Text, (Text, State)> {
        self.with(|provider| {
            let rows = provider.truth();
            rows.map(|one| (Text::clone(&one.id), (Text::clone(&one.name), one.state))).collect()
        })
    }

    /// A client that keeps to so many calls a second.
    pub(crate) fn client(&self, calls_per_second: u32) -> Client {
        let credentials =
            Credentials { access_key_id: KEY.into(), access_key_secret: SECRET.into() };
        let at = Endpoints::at(&format!("http://{}", self.address));
        let endpoints = Endpoints { calls_per_second, ..at };
        Client::new(credentials, endpoints, self.clock.clone()).unwrap()
    }

    /// How often an action was called, whatever was answered.
    pub(crate) fn calls(&self, action: &str) -> u64 {
        let mut stream = std::net::TcpStream::connect(self.address).unwrap();
        let request = "GET /sim/calls HTTP/1.1\r\nHost: cloud\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        let calls: serde_json::Value = serde_json::from_str(body).unwrap();
        let all = calls["calls"].as_object().unwrap().iter();
        let ours = all.filter(|(name, _)| name.ends_with(&format!(".{action}")));
        let counts = ours.flat_map(|(_, codes)| codes.as_object().unwrap().values());
        counts.map(|count| count.as_u64().unwrap()).sum()
    }

    pub(crate) fn with<R>(&self, look: impl FnOnce(&mut Provider) -> R) -> R {
        look(self.behind.lock().unwrap().provider(self.clock.now()))
    }
}

/// The cloud of the tests: lags and delays, but nothing that only an operator could mend.
pub(crate) fn dials() -> Dials {
    Dials { create_hangs_ppm: 0, reclaim_ppm: 0, ..Dials::nasty() }
}
