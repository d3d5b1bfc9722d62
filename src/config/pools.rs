//! `[limits]` and `[pools.NAME]`: what may be bought, how much of it, and when.

use std::collections::BTreeMap;

use super::reader::Reader;
use super::{gpus, is_tag};
use super::{secrets, shared, spending, spot};
use crate::defaults::{ZONE, pool as default, size as size_default};
use crate::model::name::POOL_MAX;
use crate::model::{Billing, OfferKey, Shape, Span, Text};
use crate::policy::{
    Care, IdleRule, Limits, OfferPolicy, OnHung, OnMax, Pool, Preset, Promise, Shared, Slots,
    Spending, Spot, Tier, Window,
};
use crate::queue::Queue;
use crate::world::purchase::Purchase;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reads `[limits]`.
pub(super) fn limits(
    root: &mut Reader<'_>,
    queues: &BTreeMap<Text, Option<Queue>>,
) -> (Limits, Spending, Vec<Shared>) {
    let mut reader = root.table("limits");
    let default = Limits::default();
    let limits = Limits {
        max: reader.number("max", default.max, 0, 10_000),
        open_creates: reader.number("open_creates", default.open_creates, 1, 100),
        stops_floor: reader.number("stops_floor", default.stops_floor, 1, 10_000),
        stops_percent: reader.number("stops_percent", default.stops_percent, 1, 100),
        deletes_floor: reader.number("deletes_floor", default.deletes_floor, 1, 10_000),
    };
    let spending = spending::read(&mut reader);
    let shared = shared::read(&mut reader, queues);
    reader.end();
    (limits, spending, shared)
}

/// Reads all pools, in the order of their names.
pub(super) fn read(
    root: &mut Reader<'_>,
    queues: &BTreeMap<Text, Option<Queue>>,
    warnings: &mut Vec<String>,
) -> (Vec<Pool>, Vec<Purchase>) {
    let (mut pools, mut purchases) = (Vec::<Pool>::new(), Vec::new());
    for (name, mut reader) in root.tables("pools") {
        let pool = pool(&name, &mut reader, queues, &mut purchases, warnings);
        if let Some(other) = pools.iter().find(|other| other.tag == pool.tag) {
            let what =
                format!("is \"{}\", as in pool {}: give each pool its own", pool.tag, other.name);
            reader.fault("tag", what);
        }
        reader.end();
        pools.push(pool);
    }
    if pools.is_empty() {
        root.fault("pools", "is missing: say what to buy for which queue, e.g. [pools.gpu]");
    }
    (pools, purchases)
}

fn pool(
    name: &Text,
    reader: &mut Reader<'_>,
    queues: &BTreeMap<Text, Option<Queue>>,
    purchases: &mut Vec<Purchase>,
    warnings: &mut Vec<String>,
) -> Pool {
    let (offers, spot) = buying(name, reader, purchases, warnings);
    let max = reader.required_number("max", 0, 10_000, "the most machines this pool may own");
    let min = reader.number("min", default::MIN, 0, 10_000);
    if max < min {
        reader.fault("min", format!("is {min}, more than max ({max})"));
    }
    let queue = queue(reader, queues);
    let Preset { promise, patience } = preset(reader);
    let pool = Pool {
        name: Text::clone(name),
        tag: tag(name, reader).into(),
        offers,
        min,
        max,
        on_max: on_max(reader),
        windows: windows(reader),
        slots: slots(reader),
        shape: Shape {
            gpus: reader.number("task_gpus", default::TASK_GPUS, 1, 64),
            gpu_memory_gib: reader.number("task_gpu_memory", default::TASK_GPU_MEMORY, 0, 1024),
        },
        tasks_per_slot: reader.number("tasks_per_slot", default::TASKS_PER_SLOT, 1, 10_000),
        headroom: reader.number("headroom", default::HEADROOM, 0, 10_000),
        tier: Tier { patience, ..tier(reader) },
        caps: spending::caps(reader),
        spot,
        takes: reader.texts("takes").into_iter().map(Text::from).collect(),
        promise,
        idle: idle(name, reader, warnings),
        drains: queues.get(&queue).is_some_and(|queue| queue.as_ref().is_some_and(Queue::drains)),
        queue,
        surge: reader.number("surge", Pool::usual_surge(max), 1, 10_000),
        care: care(name, reader, warnings),
    };
    let asks_more = |window: &Window| window.max.unwrap_or(max) < window.min.unwrap_or(0);
    if pool.windows.iter().any(asks_more) {
        reader.fault(
            "windows",
            format!("has a min that is more than its max, or the pool's ({max})"),
        );
    }
    if !pool.offers.iter().any(|offer| 0 < pool.slots_of(offer, pool.shape)) {
        reader.fault("task_gpus", "and task_gpu_memory fit none of the pool's sizes");
    }
    pool
}

