//! Measurements of a machine: processor, memory, network, disks and GPUs over a while.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! use farmscale::cloud::monitor::{Indicator, Window};
//!
//! let wanted = [Indicator::GpuUsage, Indicator::GpuTemperature];
//! let seen = client.monitor("ins-0123456789abcdef", Window::Hours(2), &wanted).await?;
//! for series in seen.series {
//!     println!("{} in {}: {:?}", series.name, series.unit, series.points.last());
//! }
//! # Ok(())
//! # }
//! ```

use serde_json::Value;

use super::actions::ecs as action;
use super::client::Client;
use super::error::CallError;
use super::fields::{Fields, list, parse_utc, wall};
use super::given::Given;
use crate::model::{Span, Text, Time};

/// How far Beijing time is ahead.
const BEIJING: Span = Span::hours(8);

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Indicator {
    /// Of all processors, in percent.
    CpuUsage,
    /// In percent.
    MemoryUsage,
    /// Answered as `Load1M`, `Load5M` and `Load15M`.
    Load,
    /// Answered as `NetworkOutrate` and `NetworkInrate`.
    NetworkRate,
    /// In percent.
    DiskUsage,
    /// Answered as `DiskReadThroughput` and `DiskWriteThroughput`.
    DiskThroughput,
    /// Answered as `DiskReadIops` and `DiskWriteIops`.
    DiskIops,
    /// In percent.
    GpuUsage,
    /// In percent.
    GpuMemoryUsage,
    /// In degrees.
    GpuTemperature,
    /// The clock of the shaders.
    GpuClocksGraphics,
    /// The clock of the memory.
    GpuClocksMemory,
}

/// Which zone the times of measurements are in: the document's sample seems to have UTC, where all other
/// times of the API are Beijing's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Coordinated universal time.
    Utc,
    /// Eight hours ahead.
    Beijing,
}

/// Which while is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// `TimeInterval`: so many hours until now. The API's own default is one.
    Hours(u32),
    /// `StartTime` to `EndTime`, both written and read in this zone.
    Between {
        /// From.
        from: Time,
        /// Until; `None` = until now.
        until: Option<Time>,
        /// As [`Measurements::zone`] of a look at the last hour tells it.
        zone: Zone,
    },
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurements {
    /// Which zone the times were read in: of the last hours the one in which the newest point lies nearer
    /// to now. `None` = there is no point.
    pub zone: Option<Zone>,
    /// By name, and of several GPUs or disks by device.
    pub series: Vec<Series>,
}

/// One quantity of one device. No point is no word of zero: a machine without the vendor's agent has none.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// As answered, such as `NetworkInrate`.
    pub name: Text,
    /// What was asked for it; `None` for a name that is newer.
    pub indicator: Option<Indicator>,
    /// Of which GPU or disk, where the answer says.
    pub device: Option<Text>,
    /// `Unit`, in the vendor's words.
    pub unit: Text,
    /// Oldest first, as answered.
    pub points: Vec<Point>,
}

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When.
    pub at: Time,
    /// In the unit of its series.
    pub value: f64,
}

impl Indicator {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::CpuUsage,
        Self::MemoryUsage,
        Self::Load,
        Self::NetworkRate,
        Self::DiskUsage,
        Self::DiskThroughput,
        Self::DiskIops,
        Self::GpuUsage,
        Self::GpuMemoryUsage,
        Self::GpuTemperature,
        Self::GpuClocksGraphics,
        Self::GpuClocksMemory,
    ];

    /// As the API spells it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CpuUsage => "CpuUsage",
            Self::MemoryUsage => "MemoryUsage",
            Self::Load => "Load",
            Self::NetworkRate => "NetworkRate",
            Self::DiskUsage => "DiskUsage",
            Self::DiskThroughput => "DiskThroughput",
            Self::DiskIops => "DiskIops",
            Self::GpuUsage => "GpuUsage",
            Self::GpuMemoryUsage => "GpuMemoryUsage",
            Self::GpuTemperature => "GpuTemperature",
            Self::GpuClocksGraphics => "GpuClocksGraphics",
            Self::GpuClocksMemory => "GpuClocksMemory",
        }
    }

    /// What is answered under this name.
    pub fn of_answer(name: &str) -> Option<Self> {
        let (code, _) = action::ANSWERED.iter().find(|(_, names)| names.contains(&name))?;
        Self::ALL.into_iter().find(|one| one.code() == *code)
    }
}

impl Window {
    fn given(self) -> Given {
        let given = Given::default();
        match self {
            Self::Hours(hours) => given.with("TimeInterval", hours.to_string()),
            Self::Between { from, until, zone } => given
                .with("StartTime", wall(from + zone.ahead()))
                .maybe("EndTime", until.map(|until| wall(until + zone.ahead()))),
        }
    }
}

impl Zone {
    const fn ahead(self) -> Span {
        match self {
            Self::Utc => Span::ZERO,
            Self::Beijing => BEIJING,
        }
    }
}

impl Measurements {
    /// `Data` of `DescribeInstanceMonitor`, asked for at `now`.
    pub fn of(data: &Value, window: Window, now: Time) -> Self {
        let entries = data.as_object().into_iter().flatten();
        let mut series: Vec<Series> = entries
            .flat_map(|(name, value)| list(value).into_iter().map(|one| read(name, one)))
            .collect();
        let newest = series.iter().filter_map(|one| one.points.last()).map(|one| one.at).max();
        let zone = newest.map(|newest| match window {
            Window::Between { zone, .. } => zone,
            Window::Hours(_) => nearer(newest, now),
        });
        let ahead = zone.map_or(Span::ZERO, Zone::ahead);
        for point in series.iter_mut().flat_map(|one| &mut one.points) {
            point.at = point.at - ahead;
        }
        Self { zone, series }
    }

