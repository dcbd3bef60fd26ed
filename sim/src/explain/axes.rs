//! The axes that all maps of one timeline share: from the scenes and the plan's keys.

use palimpsest::base::{Key, Lsn};
use palimpsest_tool::map::{Axes, Scale};

use crate::keys;
use crate::label::TimelineLabel;
use crate::plan::{KeyIndex, Knobs};
use crate::witness::{Reading, Scene, TimelineView};

/// The largest number of keys that all get a column; of more, only those of the read get one.
const KEYS_MAX: u16 = 26;

/// Makes the axes of a timeline from all scenes that show it.
pub fn axes(
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
    let layers = || views().flat_map(|view| &view.layers);
    let edges = layers().flat_map(|layer| [layer.keys.start, layer.keys.end]);
    let named_keys: Vec<Key> = named.iter().map(|(key, _)| *key).collect();
    let lsns = layers().flat_map(|layer| [layer.lsns.start, layer.lsns.end]);
    let points = points(views(), branch_points(scenes, label), asked);
    let mut axes = Axes::new((edges.collect(), &named_keys), (lsns.collect(), &points));
    axes.labels = labels(knobs, &axes.keys, &named);
    axes
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

/// The LSNs of a timeline that are drawn as lines.
fn points<'a>(
    views: impl Iterator<Item = &'a TimelineView>,
    branches: Vec<(TimelineLabel, Lsn)>,
    asked: Option<&Reading>,
) -> Vec<Lsn> {
    let mut points: Vec<Lsn> = branches.into_iter().map(|(_, lsn)| lsn).collect();
    for view in views {
        points.extend([view.last, view.durable]);
        // A timeline that was never collected has no cutoff to show.
        points.extend(Some(view.cutoff).filter(|cutoff| Lsn::ZERO < *cutoff));
    }
    points.extend(asked.map(|reading| reading.lsn));
    points
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
        .map(|number| (keys::key(knobs, KeyIndex(number)), number))
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
        named.extend(
            numbers.map(|number| (keys::key(knobs, KeyIndex(number)), format!("k{number}"))),
        );
    }
    named.extend(asked.map(|reading| (reading.key, reading.key_text())));
    named.sort();
    named.dedup();
    named
}
