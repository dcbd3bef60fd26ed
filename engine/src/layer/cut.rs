//! Cutting the records of a merged run into pieces, each of which becomes a layer.
//!
//! ```text
//!  lsn
//!  end ┬───────────┬─┬──────┬───────────────┐
//!      │           │4│      │               │
//!      │     1     ├─┤  5   │       6       │      keys ascend: the second key is fat,
//!      │           │3│      │               │      its slices 2, 3 and 4 abut
//!      │           ├─┤      │               │
//!      │           │2│      │               │
//! start┴───────────┴─┴──────┴───────────────┴─▶ key
//! ```
//!
//! 1. A piece holds whole keys, as many as stay within the target, and spans the LSNs of the whole
//!    run: so a key is split over two pieces by LSN only.
//! 2. A key whose records alone are longer than the target is fat. It stands alone and is sliced
//!    between two of its LSNs. Its slices abut, and together span the run.
//! 3. Until the last record of a key has come, it is unknown whether the key is fat. Only the LSNs
//!    at which it would be cut are kept: two adjacent slices are together longer than the target,
//!    so these are few.
//! 4. Or a piece is filled from the target on (`Fill::FromTarget`): then layers that are merged
//!    again and again do not become smaller each time.
//! 5. No piece covers all keys, for such a layer would count as an L0.

use std::fmt;

use crate::base::{Key, KeyRange, Lsn, LsnRange};

/// The keys and LSNs of a layer that will be written.
///
/// # Shape
/// Prints as `START-END start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The keys, from one that has a record to the last one that has a record.
    pub keys: KeyRange,
    /// The LSNs of the run, or of a slice of it for one key alone.
    pub lsns: LsnRange,
}

impl Piece {
    /// Whether all of its records precede all of `other`'s, by key and then LSN.
    pub fn stands_before(&self, other: &Piece) -> bool {
        match self.keys == other.keys {
            true => self.lsns.end <= other.lsns.start,
            false => self.keys.end <= other.keys.start,
        }
    }

    /// Whether a record of the run belongs to it.
    pub fn contains(&self, key: Key, lsn: Lsn) -> bool {
        self.keys.contains(key) && self.lsns.contains(lsn)
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.keys, self.lsns)
    }
}

/// The parameters of a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutPlan {
    /// The LSNs of the whole run.
    pub lsns: LsnRange,
    /// The target for the length of a piece's records together, in bytes.
    pub len_target: u64,
    /// How pieces come to that length.
    pub fill: Fill,
}

/// How a piece comes to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// With as many keys as stay within it. A key that is longer by itself is fat.
    UpToTarget,
    /// With as many keys as it takes to reach it; the last piece with all that is left below a
    /// target and a quarter, so that none is much shorter than the others. A key that is longer
    /// than the target, and has one LSN alone, is not fat, for there is no cut in it.
    FromTarget,
}

/// Cuts a run, record by record.
#[derive(Debug)]
pub struct Cutter {
    plan: CutPlan,
    pieces: Vec<Piece>,
    /// The keys of the next piece so far.
    shared: Option<Shared>,
    /// The keys behind a piece that has reached its target, while they are too few to be one.
    rest: Option<Shared>,
    /// The key of the last record, with the records of it so far.
    history: Option<KeyHistory>,
    /// The exclusive end of the keys that are complete.
    floor: Key,
}

#[derive(Debug)]
struct Shared {
    keys: KeyRange,
    len: u64,
}

/// One key's records, and the LSNs at which they are cut if the key is fat.
#[derive(Debug)]
struct KeyHistory {
    key: Key,
    len: u64,
    /// The LSN of the last records, which stay in one slice. `last_len` is their length in bytes.
    last_lsn: Lsn,
    last_len: u64,
    /// The length of the slice's records below `last_lsn`, in bytes.
    slice_len: u64,
    /// The LSNs at which one slice ends and the next one starts.
    cuts: Vec<Lsn>,
}

impl Cutter {
    /// A cutter for a run, before its first record.
    ///
    /// # Panics
    /// If the run has no LSNs.
    pub fn new(plan: CutPlan) -> Cutter {
        assert!(!plan.lsns.is_empty());
        Cutter {
            plan,
            pieces: Vec::new(),
            shared: None,
            rest: None,
            history: None,
            floor: Key::MIN,
        }
    }

    /// Takes the next record, which is `len` bytes long.
    ///
    /// # Panics
    /// If it is below the last one, by key and LSN, or outside of the run.
    pub fn push(&mut self, key: Key, lsn: Lsn, len: u64) {
        assert!(key < Key::MAX);
        assert!(self.plan.lsns.contains(lsn));
        let len_target = self.plan.len_target;
        match &mut self.history {
            Some(history) if history.key == key => history.push(lsn, len, len_target),
            _ => {
                self.settle();
                assert!(self.floor <= key);
                self.history = Some(KeyHistory::new(key, lsn, len));
            }
        }
    }

    /// Tells the cutter that a hole lies between the last key and the next, which no piece needs to
    /// cover.
    ///
    /// # Shape
    /// The piece is closed if it has a quarter of the target's length: a shorter one is not worth a
    /// layer.
    pub fn push_hole(&mut self) {
        self.settle();
        let len_min = self.plan.len_target / 4;
        if self
            .shared
            .as_ref()
            .is_some_and(|shared| len_min <= shared.len)
        {
            self.close();
        }
    }

