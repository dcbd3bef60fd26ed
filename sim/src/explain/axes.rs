//! What the maps of one timeline share: where keys and LSNs stand, and what they are called.

use palimpsest::base::{Key, Lsn};

use super::Scale;
use crate::keys;
use crate::label::Letter;
use crate::plan::{KeyIndex, Knobs};
use crate::witness::{Reading, Scene, TimelineView};

/// A map's width, in units of its own.
pub const WIDTH: f64 = 560.0;

/// Where the layers start and end, from left to right.
pub const LEFT: f64 = 74.0;
/// See [`LEFT`].
pub const RIGHT: f64 = 486.0;

/// What stands above the layers.
pub const TOP: f64 = 14.0;

/// What stands below them.
pub const BOTTOM: f64 = 30.0;

/// The layers' height lies between these.
const HEIGHT_MIN: f64 = 56.0;
const HEIGHT_MAX: f64 = 460.0;

/// How high a stretch of LSNs is, if there is room.
const STRETCH: f64 = 20.0;

/// Where there are more keys than these, only those are told apart that matter.
const KEYS_MAX: u16 = 26;

/// A stretch between keys of the plan's takes so much of one with a key.
const GAP: f64 = 0.35;

/// A stretch of one LSN takes so much of a longer one.
const ONE_LSN: f64 = 0.8;

/// LSNs from here on are told by what they lie above the lowest.
const LSN_LONG: u64 = 1 << 24;

/// Where the keys and LSNs of one timeline stand.
pub struct Axes {
    /// From left to right.
    pub keys: Scale<Key>,
    /// From the bottom to the top.
    pub lsns: Scale<Lsn>,
    /// A map's height.
    pub height: f64,
    /// Where to name a key, in the middle of its column or where a layer begins, and how.
    pub labels: Vec<(f64, String)>,
    /// What long LSNs are counted from.
    pub lsn_base: Option<Lsn>,
}

impl Axes {
    /// For a timeline that is seen in some scenes.
    pub fn new(
        knobs: &Knobs,
        letter: Letter,
        scenes: &[&Scene],
        reading: Option<&Reading>,
    ) -> Axes {
        let views = || {
            let views = scenes.iter().flat_map(|scene| &scene.timelines);
            views.filter(move |view| view.letter == letter)
        };
        let asked = reading.filter(|reading| {
            reading.letter == letter || reading.visits.iter().any(|visit| visit.letter == letter)
        });
        let named = named(knobs, asked);
        let mut keys = vec![Key::MIN, Key::MAX];
        let layers = || views().flat_map(|view| &view.layers);
        keys.extend(layers().flat_map(|layer| [layer.keys.start, layer.keys.end]));
        for (key, _) in &named {
            keys.extend([*key, key.checked_next().unwrap_or(Key::MAX)]);
        }
        let is_named = |start: Key| named.iter().any(|(key, _)| *key == start);
        let keys = Scale::new(keys, (LEFT, RIGHT), |start, _| match is_named(start) {
            true => 1.0,
            false => GAP,
        });
        let labels = labels(knobs, &keys, &named);
        let lsns = lsns(views(), branch_points(scenes, letter), asked);
        let lsn_base = lsns.first().copied().filter(|lsn| LSN_LONG <= lsn.0);
        let weigh = |start: Lsn, end: Lsn| match end.0 - start.0 {
            1 => ONE_LSN,
            _ => 1.0,
        };
        let weights: f64 = lsns.windows(2).map(|pair| weigh(pair[0], pair[1])).sum();
        let height = (weights * STRETCH).clamp(HEIGHT_MIN, HEIGHT_MAX);
        Axes {
            keys,
            lsns: Scale::new(lsns, (TOP + height, TOP), weigh),
            height: TOP + height + BOTTOM,
            labels,
            lsn_base,
        }
    }

    /// The middle of an LSN's own stretch.
    pub fn lsn(&self, lsn: Lsn) -> f64 {
        self.lsns.middle(lsn, after(lsn))
    }

