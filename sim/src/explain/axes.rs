//! The axes that all maps of one timeline share: the places and labels of keys and LSNs.

use palimpsest::base::{Key, Lsn};

use super::Scale;
use crate::keys;
use crate::label::TimelineLabel;
use crate::plan::{KeyIndex, Knobs};
use crate::witness::{Reading, Scene, TimelineView};

/// The width of a map, in SVG units.
pub const WIDTH: f64 = 560.0;

/// The left edge of the layers.
pub const LEFT: f64 = 74.0;
/// The right edge of the layers.
pub const RIGHT: f64 = 486.0;

/// The space above the layers.
pub const TOP: f64 = 14.0;

/// The space below the layers.
pub const BOTTOM: f64 = 30.0;

/// The limits of the layers' height.
const HEIGHT_MIN: f64 = 56.0;
const HEIGHT_MAX: f64 = 460.0;

/// The height of a stretch of LSNs, if there is room.
const STRETCH: f64 = 20.0;

/// The largest number of keys that all get a column; of more, only those of the read get one.
const KEYS_MAX: u16 = 26;

/// The width of a stretch without a key of the plan, relative to a stretch with one.
const GAP: f64 = 0.35;

/// The height of a stretch of one LSN, relative to a longer one.
const ONE_LSN: f64 = 0.8;

/// LSNs from this one on are shown relative to the lowest.
const LSN_LONG: u64 = 1 << 24;

/// The places of the keys and LSNs of one timeline.
pub struct Axes {
    /// Keys, from left to right.
    pub keys: Scale<Key>,
    /// LSNs, from bottom to top.
    pub lsns: Scale<Lsn>,
    /// The height of a map.
    pub height: f64,
    /// The labels of keys, and their places: the middle of a column, or the start of a layer.
    pub labels: Vec<(f64, String)>,
    /// The LSN that long LSNs are counted from.
    pub lsn_base: Option<Lsn>,
}

impl Axes {
    /// Makes the axes of a timeline from all scenes that show it.
    pub fn new(
        knobs: &Knobs,
        label: TimelineLabel,
        scenes: &[&Scene],
        reading: Option<&Reading>,
    ) -> Axes {
        let views = || {
            let views = scenes.iter().flat_map(|scene| &scene.timelines);
            views.filter(move |view| view.label == label)
        };
        let asked = reading.filter(|reading| {
            reading.label == label || reading.visits.iter().any(|visit| visit.label == label)
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
        let lsns = lsns(views(), branch_points(scenes, label), asked);
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

    /// An LSN as short text.
    pub fn lsn_text(&self, lsn: Lsn) -> String {
        match self.lsn_base {
            Some(base) if base <= lsn => format!("+{}", lsn.0 - base.0),
            _ => lsn.to_string(),
        }
    }
}

/// The next LSN, or the largest.
fn after(lsn: Lsn) -> Lsn {
    lsn.checked_add(1).unwrap_or(Lsn::MAX)
}

/// The timelines that branch off from this one, directly or through others, each with its LSN.
pub fn branch_points(scenes: &[&Scene], on: TimelineLabel) -> Vec<(TimelineLabel, Lsn)> {
    let mut branches = Vec::new();
    for scene in scenes {
        let points = scene.timelines.iter();
        branches.extend(points.filter_map(|view| Some((view.label, point_on(scene, view, on)?))));
    }
    branches.sort();
    branches.dedup();
    branches
}

/// The LSN up to which a timeline reads an indirect or direct ancestor. Nothing if a timeline in
/// between branches off lower, because then that one is drawn.
fn point_on(scene: &Scene, view: &TimelineView, on: TimelineLabel) -> Option<Lsn> {
    let (mut below, lsn) = view.ancestor?;
    while below != on {
        let between = scene.timelines.iter().find(|view| view.label == below)?;
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
    branches: Vec<(TimelineLabel, Lsn)>,
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
        // A timeline that was never collected has no cutoff to show.
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

/// The label of every key that has a column. With too many keys, the label of the first key at or
/// after each place where layers begin.
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

/// The keys that get a column of their own, each with its name.
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
