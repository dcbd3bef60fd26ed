//! Short names for layers, and pictures of a timeline's layers.
//!
//! ```text
//! 1..11           the L0 of LSNs 1 to 10
//! a..c@1..11      the delta of the keys a and b, compacted from such L0s
//! all@10          the image of all keys at LSN 10
//! ```

use palimpsest::Lsn;
use palimpsest::base::{KeyRange, LayerName, LsnRange};
use palimpsest::io::Io;
use palimpsest::layer::{LayerId, LayerMap};
use palimpsest::timeline::Visit;

use crate::words::{keys, range};

/// The short form of a layer's name.
pub fn short(name: LayerName) -> String {
    match name {
        LayerName::Delta { lsns, .. } if name.is_l0() => self::lsns(lsns),
        LayerName::Delta { keys, lsns } => format!("{}@{}", range(keys), self::lsns(lsns)),
        LayerName::Image { keys, lsn } => format!("{}@{}", range(keys), lsn.0),
    }
}

/// The name that has this short form; the kind is `delta` or `image`.
pub fn long(kind: &str, short: &str) -> Option<LayerName> {
    let (keys_text, lsns_text) = short.split_once('@').unwrap_or(("all", short));
    let keys = keys(keys_text);
    let parse = |text: &str| text.parse().ok().map(Lsn);
    Some(match (kind, lsns_text.split_once("..")) {
        ("image", None) => LayerName::Image {
            keys,
            lsn: parse(lsns_text)?,
        },
        ("delta", Some((start, end))) => LayerName::Delta {
            keys,
            lsns: LsnRange::new(parse(start)?, parse(end)?),
        },
        _ => return None,
    })
}

/// The kind of layer of a name, as a word.
pub fn kind(name: LayerName) -> &'static str {
    match name {
        LayerName::Delta { .. } => "delta",
        LayerName::Image { .. } => "image",
    }
}

fn lsns(lsns: LsnRange) -> String {
    format!("{}..{}", lsns.start.0, lsns.end.0)
}

/// All layers in one line, from the oldest on.
pub fn list<I: Io>(map: &LayerMap<I>) -> String {
    let files = map.files().iter();
    let mut layers: Vec<String> = files
        .map(|(name, _)| format!("{} {}", kind(name), short(name)))
        .collect();
    layers.extend(map.frozen().iter().map(|layer| {
        let lsns = layer.lsns().expect("it is frozen");
        format!("frozen {}", self::lsns(lsns))
    }));
    layers.extend(map.open().map(|open| format!("open {}..", open.start().0)));
    match layers.is_empty() {
        true => "no layer".to_owned(),
        false => layers.join(", "),
    }
}

/// The layers that a read visits: `delta 11..31 to 21` is read down to LSN 21.
pub fn visits(visits: &[Visit]) -> String {
    let visit = |visit: &Visit| match visit.layer {
        LayerId::Memory(start) => format!("memory {}..", start.0),
        LayerId::File(name) if name.lsns().start < visit.lsns.start => {
            format!("{} {} to {}", kind(name), short(name), visit.lsns.start.0)
        }
        LayerId::File(name) => format!("{} {}", kind(name), short(name)),
    };
    match visits {
        [] => "no layer".to_owned(),
        _ => visits.iter().map(visit).collect::<Vec<_>>().join(", "),
    }
}

/// The width of a key in the picture, in columns.
const CELL: usize = 4;

/// The layers over the keys a to f, from the newest on: a delta as `[===]`, an image as `[---]`.
pub fn picture<I: Io>(map: &LayerMap<I>) -> String {
    let mut lines = vec![format!("{:14}MIN a   b   c   d   e   f   MAX", "")];
    let files: Vec<_> = map.files().iter().collect();
    for (name, _) in files.into_iter().rev() {
        let lsns_text = match name {
            LayerName::Delta { lsns, .. } => self::lsns(lsns),
            LayerName::Image { lsn, .. } => lsn.0.to_string(),
        };
        let line = format!("{} {lsns_text}", kind(name));
        lines.push(format!("{line:14}{}", bar(name)));
    }
    lines.join("\n")
}

fn bar(name: LayerName) -> String {
    let KeyRange { start, end } = name.keys();
    let edges = (b'a'..=b'f').map(|character| palimpsest::Key::MIN.add(u32::from(character)));
    let edges: Vec<_> = edges.collect();
    let column = |key| CELL * edges.iter().filter(|edge| **edge <= key).count();
    let last = match end {
        palimpsest::Key::MAX => CELL * (edges.len() + 1),
        _ => column(end),
    };
    let fill = match name {
        LayerName::Delta { .. } => "=",
        LayerName::Image { .. } => "-",
    };
    let blank = " ".repeat(column(start));
    format!("{blank}[{}]", fill.repeat(last - column(start) - 2))
}
