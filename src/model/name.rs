//! Machine names: the only token of ours the vendor's API carries.
//!
//! `CreateInstance` takes no client token and no tags, so the name says whose machine it is and
//! which intent made it: `<farm>-<pool>-<epoch>-<serial><mac>`, at most 40 characters. A serial begins
//! with the salt of the store it was counted in, so that two daemons never make one name.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha1::Sha1;

use super::Text;

/// Longest farm part of a name.
pub const FARM_MAX: usize = 6;
/// Longest pool part of a name.
pub const POOL_MAX: usize = 4;
/// Between the name of several instances and the id of one of them.
const TWIN: char = '@';
const SERIAL_LENGTH: usize = 13;
const MAC_LENGTH: usize = 3;
/// The low bits of a serial count; the high ones are the salt of the store.
const COUNT_BITS: u32 = 24;
/// Salts of stores are this or more: below lie the names of earlier versions and of `farmscale try`.
const SALT_MIN: u64 = 1 << 20;
const SALT_MAX: u64 = (1 << 39) - 1;
/// A host's name in `NetBIOS`, as Windows tells it to many programs, is cut to so many characters.
const NETBIOS_MAX: usize = 15;

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
    /// Unique within the epoch: the store's salt and a count.
    pub serial: u64,
}

/// What the names of one store have in common: random bits, drawn when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt(u64);

impl Salt {
    /// Of random bits.
    pub const fn of_random(bits: u64) -> Self {
        Self(SALT_MIN + bits % (SALT_MAX - SALT_MIN))
    }

    /// As it is kept; `None` for a store of a version that knew none.
    pub const fn from_stored(bits: u64) -> Option<Self> {
        if bits < SALT_MIN { None } else { Some(Self(bits)) }
    }

    /// To be kept.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The serial of the machine of this count.
    pub const fn serial(self, count: u64) -> u64 {
        (self.0 << COUNT_BITS) | (count & ((1 << COUNT_BITS) - 1))
    }
}

impl NameParts {
    /// Of which store it is; `None` for the names of earlier versions and of `farmscale try`.
    pub const fn salt(&self) -> Option<Salt> {
        Salt::from_stored(self.serial >> COUNT_BITS)
    }
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

    /// What another instance of the same name is known by: at the provider it has this name too.
    #[must_use]
    pub fn twin(&self, instance: &str) -> Self {
        Self(format!("{}{TWIN}{instance}", self.given()).into())
    }

    /// Whether it is one of several instances of one name, and not the one that was made first.
    pub fn is_twin(&self) -> bool {
        self.0.contains(TWIN)
    }

    /// The name as the provider has it.
    pub fn given(&self) -> &str {
        self.0.split(TWIN).next().unwrap_or(&self.0)
    }
}

/// A name of a host, or an instance's id, as names of hosts are compared: without regard to case, to a
/// domain, or to a dot at the end. An address stays whole.
pub fn host_key(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    let is_address =
        text.chars().all(|one| one.is_ascii_digit() || one == '.') || text.contains(':');
    let label = text.split('.').next().filter(|_| !is_address).unwrap_or(text);
    label.to_ascii_lowercase()
}

/// What Windows makes of a name that is too long for `NetBIOS`, as names of hosts are compared.
pub fn netbios_key(text: &str) -> Option<String> {
    let key = host_key(text);
    key.get(..NETBIOS_MAX).filter(|cut| cut.len() < key.len()).map(str::to_owned)
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

    proptest! {
        #[test]
        fn names_of_two_stores_differ_and_say_whose_they_are(
            one: u64, other: u64, epoch in 0i64..200_000_000, count in 1u64..1_000_000,
        ) {
            let namer = Namer::new("render");
            let (one, other) = (Salt::of_random(one), Salt::of_random(other));
            let name = namer.name("gpua", epoch, one.serial(count));
            prop_assert!(name.as_str().len() <= 40);
            prop_assert_eq!(namer.parse(name.as_str()).unwrap().salt(), Some(one));
            prop_assert_eq!(Salt::from_stored(one.bits()), Some(one));
            let twin = namer.name("gpua", epoch, other.serial(count));
            prop_assert_eq!(name == twin, one == other);
        }
    }

    #[test]
    fn names_of_earlier_versions_and_of_trials_have_no_salt() {
        let namer = Namer::new("farm");
        for serial in [1, 70_000, (1 << 40) | 0xf_ffff_ffff] {
            let name = namer.name("gpu", 29_000_000, serial);
            assert_eq!(namer.parse(name.as_str()).unwrap().salt(), None, "{serial}");
        }
    }

    #[test]
    fn hosts_are_compared_as_hosts() {
        let same = ["lab-a-1", "LAB-A-1", "lab-a-1.", "Lab-A-1.render.example.cn", " lab-a-1\n"];
        assert!(same.iter().all(|one| host_key(one) == "lab-a-1"));
        assert_eq!(host_key("10.0.0.1"), "10.0.0.1");
        let name = "lab-a-huvv3-0000000000007abc";
        assert_eq!(netbios_key(name).as_deref(), Some("lab-a-huvv3-000"));
        assert_eq!(netbios_key("LAB-A-1"), None);
    }

    #[test]
    fn a_twin_is_known_by_its_instance_and_called_as_its_twin() {
        let name = MachineName::from_stored("farm-gpu-1");
        let twin = name.twin("ins-2");
        assert!(twin.is_twin() && !name.is_twin() && twin != name);
        assert_eq!((twin.given(), twin.twin("ins-3").given()), ("farm-gpu-1", "farm-gpu-1"));
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
