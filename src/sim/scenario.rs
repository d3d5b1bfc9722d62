//! A simulated cloud described in TOML: how it behaves, what it sells, how it answers.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::http::{Answers, Mischief};
use super::provider::{
    Between, Catalog, Dials, Provider, Size, SizeKey, SizeSpec, StockChange, ZoneSpec,
};
use crate::model::{Billing, Money, Span, Text, Time};

/// The scenarios that come with the program: name and text.
pub const BUNDLED: &[(&str, &str)] = &[
    ("nasty", include_str!("../../config/scenarios/nasty.toml")),
    ("kind", include_str!("../../config/scenarios/kind.toml")),
    ("sold-out-by-event", include_str!("../../config/scenarios/sold-out-by-event.toml")),
    ("throttled", include_str!("../../config/scenarios/throttled.toml")),
    ("part-fail", include_str!("../../config/scenarios/part-fail.toml")),
    ("silent-bill", include_str!("../../config/scenarios/silent-bill.toml")),
    ("beijing-monitor", include_str!("../../config/scenarios/beijing-monitor.toml")),
    ("hung-events", include_str!("../../config/scenarios/hung-events.toml")),
    ("other-envelopes", include_str!("../../config/scenarios/other-envelopes.toml")),
];

/// A scenario, as the file says it. What is not said is as in the base.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// In one line, for people.
    pub about: String,
    /// `nasty` or `kind`.
    #[serde(default)]
    base: Base,
    /// Dials by name: whole numbers, or pairs of seconds.
    #[serde(default)]
    dials: BTreeMap<String, Dial>,
    /// What goes wrong on the way: `*_ppm` and `calls_per_second`.
    #[serde(default)]
    mischief: BTreeMap<String, u32>,
    #[serde(default)]
    account: Account,
    /// How it answers where the documents do not say.
    #[serde(default)]
    answers: Answers,
    #[serde(default)]
    zones: Vec<Zone>,
    #[serde(default)]
    sizes: Vec<Sold>,
    #[serde(default)]
    stock: Vec<Change>,
    #[serde(default)]
    instances: Vec<Present>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Base {
    #[default]
    Nasty,
    Kind,
}

/// A dial's value.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Dial {
    Pair([i64; 2]),
    Flag(bool),
    Whole(i64),
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Account {
    quota: Option<u32>,
    balance_yuan: Option<i64>,
    free_stop: Option<bool>,
    disk_quota_gib: Option<u32>,
    subnet_ips: Option<u32>,
}

/// A zone more.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Zone {
    code: String,
    name: String,
    region: String,
    /// Fen for a GiB of cloud disk and a day.
    disk_fen: i64,
}

/// A size more, or another price and stock for one there is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sold {
    zone: String,
    family: String,
    cpu: u32,
    ram: u32,
    #[serde(default)]
    gpus: u32,
    /// Fen for a day without the disk.
    day_fen: i64,
    /// Unless said as many as one likes.
    stock: Option<u32>,
}

/// A change of stock.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// Seconds after the start.
    after_s: i64,
    zone: String,
    family: String,
    cpu: u32,
    ram: u32,
    #[serde(default)]
    gpus: u32,
    /// Unless said as many as one likes.
    units: Option<u32>,
}

/// Machines that are there from the start.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Present {
    prefix: String,
    count: u32,
}

impl Scenario {
    /// The bundled scenario of this name, or the text of a file.
    ///
    /// # Errors
    /// Names line, column, key and remedy.
    pub fn parse(text: &str) -> Result<Self, String> {
        let scenario: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        scenario.dials()?;
        scenario.mischief()?;
        scenario.catalog(Time::default())?;
        Ok(scenario)
    }

