//! Damaged layer files: every damaged byte is found, and no damage gives a wrong answer.

use std::path::PathBuf;

use super::{Records, Shelf, append, gather, history, image, init, key, l0, poke};
use crate::base::{Error, FileName, Lsn, Result};
use crate::format::{BLOCK_LEN, ChecksumMarker, IndexLayer};
use crate::io::block_on;

/// A layer of one block each of summary, blobs and index, and the checksums behind.
struct Target {
    shelf: Shelf,
    entry: IndexLayer,
    records: Records,
    path: PathBuf,
    bytes: Vec<u8>,
}

fn records() -> Records {
    let values = [
        image("base"),
        append("+1"),
        append("+2"),
        init("again"),
        append("+3"),
    ];
    let records = values.into_iter().cycle().zip(0_u64..40);
    Records::from_iter(records.map(|(value, index)| {
        let at = (key(index as u32 / 10), Lsn(1 + index % 10));
        (at, value)
    }))
}

impl Target {
    fn new(records: Records) -> Target {
        let shelf = Shelf::new();
        let entry = block_on(shelf.write(l0(1, 11), &records)).unwrap();
        let FileName::Layer { .. } = FileName::parse(&shelf.names()[0]).unwrap() else {
            panic!("{:?}", shelf.names());
        };
        let path = shelf.dir.path().join(&shelf.names()[0]);
        let bytes = std::fs::read(&path).unwrap();
        Target {
            shelf,
            entry,
            records,
            path,
            bytes,
        }
    }

    /// Reads all of the file with these bytes in it.
    fn read(&self, bytes: &[u8]) -> Result<Records> {
        std::fs::write(&self.path, bytes).unwrap();
        block_on(self.shelf.read(self.entry))
    }

    /// Each point of the file as it is now: right, or an error.
    fn check_points(&self) {
        let layer = self.shelf.layer(self.entry);
        for &point in self.records.keys() {
            match block_on(gather(&layer, point)) {
                Ok(found) => assert_eq!(found, history(&self.records, point), "{point:?}"),
                Err(error) => assert!(is_damage(&error), "{error}"),
            }
        }
    }
}

fn is_damage(error: &Error) -> bool {
    matches!(error, Error::Corrupt { .. } | Error::Unsupported { .. })
}

#[test]
fn every_flipped_byte_is_found_and_none_makes_a_wrong_answer() {
    let target = Target::new(records());
    assert_eq!(target.bytes.len(), 3 * BLOCK_LEN + 4 * 4);
    // All bytes that are not zero, and a sample of the zeros.
    let is_tried = |&at: &usize| target.bytes[at] != 0 || at.is_multiple_of(29);
    for at in (0..target.bytes.len()).filter(is_tried) {
        poke(&target.path, at, target.bytes[at] ^ 1 << (at % 8));
        let found = block_on(target.shelf.read(target.entry));
        // A flipped version claims a later format, which could have its checksums elsewhere.
        let is_version = (2..4).contains(&at);
        match found {
            Err(Error::Corrupt { .. }) => {}
            Err(Error::Unsupported { .. }) if is_version => {}
            other => panic!("byte {at}: {other:?}"),
        }
        target.check_points();
        poke(&target.path, at, target.bytes[at]);
    }
    assert_eq!(target.read(&target.bytes).unwrap(), target.records);
}

#[test]
fn a_file_that_is_cut_anywhere_is_corrupt() {
    let target = Target::new(records());
    let len = target.bytes.len();
    let file = std::fs::File::options().write(true).open(&target.path);
    let file = file.unwrap();
    for cut in (len - 20..len)
        .rev()
        .chain((0..len - 20).rev().step_by(101))
    {
        file.set_len(cut as u64).unwrap();
        let found = block_on(target.shelf.read(target.entry));
        assert!(
            matches!(found, Err(Error::Corrupt { .. })),
            "cut at {cut}: {found:?}"
        );
    }
    assert_eq!(target.read(&target.bytes).unwrap(), target.records);
}

fn check_problem(found: Result<Records>, expected: &str) {
    let Err(error @ Error::Corrupt { .. }) = found else {
        panic!("{expected}: {found:?}");
    };
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn a_layer_with_a_recorded_checksum_is_corrupt_without_a_marker() {
    let target = Target::new(records());
    let mut bytes = target.bytes.clone();
    bytes[BLOCK_LEN - 12..BLOCK_LEN].fill(0);
    assert_eq!(ChecksumMarker::decode(&bytes[..BLOCK_LEN]), Ok(None));
    check_problem(target.read(&bytes), "checksum marker");
    check_problem(target.read(&bytes[..3 * BLOCK_LEN]), "checksum marker");
}

/// A valid file of equal name and length, which is not the one that the index records.
#[test]
fn a_file_that_is_whole_but_not_the_indexes_is_corrupt() {
    let target = Target::new(records());
    let mut others = target.records.clone();
    others.insert((key(0), Lsn(1)), image("BASE"));
    let other = Target::new(others);
    assert_eq!(other.bytes.len(), target.bytes.len());
    check_problem(target.read(&other.bytes), "is not the index's");
}

/// A read verifies the blocks that it reads, so reads of other blocks still succeed.
#[test]
fn a_damaged_value_fails_its_own_reads_only() {
    let long = |byte: u8| image(vec![byte; 2 * BLOCK_LEN]);
    let records = Records::from_iter((0_u8..4).map(|number| {
        let at = (key(u32::from(number)), Lsn(5));
        (at, long(number))
    }));
    let target = Target::new(records);
    let mut bytes = target.bytes.clone();
    bytes[4 * BLOCK_LEN] ^= 1; // In the value of key 1, which starts in block 3 and ends in 5.
    std::fs::write(&target.path, &bytes).unwrap();
    let layer = target.shelf.layer(target.entry);
    for _ in 0..2 {
        for number in 0..4 {
            let point = (key(number), Lsn(5));
            match (number, block_on(gather(&layer, point))) {
                (1, Err(Error::Corrupt { file, .. })) => {
                    let dir = target.shelf.dir.path().file_name().unwrap();
                    let name = format!("{}/{}", dir.display(), target.shelf.names()[0]);
                    assert_eq!(file, name);
                }
                (1, found) => panic!("{found:?}"),
                (_, found) => assert!(found.unwrap() == history(&target.records, point)),
            }
        }
    }
}