/// What makes a worker idle.
fn idle(name: &Text, reader: &mut Reader<'_>, warnings: &mut Vec<String>) -> IdleRule {
    let answers = [("word", IdleRule::Word), ("assume", IdleRule::Assume)];
    let idle = reader.choice("idle", &answers, 0).unwrap_or_default();
    if idle == IdleRule::Assume {
        warnings.push(format!(
            "pool {name}: idle = \"assume\" stops machines whose work nobody can vouch for; a \
             frame may be lost"
        ));
    }
    idle
}

/// What happens to machines above `max`, once it is lowered.
fn on_max(reader: &mut Reader<'_>) -> OnMax {
    let answers = [("drain", OnMax::Drain), ("finish_queue", OnMax::FinishQueue)];
    reader.choice("on_max", &answers, 0).unwrap_or_default()
}

/// The pool's part of its machines' names.
fn tag(name: &str, reader: &mut Reader<'_>) -> String {
    let tag = reader.text("tag", &Pool::usual_tag(name));
    if !is_tag(&tag, POOL_MAX) {
        reader.fault("tag", format!("is \"{tag}\": must be 1 to {POOL_MAX} of a-z and 0-9"));
    }
    tag
}

fn queue(reader: &mut Reader<'_>, queues: &BTreeMap<Text, Option<Queue>>) -> Text {
    let queue = reader.required_text("queue", "name one of [queues.…]");
    if !queue.is_empty() && !queues.is_empty() && !queues.contains_key(queue.as_str()) {
        let known: Vec<_> = queues.keys().map(|name| &**name).collect();
        let known = known.join(", ");
        reader.fault("queue", format!("is \"{queue}\": no such queue; there are: {known}"));
    }
    queue.into()
}

/// One entry of `sizes`.
#[derive(Debug)]
struct Size {
    family: Text,
    cpu: u32,
    ram_gib: u32,
    gpus: u32,
    gpu_memory_gib: u32,
    speed_ppm: i64,
    billing_unit: Span,
    image: Option<String>,
    /// Empty = all.
    zones: Vec<String>,
}

/// Where the pool's machines are made, and from what: every size in every zone it is for.
fn buying(
    pool: &Text,
    reader: &mut Reader<'_>,
    purchases: &mut Vec<Purchase>,
    warnings: &mut Vec<String>,
) -> (Vec<OfferPolicy>, Option<Spot>) {
    let image = reader.text_or_none("image");
    let (feature, gib) = (
        reader.choice("disk", &[("ssd", "ssd"), ("local", "local")], 0).unwrap_or("ssd"),
        reader.number("disk_size", default::DISK_SIZE, 20, 2000),
    );
    if feature == "ssd" && gib % 8 != 0 {
        reader.fault("disk_size", format!("is {gib}: cloud disks come in steps of 8 GiB"));
    }
    let stoppable = reader.flag("free_stop", default::FREE_STOP) && feature == "ssd";
    let (spot, skip_spot_release) = spot::read(reader, warnings);
    let password = secrets::password(reader);
    let zones = reader.tables("zones");
    if zones.is_empty() {
        reader.fault("zones", "is missing: e.g. [pools.NAME.zones.CN_Suqian_B] with its network");
    }
    let sizes = sizes(reader, &zones, warnings);
    let mut offers = Vec::new();
    for (zone, mut here) in zones {
        let (vpc, subnet) = (
            here.required_text("vpc", "the id of the VPC machines join"),
            here.required_text("subnet", "the id of a subnet of the VPC"),
        );
        let (groups, zone_image) = (here.texts("security_groups"), here.text_or_none("image"));
        let for_zone =
            |size: &&Size| size.zones.is_empty() || size.zones.iter().any(|one| **one == *zone);
        for size in sizes.iter().filter(for_zone) {
            let own = size.image.as_ref().or(zone_image.as_ref()).or(image.as_ref());
            if own.is_none() {
                here.fault("image", "is missing: name an image for the size, the zone or the pool");
            }
            let purchase = Purchase {
                pool: Text::clone(pool),
                zone: Text::clone(&zone),
                family: Text::clone(&size.family),
                image: own.cloned().unwrap_or_default(),
                vpc: vpc.clone(),
                subnet: subnet.clone(),
                security_groups: groups.clone(),
                system_disk_feature: feature.to_owned(),
                system_disk_gib: gib,
                skip_spot_release,
                password: password.clone(),
            };
            offers.push(offer(&zone, size, Billing::OnDemand, stoppable, &purchase));
            if spot.is_some() {
                offers.push(offer(&zone, size, Billing::Spot, false, &purchase));
            }
            purchases.push(purchase);
        }
        here.end();
    }
    (offers, spot)
}