    /// What goes wrong on the way.
    pub fn mischief(&self) -> Result<Mischief, String> {
        let mut mischief = match self.base {
            Base::Nasty => Mischief::default(),
            Base::Kind => Mischief::none(),
        };
        for (name, value) in &self.mischief {
            let place = match name.as_str() {
                "request_lost_ppm" => &mut mischief.request_lost_ppm,
                "answer_lost_ppm" => &mut mischief.answer_lost_ppm,
                "error_after_ppm" => &mut mischief.error_after_ppm,
                "garbage_ppm" => &mut mischief.garbage_ppm,
                "throttled_ppm" => &mut mischief.throttled_ppm,
                "doubled_ppm" => &mut mischief.doubled_ppm,
                "late_ppm" => &mut mischief.late_ppm,
                "calls_per_second" => &mut mischief.calls_per_second,
                _ => {
                    return Err(format!(
                        "[mischief] has no `{name}`; it has request_lost_ppm, answer_lost_ppm, \
                         error_after_ppm, garbage_ppm, throttled_ppm, doubled_ppm, late_ppm, \
                         calls_per_second"
                    ));
                }
            };
            *place = *value;
        }
        Ok(mischief)
    }

    /// How it answers where the documents do not say.
    pub fn answers(&self) -> Answers {
        self.answers.clone()
    }

    /// The cloud, with everything in it that is there at `start`.
    pub fn provider(&self, start: Time, seed: u64) -> Result<Provider, String> {
        let catalog = self.catalog(start)?;
        let mut provider = Provider::new(catalog, self.dials()?, seed);
        for present in &self.instances {
            let key = provider.catalog().sizes.keys().next().cloned();
            let Some(key) = key else { return Err("nothing is sold".to_owned()) };
            provider.stock_up(&key);
            let offer = key.offer(Billing::OnDemand);
            for number in 1..=present.count {
                let name = format!("{}{number}", present.prefix);
                let request = provider.catalog().request(&name, &offer);
                provider.create(start, &request).map_err(|fault| fault.message)?;
            }
        }
        Ok(provider)
    }

    fn dials(&self) -> Result<Dials, String> {
        let mut dials = match self.base {
            Base::Nasty => Dials::nasty(),
            Base::Kind => Dials::kind(),
        };
        for (name, value) in &self.dials {
            set(&mut dials, name, *value)?;
        }
        Ok(dials)
    }

    fn catalog(&self, start: Time) -> Result<Catalog, String> {
        let mut catalog = Catalog::standard();
        let Account { quota, balance_yuan, free_stop, disk_quota_gib, subnet_ips } = &self.account;
        catalog.quota = quota.unwrap_or(catalog.quota);
        catalog.balance = balance_yuan.map(Money::yuan).or(catalog.balance);
        catalog.free_stop = free_stop.unwrap_or(catalog.free_stop);
        catalog.disk_quota_gib = disk_quota_gib.unwrap_or(catalog.disk_quota_gib);
        catalog.subnet_ips = subnet_ips.unwrap_or(catalog.subnet_ips);
        for zone in &self.zones {
            let number = catalog.zones.len() + 1;
            let Zone { code, name, region, disk_fen } = zone;
            let names = [code, name, region].map(|text| Text::from(text.as_str()));
            catalog.zones.push(ZoneSpec::numbered(names, number, Money(disk_fen * 10_000)));
        }
        for sold in &self.sizes {
            let size = Size::new(sold.cpu, sold.ram, sold.gpus);
            let key = key(&catalog, &sold.zone, &sold.family, size)?;
            let machine_day = Money(sold.day_fen * 10_000);
            catalog.sizes.insert(key, SizeSpec { machine_day, stock: sold.stock });
        }
        for change in &self.stock {
            let size = Size::new(change.cpu, change.ram, change.gpus);
            let what = key(&catalog, &change.zone, &change.family, size)?;
            let at = start + Span::seconds(change.after_s);
            catalog.script.push(StockChange { at, what, units: change.units });
        }
        Ok(catalog)
    }
}

fn key(catalog: &Catalog, zone: &str, family: &str, size: Size) -> Result<SizeKey, String> {
    if catalog.zone(zone).is_none() {
        let known: Vec<_> = catalog.zones.iter().map(|zone| &*zone.code).collect();
        return Err(format!("there is no zone `{zone}`; there are {}", known.join(", ")));
    }
    let known = catalog.family(family).ok_or_else(|| {
        let known: Vec<_> = catalog.families.iter().map(|family| &*family.name).collect();
        format!("there is no family `{family}`; there are {}", known.join(", "))
    })?;
    Ok(SizeKey { zone: zone.into(), family: Text::clone(&known.name), size })
}

