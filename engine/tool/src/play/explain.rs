//! Why the layers of a peer and of this engine differ: a closed list of reasons, each checked.

use std::collections::BTreeSet;
use std::fmt;

use palimpsest::base::{LayerName, LsnRange};
use palimpsest::{Key, KeyRange, KeySpace, Lsn};

use super::answer::Layers;
use super::stage::Scene;

/// The length of a value that is assumed where only the number of keys is known, in bytes.
const VALUE_LEN_ASSUMED: u64 = 8192;

/// A reason for a difference; the program's documentation explains each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    FirstKeys,
    FirstCutoff,
    Images,
    DeltaCuts,
}

/// A difference between two lists of layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub what: String,
    /// The reason; `None` if the program knows none.
    pub reason: Option<Reason>,
}

/// Finds all differences between a peer's layers and this engine's.
pub fn explain(theirs: &Layers, ours: &Layers, scene: &Scene) -> Vec<Difference> {
    let mut found = compare_lsns(theirs, ours, scene);
    let (their_names, our_names) = (names(theirs), names(ours));
    for (name, len) in &theirs.layers {
        let our_len = ours.layers.iter().find(|(ours, _)| ours == name);
        if let Some((_, our_len)) = our_len
            && our_len != len
        {
            let what = format!("{name}: theirs has {len} bytes, ours {our_len}");
            found.push(Difference { what, reason: None });
        }
    }
    let mut sides = Sides {
        theirs: their_names.difference(&our_names).copied().collect(),
        ours: our_names.difference(&their_names).copied().collect(),
    };
    found.extend(sides.explain_first_keys(scene));
    found.extend(sides.explain_images(&our_names, scene));
    found.extend(sides.explain_deltas(scene));
    found.extend(sides.unexplained());
    found
}

fn compare_lsns(theirs: &Layers, ours: &Layers, scene: &Scene) -> Vec<Difference> {
    let mut found = Vec::new();
    let (their_lsn, our_lsn) = (theirs.disk_consistent_lsn, ours.disk_consistent_lsn);
    if their_lsn != our_lsn {
        let what = format!("disk_consistent_lsn: theirs {their_lsn}, ours {our_lsn}");
        found.push(Difference { what, reason: None });
    }
    let (their_lsn, our_lsn) = (theirs.gc_cutoff, ours.gc_cutoff);
    if their_lsn != our_lsn {
        let is_first = our_lsn == Lsn::ZERO && their_lsn == scene.start;
        found.push(Difference {
            what: format!("gc_cutoff: theirs {their_lsn}, ours {our_lsn}"),
            reason: is_first.then_some(Reason::FirstCutoff),
        });
    }
    found
}

fn names(layers: &Layers) -> BTreeSet<Named> {
    let names = layers.layers.iter();
    names.map(|(name, _)| Named(*name)).collect()
}

/// A layer's name, ordered by its text.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Named(LayerName);

impl Named {
    fn order(&self) -> (Key, Key, Lsn, Lsn) {
        let (keys, lsns) = (self.0.keys(), self.0.lsns());
        (keys.start, keys.end, lsns.start, lsns.end)
    }
}

impl PartialOrd for Named {
    fn partial_cmp(&self, other: &Named) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Named {
    fn cmp(&self, other: &Named) -> std::cmp::Ordering {
        let kind = self.0.is_image().cmp(&other.0.is_image());
        self.order().cmp(&other.order()).then(kind)
    }
}

/// The layers that only one of the two has, and that are not explained yet.
struct Sides {
    theirs: BTreeSet<Named>,
    ours: BTreeSet<Named>,
}

impl Sides {
    /// Explains the peer's images of the first keys, at the LSN that the timeline was opened at.
    fn explain_first_keys(&mut self, scene: &Scene) -> Vec<Difference> {
        let at = self.take_images(Side::Theirs, scene.start);
        if at.is_empty() {
            return Vec::new();
        }
        let expected = peer_parts(&first_keys(), scene.fragment_key_count(), at.len());
        let reason = (at == expected).then_some(Reason::FirstKeys);
        say(Side::Theirs, at, scene.start, reason)
    }

    /// Explains the images of a creation, which in the peer are one LSN higher and cut differently.
    fn explain_images(&mut self, our_names: &BTreeSet<Named>, scene: &Scene) -> Vec<Difference> {
        let images = self.theirs.iter().filter(|name| name.0.is_image());
        let places: BTreeSet<Lsn> = images.map(|name| name.0.lsns().start).collect();
        let mut found = Vec::new();
        for place in places {
            let their_ranges = self.take_images(Side::Theirs, place);
            let our_place = Lsn(place.0.saturating_sub(1));
            let our_ranges = images_at(our_names, our_place);
            self.take_images(Side::Ours, our_place);
            let mut keys = first_keys();
            keys.extend(scene.keys.ranges());
            let keys = KeySpace::from_ranges(keys);
            let parts = peer_parts(
                keys.ranges(),
                scene.fragment_key_count(),
                their_ranges.len(),
            );
            let is_known = their_ranges == parts && is_all(&our_ranges);
            let reason = is_known.then_some(Reason::Images);
            found.extend(say(Side::Theirs, their_ranges, place, reason));
            found.extend(say(Side::Ours, our_ranges, our_place, reason));
        }
        found
    }

