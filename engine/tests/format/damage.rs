//! Indexes that are cut anywhere.

use palimpsest::format::dump_index;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::dumps;

#[test]
fn every_cut_is_found() {
    let index = dumps::index().encode();
    for len in 0..index.len() {
        dump_index(&index[..len]).unwrap_err();
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_dump_panic(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert!(dump_index(&bytes).is_err());
    }
}
