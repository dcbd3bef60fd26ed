//! GC compaction: the history below the cutoff becomes images at the lowest point and deltas above.

use std::collections::{BTreeMap, BTreeSet};

use palimpsest::base::{LayerName, LsnRange};
use palimpsest::format::BLOCK_LEN;
use palimpsest::{Key, KeyRange, Lsn};

use super::cut::{Place, cut_as_ours, sized};
use super::flush::Timeline;
use super::layer::{Entry, Layer, Records, delta_len, image_len};
use super::retain::{Retained, retain_as_ours, retain_as_peer};
use super::rule::{Rule, Rules};
use crate::play::settings::Settings;

/// What the peer counts for a file before its first value: block 0, and a block of the index.
const FILE_LEN_MIN: u64 = 2 * BLOCK_LEN as u64;

/// What the peer counts for the key of a value.
const KEY_LEN: u64 = 18;

/// What the peer counts for a record that it is to write, whatever its length.
const RECORD_LEN_ASSUMED: u64 = KEY_LEN + 8 + 80;

/// A key has records without a base.
#[derive(Clone, Copy, Debug)]
pub struct NoBase;

/// What is written.
struct Made {
    values: BTreeMap<Key, Vec<u8>>,
    deltas: Records,
}

/// Reduces the history below the cutoff.
pub fn reduce(
    timeline: &mut Timeline,
    (settings, rules): (&Settings, Rules),
) -> Result<(), NoBase> {
    let cutoff = timeline.cutoff;
    let names: Vec<LayerName> = timeline.layers.iter().map(|layer| layer.name).collect();
    let Some(span) = span(&names, cutoff) else {
        return Ok(());
    };
    let is_above = |name: &LayerName| name.is_image() && cutoff < name.lsns().start;
    let stays = |name: &LayerName| !rules.is_peers(Rule::ImagesAbove) && is_above(name);
    let is_selected = |name: &LayerName| name.lsns().end <= span.end && !stays(name);
    let (selected, mut layers): (Vec<Layer>, Vec<Layer>) = timeline
        .layers
        .iter()
        .cloned()
        .partition(|layer| is_selected(&layer.name));
    let Some(end) = selected.iter().map(|layer| layer.name.lsns().end).max() else {
        return Ok(());
    };
    let retained = timeline.retained.iter().copied();
    let mut points: Vec<Lsn> = retained
        .filter(|lsn| span.start <= *lsn && *lsn < cutoff)
        .collect();
    points.push(cutoff);
    let made = made(&selected, &points, rules)?;
    let lsns = LsnRange::new(points[0], end.max(cutoff.visible_end()));
    let (images, deltas) = match rules.is_peers(Rule::ReducedCuts) {
        true => {
            let deltas = delta_cuts_as_peer(&made.deltas, (lsns, settings));
            (image_cuts_as_peer(&made.values, settings), deltas)
        }
        false => {
            let target = settings.options.layer_len_target;
            let deltas = cut_as_ours(&sized(&made.deltas), (lsns, target), |_, _| false);
            (image_cuts_as_ours(&made.values, settings), deltas)
        }
    };
    let image = |keys| Layer::image((keys, lsns.start), &made.values);
    layers.extend(images.into_iter().map(image));
    let delta = |place| Layer::delta(place, &made.deltas);
    layers.extend(deltas.into_iter().map(delta));
    timeline.layers = layers;
    Ok(())
}

/// The LSNs of all layers that start at the cutoff or below, and then as far as a delta reaches
/// over the end.
fn span(names: &[LayerName], cutoff: Lsn) -> Option<LsnRange> {
    let low = names.iter().map(LayerName::lsns);
    let low = low.filter(|lsns| lsns.start <= cutoff);
    let start = names.iter().map(|name| name.lsns().start).min()?;
    let mut span = LsnRange::new(start, low.map(|lsns| lsns.end).max()?);
    let mut deltas: Vec<LsnRange> = names
        .iter()
        .filter(|name| name.is_delta())
        .map(LayerName::lsns)
        .collect();
    deltas.sort_by_key(|lsns| lsns.start);
    for delta in deltas {
        if delta.start < span.end {
            span.end = span.end.max(delta.end);
        }
    }
    Some(span)
}

