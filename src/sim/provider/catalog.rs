//! What the simulated cloud sells, where, at what price, and how much of it there is.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::request::{CreateRequest, Details};
pub use crate::model::Size;
use crate::model::{Billing, Money, OfferKey, Price, Span, Text, Time};

/// Disks come in steps of this many GiB.
const DISK_STEP_GIB: u32 = 8;
/// The smallest system disk in GiB.
const DISK_MIN_GIB: u32 = 24;

/// Everything on sale.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// The zones.
    pub zones: Vec<ZoneSpec>,
    /// The kinds of machine.
    pub families: Vec<FamilySpec>,
    /// What is sold in which zone.
    pub sizes: BTreeMap<SizeKey, SizeSpec>,
    /// Images, the same in every zone.
    pub images: Vec<ImageSpec>,
    /// Changes of stock that will happen by themselves.
    pub script: Vec<StockChange>,
    /// Whether the account may stop machines without charge (a whitelist at the vendor).
    pub free_stop: bool,
    /// Running time is charged in whole units of this.
    pub billing_unit: Span,
    /// Most machines the account may have.
    pub quota: u32,
    /// GiB of cloud disk a zone allows.
    pub disk_quota_gib: u32,
    /// Addresses of a zone's subnet.
    pub subnet_ips: u32,
    /// The money in the account; creates and starts are refused once the bill has reached it.
    pub balance: Option<Money>,
}

/// A zone.
#[derive(Debug, Clone)]
pub struct ZoneSpec {
    /// `AvailableZoneCode`.
    pub code: Text,
    /// `AzName`.
    pub name: Text,
    /// `AzId`: what listings show instead of the code.
    pub id: Text,
    /// `RegionCode`; cannot be derived from the zone's code.
    pub region: Text,
    /// `RegionName`.
    pub region_name: Text,
    /// `RegionId`.
    pub region_id: Text,
    /// The account's private network here.
    pub vpc: Text,
    /// Its subnet.
    pub subnet: Text,
    /// A GiB of cloud disk for a day.
    pub disk_gib_day: Money,
}

/// A kind of machine.
#[derive(Debug, Clone)]
pub struct FamilySpec {
    /// `EcsFamilyName`.
    pub name: Text,
    /// `GpuShowType`.
    pub gpu_name: Text,
    /// `GpuTypeId`.
    pub gpu_type_id: Text,
    /// `SupportGpuDriver`: `Geforce` or `Datacenter`.
    pub driver: Text,
    /// Memory of one GPU in GiB.
    pub gpu_memory_gib: u32,
    /// `CpuName`.
    pub cpu_name: Text,
}

/// A size of a family in a zone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SizeKey {
    /// `AvailableZoneCode`.
    pub zone: Text,
    /// `EcsFamilyName`.
    pub family: Text,
    /// Size.
    pub size: Size,
}

/// What a size costs and how many there are.
#[derive(Debug, Clone)]
pub struct SizeSpec {
    /// The machine without its disk, for a day on demand.
    pub machine_day: Money,
    /// How many can be had; `None` = as many as one likes.
    pub stock: Option<u32>,
}

/// An image.
#[derive(Debug, Clone)]
pub struct ImageSpec {
    /// `ImageId`.
    pub id: Text,
    /// `ImageName`, also accepted as an id.
    pub name: Text,
    /// `SupportGpuDriver`.
    pub driver: Text,
    /// `OsSize` in GB.
    pub os_gib: u32,
    /// `public` or `private`.
    pub template: Text,
    /// Since when it can be used in which zone; `None` = everywhere, always.
    pub zones: Option<BTreeMap<Text, Time>>,
    /// `IsOptimized`.
    pub is_optimized: bool,
    /// `CreateTime`; `None` = before everything else.
    pub created_at: Option<Time>,
}

/// A change of stock at a moment.
#[derive(Debug, Clone)]
pub struct StockChange {
    /// When.
    pub at: Time,
    /// What.
    pub what: SizeKey,
    /// How many are left from then on; `None` = as many as one likes.
    pub units: Option<u32>,
}

