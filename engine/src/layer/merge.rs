//! Merging many sorted streams of records into one.
//!
//! 1. Each source is in one of three states: its head is in the heap, it is the one to be asked
//!    next, or it is at its end.
//!
//! ```text
//!               ┌────────── it gave a record ──────────┐
//!               ▼                                      │
//!  new() ──▶ in the heap ──its head is the lowest──▶ to be asked ──it gave none──▶ at its end
//! ```
//!
//! 2. The head of a source that was never asked is a lower bound for its first key, ordered before
//!    all records of that key. So a source is opened when the merge gets there, and never too late.
//! 3. While a source is awaited nothing is removed from the heap, and the source to be asked stays
//!    so until it has answered: a cancelled call loses no record.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::raw_record::{Placed, RecordKind};
use crate::base::{Error, Key, Lsn, Result};

/// A sorted stream of records.
pub trait Source: Send {
    /// The records of the stream.
    type Item: Placed;

    /// A lower bound for its keys. The merge does not open it before it gets there.
    fn first_key(&self) -> Key;

    /// The next record; `None` after the last.
    ///
    /// # Shape
    /// Records ascend strictly by key, LSN, image before delta. A cancelled call loses no record.
    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Item>>> + Send;
}

/// Merges the records of its sources, in order.
///
/// # Shape
/// By key, LSN, image before delta. Records of several sources at one place are all returned, in an
/// order that does not depend on that of the sources. Holds one record of each source in memory.
pub struct Merge<S: Source> {
    sources: Vec<S>,
    heads: BinaryHeap<Reverse<Head<S::Item>>>,
    /// The source to be asked next.
    asked: Option<usize>,
    /// The place of the last record that was returned.
    last: Option<(Key, Lsn, RecordKind)>,
    /// The error that stopped the merge for good.
    failure: Option<Error>,
}

/// The lowest remaining record of a source.
struct Head<T> {
    place: MergePlace<T>,
    source: usize,
}

enum MergePlace<T> {
    /// The source was never asked; it has no record below this key.
    Unopened(Key),
    Record(T),
}

impl<S: Source> Merge<S> {
    /// Merges `sources`, and asks none of them yet.
    pub fn new(sources: Vec<S>) -> Merge<S> {
        let heads = (0..).zip(&sources).map(|(source, stream)| {
            let place = MergePlace::Unopened(stream.first_key());
            Reverse(Head { place, source })
        });
        Merge {
            heads: heads.collect(),
            sources,
            asked: None,
            last: None,
            failure: None,
        }
    }

    /// The next record of all sources; `None` after the last.
    ///
    /// # Errors
    /// The first error of a source; every later call returns it too, since a failed read is not the
    /// end.
    /// # Panics
    /// If a source goes backwards.
    pub async fn next(&mut self) -> Result<Option<S::Item>> {
        loop {
            if let Some(failure) = &self.failure {
                return Err(failure.clone());
            }
            if let Some(source) = self.asked {
                match self.sources[source].next().await {
                    Ok(record) => self.take(source, record),
                    Err(error) => self.failure = Some(error),
                }
                continue;
            }
            let Some(Reverse(head)) = self.heads.pop() else {
                return Ok(None);
            };
            self.asked = Some(head.source);
            if let MergePlace::Record(record) = head.place {
                assert!(self.last <= Some(record.place()));
                self.last = Some(record.place());
                return Ok(Some(record));
            }
        }
    }

    /// Takes the next record of the source that was asked.
    fn take(&mut self, source: usize, record: Option<S::Item>) {
        self.asked = None;
        if let Some(record) = record {
            assert!(self.sources[source].first_key() <= record.place().0);
            assert!(self.last < Some(record.place()));
            let place = MergePlace::Record(record);
            self.heads.push(Reverse(Head { place, source }));
        }
    }
}

impl<T: Placed> Head<T> {
    /// The order in the heap: at one key, a source that was never asked comes first.
    fn order(&self) -> (Key, Option<&T>) {
        match &self.place {
            MergePlace::Unopened(key) => (*key, None),
            MergePlace::Record(record) => (record.place().0, Some(record)),
        }
    }
}

impl<T: Placed> Ord for Head<T> {
    fn cmp(&self, other: &Head<T>) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl<T: Placed> PartialOrd for Head<T> {
    fn partial_cmp(&self, other: &Head<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Placed> PartialEq for Head<T> {
    fn eq(&self, other: &Head<T>) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T: Placed> Eq for Head<T> {}

#[cfg(test)]
mod tests;