/// Sets one dial.
fn set(dials: &mut Dials, name: &str, value: Dial) -> Result<(), String> {
    let between = match name {
        "create" => Some(&mut dials.create),
        "start" => Some(&mut dials.start),
        "stop" => Some(&mut dials.stop),
        "delete" => Some(&mut dials.delete),
        "restart" => Some(&mut dials.restart),
        "lag" => Some(&mut dials.lag),
        "event_delay" => Some(&mut dials.event_delay),
        "hang" => Some(&mut dials.hang),
        "reclaim_after" => Some(&mut dials.reclaim_after),
        _ => None,
    };
    if let Some(between) = between {
        *between = match value {
            Dial::Pair([min, max]) if 0 <= min && min <= max => Between::seconds(min, max),
            Dial::Whole(seconds) if 0 <= seconds => Between::exactly(seconds),
            Dial::Pair(_) | Dial::Whole(_) | Dial::Flag(_) => {
                return Err(format!(
                    "dials.{name} must be seconds, or a pair of them, the smaller first"
                ));
            }
        };
        return Ok(());
    }
    if name == "sold_out_by_event" {
        let Dial::Flag(flag) = value else {
            return Err(format!("dials.{name} must be true or false"));
        };
        dials.sold_out_by_event = flag;
        return Ok(());
    }
    let rate = match name {
        "event_lost_ppm" => &mut dials.event_lost_ppm,
        "create_fails_ppm" => &mut dials.create_fails_ppm,
        "create_hangs_ppm" => &mut dials.create_hangs_ppm,
        "change_fails_ppm" => &mut dials.change_fails_ppm,
        "reclaim_ppm" => &mut dials.reclaim_ppm,
        "row_missing_ppm" => &mut dials.row_missing_ppm,
        "taken_by_others_ppm" => &mut dials.taken_by_others_ppm,
        _ => {
            return Err(format!(
                "[dials] has no `{name}`; it has create, start, stop, delete, restart, lag, \
                 event_delay, hang, reclaim_after (seconds, or a pair of them), \
                 sold_out_by_event, and event_lost_ppm, create_fails_ppm, create_hangs_ppm, \
                 change_fails_ppm, reclaim_ppm, row_missing_ppm, taken_by_others_ppm"
            ));
        }
    };
    match value {
        Dial::Whole(ppm) if (0..=1_000_000).contains(&ppm) => {
            *rate = u32::try_from(ppm).unwrap_or(0);
            Ok(())
        }
        Dial::Whole(_) | Dial::Pair(_) | Dial::Flag(_) => {
            Err(format!("dials.{name} must be a whole number from 0 to 1000000"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundled_scenario_reads_and_says_what_it_is_for() {
        for (name, text) in BUNDLED {
            let scenario = Scenario::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!scenario.about.is_empty(), "{name}");
            assert!(scenario.provider(Time::from_seconds(1_800_000_000), 1).is_ok(), "{name}");
        }
    }

    #[test]
    fn the_two_bases_are_what_the_code_calls_so() {
        let of = |name: &str| BUNDLED.iter().find(|(known, _)| *known == name).unwrap().1;
        let (nasty, kind) = (Scenario::parse(of("nasty")), Scenario::parse(of("kind")));
        assert_eq!(nasty.as_ref().unwrap().dials().unwrap(), Dials::nasty());
        assert_eq!(nasty.unwrap().mischief().unwrap(), Mischief::default());
        assert_eq!(kind.unwrap().dials().unwrap(), Dials::kind());
    }

    #[test]
    fn a_wrong_name_or_value_is_told_with_the_remedy() {
        let fault = |text: &str| Scenario::parse(text).unwrap_err();
        assert!(fault("about = 1").contains("line 1"));
        assert!(fault("about = \"x\"\ncolour = 1").contains("unknown field `colour`"));
        assert!(fault("about = \"x\"\n[dials]\nspeed = 1").contains("it has create, start"));
        assert!(fault("about = \"x\"\n[dials]\ncreate = [9, 1]").contains("the smaller first"));
        let text = "about = \"x\"\n[[stock]]\nafter_s = 1\nzone = \"CN_X\"\nfamily = \"f\"\n\
                    cpu = 1\nram = 1";
        assert!(fault(text).contains("there is no zone `CN_X`; there are CN_Suqian_B"));
    }
}