impl ZoneSpec {
    /// A zone of this code, name and region, with ids and a network made up from a number.
    pub fn numbered([code, name, region]: [Text; 3], number: usize, disk_gib_day: Money) -> Self {
        let id = |prefix: &str| Text::from(format!("{prefix}-0000000000{number:02}"));
        Self {
            id: id("e5aa47be-da46-11ec-bad2"),
            region_id: id("cdc9be22-a6f8-11eb-be28"),
            vpc: id("7ab97a9a-8c0f-11ec-9b99"),
            subnet: id("2cee7596-bbbb-11ec-a287"),
            region_name: Text::clone(&region),
            code,
            name,
            region,
            disk_gib_day,
        }
    }
}

impl From<&OfferKey> for SizeKey {
    fn from(offer: &OfferKey) -> Self {
        let (zone, family) = (Text::clone(&offer.zone), Text::clone(&offer.family));
        Self { zone, family, size: offer.size() }
    }
}

impl SizeKey {
    /// The offer on these terms.
    pub fn offer(&self, billing: Billing) -> OfferKey {
        OfferKey {
            zone: Text::clone(&self.zone),
            family: Text::clone(&self.family),
            cpu: self.size.cpu,
            ram_gib: self.size.ram_gib,
            gpus: self.size.gpus,
            billing,
        }
    }
}

impl Catalog {
    /// Three zones, three families, prices of the order the vendor asks: ¥5 to ¥12 an hour for
    /// one GPU, and a stopped machine's 40 GiB disk at about 8 % of that.
    pub fn standard() -> Self {
        let mut catalog = Self {
            zones: zones(),
            families: families(),
            sizes: BTreeMap::new(),
            images: images(),
            script: Vec::new(),
            free_stop: true,
            billing_unit: Span::seconds(1),
            quota: 500,
            disk_quota_gib: 40_960,
            subnet_ips: 1_000,
            balance: None,
        };
        for (zone, prices) in [
            ("CN_Suqian_B", [16_100, 31_200, 12_800, 23_600]),
            ("CN_Hohhot_B", [13_800, 26_800, 12_000, 0]),
            ("CN_Qingyang_A", [12_880, 25_040, 0, 21_400]),
        ] {
            let stock = [Some(48), Some(12), Some(20), Some(16)];
            for ((family, size), (fen, stock)) in STANDARD.iter().zip(prices.into_iter().zip(stock))
            {
                if fen != 0 {
                    let key = SizeKey { zone: zone.into(), family: (*family).into(), size: *size };
                    let machine_day = Money(fen * 10_000);
                    catalog.sizes.insert(key, SizeSpec { machine_day, stock });
                }
            }
        }
        catalog
    }

    /// The zone with this code.
    pub fn zone(&self, code: &str) -> Option<&ZoneSpec> {
        self.zones.iter().find(|zone| &*zone.code == code)
    }

    /// The family of this name; the vendor spells the first letters now big, now small.
    pub fn family(&self, name: &str) -> Option<&FamilySpec> {
        self.families.iter().find(|family| family.name.eq_ignore_ascii_case(name))
    }

    /// The price of a running machine with its disk, as quoted: for a day.
    pub fn running_day(&self, offer: &OfferKey, disk_gib: u32) -> Option<Money> {
        let machine = self.sizes.get(&offer.into())?.machine_day;
        Some(machine + self.disk_day(&offer.zone, disk_gib)?)
    }

    /// The price of a cloud disk for a day: linear in its size.
    pub fn disk_day(&self, zone: &str, gib: u32) -> Option<Money> {
        Some(Money(self.zone(zone)?.disk_gib_day.0.saturating_mul(i64::from(gib))))
    }

    /// A request that will pass: an image with the right driver, the zone's network, 40 GiB.
    pub fn request(&self, name: &str, offer: &OfferKey) -> CreateRequest {
        let driver = self.family(&offer.family).map(|family| &family.driver);
        let image = self.images.iter().find(|image| Some(&image.driver) == driver);
        let zone = self.zone(&offer.zone);
        let none = || Text::from("");
        CreateRequest {
            name: name.into(),
            offer: offer.clone(),
            number: 1,
            start_number: None,
            image: image.map_or_else(none, |image| Text::clone(&image.id)),
            vpc: zone.map_or_else(none, |zone| Text::clone(&zone.vpc)),
            subnet: zone.map_or_else(none, |zone| Text::clone(&zone.subnet)),
            disk_feature: "ssd".into(),
            disk_gib: 40,
            data_disks: Vec::new(),
            pubnets: Vec::new(),
            addresses: Vec::new(),
            groups: Vec::new(),
            details: Details::default(),
            months: None,
            bid: None,
        }
    }

