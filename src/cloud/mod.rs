//! The vendor's API: signing, envelope, errors, and every action typed. It stands alone: with
//! `--no-default-features --features cloud` nothing else of farmscale is built, and making a client
//! changes nothing for the rest of the process. Programs to copy from: `examples/zones.rs`,
//! `examples/machine.rs`. What every action takes and answers: `docs/vendor-api.md`.
//!
//! ```no_run
//! # async fn doc() -> Result<(), farmscale::cloud::CallError> {
//! use farmscale::clock::Clock;
//! use farmscale::cloud::{Client, Credentials, Endpoints};
//!
//! let credentials = Credentials { access_key_id: "…".into(), access_key_secret: "…".into() };
//! let client = Client::new(credentials, Endpoints::default(), Clock::real())?;
//! for zone in client.zones().await? {
//!     println!("{} in {}", zone.code, zone.region);
//! }
//! # Ok(())
//! # }
//! ```

pub mod actions;
pub mod addresses;
pub mod catalog;
pub mod client;
pub mod detail;
pub mod disks;
pub mod envelope;
pub mod error;
pub mod events;
#[cfg(test)]
mod everything;
pub mod fields;
mod given;
pub mod groups;
pub mod images;
pub mod instances;
pub mod leftovers;
pub mod listing;
pub mod monitor;
pub mod network;
pub mod offer;
pub mod password;
pub mod rows;
pub mod sign;
pub mod snapshots;
pub mod survey;
pub mod throttle;
mod turns;

pub use client::Client;
pub use error::CallError;
pub use offer::Offer;
pub use secrecy::SecretString;

pub use crate::clock::Clock;
pub use crate::model::{
    Billing, EventStatus, Money, Price, Refusal, Size, Span, Status, Stock, Text, Time,
};

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
