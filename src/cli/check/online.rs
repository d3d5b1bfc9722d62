//! `check --online`: what the cloud says about everything a config wants to buy.

use serde_json::{Value, json};

use super::super::out;
use super::super::reach::Progress;
use crate::clock::Clock;
use crate::cloud::catalog::DiskSpec;
use crate::cloud::survey::{Offered, Scope, ZoneSurvey};
use crate::cloud::{CallError, Client};
use crate::config::{Fault, Place, Settings};
use crate::model::{Money, OfferKey, Price, Stock, Text};
use crate::policy::{OfferPolicy, Pool};
use crate::world::purchase::Purchase;

/// One row: a pool's size in a zone.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) pool: Text,
    key: OfferKey,
    is_offered: bool,
    stock: Option<Stock>,
    pub(super) hourly: Option<Money>,
    image: Option<String>,
    free_ips: Option<u32>,
    disk_free_gib: Option<u32>,
    /// Whether a stop without charge is possible, as far as billing and disk tell.
    free_stop: &'static str,
    /// What keeps it from being bought, with the remedy.
    pub(super) faults: Vec<String>,
    /// What is worth knowing.
    notes: Vec<String>,
}

/// Asks the cloud about every offer of every pool.
pub(super) async fn rows(
    settings: &Settings,
    clock: Clock,
) -> Result<(Vec<Row>, Vec<String>), CallError> {
    let cloud = &settings.cloud;
    let client = Client::new(cloud.credentials.clone(), cloud.endpoints.clone(), clock)?;
    let progress = Progress::on_terminal();
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for pool in &settings.policy.pools {
        let mut zones: Vec<Text> =
            pool.offers.iter().map(|one| Text::clone(&one.key.zone)).collect();
        let mut families: Vec<Text> =
            pool.offers.iter().map(|one| Text::clone(&one.key.family)).collect();
        for list in [&mut zones, &mut families] {
            list.sort();
            list.dedup();
        }
        let purchases = || cloud.purchases.iter().filter(|one| one.pool == pool.name);
        let disk =
            purchases().next().map_or(DiskSpec { feature: "ssd".to_owned(), gib: 40 }, |one| {
                DiskSpec { feature: one.system_disk_feature.clone(), gib: one.system_disk_gib }
            });
        let scope = Scope { zones, families, disk };
        let surveys = client.survey(&scope, |what| progress.say(what)).await?;
        for survey in &surveys {
            let of = |fault: &String| format!("{}: {fault}", survey.zone.code);
            faults.extend(survey.faults.iter().map(of));
        }
        for offer in &pool.offers {
            let survey = surveys.iter().find(|one| one.zone.code == offer.key.zone);
            rows.push(row(pool, offer, cloud.purchase(&pool.name, &offer.key), survey));
        }
    }
    Ok((rows, faults))
}

fn row(
    pool: &Pool,
    offer: &OfferPolicy,
    purchase: Option<&Purchase>,
    survey: Option<&ZoneSurvey>,
) -> Row {
    let mut row = Row {
        pool: Text::clone(&pool.name),
        key: offer.key.clone(),
        is_offered: false,
        stock: None,
        hourly: None,
        image: None,
        free_ips: None,
        disk_free_gib: survey.and_then(|survey| survey.disk_free_gib),
        free_stop: if offer.stoppable { "eligible*" } else { "no" },
        faults: Vec::new(),
        notes: Vec::new(),
    };
    let Some(survey) = survey else {
        let zone = &offer.key.zone;
        row.faults
            .push(format!("there is no zone {zone}; `farmscale api DescribeRegions` lists them"));
        return row;
    };
    let offered = survey.offers.iter().find(|one| {
        let spec = &one.spec;
        spec.family.eq_ignore_ascii_case(&offer.key.family) && spec.size() == offer.key.size()
    });
    match offered {
        Some(offered) => about_offer(offer, offered, &mut row),
        None => row.faults.push(not_offered(offer, survey)),
    }
    if let Some(purchase) = purchase {
        about_image(purchase, offered, survey, &mut row);
        about_network(pool, purchase, survey, &mut row);
        about_disks(pool, purchase, &mut row);
    }
    row
}

