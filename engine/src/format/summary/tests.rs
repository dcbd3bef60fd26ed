use proptest::prelude::*;

use super::{DeltaSummary, ImageSummary};
use crate::base::{DecodeError, Key, KeyRange, Lsn, LsnRange, TenantId, TimelineId};

fn image() -> ImageSummary {
    ImageSummary {
        tenant: TenantId([0x11; 16]),
        timeline: TimelineId([0x22; 16]),
        keys: KeyRange::new(Key::MIN.add(1), Key::MIN.add(2)),
        lsn: Lsn(0x0102_0304_0506_0708),
        index_start_block: 3,
        index_root_block: 4,
    }
}

fn delta() -> DeltaSummary {
    DeltaSummary {
        tenant: TenantId([0x11; 16]),
        timeline: TimelineId([0x22; 16]),
        keys: KeyRange::new(Key::MIN.add(1), Key::MIN.add(2)),
        lsns: LsnRange::new(Lsn(8), Lsn(9)),
        index_start_block: 3,
        index_root_block: 4,
    }
}

#[test]
fn fields_stand_where_the_table_says() {
    let bytes = image().encode();
    assert_eq!(bytes[..4], [0x5A, 0x60, 0, 3]);
    assert_eq!(bytes[4..36], [[0x11; 16], [0x22; 16]].concat());
    assert_eq!((bytes[53], bytes[71]), (1, 2));
    assert_eq!(bytes[72..80], [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(bytes[80..], [0, 0, 0, 3, 0, 0, 0, 4]);

    let bytes = delta().encode();
    assert_eq!(bytes[..4], [0x5A, 0x61, 0, 3]);
    assert_eq!(
        bytes[72..88],
        [0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9]
    );
    assert_eq!(bytes[88..], [0, 0, 0, 3, 0, 0, 0, 4]);
}

#[test]
fn the_section_starts_behind_the_root() {
    assert_eq!(image().block_count(), 8);
    let highest = DeltaSummary {
        index_start_block: u32::MAX,
        index_root_block: u32::MAX,
        ..delta()
    };
    assert_eq!(highest.block_count(), 0x1_FFFF_FFFF);
}

#[test]
fn a_later_format_is_refused_by_its_version() {
    let mut block = image().encode();
    block[3] = 4;
    let what = "image layer";
    let (found, newest) = (4, 3);
    assert_eq!(
        ImageSummary::decode(&block),
        Err(DecodeError::Unsupported {
            what,
            found,
            newest
        })
    );
    block[3] = 2;
    let error = ImageSummary::decode(&block).unwrap_err();
    assert_eq!(
        error.to_string(),
        "version at offset 2: expected 3, found 2"
    );
}

#[test]
fn a_layer_of_the_other_kind_is_refused() {
    ImageSummary::decode(&delta().encode()).unwrap_err();
    let error = DeltaSummary::decode(&image().encode()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "magic at offset 0: expected 0x5a61 (delta layer), found 0x5a60"
    );
}

#[test]
fn ranges_and_the_index_cannot_be_empty() {
    let mut block = delta().encode();
    block[71] = 1;
    assert!(
        DeltaSummary::decode(&block)
            .unwrap_err()
            .to_string()
            .starts_with("key range at offset 36")
    );
    let mut block = delta().encode();
    block[87] = 8;
    assert!(
        DeltaSummary::decode(&block)
            .unwrap_err()
            .to_string()
            .starts_with("lsn range at offset 72")
    );
    let mut block = delta().encode();
    block[91] = 0;
    assert!(
        DeltaSummary::decode(&block)
            .unwrap_err()
            .to_string()
            .starts_with("index start block at offset 88")
    );
}

proptest! {
    #[test]
    fn a_summary_is_its_bytes(
        bytes in any::<[u8; DeltaSummary::LEN]>(),
        magic in 0x5A60u16..0x5A62,
    ) {
        let mut bytes = bytes;
        bytes[..4].copy_from_slice(&[&magic.to_be_bytes()[..], &[0, 3]].concat());
        if let Ok(summary) = DeltaSummary::decode(&bytes) {
            prop_assert_eq!(summary.encode(), bytes);
        }
        if let Ok(summary) = ImageSummary::decode(&bytes) {
            prop_assert_eq!(&summary.encode()[..], &bytes[..ImageSummary::LEN]);
        }
    }
}

#[test]
fn a_summary_that_is_cut_is_an_error() {
    assert_eq!(ImageSummary::decode(&image().encode()), Ok(image()));
    assert_eq!(DeltaSummary::decode(&delta().encode()), Ok(delta()));
    (0..ImageSummary::LEN).for_each(|len| {
        ImageSummary::decode(&image().encode()[..len]).unwrap_err();
    });
    (0..DeltaSummary::LEN).for_each(|len| {
        DeltaSummary::decode(&delta().encode()[..len]).unwrap_err();
    });
}
