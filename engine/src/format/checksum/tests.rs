use super::{ChecksumMarker, ChecksumSection};
use crate::format::BLOCK_LEN;

fn block(byte: u8) -> Vec<u8> {
    vec![byte; BLOCK_LEN]
}

fn section(bytes: &[u8]) -> ChecksumSection {
    let mut section = ChecksumSection::new();
    bytes
        .iter()
        .for_each(|byte| section.push_block(&block(*byte)));
    section
}

#[test]
fn a_section_is_one_checksum_a_block_and_its_own() {
    let encoded = section(&[0, 0xFF]).encode();
    let expected = [
        crc32c::crc32c(&block(0)).to_be_bytes(),
        crc32c::crc32c(&block(0xFF)).to_be_bytes(),
        section(&[0, 0xFF]).own_checksum().to_be_bytes(),
    ];
    assert_eq!(encoded, expected.concat());
    assert_eq!(ChecksumSection::encoded_len(2), 12);
    assert_eq!(
        ChecksumSection::decode(&encoded, 2),
        Ok(section(&[0, 0xFF]))
    );
}

/// The check value of CRC-32C is that of the nine digits.
#[test]
fn the_checksum_is_crc32c() {
    assert_eq!(crc32c::crc32c(b"123456789"), 0xE306_9283);
}

#[test]
fn a_section_that_is_cut_or_flipped_is_an_error() {
    let encoded = section(&[1, 2, 3]).encode();
    for len in 0..encoded.len() {
        ChecksumSection::decode(&encoded[..len], 3).unwrap_err();
    }
    for place in 0..encoded.len() * 8 {
        let mut damaged = encoded.clone();
        damaged[place / 8] ^= 1 << (place % 8);
        ChecksumSection::decode(&damaged, 3).unwrap_err();
    }
    ChecksumSection::decode(&encoded, 2).unwrap_err();
    ChecksumSection::decode(&encoded, 4).unwrap_err();
    ChecksumSection::decode(&encoded, u32::MAX).unwrap_err();
}

#[test]
fn a_damaged_or_misplaced_block_is_found() {
    let section = section(&[1, 2]);
    assert_eq!(section.verify_block(1, &block(2)), Ok(()));
    let error = section.verify_block(1, &block(1)).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("block at offset 8192: expected checksum ")
    );
    section.verify_block(1, &block(2)[1..]).unwrap_err();
    let error = section.verify_block(2, &block(2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "block at offset 16384: expected one of 2 blocks, found 2"
    );
}

#[test]
fn block_0_is_replaced_when_it_is_known() {
    let mut late = section(&[0, 7]);
    late.replace_block(0, &block(9));
    assert_eq!(late, section(&[9, 7]));
}

#[test]
fn the_marker_is_the_last_twelve_bytes() {
    let mut first = block(0);
    let marker = ChecksumMarker {
        block_count: 0x0102_0304,
    };
    assert_eq!(ChecksumMarker::decode(&first), Ok(None));
    marker.encode(&mut first);
    assert_eq!(first[..8180], [0; 8180]);
    assert_eq!(first[8180..], *b"PalimCRC\x01\x02\x03\x04");
    assert_eq!(ChecksumMarker::decode(&first), Ok(Some(marker)));
}

#[test]
fn a_marker_that_is_damaged_is_neither_there_nor_absent() {
    let mut first = block(0);
    ChecksumMarker { block_count: 5 }.encode(&mut first);
    for place in 8180 * 8..8188 * 8 {
        let mut damaged = first.clone();
        damaged[place / 8] ^= 1 << (place % 8);
        ChecksumMarker::decode(&damaged).unwrap_err();
    }
    let mut damaged = block(0);
    damaged[BLOCK_LEN - 1] = 1;
    ChecksumMarker::decode(&damaged).unwrap_err();
    ChecksumMarker::decode(&first[1..]).unwrap_err();
}