    /// The highest GPU use among the newest points of all GPUs, in percent, rounded up so that the least
    /// use is seen, and when it was measured; `None` = no point is as fresh as that.
    pub fn gpu_percent(&self, now: Time, fresh: Span) -> Option<(u32, Time)> {
        let gpus = self.series.iter().filter(|one| one.indicator == Some(Indicator::GpuUsage));
        let newest = gpus.filter_map(|one| one.points.last());
        let is_fresh = |point: &&Point| now.since(point.at).0.abs() <= fresh.0;
        let percent = |point: &Point| {
            let covers = |percent: &u32| point.value <= f64::from(*percent);
            ((0..100).find(covers).unwrap_or(100), point.at)
        };
        newest.filter(is_fresh).map(percent).max()
    }
}

/// Whichever lies nearer to now is meant.
fn nearer(written: Time, now: Time) -> Zone {
    let apart = |zone: Zone| now.since(written - zone.ahead()).0.abs();
    if apart(Zone::Beijing) < apart(Zone::Utc) { Zone::Beijing } else { Zone::Utc }
}

/// One series, its times as they are written.
fn read(name: &str, fields: Fields<'_>) -> Series {
    let all = |name: &str| fields.value(name).and_then(Value::as_array).into_iter().flatten();
    let point = |(time, value): (&Value, &Value)| {
        Some(Point { at: parse_utc(time.as_str()?)?, value: number(value)? })
    };
    Series {
        name: name.into(),
        indicator: Indicator::of_answer(name),
        device: fields.text("Device"),
        unit: fields.text("Unit").unwrap_or_else(|| "".into()),
        points: all("Time").zip(all("Value")).filter_map(point).collect(),
    }
}

/// A number, also as a text; nothing that is none.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().trim_end_matches('%').parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    number.filter(|number| number.is_finite())
}

impl Client {
    /// `DescribeInstanceMonitor`: these indicators, or all if none is named.
    pub async fn monitor(
        &self,
        id: &str,
        window: Window,
        indicators: &[Indicator],
    ) -> Result<Measurements, CallError> {
        let codes = indicators.iter().map(|one| one.code()).collect();
        let given = window.given().with("EcsId", id).list("Indicators", codes);
        let now = self.clock().now();
        let answer = self.send(&action::MONITOR, given).await?;
        Ok(Measurements::of(&answer.data, window, now))
    }

    /// The same for one question: how busy the machine's GPUs are now. See
    /// [`Measurements::gpu_percent`]; `None` = no data, which is not the same as no use.
    pub async fn gpu_percent(
        &self,
        id: &str,
        now: Time,
        fresh: Span,
    ) -> Result<Option<(u32, Time)>, CallError> {
        let seen = self.monitor(id, Window::Hours(1), &[Indicator::GpuUsage]).await?;
        Ok(seen.gpu_percent(now, fresh))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOON: Time = Time::from_seconds(1_800_014_400);

    #[test]
    fn every_indicator_of_the_table_is_one_here_and_answers_are_traced_to_it() {
        let codes: Vec<&str> = Indicator::ALL.iter().map(|one| one.code()).collect();
        let table: Vec<&str> = action::ANSWERED.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, table);
        assert_eq!(Indicator::of_answer("Load15M"), Some(Indicator::Load));
        assert_eq!(Indicator::of_answer("Noise"), None);
    }

    #[test]
    fn several_gpus_are_several_series_and_the_busiest_counts() {
        let gpu = |device: &str, values: Value| {
            json!({ "Unit": "%", "Device": device, "Time": ["2027-01-15 11:59:00",
                "2027-01-15  12:00:00"], "Value": values })
        };
        let data = json!({ "GpuUsage": [gpu("0", json!([90, 0.2])), gpu("1", json!(["1", "7.01"]))],
            "CpuUsage": gpu("", json!([null, 3])) });
        let seen = Measurements::of(&data, Window::Hours(1), NOON);
        assert_eq!(seen.zone, Some(Zone::Utc));
        let devices: Vec<Option<&str>> =
            seen.series.iter().map(|one| one.device.as_deref()).collect();
        assert_eq!(devices, [None, Some("0"), Some("1")]);
        assert_eq!(seen.series[0].points.len(), 1, "what was not measured is no point");
        assert_eq!(seen.gpu_percent(NOON, Span::minutes(10)), Some((8, NOON)), "rounded up");
        assert_eq!(seen.gpu_percent(NOON + Span::hours(2), Span::minutes(10)), None);
    }

    #[test]
    fn a_window_is_written_and_read_in_one_zone() {
        let (from, until) = (NOON - Span::days(2), Some(NOON - Span::days(1)));
        let zone = Zone::Beijing;
        let window = Window::Between { from, until, zone };
        let given = window.given().into_map();
        assert_eq!(given["StartTime"], "2027-01-13 20:00:00");
        assert_eq!(given["EndTime"], "2027-01-14 20:00:00");
        let data = json!({ "Load1M": { "Time": ["2027-01-13 20:05:00"], "Value": [0.5] } });
        let seen = Measurements::of(&data, window, NOON);
        assert_eq!(seen.series[0].points[0].at, from + Span::minutes(5));
        assert_eq!(Window::Hours(24).given().into_map()["TimeInterval"], "24", "a text");
    }
}
