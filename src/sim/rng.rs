//! A small seeded generator: the same seed gives the same world on every machine, for ever.
//!
//! `xoshiro256**` seeded through `SplitMix64` (Blackman and Vigna, public domain).
//! Whole numbers only.

/// A stream of pseudo-random numbers.
#[derive(Debug, Clone)]
pub struct Rng {
    seed: u64,
    state: [u64; 4],
}

impl Rng {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Self {
        let mut mixer = seed;
        Self { seed, state: [(); 4].map(|()| split_mix(&mut mixer)) }
    }

    /// An independent stream for one purpose. It depends on the seed and the label only, not on
    /// how much was drawn before, so that a new use changes none of the others.
    #[must_use]
    pub fn fork(&self, label: &str) -> Self {
        let hash = label.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        self.fork_at(hash)
    }

    /// An independent stream for one number, such as a period of time.
    #[must_use]
    pub fn fork_at(&self, number: u64) -> Self {
        let mut mixer = self.seed ^ number.rotate_left(17).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self::new(split_mix(&mut mixer))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A number below `n`; 0 if `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        let wide = u128::from(self.bits()) * u128::from(n);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number from `min` to `max`, both included; `min` if the range is empty.
    pub fn range(&mut self, min: i64, max: i64) -> i64 {
        if max <= min {
            return min;
        }
        let width = max.abs_diff(min).saturating_add(1);
        min.saturating_add_unsigned(self.below(width))
    }

    /// True in `ppm` cases out of a million.
    pub fn chance(&mut self, ppm: u32) -> bool {
        self.below(1_000_000) < u64::from(ppm)
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_does_not_depend_on_what_was_drawn() {
        let mut used = Rng::new(7);
        let fresh = used.clone();
        for _ in 0..100 {
            used.bits();
        }
        assert_eq!(used.fork("boots").bits(), fresh.fork("boots").bits());
        assert_ne!(fresh.fork("boots").bits(), fresh.fork("stops").bits());
        assert_ne!(fresh.fork_at(1).bits(), fresh.fork_at(2).bits());
    }

    #[test]
    fn a_range_holds_both_ends_and_nothing_else() {
        let mut rng = Rng::new(1);
        let mut seen = [0u32; 5];
        for _ in 0..5000 {
            let number = rng.range(-2, 2);
            seen[usize::try_from(number + 2).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| (850..1150).contains(count)), "{seen:?}");
        assert_eq!((rng.range(3, 3), rng.range(3, 2), rng.below(0)), (3, 3, 0));
    }

    #[test]
    fn chances_are_as_large_as_asked() {
        let mut rng = Rng::new(2);
        let hits = (0..100_000).filter(|_| rng.chance(70_000)).count();
        assert!((6_700..7_300).contains(&hits), "{hits}");
        assert!(!rng.chance(0) && rng.chance(1_000_000));
    }

    #[test]
    fn the_stream_is_the_published_one() {
        // SplitMix64 of seed 0 starts with 0xe220a8397b1dcdaf in every implementation.
        let mut state = 0;
        assert_eq!(split_mix(&mut state), 0xe220_a839_7b1d_cdaf);
        // xoshiro256** from the state 1, 2, 3, 4 starts 11520, 0, 1509978240.
        let mut rng = Rng { seed: 0, state: [1, 2, 3, 4] };
        assert_eq!([rng.bits(), rng.bits(), rng.bits()], [11520, 0, 1_509_978_240]);
    }
}
