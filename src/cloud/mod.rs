//! The vendor's API, all of it that is used: signing, envelope, errors, typed actions.

pub mod actions;
pub mod addresses;
pub mod catalog;
pub mod client;
pub mod detail;
pub mod disks;
pub mod envelope;
pub mod error;
pub mod events;
pub mod fields;
pub mod groups;
pub mod images;
pub mod instances;
pub mod leftovers;
pub mod listing;
pub mod network;
pub mod password;
pub mod rows;
pub mod sign;
pub mod snapshots;
pub mod survey;
pub mod throttle;
mod turns;

pub use client::Client;
pub use error::CallError;

use secrecy::SecretString;

use crate::model::{OfferKey, Span, Text};

/// The access key pair.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// `AccessKeyId`.
    pub access_key_id: SecretString,
    /// `AccessKeySecret`: the HMAC key, bare.
    pub access_key_secret: SecretString,
}

/// Where the services are and how patient to be.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Default `https://api.capitalonline.net/ecs/v1`.
    pub ecs: String,
    /// Default `https://api.capitalonline.net/ecs/v1.1` (`DescribeImages` only).
    pub ecs_images: String,
    /// Default `https://api.capitalonline.net/ebs/v1`.
    pub ebs: String,
    /// Default `https://api.capitalonline.net/sg/v1`.
    pub security_groups: String,
    /// Default `https://cdsapi.capitalonline.net/vpc`.
    pub vpc: String,
    /// To open a connection; default 10 s.
    pub connect_timeout: Span,
    /// For a whole read; default 60 s.
    pub read_timeout: Span,
    /// For a whole change; default 90 s.
    pub change_timeout: Span,
    /// Calls a second, default 5; changes go before reads.
    pub calls_per_second: u32,
}

/// How a pool's machines of one family are bought in one zone: everything `CreateInstance` needs besides the offer.
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

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            vpc: "https://cdsapi.capitalonline.net/vpc".to_owned(),
            ..Self::at("https://api.capitalonline.net")
        }
    }
}

impl Endpoints {
    /// All services on one server, such as `http://127.0.0.1:9400`.
    pub fn at(server: &str) -> Self {
        let server = server.trim_end_matches('/');
        Self {
            ecs: format!("{server}/ecs/v1"),
            ecs_images: format!("{server}/ecs/v1.1"),
            ebs: format!("{server}/ebs/v1"),
            security_groups: format!("{server}/sg/v1"),
            vpc: format!("{server}/vpc"),
            connect_timeout: Span::seconds(10),
            read_timeout: Span::seconds(60),
            change_timeout: Span::seconds(90),
            calls_per_second: 5,
        }
    }
}

impl CloudSettings {
    /// How to buy `offer` for `pool`.
    pub fn purchase(&self, pool: &str, offer: &OfferKey) -> Option<&Purchase> {
        self.purchases
            .iter()
            .find(|one| &*one.pool == pool && one.zone == offer.zone && one.family == offer.family)
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
