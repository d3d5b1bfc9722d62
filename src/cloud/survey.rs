//! What can be bought where, and with what: the look-ups of a wizard and of a check, put together.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! use farmscale::cloud::catalog::DiskSpec;
//! use farmscale::cloud::survey::Scope;
//!
//! let disk = DiskSpec { feature: "ssd".to_owned(), gib: 40 };
//! let scope = Scope { zones: Vec::new(), families: Vec::new(), disk };
//! for zone in client.survey(&scope, |asked| println!("{asked}")).await? {
//!     println!("{} sells {} sizes", zone.zone.code, zone.offers.len());
//! }
//! # Ok(())
//! # }
//! ```

use super::catalog::{DiskSpec, PriceRequest, Spec, Zone};
use super::client::Client;
use super::error::CallError;
use super::groups::SecurityGroup;
use super::images::Image;
use super::network::Subnet;
use super::offer::Offer;
use crate::model::{Billing, Price, Stock, Text};

/// What is looked at.
#[derive(Debug, Clone)]
pub struct Scope {
    /// `AvailableZoneCode`s; empty = every zone.
    pub zones: Vec<Text>,
    /// Families; empty = every family that has a GPU.
    pub families: Vec<Text>,
    /// The system disk machines are priced with.
    pub disk: DiskSpec,
}

/// One zone.
#[derive(Debug, Clone)]
pub struct ZoneSurvey {
    /// The zone.
    pub zone: Zone,
    /// What is offered on demand, in the order the API lists it.
    pub offers: Vec<Offered>,
    /// Images that are there.
    pub images: Vec<Image>,
    /// Subnets in the zone, with their free addresses where the API says.
    pub subnets: Vec<(Subnet, Option<u32>)>,
    /// Security groups of the region.
    pub groups: Vec<SecurityGroup>,
    /// GiB of cloud disk left.
    pub disk_free_gib: Option<u32>,
    /// Questions that brought no answer, with the error.
    pub faults: Vec<String>,
}

/// A size on offer in a zone.
#[derive(Debug, Clone)]
pub struct Offered {
    /// What.
    pub spec: Spec,
    /// Whether it is in stock; `None` if the API did not say.
    pub stock: Option<Stock>,
    /// The price with the disk asked about; `None` if the API did not say.
    pub price: Option<Price>,
}

impl Offered {
    /// What it is in `zone`.
    pub fn offer(&self, zone: &Text) -> Offer {
        let (zone, family) = (Text::clone(zone), Text::clone(&self.spec.family));
        Offer { zone, family, size: self.spec.size() }
    }
}

impl ZoneSurvey {
    /// Images a machine of this size can boot from: ready, and with the same GPU driver.
    pub fn images_for(&self, spec: &Spec) -> Vec<&Image> {
        let fits = |image: &&Image| image.is_ready() && image.driver == spec.driver;
        let mut images: Vec<&Image> = self.images.iter().filter(fits).collect();
        // The account's own first: a public image has no render worker.
        images.sort_by_key(|image| (!image.is_private, Text::clone(&image.name)));
        images
    }

    /// The image of this id or name.
    pub fn image(&self, id_or_name: &str) -> Option<&Image> {
        self.images.iter().find(|image| *image.id == *id_or_name || *image.name == *id_or_name)
    }

    /// The subnet with the most free addresses.
    pub fn best_subnet(&self) -> Option<&(Subnet, Option<u32>)> {
        self.subnets.iter().max_by_key(|(subnet, free)| (*free, std::cmp::Reverse(&subnet.id)))
    }
}

impl Client {
    /// Looks at every zone of the scope, one after the other; `progress` is told what is asked.
    /// A question without an answer is kept as a fault of its zone; only a list of zones that does
    /// not come is an error.
    pub async fn survey(
        &self,
        scope: &Scope,
        mut progress: impl FnMut(&str),
    ) -> Result<Vec<ZoneSurvey>, CallError> {
        progress("regions");
        let mut surveys = Vec::new();
        for zone in self.zones().await? {
            if scope.zones.is_empty() || scope.zones.contains(&zone.code) {
                surveys.push(self.survey_zone(scope, zone, &mut progress).await);
            }
        }
        Ok(surveys)
    }

    async fn survey_zone(
        &self,
        scope: &Scope,
        zone: Zone,
        progress: &mut impl FnMut(&str),
    ) -> ZoneSurvey {
        let mut faults = Vec::new();
        let code = Text::clone(&zone.code);
        progress(&format!("{code}: sizes, stock and prices"));
        let offers = self.offers(scope, &code, &mut faults).await;
        progress(&format!("{code}: images, network, disks"));
        let images = kept(self.images(&code).await, "images", &mut faults).unwrap_or_default();
        let all = kept(self.subnets(&zone.region).await, "subnets", &mut faults);
        let mut subnets = Vec::new();
        for subnet in all.unwrap_or_default().into_iter().filter(|subnet| subnet.zone == code) {
            let free = kept(self.free_ips(&subnet.id).await, "free addresses", &mut faults);
            subnets.push((subnet, free.flatten()));
        }
        let groups = self.security_groups(&zone.region).await;
        let groups = kept(groups, "security groups", &mut faults).unwrap_or_default();
        let quotas = kept(self.disk_quota(&code).await, "disk quota", &mut faults);
        let ssd = quotas.unwrap_or_default().into_iter().find(|quota| &*quota.feature == "ssd");
        let disk_free_gib = ssd.map(|quota| quota.free_gib);
        ZoneSurvey { zone, offers, images, subnets, groups, disk_free_gib, faults }
    }

    async fn offers(&self, scope: &Scope, zone: &Text, faults: &mut Vec<String>) -> Vec<Offered> {
        let specs = kept(self.specs(zone, Billing::OnDemand).await, "sizes", faults);
        let wanted = |spec: &Spec| match scope.families.as_slice() {
            [] => spec.gpus != 0,
            families => families.iter().any(|family| family.eq_ignore_ascii_case(&spec.family)),
        };
        let mut offers: Vec<Offered> = Vec::new();
        for spec in specs.unwrap_or_default().into_iter().filter(wanted) {
            offers.push(Offered { spec, stock: None, price: None });
        }
        let mut families: Vec<Text> =
            offers.iter().map(|one| Text::clone(&one.spec.family)).collect();
        families.dedup();
        for family in families {
            let what = format!("stock of {family}");
            let Some(stock) = kept(self.stock(zone, &family).await, &what, faults) else {
                continue;
            };
            for one in offers.iter_mut().filter(|one| one.spec.family == family) {
                let found = stock.iter().find(|(size, _)| *size == one.spec.size());
                one.stock = found.map(|(_, stock)| *stock);
            }
        }
        for one in &mut offers {
            let offer = one.offer(zone);
            let what = format!("price of {offer}");
            let request = PriceRequest::one(offer, Billing::OnDemand, scope.disk.clone());
            let answer = self.price(&request).await.and_then(|answer| answer.per_time());
            one.price = kept(answer, &what, faults);
        }
        offers
    }
}

/// The answer, or the reason why there is none.
fn kept<T>(answer: Result<T, CallError>, what: &str, faults: &mut Vec<String>) -> Option<T> {
    answer.map_err(|error| faults.push(format!("{what}: {error}"))).ok()
}
