//! Values as long as those of the log.

use palimpsest::{Edit, Key, Lsn, Value};

use super::line::{Change, PageChange, WalRecord};

/// The length of a page, in bytes.
pub(super) const PAGE_LEN: usize = 8192;

/// The length of an encoded patch without its bytes.
const PATCH_HEAD_LEN: usize = 5;

/// The bytes of noise, and the zeros behind them.
const NOISE_LEN: usize = 8;
const ZEROS_LEN: usize = 8;

/// The value that a record gives a page.
pub(super) fn value(record: &WalRecord, page: &PageChange) -> Value {
    let mut noise = Noise::new(page.key, record.lsn);
    match page.change {
        Change::Image => {
            let images = record
                .pages
                .iter()
                .filter(|page| page.change == Change::Image);
            let count = images.count().max(1);
            // What a page's hole leaves out of the record are zeros.
            let len = (record.image_len as usize / count).min(PAGE_LEN);
            let mut image = noise.bytes(len);
            image.resize(PAGE_LEN, 0);
            Value::Image(image)
        }
        Change::Init => {
            let bytes = noise.bytes(patch_len(record));
            // The page is as long as any, and all in front of the record is zeros.
            let offset = (PAGE_LEN - bytes.len()) as u32;
            Value::Record(Edit::Patch { offset, bytes }.into_init_record())
        }
        Change::Record => {
            let bytes = noise.bytes(patch_len(record));
            let room = (PAGE_LEN - bytes.len()) as u64;
            let offset = (noise.next() % (room + 1)) as u32;
            Value::Record(Edit::Patch { offset, bytes }.into_record())
        }
    }
}

/// The bytes of a patch that is as long as the record.
fn patch_len(record: &WalRecord) -> usize {
    (record.len as usize)
        .saturating_sub(PATCH_HEAD_LEN)
        .min(PAGE_LEN)
}

/// Bytes that follow from a key and an LSN: splitmix64, with zeros in between.
struct Noise(u64);

impl Noise {
    fn new(key: Key, lsn: Lsn) -> Noise {
        let halves = key.to_bytes();
        let mut state = lsn.0;
        for byte in halves {
            state = state.rotate_left(7) ^ u64::from(byte);
        }
        Noise(state)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + NOISE_LEN + ZEROS_LEN);
        while bytes.len() < len {
            bytes.extend_from_slice(&self.next().to_le_bytes());
            bytes.extend_from_slice(&[0; ZEROS_LEN]);
        }
        bytes.truncate(len);
        bytes
    }
}
