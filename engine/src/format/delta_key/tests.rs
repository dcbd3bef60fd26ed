use proptest::prelude::*;

use super::{BlobRef, DeltaKey};
use crate::base::{Key, Lsn};
use crate::format::btree::VALUE_MAX;

#[test]
fn key_stands_before_lsn() {
    let key = Key::MIN.add(0x0A0B0C0D);
    let lsn = Lsn(0x0102_0304_0506_0708);
    let mut expected = [0; DeltaKey::LEN];
    expected[14..].copy_from_slice(&[0x0A, 0x0B, 0x0C, 0x0D, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(DeltaKey { key, lsn }.to_bytes(), expected);
}

#[test]
fn will_init_is_the_lowest_bit() {
    assert_eq!(BlobRef::new(8192, true).to_value(), 0x4001);
    assert_eq!(BlobRef::new(8223, false).to_value(), 0x403E);
    assert_eq!(
        BlobRef::new(BlobRef::OFFSET_MAX, true).to_value(),
        VALUE_MAX
    );
}

#[test]
#[should_panic(expected = "OFFSET_MAX")]
fn an_offset_beyond_the_trees_values_is_refused() {
    BlobRef::new(BlobRef::OFFSET_MAX + 1, false);
}

proptest! {
    #[test]
    fn from_bytes_undoes_to_bytes(bytes in any::<[u8; DeltaKey::LEN]>()) {
        prop_assert_eq!(DeltaKey::from_bytes(bytes).to_bytes(), bytes);
    }

    #[test]
    fn delta_keys_are_ordered_as_their_bytes(
        a in any::<[u8; DeltaKey::LEN]>(),
        b in any::<[u8; DeltaKey::LEN]>(),
        is_same_key in any::<bool>(),
    ) {
        let mut other = b;
        if is_same_key {
            other[..Key::LEN].copy_from_slice(&a[..Key::LEN]);
        }
        let (x, y) = (DeltaKey::from_bytes(a), DeltaKey::from_bytes(other));
        prop_assert_eq!(x.cmp(&y), a.cmp(&other));
    }

    #[test]
    fn a_blob_ref_keeps_its_parts(offset in 0..=BlobRef::OFFSET_MAX, will_init in any::<bool>()) {
        let blob_ref = BlobRef::new(offset, will_init);
        prop_assert_eq!(blob_ref.offset(), offset);
        prop_assert_eq!(blob_ref.will_init(), will_init);
        prop_assert!(blob_ref.to_value() <= VALUE_MAX);
        prop_assert_eq!(BlobRef::from_value(blob_ref.to_value()), blob_ref);
    }
}
