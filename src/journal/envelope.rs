//! The form of a stored value: magic, version, length, payload, checksum. The key is part of the
//! checksum, so that a value under a wrong key is noticed too. A payload that is larger than sled
//! likes is kept in parts, each under a key of its own: nothing is refused for its size.

/// First bytes of every value.
const MAGIC: [u8; 4] = *b"FSC1";
/// Version of what is inside; raised when an old reader would misread it.
pub(super) const SCHEMA: u16 = 2;
/// Values that are whole are written so that the version before reads them.
const WHOLE: u16 = 1;
/// The first of several parts; its length is that of all of them together.
const FIRST: u16 = 2;
/// Parts are small, for sled's sake: larger values go to files that are never given back.
const PART_MAX: usize = 8 << 10;
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

/// What an opened value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opened<'a> {
    /// Its bytes.
    pub(super) payload: &'a [u8],
    /// Of a record in parts: how many bytes they have together.
    pub(super) total: Option<usize>,
}

/// The key of a later part of a record; 0 is the record itself.
pub(super) fn part(key: &str, number: usize) -> String {
    if number == 0 { key.to_owned() } else { format!("part/{number}/{key}") }
}

/// Whether a key is that of a later part.
pub(super) fn is_part(key: &str) -> bool {
    key.starts_with("part/")
}

/// Wraps a payload: the values to store, by key.
pub(super) fn seal(key: &str, payload: &[u8]) -> Vec<(String, Vec<u8>)> {
    if payload.len() <= PART_MAX {
        return vec![(key.to_owned(), wrap(key, WHOLE, payload.len(), payload))];
    }
    let parts = payload.chunks(PART_MAX).enumerate().map(|(number, chunk)| {
        let key = part(key, number);
        let (schema, length) =
            if number == 0 { (FIRST, payload.len()) } else { (WHOLE, chunk.len()) };
        let value = wrap(&key, schema, length, chunk);
        (key, value)
    });
    parts.collect()
}

fn wrap(key: &str, schema: u16, length: usize, payload: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(HEADER + payload.len() + CHECKSUM);
    value.extend_from_slice(&MAGIC);
    value.extend_from_slice(&schema.to_le_bytes());
    value.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    value.extend_from_slice(payload);
    let checksum = checksum(key, &value);
    value.extend_from_slice(&checksum.to_le_bytes());
    value
}

/// Unwraps a value.
pub(super) fn open<'a>(key: &str, value: &'a [u8]) -> Result<Opened<'a>, Damage> {
    let corrupt = |what: &str| Damage::Corrupt(format!("record {key}: {what}"));
    let (body, sum) =
        value.split_last_chunk::<CHECKSUM>().ok_or_else(|| corrupt("shorter than an envelope"))?;
    if checksum(key, body) != u32::from_le_bytes(*sum) {
        return Err(corrupt("its checksum is wrong"));
    }
    let (magic, rest) = body.split_first_chunk::<4>().ok_or_else(|| corrupt("no magic"))?;
    let (schema, rest) = rest.split_first_chunk::<2>().ok_or_else(|| corrupt("no version"))?;
    let (length, payload) = rest.split_first_chunk::<4>().ok_or_else(|| corrupt("no length"))?;
    if *magic != MAGIC {
        return Err(corrupt("not farmscale's"));
    }
    match u16::from_le_bytes(*schema) {
        WHOLE => Ok(Opened { payload, total: None }),
        FIRST => {
            let total = usize::try_from(u32::from_le_bytes(*length)).ok();
            Ok(Opened { payload, total })
        }
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
            let sealed = seal("machine/a", &payload).remove(0).1;
            prop_assert_eq!(open("machine/a", &sealed).unwrap().payload, &payload[..]);
            prop_assert!(open("machine/b", &sealed).is_err());
            let mut flipped = sealed.clone();
            let place = bit / 8 % flipped.len();
            flipped[place] ^= 1 << (bit % 8);
            prop_assert!(open("machine/a", &flipped).is_err());
        }
    }

    #[test]
    fn a_large_value_is_kept_in_parts_that_open() {
        let payload: Vec<u8> =
            (0..3 * PART_MAX + 5).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let parts = seal("machine/a", &payload);
        assert_eq!(parts.len(), 4);
        assert!(parts.iter().all(|(_, value)| value.len() <= PART_MAX + HEADER + CHECKSUM));
        assert_eq!(open("machine/a", &parts[0].1).unwrap().total, Some(payload.len()));
        let joined: Vec<u8> = parts
            .iter()
            .flat_map(|(key, value)| open(key, value).unwrap().payload.to_vec())
            .collect();
        assert_eq!(joined, payload);
    }
}
