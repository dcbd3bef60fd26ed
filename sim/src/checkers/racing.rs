//! Whether reads that race with other tasks answer what was true at some moment of them.
//!
//! * Verified: a read gives an answer that was true at its start, at its end, or between two
//!   batches that share an LSN in between; it is refused only if it may have been at some moment.
//! * Not verified: which of these moments it was; two reads of one task may go back in time by
//!   what one batch in doubt allows.
//!
//! Its state is what was true at the start.

use palimpsest::base::Lsn;

use super::{Sight, cutoff};
use crate::label::TimelineLabel;
use crate::model::History;
use crate::oracle::{self, Allowed, View};
use crate::verdict::Verdict;

/// What may be answered at this moment. The timeline may be there.
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

/// A read under way.
pub struct Racing<T> {
    point: (TimelineLabel, Lsn),
    start: View<T>,
    begun: usize,
}

/// A read that is over.
pub struct Raced<T> {
    point: (TimelineLabel, Lsn),
    start: View<T>,
    between: Vec<T>,
}

impl<T> Racing<T> {
    /// A read begins, which gets its answer from a history by `ask`.
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

    /// The read is over, with an answer or by a drop.
    pub fn end(self, sight: &mut Sight, ask: impl Fn(&History) -> T) -> Raced<T> {
        let between = sight.expected(self.point.0).end_read(self.begun, ask);
        Raced {
            point: self.point,
            start: self.start,
            between,
        }
    }
}

impl<T> Raced<T> {
    /// What it may have answered, as far as is known now: what was acknowledged meanwhile may have
    /// been seen as well.
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