    /// Ends the run, and returns its pieces by key and then by LSN.
    pub fn finish(mut self) -> Vec<Piece> {
        self.settle();
        self.close();
        self.pieces
    }

    /// Assigns the last key to a piece, now that all its records have come.
    fn settle(&mut self) {
        let Some(history) = self.history.take() else {
            return;
        };
        self.floor = history.key.next();
        let is_fat = match self.plan.fill {
            Fill::UpToTarget => self.plan.len_target < history.len,
            Fill::FromTarget => !history.cuts.is_empty(),
        };
        match self.plan.fill {
            _ if is_fat => {
                self.close();
                self.slice(&history);
            }
            Fill::UpToTarget => self.share(&history),
            Fill::FromTarget => self.tile(&history),
        }
    }

    /// Adds the key to the current piece until that has reached its target, then to the rest.
    fn tile(&mut self, history: &KeyHistory) {
        if self.is_enough() {
            let rest = self.rest.take();
            self.emit_shared();
            self.shared = rest;
        }
        let alone = Shared {
            keys: KeyRange::single(history.key),
            len: history.len,
        };
        let Some(shared) = &self.shared else {
            self.shared = Some(alone);
            return;
        };
        let joined = shared.join(&alone);
        if shared.len < self.plan.len_target && !joined.keys.is_all() {
            self.shared = Some(joined);
            return;
        }
        let rest = self.rest.as_ref().map(|rest| rest.join(&alone));
        self.rest = Some(rest.unwrap_or(alone));
    }

    /// Whether the current piece and the rest are too long to become one piece.
    fn is_enough(&self) -> bool {
        let pieces = self.shared.iter().chain(&self.rest);
        let len: u128 = pieces.map(|piece| u128::from(piece.len)).sum();
        5 * u128::from(self.plan.len_target) <= 4 * len
    }

    /// Adds the key to the current piece, or closes that and starts a new one.
    fn share(&mut self, history: &KeyHistory) {
        let alone = Shared {
            keys: KeyRange::single(history.key),
            len: history.len,
        };
        let joined = self.shared.as_ref().map(|shared| shared.join(&alone));
        match joined {
            Some(joined) if joined.len <= self.plan.len_target && !joined.keys.is_all() => {
                self.shared = Some(joined);
            }
            _ => {
                self.close();
                self.shared = Some(alone);
            }
        }
    }

    /// Closes the current piece, if there is one, with the rest or before it.
    fn close(&mut self) {
        let joined = match (&self.shared, &self.rest) {
            (Some(shared), Some(rest)) if !self.is_enough() => Some(shared.join(rest)),
            _ => None,
        };
        if let Some(joined) = joined.filter(|joined| !joined.keys.is_all()) {
            self.rest = None;
            self.shared = Some(joined);
        }
        self.emit_shared();
        self.shared = self.rest.take();
        self.emit_shared();
    }

    fn emit_shared(&mut self) {
        if let Some(shared) = self.shared.take() {
            self.emit(Piece {
                keys: shared.keys,
                lsns: self.plan.lsns,
            });
        }
    }

    /// Slices a fat key into pieces.
    fn slice(&mut self, history: &KeyHistory) {
        let keys = KeyRange::single(history.key);
        let ends = history.cuts.iter().copied().chain([self.plan.lsns.end]);
        let mut start = self.plan.lsns.start;
        for end in ends {
            let lsns = LsnRange::new(start, end);
            self.emit(Piece { keys, lsns });
            start = end;
        }
    }

    fn emit(&mut self, piece: Piece) {
        assert!(!piece.keys.is_empty());
        assert!(!piece.keys.is_all());
        assert!(!piece.lsns.is_empty());
        self.pieces.push(piece);
    }
}

impl Shared {
    /// The keys of both, and all between them.
    fn join(&self, above: &Shared) -> Shared {
        assert!(self.keys.end <= above.keys.start);
        Shared {
            keys: KeyRange::new(self.keys.start, above.keys.end),
            len: self.len.saturating_add(above.len),
        }
    }
}

impl KeyHistory {
    fn new(key: Key, lsn: Lsn, len: u64) -> KeyHistory {
        KeyHistory {
            key,
            len,
            last_lsn: lsn,
            last_len: len,
            slice_len: 0,
            cuts: Vec::new(),
        }
    }

    fn push(&mut self, lsn: Lsn, len: u64, len_target: u64) {
        assert!(self.last_lsn <= lsn);
        if self.last_lsn < lsn {
            self.slice_len = self.slice_len.saturating_add(self.last_len);
            self.last_lsn = lsn;
            self.last_len = 0;
        }
        self.len = self.len.saturating_add(len);
        self.last_len = self.last_len.saturating_add(len);
        let is_too_long = len_target < self.slice_len.saturating_add(self.last_len);
        if 0 < self.slice_len && is_too_long {
            self.cuts.push(lsn);
            self.slice_len = 0;
        }
    }
}

/// Whether the distance from `left` to `right` is `distance_min` keys or more.
///
/// # Shape
/// The distance of adjacent keys is 1.
/// # Panics
/// If `right` is below `left`.
pub fn is_wide_gap(left: Key, right: Key, distance_min: u64) -> bool {
    assert!(left <= right);
    distance_min <= left.distance_to(right)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tiles;