fn about_offer(offer: &OfferPolicy, offered: &Offered, row: &mut Row) {
    row.is_offered = true;
    row.stock = offered.stock;
    row.hourly = offered.price.map(Price::per_hour);
    if offered.stock == Some(Stock::SoldOut) {
        row.notes.push("sold out now; bought when it returns".to_owned());
    }
    if offered.price.is_none() {
        row.faults.push("has no price, and what has none is not bought".to_owned());
    }
    if *offered.spec.family != *offer.key.family {
        row.faults.push(format!(
            "the API spells the family `{}`; write it like that",
            offered.spec.family
        ));
    }
}

fn not_offered(offer: &OfferPolicy, survey: &ZoneSurvey) -> String {
    let of_family = survey.offers.iter().filter(|one| one.spec.family == offer.key.family);
    let sizes: Vec<String> = of_family
        .map(|one| format!("{}c {}G {}gpu", one.spec.cpu, one.spec.ram_gib, one.spec.gpus))
        .collect();
    if sizes.is_empty() {
        format!(
            "the zone does not offer the family {}, or the account may not buy it; `farmscale \
             offers` shows what it can",
            offer.key.family
        )
    } else {
        format!("the family has no such size here; it has {}", sizes.join(", "))
    }
}

fn about_image(purchase: &Purchase, offered: Option<&Offered>, survey: &ZoneSurvey, row: &mut Row) {
    let Some(image) = survey.image(&purchase.image) else {
        row.faults.push(format!(
            "the image `{}` is not in the zone; `farmscale api SyncImage ImageId=… \
             AvailableZoneCodes={}` copies it there",
            purchase.image, survey.zone.code
        ));
        return;
    };
    row.image = Some(image.name.to_string());
    let (has, wants) = (&image.driver, offered.and_then(|one| one.spec.driver.as_ref()));
    if offered.is_some() && has.as_ref() != wants {
        let name = |driver: Option<&Text>| driver.map_or("none", |driver| &**driver).to_owned();
        row.faults.push(format!(
            "the image's GPU driver is {}, the size needs {}",
            name(has.as_ref()),
            name(wants)
        ));
    }
    if !image.is_ready() {
        row.faults.push(format!(
            "the image is `{}`, not yet usable",
            image.status.as_deref().unwrap_or("")
        ));
    }
    if purchase.system_disk_gib < image.os_gib {
        row.faults.push(format!(
            "disk_size is {}, the image needs {} GiB",
            purchase.system_disk_gib, image.os_gib
        ));
    }
}

fn about_network(pool: &Pool, purchase: &Purchase, survey: &ZoneSurvey, row: &mut Row) {
    match survey.subnets.iter().find(|(subnet, _)| *subnet.id == *purchase.subnet) {
        None => row.faults.push(format!(
            "the subnet {} is not in the zone; its subnets: {}",
            purchase.subnet,
            survey.subnets.iter().map(|(one, _)| &*one.id).collect::<Vec<_>>().join(", ")
        )),
        Some((subnet, _)) if *subnet.vpc != *purchase.vpc => row
            .faults
            .push(format!("the subnet belongs to the VPC {}, not to {}", subnet.vpc, purchase.vpc)),
        Some((_, free)) => {
            row.free_ips = *free;
            match free {
                Some(0) => row.faults.push("the subnet has no free address".to_owned()),
                Some(free) if *free < pool.max => {
                    row.notes.push(format!(
                        "the subnet has {free} free addresses, the pool's max is {}",
                        pool.max
                    ));
                }
                Some(_) | None => {}
            }
        }
    }
    for group in &purchase.security_groups {
        if !survey.groups.iter().any(|one| *one.id == **group) {
            row.faults.push(format!("there is no security group {group} in the zone's region"));
        }
    }
}

