//! The limits of a layer's file.

use super::super::{DeltaWriter, ImageWriter};
use super::{Shelf, encode, image, image_plan, key, l0, op};
use crate::base::{Error, KeyRange, Lsn};
use crate::format::{self, BLOB_LEN_MAX};
use crate::io::block_on;

const BLOCK_LEN: u64 = format::BLOCK_LEN as u64;

/// The skipped bytes are a hole, which takes no disk space.
#[test]
fn a_file_is_never_longer_than_an_object_store_takes_in_one_part() {
    let shelf = Shelf::new();
    let value = encode(&image(vec![1; 64]));
    block_on(async {
        let writer = DeltaWriter::create(&shelf.context, op(), l0(1, 10)).await;
        let mut writer = writer.unwrap();
        writer.skip_to(4_497_600_000 / BLOCK_LEN * BLOCK_LEN);
        let mut pushed = Ok(());
        let mut number = 0;
        while pushed.is_ok() {
            number += 1;
            pushed = writer.push((key(number), Lsn(5)), &value, true).await;
        }
        assert!(matches!(pushed, Err(Error::Refused { .. })), "{pushed:?}");
        assert!(writer.blobs_len() <= 4_500_000_000);
    });
    assert_eq!(shelf.names(), [""; 0]);
}

#[test]
fn a_value_that_is_longer_than_a_blob_is_refused_and_the_next_is_not() {
    let shelf = Shelf::new();
    block_on(async {
        let writer = ImageWriter::create(&shelf.context, op(), image_plan(KeyRange::ALL)).await;
        let mut writer = writer.unwrap();
        let too_long = vec![0; BLOB_LEN_MAX + 1];
        let refused = writer.push(key(1), &too_long).await;
        assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
        writer.push(key(2), b"two").await.unwrap();
        let layer = writer.finish(key(3)).await.unwrap();
        let located = layer.locate(op(), KeyRange::ALL, 10).await.unwrap();
        assert_eq!(
            located.iter().map(|it| it.key).collect::<Vec<_>>(),
            [key(2)]
        );
    });
}
