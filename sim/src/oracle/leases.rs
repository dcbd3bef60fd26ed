//! The leases of a timeline: what was promised, and what may stand besides.
//!
//! ```text
//!   begin ──▶ perhaps ──granted──▶ promised ──over──▶ perhaps ──not listed──▶ gone
//!                                                       ▲                     │
//!                                                       └──reopened, listed───┘
//! ```

use std::collections::{BTreeMap, BTreeSet};

use palimpsest::base::{Lsn, Time};

/// What is known of a timeline's leases.
#[derive(Clone, Debug, Default)]
pub struct Leases {
    /// Acknowledged and not over: until when.
    promised: BTreeMap<Lsn, Time>,
    /// Begun and not acknowledged, or over: a collection may have dropped it, or a crash.
    perhaps: BTreeSet<Lsn>,
    /// Those of `perhaps` that are over, each since when.
    over: BTreeMap<Lsn, Time>,
    /// Dropped in this life: the index of an earlier moment may still have them.
    gone: BTreeSet<Lsn>,
    /// Begun, or prolonged, without an answer since: they may stand longer than was promised.
    in_doubt: BTreeSet<Lsn>,
    /// How many are being granted.
    grant_count: u32,
}

impl Leases {
    /// Begins to lease an LSN.
    pub fn begin(&mut self, lsn: Lsn) {
        self.grant_count += 1;
        self.perhaps.insert(lsn);
        self.in_doubt.insert(lsn);
        self.over.remove(&lsn);
    }

    /// Ends that, with the time until which the LSN was promised, if it was.
    pub fn end(&mut self, lsn: Lsn, until: Option<Time>) {
        self.grant_count -= 1;
        self.over.remove(&lsn);
        match until {
            Some(until) => {
                let promised = self.promised.entry(lsn).or_insert(until);
                *promised = until.max(*promised);
                self.in_doubt.remove(&lsn);
            }
            // One beside it may have been granted meanwhile, until an earlier time.
            None => _ = self.in_doubt.insert(lsn),
        }
    }

    /// Notes the time: what was promised until an earlier one is over.
    pub fn pass(&mut self, now: Time) {
        let over: BTreeMap<Lsn, Time> = self
            .promised
            .extract_if(.., |_, until| *until < now)
            .collect();
        self.perhaps.extend(over.keys());
        let known = over
            .into_iter()
            .filter(|(lsn, _)| !self.in_doubt.contains(lsn));
        self.over.extend(known);
    }

    /// Ends what was in flight, as its process has ended. What was dropped may be back.
    pub fn recover(&mut self) {
        self.grant_count = 0;
        self.perhaps.append(&mut self.gone);
    }

    /// Compares them with those that the engine lists. One that may be gone and is not listed is.
    ///
    /// # Errors
    /// What is promised and not listed, or listed and was never asked for.
    pub fn see(&mut self, listed: &BTreeMap<Lsn, Time>) -> Result<(), String> {
        let kept = |(lsn, until): (&Lsn, &Time)| listed.get(lsn).is_some_and(|at| until <= at);
        if let Some((lsn, until)) = self.promised.iter().find(|lease| !kept(*lease)) {
            return Err(format!("LSN {lsn} is leased until {until:?}"));
        }
        let is_known = |lsn: &&Lsn| self.promised.contains_key(lsn) || self.perhaps.contains(lsn);
        if let Some(lsn) = listed.keys().find(|lsn| !is_known(lsn)) {
            return Err(format!(
                "no lease of LSN {lsn} stands, it was not asked for"
            ));
        }
        if self.grant_count == 0 {
            let gone = self.perhaps.extract_if(.., |lsn| !listed.contains_key(lsn));
            self.gone.extend(gone);
        }
        Ok(())
    }

    /// Those that were over at a time.
    pub fn over_at(&self, time: Time) -> impl Iterator<Item = Lsn> {
        let over = self.over.iter().filter(move |(_, until)| **until < time);
        over.map(|(lsn, _)| *lsn)
    }

    /// The LSNs that must be readable.
    pub fn promised(&self) -> impl Iterator<Item = Lsn> {
        self.promised.keys().copied()
    }

    /// The LSNs that may be readable.
    pub fn perhaps(&self) -> impl Iterator<Item = Lsn> {
        self.perhaps.iter().copied()
    }
}
