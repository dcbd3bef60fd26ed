//! The axes that all maps of one timeline share: the places and labels of keys and LSNs.

use palimpsest::base::{Key, Lsn};

use super::Scale;

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

/// The width of a stretch without a named key, relative to a stretch with one.
const GAP: f64 = 0.35;

/// The height of a stretch of one LSN, relative to a longer one.
const ONE_LSN: f64 = 0.8;

/// LSNs from this one on are shown relative to the lowest.
const LSN_LONG: u64 = 1 << 24;

/// The places of the keys and LSNs of one timeline.
#[derive(Clone, Debug)]
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
    /// Makes the axes for layers with these edges. Each named key gets a column of its own and each
    /// of `points` a stretch of LSNs.
    ///
    /// # Shape
    /// Named keys are in order. There are no labels yet.
    pub fn new(
        (mut keys, named): (Vec<Key>, &[Key]),
        (mut lsns, points): (Vec<Lsn>, &[Lsn]),
    ) -> Axes {
        keys.extend([Key::MIN, Key::MAX]);
        for key in named {
            keys.extend([*key, key.checked_next().unwrap_or(Key::MAX)]);
        }
        let is_named = |start: Key| named.binary_search(&start).is_ok();
        let keys = Scale::new(keys, (LEFT, RIGHT), |start, _| match is_named(start) {
            true => 1.0,
            false => GAP,
        });
        lsns.extend(points.iter().flat_map(|lsn| [*lsn, after(*lsn)]));
        lsns.sort_unstable();
        lsns.dedup();
        if lsns.is_empty() {
            lsns.push(Lsn::ZERO);
        }
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
            labels: Vec::new(),
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
