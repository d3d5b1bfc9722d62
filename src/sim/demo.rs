//! The demo's studio: a day of a real render farm's work on the simulated cloud, whose cheapest
//! zone sells out on the way.

use std::net::SocketAddr;
use std::path::Path;

use super::farm::{Boots, SimFarm};
use super::provider::{Catalog, Dials, Provider, StockChange};
use super::trace::{self, Job};
use crate::model::{Span, Time};

/// The cheapest offers are sold out from so long after the start…
const SOLD_OUT_FROM: Span = Span::hours(9);
/// …until so long after it.
const SOLD_OUT_TO: Span = Span::hours(15);
/// Its zone.
const SOLD_OUT_ZONE: &str = "CN_Hohhot_B";

/// The studio at `start`, with the work that arrives until `until` of the bundled trace.
pub fn studio(start: Time, until: Span, seed: u64) -> SimFarm {
    let jobs: Vec<Job> = trace::bundled().into_iter().filter(|job| job.submit < until).collect();
    let mut catalog = Catalog::standard();
    for what in catalog.sizes.keys().filter(|what| &*what.zone == SOLD_OUT_ZONE) {
        let change =
            |after: Span, units| StockChange { at: start + after, what: what.clone(), units };
        catalog.script.extend([change(SOLD_OUT_FROM, Some(0)), change(SOLD_OUT_TO, Some(24))]);
    }
    catalog.script.sort_by_key(|change| change.at);
    let provider = Provider::new(catalog, dials(), seed);
    SimFarm::new(provider, Boots::default(), jobs, start, seed)
}

/// Late and lagging as the real cloud, but nothing that only an operator could mend, and no
/// event lost: the ledger is to meet the bill to the fen.
fn dials() -> Dials {
    Dials { event_lost_ppm: 0, create_hangs_ppm: 0, reclaim_ppm: 0, ..Dials::nasty() }
}

/// The demo's config: the one a studio would write for it.
pub fn config(cloud: SocketAddr, queue: SocketAddr, page: SocketAddr, store: &Path) -> String {
    let zones: String = Catalog::standard()
        .zones
        .iter()
        .map(|zone| {
            let (code, vpc, subnet) = (&zone.code, &zone.vpc, &zone.subnet);
            format!("[pools.render.zones.{code}]\nvpc = \"{vpc}\"\nsubnet = \"{subnet}\"\n\n")
        })
        .collect();
    let store = store.display().to_string();
    format!(
        r#"# the demo's own config; see config/farmscale.toml for everything that can be set
farm = "demo"

[cloud]
endpoint = "http://{cloud}/ecs/v1"

[store]
dir = {store:?}

[page]
listen = "{page}"

[limits]
max = 60
open_creates = 20

[queues.render]
kind = "http"
url = "http://{queue}/queue"
drain_url = "http://{queue}/drain"
undrain_url = "http://{queue}/undrain"

[pools.render]
queue = "render"
tag = "gpu"
max = 60
preset = "fast"

[[pools.render.sizes]]
family = "专业渲染型rp3"
cpu = 16
ram = 32
gpu_memory = 24
image = "render-worker-Datacenter"

[[pools.render.sizes]]
family = "极速渲染型re3"
cpu = 12
ram = 24
gpu_memory = 24
image = "render-worker-Geforce"
zones = ["CN_Suqian_B", "CN_Hohhot_B"]

{zones}"#
    )
}
