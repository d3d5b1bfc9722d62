//! Every zone with the sizes it sells, whether they are in stock, and what they cost. It needs the
//! client alone: `--no-default-features --features cloud`.
//!
//! Beside `farmscale cloudsim --kind`:
//!
//! ```sh
//! cargo run --example zones --no-default-features --features cloud -- http://127.0.0.1:9400
//! ```
//!
//! Without an address the real cloud is asked, with the key in `FARMSCALE_ACCESS_KEY_ID` and
//! `FARMSCALE_ACCESS_KEY_SECRET`.

#![expect(clippy::disallowed_methods, reason = "an example has no config to read its key from")]

use std::error::Error;
use std::io::Write;

use farmscale::cloud::catalog::DiskSpec;
use farmscale::cloud::survey::Scope;
use farmscale::cloud::{Client, Clock, Credentials, Endpoints, Stock};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = std::env::args().nth(1);
    let word = |name: &str, otherwise: &str| {
        std::env::var(name).unwrap_or_else(|_| otherwise.to_owned()).into()
    };
    let credentials = Credentials {
        access_key_id: word("FARMSCALE_ACCESS_KEY_ID", "cloudsim"),
        access_key_secret: word("FARMSCALE_ACCESS_KEY_SECRET", "cloudsim-secret"),
    };
    let endpoints = server.as_deref().map_or_else(Endpoints::default, Endpoints::at);
    let client = Client::new(credentials, endpoints, Clock::real())?;
    let scope = Scope {
        zones: Vec::new(),    // every zone
        families: Vec::new(), // every family that has a GPU
        disk: DiskSpec { feature: "ssd".to_owned(), gib: 40 },
    };
    let mut out = std::io::stdout().lock();
    for zone in client.survey(&scope, |_| {}).await? {
        writeln!(out, "{} ({}, region {})", zone.zone.code, zone.zone.name, zone.zone.region)?;
        for offered in &zone.offers {
            let stock = match offered.stock {
                Some(Stock::Sells) => "in stock",
                Some(Stock::SoldOut) => "sold out",
                None => "stock not known",
            };
            let price = offered.price.map_or_else(
                || "price not known".to_owned(),
                |price| format!("{} an hour", price.per_hour()),
            );
            writeln!(out, "  {}: {stock}, {price}", offered.offer(&zone.zone.code))?;
        }
        for fault in &zone.faults {
            writeln!(out, "  no answer: {fault}")?;
        }
    }
    Ok(())
}
