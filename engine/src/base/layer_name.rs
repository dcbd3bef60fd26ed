//! The name of a layer, which says what it holds.
//!
//! ```text
//! delta   KEYSTART-KEYEND__LSNSTART-LSNEND     36-36__16-16 upper-case hex digits, ends exclusive
//! image   KEYSTART-KEYEND__LSN                 36-36__16
//! ```

use std::cmp::Ordering;
use std::fmt;

use super::{Generation, Key, KeyRange, Lsn, LsnRange, hex};

/// The name of a layer: which keys and LSNs it covers, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LayerName {
    /// All records of some keys in a range of LSNs.
    Delta {
        /// The keys whose records it holds.
        keys: KeyRange,
        /// The LSNs of the records.
        lsns: LsnRange,
    },
    /// The whole values of some keys at one LSN.
    Image {
        /// The keys whose values it holds.
        keys: KeyRange,
        /// The LSN of the values.
        lsn: Lsn,
    },
}

impl LayerName {
    /// Reads what `Display` prints, bare or with a generation behind it.
    ///
    /// # Shape
    /// The suffix is `-v1-` or `-` and 8 hex digits. `None` for any other spelling, and for a delta
    /// without keys or LSNs.
    /// # Source
    /// LATENT-1 of a peer: it ignores what follows `-v`, and so takes a file that an interrupted
    /// download left, which ends in `.temp_download`, for the layer.
    pub fn parse(text: &str) -> Option<LayerName> {
        let (keys, rest) = text.split_once("__")?;
        let keys = parse_keys(keys)?;
        let (first, rest) = match rest.split_once('-') {
            Some((first, rest)) => (first, Some(rest)),
            None => (rest, None),
        };
        let start = parse_lsn(first)?;
        let (second, suffix) = split_delta_end(rest);
        if !suffix.is_none_or(is_generation) {
            return None;
        }
        let Some(second) = second else {
            return Some(LayerName::Image { keys, lsn: start });
        };
        let lsns = LsnRange::new(start, parse_lsn(second)?);
        (!keys.is_empty() && !lsns.is_empty()).then_some(LayerName::Delta { keys, lsns })
    }

    /// The keys that it covers.
    pub fn keys(&self) -> KeyRange {
        match *self {
            LayerName::Delta { keys, .. } | LayerName::Image { keys, .. } => keys,
        }
    }

    /// The LSNs that it covers; an image covers one LSN, its own.
    ///
    /// # Shape
    /// Empty for an image at `Lsn::MAX`, which no read can reach.
    pub fn lsns(&self) -> LsnRange {
        match *self {
            LayerName::Delta { lsns, .. } => lsns,
            LayerName::Image { lsn, .. } => {
                LsnRange::new(lsn, lsn.checked_add(1).unwrap_or(Lsn::MAX))
            }
        }
    }

    /// Whether it holds records.
    pub fn is_delta(&self) -> bool {
        matches!(self, LayerName::Delta { .. })
    }

    /// Whether it holds whole values.
    pub fn is_image(&self) -> bool {
        matches!(self, LayerName::Image { .. })
    }

    /// Whether it is a delta that a flush wrote: over exactly all keys.
    pub fn is_l0(&self) -> bool {
        self.is_delta() && self.keys().is_all()
    }

    /// Whether it holds anything above `disk_consistent_lsn`.
    pub fn is_above(&self, disk_consistent_lsn: Lsn) -> bool {
        match *self {
            LayerName::Image { lsn, .. } => disk_consistent_lsn < lsn,
            // Nothing is later than `Lsn::MAX`.
            LayerName::Delta { lsns, .. } => disk_consistent_lsn
                .checked_add(1)
                .is_some_and(|end| end < lsns.end),
        }
    }

    fn order(&self) -> (LsnRange, KeyRange, bool) {
        (self.lsns(), self.keys(), self.is_image())
    }
}

/// Ordered by LSNs, then by keys; at equal LSNs and keys the image comes after the delta.
impl Ord for LayerName {
    fn cmp(&self, other: &LayerName) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl PartialOrd for LayerName {
    fn partial_cmp(&self, other: &LayerName) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayerName::Delta { keys, lsns } => {
                write_start(f, keys, lsns.start)?;
                f.write_str("-")?;
                hex::write_upper(f, &lsns.end.0.to_be_bytes())
            }
            LayerName::Image { keys, lsn } => write_start(f, keys, *lsn),
        }
    }
}

fn write_start(f: &mut fmt::Formatter<'_>, keys: &KeyRange, lsn: Lsn) -> fmt::Result {
    fmt::Display::fmt(keys, f)?;
    f.write_str("__")?;
    hex::write_upper(f, &lsn.0.to_be_bytes())
}

/// Splits the text that follows an LSN into the end of a delta's LSNs and the suffix.
///
/// The length decides: an LSN has 16 digits, a suffix 8 or 11 characters.
fn split_delta_end(rest: Option<&str>) -> (Option<&str>, Option<&str>) {
    let Some(rest) = rest else {
        return (None, None);
    };
    match rest.split_once('-') {
        Some((end, suffix)) if end.len() == 16 => (Some(end), Some(suffix)),
        None if rest.len() == 16 => (Some(rest), None),
        _ => (None, Some(rest)),
    }
}

fn is_generation(suffix: &str) -> bool {
    let digits = suffix.strip_prefix("v1-").unwrap_or(suffix);
    Generation::parse(digits).is_some()
}

fn parse_keys(text: &str) -> Option<KeyRange> {
    let (start, end) = text.split_once('-')?;
    Some(KeyRange::new(parse_key(start)?, parse_key(end)?))
}

/// Reads a key. One layer has one name, so digits in lower case are refused.
fn parse_key(text: &str) -> Option<Key> {
    let key = text.parse::<Key>().ok()?;
    hex::is_upper(text).then_some(key)
}

fn parse_lsn(text: &str) -> Option<Lsn> {
    let lsn = hex::parse_u64(text, 16..=16)?;
    hex::is_upper(text).then_some(Lsn(lsn))
}

#[cfg(test)]
pub(super) mod tests;
