//! The map against expected answers and against a model on plain lists.

mod conflict;
mod history;
mod list;
mod picture;
mod select;
mod tree;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::History;
use crate::base::{Key, KeyRange, LayerName, Lsn, LsnRange};

fn key(number: u32) -> Key {
    Key::MIN.add(number)
}

fn keys(start: u32, end: u32) -> KeyRange {
    KeyRange::new(key(start), key(end))
}

fn lsns(start: u64, end: u64) -> LsnRange {
    LsnRange::new(Lsn(start), Lsn(end))
}

fn delta(keys: KeyRange, lsns: LsnRange) -> LayerName {
    LayerName::Delta { keys, lsns }
}

fn image(keys: KeyRange, lsn: u64) -> LayerName {
    let lsn = Lsn(lsn);
    LayerName::Image { keys, lsn }
}

fn numbers<T: std::str::FromStr>(text: &str) -> Option<(T, T)> {
    let (start, end) = text.split_once("..")?;
    Some((start.parse().ok()?, end.parse().ok()?))
}

/// Reads `3..5@100` as an image and `3..5@100..110` as a delta; `all` are all keys.
fn layer(text: &str) -> LayerName {
    let read = || {
        let (keys_text, lsns_text) = text.split_once('@')?;
        let keys = match keys_text {
            "all" => KeyRange::ALL,
            _ => numbers(keys_text).map(|(start, end)| keys(start, end))?,
        };
        match numbers(lsns_text) {
            Some((start, end)) => Some(delta(keys, lsns(start, end))),
            None => Some(image(keys, lsns_text.parse().ok()?)),
        }
    };
    read().expect("a layer as keys@lsn or keys@lsns")
}

/// Reads layers with blanks between.
fn layers(text: &str) -> Vec<LayerName> {
    text.split_whitespace().map(layer).collect()
}

/// The text that `layer` reads.
fn print(name: LayerName) -> String {
    let number = |key: Key| key.to_i128();
    let keys = match name.keys() {
        KeyRange::ALL => "all".to_owned(),
        keys => format!("{}..{}", number(keys.start), number(keys.end)),
    };
    match name {
        LayerName::Delta { lsns, .. } => format!("{keys}@{}..{}", lsns.start.0, lsns.end.0),
        LayerName::Image { lsn, .. } => format!("{keys}@{}", lsn.0),
    }
}

/// A history in which each name stands for itself.
fn history(names: &[LayerName]) -> History<LayerName> {
    let added = names.iter().map(|name| (*name, *name)).collect();
    History::new().with(&[], added)
}

const KEY_MAX: u32 = 10;
const LSN_MAX: u64 = 16;

fn any_keys() -> impl Strategy<Value = KeyRange> {
    (0..KEY_MAX, 1..=KEY_MAX).prop_map(|(start, len)| keys(start, start + len))
}

fn any_lsns() -> impl Strategy<Value = LsnRange> {
    (0..LSN_MAX, 1..=LSN_MAX / 2).prop_map(|(start, len)| lsns(start, start + len))
}

/// A few keys and LSNs, so that layers meet: columns, L0s, single keys, images over all.
fn any_layer() -> impl Strategy<Value = LayerName> {
    (0..8, any_keys(), any_lsns()).prop_map(|(kind, keys, lsns)| match kind {
        0 => delta(KeyRange::ALL, lsns),
        1 => delta(KeyRange::single(keys.start), lsns),
        2 => image(KeyRange::ALL, lsns.start.0),
        3 | 4 => image(keys, lsns.start.0),
        _ => delta(keys, lsns),
    })
}

/// Layers in any order, also such that no engine would write together.
fn any_layers() -> impl Strategy<Value = Vec<LayerName>> {
    proptest::collection::vec(any_layer(), 0..24).prop_map(|names| {
        let mut met = BTreeSet::new();
        names.into_iter().filter(|name| met.insert(*name)).collect()
    })
}

/// Layers that keep our laws.
fn any_lawful_layers() -> impl Strategy<Value = Vec<LayerName>> {
    any_layers().prop_map(|names| {
        let mut kept: Vec<LayerName> = Vec::new();
        for name in names {
            let mut deltas = kept.iter().filter(|it| it.is_delta() && name.is_delta());
            if deltas.all(|it| !list::overlap(&name, it)) {
                kept.push(name);
            }
        }
        kept
    })
}
