use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use proptest::collection::vec;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::{Cursor, Node, Step, Tree, TreeBuilder, TreeError, VALUE_MAX};
use crate::base::DecodeError;
use crate::format::BLOCK_LEN;

type Entries<const L: usize> = Vec<([u8; L], u64)>;

fn build<const L: usize>(entries: impl IntoIterator<Item = ([u8; L], u64)>) -> Tree {
    let mut builder = TreeBuilder::<L>::new();
    for (key, value) in entries {
        builder.push(&key, value).unwrap();
    }
    let count_before = builder.block_count();
    let tree = builder.finish();
    assert!(count_before < tree.blocks.len() / BLOCK_LEN);
    tree
}

fn block(tree: &Tree, block_index: u32) -> &[u8] {
    &tree.blocks[block_index as usize * BLOCK_LEN..][..BLOCK_LEN]
}

fn nodes<const L: usize>(tree: &Tree) -> Vec<Node<L>> {
    let blocks = tree.blocks.chunks_exact(BLOCK_LEN);
    blocks.map(|block| Node::decode(block).unwrap()).collect()
}

/// All entries of a cursor, and how many blocks it asked for.
fn run<const L: usize>(
    tree: &Tree,
    mut cursor: Cursor<L>,
) -> Result<(Entries<L>, usize), DecodeError> {
    let mut entries = Vec::new();
    let mut block_count = 0;
    loop {
        match cursor.next()? {
            Step::Need(block_index) => {
                cursor.feed(block_index, block(tree, block_index))?;
                block_count += 1;
            }
            Step::Entry(key, value) => entries.push((key, value)),
            Step::End => break,
        }
    }
    assert_eq!(cursor.next(), Ok(Step::End));
    Ok((entries, block_count))
}

fn forward<const L: usize>(tree: &Tree, keys: RangeInclusive<[u8; L]>) -> Entries<L> {
    run(tree, Cursor::forward(tree.root_block, keys)).unwrap().0
}

fn backward<const L: usize>(tree: &Tree, keys: RangeInclusive<[u8; L]>) -> Entries<L> {
    run(tree, Cursor::backward(tree.root_block, keys))
        .unwrap()
        .0
}

fn get<const L: usize>(tree: &Tree, key: [u8; L]) -> Option<u64> {
    let (entries, block_count) = run(tree, Cursor::forward(tree.root_block, key..=key)).unwrap();
    let root = Node::<L>::decode(block(tree, tree.root_block)).unwrap();
    assert!(block_count <= usize::from(root.level()) + 1);
    assert!(entries.len() <= 1);
    entries.first().map(|(_, value)| *value)
}

/// Asserts that a tree has the answers of a map.
fn check<const L: usize>(tree: &Tree, model: &BTreeMap<[u8; L], u64>, [a, b]: [[u8; L]; 2]) {
    let keys = a.min(b)..=a.max(b);
    let mut expected = model
        .range(keys.clone())
        .map(|(key, value)| (*key, *value))
        .collect::<Vec<_>>();
    assert_eq!(forward(tree, keys.clone()), expected);
    expected.reverse();
    assert_eq!(backward(tree, keys), expected);
    assert_eq!(get(tree, a), model.get(&a).copied());
}

