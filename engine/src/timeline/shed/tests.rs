//! What becomes of a layer from before a split, by its keys and LSNs.

use super::*;
use crate::base::{Key, KeyRange, LsnRange, ShardIdentity};
use crate::format::ShardOrigin;

/// Shard 3 of 4, with stripes of 0x800 blocks: of relation 0xae it holds the second and fourth
/// stripe, and neither the first nor the third.
fn shard() -> IndexShard {
    IndexShard {
        identity: ShardIdentity::new(3, 4, 0x800).unwrap(),
        origins: vec![ShardOrigin {
            through: Generation(5),
            count: 0,
        }],
    }
}

fn block(number: u32) -> Key {
    Key {
        field4: 0xae,
        field6: number,
        ..Key::MIN
    }
}

fn blocks(start: u32, end: u32) -> KeyRange {
    KeyRange::new(block(start), block(end))
}

#[test]
fn a_layer_is_dropped_rewritten_or_left_by_its_keys_and_its_end() {
    use Lot::{Drop, Leave, Rewrite};
    let all = KeyRange::ALL;
    // At 0x800 the own keys begin: of 1000 keys before it, and some behind it.
    let own = |count: u32| blocks(0x800 - (1000 - count), 0x800 + count);
    let cases = [
        ("no own key", blocks(0, 0x800), 10, Drop),
        ("no own key, above the cutoff", blocks(0, 0x800), 90, Drop),
        ("one key, of another", blocks(7, 8), 10, Drop),
        ("own keys only", blocks(0x800, 0x1000), 10, Leave),
        ("three in ten", own(300), 10, Rewrite),
        ("more than three in ten", own(301), 10, Leave),
        ("two of five hundred", own(2), 10, Rewrite),
        ("unknown keys", all, 10, Rewrite),
        ("ends right below the cutoff", all, 48, Rewrite),
        ("ends at the cutoff", all, 49, Leave),
        ("above the cutoff", all, 90, Leave),
    ];
    for (what, keys, lsn, expected) in cases {
        let lsn = Lsn(lsn);
        let found = lot(&LayerName::Image { keys, lsn }, &shard(), Lsn(50));
        assert!(found == expected, "an image of {what}");
        let lsns = LsnRange::new(lsn, lsn.visible_end());
        let found = lot(&LayerName::Delta { keys, lsns }, &shard(), Lsn(50));
        let expected = match expected {
            Drop => Drop,
            Leave | Rewrite => Leave,
        };
        assert!(found == expected, "a delta of {what}");
    }
}

#[test]
fn a_plan_prints_what_it_does() {
    let image = |keys| LayerName::Image { keys, lsn: Lsn(16) };
    let plan = ShedPlan {
        dropped: vec![image(blocks(0, 2))],
        rewritten: vec![image(blocks(2, 4))],
        pending_count: 1,
    };
    let text = plan.to_string();
    assert!(
        text.starts_with("shed, 1 left for later\n  drop 00"),
        "{text}"
    );
    assert!(text.contains("\n  rewrite 00"), "{text}");
}
