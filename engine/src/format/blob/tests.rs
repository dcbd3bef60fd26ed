use std::io::Write;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{BLOB_LEN_MAX, BlobHeader, BlobTooLarge, Compression, decode_blob, encode_blob};
use crate::base::DecodeError;

const ZSTD: Compression = Compression::Zstd { level: 1 };

/// `len` bytes that do not compress, determined by `seed`.
fn noise(seed: u64, len: usize) -> Vec<u8> {
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

/// Writes all blobs, one behind the other, and reads each of them where it starts.
fn check(payloads: &[Vec<u8>], compression: Compression) {
    let mut file = Vec::new();
    let mut starts = Vec::new();
    for payload in payloads {
        starts.push(file.len());
        encode_blob(&mut file, payload, compression).unwrap();
    }
    for (payload, start) in payloads.iter().zip(starts) {
        let found = decode(&file[start..], payload.len()).unwrap();
        assert!(found == *payload);
        if !payload.is_empty() {
            decode(&file[start..], payload.len() - 1).unwrap_err();
        }
    }
}

/// The payload of the blob that `bytes` start with.
fn decode(bytes: &[u8], len_max: usize) -> Result<Vec<u8>, DecodeError> {
    let header = BlobHeader::decode(bytes)?;
    let end = header.blob_len().min(bytes.len());
    let payload = decode_blob(&header, &bytes[header.header_len..end], len_max)?;
    Ok(payload.into_owned())
}

fn header(stored_len: usize, is_compressed: bool) -> Vec<u8> {
    let mut out = Vec::new();
    BlobHeader::new(stored_len, is_compressed).encode(&mut out);
    out
}

#[test]
fn headers_have_the_bytes_of_a_peer() {
    let cases: [(usize, bool, &[u8]); 6] = [
        (0, false, &[0x00]),
        (127, false, &[0x7F]),
        (128, false, &[0x80, 0x00, 0x00, 0x80]),
        (BLOB_LEN_MAX, false, &[0x8F, 0xFF, 0xFF, 0xFF]),
        (300, true, &[0x90, 0x00, 0x01, 0x2C]),
        (20, true, &[0x90, 0x00, 0x00, 0x14]),
    ];
    for (stored_len, is_compressed, bytes) in cases {
        assert_eq!(header(stored_len, is_compressed), bytes);
        let found = BlobHeader::decode(bytes).unwrap();
        assert_eq!(found.stored_len, stored_len);
        assert_eq!(found.is_compressed, is_compressed);
        assert_eq!(found.header_len, bytes.len());
        (0..bytes.len()).for_each(|len| {
            BlobHeader::decode(&bytes[..len]).unwrap_err();
        });
    }
}

#[test]
fn a_header_that_no_writer_makes_is_refused() {
    for first in (0xA0..=0xFF).chain([0x80]) {
        BlobHeader::decode(&[first, 0, 0, 0x7F]).unwrap_err();
    }
}

#[test]
fn a_payload_above_the_limit_is_refused() {
    let len = BLOB_LEN_MAX + 1;
    let mut out = vec![1, 2, 3];
    let refused = encode_blob(&mut out, &vec![0; len], ZSTD);
    assert_eq!(refused, Err(BlobTooLarge { len }));
    assert_eq!(out, [1, 2, 3]);
}

#[test]
fn blobs_come_back() {
    let texts = ["\0\x01\x02\x03", "Hello, World!", "", "foobar"].map(|text| text.into());
    let long = vec![
        b"test".to_vec(),
        noise(1, 81_920),
        b"hello".to_vec(),
        noise(2, 540_672),
        vec![0xF3; 196_608],
        b"foobar".to_vec(),
    ];
    check(&[vec![12, 21, 22]], Compression::None);
    for compression in [Compression::None, ZSTD] {
        check(&texts, compression);
        check(&long, compression);
    }
}

#[test]
fn blobs_of_many_lengths_come_back() {
    let every_16 = (0..1023).map(|v| noise(v, v as usize * 16));
    check(&every_16.collect::<Vec<_>>(), Compression::None);
    // Half of them short.
    let lens = noise(42, 2048);
    let lens = lens
        .chunks_exact(2)
        .map(|two| u16::from_be_bytes([two[0], two[1]]));
    let mixed = (0..).zip(lens).map(|(seed, len)| match seed % 2 {
        0 => noise(seed, usize::from(len)),
        _ => noise(seed, usize::from(len & 63)),
    });
    check(&mixed.collect::<Vec<_>>(), Compression::None);
    // Each header but the first straddles a block.
    check(&vec![noise(3, 8192 - 4); 3], Compression::None);
}

#[test]
fn compression_is_for_128_bytes_or_more_and_for_less_room() {
    let first_byte = |payload: &[u8]| {
        let mut out = Vec::new();
        encode_blob(&mut out, payload, ZSTD).unwrap();
        out[0]
    };
    assert_eq!(first_byte(&[0; 127]), 0x7F);
    assert_eq!(first_byte(&[0; 128]), 0x90);
    assert_eq!(first_byte(&noise(1, 128)), 0x80);
    assert_eq!(first_byte(&noise(1, 8192)), 0x80);
    let mut out = Vec::new();
    encode_blob(&mut out, &[0; 128], Compression::None).unwrap();
    assert_eq!(out[0], 0x80);
}

#[test]
fn a_frame_as_long_as_its_payload_is_not_kept() {
    let mut is_met = false;
    for zero_count in 0..40 {
        let mut payload = noise(1, 128);
        payload.resize(128 + zero_count, 0);
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.write_all(&payload).unwrap();
        let frame_len = encoder.finish().unwrap().len();
        let mut out = Vec::new();
        encode_blob(&mut out, &payload, ZSTD).unwrap();
        let header = BlobHeader::decode(&out).unwrap();
        assert_eq!(header.is_compressed, frame_len < payload.len());
        is_met |= frame_len == payload.len();
    }
    assert!(is_met);
}

/// 64 MiB of zeros make a frame of 2 KiB: the reader's limit bounds the allocation.
#[test]
fn a_decompression_bomb_is_refused() {
    let mut bomb = Vec::new();
    encode_blob(&mut bomb, &vec![0; 64 << 20], ZSTD).unwrap();
    assert!(bomb.len() < 8 * 1024);
    let error = decode(&bomb, 100_000).unwrap_err();
    assert_eq!(
        error.to_string(),
        "blob at offset 0: Destination buffer is too small, with room for 100000 bytes"
    );
}

#[test]
fn a_frame_that_no_writer_keeps_is_refused() {
    let as_blob = |frame: &[u8]| [header(frame.len(), true), frame.to_vec()].concat();
    let frame_of = |payload: &[u8]| zstd::encode_all(payload, 1).unwrap();
    // Too short to be tried, not shorter than its content, more than one frame, none, half of one.
    let zeros = frame_of(&[0; 1000]);
    let two = [zeros.clone(), zeros.clone()].concat();
    let half = &zeros[..zeros.len() / 2];
    assert_eq!(decode(&as_blob(&zeros), 1000), Ok(vec![0; 1000]));
    let frames: [&[u8]; 5] = [
        &frame_of(&[0; 127]),
        &frame_of(&noise(1, 200)),
        &two,
        b"",
        half,
    ];
    for frame in frames {
        decode(&as_blob(frame), 10_000).unwrap_err();
    }
}

#[test]
fn stored_bytes_are_as_many_as_the_header_says() {
    let plain = BlobHeader::new(3, false);
    assert_eq!(decode_blob(&plain, b"abc", 3).unwrap(), b"abc".as_slice());
    decode_blob(&plain, b"abcd", 9).unwrap_err();
    decode_blob(&plain, b"ab", 9).unwrap_err();
    decode_blob(&plain, b"abc", 2).unwrap_err();
}

proptest! {
    #[test]
    fn decode_undoes_encode(
        head in vec(any::<u8>(), 0..300),
        zero_count in 0..40_000usize,
        level in -5..=19i32,
    ) {
        let mut payload = head;
        payload.resize(payload.len() + zero_count, 0);
        for compression in [Compression::None, Compression::Zstd { level }] {
            let mut out = Vec::new();
            encode_blob(&mut out, &payload, compression).unwrap();
            prop_assert_eq!(decode(&out, payload.len()), Ok(payload.clone()));
        }
    }

    #[test]
    fn a_cut_or_flipped_blob_never_panics(
        payload in vec(0u8..4, 0..600),
        place in any::<prop::sample::Index>(),
        flip in 1..=u8::MAX,
    ) {
        let mut out = Vec::new();
        encode_blob(&mut out, &payload, ZSTD).unwrap();
        let place = place.index(out.len());
        prop_assert!(decode(&out[..place], 10_000).is_err());
        out[place] ^= flip;
        if let Ok(found) = decode(&out, 10_000) {
            prop_assert!(found.len() <= 10_000);
        }
    }

    #[test]
    fn no_bytes_make_a_blob_panic(bytes in vec(any::<u8>(), 0..100)) {
        let magic = [0x90, 0, 0, 96, 0x28, 0xB5, 0x2F, 0xFD];
        let framed = [&magic, bytes.as_slice()].concat();
        for bytes in [bytes, framed] {
            if let Ok(found) = decode(&bytes, 1000) {
                prop_assert!(found.len() <= 1000);
            }
        }
    }
}