    /// Whether the request could be carried out if there were stock, room and money.
    pub(super) fn check(&self, request: &CreateRequest, now: Time) -> Result<(), Fault> {
        let offer = &request.offer;
        let zone = self.zone(&offer.zone).ok_or_else(Fault::no_zone)?;
        let family = self.family(&offer.family).ok_or_else(Fault::no_family)?;
        let sells = |key: &&SizeKey| key.zone == offer.zone && key.family == offer.family;
        if self.sizes.keys().find(sells).is_none() {
            return Err(Fault::no_family());
        }
        if !self.sizes.contains_key(&offer.into()) {
            return Err(Fault::no_size());
        }
        let named = |image: &&ImageSpec| image.id == request.image || image.name == request.image;
        let here = |image: &&ImageSpec| named(image) && image.is_in(&zone.code, now);
        let image = self.images.iter().find(here).ok_or_else(Fault::no_image)?;
        if image.driver != family.driver {
            return Err(Fault::driver_mismatch());
        }
        if zone.vpc != request.vpc {
            return Err(Fault::no_vpc());
        }
        if zone.subnet != request.subnet {
            return Err(Fault::parameter("SubnetInfo.SubnetId"));
        }
        check_disk(request, image)?;
        if !(1..=100).contains(&request.number) {
            return Err(Fault::parameter("Number"));
        }
        Ok(())
    }
}

/// The step of 8 GiB is a rule of cloud disks; local ones come in any size.
fn check_disk(request: &CreateRequest, image: &ImageSpec) -> Result<(), Fault> {
    let is_cloud = match &*request.disk_feature {
        "ssd" => true,
        "local" => false,
        _ => return Err(Fault::parameter("SystemDisk.DiskFeature")),
    };
    if request.disk_gib < image.os_gib.max(DISK_MIN_GIB) {
        return Err(Fault::disk_too_small());
    }
    let in_steps = request.disk_gib.is_multiple_of(DISK_STEP_GIB) || !is_cloud;
    if in_steps { Ok(()) } else { Err(Fault::disk_size()) }
}

/// A quote for a day.
pub(super) fn daily(amount: Money) -> Price {
    Price { amount, per: Span::days(1) }
}

/// Family and size in the order of the price table of [`Catalog::standard`].
const STANDARD: [(&str, Size); 4] = [
    ("专业渲染型rp3", Size::new(16, 32, 1)),
    ("专业渲染型rp3", Size::new(32, 64, 2)),
    ("极速渲染型re3", Size::new(12, 24, 1)),
    ("推理型智算云主机igch.c8.nr4", Size::new(16, 64, 1)),
];

fn zones() -> Vec<ZoneSpec> {
    let zone = |code: &str, name: &str, region: (&str, &str), number: usize, disk: i64| {
        let spec = ZoneSpec::numbered([code, name, region.0].map(Text::from), number, Money(disk));
        ZoneSpec { region_name: region.1.into(), ..spec }
    };
    vec![
        zone("CN_Suqian_B", "宿迁B", ("CN_Suqian", "宿迁"), 1, 350_000),
        zone("CN_Hohhot_B", "呼和浩特B", ("CN_Huhhot", "呼和浩特"), 2, 300_000),
        zone("CN_Qingyang_A", "庆阳A", ("CN_Qingyang", "庆阳"), 3, 280_000),
    ]
}

fn families() -> Vec<FamilySpec> {
    let family = |name: &str, gpu: &str, type_id: &str, driver: &str, cpu: &str| FamilySpec {
        name: name.into(),
        gpu_name: gpu.into(),
        gpu_type_id: type_id.into(),
        driver: driver.into(),
        gpu_memory_gib: 24,
        cpu_name: cpu.into(),
    };
    let ids = ["6d103608-79ba-11ec-b4f5-0456e530f43e", "3f2a80de-79ba-11ec-b4f5-0456e530f43e"];
    let other = "9ab1c7f0-31c4-11ee-8f4e-0456e530f43e";
    vec![
        family("专业渲染型rp3", "NVIDIA RTX A5000", ids[0], "Datacenter", "Intel第八代处理器"),
        family("极速渲染型re3", "NVIDIA RTX 3090", ids[1], "Geforce", "Intel第八代处理器"),
        family(
            "推理型智算云主机igch.c8.nr4",
            "NVIDIA RTX 4090",
            other,
            "Geforce",
            "Intel第四代至强",
        ),
    ]
}

