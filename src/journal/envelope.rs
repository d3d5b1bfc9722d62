//! The form of a stored value: magic, version, length, payload, checksum. The key is part of the
//! checksum, so that a value under a wrong key is noticed too.

/// First bytes of every value.
const MAGIC: [u8; 4] = *b"FSC1";
/// Version of what is inside; raised when an old reader would misread it.
pub(super) const SCHEMA: u16 = 1;
/// Values are small, for sled's sake: larger ones go to files that are never given back.
const VALUE_MAX: usize = 8 << 10;
const HEADER: usize = 4 + 2 + 4;
const CHECKSUM: usize = 4;

/// A value that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Damage {
    /// Written by a later version.
    Newer(u16),
    /// Not what was written.
    Corrupt(String),
}

/// Wraps a payload; an error names the key of one that is too large.
pub(super) fn seal(key: &str, payload: &[u8]) -> Result<Vec<u8>, String> {
    if VALUE_MAX < payload.len() {
        let size = payload.len();
        return Err(format!("record {key} has {size} bytes, more than {VALUE_MAX}"));
    }
    let mut value = Vec::with_capacity(HEADER + payload.len() + CHECKSUM);
    value.extend_from_slice(&MAGIC);
    value.extend_from_slice(&SCHEMA.to_le_bytes());
    value.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(0).to_le_bytes());
    value.extend_from_slice(payload);
    let checksum = checksum(key, &value);
    value.extend_from_slice(&checksum.to_le_bytes());
    Ok(value)
}

/// Unwraps a value.
pub(super) fn open<'a>(key: &str, value: &'a [u8]) -> Result<&'a [u8], Damage> {
    let corrupt = |what: &str| Damage::Corrupt(format!("record {key}: {what}"));
    let (body, sum) =
        value.split_last_chunk::<CHECKSUM>().ok_or_else(|| corrupt("shorter than an envelope"))?;
    if checksum(key, body) != u32::from_le_bytes(*sum) {
        return Err(corrupt("its checksum is wrong"));
    }
    let (magic, rest) = body.split_first_chunk::<4>().ok_or_else(|| corrupt("no magic"))?;
    let (schema, rest) = rest.split_first_chunk::<2>().ok_or_else(|| corrupt("no version"))?;
    let (_, payload) = rest.split_first_chunk::<4>().ok_or_else(|| corrupt("no length"))?;
    if *magic != MAGIC {
        return Err(corrupt("not farmscale's"));
    }
    match u16::from_le_bytes(*schema) {
        SCHEMA => Ok(payload),
        newer => Err(Damage::Newer(newer)),
    }
}

fn checksum(key: &str, body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key.as_bytes()), body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_sealed_opens_and_any_flipped_bit_is_noticed(
            payload in proptest::collection::vec(any::<u8>(), 0..200), bit in 0usize..1600,
        ) {
            let sealed = seal("machine/a", &payload).unwrap();
            prop_assert_eq!(open("machine/a", &sealed).unwrap(), &payload[..]);
            prop_assert!(open("machine/b", &sealed).is_err());
            let mut flipped = sealed.clone();
            let place = bit / 8 % flipped.len();
            flipped[place] ^= 1 << (bit % 8);
            prop_assert!(open("machine/a", &flipped).is_err());
        }
    }

    #[test]
    fn a_value_too_large_for_the_store_is_refused_by_name() {
        let error = seal("machine/a", &vec![0; VALUE_MAX + 1]).unwrap_err();
        assert!(error.contains("machine/a"), "{error}");
    }
}
