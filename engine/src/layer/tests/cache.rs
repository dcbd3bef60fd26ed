//! The block cache: it is bounded, deterministic, and saves reads.

use super::super::BlockCache;
use super::{Records, Shelf, append, gather, history, image, key, l0, op};
use crate::base::{Key, Lsn};
use crate::format::{BLOCK_LEN, Node, TreeBuilder};
use crate::io::block_on;
use crate::io::tests::faulty::Call;

type ImageNode = Node<{ Key::LEN }>;

fn node(number: u32) -> ImageNode {
    let mut tree = TreeBuilder::<{ Key::LEN }>::new();
    tree.push(&key(number).to_bytes(), u64::from(number))
        .unwrap();
    Node::decode(tree.finish().blocks).unwrap()
}

#[test]
fn a_node_without_room_is_not_cached() {
    for len_max in [0, 1, BLOCK_LEN as u64 - 1] {
        let cache = BlockCache::new(len_max);
        for block_index in 0..10 {
            cache.insert(0, block_index, node(block_index));
            assert!(cache.get::<ImageNode>(0, block_index).is_none());
        }
        assert_eq!(cache.byte_len(), 0);
    }
}

#[test]
fn the_cache_uses_its_length_and_never_exceeds_it() {
    for block_count in [2, 3, 40, 1000] {
        let len_max = block_count * (BLOCK_LEN as u64 + 256);
        let cache = BlockCache::new(len_max);
        for block_index in 0..4 * block_count as u32 {
            cache.insert(7, block_index, node(block_index));
            assert!(cache.byte_len() <= len_max);
        }
        assert!(len_max / 2 < cache.byte_len(), "of {block_count} blocks");
    }
}

/// The blocks that are cached after a walk over many more, some of which are read repeatedly.
fn kept_after_a_walk() -> Vec<u32> {
    let cache = BlockCache::new(64 * BLOCK_LEN as u64);
    for step in 0..2000_u32 {
        for block_index in [step % 16, step] {
            if cache.get::<ImageNode>(1, block_index).is_none() {
                cache.insert(1, block_index, node(block_index));
            }
        }
    }
    let is_kept = |block_index: &u32| cache.get::<ImageNode>(1, *block_index).is_some();
    (0..2000).filter(is_kept).collect()
}

#[test]
fn every_run_caches_equal_blocks_and_hot_blocks_are_among_them() {
    let kept = kept_after_a_walk();
    assert_eq!(kept, kept_after_a_walk());
    assert!(kept.starts_with(&Vec::from_iter(0..16)), "{kept:?}");
}

#[test]
fn no_two_files_have_the_same_number() {
    let cache = BlockCache::new(1 << 20);
    let numbers: [u64; 3] = std::array::from_fn(|_| cache.number_file());
    assert_eq!(numbers, [0, 1, 2]);
    cache.insert(numbers[0], 5, node(1));
    assert!(cache.get::<ImageNode>(numbers[1], 5).is_none());
    assert_eq!(cache.get::<ImageNode>(numbers[0], 5).unwrap().value(0), 1);
}

/// The I/O calls of a read at the point.
fn calls(shelf: &Shelf, layer: &super::DeltaLayer<super::FaultyIo>, at: (Key, Lsn)) -> Vec<Call> {
    shelf.io.take_calls();
    block_on(gather(layer, at)).unwrap();
    shelf
        .io
        .take_calls()
        .into_iter()
        .map(|(call, _)| call)
        .collect()
}

#[test]
fn a_read_that_ends_at_a_root_in_the_cache_asks_the_file_for_nothing() {
    let shelf = Shelf::new();
    let records = Records::from([
        ((key(1), Lsn(5)), image("x")),
        ((key(3), Lsn(5)), image("y")),
    ]);
    let entry = block_on(shelf.write(l0(1, 10), &records)).unwrap();
    let layer = shelf.layer(entry);
    let absent = [(key(2), Lsn(9)), (key(1), Lsn(4))];
    assert_ne!(calls(&shelf, &layer, absent[0]), []);
    for at in absent {
        assert_eq!(calls(&shelf, &layer, at), []);
    }
    assert_eq!(calls(&shelf, &layer, (key(3), Lsn(9))), [Call::Read]);
}

#[test]
fn reads_are_right_without_any_room_for_blocks() {
    let mut shelf = Shelf::new();
    shelf.context.cache = BlockCache::new(0).into();
    let at = |number: u32| (key(number / 5), Lsn(1 + u64::from(number % 5)));
    let records: Records = (0..3000).map(|number| (at(number), append("+"))).collect();
    block_on(async {
        let entry = shelf.write(l0(1, 10), &records).await.unwrap();
        let layer = shelf.layer(entry);
        for &point in records.keys().step_by(41) {
            let found = gather(&layer, point).await.unwrap();
            assert!(found == history(&records, point), "{point:?}");
        }
        assert_eq!(shelf.context.cache.byte_len(), 0);
        let located = layer
            .locate(op(), super::KeyRange::ALL, layer.lsns(), 1000)
            .await;
        assert_eq!(located.unwrap().len(), records.len());
    });
}
