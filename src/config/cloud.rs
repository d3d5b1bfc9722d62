//! `[cloud]`: endpoints, patience, the key.

use std::collections::BTreeMap;

use super::reader::Reader;
use super::secrets;
use crate::cloud::{Credentials, Endpoints};
use crate::model::Span;
use crate::net::is_loopback;

const PATH: &str = "/ecs/v1";

/// Reads `[cloud]`.
pub(super) fn read(
    root: &mut Reader<'_>,
    environment: &BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> (Credentials, Endpoints) {
    let mut cloud = root.table("cloud");
    let default = Endpoints::default();
    let ecs = endpoint(&mut cloud, "endpoint", &default.ecs);
    // The other services stand beside it, but for the vendor's own network service.
    let beside = Endpoints::at(ecs.strip_suffix(PATH).unwrap_or(&ecs));
    let vpc = if ecs == default.ecs { &default.vpc } else { &beside.vpc };
    let second = Span::seconds(1);
    let endpoints = Endpoints {
        ecs_images: endpoint(&mut cloud, "images_endpoint", &beside.ecs_images),
        ebs: endpoint(&mut cloud, "ebs_endpoint", &beside.ebs),
        security_groups: endpoint(&mut cloud, "security_groups_endpoint", &beside.security_groups),
        vpc: endpoint(&mut cloud, "vpc_endpoint", vpc),
        ecs,
        connect_timeout: cloud.span("connect_timeout", default.connect_timeout, second),
        read_timeout: cloud.span("read_timeout", default.read_timeout, second),
        change_timeout: cloud.span("change_timeout", default.change_timeout, second),
        calls_per_second: cloud.number("calls_per_second", default.calls_per_second, 1, 1000),
    };
    let credentials = secrets::key(&mut cloud, environment, warnings);
    cloud.end();
    (credentials, endpoints)
}

fn endpoint(cloud: &mut Reader<'_>, name: &str, default: &str) -> String {
    let url = cloud.text(name, default);
    let url = url.trim_end_matches('/').to_owned();
    if !url.starts_with("https://") && !is_loopback(&url) {
        let what = "must start with https://: what is sent is signed, but not hidden, and holds \
                    passwords";
        cloud.fault(name, format!("is \"{url}\": {what}"));
    }
    url
}
