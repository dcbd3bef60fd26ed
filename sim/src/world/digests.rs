//! The digest of a run: a tree of hashes over its events, so that two runs find their first
//! difference.
//!
//! ```text
//!  level 2           ┌──── 0..4 ────┐
//!  level 1        0..2            2..4            4..6
//!  level 0       0     1        2     3         4     5     6
//! ```
//!
//! A node is made when both nodes below it are there: two hashes an event on average. When the
//! lowest level has grown too long, it is dropped: memory is bounded, and a difference in a long
//! run is found to within one block of events.

use std::ops::Range;

use crate::dice::mix;

/// The number of blocks at which the lowest level is dropped. It is even.
const BLOCKS_MAX: usize = 1 << 16;

/// The tree of hashes over a run's events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// Hashes by level: of blocks of 2^floor events, of twice as many, and so on.
    levels: Vec<Vec<u64>>,
    /// The open blocks below the lowest level, by level.
    open: Vec<Option<u64>>,
    event_count: u64,
}

impl Digests {
    /// Adds an event by its hash.
    pub(super) fn push(&mut self, hash: u64) {
        self.event_count += 1;
        let mut hash = hash;
        for open in &mut self.open {
            match open.take() {
                Some(left) => hash = join(left, hash),
                None => {
                    *open = Some(hash);
                    return;
                }
            }
        }
        self.add_block(hash);
        if BLOCKS_MAX <= self.levels[0].len() {
            self.levels.remove(0);
            self.open.push(None);
        }
    }

    fn add_block(&mut self, hash: u64) {
        let mut hash = hash;
        for level in &mut self.levels {
            level.push(hash);
            match level[..] {
                [.., left, right] if level.len().is_multiple_of(2) => hash = join(left, right),
                _ => return,
            }
        }
        self.levels.push(vec![hash]);
    }

    /// How many events there are.
    pub fn event_count(&self) -> u64 {
        self.event_count
    }

    /// The digest of all events.
    pub fn root(&self) -> u64 {
        let unpaired = |level: &&Vec<u64>| level.len() % 2 == 1;
        let peaks = self.levels.iter().rev().filter(unpaired);
        let peaks = peaks.filter_map(|level| level.last());
        let open = self.open.iter().rev().flatten();
        peaks
            .chain(open)
            .fold(self.event_count, |root, peak| join(root, *peak))
    }

    /// The range of events that holds the first difference from another run; `None` if they are
    /// equal.
    pub fn divergence(&self, other: &Digests) -> Option<Range<u64>> {
        if self.event_count == other.event_count && self.root() == other.root() {
            return None;
        }
        let floor = self.open.len().max(other.open.len());
        let top = self.height().max(other.height());
        let mut index = 0;
        for level in (floor..top).rev() {
            index *= 2;
            while let Some(block) = self.block(level, index)
                && other.block(level, index) == Some(block)
            {
                index += 1;
            }
        }
        Some((index as u64) << floor..(index as u64 + 1) << floor)
    }

    fn height(&self) -> usize {
        self.open.len() + self.levels.len()
    }

    fn block(&self, level: usize, index: usize) -> Option<u64> {
        let level = level.checked_sub(self.open.len())?;
        self.levels.get(level)?.get(index).copied()
    }
}

fn join(left: u64, right: u64) -> u64 {
    mix(mix(left) ^ right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(hashes: impl IntoIterator<Item = u64>) -> Digests {
        let mut digests = Digests::default();
        hashes.into_iter().for_each(|hash| digests.push(hash));
        digests
    }

    #[test]
    fn equal_runs_do_not_diverge() {
        for count in 0..100 {
            assert_eq!(digests(0..count).divergence(&digests(0..count)), None);
            assert_eq!(digests(0..count).root(), digests(0..count).root());
        }
    }

    #[test]
    fn two_runs_diverge_at_the_first_event_that_differs() {
        for count in 1..70 {
            let run = digests(0..count);
            for at in 0..count {
                let other = |index| if index < at { index } else { index + 1000 };
                let other = digests((0..count + at % 3).map(other));
                assert_eq!(run.divergence(&other), Some(at..at + 1), "{at} of {count}");
                assert_ne!(run.root(), other.root());
            }
        }
    }

    #[test]
    fn a_run_that_ends_early_diverges_at_its_end() {
        for count in 0..70 {
            for more in 1..9 {
                let (short, long) = (digests(0..count), digests(0..count + more));
                assert_eq!(short.divergence(&long), Some(count..count + 1));
                assert_eq!(long.divergence(&short), Some(count..count + 1));
                assert_ne!(short.root(), long.root());
            }
        }
    }

    #[test]
    fn a_long_run_is_remembered_by_blocks_and_in_bounded_memory() {
        let count = 10 * BLOCKS_MAX as u64 + 7;
        let run = digests(0..count);
        let node_count: usize = run.levels.iter().map(Vec::len).sum();
        assert!(node_count < 2 * BLOCKS_MAX);
        for at in [0, 1, 12_345, count - 9, count - 1] {
            let other = digests((0..count).map(|index| index ^ u64::from(index == at)));
            let divergence = run.divergence(&other).expect("they differ");
            assert!(divergence.contains(&at), "{at} is not in {divergence:?}");
            assert!(divergence.end - divergence.start <= 16);
        }
    }

    #[test]
    fn a_long_run_and_a_short_one_diverge_where_the_short_one_ends() {
        let (short, long) = (digests(0..1000), digests(0..4 * BLOCKS_MAX as u64));
        let divergence = short.divergence(&long).expect("they differ");
        assert!(divergence.contains(&1000), "{divergence:?}");
    }
}
