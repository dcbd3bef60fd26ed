//! The keys and bytes that the numbers of a plan stand for.

use palimpsest::base::{Key, KeyRange, KeySpace, Lsn, ShardIdentity, SparseKeys, TimelineId};

use crate::dice::mix;
use crate::label::TimelineLabel;
use crate::model;
use crate::plan::{KeyIndex, KeyLayout, Knobs};

/// The key that a number stands for. The first keys of a plan are those of which some are sparse,
/// and some are not inherited by branches: their numbers say which.
pub fn key(knobs: &Knobs, index: KeyIndex) -> Key {
    let number = u32::from(index.0);
    if knobs.sparse_count <= index.0 {
        return laid_out(knobs.layout, number);
    }
    // Some edges differ in the section alone, which is taken.
    let layout = match knobs.layout {
        KeyLayout::Edges => KeyLayout::Spread,
        layout => layout,
    };
    Key {
        field1: model::section(index.0),
        ..laid_out(layout, number)
    }
}

fn laid_out(layout: KeyLayout, number: u32) -> Key {
    match layout {
        KeyLayout::Dense => relation_block(0xAE00, number),
        KeyLayout::Spread => {
            relation_block(0x0080_0000_u32.wrapping_add(number * 0x1_0001), number % 3)
        }
        KeyLayout::Edges => edge(number),
    }
}

/// The keys of `count` successive numbers of a plan, from `first` on and around its end, sorted:
/// those that the shard holds.
pub fn some(knobs: &Knobs, (first, count): (KeyIndex, u16)) -> Vec<Key> {
    let key_count = u32::from(knobs.key_count);
    let numbers = (0..u32::from(count)).map(|at| (u32::from(first.0) + at) % key_count);
    let keys = numbers.map(|number| key(knobs, KeyIndex(number as u16)));
    let shard = ShardIdentity::from(knobs.shard);
    let mut keys: Vec<Key> = keys.filter(|key| shard.holds(*key)).collect();
    keys.sort();
    keys.dedup();
    keys
}

/// Every key of a plan that the shard holds, in order.
pub fn all(knobs: &Knobs) -> Vec<Key> {
    some(knobs, (KeyIndex(0), knobs.key_count))
}

/// The keys as a set.
pub fn space(keys: &[Key]) -> KeySpace {
    KeySpace::from_ranges(keys.iter().map(|key| KeyRange::single(*key)))
}

/// What the engine is told of the keys: nothing, if all are dense and inherited.
pub fn sparse(knobs: &Knobs) -> SparseKeys {
    if knobs.sparse_count == 0 {
        return SparseKeys::default();
    }
    let sections = |is_in: fn(Key) -> bool| {
        let start = |field1| Key { field1, ..Key::MIN };
        let all = model::SECTIONS
            .iter()
            .filter(|field1| is_in(start(**field1)));
        KeySpace::from_ranges(all.map(|field1| KeyRange::new(start(*field1), start(field1 + 1))))
    };
    SparseKeys::new(
        sections(model::is_sparse),
        sections(|key| !model::is_inherited(key)),
    )
}

fn relation_block(relation: u32, block: u32) -> Key {
    Key {
        field1: 0,
        field2: 0x67F,
        field3: 1,
        field4: relation,
        field5: 0,
        field6: block,
    }
}

/// Keys around the ends and the carries of the fields, all different.
fn edge(number: u32) -> Key {
    let step = number / 6;
    let carry = Key {
        field6: u32::MAX - 1,
        ..relation_block(7, 0)
    };
    match number % 6 {
        0 => Key::MIN.add(step),
        1 => carry.add(step),
        2 => Key {
            field5: u8::MAX,
            ..carry
        }
        .add(step),
        3 => Key {
            field1: 0x62,
            ..Key::MIN
        }
        .add(step),
        4 => Key {
            field4: u32::MAX,
            field5: u8::MAX,
            ..carry
        }
        .add(step),
        _ if step == 0 => Key {
            field6: u32::MAX - 1,
            ..Key::MAX
        },
        _ => Key {
            field1: 0xFE,
            field2: u32::MAX,
            ..Key::MAX
        }
        .checked_add(step)
        .unwrap_or(Key::MAX),
    }
}

/// The timeline that a letter stands for.
pub fn timeline(label: TimelineLabel) -> TimelineId {
    TimelineId([label.0; 16])
}

/// `len` bytes drawn from `seed`: always equal for one pair, and different for two.
pub fn bytes(seed: u64, len: u32) -> Vec<u8> {
    let word = |index: u32| mix(seed ^ mix(u64::from(index))).to_le_bytes();
    let mut bytes = Vec::with_capacity(len.next_multiple_of(8) as usize);
    for index in 0..len.div_ceil(8) {
        bytes.extend_from_slice(&word(index));
    }
    bytes.truncate(len as usize);
    bytes
}

/// The LSN `offset` away from `lsn`, clamped to the range of LSNs.
pub fn shifted(lsn: Lsn, offset: i64) -> Lsn {
    Lsn(lsn.0.saturating_add_signed(offset))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_number_is_another_key_below_the_last() {
        for layout in KeyLayout::ALL {
            for sparse_count in [0, 5, 999] {
                let knobs = Knobs {
                    layout,
                    sparse_count,
                    ..Knobs::plain()
                };
                let keys = (0..999).map(|index| key(&knobs, KeyIndex(index)));
                let keys: BTreeSet<Key> = keys.collect();
                assert_eq!(keys.len(), 999, "{layout:?}");
                assert!(!keys.contains(&Key::MAX), "no range can end behind it");
                let special = keys
                    .iter()
                    .filter(|key| model::SECTIONS.contains(&key.field1));
                assert_eq!(special.count(), usize::from(sparse_count));
            }
        }
    }
}
