//! Image layers: written, read back, looked up, filtered.

use bytes::Bytes;
use proptest::prelude::*;

use super::super::file::BlobPlace;
use super::super::{ImageFilePlan, ImageLayer, ImageWriter, LayerContext};
use super::{
    Images, LIMITS, Shelf, finish_image, image_plan, key, op, poke, poll_times, read_images,
};
use crate::base::{
    Error, FileName, Generation, Key, KeyRange, LayerName, Lsn, Result, ShardIdentity,
};
use crate::format::{BLOCK_LEN, ChecksumSection, Compression};
use crate::io::tests::faulty::{FaultyIo, Pace};
use crate::io::{Io, block_on};

fn keys(start: u32, end: u32) -> KeyRange {
    KeyRange::new(key(start), key(end))
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * at % 251) as u8).collect()
}

/// The values at these places.
async fn values<I: Io>(layer: &ImageLayer<I>, places: &[BlobPlace]) -> Vec<Bytes> {
    let stored = layer.read(op(), places, 1 << 16).await.unwrap();
    let decode = |(place, stored): (&BlobPlace, _)| layer.value_of(place.offset, stored);
    places
        .iter()
        .zip(stored)
        .map(decode)
        .collect::<Result<_, _>>()
        .unwrap()
}

/// Writes the images and reads them back in every way.
async fn check_round_trip(plan: ImageFilePlan, images: &Images) {
    let shelf = Shelf::new();
    let layer = finish_image(&shelf, plan, images).await.unwrap();
    layer.keep();
    let entry = *layer.entry();
    let path = shelf.dir.path().join(&shelf.names()[0]);
    assert_eq!(entry.len, std::fs::metadata(path).unwrap().len());
    drop(layer);
    let layer = ImageLayer::new(&shelf.context, entry);
    assert_eq!((layer.keys(), layer.lsn()), (plan.keys, plan.lsn));
    assert!(read_images(&layer, LIMITS).await.unwrap() == *images);
    for (&key, value) in images {
        let found = layer.locate(op(), KeyRange::single(key), 1).await.unwrap();
        let [located] = found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(
            (located.key, located.lsn, located.is_base),
            (key, plan.lsn, true)
        );
        let found = values(&layer, &[located.blob]).await;
        assert!(found == [value.clone()], "{key}");
    }
    let located = layer.locate(op(), KeyRange::ALL, usize::MAX).await.unwrap();
    let blobs: Vec<_> = located.iter().rev().map(|located| located.blob).collect();
    let found = values(&layer, &blobs).await;
    let expected: Vec<_> = images.values().rev().cloned().collect();
    assert!(found == expected);
}

#[test]
fn values_of_every_length_around_an_edge_come_back_compressed_or_not() {
    let lens = [0, 1, 127, 128, 8191, 8192, 8193, 70_000];
    let images: Images = (0..).map(key).zip(lens.map(bytes)).collect();
    for compression in [Compression::None, Compression::Zstd { level: 1 }] {
        let plan = ImageFilePlan {
            compression,
            ..image_plan(keys(0, 100))
        };
        block_on(check_round_trip(plan, &images));
    }
}