    /// The middle of a key's column.
    pub fn key(&self, key: Key) -> f64 {
        self.keys
            .middle(key, key.checked_next().unwrap_or(Key::MAX))
    }

    /// An LSN in few letters.
    pub fn lsn_text(&self, lsn: Lsn) -> String {
        match self.lsn_base {
            Some(base) if base <= lsn => format!("+{}", lsn.0 - base.0),
            _ => lsn.to_string(),
        }
    }
}

/// The LSN behind, if there is one.
fn after(lsn: Lsn) -> Lsn {
    lsn.checked_add(1).unwrap_or(Lsn::MAX)
}

/// Where others stand on a timeline, right on it or through others.
pub fn branch_points(scenes: &[&Scene], on: Letter) -> Vec<(Letter, Lsn)> {
    let mut branches = Vec::new();
    for scene in scenes {
        let points = scene.timelines.iter();
        branches.extend(points.filter_map(|view| Some((view.letter, point_on(scene, view, on)?))));
    }
    branches.sort();
    branches.dedup();
    branches
}

/// The LSN up to which a timeline reads another that it stands on; of one that is far below, only
/// if it reads less of it than what stands between.
fn point_on(scene: &Scene, view: &TimelineView, on: Letter) -> Option<Lsn> {
    let (mut below, lsn) = view.ancestor?;
    while below != on {
        let between = scene.timelines.iter().find(|view| view.letter == below)?;
        let (next, at) = between.ancestor?;
        if at < lsn {
            return None;
        }
        below = next;
    }
    Some(lsn)
}

fn lsns<'a>(
    views: impl Iterator<Item = &'a TimelineView>,
    branches: Vec<(Letter, Lsn)>,
    asked: Option<&Reading>,
) -> Vec<Lsn> {
    let mut lsns = Vec::new();
    let mut points: Vec<Lsn> = branches.into_iter().map(|(_, lsn)| lsn).collect();
    for view in views {
        lsns.extend(
            view.layers
                .iter()
                .flat_map(|layer| [layer.lsns.start, layer.lsns.end]),
        );
        points.extend([view.last, view.durable]);
        // Of the cutoff of a timeline that has never collected anything there is nothing to see.
        points.extend(Some(view.cutoff).filter(|cutoff| Lsn::ZERO < *cutoff));
    }
    if let Some(reading) = asked {
        points.push(reading.lsn);
    }
    lsns.extend(points.into_iter().flat_map(|lsn| [lsn, after(lsn)]));
    lsns.sort_unstable();
    lsns.dedup();
    if lsns.is_empty() {
        lsns.push(Lsn::ZERO);
    }
    lsns
}

/// Every key that has a column; where there are too many keys, the first of those from each place
/// on at which layers begin.
fn labels(knobs: &Knobs, scale: &Scale<Key>, named: &[(Key, String)]) -> Vec<(f64, String)> {
    if knobs.key_count <= KEYS_MAX {
        let middle = |key: Key| scale.middle(key, key.checked_next().unwrap_or(Key::MAX));
        let labels = named.iter().map(|(key, name)| (middle(*key), name.clone()));
        return labels.collect();
    }
    let numbers = 0..knobs.key_count;
    let mut keys: Vec<_> = numbers
        .map(|number| (keys::key(knobs.layout, KeyIndex(number)), number))
        .collect();
    keys.sort();
    let edges = scale.values().iter().filter_map(|edge| {
        let first = keys.partition_point(|(key, _)| key < edge);
        let (_, number) = keys.get(first)?;
        Some((scale.at(*edge), format!("k{number}")))
    });
    edges.collect()
}

/// The keys that get a column of their own.
fn named(knobs: &Knobs, asked: Option<&Reading>) -> Vec<(Key, String)> {
    let mut named = Vec::new();
    if knobs.key_count <= KEYS_MAX {
        let numbers = 0..knobs.key_count;
        named.extend(numbers.map(|number| {
            (
                keys::key(knobs.layout, KeyIndex(number)),
                format!("k{number}"),
            )
        }));
    }
    named.extend(asked.map(|reading| (reading.key, reading.key_text())));
    named.sort();
    named.dedup();
    named
}
