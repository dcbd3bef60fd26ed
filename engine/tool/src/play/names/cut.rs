//! Where a run of records is cut into deltas.

use palimpsest::base::LsnRange;
use palimpsest::format::BLOCK_LEN;
use palimpsest::{Key, KeyRange, Lsn};

use super::layer::{Records, delta_len};

/// A record that is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Sized {
    pub key: Key,
    pub lsn: Lsn,
    /// Its length in a file, in bytes.
    pub len: u64,
    /// The bytes up to the next record of the file that it comes from, or to that file's index:
    /// what an index alone says of its length.
    pub space: u64,
}

/// The records by key and LSN, each with its length alone.
pub fn sized(records: &Records) -> Vec<Sized> {
    let all = records.iter().flat_map(|(key, entries)| {
        entries.iter().map(|(lsn, value)| {
            let len = delta_len(value);
            Sized {
                key: *key,
                lsn: *lsn,
                len,
                space: len,
            }
        })
    });
    all.collect()
}

/// The keys and LSNs of a delta.
pub type Place = (KeyRange, LsnRange);

/// Our cuts: whole keys up to a target, and a key alone that is longer by itself, sliced by LSN.
/// Before a key for which `is_behind_hole` is true, a piece ends that has a quarter of the target.
pub fn cut_as_ours(
    records: &[Sized],
    (lsns, target): (LsnRange, u64),
    is_behind_hole: impl Fn(Key, Key) -> bool,
) -> Vec<Place> {
    let mut places = Vec::new();
    let mut open: Option<(KeyRange, u64)> = None;
    let mut last = None;
    for history in records.chunk_by(|left, right| left.key == right.key) {
        let key = history[0].key;
        let len: u64 = history.iter().map(|record| record.space).sum();
        let is_hole = last.is_some_and(|last| is_behind_hole(last, key));
        last = Some(key);
        let is_full = |(_, open_len): &(KeyRange, u64)| {
            let is_closed = is_hole && target / 4 <= *open_len;
            is_closed || target < open_len + len
        };
        if let Some((keys, _)) = open.take_if(|open| target < len || is_full(open)) {
            places.push((keys, lsns));
        }
        if target < len {
            places.extend(slices(history, (lsns, target)));
            continue;
        }
        open = Some(match open {
            Some((keys, open_len)) => (KeyRange::new(keys.start, key.next()), open_len + len),
            None => (KeyRange::single(key), len),
        });
    }
    places.extend(open.map(|(keys, _)| (keys, lsns)));
    places
}

/// The slices of one key's history.
fn slices(history: &[Sized], (lsns, target): (LsnRange, u64)) -> Vec<Place> {
    let keys = KeyRange::single(history[0].key);
    let (mut places, mut start, mut len) = (Vec::new(), lsns.start, 0);
    for record in history {
        if 0 < len && target < len + record.space {
            places.push((keys, LsnRange::new(start, record.lsn)));
            (start, len) = (record.lsn, 0);
        }
        len += record.space;
    }
    places.push((keys, LsnRange::new(start, lsns.end)));
    places
}

/// The peer's cuts. It gathers each key's records into chunks that have the target or more, but for
/// the last, and begins a file of its own for each chunk of a key that has several. Otherwise a
/// file takes keys, from behind block 0 on, while it has room for the next chunk.
pub fn cut_as_peer(records: &[Sized], (lsns, target): (LsnRange, u64)) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let mut open: Option<(KeyRange, u64)> = None;
    for history in records.chunk_by(|left, right| left.key == right.key) {
        let key = history[0].key;
        let chunks = chunks(history, target);
        let space: u64 = chunks.iter().map(|chunk| chunk.space).sum();
        let is_sliced = 1 < chunks.len();
        let has_room = |(_, written): &(KeyRange, u64)| !is_sliced && written + space <= target;
        if let Some((keys, _)) = open.take_if(|open| !has_room(open)) {
            places.push((keys, lsns));
        }
        if is_sliced {
            places.extend(sliced(&chunks, lsns));
            continue;
        }
        let len: u64 = history.iter().map(|record| record.len).sum();
        open = Some(match open {
            Some((keys, written)) => (KeyRange::new(keys.start, key.next()), written + len),
            None => (KeyRange::single(key), BLOCK_LEN as u64 + len),
        });
    }
    places.extend(open.map(|(keys, _)| (keys, lsns)));
    places
}

/// Gathers one key's records: each chunk stands at its first record.
fn chunks(history: &[Sized], target: u64) -> Vec<Sized> {
    let mut chunks: Vec<Sized> = Vec::new();
    for record in history {
        match chunks.last_mut() {
            Some(last) if last.space < target => last.space += record.space,
            _ => chunks.push(*record),
        }
    }
    chunks
}

/// The files of a key with several chunks: the first begins with the key's first record, the last
/// ends with the run.
fn sliced(chunks: &[Sized], lsns: LsnRange) -> Vec<Place> {
    let keys = KeyRange::single(chunks[0].key);
    let starts = chunks.iter().map(|chunk| chunk.lsn);
    let ends = starts.clone().skip(1).chain([lsns.end]);
    let slices = starts
        .zip(ends)
        .map(|(start, end)| LsnRange::new(start, end));
    slices.map(|lsns| (keys, lsns)).collect()
}