#[test]
fn an_image_of_no_key_says_that_none_has_a_value() {
    let plan = image_plan(keys(3, 7));
    block_on(async {
        check_round_trip(plan, &Images::new()).await;
        let shelf = Shelf::new();
        let layer = finish_image(&shelf, plan, &Images::new()).await.unwrap();
        assert_eq!(layer.locate(op(), keys(0, 9), 10).await.unwrap(), []);
        assert_eq!(layer.entry().len, 2 * BLOCK_LEN as u64 + 12);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_lookup_finds_what_a_map_does(
        numbers in proptest::collection::btree_set(0_u32..40, 0..40),
        (start, end, count_max) in (0_u32..42, 0_u32..42, 1_usize..12),
    ) {
        let images: Images = numbers.iter().map(|&it| (key(it), bytes(it as usize))).collect();
        let shelf = Shelf::new();
        let layer = block_on(finish_image(&shelf, image_plan(keys(0, 41)), &images)).unwrap();
        let found = block_on(layer.locate(op(), keys(start, end), count_max)).unwrap();
        let found: Vec<Key> = found.iter().map(|located| located.key).collect();
        let is_inside = |it: &&u32| start <= **it && **it < end;
        let expected = numbers.iter().filter(is_inside).take(count_max);
        prop_assert_eq!(found, Vec::from_iter(expected.map(|&it| key(it))));
    }
}

#[test]
fn the_range_ends_where_finish_says() {
    let shelf = Shelf::new();
    block_on(async {
        let plan = image_plan(keys(0, 100));
        let mut writer = ImageWriter::create(&shelf.context, op(), plan)
            .await
            .unwrap();
        writer.push(key(5), b"five").await.unwrap();
        assert_eq!(writer.blobs_len(), 5);
        let layer = writer.finish(key(6)).await.unwrap();
        assert_eq!(layer.keys(), keys(0, 6));
        assert_eq!(layer.entry().name.keys(), keys(0, 6));
        let images = Images::from([(key(5), b"five".to_vec())]);
        assert_eq!(read_images(&layer, LIMITS).await.unwrap(), images);
    });
}

#[test]
#[should_panic(expected = "last < keys_end")]
fn the_range_cannot_end_below_a_value() {
    let plan = image_plan(keys(0, 100));
    let shelf = Shelf::new();
    block_on(async {
        let mut writer = ImageWriter::create(&shelf.context, op(), plan)
            .await
            .unwrap();
        writer.push(key(5), b"five").await.unwrap();
        let _ = writer.finish(key(5)).await;
    });
}

#[test]
#[should_panic(expected = "self.name.keys().contains(key)")]
fn a_key_outside_of_the_plan_cannot_be_written() {
    let images = Images::from([(key(7), bytes(1))]);
    let _ = block_on(finish_image(&Shelf::new(), image_plan(keys(3, 7)), &images));
}

#[test]
#[should_panic(expected = "keys ascend")]
fn a_key_cannot_be_written_twice() {
    let shelf = Shelf::new();
    block_on(async {
        let plan = image_plan(keys(3, 7));
        let mut writer = ImageWriter::create(&shelf.context, op(), plan)
            .await
            .unwrap();
        for _ in 0..2 {
            writer.push(key(3), b"x").await.unwrap();
        }
    });
}

#[test]
fn a_cancelled_write_leaves_no_file() {
    let images: Images = (0..5).map(|number| (key(number), bytes(40_000))).collect();
    for poll_count in 0.. {
        let shelf = Shelf::new();
        shelf.io.set_pace(Pace::Slow);
        let written = poll_times(
            finish_image(&shelf, image_plan(keys(0, 9)), &images),
            poll_count,
        );
        shelf.io.set_pace(Pace::Prompt);
        let is_done = written.is_some();
        drop(written);
        assert_eq!(shelf.names(), [""; 0], "{poll_count} polls");
        if is_done {
            assert!(20 < poll_count, "only {poll_count} polls");
            break;
        }
    }
}

fn is_damage(error: &Error) -> bool {
    matches!(error, Error::Corrupt { .. } | Error::Unsupported { .. })
}

#[test]
fn every_flipped_byte_and_every_cut_is_found() {
    let shelf = Shelf::new();
    let images: Images = (0..40).map(|number| (key(number), bytes(90))).collect();
    let layer = block_on(finish_image(&shelf, image_plan(keys(0, 50)), &images)).unwrap();
    layer.keep();
    let entry = *layer.entry();
    drop(layer);
    let read = || {
        let layer = ImageLayer::new(&shelf.context, entry);
        block_on(read_images(&layer, LIMITS))
    };
    let path = shelf.dir.path().join(&shelf.names()[0]);
    let whole = std::fs::read(&path).unwrap();
    let is_tried = |&at: &usize| whole[at] != 0 || at.is_multiple_of(101);
    for at in (0..whole.len()).filter(is_tried) {
        poke(&path, at, whole[at] ^ 1 << (at % 8));
        let found = read();
        assert!(found.as_ref().is_err_and(is_damage), "byte {at}: {found:?}");
        poke(&path, at, whole[at]);
    }
    assert_eq!(read().unwrap(), images);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    for cut in (0..whole.len()).rev().step_by(89) {
        file.set_len(cut as u64).unwrap();
        let found = read();
        assert!(
            found.as_ref().is_err_and(is_damage),
            "cut at {cut}: {found:?}"
        );
    }
}

#[test]
fn a_file_of_another_layer_is_corrupt() {
    let shelf = Shelf::new();
    let images = Images::from([(key(3), bytes(5))]);
    let layer = block_on(finish_image(&shelf, image_plan(keys(3, 7)), &images)).unwrap();
    let mut entry = *layer.entry();
    let others = [
        ImageFilePlan {
            lsn: Lsn(11),
            ..image_plan(keys(3, 7))
        },
        image_plan(keys(2, 7)),
        image_plan(keys(3, 8)),
    ];
    for other in others {
        let (generation, dir) = (entry.generation, shelf.dir.path());
        let path = |name| dir.join(FileName::Layer { name, generation }.to_string());
        let from = path(layer.entry().name);
        entry.name = LayerName::Image {
            keys: other.keys,
            lsn: other.lsn,
        };
        std::fs::copy(from, path(entry.name)).unwrap();
        let found = block_on(read_images(&ImageLayer::new(&shelf.context, entry), LIMITS));
        assert!(matches!(found, Err(Error::Corrupt { .. })), "{found:?}");
    }
}

/// A key of the test vector: 8192 adjacent keys.
fn vector_key(number: u32) -> Key {
    "000000067F00000001000000AE0000000000"
        .parse::<Key>()
        .unwrap()
        .add(number)
}

/// Writes the layer of the test vector.
async fn vector(shelf: &Shelf) -> Result<ImageLayer<FaultyIo>> {
    let images = (0..0x2000).map(|number| (vector_key(number), vec![1, 2, 3, 4]));
    let plan = ImageFilePlan {
        lsn: Lsn(0xDEAD_BEEF_0000),
        ..image_plan(KeyRange::new(vector_key(0), vector_key(0x2000)))
    };
    finish_image(shelf, plan, &images.collect()).await
}

/// The length of a file without its checksum section, in bytes.
fn len_of_blocks(layer: &ImageLayer<FaultyIo>) -> u64 {
    let len = layer.entry().len;
    let block_count = len / BLOCK_LEN as u64;
    assert_eq!(
        len % BLOCK_LEN as u64,
        ChecksumSection::encoded_len(block_count as u32)
    );
    block_count * BLOCK_LEN as u64
}

/// A peer's test vector: the keys of a relation on four shards with stripes of 0x800 keys. The
/// second shard has none of them.
#[test]
fn an_image_is_filtered_for_a_shard() {
    let shelf = Shelf::new();
    let cases = [
        (Some((0, 0x800)), 49_152),
        (None, 0),
        (Some((0x1000, 0x1800)), 49_152),
        (Some((0x800, 0x2000)), 73_728),
    ];
    block_on(async {
        let source = vector(&shelf).await.unwrap();
        assert_eq!(len_of_blocks(&source), 122_880);
        for (number, (span, len)) in (0..4).zip(cases) {
            let shard = ShardIdentity::new(number, 4, 0x800).unwrap();
            let context = LayerContext {
                generation: Generation(2 + u32::from(number)),
                ..shelf.context.clone()
            };
            let filtered = source.filter(op(), (&context, 1), |key| shard.holds(key));
            let Some((filtered, key_count)) = filtered.await.unwrap() else {
                assert_eq!(span, None);
                continue;
            };
            assert_eq!(len_of_blocks(&filtered), len);
            let name = filtered.entry().name;
            assert_eq!(
                (name, filtered.entry().generation),
                (source.entry().name, context.generation)
            );
            let found = read_images(&filtered, LIMITS).await.unwrap();
            assert_eq!(found.len() as u64, key_count);
            let (start, end) = span.unwrap();
            let held = (start..end).map(vector_key).filter(|key| shard.holds(*key));
            let expected: Images = held.map(|key| (key, vec![1, 2, 3, 4])).collect();
            assert_eq!(Some(key_count), shard.held_count(&name.keys()));
            assert!(found == expected);
        }
    });
    assert_eq!(shelf.names(), [""; 0]);
}

#[test]
fn a_filter_copies_values_as_they_are_stored() {
    let shelf = Shelf::new();
    let images: Images = (0..300)
        .map(|number| (key(number), vec![number as u8; 9000]))
        .collect();
    let plan = ImageFilePlan {
        compression: Compression::Zstd { level: 1 },
        ..image_plan(keys(0, 300))
    };
    block_on(async {
        let source = finish_image(&shelf, plan, &images).await.unwrap();
        let context = LayerContext {
            generation: Generation(2),
            ..shelf.context.clone()
        };
        let target = (&context, 1);
        let filtered = source.filter(op(), target, |_| true).await;
        let (all, key_count) = filtered.unwrap().unwrap();
        assert_eq!(key_count, 300);
        assert_eq!(all.entry().len, source.entry().len);
        assert!(all.entry().len < 300 * 100);
        let file = |layer: &ImageLayer<FaultyIo>| {
            let (name, generation) = (layer.entry().name, layer.entry().generation);
            let name = FileName::Layer { name, generation }.to_string();
            std::fs::read(shelf.dir.path().join(name)).unwrap()
        };
        assert!(file(&all) == file(&source));
        drop(all);
        let is_odd = |key: Key| key.field6 % 2 == 1;
        let filtered = source.filter(op(), target, is_odd).await;
        let (odd, _) = filtered.unwrap().unwrap();
        let expected: Images = images.into_iter().filter(|(key, _)| is_odd(*key)).collect();
        assert!(read_images(&odd, LIMITS).await.unwrap() == expected);
    });
}

#[test]
#[should_panic(expected = "context.generation != self.entry().generation")]
fn a_filter_cannot_write_its_own_source() {
    let shelf = Shelf::new();
    let images = Images::from([(key(3), bytes(5))]);
    let layer = block_on(finish_image(&shelf, image_plan(keys(3, 7)), &images)).unwrap();
    let _ = block_on(layer.filter(op(), (&shelf.context, 2), |_| true));
}
