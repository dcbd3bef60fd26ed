//! Compacting: a run of L0s becomes deltas of few keys.

use palimpsest::base::{LayerName, LsnRange};
use palimpsest::format::BLOCK_LEN;
use palimpsest::{Key, KeyRange, Lsn, Mode};

use super::cut::{Sized, cut_as_ours, cut_as_peer, sized};
use super::flush::Timeline;
use super::layer::{Layer, Records};
use super::rule::{Rule, Rules};
use crate::play::settings::Settings;

/// The length of a value that is assumed where only the number of keys is known, in bytes.
pub const VALUE_LEN_ASSUMED: u64 = 8192;

/// A hole between keys is worth a cut if this many images or gaps between images lie in it.
const HOLE_SEGMENT_COUNT: usize = 3;

/// Merges the oldest L0s that abut.
pub fn compact(timeline: &mut Timeline, (settings, rules): (&Settings, Rules), mode: Mode) {
    let options = &settings.options;
    let mut run: Vec<&Layer> = timeline
        .layers
        .iter()
        .filter(|it| it.name.is_l0())
        .collect();
    if mode == Mode::ByNeed && run.len() < options.l0_count_trigger.max(1) {
        return;
    }
    run.sort_by_key(|layer| layer.name.lsns().start);
    let lsns = |layer: &Layer| layer.name.lsns();
    let gap = run
        .windows(2)
        .position(|pair| lsns(pair[0]).end != lsns(pair[1]).start);
    run.truncate(gap.map_or(run.len(), |gap| gap + 1));
    let Some((first, last)) = run.first().zip(run.last()) else {
        return;
    };
    let all = LsnRange::new(lsns(first).start, lsns(last).end);
    let mut records = Records::new();
    let mut sizes = Vec::new();
    for layer in &run {
        for (key, entries) in &layer.records {
            records.entry(*key).or_default().extend_from_slice(entries);
        }
        sizes.extend(sized_in_file(&layer.records));
    }
    sizes.sort_by_key(|record| (record.key, record.lsn));
    let places = match rules.is_peers(Rule::DeltaCuts) {
        true => cut_as_peer(&sizes, (all, settings.checkpoint_distance)),
        false => {
            let target = options.layer_len_target;
            let is_hole = |last, next| is_hole(timeline, (last, next), (all, target));
            cut_as_ours(&sizes, (all, target), is_hole)
        }
    };
    let inputs: Vec<LayerName> = run.iter().map(|layer| layer.name).collect();
    let made = places
        .into_iter()
        .map(|place| Layer::delta(place, &records));
    let made: Vec<Layer> = made.collect();
    timeline
        .layers
        .retain(|layer| !inputs.contains(&layer.name));
    timeline.layers.extend(made);
}

/// The records of a file, with the space of each in it: its values end with a whole block.
fn sized_in_file(records: &Records) -> Vec<Sized> {
    let mut all = sized(records);
    let len: u64 = all.iter().map(|record| record.len).sum();
    if let Some(last) = all.last_mut() {
        last.space += len.next_multiple_of(BLOCK_LEN as u64) - len;
    }
    all
}

/// Whether keys without records in a run have images of their own, and are many.
fn is_hole(timeline: &Timeline, (last, next): (Key, Key), (lsns, target): (LsnRange, u64)) -> bool {
    let gap_min = (target / VALUE_LEN_ASSUMED).max(2);
    let keys = KeyRange::new(last.next(), next);
    let newest = Lsn(lsns.end.0 - 1);
    gap_min <= last.distance_to(next) && HOLE_SEGMENT_COUNT <= segment_count(timeline, keys, newest)
}

/// How many images, or gaps between them, a look down from `lsn` comes to.
fn segment_count(timeline: &Timeline, keys: KeyRange, lsn: Lsn) -> usize {
    let names = timeline.layers.iter().map(|layer| layer.name);
    let images: Vec<LayerName> = names
        .filter(|name| name.is_image() && name.lsns().start <= lsn && name.keys().overlaps(&keys))
        .collect();
    let edges = images
        .iter()
        .flat_map(|name| [name.keys().start, name.keys().end]);
    let mut starts: Vec<Key> = edges.filter(|edge| keys.contains(*edge)).collect();
    starts.push(keys.start);
    starts.sort();
    let newest = |key: Key| {
        let over = images.iter().filter(|name| name.keys().contains(key));
        over.map(|name| (name.lsns().start, name.keys().start))
            .max()
    };
    let mut found: Vec<Option<(Lsn, Key)>> = starts.into_iter().map(newest).collect();
    found.dedup();
    found.len()
}