const fn all<const L: usize>() -> RangeInclusive<[u8; L]> {
    [0; L]..=[0xFF; L]
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A peer's pages: their hash, the counts of their nodes, and the lengths of the leaves' prefixes.
fn check_golden<const L: usize>(tree: &Tree, hash: &str, counts: &[usize], prefix_lens: &[usize]) {
    let nodes = nodes::<L>(tree);
    assert_eq!(nodes.iter().map(Node::count).collect::<Vec<_>>(), counts);
    let leaves = nodes.iter().filter(|node| node.is_leaf());
    let lens = leaves.map(|node| node.prefix().len());
    assert_eq!(lens.collect::<Vec<_>>(), prefix_lens);
    assert_eq!(tree.root_block as usize + 1, nodes.len());
    assert_eq!(sha256(&tree.blocks), hash);
}

fn six(text: &str) -> [u8; 6] {
    text.as_bytes().try_into().unwrap()
}

const BASIC: [&str; 8] = [
    "xaaaaa", "xaaaba", "xaaaca", "xabaaa", "xababa", "xabaca", "xabada", "xabadb",
];

fn basic() -> Tree {
    build(BASIC.iter().zip(0..).map(|(key, value)| (six(key), value)))
}

#[test]
fn a_small_tree_has_the_bytes_of_a_peer() {
    let tree = basic();
    let hash = "c282b987f7edfc4b04f305429fd66d2f92a41099ac17ad85d9e5c18f66071b7d";
    check_golden::<6>(&tree, hash, &[8], &[0]);
    let values = (0..8).flat_map(|value| [0, 0, 0, 0, value]);
    let head = [0, 8, 0, 0, 6]
        .into_iter()
        .chain(BASIC.concat().into_bytes());
    assert_eq!(tree.blocks[..93], head.chain(values).collect::<Vec<u8>>());
}

#[test]
fn a_small_tree_is_read_in_both_directions() {
    let tree = basic();
    let keys = |entries: Entries<6>| {
        let keys = entries.iter().map(|(key, _)| str::from_utf8(key).unwrap());
        keys.collect::<Vec<_>>().join(" ")
    };
    for (key, value) in BASIC.iter().zip(0..) {
        assert_eq!(get(&tree, six(key)), Some(value));
    }
    for key in ["aaaaaa", "zzzzzz", "xaaabx"] {
        assert_eq!(get(&tree, six(key)), None);
    }
    let from = six("xabaaa");
    assert_eq!(keys(forward(&tree, from..=[0xFF; 6])), BASIC[3..].join(" "));
    assert_eq!(
        keys(backward(&tree, [0; 6]..=from)),
        "xabaaa xaaaca xaaaba xaaaaa"
    );
    assert_eq!(keys(backward(&tree, [0; 6]..=six("aaaaaa"))), "");
    assert_eq!(keys(forward(&tree, all())), BASIC.join(" "));
}

#[test]
fn a_full_leaf_is_compressed_and_read_around_every_key() {
    let entries = (0..1000).map(|i: u64| ((1 + 2 * i).to_be_bytes(), i));
    let tree = build(entries.clone());
    let hash = "a38e9a0fa6023d881a7c4d5c865ed994560cbaf73df957f8cfb571c4eea4ece1";
    check_golden::<8>(&tree, hash, &[1000], &[6]);
    let model = entries.collect::<BTreeMap<_, _>>();
    for key in 0..2010_u64 {
        let (low, high) = (key.saturating_sub(20), key + 20);
        check(&tree, &model, [key.to_be_bytes(), high.to_be_bytes()]);
        check(&tree, &model, [key.to_be_bytes(), low.to_be_bytes()]);
    }
    check(&tree, &model, [[0; 8], [0xFF; 8]]);
}

fn relation_key(i: u32) -> [u8; 18] {
    let mut key = [0; 18];
    key[..14].copy_from_slice(&[0, 0, 0, 6, 0x7F, 0, 0, 0, 1, 0, 0, 0, 0xAE, 0]);
    key[14..].copy_from_slice(&i.to_be_bytes());
    key
}

fn relation_tree(count: u32) -> Tree {
    build((0..count).map(|i| (relation_key(i), 8192 + 5 * u64::from(i))))
}

#[test]
fn trees_of_two_levels_have_the_bytes_of_a_peer() {
    let hash = "8c2e9b059368a254d8543be2b7b6b8367cf4ae795a7c75b2531c45db89bed6a6";
    let counts = [1167, 1167, 1167, 1167, 1167, 1167, 1167, 23, 8];
    let prefix_lens = [16, 16, 16, 16, 16, 16, 16, 0];
    check_golden::<18>(&relation_tree(0x2000), hash, &counts, &prefix_lens);

    let hash = "5c63302fe9c208608e81cd1a00f308423a95a5408ef2252c51b3ba3857830906";
    check_golden::<18>(&relation_tree(0x800), hash, &[1167, 881, 2], &[16, 16]);

    let tree = build((0..100_000).map(|i: u64| (u128::from(i).to_be_bytes(), i)));
    let hash = "8c47be901362a76cdeed7c651ce641219fc560d879810c4a64908886869082a2";
    // One leaf holds keys on both sides of 0x10000, which share a byte less.
    let (mut counts, mut prefix_lens) = ([1167; 87], [14; 86]);
    (counts[56], prefix_lens[56]) = (1021, 13);
    (counts[85], counts[86]) = (951, 86);
    check_golden::<16>(&tree, hash, &counts, &prefix_lens);
}

#[test]
fn a_tree_without_entries_is_an_empty_leaf() {
    let tree = build::<18>([]);
    assert_eq!(tree.root_block, 0);
    assert_eq!(tree.blocks[..5], [0, 0, 0, 0, 18]);
    assert_eq!(forward::<18>(&tree, all()), []);
    assert_eq!(backward::<18>(&tree, all()), []);
}

#[test]
fn keys_strictly_ascend() {
    let mut builder = TreeBuilder::<2>::new();
    builder.push(b"ba", 1).unwrap();
    builder.push(b"bb", 2).unwrap();
    let unsorted = |key: &[u8]| {
        let (key, last) = (key.to_vec(), b"bb".to_vec());
        Err(TreeError::UnsortedInput { key, last })
    };
    assert_eq!(builder.push(b"aa", 3), unsorted(b"aa"));
    assert_eq!(builder.push(b"bb", 3), unsorted(b"bb"));
    builder.push(b"bc", 4).unwrap();
    let tree = builder.finish();
    assert_eq!(
        forward(&tree, all()),
        [(*b"ba", 1), (*b"bb", 2), (*b"bc", 4)]
    );
}

#[test]
fn values_have_39_bits() {
    let mut builder = TreeBuilder::<2>::new();
    let value = VALUE_MAX + 1;
    assert_eq!(
        builder.push(b"ba", value),
        Err(TreeError::AppendOverflow { value })
    );
    builder.push(b"ba", VALUE_MAX).unwrap();
    assert_eq!(get(&builder.finish(), *b"ba"), Some(VALUE_MAX));
}

/// The generator of the golden files.
fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[test]
fn random_keys_are_found_as_in_a_map() {
    let mut state = 42;
    // Dense near 0, with a long sparse tail.
    let mut random_key = || {
        let uniform = (splitmix64(&mut state) >> 11) as f64 / (1_u64 << 53) as f64;
        ((-uniform.ln() * 1e6).floor() as u128).to_be_bytes()
    };
    let keys = (0..100_000).map(|_| random_key()).zip(0..);
    let model = keys.collect::<BTreeMap<[u8; 16], u64>>();
    let tree = build(model.iter().map(|(key, value)| (*key, *value)));
    for _ in 0..100_000 {
        let key = random_key();
        assert_eq!(get(&tree, key), model.get(&key).copied());
    }
    for key in [[0; 16], [0xFF; 16]] {
        assert_eq!(get(&tree, key), model.get(&key).copied());
    }
    check(&tree, &model, [[0; 16], [0xFF; 16]]);
}

/// Keys of 250 bytes make nodes of 32 entries, and so trees of many levels.
fn long_key(i: u32) -> [u8; 250] {
    let mut key = [0; 250];
    key[..4].copy_from_slice(&i.to_be_bytes().map(|byte| byte.reverse_bits()));
    key[..4].reverse();
    key[246..].copy_from_slice(&i.to_be_bytes());
    key
}

fn tall_model(count: u32) -> BTreeMap<[u8; 250], u64> {
    (0..count).map(|i| (long_key(i), u64::from(i))).collect()
}

fn tall_tree(count: u32) -> Tree {
    build(tall_model(count))
}

#[test]
fn trees_of_many_levels_are_read_as_a_map() {
    for (count, level) in [(32, 0), (33, 1), (1024, 1), (1025, 2), (33_000, 3)] {
        let (tree, model) = (tall_tree(count), tall_model(count));
        let root = Node::<250>::decode(block(&tree, tree.root_block)).unwrap();
        assert_eq!(root.level(), level);
        check(&tree, &model, [[0; 250], [0xFF; 250]]);
        for i in (0..count + 100).step_by(997) {
            check(&tree, &model, [long_key(i), long_key(i / 2)]);
        }
    }
}

/// In both directions it is the value of the next key, unless a node ends in between.
#[test]
fn a_cursor_tells_the_value_behind_an_entry() {
    let tree = tall_tree(200);
    let mut lasts = Vec::new();
    for node in nodes::<250>(&tree).iter().filter(|node| node.is_leaf()) {
        lasts.push(node.value(node.count() - 1));
    }
    let values: Vec<u64> = tall_model(200).into_values().collect();
    for cursor in [Cursor::forward, Cursor::backward] {
        let mut cursor: Cursor<250> = cursor(tree.root_block, all());
        let mut found = Vec::new();
        loop {
            match cursor.next().unwrap() {
                Step::Need(index) => cursor.feed(index, block(&tree, index)).unwrap(),
                Step::Entry(_, value) => found.push((value, cursor.value_behind())),
                Step::End => break,
            }
        }
        found.sort_by_key(|(value, _)| values.iter().position(|it| it == value));
        let behind = values.iter().skip(1).copied().map(Some).chain([None]);
        let is_last = |value: &u64| lasts.contains(value);
        let expected = values.iter().zip(behind);
        let expected: Vec<_> = expected
            .map(|(value, behind)| (*value, behind.filter(|_| !is_last(value))))
            .collect();
        assert_eq!(found, expected);
    }
    assert_eq!(
        Cursor::<250>::forward(tree.root_block, all()).value_behind(),
        None
    );
}

#[test]
fn a_cursor_asks_for_no_block_outside_its_range() {
    let tree = relation_tree(0x2000);
    let blocks_of = |cursor| {
        let (entries, block_count) = run::<18>(&tree, cursor).unwrap();
        (entries.len(), block_count)
    };
    let runs = |first, last| {
        let keys = relation_key(first)..=relation_key(last);
        let backward = blocks_of(Cursor::backward(tree.root_block, keys.clone()));
        let forward = blocks_of(Cursor::forward(tree.root_block, keys));
        (forward, backward)
    };
    // The last key of the first leaf, the first one of the second, both, and all.
    assert_eq!(runs(1166, 1166), ((1, 2), (1, 2)));
    assert_eq!(runs(1167, 1167), ((1, 2), (1, 2)));
    assert_eq!(runs(1166, 1167), ((2, 3), (2, 3)));
    assert_eq!(runs(0, 0x2000), ((0x2000, 9), (0x2000, 9)));
    // Behind the last leaf nothing is known, but below the first is nothing.
    assert_eq!(runs(0x2000, 0x2000), ((0, 2), (0, 2)));
    let below = [0; 18]..=[0; 18];
    assert_eq!(
        blocks_of(Cursor::forward(tree.root_block, below.clone())),
        (0, 1)
    );
    assert_eq!(blocks_of(Cursor::backward(tree.root_block, below)), (0, 1));
    // A range without keys takes no block at all.
    let none = relation_key(2)..=relation_key(1);
    assert_eq!(blocks_of(Cursor::forward(tree.root_block, none)), (0, 0));
}

#[test]
fn a_damaged_head_is_named() {
    let cases: [(usize, u8, &str); 7] = [
        (
            0,
            0xFF,
            "count at offset 0: 65288 keys of 6 bytes do not fit into a block",
        ),
        (
            1,
            9,
            "keys at offset 5: expected 9 in strictly ascending order",
        ),
        (
            2,
            1,
            "values at offset 53: expected 8 as there are at level 1",
        ),
        (3, 1, "suffix length at offset 3: expected 1 + 6 to be 6"),
        (4, 5, "suffix length at offset 3: expected 0 + 5 to be 6"),
        (
            5,
            b'z',
            "keys at offset 5: expected 8 in strictly ascending order",
        ),
        (
            53,
            0x80,
            "values at offset 53: expected 8 as there are at level 0",
        ),
    ];
    for (place, byte, message) in cases {
        let mut block = basic().blocks;
        block[place] = byte;
        let error = Node::<6>::decode(block).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    let error = Node::<6>::decode(&basic().blocks[1..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "node at offset 0: expected 8192 bytes, found 8191"
    );
    let mut block = vec![0; BLOCK_LEN];
    Node::<6>::decode(block.as_slice()).unwrap_err();
    block[2] = 1;
    block[4] = 6;
    let error = Node::<6>::decode(block).unwrap_err();
    assert_eq!(
        error.to_string(),
        "count at offset 0: expected children of level 1, found none"
    );
}

/// The error of a cursor on a tree in which one block was replaced by another.
fn misdirected(tree: &Tree, block_index: u32, by: u32) -> String {
    let mut damaged = tree.clone();
    let place = block_index as usize * BLOCK_LEN;
    damaged.blocks[place..place + BLOCK_LEN].copy_from_slice(block(tree, by));
    let errors = [Cursor::forward, Cursor::backward].map(|cursor| {
        let cursor: Cursor<250> = cursor(tree.root_block, all());
        run(&damaged, cursor).unwrap_err().to_string()
    });
    assert_eq!(errors[0], errors[1]);
    errors[0].split_once(':').unwrap().0.to_owned()
}

#[test]
fn a_block_in_the_place_of_another_is_found() {
    let tree = tall_tree(1100);
    // Leaves come first, and the first inner node when 32 of them are full.
    let first_inner = nodes::<250>(&tree)
        .iter()
        .position(|node| node.level() == 1);
    let first_inner = first_inner.unwrap() as u32;
    assert_eq!(misdirected(&tree, 0, 1), "first key at offset 0");
    assert_eq!(misdirected(&tree, 1, first_inner), "level at offset 8192");
    let root_offset = u64::from(tree.root_block) * BLOCK_LEN as u64;
    // The root as its own child, which would be a cycle.
    let inner_offset = u64::from(first_inner) * BLOCK_LEN as u64;
    assert_eq!(
        misdirected(&tree, first_inner, tree.root_block),
        format!("level at offset {inner_offset}")
    );
    let mut circle = tree.clone();
    let root = Node::<250>::decode(block(&tree, tree.root_block)).unwrap();
    let first_value =
        root_offset as usize + 5 + root.prefix().len() + root.count() * (250 - root.prefix().len());
    circle.blocks[first_value + 1..first_value + 5].copy_from_slice(&tree.root_block.to_be_bytes());
    let error = run(&circle, Cursor::<250>::forward(tree.root_block, all())).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "child at offset {root_offset}: expected a block below {0}, found {0}",
            tree.root_block
        )
    );
}

/// The offset of the last key's suffix in the tree.
fn last_suffix<const L: usize>(tree: &Tree, block_index: u32) -> usize {
    let node = Node::<L>::decode(block(tree, block_index)).unwrap();
    let suffix_len = L - node.prefix().len();
    let offset = 5 + node.prefix().len() + (node.count() - 1) * suffix_len;
    block_index as usize * BLOCK_LEN + offset
}

fn check_last_key<const L: usize>(tree: &Tree, block_index: u32) {
    let error = run(tree, Cursor::<L>::forward(tree.root_block, all())).unwrap_err();
    let offset = u64::from(block_index) * BLOCK_LEN as u64;
    let start = format!("last key at offset {offset}: expected one below");
    assert!(error.to_string().starts_with(&start), "{error}");
}

#[test]
fn a_leaf_that_reaches_into_the_next_is_found() {
    // The first leaf ends with key 0x48E, and the next one starts with 0x48F.
    let mut tree = relation_tree(0x800);
    let last = last_suffix::<18>(&tree, 0);
    assert_eq!(tree.blocks[last..last + 2], [0x04, 0x8E]);
    tree.blocks[last + 1] = 0x8F;
    check_last_key::<18>(&tree, 0);
}

/// Only a higher level knows what follows the last child of a node.
#[test]
fn a_leaf_that_reaches_into_the_next_ones_parent_is_found() {
    let mut tree = tall_tree(1100);
    let nodes = nodes::<250>(&tree);
    let inner = nodes.iter().find(|node| node.level() == 1).unwrap();
    let leaf = inner.child_block(inner.count() - 1);
    let last = last_suffix::<250>(&tree, leaf);
    tree.blocks[last] = 0xFF;
    check_last_key::<250>(&tree, leaf);
}

#[test]
fn a_child_is_marked_by_one_bit_only() {
    let tree = relation_tree(0x800);
    let mut root = block(&tree, tree.root_block).to_vec();
    let first_value = 5 + 2 * 18;
    assert_eq!(root[first_value], 0x80);
    for first in [0x00, 0x81, 0xC0] {
        root[first_value] = first;
        let error = Node::<18>::decode(root.as_slice()).unwrap_err();
        assert!(
            error.to_string().starts_with("values at offset 41"),
            "{error}"
        );
    }
}

/// With a prefix of 3 bytes, the 1023rd entry would end with the block: 5 + 3 + 1023 * 8 = 8192.
#[test]
fn a_node_never_fills_its_block() {
    let entries = (0..2000_u32).map(|i| {
        let mut key = [1, 2, 3, 0, 0, 0];
        key[3..].copy_from_slice(&(i << 13).to_be_bytes()[1..]);
        (key, u64::from(i))
    });
    let tree = build(entries);
    let nodes = nodes::<6>(&tree);
    assert_eq!((nodes[0].count(), nodes[0].prefix().len()), (1022, 3));
}

#[test]
#[should_panic(expected = "wanted.block == block_index")]
fn a_cursor_is_fed_what_it_asked_for() {
    let tree = basic();
    let mut cursor = Cursor::<6>::forward(tree.root_block, all());
    assert_eq!(cursor.next(), Ok(Step::Need(0)));
    cursor.feed(1, block(&tree, 0)).unwrap();
}

/// Keys in clusters, so that nodes have prefixes of every length.
fn any_keys() -> impl Strategy<Value = Vec<[u8; 8]>> {
    let cluster = (any::<u64>(), 1..40_u32, 0..1500_u64).prop_map(|(start, step_bits, count)| {
        let step = 1_u64 << (step_bits % 40);
        (0..count).map(move |i| start.wrapping_add(i.wrapping_mul(step)).to_be_bytes())
    });
    vec(cluster, 0..5).prop_map(|clusters| clusters.into_iter().flatten().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_tree_answers_as_a_map(
        keys in any_keys(),
        others in any::<[[u8; 8]; 2]>(),
        place in any::<prop::sample::Index>(),
    ) {
        let model = keys.iter().copied().zip(0..).collect::<BTreeMap<_, _>>();
        let tree = build(model.iter().map(|(key, value)| (*key, *value)));
        check(&tree, &model, others);
        check(&tree, &model, [[0; 8], [0xFF; 8]]);
        if !keys.is_empty() {
            check(&tree, &model, [keys[place.index(keys.len())], others[0]]);
        }
        for node in nodes::<8>(&tree) {
            for i in 0..node.count() {
                prop_assert_eq!(node.count_below(&node.key(i)), i);
                prop_assert_eq!(node.count_up_to(&node.key(i)), i + 1);
            }
        }
    }

    #[test]
    fn a_damaged_tree_ends_in_order_or_with_an_error(
        places in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        in_heads in any::<bool>(),
    ) {
        let mut tree = tall_tree(1100);
        let block_count = tree.blocks.len() / BLOCK_LEN;
        for (place, byte) in places {
            let place = match in_heads {
                true => place.index(block_count * 5) / 5 * BLOCK_LEN + place.index(5),
                false => place.index(tree.blocks.len()),
            };
            tree.blocks[place] = byte;
        }
        for cursor in [Cursor::<250>::forward, Cursor::<250>::backward] {
            if let Ok((entries, visited)) = run(&tree, cursor(tree.root_block, all())) {
                let is_up = entries.is_sorted_by(|a, b| a.0 < b.0);
                prop_assert!(is_up || entries.is_sorted_by(|a, b| b.0 < a.0));
                prop_assert!(visited <= block_count);
            }
        }
    }

    #[test]
    fn no_bytes_make_a_node_panic(head in any::<[u8; 3]>(), bytes in vec(any::<u8>(), 0..200)) {
        let mut block = [&[0], head.as_slice(), bytes.as_slice()].concat();
        block.resize(BLOCK_LEN, 0);
        if let Ok(node) = Node::<6>::decode(block) {
            prop_assert!(node.count() <= BLOCK_LEN / 6);
            node.count_below(&[7; 6]);
        }
    }
}
