//! Checks that reads that race with other tasks answer what was true at some moment of them.
//!
//! * Verified: a read gives an answer that was true at its start, at its end, or between two
//!   batches that share an LSN in between; it is refused only if it was illegal at some moment.
//! * Not verified: which of these moments; two reads of one task may go back in time by one batch
//!   in doubt.
//!
//! Its state is what was true at the start of the read.

use palimpsest::base::Lsn;

use super::{Sight, cutoff};
use crate::label::TimelineLabel;
use crate::model::History;
use crate::oracle::{self, Allowed, View};
use crate::verdict::Verdict;

/// What a read of a timeline that may be there may answer now.
///
/// # Errors
/// A broken law of the cutoffs.
pub fn view<T>(
    sight: &mut Sight,
    point: (TimelineLabel, Lsn),
    ask: impl Fn(&History) -> T,
) -> Result<View<T>, Verdict> {
    cutoff::look(sight)?;
    Ok(oracle::view(sight.expectations, point, ask))
}

/// A read in flight.
pub struct Racing<T> {
    point: (TimelineLabel, Lsn),
    start: View<T>,
    begun: usize,
}

/// A read that has ended.
pub struct Raced<T> {
    point: (TimelineLabel, Lsn),
    start: View<T>,
    between: Vec<T>,
}

impl<T> Racing<T> {
    /// Begins a read, which gets its answer from a history by `ask`.
    ///
    /// # Errors
    /// A broken law of the cutoffs.
    pub fn begin(
        sight: &mut Sight,
        point: (TimelineLabel, Lsn),
        ask: impl Fn(&History) -> T,
    ) -> Result<Racing<T>, Verdict> {
        let start = view(sight, point, ask)?;
        let begun = sight.expected(point.0).begin_read();
        Ok(Racing {
            point,
            start,
            begun,
        })
    }

    /// Ends the read, with an answer or by a cancel.
    pub fn end(self, sight: &mut Sight, ask: impl Fn(&History) -> T) -> Raced<T> {
        let between = sight.expected(self.point.0).end_read(self.begun, ask);
        Raced {
            point: self.point,
            start: self.start,
            between,
        }
    }
}

impl<T: Clone> Raced<T> {
    /// All that was true at some moment of the read, whether or not it may be read now.
    pub fn seen(&self, sight: &Sight, ask: impl Fn(&History) -> T) -> Vec<T> {
        let end = oracle::view(sight.expectations, self.point, ask);
        let mut seen = self.start.clone().with(self.between.clone()).all();
        seen.extend(end.all());
        seen
    }
}

impl<T> Raced<T> {
    /// What the read may have answered, by what is known now: it may also have seen what was
    /// acknowledged meanwhile.
    ///
    /// # Errors
    /// A broken law of the cutoffs.
    pub fn allowed(
        self,
        sight: &mut Sight,
        ask: impl Fn(&History) -> T,
    ) -> Result<Allowed<T>, Verdict> {
        let end = view(sight, self.point, ask)?.with(self.between);
        Ok(self.start.until(end))
    }
}