fn about_disks(pool: &Pool, purchase: &Purchase, row: &mut Row) {
    let Some(free) = row.disk_free_gib.filter(|_| purchase.system_disk_feature == "ssd") else {
        return;
    };
    let fits = free / purchase.system_disk_gib.max(1);
    if fits == 0 {
        row.faults.push("the zone's disk quota is used up".to_owned());
    } else if fits < pool.max {
        row.notes.push(format!(
            "the zone's disk quota holds {fits} more machines, the pool's max is {}",
            pool.max
        ));
    }
}

/// What the star in the table means.
const FREE_STOP: &str =
    "* if the account is whitelisted, which the API does not tell: `farmscale try` finds out";

/// The table; faults and notes below it.
pub(super) fn table(rows: &[Row]) -> String {
    let number = |number: Option<u32>| number.map_or_else(|| "?".to_owned(), |one| one.to_string());
    let cells = rows.iter().map(|row| {
        let stock = match row.stock {
            Some(Stock::Sells) => "yes",
            Some(Stock::SoldOut) => "SOLD OUT",
            None => "?",
        };
        let key = &row.key;
        [
            row.pool.to_string(),
            key.zone.to_string(),
            format!("{} {}c {}G {}gpu", key.family, key.cpu, key.ram_gib, key.gpus),
            if row.is_offered { "yes" } else { "NO" }.to_owned(),
            stock.to_owned(),
            row.hourly.map_or_else(|| "?".to_owned(), |hourly| hourly.to_string()),
            row.image.clone().unwrap_or_else(|| "MISSING".to_owned()),
            number(row.free_ips),
            number(row.disk_free_gib),
            row.free_stop.to_owned(),
            if row.faults.is_empty() { "ok" } else { "FAULT" }.to_owned(),
        ]
    });
    let header = [
        "pool",
        "zone",
        "size",
        "offered",
        "in stock",
        "per hour",
        "image",
        "free IPs",
        "disk GiB left",
        "free stop",
        "",
    ];
    format!("{}\n{FREE_STOP}", out::table(header, cells.collect()))
}

/// Everything wrong, the same once: the pool's key, and what.
pub(super) fn faults(rows: &[Row]) -> Vec<Fault> {
    let mut faults: Vec<Fault> = rows
        .iter()
        .flat_map(|row| {
            let (pool, key) = (&row.pool, &row.key);
            row.faults.iter().map(move |what| Fault {
                place: Place::Nowhere,
                key: format!("pools.{pool}"),
                what: format!("pool {pool}, {} {}: {what}", key.zone, key.family),
            })
        })
        .collect();
    faults.sort();
    faults.dedup();
    faults
}

/// Everything worth knowing.
pub(super) fn notes(rows: &[Row]) -> Vec<String> {
    let mut lines: Vec<String> = rows
        .iter()
        .flat_map(|row| {
            let place = format!("pool {}, {} {}", row.pool, row.key.zone, row.key.family);
            row.notes.iter().map(move |what| format!("{place}: {what}"))
        })
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

/// The rows for programs.
pub(super) fn json(rows: &[Row]) -> Vec<Value> {
    let row = |row: &Row| {
        json!({
            "pool": *row.pool, "zone": *row.key.zone, "family": *row.key.family,
            "cpu": row.key.cpu, "ram_gib": row.key.ram_gib, "gpus": row.key.gpus,
            "offered": row.is_offered,
            "in_stock": row.stock.map(|stock| stock == Stock::Sells), "hourly": row.hourly.map(|hourly| hourly.to_string()),
            "image": row.image, "free_ips": row.free_ips, "disk_free_gib": row.disk_free_gib,
            "free_stop": row.free_stop, "faults": row.faults, "notes": row.notes,
        })
    };
    rows.iter().map(row).collect()
}