/// What stays of the history of each key.
fn made(selected: &[Layer], points: &[Lsn], rules: Rules) -> Result<Made, NoBase> {
    let (mut values, mut deltas) = (BTreeMap::new(), Records::new());
    let keys: BTreeSet<Key> = selected
        .iter()
        .flat_map(|it| it.records.keys().copied())
        .collect();
    for key in keys {
        let history = history(selected, key);
        let retained = match rules.is_peers(Rule::Retention) {
            true => retain_as_peer(&history, points),
            false => retain_as_ours(&history, points),
        };
        let Retained { first, above } = retained.ok_or(NoBase)?;
        values.extend(first.map(|value| (key, value)));
        if !above.is_empty() {
            deltas.insert(key, above);
        }
    }
    Ok(Made { values, deltas })
}

/// A key's records in LSN order; at one LSN, an image says the same as a record, and is kept.
fn history(selected: &[Layer], key: Key) -> Vec<Entry> {
    let with_key = selected.iter().filter_map(|layer| {
        let entries = layer.records.get(&key)?;
        Some((layer.name.is_delta(), entries))
    });
    let mut all: Vec<(bool, &Entry)> = with_key
        .flat_map(|(is_delta, entries)| entries.iter().map(move |entry| (is_delta, entry)))
        .collect();
    all.sort_by_key(|(is_delta, (lsn, _))| (*lsn, *is_delta));
    all.dedup_by_key(|(_, (lsn, _))| *lsn);
    all.into_iter().map(|(_, entry)| entry.clone()).collect()
}

/// We end an image before the first key that finds it at the target.
fn image_cuts_as_ours(values: &BTreeMap<Key, Vec<u8>>, settings: &Settings) -> Vec<KeyRange> {
    let options = &settings.options;
    image_cuts(values, settings, |len, _| options.layer_len_target <= len)
}

/// The peer ends an image before a key with which its file would come to the target.
fn image_cuts_as_peer(values: &BTreeMap<Key, Vec<u8>>, settings: &Settings) -> Vec<KeyRange> {
    let target = settings.options.layer_len_target;
    image_cuts(values, settings, |len, next| {
        target <= FILE_LEN_MIN + len + KEY_LEN + next
    })
}

/// Images abut; the first starts with the first key of all, the last ends with the last.
fn image_cuts(
    values: &BTreeMap<Key, Vec<u8>>,
    settings: &Settings,
    is_full: impl Fn(u64, u64) -> bool,
) -> Vec<KeyRange> {
    let compression = settings.options.image_compression;
    let (mut cuts, mut start, mut len) = (Vec::new(), Key::MIN, 0);
    for (key, value) in values {
        if 0 < len && is_full(len, value.len() as u64) {
            cuts.push(KeyRange::new(start, *key));
            (start, len) = (*key, 0);
        }
        len += image_len(value, compression);
    }
    if 0 < len {
        cuts.push(KeyRange::new(start, Key::MAX));
    }
    cuts
}

/// The peer ends a delta before the key with whose first record its file would come to the target:
/// there the next one begins.
fn delta_cuts_as_peer(records: &Records, (lsns, settings): (LsnRange, &Settings)) -> Vec<Place> {
    let target = settings.options.layer_len_target;
    let mut places = Vec::new();
    let mut open: Option<(Key, u64)> = None;
    let mut end = Key::MIN;
    for (key, entries) in records {
        let is_full =
            |(_, len): &mut (Key, u64)| target <= FILE_LEN_MIN + *len + RECORD_LEN_ASSUMED;
        if let Some((start, _)) = open.take_if(is_full) {
            places.push((KeyRange::new(start, *key), lsns));
        }
        let (start, len) = open.unwrap_or((*key, 0));
        let added: u64 = entries.iter().map(|(_, value)| delta_len(value)).sum();
        open = Some((start, len + added));
        end = key.next();
    }
    places.extend(open.map(|(start, _)| (KeyRange::new(start, end), lsns)));
    places
}
