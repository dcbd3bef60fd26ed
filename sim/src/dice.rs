//! Random choices from a seed, in integers only: equal on every machine and in every release.
//!
//! [`Chance`] is the interface; a seed ([`Dice`]) and a fuzzer's bytes implement it. The ranges are
//! our own and not `rand`'s, which may change: a seed in a report must draw tomorrow what it drew
//! today.

use std::hash::{Hash, Hasher};

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// A source of random choices.
///
/// Each choice is made with [`below`](Chance::below), and a spent source returns 0. So 0 is the
/// plainest choice everywhere, and makes `one_in` and `ratio` return false.
pub trait Chance {
    /// A number below `count`.
    ///
    /// # Panics
    /// If `count` is 0.
    fn below(&mut self, count: u64) -> u64;

    /// Whether nothing is left to draw from.
    fn is_spent(&self) -> bool;

    /// A number from `first` to `last`, both included.
    ///
    /// # Panics
    /// If `last` is less than `first`, or if the range is all of `u64`: that is `bits`.
    fn between(&mut self, first: u64, last: u64) -> u64 {
        assert!(first <= last);
        assert!(last - first < u64::MAX);
        first + self.below(last - first + 1)
    }

    /// Returns true once in `count` times.
    ///
    /// # Panics
    /// If `count` is 0.
    fn one_in(&mut self, count: u64) -> bool {
        self.ratio(1, count)
    }

    /// Returns true `numerator` times in `denominator`.
    ///
    /// # Panics
    /// If `denominator` is 0 or less than `numerator`.
    fn ratio(&mut self, numerator: u64, denominator: u64) -> bool {
        assert!(numerator <= denominator);
        denominator - numerator <= self.below(denominator)
    }

    /// One of the choices, each equally often.
    ///
    /// # Panics
    /// If there is none.
    fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T
    where
        Self: Sized,
    {
        &choices[self.below(choices.len() as u64) as usize]
    }

    /// One of the choices, each in proportion to its weight.
    ///
    /// # Panics
    /// If the weights are all 0.
    fn pick_weighted<T: Copy>(&mut self, choices: &[(u64, T)]) -> T
    where
        Self: Sized,
    {
        let total = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = self.below(total);
        for &(weight, choice) in choices {
            if left < weight {
                return choice;
            }
            left -= weight;
        }
        unreachable!("a number below the sum of the weights falls to one of them")
    }
}

/// A borrowed source of any type, so that a table can hold functions that draw.
pub struct Lent<'a>(pub &'a mut dyn Chance);

impl Chance for Lent<'_> {
    fn below(&mut self, count: u64) -> u64 {
        self.0.below(count)
    }

    fn is_spent(&self) -> bool {
        self.0.is_spent()
    }
}

/// A random generator that is seeded with a number.
#[derive(Debug)]
pub struct Dice {
    generator: ChaCha8Rng,
}

impl Dice {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Dice {
        let mut key = [0; 32];
        let mut word = seed;
        for bytes in key.chunks_exact_mut(8) {
            word = mix(word);
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Dice {
            generator: ChaCha8Rng::from_seed(key),
        }
    }

    /// Hashes the generator's state.
    pub fn stir_into(&self, hasher: &mut impl Hasher) {
        let state = self.generator.serialize_state();
        let bytes: &[u8] = state.as_ref();
        bytes.hash(hasher);
    }

    /// Sixty-four random bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }
}

impl Clone for Dice {
    /// A generator that draws the same numbers as this one from now on.
    fn clone(&self) -> Dice {
        Dice {
            generator: ChaCha8Rng::deserialize_state(&self.generator.serialize_state()),
        }
    }
}

impl Chance for Dice {
    /// Lemire's method: the high half of a product. The few low halves that would bias it are drawn
    /// again.
    fn below(&mut self, count: u64) -> u64 {
        assert!(0 < count);
        loop {
            let product = u128::from(self.bits()) * u128::from(count);
            let low = product as u64;
            if count <= low || count.wrapping_neg() % count <= low {
                return (product >> 64) as u64;
            }
        }
    }

    fn is_spent(&self) -> bool {
        false
    }
}

/// Hashes an index or a seed with the step of splitmix64, a bijection without visible pattern.
pub fn mix(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Chance, Dice, mix};

    #[test]
    fn a_seed_draws_the_same_for_good() {
        let mut dice = Dice::new(7);
        let drawn: Vec<u64> = (0..8).map(|_| dice.below(1000)).collect();
        assert_eq!(drawn, [382, 406, 301, 374, 372, 791, 753, 920]);
        assert_eq!(dice.bits(), 7_446_974_881_411_775_460);
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn each_number_below_comes_about_as_often() {
        let mut dice = Dice::new(1);
        let mut counts = [0; 6];
        for _ in 0..6000 {
            counts[dice.below(6) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (900..1100).contains(count)));
    }

    #[test]
    fn both_ends_of_a_closed_range_come() {
        let mut dice = Dice::new(2);
        let drawn: Vec<u64> = (0..100).map(|_| dice.between(3, 5)).collect();
        assert_eq!(drawn.iter().min(), Some(&3));
        assert_eq!(drawn.iter().max(), Some(&5));
        assert_eq!(dice.between(u64::MAX, u64::MAX), u64::MAX);
    }

    #[test]
    fn certain_and_impossible_need_no_luck() {
        let mut dice = Dice::new(3);
        assert!((0..100).all(|_| dice.one_in(1)));
        assert!((0..100).all(|_| !dice.ratio(0, 5)));
        assert!((0..100).all(|_| dice.ratio(5, 5)));
    }

    #[test]
    fn weights_are_kept() {
        let mut dice = Dice::new(4);
        let choices = [(3, 'a'), (0, 'b'), (1, 'c')];
        let drawn: Vec<char> = (0..4000).map(|_| dice.pick_weighted(&choices)).collect();
        let count = |wanted| drawn.iter().filter(|&&label| label == wanted).count();
        assert!((2800..3200).contains(&count('a')));
        assert_eq!(count('b'), 0);
    }
}
