//! What is sold: a size of a family in a zone, and how it is paid for.
//!
//! ```
//! use farmscale::cloud::offer::{Offer, billing};
//! use farmscale::cloud::{Billing, Size};
//!
//! let size = Size::new(16, 32, 1);
//! let offer = Offer { zone: "CN_Suqian_B".into(), family: "专业渲染型rp3".into(), size };
//! assert_eq!(offer.to_string(), "CN_Suqian_B/专业渲染型rp3 16c32g1gpu");
//! assert_eq!((billing("3"), billing("2")), (Some(Billing::Spot), None));
//! ```

use std::fmt;

use super::given::Given;
use crate::model::{Billing, Size, Text};

/// A size of a family in a zone: what machines are priced, made and resized as.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offer {
    /// `AvailableZoneCode`.
    pub zone: Text,
    /// `EcsFamilyName`, exactly as `Client::specs` answers it.
    pub family: Text,
    /// Processors, memory, GPUs.
    pub size: Size,
}

impl Offer {
    /// What it is said as.
    pub(super) fn given(&self) -> Given {
        Given::default()
            .with("AvailableZoneCode", &*self.zone)
            .with("EcsFamilyName", &*self.family)
            .with("Cpu", self.size.cpu)
            .with("Ram", self.size.ram_gib)
            .with("Gpu", self.size.gpus)
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { zone, family, size: Size { cpu, ram_gib, gpus } } = self;
        write!(f, "{zone}/{family} {cpu}c{ram_gib}g{gpus}gpu")
    }
}

/// `BillingMethod`; `None` for one that is not known.
pub fn billing(code: &str) -> Option<Billing> {
    let all = [Billing::OnDemand, Billing::Monthly, Billing::Spot];
    all.into_iter().find(|one| billing_code(*one) == code)
}

/// `BillingMethod`, as the vendor writes it.
pub const fn billing_code(billing: Billing) -> &'static str {
    match billing {
        Billing::OnDemand => "0",
        Billing::Monthly => "1",
        Billing::Spot => "3",
    }
}
