//! A machine from its order to its end: made, followed, measured, stopped without charge, deleted. Against
//! a simulated cloud only; the client alone is needed.
//!
//! Beside `farmscale cloudsim --kind --speed 60`:
//!
//! ```sh
//! cargo run --example machine --no-default-features --features cloud -- http://127.0.0.1:9400
//! ```

use std::error::Error;
use std::io::Write;

use farmscale::cloud::actions::Service;
use farmscale::cloud::catalog::DiskSpec;
use farmscale::cloud::events::{Followed, Pace};
use farmscale::cloud::instances::{Accepted, More, NewInstances, Operation, Terms};
use farmscale::cloud::monitor::Window;
use farmscale::cloud::{
    Billing, Client, Clock, Credentials, Endpoints, Offer, Span, Text, password,
};
use farmscale::net::is_loopback;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:9400".to_owned());
    if !is_loopback(&server) {
        return Err("it makes and deletes a machine: say the address of a cloudsim".into());
    }
    let credentials = Credentials {
        access_key_id: "cloudsim".into(),
        access_key_secret: "cloudsim-secret".into(),
    };
    let client = Client::new(credentials, Endpoints::at(&server), Clock::real())?;

    let zones = client.zones().await?;
    let zone = zones.first().ok_or("there is no zone")?;
    let specs = client.specs(&zone.code, Billing::OnDemand).await?;
    let spec = specs.iter().find(|spec| spec.gpus == 1).ok_or("there is no GPU")?;
    let images = client.images(&zone.code).await?;
    let image = images.iter().find(|image| image.driver == spec.driver).ok_or("no image fits")?;
    let subnets = client.subnets(&zone.region).await?;
    let subnet = subnets.iter().find(|one| one.zone == zone.code).ok_or("there is no subnet")?;
    let (zone, family) = (Text::clone(&zone.code), Text::clone(&spec.family));
    let offer = Offer { zone, family, size: spec.size() };
    let secret = password::random();
    let new = NewInstances {
        offer: &offer,
        terms: Terms::OnDemand,
        image: &image.id,
        system_disk: DiskSpec { feature: "ssd".to_owned(), gib: 40 },
        data_disks: Vec::new(),
        vpc: &subnet.vpc,
        subnet: &subnet.id,
        security_groups: &[],
        name: "example-1",
        number: 1,
        password: &secret,
        skip_spot_release: true,
        more: More::default(),
    };
    let accepted = client.create(&new).await?;
    let id = accepted.made.first().cloned().ok_or("the answer names no machine")?;
    follow(&client, "made", &accepted).await?;
    let detail = client.instance(&id).await?;
    say(&format!("{id} is {:?} at {:?}", detail.status, detail.private_ip))?;
    let seen = client.monitor(&id, Window::Hours(1), &[]).await?;
    say(&format!("{} series are measured", seen.series.len()))?;
    follow(&client, "stopped", &client.operate(&[&id], Operation::FreeStop).await?).await?;
    follow(&client, "deleted", &client.delete(&[&id], true).await?).await
}

/// Every change is followed by its event, to an end or to a deadline of one's own.
async fn follow(client: &Client, what: &str, accepted: &Accepted) -> Result<(), Box<dyn Error>> {
    let event = accepted.event.as_deref().ok_or("the answer names no event")?;
    let pace = Pace { every: Span::seconds(1), within: Span::minutes(10) };
    match client.follow(Service::Ecs, event, pace, |_| {}).await {
        Followed::Done(_) => say(what),
        Followed::Failed(event) => Err(format!("it failed: {event:?}").into()),
        Followed::TooLate(_) => Err("it has not ended in time".into()),
    }
}

fn say(what: &str) -> Result<(), Box<dyn Error>> {
    Ok(writeln!(std::io::stdout().lock(), "{what}")?)
}