    /// Explains a peer's delta that is several here, which together hold its keys and LSNs.
    fn explain_deltas(&mut self, scene: &Scene) -> Vec<Difference> {
        let mut found = Vec::new();
        if scene.checkpoint_distance <= scene.layer_len_target {
            return found;
        }
        let deltas = self.theirs.iter().filter(|name| name.0.is_delta());
        let deltas: Vec<Named> = deltas.copied().collect();
        for whole in deltas {
            let pieces = self.ours.iter().filter(|ours| is_piece(whole.0, ours.0));
            let pieces: Vec<LayerName> = pieces.map(|piece| piece.0).collect();
            if is_made_up(whole.0, &pieces) {
                let what = format!("{}: ours has {} pieces", whole.0, pieces.len());
                let reason = Some(Reason::DeltaCuts);
                found.push(Difference { what, reason });
                self.theirs.remove(&whole);
                self.ours.retain(|ours| !is_piece(whole.0, ours.0));
            }
        }
        found
    }

    fn unexplained(self) -> Vec<Difference> {
        let theirs = self.theirs.iter().map(|name| (Side::Theirs, name));
        let ours = self.ours.iter().map(|name| (Side::Ours, name));
        let left = theirs.chain(ours);
        left.map(|(side, name)| Difference {
            what: format!("{side}: {}", name.0),
            reason: None,
        })
        .collect()
    }

    /// Removes one side's images at an LSN, and returns their keys.
    fn take_images(&mut self, side: Side, lsn: Lsn) -> Vec<KeyRange> {
        let names = match side {
            Side::Theirs => &mut self.theirs,
            Side::Ours => &mut self.ours,
        };
        let taken = images_at(names, lsn);
        names.retain(|name| !(name.0.is_image() && name.0.lsns().start == lsn));
        taken
    }
}

#[derive(Clone, Copy)]
enum Side {
    Theirs,
    Ours,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Theirs => "theirs",
            Side::Ours => "ours",
        })
    }
}

fn say(side: Side, ranges: Vec<KeyRange>, lsn: Lsn, reason: Option<Reason>) -> Vec<Difference> {
    let names = ranges
        .into_iter()
        .map(|keys| LayerName::Image { keys, lsn });
    let what = names.map(|name| format!("{side}: {name}"));
    what.map(|what| Difference { what, reason }).collect()
}

fn images_at(names: &BTreeSet<Named>, lsn: Lsn) -> Vec<KeyRange> {
    let images = names.iter().filter(|name| name.0.is_image());
    let at = images.filter(|name| name.0.lsns().start == lsn);
    at.map(|name| name.0.keys()).collect()
}

/// Whether ranges abut from the first key to the last.
fn is_all(ranges: &[KeyRange]) -> bool {
    let abut = ranges.windows(2).all(|pair| pair[0].end == pair[1].start);
    let ends = ranges.first().zip(ranges.last());
    abut && ends.is_some_and(|(first, last)| KeyRange::new(first.start, last.end).is_all())
}

/// Whether a delta lies inside of another.
fn is_piece(whole: LayerName, part: LayerName) -> bool {
    let (keys, part_keys) = (whole.keys(), part.keys());
    let (lsns, part_lsns) = (whole.lsns(), part.lsns());
    let is_inside = keys.start <= part_keys.start
        && part_keys.end <= keys.end
        && lsns.start <= part_lsns.start
        && part_lsns.end <= lsns.end;
    part.is_delta() && is_inside
}

/// Whether pieces cover a delta from its first key to its last, and the keys of each piece from its
/// first LSN to its last.
///
/// # Shape
/// The pieces are ordered by key and then by LSN.
fn is_made_up(whole: LayerName, pieces: &[LayerName]) -> bool {
    let ends = pieces.first().zip(pieces.last());
    let has_ends = ends.is_some_and(|(first, last)| {
        KeyRange::new(first.keys().start, last.keys().end) == whole.keys()
    });
    let has_all_lsns = |slices: &[LayerName]| {
        let (first, last) = (slices[0].lsns(), slices[slices.len() - 1].lsns());
        let abut = |pair: &[LayerName]| pair[0].lsns().end == pair[1].lsns().start;
        slices.windows(2).all(abut) && LsnRange::new(first.start, last.end) == whole.lsns()
    };
    let mut columns = pieces.chunk_by(|below, above| below.keys() == above.keys());
    has_ends && columns.all(has_all_lsns)
}

/// The keys that a peer's empty timeline has.
fn first_keys() -> Vec<KeyRange> {
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

/// The parts into which a peer cuts images, at most `count_max` and one more: it deals out
/// fragments of ranges, and closes a part before a fragment that would not fit.
fn peer_parts(ranges: &[KeyRange], key_count_max: u64, count_max: usize) -> Vec<KeyRange> {
    let mut parts = Vec::new();
    let (mut start, mut end, mut key_count) = (Key::MIN, Key::MIN, 0);
    for range in ranges {
        let mut from = range.start;
        while from < range.end && parts.len() <= count_max {
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

impl Scene {
    fn fragment_key_count(&self) -> u64 {
        (self.layer_len_target / VALUE_LEN_ASSUMED).clamp(1, u64::from(u32::MAX))
    }
}
