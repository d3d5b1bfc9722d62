//! Measurements: all indicators of the document, made up from how busy the GPUs are.

use serde_json::{Map, Value, json};

use super::Behind;
use super::answer::{Answer, Failure, utc_time, vendor_time};
use super::answers::{MonitorZone, Shape};
use super::params::{Params, invalid};
use crate::cloud::actions::ecs::ANSWERED;
use crate::cloud::fields::parse_utc;
use crate::model::{Span, Time};
use crate::sim::provider::Fault;

/// One measurement a minute…
const SAMPLE: Span = Span::minutes(1);
/// …and fewer of a time so long that there would be more than these.
const SAMPLES_MAX: i64 = 1440;
/// How far the vendor's wall clock is ahead.
const VENDOR_ZONE: Span = Span::hours(8);

/// From when until when is asked about.
struct Window {
    from: Time,
    until: Time,
}

/// One that does not run has no measurements.
pub(super) fn answer(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let id = params.required("EcsId")?;
    let asked = params.texts("Indicators")?;
    let zone = behind.answers().monitor_zone;
    let window = window(params, zone, now)?;
    let instance = behind.provider(now).instance(&id).ok_or_else(|| Fault::no_instance(&id))?;
    let (gpus, since) = (instance.offer.gpus, instance.running_since);
    let (percent, shape) = (behind.gpu_percent(&id), behind.answers().monitor);
    let times = since.map_or_else(Vec::new, |since| times(since.max(window.from), window.until));
    let shown = if zone == MonitorZone::Utc { utc_time } else { vendor_time };
    let words: Vec<_> = times.iter().map(|at| shown(*at)).collect();
    let series = |unit: &str, value: u32, device: Value| {
        let values = vec![f64::from(value); words.len()];
        json!({ "Unit": unit, "Device": device, "Time": words, "Value": values })
    };
    let mut data = Map::new();
    for (indicator, names) in ANSWERED {
        let named = |asked: &Vec<String>| asked.iter().any(|one| one == indicator);
        let is_asked = asked.as_ref().is_none_or(|asked| asked.is_empty() || named(asked));
        let Some(percent) = percent.filter(|_| is_asked) else { continue };
        for name in *names {
            let (unit, value) = measured(name, percent);
            let is_per_gpu = name.starts_with("Gpu") && (1 < gpus || shape == Shape::List);
            let value = if is_per_gpu {
                (0..gpus).map(|gpu| series(unit, value, json!(gpu.to_string()))).collect()
            } else {
                series(unit, value, Value::Null)
            };
            data.insert((*name).to_owned(), value);
        }
    }
    Ok(Answer::new("获取云服务器监控信息成功！", Value::Object(data)))
}

/// The unit of a series, and its value on a machine whose GPUs are so busy.
fn measured(name: &str, percent: u32) -> (&'static str, u32) {
    match name {
        "GpuUsage" => ("%", percent),
        "GpuTemperature" => ("℃", 35 + percent / 2),
        "GpuClocksGraphics" => ("MHz", 210 + 15 * percent),
        "GpuClocksMemory" => ("MHz", 405 + 70 * percent),
        "Load1M" | "Load5M" | "Load15M" => ("", percent / 10),
        "NetworkOutrate" | "NetworkInrate" => ("Mbps", percent),
        "DiskReadThroughput" | "DiskWriteThroughput" => ("MB/s", percent),
        "DiskReadIops" | "DiskWriteIops" => ("次/s", 10 * percent),
        _ => ("%", percent / 2),
    }
}

/// `TimeInterval` hours until now, or from `StartTime` to `EndTime`.
fn window(params: &Params, zone: MonitorZone, now: Time) -> Result<Window, Failure> {
    let hours = i64::from(params.number("TimeInterval")?.unwrap_or(1));
    let moment = |name: &str| -> Result<Option<Time>, Failure> {
        let Some(text) = params.text(name) else { return Ok(None) };
        let written = parse_utc(&text).ok_or_else(|| invalid(name))?;
        let ahead = if zone == MonitorZone::Utc { Span::ZERO } else { VENDOR_ZONE };
        Ok(Some(written - ahead))
    };
    let until = moment("EndTime")?.unwrap_or(now).min(now);
    let from = moment("StartTime")?.unwrap_or(until - Span::hours(hours));
    Ok(Window { from, until })
}

/// One a minute or rarer, the newest at the end, oldest first; they reach back to the beginning.
fn times(from: Time, until: Time) -> Vec<Time> {
    if until < from {
        return Vec::new();
    }
    let minutes = until.since(from).0 / SAMPLE.0;
    let step = SAMPLE.times(minutes / SAMPLES_MAX + 1);
    let count = until.since(from).0 / step.0;
    (0..=count).rev().map(|back| until - step.times(back)).collect()
}
