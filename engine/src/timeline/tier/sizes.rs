//! A peer's simulator of tiered compaction, on the sizes of records alone: what is written comes in
//! as L0s, every level that is due is merged, and no record is lost on the way.

use super::level::depth;
use super::*;
use crate::base::{Key, KeySpace, LsnRange};
use crate::layer::{CutPlan, Cutter, Fill, Piece};
use crate::timeline::options::Options;

/// A record: its key, its LSN and its length in bytes.
type Sized = (Key, Lsn, u64);

/// The layers of a timeline with the records of each, by key and LSN.
struct World {
    layers: Vec<(LayerName, Vec<Sized>)>,
    options: Options,
    end: Lsn,
    merge_count: u32,
}

impl World {
    /// Layers of about `len_target` bytes; a record's LSN is as far above the last as it is long.
    fn new(len_target: u64) -> World {
        World {
            layers: Vec::new(),
            options: Options {
                l0_count_trigger: 3,
                tier_distance: len_target,
                layer_len_target: len_target,
                ..Options::default()
            },
            end: Lsn(1),
            merge_count: 0,
        }
    }

    /// Flushes an L0 of these records, and merges what is due.
    fn put(&mut self, records: impl Iterator<Item = (u32, u64)>) {
        let start = self.end;
        let mut flushed: Vec<Sized> = Vec::new();
        for (number, len) in records {
            flushed.push((Key::MIN.add(number), self.end, len));
            self.end = Lsn(self.end.0 + len);
        }
        flushed.sort_unstable();
        let name = LayerName::Delta {
            keys: KeyRange::ALL,
            lsns: LsnRange::new(start, self.end),
        };
        self.layers.push((name, flushed));
        while self.merge() {}
    }

    /// Merges a level; false if none is due.
    fn merge(&mut self) -> bool {
        let limits = TierLimits {
            keys: KeySpace::new(),
            cutoff: Lsn::ZERO,
            covered: None,
        };
        let layers: Vec<(LayerName, u64)> = self
            .layers
            .iter()
            .map(|(name, records)| (*name, len(records)))
            .collect();
        let Some(plan) = plan(&layers, &limits, &self.options, Mode::ByNeed) else {
            return false;
        };
        let is_input = |(name, _): &(LayerName, Vec<Sized>)| plan.deltas.contains(name);
        let (inputs, mut left): (Vec<_>, Vec<_>) = self.layers.drain(..).partition(is_input);
        let mut records: Vec<Sized> = inputs.into_iter().flat_map(|(_, it)| it).collect();
        records.sort_unstable();
        let mut cutter = Cutter::new(CutPlan {
            lsns: plan.lsns,
            len_target: self.options.layer_len_target,
            fill: Fill::FromTarget,
        });
        let each = records.iter();
        each.for_each(|(key, lsn, len)| cutter.push(*key, *lsn, *len));
        let mut rest = records.as_slice();
        for Piece { keys, lsns } in cutter.finish() {
            let is_inside = |(key, lsn, _): &Sized| keys.contains(*key) && lsns.contains(*lsn);
            let (inside, above) = rest.split_at(rest.partition_point(is_inside));
            left.push((LayerName::Delta { keys, lsns }, inside.to_vec()));
            rest = above;
        }
        assert!(rest.is_empty(), "a piece for each record");
        self.layers = left;
        self.merge_count += 1;
        true
    }

    /// Compares with what was put, and holds each layer against the bounds of its length.
    fn check(&self, record_count: usize, len_max: u64) {
        let mut held: Vec<&Sized> = self.layers.iter().flat_map(|(_, it)| it).collect();
        held.sort_unstable();
        assert_eq!(held.len(), record_count);
        assert!(held.windows(2).all(|pair| pair[0] != pair[1]));
        for (name, records) in &self.layers {
            assert!((1..len_max).contains(&len(records)), "{name}");
        }
        let names: Vec<LayerName> = self.layers.iter().map(|(name, _)| *name).collect();
        for (index, name) in names.iter().enumerate() {
            let overlaps = |other: &LayerName| {
                name.keys().overlaps(&other.keys()) && name.lsns().overlaps(&other.lsns())
            };
            let found = names[index + 1..].iter().find(|other| overlaps(other));
            assert_eq!(found, None, "{name}");
        }
        // Levels hold two layers at most, and the fourth is 47 targets high, more than was put.
        assert!(depth(&names, &KeySpace::new()) <= 2 * 5);
    }
}

fn len(records: &[Sized]) -> u64 {
    records.iter().map(|(_, _, len)| len).sum()
}

/// Numbers below `count` that follow from `number`.
fn spread(number: u32, count: u32) -> u32 {
    number.wrapping_mul(0x9E37_79B1) % count
}

#[test]
fn records_over_many_keys_stay_in_layers_of_the_target() {
    let mut world = World::new(500_000);
    for round in 0..400 {
        let numbers = round * 100..(round + 1) * 100;
        world.put(numbers.map(|number| (spread(number, 100_000), 500)));
    }
    // A piece is filled from the target on, and takes what is left below a quarter more.
    world.check(40_000, 500_000 + 125_000 + 500);
    assert!(100 < world.merge_count);
}

/// One key gets most of what is written: it is cut by LSN, and no layer is twice the target.
#[test]
fn records_of_one_key_stay_in_layers_of_the_target() {
    let mut world = World::new(1_000_000);
    for round in 0..1000 {
        let numbers = round * 3..(round + 1) * 3;
        let others = numbers.map(|number| (1 + spread(number, 100_000), 300));
        world.put(others.chain([(0, 3000); 6]));
    }
    world.check(9000, 2_000_000);
    assert!(300 < world.merge_count);
    let is_hot = |name: &LayerName| name.keys() == KeyRange::single(Key::MIN);
    let hot = world.layers.iter().filter(|(name, _)| is_hot(name));
    assert!(16 < hot.count(), "18 MB in slices of a megabyte at most");
}
