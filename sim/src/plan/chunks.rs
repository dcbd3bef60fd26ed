//! A fuzzer's bytes in chunks, one for each part of a plan: an edit of one part leaves the bytes of
//! all others, before it and behind it.
//!
//! ```text
//!   knobs │ schedule │ rules 1 … RULE_CHUNK_COUNT │ move 1 │ move 2 │ …
//!
//!   each:   05 .. .. .. .. ..    a length below 0xF0, and the bytes
//!           F1 02 .. .. …        a length of 0xF0 + 0x102
//! ```
//!
//! Any bytes are chunks: what is missing is empty.

/// How many chunks a plan has for its rules: each is empty, or draws one rule or a few that belong
/// together.
pub const RULE_CHUNK_COUNT: usize = 5;
/// The lengths from this one on take two bytes.
const LONG_FROM: usize = 0xF0;
/// The length of the longest chunk.
const CHUNK_LEN_MAX: usize = LONG_FROM + 0xFFF;

/// The bytes that a plan is drawn from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunks {
    /// The size class, what exists, and the knobs.
    pub knobs: Vec<u8>,
    /// Which task runs next.
    pub schedule: Vec<u8>,
    /// The faults.
    pub rules: [Vec<u8>; RULE_CHUNK_COUNT],
    /// The moves: each writes one operation or a few.
    pub moves: Vec<Vec<u8>>,
}

impl Chunks {
    /// The number of chunks before the first move.
    pub const BEFORE_MOVES: usize = 2 + RULE_CHUNK_COUNT;

    /// Reads any bytes as chunks.
    pub fn split(mut bytes: &[u8]) -> Chunks {
        let mut chunks = Chunks {
            knobs: take(&mut bytes),
            schedule: take(&mut bytes),
            rules: std::array::from_fn(|_| take(&mut bytes)),
            moves: Vec::new(),
        };
        while !bytes.is_empty() {
            chunks.moves.push(take(&mut bytes));
        }
        chunks
    }

    /// Writes the chunks: [`split`](Chunks::split) reads them again. Of a chunk that is too long
    /// only the first bytes are written.
    pub fn join(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for chunk in self.iter() {
            let len = chunk.len().min(CHUNK_LEN_MAX);
            match len.checked_sub(LONG_FROM) {
                None => bytes.push(len as u8),
                Some(rest) => bytes.extend([(LONG_FROM + (rest >> 8)) as u8, rest as u8]),
            }
            bytes.extend_from_slice(&chunk[..len]);
        }
        bytes
    }

    /// All chunks, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Vec<u8>> {
        let before = [&self.knobs, &self.schedule].into_iter();
        before.chain(&self.rules).chain(&self.moves)
    }

    /// All chunks, in their order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Vec<u8>> {
        let before = [&mut self.knobs, &mut self.schedule].into_iter();
        before.chain(&mut self.rules).chain(&mut self.moves)
    }
}

/// Takes the first chunk off; an empty one if there is none.
fn take(bytes: &mut &[u8]) -> Vec<u8> {
    let len = take_len(bytes).min(bytes.len());
    let (chunk, rest) = bytes.split_at(len);
    *bytes = rest;
    chunk.to_vec()
}

fn take_len(bytes: &mut &[u8]) -> usize {
    let [first, rest @ ..] = *bytes else {
        return 0;
    };
    *bytes = rest;
    let Some(high) = usize::from(*first).checked_sub(LONG_FROM) else {
        return usize::from(*first);
    };
    let [low, rest @ ..] = rest else {
        return 0;
    };
    *bytes = rest;
    LONG_FROM + (high << 8) + usize::from(*low)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{Strategy, any, proptest};

    use super::{CHUNK_LEN_MAX, Chunks};
    use crate::plan::Plan;

    fn any_chunks() -> impl Strategy<Value = Chunks> {
        let chunk = || vec(any::<u8>(), 0..600);
        let rules = std::array::from_fn(|_| chunk());
        (chunk(), chunk(), rules, vec(chunk(), 0..12)).prop_map(
            |(knobs, schedule, rules, moves)| Chunks {
                knobs,
                schedule,
                rules,
                moves,
            },
        )
    }

    proptest! {
        #[test]
        fn splitting_undoes_joining(chunks in any_chunks()) {
            assert_eq!(Chunks::split(&chunks.join()), chunks);
        }

        #[test]
        fn any_bytes_are_chunks(bytes in vec(any::<u8>(), 0..2000)) {
            let chunks = Chunks::split(&bytes);
            assert_eq!(Chunks::split(&chunks.join()), chunks);
        }

        #[test]
        fn trimming_leaves_the_plan(chunks in any_chunks()) {
            let trimmed = chunks.clone().trimmed();
            assert!(trimmed.join().len() <= chunks.join().len());
            assert_eq!(Plan::of_chunks(&trimmed), Plan::of_chunks(&chunks));
            assert_eq!(trimmed.clone().trimmed(), trimmed);
        }
    }

    #[test]
    fn each_length_is_written() {
        for len in [0, 1, 0xEF, 0xF0, 0xF1, 0x1EF, 0x1F0, 0x1F1, CHUNK_LEN_MAX] {
            let chunks = Chunks {
                knobs: vec![7; len],
                moves: vec![vec![8; len]; 2],
                ..Chunks::default()
            };
            assert_eq!(Chunks::split(&chunks.join()), chunks, "{len}");
        }
    }
}
