//! The inputs of the golden files.

use palimpsest::base::{Key, KeyRange, Lsn, LsnRange};
use palimpsest::format::{Compression, DeltaKey, MultixactMember, Record, Value};

use crate::assemble::{Delta, Image};

/// Block `i` of a relation.
pub fn key(i: u32) -> Key {
    let first = "000000067F00000001000000AE0000000000".parse::<Key>();
    first.unwrap().add(i)
}

/// `len` bytes that do not compress: little-endian outputs of splitmix64.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let words = (0..len.div_ceil(8)).flat_map(|_| next().to_le_bytes());
    words.take(len).collect()
}

/// Many small values: an index of two levels.
pub fn image_small(key_count: u32) -> Image {
    Image {
        keys: KeyRange::new(key(0), key(key_count)),
        lsn: Lsn(0xDEAD_BEEF_0000),
        compression: Compression::None,
        entries: (0..key_count).map(|i| (key(i), vec![1, 2, 3, 4])).collect(),
    }
}

/// Values around every limit of the blob format: noise, zeros, and half of each.
pub fn image_sizes_zstd() -> Image {
    const LENS: [usize; 21] = [
        0, 1, 2, 11, 12, 63, 64, 127, 128, 129, 255, 256, 257, 4095, 4096, 8191, 8192, 8193,
        20_000, 70_000, 300_000,
    ];
    let entries = LENS.iter().zip((0..).step_by(7)).flat_map(|(len, i)| {
        let mut half = noise(u64::from(i) + 2, len / 2);
        half.resize(*len, 0);
        [
            (key(i), noise(u64::from(i), *len)),
            (key(i + 1), vec![0; *len]),
            (key(i + 2), half),
        ]
    });
    Image {
        keys: KeyRange::new(key(0), key(0x1000)),
        lsn: Lsn(0x1_0000_0028),
        compression: Compression::Zstd { level: 1 },
        entries: entries.collect(),
    }
}

/// A layer over nearly all keys, with one of them.
pub fn image_one_key() -> Image {
    let end = "FF0000000000000000000000000000000000".parse::<Key>();
    Image {
        keys: KeyRange::new(Key::MIN, end.unwrap()),
        lsn: Lsn(8),
        compression: Compression::None,
        entries: vec![(Key::MIN.add(1), b"x".to_vec())],
    }
}

/// One entry.
pub fn delta_one() -> Delta {
    let at = DeltaKey {
        key: key(5),
        lsn: Lsn(0x18),
    };
    Delta {
        keys: KeyRange::new(key(5), key(6)),
        lsns: LsnRange::new(Lsn(0x18), Lsn(0x19)),
        entries: vec![(at, Value::Image(b"one".to_vec()))],
    }
}

/// One of every kind of record.
pub fn delta_variants() -> Delta {
    // The number of entries of each key. Entries are 8 LSNs apart, with a gap after the first.
    const COUNTS: [usize; 4] = [5, 4, 4, 2];
    let keys = COUNTS
        .iter()
        .zip(0..)
        .flat_map(|(count, i)| vec![key(i); *count]);
    let lsns = [0x10].into_iter().chain((0x20..).step_by(8)).map(Lsn);
    let keys = keys.zip(lsns).map(|(key, lsn)| DeltaKey { key, lsn });
    Delta {
        keys: KeyRange::new(key(0), key(4)),
        lsns: LsnRange::new(Lsn(0x10), Lsn(0x1000)),
        entries: keys.zip(variants()).collect(),
    }
}

fn variants() -> Vec<Value> {
    let postgres = |will_init, rec: &[u8]| {
        let rec = rec.to_vec();
        Record::Postgres { will_init, rec }
    };
    let records = [
        postgres(false, &[]),
        postgres(true, &[1, 2]),
        Record::ClearVisibilityMapFlags {
            new_heap_block: Some(7),
            old_heap_block: None,
            flags: 3,
        },
        Record::ClearVisibilityMapFlags {
            new_heap_block: None,
            old_heap_block: Some(u32::MAX),
            flags: 1,
        },
        Record::ClogSetCommitted {
            xids: vec![1, 2, 0x0102_0304],
            timestamp: 0x0102_0304_0506_0708,
        },
        Record::ClogSetAborted { xids: vec![] },
        Record::ClogSetAborted { xids: vec![3, 4] },
        Record::MultixactOffsetCreate {
            multixact: 5,
            member_offset: 6,
        },
        Record::MultixactMembersCreate {
            member_offset: 9,
            members: vec![
                MultixactMember { xid: 10, status: 2 },
                MultixactMember { xid: 11, status: 5 },
            ],
        },
        Record::AuxFile {
            path: "pg_logical/x".to_owned(),
            content: Some(b"hello".to_vec()),
        },
        Record::AuxFile {
            path: String::new(),
            content: None,
        },
        Record::TruncateVisibilityMap {
            byte_offset: 0x11_2233_4455,
            bit_offset: 2,
        },
        Record::Test {
            append: "abc".to_owned(),
            clear: false,
            will_init: false,
            only_if: None,
        },
        Record::Test {
            append: String::new(),
            clear: true,
            will_init: true,
            only_if: Some("z".to_owned()),
        },
    ];
    let empty_image = [Value::Image(vec![])];
    let records = records.into_iter().map(Value::Record);
    empty_image.into_iter().chain(records).collect()
}
