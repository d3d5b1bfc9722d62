//! The back door for tests and demos: `/sim/…` shows the truth and turns the knobs.

use serde_json::{Value, json};

use super::Behind;
use super::answer::Failure;
use super::params::{Params, invalid};
use crate::model::Time;
use crate::sim::provider::{Charge, Instance, Size, SizeKey};

/// A request to the back door.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    /// What follows `/sim/`.
    pub(super) what: &'a str,
    pub(super) params: &'a Params,
}

/// Answers a request to the back door.
pub(super) fn answer(
    behind: &mut dyn Behind,
    now: Time,
    request: &Request<'_>,
) -> Result<Value, Failure> {
    let Request { method, what, params } = *request;
    match (method, what) {
        ("GET", "now") => Ok(json!({ "now_ms": now.0, "now": now.to_string() })),
        ("GET", "instances") => {
            let instances: Vec<_> = behind.provider(now).truth().map(instance_json).collect();
            Ok(json!({ "now_ms": now.0, "instances": instances }))
        }
        ("GET", "bill") => Ok(bill(behind, now)),
        ("POST", "stock") => set_stock(behind, now, params),
        ("POST", "usage") => set_usage(behind, params),
        _ => Err(Failure::new(404, "NotFound", "no such thing behind the back door")),
    }
}

fn instance_json(instance: &Instance) -> Value {
    let charge = match instance.charge() {
        Charge::Running => "running",
        Charge::Stopped => "stopped",
        Charge::Nothing => "nothing",
    };
    json!({
        "id": *instance.id, "name": *instance.name, "status": instance.state.code(),
        "since_ms": instance.since.0, "made_at_ms": instance.made_at.0,
        "running_since_ms": instance.running_since.map(|at| at.0), "charge": charge,
        "zone": *instance.offer.zone, "family": *instance.offer.family,
        "cpu": instance.offer.cpu, "ram": instance.offer.ram_gib, "gpu": instance.offer.gpus,
        "released_eip": instance.released_eip,
    })
}

fn bill(behind: &mut dyn Behind, now: Time) -> Value {
    let bill = behind.provider(now).bill(now);
    let lines: Vec<_> = bill
        .lines
        .iter()
        .map(|line| {
            json!({
                "instance": *line.instance, "name": *line.name,
                "running_seconds": line.running_seconds, "stopped_seconds": line.stopped_seconds,
                "running_day_micro_yuan": line.running_day.0,
                "stopped_day_micro_yuan": line.stopped_day.0,
                "cost_micro_yuan": line.cost().0, "open": line.open,
            })
        })
        .collect();
    json!({ "now_ms": now.0, "total_micro_yuan": bill.total().0, "lines": lines })
}

/// `{zone, family, cpu, ram, gpu, units}`; without `units` there is no limit.
fn set_stock(behind: &mut dyn Behind, now: Time, params: &Params) -> Result<Value, Failure> {
    let size = Size::new(
        params.required_number("cpu")?,
        params.required_number("ram")?,
        params.required_number("gpu")?,
    );
    let (zone, family) = (params.required("zone")?, params.required("family")?);
    let units = params.number("units")?;
    let provider = behind.provider(now);
    let key = SizeKey { zone: zone.as_str().into(), family: family.as_str().into(), size };
    if !provider.catalog().sizes.contains_key(&key) {
        return Err(invalid("zone, family or size"));
    }
    provider.set_stock(now, &zone, &family, size, units);
    Ok(json!({ "units": units }))
}

/// `{instance, percent}`.
fn set_usage(behind: &mut dyn Behind, params: &Params) -> Result<Value, Failure> {
    let (instance, percent) = (params.required("instance")?, params.required_number("percent")?);
    if behind.set_gpu_percent(&instance, percent) {
        Ok(json!({ "percent": percent }))
    } else {
        Err(Failure::new(403, "Refused", "GPU use is simulated here and cannot be set"))
    }
}
