//! How a pool buys: what the client is told besides the offer.

use secrecy::SecretString;

use crate::cloud::catalog::DiskSpec;
use crate::cloud::instances::{More, NewInstances, Terms};
use crate::cloud::{Credentials, Endpoints, Offer};
use crate::model::{Billing, Money, OfferKey, Text};

/// How a pool's machines of one family are bought in one zone: everything `CreateInstance` needs besides
/// the offer.
#[derive(Debug, Clone)]
pub struct Purchase {
    /// The pool.
    pub pool: Text,
    /// The zone.
    pub zone: Text,
    /// The family: an image's GPU driver must match it.
    pub family: Text,
    /// Image id or name.
    pub image: String,
    /// `VpcId`.
    pub vpc: String,
    /// `SubnetId`.
    pub subnet: String,
    /// `SecurityGroupId`s in order of priority.
    pub security_groups: Vec<String>,
    /// `ssd` or `local`.
    pub system_disk_feature: String,
    /// GiB.
    pub system_disk_gib: u32,
    /// Whether a create leaves spot machines in use alone; if not, it may take ours, and an hour.
    pub skip_spot_release: bool,
    /// A fixed password, or `None` for a random one per machine that is never stored.
    pub password: Option<SecretString>,
}

/// Everything the live world needs of the cloud.
#[derive(Debug, Clone)]
pub struct CloudSettings {
    /// The key.
    pub credentials: Credentials,
    /// Where and how.
    pub endpoints: Endpoints,
    /// One per pool, zone and family.
    pub purchases: Vec<Purchase>,
}

impl CloudSettings {
    /// How to buy `offer` for `pool`.
    pub fn purchase(&self, pool: &str, offer: &OfferKey) -> Option<&Purchase> {
        self.purchases
            .iter()
            .find(|one| &*one.pool == pool && one.zone == offer.zone && one.family == offer.family)
    }
}

impl Purchase {
    /// A checksum of what a machine is made from: another one means that machines made before are
    /// not as they would be made today. The password has no part in it.
    pub fn build(&self) -> u32 {
        let gib = self.system_disk_gib.to_string();
        let fixed = [&self.image, &self.vpc, &self.subnet, &self.system_disk_feature, &gib];
        let parts = fixed.into_iter().chain(&self.security_groups);
        parts.fold(0, |sum, part| {
            let sum = crc32c::crc32c_append(sum, part.as_bytes());
            crc32c::crc32c_append(sum, &[0]) // so that no part runs into the next
        })
    }

    /// The system disk.
    pub fn system_disk(&self) -> DiskSpec {
        DiskSpec { feature: self.system_disk_feature.clone(), gib: self.system_disk_gib }
    }

    /// One machine as the pool buys it.
    pub fn new_instance<'a>(
        &'a self,
        name: &'a str,
        offer: &'a Offer,
        billing: Billing,
        bid: Option<Money>,
        password: &'a str,
    ) -> NewInstances<'a> {
        NewInstances {
            offer,
            terms: match billing {
                Billing::OnDemand | Billing::Monthly => Terms::OnDemand,
                Billing::Spot => Terms::Spot { bid },
            },
            image: &self.image,
            system_disk: self.system_disk(),
            data_disks: Vec::new(),
            vpc: &self.vpc,
            subnet: &self.subnet,
            security_groups: &self.security_groups,
            name,
            number: 1,
            password,
            skip_spot_release: self.skip_spot_release,
            more: More::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_changes_with_image_network_and_disk_and_not_with_the_password() {
        let made = || Purchase {
            pool: "p".into(),
            zone: "z".into(),
            family: "f".into(),
            image: "i".to_owned(),
            vpc: "v".to_owned(),
            subnet: "s".to_owned(),
            security_groups: vec!["a".to_owned(), "b".to_owned()],
            system_disk_feature: "ssd".to_owned(),
            system_disk_gib: 40,
            skip_spot_release: true,
            password: None,
        };
        let build = made().build();
        assert_eq!(Purchase { password: Some("x".into()), ..made() }.build(), build);
        for other in [
            Purchase { image: "i2".to_owned(), ..made() },
            Purchase { vpc: "vs".to_owned(), subnet: String::new(), ..made() },
            Purchase { security_groups: vec!["ab".to_owned()], ..made() },
            Purchase { system_disk_feature: "local".to_owned(), ..made() },
            Purchase { system_disk_gib: 48, ..made() },
        ] {
            assert_ne!(other.build(), build, "{other:?}");
        }
    }
}
