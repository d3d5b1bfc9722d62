//! How fast a GPU renders, by its name: medians of Blender Open Data (data/gpus/NOTICE), relative to
//! [`REFERENCE`].
//!
//! The reference is the RTX A5000: the GPU of the vendor's commonest render families, and one whose
//! median rests on more than a handful of runs. Which GPU it is changes no ranking, only what
//! `speed = 1.0` means.

use super::reader::distance;
use crate::model::Money;

/// The GPU whose speed is 1.0.
pub const REFERENCE: &str = "RTX A5000";
/// A median of fewer runs than this is thin.
pub const THIN: u32 = 5;

const MEDIANS: &str = include_str!("../../data/gpus/blender_4.4.0_medians.csv");
/// What vendors put before a model's name, or leave away. `Quadro` is not among them: a Quadro RTX
/// 6000 is no RTX 6000.
const BEFORE: [&str; 4] = ["nvidia", "geforce", "tesla", "rtx"];
/// What vendors put after it, or leave away.
const AFTER: &str = "generation";
/// Names given as a hint, at most.
const HINTS_MAX: usize = 3;

/// A GPU whose speed is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gpu {
    /// As Blender Open Data spells it.
    pub name: &'static str,
    /// Work per second in millionths of the reference's.
    pub speed_ppm: i64,
    /// Runs the median is of.
    pub runs: u32,
}

impl Gpu {
    /// The speed for people, such as `1.206`.
    pub fn speed(&self) -> String {
        Money((self.speed_ppm + 500) / 1000 * 1000).plain()
    }
}

/// The GPU of this name, however its maker's words, case and spaces are written.
pub fn find(name: &str) -> Option<Gpu> {
    let wanted = key(name);
    let reference = rows().find(|(name, ..)| key(name) == key(REFERENCE));
    let (_, reference, _) = reference.filter(|(_, score, _)| 0 < score.0)?;
    let (name, score, runs) = rows().find(|(name, ..)| key(name) == wanted)?;
    // Rounded half up; a score in millionths times a million fits 128 bits easily.
    let (score, reference) = (i128::from(score.0), i128::from(reference.0));
    let speed_ppm = i64::try_from((score * 1_000_000 + reference / 2) / reference).ok()?;
    Some(Gpu { name, speed_ppm, runs })
}

/// Names near one that is not known, the nearest first.
pub fn near(name: &str) -> Vec<&'static str> {
    let wanted = key(name);
    let mut known: Vec<(bool, usize, &'static str)> = rows()
        .map(|(name, ..)| {
            let known = key(name);
            // `A100` is meant as the start of `A100-SXM4-80GB`, whatever the number of letters.
            let begins = !wanted.is_empty() && known.starts_with(&wanted);
            (!begins, distance(&known, &wanted), name)
        })
        .collect();
    known.sort_unstable();
    known.into_iter().take(HINTS_MAX).map(|(.., name)| name).collect()
}

/// Name, score in millionths, and number of runs of every line.
fn rows() -> impl Iterator<Item = (&'static str, Money, u32)> {
    MEDIANS.lines().skip(1).filter_map(|line| {
        let mut cells = line.split(',');
        let (name, score, runs) = (cells.next()?, cells.nth(2)?, cells.next()?);
        Some((name, Money::parse(score)?, runs.parse().ok()?))
    })
}

/// What two spellings of one GPU have in common: `NVIDIA GeForce RTX 3090` is `3090`.
fn key(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let whole: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    let mut rest = whole.as_str();
    while let Some(shorter) = BEFORE.iter().find_map(|word| rest.strip_prefix(word)) {
        rest = shorter;
    }
    rest.strip_suffix(AFTER).unwrap_or(rest).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_line_is_read_and_no_two_gpus_are_taken_for_one() {
        let keys: BTreeSet<String> = rows().map(|(name, ..)| key(name)).collect();
        assert_eq!(keys.len(), MEDIANS.lines().count() - 1);
        assert_eq!(keys.len(), 53);
    }

    #[test]
    fn a_gpu_is_known_however_it_is_spelt() {
        let a5000 = find(REFERENCE).unwrap();
        assert_eq!((a5000.speed_ppm, a5000.speed().as_str()), (1_000_000, "1"));
        for spelling in ["NVIDIA RTX A5000", "rtx a5000", "RTXA5000", "A5000", " nvidia-rtx_a5000 "]
        {
            assert_eq!(find(spelling), Some(a5000), "{spelling}");
        }
        let r3090 = find("NVIDIA RTX 3090").unwrap();
        // 5330.3 / 4419.0
        assert_eq!((r3090.speed_ppm, r3090.speed().as_str()), (1_206_223, "1.206"));
        assert_eq!(find("GeForce RTX 3090"), Some(r3090));
        assert_eq!(find("RTX 6000 Ada").unwrap().name, "NVIDIA RTX 6000 Ada Generation");
        assert_eq!(find("RTX 4090D").unwrap().name, "NVIDIA GeForce RTX 4090 D");
    }

    #[test]
    fn a_name_that_could_be_two_gpus_or_none_is_not_guessed_but_hinted_at() {
        for unknown in ["RTX 6000", "A100", "RTX 4090 Laptop GPU", "RTX", ""] {
            assert_eq!(find(unknown), None, "{unknown}");
        }
        assert_eq!(near("A100").first(), Some(&"NVIDIA A100-SXM4-80GB"));
        assert!(near("RTX 6000").contains(&"NVIDIA RTX 6000 Ada Generation"));
        assert!(near("rtx a500").contains(&"NVIDIA RTX A5000"));
    }
}