fn images() -> Vec<ImageSpec> {
    let image = |id: &str, name: &str, driver: &str, template: &str| ImageSpec {
        id: id.into(),
        name: name.into(),
        driver: driver.into(),
        os_gib: 24,
        template: template.into(),
        zones: None,
        is_optimized: true,
        created_at: None,
    };
    vec![
        image("img-render5000datace", "render-worker-Datacenter", "Datacenter", "private"),
        image("img-render3090geforc", "render-worker-Geforce", "Geforce", "private"),
        image("667a49df-20ff-4569-9cdc-35180b28d16f", "Ubuntu 20.04 64位", "Datacenter", "public"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_render_machine_costs_about_a_twelfth_of_a_running_one() {
        let catalog = Catalog::standard();
        for zone in &catalog.zones {
            let size = Size::new(16, 32, 1);
            let key =
                SizeKey {
                    zone: Text::clone(&zone.code), family: "专业渲染型rp3".into(), size
                };
            let running = catalog.running_day(&key.offer(Billing::OnDemand), 40).unwrap();
            let stopped = catalog.disk_day(&zone.code, 40).unwrap();
            let permille = stopped.0 * 1000 / running.0;
            assert!((78..=82).contains(&permille), "{}: {permille}", zone.code);
        }
    }

    #[test]
    fn one_gpu_costs_from_five_to_twelve_yuan_an_hour() {
        let catalog = Catalog::standard();
        for key in catalog.sizes.keys() {
            let offer = key.offer(Billing::OnDemand);
            let hourly = daily(catalog.running_day(&offer, 40).unwrap()).per_hour();
            let each = Money(hourly.0 / i64::from(offer.gpus));
            assert!((Money::yuan(5)..=Money::yuan(12)).contains(&each), "{offer}: {each}");
        }
    }

    #[test]
    fn twice_the_disk_costs_the_disk_more() {
        let catalog = Catalog::standard();
        let key = catalog.sizes.keys().next().unwrap();
        let offer = key.offer(Billing::OnDemand);
        let price = |gib| catalog.running_day(&offer, gib).unwrap();
        assert_eq!(price(80) - price(40), catalog.disk_day(&key.zone, 40).unwrap());
    }

    #[test]
    fn a_request_is_refused_for_its_first_wrong_part() {
        let catalog = Catalog::standard();
        let offer = catalog.sizes.keys().next().unwrap().offer(Billing::OnDemand);
        let good = catalog.request("farm-1", &offer);
        assert_eq!(catalog.check(&good, Time::default()), Ok(()));
        let code = |change: &dyn Fn(&mut CreateRequest)| {
            let mut request = good.clone();
            change(&mut request);
            catalog.check(&request, Time::default()).unwrap_err().code
        };
        assert_eq!(code(&|r| r.offer.zone = "CN_X".into()), "InvalidAvailableZone.NotFound");
        assert_eq!(
            code(&|r| r.offer.family = "rp9".into()),
            "InvalidInstanceType.ValueNotSupported"
        );
        assert_eq!(code(&|r| r.offer.cpu = 17), "InvalidInstanceSpec.ValueNotSupported");
        assert_eq!(code(&|r| r.image = "img-x".into()), "InvalidImage.NotFound");
        assert_eq!(code(&|r| r.vpc = "x".into()), "InvalidVpc.NotFound");
        assert_eq!(code(&|r| r.disk_gib = 42), "InvalidDiskSize.ValueNotSupported");
        assert_eq!(code(&|r| r.number = 101), "InvalidParameter");
        let other = catalog.images.iter().find(|image| &*image.driver == "Geforce").unwrap();
        let other = Text::clone(&other.id);
        assert_eq!(code(&|r| r.image = Text::clone(&other)), "InvalidParameter");
    }
}
