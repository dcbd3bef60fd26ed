//! Creating images of all keys.

use std::collections::BTreeMap;

use palimpsest::{Key, KeyRange, KeySpace, Lsn};

use super::compact::VALUE_LEN_ASSUMED;
use super::flush::Timeline;
use super::layer::{Layer, image_len};
use super::rule::{Rule, Rules};
use crate::play::settings::Settings;

/// The largest number of parts of the declared keys for which images are computed.
const PART_COUNT_MAX: usize = 1 << 16;

/// The LSN at which images are created; `None` if there is nothing that they could be of.
pub fn image_lsn(timeline: &Timeline, rules: Rules) -> Option<Lsn> {
    if rules.is_peers(Rule::ImagePlaces) {
        let ends = timeline
            .layers
            .iter()
            .map(|layer| match layer.name.is_delta() {
                true => layer.name.lsns().end,
                false => layer.name.lsns().start,
            });
        let others = [timeline.cutoff, timeline.image_lsn, timeline.start];
        return ends.chain(others).max();
    }
    let has_layers = !timeline.layers.is_empty() || timeline.ancestor.is_some();
    has_layers.then(|| timeline.flushed())
}

/// Creates images of these values at `lsn`.
pub fn create_images(
    timeline: &mut Timeline,
    (settings, rules): (&Settings, Rules),
    (lsn, values): (Lsn, &BTreeMap<Key, Vec<u8>>),
) {
    timeline.image_lsn = lsn;
    let at = timeline.layers.iter().map(|layer| layer.name);
    let at = at.filter(|name| name.is_image() && name.lsns().start == lsn);
    let there = KeySpace::from_ranges(at.map(|name| name.keys()));
    let mut wanted = parts(timeline, (settings, rules));
    wanted.retain(|part| !there.ranges().iter().any(|range| covers(range, part)));
    if !rules.is_peers(Rule::ImageCuts) {
        // We write the images of parts that abut as if they were one.
        wanted = KeySpace::from_ranges(wanted).ranges().to_vec();
    }
    for part in wanted {
        let pieces = match rules.is_peers(Rule::ImageCuts) {
            true => vec![part],
            false => cut_by_len(part, settings, values),
        };
        let images = pieces
            .into_iter()
            .map(|keys| Layer::image((keys, lsn), values));
        timeline.layers.extend(images);
    }
}

fn covers(range: &KeyRange, part: &KeyRange) -> bool {
    range.start <= part.start && part.end <= range.end
}

/// The parts that images are created of.
fn parts(timeline: &Timeline, (settings, rules): (&Settings, Rules)) -> Vec<KeyRange> {
    let first = match rules.is_peers(Rule::FirstKeys) {
        true => first_keys(),
        false => Vec::new(),
    };
    let keys = KeySpace::from_ranges(first.into_iter().chain(timeline.keys.iter().copied()));
    let count = (settings.options.layer_len_target / VALUE_LEN_ASSUMED).max(1);
    match rules.is_peers(Rule::ImageCuts) {
        true => peer_parts(keys.ranges(), count),
        false => our_parts(keys.ranges(), count),
    }
}

/// Images that are longer than the target are cut before the next key.
fn cut_by_len(
    part: KeyRange,
    settings: &Settings,
    values: &BTreeMap<Key, Vec<u8>>,
) -> Vec<KeyRange> {
    let options = &settings.options;
    let (mut pieces, mut start, mut len) = (Vec::new(), part.start, 0);
    for (key, value) in values.range(part.start..part.end) {
        if options.layer_len_target <= len {
            pieces.push(KeyRange::new(start, *key));
            (start, len) = (*key, 0);
        }
        len += image_len(value, options.image_compression);
    }
    pieces.push(KeyRange::new(start, part.end));
    pieces
}

/// The peer deals out fragments of ranges, and closes a part before a fragment that would not fit.
pub fn peer_parts(ranges: &[KeyRange], key_count_max: u64) -> Vec<KeyRange> {
    let mut parts = Vec::new();
    let (mut start, mut end, mut key_count) = (Key::MIN, Key::MIN, 0);
    for range in ranges {
        let mut from = range.start;
        while from < range.end && parts.len() < PART_COUNT_MAX {
            let fragment = from.distance_to(range.end).min(key_count_max);
            if 0 < key_count && key_count_max < key_count + fragment {
                parts.push(KeyRange::new(start, end));
                (start, key_count) = (end, 0);
            }
            from = from.add(u32::try_from(fragment).unwrap_or(u32::MAX));
            (end, key_count) = (from, key_count + fragment);
        }
    }
    parts.push(KeyRange::new(start, end));
    parts
}

/// We fill each part with as many keys as fit; the last one ends with the last key.
fn our_parts(ranges: &[KeyRange], key_count: u64) -> Vec<KeyRange> {
    let mut parts: Vec<KeyRange> = Vec::new();
    let (mut start, mut room) = (Key::MIN, key_count);
    for range in ranges {
        let mut from = range.start;
        while room <= from.distance_to(range.end) && parts.len() < PART_COUNT_MAX {
            from = from.add(u32::try_from(room).unwrap_or(u32::MAX));
            parts.push(KeyRange::new(start, from));
            (start, room) = (from, key_count);
        }
        room -= from.distance_to(range.end).min(room - 1);
    }
    match parts.last_mut() {
        Some(last) if room == key_count => last.end = Key::MAX,
        _ => parts.push(KeyRange::new(start, Key::MAX)),
    }
    parts
}

/// The keys that a peer's empty timeline has.
pub fn first_keys() -> Vec<KeyRange> {
    let key = |field1: u8, field2: u32| Key {
        field1,
        field2,
        ..Key::MIN
    };
    let starts = [
        key(0, 0),
        key(1, 0),
        key(1, 1),
        key(1, 2),
        key(2, 0),
        key(3, 0),
    ];
    let mut ranges: Vec<KeyRange> = starts.into_iter().map(KeyRange::single).collect();
    if let Some(last) = ranges.last_mut() {
        last.end = last.end.next();
    }
    ranges
}
