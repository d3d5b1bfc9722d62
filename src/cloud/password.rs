//! Random passwords for machines nobody logs in to.
//!
//! ```
//! let password = farmscale::cloud::password::random();
//! assert_eq!(farmscale::cloud::actions::check::password(&password), None);
//! ```

use uuid::Uuid;

const LOWER: &[u8] = b"abcdefghijkmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const DIGIT: &[u8] = b"23456789";
const SIGN: &[u8] = b"!@#%^*-_=+";

/// 24 characters of all four classes (the API wants 8–30 of at least three), from the operating
/// system's randomness; never stored.
pub fn random() -> String {
    let mut bytes = (0..3).flat_map(|_| Uuid::new_v4().into_bytes());
    (0..24)
        .filter_map(|place| {
            let class = [LOWER, UPPER, DIGIT, SIGN].into_iter().nth(place % 4)?;
            let byte = bytes.next()?;
            class.get(usize::from(byte) % class.len()).map(|letter| char::from(*letter))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_all_classes_and_never_repeats() {
        let (one, other) = (random(), random());
        assert_ne!(one, other);
        assert_eq!(one.len(), 24);
        for class in [LOWER, UPPER, DIGIT, SIGN] {
            assert!(one.bytes().any(|byte| class.contains(&byte)), "{one}");
        }
    }
}
