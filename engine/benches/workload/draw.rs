//! Keys and values, drawn from seeds.

use palimpsest::{Edit, Key, Value};

/// The length of a page, in bytes.
pub const PAGE_LEN: usize = 8192;

/// The length of a serialised record, in bytes.
pub const RECORD_LEN: usize = 100;

/// The length of the header of a record's patch, in bytes: the kinds, a flag, a length, the edit's
/// own head.
const RECORD_HEAD_LEN: usize = 4 + 4 + 1 + 8 + 5;

/// A sequence of numbers that is determined by its seed (SplitMix64).
pub struct Draw(u64);

/// The distribution of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Each as often as any other.
    Uniform,
    /// The one of rank r in proportion to r^-0.99.
    Zipf,
}

impl Spread {
    pub fn name(self) -> &'static str {
        match self {
            Spread::Uniform => "uniform",
            Spread::Zipf => "Zipf",
        }
    }
}

impl Draw {
    pub fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, count: u64) -> u64 {
        self.next() % count
    }

    /// Bytes that no compressor makes shorter.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_be_bytes()[..chunk.len()]);
        }
    }

    /// Numbers below `count`, as many as are asked for.
    pub fn numbers(&mut self, spread: Spread, (count, len): (u32, u32)) -> Vec<u32> {
        match spread {
            Spread::Uniform => (0..len).map(|_| self.below(count.into()) as u32).collect(),
            Spread::Zipf => self.ranks(count, len),
        }
    }

    fn ranks(&mut self, count: u32, len: u32) -> Vec<u32> {
        let weight = |rank: u32| f64::from(rank + 1).powf(-0.99);
        let sum_up = |sum: &mut f64, rank: u32| {
            *sum += weight(rank);
            Some(*sum)
        };
        let sums: Vec<f64> = (0..count).scan(0.0, sum_up).collect();
        let all = sums.last().copied().unwrap_or(0.0);
        let number = |_| {
            let at = (self.next() >> 11) as f64 / (1_u64 << 53) as f64 * all;
            let rank = sums.partition_point(|sum| *sum < at) as u64;
            // Spreads the popular keys, which would be adjacent otherwise.
            (rank * 7919 % u64::from(count)) as u32
        };
        (0..len).map(number).collect()
    }

    /// A page: random bytes, the second half of them zeros if it is to be compressible.
    pub fn page(&mut self, is_compressible: bool) -> Vec<u8> {
        let mut page = vec![0; PAGE_LEN];
        let random_len = if is_compressible {
            PAGE_LEN / 2
        } else {
            PAGE_LEN
        };
        self.fill(&mut page[..random_len]);
        page
    }

    /// A change to a page, of random bytes.
    pub fn record(&mut self) -> Value {
        let mut bytes = vec![0; RECORD_LEN - RECORD_HEAD_LEN];
        self.fill(&mut bytes);
        let offset = self.below((PAGE_LEN - bytes.len()) as u64) as u32;
        let value = Value::Record(Edit::Patch { offset, bytes }.into_record());
        assert!(value.encoded_len() == RECORD_LEN);
        value
    }
}

/// A block of a relation.
pub fn key(number: u32) -> Key {
    Key {
        field1: 0,
        field2: 1663,
        field3: 5,
        field4: 16384,
        field5: 0,
        field6: number,
    }
}
