//! Machine names: the only token of ours the vendor's API carries.
//!
//! `CreateInstance` takes no client token and no tags, so the name says whose machine it is and
//! which intent made it: `<farm>-<pool>-<epoch>-<serial><mac>`, at most 40 characters.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha1::Sha1;

use super::Text;

/// Longest farm part of a name.
pub const FARM_MAX: usize = 6;
/// Longest pool part of a name.
pub const POOL_MAX: usize = 4;
const SERIAL_LENGTH: usize = 13;
const MAC_LENGTH: usize = 3;

/// The unique name of one machine of ours, made once and never used again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MachineName(Text);

/// What a name of ours says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameParts {
    /// The pool's tag.
    pub pool: String,
    /// The daemon's epoch: the minute it first started on its store, later ones are higher.
    pub epoch: i64,
    /// Sequential within the epoch.
    pub serial: u64,
}

/// Makes and recognises the names of one farm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namer {
    farm: String,
}

impl MachineName {
    /// Takes any text for a name, for tests and for names read from our own store.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as shared text.
    pub fn text(&self) -> Text {
        Text::clone(&self.0)
    }
}

impl fmt::Display for MachineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Namer {
    /// A namer for the farm called `farm` (1–6 of `a-z0-9`, checked by config).
    pub fn new(farm: &str) -> Self {
        Self { farm: farm.to_owned() }
    }

    /// What every name of this farm starts with; the search text for listings.
    pub fn prefix(&self) -> String {
        format!("{}-", self.farm)
    }

    /// The name of machine number `serial` of `epoch`.
    pub fn name(&self, pool: &str, epoch: i64, serial: u64) -> MachineName {
        let stem = format!(
            "{}-{pool}-{}-{:0>SERIAL_LENGTH$}",
            self.farm,
            base36(u64::try_from(epoch).unwrap_or(0)),
            base36(serial)
        );
        let mac = self.mac(&stem);
        MachineName(format!("{stem}{mac}").into())
    }

    /// Reads a name; `None` unless it is exactly one this farm made, so that a look-alike made by
    /// hand is never taken for ours.
    pub fn parse(&self, text: &str) -> Option<NameParts> {
        let rest = text.strip_prefix(&self.farm)?.strip_prefix('-')?;
        let mut parts = rest.split('-');
        let (pool, epoch, tail) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || tail.len() != SERIAL_LENGTH + MAC_LENGTH {
            return None;
        }
        let serial = u64::from_str_radix(tail.get(..SERIAL_LENGTH)?, 36).ok()?;
        let epoch = i64::from_str_radix(epoch, 36).ok()?;
        let made = self.name(pool, epoch, serial);
        (made.as_str() == text).then(|| NameParts { pool: pool.to_owned(), epoch, serial })
    }

    /// Three letters over the stem, keyed with the farm: guards against accident, not malice.
    fn mac(&self, stem: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(self.farm.as_bytes()) else {
            return "000".to_owned(); // unreachable: HMAC takes keys of any length
        };
        mac.update(stem.as_bytes());
        let digest = mac.finalize().into_bytes();
        digest
            .iter()
            .take(MAC_LENGTH)
            .filter_map(|byte| char::from_digit(u32::from(*byte) % 36, 36))
            .collect()
    }
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.extend(char::from_digit(u32::try_from(number % 36).unwrap_or(0), 36));
        number /= 36;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_reads_back_and_fits(epoch in 0i64..200_000_000, serial: u64) {
            let namer = Namer::new("render");
            let name = namer.name("gpua", epoch, serial);
            prop_assert!(name.as_str().len() <= 40);
            let parts = namer.parse(name.as_str()).unwrap();
            prop_assert_eq!(parts, NameParts { pool: "gpua".to_owned(), epoch, serial });
        }
    }

    #[test]
    fn a_look_alike_is_not_ours() {
        let namer = Namer::new("farm");
        let name = namer.name("gpu", 29_000_000, 7);
        assert!(namer.parse(name.as_str()).is_some());
        assert_eq!(Namer::new("far").parse(name.as_str()), None);
        assert_eq!(Namer::new("farm2").parse(name.as_str()), None);
        assert_eq!(namer.parse(&name.as_str().to_uppercase()), None);
        assert_eq!(namer.parse(&format!("{name}0")), None);
        assert_eq!(namer.parse("farm-gpu-hx7yo-0000000000007zzz"), None);
    }
}