fn offer(
    zone: &Text,
    size: &Size,
    billing: Billing,
    stoppable: bool,
    purchase: &Purchase,
) -> OfferPolicy {
    let key = OfferKey {
        zone: Text::clone(zone),
        family: Text::clone(&size.family),
        cpu: size.cpu,
        ram_gib: size.ram_gib,
        gpus: size.gpus,
        billing,
    };
    let Size { gpu_memory_gib, speed_ppm, billing_unit, .. } = *size;
    let build = purchase.build();
    OfferPolicy { key, gpu_memory_gib, speed_ppm, billing_unit, stoppable, build }
}

fn sizes(
    reader: &mut Reader<'_>,
    zones: &[(Text, Reader<'_>)],
    warnings: &mut Vec<String>,
) -> Vec<Size> {
    let list = reader.list("sizes");
    if list.is_empty() {
        let example = "[{ family = \"专业渲染型rp3\", cpu = 16, ram = 32, gpu_memory = 24 }]";
        reader.fault("sizes", format!("is missing: e.g. {example}"));
    }
    let spelling = "as `farmscale api DescribeEcsFamilyInfo` spells it";
    list.into_iter()
        .map(|mut size| {
            let read = Size {
                family: size.required_text("family", spelling).into(),
                cpu: size.required_number("cpu", 1, 1024, "cores"),
                ram_gib: size.required_number("ram", 1, 65_536, "GiB"),
                gpus: size.number("gpus", size_default::GPUS, 0, 64),
                gpu_memory_gib: size.number("gpu_memory", size_default::GPU_MEMORY, 0, 1024),
                speed_ppm: speed(&mut size, warnings),
                billing_unit: size.span(
                    "billing_unit",
                    size_default::BILLING_UNIT,
                    Span::seconds(1),
                ),
                image: size.text_or_none("image"),
                zones: size.texts("zones"),
            };
            for zone in &read.zones {
                if !zones.iter().any(|(known, _)| **known == **zone) {
                    size.fault("zones", format!("names {zone}, not one of the pool's zones"));
                }
            }
            size.end();
            read
        })
        .collect()
}

/// Work per second, as it is given, or by the name of the GPU.
fn speed(size: &mut Reader<'_>, warnings: &mut Vec<String>) -> i64 {
    let is_given = size.has("speed");
    let given = size.factor("speed");
    let Some(name) = size.text_or_none("gpu") else { return given };
    if is_given {
        warnings.push(format!(
            "{}: both speed and gpu are given; speed counts, and gpu can go",
            size.key("gpu")
        ));
        return given;
    }
    let Some(gpu) = gpus::find(&name) else {
        let what = format!(
            "is \"{name}\": no such GPU in the list of speeds (data/gpus); nearest: {}; or say \
             `speed` instead, 1.0 being a {}",
            gpus::near(&name).join(", "),
            gpus::REFERENCE
        );
        size.fault("gpu", what);
        return given;
    };
    if gpu.runs < gpus::THIN {
        warnings.push(format!(
            "{}: the speed of a {} is {} by {} benchmark run(s) only; say `speed` if you know better",
            size.key("gpu"),
            gpu.name,
            gpu.speed(),
            gpu.runs
        ));
    }
    gpu.speed_ppm
}

fn slots(reader: &mut Reader<'_>) -> Slots {
    let per_gpu = reader.number("slots_per_gpu", default::SLOTS_PER_GPU, 1, 64);
    let per_machine = reader.number("slots_per_machine", default::SLOTS_PER_MACHINE, 0, 1024);
    if per_machine == 0 { Slots::PerGpu(per_gpu) } else { Slots::PerMachine(per_machine) }
}

fn tier(reader: &mut Reader<'_>) -> Tier {
    let default = Tier::default();
    Tier {
        keep_stopped: reader.flag("keep_stopped", default.keep_stopped),
        stop_after: reader.span_or_none("stop_after", Span::seconds(10)),
        delete_after: reader.span_or_none("delete_after", Span::ZERO),
        ..default
    }
}

/// What is done about machines that misbehave or have grown old.
fn care(name: &Text, reader: &mut Reader<'_>, warnings: &mut Vec<String>) -> Care {
    let answers = [("report", OnHung::Report), ("recycle", OnHung::Recycle)];
    let care = Care {
        drain_max: reader.span_or_none("drain_max", Span::minutes(1)),
        hung_after: reader.span_or_none("hung_after", Span::minutes(5)),
        on_hung: reader.choice("on_hung", &answers, 0).unwrap_or_default(),
        max_lifetime: reader.span_or_none("max_lifetime", Span::hours(1)),
    };
    if let Some(max) = care.drain_max {
        warnings.push(format!(
            "pool {name}: drain_max stops machines whose workers do not answer a drain within \
             {max}; a frame may be lost"
        ));
    }
    if care.on_hung == OnHung::Recycle {
        warnings.push(format!(
            "pool {name}: on_hung = \"recycle\" deletes machines that are busy on an unused GPU; a \
             frame may be lost"
        ));
    }
    care
}

/// A preset, and the wait that is promised if it is another.
fn preset(reader: &mut Reader<'_>) -> Preset {
    let presets = [
        ("balanced", Preset::balanced()),
        ("fast", Preset::fast()),
        ("thrifty", Preset::thrifty()),
    ];
    let preset = reader.choice("preset", &presets, 0).unwrap_or_default();
    let wait = reader.span_or_none("max_wait", Span::minutes(1));
    Preset { promise: wait.map(Promise::within).or(preset.promise), ..preset }
}

fn windows(reader: &mut Reader<'_>) -> Vec<Window> {
    reader.list("windows").into_iter().map(window).collect()
}

fn window(mut reader: Reader<'_>) -> Window {
    let name = reader.text("zone", ZONE);
    let zone = jiff::tz::TimeZone::get(&name).unwrap_or_else(|_| {
        reader.fault("zone", format!("is \"{name}\": must be an IANA zone such as Asia/Shanghai"));
        jiff::tz::TimeZone::UTC
    });
    let given = reader.texts("days");
    let mut days = [given.is_empty(); 7];
    for day in &given {
        let place = DAYS.iter().position(|known| known.eq_ignore_ascii_case(day));
        match place.and_then(|place| days.get_mut(place)) {
            Some(chosen) => *chosen = true,
            None => reader.fault("days", format!("has \"{day}\": must be of {}", DAYS.join(", "))),
        }
    }
    let (from, to) = (time(&mut reader, "from"), time(&mut reader, "to"));
    let size = |reader: &mut Reader<'_>, name: &str| {
        reader.has(name).then(|| reader.number(name, 0, 0, 10_000))
    };
    let (min, max) = (size(&mut reader, "min"), size(&mut reader, "max"));
    if min.is_none() && max.is_none() {
        reader.fault("min", "or max must be given: the window changes nothing");
    }
    reader.end();
    Window { zone, days, from, to, min, max }
}

fn time(reader: &mut Reader<'_>, name: &str) -> jiff::civil::Time {
    let text = reader.required_text(name, "a time of day such as \"20:00\"");
    time_of_day(&text).unwrap_or_else(|| {
        if !text.is_empty() {
            reader.fault(name, format!("is \"{text}\": must be a time of day such as \"20:00\""));
        }
        jiff::civil::Time::midnight()
    })
}

/// `20:00`, and what people write for it: `9:00`, `24:00`, a full-width colon.
fn time_of_day(text: &str) -> Option<jiff::civil::Time> {
    let text = text.trim().replace('：', ":");
    let text = if text.find(':') == Some(1) { format!("0{text}") } else { text };
    if text == "24:00" { Some(jiff::civil::Time::midnight()) } else { text.parse().ok() }
}
