//! What stays of one key's history below the cutoff.

use palimpsest::{Lsn, Value};

use super::history::{Found, replay, replay_over};
use super::layer::Entry;

/// From this many records on, a point gets an image.
const RECORD_COUNT_TRIGGER: usize = 5;

/// What stays of a history.
pub struct Retained {
    /// The value at the lowest point, if the key has one there.
    pub first: Option<Vec<u8>>,
    /// What stays above that point.
    pub above: Vec<Entry>,
}

/// The peer's way: a record counts since the last image that was made, and so does an image that
/// was there before. A part of the history that stays, stays whole. `None` if there is no base.
pub fn retain_as_peer(history: &[Entry], points: &[Lsn]) -> Option<Retained> {
    let mut retained = Retained {
        first: None,
        above: Vec::new(),
    };
    let (mut replayed, mut count): (Vec<Entry>, usize) = (Vec::new(), 0);
    for (bucket, (point, place)) in buckets(history, points).zip(points.iter().zip(0..)) {
        count += bucket.len();
        replayed.extend_from_slice(bucket);
        let value = match replay(&replayed) {
            Found::Unborn => continue,
            Found::NoBase => return None,
            Found::Value(value) => value,
        };
        if place != 0 && count < RECORD_COUNT_TRIGGER {
            retained.above.extend_from_slice(bucket);
            continue;
        }
        let image = (*point, Value::Image(value.clone()));
        match place {
            0 => retained.first = Some(value),
            _ => retained.above.push(image.clone()),
        }
        (replayed, count) = (vec![image], 0);
    }
    retained.above.extend_from_slice(above(history, points));
    Some(retained)
}

/// Our way: what counts is the records that a read replays over its base, and what stands below the
/// last base of a part goes. `None` if there is no base.
pub fn retain_as_ours(history: &[Entry], points: &[Lsn]) -> Option<Retained> {
    let mut retained = Retained {
        first: None,
        above: Vec::new(),
    };
    let (mut image, mut records): (Option<Vec<u8>>, Vec<Entry>) = (None, Vec::new());
    for (bucket, place) in buckets(history, points).zip(0..) {
        let base = bucket.iter().rposition(|(_, value)| value.will_init());
        let visible = &bucket[base.unwrap_or(0)..];
        if base.is_some() {
            (image, records) = (None, Vec::new());
        }
        records.extend_from_slice(visible);
        let Some((_, lowest)) = records.first() else {
            continue;
        };
        if image.is_none() && !lowest.will_init() {
            return None;
        }
        let count = records.len() - usize::from(image.is_none());
        if place != 0 && count < RECORD_COUNT_TRIGGER {
            retained.above.extend_from_slice(visible);
            continue;
        }
        let value = replay_over(image.unwrap_or_default(), &records);
        records.clear();
        match place {
            0 => retained.first = Some(value.clone()),
            _ => retained
                .above
                .push((points[place], Value::Image(value.clone()))),
        }
        image = Some(value);
    }
    retained.above.extend_from_slice(above(history, points));
    Some(retained)
}

/// The parts of a history that end at each point.
fn buckets<'a>(history: &'a [Entry], points: &'a [Lsn]) -> impl Iterator<Item = &'a [Entry]> {
    let mut start = 0;
    points.iter().map(move |point| {
        let end = history.partition_point(|(lsn, _)| lsn <= point);
        let bucket = &history[start..end];
        start = end;
        bucket
    })
}

fn above<'a>(history: &'a [Entry], points: &[Lsn]) -> &'a [Entry] {
    let last = points.last().copied().unwrap_or_default();
    &history[history.partition_point(|(lsn, _)| *lsn <= last)..]
}
